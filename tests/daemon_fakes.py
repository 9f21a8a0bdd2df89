"""Stand-ins for the daemon's world: time that passes at once, servers that break in every way."""

import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from archiver.accounts import Account
from archiver.config import Settings
from archiver.daemon.line import Line
from archiver.daemon.log import Log
from archiver.errors import TemporaryNetworkError
from archiver.mailbox.server.session import Folder, FolderState, Outline, RefusedError
from archiver.model.cursors import Status

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def account(name: str = "work", **more: Any) -> Account:
    """Return an account's settings by saying only what matters."""
    settings: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": 143,
        "user": "me@consultant.example",
        "security": "plain",
        "keep": "everything",
    }
    return Account(name=name, **(settings | more))


def settings(*accounts: Account, **more: Any) -> Settings:
    """Return an archive's settings."""
    known: dict[str, Any] = {"time_zone": "UTC", "language": "en"}
    return Settings(accounts=accounts, **(known | more))


class FakeTime:
    """Time that passes when somebody waits for it."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.waits: list[float] = []
        self._later: list[tuple[float, Callable[[], object]]] = []

    def at(self, moment: float, act: Callable[[], object]) -> None:
        """Do something when so many seconds have passed, in the middle of somebody's wait."""
        self._later.append((moment, act))
        self._later.sort(key=lambda each: each[0])

    def now(self) -> float:
        """Tell the seconds that passed."""
        return self.passed

    def wait(self, event: threading.Event, seconds: float) -> None:
        """Let them pass."""
        if not event.is_set():
            self.waits.append(seconds)
            until = self.passed + seconds
            while self._later and self._later[0][0] <= until and not event.is_set():
                self.passed, act = self._later.pop(0)
                act()
            if not event.is_set():
                self.passed = until

    def clock(self) -> datetime:
        """Tell the time."""
        return START + timedelta(seconds=self.passed)


class Said:
    """A log that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.log = Log(self.lines.append, clock=lambda: START, least="detail", journal=True)

    def of(self, level: str) -> list[str]:
        """Return the lines of one importance, without their mark."""
        return [line.removeprefix(level) for line in self.lines if line.startswith(level)]

    @property
    def troubles(self) -> list[str]:
        """What a person should look at."""
        return self.of("<4>")

    @property
    def events(self) -> list[str]:
        """What happened."""
        return self.of("<6>")


@dataclass
class FakeServer:
    """An account's server, whose inbox holds a number of messages."""

    time: FakeTime
    exists: int = 0
    name: str = "work"
    can_idle: bool = True
    gmail: bool = False
    tells_status: bool = True
    news_after: list[float | None] = field(default_factory=list)
    """After how many seconds each IDLE tells of a new message; None, or no more: it does not."""
    breaks: list[Exception] = field(default_factory=list)
    """What the next commands are answered by."""
    open: int = 0
    """Sessions that are not closed."""
    dialled: int = 0
    refuse: list[Exception] = field(default_factory=list)
    """What the next connections are answered by."""
    folders: tuple[tuple[str, str], ...] = (("INBOX", "inbox"), ("Sent", "sent"))

    def strike(self, what: str) -> None:
        """Break, or not, when WHAT is asked; a test may say when."""

    def message(self, uid: int) -> bytes:
        """Return the message UID."""
        return (
            f"From: marie@client.example\r\nSubject: {self.name} {uid}\r\n"
            f"Message-ID: <{uid}@{self.name}.example>\r\n\r\nStep {uid}.\r\n"
        ).encode()

    def dial(self) -> "FakeLine":
        """Connect."""
        self.dialled += 1
        if self.refuse:
            raise self.refuse.pop(0)
        self.open += 1
        return FakeLine(self)


class FakeLine:
    """A session with a FakeServer."""

    def __init__(self, server: FakeServer) -> None:
        self.host = "imap.example"
        self.certificate: str | None = None
        self.server = server
        self.is_gmail = server.gmail
        self.log: list[str] = []
        self.aborted = threading.Event()
        self._closed = False

    def _answer(self, what: str) -> None:
        self.log.append(what)
        if self.aborted.is_set() or self._closed:
            raise TemporaryNetworkError("the line is dead", advice="try again")
        if self.server.breaks:
            raise self.server.breaks.pop(0)
        self.server.strike(what)

    def folders(self) -> tuple[Folder, ...]:
        """List them, with their status where the server tells it."""
        self._answer("folders")
        status = None
        if self.server.tells_status:
            status = Status(
                uidvalidity=1, uidnext=self.server.exists + 1, exists=self.server.exists
            )
        return tuple(
            Folder(name, role, selectable=True, status=status)  # type: ignore[arg-type]
            for name, role in self.server.folders
        )

    def examine(self, folder: str, since: Status | None = None) -> FolderState:
        """Open FOLDER."""
        del since
        self._answer(f"examine {folder}")
        return FolderState(1, self.server.exists + 1, self.server.exists)

    def idle(self, seconds: float, stop: Callable[[], bool]) -> bool:
        """Wait as the test says."""
        self._answer(f"idle {seconds:g}")
        if not self.server.can_idle:
            raise RefusedError("no IDLE here")
        wait = self.server.news_after.pop(0) if self.server.news_after else None
        if wait is None or wait > seconds:
            self.server.time.passed += seconds
            stop()
            return False
        self.server.time.passed += wait
        self.server.exists += 1
        return True

    def uids(self, first: int = 1) -> tuple[int, ...]:
        """Enumerate."""
        self._answer("uids")
        return tuple(range(first, self.server.exists + 1))

    def headers(self, uids: Sequence[int], fields: Sequence[str]) -> Mapping[int, bytes]:
        """Hand out the headers, whole."""
        del fields
        self._answer("headers")
        return {uid: self.server.message(uid).partition(b"\r\n\r\n")[0] for uid in uids}

    def outlines(self, uids: Sequence[int]) -> Mapping[int, Outline]:
        """Tell their sizes."""
        self._answer("outlines")
        return {
            uid: Outline(len(self.server.message(uid)), START, ())
            for uid in uids
            if uid <= self.server.exists
        }

    def fetch(self, uids: Sequence[int]) -> Iterator[tuple[int, bytes | None]]:
        """Hand out messages, until the line breaks."""
        for uid in uids:
            self._answer(f"fetch {uid}")
            yield uid, self.server.message(uid)

    def fetch_in_parts(self, uid: int, size: int | None, start: int = 0) -> Iterator[bytes]:
        """Hand out a message."""
        del size
        self._answer(f"parts {uid}")
        yield self.server.message(uid)[start:]

    def close(self) -> None:
        """Close, once."""
        if not self._closed:
            self._closed = True
            self.server.open -= 1

    def abort(self) -> None:
        """Break."""
        self.aborted.set()


def intake(new: int = 0, problems: Sequence[Any] = ()) -> Any:
    """Return what came of a sync."""
    return SimpleNamespace(
        new=new,
        seen_again=0,
        known=0,
        recognised=0,
        confirmed=0,
        problems=list(problems),
        notes=[],
        stopped=False,
    )


class FakeOffice:
    """Synchronises by asking a FakeServer for its folders."""

    def __init__(self, server: FakeServer) -> None:
        self.server = server
        self.syncs: list[float] = []
        self.failures: list[tuple[str, str, int]] = []
        self.errors: list[Exception] = []
        """What the next syncs end with."""
        self.problems: list[Any] = []
        self.nothing_new = False
        self._seen = 0

    def sync(self, of: Account, line: Line, *, stop: Callable[[], bool], progress: Any) -> Any:
        """Look at the folders, and keep what is new."""
        self.syncs.append(self.server.time.passed)
        progress(of.name, 0, None)
        stop()
        if self.errors:
            raise self.errors.pop(0)
        session = line.connector(self.server.dial)()
        try:
            session.folders()
            session.examine("INBOX")
        finally:
            session.close()
        new, self._seen = self.server.exists - self._seen, self.server.exists
        return intake(0 if self.nothing_new else new, self.problems)

    def failed(self, of: Account, what: str, exit_code: int) -> None:
        """Remember that the command for failures would run."""
        self.failures.append((of.name, what, exit_code))


def chance(seed: int = 1) -> Callable[[], float]:
    """Return numbers that are the same each time."""
    return random.Random(seed).random
