"""An archive that synchronises a mailbox in memory, at a time that the test sets."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from mail import mail
from mailbox_fakes import FakeFolder, FakeSession, account

from archiver.accounts import Account
from archiver.errors import TemporaryNetworkError
from archiver.evidence.checks.check import verify
from archiver.evidence.store import Evidence
from archiver.mailbox.server.session import Folder
from archiver.model.entries import FolderScan, Scan
from archiver.pipeline.keep import Intake, sync_account

Said = TypeVar("Said")
START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ARRIVED = datetime(2026, 1, 5, 8, 30, tzinfo=UTC)


def letter(number: int, *, text: str = "hello") -> bytes:
    """Write message NUMBER."""
    return mail(subject=f"Mail {number}", message_id=f"{number}@x.example", text=text)


def box(*numbers: int, **more: object) -> FakeFolder:
    """Return a folder whose message with UID n is message n."""
    messages = {number: letter(number) for number in numbers}
    settings: dict[str, object] = {"internaldate": ARRIVED, **more}
    return FakeFolder(messages, **settings)  # type: ignore[arg-type]


@dataclass
class Case:
    """An archive, its account's folders, and the time."""

    root: Path
    folders: dict[str, FakeFolder] = field(default_factory=dict)
    account: Account = field(default_factory=account)
    now: datetime = START
    sessions: list[FakeSession] = field(default_factory=list)
    """Every session that was connected, in order."""

    def __post_init__(self) -> None:
        self.evidence = Evidence.create(
            self.root, clock=lambda: self.now, entropy=os.urandom, software="archiver test"
        )

    def session(self, **options: object) -> FakeSession:
        """Connect."""
        settings: dict[str, object] = {"status": True, **options}
        session = FakeSession(self.folders, **settings)  # type: ignore[arg-type]
        self.sessions.append(session)
        return session

    def sync(self, *, session: Mapping[str, object] | None = None, **options: object) -> Intake:
        """Synchronise; every connection is made by SESSION's options."""
        settings: dict[str, object] = {
            "connect": lambda: self.session(**(session or {})),
            "clock": lambda: self.now,
            **options,
        }
        return sync_account(self.evidence, self.account, **settings)  # type: ignore[arg-type]

    def later(self, **passed: float) -> None:
        """Let time pass."""
        self.now += timedelta(**passed)

    @property
    def log(self) -> list[str]:
        """What was asked of the last session."""
        return self.sessions[-1].log

    @property
    def fetched(self) -> list[str]:
        """What was asked of the last session that brings messages."""
        return [asked for asked in self.log if asked.startswith(("fetch ", "parts "))]

    def said(self, kind: type[Said]) -> list[Said]:
        """Return what the journal's entries of one type say."""
        entries = (entry.payload for entry in self.evidence.entries())
        return [payload for payload in entries if isinstance(payload, kind)]

    def scans(self, folder: str = "INBOX") -> list[FolderScan]:
        """Return what the journal says of FOLDER."""
        return [each for scan in self.said(Scan) for each in scan.folders if each.folder == folder]

    def records(self) -> int:
        """How many records there are."""
        return self.evidence.count_records()

    def sound(self) -> bool:
        """Tell whether the archive is as it must be."""
        return [each for each in verify(self.evidence).findings if each.level != "note"] == []

    def glance(self, seen: list[str]) -> Callable[[], tuple[Folder, ...]]:
        """Return a glance, which is noted in SEEN."""

        def look() -> tuple[Folder, ...]:
            seen.append("glance")
            return FakeSession(self.folders, status=True).folders()

        return look


def no_connection() -> FakeSession:
    """Fail: nobody is to connect."""
    raise AssertionError("a connection was made")


def no_answer() -> FakeSession:
    """Be a network that is away."""
    raise TemporaryNetworkError("nobody answers", advice="later")
