"""Keeps what a walk through an account yields, and remembers what to journal of it."""

import re
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
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
from archiver.pipeline.renames import change_told, folder_changes
from archiver.pipeline.tally import NOTHING_LEFT, Left, Tally, left_before

_NUMBERED = re.compile(r"\S*\d\S*")

Events = Generator[Event, None, None]
Outage = tuple[datetime | None, int, str]
"""The last good sync, if any; how often it was tried in vain since, and why the last time."""


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
        errors: Mapping[str, FolderScan],
    ) -> None:
        """CURSORS are those that the walk starts from; RULES what decides on messages.

        ERRORS are the folders of which the journal says that they could not be looked into.
        """
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
        self.errors = errors
        self._failed: dict[str, str] = {}
        """Folders that could not be looked into this time, and why."""
        self._unchanged: set[str] = set()
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
                self._failed.setdefault(folder, reason)
                self._problem(folder, reason)
            case PartOpened():
                self._reopen(event)
            case PartDone():
                if self._tally is not None:
                    self._tally.pack()
                self._tally, self._part = None, False
            case FolderUnchanged(folder=folder):
                self._unchanged.add(folder)

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
        folders = (*self._left_out, *self._news(), *self._errors_told())
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
        self.intake.notes += [change_told(each) for each in changes]

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
        if event.others:
            self.intake.notes.append(
                ngettext(
                    "{folder}: the folder was made anew under the same UIDVALIDITY; {n} message"
                    " that took the number of another one is fetched.",
                    "{folder}: the folder was made anew under the same UIDVALIDITY; {n} messages"
                    " that took the numbers of others are fetched.",
                    len(event.others),
                ).format(folder=event.folder, n=len(event.others))
            )
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
        if self._purpose == "recheck":
            self._forbid(event)
            return
        if self._tally is None:
            return
        if self._part:  # what was left before, and is left again, was said before
            near = frozenset(uid for uids in event.near.values() for uid in uids)
            news = near.union(self._tally.unkept)
            unkept = {rule: news.intersection(uids) for rule, uids in event.unkept.items()}
            event = Decided({rule: tuple(uids) for rule, uids in unkept.items()}, event.near)
        self._tally.decide(event)

    def _forbid(self, event: Decided) -> None:
        """Say which messages stay presumed, since a rule forbids to fetch their bytes."""
        folder = self._tally.opened.folder if self._tally is not None else ""
        self.intake.notes += [
            ngettext(
                "{folder}: {n} message that looks like a known one is not fetched to confirm it,"
                " by the rule {rule}.",
                "{folder}: {n} messages that look like known ones are not fetched to confirm it,"
                " by the rule {rule}.",
                len(uids),
            ).format(folder=folder, n=len(uids), rule=rule)
            for rule, uids in event.unkept.items()
        ]

    def _postpone(self, uids: Sequence[int]) -> None:
        if self._purpose == "recheck":
            return  # nothing is missing: what it is taken for is kept
        self.intake.postponed += len(uids)
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
            failed = folder in self.errors
            if tally.is_news(before.get(folder, NOTHING_LEFT), failed=failed):
                news.append(tally.scan())
        return news

    def _errors_told(self) -> Iterator[FolderScan]:
        """Yield which folders could not be looked into, and of which that is over.

        Each reason is told once, whatever number of its own a server gives to each refusal. Of a
        folder that was opened, what came of it says enough.
        """
        opened = {folder for folder, _epoch in self._tallies}
        for folder, reason in self._failed.items():
            known = self.errors.get(folder)
            if folder not in opened and (
                known is None or _NUMBERED.sub("", known.error) != _NUMBERED.sub("", reason)
            ):
                yield self._nothing_looked(folder, error=reason)
        told = opened.union(self._failed, (each.folder for each in self._left_out))
        for folder in self.errors:
            # Nobody asked about a folder that is neither listed nor named: it is no matter now.
            if folder not in told and (self.whole or folder in self._unchanged):
                yield self._nothing_looked(folder)

    def _nothing_looked(self, folder: str, *, error: str = "") -> FolderScan:
        """Make a statement about FOLDER that was not opened; without an ERROR nothing is wrong."""
        cursor = self._before.get(folder)
        listed = cursor is not None and (bool(error) or folder in self._unchanged)
        return FolderScan(
            folder=folder,
            uidvalidity=cursor.status.uidvalidity if cursor is not None and listed else 0,
            exists=cursor.status.exists if cursor is not None and listed else 0,
            kept="",
            error=error,
        )


def with_outage(scan: Scan, outage: Outage | None) -> Scan:
    """Return SCAN, saying that a time without a good sync ends with it."""
    if outage is None:
        return scan
    since, attempts, reason = outage
    return replace(scan, since=since, attempts=attempts, reason=reason)
