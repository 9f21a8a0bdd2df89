"""The one way in: keep, then read, tag, catalogue and index; here alone stands the order.

Bytes first, meaning later: a record is durable and journalled before anything tries to understand
it. What comes after follows the journal from where it stopped, so it may be interrupted anywhere
and the next command goes on.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from archiver.catalogue.batch import Batch
from archiver.catalogue.catalogue import Catalogue
from archiver.config import Account
from archiver.engagements.engagement import Engagement
from archiver.engagements.tagging import Tagger
from archiver.errors import OperationError
from archiver.evidence.store import Evidence
from archiver.mailbox.imports.files import NotRead, messages_in
from archiver.mailbox.server.session import Session
from archiver.mailbox.walk import (
    Event,
    Fetched,
    FolderDone,
    FolderFailed,
    FolderLeftOut,
    FolderOpened,
    NotFetched,
    walk,
)
from archiver.model.digest import Digest, Position
from archiver.model.entries import (
    Entry,
    Export,
    FolderScan,
    Record,
    Scan,
    Sighting,
    Tag,
    Undo,
    Untag,
)
from archiver.model.incoming import Incoming
from archiver.model.reading import Defect, Reading, Unreadable
from archiver.reading import copy_key, normal_form, read
from index.engine import Document, Engine

ENTRIES_A_BATCH = 1000
IMPORT_BATCH = 200
IMPORT_BYTES = 8 * 1024 * 1024
HEARTBEAT = timedelta(days=1)

Progress = Callable[[str, int, int | None], None]
"""Called with what is being done, how much is done, and how much there is (None: unknown)."""


def silent(_what: str, _done: int, _total: int | None) -> None:
    """Report no progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that could not be fetched or read; it is tried again next time."""

    where: str
    reason: str


@dataclass(slots=True)
class Intake:
    """What came in: mutable while it runs, told at the end."""

    new: int = 0
    """Records that the archive did not hold."""
    seen_again: int = 0
    """Known records seen at a new place."""
    known: int = 0
    """Places that were known already."""
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What tags are made from."""

    engagements: tuple[Engagement, ...]
    own: frozenset[str]
    version: Digest
    time_zone: ZoneInfo


# --- keep ----------------------------------------------------------------------------------------


def sync_account(
    evidence: Evidence,
    account: Account,
    *,
    connect: Callable[[], Session],
    clock: Callable[[], datetime],
    progress: Progress = silent,
) -> Intake:
    """Fetch and keep what an account holds and the archive does not; nothing is read yet.

    Raises LockedError when the account is being synced, AuthenticationError, TemporaryNetworkError
    and ConfigurationError as ``connect`` does. What was fetched before an error stays kept.
    """
    with evidence.account_lock(account.name):
        keeper = _Keeper(evidence, account, progress)
        evidence.note_sync(account.name, clock(), good=False)
        session = connect()
        try:
            events = walk(session, account, known=keeper.known, reconnect=connect)
            with contextlib.closing(events):
                for event in events:
                    keeper.take(event)
        finally:
            session.close()
            keeper.note_scan()
        keeper.note_heartbeat(clock())
        evidence.note_sync(account.name, clock(), good=not keeper.intake.problems)
    return keeper.intake


class _Keeper:
    """Keeps what a walk through one account yields, and remembers what to journal of it."""

    def __init__(self, evidence: Evidence, account: Account, progress: Progress) -> None:
        self.intake = Intake()
        self._evidence = evidence
        self._account = account.name
        self._progress = progress
        self._scans: list[FolderScan] = []
        self._opened: FolderOpened | None = None
        self._done = 0
        self._unfetched = evidence.unfetched(account.name)

    def known(self, folder: str, uidvalidity: int) -> frozenset[int]:
        """Return the UIDs that need not be fetched."""
        return self._evidence.known_uids(self._account, folder, uidvalidity)

    def take(self, event: Event) -> None:
        """Take in one event of the walk."""
        match event:
            case FolderOpened():
                self._opened, self._done = event, 0
            case Fetched(incoming=incoming):
                _keep(self._evidence, incoming, self.intake)
                self._show(len(incoming))
            case NotFetched(folder=folder, uid=uid, reason=reason):
                self._problem(f"{folder} UID {uid}", reason)
            case FolderFailed(folder=folder, reason=reason):
                self._problem(folder, reason)
            case FolderDone():
                self._folder_done(event)
            case FolderLeftOut():
                pass

    def _show(self, more: int) -> None:
        self._done += more
        if self._opened is not None:
            place = f"{self._account}/{self._opened.folder}"
            self._progress(place, self._done, self._opened.new)

    def _problem(self, where: str, reason: str) -> None:
        self.intake.problems.append(Problem(where=f"{self._account}/{where}", reason=reason))

    def _folder_done(self, event: FolderDone) -> None:
        """Remember a folder in which something changed: kept, failed, or failed no more."""
        failed = frozenset(uid for uid, _reason in event.failed)
        if not event.kept and failed == self._unfetched.get(event.folder, frozenset()):
            return
        opened = self._opened
        self._scans.append(
            FolderScan(
                folder=event.folder,
                uidvalidity=event.uidvalidity,
                exists=event.exists,
                kept=event.kept,
                failed=event.failed,
                role=opened.role if opened and opened.folder == event.folder else None,
            )
        )

    def note_scan(self) -> None:
        """Journal what the walk changed, also when it broke off later."""
        if self._scans:
            self._evidence.append([Scan(account=self._account, folders=tuple(self._scans))])

    def note_heartbeat(self, now: datetime) -> None:
        """Say once a day that a whole walk found nothing new."""
        if self._scans:
            return
        last = self._evidence.last_scan(self._account)
        if last is None or now - last >= HEARTBEAT:
            self._evidence.append([Scan(account=self._account, folders=(), heartbeat=True)])


def _keep(evidence: Evidence, incoming: Sequence[Incoming], intake: Intake) -> None:
    for kept in evidence.keep(incoming):
        if kept.new:
            intake.new += 1
        elif kept.sighted:
            intake.seen_again += 1
        else:
            intake.known += 1


def import_files(
    evidence: Evidence, messages: Iterable[Incoming | NotRead], *, progress: Progress = silent
) -> Intake:
    """Keep messages from files; a file that cannot be read is a problem and stops nothing."""
    intake = Intake()
    batch: list[Incoming] = []
    size = 0
    for message in messages:
        match message:
            case NotRead():
                intake.problems.append(Problem(where=str(message.path), reason=message.reason))
            case Incoming():
                batch.append(message)
                size += len(message.data)
                if len(batch) >= IMPORT_BATCH or size >= IMPORT_BYTES:
                    _keep(evidence, batch, intake)
                    progress("import", intake.new + intake.seen_again + intake.known, None)
                    batch, size = [], 0
    if batch:
        _keep(evidence, batch, intake)
    progress("import", 1, 1)
    return intake


# --- read, tag, catalogue ------------------------------------------------------------------------


def catalogue_up(
    evidence: Evidence, catalogue: Catalogue, rules: Rules, *, progress: Progress = silent
) -> None:
    """Bring the catalogue level with the journal and its tags level with the rules."""
    while not is_level(evidence, catalogue, rules):
        with catalogue.batch() as batch:
            entries = tuple(islice(evidence.entries(batch.position), ENTRIES_A_BATCH))
            for entry in entries:
                _take_in(evidence, batch, entry)
            _tag(batch, rules)
            batch.position += len(entries)
            batch.set_meta("last", _mark(evidence, batch.position))
        progress("read", catalogue.position, evidence.size)


def is_of(evidence: Evidence, catalogue: Catalogue) -> bool:
    """Tell whether the catalogue was made from this journal, and not from a longer or other one."""
    if catalogue.position > evidence.size:
        return False
    return (catalogue.meta("last") or "") == _mark(evidence, catalogue.position)


def _mark(evidence: Evidence, position: int) -> str:
    """Return what tells the entry before POSITION from every other: its salt makes it unique."""
    return Digest.of(evidence.raw_entry(Position(position - 1))).hex if position else ""


def is_level(evidence: Evidence, catalogue: Catalogue, rules: Rules) -> bool:
    """Tell whether the catalogue has taken in the whole journal under these rules."""
    return catalogue.position >= evidence.size and catalogue.meta("rules") == rules.version.hex


def _take_in(evidence: Evidence, batch: Batch, entry: Entry) -> None:
    match entry.payload:
        case Record() as record:
            data, reading = read_record(evidence, record.object)
            batch.add_record(
                entry.position,
                record.object,
                record.size,
                record.kind,
                entry.at,
                reading,
                normal_form(data),
                copy_key(reading) if isinstance(reading, Reading) else None,
            )
        case Sighting() as sighting:
            batch.add_sighting(entry.position, entry.at, sighting)
        case Tag() | Untag() | Undo() as decision:
            batch.add_decision(entry.position, entry.actor, decision)
        case Scan() as scan:
            batch.add_scan(scan)
        case Export() as export:
            batch.add_export(entry.position, entry.at, export)
        case _:
            pass


def read_record(evidence: Evidence, digest: Digest) -> tuple[bytes, Reading | Unreadable]:
    """Read one record; an object that is gone is a defect here and an error for ``verify``."""
    try:
        data = evidence.read(digest)
    except OperationError as error:
        return b"", Unreadable(defects=(Defect("object-missing", error.what),))
    return data, read(data)


def _tag(batch: Batch, rules: Rules) -> None:
    changed = batch.meta("rules") != rules.version.hex
    threads: Iterable[Position] = batch.all_threads() if changed else batch.touched_threads()
    tagger = Tagger(rules.engagements, own=rules.own, time_zone=rules.time_zone)
    for thread in sorted(threads):
        batch.set_tagging(thread, tagger.tag(batch.facts(thread), batch.decisions(thread)))
    if changed:
        batch.set_meta("rules", rules.version.hex)


# --- index ---------------------------------------------------------------------------------------


def index_up(catalogue: Catalogue, engine: Engine, *, progress: Progress = silent) -> None:
    """Bring the search index level with the catalogue, in one commit."""
    target = catalogue.position
    if engine.position >= target:
        return
    start = engine.position
    engine.add(_counted(catalogue.documents(start), progress))
    engine.commit(position=target)


def _counted(documents: Iterable[Document], progress: Progress) -> Iterator[Document]:
    number = 0
    for number, document in enumerate(documents, 1):
        if number % 500 == 0:
            progress("index", number, None)
        yield document
    progress("index", number, number)


__all__ = [
    "Intake",
    "Problem",
    "Progress",
    "Rules",
    "catalogue_up",
    "import_files",
    "index_up",
    "is_level",
    "messages_in",
    "read_record",
    "silent",
    "sync_account",
]
