"""Find records: the one use case, over a catalogue and an engine."""

from collections.abc import Iterable, Sequence
from gettext import gettext as _
from typing import Literal
from zoneinfo import ZoneInfo

from archiver.catalogue.catalogue import Catalogue, UnknownValue
from archiver.errors import UsageError
from archiver.model.digest import Position
from archiver.search import highlight
from archiver.search.evaluate import Evaluator, Found
from archiver.search.results import Folded, Hit, Results, Searched, Snippet, fold
from index.engine import Engine
from index.query import Query

__all__ = [
    "Folded",
    "Found",
    "Hit",
    "Results",
    "Searched",
    "Snippet",
    "Sort",
    "as_results",
    "fold",
    "matching",
    "search",
]

Sort = Literal["newest", "relevance"]

_AT_ONCE = 200


def search(
    query: Query,
    *,
    catalogue: Catalogue,
    engine: Engine,
    time_zone: ZoneInfo,
    sort: Sort = "newest",
    limit: int | None,
    offset: int = 0,
) -> Results:
    """Find the records that match QUERY; show LIMIT of them (None: all) after the first OFFSET.

    The engine must be level with the catalogue. Raises UsageError when the query asks for an
    attribute that does not exist, such as ``is:unread``.
    """
    scored = sort == "relevance" and limit != 0
    found = matching(query, catalogue=catalogue, engine=engine, time_zone=time_zone, scored=scored)
    if sort == "relevance":
        page = _by_relevance(catalogue, found, limit=limit, offset=offset)
    else:
        page = catalogue.order(found.keys, limit=limit, offset=offset)
    return Results(
        total=len(found.keys),
        hits=_hits(catalogue, page, query),
        searched=catalogue.extent(),
        cut=tuple(dict.fromkeys(found.cut)),
    )


def matching(
    query: Query,
    *,
    catalogue: Catalogue,
    engine: Engine,
    time_zone: ZoneInfo,
    scored: bool = False,
) -> Found:
    """Find all records that match QUERY, in no order and without any text; errors as ``search``."""
    try:
        return Evaluator(catalogue, engine, time_zone=time_zone, scored=scored).evaluate(query)
    except UnknownValue as error:
        raise UsageError(
            _("A query cannot ask for {field}:{value}.").format(
                field=error.field, value=error.value
            ),
            advice=_("Known are: {known}.").format(known=", ".join(error.known)),
        ) from error


def as_results(catalogue: Catalogue, positions: Iterable[Position]) -> Results:
    """Present chosen records, a thread for example, in the order given, as if searched for."""
    chosen = tuple(positions)
    return Results(
        total=len(chosen),
        hits=tuple(Hit(line, ()) for line in catalogue.lines(chosen)),
        searched=catalogue.extent(),
    )


def _by_relevance(
    catalogue: Catalogue, found: Found, *, limit: int | None, offset: int
) -> tuple[Position, ...]:
    """Order by score; what has none, or the same, newest first."""
    newest = catalogue.order(found.keys)
    ranked = sorted(newest, key=lambda position: -found.scores.get(position, 0.0))
    return tuple(ranked[offset : None if limit is None else offset + limit])


def _hits(catalogue: Catalogue, page: Sequence[Position], query: Query) -> tuple[Hit, ...]:
    """Highlight only what is shown, some records at a time: their texts may be long."""
    words = highlight.has_words(query)
    hits: list[Hit] = []
    for start in range(0, len(page), _AT_ONCE):
        some = page[start : start + _AT_ONCE]
        pieces: dict[int, tuple[Snippet, ...]] = {}
        if words:
            for document in catalogue.documents_of(some):
                pieces[document.key] = highlight.snippets(document, query)
        hits += [Hit(line, pieces.get(line.position, ())) for line in catalogue.lines(some)]
    return tuple(hits)
