"""Writes a query in one canonical way, which the parser reads back as the same query."""

import re
from datetime import date

from index.query import (
    All,
    And,
    DateRange,
    Not,
    Or,
    Phrase,
    Prefix,
    Query,
    Size,
    Term,
    Textual,
    Word,
)

_BARE = re.compile(r'[^\s()"“”„«»*\\]+\Z')


def describe(query: Query) -> str:  # noqa: PLR0911  (a case for each kind of node)
    """Write QUERY canonically, in English: for what was searched, for logs and for tests.

    Days are written out, so that the text means the same tomorrow.
    """
    match query:
        case All():
            return "*"
        case Word() | Phrase() | Prefix():
            return _in_field(query)
        case Term(field, value):
            return f"{field}:{_value(value)}"
        case DateRange(first, last):
            return f"date:{_day(first)}..{_day(last)}"
        case Size():
            return _size(query)
        case Not(part):
            return f"NOT {_grouped(part, And, Or)}"
        case And(parts):
            return " AND ".join(_grouped(part, Or) for part in parts) or "*"
        case Or(parts):
            return " OR ".join(map(describe, parts)) or "NOT *"


def _in_field(leaf: Textual) -> str:
    written = _words(leaf)
    return written if leaf.field is None else f"{leaf.field}:{written}"


def _words(leaf: Textual) -> str:
    match leaf:
        case Word(text):
            return text
        case Prefix(text):
            return f"{text}*"
        case Phrase(words):
            return f'"{" ".join(words)}"'


def _grouped(query: Query, *loose: type[And | Or]) -> str:
    """Put parentheses around what would otherwise fall apart."""
    text = describe(query)
    return f"({text})" if isinstance(query, loose) else text


def _value(value: str) -> str:
    if _BARE.match(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _day(day: date | None) -> str:
    return "" if day is None else day.isoformat()


def _size(size: Size) -> str:
    bounds = (("larger", size.at_least), ("smaller", size.at_most))
    return " AND ".join(f"{name}:{bound}" for name, bound in bounds if bound is not None)
