"""Small files that are written whole: checkpoints, time-stamps, keys, working copies."""

import contextlib
import os
from pathlib import Path

from archiver.evidence.disk import PRIVATE_FILE, Disk


def write_whole(disk: Disk, path: Path, data: bytes, *, mode: int = PRIVATE_FILE) -> None:
    """Make PATH hold DATA, durably, or leave it as it was; a file that is there is replaced.

    The folder exists; ``write_in_folder`` makes it. Raises OSError, SyncError among them.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with contextlib.suppress(FileNotFoundError):
        disk.remove(temporary)
    descriptor = disk.make_file(temporary, mode)
    try:
        try:
            disk.write(descriptor, data)
            disk.reached("file-written")
            disk.sync(descriptor)
            disk.reached("file-synced")
        finally:
            os.close(descriptor)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            disk.remove(temporary)
        raise
    disk.reached("file-named")
    disk.sync_folder(path.parent)
    disk.reached("file-folder-synced")


def write_in_folder(disk: Disk, path: Path, data: bytes) -> None:
    """Do as ``write_whole``, and make the folder before, durably, where it is missing."""
    if not path.parent.is_dir():
        disk.make_folder(path.parent)
        disk.sync_folder(path.parent.parent)
    write_whole(disk, path, data)


def sweep(disk: Disk, folder: Path) -> None:
    """Remove from FOLDER what killed writers left unfinished; raises OSError.

    The caller holds the lock of those who write there.
    """
    for path in folder.glob(".*.tmp"):
        disk.remove(path)
