"""Sets of UIDs as intervals, so that a folder of 100,000 messages is a few numbers."""

import heapq
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

from archiver.model.uidset import MAX_UID, ranges

Value = TypeVar("Value")
Run = tuple[int, int]
"""First and last UID, both included."""


@dataclass(frozen=True, slots=True)
class Intervals:
    """A set of UIDs: ascending runs that neither overlap nor touch. ``str`` writes it as IMAP."""

    runs: tuple[Run, ...] = ()

    @classmethod
    def of(cls, uids: Iterable[int]) -> "Intervals":
        """Make the set of UIDS, in any order and with repetitions."""
        return cls(tuple(ranges(uids)))

    @classmethod
    def joined(cls, runs: Iterable[Run]) -> "Intervals":
        """Make the set that RUNS cover together, in any order; they may overlap."""
        found: list[Run] = []
        for first, last in sorted(runs):
            if found and first <= found[-1][1] + 1:
                found[-1] = found[-1][0], max(last, found[-1][1])
            else:
                found.append((first, last))
        return cls(tuple(found))

    @classmethod
    def parse(cls, text: str) -> "Intervals":
        """Read a UID set as IMAP writes it (RFC 3501, section 9); raise ValueError for others."""
        return cls.joined(map(_run, text.split(","))) if text else cls()

    def __or__(self, other: "Intervals") -> "Intervals":
        return Intervals.joined((*self.runs, *other.runs)) if other.runs else self

    def __sub__(self, other: "Intervals") -> "Intervals":
        return Intervals(tuple(_without(self.runs, other.runs))) if other.runs else self

    def __and__(self, other: "Intervals") -> "Intervals":
        few, many = sorted((self.runs, other.runs), key=len)
        return Intervals(tuple(_common(few, many)))

    def __contains__(self, uid: int) -> bool:
        place = bisect_right(self.runs, (uid, MAX_UID)) - 1
        return place >= 0 and uid <= self.runs[place][1]

    def __bool__(self) -> bool:
        return bool(self.runs)

    def __iter__(self) -> Iterator[int]:
        for first, last in self.runs:
            yield from range(first, last + 1)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self.runs)

    def __str__(self) -> str:
        return ",".join(
            str(first) if first == last else f"{first}:{last}" for first, last in self.runs
        )

    @property
    def highest(self) -> int:
        """The last UID; 0 for the empty set."""
        return self.runs[-1][1] if self.runs else 0

    def complement(self) -> "Intervals":
        """Return all other UIDs that there can be."""
        gaps: list[Run] = []
        after = 1
        for first, last in self.runs:
            if first > after:
                gaps.append((after, first - 1))
            after = last + 1
        if after <= MAX_UID:
            gaps.append((after, MAX_UID))
        return Intervals(tuple(gaps))

    def below(self, uid: int) -> "Intervals":
        """Return those up to UID, which is included."""
        return self & Intervals(((1, uid),)) if uid > 0 else Intervals()


class Layers(Generic[Value]):
    """Statements about UIDs, one after the other: of two about one UID, the later one stands."""

    def __init__(self) -> None:
        self._layers: list[tuple[int, int, int, Value]] = []
        self._laid = 0

    def lay(self, uids: Intervals, value: Value) -> None:
        """State VALUE of UIDS, over whatever was stated of them before."""
        self._laid += 1
        self._layers += [(first, last, self._laid, value) for first, last in uids.runs]

    def seen(self) -> tuple[tuple[Value, Intervals], ...]:
        """Return each value with the UIDs of which it stands, in the order of being stated.

        All layers are gone through once, from the lowest UID to the highest.
        """
        starts = sorted(self._layers, key=lambda layer: layer[0])
        edges = sorted({edge for first, last, *_rest in starts for edge in (first, last + 1)})
        found: dict[int, tuple[Value, list[Run]]] = {}
        heap: list[tuple[int, int, Value]] = []
        taken = 0
        for first, after in pairwise(edges):
            while taken < len(starts) and starts[taken][0] <= first:
                _first, last, order, value = starts[taken]
                heapq.heappush(heap, (-order, last, value))
                taken += 1
            while heap and heap[0][1] < first:
                heapq.heappop(heap)
            if heap:
                order, _last, value = heap[0]
                found.setdefault(-order, (value, []))[1].append((first, after - 1))
        return tuple(
            (value, Intervals.joined(runs))
            for _order, (value, runs) in sorted(found.items(), key=lambda item: item[0])
        )


def _run(text: str) -> Run:
    first, colon, last = text.partition(":")
    if not (first.isascii() and first.isdigit()) or (
        colon and not (last.isascii() and last.isdigit())
    ):
        raise ValueError(f"not a UID set: {text[:80]!r}")
    low, high = sorted((int(first), int(last or first)))  # RFC 3501: 4:2 means 2:4
    if not 1 <= low <= high <= MAX_UID:
        raise ValueError(f"not a UID set: {text[:80]!r}")
    return low, high


def _meeting(run: Run, runs: tuple[Run, ...]) -> Iterator[Run]:
    """Yield those of RUNS that share UIDs with RUN; the others are not gone through."""
    first, last = run
    place = max(bisect_right(runs, (first, MAX_UID)) - 1, 0)
    while place < len(runs) and runs[place][0] <= last:
        if runs[place][1] >= first:
            yield runs[place]
        place += 1


def _common(few: tuple[Run, ...], many: tuple[Run, ...]) -> Iterator[Run]:
    for run in few:
        for other in _meeting(run, many):
            yield max(run[0], other[0]), min(run[1], other[1])


def _without(runs: tuple[Run, ...], taken: tuple[Run, ...]) -> Iterator[Run]:
    for run in runs:
        first, last = run
        for taken_first, taken_last in _meeting(run, taken):
            if first < taken_first:
                yield first, taken_first - 1
            first = taken_last + 1
        if first <= last:
            yield first, last
