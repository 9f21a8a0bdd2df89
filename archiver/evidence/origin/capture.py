"""Capture who signed each record, after it is durable: keys are changed, and then gone for good.

Nothing waits for DNS but this. A name is asked once a run, many at a time; what got no answer is
captured as far as it goes, counted, and asked again later and later (docs/origin.md).
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from typing import Final

from archiver.errors import OperationError
from archiver.evidence.origin import registry
from archiver.evidence.origin.examine import Examined, conclude, examine
from archiver.evidence.origin.registry import ALL_OF_DNS, Attempt
from archiver.evidence.origin.resolver import Answer, NoAnswer, Reply, Resolver, ask
from archiver.evidence.store import Evidence
from archiver.model.digest import Digest, Position
from archiver.model.entries import Sighting
from archiver.model.origin import KeySeen, Origin
from archiver.model.sources import FileSource, ImapSource

STALL: Final = 10.0
"""Seconds without any answer after which the rest waits for a later run."""
_AT_ONCE: Final = 200  # records of one transaction
_NOT_ASKED: Final = NoAnswer("not-asked")


def _no_folder(_name: str) -> bool:
    return False


def _silent(_what: str, _done: int, _total: int | None) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What is known of the archive's own side."""

    addresses: frozenset[str] = frozenset()
    """Lower case."""
    servers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """For each account the authserv-ids of its provider."""
    is_sent_folder: Callable[[str], bool] = _no_folder
    """Tells whether a folder of that name holds what we sent."""
    sent_folders: frozenset[tuple[str, str]] = frozenset()
    """(account, folder) of those that their server says are for what we sent."""

    def servers_for(self, sighting: Sighting | None) -> frozenset[str]:
        """Return whose Authentication-Results count: a file's may be anybody's."""
        match sighting:
            case Sighting(source=ImapSource(account=account)):
                return frozenset(name.lower() for name in self.servers.get(account, ()))
            case _:
                return frozenset()

    def has_sent(self, sighting: Sighting | None, examined: Examined) -> bool:
        """Tell whether it is our own copy of what we sent: by its place, or ours and unsigned.

        Gmail has no folder for it but a label. A file may be anybody's: its place counts for mail
        from us.
        """
        ours = examined.from_address in self.addresses
        match sighting:
            case Sighting(source=ImapSource(account=account, folder=folder, labels=labels)):
                told = (account, folder) in self.sent_folders
                placed = told or self._is_sent((folder, *labels))
            case Sighting(source=FileSource(folder=folder, labels=labels)):
                placed = ours and self._is_sent((folder, *labels))
            case _:
                placed = False
        return placed or (ours and not examined.stated and examined.chain is None)

    def _is_sent(self, places: Iterable[str]) -> bool:
        r"""Tell whether one of PLACES, folders and labels (``\Sent``), is for what was sent."""
        return any(self.is_sent_folder(place.removeprefix("\\")) for place in places if place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """What a run did."""

    done: int
    """Records whose origin is complete now."""
    waiting: int
    """Records whose origin is not: DNS gave no answer, or nobody asked yet."""
    unread: int
    """Records whose bytes could not be read; ``verify`` tells why."""
    asked: int
    """Names that DNS was asked for."""
    stalled: bool
    """Whether it was given up because DNS did not answer."""
    dns: bool = True
    """Whether DNS was to be asked at all."""


@dataclass(slots=True)
class _Item:
    record: Position
    examined: Examined
    sighting: Sighting | None
    before: Origin | None
    known: Mapping[str, tuple[Reply, Position | None]]
    """What was answered when BEFORE was captured: it is not asked again."""

    @property
    def names(self) -> set[str]:
        """What is still to be asked."""
        return {name for name in self.examined.names if name not in self.known}


@dataclass(slots=True)
class _Run:
    """One capture; every method does one step of it."""

    evidence: Evidence
    resolver: Resolver | None
    clock: Callable[[], datetime]
    own: Own
    stall: float
    until: float
    insist: bool
    monotonic: Callable[[], float]
    attempts: Mapping[str, Attempt]
    replies: dict[str, Reply] = field(default_factory=dict)
    keys: dict[str, Position] = field(default_factory=dict)
    done: int = 0
    unread: int = 0
    asked: int = 0
    stalled: bool = False

    def items(self, records: Iterable[tuple[Position, Origin | None]]) -> list[_Item]:
        """Read and examine RECORDS; one that cannot be read is counted and left."""
        found = []
        for record, before in records:
            try:
                found.append(self._item(record, before))
            except OperationError:
                self.unread += 1
        return found

    def _item(self, record: Position, before: Origin | None) -> _Item:
        kept = self.evidence.record(record)
        sighting = registry.first_sighting(self.evidence, record)
        data = self.evidence.read(kept.object) if kept.kind == "mail" else b""
        examined = examine(
            data,
            servers=self.own.servers_for(sighting),
            made_from=registry.made_from(sighting),
        )
        known = registry.kept_replies(self.evidence, before)[0] if before else {}
        return _Item(record, examined, sighting, before, known)

    def take(self, items: Sequence[_Item]) -> None:
        """Ask DNS for what ITEMS need, and journal what comes of it."""
        answered, failed = self._ask({name for item in items for name in item.names})
        self._keep_keys(answered)
        origins = [origin for item in items if (origin := self._origin(item)) is not None]

        def still_open(_first: int) -> list[Origin]:
            return [one for one in origins if registry.is_open(self.evidence, one.record)]

        if origins:
            self.evidence.append_next(still_open)
            self.done += sum(one.complete for one in origins)
        self._note(answered, failed)

    def _ask(self, names: set[str]) -> tuple[list[str], dict[str, str]]:
        """Return the names that were answered, and those that were not, each with the reason."""
        now = self.clock()
        new = sorted(name for name in names if name not in self.replies)
        if self.resolver is None:
            self.replies |= dict.fromkeys(new, _NOT_ASKED)
            return [], {}
        due = [
            name
            for name in new
            if self.insist or (tried := self._tried(name)) is None or tried.due(now)
        ]
        found = ask(
            self.resolver, due, stall=self.stall, until=self.until, monotonic=self.monotonic
        )
        self.asked += len(due)
        self.replies |= dict.fromkeys(new, _NOT_ASKED) | found.replies
        failed: dict[str, str] = {}
        for name in due:
            match found.replies.get(name, NoAnswer("time-out")):
                case NoAnswer(reason=reason):
                    failed[name] = reason
                case _:
                    pass
        no_network = bool(due) and list(failed.values()) == ["network"] * len(due)
        self.stalled = found.stalled or no_network
        return [name for name in due if name not in failed], failed

    def _keep_keys(self, names: Iterable[str]) -> None:
        """Journal the keys among the answers that are not known yet."""
        now = self.clock()
        new: list[KeySeen] = []
        objects: dict[Digest, bytes] = {}
        for name in names:
            match self.replies[name]:
                case Answer() as answer:
                    known = registry.known_key(self.evidence, name, answer, now)
                    if known is not None:
                        self.keys[name] = known
                        continue
                    digest = Digest.of(answer.wire)
                    objects[digest] = answer.wire
                    new.append(
                        KeySeen(
                            name=name,
                            object=digest,
                            size=len(answer.wire),
                            validated=answer.validated,
                        )
                    )
                case _:
                    pass
        if new:
            positions = self.evidence.append(new, objects=objects)
            self.keys |= {seen.name: at for seen, at in zip(new, positions, strict=True)}

    def _origin(self, item: _Item) -> Origin | None:
        """Return what is to be journalled; None when nothing changed since the last time."""

        def reply_of(name: str) -> Reply:
            return item.known[name][0] if name in item.known else self.replies[name]

        def key_of(name: str) -> Position | None:
            return item.known[name][1] if name in item.known else self.keys.get(name)

        found = conclude(
            item.examined,
            item.record,
            reply_of=reply_of,
            key_of=key_of,
            sent=self.own.has_sent(item.sighting, item.examined),
            internaldate=item.sighting.internaldate if item.sighting else None,
        )
        return None if found == item.before else found

    def _note(self, answered: Sequence[str], failed: Mapping[str, str]) -> None:
        good = [name for name in answered if self._tried(name)]
        bad = dict(failed)
        if self.stalled:
            bad[ALL_OF_DNS] = "time-out"
        elif self._tried(ALL_OF_DNS) and answered:
            good.append(ALL_OF_DNS)
        if good or bad:
            with self.evidence.writing(), self.evidence.database.transaction():
                registry.note_attempts(self.evidence, bad, good, self.clock())

    def open_records(self) -> Iterator[tuple[Position, Origin | None]]:
        """Yield those that were captured before and wait for a name that may be asked again."""
        if self.resolver is None:
            return
        now = self.clock()
        for record, entry in registry.incomplete(self.evidence):
            found = self.evidence.entry(entry)
            before = found.payload if found else None
            if isinstance(before, Origin) and (self.insist or self._is_due(before, now)):
                yield record, before

    def _tried(self, name: str) -> Attempt | None:
        return self.attempts.get(registry.attempt_key(name))

    def _is_due(self, origin: Origin, now: datetime) -> bool:
        names = {registry.asked_name(one) for one in origin.signed if one.result == "not-asked"}
        waits = [tried for name in names if (tried := self._tried(name))]
        return len(waits) < len(names) or not names or any(one.due(now) for one in waits)


def capture(
    evidence: Evidence,
    resolver: Resolver | None,
    *,
    clock: Callable[[], datetime],
    own: Own,
    stall: float = STALL,
    limit: float = float("inf"),
    insist: bool = False,
    monotonic: Callable[[], float] = time.monotonic,
    progress: Callable[[str, int, int | None], None] = _silent,
) -> Captured:
    """Capture the origin of every record that has none or an incomplete one, newest first.

    Ends after LIMIT seconds, or after STALL seconds without an answer; what was captured stays.
    INSIST: ask again at once for what had no answer. RESOLVER None: nothing is asked, and what
    needs no answer is captured all the same. Raises LockedError, OperationError.
    """
    run = _Run(
        evidence=evidence,
        resolver=resolver,
        clock=clock,
        own=own,
        stall=stall,
        until=monotonic() + limit,
        insist=insist,
        monotonic=monotonic,
        attempts=registry.attempts(evidence),
    )
    resting = run.attempts.get(registry.attempt_key(ALL_OF_DNS))
    if insist or resolver is None or resting is None or resting.due(clock()):
        new = registry.uncaptured(evidence)
        fresh: Iterator[tuple[Position, Origin | None]] = ((record, None) for record in new)
        work = chain(fresh, run.open_records())
        taken = 0
        while not run.stalled and monotonic() < run.until:
            some = list(islice(work, _AT_ONCE))
            if not some:
                break
            run.take(run.items(some))
            taken += len(some)
            progress("origin", min(taken, len(new)), len(new))
    return Captured(
        done=run.done,
        waiting=registry.count_waiting(evidence),
        unread=run.unread,
        asked=run.asked,
        stalled=run.stalled,
        dns=resolver is not None,
    )
