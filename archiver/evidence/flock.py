"""flock(2), without what a library for all systems costs to load: 20 to 30 ms of each sync."""

import contextlib
import errno
import os
import sys
import time
from pathlib import Path

_HELD = frozenset({errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK})


if sys.platform != "win32":
    import fcntl

    class Flock:
        """A lock on a file that stays; its process gives it back however it ends.

        It is the same lock as filelock's on these systems, so both keep each other out.
        """

        def __init__(self, path: Path, wait: float, *, mode: int, poll: float) -> None:
            """Lock PATH, made with MODE, within WAIT seconds, trying every POLL seconds."""
            self._path = path
            self._wait = wait
            self._mode = mode
            self._poll = poll
            self._descriptor: int | None = None

        def acquire(self) -> int:
            """Take it, or raise TimeoutError; raises OSError where files cannot be locked."""
            end = time.monotonic() + self._wait
            descriptor = self._open()
            try:
                taken = self._taken(descriptor)
                while not taken and time.monotonic() < end:
                    time.sleep(self._poll)
                    taken = self._taken(descriptor)
            except BaseException:
                os.close(descriptor)
                raise
            if not taken:
                os.close(descriptor)
                raise TimeoutError(str(self._path))
            self._descriptor = descriptor
            return descriptor

        def release(self) -> None:
            """Give it back, also if a child process has inherited the file."""
            descriptor, self._descriptor = self._descriptor, None
            if descriptor is not None:
                with contextlib.suppress(OSError):
                    fcntl.flock(descriptor, fcntl.LOCK_UN)
                os.close(descriptor)

        def _open(self) -> int:
            # Nothing is followed that stands in its place, and nothing waited for.
            flags = os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW
            try:
                descriptor = os.open(self._path, flags | os.O_CREAT | os.O_EXCL, self._mode)
            except FileExistsError:
                return os.open(self._path, flags)
            with contextlib.suppress(OSError):
                os.fchmod(descriptor, self._mode)  # the umask would take bits away
            return descriptor

        @staticmethod
        def _taken(descriptor: int) -> bool:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno in _HELD:
                    return False
                raise
            return True
