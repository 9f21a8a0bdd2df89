"""Servers that change under one's hands, list too little, or talk nonsense."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from mailbox_fakes import FakeFolder, FakeSession
from sync_case import ARRIVED, Case, box, letter

from archiver.errors import TemporaryNetworkError
from archiver.mailbox.server.session import Folder, FolderState, RefusedError
from archiver.model.cursors import Status
from archiver.model.entries import Epoch


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """Make an archive with an inbox of five and a Sent of two."""
    case = Case(tmp_path / "archive", {"INBOX": box(*range(1, 6)), "Sent": box(11, 12)})
    with case.evidence:
        yield case


def test_a_folder_that_vanishes_after_it_was_listed_is_told_and_stops_nothing(case: Case) -> None:
    """The next sync finds that it is gone."""

    class Late(FakeSession):
        def folders(self) -> tuple[Folder, ...]:
            listed = super().folders()
            case.folders.pop("INBOX", None)
            return listed

    intake = case.sync(connect=lambda: Late(case.folders, status=True))
    assert [(each.where, each.reason) for each in intake.problems] == [
        ("work/INBOX", "no such mailbox")
    ]
    assert intake.new == 2
    assert case.sync().problems == []


def test_a_folder_that_vanishes_while_it_is_read_loses_nothing_that_came(case: Case) -> None:
    """NO to everything from some moment on."""
    inbox = case.folders["INBOX"]
    inbox.sizes = dict.fromkeys(inbox.messages, 5 * 1024 * 1024)

    class Going(FakeSession):
        def fetch(self, uids: Sequence[int]):  # noqa: ANN202 - as in the base class
            if 3 in uids:
                inbox.refused = frozenset({3, 4, 5})
            return super().fetch(uids)

    intake = case.sync(connect=lambda: Going(case.folders, status=True))
    assert [problem.where for problem in intake.problems] == [
        f"work/INBOX UID {uid}" for uid in (3, 4, 5)
    ]
    assert case.records() == 4
    inbox.refused = frozenset()
    assert case.sync().new == 3
    assert case.sound()


def test_a_uidvalidity_that_changes_in_mid_folder_mixes_no_epochs(case: Case) -> None:
    """The connection breaks, and behind the next one is another mailbox under the same name."""
    inbox = box(*range(1, 6), deadly=frozenset({3}))
    inbox.sizes = dict.fromkeys(inbox.messages, 5 * 1024 * 1024)
    case.folders["INBOX"] = inbox
    other = FakeFolder(
        {uid: letter(uid + 50) for uid in range(1, 6)}, uidvalidity=2, internaldate=ARRIVED
    )
    sessions = iter([case.session()])

    def connect() -> FakeSession:
        for session in sessions:
            return session
        case.folders["INBOX"] = other
        return case.session()

    intake = case.sync(connect=connect)
    assert "its UIDVALIDITY changed" in intake.problems[0].reason
    assert case.scans()[0].uidvalidity == 1
    assert case.scans()[0].kept == "1:2"
    case.sync()
    assert [each.uidvalidity for each in case.said(Epoch) if each.folder == "INBOX"] == [1, 2]
    assert case.evidence.known_uids("work", "INBOX", 1) == {1, 2}
    assert case.evidence.known_uids("work", "INBOX", 2) == {1, 2, 3, 4, 5}
    assert case.records() == 2 + 2 + 5
    assert case.sound()


def test_a_uidvalidity_that_differs_between_status_and_examine_is_that_of_examine(
    case: Case,
) -> None:
    """The folder was made anew between the two."""
    case.sync()

    class Old(FakeSession):
        def folders(self) -> tuple[Folder, ...]:
            status = Status(uidvalidity=1, uidnext=7, exists=6)
            return (Folder("INBOX", None, selectable=True, status=status),)

    case.folders["INBOX"].uidvalidity = 9
    intake = case.sync(connect=lambda: Old(case.folders))
    assert intake.recognised == 5
    assert case.evidence.cursors("work")["INBOX"].status.uidvalidity == 9


def test_a_server_that_lists_a_thousand_of_ten_thousand_is_asked_for_the_rest(case: Case) -> None:
    """Some cap every answer."""
    messages = {uid: b"Subject: %d\r\n\r\n" % uid for uid in range(1, 2501)}
    case.folders = {"INBOX": FakeFolder(messages, most=1000)}
    intake = case.sync()
    assert (intake.new, intake.problems) == (2500, [])
    assert [asked for asked in case.log if asked.startswith("uids")] == [
        "uids 1",
        "uids 1001",
        "uids 2001",
    ]


def test_a_server_that_will_not_list_the_rest_is_told_of_each_time(case: Case) -> None:
    """And found out as soon as it does."""
    inbox = case.folders["INBOX"]
    inbox.unlisted = frozenset({2, 4})
    for new in (5, 0):
        intake = case.sync()
        assert intake.new == new
        assert [problem.reason for problem in intake.problems] == [
            "the server has 5 messages there and lists 3"
        ]
    inbox.unlisted = frozenset()
    intake = case.sync()
    assert (intake.new, intake.problems) == (2, [])


def test_a_message_deleted_while_others_are_fetched_is_told_and_then_gone(case: Case) -> None:
    """An unsolicited EXPUNGE: it was listed, and has no content any more."""
    inbox = case.folders["INBOX"]
    inbox.gone = frozenset({4})
    intake = case.sync()
    assert (intake.new, len(intake.problems)) == (6, 1)
    del inbox.messages[4]
    inbox.gone = frozenset()
    intake = case.sync()
    assert (intake.new, intake.problems) == (0, [])
    case.sync()
    assert case.log == ["list"]


def test_uids_listed_twice_are_one_message_each(case: Case) -> None:
    """And in whatever order."""

    class Stammering(FakeSession):
        def uids(self, first: int = 1) -> tuple[int, ...]:
            found = super().uids(first)
            return (*reversed(found), *found)

    intake = case.sync(connect=lambda: Stammering(case.folders, status=True))
    assert (intake.new, intake.known, intake.seen_again) == (7, 0, 0)
    assert case.scans()[0].kept == "1:5"


def test_mail_that_arrives_while_a_folder_is_read_is_there_the_next_time(case: Case) -> None:
    """Once: EXAMINE did not count it, and the enumeration may have listed it."""
    inbox = case.folders["INBOX"]

    class Busy(FakeSession):
        def uids(self, first: int = 1) -> tuple[int, ...]:
            if 6 not in inbox.messages:
                inbox.messages[6] = letter(6)
            return super().uids(first)

    assert case.sync(connect=lambda: Busy(case.folders, status=True)).new == 8
    inbox.messages[7] = letter(7)
    intake = case.sync()
    assert (intake.new, intake.problems, intake.notes) == (1, [], [])
    assert "uids 1" not in case.log
    case.sync()
    assert case.log == ["list"]


def test_a_refused_resync_is_no_loss(case: Case) -> None:
    """The folder is told, and looked at again."""
    case.sync()
    case.folders["INBOX"].messages[6] = letter(6)

    class Refusing(FakeSession):
        def examine(self, folder: str, since: Status | None = None) -> FolderState:
            if since is not None:
                raise RefusedError("BAD, said the server")
            return super().examine(folder)

    intake = case.sync(connect=lambda: Refusing(case.folders, status=True))
    assert [problem.reason for problem in intake.problems] == ["BAD, said the server"]
    assert case.sync().new == 1


def test_a_folder_that_breaks_every_connection_is_passed_over(case: Case) -> None:
    """With the others kept; when the network itself fails, that is the error."""

    class Breaking(FakeSession):
        def examine(self, folder: str, since: Status | None = None) -> FolderState:
            if folder == "INBOX":
                raise TemporaryNetworkError("the connection broke", advice="-")
            return super().examine(folder, since)

    intake = case.sync(connect=lambda: Breaking(case.folders, status=True))
    assert intake.new == 2
    assert [problem.where for problem in intake.problems] == ["work/INBOX"]
