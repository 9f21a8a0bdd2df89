"""An engine that keeps documents in memory: slow, small, and plain to see that it is right."""

from collections.abc import Iterable, Iterator, Mapping

from index.analysis import (
    STEMMED_FIELDS,
    Lexeme,
    Pattern,
    Run,
    forms,
    pattern,
    positive_leaves,
    starts_run,
    words,
)
from index.engine import TEXT_FIELDS, Document, Matches
from index.evaluation import evaluate
from index.query import Query, Textual
from index.segments.scoring import BOOSTS, Hits, relevance

Field = tuple[tuple[str, ...], ...]
"""The forms of each token of a field."""


class MemoryEngine:
    """Holds the words of each document and looks at all of them for every query."""

    def __init__(self) -> None:
        self._documents: dict[int, Mapping[str, Field]] = {}
        self._pending: dict[int, Mapping[str, Field] | None] = {}
        self._position = 0

    def add(self, documents: Iterable[Document]) -> None:
        """Add or replace DOCUMENTS; seen by searches after ``commit``."""
        for document in documents:
            self._pending[document.key] = {
                name: tuple(map(forms, words(document.fields.get(name, ""))))
                for name in TEXT_FIELDS
            }

    def remove(self, keys: Iterable[int]) -> None:
        """Remove documents; unknown keys are no error."""
        self._pending.update(dict.fromkeys(keys))

    def commit(self, *, position: int) -> None:
        """Make additions and removals visible."""
        for key, fields in self._pending.items():
            if fields is None:
                self._documents.pop(key, None)
            else:
                self._documents[key] = fields
        self._pending.clear()
        self._position = position

    @property
    def position(self) -> int:
        """The mark of the last commit."""
        return self._position

    def count(self) -> int:
        """How many documents are held."""
        return len(self._documents)

    def search(self, query: Query, *, scored: bool = False) -> Matches:
        """Find all documents that match QUERY, which must hold textual nodes only."""
        found = evaluate(
            query, leaf=lambda leaf: self._hits(leaf).keys(), everything=self._documents.keys
        )
        scores = self._scores(query, found) if scored else {}
        return Matches(keys=frozenset(found), scores=scores)

    def check(self) -> None:
        """Find nothing: memory is not read back."""

    def close(self) -> None:
        """Drop uncommitted additions."""
        self._pending.clear()

    def _hits(self, leaf: Textual) -> Hits:
        hits = Hits()
        sought = pattern(leaf)
        if sought is None:
            return hits
        for key, fields in self._documents.items():
            for name in TEXT_FIELDS if leaf.field is None else (leaf.field,):
                exact, stemmed = _occurrences(sought, name, fields.get(name, ()))
                _count(hits.exact, key, exact * BOOSTS.get(name, 1.0))
                _count(hits.stemmed, key, stemmed * BOOSTS.get(name, 1.0))
        return hits

    def _scores(self, query: Query, found: Iterable[int]) -> dict[int, float]:
        lengths = {key: sum(map(len, fields.values())) for key, fields in self._documents.items()}
        return relevance(
            found,
            [self._hits(leaf) for leaf in positive_leaves(query)],
            length=lengths.__getitem__,
            average=sum(lengths.values()) / max(len(lengths), 1),
            documents=len(lengths),
        )


def _occurrences(sought: Pattern, name: str, field: Field) -> tuple[int, int]:
    """Count where SOUGHT stands in FIELD: as written, and in another form."""
    match sought:
        case Lexeme(wanted):
            kinds = list(_kinds(wanted, name, field))
            return kinds.count("exact"), kinds.count("stemmed")
        case Run() as run:
            folded = [token[0] for token in field]
            return sum(starts_run(folded, at, run) for at in range(len(folded))), 0


def _kinds(wanted: tuple[str, ...], name: str, field: Field) -> Iterator[str]:
    for token in field:
        if token[0] == wanted[0]:
            yield "exact"
        elif name in STEMMED_FIELDS and not set(wanted).isdisjoint(token):
            yield "stemmed"


def _count(hits: dict[int, float], key: int, weight: float) -> None:
    if weight:
        hits[key] = hits.get(key, 0.0) + weight
