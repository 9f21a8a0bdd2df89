"""A copy of an archive on another disk: consistent while others write, and itself an archive.

The journal is copied first, as it stands at one moment. Every object that it names was durable
before its entry was, so all of them can be copied afterwards, whatever is written meanwhile. In the
backup the new journal takes the old one's place last of all that it needs: a backup that is
interrupted leaves the earlier one as it was, and the next one goes on from there.
"""

import contextlib
import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from gettext import gettext as _
from pathlib import Path

from archiver.custody.backup_files import copy_files, copy_working_copies
from archiver.custody.backup_place import Place, open_place
from archiver.errors import OperationError
from archiver.evidence.checkpoints.outside import Outside
from archiver.evidence.disk import Disk, told
from archiver.evidence.journal.database import Database, blob, integer
from archiver.evidence.journal.schema import SCHEMA_VERSION
from archiver.evidence.objects import SHARDS, Objects
from archiver.evidence.reader import Reader
from archiver.model.digest import Digest, Position
from archiver.model.findings import Finding

_NOTE = "backup"
_AT_ONCE = 64  # objects
_BYTES_AT_ONCE = 16 * 2**20
_TRIES = 5
_NAMED = (
    "SELECT digest, size FROM record UNION SELECT digest, size FROM key_seen"
    " UNION SELECT digest, size FROM config WHERE digest IS NOT NULL"
)

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedUp:
    """A backup that is complete, as far as FINDINGS do not say otherwise."""

    folder: Path
    entries: int
    """Of the journal, as it stood when the backup began."""
    copied: int
    """Objects that were not there yet, or were damaged there."""
    copied_bytes: int
    present: int
    """Objects that an earlier backup had copied."""
    removed: int
    """Objects that were erased in the archive since, and are now gone from the backup too."""
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownBackup:
    """A backup that this machine made: what was erased since is in it until the next one."""

    folder: str
    at: datetime
    entries: int


def back_up(
    evidence: Reader,
    folder: Path,
    *,
    lock_wait: float = 10.0,
    disk: Disk | None = None,
    progress: Progress = lambda _done, _total: None,
) -> BackedUp:
    """Bring the backup in FOLDER level with the archive; it is made when FOLDER is empty or absent.

    Raises UsageError when FOLDER holds another archive, one that is newer, or anything else; and
    OperationError when a disk fails: then the earlier backup is as it was.
    """
    # The mirror is measured first: a live writer lengthens the database before the mirror.
    length = evidence.mirror.length()
    evidence.mirror.check_not_ahead(length, evidence.size)
    with told(folder), open_place(evidence, folder, disk or Disk(), lock_wait) as place:
        for _try in range(_TRIES):
            work = _Work(evidence, place, progress)
            try:
                work.run()
            except _ErasedMeanwhileError:
                continue
            place.finish()
            return work.report()
    raise OperationError(
        _("The archive was erasing records again and again while it was copied."),
        advice=_("Run `archiver backup` again once the erasure is done."),
    )


@dataclass(slots=True)
class _Work:
    """One backup under way."""

    evidence: Reader
    place: Place
    progress: Progress
    findings: list[Finding] = field(default_factory=list)
    entries: int = 0
    copied: int = 0
    copied_bytes: int = 0
    present: int = 0
    removed: int = 0

    def run(self) -> None:
        """Do all of it; raises _ErasedMeanwhileError before anything is published."""
        with self._snapshot() as snapshot:
            self._copy_objects(snapshot)
            self._publish(snapshot)

    @contextlib.contextmanager
    def _snapshot(self) -> Iterator[Reader]:
        """Copy the journal as it stands; yield it, open."""
        path = self.place.root / "journal" / "journal.sqlite.new"
        _forget(self.place.disk, path)
        self.evidence.database.copy_to(path)
        self.place.disk.reached("journal-copied")
        database = Database(
            path, wait=10, writable=True, folder_writable=True, disk=self.place.disk
        )
        try:
            if database.version < SCHEMA_VERSION:  # of an archive on read-only media
                database.upgrade()
            snapshot = Reader(self.place.root, database, self.place.disk)
            self.place.check_continues(snapshot)
            self.entries = snapshot.size
            yield snapshot
        finally:
            database.close()
            _forget(self.place.disk, path)

    def _copy_objects(self, snapshot: Reader) -> None:
        """Copy every object that the SNAPSHOT names and the backup lacks."""
        named = _named(snapshot.database)
        there = _listed(self.place.objects)
        missing = sorted(digest for digest, size in named.items() if there.get(digest) != size)
        self.present = len(named) - len(missing)
        batch: dict[Digest, bytes] = {}
        for done, digest in enumerate(missing):
            self.progress(done, len(missing))
            if (data := self._read(Digest(digest))) is not None:
                batch[Digest(digest)] = data
            if len(batch) >= _AT_ONCE or sum(map(len, batch.values())) >= _BYTES_AT_ONCE:
                self._put(batch)
        self._put(batch)
        self.progress(len(missing), len(missing))

    def _read(self, digest: Digest) -> bytes | None:
        """Read an object; note when it cannot be, and that it was erased meanwhile."""
        try:
            return self.evidence.read(digest)
        except OperationError as error:
            if not self.evidence.journal.counted_on([digest]):
                raise _ErasedMeanwhileError from error
            self.findings.append(
                Finding(
                    code="backup-object-missing",
                    level="error",
                    subject=str(digest),
                    message=error.what,
                    advice=error.advice,
                )
            )
            return None

    def _put(self, batch: dict[Digest, bytes]) -> None:
        # Nothing is counted on: what is there under such a name is a damaged copy.
        prefix = f"backup-{os.getpid()}"
        self.place.objects.put(batch, counted_on=lambda _digests: (), prefix=prefix)
        self.copied += len(batch)
        self.copied_bytes += sum(map(len, batch.values()))
        batch.clear()

    def _publish(self, snapshot: Reader) -> None:
        """Make the SNAPSHOT the journal of the backup, then what follows from it."""
        self.place.put_journal(snapshot)
        copy_files(self.evidence, self.place, snapshot.size)
        self.findings += copy_working_copies(self.evidence, self.place, snapshot)
        named = _named(snapshot.database)
        gone = [Digest(digest) for digest in _listed(self.place.objects) if digest not in named]
        self.place.objects.delete(gone)
        self.place.objects.sweep()
        self.removed = len(gone)
        if gone:
            self.findings += self.place.derived_findings()

    def report(self) -> BackedUp:
        """Say what was done."""
        return BackedUp(
            folder=self.place.root,
            entries=self.entries,
            copied=self.copied,
            copied_bytes=self.copied_bytes,
            present=self.present,
            removed=self.removed,
            findings=tuple(self.findings),
        )


class _ErasedMeanwhileError(Exception):
    """The archive erased a record since the journal was copied: begin again."""


def _named(database: Database) -> Mapping[str, int]:
    """Return the objects that a journal names, with their sizes."""
    return {blob(row[0]).hex(): integer(row[1]) for row in database.all(_NAMED)}


def _listed(objects: Objects) -> Mapping[str, int]:
    """Return the objects that are there, with their sizes; what is none is left out."""
    found: dict[str, int] = {}
    for shard in SHARDS:
        for entry in os.scandir(objects.folder / shard):
            if entry.is_file(follow_symlinks=False) and _is_object(entry.name, shard):
                found[entry.name] = entry.stat(follow_symlinks=False).st_size
    return found


def _is_object(name: str, shard: str) -> bool:
    try:
        return name.startswith(shard) and Digest(name).hex == name
    except ValueError:
        return False


def _forget(disk: Disk, path: Path) -> None:
    """Remove a database and what SQLite put beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            disk.remove(path.with_name(path.name + suffix))


# --- what the machine remembers -------------------------------------------------------------------


def known_backups(outside: Outside) -> tuple[KnownBackup, ...]:
    """Return the backups that this machine made of the archive, newest first.

    Nobody knows of those that were made otherwise, or whether these still exist.
    """
    data = outside.note(_NOTE)
    if data is None:
        return ()
    try:
        found = tuple(
            KnownBackup(
                folder=str(each["folder"]),
                at=datetime.fromisoformat(each["at"]),
                entries=int(each["entries"]),
            )
            for each in json.loads(data)["backups"]
        )
    except (ValueError, KeyError, TypeError):
        return ()
    return tuple(sorted(found, key=lambda each: each.at, reverse=True))


def backups_with(outside: Outside, records: Collection[Position]) -> tuple[KnownBackup, ...]:
    """Return the known backups that hold one of RECORDS, as they were when they were made.

    Raises OperationError when what this machine remembers cannot be read.
    """
    oldest = min(records, default=None)
    return tuple(
        each for each in known_backups(outside) if oldest is not None and each.entries > oldest
    )


def remember_backup(outside: Outside, done: BackedUp, *, at: datetime) -> None:
    """Remember where and when a backup was made; raises OperationError."""
    new = KnownBackup(folder=str(done.folder), at=at, entries=done.entries)
    others = [each for each in known_backups(outside) if each.folder != new.folder]
    backups = [
        {"folder": each.folder, "at": each.at.isoformat(), "entries": each.entries}
        for each in (new, *others)
    ]
    outside.keep_note(_NOTE, json.dumps({"backups": backups}, indent=1).encode())
