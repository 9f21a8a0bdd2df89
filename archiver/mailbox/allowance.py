"""How many bytes may still be fetched today."""

from collections.abc import Callable, Iterable
from datetime import date


def _no_day() -> date:
    return date.min


class Allowance:
    """A volume for each day (UTC).

    As long as half of it is left, one message goes through whatever its size: else a large one
    would wait for ever behind the small ones that come in every day. It is asked in the thread
    that fetches.
    """

    def __init__(
        self,
        limit: int | None = None,
        *,
        spent: int = 0,
        today: Callable[[], date] = _no_day,
        within: "Allowance | None" = None,
    ) -> None:
        """Allow LIMIT bytes a day (None: any number), of which SPENT are gone TODAY.

        What it allows must be allowed by WITHIN as well, and counts there too.
        """
        self._limit = limit
        self._today = today
        self._within = within
        # A clock that is put back finds the day it comes back to as it was left.
        self._spent = {today(): spent}

    @property
    def left(self) -> bool:
        """Whether anything may be fetched at all."""
        return self.room([1]) > 0

    def room(self, sizes: Iterable[int]) -> int:
        """Return how many messages of these SIZES, in bytes and in this order, may be fetched."""
        number = 0
        total = 0
        for size in sizes:
            total += size
            if not self._fits(total, first=number == 0):
                break
            number += 1
        return number

    def take(self, size: int) -> None:
        """Count SIZE bytes as fetched today."""
        today = self._today()
        self._spent[today] = self._spent.get(today, 0) + size
        if self._within is not None:
            self._within.take(size)

    def _fits(self, total: int, *, first: bool) -> bool:
        if self._within is not None and not self._within._fits(total, first=first):  # noqa: SLF001  one of us
            return False
        if self._limit is None:
            return True
        spent = self._spent.get(self._today(), 0)
        return spent + total <= self._limit or (first and 0 <= 2 * spent <= self._limit > 0)
