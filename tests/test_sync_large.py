"""Large messages: in pieces from the server into a file of the archive, whatever happens."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from accounts import add_account, as_served
from command import new_desk
from dovecot import DovecotServer
from evidence_case import FullDisk
from mail import mail
from mailbox_fakes import FakeFolder, FakeSession, Listener
from sync_case import ARRIVED, Case, letter

from archiver.errors import OperationError, TemporaryNetworkError
from archiver.evidence.store import Evidence
from archiver.mailbox.line import Patience
from archiver.mailbox.secrets import Password
from archiver.mailbox.server.imap import connect
from archiver.mailbox.server.session import ThrottledError
from archiver.model.digest import Digest
from archiver.model.entries import Record
from archiver.pipeline.keep import sync_account

PIECE = 1024 * 1024
LARGE = mail(subject="large", message_id="1@x.example") + Random(1).randbytes(9_000_000)

_MEASURED = (
    "import runpy, sys\n"
    "try:\n"
    "    runpy.run_module('archiver', run_name='__main__', alter_sys=True)\n"
    "finally:\n"
    "    status = open('/proc/self/status').read()\n"
    "    print('peak', status.split('VmHWM:')[1].split()[0], file=sys.stderr)\n"
)


class Shaky(FakeSession):
    """Hands out so many pieces on one connection, then does as it is told."""

    def __init__(self, case: Case, pieces: int, then: Callable[[], Exception]) -> None:
        super().__init__(case.folders, status=True)
        case.sessions.append(self)
        self._left = pieces
        self._then = then

    def fetch_in_parts(self, uid: int, size: int | None, start: int = 0) -> Iterator[bytes]:
        """Hand out some pieces."""
        for piece in super().fetch_in_parts(uid, size, start):
            self._left -= 1
            if self._left < 0:
                raise self._then()
            yield piece


def broken() -> TemporaryNetworkError:
    """Be a connection that ends."""
    return TemporaryNetworkError("it broke", advice="again")


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """Make an archive of a mailbox that holds a large message."""
    case = Case(tmp_path / "archive")
    case.folders["INBOX"] = FakeFolder({1: LARGE}, internaldate=ARRIVED)
    with closing(case.evidence):
        yield case


def left(case: Case) -> list[str]:
    """Return what is in the archive's folder for temporaries."""
    return [path.name for path in (case.root / "objects" / "tmp").iterdir()]


def kept_whole(case: Case, data: bytes = LARGE) -> bool:
    """Tell whether the message, and nothing else, is kept."""
    records = case.said(Record)
    return (
        [record.object for record in records] == [Digest.of(data)]
        and records[0].size == len(data)
        and case.evidence.read(Digest.of(data)) == data
        and not left(case)
        and case.sound()
    )


def test_it_is_kept_as_it_came(case: Case) -> None:
    """One record, one scan, nothing left over; the next sync has nothing to do."""
    intake = case.sync()
    assert (intake.new, intake.problems) == (1, [])
    assert kept_whole(case)
    assert [scan.kept for scan in case.scans()] == ["1"]
    case.sync(full=True)
    assert case.fetched == []


def test_a_second_copy_is_a_sighting(case: Case) -> None:
    """It is fetched, compared and thrown away."""
    case.folders["Sent"] = FakeFolder({7: LARGE}, internaldate=ARRIVED)
    intake = case.sync()
    assert (intake.new, intake.seen_again) == (1, 1)
    assert kept_whole(case)


@pytest.mark.parametrize("size", [None, 0])
def test_a_small_message_of_unknown_size_needs_no_file(case: Case, size: int | None) -> None:
    """A file is made for the second piece."""
    case.folders["INBOX"] = FakeFolder({1: letter(1)}, sizes={1: size})
    case.sync(connect=lambda: Shaky(case, 1, broken))
    assert kept_whole(case, letter(1))


def test_two_large_messages_never_wait_at_once(case: Case) -> None:
    """The second is asked for when the first is kept: neither memory nor disk holds both."""
    waiting: list[int] = []

    class Watched(FakeSession):
        def fetch_in_parts(self, uid: int, size: int | None, start: int = 0) -> Iterator[bytes]:
            waiting.append(len(left(case)))
            return super().fetch_in_parts(uid, size, start)

    case.folders["INBOX"] = FakeFolder({n: LARGE + b"%d" % n for n in range(1, 5)})
    case.sync(connect=lambda: Watched(case.folders))
    assert case.records() == 4
    assert waiting == [0, 0, 0, 0]


# --- faults ---------------------------------------------------------------------------------------


def test_a_broken_connection_is_gone_on_from_where_it_broke(case: Case) -> None:
    """Once the first piece is seen to be the same still; as often as it gets on."""
    intake = case.sync(connect=lambda: Shaky(case, 3, broken))
    assert (intake.new, intake.problems) == (1, [])
    assert kept_whole(case)
    asked = [line for session in case.sessions for line in session.log if line[:5] == "parts"]
    size = len(LARGE)
    again = [f"parts 1 {size}", f"parts 1 {size} from {3 * PIECE}"]
    assert asked[:3] == [f"parts 1 {size}", *again]
    assert asked[4] == f"parts 1 {size} from {5 * PIECE}"
    assert len(case.sessions) == 4


def test_a_connection_that_breaks_at_once_each_time_is_told(case: Case) -> None:
    """What came is thrown away; the next sync begins anew."""
    case.folders["INBOX"].messages[2] = letter(2)
    sessions = iter([3, 1])
    intake = case.sync(connect=lambda: Shaky(case, next(sessions, 0), broken))
    assert intake.new == 1
    (problem,) = intake.problems
    assert problem.where == "work/INBOX UID 1"
    assert "the connection broke" in problem.reason
    assert left(case) == []
    assert case.sync().new == 1
    assert case.records() == 2
    assert case.sound()


def test_a_message_that_is_another_one_now_is_not_patched_together(case: Case) -> None:
    """Some servers write it anew each time: two halves would be no message."""

    def change() -> TemporaryNetworkError:
        case.folders["INBOX"].messages[1] = LARGE.replace(b"large", b"LARGE", 1)
        return broken()

    intake = case.sync(connect=lambda: Shaky(case, 3, change))
    (problem,) = intake.problems
    assert problem.reason == "the message changed while it was fetched"
    assert (intake.new, left(case)) == (0, [])
    case.sync()
    assert kept_whole(case, case.folders["INBOX"].messages[1])


def test_another_epoch_is_not_gone_on_with(case: Case) -> None:
    """The UID means another message there."""

    def renumber() -> TemporaryNetworkError:
        case.folders["INBOX"].uidvalidity += 1
        return broken()

    intake = case.sync(connect=lambda: Shaky(case, 3, renumber))
    assert "UIDVALIDITY" in intake.problems[0].reason
    assert (intake.new, left(case)) == (0, [])
    case.sync()
    assert kept_whole(case)


def test_a_server_that_throttles_within_it_is_waited_out(case: Case) -> None:
    """Then it goes on."""

    def busy() -> ThrottledError:
        error = ThrottledError("slow down", advice="wait")
        error.wait = 3.0
        return error

    rests: list[float] = []
    case.sync(
        connect=lambda: Shaky(case, 6, busy),
        patience=Patience(sleep=rests.append, tell=lambda _seconds, _what: None),
    )
    assert sum(rests) >= 3
    assert kept_whole(case)


def test_a_sync_stops_within_it(case: Case) -> None:
    """At the next piece; no trace is left."""
    asked = iter(range(100))
    intake = case.sync(stop=lambda: next(asked) > 6)
    assert (intake.stopped, intake.new, intake.problems) == (True, 0, [])
    assert left(case) == []
    case.sync()
    assert kept_whole(case)


def test_a_full_disk_ends_the_sync_with_advice(case: Case) -> None:
    """What came is thrown away, and with more room all is well."""
    small = Evidence.open(
        case.root,
        clock=lambda: case.now,
        entropy=os.urandom,
        software="archiver test",
        disk=FullDisk(5_000_000),
    )
    with closing(small):
        with pytest.raises(OperationError, match="no room left") as caught:
            sync_account(small, case.account, connect=case.session, clock=lambda: case.now)
        assert "Free some space" in caught.value.advice
    assert left(case) == []
    assert "no room left" in case.evidence.trouble_of("work")[1]
    case.sync()
    assert kept_whole(case)


# --- a real server --------------------------------------------------------------------------------


def text(size: int) -> bytes:
    """Write a message of SIZE bytes in ordinary lines."""
    line = Random(2).randbytes(38).hex().encode() + b"\r\n"
    return mail(subject="large") + line * (size // len(line))


def peak_of_a_sync(root: Path, server: DovecotServer, user: str, data: bytes) -> int:
    """Return the most memory, in bytes, that a sync of a mailbox with DATA takes, all included."""
    server.add(user, "INBOX", data)
    desk = new_desk(root)
    add_account(desk, server, user)
    command = [sys.executable, "-c", _MEASURED, "--archive", str(root), "sync", "--keep-only"]
    done = subprocess.run(
        command,
        cwd=root.parent,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "ARCHIVER_LANG": "en"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "1 new record" in done.stderr
    digest = Digest.of(as_served(data)).hex
    assert (root / "objects" / digest[:2] / digest).stat().st_size == len(as_served(data))
    assert not list((root / "objects" / "tmp").iterdir())
    return int(done.stderr.split()[-1]) * 1024


@pytest.mark.dovecot
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("size", [60_000_000, pytest.param(200_000_000, marks=[pytest.mark.long])])
def test_a_sync_needs_no_more_memory_for_a_large_message(
    dovecot: DovecotServer, mailbox_user: str, tmp_path: Path, size: int
) -> None:
    """The whole process, compared with the same for a message of two lines."""
    usual = peak_of_a_sync(tmp_path / "small", dovecot, f"{mailbox_user}-small", mail())
    large = peak_of_a_sync(tmp_path / "large", dovecot, mailbox_user, text(size))
    assert large - usual < 8_000_000


@pytest.mark.dovecot
def test_a_line_that_is_cut_again_and_again_brings_it_all_the_same(
    dovecot: DovecotServer, mailbox_user: str, case: Case
) -> None:
    """Each connection is cut after 4 MB: little is fetched twice."""
    data = text(20_000_000)
    dovecot.add(mailbox_user, "INBOX", data)
    with Listener(dovecot.port, cut=4_000_000) as line:
        account = replace(dovecot.account(mailbox_user), name="work", port=line.port)
        secret = Password(dovecot.password)
        intake = sync_account(
            case.evidence,
            account,
            connect=lambda: connect(account, secret, timeout=20),
            clock=lambda: case.now,
        )
        assert (intake.new, intake.problems) == (1, [])
        assert line.received < 2 * len(data)
    assert kept_whole(case, as_served(data))
