"""What the tests of the evidence room share: small archives, and disks that fail on purpose."""

import errno
import os
import re
import signal
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from archiver.evidence.disk import Disk, Name
from archiver.evidence.journal.database import Database
from archiver.evidence.journal.schema import SCHEMAS
from archiver.evidence.store import Evidence
from archiver.model.cursors import Cursor, Status
from archiver.model.digest import Position
from archiver.model.entries import Sighting
from archiver.model.incoming import Incoming
from archiver.model.sources import FileSource, HandSource, ImapSource

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SOFTWARE = "archiver test"


def now() -> datetime:
    """Be the clock."""
    return NOW


def create(root: Path, disk: Disk | None = None) -> Evidence:
    """Make an archive."""
    return Evidence.create(root, clock=now, entropy=os.urandom, software=SOFTWARE, disk=disk)


def reopen(
    root: Path, disk: Disk | None = None, *, recover: bool = True, lock_wait: float = 5.0
) -> Evidence:
    """Open an archive."""
    return Evidence.open(
        root,
        clock=now,
        entropy=os.urandom,
        software=SOFTWARE,
        disk=disk,
        recover=recover,
        lock_wait=lock_wait,
    )


def seen(
    data: bytes,
    uid: int = 1,
    *,
    folder: str = "INBOX",
    uidvalidity: int = 1,
    account: str = "work",
    internaldate: datetime | None = NOW,
    flags: Sequence[str] = (),
    certificate: str | None = None,
) -> Incoming:
    """Return DATA as a message in a mailbox."""
    source = ImapSource(
        account=account,
        host="imap.example",
        certificate=certificate,
        folder=folder,
        uidvalidity=uidvalidity,
        uid=uid,
    )
    return Incoming(data=data, source=source, internaldate=internaldate, flags=tuple(flags))


def in_file(data: bytes, member: int = 0, *, path: str = "/mail/box", offset: int = 0) -> Incoming:
    """Return DATA as a message in a file."""
    return Incoming(data=data, source=FileSource(path=path, member=member, offset=offset))


def presumption(
    record: Position,
    uid: int,
    *,
    folder: str = "INBOX",
    uidvalidity: int = 1,
    account: str = "work",
) -> Sighting:
    """Return what says that RECORD was recognised at UID by its attributes only."""
    source = seen(b"", uid, folder=folder, uidvalidity=uidvalidity, account=account).source
    return Sighting(record=record, source=source, internaldate=NOW, flags=(), match="attributes")


def cursor(folder: str, *, uidnext: int = 5, rules: str = "", done: bool = True) -> Cursor:
    """Return how far FOLDER was read."""
    status = Status(uidvalidity=1, uidnext=uidnext, exists=4, modseq=2**62, mailbox_id="M")
    return Cursor(folder=folder, status=status, whole=NOW, done=done, rules=rules)


def make_older(database: Database, version: int) -> None:
    """Take out of DATABASE what came after VERSION of its tables."""
    for schema in SCHEMAS[version:]:
        for kind, name in re.findall(r"CREATE (TABLE|INDEX) (\w+)", schema):
            database.all(f"DROP {kind} IF EXISTS {name}")
    database.all(f"PRAGMA user_version = {version}")


def by_hand(data: bytes) -> Incoming:
    """Return DATA as handed in by a person."""
    return Incoming(data=data, source=HandSource(), kind="note")


class ReadOnlyDisk(Disk):
    """Read-only media: writing would fail, and nobody even tries."""

    def writable(self, folder: Path) -> bool:  # noqa: ARG002 - the answer is the same for all
        """Say no."""
        return False


class FullDisk(Disk):
    """A disk with room for so many bytes more."""

    def __init__(self, room: int) -> None:
        self.room = room

    def write(self, descriptor: int, data: bytes) -> None:
        """Write while there is room."""
        self.room -= len(data)
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().write(descriptor, data)


class LinklessDisk(Disk):
    """A FAT disk: no hard links."""

    def link(self, old: Name, new: Name) -> None:  # noqa: ARG002 - nothing can be linked
        """Fail as Linux does on vfat."""
        raise OSError(errno.EPERM, os.strerror(errno.EPERM), str(old))


class TogetherDisk(Disk):
    """Takes one request for everything on any file system; only a power cut shows what it lacks.

    With the usual ``together_from``, the batches of the tests are too small for it.
    """

    def open_together(self, folder: Path, files: int) -> int | None:
        """Say yes to any file system."""
        return os.open(folder, os.O_RDONLY) if files >= self.together_from else None

    def sync_together(self, descriptor: int) -> None:
        """Leave the data to the system, which outlives the process."""


class RecordingDisk(TogetherDisk):
    """Remembers the order of writes."""

    def __init__(self) -> None:
        self.points: list[str] = []

    def reached(self, point: str) -> None:
        """Remember POINT."""
        self.points.append(point)


class KillingDisk(TogetherDisk):
    """Kills its process, as kill -9 does, at the given moment: the so-manieth time that a point is reached, or any."""

    def __init__(self, moment: str, after: int = 1) -> None:
        self.moment = moment
        self.count = after

    def reached(self, point: str) -> None:
        """Count, and die when it is time."""
        if self.moment in (point, "any"):
            self.count -= 1
            if not self.count:
                os.kill(os.getpid(), signal.SIGKILL)
