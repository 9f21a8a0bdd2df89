"""The connection that is kept: lent to syncs, dropped when it let somebody down."""

from collections.abc import Iterator

import pytest
from daemon_fakes import FakeServer, FakeTime

from archiver.daemon.line import Line, StoppedError
from archiver.daemon.rest import Rest
from archiver.mailbox.server.session import FolderState


class Case:
    """A line to a server."""

    def __init__(self) -> None:
        self.time = FakeTime()
        self.server = FakeServer(self.time)
        self.rest = Rest(self.time)
        self.line = Line(self.rest)


def test_the_connection_outlives_a_sync() -> None:
    """Closing what was lent leaves it open."""
    case = Case()
    for _sync in range(3):
        session = case.line.connector(case.server.dial)()
        session.folders()
        session.close()
    assert (case.server.dialled, case.server.open) == (1, 1)
    case.line.drop()
    assert case.server.open == 0


def test_who_asks_twice_in_one_sync_gets_a_new_one() -> None:
    """The first one broke."""
    case = Case()
    connect = case.line.connector(case.server.dial)
    connect()
    connect()
    assert (case.server.dialled, case.server.open) == (2, 1)


def test_nothing_is_connected_after_a_stop() -> None:
    """Not before, and not while the server is being reached."""
    case = Case()

    def slowly() -> object:
        session = case.server.dial()
        case.rest.stop()
        return session

    with pytest.raises(StoppedError) as caught:
        case.line.connector(slowly)()  # type: ignore[arg-type]
    assert caught.value.what == "The daemon is stopping."
    assert caught.value.advice
    assert case.server.open == 0
    with pytest.raises(StoppedError):
        case.line.connector(case.server.dial)()
    assert case.server.dialled == 1


def test_it_is_broken_from_another_thread() -> None:
    """Also when there is none."""
    case = Case()
    case.line.abort()
    case.line.connector(case.server.dial)()
    session = case.line.live
    case.line.abort()
    assert session is not None
    assert session.aborted.is_set()  # type: ignore[attr-defined]


def test_what_a_sync_saw_is_compared_with_what_is_there_now() -> None:
    """A UIDNEXT that is not told is no difference."""
    case = Case()
    session = case.line.connector(case.server.dial)()
    session.folders()
    assert not case.line.is_news("INBOX", FolderState(1, 1, 0))
    assert not case.line.is_news("INBOX", FolderState(1, None, 0))
    assert case.line.is_news("INBOX", FolderState(1, 2, 1))
    assert not case.line.is_news("INBOX", FolderState(1, 2, 1))
    assert not case.line.is_news("Never seen", FolderState(1, 2, 1))


def test_a_large_message_on_a_slow_line_is_not_taken_for_a_stuck_thread() -> None:
    """200 MB at 5 KB a second are eleven hours; each piece of it is a sign of life."""
    case = Case()
    session = case.line.connector(case.server.dial)()
    seen: list[bool] = []

    def slowly(_uid: int, size: int, start: int) -> Iterator[bytes]:
        for _piece in range(start, size, 1_000_000):
            case.time.passed += 1_000_000 / 5000
            seen.append(case.rest.stuck)
            yield b""

    assert case.line.live is not None
    case.line.live.fetch_in_parts = slowly  # type: ignore[method-assign]
    assert len(list(session.fetch_in_parts(1, 200_000_000))) == 200
    assert seen == [False] * 200
