"""A day of broken connections, in seconds: nothing is lost, and nothing piles up."""

import gc
import os
import random
import threading
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from command import new_desk
from daemon_fakes import FakeServer, FakeTime, Said, account

from archiver.app import Archive
from archiver.daemon.house import TheHouse
from archiver.daemon.watcher import Watcher
from archiver.errors import AuthenticationError, TemporaryNetworkError
from archiver.evidence.store import Evidence
from archiver.mailbox.server.session import RefusedError, ThrottledError

DAY = 24 * 3600.0


@dataclass
class Storm(FakeServer):
    """A server that fails in every way, at random, and gets a new message now and then."""

    seed: int = 1
    struck: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self.calm = False

    def _count(self, what: str) -> None:
        self.struck[what] = self.struck.get(what, 0) + 1

    def dial(self) -> Any:
        """Connect, or not."""
        if not self.calm and self._random.random() < 0.15:
            error = self._random.choice(
                [
                    TemporaryNetworkError("unreachable", advice="-"),
                    ThrottledError("slow down", advice="-"),
                    AuthenticationError("refused", advice="-"),
                ]
            )
            self._count(error.what)
            self.dialled += 1
            raise error
        return super().dial()

    def strike(self, what: str) -> None:
        """Break one command in eight, and most of those that wait."""
        if self._random.random() < 0.3:
            self.exists += 1
        if self.calm:
            return
        chance = 0.6 if what.startswith("idle") else 0.06
        if self._random.random() >= chance:
            return
        self.time.passed += self._random.random() * 60
        match self._random.randrange(4):
            case 0 if not what.startswith(("folders", "idle")):
                self._count("refused " + what.split(maxsplit=1)[0])
                raise RefusedError("NO")
            case 1:
                self._count("throttled")
                error = ThrottledError("slow down", advice="-")
                error.wait = 1.0
                raise error
            case _:
                self._count("lost " + what.split(maxsplit=1)[0])
                raise TemporaryNetworkError(f"lost at {what}", advice="-")


class Stormy(Archive):
    """An archive whose accounts are a storm."""

    dial: Callable[[], Any]

    def connector(self, *_arguments: Any, **_options: Any) -> Any:
        """Connect to the storm."""
        return self.dial


def files() -> list[str]:
    """Name this process's open files, where the system tells."""
    folder = Path("/proc/self/fd")
    return (
        sorted(str(each.readlink()) for each in folder.iterdir() if each.is_symlink())
        if folder.exists()
        else []
    )


def resident() -> int:
    """Return this process's memory in bytes, where the system tells."""
    path = Path("/proc/self/statm")
    return int(path.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if path.exists() else 0


@pytest.mark.parametrize(
    ("hours", "dials"),
    [
        pytest.param(3, 60, id="three hours"),
        pytest.param(24, 500, id="a day", marks=pytest.mark.long),
    ],
)
def test_hundreds_of_reconnects_leave_nothing_behind(
    tmp_path: Path, hours: int, dials: int
) -> None:
    """No file, no thread, no memory; and every message is kept, once."""
    desk = new_desk(tmp_path / "archive")
    worlds = [_world(desk.root, number) for number in range(2)]
    for watcher, server in worlds:
        _pass(watcher, server, 3600.0)
    _at_rest()
    before = files(), threading.active_count(), resident()
    tracemalloc.start()
    try:
        for watcher, server in worlds:
            _pass(watcher, server, 7200.0)
        _at_rest()
        early, _peak = tracemalloc.get_traced_memory()
        for watcher, server in worlds:
            _pass(watcher, server, hours * 3600.0)
        _at_rest()
        late, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(server.dialled for _watcher, server in worlds) >= dials
    assert files() == before[0]
    assert threading.active_count() <= before[1]
    assert late - early < 500_000
    assert resident() - before[2] < 40_000_000
    for watcher, server in worlds:
        _calm(watcher, server)
        assert server.open == 0
        assert len(server.struck) > (8 if hours > 3 else 4)
    _all_is_kept(desk.root, [server for _watcher, server in worlds])


def _at_rest() -> None:
    """Wait for what a failure had done beside the watchers, and let all go that nobody holds."""
    for thread in threading.enumerate():
        if thread.name == "archiver-on-failure":
            thread.join(30)
    gc.collect()


def _world(root: Path, number: int) -> tuple[Watcher, Storm]:
    time = FakeTime()
    name = f"work{number}"
    server = Storm(time, name=name, seed=number + 1)
    said = Said()
    said.log._write = lambda _line: None  # what is said is not kept: it would be counted as ours

    def open_archive(tell: Callable[[str], None]) -> Archive:
        archive = Stormy(root, tell=tell, actor="person:test", clock=time.clock, offline=True)
        archive.dial = server.dial
        return archive

    house = TheHouse(
        root,
        open_archive=open_archive,
        catch_up=(),
        environ={},
        log=said.log,
        timer=time,
        chance=random.Random(number).random,
    )
    watcher = Watcher(
        account(name),
        house,
        log=said.log,
        timer=time,
        clock=time.clock,
        chance=random.Random(number).random,
        brought=lambda _complete: None,
    )
    return watcher, server


def _pass(watcher: Watcher, server: Storm, until: float) -> None:
    while server.time.passed < until:
        watcher.round()


def _calm(watcher: Watcher, server: Storm) -> None:
    """Let it synchronise once while nothing breaks, then stop."""
    server.calm = True
    server.strike = lambda _what: None  # type: ignore[method-assign]
    for _time in range(3):
        watcher.round()
    watcher.stop()
    watcher.start()
    assert watcher.join(10)


def _all_is_kept(root: Path, servers: list[Storm]) -> None:
    from archiver.opened import utc_now

    evidence = Evidence.open(root, clock=utc_now, entropy=os.urandom, software="test")
    with evidence:
        for server in servers:
            for folder in ("INBOX", "Sent"):
                known = evidence.known_uids(server.name, folder, 1)
                assert known == frozenset(range(1, server.exists + 1))
        assert evidence.count_records() == sum(server.exists for server in servers)
