"""What every search engine must do.

An engine answers the textual part of a query with the set of matching documents. Dates, tags,
folders and the like are the caller's to intersect, so an engine stays small and replaceable.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from index.query import Query

TEXT_FIELDS = ("subject", "body", "attachment", "from", "to", "cc", "filename")
"""Fields an engine indexes. A word without a field is looked for in all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One record as an engine sees it."""

    key: int
    """The caller's number for it; unique, given back by searches."""
    date: int
    """Seconds since 1970-01-01 UTC."""
    fields: Mapping[str, str]
    """Text of each of TEXT_FIELDS; a missing one is empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """The answer to a query: keys of all documents that match, exact and complete."""

    keys: frozenset[int]
    scores: Mapping[int, float]
    """By key, higher is better; empty unless scores were asked for."""
    cut: tuple[str, ...] = ()
    """Prefixes that stood for too many words, so that the answer is not complete."""


class EngineError(Exception):
    """An index cannot be used: it must be rebuilt. The message says why."""


class IndexMissing(EngineError):  # noqa: N818  (named by what is wrong with the index)
    """There is no index where one was looked for."""


class IndexDamaged(EngineError):  # noqa: N818  (as above)
    """Files of the index are missing, cut short or altered."""


class IndexForeign(EngineError):  # noqa: N818  (as above)
    """The index is of another archive, engine, format or analysis."""


class Engine(Protocol):
    """A full-text index in one folder (or in memory)."""

    def add(self, documents: Iterable[Document]) -> None:
        """Add or replace DOCUMENTS; seen by searches after ``commit``."""

    def remove(self, keys: Iterable[int]) -> None:
        """Remove documents; unknown keys are no error."""

    def commit(self, *, position: int) -> None:
        """Make additions and removals visible and durable, all or nothing.

        POSITION is the caller's mark of how far it has fed the engine.
        """

    @property
    def position(self) -> int:
        """The mark of the last commit; 0 for a new index."""

    def count(self) -> int:
        """How many documents the index holds, read back from the index itself."""

    def search(self, query: Query, *, scored: bool = False) -> Matches:
        """Find all documents that match QUERY, which must hold textual nodes only."""

    def check(self) -> None:
        """Read every byte of the last commit; raise IndexDamaged unless all is as it was written.

        Searches notice damage only in the parts that they need.
        """

    def close(self) -> None:
        """Release files; uncommitted additions are dropped."""
