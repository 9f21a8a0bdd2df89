"""The writer: when it reads, indexes and signs."""

from collections.abc import Callable

from daemon_fakes import FakeTime, Said, chance

from archiver.daemon.writer import Writer


class Case:
    """A writer in a world of its own."""

    def __init__(self) -> None:
        self.time = FakeTime()
        self.said = Said()
        self.runs: list[float] = []
        self.outcomes: list[str] = []
        self.writer = Writer(
            self._run,
            log=self.said.log,
            timer=self.time,
            clock=self.time.clock,
            chance=chance(),
        )

    def _run(self, stop: Callable[[], bool]) -> str:
        stop()
        self.runs.append(self.time.passed)
        return self.outcomes.pop(0) if self.outcomes else ""

    def until(self, seconds: float) -> None:
        """Let time pass."""
        while self.time.passed < seconds:
            self.writer.round()


def test_it_begins_with_what_was_left_undone() -> None:
    """Whoever ended the last daemon."""
    case = Case()
    case.until(5)
    assert case.runs == [0.0]


def test_it_works_soon_after_a_sync_brought_something() -> None:
    """A little later, since more may come; and not after each message of a burst."""
    case = Case()
    for moment in (100.0, 100.5, 101.0, 103.0):
        case.time.at(moment, lambda: case.writer.brought(True))
    case.until(200)
    assert case.runs[:3] == [0.0, 102.0, 112.0]


def test_a_burst_is_taken_in_at_intervals() -> None:
    """Ten seconds lie between two runs."""
    case = Case()
    while case.time.passed < 100:
        case.writer.brought(True)
        case.writer.round()
    pauses = [b - a for a, b in zip(case.runs, case.runs[1:], strict=False)]
    assert all(pause >= 10 for pause in pauses)


def test_a_long_sync_is_taken_in_meanwhile() -> None:
    """Every five minutes: what a first sync keeps for hours is signed and found before its end."""
    case = Case()
    while case.time.passed < 1500:
        case.writer.brought(False)
        case.writer.round()
    assert 4 <= len(case.runs) <= 6


def test_what_waits_for_the_network_is_tried_every_hour() -> None:
    """DNS, time-stamps."""
    case = Case()
    case.until(3 * 3600 + 60)
    assert case.runs == [0.0, 3600.0, 7200.0, 10800.0]


def test_trouble_is_told_once_and_tried_again() -> None:
    """With growing pauses, and its end is told."""
    case = Case()
    case.outcomes = ["no space left"] * 5
    case.until(3600)
    assert len(case.said.troubles) == 1
    assert "no space left" in case.said.troubles[0]
    assert case.said.events == ["Reading and indexing work again."]
    assert len(case.runs) == 6


def test_trouble_is_not_hurried_by_new_mail() -> None:
    """A full disk is not hammered."""
    case = Case()
    case.outcomes = ["no space left"] * 50
    while case.time.passed < 3600:
        case.writer.brought(True)
        case.writer.round()
    assert len(case.runs) < 12


def test_a_mistake_of_ours_does_not_end_the_thread() -> None:
    """It is told."""
    case = Case()

    def fails(_stop: Callable[[], bool]) -> str:
        raise ZeroDivisionError("oh")

    case.writer._run_once = fails
    case.writer.round()
    assert "ZeroDivisionError: oh" in case.said.troubles[0]
