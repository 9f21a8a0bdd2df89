"""Folders renumbered, renamed, deleted, back; messages moved: nothing is lost or fetched twice."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from mail import mail
from mailbox_fakes import FakeFolder, account
from sync_case import ARRIVED, Case, box, letter

from archiver.mailbox.alike import message_id_of
from archiver.model.entries import Epoch, FolderChange, Record, Sighting, Vanished


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """Make an archive with an inbox of five and a folder of two, which fetches nothing to recheck.

    (So that what is presumed stays so until a test wants it fetched.)
    """
    case = Case(tmp_path / "archive", {"INBOX": box(*range(1, 6)), "Clients": box(11, 12)})
    case.account = account(recheck_bytes=0)
    with case.evidence:
        case.sync()
        yield case


def renumber(case: Case, folder: str = "INBOX", uidvalidity: int = 2) -> None:
    """Give FOLDER another UIDVALIDITY, and its messages other UIDs."""
    old = case.folders[folder]
    messages = {uid + 100: data for uid, data in old.messages.items()}
    case.folders[folder] = FakeFolder(messages, uidvalidity=uidvalidity, internaldate=ARRIVED)


def presumed(case: Case) -> list[tuple[str, int]]:
    """Return where messages are presumed to stand."""
    return [(one.folder, one.uid) for one in case.evidence.presumed("work")]


def test_after_a_new_uidvalidity_nothing_is_fetched_again(case: Case) -> None:
    """Known messages are recognised, and said to be presumed."""
    renumber(case)
    intake = case.sync()
    assert case.fetched == []
    assert (intake.new, intake.recognised, intake.presumed) == (0, 5, 5)
    assert presumed(case) == [("INBOX", uid) for uid in range(101, 106)]
    sightings = [each for each in case.said(Sighting) if each.match == "attributes"]
    assert len(sightings) == 5
    assert case.said(Epoch)[-1] == Epoch(account="work", folder="INBOX", uidvalidity=2, previous=1)
    assert case.scans()[-1].kept == "101:105"
    assert case.sound()
    case.sync()
    assert case.log == ["list"]


def test_what_is_presumed_is_fetched_within_the_daily_volume_and_confirmed(case: Case) -> None:
    """Equal bytes make an ordinary sighting."""
    renumber(case)
    case.sync()
    size = len(letter(1))
    case.account = account(recheck_bytes=2 * size + size // 2)
    for confirmed, left in ((2, 3), (0, 3)):
        intake = case.sync(glance=case.glance([]))
        assert (intake.confirmed, intake.presumed, intake.problems) == (confirmed, left, [])
    case.later(days=1)
    assert case.sync().confirmed == 2
    case.later(days=1)
    assert case.sync(glance=case.glance([])).confirmed == 1
    assert presumed(case) == []
    assert case.evidence.spent("work", case.now.date()) == (0, size)
    assert case.records() == 7
    assert case.sound()
    case.sync()
    assert case.log == ["list"]


def test_one_that_only_looked_alike_becomes_a_record_of_its_own(case: Case) -> None:
    """The same size, date and Message-ID, and other words: kept, and told."""
    renumber(case)
    other = letter(3).replace(b"hello", b"HELLO")
    case.folders["INBOX"].messages[103] = other
    assert case.sync().recognised == 5
    case.account = account()
    intake = case.sync()
    assert (intake.new, intake.confirmed, intake.presumed) == (1, 4, 0)
    assert intake.notes == [
        "INBOX UID 103 looked like a known message and is another one: it is kept."
    ]
    assert case.records() == 8
    assert case.sound()


@pytest.mark.parametrize(
    "changed",
    [
        {"internaldate": ARRIVED.replace(year=2025)},
        {"internaldate": None},
        {"sizes": {101: 7, 102: None}},
    ],
)
def test_what_differs_is_fetched(case: Case, changed: dict[str, object]) -> None:
    """Another date or size, or one that is not told: it is not recognised."""
    renumber(case)
    for name, value in changed.items():
        setattr(case.folders["INBOX"], name, value)
    intake = case.sync()
    assert intake.recognised == (3 if "sizes" in changed else 0)
    assert intake.recognised + intake.seen_again == 5
    assert case.records() == 7


def test_without_a_message_id_nothing_is_recognised(case: Case) -> None:
    """Nor with two of them."""
    inbox = case.folders["INBOX"]
    inbox.messages = {
        1: b"Subject: none\r\n\r\nx",
        2: b"Message-ID: <a@x>\r\nMessage-ID: <a@x>\r\n\r\nx",
    }
    inbox.uidvalidity = 2
    case.sync()
    renumber(case, uidvalidity=3)
    intake = case.sync()
    assert (intake.recognised, intake.seen_again) == (0, 2)


def test_two_records_that_look_alike_are_not_told_apart_by_guessing(case: Case) -> None:
    """Both are fetched."""
    twins = {20: letter(9, text="hello"), 21: letter(9, text="HELLO")}
    case.folders["Twins"] = FakeFolder(twins, internaldate=ARRIVED)
    case.sync()
    renumber(case, "Twins")
    intake = case.sync()
    assert (intake.recognised, intake.seen_again) == (0, 2)


def test_an_interrupted_recognition_goes_on(case: Case) -> None:
    """The epoch is known by then, the folder was not read to its end."""
    case.folders = {"Big": box(*range(1000, 1600))}
    case.sync()
    renumber(case, "Big")
    stopped = case.sync(stop=lambda: any("headers" in asked for asked in case.log))
    assert (stopped.stopped, stopped.recognised) == (True, 500)
    rest = case.sync()
    assert (rest.recognised, rest.presumed) == (100, 600)
    assert case.fetched == []
    assert [each.kept for each in case.scans("Big")] == ["1000:1599", "1100:1599", "1100:1699"]


def test_a_folder_renamed_is_known_by_its_mailbox_id(case: Case) -> None:
    """RFC 8474; its messages are recognised, and one that came since is fetched."""
    clients = case.folders["Clients"]
    clients.mailbox_id = "F42"
    clients.messages[13] = letter(13)
    case.sync()
    case.folders["Customers"] = case.folders.pop("Clients")
    clients.messages[14] = letter(14)
    intake = case.sync()
    assert case.said(FolderChange) == [
        FolderChange(
            account="work",
            folder="Customers",
            change="renamed",
            uidvalidity=1,
            previous="Clients",
        )
    ]
    assert intake.notes == ["The folder Clients is called Customers now."]
    assert (intake.recognised, intake.new) == (3, 1)
    case.sync()
    assert case.log == ["list"]


def test_a_folder_renamed_is_known_by_its_numbers(case: Case) -> None:
    """UIDVALIDITY, UIDNEXT and count are those of the one that is gone."""
    case.folders["Customers"] = case.folders.pop("Clients")
    intake = case.sync()
    assert [each.change for each in case.said(FolderChange)] == ["renamed"]
    assert intake.recognised == 2


def test_where_two_folders_could_be_it_nobody_knows(case: Case) -> None:
    """Then one is gone, and two are new."""
    clients = case.folders.pop("Clients")
    case.folders |= {"A": clients, "B": clients}
    case.sync()
    assert [(each.folder, each.change) for each in case.said(FolderChange)] == [("Clients", "gone")]


def test_a_folder_that_is_gone_loses_nothing_and_is_told_once(case: Case) -> None:
    """And when it is back, that is told."""
    clients = case.folders.pop("Clients")
    for _time in range(2):
        case.sync()
    assert case.records() == 7
    case.folders["Clients"] = clients
    intake = case.sync()
    assert [(each.folder, each.change) for each in case.said(FolderChange)] == [
        ("Clients", "gone"),
        ("Clients", "back"),
    ]
    assert intake.notes == ["The folder Clients is on the server again."]
    assert (intake.new, intake.seen_again, intake.recognised) == (0, 0, 0)
    assert case.sound()


def test_a_folder_deleted_and_made_anew_is_recognised(case: Case) -> None:
    """Another UIDVALIDITY, the same messages."""
    clients = case.folders.pop("Clients")
    case.sync()
    case.folders["Clients"] = clients
    renumber(case, "Clients")
    assert case.sync().recognised == 2


def test_a_list_without_any_folder_makes_none_gone(case: Case) -> None:
    """A server that has a bad day."""
    folders = dict(case.folders)
    case.folders.clear()
    intake = case.sync()
    assert intake.problems
    assert case.said(FolderChange) == []
    case.folders |= folders
    case.sync()
    assert case.log == ["list"]


def test_a_message_that_was_moved_is_recognised_where_it_went(case: Case) -> None:
    """It vanished in one folder and came in another, in one run."""
    inbox, clients = case.folders["INBOX"], case.folders["Clients"]
    clients.messages[13] = inbox.messages.pop(5)
    clients.messages[14] = letter(14)
    inbox.uidnext = 6
    intake = case.sync()
    assert [(each.folder, each.uids) for each in case.said(Vanished)] == [("INBOX", "5")]
    assert (intake.recognised, intake.new) == (1, 1)
    assert presumed(case) == [("Clients", 13)]
    assert len(case.said(Record)) == 8


def test_a_message_that_was_copied_is_fetched(case: Case) -> None:
    """Nothing vanished, so nothing is presumed."""
    case.folders["Clients"].messages[13] = case.folders["INBOX"].messages[5]
    intake = case.sync()
    assert (intake.recognised, intake.seen_again) == (0, 1)


def test_what_is_presumed_may_vanish(case: Case) -> None:
    """Then there is nothing to fetch, and no problem."""
    renumber(case)
    case.sync()
    case.account = account()
    case.folders["INBOX"].messages.clear()
    intake = case.sync()
    assert (intake.problems, intake.presumed, intake.confirmed) == ([], 0, 0)
    assert case.sound()


def test_a_presumed_message_that_cannot_be_fetched_is_told(case: Case) -> None:
    """And stays presumed."""
    renumber(case)
    case.sync()
    case.folders["INBOX"].refused = frozenset({104})
    case.account = account()
    intake = case.sync()
    assert [problem.where for problem in intake.problems] == ["work/INBOX UID 104"]
    assert (intake.confirmed, intake.presumed) == (4, 1)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (b"Message-ID: <a@x>\r\n\r\n", b"<a@x>"),
        (b"Subject: x\r\nmessage-id:\r\n <a@x>\r\n\r\nbody", b"<a@x>"),
        (b"MESSAGE-ID : <a@x>\n\n", b"<a@x>"),
        (b"Subject: x\r\n\r\nMessage-ID: <a@x>\r\n", b""),
        (b"Message-ID: <a@x>\r\nMessage-ID: <b@x>\r\n\r\n", b""),
        (b"X-Message-ID: <a@x>\r\n\r\n", b""),
        (b"Message-ID: <a@x>", b"<a@x>"),
        (b"", b""),
    ],
)
def test_a_message_id_is_read_from_a_header(header: bytes, found: bytes) -> None:
    """Folded or not, in any case of letters, once, and only in the header."""
    assert message_id_of(header) == found


def test_a_real_message_states_its_own() -> None:
    """As the archive holds it, and as a server hands it out."""
    assert message_id_of(mail(message_id="one@x.example")) == b"<one@x.example>"


@pytest.mark.parametrize(
    ("numbers", "mailbox_id"), [((1, 2), ""), ((1, 2, 3, 4, 5), "M2"), (tuple(range(1, 9)), "M2")]
)
def test_a_folder_made_anew_under_the_same_uidvalidity_is_fetched(
    case: Case, numbers: tuple[int, ...], mailbox_id: str
) -> None:
    """Whether its MAILBOXID tells, or a UIDNEXT that went back; what was kept stays."""
    case.folders["INBOX"] = box(1, 2, 3, 4, 5, mailbox_id="M1" if mailbox_id else "")
    case.sync(full=True)
    kept = case.records()
    case.later(days=1)
    other = {number: letter(100 + number, text="another") for number in numbers}
    case.folders["INBOX"] = FakeFolder(other, internaldate=ARRIVED, mailbox_id=mailbox_id)
    intake = case.sync()
    assert intake.new == len(numbers)
    assert case.records() == kept + len(numbers)
    assert any("made anew under the same UIDVALIDITY" in note for note in intake.notes)
    assert case.sound()
    case.later(hours=1)
    again = case.sync()
    assert (again.new, again.known, again.notes, case.fetched) == (0, 0, [], [])


def test_a_folder_made_anew_with_the_same_messages_costs_a_look(case: Case) -> None:
    """A server that was restored: nothing is fetched, nothing is told to a person."""
    case.folders["INBOX"] = box(1, 2, 3, 4, 5, mailbox_id="M1")
    case.sync(full=True)
    case.later(days=1)
    case.folders["INBOX"] = box(1, 2, 3, 4, 5, mailbox_id="M2")
    intake = case.sync()
    assert (intake.new, intake.notes, case.fetched) == (0, [], [])


def test_what_fails_in_a_folder_made_anew_is_tried_until_it_comes(case: Case) -> None:
    """Its number is known: only the old cursor tells that another message stands there."""
    case.folders["INBOX"] = box(1, 2, 3, 4, 5, mailbox_id="M1")
    case.sync(full=True)
    case.later(days=1)
    other = {number: letter(100 + number, text="another") for number in range(1, 6)}
    anew = FakeFolder(other, internaldate=ARRIVED, mailbox_id="M2", refused=frozenset({2}))
    case.folders["INBOX"] = anew
    assert case.sync().new == 4
    case.folders["INBOX"] = replace(anew, refused=frozenset())
    assert case.sync().new == 1
