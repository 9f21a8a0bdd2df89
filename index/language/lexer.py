"""Cuts the text of a query into symbols: words, quotes, fields, operators, parentheses."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from gettext import gettext as _
from typing import Final, Literal

from index.analysis import tokens
from index.language.errors import QueryError
from index.language.fields import FIELDS, canonical, is_text, nearest, split_field

Kind = Literal["open", "close", "and", "or", "not", "field", "text", "quoted", "end"]

_ENGLISH: Final[Mapping[str, Kind]] = {"and": "and", "or": "or", "not": "not"}
# "et" and "ou" stand in every French sentence: only capitals make them operators.
_FRENCH: Final[Mapping[str, Kind]] = {"ET": "and", "OU": "or", "SAUF": "not"}

_CLOSING: Final[Mapping[str, str]] = {'"': '"', "“": '”"', "”": '”"', "„": '“”"', "«": "»"}
_PARENTHESES: Final[Mapping[str, Kind]] = {"(": "open", ")": "close"}
_CHUNK = re.compile(r'[^\s()"“”„«»]+')
_STAR = "*"


@dataclass(frozen=True, slots=True)
class Symbol:
    """A piece of a query."""

    kind: Kind
    text: str
    """As typed; for a field its canonical name; for quotes what stands between them."""
    place: int
    """Index of its first character in the query."""


def symbols(text: str) -> Iterator[Symbol]:
    """Cut TEXT into symbols; the last is ``end``. Punctuation that is no word is left out.

    Raises QueryError.
    """
    at = 0
    while at < len(text):
        character = text[at]
        if character in _CLOSING:
            quoted, after = _quoted(text, at)
            yield Symbol("quoted", quoted, at)
            at = after
        elif kind := _PARENTHESES.get(character):
            yield Symbol(kind, character, at)
            at += 1
        elif match := _CHUNK.match(text, at):
            at = match.end()
            yield from _chunk(match.group(), match.start(), glued=text[at : at + 1])
        else:
            at += 1  # space, or a closing quote that closes nothing
    yield Symbol("end", "", len(text))


def _quoted(text: str, start: int) -> tuple[str, int]:
    """Read a quote; within straight quotes a backslash protects a quote or a backslash."""
    closing = _CLOSING[text[start]]
    content: list[str] = []
    at = start + 1
    while at < len(text):
        character = text[at]
        if character == "\\" and text[at + 1 : at + 2] in ('"', "\\") and '"' in closing:
            content.append(text[at + 1])
            at += 2
            continue
        if character in closing:
            return "".join(content), at + 1
        content.append(character)
        at += 1
    raise QueryError(
        _("This quote is never closed."),
        start,
        advice=_("Add {closing} where the quoted words end.").format(closing=closing[0]),
    )


def _chunk(chunk: str, place: int, *, glued: str) -> Iterator[Symbol]:
    """Read what stands between spaces; GLUED is the character that follows without a space."""
    opens = glued == "(" or glued in _CLOSING
    if chunk.startswith("-") and not chunk.startswith("--"):
        rest = chunk[1:]
        if opens if not rest else (_has_word(rest) or rest == _STAR):
            yield Symbol("not", "-", place)
        chunk, place = rest, place + 1
    found = next(tokens(chunk), None)
    if found is None:
        if _STAR in chunk:
            yield Symbol("text", chunk, place)
        return
    if _STAR in chunk[: found.start]:
        raise star_error(place + chunk.index(_STAR))
    yield from _words(chunk[found.start :], place + found.start, opens=opens)


def _has_word(chunk: str) -> bool:
    return next(tokens(chunk), None) is not None


def _words(core: str, place: int, *, opens: bool) -> Iterator[Symbol]:
    """Read a chunk that begins with a word: a field and its value, an operator, or text."""
    if split := split_field(core):
        name, value = split
        if field := canonical(name):
            yield Symbol("field", field, place)
            if value:
                yield Symbol("text", value, place + len(core) - len(value))
            elif not opens:
                raise _empty_field(name, place)
            return
        if not is_text(name, value) and (opens if not value else _has_word(value)):
            raise _unknown_field(name, place)
    yield Symbol(_operator(core) or "text", core, place)


def _operator(core: str) -> Kind | None:
    if _STAR in core:
        return None
    *_before, last = tokens(core)
    word = core[: last.end]
    return _ENGLISH.get(word.lower()) or _FRENCH.get(word)


def _empty_field(name: str, place: int) -> QueryError:
    return QueryError(
        _("There is nothing after {field}:").format(field=name),
        place,
        advice=_("Write the value right after the colon, without a space."),
    )


def _unknown_field(name: str, place: int) -> QueryError:
    known = ", ".join(f"{field}:" for field in FIELDS)
    advice = _("Fields are {fields}. To search for the text itself, put it in quotes.").format(
        fields=known
    )
    if near := nearest(name):
        advice = _("Did you mean {field}:? {advice}").format(field=near, advice=advice)
    return QueryError(_("There is no field {field}:").format(field=name), place, advice=advice)


def star_error(place: int) -> QueryError:
    """Make the error for a star that does not stand at the end of a word."""
    return QueryError(
        _("A star can only stand at the end of a word, or alone."),
        place,
        advice=_("livr* finds all words that begin so; * alone finds everything."),
    )
