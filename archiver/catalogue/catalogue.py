"""``catalogue.sqlite``: what is known about records. Derived: delete it, and it is made again."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from archiver.catalogue import figures, kept, people, queries, selection, tagging
from archiver.catalogue.batch import Batch, meta
from archiver.catalogue.database import CatalogueUnusable, Database
from archiver.catalogue.figures import (
    AccountCount,
    Counts,
    EngagementCount,
    Extent,
    FolderCount,
    Identified,
)
from archiver.catalogue.kept import Newcomer
from archiver.catalogue.selection import RoleOf, UnknownValue
from archiver.model.digest import Digest, Position
from archiver.model.record import RecordLine, RecordView
from archiver.model.tagging import Decision, RecordFacts, TagOf, Undecided
from index.engine import Document
from index.query import Query

__all__ = [
    "AccountCount",
    "Catalogue",
    "CatalogueUnusable",
    "Counts",
    "EngagementCount",
    "Extent",
    "UnknownValue",
]

_LINES_AT_ONCE = 500


def _no_role(_folder: str) -> None:
    """Know nothing about folders."""


class Catalogue:
    """An open catalogue. Readers never wait for a writer; one thread uses one Catalogue."""

    def __init__(self, database: Database, role_of: RoleOf) -> None:
        """Use ``Catalogue.open``."""
        self._database = database
        self._role_of = role_of

    @classmethod
    def open(
        cls, path: Path, *, read_only: bool = False, role_of: RoleOf = _no_role
    ) -> "Catalogue":
        """Open the catalogue at PATH; one that is missing is made, unless READ_ONLY.

        ROLE_OF tells what a folder is for by its name: the journal does not keep it, and
        ``is:junk``, ``is:trash``, ``is:sent`` and ``is:drafts`` find nothing without it.

        Raises CatalogueUnusable when the file is missing (READ_ONLY), damaged, not a catalogue, or
        of another version: the caller makes it again.
        """
        return cls(Database(path, read_only=read_only), role_of)

    def reopened(self) -> "Catalogue":
        """Open the same file once more, read-only, for another thread; raises as ``open`` does."""
        return Catalogue.open(self._database.path, read_only=True, role_of=self._role_of)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    @property
    def position(self) -> int:
        """How many journal entries are taken in."""
        return int(self.meta("position") or 0)

    def meta(self, key: str) -> str | None:
        """Return a small value that a batch noted under KEY."""
        return meta(self._database, key)

    @contextmanager
    def batch(self) -> Iterator[Batch]:
        """Write one batch, all of it or nothing.

        Raises LockedError when another process is writing, CatalogueUnusable when what is added
        contradicts what the catalogue holds.
        """
        with self._database.transaction():
            yield Batch(self._database)

    # --- records ---------------------------------------------------------------------------------

    def count_records(self) -> int:
        """Count the records, read back from the table."""
        return figures.count_records(self._database)

    def line(self, position: int) -> RecordLine:
        """Return a record as one line of a list; raises KeyError when it is unknown."""
        return self.lines((position,))[0]

    def lines(self, positions: Iterable[int]) -> tuple[RecordLine, ...]:
        """Return one line for each of POSITIONS, in their order; raises KeyError for an unknown."""
        return queries.lines(self._database, tuple(positions))

    def each_line(self, positions: Iterable[int]) -> Iterator[RecordLine]:
        """Yield what ``lines`` returns, without holding all of it at once."""
        left = iter(positions)
        while some := tuple(islice(left, _LINES_AT_ONCE)):
            yield from queries.lines(self._database, some)

    def view(self, position: int) -> RecordView:
        """Return all that is known about a record; raises KeyError when it is unknown."""
        return queries.view(self._database, position)

    def thread(self, position: int) -> tuple[Position, ...]:
        """Return the records of a record's thread, oldest first; raises KeyError when unknown."""
        return queries.thread(self._database, position)

    def resolve(self, prefix: str) -> tuple[Digest, ...]:
        """Return the records whose digest starts with PREFIX (4 to 64 hexadecimal digits)."""
        return queries.resolve(self._database, prefix)

    def position_of(self, digest: Digest) -> Position | None:
        """Return a record's position; None when it is not catalogued."""
        return queries.position_of(self._database, digest)

    def sent_by(self, addresses: Iterable[str]) -> frozenset[Position]:
        """Return the records from any of ADDRESSES, case ignored."""
        return queries.sent_by(self._database, addresses)

    def roles(self, address: str) -> Mapping[Position, tuple[str, ...]]:
        """Return the records that ADDRESS is a party to, each with its roles, case ignored."""
        return people.roles(self._database, address)

    def names(self, address: str) -> tuple[str, ...]:
        """Return the names that were seen with ADDRESS, the most frequent first."""
        return people.names(self._database, address)

    def mentions(self, meets: Callable[[str], bool]) -> Mapping[Position, tuple[str, ...]]:
        """Return the records that say something that MEETS, each with where it stands."""
        return people.mentions(self._database, meets)

    def order(
        self, positions: Iterable[int], *, limit: int | None = None, offset: int = 0
    ) -> tuple[Position, ...]:
        """Return records newest first, ties by digest; LIMIT of them after the first OFFSET."""
        return queries.order(self._database, positions, limit=limit, offset=offset)

    def select(self, query: Query, *, time_zone: ZoneInfo) -> frozenset[int]:
        """Return the records that a Term, DateRange, Size or All finds; days are days in TIME_ZONE.

        Raises UnknownValue for a value of ``has:`` or ``is:`` that does not exist.
        """
        return selection.select(self._database, query, time_zone=time_zone, role_of=self._role_of)

    def documents(self, start: int) -> Iterator[Document]:
        """Yield the index documents of the records at positions from START on."""
        return queries.documents(self._database, start)

    def documents_of(self, positions: Iterable[int]) -> Iterator[Document]:
        """Yield the index documents of POSITIONS, in journal order; unknown ones are left out."""
        return queries.documents_of(self._database, tuple(positions))

    # --- tags, exports, counts -------------------------------------------------------------------

    def tags_of(self, positions: Iterable[int]) -> tuple[TagOf, ...]:
        """Return the tags of records with their reasons, in journal order, then by engagement."""
        return tagging.tags_of(self._database, positions)

    def undecided(self) -> tuple[Undecided, ...]:
        """Return what waits for a person, newest record first."""
        return tagging.undecided(self._database)

    def tagged(self, engagement: str) -> frozenset[Position]:
        """Return the records of an engagement."""
        return tagging.tagged(self._database, engagement)

    def all_threads(self) -> tuple[Position, ...]:
        """Return every thread, in journal order."""
        return tagging.all_threads(self._database)

    def facts(self, thread: Position) -> tuple[RecordFacts, ...]:
        """Return what rules look at for each record of a thread, in journal order."""
        return tagging.facts(self._database, thread)

    def decisions(self, thread: Position) -> tuple[Decision, ...]:
        """Return what persons said last about each record and engagement of a thread."""
        return tagging.decisions(self._database, thread)

    def decision(self, name: str) -> Mapping[Position, bool]:
        """Return the entries of the decision called NAME, and whether each still stands."""
        return tagging.decision(self._database, name)

    def said(self, positions: Iterable[int], engagement: str) -> Mapping[Position, bool]:
        """Return, of the records about which a person said so, whether they are ENGAGEMENT's.

        The last word that was not taken back counts; what rules say does not show here.
        """
        return tagging.said(self._database, positions, engagement)

    def kept_names(self) -> Iterator[bytes]:
        """Yield the hashed names, cut short, of messages that threads with a tag mention."""
        return kept.names(self._database)

    def kept_subjects(self) -> Iterator[str]:
        """Yield the distinct subjects of records in threads with a tag."""
        return kept.subjects(self._database)

    def newcomers(self, start: int) -> Iterator[Newcomer]:
        """Yield what entries from START on brought to threads with a tag."""
        return kept.newcomers(self._database, start)

    def exports(self, engagement: str) -> Mapping[int, Position]:
        """Return the exhibit numbers that exports have given: number to record, by number."""
        return {
            number: Position(record)
            for number, record in self._database.all(
                "SELECT number, record FROM exhibit WHERE engagement = ? ORDER BY number",
                (engagement,),
            )
        }

    def counts(self) -> Counts:
        """Count everything that ``status`` shows."""
        return figures.counts(self._database)

    def extent(self) -> Extent:
        """Tell what a search looks through."""
        return figures.extent(self._database)

    def folders(
        self, *, own: Iterable[str], engagement: str | None = None
    ) -> tuple[FolderCount, ...]:
        """Count what each folder brought, and how much of it OWN, folded, wrote."""
        return figures.folders(self._database, own=own, engagement=engagement)

    def in_role(self, role: str, *, engagement: str | None = None) -> Mapping[str, int]:
        """Count the records in folders, and under labels, that are for ROLE; ``""``: in all."""
        return figures.in_role(self._database, role, self._role_of, engagement=engagement)

    def correspondence(
        self, *, own: Iterable[str], engagement: str | None = None
    ) -> Mapping[str, tuple[int, int]]:
        """Return how many records each account received and sent; ``""``: all together."""
        return figures.correspondence(self._database, own=own, engagement=engagement)

    def identified(self, *, own: Iterable[str]) -> Iterator[Identified]:
        """Yield every record with its Message-ID, and whether one of OWN wrote it."""
        return figures.identified(self._database, own=own)

    def headers_of_received(
        self, *, own: Iterable[str], engagement: str | None = None
    ) -> Iterator[tuple[Position, tuple[tuple[str, str], ...]]]:
        """Yield the headers of each record that none of OWN wrote and that answers something."""
        return figures.headers_of_received(self._database, own=own, engagement=engagement)

    def beginning_of_text(self, record: Position, length: int) -> str:
        """Return the first LENGTH characters of a record's text."""
        return figures.beginning_of_text(self._database, record, length)
