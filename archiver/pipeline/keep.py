"""Keep: bytes become durable and journalled before anything tries to understand them."""

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from archiver.accounts import Account
from archiver.evidence.scans import last_scan, unfetched
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
from archiver.model.entries import FolderScan, Payload, Scan, Vanished
from archiver.model.incoming import Incoming
from archiver.model.uidset import format_uids
from archiver.pipeline.progress import Progress, silent

__all__ = ["Intake", "Problem", "import_files", "messages_in", "sync_account"]

IMPORT_BATCH = 500
IMPORT_BYTES = 8 * 1024 * 1024
HEARTBEAT = timedelta(days=1)


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
    passed_over: list[str] = field(default_factory=list)
    """Files that are plainly no mail, in folders that were walked through."""


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
        self._vanished: list[Vanished] = []
        self._unfetched = unfetched(evidence, account.name)
        self._open: FolderOpened | None = None
        self._kept: list[int] = []
        self._failed: list[tuple[int, str]] = []

    def known(self, folder: str, uidvalidity: int) -> frozenset[int]:
        """Return the UIDs that need not be fetched."""
        return self._evidence.known_uids(self._account, folder, uidvalidity)

    def take(self, event: Event) -> None:
        """Take in one event of the walk."""
        match event:
            case FolderOpened():
                self._open, self._kept, self._failed = event, [], []
                self._note_vanished(event)
            case Fetched(incoming=incoming):
                _keep(self._evidence, incoming, self.intake)
                self._kept += event.uids
                self._show()
            case NotFetched(folder=folder, uid=uid, reason=reason):
                self._failed.append((uid, reason))
                self._problem(f"{folder} UID {uid}", reason)
            case FolderFailed(folder=folder, reason=reason):
                self._problem(folder, reason)
            case FolderDone():
                self._close_folder()
            case FolderLeftOut():
                pass

    def _show(self) -> None:
        if self._open is not None:
            place = f"{self._account}/{self._open.folder}"
            self._progress(place, len(self._kept), self._open.new)

    def _problem(self, where: str, reason: str) -> None:
        self.intake.problems.append(Problem(where=f"{self._account}/{where}", reason=reason))

    def _note_vanished(self, event: FolderOpened) -> None:
        """Remember what the server had and has no longer; nothing is deleted here."""
        gone = event.absent & self._evidence.present_uids(
            self._account, event.folder, event.uidvalidity
        )
        if gone:
            self._vanished.append(
                Vanished(
                    account=self._account,
                    folder=event.folder,
                    uidvalidity=event.uidvalidity,
                    uids=format_uids(gone),
                )
            )

    def _close_folder(self) -> None:
        """Remember a folder in which something changed: kept, failed, or failed no more."""
        opened, self._open = self._open, None
        if opened is None:
            return
        failed = frozenset(uid for uid, _reason in self._failed)
        if self._kept or failed != self._unfetched.get(opened.folder, frozenset()):
            self._scans.append(
                FolderScan(
                    folder=opened.folder,
                    uidvalidity=opened.uidvalidity,
                    exists=opened.exists,
                    kept=format_uids(self._kept),
                    failed=tuple(self._failed),
                    role=opened.role,
                )
            )

    def note_scan(self) -> None:
        """Journal what the walk changed, also when it broke off in the middle of a folder."""
        if self._open is not None and self._kept:
            self._close_folder()
        entries: list[Payload] = [*self._vanished]
        if self._scans:
            entries.append(Scan(account=self._account, folders=tuple(self._scans)))
        if entries:
            self._evidence.append(entries)

    def note_heartbeat(self, now: datetime) -> None:
        """Say once a day that a whole walk found nothing new."""
        if self._scans:
            return
        last = last_scan(self._evidence, self._account)
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
            case NotRead(no_mail=True):
                intake.passed_over.append(message.path)
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
