"""The part of a check that looks at what counts as not kept: each range follows from a ``scan``.

A row that no scan explains would have the archive pass over mail for ever.
"""

from collections.abc import Callable, Mapping

from archiver.evidence.journal.database import Database, Value, integer
from archiver.evidence.journal.names import key
from archiver.evidence.journal.unkept import Here, Stated, overlapping, stated
from archiver.model.entries import Scan


class UnkeptCheck:
    """Compares ``unkept`` with one scan after the other."""

    def __init__(self, database: Database, not_found: Callable[[int, str], None]) -> None:
        """NOT_FOUND is told (position, table)."""
        self._database = database
        self._not_found = not_found
        self._explained = 0

    def check(self, position: int, scan: Scan) -> None:
        """Check that what SCAN says is found, or is what a later scan made of it.

        Raises ValueError when a UID set is none.
        """
        rules = scan.rules.hex if scan.rules else ""
        for here, said in stated(scan).items():
            if said and not self._is_found(here, said, position, rules):
                self._not_found(position, "unkept")

    def _is_found(self, here: Here, said: list[Stated], position: int, rules: str) -> bool:
        highest = max(last for _first, last, _reason in said)
        rows = list(overlapping(self._database, here, said[0][0], highest))
        sound, start = True, 0
        for one in said:
            while start < len(rows) and integer(rows[start][1]) < one[0]:
                start += 1  # ends before
            sound = self._covers(rows, start, one, position, rules) and sound
        return sound

    def _covers(
        self, rows: list[tuple[Value, ...]], start: int, said: Stated, position: int, rules: str
    ) -> bool:
        """Check that ROWS, from START on, have nothing older of what is SAID, nor leave it out.

        What was wanted needs no row, unless an older one said that it is not kept.
        """
        first, last, reason = said
        sound, after = True, first
        for number in range(start, len(rows)):
            row, entry = rows[number], integer(rows[number][4])
            low, high = integer(row[0]), integer(row[1])
            if low > last:
                break
            if entry == position:
                sound = self._explains(row, said, rules) and sound
            gap, twice = low > after and reason is not None, low < after and number > start
            sound = sound and entry >= position and not gap and not twice
            after = max(after, high + 1)
        return sound and (reason is None or after > last)

    def _explains(self, row: tuple[Value, ...], said: Stated, rules: str) -> bool:
        first, last, reason = said
        within = first <= integer(row[0]) <= integer(row[1]) <= last
        same = row[2:4] == (("", None) if reason is None else (rules, key(reason)))
        self._explained += within and same
        return within and same

    def unexplained(self, start: int, size: int) -> Mapping[str, int]:
        """Return how many rows follow from none of the entries START to SIZE, nor from another."""
        rows = self._database.number(
            "SELECT count(*) FROM unkept WHERE entry >= ? AND entry < ? OR entry < 0"
            " OR entry > (SELECT max(position) FROM entry)",
            start,
            size,
        )
        return {"unkept": max(0, rows - self._explained)}
