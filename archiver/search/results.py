"""What a search answers: values without any layout."""

from collections.abc import Iterable
from dataclasses import dataclass

from archiver.catalogue.figures import Extent
from archiver.model.digest import Digest
from archiver.model.record import RecordLine

Searched = Extent
"""What was searched: a search without a hit says it."""


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of a record's text that holds hits."""

    field: str
    """One of the fields of a query: ``subject``, ``body``, ``attachment`` …"""
    text: str
    """One line; ``…`` stands where text was left out."""
    spans: tuple[tuple[int, int], ...]
    """The hits in ``text``: (start, end) in characters, in order, not overlapping."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that a search found."""

    line: RecordLine
    snippets: tuple[Snippet, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """The answer to a search."""

    total: int
    """All records that match, before any limit and any folding of variants."""
    hits: tuple[Hit, ...]
    searched: Searched
    cut: tuple[str, ...] = ()
    """Prefixes that stood for too many words: with these, TOTAL is only a lower bound."""


@dataclass(frozen=True, slots=True)
class Folded:
    """One writing as people see it: a hit that stands for its variants, which are named."""

    hit: Hit
    others: tuple[Digest, ...]


def fold(hits: Iterable[Hit]) -> tuple[Folded, ...]:
    """Show one hit for each group of variants, the first in the order of HITS."""
    seen: set[Digest] = set()
    folded = []
    for hit in hits:
        if hit.line.digest in seen:
            continue
        seen.update(hit.line.variants)
        folded.append(Folded(hit, hit.line.variants))
    return tuple(folded)
