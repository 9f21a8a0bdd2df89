"""The order of writes: objects, then one transaction, then the mirror (docs/journal.md)."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from gettext import gettext as _
from pathlib import Path

from archiver.errors import OperationError
from archiver.evidence.disk import SyncError, told
from archiver.evidence.journal import codec
from archiver.evidence.journal.journal import Journal, Row
from archiver.evidence.journal.merkle import HASH_SIZE
from archiver.evidence.journal.mirror import Mirror
from archiver.evidence.locks import Locks
from archiver.evidence.objects import Objects
from archiver.model.digest import Digest, Position
from archiver.model.entries import Genesis, Payload
from archiver.model.incoming import Large

PROGRAM = "archiver"
"""The actor of what the program decides by itself."""


class Writer:
    """Everything that changes an archive goes through one of these, under the write lock."""

    def __init__(
        self,
        root: Path,
        journal: Journal,
        objects: Objects,
        mirror: Mirror,
        locks: Locks,
        *,
        clock: Callable[[], datetime],
        entropy: Callable[[int], bytes],
        software: str,
        lock_wait: float,
    ) -> None:
        self._root = root
        self._journal = journal
        self._objects = objects
        self._mirror = mirror
        self._locks = locks
        self._clock = clock
        self._entropy = entropy
        self._software = software
        self._lock_wait = lock_wait
        self._broken = False

    @property
    def broken(self) -> bool:
        """Whether the disk failed, so that only a fresh start can judge what is on it."""
        return self._broken

    def refuse_if_broken(self) -> None:
        """Raise OperationError when the disk failed before."""
        if self._broken:
            raise OperationError(
                _("Writing to {root} failed before, so nothing more is written now.").format(
                    root=self._root
                ),
                advice=_("Mend what that error told, then run the command again."),
            )

    def recover(self, *, read_only: bool) -> None:
        """Finish what an interrupted writer left; if there is something, and nobody is writing.

        Raises OperationError when the mirror shows that the database was rolled back.
        """
        with told(self._root):
            # The mirror is measured first: a live writer lengthens the database before the mirror.
            length = self._mirror.length()
            size = self._journal.size
            self._mirror.check_not_ahead(length, size)
            sound = length == size * HASH_SIZE and not self._objects.temporaries()
            if read_only or sound:
                return
            with self._locks.writing_at_once() as held:
                if held:  # else what looks unfinished is the work of a live writer
                    self._objects.sweep()
                    self._mirror.level(self._journal.size, self._journal.leaves)

    @contextlib.contextmanager
    def hold(self, *, wait: float | None = None) -> Iterator[None]:
        """Hold the write lock for one batch, after WAIT seconds at most (None: the usual time).

        Raises LockedError, and OperationError after a failure that only a fresh start can judge.
        """
        self.refuse_if_broken()
        wait = self._lock_wait if wait is None else wait
        with self._locks.writing(wait), told(self._root):
            try:
                # Another process may have been killed since this one was opened.
                self._mirror.level(self._journal.size, self._journal.leaves)
                yield
            except SyncError:
                self._broken = True
                raise

    def projecting(self, *, wait: bool) -> AbstractContextManager[None]:
        """Hold the lock of the projections; raises LockedError."""
        return self._locks.projecting(self._lock_wait if wait else 0)

    def configuring(self) -> AbstractContextManager[None]:
        """Hold the lock of the working copies; raises LockedError."""
        return self._locks.configuring(self._lock_wait)

    def encode(self, first: int, payloads: Sequence[Payload], *, actor: str) -> list[Row]:
        """Return the rows that say PAYLOADS from position FIRST on; raises ValueError."""
        at = self._clock()
        size = codec.SALT_SIZE
        salts = self._entropy(size * len(payloads)) if payloads else b""
        rows: list[Row] = []
        for number, payload in enumerate(payloads):
            salt = salts[number * size : (number + 1) * size]
            body = codec.encode(payload, at=at, actor=actor, software=self._software, salt=salt)
            rows.append((Position(first + number), payload, body))
        return rows

    def put(self, contents: Mapping[Digest, bytes | Large]) -> None:
        """Make the objects in CONTENTS durable."""
        self._objects.put(
            contents, counted_on=self._journal.counted_on, prefix=self._entropy(8).hex()
        )

    def begin(self) -> None:
        """Make the tables and the ``genesis`` entry at once: from now on there is an archive."""
        genesis = Genesis(archive=self._entropy(codec.SALT_SIZE).hex())
        with self._journal.database.transaction():
            self._journal.database.make_tables()
            leaves = self._journal.add(self.encode(0, [genesis], actor=PROGRAM))
        self._mirror.append(0, leaves)

    def commit(self, rows: Sequence[Row]) -> None:
        """Make ROWS durable in the journal, then in the mirror."""
        if not rows:
            return
        try:
            with self._journal.database.transaction():
                leaves = self._journal.add(rows)
        except OperationError:
            # Whether a failed commit reached the disk is known only to a fresh connection.
            self._broken = True
            raise
        self._mirror.append(rows[0][0], leaves)
