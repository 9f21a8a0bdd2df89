"""The archive's originals: objects, and the journal that says what happened to them."""

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from gettext import gettext as _
from pathlib import Path
from types import MappingProxyType
from typing import Self

from archiver.errors import OperationError
from archiver.evidence.disk import Disk, told
from archiver.evidence.erasure import complete_when_free, refuse_erased
from archiver.evidence.format import check_format, no_archive, refuse_to_begin
from archiver.evidence.intake import Epochs, Intake
from archiver.evidence.journal.database import Database
from archiver.evidence.journal.schema import SCHEMA_VERSION
from archiver.evidence.locks import Locks
from archiver.evidence.reader import Reader
from archiver.evidence.writer import PROGRAM, Writer
from archiver.model.cursors import Cursor
from archiver.model.custody import Emptied
from archiver.model.digest import Digest, Position
from archiver.model.entries import Config, Epoch, Genesis, Payload, Record, Sighting, Unknown
from archiver.model.incoming import Incoming, Kept, Spool
from archiver.model.origin import KeySeen
from archiver.model.sources import ImapSource

_LOCK_WAIT = 10.0  # seconds


class Evidence(Reader):
    """objects/ + journal/: the only originals, and every way of adding to them.

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
        super().__init__(root, database, disk)
        self.read_only = read_only
        self.completed: tuple[Position, ...] = ()
        """The ``erase`` entries whose interrupted erasure was completed on opening."""
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
            evidence._upgrade()
            if recover:
                evidence._writer.recover(read_only=not writable)
            if writable:
                evidence.completed = complete_when_free(evidence, actor=PROGRAM)
            stack.pop_all()
        return evidence

    def keep(self, batch: Sequence[Incoming]) -> tuple[Kept, ...]:
        """Make BATCH durable: objects, then entries in one transaction, then the mirror.

        When this returns, all of it is kept; when it raises, none of it counts as kept, and it can
        simply be given again, but for what is Large: that is fetched anew. Raises LockedError, and
        OperationError when an object or the disk is damaged or full.
        """
        digests = [incoming.digest for incoming in batch]
        with self.writing():
            known = self.journal.positions_of(set(digests))
            intake = Intake(self.journal, known)
            kept = tuple(map(intake.take, batch, digests))
            contents = {
                digest: incoming.data for digest, incoming in zip(digests, batch, strict=True)
            }
            # Whatever can be refused is refused here, before the first byte is written.
            rows = self._writer.encode(intake.first, intake.payloads, actor=PROGRAM)
            self._writer.put(contents)
            self._writer.commit(rows)
        return kept

    def spool(self) -> Spool:
        """Make a place in the archive for bytes that may be too many for memory, to ``keep`` them.

        The only method that any thread may call. Raises OperationError when nothing can be written.
        """
        if self.read_only:
            raise self._not_writable()
        self._writer.refuse_if_broken()
        return self.objects.spool()

    def append(
        self,
        payloads: Sequence[Payload],
        *,
        actor: str = PROGRAM,
        objects: Mapping[Digest, bytes] = MappingProxyType({}),
    ) -> tuple[Position, ...]:
        """Journal PAYLOADS in one transaction, and return their positions.

        OBJECTS are what ``key-seen`` entries among them name: made durable first. A sighting (one
        with ``match="attributes"``: ``keep`` writes the others) gets its ``epoch`` before it.
        Records and
        working copies are not for this: ``keep`` and ``keep_config`` write both halves.
        """
        for payload in payloads:
            if isinstance(payload, Genesis | Record | Config | Emptied | Unknown):
                raise TypeError(f"{type(payload).__name__} is not appended by itself")
            if isinstance(payload, KeySeen) and payload.object not in objects:
                raise TypeError("a key-seen entry comes with its object")
        with self.writing():
            refuse_erased(self, payloads)
            complete = self._with_epochs(payloads)
            rows = self._writer.encode(self.size, [each for each, _given in complete], actor=actor)
            if objects:
                self._writer.put(objects)
            self._writer.commit(rows)
        given = (is_given for _payload, is_given in complete)
        return tuple(row[0] for row, is_given in zip(rows, given, strict=True) if is_given)

    def _with_epochs(self, payloads: Sequence[Payload]) -> list[tuple[Payload, bool]]:
        """Return PAYLOADS (True), and before a sighting the epoch that it opens (False)."""
        complete: list[tuple[Payload, bool]] = []
        epochs = Epochs(self.journal)
        for payload in payloads:
            match payload:
                case Epoch():
                    epochs.opened(payload)
                case Sighting(source=ImapSource() as source) if epoch := epochs.opened_by(source):
                    complete.append((epoch, False))
                case _:
                    pass
            complete.append((payload, True))
        return complete

    def append_next(
        self, payloads_from: Callable[[int], Sequence[Payload]], *, actor: str = PROGRAM
    ) -> tuple[Position, ...]:
        """Journal what PAYLOADS_FROM makes of the position that the first of them will have.

        For acts whose entries name each other, or that must be decided under the write lock: what
        it raises leaves everything as it was.
        """
        with self.writing():
            payloads = payloads_from(self.size)
            refuse_erased(self, payloads)
            rows = self._writer.encode(self.size, payloads, actor=actor)
            self._writer.commit(rows)
        return tuple(position for position, *_rest in rows)

    def keep_config(self, name: str, data: bytes | None, *, actor: str) -> Position | None:
        """Keep DATA as the newest version of the working copy NAME; None: it was removed.

        Returns the position of the ``config`` entry, None when the journal knows this version.
        """
        digest = None if data is None else Digest.of(data)
        with self.writing():
            if self.configs().get(name) == digest:
                return None
            rows = self._writer.encode(
                self.size, [Config(name=name, object=digest, size=len(data or b""))], actor=actor
            )
            if digest is not None and data is not None:
                self._writer.put({digest: data})
            self._writer.commit(rows)
        return rows[0][0]

    def account_lock(self, name: str, *, wait: float = 0) -> AbstractContextManager[None]:
        """Keep other processes from synchronising NAME.

        Raises LockedError when one does so for WAIT seconds; without a WAIT that is at once.
        """
        if self.read_only:
            raise self._not_writable()
        return self._locks.account(name, wait)

    def projection_lock(self, *, wait: bool) -> AbstractContextManager[None]:
        """Let one process feed catalogue and index, at once or after a WAIT; raises LockedError."""
        return self._writer.projecting(wait=wait)

    def config_lock(self) -> AbstractContextManager[None]:
        """Let one process at a time change working copies, waiting for it; raises LockedError."""
        if self.read_only:
            raise self._not_writable()
        return self._writer.configuring()

    def note_sync(self, account: str, at: datetime, *, good: bool, reason: str = "") -> None:
        """Remember that an attempt to synchronise ACCOUNT ended AT, and whether all went well.

        Not GOOD, it counts as one attempt in vain, with its REASON, until the next good one. This
        is no entry; after an error of the disk nothing is remembered.
        """
        if not self._writer.broken:
            with self._noting():
                self.work.note_sync(account, at, good=good, reason=reason)

    def put_cursors(
        self, account: str, cursors: Sequence[Cursor], forget: Collection[str] = ()
    ) -> None:
        """Remember how far folders of ACCOUNT were read, and FORGET it of others; all or nothing.

        Only to be called when all that the reading brought is kept. Nothing is written when
        nothing changed. A power cut may take it back, never anything that was kept before it.
        """
        known = self.cursors(account)
        new = [cursor for cursor in cursors if known.get(cursor.folder) != cursor]
        gone = [folder for folder in forget if folder in known]
        if new or gone:
            with self._noting():
                self.work.put_cursors(account, new, gone)

    def spend(self, account: str, day: date, fetched: int, rechecked: int) -> None:
        """Add to the bytes that ACCOUNT fetched on DAY (UTC): of new messages, of presumed ones.

        To be called after each batch; a power cut may take back the last of them.
        """
        if fetched or rechecked:
            with self._noting():
                self.work.spend(account, day, fetched, rechecked)

    def note_looked(self, account: str, position: int) -> None:
        """Remember that messages of ACCOUNT were looked for around all kept before POSITION.

        Only after a walk that left nothing to be looked at again, and when all it brought is kept.
        """
        if self.looked(account) != position:
            with self._noting():
                self.work.note_looked(account, position)

    @contextlib.contextmanager
    def _noting(self) -> Iterator[None]:
        """Change what proves nothing: SQLite's own lock will do, and the disk is not waited for."""
        if self.read_only:
            raise self._not_writable()
        self._writer.refuse_if_broken()
        with told(self.root), self.database.lazily():
            yield

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

    def writing(self, *, wait: float | None = None) -> AbstractContextManager[None]:
        """Hold the write lock for one batch; raises LockedError (after WAIT s), OperationError."""
        if self.read_only:
            raise self._not_writable()
        return self._writer.hold(wait=wait)

    def _upgrade(self) -> None:
        """Bring the tables of an archive that an earlier version made up to this one's."""
        if self.database.version >= SCHEMA_VERSION:
            return
        if self.read_only:
            self.database.pretend_upgrade()
        else:
            self.database.upgrade()

    def _not_writable(self) -> OperationError:
        return OperationError(
            _("The archive {root} is open for reading only.").format(root=self.root),
            advice=_("Copy the whole folder to a disk that can be written, and use the copy."),
        )
