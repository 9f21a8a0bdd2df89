"""The file system as evidence needs it: written means durable, or it is an error.

Tests hand in disks that are full, fail or stop at a chosen moment; nothing here knows what the
files are for.
"""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from gettext import gettext as _
from pathlib import Path

from archiver.errors import ArchiverError, OperationError

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600

Name = Path | str
"""A path; in hot loops a string, which costs a tenth of a Path."""

_BINARY: int = getattr(os, "O_BINARY", 0)
# What systems answer when they cannot link, or cannot sync a folder, at all.
_UNSUPPORTED = frozenset(
    {errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL, errno.EBADF}
)
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


class SyncError(OSError):
    """The system could not confirm that something reached the disk: nobody may try again."""


class Disk:
    """The file system of this machine."""

    together_from = 32
    """How many files make one request for a whole file system cheaper than one for each.

    That one also waits for what other programs wrote there, which a few files need not.
    """

    def reached(self, point: str) -> None:
        """Learn that POINT in the order of writes was passed (docs/journal.md names them)."""

    def writable(self, folder: Path) -> bool:
        """Tell whether files can be made in FOLDER."""
        return os.access(folder, os.W_OK)

    def make_folder(self, folder: Path) -> None:
        """Make FOLDER, for its owner only whatever the umask; one that exists is left its files."""
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        folder.chmod(PRIVATE_FOLDER)

    def make_file(self, path: Name, mode: int = PRIVATE_FILE) -> int:
        """Make PATH, which must not exist, and return a descriptor to write to it."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY
        descriptor = os.open(path, flags, PRIVATE_FILE)
        # Not left to open(2): the umask would take bits away.
        self.protect(path, descriptor, mode)
        return descriptor

    def protect(self, path: Name, descriptor: int, mode: int) -> None:
        """Give the file PATH, open as DESCRIPTOR, its final MODE."""
        if sys.platform == "win32":
            os.chmod(path, mode)  # noqa: PTH101 - hot loop
        else:
            os.fchmod(descriptor, mode)

    def write(self, descriptor: int, data: bytes) -> None:
        """Write all of DATA."""
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]

    def sync(self, descriptor: int) -> None:
        """Return once what was written to DESCRIPTOR is on the disk; raises SyncError."""
        try:
            _sync(descriptor)
        except OSError as error:
            raise SyncError(error.errno, error.strerror) from error

    def open_together(self, folder: Path, files: int) -> int | None:
        """Get ready to sync FILES, not written yet, on FOLDER's file system, names included.

        Returns the descriptor for ``sync_together``, which the caller closes; None where each
        file and folder is to be synced by itself.
        """
        if files < self.together_from or not sys.platform.startswith("linux"):
            return None
        from archiver.evidence import syncfs  # here: only who writes much pays for ctypes

        return syncfs.open_sound(folder)

    def sync_together(self, descriptor: int) -> None:
        """Return once everything written there is on the disk; raises SyncError."""
        from archiver.evidence import syncfs

        try:
            syncfs.syncfs(descriptor)
        except OSError as error:
            raise SyncError(error.errno, error.strerror) from error

    def link(self, old: Name, new: Name) -> None:
        """Give the file OLD the second name NEW, which must not exist."""
        os.link(old, new)

    def publish(self, temporary: Name, final: Name) -> None:
        """Move TEMPORARY to FINAL, which must not exist, so that FINAL is whole or absent.

        Where the file system has no hard links it is a plain move. Then the caller's write lock is
        what keeps another writer from making FINAL between the look and the move.
        """
        if sys.platform == "win32":
            _move_through(temporary, final)
            return
        try:
            self.link(temporary, final)
        except FileExistsError:
            raise
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            if os.path.lexists(final):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(final)) from None
            os.rename(temporary, final)  # noqa: PTH104 - hot loop
        else:
            self.remove(temporary)

    def replace(self, temporary: Name, final: Name) -> None:
        """Move TEMPORARY to FINAL, which exists and is there at every moment, old or new."""
        if sys.platform == "win32":
            os.chmod(final, PRIVATE_FILE)  # noqa: PTH101 - Windows replaces no protected file
            _move_through(temporary, final, replace=True)
        else:
            os.replace(temporary, final)  # noqa: PTH105 - hot loop

    def remove(self, path: Name) -> None:
        """Remove the file PATH, write-protected or not."""
        try:
            os.unlink(path)  # noqa: PTH108 - hot loop
        except PermissionError:
            # Windows does not remove a write-protected file.
            os.chmod(path, PRIVATE_FILE)  # noqa: PTH101 - as above
            os.unlink(path)  # noqa: PTH108 - as above

    def sync_folder(self, folder: Path) -> None:
        """Return once the names in FOLDER are on the disk; raises SyncError.

        A file system that cannot sync a folder is asked to write everything out. Windows needs
        neither: its moves are written through.
        """
        if sys.platform == "win32":
            return
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            self.sync(descriptor)
        except SyncError as error:
            if error.errno not in _UNSUPPORTED:
                raise
            self.sync_all()
        finally:
            os.close(descriptor)

    def sync_all(self) -> None:
        """Ask the system to write out everything it holds in memory."""
        if sys.platform != "win32":
            os.sync()


if sys.platform == "darwin":
    import fcntl

    def _sync(descriptor: int) -> None:
        try:
            # fsync(2) of macOS leaves the data in the drive's cache.
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        except OSError:
            os.fsync(descriptor)

else:
    _sync = os.fsync


if sys.platform == "win32":
    import ctypes

    def _move_through(old: Name, new: Name, *, replace: bool = False) -> None:
        """Move OLD to NEW, refusing to REPLACE unless told, and return once it is on the disk."""
        flags = 0x8 | (0x1 if replace else 0)  # MOVEFILE_WRITE_THROUGH, _REPLACE_EXISTING
        if not ctypes.windll.kernel32.MoveFileExW(str(old), str(new), flags):
            raise ctypes.WinError()


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn an OSError met inside into an error that a user can act on; PATH says where."""
    try:
        yield
    except OSError as error:
        raise explain(error, path) from error


def explain(error: OSError, path: Path) -> ArchiverError:
    """Say what ERROR means to the archive at PATH, and what to do next."""
    reason = error.strerror or str(error)
    if isinstance(error, SyncError):
        return OperationError(
            _(
                "The disk could not confirm that what was written to {path} is safe: {reason}."
            ).format(path=path, reason=reason),
            advice=_(
                "Nothing unconfirmed was counted as kept. Check the disk before using it again, "
                "then run `archiver verify --read-data=all`."
            ),
        )
    if error.errno in _NO_ROOM:
        return OperationError(
            _("There is no room left on the disk that holds {path}.").format(path=path),
            advice=_("Free some space and run the command again: it goes on where it stopped."),
        )
    return OperationError(
        _("{path} could not be read or written: {reason}.").format(
            path=error.filename or path, reason=reason
        ),
        advice=_("Check that the disk is connected and that the folder belongs to you."),
    )
