"""Which UIDs were decided not to be kept: ranges that follow from ``scan`` entries.

Of each UID the newest statement counts: that it is not kept, and why; or that it is wanted after
all (kept, failed, postponed), which takes the place of an older one, without rules and reason. So
the ranges of a folder never overlap, and each of them follows from one entry.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import chain

from archiver.evidence.journal.canonical import LARGEST
from archiver.evidence.journal.database import Database, Value, damaged_column, integer, text
from archiver.evidence.journal.names import key, unkey
from archiver.model.digest import Position
from archiver.model.entries import FolderScan, Scan
from archiver.model.intervals import Intervals
from archiver.model.places import Unkept
from archiver.model.uidset import MAX_MEMBERS, MAX_UID

Here = tuple[str, str, int]
"""Account and folder as the tables name them, and the UIDVALIDITY."""

Stated = tuple[int, int, str | None]
"""The first and the last UID, and why they are not kept; None: they are wanted."""

_HERE = "account = ? AND folder = ? AND uidvalidity = ?"
# Ranges do not overlap: besides those that begin inside, only the nearest before can reach in.
_OVERLAPPING = (
    "SELECT first, last, rules, reason, entry FROM unkept"  # noqa: S608 - constants, here and below
    f" WHERE {_HERE} AND first <= ?"
    f" AND first >= coalesce((SELECT max(first) FROM unkept WHERE {_HERE} AND first <= ?), 0)"
    " AND last >= ? ORDER BY first"
)
_INSERT = "INSERT INTO unkept VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


def stated(scan: Scan) -> dict[Here, list[Stated]]:
    """Return what SCAN says, by folder: ascending and without overlap.

    Raises ValueError when a UID set is none.
    """
    found: dict[Here, list[tuple[Intervals, str | None]]] = {}
    for folder in scan.folders:
        if folder.uidvalidity > LARGEST:
            raise ValueError("a UIDVALIDITY that no server can have")
        said = found.setdefault((key(scan.account), key(folder.folder), folder.uidvalidity), [])
        for uids, reason in (
            *((Intervals.parse(uids), reason) for reason, uids in folder.unkept),
            (_wanted(folder), None),
        ):
            said[:] = [(before - uids, why) for before, why in said] + [(uids, reason)]
    return {
        here: sorted((*run, reason) for uids, reason in said for run in uids.runs)
        for here, said in found.items()
    }


def _wanted(folder: FolderScan) -> Intervals:
    failed = Intervals.of(uid for uid, _reason in folder.failed if 1 <= uid <= MAX_UID)
    return Intervals.parse(folder.kept) | Intervals.parse(folder.postponed) | failed


def overlapping(
    database: Database, here: Here, first: int, last: int
) -> Iterator[tuple[Value, ...]]:
    """Yield (first, last, rules, reason, entry) of what reaches into FIRST to LAST, ascending."""
    return database.each(_OVERLAPPING, *here, last, *here, first, first)


def add(database: Database, position: Position, scan: Scan) -> None:
    """Take in what SCAN, the entry at POSITION, says; inside the transaction that adds it."""
    rules = scan.rules.hex if scan.rules else ""
    for here, said in stated(scan).items():
        if not said:
            continue
        wanted = Intervals.joined((first, last) for first, last, why in said if why is None)
        cut = _cut(database, here, Intervals.joined((first, last) for first, last, _why in said))
        new: list[tuple[Value, ...]] = [
            (*here, first, last, rules, key(reason), position)
            for first, last, reason in said
            if reason is not None
        ]
        new += [(*here, *run, "", None, position) for run in (wanted & cut).runs]
        database.many(_INSERT, new)


def _cut(database: Database, here: Here, uids: Intervals) -> Intervals:
    """Take UIDS out of what older statements said of the folder HERE; return what they said."""
    gone: list[tuple[Value, ...]] = []
    left: list[tuple[Value, ...]] = []
    met: list[tuple[int, int]] = []
    ends = [last for _first, last in uids.runs]
    for first, last, *rest in overlapping(database, here, uids.runs[0][0], uids.highest):
        low, high = integer(first), integer(last)
        near = uids.runs[bisect_left(ends, low) : bisect_left(ends, high) + 1]
        row = Intervals(((low, high),))
        pieces = row - Intervals(near)
        if pieces != row:
            met.append((low, high))
            gone.append((*here, first))
            left += [(*here, *piece, *rest) for piece in pieces.runs]
    database.many(f"DELETE FROM unkept WHERE {_HERE} AND first = ?", gone)  # noqa: S608
    database.many(_INSERT, left)
    return Intervals.joined(met)


def uids_under(
    database: Database, account: str, folder: str, uidvalidity: int, rules: str
) -> frozenset[int]:
    """Return the UIDs of a folder that exactly RULES decided not to keep, when asked last."""
    if not 0 <= uidvalidity <= LARGEST:
        return frozenset()
    rows = database.all(
        f"SELECT first, last FROM unkept WHERE {_HERE} AND rules = ? AND reason NOT NULL",  # noqa: S608
        key(account),
        key(folder),
        uidvalidity,
        rules,
    )
    return _members([(integer(first), integer(last)) for first, last in rows])


def all_of(database: Database, account: str) -> Iterator[Unkept]:
    """Yield what is not kept of ACCOUNT, a folder's UIDs by rules and reason."""
    rows = database.all(
        "SELECT folder, uidvalidity, rules, reason, first, last FROM unkept"
        " WHERE account = ? AND reason NOT NULL ORDER BY folder, uidvalidity, rules, reason, first",
        key(account),
    )
    groups: dict[tuple[Value, ...], list[tuple[int, int]]] = {}
    for *group, first, last in rows:
        groups.setdefault(tuple(group), []).append((integer(first), integer(last)))
    for (folder, uidvalidity, rules, reason), runs in groups.items():
        yield Unkept(
            unkey(text(folder)),
            integer(uidvalidity),
            text(rules),
            unkey(text(reason)),
            _members(runs),
        )


def _members(runs: Sequence[tuple[int, int]]) -> frozenset[int]:
    if sum(max(0, last - first + 1) for first, last in runs) > MAX_MEMBERS:
        raise damaged_column()  # no folder holds so many: somebody changed the tables
    return frozenset(chain.from_iterable(range(first, last + 1) for first, last in runs))
