"""Read what Google Takeout writes in front of each message of its mbox.

Two header fields, ``X-GM-THRID`` and ``X-Gmail-Labels``, stand before all others, ahead of even the
trace fields of the servers. Only there are they Google's: a field of that name further down came
with the message, and whoever wrote it does not decide into which folder it counts.
"""

import csv
import re
from email.errors import HeaderParseError
from email.header import decode_header
from typing import Final

_FIELD: Final = (
    rb"(?:X-GM-THRID|X-Gmail-Labels)[ \t]*:(?P<%s>[^\r\n]*\r?\n(?:[ \t][^\r\n]*(?:\r?\n|\Z))*)"
)
_FIRST = re.compile(_FIELD % b"a" + rb"(?:" + _FIELD % b"b" + rb")?", re.IGNORECASE)
_LABELS = re.compile(rb"^X-Gmail-Labels[ \t]*:", re.IGNORECASE | re.MULTILINE)
_LONGEST = 64 * 1024
"""Bytes: more than this of labels nobody has."""


def labels(data: bytes) -> tuple[str, ...]:
    """Return the labels that Takeout states of the message DATA; none where it states nothing.

    They are named in the language of the account, comma separated, in quotation marks where they
    hold a comma, as encoded words (RFC 2047) where they are not ASCII. A label that lies in
    another is written ``parent/child``, as Gmail's IMAP server does.
    """
    if data[:2].upper() != b"X-":
        return ()
    found = _FIRST.match(data[:_LONGEST])
    if found is None:
        return ()
    front = found[0]
    field = _LABELS.search(front)
    if field is None:
        return ()
    value = front[field.end() :]
    if other := re.search(rb"\r?\n(?![ \t])", value):
        value = value[: other.start()]
    return _split(_decoded(value))


def _decoded(value: bytes) -> str:
    unfolded = re.sub(rb"\r?\n(?=[ \t])", b"", value).strip().decode("utf-8", "replace")
    try:
        words = decode_header(unfolded)
    except (HeaderParseError, ValueError):  # base64 that is none
        return unfolded
    return "".join(_letters(word, charset) for word, charset in words)


def _letters(word: bytes | str, charset: str | None) -> str:
    if isinstance(word, str):
        return word
    try:
        return word.decode(charset or "utf-8", "replace")
    except LookupError:
        return word.decode("utf-8", "replace")


def _split(text: str) -> tuple[str, ...]:
    """Split comma separated labels; what the quotation marks of one enclose stays together."""
    one_line = " ".join(text.split())
    try:
        found = next(csv.reader([one_line], skipinitialspace=True), [])
    except csv.Error:
        found = one_line.split(",")
    return tuple(dict.fromkeys(label for part in found if (label := part.strip())))
