"""Read one item ahead, so that the network and the disk work at the same time."""

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress
from typing import TypeVar

Item = TypeVar("Item")

_GRACE = 1.0
"""Seconds that a read gets to end by itself before it is broken off."""


def ahead(items: Iterator[Item], *, abort: Callable[[], None]) -> Generator[Item, None, None]:
    """Yield ITEMS in order, taking the next one in a thread while the caller uses the last.

    Never more than one item waits. An error of ITEMS is raised where its item would have come.
    When the caller stops early (ctrl-C, close), a read that does not end soon is broken off by
    ABORT, which is called from this thread while the other one waits.
    """
    end = _End()
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="archiver-ahead")
    coming: Future[Item | _End] | None = None
    try:
        coming = pool.submit(next, items, end)
        while not isinstance(item := coming.result(), _End):
            coming = pool.submit(next, items, end)
            yield item
            del item  # forget a batch before the next one is taken
    finally:
        _settle(coming, abort)
        pool.shutdown(wait=True)


class _End:
    """What is taken when nothing is left."""


def _settle(coming: "Future[Item] | None", abort: Callable[[], None]) -> None:
    """Wait for the read under way, breaking it off if it takes long."""
    if coming is None or coming.cancel():
        return
    with suppress(FutureTimeoutError):
        coming.exception(timeout=_GRACE)
    if not coming.done():
        abort()
