"""Reading ahead keeps order, carries errors, and ends cleanly."""

import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.mailbox.ahead import ahead


def never() -> None:
    """Fail when the read is broken off."""
    raise AssertionError("nothing waits for long here")


@given(st.lists(st.integers(), max_size=5))
def test_items_come_in_order(items: list[int]) -> None:
    """Every item, once, as it stood."""
    assert list(ahead(iter(items), abort=never)) == items


def test_an_error_comes_where_its_item_would_have() -> None:
    """What was read before an error is handed out first."""

    def failing() -> Iterator[int]:
        yield 1
        raise ValueError("the second")

    items = ahead(failing(), abort=never)
    assert next(items) == 1
    with pytest.raises(ValueError, match="the second"):
        next(items)


def test_only_one_item_waits() -> None:
    """A slow caller does not make memory grow."""
    taken: list[int] = []

    def counting() -> Iterator[int]:
        for number in range(10):
            taken.append(number)
            yield number

    items = ahead(counting(), abort=never)
    next(items)
    time.sleep(0.1)
    assert taken == [0, 1]
    items.close()


def test_a_read_that_waits_is_broken_off_when_the_caller_stops() -> None:
    """ctrl-C does not wait for a silent server."""
    broken, reading = threading.Event(), threading.Event()

    def waiting() -> Iterator[int]:
        yield 1
        reading.set()
        broken.wait(30)
        raise OSError("broken off")

    items = ahead(waiting(), abort=broken.set)
    next(items)
    reading.wait(5)
    started = time.monotonic()
    items.close()
    assert broken.is_set()
    assert time.monotonic() - started < 5
