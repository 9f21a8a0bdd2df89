"""Split a query between engine and catalogue, and merge what both find.

The engine gets the largest purely textual parts, each in one call; days, tags, folders and the like
are asked of the catalogue. A part that only says what must *not* be there is never sent to the
engine by itself: everything is counted by the catalogue, which holds every record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from archiver.catalogue.catalogue import Catalogue
from index.engine import Engine
from index.query import All, And, Not, Or, Phrase, Prefix, Query, Word


@dataclass(frozen=True, slots=True)
class Found:
    """The records that a query, or a part of it, finds."""

    keys: frozenset[int]
    scores: Mapping[int, float] = field(default_factory=dict)
    """Higher is better; records found without words have none."""
    cut: tuple[str, ...] = ()


class Evaluator:
    """Answers queries from one catalogue and one engine."""

    def __init__(
        self, catalogue: Catalogue, engine: Engine, *, time_zone: ZoneInfo, scored: bool
    ) -> None:
        """Ask the engine for scores when SCORED; days are days in TIME_ZONE."""
        self._catalogue = catalogue
        self._engine = engine
        self._time_zone = time_zone
        self._scored = scored

    def evaluate(self, query: Query) -> Found:
        """Find all records that match QUERY, exactly and completely (but for ``cut``).

        Raises what ``Catalogue.select`` raises for an attribute that does not exist.
        """
        if _is_textual(query) and _is_positive(query):
            return self._ask_engine(query)
        match query:
            case And(parts=parts):
                return self._all_of(parts)
            case Or(parts=parts):
                return self._any_of(parts)
            case Not(part=part):
                found = self.evaluate(part)
                return Found(self._everything() - found.keys, cut=found.cut)
            case _:
                return Found(self._catalogue.select(query, time_zone=self._time_zone))

    def _ask_engine(self, query: Query) -> Found:
        matches = self._engine.search(query, scored=self._scored)
        return Found(matches.keys, matches.scores, matches.cut)

    def _everything(self) -> frozenset[int]:
        return self._catalogue.select(All(), time_zone=self._time_zone)

    def _all_of(self, parts: Sequence[Query]) -> Found:
        """Intersect, cheapest first; what must not be there is subtracted."""
        words, others = _split(parts, together=And)
        wanted = [part for part in others if not isinstance(part, Not)] + words
        found = self.evaluate(wanted[0]) if wanted else Found(self._everything())
        for part in wanted[1:]:
            if not found.keys:
                return found
            found = _intersection(found, self.evaluate(part))
        for part in others:
            if isinstance(part, Not):
                unwanted = self.evaluate(part.part)
                found = Found(found.keys - unwanted.keys, found.scores, found.cut + unwanted.cut)
        return found

    def _any_of(self, parts: Sequence[Query]) -> Found:
        words, others = _split(parts, together=Or)
        found = Found(frozenset())
        for part in words + others:
            found = _union(found, self.evaluate(part))
        return found


def _split(
    parts: Sequence[Query], *, together: type[And] | type[Or]
) -> tuple[list[Query], list[Query]]:
    """Return what the engine answers in one call (one part or none), and the other parts."""
    textual = [part for part in parts if _is_textual(part)]
    if together is Or:
        textual = [part for part in textual if _is_positive(part)]
    elif not any(map(_is_positive, textual)):
        textual = []
    others = [part for part in parts if not any(part is each for each in textual)]
    match textual:
        case []:
            return [], others
        case [only]:
            return [only], others
        case _:
            return [together(tuple(textual))], others


def _is_textual(query: Query) -> bool:
    """Tell whether an engine understands QUERY: it holds words and nothing else."""
    match query:
        case Word() | Phrase() | Prefix():
            return True
        case And(parts=parts) | Or(parts=parts):
            return all(map(_is_textual, parts))
        case Not(part=part):
            return _is_textual(part)
        case _:
            return False


def _is_positive(query: Query) -> bool:
    """Tell whether a textual QUERY says what must be there, so that no complement is needed."""
    match query:
        case And(parts=parts):
            return any(map(_is_positive, parts))
        case Or(parts=parts):
            return all(map(_is_positive, parts))
        case Not():
            return False
        case _:
            return True


def _intersection(one: Found, other: Found) -> Found:
    return Found(one.keys & other.keys, _sum(one.scores, other.scores), one.cut + other.cut)


def _union(one: Found, other: Found) -> Found:
    return Found(one.keys | other.keys, _sum(one.scores, other.scores), one.cut + other.cut)


def _sum(one: Mapping[int, float], other: Mapping[int, float]) -> Mapping[int, float]:
    if not one or not other:
        return one or other
    return {key: one.get(key, 0.0) + other.get(key, 0.0) for key in one.keys() | other.keys()}
