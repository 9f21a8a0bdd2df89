"""What saves work and proves nothing: cursors, volumes, when accounts were synchronised."""

import contextlib
import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from evidence_case import (
    NOW,
    FullDisk,
    KillingDisk,
    ReadOnlyDisk,
    create,
    cursor,
    make_older,
    presumption,
    reopen,
    seen,
)

from archiver.errors import LockedError, OperationError
from archiver.evidence.checks.check import verify
from archiver.evidence.store import Evidence
from archiver.model.cursors import Cursor, Status
from archiver.model.digest import Digest
from archiver.model.entries import Epoch, FolderChange, FolderScan, Scan, Vanished

DAY = date(2026, 3, 2)


def test_cursors_are_there_by_folder(tmp_path: Path) -> None:
    """For the account that they were put for."""
    odd = replace(cursor("json:\udc80", rules="ab", done=False), whole=NOW + timedelta(days=1))
    plain = Cursor(
        folder="INBOX", status=Status(uidvalidity=1, uidnext=1, exists=0), whole=NOW, done=True
    )
    with create(tmp_path) as evidence:
        evidence.put_cursors("work", [plain, odd])
        evidence.put_cursors("home", [cursor("INBOX")])
    with reopen(tmp_path, recover=False) as evidence:
        assert evidence.cursors("work") == {"INBOX": plain, odd.folder: odd}
        assert evidence.cursors("other") == {}


def test_cursors_are_replaced_and_forgotten_together(tmp_path: Path) -> None:
    """A folder that is gone needs none."""
    with create(tmp_path) as evidence:
        evidence.put_cursors("work", [cursor("A"), cursor("B")])
        evidence.put_cursors("work", [cursor("B", uidnext=9)], forget=["A", "never met"])
        assert evidence.cursors("work") == {"B": cursor("B", uidnext=9)}


def test_up_to_where_was_looked_is_remembered_by_account(tmp_path: Path) -> None:
    """Nothing is known of an account that was never walked through."""
    with create(tmp_path) as evidence:
        evidence.note_looked("work", 4)
        evidence.note_looked("work", 9)
    with reopen(tmp_path, recover=False) as evidence:
        assert (evidence.looked("work"), evidence.looked("home")) == (9, 0)


def test_nothing_is_written_when_nothing_changed(tmp_path: Path) -> None:
    """A sync that finds nothing new must cost nothing."""
    with create(tmp_path) as evidence:
        evidence.put_cursors("work", [cursor("A")])
        before = evidence.database.number("SELECT total_changes()")
        evidence.put_cursors("work", [cursor("A")], forget=["B"])
        evidence.put_cursors("work", [])
        evidence.spend("work", DAY, 0, 0)
        assert evidence.database.number("SELECT total_changes()") == before


def test_numbers_that_cannot_be_held_leave_no_cursor(tmp_path: Path) -> None:
    """The folder is read again next time; a server may say anything."""
    with create(tmp_path) as evidence:
        evidence.put_cursors("work", [cursor("A"), cursor("B")])
        evidence.put_cursors("work", [cursor("A", uidnext=2**63), cursor("B", uidnext=9)])
        assert evidence.cursors("work") == {"B": cursor("B", uidnext=9)}


@pytest.mark.parametrize("whole", ["yesterday", "2026-03-02"])
def test_a_cursor_that_cannot_be_read_is_no_cursor(tmp_path: Path, whole: str) -> None:
    """Somebody changed it; its folder is read as if it were new."""
    with create(tmp_path) as evidence:
        evidence.put_cursors("work", [cursor("A"), cursor("B")])
        evidence.database.all("UPDATE cursor SET whole = ? WHERE folder = 'A'", whole)
        assert list(evidence.cursors("work")) == ["B"]
        assert not verify(evidence).findings


def test_volumes_add_up_by_account_and_day(tmp_path: Path) -> None:
    """New messages and presumed ones apart."""
    with create(tmp_path) as evidence:
        evidence.spend("work", DAY, 100, 0)
        evidence.spend("work", DAY, 20, 7)
        evidence.spend("work", DAY + timedelta(days=1), 3, 0)
        evidence.spend("home", DAY, 1, 1)
    with reopen(tmp_path, recover=False) as evidence:
        assert evidence.spent("work", DAY) == (120, 7)
        assert evidence.spent("work", DAY + timedelta(days=1)) == (3, 0)
        assert evidence.spent("home", DAY) == (1, 1)
        assert evidence.spent("other", DAY) == (0, 0)


def test_attempts_in_vain_are_counted_until_a_good_one(tmp_path: Path) -> None:
    """With the reason of the last, however it is written."""
    with create(tmp_path) as evidence:
        assert evidence.trouble_of("work") == (0, "")
        evidence.note_sync("work", NOW, good=False, reason="refused \udc80")
        evidence.note_sync("work", NOW, good=False, reason="timed out" * 1000)
        evidence.note_sync("home", NOW, good=False)
        attempts, reason = evidence.trouble_of("work")
        assert (attempts, reason[:9], len(reason)) == (2, "timed out", 500)
        assert evidence.trouble_of("home") == (1, "")
        evidence.note_sync("work", NOW + timedelta(hours=1), good=True)
        assert evidence.trouble_of("work") == (0, "")
        assert evidence.last_syncs()["work"] == (NOW + timedelta(hours=1),) * 2


def test_none_of_it_is_written_into_an_archive_that_is_only_read(tmp_path: Path) -> None:
    """Nor said to be."""
    with create(tmp_path) as evidence:
        evidence.put_cursors("work", [cursor("A")])
    with reopen(tmp_path, ReadOnlyDisk()) as evidence:
        assert evidence.cursors("work") == {"A": cursor("A")}
        for write in (
            lambda: evidence.put_cursors("work", [cursor("B")]),
            lambda: evidence.spend("work", DAY, 1, 0),
            lambda: evidence.note_sync("work", NOW, good=True),
        ):
            with pytest.raises(OperationError, match="open for reading only"):
                write()


def test_after_an_error_of_the_disk_no_cursor_is_put(tmp_path: Path) -> None:
    """And that the sync failed is not told in the place of why."""
    with create(tmp_path) as evidence:
        evidence._writer._broken = True
        evidence.note_sync("work", NOW, good=False, reason="the disk")
        assert evidence.last_syncs() == {}
        with pytest.raises(OperationError, match="failed before"):
            evidence.put_cursors("work", [cursor("A")])


def test_a_batch_that_was_not_kept_moves_no_cursor(tmp_path: Path) -> None:
    """The order is the caller's: what raises before it leaves it where it was."""
    with create(tmp_path) as evidence:
        evidence.put_cursors("work", [cursor("A")])
    with reopen(tmp_path, FullDisk(100)) as evidence:
        with pytest.raises(OperationError, match="no room left"):
            evidence.keep([seen(os.urandom(200), 7)])
        assert evidence.cursors("work") == {"A": cursor("A")}


def test_cursors_wait_for_no_disk_and_no_lock(tmp_path: Path) -> None:
    """Only SQLite's own: another process may hold the archive's for a batch."""
    with create(tmp_path) as evidence, reopen(tmp_path, lock_wait=0.1) as other:
        with evidence.writing():
            other.put_cursors("work", [cursor("A")])
            other.note_sync("work", NOW, good=True)
        assert evidence.cursors("work") == {"A": cursor("A")}
        assert other.database.number("PRAGMA synchronous") == 2  # FULL again
        with evidence.database.transaction(), pytest.raises(LockedError, match="to itself"):
            other.put_cursors("work", [cursor("B")])
        assert other.database.number("PRAGMA synchronous") == 2


def _keep_batches(root: Path, disk: KillingDisk) -> None:
    with reopen(root, disk) as evidence:
        for uid in range(1, 9):
            evidence.keep([seen(f"message {uid}".encode(), uid)])
            evidence.put_cursors("work", [cursor("INBOX", uidnext=uid + 1)])


@pytest.mark.parametrize("moment", ["object-named", "commit", "committed", "mirror-written"])
@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_kill_9_leaves_no_cursor_ahead_of_what_is_kept(
    tmp_path: Path, moment: str, after: int
) -> None:
    """Batch after batch, the cursor put after each."""
    with create(tmp_path / "archive"):
        pass
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            _keep_batches(tmp_path / "archive", KillingDisk(moment, after))
        os._exit(0)
    _pid, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    with reopen(tmp_path / "archive") as evidence:
        known = evidence.known_uids("work", "INBOX", 1)
        found = evidence.cursors("work").get("INBOX")
        assert known >= set(range(1, found.status.uidnext if found else 1))
        assert not [one for one in verify(evidence).findings if one.level == "error"]


def _cuts(log: bytes) -> Iterator[bytes]:
    """Yield what a power cut may leave of a write-ahead log: cut anywhere, or torn."""
    for length in range(0, len(log) + 1, 97):
        yield log[:length]
        yield log[:length] + bytes(len(log) - length)


def test_a_power_cut_takes_no_kept_message_and_leaves_no_cursor_ahead(tmp_path: Path) -> None:
    """What was not synced may be lost in any way; the log is read up to where it is whole."""
    root = tmp_path / "archive"
    with create(root) as evidence:
        pass
    with reopen(root) as evidence:
        evidence.keep([seen(b"one", 1)])
        synced = (root / "journal" / "journal.sqlite-wal").stat().st_size
        evidence.put_cursors("work", [cursor("INBOX", uidnext=2)])
        evidence.spend("work", DAY, 3, 0)
        files = {
            path.name: path.read_bytes()
            for path in (root / "journal").iterdir()
            if path.suffix != ".lock" and path.is_file()
        }
    log = files["journal.sqlite-wal"]
    assert len(log) > synced
    for cut in _cuts(log[synced:]):
        copy = tmp_path / "copy"
        shutil.copytree(root, copy)
        for name, data in files.items():
            (copy / "journal" / name).write_bytes(data)
        (copy / "journal" / "journal.sqlite-wal").write_bytes(log[:synced] + cut)
        (copy / "journal" / "journal.sqlite-shm").unlink()
        with reopen(copy) as evidence:
            assert evidence.known_uids("work", "INBOX", 1) == {1}
            assert evidence.cursors("work") in ({}, {"INBOX": cursor("INBOX", uidnext=2)})
            assert not verify(evidence).findings
        shutil.rmtree(copy)


def test_scans_are_read_in_order(tmp_path: Path) -> None:
    """Of one account, or of all."""
    folder = FolderScan(folder="INBOX", uidvalidity=1, exists=1, kept="1")
    scan = Scan(account="work", folders=(folder,))
    gone = Vanished(account="work", folder="INBOX", uidvalidity=1, uids="1")
    change = FolderChange(account="work", folder="INBOX", change="gone", uidvalidity=1)
    with create(tmp_path) as evidence:
        evidence.keep([seen(b"one", 1)])
        evidence.append([scan])
        evidence.keep([seen(b"two", 1, account="home")])
        evidence.append([gone, change])
        work = [type(entry.payload) for entry in evidence.scans("work")]
        assert work == [Epoch, Scan, Vanished, FolderChange]
        assert [type(entry.payload) for entry in evidence.scans("home")] == [Epoch]
        assert len(list(evidence.scans())) == 5
        assert evidence.entry(10**30) is None
        assert evidence.entry(-1) is None


# --- archives of earlier versions ----------------------------------------------------------------


@pytest.fixture(params=[1, 2])
def older(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Return an archive with something in it as an earlier version made it."""
    root = tmp_path / "archive"
    folder = FolderScan(folder="INBOX", uidvalidity=1, exists=2, kept="1:2", failed=((3, "gone"),))
    with create(root) as evidence:
        evidence.keep([seen(b"one", 1), seen(b"two", 2)])
        evidence.append([Scan(account="work", folders=(folder,))])
        evidence.append([Vanished(account="work", folder="INBOX", uidvalidity=1, uids="2")])
        evidence.note_sync("work", NOW, good=True)
        make_older(evidence.database, request.param)
    return root


def test_an_archive_of_an_earlier_version_gets_the_new_tables(older: Path) -> None:
    """When it is first opened for writing; what it holds is as it was."""
    with reopen(older) as evidence:
        assert evidence.database.version == 3
        assert not verify(evidence).findings
        assert evidence.last_syncs() == {"work": (NOW, NOW)}
        one = evidence.position_of(Digest.of(b"one"))
        assert one is not None
        evidence.append([presumption(one, 9, uidvalidity=2)])
        evidence.put_cursors("work", [cursor("INBOX")])
        assert evidence.known_uids("work", "INBOX", 2) == {9}
        assert not verify(evidence).findings


def test_an_archive_of_an_earlier_version_can_be_read_as_it_is(older: Path) -> None:
    """Where nothing may be written: there is nothing in what it lacks."""
    before = (older / "journal" / "journal.sqlite").read_bytes()
    with reopen(older, ReadOnlyDisk()) as evidence:
        assert evidence.known_uids("work", "INBOX", 1) == {1, 2}
        assert evidence.presumed("work") == ()
        assert list(evidence.unkept("work")) == []
        assert evidence.cursors("work") == {}
        assert evidence.spent("work", DAY) == (0, 0)
        assert evidence.trouble_of("work") == (0, "")
        assert not verify(evidence).findings
    assert (older / "journal" / "journal.sqlite").read_bytes() == before


def test_a_migration_that_is_interrupted_is_done_the_next_time(older: Path) -> None:
    """Until then it is an archive of the earlier version, whole."""
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            reopen(older, KillingDisk("commit")).close()
        os._exit(0)
    _pid, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    with contextlib.closing(sqlite3.connect(older / "journal" / "journal.sqlite")) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
    assert version < 3
    assert "presumed" not in names
    with reopen(older) as evidence:
        assert evidence.database.version == 3
        assert not verify(evidence).findings


def test_two_that_open_it_at_once_migrate_it_once(older: Path) -> None:
    """The one that comes second finds it done, also by a version still newer."""
    with reopen(older) as evidence:
        evidence.database.upgrade()
        assert evidence.database.version == 3
        evidence.database.all("PRAGMA user_version = 4")
        evidence.database.upgrade()
        assert evidence.database.version == 4


def test_an_archive_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    """An older program would not see what is presumed, and fetch or forget the wrong things."""
    with create(tmp_path) as evidence:
        evidence.database.all("PRAGMA user_version = 4")
    with pytest.raises(OperationError, match="written by a newer archiver") as caught:
        reopen(tmp_path)
    assert "Install the newest version" in caught.value.advice


def test_opening_a_large_archive_reads_no_more_than_a_small_one(tmp_path: Path) -> None:
    """A sync that finds nothing new opens it every few minutes."""
    steps = []
    for count in (10, 2000):
        root = tmp_path / str(count)
        with create(root) as evidence:
            for first in range(1, count, 500):
                last = min(first + 500, count + 1)
                evidence.keep([seen(b"%d" % uid, uid) for uid in range(first, last)])
        counted = Counting()
        original = sqlite3.connect
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sqlite3, "connect", counted.wrap(original))
            with Evidence.open(
                root, clock=lambda: datetime.now(UTC), entropy=os.urandom, software="test"
            ) as evidence:
                evidence.put_cursors("work", [cursor("INBOX")])
                evidence.note_sync("work", NOW, good=True)
        steps.append(counted.steps)
    assert steps[1] <= steps[0] + 2, steps


class Counting:
    """Counts hundreds of SQLite's own instructions."""

    def __init__(self) -> None:
        self.steps = 0

    def wrap(self, connect: object) -> object:
        """Return CONNECT, each of whose connections is counted."""

        def connected(*arguments: object, **options: object) -> sqlite3.Connection:
            connection: sqlite3.Connection = connect(*arguments, **options)  # type: ignore[operator]
            connection.set_progress_handler(self._count, 100)
            return connection

        return connected

    def _count(self) -> int:
        self.steps += 1
        return 0
