"""A sync looks at what changed, and finds what a server kept to itself."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from mailbox_fakes import FakeFolder, FakeSession, account
from sync_case import START, Case, box, letter, no_answer, no_connection

from archiver.errors import TemporaryNetworkError
from archiver.mailbox.plan import Newer, Terms, Unchanged, Whole, is_due, plan
from archiver.mailbox.server.session import Folder
from archiver.model.cursors import Cursor, Status
from archiver.model.entries import Epoch, Scan, Vanished

STATUS = Status(uidvalidity=7, uidnext=10, exists=5, modseq=100)
CURSOR = Cursor(folder="INBOX", status=STATUS, whole=START, done=True)
TERMS = Terms(now=START, account="work")


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """Make an archive with an inbox of five and a Sent of two."""
    case = Case(tmp_path / "archive", {"INBOX": box(*range(1, 6)), "Sent": box(11, 12)})
    with case.evidence:
        yield case


def folder(**status: int) -> Folder:
    """Return the inbox as the server tells it."""
    return Folder("INBOX", "inbox", selectable=True, status=_status(**status))


def _status(**more: int) -> Status:
    said: dict[str, int | None] = {"uidvalidity": 7, "uidnext": 10, "exists": 5, "modseq": 100}
    return Status(**{**said, **more})  # type: ignore[arg-type]


# --- the decision ---------------------------------------------------------------------------------


def test_equal_numbers_are_no_change() -> None:
    """Nothing is sent for such a folder."""
    assert plan(folder(), CURSOR, TERMS) == Unchanged()


def test_flags_alone_are_no_change() -> None:
    """HIGHESTMODSEQ rises when somebody reads a message; flags are told as first seen."""
    assert plan(folder(modseq=101), CURSOR, TERMS) == Unchanged()


@pytest.mark.parametrize("status", [{"uidnext": 11}, {"exists": 4}, {"uidnext": 12, "exists": 6}])
def test_other_numbers_are_looked_at_from_where_it_was_left(status: dict[str, int]) -> None:
    """What is new, and what the server reports as vanished."""
    assert plan(folder(**status), CURSOR, TERMS) == Newer(STATUS)


def test_what_calls_for_a_whole_enumeration() -> None:
    """Each reason by its name."""
    blind = Folder("INBOX", "inbox", selectable=True)
    undone = Cursor(folder="INBOX", status=STATUS, whole=START, done=False)
    asked = Terms(now=START, account="work", full=True)
    ruled = Terms(now=START, account="work", rules="ab" * 32)
    late = Terms(now=START + timedelta(days=8), account="work")
    assert plan(folder(), None, TERMS) == Whole("first")
    assert plan(folder(uidvalidity=8), CURSOR, TERMS) == Whole("epoch")
    assert plan(folder(), CURSOR, asked) == Whole("asked")
    assert plan(folder(), CURSOR, ruled) == Whole("rules")
    assert plan(folder(), CURSOR, late) == Whole("due")
    assert plan(folder(), undone, TERMS) == Whole("again")
    assert plan(blind, CURSOR, TERMS) == Whole("blind")
    assert plan(folder(uidnext=9), CURSOR, TERMS) == Whole("anew")


def test_enumerations_fall_due_on_different_days() -> None:
    """None later than the account says, and not all at once."""
    days = [
        next(
            day
            for day in range(9)
            if is_due(
                Cursor(folder=f"Folder {number}", status=STATUS, whole=START, done=True),
                Terms(now=START + timedelta(days=day), account="work"),
            )
        )
        for number in range(50)
    ]
    assert max(days) <= 7
    assert min(days) >= 3
    assert len(set(days)) > 2


def test_a_clock_that_was_put_back_makes_an_enumeration_due() -> None:
    """A moment in the future says nothing."""
    assert is_due(CURSOR, Terms(now=START - timedelta(days=30), account="work"))


# --- what is sent -------------------------------------------------------------------------------


def test_nothing_new_costs_one_listing(case: Case) -> None:
    """No folder is opened, no UID asked for; nothing is journalled."""
    case.sync()
    size = case.evidence.size
    case.later(minutes=10)
    intake = case.sync()
    assert case.log == ["list"]
    assert case.evidence.size == size
    assert intake.problems == []


def test_new_mail_is_found_from_where_the_folder_was_left(case: Case) -> None:
    """The other folder is not opened."""
    case.sync()
    case.folders["INBOX"].messages[6] = letter(6)
    intake = case.sync()
    assert intake.new == 1
    assert case.log == ["list", "resync INBOX", "uids 6", "fetch 6"]
    (first, second) = case.scans()
    assert (first.looked, first.full) == ("1:5", True)
    assert (second.looked, second.full, second.kept) == ("6", False, "6")


def test_what_vanished_is_told_by_a_server_with_qresync(case: Case) -> None:
    """One command, no enumeration."""
    case.sync()
    inbox = case.folders["INBOX"]
    del inbox.messages[2], inbox.messages[5]
    inbox.messages[6] = letter(6, text="of another size")
    inbox.vanished = frozenset({2, 5, 3_000_000})  # it may name more (RFC 7162, section 3.2.10.1)
    case.sync()
    assert case.log == ["list", "resync INBOX", "uids 6", "fetch 6"]
    assert [each.uids for each in case.said(Vanished)] == ["2,5"]
    case.sync()
    assert case.log == ["list"]


def test_without_qresync_counts_that_do_not_add_up_are_enumerated(case: Case) -> None:
    """Something went of which nobody tells."""
    case.sync()
    inbox = case.folders["INBOX"]
    del inbox.messages[2]
    inbox.messages[6] = letter(6, text="of another size")
    case.sync()
    assert case.log == ["list", "resync INBOX", "uids 6", "uids 1", "fetch 6"]
    assert [each.uids for each in case.said(Vanished)] == ["2"]


def test_a_report_that_does_not_add_up_is_not_believed(case: Case) -> None:
    """The server forgets to say that one went."""
    case.sync()
    inbox = case.folders["INBOX"]
    del inbox.messages[2], inbox.messages[3]
    inbox.vanished = frozenset({2})
    case.sync()
    assert "uids 1" in case.log
    assert [each.uids for each in case.said(Vanished)] == ["2:3"]


def test_what_a_server_left_out_is_found_and_told(case: Case) -> None:
    """It neither counted nor listed a message that was there."""
    inbox = case.folders["INBOX"]
    inbox.hidden = frozenset({3})
    case.sync()
    inbox.hidden = frozenset()
    case.evidence.put_cursors(  # the server told the same numbers all the while
        "work",
        [
            Cursor(
                folder="INBOX",
                status=inbox.status(),
                whole=START,
                done=True,
            )
        ],
    )
    case.later(days=1)
    assert case.sync().new == 0
    case.later(days=7)
    intake = case.sync()
    assert intake.new == 1
    assert intake.notes == ["INBOX: the server had left out 1 message when it was asked before."]
    assert (case.scans()[-1].full, case.scans()[-1].kept) == (True, "3")


def test_a_person_may_ask_for_everything(case: Case) -> None:
    """Every folder is enumerated, and the journal says so."""
    case.sync()
    case.sync(full=True)
    assert [asked for asked in case.log if asked.startswith("uids")] == ["uids 1", "uids 1"]
    assert [each.full for each in case.scans()] == [True, True]


def test_an_enumeration_that_was_due_is_journalled_though_it_found_nothing(case: Case) -> None:
    """That nothing was missed is a statement too."""
    case.sync()
    case.later(days=7)
    case.sync()
    assert [(each.looked, each.kept, each.full) for each in case.scans()] == [
        ("1:5", "1:5", True),
        ("1:5", "", True),
    ]


def test_a_server_that_tells_no_status_is_enumerated_each_time(case: Case) -> None:
    """And journals nothing for it, until an enumeration is due."""
    case.sync(session={"status": False})
    size = case.evidence.size
    case.sync(session={"status": False})
    assert case.log == ["list", "examine INBOX", "uids 1", "examine Sent", "uids 1"]
    assert case.evidence.size == size
    case.later(days=7)
    case.sync(session={"status": False})
    assert case.scans()[-1].full


def test_an_empty_folder_is_an_epoch_and_a_statement(case: Case) -> None:
    """Coverage says that it was looked at."""
    case.folders["Empty"] = FakeFolder({}, uidvalidity=44)
    case.sync()
    assert Epoch(account="work", folder="Empty", uidvalidity=44, previous=None) in case.said(Epoch)
    (scan,) = case.scans("Empty")
    assert (scan.exists, scan.looked, scan.full) == (0, "", True)
    case.sync()
    assert case.log == ["list"]


# --- what fails is tried again --------------------------------------------------------------------


def test_a_message_that_failed_is_tried_again_until_it_comes(case: Case) -> None:
    """Its folder is enumerated, and the journal says once what is left."""
    inbox = case.folders["INBOX"]
    inbox.refused = frozenset({3})
    for _time in range(3):
        intake = case.sync()
        assert [problem.where for problem in intake.problems] == ["work/INBOX UID 3"]
    assert len(case.scans()) == 1
    assert case.fetched == ["fetch 3"]
    inbox.refused = frozenset()
    assert case.sync().new == 1
    assert (case.scans()[-1].kept, case.scans()[-1].failed) == ("3", ())
    case.sync()
    assert case.log == ["list"]


def test_a_sync_that_breaks_off_moves_no_cursor_and_forgets_nothing(case: Case) -> None:
    """What was done stays done; the folder that broke is looked at again."""
    case.folders = {"A": box(1, 2), "B": box(3, deadly=frozenset({3})), "C": box(4)}
    sessions = iter([case.session()])

    def once() -> FakeSession:
        for session in sessions:
            return session
        return no_answer()

    with pytest.raises(TemporaryNetworkError):
        case.sync(connect=once)
    assert set(case.evidence.cursors("work")) == {"A"}
    assert case.records() == 2
    case.folders["B"].deadly = frozenset()
    assert case.sync().new == 2
    assert "examine A" not in case.log
    assert case.sound()


def test_the_end_of_an_outage_is_told(case: Case) -> None:
    """Since when, how often it was tried, and why the last time."""
    case.sync()
    for _time in range(3):
        case.later(hours=20)
        with pytest.raises(TemporaryNetworkError):
            case.sync(connect=no_answer)
    assert case.evidence.trouble_of("work") == (3, "nobody answers")
    case.later(hours=20)
    case.sync()
    scan = case.said(Scan)[-1]
    assert (scan.since, scan.attempts, scan.reason) == (START, 3, "nobody answers")
    assert case.evidence.trouble_of("work")[0] == 0


def test_one_bad_message_does_not_make_a_sync_a_bad_one(case: Case) -> None:
    """Everything was looked at: what is wrong is told by exit code, status and coverage."""
    case.folders["INBOX"].refused = frozenset({3})
    case.sync()
    assert case.evidence.last_syncs()["work"] == (START, START)


def test_a_folder_that_cannot_be_opened_does(case: Case) -> None:
    """Nobody knows what is in there."""
    case.account = account(folders=["INBOX", "Gone"])
    case.sync()
    assert case.evidence.last_syncs()["work"] == (START, None)
    attempts, reason = case.evidence.trouble_of("work")
    assert attempts == 1
    assert reason == "Gone: there is no such folder on the server"


# --- the glance -----------------------------------------------------------------------------------


def test_a_glance_that_shows_no_change_saves_the_connection(case: Case) -> None:
    """And counts as a good sync."""
    case.sync()
    seen: list[str] = []
    case.later(hours=2)
    case.sync(connect=no_connection, glance=case.glance(seen))
    assert seen == ["glance"]
    assert case.evidence.last_syncs()["work"] == (case.now, case.now)


def test_a_glance_that_shows_a_change_is_followed_by_a_connection(case: Case) -> None:
    """New mail, a new folder, a folder that went, one that is due."""
    case.sync()
    case.folders["INBOX"].messages[6] = letter(6)
    assert case.sync(glance=case.glance([])).new == 1
    case.folders["New"] = box(20)
    assert case.sync(glance=case.glance([])).new == 1
    del case.folders["New"]
    assert case.sync(glance=case.glance([])).notes
    case.later(days=7)
    case.sync(glance=case.glance([]))
    assert "uids 1" in case.log


def test_the_first_sync_does_not_glance(case: Case) -> None:
    """There is nothing to compare it with."""
    seen: list[str] = []
    assert case.sync(glance=case.glance(seen)).new == 7
    assert seen == []


def test_a_glance_that_cannot_tell_is_followed_by_a_connection(case: Case) -> None:
    """A server without LIST-STATUS."""
    case.sync()
    case.folders["INBOX"].messages[6] = letter(6)
    assert case.sync(glance=lambda: None).new == 1


def test_a_day_without_news_is_a_heartbeat_even_by_a_glance(case: Case) -> None:
    """At most one a day."""
    case.sync()
    case.later(days=1)
    for _time in range(2):
        case.sync(connect=no_connection, glance=case.glance([]))
    assert [scan.heartbeat for scan in case.said(Scan)] == [False, True]


def test_a_mailbox_that_only_has_the_names_of_gmail_is_looked_at_whole(case: Case) -> None:
    """One that was moved away from there: what comes into the inbox stands in no All Mail."""
    case.folders = {"INBOX": box(1, role="inbox"), "[Gmail]/All Mail": box(5, role="all")}
    case.sync()
    case.folders["INBOX"].messages[2] = letter(2)
    seen: list[str] = []
    assert case.sync(glance=case.glance(seen)).new == 1
    assert seen == ["glance"]


def test_what_came_after_examine_and_went_is_told(case: Case) -> None:
    """Though no report of what vanished since the cursor names it."""
    case.folders = {"INBOX": box(1, 2)}
    case.sync()
    cursor = case.evidence.cursors("work")["INBOX"]
    case.folders["INBOX"].messages[3] = letter(3)
    case.sync()
    case.evidence.put_cursors("work", [cursor])  # as if it had come after EXAMINE was answered
    del case.folders["INBOX"].messages[3]
    case.folders["INBOX"].messages[4] = letter(4)
    case.sync()
    assert case.evidence.present_uids("work", "INBOX", 1) == {1, 2, 4}
