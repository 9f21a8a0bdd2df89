"""Boolean algebra on sets of documents, the same for every engine."""

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet

from index.query import All, And, Not, Or, Phrase, Prefix, Query, Textual, Word


def evaluate(
    query: Query,
    *,
    leaf: Callable[[Textual], AbstractSet[int]],
    everything: Callable[[], AbstractSet[int]],
) -> AbstractSet[int]:
    """Return the documents that match QUERY, given those of each textual LEAF.

    Raises ValueError for a node that is not textual: those are the caller's to intersect.
    """
    for _ in _checked(query):
        pass
    return _evaluate(query, leaf, everything)


def _evaluate(
    query: Query,
    leaf: Callable[[Textual], AbstractSet[int]],
    everything: Callable[[], AbstractSet[int]],
) -> AbstractSet[int]:
    match query:
        case Word() | Phrase() | Prefix():
            return leaf(query)
        case Or(parts):
            found: AbstractSet[int] = frozenset()
            for part in parts:
                found = found | _evaluate(part, leaf, everything)
            return found
        case And(parts):
            return _all_of(parts, leaf, everything)
        case Not(part):
            return everything() - _evaluate(part, leaf, everything)
        case _:
            return everything()


def _all_of(
    parts: tuple[Query, ...],
    leaf: Callable[[Textual], AbstractSet[int]],
    everything: Callable[[], AbstractSet[int]],
) -> AbstractSet[int]:
    """Intersect the parts; those under a Not are subtracted, so that no complement is made."""
    wanted = [part for part in parts if not isinstance(part, Not)]
    found = _evaluate(wanted[0], leaf, everything) if wanted else everything()
    for part in wanted[1:]:
        if not found:
            return found
        found = found & _evaluate(part, leaf, everything)
    unwanted = [part.part for part in parts if isinstance(part, Not)]
    for excluded in unwanted:
        if found:
            found = found - _evaluate(excluded, leaf, everything)
    return found


def _checked(query: Query) -> Iterator[Textual]:
    match query:
        case Word() | Phrase() | Prefix():
            yield query
        case And(parts) | Or(parts):
            for part in parts:
                yield from _checked(part)
        case Not(part):
            yield from _checked(part)
        case All():
            return
        case _:
            raise ValueError(f"an engine answers textual queries only, not {query!r}")
