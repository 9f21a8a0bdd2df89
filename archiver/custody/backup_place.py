"""The folder that a backup is made in: what it may be, and how the new journal gets there."""

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from gettext import gettext as _
from pathlib import Path

from archiver.errors import UsageError
from archiver.evidence.disk import Disk
from archiver.evidence.durable import write_whole
from archiver.evidence.format import check_format
from archiver.evidence.journal.database import Database
from archiver.evidence.journal.mirror import Mirror
from archiver.evidence.locks import Locks
from archiver.evidence.objects import Objects
from archiver.evidence.reader import Reader
from archiver.model.findings import Finding

_MARK = "backup-of"
"""In ``journal/`` of an unfinished backup: the identity of the archive that it is of."""
_DERIVED = ("catalogue.sqlite", "search")


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that holds, or will hold, a backup of one archive; its write lock is held."""

    root: Path
    objects: Objects
    disk: Disk
    wait: float

    @property
    def journal(self) -> Path:
        """The database of the journal."""
        return self.root / "journal" / "journal.sqlite"

    @contextlib.contextmanager
    def earlier(self) -> Iterator[Reader | None]:
        """Open the backup that is there; None when there is none yet."""
        if not self.journal.is_file():
            yield None
            return
        database = Database(
            self.journal, wait=self.wait, writable=True, folder_writable=True, disk=self.disk
        )
        with contextlib.closing(database):
            check_format(database, self.root)
            yield Reader(self.root, database, self.disk)

    def check_continues(self, snapshot: Reader) -> None:
        """Raise UsageError unless the journal of SNAPSHOT goes on from that of the backup."""
        with self.earlier() as earlier:
            if earlier is None:
                return
            earlier.mirror.check_not_ahead(earlier.mirror.length(), earlier.size)
            if earlier.size > snapshot.size:
                raise UsageError(
                    _(
                        "The backup in {folder} is newer than the archive: it holds {there} "
                        "entries, the archive {here}."
                    ).format(folder=self.root, there=earlier.size, here=snapshot.size),
                    advice=_(
                        "Is this archive an old copy? Nothing was changed. To go on with it, back "
                        "it up into another folder, and keep this one."
                    ),
                )
            both = zip(earlier.journal.leaves(), snapshot.journal.leaves(), strict=False)
            if any(there != here for there, here in both):
                raise UsageError(
                    _("The backup in {folder} and the archive went different ways.").format(
                        folder=self.root
                    ),
                    advice=_(
                        "Something was written into one of them that the other does not know. "
                        "Nothing was changed; back the archive up into another folder, and keep "
                        "this one."
                    ),
                )

    def put_journal(self, snapshot: Reader) -> None:
        """Make the database of SNAPSHOT the journal of the backup, at once or not at all."""
        if self.journal.exists():
            # SQLite does it in one transaction, whoever reads the old one meanwhile.
            snapshot.database.copy_to(self.journal)
        else:
            whole = self.journal.with_name("journal.sqlite.first")
            with contextlib.suppress(FileNotFoundError):
                self.disk.remove(whole)
            os.close(self.disk.make_file(whole))
            snapshot.database.copy_to(whole)
            self._sync(whole)
            whole.replace(self.journal)
        self._sync(self.journal)
        self.disk.sync_folder(self.journal.parent)
        self.disk.reached("journal-replaced")
        mirror = Mirror(self.root / "journal" / "leaves", self.disk)
        mirror.create()
        mirror.level(snapshot.size, snapshot.journal.leaves)
        self.disk.sync_folder(self.journal.parent)

    def finish(self) -> None:
        """Take away what told whose unfinished backup this is: the journal tells it now."""
        with contextlib.suppress(FileNotFoundError):
            self.disk.remove(self.root / "journal" / _MARK)

    def derived_findings(self) -> list[Finding]:
        """Say that catalogue and index, if the backup was ever used, know what was erased."""
        return [
            Finding(
                code="backup-derived",
                level="warning",
                subject=str(self.root / name),
                message=_("It was made by using the backup, and may still hold what was erased."),
                advice=_("Delete it, or run: archiver --archive {folder} rebuild").format(
                    folder=self.root
                ),
            )
            for name in _DERIVED
            if (self.root / name).exists()
        ]

    def _sync(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
        try:
            self.disk.sync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def open_place(evidence: Reader, folder: Path, disk: Disk, wait: float) -> Iterator[Place]:
    """Make sure that FOLDER may hold a backup of the archive, and hold its write lock.

    Raises UsageError when it is the archive itself, or holds another one or anything else.
    """
    root = folder.absolute()
    require_apart(evidence.root, root)
    _require_ours(evidence, root)
    disk.make_folder(root)
    disk.make_folder(root / "journal")
    mark = root / "journal" / _MARK
    if not mark.exists() and not (root / "journal" / "journal.sqlite").exists():
        write_whole(disk, mark, f"{evidence.archive_id}\n".encode())
    with Locks(root / "journal").writing(wait):
        objects = Objects(root / "objects", disk)
        objects.create()
        disk.sync_folder(root)
        with contextlib.suppress(OSError):
            disk.sync_folder(root.parent)
        yield Place(root, objects, disk, wait)


def holds_backup(folder: Path) -> bool:
    """Tell whether FOLDER holds the journal of a backup that was finished once."""
    return (folder / "journal" / "journal.sqlite").is_file()


def require_apart(archive: Path, folder: Path) -> None:
    """Raise UsageError when FOLDER is ARCHIVE, inside it, or around it, by whatever name."""
    place = folder.resolve()
    home = archive.resolve()
    if place == home or home in place.parents:
        raise UsageError(
            _("{folder} is inside the archive.").format(folder=folder),
            advice=_("A backup belongs on another disk: name a folder there."),
        )
    if place in home.parents:
        raise UsageError(
            _("The archive is inside {folder}.").format(folder=folder),
            advice=_("Name a folder that is for this backup alone, on another disk."),
        )


def _require_ours(evidence: Reader, root: Path) -> None:
    """Raise UsageError when ROOT holds something that is no backup of this archive."""
    if not root.exists() or (root.is_dir() and _is_bare(root)):
        return
    found = _identity(root)
    if found is None:
        raise UsageError(
            _("{folder} is not empty, and it holds no backup.").format(folder=root),
            advice=_("Name a new folder, or one that an earlier backup was made in."),
        )
    if found != evidence.archive_id:
        raise UsageError(
            _("{folder} holds a backup of another archive.").format(folder=root),
            advice=_("Each archive needs a folder of its own: name another one."),
        )


def _is_bare(root: Path) -> bool:
    """Tell whether ROOT holds nothing, or only what a backup leaves that was killed at once."""
    unfinished = re.compile(rf"\.{_MARK}\.\d+\.tmp\Z")
    inside = [path for path in root.iterdir() if path.name != "journal"]
    journal = root / "journal"
    below = journal.iterdir() if journal.is_dir() else ()
    return not inside and all(unfinished.match(path.name) for path in below)


def _identity(root: Path) -> str | None:
    """Return the identity of the archive whose backup ROOT holds, finished or not."""
    path = root / "journal" / "journal.sqlite"
    if path.is_file():
        database = Database(path, wait=10, writable=False, folder_writable=True, disk=Disk())
        with contextlib.closing(database):
            check_format(database, root)
            return Reader(root, database, Disk()).archive_id
    try:
        return (root / "journal" / _MARK).read_text("ascii").strip()
    except (OSError, ValueError):
        return None
