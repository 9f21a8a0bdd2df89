"""Read the files in which Apple Mail keeps one message each (``.emlx``).

A line with the number of bytes, the message of just that length, and a property list with what the
program knows of it. Nothing of Apple's describes the format; this is how the files have looked
since Mac OS X 10.4.
"""

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

_COUNT = re.compile(rb"[ \t]*(\d{1,10})[ \t]*\r?\n")
_FLAGS = re.compile(rb"<key>flags</key>\s*<integer>(\d{1,20})</integer>")
_BITS: Final = MappingProxyType(
    {0: "\\Seen", 1: "\\Deleted", 2: "\\Answered", 4: "\\Flagged", 6: "\\Draft", 8: "$Forwarded"}
)


@dataclass(frozen=True, slots=True)
class Letter:
    """The message of an ``.emlx`` file."""

    offset: int
    """Where its bytes start in the file."""
    data: bytes
    flags: tuple[str, ...]
    """As IMAP writes them."""


def letter(data: bytes) -> Letter | None:
    """Return the message in the file DATA; None when it is cut off, or no such file."""
    found = _COUNT.match(data)
    if found is None:
        return None
    start, length = found.end(), int(found[1])
    if not length or len(data) - start < length:
        return None
    told = _FLAGS.search(data, start + length)
    bits = int(told[1]) if told else 0
    flags = tuple(name for bit, name in _BITS.items() if bits >> bit & 1)
    return Letter(start, data[start : start + length], flags)
