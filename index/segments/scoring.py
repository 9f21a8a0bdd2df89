"""How well a document matches: BM25 over fields, exact words before their other forms.

S. Robertson and H. Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009).
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

BOOSTS: Final[Mapping[str, float]] = {
    "subject": 3.0,
    "filename": 2.0,
    "from": 1.5,
    "to": 1.5,
    "cc": 1.0,
    "body": 1.0,
    "attachment": 0.8,
}
"""What one occurrence in a field counts."""

_OTHER_FORM = 0.2
_SATURATION = 1.2
_LENGTH = 0.75


@dataclass(slots=True)
class Hits:
    """Where one leaf of a query matches: occurrences by document, weighted by field."""

    exact: dict[int, float] = field(default_factory=dict)
    stemmed: dict[int, float] = field(default_factory=dict)

    def keys(self) -> frozenset[int]:
        """Return all documents that match."""
        return frozenset(self.exact) | self.stemmed.keys()


def relevance(
    found: Iterable[int],
    leaves: Iterable[Hits],
    *,
    length: Callable[[int], int],
    average: float,
    documents: int,
) -> dict[int, float]:
    """Score each document of FOUND; LENGTH is its number of words, AVERAGE that of all."""
    weighed = [(hits, _rarity(len(hits.keys()), documents)) for hits in leaves]
    scores = {}
    for document in found:
        norm = _SATURATION * (1 - _LENGTH + _LENGTH * length(document) / max(average, 1.0))
        scores[document] = sum(
            rarity
            * (
                _saturated(hits.exact.get(document, 0.0), norm)
                + _OTHER_FORM * _saturated(hits.stemmed.get(document, 0.0), norm)
            )
            for hits, rarity in weighed
        )
    return scores


def _rarity(matching: int, documents: int) -> float:
    return math.log1p((max(documents - matching, 0) + 0.5) / (matching + 0.5))


def _saturated(occurrences: float, norm: float) -> float:
    return occurrences * (_SATURATION + 1) / (occurrences + norm) if occurrences else 0.0
