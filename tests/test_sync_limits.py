"""Volumes, servers that ask to slow down, and callers that want to stop."""

import threading
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

import pytest
from mailbox_fakes import FakeSession, account
from sync_case import Case, box, letter

from archiver.errors import TemporaryNetworkError
from archiver.mailbox.allowance import Allowance
from archiver.mailbox.line import Patience
from archiver.mailbox.server.session import FolderState, ThrottledError
from archiver.model.cursors import Status

SIZE = len(letter(1))
DAY = date(2026, 3, 2)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """Make an archive with an inbox of five and a Sent of two, all of one size."""
    case = Case(tmp_path / "archive", {"INBOX": box(*range(1, 6)), "Sent": box(7, 8)})
    with case.evidence:
        yield case


class Rests:
    """A clock that waits for nobody and remembers how long it should have."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.told: list[tuple[float, str]] = []

    def sleep(self, seconds: float) -> None:
        """Wait, so to speak."""
        self.seconds += seconds

    def patience(self, limit: float = 300.0) -> Patience:
        """Return a Patience that waits so, and never for less than it may."""
        return Patience(
            limit=limit,
            sleep=self.sleep,
            jitter=lambda: 1.0,
            tell=lambda seconds, what: self.told.append((seconds, what)),
        )


# --- the volume of a day ------------------------------------------------------------------------


def test_what_does_not_fit_into_the_day_is_postponed_and_told(case: Case) -> None:
    """The journal names it, and the next day goes on exactly there."""
    case.account = account(daily_bytes=3 * SIZE)
    intake = case.sync()
    assert (intake.new, intake.postponed) == (3, 4)
    assert case.scans()[0].kept == "1:3"
    assert case.scans()[0].postponed == "4:5"
    assert case.scans("Sent")[0].postponed == "7:8"
    again = case.sync()
    assert (again.new, again.postponed, case.fetched) == (0, 4, [])
    assert len(case.scans()) == 1
    case.later(days=1)
    assert (case.sync().new, case.fetched) == (3, ["fetch 4,5", "fetch 7"])
    case.later(days=1)
    assert (case.sync().new, case.fetched) == (1, ["fetch 8"])
    assert case.scans("Sent")[-1].postponed == ""
    case.sync()
    assert case.log == ["list"]
    assert case.sound()


def test_a_postponed_sync_is_a_good_one(case: Case) -> None:
    """It fetched what it may; what is still to come is told by itself."""
    case.account = account(daily_bytes=SIZE)
    assert case.sync().postponed == 6
    assert case.evidence.trouble_of("work") == (0, "")
    assert case.evidence.last_syncs()["work"] == (case.now, case.now)


def test_a_message_larger_than_a_day_goes_through_alone(case: Case) -> None:
    """Else it would wait for ever."""
    case.account = account(daily_bytes=10)
    for new in range(1, 8):
        assert case.sync().new == 1
        assert case.records() == new
        case.later(days=1)


def test_small_mail_of_every_day_starves_no_large_message(case: Case) -> None:
    """Nor does a large one keep the smaller ones behind it from coming."""
    case.account = account(daily_bytes=10 * SIZE)
    sent = box(1, 3, 4)
    sent.messages[2] = letter(2, text="x" * 20 * SIZE)
    case.folders = {"INBOX": box(1), "Sent": sent}
    for day in range(1, 4):
        case.folders["INBOX"].messages[day + 10] = letter(day + 10)
        case.sync()
        case.later(days=1)
    assert case.records() == 7  # three came into the inbox; letter 1 stands in both folders


def test_what_does_not_fit_is_passed_by(case: Case) -> None:
    """What is smaller and comes after it is fetched on the same day."""
    case.account = account(daily_bytes=10 * SIZE)
    case.folders = {"INBOX": box(*range(1, 7))}
    case.folders["INBOX"].messages[7] = letter(7, text="x" * 20 * SIZE)
    case.folders["INBOX"].messages[8] = letter(8)
    intake = case.sync()
    assert (intake.new, intake.postponed) == (7, 1)
    assert [scan.postponed for scan in case.scans()] == ["7"]
    case.later(days=1)
    assert case.sync().new == 1


def test_a_clock_that_is_put_back_gives_no_second_volume(case: Case) -> None:
    """The day to which it comes back is as it was left; the day after it is a day."""
    case.account = account(daily_bytes=2 * SIZE)
    assert case.sync().new == 2
    case.later(days=1)
    assert case.sync().new == 2
    case.later(days=-1)
    assert case.sync().new == 0
    case.later(days=30)
    assert case.sync().new == 2


def test_the_day_may_end_in_the_middle_of_a_sync() -> None:
    """What was fetched before midnight counts for the day before."""
    today = [DAY]
    allowance = Allowance(100, today=lambda: today[0])
    assert allowance.room([60, 60]) == 1
    allowance.take(60)
    assert allowance.room([60]) == 0
    today[0] = date(2026, 3, 3)
    assert allowance.room([60]) == 1
    today[0] = DAY
    assert allowance.room([60]) == 0


def test_an_allowance_within_another_needs_both() -> None:
    """A recheck counts for the day's volume as well."""
    whole = Allowance(100, today=lambda: DAY)
    part = Allowance(50, today=lambda: DAY, within=whole)
    part.take(40)
    assert part.room([20]) == 0
    assert whole.room([60]) == 1
    whole.take(20)
    assert whole.room([40]) == 1
    assert whole.room([41]) == 0
    assert not Allowance(0, today=lambda: DAY).left
    assert Allowance(None).room([10**12]) == 1


# --- servers that ask to slow down ----------------------------------------------------------------


def test_a_server_that_throttles_is_waited_out_and_told(case: Case) -> None:
    """As long as it says; then everything comes."""
    rests = Rests()
    line = case.session(throttled=[12.0])
    assert case.sync(connect=lambda: line, patience=rests.patience()).new == 7
    assert rests.told == [(12.0, "the server asks to slow down")]
    assert rests.seconds == pytest.approx(12.0)


def test_without_a_time_it_is_waited_longer_and_longer(case: Case) -> None:
    """Five seconds, ten, twenty, forty, then a minute each time."""
    rests = Rests()
    line = case.session(throttled=[None] * 6)
    case.sync(connect=lambda: line, patience=rests.patience(limit=1000))
    assert [seconds for seconds, _what in rests.told] == [5, 10, 20, 40, 60, 60]
    assert case.records() == 7


def test_patience_ends_and_what_was_kept_is_kept(case: Case) -> None:
    """The command exits with 75; the next one goes on."""
    rests = Rests()
    case.folders["INBOX"].sizes = {3: 9 * 1024 * 1024}
    seen: list[FakeSession] = []

    class Busy(FakeSession):
        def fetch_in_parts(self, uid: int, size: int | None, start: int = 0) -> Iterator[bytes]:  # noqa: ARG002 - as in the base class
            seen.append(self)
            raise ThrottledError("the volume of the day is spent", advice="wait")

        def fetch(self, uids: Sequence[int]) -> Iterator[tuple[int, bytes | None]]:
            if seen:
                raise ThrottledError("the volume of the day is spent", advice="wait")
            return super().fetch(uids)

        def examine(self, folder: str, since: Status | None = None) -> FolderState:
            if len(seen) > 1 and folder != "INBOX":
                raise ThrottledError("the volume of the day is spent", advice="wait")
            return super().examine(folder, since)

    with pytest.raises(ThrottledError) as caught:
        case.sync(
            connect=lambda: Busy(case.folders, status=True), patience=rests.patience(limit=60)
        )
    assert caught.value.exit_code == 75
    assert rests.seconds <= 60
    assert case.records() == 2
    assert case.evidence.trouble_of("work")[1] == "the volume of the day is spent"
    case.folders["INBOX"].sizes = {}
    assert case.sync().new == 5


def test_a_server_that_throttles_at_the_door_is_waited_out(case: Case) -> None:
    """Too many connections, say."""
    rests = Rests()
    refusals = [True, True]

    def connect() -> FakeSession:
        if refusals:
            refusals.pop()
            error = ThrottledError("too many connections", advice="wait")
            error.wait = 3.0
            raise error
        return case.session()

    assert case.sync(connect=connect, patience=rests.patience()).new == 7
    assert [seconds for seconds, _what in rests.told] == [3.0, 3.0]


def test_a_glance_that_is_throttled_leaves_it_to_the_connection(case: Case) -> None:
    """Which knows how to wait."""
    case.sync()

    def throttled() -> None:
        raise ThrottledError("slow down", advice="wait")

    assert case.sync(glance=throttled).problems == []


# --- stopping -----------------------------------------------------------------------------------


def test_a_sync_stops_between_batches_and_the_next_goes_on(case: Case) -> None:
    """What was fetched is kept and journalled; nothing is called a failure."""
    inbox = case.folders["INBOX"]
    inbox.sizes = dict.fromkeys(inbox.messages, 5 * 1024 * 1024)  # a batch each
    kept = [0]

    def progress(_what: str, done: int, _total: int | None) -> None:
        kept[0] = done

    intake = case.sync(stop=lambda: kept[0] >= 2, progress=progress)
    assert intake.stopped
    assert 2 <= case.records() < 5
    assert intake.problems == []
    (scan,) = case.scans()
    assert scan.kept == f"1:{case.records()}"
    assert (scan.looked, scan.full) == (scan.kept, False)
    assert case.evidence.cursors("work") == {}
    assert case.evidence.trouble_of("work") == (0, "")
    case.sync()
    assert case.records() == 7
    assert case.sound()


def test_a_read_that_waits_is_broken_off_from_another_thread(case: Case) -> None:
    """``abort`` ends it, and STOP says that it was meant: no error, no new connection."""
    reading, broken = threading.Event(), threading.Event()
    stopping = threading.Event()

    class Silent(FakeSession):
        def fetch(self, uids):  # noqa: ANN001, ANN202, ARG002 - as in the base class
            reading.set()
            broken.wait(30)
            raise TemporaryNetworkError("broken off", advice="-")

        def abort(self) -> None:
            broken.set()

    sessions: list[Silent] = []

    def connect() -> Silent:
        sessions.append(Silent(case.folders, status=True))
        return sessions[-1]

    def ender() -> None:
        reading.wait(10)
        stopping.set()
        sessions[0].abort()

    thread = threading.Thread(target=ender)
    thread.start()
    intake = case.sync(connect=connect, stop=stopping.is_set)
    thread.join()
    assert intake.stopped
    assert len(sessions) == 1
    assert sessions[0].closed


def test_a_rest_ends_at_once_when_the_caller_stops(case: Case) -> None:
    """Nobody waits a minute for a program that is told to end."""
    rests = Rests()
    intake = case.sync(
        session={"throttled": [200.0] * 9},
        patience=rests.patience(),
        stop=lambda: rests.seconds > 1,
    )
    assert intake.stopped
    assert rests.seconds < 3


def test_a_sync_that_is_to_stop_before_it_began_does_nothing(case: Case) -> None:
    """It connects, and leaves."""
    intake = case.sync(stop=lambda: True)
    assert (intake.stopped, intake.new) == (True, 0)
