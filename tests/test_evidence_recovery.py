"""Starting up after an interruption, read-only media, and locks."""

import errno
import os
import shutil
import stat
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from evidence_case import ReadOnlyDisk, create, reopen, seen

from archiver.errors import LockedError, OperationError
from archiver.evidence.checks.check import verify
from archiver.evidence.disk import Disk, SyncError
from archiver.evidence.journal.database import refuse_without_wal
from archiver.evidence.locks import Locks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from archiver.evidence.store import Evidence

TESTS = Path(__file__).parent


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return a closed archive with three records."""
    with create(tmp_path / "archive") as evidence:
        evidence.keep([seen(bytes([number]), number) for number in (1, 2, 3)])
    return tmp_path / "archive"


def mirror(archive: Path) -> Path:
    """Return where the mirror of ARCHIVE is."""
    return archive / "journal" / "leaves"


def codes(evidence: "Evidence") -> set[str]:
    """Return the codes of all findings."""
    return {finding.code for finding in verify(evidence, read_data=1.0).findings}


@pytest.mark.parametrize("damage", ["cut", "torn", "gone", "blank"])
def test_a_mirror_that_a_crash_left_short_is_completed(archive: Path, damage: str) -> None:
    """Whole leaves missing, part of one, all of them, or blanks where a power cut lost data."""
    path = mirror(archive)
    leaves = path.read_bytes()
    match damage:
        case "cut":
            path.write_bytes(leaves[:-64])
        case "torn":
            path.write_bytes(leaves[:-50])
        case "gone":
            path.unlink()
        case _:
            path.write_bytes(leaves[:-64] + bytes(40))
    with reopen(archive) as evidence:
        assert path.read_bytes() == leaves
        assert not codes(evidence)


def test_temporaries_of_an_interrupted_write_are_removed(archive: Path) -> None:
    """Write-protected ones too."""
    left = archive / "objects" / "tmp" / "deadbeef-0"
    left.write_bytes(b"half")
    left.chmod(0o444)
    with reopen(archive, recover=False) as evidence:
        assert codes(evidence) == {"temporary-left"}
    with reopen(archive) as evidence:
        assert not codes(evidence)
    assert not left.exists()


def test_a_rolled_back_database_stops_everything(archive: Path) -> None:
    """An older journal.sqlite beside a newer mirror: entries are missing."""
    database = archive / "journal" / "journal.sqlite"
    old = database.read_bytes()
    with reopen(archive) as evidence:
        evidence.keep([seen(b"new", 9)])
    leaves = mirror(archive).read_bytes()
    database.write_bytes(old)
    with pytest.raises(OperationError, match="rolled back") as caught:
        reopen(archive)
    assert "journal.sqlite-wal" in caught.value.advice
    with pytest.raises(OperationError, match="rolled back"):
        reopen(archive, ReadOnlyDisk())
    with reopen(archive, recover=False) as evidence:
        assert "rolled-back" in codes(evidence)
    assert mirror(archive).read_bytes() == leaves


def test_a_journal_that_went_another_way_stops_writing(archive: Path) -> None:
    """Rolled back and grown again: as long as the mirror, but not the same."""
    path = mirror(archive)
    leaves = path.read_bytes()
    path.write_bytes(leaves[:-32] + b"x" * 32)
    with reopen(archive) as evidence:
        with pytest.raises(OperationError, match="different stories") as caught:
            evidence.keep([seen(b"new", 9)])
        assert "archiver verify" in caught.value.advice
        assert codes(evidence) == {"mirror-differs"}


def test_what_another_process_left_undone_is_done_before_the_next_batch(archive: Path) -> None:
    """A process that is open while another one is killed goes on from the right place."""
    with reopen(archive) as one:
        with reopen(archive) as other:
            other.keep([seen(b"other", 9)])
        path = mirror(archive)
        path.write_bytes(path.read_bytes()[:-70])
        one.keep([seen(b"one", 10)])
        assert not codes(one)


def test_opening_for_a_check_changes_nothing(archive: Path) -> None:
    """What an interruption left is there to be seen."""
    path = mirror(archive)
    path.write_bytes(path.read_bytes()[:-50])
    before = path.read_bytes()
    with reopen(archive, recover=False) as evidence:
        assert codes(evidence) == {"mirror-torn", "mirror-behind"}
        with pytest.raises(OperationError, match="reading only"):
            evidence.keep([seen(b"x")])
    assert path.read_bytes() == before


def everything(folder: Path) -> dict[Path, bytes]:
    """Return all files below FOLDER."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_read_only_media_are_read_without_a_trace(archive: Path) -> None:
    """No lock, no file of SQLite's own, and writing is refused with advice."""
    before = everything(archive)
    with reopen(archive, ReadOnlyDisk()) as evidence:
        assert evidence.read_only
        assert evidence.count_records() == 3
        assert not codes(evidence)
        with pytest.raises(OperationError, match="reading only") as caught:
            evidence.keep([seen(b"x")])
        assert "Copy" in caught.value.advice
        with pytest.raises(OperationError, match="reading only"):
            evidence.account_lock("work")
    assert everything(archive) == before


def test_entries_still_in_the_log_are_seen_on_read_only_media(
    archive: Path, tmp_path: Path
) -> None:
    """A copy made while a program was running has its newest entries in journal.sqlite-wal."""
    copy = tmp_path / "copy"
    with reopen(archive) as evidence:
        evidence.keep([seen(b"new", 9)])
        shutil.copytree(archive, copy)
        size = evidence.size
    assert (copy / "journal" / "journal.sqlite-wal").stat().st_size
    before = everything(copy)
    with reopen(copy, ReadOnlyDisk()) as evidence:
        assert evidence.size == size
        assert not codes(evidence)
    assert everything(copy) == before


def run(archive: Path, code: str) -> "subprocess.Popen[str]":
    """Start another process that has opened ARCHIVE as ``evidence``."""
    start = f"""
        import sys
        sys.path[:0] = [{str(TESTS)!r}, {str(TESTS.parent)!r}]
        from pathlib import Path
        from evidence_case import *
        evidence = reopen(Path({str(archive)!r}))
        """
    program = textwrap.dedent(start) + textwrap.dedent(code)
    return subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


@pytest.fixture
def holder(archive: Path) -> "Iterator[subprocess.Popen[str]]":
    """Yield another process that holds the account's lock and the write lock until it ends."""
    code = """
        with evidence.account_lock("work"), evidence._writer.hold():
            print("held", flush=True)
            sys.stdin.read()
        """
    with run(archive, code) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_sync_of_an_account_is_told_at_once(
    archive: Path, holder: "subprocess.Popen[str]"
) -> None:
    """Another account is free; after kill -9 this one is too."""
    with reopen(archive) as evidence:
        with pytest.raises(LockedError, match="work") as caught, evidence.account_lock("work"):
            pass
        assert caught.value.exit_code == 11
        assert "Wait" in caught.value.advice
        with evidence.account_lock("w/o\\rk"):
            pass
        holder.kill()
        holder.wait()
        with evidence.account_lock("work"):
            pass


def test_a_second_sync_of_an_account_may_wait_for_the_first(
    archive: Path, holder: "subprocess.Popen[str]"
) -> None:
    """It says how long it did, and that the daemon may be at it; when that ends, it goes on."""
    with reopen(archive) as evidence:
        with pytest.raises(LockedError) as caught, evidence.account_lock("work", wait=0.05):
            pass
        assert caught.value.what == (
            "Another sync, perhaps the daemon's, has been synchronising the account work for "
            "0.05 s."
        )
        assert "archiver daemon --status" in caught.value.advice
        assert "--lock-wait" in caught.value.advice
        ending = threading.Timer(0.1, holder.kill)
        ending.start()
        with evidence.account_lock("work", wait=30):
            ending.join()


def test_writing_waits_for_the_lock_and_then_gives_up(
    archive: Path, holder: "subprocess.Popen[str]"
) -> None:
    """As long as --lock-wait says; after kill -9 it goes on."""
    with reopen(archive, lock_wait=0.1) as evidence:
        with pytest.raises(LockedError, match=r"0\.1 s") as caught:
            evidence.keep([seen(b"x")])
        assert "--lock-wait" in caught.value.advice
        holder.kill()
        holder.wait()
        assert evidence.keep([seen(b"x", 9)])[0].new


def test_another_program_in_the_journal_is_told(archive: Path) -> None:
    """A SQLite browser with an open transaction, for example; it can be tried again."""
    with reopen(archive) as browser, reopen(archive, lock_wait=0.1) as evidence:
        browser.database.all("BEGIN IMMEDIATE")
        with pytest.raises(LockedError, match="to itself") as caught:
            evidence.keep([seen(b"x", 9)])
        assert "Close that program" in caught.value.advice
        browser.database.all("ROLLBACK")
        assert evidence.keep([seen(b"x", 9)])[0].new


class LocklessFile:
    """A lock on a file system that has none."""

    def acquire(self) -> object:
        """Answer as the system call does."""
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    def release(self) -> None:
        """Have nothing to give back."""


def test_a_file_system_without_locks_is_refused(tmp_path: Path) -> None:
    """Some network folders; a lock that is a mere file would outlive kill -9."""
    locks = Locks(tmp_path, lambda _path, _wait: LocklessFile())
    with pytest.raises(OperationError, match="cannot lock") as caught, locks.writing(0):
        pass
    assert "disk of this machine" in caught.value.advice


def test_a_file_system_without_shared_memory_is_refused(tmp_path: Path) -> None:
    """There SQLite answers with another journal mode than it was asked for."""
    with pytest.raises(OperationError, match="cannot carry the journal") as caught:
        refuse_without_wal(("delete",), tmp_path)
    assert "network folder" in caught.value.advice


class FolderlessDisk(Disk):
    """A disk on which folders cannot be synced."""

    def __init__(self) -> None:
        self.synced_all = 0

    def sync(self, descriptor: int) -> None:
        """Refuse folders as some file systems do."""
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise SyncError(errno.EINVAL, os.strerror(errno.EINVAL))
        super().sync(descriptor)

    def sync_all(self) -> None:
        """Count."""
        self.synced_all += 1


@pytest.mark.skipif(os.name != "posix", reason="Windows syncs no folders")
def test_where_folders_cannot_be_synced_everything_is(archive: Path) -> None:
    """The promise is the same."""
    disk = FolderlessDisk()
    with reopen(archive, disk) as evidence:
        evidence.keep([seen(b"x", 9)])
        assert disk.synced_all == 1
        assert not codes(evidence)


def test_what_the_system_refuses_is_told(archive: Path) -> None:
    """With the path, the reason and what to look at."""
    objects = archive / "objects" / "tmp"
    objects.rmdir()
    objects.write_bytes(b"no folder")
    with pytest.raises(OperationError, match="tmp could not be read or written: ") as caught:
        reopen(archive)
    assert "belongs to you" in caught.value.advice


def test_readers_are_never_blocked(archive: Path, holder: "subprocess.Popen[str]") -> None:
    """Not even when something looks unfinished: a live writer may be about to finish it."""
    assert holder.poll() is None
    (archive / "objects" / "tmp" / "busy-0").write_bytes(b"half")
    with reopen(archive) as evidence:
        assert evidence.count_records() == 3
        assert evidence.objects.temporaries()
        assert len(list(evidence.entries())) == evidence.size


def test_processes_that_write_at_once_lose_nothing(archive: Path) -> None:
    """Each with its own messages, and some that both have."""
    code = """
        account = sys.stdin.read()
        for number in range(0, 60, 6):
            evidence.keep([seen(f"{n} {account if n % 2 else ''}".encode(), n + 1, account=account)
                           for n in range(number, number + 6)])
        """
    processes = [run(archive, code), run(archive, code)]
    for account, process in zip("ab", processes, strict=True):
        assert process.stdin is not None
        process.stdin.write(account)
        process.stdin.close()
        process.stdin = None
    with reopen(archive) as evidence:
        while any(process.poll() is None for process in processes):
            size = evidence.size
            assert sum(1 for _entry in evidence.entries()) >= size
        for process in processes:
            process.communicate()
            assert process.returncode == 0
        assert evidence.count_records() == 3 + 30 + 30 + 30
        for account in "ab":
            assert evidence.known_uids(account, "INBOX", 1) == set(range(1, 61))
        assert not codes(evidence)


@pytest.mark.skipif(os.name != "posix", reason="Windows does not let an open file be replaced")
def test_a_damaged_database_is_told(archive: Path) -> None:
    """With what to do."""
    database = archive / "journal" / "journal.sqlite"
    database.write_bytes(b"no database at all" * 1000)
    with pytest.raises(OperationError, match="is damaged") as caught:
        reopen(archive)
    assert "backup" in caught.value.advice
