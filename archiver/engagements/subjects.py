"""Subjects without what mail programs put before them, for telling an answer by its subject."""

import re
from hashlib import blake2b
from typing import Final

from archiver.engagements.words import fold_text

ANSWERED: Final = (
    r"(?:re|fw|fwd|tr|rv|rep|ref|aw|wg|antw|betr|sv|vs|vb|doorst|i|r|enc|res|rif)"
    r"(?: ?[\[(^]? ?\d{1,3} ?[\])]?)? ?:"
)
"""What says that a message answers or forwards another, in a folded subject; in many languages."""

_BEFORE: Final = re.compile(rf"\s*+(?:({ANSWERED})|\[[^\[\]]{{0,40}}\])")
_FEWEST_WORDS: Final = 2
_FEWEST_LETTERS: Final = 8
_BYTES: Final = 8


def is_answer(subject: str) -> bool:
    """Tell whether SUBJECT says that it answers or forwards a message."""
    return _stripped(subject)[1]


def subject_key(subject: str) -> int | None:
    """Return a number for SUBJECT without prefixes; None when too short to tell it from others."""
    text = _stripped(subject)[0]
    if len(text.split()) < _FEWEST_WORDS or len(text) < _FEWEST_LETTERS:
        return None
    digest = blake2b(text.encode("utf-8", "replace"), digest_size=_BYTES, person=b"subject")
    return int.from_bytes(digest.digest(), "big")


def _stripped(subject: str) -> tuple[str, bool]:
    text = fold_text(subject)
    answers = False
    start = 0
    while found := _BEFORE.match(text, start):
        answers = answers or found[1] is not None
        start = found.end()
    return text[start:].strip(), answers
