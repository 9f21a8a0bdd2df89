"""Write a file so that a crash leaves either the old one or the new one, never half of one."""

import os
from pathlib import Path

from archiver.evidence.disk import Disk


def write_atomically(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Replace PATH by DATA: temporary beside it, fsync, rename, fsync of the folder.

    Raises OSError when the disk refuses; PATH is then as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    Disk().sync_folder(path.parent)
