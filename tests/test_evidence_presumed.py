"""What is recognised by its attributes only: known, told apart, settled by its bytes."""

from datetime import timedelta
from pathlib import Path

import pytest
from evidence_case import NOW, create, presumption, reopen, seen

from archiver.errors import OperationError
from archiver.evidence.checks.check import verify
from archiver.evidence.erasure import erase
from archiver.evidence.store import Evidence
from archiver.model.digest import Digest, Position
from archiver.model.entries import Epoch, Vanished
from archiver.model.places import Place, Presumed


def kept(evidence: Evidence, data: bytes = b"one", uid: int = 1) -> Position:
    """Keep DATA in the inbox, and return its position."""
    (one,) = evidence.keep([seen(data, uid)])
    return one.position


def codes(evidence: Evidence) -> dict[str, str]:
    """Return what a check finds."""
    return {one.code: one.level for one in verify(evidence).findings}


def test_what_is_presumed_is_known_and_not_fetched_as_new(tmp_path: Path) -> None:
    """It is waiting for its bytes all the same."""
    with create(tmp_path) as evidence:
        one = kept(evidence)
        evidence.append([presumption(one, 9, folder="Archive", uidvalidity=7)])
        assert evidence.known_uids("work", "Archive", 7) == {9}
        assert evidence.present_uids("work", "Archive", 7) == {9}
        assert evidence.presumed("work") == (Presumed("Archive", 7, 9, one),)
        assert evidence.presumed("home") == ()
        assert codes(evidence) == {}


def test_a_presumption_opens_the_epoch_of_its_folder(tmp_path: Path) -> None:
    """A folder that is numbered anew may have nothing else; what is asked for is returned."""
    with create(tmp_path) as evidence:
        one = kept(evidence)
        two = [presumption(one, uid, uidvalidity=7) for uid in (1, 2)]
        positions = evidence.append(two)
        payloads = [entry.payload for entry in evidence.entries(evidence.size - 3)]
        assert payloads == [
            Epoch(account="work", folder="INBOX", uidvalidity=7, previous=1),
            *two,
        ]
        assert positions == (evidence.size - 2, evidence.size - 1)
        assert evidence.last_uidvalidity("work", "INBOX") == 7


def test_an_epoch_that_is_given_is_not_written_twice(tmp_path: Path) -> None:
    """Whoever journals it himself has it once."""
    with create(tmp_path) as evidence:
        one = kept(evidence)
        size = evidence.size
        epoch = Epoch(account="work", folder="INBOX", uidvalidity=7, previous=1)
        evidence.append([epoch, presumption(one, 1, uidvalidity=7)])
        assert evidence.size == size + 2


def test_its_bytes_settle_it(tmp_path: Path) -> None:
    """The presumption stays in the journal, and waits no longer."""
    with create(tmp_path) as evidence:
        one = kept(evidence)
        evidence.append([presumption(one, 9, uidvalidity=7)])
        (again,) = evidence.keep([seen(b"one", 9, uidvalidity=7)])
        assert (again.position, again.new, again.sighted) == (one, False, True)
        assert evidence.presumed("work") == ()
        assert evidence.known_uids("work", "INBOX", 7) == {9}
        assert codes(evidence) == {}


def test_one_that_proves_wrong_is_no_reused_uid(tmp_path: Path) -> None:
    """The server did nothing wrong: we took one message for another."""
    with create(tmp_path) as evidence:
        one = kept(evidence)
        evidence.append([presumption(one, 9, uidvalidity=7)])
        (other,) = evidence.keep([seen(b"other", 9, uidvalidity=7)])
        assert other.new
        assert evidence.presumed("work") == ()
        assert codes(evidence) == {}


def test_one_that_comes_after_the_bytes_waits_for_nothing(tmp_path: Path) -> None:
    """Whatever the order."""
    with create(tmp_path) as evidence:
        one = kept(evidence)
        evidence.append([presumption(one, 1)])
        assert evidence.presumed("work") == ()
        assert codes(evidence) == {}


def test_one_that_vanished_is_not_waited_for_and_not_known(tmp_path: Path) -> None:
    """If the server lists it again, it had only left it out: its bytes were never fetched."""
    gone = Vanished(account="work", folder="INBOX", uidvalidity=7, uids="8:9")
    with create(tmp_path) as evidence:
        one = kept(evidence)
        evidence.append([presumption(one, uid, uidvalidity=7) for uid in (8, 9)])
        evidence.append([gone])
        assert evidence.presumed("work") == ()
        assert evidence.known_uids("work", "INBOX", 7) == frozenset()
        assert evidence.present_uids("work", "INBOX", 7) == frozenset()
        assert codes(evidence) == {}
        evidence.append([presumption(one, 8, uidvalidity=7)])
        evidence.keep([seen(b"nine", 9, uidvalidity=7)])
        assert evidence.presumed("work") == (Presumed("INBOX", 7, 8, one),)
        assert evidence.known_uids("work", "INBOX", 7) == {8, 9}
        assert codes(evidence) == {}


def test_an_erased_record_is_not_fetched_where_it_was_presumed(tmp_path: Path) -> None:
    """Its presumption is emptied like its other sightings; the UID alone stays."""
    with create(tmp_path) as evidence:
        one = kept(evidence)
        evidence.append([presumption(one, 9, folder="Zugzwang", uidvalidity=7)])
        erase(evidence, [one], basis="Art. 17 GDPR", actor="person:lea")
        assert evidence.known_uids("work", "Zugzwang", 7) == {9}
        assert evidence.presumed("work") == ()
        assert not any(b"internaldate" in row[2] for row in evidence.journal.rows(0, evidence.size))
        assert codes(evidence) == {}
        with pytest.raises(OperationError, match="no record at position"):
            evidence.append([presumption(one, 10, folder="Zugzwang", uidvalidity=7)])


def test_places_are_what_messages_are_recognised_by(tmp_path: Path) -> None:
    """Also of those that vanished, since one that was moved is gone where it was."""
    with create(tmp_path) as evidence:
        later = NOW + timedelta(hours=1)
        one, two, three = (
            each.position
            for each in evidence.keep(
                [
                    seen(b"one", 1),
                    seen(b"twos", 2, internaldate=later),
                    seen(b"three", 1, folder="Eté/\udc80", internaldate=None),
                ]
            )
        )
        evidence.append([Vanished(account="work", folder="INBOX", uidvalidity=1, uids="2")])
        evidence.append([presumption(one, 9, folder="Archive", uidvalidity=7)])
        found = set(evidence.places("work"))
        assert found == {
            Place("INBOX", 1, 1, one, Digest.of(b"one"), 3, NOW),
            Place("INBOX", 1, 2, two, Digest.of(b"twos"), 4, later),
            Place("Eté/\udc80", 1, 1, three, Digest.of(b"three"), 5, None),
        }
        assert [place.uid for place in evidence.places("work", "INBOX")] == [1, 2]
        assert not list(evidence.places("work", "Archive"))
        erase(evidence, [one], basis="a request", actor="person:lea")
        assert [place.uid for place in evidence.places("work", "INBOX")] == [2]


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE presumed SET state = 'fetched' WHERE uid = 8", "lookup-extra"),
        ("UPDATE presumed SET state = 'kept' WHERE uid = 9", "lookup-extra"),
        ("UPDATE presumed SET state = 'erased' WHERE uid = 8", "lookup-extra"),
        ("UPDATE presumed SET state = 'vanished' WHERE uid = 8", "lookup-extra"),
        ("UPDATE presumed SET state = 'kept' WHERE uid = 7", "lookup-missing"),
        ("UPDATE presumed SET entry = entry - 1 WHERE uid = 8", "lookup-extra"),
        ("DELETE FROM presumed WHERE uid = 8", "lookup-missing"),
        ("UPDATE presumed SET uid = 88 WHERE uid = 8", "lookup-missing"),
        (
            "INSERT INTO presumed VALUES ('work', 'INBOX', 1, 99, 2, 3, 'kept')",
            "lookup-extra",
        ),
    ],
)
def test_a_presumption_that_no_entry_explains_is_found(
    tmp_path: Path, statement: str, code: str
) -> None:
    """A message that counts as presumed, or as fetched, is not fetched as new."""
    with create(tmp_path) as evidence:
        one = kept(evidence)
        evidence.append([presumption(one, uid, uidvalidity=7) for uid in (7, 8, 9)])
        evidence.keep([seen(b"nine", 9, uidvalidity=7)])
        evidence.append([Vanished(account="work", folder="INBOX", uidvalidity=7, uids="7")])
        assert codes(evidence) == {}
        evidence.database.all(statement)
        found = verify(evidence).findings
        assert code in {one.code for one in found}
        assert all(one.level == "error" for one in found)
        assert any(
            "presumed" in (one.subject, one.message.split()[-1].rstrip(".")) for one in found
        )


def test_presumptions_are_there_after_opening_again(tmp_path: Path) -> None:
    """By another process, or read-only."""
    with create(tmp_path) as evidence:
        evidence.append([presumption(kept(evidence), 9, uidvalidity=7)])
    with reopen(tmp_path, recover=False) as evidence:
        assert [one.uid for one in evidence.presumed("work")] == [9]
