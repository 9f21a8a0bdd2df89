"""What a sync did in one folder, gathered until the journal says it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from archiver.evidence.store import Evidence
from archiver.mailbox.crops import Decided
from archiver.mailbox.events import FolderOpened
from archiver.mailbox.plan import STATED
from archiver.model.entries import FolderScan, Scan
from archiver.model.intervals import Intervals
from archiver.model.uidset import format_uids, parse_uids

Left = tuple[frozenset[int], frozenset[int]]
"""UIDs that failed, and that were postponed."""

NOTHING_LEFT: Left = (frozenset(), frozenset())


@dataclass(slots=True)
class Tally:
    """What became of the messages of one folder."""

    opened: FolderOpened
    kept: set[int] = field(default_factory=set)
    failed: dict[int, str] = field(default_factory=dict)
    unkept: dict[int, str] = field(default_factory=dict)
    """The rule for each UID."""
    near: dict[int, str] = field(default_factory=dict)
    postponed: set[int] = field(default_factory=set)
    whole: bool = False
    """Whether everything on the work list was accounted for."""
    news: bool = False
    """Whether something was kept before it was packed."""
    packed: Intervals = field(default_factory=Intervals)
    """UIDs that were kept before the tally was packed."""
    looked: Intervals = field(default_factory=Intervals)
    """UIDs that were looked at before it was."""

    def keep(self, uids: Iterable[int]) -> None:
        """Note that UIDS were kept, whatever was decided before."""
        for uid in uids:
            self.kept.add(uid)
            self.unkept.pop(uid, None)
            self.near.pop(uid, None)

    def pack(self) -> None:
        """Hold what was kept as runs from now on: a large account has many folders."""
        self.looked |= self._looked()
        self.packed |= Intervals.of(self.kept | self.opened.known)
        self.news = self.news or bool(self.kept)
        self.kept = set()
        self.opened = replace(self.opened, looked=frozenset(), known=frozenset())

    def decide(self, decided: Decided) -> None:
        """Note which messages were left, by which rule."""
        for uids, rules in ((self.unkept, decided.unkept), (self.near, decided.near)):
            for rule, some in rules.items():
                uids.update(dict.fromkeys(some, rule))

    @property
    def left(self) -> Left:
        """What is still to be had."""
        return frozenset(self.failed), frozenset(self.postponed)

    @property
    def count(self) -> int:
        """How many messages were accounted for."""
        return (
            len(self.packed)
            + len(self.kept)
            + len(self.failed)
            + len(self.unkept)
            + len(self.postponed)
        )

    def is_news(self, before: Left, *, failed: bool = False) -> bool:
        """Tell whether the journal is to say this, where BEFORE is what it said to be left.

        FAILED: it said that the folder could not be looked into.
        """
        if failed and self.whole:
            return True
        if self.news or self.kept or self.unkept or self.opened.missed:
            return True
        if not self.whole:
            return False  # nothing came of it; what is left is told by the run that gets through
        return self.opened.whole in STATED or self.left != before

    def scan(self) -> FolderScan:
        """Return what the journal says of it."""
        opened = self.opened
        return FolderScan(
            folder=opened.folder,
            uidvalidity=opened.uidvalidity,
            exists=opened.exists,
            kept=str(self.packed | Intervals.of(self.kept | opened.known)),
            failed=tuple(sorted(self.failed.items())),
            role=opened.role,
            looked=str(self.looked | self._looked()),
            full=opened.whole is not None and self.whole,
            unkept=_by_rule(self.unkept),
            near=_by_rule(self.near),
            postponed=format_uids(self.postponed),
        )

    def _looked(self) -> Intervals:
        """Return what was looked at; of a folder that broke off, what was accounted for."""
        looked = self.opened.looked.union(self.kept)
        if not self.whole:
            looked = looked & {*self.kept, *self.failed, *self.unkept, *self.postponed}
        return Intervals.of(looked)


def _by_rule(rules: Mapping[int, str]) -> tuple[tuple[str, str], ...]:
    uids: dict[str, list[int]] = {}
    for uid, rule in rules.items():
        uids.setdefault(rule, []).append(uid)
    return tuple((rule, format_uids(some)) for rule, some in sorted(uids.items()))


def left_before(evidence: Evidence, account: str, folders: frozenset[str]) -> Mapping[str, Left]:
    """Return what the journal said last to be left in each of FOLDERS of ACCOUNT.

    Only to be asked about folders that have something left, since entries are read for it.
    """
    found: dict[str, Left] = {}
    for position in evidence.journal.newest_scans():
        if folders.issubset(found):
            break
        entry = evidence.entry(position)
        payload = entry.payload if entry is not None else None
        if isinstance(payload, Scan) and payload.account == account:
            for folder in payload.folders:
                if folder.error:
                    continue
                failed = frozenset(uid for uid, _reason in folder.failed)
                found.setdefault(folder.folder, (failed, parse_uids(folder.postponed)))
    return found


def errors_before(
    evidence: Evidence, account: str, since: datetime | None
) -> Mapping[str, FolderScan]:
    """Return the folders of ACCOUNT of which the journal says that they could not be looked into.

    Entries before SINCE, the last good sync, are not read: with a good sync all is well again.
    """
    found: dict[str, FolderScan] = {}
    for position in evidence.journal.newest_scans():
        entry = evidence.entry(position)
        if entry is None or (since is not None and entry.at < since):
            break
        if isinstance(entry.payload, Scan) and entry.payload.account == account:
            for folder in entry.payload.folders:
                found.setdefault(folder.folder, folder)
    return {name: scan for name, scan in found.items() if scan.error}
