"""Reads queries as users type them, much like notmuch's (docs/queries.md).

Precedence, tightest first: ``field:``, ``-`` and NOT, AND (also understood between words), OR.
"""

from collections.abc import Callable, Sequence
from datetime import date
from gettext import gettext as _
from typing import Final

from index.analysis import tokens
from index.language.dates import parse_dates, parse_size
from index.language.description import describe
from index.language.errors import QueryError, point_out
from index.language.fields import TERM_FIELDS, is_textual, term_value
from index.language.lexer import Kind, Symbol, star_error, symbols
from index.query import All, And, Not, Or, Phrase, Prefix, Query, Term, Word

__all__ = ["MAX_DEPTH", "MAX_LENGTH", "MAX_TERMS", "QueryError", "describe", "parse", "point_out"]

MAX_LENGTH: Final = 10_000
"""Characters of a query."""
MAX_DEPTH: Final = 50
"""Parentheses within parentheses."""
MAX_TERMS: Final = 500
"""Words, phrases and attributes of a query."""

_STAR = "*"


def parse(text: str, *, today: date) -> Query:
    """Read TEXT as a query; TODAY, in the archive's time zone, is what ``today`` means.

    Raises QueryError.
    """
    if len(text) > MAX_LENGTH:
        raise QueryError(
            _("The query is too long: {length} characters.").format(length=len(text)),
            MAX_LENGTH,
            advice=_("Use at most {most}.").format(most=MAX_LENGTH),
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise QueryError(
            _("This character is not valid text."),
            error.start,
            advice=_("Type it anew, in a terminal that is set to UTF-8."),
        ) from error
    return _Parser(list(symbols(text)), today).query()


class _Parser:
    """Recursive descent over symbols; MAX_DEPTH bounds the recursion."""

    def __init__(self, found: Sequence[Symbol], today: date) -> None:
        self._symbols = found
        self._at = 0
        self._today = today
        self._depth = 0
        self._terms = 0

    def query(self) -> Query:
        if self._next.kind == "end":
            raise QueryError(
                _("There is no word to search for."),
                0,
                advice=_("Write * to find everything."),
            )
        found = self._any_of(None)
        if self._next.kind == "close":
            raise QueryError(
                _("This parenthesis closes nothing."),
                self._next.place,
                advice=_("Remove it, or add the one that opens."),
            )
        return found

    @property
    def _next(self) -> Symbol:
        return self._symbols[self._at]

    def _take(self, *kinds: Kind) -> Symbol | None:
        found = self._next
        if kinds and found.kind not in kinds:
            return None
        self._at += 1
        return found

    def _any_of(self, field: str | None) -> Query:
        parts = [self._all_of(field)]
        while self._take("or"):
            parts.append(self._all_of(field))
        return _joined(Or, parts)

    def _all_of(self, field: str | None) -> Query:
        parts = [self._negated(field)]
        while self._take("and") or self._next.kind not in ("or", "close", "end"):
            parts.append(self._negated(field))
        return _joined(And, parts)

    def _negated(self, field: str | None) -> Query:
        negated = False
        while self._take("not"):
            negated = not negated
        found = self._single(field)
        if not negated:
            return found
        return found.part if isinstance(found, Not) else Not(found)

    def _single(self, field: str | None) -> Query:
        if opening := self._take("open"):
            return self._group(field, opening)
        if named := self._take("field"):
            opening = self._take("open")
            return self._group(named.text, opening) if opening else self._leaf(named.text)
        if self._next.kind in ("text", "quoted"):
            return self._leaf(field)
        raise self._missing()

    def _group(self, field: str | None, opening: Symbol) -> Query:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise QueryError(
                _("There are too many parentheses within parentheses."),
                opening.place,
                advice=_("Use at most {most}.").format(most=MAX_DEPTH),
            )
        if self._next.kind == "close":
            raise QueryError(
                _("There is nothing between these parentheses."),
                opening.place,
                advice=_("Put words between them, or remove them."),
            )
        found = self._any_of(field)
        if not self._take("close"):
            raise QueryError(
                _("This parenthesis is never closed."),
                opening.place,
                advice=_("Add the one that closes."),
            )
        self._depth -= 1
        return found

    def _missing(self) -> QueryError:
        """Tell what lacks an operand: the operator before this place, or the one at it."""
        here = self._next
        before = self._symbols[self._at - 1] if self._at else None
        if before is not None and before.kind in ("and", "or", "not"):
            message, culprit = _("{word} needs something after it."), before
        elif here.kind in ("and", "or"):
            message, culprit = _("{word} needs something before it."), here
        else:
            return QueryError(
                _("Something is missing here."),
                here.place,
                advice=_("Put a word here, or remove the parenthesis."),
            )
        return QueryError(
            message.format(word=culprit.text),
            culprit.place,
            advice=_('To search for the word itself, put it in quotes: "{word}".').format(
                word=culprit.text
            ),
        )

    def _leaf(self, field: str | None) -> Query:
        symbol = self._symbols[self._at]
        self._at += 1
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise QueryError(
                _("There are too many words to search for."),
                symbol.place,
                advice=_("Use at most {most}.").format(most=MAX_TERMS),
            )
        if field is None or is_textual(field):
            return _phrase(symbol, field) if symbol.kind == "quoted" else _word(symbol, field)
        value = symbol.text
        if not value.strip() or (symbol.kind == "text" and _has_star(field, value)):
            raise _bad_value(field, symbol)
        if field in TERM_FIELDS:
            return Term(field, term_value(field, value))
        if field == "date":
            return parse_dates(value, today=self._today, place=symbol.place)
        return parse_size(value, larger=field == "larger", place=symbol.place)


def _joined(join: Callable[[tuple[Query, ...]], And | Or], parts: list[Query]) -> Query:
    """Join PARTS; those that are joined the same way become parts of the whole."""
    if len(parts) == 1:
        return parts[0]
    whole = join(())
    flat: list[Query] = []
    for part in parts:
        if isinstance(part, And | Or) and type(part) is type(whole):
            flat.extend(part.parts)
        else:
            flat.append(part)
    return join(tuple(flat))


def _phrase(symbol: Symbol, field: str | None) -> Phrase:
    words = tuple(token.text for token in tokens(symbol.text))
    if not words:
        raise _no_word(symbol)
    return Phrase(words, field)


def _word(symbol: Symbol, field: str | None) -> Query:
    """Read a word, the beginning of one, or the star that stands for everything."""
    text = symbol.text
    if text == _STAR and field is None:
        return All()
    found = list(tokens(text))
    if not found:
        raise star_error(symbol.place) if _STAR in text else _no_word(symbol)
    start, end = found[0].start, found[-1].end
    core, rest = text[start:end], text[end:]
    if _STAR not in text:
        return Word(core, field)
    if _STAR in text[:end] or not rest.startswith(_STAR) or _STAR in rest[1:]:
        raise star_error(symbol.place + text.index(_STAR))
    return Prefix(core, field)


def _has_star(field: str, value: str) -> bool:
    """Tell whether VALUE holds a star that means nothing; ``folder:A/*`` takes all within A."""
    return _STAR in (value[:-2] if field == "folder" and value.endswith(("/*", ".*")) else value)


def _no_word(symbol: Symbol) -> QueryError:
    return QueryError(
        _("There is no letter or digit in {text}.").format(text=symbol.text or '""'),
        symbol.place,
        advice=_("Only words and numbers can be searched for."),
    )


def _bad_value(field: str, symbol: Symbol) -> QueryError:
    if not symbol.text.strip():
        message, advice = _("There is nothing after {field}:"), _("Write the value in the quotes.")
    else:
        message = _("{field}: takes a whole value, not the beginning of one.")
        advice = _("Remove the star, or put the value in quotes if the star is part of it.")
    return QueryError(message.format(field=field), symbol.place, advice=advice)
