"""What is wanted of a mailbox: rules, threads and ``[never]`` put together for one walk."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from archiver.accounts import Account
from archiver.catalogue.catalogue import Catalogue
from archiver.config import Settings
from archiver.engagements.engagement import Engagement
from archiver.engagements.never import NeverRules
from archiver.engagements.selecting import VERSION, Selector, canonical_rules
from archiver.engagements.subjects import is_answer, subject_key
from archiver.engagements.verdicts import (
    EVERYTHING,
    NEVER_FOLDER,
    NO_RULE,
    REPLY,
    RULE,
    THREAD,
    UNREADABLE,
)
from archiver.evidence.reader import Reader
from archiver.evidence.scans import last_scan
from archiver.mailbox.wanted import Heading, Outlines, Verdict, Wanted
from archiver.model.digest import Digest
from archiver.pipeline.headings import (
    ADDRESS_FIELDS,
    FIELDS,
    SUBJECT_FIELDS,
    Headed,
    bare,
    read_heading,
)
from archiver.pipeline.threads import Known, Threads, numbered

_MOST_NAMES: Final = 5
"""Names of one address by which its owner is known."""


def make_wanted(
    evidence: Reader,
    catalogue: Callable[[], Catalogue],
    engagements: Sequence[Engagement],
    settings: Settings,
    account: Account,
    *,
    now: datetime,
) -> Wanted | None:
    """Return what decides on the messages of ACCOUNT in one walk; None: all are kept.

    CATALOGUE is asked, level with the journal, only where threads count; its file is opened once
    more in the thread that fetches, when that first needs it. What came since a walk last looked
    around it, from wherever, is what messages that were left then may belong with.
    """
    rules = rules_digest(account, engagements, settings)
    if rules is None:
        return None
    if account.keep == "everything":
        return _AllButNever(NeverRules(settings.never), account.name, rules, now)
    level = catalogue()
    selector = Selector(
        engagements,
        own=settings.own,
        never=settings.never,
        time_zone=ZoneInfo(settings.time_zone),
        names=_names(level, engagements),
    )
    before = _Before(level)
    return _OfEngagements(
        selector, _threads(evidence, level, account, before), before, account.name, rules, now
    )


def rules_digest(
    account: Account, engagements: Sequence[Engagement], settings: Settings
) -> Digest | None:
    """Return what tells the rules that decide on ACCOUNT's messages from all others.

    None: everything is kept. What does not decide, such as an engagement's title, changes nothing.
    """
    everything = account.keep == "everything"
    if everything and not settings.never:
        return None
    said: dict[str, object] = {
        "version": VERSION,
        "account": account.name,
        "keep": account.keep,
        "never": NeverRules(settings.never).canonical,
    }
    if not everything:
        said |= canonical_rules(engagements, own=settings.own, time_zone=settings.time_zone)
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return Digest.of(text.encode("ascii"))


class _AllButNever:
    """Keeps everything that ``[never]`` does not forbid."""

    unsettled = False

    def __init__(self, never: NeverRules, account: str, rules: Digest, now: datetime) -> None:
        self.rules = rules
        self.fields = (
            *(ADDRESS_FIELDS if never.asks_addresses else ()),
            *(SUBJECT_FIELDS if never.asks_subjects else ()),
        )
        self._never = never
        self._account = account
        self._now = now

    def folder(self, folder: str) -> Verdict | None:
        """Leave a folder that is never fetched; in others Gmail's labels may still name one."""
        return _folder(self._never, self._account, folder)

    def decide(self, headings: Sequence[Heading]) -> Sequence[Verdict]:
        """Keep all but those that a rule forbids; what cannot be read meets none."""
        return [self._decide(heading) for heading in headings]

    def again(self, folder: str, left: Collection[int], outlines: Outlines) -> Sequence[int]:  # noqa: ARG002  the protocol's
        """Return none: rules do not change within a walk."""
        return ()

    def forbidden(self, heading: Heading) -> str:
        """Return the rule of ``[never]`` that a message meets."""
        headed = self.fields and read_heading(heading, account=self._account, now=self._now)
        shown = headed.shown if headed else bare(heading, account=self._account, now=self._now)
        return self._never.meets(shown) or ""

    def _decide(self, heading: Heading) -> Verdict:
        forbidden = self.forbidden(heading)
        return Verdict("leave", forbidden) if forbidden else Verdict("keep", EVERYTHING)


class _OfEngagements:
    """Keeps what a rule ties to an engagement, and what belongs to a kept thread."""

    fields = FIELDS

    def __init__(  # noqa: PLR0917  its one caller stands above
        self,
        selector: Selector,
        threads: Threads,
        before: "_Before",
        account: str,
        rules: Digest,
        now: datetime,
    ) -> None:
        self.rules = rules
        self._selector = selector
        self._threads = threads
        self._before = before
        self._subjects: set[int] = set()
        self._account = account
        self._now = now

    def folder(self, folder: str) -> Verdict | None:
        """Leave a folder that is never fetched; of all others each message decides."""
        return _folder(self._selector.never, self._account, folder)

    def decide(self, headings: Sequence[Heading]) -> Sequence[Verdict]:
        """Decide on HEADINGS; one that is kept for its thread may bring earlier ones too."""
        verdicts: dict[int, Verdict] = {}
        waiting: dict[int, Headed] = {}
        for number, heading in enumerate(headings):
            headed = read_heading(heading, account=self._account, now=self._now)
            verdict = self._at_once(heading, headed)
            if verdict is not None:
                verdicts[number] = verdict
            elif headed is not None:
                waiting[number] = headed
        while found := [each for each in waiting if self._threads.holds(waiting[each].named.all)]:
            for number in found:
                self._keep(waiting.pop(number))
                verdicts[number] = Verdict("keep", THREAD)
        for number, headed in waiting.items():
            heading = headings[number]
            self._threads.leave(heading.folder, heading.uid, headed.named.all)
            verdicts[number] = self._left(headed)
        return [verdicts[number] for number in range(len(headings))]

    @property
    def unsettled(self) -> bool:
        """Whether messages that were left may belong to threads that were kept since."""
        return self._threads.unsettled

    def again(self, folder: str, left: Collection[int], outlines: Outlines) -> Sequence[int]:
        """Return those of LEFT on which to decide once more."""
        return self._threads.again(folder, left, outlines)

    def forbidden(self, heading: Heading) -> str:
        """Return the rule of ``[never]`` that a message meets."""
        headed = read_heading(heading, account=self._account, now=self._now)
        shown = headed.shown if headed else bare(heading, account=self._account, now=self._now)
        return self._selector.never.meets(shown) or ""

    def _at_once(self, heading: Heading, headed: Headed | None) -> Verdict | None:
        """Decide by rules; None: none says anything."""
        shown = headed.shown if headed else bare(heading, account=self._account, now=self._now)
        if forbidden := self._selector.never.meets(shown):
            self._threads.leave(heading.folder, heading.uid, ())
            return Verdict("leave", forbidden)
        if self._selector.tied(shown):
            if headed is not None:
                self._keep(headed)
            return Verdict("keep", RULE)
        if headed is None:
            self._threads.leave(heading.folder, heading.uid, ())
            return Verdict("near", UNREADABLE)
        return None

    def _keep(self, headed: Headed) -> None:
        moments = (headed.shown.facts.when, headed.arrived)
        self._threads.keep(headed.named, moments, arrived=headed.arrived)
        if key := subject_key(headed.shown.facts.subject):
            self._subjects.add(key)

    def _left(self, headed: Headed) -> Verdict:
        """Say why a message is left that no rule and no thread keeps."""
        near = self._selector.near(headed.shown)
        if near is not None:
            return Verdict("near", near.rule)
        subject = headed.shown.facts.subject
        key = subject_key(subject) if is_answer(subject) else None
        if key is not None and (key in self._subjects or key in self._before.subjects):
            return Verdict("near", REPLY)
        return Verdict("leave", NO_RULE)


class _Before:
    """What threads kept before the walk are made of, read when it is first needed.

    The catalogue is opened for that by the thread that needs it.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def names(self) -> Known:
        """Return the names that kept threads mention."""
        with self._catalogue.reopened() as catalogue:
            return Known(numbered(catalogue.kept_names()))

    @cached_property
    def subjects(self) -> Known:
        """The subjects of kept threads."""
        with self._catalogue.reopened() as catalogue:
            keys = map(subject_key, catalogue.kept_subjects())
            return Known(key for key in keys if key is not None)


def _folder(never: NeverRules, account: str, folder: str) -> Verdict | None:
    return Verdict("leave", NEVER_FOLDER) if never.meets_folder(account, folder) else None


def _names(catalogue: Catalogue, engagements: Iterable[Engagement]) -> Mapping[str, Sequence[str]]:
    """Return the names that were seen with the addresses of the engagements' people."""
    addresses = {
        address
        for each in engagements
        for person in (*each.people, *each.third)
        for address in person.canonical
    }
    return {address: catalogue.names(address)[:_MOST_NAMES] for address in sorted(addresses)}


def _threads(evidence: Reader, catalogue: Catalogue, account: Account, before: _Before) -> Threads:
    """Return the threads that are kept, and what came to them since it was last looked around.

    That may have come from another account, from files, by what a person decided, or by a walk
    that broke off before it looked again.
    """
    attempt, _good = evidence.last_syncs().get(account.name, (None, None))
    moments = (attempt, last_scan(evidence, account.name))
    threads = Threads(before.names, since=max(filter(None, moments), default=None))
    for each in catalogue.newcomers(evidence.looked(account.name)):
        threads.expect(each.dates, arrived=each.arrived, refers=each.refers)
    return threads
