"""Compare words of subjects and names of folders as people do: without case and accents."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

_LONGEST: Final = 10_000
"""Characters of a subject that are looked at."""
_BLANKS: Final = re.compile(r"\s+")


def fold_text(text: str) -> str:
    """Return TEXT without case and accents, blanks made single."""
    if text.isascii():
        return _BLANKS.sub(" ", text[:_LONGEST].lower()).strip()
    parts = unicodedata.normalize("NFKD", text[:_LONGEST])
    bare = "".join(character for character in parts if not unicodedata.combining(character))
    return _BLANKS.sub(" ", bare.casefold()).strip()


def fold_folder(folder: str) -> str:
    """Return FOLDER in the form for comparing; accents tell folders apart, case does not."""
    return unicodedata.normalize("NFC", folder).casefold()


@lru_cache(maxsize=1024)
def code_pattern(code: str) -> re.Pattern[str]:
    """Return what finds CODE as whole words in a folded subject: ``M12`` is not in ``M123``."""
    return re.compile(rf"(?<![^\W_]){re.escape(fold_text(code))}(?![^\W_])")


def shown(text: str, *, longest: int = 60) -> str:
    """Return TEXT for a sentence: one line, nothing invisible, cut at LONGEST characters."""
    clean = "".join(letter if letter.isprintable() else " " for letter in text[: 4 * longest])
    clean = " ".join(clean.split())
    return clean if len(clean) <= longest else f"{clean[: longest - 1]}…"
