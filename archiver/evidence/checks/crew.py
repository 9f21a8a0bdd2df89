"""Numbered pieces of work, done by this process and by helpers that it forks.

Whoever is free takes the next piece. A helper that dies loses nothing: what it had taken is done
once more, here, and ``lost`` counts it. Where a process cannot be forked safely (other systems
than Linux, a process with threads) there are no helpers.
"""

import contextlib
import json
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Self

from archiver.evidence.journal.canonical import JSON

MOST_PIECES = 256
"""Their numbers are bytes in a pipe, which holds them all at once."""

_MOST_HELPERS = 7
_HEAD = 4  # bytes that tell the length of an outcome
_READ = 1 << 16

Work = Callable[[int], JSON]


def helpers_here() -> int:
    """Return how many helpers this machine has processors for, beside this process; 0: no fork."""
    if sys.platform != "linux" or threading.active_count() > 1:
        return 0
    return max(0, min(len(os.sched_getaffinity(0)) - 1, _MOST_HELPERS))


class Crew:
    """Does WORK for each of PIECES; to be used in a ``with`` statement, which ends the helpers."""

    def __init__(self, work: Work, pieces: Sequence[int], *, helpers: int) -> None:
        """Begin at once, as far as there are HELPERS."""
        if len(pieces) > MOST_PIECES:
            raise ValueError("too many pieces")
        self.lost = 0
        """Helpers that did not come to their end."""
        self._work = work
        self._left = dict.fromkeys(pieces)
        self._helpers: dict[int, tuple[int, bytearray]] = {}
        self._queue, entrance = os.pipe()
        try:
            os.write(entrance, bytes(pieces))
        finally:
            os.close(entrance)
        with contextlib.ExitStack() as stack:
            stack.callback(self.close)
            with contextlib.suppress(OSError):  # the system has no room for one more process
                for _number in range(helpers):
                    self._fork()
            stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def outcomes(self) -> Iterator[tuple[int, JSON]]:
        """Yield (piece, outcome) as they come, until all are there; takes part in the work."""
        while True:
            yield from self.collect()
            piece = os.read(self._queue, 1)
            if not piece:
                break
            yield self._done(piece[0], self._work(piece[0]))
        while self._helpers:
            yield from self.collect(wait=True)
        for piece_left in tuple(self._left):
            yield self._done(piece_left, self._work(piece_left))

    def collect(self, *, wait: bool = False) -> list[tuple[int, JSON]]:
        """Take what helpers have done since, else they wait for room to tell it; WAIT for some."""
        if not self._helpers:
            return []
        ready: list[tuple[int, JSON]] = []
        readable, _w, _x = select.select(list(self._helpers), [], [], None if wait else 0)
        for pipe in readable:
            process, told = self._helpers[pipe]
            data = os.read(pipe, _READ)
            if not data:
                self._dismiss(pipe, process)
            told += data
            ready += [self._done(piece, outcome) for piece, outcome in _outcomes_in(told)]
        return ready

    def close(self) -> None:
        """End the helpers, whatever they are doing."""
        for pipe, (process, _told) in tuple(self._helpers.items()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            self._dismiss(pipe, process)
        if self._queue >= 0:
            os.close(self._queue)
            self._queue = -1

    def _done(self, piece: int, outcome: JSON) -> tuple[int, JSON]:
        self._left.pop(piece, None)
        return piece, outcome

    def _fork(self) -> None:
        listening, telling = os.pipe()
        try:
            process = os.fork()
        except OSError:
            os.close(listening)
            os.close(telling)
            raise
        if process == 0:
            _help(self._work, self._queue, telling, [listening, *self._helpers])
        os.close(telling)
        self._helpers[listening] = process, bytearray()

    def _dismiss(self, pipe: int, process: int) -> None:
        os.close(pipe)
        del self._helpers[pipe]
        _process, status = os.waitpid(process, 0)
        self.lost += status != 0


def _help(work: Work, queue: int, telling: int, others: Sequence[int]) -> None:
    """Be a helper until no piece is left; never returns, and leaves its parent's files alone."""
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is told, and ends us
        for pipe in others:
            os.close(pipe)  # else a parent that died would not be noticed
        while piece := os.read(queue, 1):
            outcome = json.dumps([piece[0], work(piece[0])]).encode()
            message = memoryview(len(outcome).to_bytes(_HEAD, "big") + outcome)
            while message:
                message = message[os.write(telling, message) :]
        status = 0
    finally:
        os._exit(status)


def _outcomes_in(told: bytearray) -> Iterator[tuple[int, JSON]]:
    """Take the whole outcomes out of what a helper told so far."""
    while len(told) >= _HEAD:
        end = _HEAD + int.from_bytes(told[:_HEAD], "big")
        if len(told) < end:
            return
        piece, outcome = json.loads(told[_HEAD:end])
        del told[:end]
        yield piece, outcome
