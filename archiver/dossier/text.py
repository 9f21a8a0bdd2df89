"""Make hostile text harmless to read: what is hidden is shown, what is long is cut."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

LONGEST_TEXT = 30_000
"""Characters of one message shown on a page; the whole stands in the exhibit's file."""
LONGEST_LINE = 500
LONGEST_EXCERPT = 280

# Controls, surrogates and non-characters that no page can show, and the bidirectional controls
# that reorder what a reader sees (Unicode UAX #9: "gpj.exe" shown as "exe.jpg").
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb"
    "\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
# Invisible as well, but at home in prose; in an address or a file name they only deceive.
_ZERO_WIDTH = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200d\u2060-\u2064\u3164\ufeff\uffa0]"
)
_MANY_BLANK_LINES = re.compile(r"\n[ \t\u00a0]*(?:\n[ \t\u00a0]*){2,}")
_QUOTE = re.compile(r"[ \t]*>")
_QUOTE_BEGINS = re.compile(
    r"[ \t]*(?:-{2,}[ \t]*(?:original message|message d'origine|forwarded message)"
    r"|_{20,}|(?:on|le)\b.{0,200}\b(?:wrote|a écrit)[ \t\u00a0]*:)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Passage:
    """Lines of a message that follow each other and are all quoted (``>``), or all not."""

    quoted: bool
    text: str


def visible(text: str) -> str:
    """Show each hidden or reordering character of TEXT as its code point, ``[U+202E]``."""
    return _HIDDEN.sub(_mark, text)


def one_line(text: str, longest: int = LONGEST_LINE) -> str:
    """Return TEXT as one line without hidden characters, cut to LONGEST."""
    flat = " ".join(text[: 4 * longest].split())
    flat = _ZERO_WIDTH.sub(_mark, visible(flat))
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"


def passages(text: str, longest: int = LONGEST_TEXT) -> tuple[tuple[Passage, ...], bool]:
    """Split TEXT into quoted and unquoted passages; tell whether it was cut to LONGEST.

    Line ends are made plain and runs of blank lines shortened: on the page, never in the exhibit.
    """
    cut = len(text) > longest
    plain = text[:longest].replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    lines = _MANY_BLANK_LINES.sub("\n\n", plain).split("\n")
    parts = tuple(
        Passage(quoted, "\n".join(group))
        for quoted, group in groupby(lines, key=lambda line: _QUOTE.match(line) is not None)
    )
    return tuple(part for part in parts if part.text.strip()), cut


def excerpt(text: str, longest: int = LONGEST_EXCERPT) -> str:
    """Return the first words of TEXT that are not quoted, on one line."""
    words: list[str] = []
    length = 0
    for line in _own_lines(text[: 20 * longest]):
        words.append(line)
        length += len(line) + 1
        if length > longest:
            break
    return one_line(" ".join(words), longest)


def _own_lines(text: str) -> Iterator[str]:
    """Yield the lines before the quoted message that mail programs add below an answer."""
    for line in text.splitlines():
        if _QUOTE_BEGINS.match(line):
            return
        if line.strip() and not _QUOTE.match(line):
            yield line.strip()


def _mark(match: re.Match[str]) -> str:
    return f"[U+{ord(match[0]):04X}]"
