"""Keeps what a walk through an account yields, and remembers what to journal of it."""

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from gettext import gettext as _
from gettext import ngettext
from typing import Literal

from archiver.evidence.store import Evidence
from archiver.mailbox.crops import Decided, Fetched, NotFetched, Postponed, Recognised
from archiver.mailbox.events import (
    Event,
    FolderDone,
    FolderEvent,
    FolderFailed,
    FolderLeftOut,
    FolderOpened,
    FoldersListed,
    FolderUnchanged,
    PartDone,
    PartOpened,
)
from archiver.mailbox.server.session import Folder
from archiver.model.cursors import Cursor
from archiver.model.digest import Digest, Position
from archiver.model.entries import Epoch, FolderChange, FolderScan, Payload, Scan, Vanished
from archiver.model.places import Presumed
from archiver.model.sources import ImapSource
from archiver.model.uidset import format_uids
from archiver.pipeline.counts import Intake, Problem
from archiver.pipeline.intake import keep_batch
from archiver.pipeline.progress import Progress, silent
from archiver.pipeline.recognise import Recogniser
from archiver.pipeline.renames import folder_changes
from archiver.pipeline.tally import NOTHING_LEFT, Left, Tally, left_before

Events = Generator[Event, None, None]
Outage = tuple[datetime, int, str]
"""The last good sync, how often it was tried in vain since, and why the last time."""


class Keeper:
    """Takes the events of a walk, one after the other."""

    def __init__(
        self,
        evidence: Evidence,
        account: str,
        *,
        rules: Digest | None,
        cursors: Mapping[str, Cursor],
        recogniser: Recogniser,
        today: Callable[[], date],
    ) -> None:
        """CURSORS are those that the walk starts from; RULES what decides on messages."""
        self.intake = Intake()
        self.progress: Progress = silent
        self.whole = False
        """Whether the walk got through."""
        self.said = False
        """Whether the journal was told something."""
        self.trouble = ""
        """Why it was no good sync, if it was none."""
        self._evidence = evidence
        self._account = account
        self._rules = rules
        self._before = cursors
        self._recogniser = recogniser
        self._today = today
        self._purpose: Literal["walk", "recheck"] = "walk"
        self._part = False
        """Whether messages of a folder are being looked at once more."""
        self._tally: Tally | None = None
        self._tallies: dict[tuple[str, int], Tally] = {}
        self._left_out: list[FolderScan] = []
        self._cursors: dict[str, Cursor] = {}
        self._changes: list[FolderChange] = []
        self._vanished: list[Vanished] = []
        self._presumed: dict[tuple[str, int, int], Position] = {}

    def take(self, event: Event) -> None:
        """Take in one event of the walk."""
        match event:
            case Fetched():
                self._keep(event)
            case Recognised():
                self._presume(event)
            case NotFetched():
                self._lose(event)
            case Decided():
                self._decide(event)
            case Postponed(uids=uids):
                self._postpone(uids)
            case _:
                self._take_folder(event)

    def _take_folder(self, event: FolderEvent) -> None:
        match event:
            case FoldersListed(folders=folders):
                self._note_changes(folders)
            case FolderLeftOut():
                self._leave_out(event)
            case FolderOpened():
                self._open(event)
            case FolderDone():
                self._close(event)
            case FolderFailed(folder=folder, reason=reason):
                self.trouble = self.trouble or f"{folder}: {reason}"
                self._problem(folder, reason)
            case PartOpened():
                self._reopen(event)
            case PartDone():
                if self._tally is not None:
                    self._tally.pack()
                self._tally, self._part = None, False
            case FolderUnchanged():
                pass

    def left_uids(self) -> Mapping[str, Collection[int]]:
        """Return the UIDs that were decided not to be kept in this walk, by folder."""
        return {folder: tally.unkept.keys() for (folder, _epoch), tally in self._tallies.items()}

    def start_recheck(
        self, presumed: Sequence[Presumed]
    ) -> Mapping[tuple[str, int], Collection[int]]:
        """Expect from now on the bytes of PRESUMED; return its UIDs by folder and epoch."""
        self._purpose = "recheck"
        uids: dict[tuple[str, int], list[int]] = {}
        for one in presumed:
            self._presumed[one.folder, one.uidvalidity, one.uid] = one.record
            uids.setdefault((one.folder, one.uidvalidity), []).append(one.uid)
        return uids

    def journal(self, outage: Outage | None) -> None:
        """Journal what the walk found, also where it broke off; then remember how far it got."""
        entries: list[Payload] = [*self._epochs(), *self._changes, *self._vanished]
        folders = (*self._left_out, *self._news())
        if folders:
            scan = Scan(account=self._account, folders=folders, rules=self._rules)
            entries.append(with_outage(scan, outage))
        if entries:
            self._evidence.append(entries)
        self.said = bool(folders)
        forget = [each.previous or each.folder for each in self._changes if each.change != "back"]
        self._evidence.put_cursors(self._account, tuple(self._cursors.values()), forget)

    def _note_changes(self, folders: tuple[Folder, ...]) -> None:
        changes = folder_changes(self._evidence, self._account, folders, self._before)
        self._changes += changes
        self.intake.notes += [_change(each) for each in changes]

    def _leave_out(self, event: FolderLeftOut) -> None:
        """Say of a folder that a rule leaves out that it was; not again until the rules change."""
        if event.cursor is None:
            return
        self._cursors[event.folder] = event.cursor
        self._left_out.append(
            FolderScan(
                folder=event.folder,
                uidvalidity=event.cursor.status.uidvalidity,
                exists=event.cursor.status.exists,
                kept="",
                role=event.role,
                unkept=((event.rule, ""),),
            )
        )

    def _open(self, event: FolderOpened) -> None:
        self._tally = Tally(event)
        self._tallies[event.folder, event.uidvalidity] = self._tally
        self._note_vanished(event)
        if event.missed:
            self.intake.notes.append(
                ngettext(
                    "{folder}: the server had left out {n} message when it was asked before.",
                    "{folder}: the server had left out {n} messages when it was asked before.",
                    len(event.missed),
                ).format(folder=event.folder, n=len(event.missed))
            )

    def _reopen(self, event: PartOpened) -> None:
        """Go on with what is known of a folder in this walk."""
        place = event.folder, event.uidvalidity
        if place not in self._tallies:
            cursor = self._before.get(event.folder)
            exists = cursor.status.exists if cursor is not None else 0
            opened = FolderOpened(event.folder, None, event.uidvalidity, exists, event.count)
            self._tallies[place] = Tally(opened, whole=True)
        self._tally, self._part = self._tallies[place], True

    def _keep(self, event: Fetched) -> None:
        done = keep_batch(self._evidence, event.incoming, self.intake)
        if self._purpose == "recheck":
            for item, kept in zip(event.incoming, done, strict=True):
                if isinstance(item.source, ImapSource):
                    self._confirm(item.source, kept.position)
            self._evidence.spend(self._account, self._today(), 0, event.size)
            return
        self._evidence.spend(self._account, self._today(), event.size, 0)
        if self._tally is not None:
            self._tally.keep(event.uids)
        self._show()

    def _confirm(self, source: ImapSource, record: Position) -> None:
        """Note that the bytes of a message that was presumed came, and whether they are those."""
        if self._presumed.get((source.folder, source.uidvalidity, source.uid)) == record:
            self.intake.confirmed += 1
            return
        self.intake.notes.append(
            _(
                "{folder} UID {uid} looked like a known message and is another one: it is kept."
            ).format(folder=source.folder, uid=source.uid)
        )

    def _presume(self, event: Recognised) -> None:
        self._evidence.append(event.sightings)
        self.intake.recognised += len(event.sightings)
        if self._tally is not None:
            self._tally.keep(
                each.source.uid for each in event.sightings if isinstance(each.source, ImapSource)
            )
        self._show()

    def _lose(self, event: NotFetched) -> None:
        if self._purpose == "recheck" and event.gone:
            return  # the next walk through the folder says that it vanished
        if self._tally is not None and self._purpose == "walk":
            self._tally.failed[event.uid] = event.reason
            self._leave_open(self._tally)
        self._problem(f"{event.folder} UID {event.uid}", event.reason)

    def _decide(self, event: Decided) -> None:
        if self._tally is None:
            return
        if self._part:  # what was left before, and is left again, was said before
            near = frozenset(uid for uids in event.near.values() for uid in uids)
            news = near.union(self._tally.unkept)
            unkept = {rule: news.intersection(uids) for rule, uids in event.unkept.items()}
            event = Decided({rule: tuple(uids) for rule, uids in unkept.items()}, event.near)
        self._tally.decide(event)

    def _postpone(self, uids: Sequence[int]) -> None:
        if self._purpose == "recheck":
            return  # nothing is missing: what it is taken for is kept
        self.intake.postponed += len(uids)
        self.trouble = self.trouble or _("the day's volume is spent")
        if self._tally is not None:
            self._tally.postponed.update(uids)
            self._leave_open(self._tally)

    def _leave_open(self, tally: Tally) -> None:
        """Remember that a folder that was read to its end has something left all the same."""
        name = tally.opened.folder
        cursor = self._cursors.get(name) or self._before.get(name)
        if self._part and cursor is not None:
            self._cursors[name] = replace(cursor, done=False)

    def _close(self, event: FolderDone) -> None:
        if self._tally is not None:
            self._tally.whole = not event.broken
            self._show(end=True)
            self._tally.pack()
        if event.cursor is not None:
            self._cursors[event.folder] = event.cursor
        self._tally = None

    def _show(self, *, end: bool = False) -> None:
        if self._tally is not None:
            opened = self._tally.opened
            done = opened.new if end else self._tally.count
            self.progress(f"{self._account}/{opened.folder}", done, opened.new)

    def _problem(self, where: str, reason: str) -> None:
        self.intake.problems.append(Problem(where=f"{self._account}/{where}", reason=reason))

    def _note_vanished(self, event: FolderOpened) -> None:
        """Remember what the server had and has no longer; nothing is deleted here."""
        gone = event.absent
        if gone:
            gone &= self._evidence.present_uids(self._account, event.folder, event.uidvalidity)
        if not gone:
            return
        self._recogniser.went(event.folder, event.uidvalidity, gone)
        self._vanished.append(
            Vanished(
                account=self._account,
                folder=event.folder,
                uidvalidity=event.uidvalidity,
                uids=format_uids(gone),
            )
        )

    def _epochs(self) -> list[Epoch]:
        """Return the epochs that began without a message being kept."""
        found: list[Epoch] = []
        for folder, uidvalidity in self._tallies:
            last = self._evidence.last_uidvalidity(self._account, folder)
            if last != uidvalidity:
                found.append(
                    Epoch(
                        account=self._account,
                        folder=folder,
                        uidvalidity=uidvalidity,
                        previous=last,
                    )
                )
        return found

    def _news(self) -> list[FolderScan]:
        unfinished = frozenset(name for name, cursor in self._before.items() if not cursor.done)
        met = unfinished.intersection(folder for folder, _epoch in self._tallies)
        before: Mapping[str, Left] = {}
        if met:
            before = left_before(self._evidence, self._account, met)
        news: list[FolderScan] = []
        for (folder, _epoch), tally in self._tallies.items():
            self.intake.unkept += len(tally.unkept)
            self.intake.near += len(tally.near)
            if tally.is_news(before.get(folder, NOTHING_LEFT)):
                news.append(tally.scan())
        return news


def with_outage(scan: Scan, outage: Outage | None) -> Scan:
    """Return SCAN, saying that a time without a good sync ends with it."""
    if outage is None:
        return scan
    since, attempts, reason = outage
    return replace(scan, since=since, attempts=attempts, reason=reason)


def _change(change: FolderChange) -> str:
    match change.change:
        case "renamed":
            said = _("The folder {previous} is called {folder} now.")
        case "gone":
            said = _("The folder {folder} is no longer on the server; what was kept stays.")
        case _:
            said = _("The folder {folder} is on the server again.")
    return said.format(folder=change.folder, previous=change.previous)
