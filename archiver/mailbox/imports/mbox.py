"""Read mbox files, message by message, in bounded memory (RFC 4155; mbox(5) of qmail).

A message begins after a ``From `` line that stands at the start of the file or after a blank line
and is followed by a header. Its bytes are handed out as they stand, CRLF or LF, without the blank
line that the format adds at its end, and with the format's quoting undone:

- *mboxrd* quotes every line of ``>``s and ``From `` with one more ``>``; undoing takes one away.
- *mboxo* quotes only ``From ``, so that ``>From `` may have been either. It is undone, but not
  where the lines around it are quoted too: there the ``>`` is the writer's of the mail.

Nothing in a file says which of the two it is. ``>>From `` tells: amid lines with a single ``>``
it was made by mboxrd, amid lines with two it stood in the mail, and ``>From `` amid lines with
one ``>`` was not touched either, which only mboxo does. The votes of the file's beginning decide,
and a file without votes reads the same either way. Where the choice is wrong, a ``>`` is too many
or too few in a line that begins with *From*; variants with and without it are recognised as such.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import BinaryIO, Protocol

from archiver.mailbox.server.session import MAX_MESSAGE

_BLOCK = 1024 * 1024
_AHEAD = 4096
"""A From_ line and the start of the header after it are shorter than this, in bytes."""

_SAMPLE = 64 * 1024 * 1024
"""How much of a file votes on its style, in bytes."""

_AFTER_BLANK = rb"(?:(?<=\n\nFrom )|(?<=\n\r\nFrom ))"  # second, so that "From " is found fast
_DATED_LINE = rb"[^\n]{0,800}?\b\d{1,2}:\d\d\b[^\n]{0,100}\b\d{4}\b[^\n]{0,100}\n"
_ANY_LINE = rb"[^\n]{0,1000}\n"
_HEADER = rb"(?=[!-9;-~]{1,200}[ \t]*:|>?From )"
_DATED = re.compile(rb"From " + _AFTER_BLANK + _DATED_LINE + _HEADER)
_ANY = re.compile(rb"From " + _AFTER_BLANK + _ANY_LINE + _HEADER)
_FIRST_DATED = re.compile(rb"[\r\n]*From " + _DATED_LINE)
_FIRST_ANY = re.compile(rb"[\r\n]*From " + _ANY_LINE + _HEADER)

_QUOTED = re.compile(rb"(>+)From ")
_DEPTH = re.compile(rb">*")
_MARK = b">From "


class Style(Enum):
    """How lines that begin with ``From `` were quoted."""

    MBOXRD = "mboxrd"
    MBOXO = "mboxo"


@dataclass(frozen=True, slots=True)
class Member:
    """One message of an mbox."""

    number: int
    """Counted from 0."""
    offset: int
    """Where its bytes start in the file."""
    data: bytes | None
    """None: larger than MAX_MESSAGE, so that it cannot be held."""


def is_mbox(start: bytes) -> bool:
    """Tell whether a file that begins with START is an mbox."""
    return bool(_FIRST_DATED.match(start) or _FIRST_ANY.match(start))


class Source(Protocol):
    """What messages are cut from: an open file at its beginning, or what stands in for one."""

    def read(self, size: int, /) -> bytes:
        """Return at most SIZE bytes; none at the end."""
        ...


def members(file: Source, style: Style) -> Iterator[Member]:
    """Yield the messages of FILE, in which lines were quoted in this STYLE."""
    for number, (offset, raw) in enumerate(_cut(file)):
        yield Member(number, offset, None if raw is None else _restored(raw, style))


def detect_style(file: BinaryIO) -> Style:
    """Tell how FILE, which can seek, quotes by the lines around quoted ones; leave it rewound."""
    votes = 0
    for offset, raw in _cut(file):
        if raw is not None and _MARK in raw:
            votes += _votes(raw.split(b"\n"))
        if offset > _SAMPLE:
            break
    file.seek(0)
    return Style.MBOXO if votes < 0 else Style.MBOXRD


def _cut(file: Source) -> Iterator[tuple[int, bytes | None]]:
    """Yield each message of FILE as it stands there, with its offset; None for one too large."""
    buffer = bytearray(file.read(_BLOCK))
    # A writer that dates its first From_ line dates them all; others are taken as they are.
    first = _FIRST_DATED.match(buffer)
    form = _DATED if first else _ANY
    first = first or _FIRST_ANY.match(buffer)
    if first is None:
        return
    base = 0  # where the buffer begins in the file
    offset = start = search = first.end()
    kept = True
    while True:
        if found := form.search(buffer, search):
            yield offset, bytes(buffer[start : found.start()]) if kept else None
            start = search = found.end()
            offset, kept = base + start, True
            continue
        search = max(search, len(buffer) - _AHEAD)
        kept = kept and len(buffer) - start <= MAX_MESSAGE
        done = start if kept else search - len(b"\n\r\n")
        if done > 0:
            del buffer[:done]
            base, search, start = base + done, search - done, max(start - done, 0)
        block = file.read(_BLOCK)
        if not block:
            yield offset, bytes(buffer[start:]) if kept else None
            return
        buffer += block


def _restored(raw: bytes, style: Style) -> bytes:
    """Return a message as it was before the mbox was written."""
    # The blank line at its end belongs to the format, not to the message.
    for end in (b"\r\n", b"\n"):
        if raw == end or raw.endswith(b"\n" + end):
            raw = raw[: -len(end)]
            break
    if _MARK not in raw:
        return raw
    lines = raw.split(b"\n")
    return b"\n".join(
        line[1:] if _was_quoted(lines, number, style) else line for number, line in enumerate(lines)
    )


def _was_quoted(lines: list[bytes], number: int, style: Style) -> bool:
    """Tell whether the writer of the mbox put the first ``>`` of a line there."""
    if not _QUOTED.match(lines[number]):
        return False
    if style is Style.MBOXRD:
        return True
    return lines[number].startswith(_MARK) and not any(_around(lines, number))


def _votes(lines: list[bytes]) -> int:
    """Count lines that only mboxrd writes so, less those that only mboxo does."""
    votes = 0
    for number, line in enumerate(lines):
        if found := _QUOTED.match(line):
            depth = len(found[1])
            around = [depth for depth in _around(lines, number) if depth]
            votes += sum((depth == one + 1) - (depth == one) for one in around)
    return votes


def _around(lines: list[bytes], number: int) -> list[int]:
    """Return how deep the lines before and after are quoted, From lines apart."""
    neighbours = lines[max(number - 1, 0) : number] + lines[number + 1 : number + 2]
    return [_depth(line) for line in neighbours if not _QUOTED.match(line)]


def _depth(line: bytes) -> int:
    found = _DEPTH.match(line)
    return found.end() if found else 0
