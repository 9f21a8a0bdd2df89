"""Read one item ahead, so that the network and the disk work at the same time."""

import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from typing import TypeVar

Item = TypeVar("Item")

_GRACE = 1.0
"""Seconds that a read gets to end by itself before it is broken off."""

_FAREWELL = 2.0
"""Seconds that a read gets to end once it was broken off."""


def ahead(items: Iterator[Item], *, abort: Callable[[], None]) -> Generator[Item, None, None]:
    """Yield ITEMS in order, taking the next one in a thread while the caller uses the last.

    Never more than one item waits. An error of ITEMS is raised where its item would have come.
    When the caller stops early (ctrl-C, close), a read that does not end soon is broken off by
    ABORT, which is called from this thread while the other one waits. One that does not end then
    either (it may be in the midst of connecting) is left to itself: ITEMS end when ABORT was
    called, and the thread keeps no program from ending.
    """
    end = _End()
    coming = _take(items, end)
    try:
        while not isinstance(item := coming.result(), _End):
            coming = _take(items, end)
            yield item
            del item  # forget a batch before the next one is taken
    finally:
        _settle(coming, abort)


class _End:
    """What is taken when nothing is left."""


def _take(items: Iterator[Item], end: _End) -> "Future[Item | _End]":
    """Take the next of ITEMS in a thread; an executor's would be waited for at the exit."""
    coming: Future[Item | _End] = Future()

    def work() -> None:
        try:
            item = next(items, end)
        except BaseException as error:  # noqa: BLE001 - it is raised where the item is waited for
            coming.set_exception(error)
        else:
            coming.set_result(item)

    threading.Thread(target=work, name="archiver-ahead", daemon=True).start()
    return coming


def _settle(coming: "Future[Item]", abort: Callable[[], None]) -> None:
    """Wait for the read under way, breaking it off if it takes long."""
    with suppress(FutureTimeoutError):
        coming.exception(timeout=_GRACE)
    if not coming.done():
        abort()
        with suppress(FutureTimeoutError):
            coming.exception(timeout=_FAREWELL)
