"""The main thread: reloads, stops, watchdog; its threads are real, its house is not."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from daemon_fakes import Said, account, chance, intake, settings

from archiver.accounts import Account
from archiver.config import Settings
from archiver.daemon import daemon, rest, state
from archiver.daemon.daemon import Daemon, World
from archiver.daemon.line import Line
from archiver.daemon.notify import Notifier
from archiver.daemon.rest import SystemTimer
from archiver.daemon.signals import Signals
from archiver.errors import ConfigurationError, TemporaryNetworkError
from archiver.opened import utc_now

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no such sockets here")


class House:
    """A house in which syncs do what the test says."""

    def __init__(self, root: Path, *accounts: Account) -> None:
        self.root = root
        self.now = settings(*accounts)
        self.mark = 0
        self.engagements = 0
        self.broken = False
        self.syncs: list[str] = []
        self.failures: list[str] = []
        self.written = 0
        self.during: Callable[[Account, Line, Callable[[], bool]], None] = lambda *_all: None

    def settings(self) -> Settings:
        """Return them, or say that they are broken."""
        if self.broken:
            raise ConfigurationError("archive.toml is broken.", advice="Mend it.")
        return self.now

    def fingerprint(self) -> tuple[object, object]:
        """Return what the test changes."""
        return self.mark, self.engagements

    def sync(self, of: Account, line: Line, *, stop: Callable[[], bool], progress: Any) -> Any:
        """Do what the test says."""
        del progress
        self.syncs.append(of.name)
        self.during(of, line, stop)
        return intake()

    def failed(self, of: Account, what: str, exit_code: int) -> None:
        """Remember it."""
        self.failures.append(f"{of.name} {what} {exit_code}")

    def write_up(self, stop: Callable[[], bool]) -> str:
        """Count."""
        stop()
        self.written += 1
        return ""


class Running:
    """A daemon whose main thread is one of the test's."""

    def __init__(self, house: House, *, watchdog: float | None = None) -> None:
        self.house = house
        self.said = Said()
        self.left: list[int] = []
        self.code: int | None = None
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(10)
        path = house.root / "notify"
        self.socket.bind(str(path))
        self.signals = Signals.__new__(Signals)
        self.signals._wishes = []
        self.signals._reader, self.signals._writer = socket.socketpair()
        for end in (self.signals._reader, self.signals._writer):
            end.setblocking(False)
        world = World(
            log=self.said.log,
            notifier=Notifier(str(path), watchdog),
            timer=SystemTimer(),
            clock=utc_now,
            chance=chance(),
            leave=self.left.append,
        )
        self.daemon = Daemon(house, world, self.signals)
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self.code = self.daemon.run()

    def wish(self, what: Any) -> None:
        """Do as a signal does."""
        self.signals._wishes.append(what)
        self.signals.wake()

    def told(self, words: str) -> str:
        """Wait until the system was told WORDS."""
        while True:
            said = self.socket.recv(4096).decode()
            if words in said:
                return said


@contextmanager
def running(house: House, *, watchdog: float | None = None) -> Iterator[Running]:
    """Run a daemon, and end it whatever the test does."""
    it = Running(house, watchdog=watchdog)
    it.thread.start()
    try:
        yield it
    finally:
        it.wish("stop")
        it.thread.join(10)
        assert not it.thread.is_alive()
        it.socket.close()
        it.signals._reader.close()
        it.signals._writer.close()


def wait_until(true: Callable[[], bool]) -> None:
    """Wait until something is true."""
    until = time.monotonic() + 10
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_it_is_ready_watches_every_account_and_stops(tmp_path: Path) -> None:
    """And says so to the system, to people, and in its file."""
    house = House(tmp_path, account("work"), account("home"))
    with running(house) as it:
        it.told("READY=1")
        wait_until(lambda: set(house.syncs) == {"work", "home"} and house.written == 1)
        it.told("STATUS=2 accounts")
        wait_until(lambda: len(known(tmp_path)) == 2)
        it.wish("stop")
        it.told("STOPPING=1")
        it.thread.join(5)
        assert it.code == 0
    found = state.read(tmp_path)
    assert found is not None
    assert found.ended
    assert it.said.events[-1] == "The daemon has stopped."
    assert it.left == []


def known(root: Path) -> tuple[str, ...]:
    """Name the accounts that the daemon's file tells of."""
    found = state.read(root)
    return tuple(each.name for each in found.accounts) if found else ()


def test_a_reload_begins_changes_and_ends_accounts(tmp_path: Path) -> None:
    """One that did not change goes on as it is."""
    house = House(tmp_path, account("work"), account("home"))
    with running(house) as it:
        wait_until(lambda: len(house.syncs) == 2)
        house.now = settings(account("work"), account("home", port=144), account("new"))
        it.wish("reload")
        it.told("RELOADING=1")
        it.told("READY=1")
        wait_until(lambda: "new" in house.syncs and house.syncs.count("home") == 2)
        assert "home: was changed." in it.said.events
        house.now = settings(account("work"))
        it.wish("reload")
        wait_until(lambda: known(tmp_path) == ("work",))
        assert "new: is not watched any more." in it.said.events


def test_a_reload_tries_at_once_what_would_be_tried_later(tmp_path: Path) -> None:
    """A password was mended."""
    house = House(tmp_path, account("work"))

    def fails(*_all: object) -> None:
        raise TemporaryNetworkError("away.", advice="Wait.")

    house.during = fails
    with running(house) as it:
        wait_until(lambda: len(house.syncs) == 1)
        house.during = lambda *_all: None
        it.wish("reload")
        wait_until(lambda: len(house.syncs) == 2)
        wait_until(lambda: any("works again" in each for each in it.said.events))


def test_settings_that_cannot_be_read_change_nothing(tmp_path: Path) -> None:
    """What was watched is watched on."""
    house = House(tmp_path, account("work"))
    with running(house) as it:
        wait_until(lambda: len(house.syncs) == 1)
        house.broken = True
        it.wish("reload")
        wait_until(lambda: it.said.troubles != [])
        assert it.said.troubles == ["archive.toml is broken. Mend it."]
        assert known(tmp_path) == ("work",)


def test_a_changed_file_is_read_without_a_signal(tmp_path: Path) -> None:
    """Nobody has to know that a daemon runs: an account that is added is watched."""
    house = House(tmp_path, account("work"), account("only", keep="engagements"))
    with running(house) as it:
        wait_until(lambda: len(house.syncs) == 2 and house.written == 1)
        house.engagements += 1
        it.signals.wake()
        wait_until(lambda: house.syncs.count("only") == 2)
        house.now = settings(account("work"), account("new"))
        house.mark += 1
        it.signals.wake()
        wait_until(lambda: "new" in house.syncs)
        assert house.syncs.count("only") == 2


def test_a_download_is_broken_off_when_it_stops(tmp_path: Path) -> None:
    """It gets a second, then its connection is cut, and all ends within five."""
    house = House(tmp_path, account("work"))
    cut = threading.Event()
    house.during = lambda _of, line, _stop: (  # type: ignore[func-returns-value,assignment]
        setattr(line, "abort", cut.set),
        cut.wait(30),
    )
    with running(house) as it:
        wait_until(lambda: house.syncs != [])
        began = time.monotonic()
        it.wish("stop")
        it.thread.join(10)
        assert 0.9 < time.monotonic() - began < 5
        assert it.left == []


def test_a_thread_that_does_not_end_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends all the same, with 0, and within five seconds."""
    assert daemon._END <= 4
    monkeypatch.setattr(daemon, "_END", 1.2)
    house = House(tmp_path, account("work"))
    end = threading.Event()
    house.during = lambda *_all: end.wait(30)  # type: ignore[assignment]
    with running(house) as it:
        wait_until(lambda: house.syncs != [])
        began = time.monotonic()
        it.wish("stop")
        it.thread.join(10)
        assert time.monotonic() - began < 5
        assert it.left == [0]
        assert any("work: did not end in time" in each for each in it.said.events)
        end.set()


def test_a_stuck_thread_is_freed_and_the_system_is_not_told_that_all_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection is broken off; as long as it does not move, the watchdog hears nothing."""
    monkeypatch.setattr(rest.Rest.working, "__defaults__", (0.3,))
    house = House(tmp_path, account("work"))
    freed, end = threading.Event(), threading.Event()

    def sticks(_of: Account, line: Line, _stop: object) -> None:
        line.abort = freed.set  # type: ignore[method-assign]
        end.wait(30)

    house.during = sticks
    with running(house, watchdog=0.4) as it:
        it.told("WATCHDOG=1")
        assert freed.wait(10)
        it.socket.settimeout(0.01)
        with pytest.raises(TimeoutError):
            it.told("nothing that anybody says")
        it.socket.settimeout(0.8)
        with pytest.raises(TimeoutError):
            it.told("WATCHDOG=1")
        assert it.said.troubles == ["work: does not move; its connection is broken off"]
        end.set()
        it.socket.settimeout(10)
        it.told("WATCHDOG=1")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ended_is_begun_anew(tmp_path: Path) -> None:
    """What no wall stops (SystemExit) ends one thread, and not the account."""
    house = House(tmp_path, account("work"))

    def dies(*_all: object) -> None:
        if len(house.syncs) == 1:
            raise SystemExit

    house.during = dies
    with running(house) as it:
        wait_until(lambda: house.syncs[:1] == ["work"])  # the next may follow at once
        time.sleep(0.1)
        it.signals.wake()
        wait_until(lambda: house.syncs == ["work", "work"])
        assert it.said.troubles == ["work: its thread had ended; it is begun anew"]


def test_no_account_is_told(tmp_path: Path) -> None:
    """It runs all the same, and takes in the first one."""
    house = House(tmp_path)
    with running(house) as it:
        wait_until(lambda: it.said.troubles != [])
        assert "archiver account add" in it.said.troubles[0]


def test_a_state_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    """Mail is kept all the same."""
    (tmp_path / "run").write_text("a file where a folder is to be")
    house = House(tmp_path, account("work"))
    with running(house) as it:
        wait_until(lambda: house.syncs != [] and it.said.troubles != [])
    (trouble,) = it.said.troubles
    assert "daemon.json cannot be written" in trouble
