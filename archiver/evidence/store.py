"""The archive's originals: objects, and the journal that says what happened to them."""

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from gettext import gettext as _
from pathlib import Path
from typing import Self

from archiver.errors import OperationError, UsageError
from archiver.evidence.disk import Disk, told
from archiver.evidence.format import check_format, no_archive, refuse_to_begin
from archiver.evidence.intake import Intake
from archiver.evidence.journal import codec
from archiver.evidence.journal.canonical import CodecError
from archiver.evidence.journal.database import Database
from archiver.evidence.journal.journal import Journal
from archiver.evidence.journal.merkle import Tree
from archiver.evidence.journal.mirror import Mirror
from archiver.evidence.locks import Locks
from archiver.evidence.objects import Objects
from archiver.evidence.writer import PROGRAM, Writer
from archiver.model.digest import Digest, Position
from archiver.model.entries import Config, Entry, Genesis, Payload, Record, Scan, Unknown
from archiver.model.incoming import Incoming, Kept

_LOCK_WAIT = 10.0  # seconds
_HEX_DIGITS = 64
_PREFIX = re.compile(r"[0-9a-f]{4,64}\Z")


class Evidence:
    """objects/ + journal/: the only originals.

    One instance belongs to one thread. Any number of processes may read, and any number may write:
    each batch takes the write lock for itself.
    """

    def __init__(
        self,
        root: Path,
        database: Database,
        *,
        clock: Callable[[], datetime],
        entropy: Callable[[int], bytes],
        software: str,
        lock_wait: float,
        read_only: bool,
        disk: Disk,
    ) -> None:
        """Put together an open archive; use ``create`` or ``open``."""
        self.root = root
        self.read_only = read_only
        self.database = database
        self.journal = Journal(database)
        self.objects = Objects(root / "objects", disk)
        self.mirror = Mirror(root / "journal" / "leaves", disk)
        self._locks = Locks(root / "journal")
        self._writer = Writer(
            root,
            self.journal,
            self.objects,
            self.mirror,
            self._locks,
            clock=clock,
            entropy=entropy,
            software=software,
            lock_wait=lock_wait,
        )
        self._disk = disk
        self._tree = Tree()
        self._archive_id = ""

    @classmethod
    def create(
        cls,
        root: Path,
        *,
        clock: Callable[[], datetime],
        entropy: Callable[[int], bytes],
        software: str,
        lock_wait: float = _LOCK_WAIT,
        disk: Disk | None = None,
    ) -> Self:
        """Make the folders and a journal with its ``genesis`` entry in ROOT.

        An interrupted creation may be repeated. Raises UsageError when ROOT holds an archive.
        """
        disk = disk or Disk()
        path = root / "journal" / "journal.sqlite"
        with told(root):
            for folder in (root, path.parent):
                disk.make_folder(folder)
            with Locks(path.parent).writing(lock_wait):
                database = Database.create(path, wait=lock_wait, disk=disk)
                evidence = cls(
                    root,
                    database,
                    clock=clock,
                    entropy=entropy,
                    software=software,
                    lock_wait=lock_wait,
                    read_only=False,
                    disk=disk,
                )
                with contextlib.ExitStack() as stack:
                    stack.callback(evidence.close)
                    evidence._begin()
                    stack.pop_all()
        return evidence

    @classmethod
    def open(
        cls,
        root: Path,
        *,
        clock: Callable[[], datetime],
        entropy: Callable[[int], bytes],
        software: str,
        lock_wait: float = _LOCK_WAIT,
        recover: bool = True,
        disk: Disk | None = None,
    ) -> Self:
        """Open the archive in ROOT, and finish what an interrupted writer left undone.

        Nothing is finished, and nothing can be written, on read-only media or without RECOVER
        (for a check, which must see things as they are). Raises NoArchiveError when there is no
        archive, OperationError when the database is older than its mirror.
        """
        disk = disk or Disk()
        path = root / "journal" / "journal.sqlite"
        if not path.is_file():
            raise no_archive(root)
        folder_writable = disk.writable(path.parent)
        writable = recover and folder_writable and disk.writable(path)
        database = Database(
            path, wait=lock_wait, writable=writable, folder_writable=folder_writable, disk=disk
        )
        evidence = cls(
            root,
            database,
            clock=clock,
            entropy=entropy,
            software=software,
            lock_wait=lock_wait,
            read_only=not writable,
            disk=disk,
        )
        with contextlib.ExitStack() as stack:
            stack.callback(evidence.close)
            check_format(database, root)
            if recover:
                evidence._writer.recover(read_only=not writable)
            stack.pop_all()
        return evidence

    @property
    def size(self) -> int:
        """How many entries are in the tree."""
        return self.journal.size

    @property
    def archive_id(self) -> str:
        """The archive's random identity, from its ``genesis`` entry."""
        if not self._archive_id:
            match next(self.entries(0, 1), None):
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

    def keep(self, batch: Sequence[Incoming]) -> tuple[Kept, ...]:
        """Make BATCH durable: objects, then entries in one transaction, then the mirror.

        When this returns, all of it is kept; when it raises, none of it counts as kept, and it can
        simply be given again. Raises LockedError, and OperationError when an object or the disk is
        damaged or full.
        """
        digests = [Digest.of(incoming.data) for incoming in batch]
        with self._writing():
            known = self.journal.positions_of(set(digests))
            intake = Intake(self.journal, known)
            kept = tuple(map(intake.take, batch, digests))
            contents = {
                digest: incoming.data for digest, incoming in zip(digests, batch, strict=True)
            }
            # Whatever can be refused is refused here, before the first byte is written.
            rows = self._writer.encode(intake.first, intake.payloads, actor=PROGRAM)
            self._writer.put(contents, known=known)
            self._writer.commit(rows)
        return kept

    def append(self, payloads: Sequence[Payload], *, actor: str = PROGRAM) -> tuple[Position, ...]:
        """Journal PAYLOADS in one transaction, and return their positions.

        What names an object is not for this: ``keep`` and ``keep_config`` write both.
        """
        for payload in payloads:
            if isinstance(payload, Genesis | Record | Config | Unknown):
                raise TypeError(f"{type(payload).__name__} is not appended by itself")
        with self._writing():
            rows = self._writer.encode(self.size, payloads, actor=actor)
            self._writer.commit(rows)
        return tuple(position for position, *_rest in rows)

    def keep_config(self, name: str, data: bytes | None, *, actor: str) -> Position | None:
        """Keep DATA as the newest version of the working copy NAME; None: it was removed.

        Returns the position of the ``config`` entry, None when the journal knows this version.
        """
        digest = None if data is None else Digest.of(data)
        with self._writing():
            if self.configs().get(name) == digest:
                return None
            rows = self._writer.encode(
                self.size, [Config(name=name, object=digest, size=len(data or b""))], actor=actor
            )
            if digest is not None and data is not None:
                self._writer.put({digest: data})
            self._writer.commit(rows)
        return rows[0][0]

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
        match next(self.entries(position, position + 1), None):
            case Entry(payload=Record() as record):
                return record
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

    def raw_entry(self, position: Position) -> bytes:
        """Return the entry's canonical bytes as they were written."""
        body = self.journal.body(position)
        if body is None:
            raise self._unreadable(position, _("there is no entry"))
        return body

    def known_uids(self, account: str, folder: str, uidvalidity: int) -> frozenset[int]:
        """Return the UIDs that need not be fetched again."""
        return self.journal.known_uids(account, folder, uidvalidity)

    def present_uids(self, account: str, folder: str, uidvalidity: int) -> frozenset[int]:
        """Return the UIDs that were kept and that no sync has found to be gone."""
        return self.journal.present_uids(account, folder, uidvalidity)

    def last_uidvalidity(self, account: str, folder: str) -> int | None:
        """Return the UIDVALIDITY of the newest epoch; None when the folder was never met."""
        return self.journal.last_uidvalidity(account, folder)

    def account_lock(self, name: str) -> AbstractContextManager[None]:
        """Keep other processes from synchronising NAME; raises LockedError when one does."""
        if self.read_only:
            raise self._not_writable()
        return self._locks.account(name)

    def projection_lock(self, *, wait: bool) -> AbstractContextManager[None]:
        """Let one process feed catalogue and index, at once or after a WAIT; raises LockedError."""
        return self._writer.projecting(wait=wait)

    def config_lock(self) -> AbstractContextManager[None]:
        """Let one process at a time change working copies, waiting for it; raises LockedError."""
        if self.read_only:
            raise self._not_writable()
        return self._writer.configuring()

    def last_entry_at(self) -> datetime:
        """When the newest entry was written."""
        return next(self.entries(self.size - 1)).at

    def last_scan(self, account: str) -> datetime | None:
        """When the newest ``scan`` entry of ACCOUNT was written; None when there is none."""
        for position in self.journal.newest_scans():
            entry = next(self.entries(position, position + 1))
            if isinstance(entry.payload, Scan) and entry.payload.account == account:
                return entry.at
        return None

    def unfetched(self, account: str) -> Mapping[str, frozenset[int]]:
        """Return the UIDs that the last scan of each folder of ACCOUNT could not fetch.

        After a good sync there are none, and no entry is read.
        """
        attempt, good = self.last_syncs().get(account, (None, None))
        if attempt == good:
            return {}
        found: dict[str, frozenset[int]] = {}
        for position in self.journal.newest_scans():
            payload = next(self.entries(position, position + 1)).payload
            if isinstance(payload, Scan) and payload.account == account:
                for folder in payload.folders:
                    uids = frozenset(uid for uid, _reason in folder.failed)
                    found.setdefault(folder.folder, uids)
        return found

    def note_sync(self, account: str, at: datetime, *, good: bool) -> None:
        """Remember when ACCOUNT was synchronised, and whether all went well; not an entry."""
        with self._writing(), self.database.transaction():
            self.journal.note_sync(account, at, good=good)

    def last_syncs(self) -> Mapping[str, tuple[datetime | None, datetime | None]]:
        """Return for each account its (last attempt, last good synchronisation)."""
        return self.journal.last_syncs()

    def close(self) -> None:
        """Close the journal; the instance is of no use afterwards."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _begin(self) -> None:
        """Make what ``create`` makes, the journal last: with it the archive exists."""
        refuse_to_begin(self.database, self.mirror, self.root)
        self.objects.create()
        self.mirror.create()
        self._writer.begin()
        self._disk.sync_folder(self.root / "journal")
        self._disk.sync_folder(self.root)
        with contextlib.suppress(OSError):
            self._disk.sync_folder(self.root.absolute().parent)

    def _writing(self) -> AbstractContextManager[None]:
        if self.read_only:
            raise self._not_writable()
        return self._writer.hold()

    def _not_writable(self) -> OperationError:
        return OperationError(
            _("The archive {root} is open for reading only.").format(root=self.root),
            advice=_("Copy the whole folder to a disk that can be written, and use the copy."),
        )

    def _unreadable(self, position: int, reason: str) -> OperationError:
        return OperationError(
            _("Entry {position} of the journal in {root} cannot be read: {reason}.").format(
                position=position, root=self.root, reason=reason
            ),
            advice=_("Run `archiver verify` to see what is damaged."),
        )
