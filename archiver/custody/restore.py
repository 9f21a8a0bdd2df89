"""Put a backup into a place of its own."""

from collections.abc import Callable
from gettext import gettext as _
from pathlib import Path

from archiver.custody.backup import BackedUp, back_up
from archiver.errors import UsageError
from archiver.evidence.reader import Reader


def put_back(
    backup: Reader,
    folder: Path,
    *,
    lock_wait: float = 10.0,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> BackedUp:
    """Copy the BACKUP, each object read and compared with its name, to FOLDER.

    Raises UsageError when FOLDER is in use: an archive is never overwritten by an older one.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            _("{folder} is not an empty folder.").format(folder=folder),
            advice=_(
                "Name one that does not exist yet. An archive that is there stays as it is: move "
                "it away, and keep it, if you want its place."
            ),
        )
    return back_up(backup, folder, lock_wait=lock_wait, progress=progress)
