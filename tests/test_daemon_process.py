"""The daemon as users run it: a process of its own, a real server, real signals."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from accounts import add_account
from command import Desk, new_desk
from dovecot import DovecotServer
from mail import mail

pytestmark = [
    pytest.mark.dovecot,
    pytest.mark.skipif(os.name != "posix", reason="sends signals"),
]
_PATIENCE = 30.0


class Process:
    """``archiver daemon``, running, and what it says."""

    def __init__(self, desk: Desk, *options: str, environ: dict[str, str] | None = None) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "archiver", "--archive", str(desk.root), *options, "daemon"],
            cwd=desk.root.parent,
            env={**os.environ, "ARCHIVER_LANG": "en", **(environ or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))

    @property
    def said(self) -> str:
        """All that it said."""
        return "\n".join(self.lines)

    def until(self, words: str, *, times: int = 1) -> None:
        """Wait until it said WORDS so often."""
        wait_until(lambda: self.said.count(words) >= times, lambda: self.said)

    def end(self, number: int = signal.SIGTERM, *, within: float = 5.0) -> int:
        """Send a signal, wait for the end, and return the exit code."""
        self.process.send_signal(number)
        code = self.process.wait(within)
        self._reader.join(5)
        return code


def wait_until(true: Callable[[], bool], tell: Callable[[], str] = lambda: "") -> None:
    """Wait until something is true."""
    until = time.monotonic() + _PATIENCE
    while not true():
        assert time.monotonic() < until, tell()
        time.sleep(0.05)


@contextmanager
def daemon(desk: Desk, *options: str, environ: dict[str, str] | None = None) -> Iterator[Process]:
    """Run the daemon, and end it whatever the test does."""
    running = Process(desk, *options, environ=environ)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.wait()
        running._reader.join(5)
        assert running.process.stderr is not None
        running.process.stderr.close()


@pytest.fixture
def desk(tmp_path: Path, dovecot: DovecotServer, mailbox_user: str) -> Desk:
    """Make an archive with an account whose mailbox holds one message."""
    dovecot.add(mailbox_user, "INBOX", message(0))
    desk = new_desk(tmp_path / "archive")
    add_account(desk, dovecot, mailbox_user)
    return desk


def message(number: int, **more: str) -> bytes:
    """Write a message with a word of its own."""
    return mail(subject=f"Message w{number}w", message_id=f"{number}@x.example", **more)  # type: ignore[arg-type]


def found(desk: Desk, word: str) -> int:
    """Count the hits of a search."""
    total: int = desk.ok("search", word, "--format", "json").json["total"]
    return total


def test_new_mail_is_found_within_seconds(
    desk: Desk, dovecot: DovecotServer, mailbox_user: str
) -> None:
    """Delivered, told of by IDLE, fetched, kept, indexed; the process then ends with 0."""
    with daemon(desk, "-v") as running:
        running.until("work: 1 new record")
        wait_until(lambda: doing(desk) == "notified", lambda: running.said)
        dovecot.add(mailbox_user, "INBOX", message(1))
        began = time.monotonic()
        wait_until(lambda: found(desk, "w1w") == 1, lambda: running.said)
        assert time.monotonic() - began < 10
        assert running.end() == 0
    assert "The daemon has stopped." in running.said


def doing(desk: Desk) -> str:
    """Tell what the daemon says of the account."""
    said = desk("daemon", "--status", "--format", "json").json
    return str(said["accounts"][0]["doing"])


def test_other_commands_work_beside_it(
    desk: Desk, dovecot: DovecotServer, mailbox_user: str, tmp_path: Path
) -> None:
    """It never holds a lock while it waits: none of them waits for one either."""
    with daemon(desk) as running:
        running.until("work: 1 new record")
        dovecot.add(mailbox_user, "INBOX", message(1))
        wait_until(lambda: found(desk, "w1w") == 1, lambda: running.said)
        desk.ok("--lock-wait", "2", "engagement", "add", "acme", "--client", "ACME")
        (hit,) = desk.ok("search", "w1w", "--format", "json").json["hits"]
        desk.ok("--lock-wait", "2", "tag", "acme", hit["id"])
        path = tmp_path / "more.eml"
        path.write_bytes(message(2))
        desk.ok("--lock-wait", "2", "import", path)
        desk.ok("--lock-wait", "2", "dossier", "acme", "--output", tmp_path / "dossier")
        desk.ok("sync")
        assert running.end() == 0
    assert desk.ok("verify").code == 0


def test_a_reload_takes_in_a_new_account(
    desk: Desk, dovecot: DovecotServer, mailbox_user: str
) -> None:
    """SIGHUP after `account add`; the account that was there is not begun anew."""
    other = f"{mailbox_user}-other"
    dovecot.add(other, "INBOX", message(7))
    with daemon(desk) as running:
        running.until("work: 1 new record")
        desk.ok(
            *("account", "add", "home", "--host", "127.0.0.1", "--port", dovecot.port),
            *("--user", other, "--security", "plain", "--keep", "everything"),
            *("--password-command", f"echo {dovecot.password}"),
        )
        running.process.send_signal(signal.SIGHUP)
        running.until("home: 1 new record")
        wait_until(lambda: found(desk, "w7w") == 1)
        assert running.said.count("work: ") == 1
        desk.ok("account", "remove", "home", "--yes")
        running.process.send_signal(signal.SIGHUP)
        running.until("home: is not watched any more.")
        assert running.end() == 0


def test_a_changed_rule_decides_at_once_on_what_was_left(
    tmp_path: Path, dovecot: DovecotServer, mailbox_user: str
) -> None:
    """Only the mail of engagements is fetched; nobody has to tell the daemon of a new one."""
    dovecot.add(mailbox_user, "INBOX", message(0))
    desk = new_desk(tmp_path / "archive")
    add_account(desk, dovecot, mailbox_user, "--keep", "engagements")
    often = {"WATCHDOG_USEC": "2000000"}  # a system that watches it has it look more often
    with daemon(desk, environ=often) as running:
        running.until("work: 0 new records")
        desk.ok("engagement", "add", "acme", "--client", "ACME", "--domain", "client.example")
        running.until("work: 1 new record")
        wait_until(lambda: found(desk, "engagement:acme") == 1, lambda: running.said)
        assert running.end() == 0


def test_a_second_daemon_of_the_same_archive_exits_11(desk: Desk) -> None:
    """And names the process that runs."""
    with daemon(desk) as running:
        running.until("work: 1 new record")
        said = desk("daemon")
        assert said.code == 11
        assert f"process {running.process.pid}" in said.err
        assert running.end() == 0


LARGE = message(3, text="slow words\n" * 100_000)
"""More than a slow line brings in ten seconds."""
SOME = 50_000
"""Bytes that are through in the middle of it, and no sooner."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_the_middle_of_a_download(
    desk: Desk, dovecot: DovecotServer, mailbox_user: str, number: int
) -> None:
    """Within five seconds, with 0; the next run completes what was begun."""
    dovecot.add(mailbox_user, "INBOX", LARGE)
    with dripping(dovecot.port) as proxy:
        desk.ok("account", "edit", "work", "--port", proxy.port)
        with daemon(desk, "-v") as running:
            wait_until(lambda: proxy.passed > SOME, lambda: running.said)
            assert running.process.poll() is None
            began = time.monotonic()
            assert running.end(number) == 0
            assert time.monotonic() - began < 5
    assert found(desk, "w3w") == 0
    desk.ok("account", "edit", "work", "--port", dovecot.port)
    desk.ok("sync")
    assert found(desk, "w3w") == 1
    assert desk.ok("verify", "--read-data=all").code == 0


def test_the_second_signal_ends_it_at_once(
    desk: Desk, dovecot: DovecotServer, mailbox_user: str
) -> None:
    """And nothing that was kept is hurt."""
    dovecot.add(mailbox_user, "INBOX", LARGE)
    with dripping(dovecot.port) as proxy:
        desk.ok("account", "edit", "work", "--port", proxy.port)
        with daemon(desk) as running:
            wait_until(lambda: proxy.passed > SOME, lambda: running.said)
            running.process.send_signal(signal.SIGTERM)
            time.sleep(0.2)
            began = time.monotonic()
            assert running.end() in (0, 130)
            assert time.monotonic() - began < 2
    desk.ok("account", "edit", "work", "--port", dovecot.port)
    desk.ok("sync")
    assert desk.ok("verify", "--read-data=all").code == 0


@pytest.mark.parametrize(
    "restarts",
    [pytest.param(2, id="two"), pytest.param(4, id="four", marks=pytest.mark.long)],
)
def test_it_outlives_restarts_of_the_server(
    desk: Desk, dovecot: DovecotServer, mailbox_user: str, restarts: int
) -> None:
    """Connections are cut again and again; no message is lost, no file left open.

    It waits longer each time that a connection does not last: four take half a minute.
    """
    with daemon(desk) as running:
        running.until("work: 1 new record")
        before = open_files(running.process.pid)
        for number in range(1, restarts + 1):
            dovecot.restart()
            dovecot.add(mailbox_user, "INBOX", message(number))
            word = f"w{number}w"
            wait_until(lambda word=word: found(desk, word) == 1, lambda: running.said)  # type: ignore[misc]
        assert open_files(running.process.pid) <= before + 3
        assert running.end() == 0
    assert desk.ok("status", "--format", "json").json["records"] == restarts + 1


def open_files(pid: int) -> int:
    """Count the open files of a process, where the system tells."""
    folder = Path(f"/proc/{pid}/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def test_health_is_told_while_it_runs_and_when_it_is_dead(desk: Desk) -> None:
    """With the codes that Nagios knows."""
    assert desk("daemon", "--health").code == 2
    with daemon(desk) as running:
        running.until("work: 1 new record")
        wait_until(lambda: desk("daemon", "--health").code == 0, lambda: running.said)
        said = desk("daemon", "--health")
        assert said.out.startswith("OK: work: good since ")
        assert len(said.out.splitlines()) == 1
        running.process.kill()
    said = desk("daemon", "--health")
    assert said.code == 2
    assert said.out.startswith("CRITICAL: the daemon died; last seen at ")
    with daemon(desk) as running:
        running.until("work: 0 new records")
        assert running.end() == 0
    assert desk("daemon", "--health").out.startswith("CRITICAL: the daemon was stopped at ")


def test_a_wrong_password_is_told_once_and_shown_nowhere(
    tmp_path: Path, dovecot: DovecotServer, mailbox_user: str
) -> None:
    """The command for failures is run, once; monitoring calls it critical."""
    dovecot.add(mailbox_user, "INBOX", message(0))
    desk = new_desk(tmp_path / "archive")
    add_account(desk, dovecot, mailbox_user, "--password-command", "echo open-sesame")
    marks = tmp_path / "marks"
    settings = (desk.root / "archive.toml").read_text()
    script = tmp_path / "failed.sh"
    script.write_text(f'#!/bin/sh\necho "$ARCHIVER_ACCOUNT $ARCHIVER_EXIT_CODE" >> {marks}\n')
    script.chmod(0o700)
    (desk.root / "archive.toml").write_text(f'on_failure = "{script}"\n' + settings)
    with daemon(desk) as running:
        running.until("refused the login")
        wait_until(marks.exists)
        running.process.send_signal(signal.SIGHUP)  # tried again at once
        running.until("Everything is read again")
        time.sleep(1)
        said = desk("daemon", "--health")
        assert said.code == 2
        assert running.end() == 0
    assert running.said.count("refused the login") == 1
    assert marks.read_text() == "work 12\n"
    assert "open-sesame" not in running.said + said.out
    for path in (desk.root / "run").iterdir():
        assert b"open-sesame" not in path.read_bytes()


class Dripping:
    """A proxy between a client and the server at PORT that lets little through."""

    def __init__(self, port: int, a_second: int) -> None:
        self._to = port
        self._piece = a_second // 20
        self.passed = 0
        """Bytes that the server's side sent so far."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._ends = [self._listener]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.port: int = self._listener.getsockname()[1]

    def start(self) -> None:
        """Let clients come."""
        self._thread.start()

    def end(self) -> None:
        """Close everything."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        for end in self._ends:
            end.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _address = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to))
                self._ends += [client, server]
                for ends, piece in (((client, server), 65536), ((server, client), self._piece)):
                    threading.Thread(target=self._pump, args=(*ends, piece), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, piece: int) -> None:
        with suppress(OSError):
            while data := source.recv(piece):
                sink.sendall(data)
                if piece == self._piece:
                    self.passed += len(data)
                    time.sleep(0.05)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def dripping(port: int, *, a_second: int = 100_000) -> Iterator[Dripping]:
    """Let bytes from the server at PORT through slowly."""
    proxy = Dripping(port, a_second)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.end()
