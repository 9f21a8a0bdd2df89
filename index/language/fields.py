"""The fields of the query language, their aliases, and what may stand after them."""

import re
import unicodedata
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final

from index.analysis import fold
from index.engine import TEXT_FIELDS

TERM_FIELDS: Final = ("tag", "id", "thread", "folder", "engagement", "account", "has", "is")
FIELDS: Final = (
    "from", "to", "cc", "subject", "body", "attachment", "filename",
    "tag", "id", "thread", "folder", "engagement", "account", "has", "is",
    "date", "larger", "smaller",
)  # fmt: skip
"""All fields, in the order in which users are told of them."""

_ALIASES: Final[Mapping[str, str]] = {
    "de": "from",
    "a": "to",
    "objet": "subject",
    "corps": "body",
    "piece": "attachment",
    "fichier": "filename",
    "mission": "engagement",
    "dossier": "folder",
    "etiquette": "tag",
    "compte": "account",
    "fil": "thread",
    "avec": "has",
}
# What stands before a colon in subjects and addresses, and is no field.
_NOT_FIELDS: Final = frozenset(
    {"re", "fw", "fwd", "tr", "aw", "wg", "rif", "ref", "mailto", "tel", "sip", "urn", "mid", "cid"}
)

_HEXADECIMAL = re.compile(r"[0-9A-Fa-f]+\Z")
_NAME = re.compile(r"([^\W\d_][\w-]*):(.*)", re.DOTALL)


def split_field(chunk: str) -> tuple[str, str] | None:
    """Split ``name:value``; None when CHUNK does not begin as a field would."""
    # Composed, because a typed accent may be a character of its own, which is not a letter.
    match = _NAME.match(unicodedata.normalize("NFC", chunk))
    if match is None:
        return None
    name = match[1]
    return name, chunk[chunk.index(":") + 1 :]


def canonical(name: str) -> str | None:
    """Return the field called NAME, in whatever language, case and accents; None if unknown."""
    folded = fold(name)
    field = _ALIASES.get(folded, folded)
    return field if field in FIELDS else None


def is_text(name: str, value: str) -> bool:
    """Tell whether an unknown NAME before a colon is text: an address, a path, ``Re:``."""
    return fold(name) in _NOT_FIELDS or value.startswith(("/", "\\", ":"))


def nearest(name: str) -> str | None:
    """Return the field that NAME was likely meant to be."""
    names = [*FIELDS, *_ALIASES]
    found = get_close_matches(fold(name), names, n=1, cutoff=0.6)
    return found[0] if found else None


def is_textual(field: str | None) -> bool:
    """Tell whether words are looked for in FIELD (None: in all text)."""
    return field is None or field in TEXT_FIELDS


_HAS_ATTACHMENT: Final = frozenset(
    {"attachment", "attachments", "piece", "pieces", "piecejointe", "piecesjointes", "pj"}
)


def term_value(field: str, value: str) -> str:
    """Return VALUE as ``Term`` holds it: words of ours in English, identifiers in lower case."""
    match field:
        case "has":
            word = re.sub(r"[\s_-]", "", fold(value))
            return "attachment" if word in _HAS_ATTACHMENT else word
        case "is":
            return fold(value)
        case "id" | "thread" if _HEXADECIMAL.match(value):
            return value.lower()  # the start of a digest; a Message-ID stays as it is
        case _:
            return value
