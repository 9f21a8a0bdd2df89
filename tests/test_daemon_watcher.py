"""One account: what the watcher does after each way in which a sync or a wait can end."""

from types import SimpleNamespace
from typing import Any

import pytest
from daemon_fakes import FakeOffice, FakeServer, FakeTime, Said, account, chance

from archiver.accounts import Account
from archiver.daemon.watcher import Watcher
from archiver.errors import (
    AuthenticationError,
    ConfigurationError,
    LockedError,
    OperationError,
    TemporaryNetworkError,
)
from archiver.mailbox.server.session import ThrottledError


class Case:
    """A watcher in a world of its own, one round at a time."""

    def __init__(self, of: Account | None = None, **server: Any) -> None:
        self.time = FakeTime()
        self.server = FakeServer(self.time, **server)
        self.office = FakeOffice(self.server)
        self.said = Said()
        self.brought: list[bool] = []
        self.watcher = Watcher(
            of or account(),
            self.office,
            log=self.said.log,
            timer=self.time,
            clock=self.time.clock,
            chance=chance(),
            brought=self.brought.append,
        )

    def round(self, times: int = 1) -> "Case":
        """Let it synchronise and wait."""
        for _time in range(times):
            self.watcher.round()
        return self


def lost() -> TemporaryNetworkError:
    """Return what a lost connection raises."""
    return TemporaryNetworkError("The connection failed.", advice="Try again.")


def refused() -> AuthenticationError:
    """Return what a wrong password raises."""
    return AuthenticationError("The login was refused.", advice="Check the password.")


def test_new_mail_is_fetched_when_the_server_tells_of_it() -> None:
    """IDLE ends after half a minute; the next sync begins a second later, on the same connection."""
    case = Case(news_after=[30.0]).round(2)
    assert case.office.syncs == [0.0, 31.0]
    assert case.server.dialled == 1
    assert case.said.events == ["work: 0 new records", "work: 1 new record"]
    assert case.brought.count(True) == 1


def test_other_folders_are_looked_at_every_few_minutes() -> None:
    """The inbox alone is watched: the poll interval ends the wait."""
    case = Case(account(poll_minutes=7)).round(3)
    assert case.office.syncs == [0.0, 420.0, 840.0]
    assert case.server.dialled == 1


def test_idle_is_renewed_before_29_minutes() -> None:
    """RFC 2177: a server may log out whoever idles for half an hour."""
    case = Case(account(poll_minutes=60))
    session = case.server.dial()
    case.watcher.line.live = session
    case.round()
    assert [each for each in session.log if each.startswith("idle")] == [
        "idle 1440",
        "idle 1440",
        "idle 720",
    ]


def test_without_idle_the_account_is_polled() -> None:
    """And the connection is kept for it."""
    case = Case(can_idle=False).round(3)
    assert case.office.syncs == [0.0, 600.0, 1200.0]
    assert case.server.dialled == 1
    assert case.watcher.state.doing == "polling"


def test_a_connection_that_would_end_while_unused_is_closed() -> None:
    """Servers log out after half an hour."""
    case = Case(account(poll_minutes=60), can_idle=False).round(2)
    assert case.server.dialled == 2
    assert case.server.open == 0


def test_mail_that_comes_while_other_folders_are_read_is_not_overlooked() -> None:
    """What EXAMINE says is compared with what the sync saw."""
    case = Case()
    first = case.office.sync

    def and_then_mail(*arguments: Any, **named: Any) -> Any:
        done = first(*arguments, **named)
        case.server.exists += 1 if len(case.office.syncs) == 1 else 0
        return done

    case.office.sync = and_then_mail  # type: ignore[method-assign]
    case.round(2)
    assert case.office.syncs == [0.0, 1.0]


def test_a_server_whose_answers_never_agree_is_not_asked_on_and_on() -> None:
    """The pause grows while its announcements bring nothing."""
    case = Case()
    case.server.news_after = [0.0] * 100
    case.office.nothing_new = True
    case.round(12)
    pauses = [b - a for a, b in zip(case.office.syncs, case.office.syncs[1:], strict=False)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 60.0


def test_an_idle_that_ends_at_once_is_no_idle() -> None:
    """Such a server is polled."""
    case = Case()
    session = case.server.dial()
    session.idle = lambda _seconds, _stop: False  # type: ignore[method-assign]
    case.watcher.line.live = session
    case.round()
    assert case.watcher.state.doing == "polling"
    assert case.time.passed == 600.0


def test_with_gmail_all_mail_is_watched() -> None:
    """It tells of sent mail too."""
    case = Case(gmail=True, folders=(("INBOX", "inbox"), ("[Gmail]/All Mail", "all")))
    session = case.server.dial()
    case.watcher.line.live = session
    case.round()
    assert session.log[-2:] == ["examine [Gmail]/All Mail", "idle 600"]


def test_where_the_inbox_is_not_fetched_the_first_folder_is_watched() -> None:
    """The account names its folders."""
    case = Case(account(folders=("Clients",)), folders=(("INBOX", "inbox"), ("Clients", "")))
    session = case.server.dial()
    case.watcher.line.live = session
    case.round()
    assert "examine Clients" in session.log


def test_a_connection_that_breaks_while_idle_is_made_anew_soon() -> None:
    """It is no failure of a sync: nobody is told."""
    case = Case()
    session = case.server.dial()
    case.watcher.line.live = session

    def breaks(seconds: float, _stop: object) -> bool:
        del seconds
        case.time.passed += 300
        raise lost()

    session.idle = breaks  # type: ignore[method-assign,assignment]
    case.round(2)
    assert case.office.syncs[1] - 300 < 5
    assert case.server.dialled == 2
    assert case.said.troubles == []
    assert case.watcher.state.good_since is not None


def test_connections_that_break_at_once_are_made_anew_ever_more_rarely() -> None:
    """A server that throws out whoever idles is not stormed."""
    case = Case()

    def breaks(*_arguments: object) -> bool:
        raise lost()

    dial = case.server.dial

    def dialled() -> Any:
        session = dial()
        session.idle = breaks  # type: ignore[method-assign,assignment]
        return session

    case.server.dial = dialled  # type: ignore[method-assign]
    case.round(15)
    pauses = [b - a for a, b in zip(case.office.syncs, case.office.syncs[1:], strict=False)]
    assert pauses[0] < 5
    assert all(450 <= pause <= 900 for pause in pauses[-3:])


def test_an_outage_is_told_once_and_its_end_as_well() -> None:
    """One line when it begins, one when it ends, however many attempts lie between."""
    case = Case()
    case.office.errors = [lost() for _number in range(20)]
    case.round(21)
    assert case.said.troubles == ["work: The connection failed. Try again."]
    ends = [each for each in case.said.events if "works again" in each]
    assert len(ends) == 1
    assert case.watcher.state.attempts == 0
    assert case.watcher.state.failing_since is None


def test_attempts_become_rarer_up_to_a_quarter_of_an_hour() -> None:
    """With jitter: a half to the whole of each delay."""
    case = Case()
    case.office.errors = [lost() for _number in range(14)]
    case.round(14)
    pauses = [b - a for a, b in zip(case.office.syncs, case.office.syncs[1:], strict=False)]
    for number, pause in enumerate(pauses):
        whole = min(900.0, 5.0 * 2**number)
        assert whole / 2 <= pause <= whole


def test_a_good_sync_resets_the_delay() -> None:
    """The next outage begins with short delays again."""
    case = Case(can_idle=False)
    case.office.errors = [lost() for _number in range(10)]
    case.round(11)
    case.office.errors = [lost()]
    case.round()
    began = case.time.passed
    case.round()
    assert case.office.syncs[-1] == began
    assert case.office.syncs[-1] - case.office.syncs[-2] <= 5.0


@pytest.mark.parametrize("error", [refused(), ConfigurationError("Bad.", advice="Mend it.")])
def test_what_a_person_must_mend_is_told_once_and_runs_the_command_once(
    error: AuthenticationError | ConfigurationError,
) -> None:
    """However often it is tried."""
    case = Case()
    case.office.errors = [error] * 5
    case.round(5)
    assert len(case.said.troubles) == 1
    assert case.office.failures == [("work", error.what, error.exit_code)]


def test_a_refused_password_is_tried_again_every_hour() -> None:
    """More often only locks the account."""
    case = Case()
    case.office.errors = [refused() for _number in range(4)]
    case.round(4)
    pauses = [b - a for a, b in zip(case.office.syncs, case.office.syncs[1:], strict=False)]
    assert all(3240 <= pause <= 3960 for pause in pauses)


def test_a_short_outage_runs_no_command_a_long_one_does_once() -> None:
    """A network that is away for a minute is nobody's business."""
    case = Case()
    case.office.errors = [lost() for _number in range(30)]
    case.round(4)
    assert case.office.failures == []
    case.round(26)
    assert case.office.failures == [("work", "The connection failed.", 75)]


def test_a_server_that_says_how_long_to_wait_is_obeyed() -> None:
    """To the second, and a little longer."""
    error = ThrottledError("Slow down.", advice="Wait.")
    error.wait = 7200.0
    case = Case()
    case.office.errors = [error]
    case.round(2)
    assert 7200 <= case.office.syncs[1] <= 7920


def test_another_process_that_synchronises_is_no_failure() -> None:
    """Somebody ran ``archiver sync`` by hand."""
    case = Case()
    case.office.errors = [LockedError("Taken.", advice="Wait.") for _number in range(3)]
    case.round(3)
    assert case.said.troubles == []
    assert case.watcher.state.failing_since is None
    assert case.time.passed < 100


def test_another_process_that_never_ends_is_told() -> None:
    """A sync that hangs keeps the account from being synchronised: no silence about that."""
    case = Case()
    case.office.errors = [LockedError("Taken.", advice="Wait.") for _number in range(200)]
    case.round(200)
    assert case.said.troubles == ["work: Taken. Wait."]
    assert case.watcher.state.failing_since is not None


def test_a_mistake_of_ours_does_not_end_the_thread() -> None:
    """It is told as such, and other accounts go on."""
    case = Case()
    case.office.errors = [ZeroDivisionError("oh")]
    case.round(2)
    assert "ZeroDivisionError: oh" in case.said.troubles[0]
    assert len(case.office.syncs) == 2


def test_a_full_disk_is_told_and_tried_again() -> None:
    """As what it is."""
    case = Case()
    case.office.errors = [OperationError("The disk is full.", advice="Make room.")]
    case.round(2)
    assert case.said.troubles == ["work: The disk is full. Make room."]


def test_a_nudge_ends_every_wait() -> None:
    """A reload tries at once what would be tried in an hour."""
    case = Case()
    case.office.errors = [refused()]
    case.watcher.rest.nudge()  # during the sync
    case.watcher._office.sync, first = (
        lambda *arguments, **named: (case.watcher.rest.nudge(), first(*arguments, **named))[1],  # type: ignore[method-assign]
        case.watcher._office.sync,
    )
    case.round(2)
    assert case.office.syncs == [0.0, 0.0]


def test_problems_of_messages_are_told_when_their_number_changes() -> None:
    """Not every few minutes."""
    case = Case(can_idle=False)
    case.office.problems = [SimpleNamespace(where="work/INBOX UID 3", reason="NO")]
    case.round(3)
    assert case.said.troubles == ["work/INBOX UID 3: NO"]
    assert case.watcher.state.problems == 1


def test_a_stopped_watcher_connects_no_more() -> None:
    """Not even to try again what the stop itself broke."""
    case = Case()
    case.watcher.stop()
    case.round()
    assert case.server.dialled == 0
    assert case.said.troubles == []


def test_its_thread_ends_and_closes_the_connection() -> None:
    """Whatever it was doing."""
    case = Case()
    case.watcher.start()
    case.watcher.stop()
    assert case.watcher.join(5)
    assert case.server.open == 0
    assert case.watcher.state.doing == "stopped"
