"""Locks that survive kill -9: for each account, for writing, for what is changed step by step.

They are locks of the operating system (flock, LockFileEx) on files in ``journal/``, so a process
that dies gives them back. What locks is imported when a lock is first wanted: readers want none.
"""

import contextlib
import errno
import hashlib
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from gettext import gettext as _
from pathlib import Path
from typing import Protocol

from archiver.errors import LockedError, OperationError
from archiver.evidence.disk import PRIVATE_FILE, told

_POLL = 0.01  # seconds; a batch is written in some tenths of a second
# What systems answer where files cannot be locked.
_NO_LOCKS = frozenset({errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP})


class Lock(Protocol):
    """A lock of the operating system."""

    def acquire(self) -> object:
        """Take it, or raise TimeoutError after the time it was made with."""

    def release(self) -> None:
        """Give it back."""


class Locks:
    """The locks of one archive."""

    def __init__(
        self, folder: Path, make_lock: Callable[[Path, float], Lock] | None = None
    ) -> None:
        """Use lock files in FOLDER; MAKE_LOCK is given (path, seconds to wait)."""
        self._folder = folder
        self._make_lock = make_lock or system_lock

    @contextlib.contextmanager
    def writing(self, wait: float) -> Iterator[None]:
        """Hold the lock for writing; raises LockedError after WAIT seconds."""
        with contextlib.ExitStack() as stack:
            if not stack.enter_context(self._hold("write.lock", wait)):
                raise LockedError(
                    _("Another process has been writing to the archive for {seconds:g} s.").format(
                        seconds=wait
                    )
                    if wait > 0
                    else _("Another process is writing to the archive."),
                    advice=_("Wait until it has finished, or allow more time with --lock-wait."),
                )
            yield

    @contextlib.contextmanager
    def writing_at_once(self) -> Iterator[bool]:
        """Hold the lock for writing if nobody else does; yields whether it is held."""
        with self._hold("write.lock", 0) as held:
            yield held

    @contextlib.contextmanager
    def projecting(self, wait: float) -> Iterator[None]:
        """Hold the lock of the projections; raises LockedError after WAIT seconds."""
        with contextlib.ExitStack() as stack:
            if not stack.enter_context(self._hold("projections.lock", wait)):
                raise LockedError(
                    _("Another process has been reading and indexing for {seconds:g} s.").format(
                        seconds=wait
                    )
                    if wait > 0
                    else _("Another process is reading and indexing."),
                    advice=_("Wait until it has finished, or allow more time with --lock-wait."),
                )
            yield

    @contextlib.contextmanager
    def configuring(self, wait: float) -> Iterator[None]:
        """Hold the lock of the working copies; raises LockedError after WAIT seconds."""
        with contextlib.ExitStack() as stack:
            if not stack.enter_context(self._hold("config.lock", wait)):
                raise LockedError(
                    _(
                        "Another process has been changing settings or engagements for "
                        "{seconds:g} s."
                    ).format(seconds=wait)
                    if wait > 0
                    else _("Another process is changing settings or engagements."),
                    advice=_("Wait until it has finished, or allow more time with --lock-wait."),
                )
            yield

    @contextlib.contextmanager
    def account(self, name: str, wait: float = 0) -> Iterator[None]:
        """Hold the lock of the account NAME; raises LockedError when it is taken for WAIT seconds.

        Without a WAIT that is at once.
        """
        with contextlib.ExitStack() as stack:
            if not stack.enter_context(self._hold(_file_name(name), wait)):
                raise _being_synchronised(name, wait)
            yield

    def _hold(self, name: str, wait: float) -> AbstractContextManager[bool]:
        path = self._folder / name
        return _hold(self._make_lock(path, wait), path)


def _being_synchronised(account: str, wait: float) -> LockedError:
    if wait <= 0:
        return LockedError(
            _("The account {name} is being synchronised by another process.").format(name=account),
            advice=_("Wait until that has finished, or end it, and run the command again."),
        )
    return LockedError(
        _(
            "Another sync, perhaps the daemon's, has been synchronising the account {name} for "
            "{seconds:g} s."
        ).format(name=account, seconds=wait),
        advice=_(
            "`archiver daemon --status` tells whether a daemon is at it: then there is nothing to "
            "do. Else wait until it has finished, or allow more time with --lock-wait."
        ),
    )


def _file_name(account: str) -> str:
    """Name the lock file of ACCOUNT: for people by its letters, for the system by its hash."""
    letters = re.sub(r"[^A-Za-z0-9-]+", "-", account)[:40]
    mark = hashlib.sha256(account.encode(errors="surrogatepass")).hexdigest()[:12]
    return f"account-{letters}-{mark}.lock"


@contextlib.contextmanager
def _hold(lock: Lock, path: Path) -> Iterator[bool]:
    try:
        held = lock.acquire()
    except TimeoutError:
        held = None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            with told(path):
                raise
        raise OperationError(
            _("The file system that holds {path} cannot lock files.").format(path=path),
            advice=_("Move the archive to a disk of this machine."),
        ) from error
    try:
        yield held is not None
    finally:
        if held is not None:
            lock.release()


if sys.platform == "win32":

    def system_lock(path: Path, wait: float) -> Lock:
        """Return the lock on the file PATH, made where it is missing, for which WAIT seconds go."""
        import filelock

        # No fallback to a lock that is a file's existence: that one outlives its process.
        return filelock.FileLock(
            path, timeout=wait, mode=PRIVATE_FILE, poll_interval=_POLL, fallback_to_soft=False
        )

else:

    def system_lock(path: Path, wait: float) -> Lock:
        """Return the lock on the file PATH, made where it is missing, for which WAIT seconds go."""
        from archiver.evidence.flock import Flock

        return Flock(path, wait, mode=PRIVATE_FILE, poll=_POLL)
