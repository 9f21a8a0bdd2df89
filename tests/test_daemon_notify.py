"""What systemd is told: over a socket with a path, and over one with a name only."""

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from archiver.daemon.notify import Notifier

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no such sockets here")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Make a socket that messages can be sent to."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.settimeout(5)
        yield end


def test_messages_reach_a_socket_with_a_path(tmp_path: Path, listener: socket.socket) -> None:
    """As systemd's own."""
    path = tmp_path / "notify"
    listener.bind(str(path))
    Notifier(str(path)).ready()
    assert listener.recv(4096) == b"READY=1"


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone has such names")
def test_messages_reach_an_abstract_socket(listener: socket.socket) -> None:
    """Whose name begins with an at sign."""
    name = f"archiver-test-{os.getpid()}"
    listener.bind(f"\0{name}")
    notifier = Notifier(f"@{name}")
    notifier.status("2 accounts\nREADY=1")
    notifier.stopping()
    notifier.alive()
    assert listener.recv(4096) == b"STATUS=2 accounts READY=1"
    assert listener.recv(4096) == b"STOPPING=1"
    assert listener.recv(4096) == b"WATCHDOG=1"


def test_a_reload_says_when_it_began(tmp_path: Path, listener: socket.socket) -> None:
    """systemd.service(5), Type=notify-reload: by the monotonic clock, in microseconds."""
    path = tmp_path / "notify"
    listener.bind(str(path))
    Notifier(str(path)).reloading()
    first, second = listener.recv(4096).decode().split("\n")
    assert first == "RELOADING=1"
    name, _equals, number = second.partition("=")
    assert name == "MONOTONIC_USEC"
    assert int(number) > 0


def test_nobody_listening_is_no_error(tmp_path: Path) -> None:
    """Nor is a system that names no socket."""
    Notifier(str(tmp_path / "nothing")).ready()
    Notifier().ready()


def test_programs_that_are_started_do_not_inherit_it() -> None:
    """What the system said is taken out of the environment."""
    environ = {
        "NOTIFY_SOCKET": "/run/notify",
        "WATCHDOG_USEC": "30000000",
        "WATCHDOG_PID": "7",
        "PATH": "/bin",
    }
    notifier = Notifier.taken(environ, pid=7)
    assert environ == {"PATH": "/bin"}
    assert notifier.watchdog == 30.0


@pytest.mark.parametrize(
    "environ",
    [
        {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {},
    ],
)
def test_a_watchdog_that_is_not_ours_is_left_alone(environ: dict[str, str]) -> None:
    """It watches another process, or none."""
    assert Notifier.taken(environ, pid=7).watchdog is None
