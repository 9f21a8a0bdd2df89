"""Signals as things to read: handlers only wake the main thread, which does everything itself."""

import os
import select
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Final, Literal, Self

Wish = Literal["stop", "reload"]

Handler = Callable[[int, FrameType | None], None]

_STOP: Final = ("SIGTERM", "SIGINT", "SIGBREAK")
_RELOAD: Final = ("SIGHUP",)
_ENOUGH: Final = 2
"""The second wish to stop ends the process at once: everything survives that."""


class Signals:
    """A context manager: within it, signals of the process are wishes to be taken."""

    def __init__(self, leave: Callable[[int], object] = os._exit) -> None:
        """LEAVE ends the process at once."""
        self._leave = leave
        self._wishes: list[Wish] = []
        self._stops = 0
        self._before: list[tuple[signal.Signals, object]] = []
        self._reader, self._writer = socket.socketpair()
        self._woken = -1

    def __enter__(self) -> Self:
        for end in (self._reader, self._writer):
            end.setblocking(False)
        self._woken = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._take(_STOP, self._stop)
        self._take(_RELOAD, self._reload)
        return self

    def __exit__(self, *_exc: object) -> None:
        for number, handler in self._before:
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() returned
        signal.set_wakeup_fd(self._woken)
        self._reader.close()
        self._writer.close()

    def wait(self, seconds: float) -> tuple[Wish, ...]:
        """Wait at most SECONDS for wishes, and take them."""
        if not self._wishes:
            select.select([self._reader], [], [], max(seconds, 0.0))
        try:
            while self._reader.recv(4096):
                pass
        except BlockingIOError:
            pass
        taken: list[Wish] = []
        while self._wishes:  # one at a time: a handler may add one at any moment
            taken.append(self._wishes.pop(0))
        return tuple(taken)

    def wake(self) -> None:
        """End a ``wait``, from any thread."""
        try:
            self._writer.send(b"\0")
        except (BlockingIOError, OSError):  # full: it wakes anyhow; closed: nobody waits
            return

    def _take(self, names: tuple[str, ...], handler: Handler) -> None:
        for name in names:
            number = getattr(signal, name, None)
            if number is not None:
                self._before.append((number, signal.signal(number, handler)))

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stops += 1
        if self._stops >= _ENOUGH:
            self._leave(130)
        self._wishes.append("stop")

    def _reload(self, _number: int, _frame: FrameType | None) -> None:
        self._wishes.append("reload")
