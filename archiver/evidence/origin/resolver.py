"""What is asked of DNS, and how many names are asked at once without waiting for ever."""

import queue
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

_WORKERS: Final = 16


@dataclass(frozen=True, slots=True)
class Answer:
    """What DNS says of a name's TXT records."""

    wire: bytes
    """The message as it came (RFC 1035, section 4)."""
    texts: tuple[bytes, ...]
    """One for each record, its strings joined (RFC 6376, section 3.6.2.2)."""
    validated: bool = False
    """The resolver set the AD bit: it says that DNSSEC proves the answer."""


@dataclass(frozen=True, slots=True)
class NoKey:
    """DNS says that there is no such name, or no TXT record: that is an answer."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """DNS did not say: no network, no reply in time, a server that failed."""

    reason: str
    """A word: ``time-out``, ``servfail``, ``network``, ``not-asked``."""


Reply = Answer | NoKey | NoAnswer


class Resolver(Protocol):
    """Looks up TXT records; may be asked by several threads at once."""

    def txt(self, name: str) -> Reply:
        """Return what DNS says of NAME; never raises, and returns within seconds."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The replies there are, and whether waiting for the rest was given up."""

    replies: dict[str, Reply]
    stalled: bool


def ask(
    resolver: Resolver,
    names: Iterable[str],
    *,
    stall: float,
    until: float = float("inf"),
    monotonic: Callable[[], float] = time.monotonic,
) -> Asked:
    """Ask for NAMES in parallel; give up when for STALL seconds nothing was answered.

    UNTIL, in MONOTONIC's seconds, ends it all the same. A name that was not asked, or whose reply
    came too late, has no reply. Threads that still wait are left to their own time-out.
    """
    todo: queue.SimpleQueue[str] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[str, Reply]] = queue.SimpleQueue()
    wanted = list(dict.fromkeys(names))
    for name in wanted:
        todo.put(name)
    stop = threading.Event()
    for _number in range(min(_WORKERS, len(wanted))):
        threading.Thread(target=_work, args=(resolver, todo, done, stop), daemon=True).start()
    replies: dict[str, Reply] = {}
    last = monotonic()
    try:
        while len(replies) < len(wanted):
            left = min(last + stall, until) - monotonic()
            if left <= 0:
                return Asked(replies, stalled=True)
            try:
                name, reply = done.get(timeout=left)
            except queue.Empty:
                continue
            replies[name] = reply
            if not isinstance(reply, NoAnswer):
                last = monotonic()
    finally:
        stop.set()
    return Asked(replies, stalled=False)


def _work(
    resolver: Resolver,
    todo: "queue.SimpleQueue[str]",
    done: "queue.SimpleQueue[tuple[str, Reply]]",
    stop: threading.Event,
) -> None:
    while not stop.is_set():
        try:
            name = todo.get_nowait()
        except queue.Empty:
            return
        try:
            reply = resolver.txt(name)
        except Exception as error:  # noqa: BLE001  the wall of a worker: one name, one reply
            reply = NoAnswer(type(error).__name__)
        done.put((name, reply))
