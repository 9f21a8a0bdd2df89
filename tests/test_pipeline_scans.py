"""What a sync journals of its walk: whole, broken off, and what vanished."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from evidence_case import create, now, reopen
from mail import mail
from mailbox_fakes import FakeFolder, FakeSession, account

from archiver.errors import TemporaryNetworkError
from archiver.evidence.checks.check import verify
from archiver.evidence.store import Evidence
from archiver.model.entries import Payload, Scan, Vanished
from archiver.pipeline.keep import sync_account

BOX = {uid: mail(subject=f"Mail {uid}", message_id=f"{uid}@x.example") for uid in range(1, 6)}


@pytest.fixture
def evidence(tmp_path: Path) -> Iterator[Evidence]:
    """Make an empty archive."""
    create(tmp_path / "archive").close()
    with reopen(tmp_path / "archive") as evidence:
        yield evidence


def sync(evidence: Evidence, *sessions: FakeSession) -> None:
    """Sync the account that SESSIONS stand for, one for each time that it is dialled."""
    line = iter(sessions)

    def connect() -> FakeSession:
        for session in line:
            return session
        raise TemporaryNetworkError("nobody answers", advice="later")

    sync_account(evidence, account(), connect=connect, clock=now)


def journalled(evidence: Evidence, kind: type[Payload]) -> list[Payload]:
    """Return what the entries of one type say."""
    return [entry.payload for entry in evidence.entries() if isinstance(entry.payload, kind)]


def test_a_whole_walk_is_one_scan(evidence: Evidence) -> None:
    """With what the folder is for and the UIDs that were kept."""
    sync(evidence, FakeSession({"Junk": FakeFolder(BOX, role="junk")}))
    (scan,) = journalled(evidence, Scan)
    assert isinstance(scan, Scan)
    (folder,) = scan.folders
    assert (folder.folder, folder.role, folder.kept, folder.exists) == ("Junk", "junk", "1:5", 5)


def test_a_walk_that_finds_nothing_new_journals_nothing(evidence: Evidence) -> None:
    """But for a heartbeat a day."""
    sync(evidence, FakeSession({"INBOX": FakeFolder(BOX)}))
    size = evidence.size
    sync(evidence, FakeSession({"INBOX": FakeFolder(BOX)}))
    assert evidence.size == size


def test_a_message_that_keeps_failing_is_journalled_once(evidence: Evidence) -> None:
    """And once more when it fails no longer."""
    bad = FakeFolder(BOX, refused=frozenset({3}))
    for _time in range(3):
        sync(evidence, FakeSession({"INBOX": bad}))
    assert len(journalled(evidence, Scan)) == 1
    sync(evidence, FakeSession({"INBOX": FakeFolder(BOX)}))
    first, last = journalled(evidence, Scan)
    assert isinstance(first, Scan)
    assert isinstance(last, Scan)
    assert first.folders[0].failed[0][0] == 3
    assert (last.folders[0].kept, last.folders[0].failed) == ("3", ())


def test_what_vanished_is_journalled_once_and_kept(evidence: Evidence) -> None:
    """The archive never deletes because the server did."""
    sync(evidence, FakeSession({"INBOX": FakeFolder(BOX)}))
    left = {uid: data for uid, data in BOX.items() if uid not in (2, 3)}
    for _time in range(2):
        sync(evidence, FakeSession({"INBOX": FakeFolder(left)}))
    assert journalled(evidence, Vanished) == [
        Vanished(account="work", folder="INBOX", uidvalidity=1, uids="2:3")
    ]
    assert evidence.count_records() == 5
    assert [each for each in verify(evidence).findings if each.level != "note"] == []


def test_a_list_that_is_shorter_than_the_server_says_makes_nothing_vanish(
    evidence: Evidence,
) -> None:
    """A server that lists too little has deleted nothing."""
    sync(evidence, FakeSession({"INBOX": FakeFolder(BOX)}))
    sync(evidence, FakeSession({"INBOX": FakeFolder(BOX, unlisted=frozenset({2}))}))
    assert journalled(evidence, Vanished) == []


def test_a_walk_that_breaks_off_journals_what_it_kept(evidence: Evidence) -> None:
    """The UIDs of the folder in which it broke off are not lost from the scan."""
    large = dict.fromkeys(BOX, 5 * 1024 * 1024)  # so that each message is a batch of its own
    box = FakeFolder(BOX, sizes=large, deadly=frozenset({4}))
    with pytest.raises(TemporaryNetworkError):
        sync(evidence, FakeSession({"INBOX": box}))
    (scan,) = journalled(evidence, Scan)
    assert isinstance(scan, Scan)
    assert scan.folders[0].kept == "1:3"
