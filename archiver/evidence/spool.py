"""Writings that are too large for memory: written to ``objects/tmp/`` as they come.

Keeping one only gives its file a name. Whoever opens the archive meanwhile sweeps that folder: so
the file is locked (flock) as long as the process lives that writes it, and what is not locked was
left by a killed one. Windows removes no open file, which comes to the same.
"""

import hashlib
import io
import itertools
import os
import sys
import weakref
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from archiver.evidence.disk import PRIVATE_FILE, Disk, SyncError, told
from archiver.model.digest import Digest

OBJECT = 0o444
"""The mode of an object, once it is whole."""

_MARK = "large-"
_SYNC_EVERY = 32 * 1024 * 1024
"""Bytes after which the disk is waited for, so that a stop never waits for more than these."""


class SpoolFile:
    """A Spool, and the Large that comes of it: one file, gone with this value unless it is kept."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        """Make the file in FOLDER; raises OperationError."""
        self.size = 0
        self._hash = hashlib.sha256()
        self._disk = disk
        self._unsynced = 0
        self._failed: SyncError | None = None
        with told(folder):
            self._path, self._file = _made(folder, disk)
        # Also when the value is merely dropped, and at the end of the program.
        self._forget = weakref.finalize(self, _drop, disk, self._path, self._file)

    @property
    def digest(self) -> Digest:
        """SHA-256 of what was written so far."""
        return Digest(self._hash.hexdigest())

    def write(self, piece: bytes) -> None:
        """Add PIECE; raises OperationError."""
        with told(self._path):
            self._disk.write(self._file.fileno(), piece)
            self._unsynced += len(piece)
            if self._unsynced >= _SYNC_EVERY:
                self._sync()
        self._hash.update(piece)
        self.size += len(piece)

    def done(self) -> "SpoolFile":
        """Bring it to the disk, while no lock is held."""
        self._disk.reached("object-written")
        with told(self._path):
            self._disk.protect(self._path, self._file.fileno(), OBJECT)
            self._sync()
        return self

    def open(self) -> BinaryIO:
        """Open what was written."""
        return self._path.open("rb")

    def settle(self) -> Path:
        """Return the file, safe on the disk; raises SyncError.

        It is the caller's from now on. The lock on it ends, so the caller holds that for writing.
        """
        if self._failed is not None:
            raise self._failed
        self._forget.detach()
        self._file.close()
        return self._path

    def forget(self) -> None:
        """Remove the file, unless it is another's by now."""
        self._forget()

    def _sync(self) -> None:
        """Wait for the disk; what it did not confirm, ``settle`` tells who must write no more."""
        self._unsynced = 0
        try:
            self._disk.sync(self._file.fileno())
        except SyncError as error:
            self._failed = error


def is_left(path: Path) -> bool:
    """Tell whether PATH, in ``objects/tmp/``, was left by a killed process.

    The caller holds the lock for writing: what is no spool file was left by who held it before.
    """
    if not path.name.startswith(_MARK):
        return os.path.lexists(path)
    try:
        with path.open("rb") as file:
            return _lock(file.fileno(), shared=True)
    except FileNotFoundError:
        return False
    except OSError:
        return True


def remove_left(disk: Disk, path: Path) -> None:
    """Remove PATH, in ``objects/tmp/``, unless a living process writes it; raises OSError.

    The caller holds the lock for writing.
    """
    if not path.name.startswith(_MARK):
        disk.remove(path)
        return
    # What is another user's is left to them; Windows says so of what is open.
    with suppress(FileNotFoundError, PermissionError):
        if sys.platform == "win32":
            disk.remove(path)
            return
        with path.open("rb") as file:
            # It is removed under the lock, so that a maker who comes between sees it (``_made``).
            if _lock(file.fileno(), shared=True):
                disk.remove(path)


def _made(folder: Path, disk: Disk) -> tuple[Path, io.FileIO]:
    """Make a file in FOLDER and lock it; raises OSError."""
    numbers = itertools.count()
    while True:
        path = folder / f"{_MARK}{os.getpid()}-{next(numbers)}"
        try:
            descriptor = disk.make_file(path, PRIVATE_FILE)
        except FileExistsError:
            continue
        file = io.FileIO(descriptor, "wb")
        # Between the making and the locking, it may have been taken for left and removed.
        if _lock(descriptor) and os.fstat(descriptor).st_nlink:
            return path, file
        file.close()


def _drop(disk: Disk, path: Path, file: io.FileIO) -> None:
    file.close()
    with suppress(OSError):
        disk.remove(path)


if sys.platform == "win32":

    def _lock(_descriptor: int, *, shared: bool = False) -> bool:  # noqa: ARG001 - as below
        """Need none."""
        return True

else:
    import fcntl

    def _lock(descriptor: int, *, shared: bool = False) -> bool:
        """Lock the file if nobody else has; a SHARED lock is enough to see that nobody has."""
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
