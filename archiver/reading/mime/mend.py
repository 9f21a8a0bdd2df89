"""Mend what would make the parser give up on the headers, and say what was mended.

The standard library ends the headers at the first line that is not one: a mailer's stray line, a
blank before the colon (RFC 5322, section 4.5) or a byte order mark would turn every later header
into text. Only the copy that is parsed is mended; the record keeps its bytes.
"""

import re
from dataclasses import dataclass

_BOM = b"\xef\xbb\xbf"
_HEADER = re.compile(rb"[!-9;-~]+:")
_LEADING_BLANKS = re.compile(rb"(?:[ \t]*+(?:\r\n|\n|\r))+(?=[!-9;-~]+:|From )")
_BLANK_LINES = (b"\n\n", b"\n\r\n", b"\r\r")
_BAD_LINE = re.compile(rb"\n(?![!-9;-~]+:|[ \t\r\n]|\Z)")
_SPACED_COLON = re.compile(rb"([!-9;-~]+)[ \t]+:")
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\n|\r|\Z)")
_MULTIPART = re.compile(rb"content-type:\s*multipart/", re.IGNORECASE)
_LOOK_AHEAD = 5
_MAX_JUNK = 1_000
_KNOWN = re.compile(
    rb"(?:from|to|cc|bcc|subject|date|message-id|received|mime-version|content-[a-z-]+|reply-to"
    rb"|return-path|references|in-reply-to|sender|list-[a-z-]+|x-[a-z0-9-]+|delivered-to|status"
    rb"|dkim-signature|arc-[a-z-]+|authentication-results|precedence|user-agent|importance"
    rb"|priority|organization|errors-to|envelope-to|lines|auto-submitted|thread-[a-z]+)[ \t]*:",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Mended:
    """Bytes that the parser takes, and what was wrong with those that came."""

    data: bytes
    junk: tuple[tuple[int, str], ...] = ()
    """Lines among the headers that are none: how many headers stood before each, and the line."""
    problems: tuple[tuple[str, str], ...] = ()
    """Defect codes, each with the words to quote."""


def mend(data: bytes) -> Mended:
    """Return DATA as the parser takes it; sound mail comes back unchanged and uncopied."""
    problems: list[tuple[str, str]] = []
    data = _mend_line_ends(data, problems)
    if data.startswith(_BOM):
        data = data[len(_BOM) :]
        problems.append(("byte-order-mark", ""))
    blanks = _LEADING_BLANKS.match(data)
    if blanks:
        data = data[blanks.end() :]
    if data.startswith((b"From ", b">From ")):
        line = _line(data, 0)
        data = data[len(line) :]
        problems.append(("mbox-from-line", _text(line)))
    head = _head(data)
    if _HEADER.match(head) and not _BAD_LINE.search(head):
        return Mended(data, (), tuple(problems))
    mended, junk = _mend_head(head)
    problems += [("header-broken", line) for _place, line in junk]
    return Mended(mended + data[len(head) :], tuple(junk), tuple(problems))


def _mend_line_ends(data: bytes, problems: list[tuple[str, str]]) -> bytes:
    """Undo a doubled CR, and take CR alone for a line end where there is no other."""
    first = _line(data, 0)
    if first.endswith(b"\r") and data.startswith(b"\r\n", len(first)):
        problems.append(("line-ends", ""))
        return data.replace(b"\r\r\n", b"\r\n")
    if first.endswith(b"\r") and b"\n" not in data:
        problems.append(("line-ends", ""))
        return data.replace(b"\r", b"\n")
    return data


def _line(data: bytes, start: int) -> bytes:
    found = _LINE.match(data, start)
    return found[0] if found else b""


def _head(data: bytes) -> bytes:
    """Return the lines before the first blank one, with their ends."""
    if data.startswith((b"\n", b"\r")):
        return b""
    end = len(data)
    for blank_line in _BLANK_LINES:
        found = data.find(blank_line, 0, end + len(blank_line))
        end = found if found >= 0 else end
    return data[: end + 1]


def _mend_head(head: bytes) -> tuple[bytes, list[tuple[int, str]]]:
    """Take out lines that are no headers, unless the text begins with them."""
    lines = head.splitlines(keepends=True)
    kept: list[bytes] = []
    junk: list[tuple[int, str]] = []
    headers = 0
    for place, line in enumerate(lines):
        spaced = _SPACED_COLON.match(line)
        if _HEADER.match(line):
            headers += 1
            kept.append(line)
        elif line[:1] in b" \t" and headers:
            kept.append(line)
        elif spaced:
            headers += 1
            kept.append(spaced[1] + b":" + line[spaced.end() :])
        elif len(junk) < _MAX_JUNK and _headers_go_on(lines, place):
            junk.append((headers, _text(line)))
        else:
            # The text begins without a blank line: give it one, as other readers do.
            return b"".join([*kept, b"\n", *lines[place:]]), junk
    return b"".join(kept), junk


def _headers_go_on(lines: list[bytes], place: int) -> bool:
    """Tell whether a well-known header follows soon after the line at PLACE.

    Before a multipart the last line is no text either: text there would be shown by nobody.
    """
    if place == len(lines) - 1:
        return any(_MULTIPART.match(line) for line in lines[:place])
    return any(_KNOWN.match(line) for line in lines[place + 1 : place + 1 + _LOOK_AHEAD])


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape").strip("\r\n")
