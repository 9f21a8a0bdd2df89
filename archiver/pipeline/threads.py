"""Which threads are kept while a mailbox is walked through, and what has to be looked at again.

A message belongs to a kept thread when it names a message that a kept one names or is: the same
rule by which the catalogue joins threads (``catalogue.links``). Of messages that were left nothing
is remembered but UIDs and hashes, in memory, as long as the walk lasts.
"""

import sys
from array import array
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from archiver.catalogue.kept import NAME_BYTES
from archiver.mailbox.wanted import Outlines

AROUND: Final = timedelta(days=90)
"""How far from a message that was kept those are looked for which it belongs with."""
_CHUNK: Final = 500
"""Messages whose dates are asked for at a time."""
_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)


def numbered(names: Iterable[bytes]) -> tuple[int, ...]:
    """Return hashed names of messages as numbers that take little room."""
    return tuple(int.from_bytes(name[:NAME_BYTES], sys.byteorder) for name in names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The hashed names of a message (RFC 5322, section 3.6.4)."""

    own: int | None
    """Its Message-ID; None where it has none."""
    all: tuple[int, ...]
    """Its own name and those of the messages that it refers to."""


class Known:
    """Numbers of at most 64 bits, sorted, eight bytes each."""

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        """Take NUMBERS in any order."""
        self._sorted = array("Q", sorted(array("Q", numbers)))

    def __contains__(self, number: int) -> bool:
        place = bisect_left(self._sorted, number)
        return place < len(self._sorted) and self._sorted[place] == number


class Spans:
    """Stretches of time, grown by what is kept; those that touch are one."""

    def __init__(self) -> None:
        """Start with none."""
        self._spans: list[tuple[datetime, datetime]] = []

    def __bool__(self) -> bool:
        return bool(self._spans)

    def hold(self, moment: datetime | None) -> bool:
        """Tell whether MOMENT lies in one; what has no date may lie anywhere."""
        if moment is None:
            return bool(self._spans)
        return any(first <= moment <= last for first, last in self._spans)

    def add(self, first: datetime, last: datetime) -> bool:
        """Add a stretch, both ends included; tell whether that adds anything."""
        if any(start <= first and last <= end for start, end in self._spans):
            return False
        touching = [each for each in self._spans if each[0] <= last and first <= each[1]]
        self._spans = [each for each in self._spans if each not in touching]
        touching.append((first, last))
        self._spans.append((min(touching)[0], max(end for _start, end in touching)))
        return True


class Threads:
    """The threads that are kept; grows with each message that is."""

    def __init__(self, known: Callable[[], Known], *, since: datetime | None) -> None:
        """Ask KNOWN for the names of threads kept before, once, in the thread that first needs it.

        SINCE is when the account was last synchronised well; None: never.
        """
        self._ask = known
        self._known: Known | None = None
        self._since = since
        self._kept: set[int] = set()
        self._spans = Spans()
        self._left = _Left()
        self._grown = False
        """Whether names were added since what was left in this walk was compared with them."""
        self._due = False
        """Whether spans were added that some folder may not have been looked at for."""
        self._more = False
        """Whether spans were added since the round through the folders began."""
        self._looked: set[str] = set()
        """Folders that were looked at in this round."""

    def holds(self, names: Iterable[int]) -> bool:
        """Tell whether any of NAMES belongs to a kept thread."""
        if self._known is None:
            self._known = self._ask()
        known, kept = self._known, self._kept
        return any(name in kept or name in known for name in names)

    def keep(self, named: Named, moments: Sequence[datetime], *, arrived: datetime) -> None:
        """Note a message that is kept; it is dated MOMENTS and ARRIVED in the mailbox."""
        new = [name for name in named.all if not self.holds((name,))]
        self._kept.update(new)
        self._grown = self._grown or bool(new)
        if new:
            self.expect(moments, arrived=arrived, refers=any(name != named.own for name in new))

    def expect(self, moments: Iterable[datetime], *, arrived: datetime, refers: bool) -> None:
        """Look for messages that an earlier walk left around one that is kept.

        One that REFERS to others may have any around it. One that does not can only have been
        answered, and what answers it was seen by no earlier walk if it ARRIVED since.
        """
        if not refers and self._since is not None and arrived >= self._since:
            return
        for moment in moments:
            first = _shifted(moment, -AROUND) if refers else moment
            if self._spans.add(first, _shifted(moment, AROUND)):
                self._due = self._more = True

    def leave(self, folder: str, uid: int, names: Sequence[int]) -> None:
        """Remember that a message was left in this walk; without NAMES, that it stays so."""
        self._left.add(folder, uid, names)

    @property
    def unsettled(self) -> bool:
        """Whether messages that were left may belong to threads that were kept since."""
        self._compare()
        return self._due or self._left.late

    def again(self, folder: str, left: Collection[int], outlines: Outlines) -> Sequence[int]:
        """Return those of LEFT in FOLDER on which to decide once more, ascending."""
        self._compare()
        if folder in self._looked:  # another round
            self._looked.clear()
            self._due = self._more
        if not self._looked:
            self._more = False
        self._looked.add(folder)
        found = self._left.take(folder)
        if self._spans:
            found.update(self._left.earlier(folder, left, outlines, self._spans))
        return sorted(found.intersection(left))

    def _compare(self) -> None:
        """Find what was left in this walk and belongs to a kept thread, to the last one."""
        while self._grown:
            self._grown = False
            for names in self._left.belonging(self.holds):
                new = [name for name in names if not self.holds((name,))]
                self._kept.update(new)
                self._grown = self._grown or bool(new)


class _Left:
    """Messages that were left: about forty bytes each."""

    def __init__(self) -> None:
        self._folders: list[str] = []
        self._places = array("L")
        """Number of each one's folder."""
        self._uids = array("L")
        self._names = array("Q")
        self._starts = array("Q", (0,))
        """Where the names of each one start; then where the last ones end."""
        self._found = bytearray()
        self._late: dict[str, set[int]] = {}
        self._dates: dict[str, list[tuple[int, datetime | None]]] = {}
        """Those left by earlier walks, by folder."""

    def add(self, folder: str, uid: int, names: Sequence[int]) -> None:
        """Remember one."""
        if not self._folders or self._folders[-1] != folder:
            self._folders.append(folder)
        self._places.append(len(self._folders) - 1)
        self._uids.append(uid)
        self._names.extend(names)
        self._starts.append(len(self._names))
        self._found.append(0)

    @property
    def late(self) -> bool:
        """Whether any was found to belong to a kept thread, and not been taken since."""
        return any(self._late.values())

    def belonging(self, holds: Callable[[Iterable[int]], bool]) -> Iterator[Sequence[int]]:
        """Find those that HOLDS now; yield the names of each, once."""
        for number, uid in enumerate(self._uids):
            names = self._names[self._starts[number] : self._starts[number + 1]]
            if names and not self._found[number] and holds(names):
                self._found[number] = 1
                self._late.setdefault(self._folders[self._places[number]], set()).add(uid)
                yield names

    def take(self, folder: str) -> set[int]:
        """Hand out those of FOLDER that were found since the last time."""
        return self._late.pop(folder, set())

    def earlier(
        self, folder: str, left: Collection[int], outlines: Outlines, spans: Spans
    ) -> set[int]:
        """Hand out those left by earlier walks whose INTERNALDATE lies in SPANS, each once."""
        if folder not in self._dates:
            here = {number for number, name in enumerate(self._folders) if name == folder}
            pairs = zip(self._uids, self._places, strict=True)
            now = {uid for uid, place in pairs if place in here}
            self._dates[folder] = list(_dates(sorted(set(left) - now), outlines))
        inside = {uid for uid, moment in self._dates[folder] if spans.hold(moment)}
        self._dates[folder] = [each for each in self._dates[folder] if each[0] not in inside]
        return inside


def _dates(uids: Sequence[int], outlines: Outlines) -> Iterator[tuple[int, datetime | None]]:
    for start in range(0, len(uids), _CHUNK):
        for uid, outline in outlines(uids[start : start + _CHUNK]).items():
            yield uid, outline.internaldate


def _shifted(moment: datetime, by: timedelta) -> datetime:
    try:
        return moment + by
    except OverflowError:  # within days of the first or the last year that Python knows
        return _FIRST if by < timedelta() else _LAST
