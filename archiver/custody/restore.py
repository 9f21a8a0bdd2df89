"""Put a backup into a place of its own, and say how it stands to what this machine remembers."""

from collections.abc import Callable
from gettext import gettext as _
from gettext import ngettext
from pathlib import Path

from archiver.custody.backup import BackedUp, back_up
from archiver.errors import UsageError
from archiver.evidence.checkpoints.marks import marks_of
from archiver.evidence.checkpoints.outside import Outside
from archiver.evidence.checkpoints.signing import standing
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


def tell_standing(evidence: Reader, outside: Outside) -> tuple[str, ...]:
    """Say whether the archive is older than what was signed, as far as that can be known here."""
    match standing(evidence, outside):
        case "older":
            lost = max(mark.checkpoint.size for mark in marks_of(evidence, outside)) - evidence.size
            return (
                ngettext(
                    "This archive is older than the state signed on this machine: {n} entry is "
                    "missing.",
                    "This archive is older than the state signed on this machine: {n} entries are "
                    "missing.",
                    lost,
                ).format(n=lost),
                _(
                    "Look for a newer copy first. To go on with this one: archiver --archive "
                    "{folder} restore --accept"
                ).format(folder=evidence.root),
            )
        case "forked":
            return (
                _("This archive went another way than what was signed."),
                _(
                    "Run `archiver verify`. To go on with it all the same: archiver --archive "
                    "{folder} restore --accept"
                ).format(folder=evidence.root),
            )
        case "unknown":
            return (
                _(
                    "This machine has no memory of this archive: it cannot be known whether a "
                    "newer state of it exists."
                ),
            )
        case "newer" | "level":
            return (_("It holds everything that this machine ever signed."),)
