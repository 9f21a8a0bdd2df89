"""What the journal says was looked at: its entries about folders, folded in order.

What was kept is read from the table of UIDs, which follows from ``sighting`` entries: a message
that was kept before a crash counts, whether or not a ``scan`` entry came to name it.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import takewhile

from archiver.evidence.journal.database import integer, text
from archiver.evidence.journal.names import unkey
from archiver.evidence.reader import Reader
from archiver.model import coverage as values
from archiver.model.coverage import (
    AccountCoverage,
    Change,
    Failure,
    FolderError,
    Gone,
    Outage,
    Unkept,
)
from archiver.model.entries import Epoch, FolderChange, FolderScan, Scan, Vanished
from archiver.model.intervals import Intervals, Layers, Run

_STATES = """
SELECT account, folder, uidvalidity, state, uid FROM uid WHERE entry < ?
UNION
SELECT account, folder, uidvalidity, CASE state WHEN 'erased' THEN state ELSE 'presumed' END, uid
    FROM presumed WHERE entry < ? AND state <> 'fetched'"""
_RUNS = f"""
SELECT account, folder, uidvalidity, state, min(uid), max(uid) FROM (
    SELECT *, uid - row_number() OVER (
        PARTITION BY account, folder, uidvalidity, state ORDER BY uid) AS run
    FROM ({_STATES}))
GROUP BY account, folder, uidvalidity, state, run"""  # noqa: S608 - constants

_Place = tuple[str, int]
"""A folder's name and its UIDVALIDITY."""
_Standing = Mapping[tuple[str, str, int], Mapping[str, Intervals]]
"""The UIDs of each account, folder and UIDVALIDITY in each state."""


def fold(evidence: Reader, *, size: int | None = None) -> tuple[AccountCoverage, ...]:
    """Return what the first SIZE entries (all, if None) say of each account that was ever met."""
    size = evidence.size if size is None else size
    accounts: dict[str, _Account] = {}
    for entry in takewhile(lambda entry: entry.position < size, evidence.scans()):
        match entry.payload:
            case Scan() | Epoch() | Vanished() | FolderChange() as said:
                name = said.account
                accounts.setdefault(name, _Account(name)).take(entry.at, said)
            case _:
                pass
    standing = _standing(evidence, size)
    for name, folder, uidvalidity in standing:  # kept, and cut off before anything was said of it
        accounts.setdefault(name, _Account(name)).meet(folder, uidvalidity)
    return tuple(account.told(standing) for account in accounts.values())


def _standing(evidence: Reader, size: int) -> _Standing:
    """Read the table of UIDs as runs: a folder of 100,000 messages is a few rows."""
    runs: dict[tuple[str, str, int], dict[str, list[Run]]] = {}
    for account, folder, uidvalidity, state, first, last in evidence.database.each(
        _RUNS, size, size
    ):
        place = unkey(text(account)), unkey(text(folder)), integer(uidvalidity)
        states = runs.setdefault(place, defaultdict(list))
        states[text(state)].append((integer(first), integer(last)))
    return {
        place: {state: Intervals.joined(found) for state, found in states.items()}
        for place, states in runs.items()
    }


class _Account:
    """What is said of one account, as it is being read."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._epochs: dict[_Place, _Epoch] = {}
        self._newest: dict[str, _Epoch] = {}
        self._outages: list[Outage] = []
        self._errors: dict[str, FolderError] = {}

    def take(self, at: datetime, said: Scan | Epoch | Vanished | FolderChange) -> None:
        match said:
            case Scan():
                self._scan(at, said)
            case Epoch(folder=folder, uidvalidity=uidvalidity):
                epoch = self.epoch(folder, uidvalidity)
                epoch.began = epoch.began or at
                before = self._newest.get(folder)
                if before is not None and before is not epoch:
                    before.ended = before.ended or at
                self._newest[folder], epoch.ended = epoch, None
            case Vanished(folder=folder, uidvalidity=uidvalidity, uids=uids):
                self.epoch(folder, uidvalidity).vanish(at, Intervals.parse(uids))
            case FolderChange():
                self._change(at, said)

    def epoch(self, folder: str, uidvalidity: int) -> "_Epoch":
        """Return the epoch of FOLDER under UIDVALIDITY, met now if it never was."""
        place = folder, uidvalidity
        if place not in self._epochs:
            self._epochs[place] = _Epoch(folder, uidvalidity)
            self._newest.setdefault(folder, self._epochs[place])
        return self._epochs[place]

    def meet(self, folder: str, uidvalidity: int) -> None:
        """Make sure that there is an epoch for FOLDER, under this name or a later one."""
        if not any(
            each.uidvalidity == uidvalidity and folder in each.names
            for each in self._epochs.values()
        ):
            self.epoch(folder, uidvalidity)

    def _scan(self, at: datetime, scan: Scan) -> None:
        self._first, self._last = self._first or at, at
        rules = scan.rules.hex if scan.rules else ""
        for folder in scan.folders:
            if folder.error:
                known = self._errors.get(folder.folder)
                since = known.since if known is not None else at
                self._errors[folder.folder] = FolderError(
                    folder=folder.folder, reason=folder.error, since=since
                )
                continue
            self._errors.pop(folder.folder, None)
            if folder.uidvalidity or folder.unkept:  # else it only says that there is no error
                self.epoch(folder.folder, folder.uidvalidity).look(at, folder, rules)
        if scan.attempts or scan.since:
            self._outages.append(
                Outage(since=scan.since, until=at, attempts=scan.attempts, reason=scan.reason)
            )

    def _change(self, at: datetime, said: FolderChange) -> None:
        change = Change(at=at, change=said.change, previous=said.previous)
        if said.change == "renamed":
            epoch = self._renamed(said)
        else:
            epoch = self.epoch(said.folder, said.uidvalidity)
            if said.change == "gone":
                epoch.ended = epoch.ended or at
            elif self._newest.setdefault(said.folder, epoch) is epoch:
                epoch.ended = None  # else the name is back, and another folder bears it
        epoch.changes.append(change)

    def _renamed(self, said: FolderChange) -> "_Epoch":
        """Let the epoch go on under its new name."""
        here = self.epoch(said.folder, said.uidvalidity)
        before = self._epochs.get((said.previous, said.uidvalidity))
        if before is None or before is here:
            return here
        if here.first is not None:  # it was looked into already: what was said stays apart
            here.names += [*before.names, before.folder]
            before.ended = before.ended or here.began
            return here
        before.names.append(before.folder)
        before.folder, before.ended = said.folder, None
        del self._epochs[said.previous, said.uidvalidity]
        self._newest.pop(said.previous, None)
        self._epochs[said.folder, said.uidvalidity] = self._newest[said.folder] = before
        return before

    def told(self, standing: _Standing) -> AccountCoverage:
        return AccountCoverage(
            account=self._name,
            first=self._first,
            last=self._last,
            epochs=tuple(epoch.told(self._name, standing) for epoch in self._epochs.values()),
            outages=tuple(self._outages),
            errors=tuple(self._errors.values()),
        )


@dataclass(frozen=True, slots=True)
class _Decided:
    """A decision not to keep: by which rule of which set of rules."""

    rule: str
    rules: str


_SETTLED = None
"""Lies over a decision that no longer stands."""


@dataclass(slots=True)
class _Whole:
    """The last time that a folder was enumerated whole."""

    at: datetime
    listed: Intervals
    count: int
    """How many messages the server said there are."""


@dataclass(slots=True)
class _Epoch:
    """What is said of one folder under one UIDVALIDITY, as it is being read."""

    folder: str
    uidvalidity: int
    names: list[str] = field(default_factory=list)
    role: str = ""
    began: datetime | None = None
    ended: datetime | None = None
    first: datetime | None = None
    last: datetime | None = None
    exists: int = 0
    left_by: str = ""
    changes: list[Change] = field(default_factory=list)
    _whole: _Whole | None = None
    _since_whole: list[Run] = field(default_factory=list)
    """Listed or reported after the folder was last enumerated whole."""
    _looked: list[Run] = field(default_factory=list)
    _covered: int = 0
    """The highest UID up to which the folder was ever enumerated whole."""
    _decided: Layers[_Decided | None] = field(default_factory=Layers)
    _near: Layers[_Decided | None] = field(default_factory=Layers)
    _postponed: Layers[bool] = field(default_factory=Layers)
    _failed: dict[int, Failure] = field(default_factory=dict)
    _vanished: Layers[datetime | None] = field(default_factory=Layers)
    _gone: Intervals = values.NOTHING

    def vanish(self, at: datetime, uids: Intervals) -> None:
        self._vanished.lay(uids, at)
        self._gone |= uids

    def look(self, at: datetime, scan: FolderScan, rules: str) -> None:
        """Take in what one synchronisation says of the folder."""
        failed = dict(scan.failed)
        kept = Intervals.parse(scan.kept)
        decided = ",".join(uids for _rule, uids in (*scan.unkept, ("", scan.postponed)) if uids)
        looked = Intervals.parse(scan.looked) | kept | Intervals.of(failed)
        looked |= Intervals.parse(decided)  # decided on once more, without a new listing
        self.first, self.last = self.first or at, at
        self.exists, self.role = scan.exists, scan.role or self.role
        self.left_by = next((rule for rule, uids in scan.unkept if not uids), "")
        self._looked += looked.runs
        if scan.full:
            self._whole = _Whole(at, looked, scan.exists)
            self._since_whole = []
            self._covered = max(self._covered, looked.highest)
        else:
            self._since_whole += looked.runs
        if back := self._gone & looked:
            self._vanished.lay(back, None)
            self._gone -= back
        self._decide(scan, rules)
        self._fail(at, failed, listed=looked, everything=scan.full)

    def _decide(self, scan: FolderScan, rules: str) -> None:
        postponed = Intervals.parse(scan.postponed)
        self._postponed.lay(Intervals.parse(scan.looked), value=False)
        self._postponed.lay(postponed, value=True)
        for rule, text_ in scan.unkept:
            uids = Intervals.parse(text_)
            self._decided.lay(uids, _Decided(rule, rules))
            self._near.lay(uids, _SETTLED)
        for rule, text_ in scan.near:
            self._near.lay(Intervals.parse(text_), _Decided(rule, rules))
        # What was wanted this time is no longer what was left before.
        self._decided.lay(postponed | Intervals.of(uid for uid, _reason in scan.failed), _SETTLED)

    def _fail(
        self, at: datetime, failed: Mapping[int, str], *, listed: Intervals, everything: bool
    ) -> None:
        """Note what fails, since when, and what fails no more because it is gone."""
        for uid, before in list(self._failed.items()):
            if uid in failed or before.gone is not None:
                continue
            if uid in listed:
                del self._failed[uid]  # listed, and no failure any more
            elif everything:
                self._failed[uid] = Failure(
                    uid=uid, reason=before.reason, since=before.since, gone=at
                )
        for uid, reason in failed.items():
            known = self._failed.get(uid)
            since = at if known is None or known.gone is not None else known.since
            self._failed[uid] = Failure(uid=uid, reason=reason, since=since)

    def told(self, account: str, standing: _Standing) -> values.Epoch:
        """Settle everything that was said against what is kept."""
        kept, presumed, erased = self._kept(account, standing)
        held = kept | presumed | erased
        looked = Intervals.joined(self._looked) | held
        unkept = _standing_decisions(self._decided, held)
        left = Intervals.joined(run for each in unkept for run in each.uids.runs)
        failed = tuple(each for uid, each in sorted(self._failed.items()) if uid not in held)
        failing = Intervals.of(each.uid for each in failed if each.gone is None)
        waiting = looked - held - left - failing
        missed = waiting - self._still_there() if self._whole else values.NOTHING
        missed |= Intervals.of(each.uid for each in failed if each.gone is not None)
        postponed = _true(self._postponed) & waiting
        covered = looked | Intervals(((1, self._covered),) if self._covered else ())
        return values.Epoch(
            folder=self.folder,
            uidvalidity=self.uidvalidity,
            role=self.role,
            began=self.began,
            ended=self.ended,
            first=self.first,
            last=self.last,
            whole=self._whole.at if self._whole else None,
            exists=self.exists,
            listed=len(self._whole.listed) if self._whole else 0,
            short=self._whole is not None and len(self._whole.listed) < self._whole.count,
            left_by=self.left_by,
            looked=looked,
            unseen=covered.complement().below(looked.highest),
            kept=kept,
            presumed=presumed,
            erased=erased,
            unkept=unkept,
            near=tuple(
                Unkept(rule=each.rule, rules=each.rules, uids=each.uids & left)
                for each in _standing_decisions(self._near, held)
                if each.uids & left
            ),
            failed=failed,
            postponed=postponed - missed,
            not_reached=waiting - postponed - missed,
            missed=missed,
            vanished=tuple(
                Gone(at=at, uids=uids & held)
                for at, uids in self._vanished.seen()
                if at is not None and uids & held
            ),
            changes=tuple(self.changes),
        )

    def _kept(self, account: str, standing: _Standing) -> tuple[Intervals, Intervals, Intervals]:
        """Return the UIDs that are kept, presumed and erased, under all names of the folder."""
        kept = presumed = erased = values.NOTHING
        for name in (*self.names, self.folder):
            states = standing.get((account, name, self.uidvalidity), {})
            now = states.get("presumed", values.NOTHING)
            # What is only presumed under the new name is so, whatever the old name held.
            kept = (kept - now) | states.get("kept", values.NOTHING)
            kept |= states.get("vanished", values.NOTHING)
            erased |= states.get("erased", values.NOTHING)
            presumed |= now
        return kept, presumed - kept - erased, erased

    def _still_there(self) -> Intervals:
        """Return the UIDs that the server has as far as is known."""
        whole = self._whole.listed if self._whole else values.NOTHING
        return whole | Intervals.joined(self._since_whole)


def _standing_decisions(layers: Layers[_Decided | None], held: Intervals) -> tuple[Unkept, ...]:
    """Return the decisions that stand, less what is HELD; equal ones are one."""
    runs: dict[_Decided, list[Run]] = {}
    for decided, uids in layers.seen():
        if decided is not None:
            runs.setdefault(decided, []).extend(uids.runs)
    found = {decided: Intervals.joined(each) - held for decided, each in runs.items()}
    return tuple(
        Unkept(rule=decided.rule, rules=decided.rules, uids=uids)
        for decided, uids in found.items()
        if uids
    )


def _true(layers: Layers[bool]) -> Intervals:
    return Intervals.joined(run for value, uids in layers.seen() if value for run in uids.runs)
