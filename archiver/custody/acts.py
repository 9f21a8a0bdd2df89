"""What was done to the archive, read from the journal, newest first.

No list of 100,000 entries is decoded to show twenty: rare entries are found by their index, and
the long runs of records between them are counted by SQLite.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from gettext import gettext as _
from itertools import pairwise

from archiver.custody.telling import say, say_kept, say_origins, where
from archiver.errors import UsageError
from archiver.evidence.checkpoints.history import signed_sizes
from archiver.evidence.journal.codec import type_of
from archiver.evidence.journal.database import integer, text
from archiver.evidence.reader import Reader
from archiver.model.custody import Note, Release, Restrict
from archiver.model.digest import Position
from archiver.model.entries import (
    Entry,
    Payload,
    Sighting,
    Tag,
    Untag,
)
from archiver.model.origin import Origin

TYPES = (
    *("record", "origin", "genesis", "epoch", "scan", "vanished", "folder-change", "config"),
    *("tag", "untag", "undo", "export", "key-rotate", "anchor", "restore", "hold", "restrict"),
    *("release", "note", "erase", "erased"),
)
"""What acts can be told apart by; ``record`` are records and where they were seen."""

_COMMON = "('record', 'sighting', 'origin', 'key-seen')"
_PAUSE = timedelta(minutes=5)
"""Records that were kept without a longer pause between them are one act, unless the archive's
state was signed in between: a command signs when it is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something that was done to the archive, or to one record."""

    position: Position
    """The first of its entries."""
    last: Position
    """The last of its entries."""
    at: datetime
    """When its last entry was written."""
    actor: str
    type: str
    what: str
    """A sentence, in the language of the command."""
    words: str = ""
    """What a person wrote about it."""
    records: int = 0
    """How many records it is about, as far as that is told."""
    record: Position | None = None
    """The one record that it is about."""
    began: datetime | None = None
    """When the first entry of a run was written; None: the act is one moment."""


def act_of(entry: Entry, what: str = "") -> Act:
    """Return the act that one ENTRY is."""
    return Act(
        position=entry.position,
        last=entry.position,
        at=entry.at,
        actor=entry.actor,
        type=type_of(entry.payload),
        what=what or say(entry.payload),
        record=_record_of(entry.payload),
    )


def _record_of(payload: Payload) -> Position | None:
    match payload:
        case Tag() | Untag() | Restrict() | Release() | Origin() | Sighting():
            return payload.record
        case _:
            return None


def entry_at(evidence: Reader, position: int) -> Entry:
    """Return the entry at POSITION; raises UsageError when there is none."""
    found = evidence.entry(position)
    if found is None:
        raise UsageError(
            _("The journal has no entry {position}.").format(position=position),
            advice=_("It has {count} entries, counted from 0.").format(count=evidence.size),
        )
    return found


def acts(
    evidence: Reader,
    *,
    types: Collection[str] = TYPES,
    after: datetime | None = None,
    before: datetime | None = None,
) -> Iterator[Act]:
    """Yield what was done to the archive, newest first; no more is read than is asked for.

    TYPES are some of the above. AFTER is the first moment, BEFORE the first one no longer wanted.
    """
    wanted = frozenset(types)
    for act in _acts(evidence, wanted):
        late_enough = after is None or act.at >= after
        early_enough = before is None or act.at < before
        if late_enough and early_enough and (act.type in wanted or wanted.issuperset(TYPES)):
            yield act


def _acts(evidence: Reader, wanted: frozenset[str]) -> Iterator[Act]:
    everything = wanted.issuperset(TYPES)
    runs = _Runs(evidence) if wanted & {"record", "origin"} else None
    words: dict[Position, str] = {}
    end = evidence.size
    for first, last, entries in _rare(evidence, wanted | {"note"}, everything=everything):
        if runs is not None:
            yield from runs.between(last + 1, end)
        end = first
        if not entries:
            continue
        if isinstance(note := entries[0].payload, Note):
            words[note.entry] = note.words
            if everything or "note" not in wanted:
                continue  # told with the act that they are about
        yield _decision(entries, words)
    if runs is not None:
        yield from runs.between(0, end)


def _decision(entries: list[Entry], words: Mapping[Position, str]) -> Act:
    """Return the act of ENTRIES, newest first, that are one decision."""
    first = entries[-1]
    about = {record for each in entries if (record := _record_of(each.payload)) is not None}
    said = first.payload.words if isinstance(first.payload, Note) else ""
    return replace(
        act_of(first, say(first.payload, records=len(about) or 1)),
        last=entries[0].position,
        words=words.get(first.position, said),
        records=len(about),
        record=next(iter(about)) if len(about) == 1 else None,
    )


def _rare(
    evidence: Reader, wanted: frozenset[str], *, everything: bool
) -> Iterator[tuple[int, int, list[Entry]]]:
    """Yield (first, last, entries newest first) of the rare entries, those of a decision together.

    Those that are not WANTED are not read: they come without their entry.
    """
    rows = evidence.database.all(
        f"SELECT position, type FROM entry WHERE type NOT IN {_COMMON}"  # noqa: S608 - a constant
        " ORDER BY position DESC"
    )
    group: list[Entry] = []
    for row in rows:
        position, type_ = integer(row[0]), text(row[1])
        entry = entry_at(evidence, position) if everything or type_ in wanted else None
        if group and (entry is None or not _one_decision(group[-1], entry)):
            yield group[-1].position, group[0].position, group
            group = []
        if entry is None:
            yield position, position, []
        else:
            group.append(entry)
    if group:
        yield group[-1].position, group[0].position, group


def _one_decision(later: Entry, earlier: Entry) -> bool:
    one, other = later.payload, earlier.payload
    if not isinstance(one, Tag | Untag) or not isinstance(other, Tag | Untag):
        return False
    same = type(one) is type(other) and one.engagement == other.engagement
    adjacent = later.position == earlier.position + 1
    return same and adjacent and bool(one.decision) and one.decision == other.decision


class _Runs:
    """Tells the long runs of records, sightings and origins that stand between rare entries."""

    def __init__(self, evidence: Reader) -> None:
        self._evidence = evidence
        self._ends = signed_sizes(evidence)

    def between(self, start: int, stop: int) -> Iterator[Act]:
        """Yield the acts in the entries from START to STOP, newest first."""
        if start >= stop:
            return
        within = self._ends[bisect_right(self._ends, start) : bisect_left(self._ends, stop)]
        for begin, end in reversed(tuple(pairwise((start, *within, stop)))):
            for first, last in reversed(self._split(begin, end)):
                yield from self._told(first, last)

    def _split(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Cut where nothing was written for a while; only some entries are read for it."""
        if stop - start == 1 or self._at(stop - 1) - self._at(start) <= _PAUSE:
            return [(start, stop)]
        middle = (start + stop) // 2
        left, right = self._split(start, middle), self._split(middle, stop)
        if self._at(middle) - self._at(middle - 1) <= _PAUSE:
            joined = (left[-1][0], right[0][1])
            return [*left[:-1], joined, *right[1:]]
        return [*left, *right]

    def _at(self, position: int) -> datetime:
        return entry_at(self._evidence, position).at

    def _told(self, start: int, stop: int) -> Iterator[Act]:
        counts = {
            text(row[0]): integer(row[1])
            for row in self._evidence.database.all(
                "SELECT type, count(*) FROM entry WHERE position >= ? AND position < ?"
                " GROUP BY type",
                start,
                stop,
            )
        }
        newest = entry_at(self._evidence, stop - 1)
        whole = replace(
            act_of(newest, "-"), position=Position(start), record=None, began=self._at(start)
        )
        if origins := counts.get("origin", 0):
            yield replace(whole, type="origin", what=say_origins(origins), records=origins)
        records, sightings = counts.get("record", 0), counts.get("sighting", 0)
        if records or sightings:
            what = say_kept(records, sightings, self._where(start, stop))
            yield replace(whole, type="record", what=what, records=records)

    def _where(self, start: int, stop: int) -> str:
        for entry in self._evidence.entries(start, min(stop, start + 2)):
            if isinstance(entry.payload, Sighting):
                return where(entry.payload)
        return ""
