"""Find the words of a query again in the texts of a record, for the eyes of a person."""

import re
from collections.abc import Sequence

from archiver.search.results import Snippet
from index.analysis import positive_leaves, spans
from index.engine import TEXT_FIELDS, Document
from index.query import Query

WIDTH = 160
"""Characters of a snippet, about two lines of a terminal."""

_BEFORE = 50
_AT_ONCE = 100_000
_OVERLAP = 200  # a word or a phrase that stands on the border of two pieces
_AT_MOST = 4_000_000
_LONGEST = 40
_BLANK = re.compile(r"\s+")
_GAP = "…"

Spans = Sequence[tuple[int, int]]


def has_words(query: Query) -> bool:
    """Tell whether anything in QUERY can be highlighted."""
    return any(True for _leaf in positive_leaves(query))


def snippets(document: Document, query: Query) -> tuple[Snippet, ...]:
    """Return one snippet for each field of DOCUMENT in which QUERY finds words."""
    found = (_snippet(name, document.fields.get(name, ""), query) for name in TEXT_FIELDS)
    return tuple(snippet for snippet in found if snippet is not None)


def _snippet(field: str, text: str, query: Query) -> Snippet | None:
    """Look through TEXT a piece at a time, so that a huge one costs no more than its first hit."""
    for start in range(0, min(len(text), _AT_MOST), _AT_ONCE):
        piece = text[start : start + _AT_ONCE + _OVERLAP]
        if found := spans(piece, query, field=field):
            return excerpt(field, text, [(start + one, start + other) for one, other in found])
    return None


def excerpt(field: str, text: str, found: Spans) -> Snippet:
    """Cut the line out of TEXT that holds the most of the hits FOUND (at least one)."""
    first = max(range(len(found)), key=lambda index: (_together(found, index), -index))
    start = _word_start(text, max(0, found[first][0] - _BEFORE))
    stop = _word_stop(text, max(found[first][1], start + WIDTH))
    shown = [(one, other) for one, other in found[first:] if other <= stop]
    before = [(one, other) for one, other in found[:first] if one >= start]
    return _line(field, text, start, stop, [*before, *shown])


def _together(found: Spans, index: int) -> int:
    """Count the hits that one snippet starting at hit INDEX would show."""
    limit = found[index][0] + WIDTH - _BEFORE
    count = 0
    for _start, stop in found[index:]:
        if stop > limit:
            break
        count += 1
    return count


def _word_start(text: str, place: int) -> int:
    """Move PLACE to the right of the next blank, unless the word is long."""
    if place == 0:
        return 0
    blank = _BLANK.search(text, place, place + _LONGEST)
    return blank.end() if blank is not None else place


def _word_stop(text: str, place: int) -> int:
    """Move PLACE to the end of the word that it would cut, unless the word is long."""
    if place >= len(text):
        return len(text)
    blank = _BLANK.search(text, place, place + _LONGEST)
    return blank.start() if blank is not None else place


def _line(field: str, text: str, start: int, stop: int, shown: Spans) -> Snippet:
    """Join the pieces between hits into one line, and note where the hits have moved to."""
    line = _GAP if start else ""
    moved = []
    place = start
    for one, other in shown:
        line += _BLANK.sub(" ", text[place:one])
        begin = len(line)
        line += _BLANK.sub(" ", text[one:other])
        moved.append((begin, len(line)))
        place = other
    line += _BLANK.sub(" ", text[place:stop]).rstrip()
    if stop < len(text):
        line += _GAP
    return Snippet(field, line, tuple(moved))
