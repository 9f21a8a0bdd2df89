"""One daemon for an archive: a lock of the operating system, which survives no process."""

import contextlib
from collections.abc import Iterator
from gettext import gettext as _
from pathlib import Path
from typing import Final

from archiver.daemon import state as state_file
from archiver.errors import LockedError, OperationError
from archiver.evidence.locks import system_lock

_FILE: Final = "daemon.lock"
_WAIT: Final = 1.0
"""Seconds: who only asks whether a daemon runs holds the lock for a moment."""


@contextlib.contextmanager
def alone(root: Path) -> Iterator[None]:
    """Hold the lock of the archive in ROOT; raises LockedError when a daemon has it."""
    folder = root / state_file.FOLDER
    lock = system_lock(folder / _FILE, _WAIT)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        lock.acquire()
    except TimeoutError:
        raise _taken(root) from None
    except OSError as error:
        raise OperationError(
            _("{path} cannot be written: {why}.").format(
                path=folder / _FILE, why=error.strerror or error
            ),
            advice=_("The daemon needs an archive that can be written, on a disk of this machine."),
        ) from error
    try:
        yield
    finally:
        lock.release()


def is_taken(root: Path) -> bool | None:
    """Tell whether a daemon runs for the archive in ROOT; None: this user may not know."""
    path = root / state_file.FOLDER / _FILE
    if not path.exists():
        return False
    lock = system_lock(path, 0)
    try:
        lock.acquire()
    except TimeoutError:
        return True
    except OSError:
        return None
    lock.release()
    return False


def _taken(root: Path) -> LockedError:
    found = state_file.read(root)
    who = _("process {pid}").format(pid=found.pid) if found else _("another process")
    return LockedError(
        _("A daemon runs for this archive already ({who}).").format(who=who),
        advice=_("See how it fares with `archiver daemon --status`, or end it first."),
    )
