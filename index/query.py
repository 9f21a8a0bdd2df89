"""The query language: a Query tree of our own, so that no engine's syntax reaches users."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class All:
    """Everything (``*``)."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word in a text field, or in any of them when FIELD is None.

    Accents and case are ignored, and other forms of the word match as well.
    """

    text: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words in this order, next to each other, as written but for accents and case."""

    words: tuple[str, ...]
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Prefix:
    """Words that start with TEXT (``livr*``)."""

    text: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """An exact attribute: tag, id, thread, folder, engagement, account, has, is."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class DateRange:
    """Days, both included, in the archive's time zone; None leaves that end open."""

    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class Size:
    """Records of at least (``larger:``) or at most (``smaller:``) so many bytes."""

    at_least: int | None
    at_most: int | None


@dataclass(frozen=True, slots=True)
class And:
    """All of the parts; no parts match everything."""

    parts: tuple["Query", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of the parts; no parts match nothing."""

    parts: tuple["Query", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Everything but PART."""

    part: "Query"


Textual = Word | Phrase | Prefix
Query = All | Word | Phrase | Prefix | Term | DateRange | Size | And | Or | Not
