"""Servers that cannot be worn out, numbers that are none, and endings in the midst of it."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from mailbox_fakes import FakeSession, ScriptedServer, account
from sync_case import Case, box

from archiver.errors import AuthenticationError, TemporaryNetworkError
from archiver.mailbox.events import FolderDone
from archiver.mailbox.line import Line, Patience, StoppedError
from archiver.mailbox.server.imap import connect
from archiver.mailbox.server.session import RefusedError, Session, ThrottledError
from archiver.mailbox.walk import Fetched, walk
from archiver.model.entries import FolderChange


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """Make an archive with an inbox of three and a Sent of two."""
    case = Case(tmp_path / "archive", {"INBOX": box(1, 2, 3), "Sent": box(11, 12)})
    with case.evidence:
        yield case


class Unable(FakeSession):
    """Says of some messages, for ever, that it cannot do it now."""

    unable = frozenset({2})

    def fetch(self, uids: Sequence[int]) -> Iterator[tuple[int, bytes | None]]:
        """Fetch, or ask to slow down."""
        if self.unable.intersection(uids):
            raise ThrottledError("[UNAVAILABLE] Server error while fetching.", advice="wait")
        return super().fetch(uids)


def slow_down(wait: float | None) -> ThrottledError:
    """Ask to slow down for WAIT seconds."""
    error = ThrottledError("slow down", advice="wait")
    error.wait = wait
    return error


def rests(
    patience: Patience, wait: float | None, between: Callable[[], None] = lambda: None
) -> int:
    """Count the rests of at most 1000 that PATIENCE takes before it is at its end."""
    for taken in range(1000):
        try:
            patience.rest(slow_down(wait), lambda: False)
        except ThrottledError:
            return taken
        between()
    return 1000


@pytest.mark.parametrize("wait", [0.0, -5.0, 0.001, None])
def test_a_server_that_names_no_time_worth_it_is_left_alone_longer_and_longer(
    wait: float | None,
) -> None:
    """Even "try again in 0 seconds" is no reason to ask without a pause, nor without an end."""
    slept: list[float] = []
    patience = Patience(sleep=slept.append)
    assert 5 < rests(patience, wait) < 20
    assert 100 < sum(slept) <= 300


def test_a_calm_in_between_does_not_make_patience_endless() -> None:
    """One answer between two such demands, and it would go on for ever."""
    patience = Patience(sleep=lambda _seconds: None)
    assert rests(patience, 0, between=patience.calm) == 300


def test_a_rest_is_not_begun_when_the_caller_wants_no_more() -> None:
    """Not even one that is too long, which would be an error."""
    with pytest.raises(StoppedError):
        Patience(limit=0).rest(slow_down(0), lambda: True)


def test_a_message_for_which_the_server_is_never_able_stops_nothing(case: Case) -> None:
    """The others come, and the folders behind it, that day and every other."""
    slept: list[float] = []
    for day in range(3):
        intake = case.sync(
            connect=lambda: Unable(case.folders, status=True),
            patience=Patience(sleep=slept.append, jitter=lambda: 1.0),
        )
        assert case.records() == 4 + day
        assert [(each.where, each.reason) for each in intake.problems] == [
            ("work/INBOX UID 2", "[UNAVAILABLE] Server error while fetching")
        ]
        number = 20 + day
        case.folders["Sent"].messages |= box(number).messages
        case.later(days=1)
    assert sum(slept) < 60
    assert case.sync().new == 2
    assert case.sound()


def test_one_of_many_is_found_in_a_few_commands(case: Case) -> None:
    """After the first answer the others are asked for by halves."""
    case.folders["INBOX"] = box(*range(1, 101))
    sessions: list[FakeSession] = []

    def one() -> FakeSession:
        sessions.append(Unable(case.folders, status=True))
        return sessions[-1]

    assert case.sync(connect=one, patience=Patience(sleep=lambda _seconds: None)).new == 99
    asked = [each for session in sessions for each in session.log if each.startswith("fetch")]
    assert len(asked) < 25


def test_a_server_that_answers_nothing_is_waited_for_to_the_end(case: Case) -> None:
    """Then it is no message that is at fault."""
    unable = type("Never", (Unable,), {"unable": frozenset(range(100))})
    case.folders["INBOX"] = box(*range(1, 10))
    with pytest.raises(ThrottledError):
        case.sync(
            connect=lambda: unable(case.folders, status=True),
            patience=Patience(sleep=lambda _seconds: None),
        )
    assert case.records() == 0


EXAMINED = b"* %d EXISTS\r\n* OK [UIDVALIDITY %d] v\r\n* OK [UIDNEXT %d] n\r\n"


@pytest.mark.parametrize(
    ("examined", "reason"),
    [
        (EXAMINED % (1, 2**32, 6), "a UIDVALIDITY that is none"),
        (EXAMINED % (2**32, 7, 6), "more messages than can be"),
    ],
)
def test_numbers_that_cannot_be_refuse_the_folder(examined: bytes, reason: str) -> None:
    """They would not fit into what is kept of it."""
    with ScriptedServer({"EXAMINE ": examined}) as server:
        session = connect(account(port=server.port), "pw", timeout=5)
        with pytest.raises(RefusedError, match=reason):
            session.examine("INBOX")
        session.close()


def test_uids_that_cannot_be_are_left_out() -> None:
    """However they are told; and so is such a UIDNEXT."""
    listed = b"".join(
        b"* %d FETCH (%sUID %d)\r\n" % (number, odd, uid)
        for number, (odd, uid) in enumerate(
            [(b"", 5), (b"", 0), (b"", 2**32), (b"FLAGS () ", 10**16), (b"", 2**32 - 1)], 1
        )
    )
    script = {"EXAMINE ": EXAMINED % (5, 7, 10**18), "UID FETCH 1": listed}
    with ScriptedServer(script) as server:
        session = connect(account(port=server.port), "pw", timeout=5)
        assert session.examine("INBOX").uidnext is None
        assert session.uids() == (5, 2**32 - 1)
        session.close()


def test_an_error_of_the_program_is_a_failed_attempt(case: Case) -> None:
    """Nobody is told that all is well for want of one that is."""

    class Broken(FakeSession):
        def examine(self, *_folder: object) -> None:  # type: ignore[override]
            raise ValueError("nobody thought of this")

    with pytest.raises(ValueError, match="nobody thought"):
        case.sync(connect=lambda: Broken(case.folders, status=True))
    assert case.evidence.trouble_of("work") == (
        1,
        "the synchronisation broke off by a fault of its own",
    )


def test_who_interrupts_it_makes_no_failed_attempt(case: Case) -> None:
    """It was wanted."""

    def interrupted() -> Session:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        case.sync(connect=interrupted)
    assert case.evidence.trouble_of("work")[0] == 0


def test_closing_does_not_wait_for_a_connection_that_is_being_made() -> None:
    """The thread is left to itself, and what it makes is closed."""
    connecting, answer = threading.Event(), threading.Event()
    late = FakeSession({})

    class Cut(FakeSession):
        def fetch(self, uids: Sequence[int]) -> Iterator[tuple[int, bytes | None]]:
            if max(uids) > 2:
                raise TemporaryNetworkError("cut", advice="-")
            return super().fetch(uids)

    def slow() -> Session:
        connecting.set()
        answer.wait(30)
        return late

    events = walk(
        Cut({"INBOX": box(*range(1, 9))}),
        account(),
        known=lambda *_folder: frozenset(),
        batch_messages=2,
        reconnect=slow,
    )
    assert any(isinstance(event, Fetched) for event in events)
    assert connecting.wait(5)
    started = time.monotonic()
    events.close()
    assert time.monotonic() - started < 10
    answer.set()
    ended = time.monotonic() + 5
    while not late.closed and time.monotonic() < ended:
        time.sleep(0.01)
    assert late.closed


def test_a_session_made_after_the_abort_is_closed() -> None:
    """Nobody would close it else."""
    late = FakeSession({})
    line = Line(FakeSession({}), lambda: late)

    def breaking(_session: Session) -> FolderDone:
        line._reconnect = aborting  # the abort comes while it connects
        raise TemporaryNetworkError("cut", advice="-")

    def aborting() -> Session:
        line.abort()
        return late

    with pytest.raises(StoppedError):
        line.steady(breaking)
    assert late.closed


def test_a_password_that_comes_back_quoted_is_not_shown() -> None:
    """As it was sent, with its backslashes."""
    script = {
        "CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n",
        "LOGIN ": b'{tag} NO bad login "s3c\\"ret\\\\word"\r\n',
    }
    with ScriptedServer(script) as server, pytest.raises(AuthenticationError) as caught:
        connect(account(port=server.port), 's3c"ret\\word', timeout=5)
    assert "bad login …" in caught.value.what
    assert "ret" not in caught.value.what


@pytest.mark.parametrize("listed", [b"Inbox", b"inbox", b'"INBOX"'])
def test_the_inbox_has_one_name(listed: bytes) -> None:
    """Its name has no case (RFC 3501, section 5.1); others have."""
    with ScriptedServer({"LIST ": b'* LIST () "/" %s\r\n* LIST () "/" Box\r\n' % listed}) as server:
        session = connect(account(port=server.port), "pw", timeout=5)
        assert [folder.name for folder in session.folders()] == ["INBOX", "Box"]
        session.close()


def test_a_new_connection_knows_how_a_folder_is_written() -> None:
    """A name that is no modified UTF-7 is asked for as the server wrote it; a plain one at once."""
    with ScriptedServer({"LIST ": b'* LIST () "/" "B&B"\r\n'}) as server:
        session = connect(account(port=server.port), "pw", timeout=5)
        session.examine("Box")
        assert not any(each.startswith("LIST") for each in server.commands)
        session.examine("B&B")
        assert 'EXAMINE "B&B"' in server.commands
        session.close()


def test_two_small_folders_with_equal_numbers_are_not_one(case: Case) -> None:
    """Where every folder has UIDVALIDITY 1, one with a single message is like any other."""
    case.folders["Clients"] = box(1)
    case.sync()
    del case.folders["Clients"]
    case.folders["Other"] = box(1)
    case.sync()
    assert [(each.folder, each.change) for each in case.said(FolderChange)] == [("Clients", "gone")]


@pytest.mark.parametrize(("uidvalidity", "change"), [(1_700_000_000, "renamed"), (7, "gone")])
def test_a_small_folder_is_known_again_by_a_uidvalidity_that_is_a_time(
    case: Case, uidvalidity: int, change: str
) -> None:
    """No other folder has it."""
    case.folders["Clients"] = box(1, uidvalidity=uidvalidity)
    case.sync()
    case.folders["Customers"] = case.folders.pop("Clients")
    case.sync()
    assert [each.change for each in case.said(FolderChange)] == [change]
