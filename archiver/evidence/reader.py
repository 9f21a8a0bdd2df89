"""The archive's originals as they are read: objects, and the journal."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from gettext import gettext as _
from pathlib import Path
from typing import Self

from archiver.errors import OperationError, UsageError
from archiver.evidence.disk import Disk
from archiver.evidence.journal import codec, uids, unkept
from archiver.evidence.journal.canonical import CodecError
from archiver.evidence.journal.database import Database
from archiver.evidence.journal.journal import Journal
from archiver.evidence.journal.merkle import Tree
from archiver.evidence.journal.mirror import Mirror
from archiver.evidence.journal.work import Work
from archiver.evidence.objects import Objects
from archiver.model.cursors import Cursor
from archiver.model.custody import Emptied
from archiver.model.digest import Digest, Position
from archiver.model.entries import (
    Entry,
    Epoch,
    FolderChange,
    Genesis,
    Record,
    Scan,
    Vanished,
)
from archiver.model.places import Place, Presumed, Unkept

_HEX_DIGITS = 64
_PREFIX = re.compile(r"[0-9a-f]{4,64}\Z")


class Reader:
    """objects/ + journal/ for reading. One instance belongs to one thread."""

    def __init__(self, root: Path, database: Database, disk: Disk) -> None:
        """Put together the pieces of an archive whose DATABASE is open."""
        self.root = root
        self.database = database
        self.journal = Journal(database)
        self.work = Work(database)
        self.objects = Objects(root / "objects", disk)
        self.mirror = Mirror(root / "journal" / "leaves", disk)
        self._disk = disk
        self._tree = Tree()
        self._archive_id = ""

    @property
    def size(self) -> int:
        """How many entries are in the tree."""
        return self.journal.size

    @property
    def archive_id(self) -> str:
        """The archive's random identity, from its ``genesis`` entry."""
        if not self._archive_id:
            match self.entry(0):
                case Entry(payload=Genesis(archive=archive)):
                    self._archive_id = archive
                case _:
                    raise self._unreadable(0, _("the first entry is not genesis"))
        return self._archive_id

    def tree_root(self) -> bytes:
        """Return the root over all leaves (RFC 9162, section 2.1.1)."""
        self._tree.extend(self.journal.leaves(self._tree.size))
        return self._tree.root()

    def count_records(self) -> int:
        """How many distinct records the journal holds."""
        return self.journal.count_records()

    def configs(self) -> Mapping[str, Digest | None]:
        """Return the last journalled version of each working copy; None: it was removed."""
        return self.journal.configs()

    def read(self, digest: Digest) -> bytes:
        """Return the exact bytes of an object; raises OperationError if missing or damaged."""
        return self.objects.read(digest)

    def path_of(self, digest: Digest) -> Path:
        """Where the object is."""
        return self.objects.path_of(digest)

    def record(self, position: Position) -> Record:
        """Return what the ``record`` entry at POSITION says; raises OperationError if none is."""
        match self.entry(position):
            case Entry(payload=Record() as record):
                return record
            case Entry(payload=Emptied(erase=erase)):
                raise OperationError(
                    _("Entry {position} of the journal was erased under entry {erase}.").format(
                        position=position, erase=erase
                    ),
                    advice=_("`archiver journal {erase}` says when, by whom and why.").format(
                        erase=erase
                    ),
                )
            case _:
                raise self._unreadable(position, _("there is no record"))

    def position_of(self, digest: Digest) -> Position | None:
        """Return the position of the record DIGEST, None when it is not kept."""
        return self.journal.position_of(digest)

    def resolve(self, prefix: str) -> tuple[Digest, ...]:
        """Return the records whose digest starts with PREFIX, at least four digits of it."""
        prefix = prefix.lower()
        if not _PREFIX.match(prefix):
            raise UsageError(
                _("{prefix} is not the beginning of a record's digest.").format(prefix=prefix),
                advice=_("Give at least four of its hexadecimal digits, as `search` shows them."),
            )
        first, last = (Digest(prefix.ljust(_HEX_DIGITS, digit)) for digit in "0f")
        return self.journal.digests_between(first, last)

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[Entry]:
        """Yield the entries from START to STOP (those there are now, if None), oldest first.

        Raises OperationError at one that cannot be read.
        """
        stop = self.size if stop is None else stop
        for position, _type, body, _leaf in self.journal.rows(start, stop):
            try:
                entry = codec.decode(position, body)
            except CodecError as error:
                raise self._unreadable(position, str(error)) from error
            yield entry

    def entry(self, position: int) -> Entry | None:
        """Return the entry at POSITION, None when there is none; raises as ``entries`` does."""
        body = self.journal.body(position)
        if body is None:
            return None
        try:
            return codec.decode(position, body)
        except CodecError as error:
            raise self._unreadable(position, str(error)) from error

    def entries_of(self, *types: str) -> Iterator[Entry]:
        """Yield the entries of these TYPES, oldest first; raises as ``entries`` does.

        Found by an index, so not for ``record``, ``sighting``, ``origin`` and ``key-seen``.
        """
        for position in self.journal.positions_by_type(*types):
            entry = self.entry(position)
            if entry is not None:
                yield entry

    def scans(self, account: str | None = None) -> Iterator[Entry]:
        """Yield what was journalled about the folders of ACCOUNT (None: of all), oldest first.

        Those are the ``scan``, ``epoch``, ``vanished`` and ``folder-change`` entries.
        """
        for entry in self.entries_of("scan", "epoch", "vanished", "folder-change"):
            match entry.payload:
                case Scan() | Epoch() | Vanished() | FolderChange() as said:
                    if account is None or said.account == account:
                        yield entry
                case _:
                    pass

    def raw_entry(self, position: Position) -> bytes:
        """Return the entry's canonical bytes as they were written."""
        body = self.journal.body(position)
        if body is None:
            raise self._unreadable(position, _("there is no entry"))
        return body

    def known_uids(self, account: str, folder: str, uidvalidity: int) -> frozenset[int]:
        """Return the UIDs that need not be fetched as new: kept, erased, or presumed."""
        return uids.known_uids(self.database, account, folder, uidvalidity)

    def present_uids(self, account: str, folder: str, uidvalidity: int) -> frozenset[int]:
        """Return the UIDs that were kept or presumed, and that no sync has found to be gone."""
        return uids.present_uids(self.database, account, folder, uidvalidity)

    def presumed(self, account: str) -> tuple[Presumed, ...]:
        """Return what is known by its attributes only, is not gone, and was not fetched since."""
        return uids.presumed(self.database, account)

    def places(self, account: str, folder: str | None = None) -> Iterator[Place]:
        """Yield where messages of ACCOUNT, or of one FOLDER of it, were fetched from.

        Those that vanished are among them, since a message that was moved is gone where it was;
        those that were erased, or are only presumed, are not.
        """
        return uids.places(self.database, account, folder)

    def shapes(
        self, account: str, folder: str, uidvalidity: int
    ) -> Mapping[int, list[tuple[int, datetime | None]]]:
        """Return size and INTERNALDATE of each message that was fetched under each UID."""
        found: dict[int, list[tuple[int, datetime | None]]] = {}
        for uid, size, moment in uids.shapes(self.database, account, folder, uidvalidity):
            found.setdefault(uid, []).append((size, moment))
        return found

    def unkept_uids(
        self, account: str, folder: str, uidvalidity: int, rules: Digest | None
    ) -> frozenset[int]:
        """Return the UIDs that exactly RULES decided not to keep, when they were last asked.

        What was stated later counts: that others decided, or that the message is wanted after all.
        """
        under = rules.hex if rules else ""
        return unkept.uids_under(self.database, account, folder, uidvalidity, under)

    def unkept(self, account: str) -> Iterator[Unkept]:
        """Yield what was decided not to be kept and is not held all the same.

        (A message may have come in by a sync that was killed before it could say so.)
        """
        known: tuple[tuple[str, int], frozenset[int]] | None = None
        for one in unkept.all_of(self.database, account):
            place = one.folder, one.uidvalidity
            if known is None or known[0] != place:
                known = place, self.known_uids(account, *place)
            if left := one.uids - known[1]:
                yield one._replace(uids=left)

    def cursors(self, account: str) -> Mapping[str, Cursor]:
        """Return by folder how far ACCOUNT was read; it saves work, and proves nothing."""
        return self.work.cursors(account)

    def spent(self, account: str, day: date) -> tuple[int, int]:
        """Return the bytes that ACCOUNT fetched on DAY (UTC): of new messages, and of presumed."""
        return self.work.spent(account, day)

    def last_uidvalidity(self, account: str, folder: str) -> int | None:
        """Return the UIDVALIDITY of the newest epoch; None when the folder was never met."""
        return self.journal.last_uidvalidity(account, folder)

    def last_entry_at(self) -> datetime:
        """When the newest entry was written."""
        newest = self.entry(self.size - 1)
        if newest is None:
            raise self._unreadable(self.size - 1, _("there is no entry"))
        return newest.at

    def last_syncs(self) -> Mapping[str, tuple[datetime | None, datetime | None]]:
        """Return for each account its (last attempt, last good synchronisation)."""
        return self.work.last_syncs()

    def looked(self, account: str) -> int:
        """Return up to which position messages of ACCOUNT were looked for around what was kept."""
        return self.work.looked(account)

    def trouble_of(self, account: str) -> tuple[int, str]:
        """Return how often ACCOUNT was tried in vain since the last good sync, and the last why."""
        return self.work.trouble_of(account)

    def close(self) -> None:
        """Close the journal; the instance is of no use afterwards."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _unreadable(self, position: int, reason: str) -> OperationError:
        return OperationError(
            _("Entry {position} of the journal in {root} cannot be read: {reason}.").format(
                position=position, root=self.root, reason=reason
            ),
            advice=_("Run `archiver verify` to see what is damaged."),
        )

    @property
    def disk(self) -> Disk:
        """The file system that the archive is on."""
        return self._disk
