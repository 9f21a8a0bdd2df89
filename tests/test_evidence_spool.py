"""Writings too large for memory: as durable as any object, and never in the way of others."""

import errno
import gc
import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from evidence_case import (
    FullDisk,
    KillingDisk,
    LinklessDisk,
    ReadOnlyDisk,
    RecordingDisk,
    create,
    reopen,
    seen,
)

from archiver.errors import OperationError
from archiver.evidence.checks.check import verify
from archiver.evidence.disk import Disk, SyncError
from archiver.evidence.store import Evidence
from archiver.model.digest import Digest
from archiver.model.incoming import Incoming, Kept

posix = pytest.mark.skipif(os.name != "posix", reason="locks and signals of POSIX")
POINTS = (
    "object-written",
    "object-synced",
    "object-named",
    "object-folder-synced",
    "commit",
    "committed",
    "mirror-written",
    "mirror-synced",
)
LETTER = Random(1).randbytes(2_500_000)


def incoming(evidence: Evidence, data: bytes = LETTER, uid: int = 1) -> Incoming:
    """Return DATA as a message that was put into a file piece by piece."""
    spool = evidence.spool()
    for at in range(0, len(data), 1_000_000):
        spool.write(data[at : at + 1_000_000])
    return Incoming(data=spool.done(), source=seen(b"", uid).source)


def keep(evidence: Evidence, data: bytes = LETTER, uid: int = 1) -> Kept:
    """Keep DATA as a sync does."""
    message = incoming(evidence, data, uid)
    try:
        return evidence.keep([message])[0]
    finally:
        message.forget()


def left(root: Path) -> list[str]:
    """Return what is in the folder for temporaries."""
    return sorted(path.name for path in (root / "objects" / "tmp").iterdir())


def test_it_becomes_an_object_like_any(tmp_path: Path) -> None:
    """Same bytes, same name, same mode, same entries; the file itself is what is kept."""
    with create(tmp_path) as evidence:
        message = incoming(evidence)
        (name,) = left(tmp_path)
        waiting = (tmp_path / "objects" / "tmp" / name).stat()
        assert (message.size, message.digest) == (len(LETTER), Digest.of(LETTER))
        (kept,) = evidence.keep([message, seen(b"small", 2)])[:1]
        path = evidence.path_of(kept.digest)
        assert evidence.read(kept.digest) == LETTER
        assert path.stat().st_mode & 0o777 == 0o444
        assert path.stat().st_ino == waiting.st_ino
        assert left(tmp_path) == []
        message.forget()
        assert path.exists()
        assert not verify(evidence, read_data=1.0).findings


@posix
def test_only_its_owner_reads_what_is_not_whole(tmp_path: Path) -> None:
    """It is client mail."""
    with create(tmp_path) as evidence:
        spool = evidence.spool()
        (name,) = left(tmp_path)
        assert (tmp_path / "objects" / "tmp" / name).stat().st_mode & 0o777 == 0o600
        spool.forget()
        spool.forget()
        assert left(tmp_path) == []


def test_what_is_there_is_compared_to_the_last_byte(tmp_path: Path) -> None:
    """Known bytes add nothing; a damaged object is left for a person to look at."""
    with create(tmp_path) as evidence:
        first = keep(evidence)
        again = keep(evidence, uid=2)
        assert (again.new, again.sighted, again.position) == (False, True, first.position)
        assert not keep(evidence).sighted
        assert left(tmp_path) == []
        path = evidence.path_of(first.digest)
        path.chmod(0o600)
        for spoilt in (LETTER[:-1], LETTER + b"x", LETTER[:-1] + b"x"):
            path.write_bytes(spoilt)
            with pytest.raises(OperationError, match="is damaged") as caught:
                keep(evidence, uid=3)
            assert "Nothing was overwritten" in caught.value.advice
            assert path.read_bytes() == spoilt
            assert left(tmp_path) == []


def test_a_leftover_gives_way(tmp_path: Path) -> None:
    """An object that no entry names proves nothing, whatever it holds."""
    with create(tmp_path) as evidence:
        evidence.path_of(Digest.of(LETTER)).write_bytes(LETTER[:1000])
        assert evidence.read(keep(evidence).digest) == LETTER


def test_the_same_twice_in_a_batch_is_one_record(tmp_path: Path) -> None:
    """The second file is thrown away."""
    with create(tmp_path) as evidence:
        batch = [incoming(evidence), incoming(evidence, uid=2)]
        assert [kept.new for kept in evidence.keep(batch)] == [True, False]
        for message in batch:
            message.forget()
        assert left(tmp_path) == []
        assert evidence.read(Digest.of(LETTER)) == LETTER


def test_a_disk_without_hard_links_keeps_it_too(tmp_path: Path) -> None:
    """It is renamed."""
    with create(tmp_path, LinklessDisk()) as evidence:
        assert evidence.read(keep(evidence).digest) == LETTER
        assert left(tmp_path) == []


def test_what_nobody_holds_any_more_is_removed(tmp_path: Path) -> None:
    """A sync that ends between fetching and keeping."""
    with create(tmp_path) as evidence:
        message = incoming(evidence)
        assert len(left(tmp_path)) == 1
        del message
        gc.collect()
        assert left(tmp_path) == []


# --- others at work -------------------------------------------------------------------------------


@posix
def test_others_leave_alone_what_is_being_written(tmp_path: Path) -> None:
    """Whoever opens the archive sweeps, a failed batch too; a check says nothing of it."""
    with create(tmp_path) as evidence:
        message = incoming(evidence)
        before = left(tmp_path)
        (tmp_path / "objects" / "tmp" / "left").write_bytes(b"by a killed writer")
        with reopen(tmp_path) as other:
            assert left(tmp_path) == before
            other.keep([seen(b"other", 9)])
            assert not verify(other).findings
        with reopen(tmp_path, FullDisk(3)) as full:
            with pytest.raises(OperationError, match="no room left"):
                full.keep([seen(b"too much", 8)])
            assert left(tmp_path) == before
        assert evidence.keep([message])[0].new
        assert not verify(evidence, read_data=1.0).findings


@posix
def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    """Its lock went with it; a check names it before."""
    create(tmp_path).close()
    process = run(tmp_path, "none", 1, hold=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    assert len(left(tmp_path)) == 1
    reopen(tmp_path).close()
    assert len(left(tmp_path)) == 1
    process.kill()
    process.communicate()
    with reopen(tmp_path, recover=False) as evidence:
        assert [finding.code for finding in verify(evidence).findings] == ["temporary-left"]
    reopen(tmp_path).close()
    assert left(tmp_path) == []


# --- faults ---------------------------------------------------------------------------------------


def test_a_full_disk_is_told_while_it_arrives(tmp_path: Path) -> None:
    """With what to do; what came is thrown away by who gives up."""
    create(tmp_path).close()
    with reopen(tmp_path, FullDisk(1_500_000)) as evidence:
        spool = evidence.spool()
        spool.write(LETTER[:1_000_000])
        with pytest.raises(OperationError, match="no room left") as caught:
            spool.write(LETTER[1_000_000:2_000_000])
        assert "Free some space" in caught.value.advice
        spool.forget()
        assert left(tmp_path) == []


def test_a_batch_that_fails_takes_back_what_was_named(tmp_path: Path) -> None:
    """The large one has its name when there is no room for the small one."""
    create(tmp_path).close()
    with reopen(tmp_path, FullDisk(len(LETTER) + 3)) as evidence:
        message = incoming(evidence)
        with pytest.raises(OperationError, match="no room left"):
            evidence.keep([message, seen(b"small", 2)])
        message.forget()
        assert not evidence.path_of(Digest.of(LETTER)).exists()
        assert left(tmp_path) == []
        codes = [finding.code for finding in verify(evidence, read_data=1.0).findings]
        assert codes == ["nothing-checked"]


class UnsureDisk(Disk):
    """Cannot confirm large files."""

    def sync(self, descriptor: int) -> None:
        """Fail."""
        if os.fstat(descriptor).st_size == len(LETTER):
            raise SyncError(errno.EIO, os.strerror(errno.EIO))
        super().sync(descriptor)


def test_a_disk_that_does_not_confirm_ends_all_writing(tmp_path: Path) -> None:
    """As with any object: only a fresh start can judge what is on it."""
    create(tmp_path).close()
    with reopen(tmp_path, UnsureDisk()) as evidence:
        with pytest.raises(OperationError, match="could not confirm"):
            keep(evidence)
        for act in (lambda: evidence.keep([seen(b"x", 2)]), evidence.spool):
            with pytest.raises(OperationError, match="failed before"):
                act()
        assert left(tmp_path) == []
    with reopen(tmp_path) as evidence:
        assert keep(evidence).new
        assert not verify(evidence, read_data=1.0).findings


def test_nothing_is_put_on_read_only_media(tmp_path: Path) -> None:
    """It is said before the first byte is fetched."""
    create(tmp_path).close()
    with reopen(tmp_path, ReadOnlyDisk()) as evidence:
        with pytest.raises(OperationError, match="reading only") as caught:
            evidence.spool()
        assert "Copy" in caught.value.advice
    assert left(tmp_path) == []


def test_it_is_durable_before_what_names_it(tmp_path: Path) -> None:
    """The points of any batch, in their order."""
    disk = RecordingDisk()
    with create(tmp_path, disk) as evidence:
        disk.points.clear()
        keep(evidence)
    assert disk.points == list(POINTS)


@posix
@pytest.mark.parametrize("point", POINTS)
def test_kill_9_at_each_point(tmp_path: Path, point: str) -> None:
    """Of the second message: the first is whole, and everything can be done again."""
    create(tmp_path).close()
    process = run(tmp_path, point, 2)
    said, _nothing = process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert said.split().count("kept") == 1
    with reopen(tmp_path) as evidence:
        assert left(tmp_path) == []
        assert {one.level for one in verify(evidence, read_data=1.0).findings} <= {"note"}
        assert not keep(evidence).sighted
        keep(evidence, LETTER[::-1], 2)
        assert evidence.count_records() == 2
        assert verify(evidence, read_data=1.0).findings == ()


def run(root: Path, moment: str, after: int, *, hold: bool = False) -> "subprocess.Popen[str]":
    """Keep two messages in another process that is killed at a MOMENT; or have it HOLD one."""
    return subprocess.Popen(
        [sys.executable, __file__, str(root), moment, str(after), "hold" if hold else "keep"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def main(root: Path, moment: str, after: int, what: str) -> None:
    """Be that other process."""
    with reopen(root, KillingDisk(moment, after)) as evidence:
        if what == "hold":
            message = incoming(evidence)
            sys.stdout.write("written\n")
            sys.stdout.flush()
            sys.stdin.read()
            message.forget()
            return
        for uid, data in enumerate((LETTER, LETTER[::-1]), 1):
            keep(evidence, data, uid)
            sys.stdout.write("kept\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4])
