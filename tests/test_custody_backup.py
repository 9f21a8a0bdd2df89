"""A backup is consistent while others write, goes on from the last one, and never destroys one."""

import os
import shutil
import stat
from pathlib import Path

import pytest
from evidence_case import NOW, FullDisk, KillingDisk, by_hand, create, reopen, seen

from archiver.custody.backup import KnownBackup, back_up, known_backups, remember_backup
from archiver.custody.backup_place import require_apart
from archiver.errors import OperationError, UsageError
from archiver.evidence.checkpoints.outside import Outside
from archiver.evidence.checks.check import verify
from archiver.evidence.erasure import erase
from archiver.evidence.store import Evidence
from archiver.model.digest import Digest
from archiver.model.entries import Tag


@pytest.fixture
def archive(tmp_path: Path) -> Evidence:
    """Make an archive with two records and a working copy."""
    evidence = create(tmp_path / "archive")
    evidence.keep([seen(b"one", 1), seen(b"two", 2)])
    text = b"schema = 1\n"
    (evidence.root / "archive.toml").write_bytes(text)
    evidence.keep_config("archive.toml", text, actor="person:test")
    return evidence


def check(folder: Path) -> list[str]:
    """Return what a check of every byte finds, notes about what is derived left out."""
    with reopen(folder, recover=False) as copy:
        report = verify(copy, read_data=1.0)
    return [finding.code for finding in report.findings]


def objects(folder: Path) -> set[str]:
    """Return the names of the objects in FOLDER."""
    return {path.name for path in (folder / "objects").glob("??/*")}


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of FOLDER but those that only SQLite and locks need."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith((".lock", "-shm", "-wal"))
    }


def test_a_backup_is_an_archive_itself(archive: Evidence, tmp_path: Path) -> None:
    """Same identity, same entries, every object; a check of it finds nothing."""
    done = back_up(archive, tmp_path / "copy")
    assert (done.entries, done.copied, done.present, done.removed) == (archive.size, 3, 0, 0)
    assert done.findings == ()
    assert check(tmp_path / "copy") == []
    with reopen(tmp_path / "copy") as copy:
        assert copy.archive_id == archive.archive_id
        assert copy.tree_root() == archive.tree_root()
        assert copy.read(Digest.of(b"one")) == b"one"
    assert (tmp_path / "copy/archive.toml").read_bytes() == b"schema = 1\n"


def test_a_backup_is_for_its_owner_only(archive: Evidence, tmp_path: Path) -> None:
    """Whatever the umask: it holds a client's mail."""
    back_up(archive, tmp_path / "copy")
    for path in (tmp_path / "copy").rglob("*"):
        assert not stat.S_IMODE(path.stat().st_mode) & 0o022
    assert not stat.S_IMODE((tmp_path / "copy").stat().st_mode) & 0o077


def test_the_next_backup_copies_only_what_is_new(archive: Evidence, tmp_path: Path) -> None:
    """And leaves the rest untouched, as the file system's own backup likes it."""
    back_up(archive, tmp_path / "copy")
    before = (tmp_path / "copy/objects" / _place(b"one")).stat()
    archive.keep([seen(b"three", 3)])
    done = back_up(archive, tmp_path / "copy")
    assert (done.copied, done.copied_bytes, done.present) == (1, 5, 3)
    assert check(tmp_path / "copy") == []
    after = (tmp_path / "copy/objects" / _place(b"one")).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def _place(data: bytes) -> str:
    digest = Digest.of(data).hex
    return f"{digest[:2]}/{digest}"


def test_nothing_changes_when_nothing_is_new(archive: Evidence, tmp_path: Path) -> None:
    """All files have the same bytes as before."""
    back_up(archive, tmp_path / "copy")
    before = contents(tmp_path / "copy")
    back_up(archive, tmp_path / "copy")
    after = contents(tmp_path / "copy")
    del before["journal/journal.sqlite"], after["journal/journal.sqlite"]
    assert before == after


def test_what_is_written_meanwhile_is_not_half_in_it(archive: Evidence, tmp_path: Path) -> None:
    """The journal is as it stood when the backup began; later objects and notes stay out."""
    added: list[int] = []

    def writes_meanwhile(_done: int, _total: int) -> None:
        with reopen(archive.root) as other:
            added.append(other.keep([seen(b"later %d" % len(added), 10 + len(added))])[0].position)

    size = archive.size
    done = back_up(archive, tmp_path / "copy", progress=writes_meanwhile)
    assert added
    assert done.entries == size
    assert check(tmp_path / "copy") == []
    with reopen(tmp_path / "copy") as copy:
        assert copy.size == size


def test_an_erasure_during_the_backup_is_in_it(archive: Evidence, tmp_path: Path) -> None:
    """An object that is gone when its turn comes means: begin again, with the newer journal."""
    secret = Digest.of(b"one")
    position = archive.position_of(secret)
    assert position is not None
    erased: list[int] = []

    def erases_meanwhile(_done: int, _total: int) -> None:
        if not erased:
            erased.append(position)
            with reopen(archive.root) as other:
                erase(other, [position], basis="GDPR 17", actor="person:test")

    back_up(archive, tmp_path / "copy", progress=erases_meanwhile)
    assert check(tmp_path / "copy") == []
    assert secret.hex not in objects(tmp_path / "copy")


def test_an_erasure_reaches_the_backup_with_the_next_one(archive: Evidence, tmp_path: Path) -> None:
    """The object goes and so do its words in the journal; nothing else is deleted."""
    back_up(archive, tmp_path / "copy")
    (tmp_path / "copy/my notes.txt").write_text("keep me")
    position = archive.position_of(Digest.of(b"one"))
    assert position is not None
    erase(archive, [position], basis="GDPR 17", actor="person:test")
    done = back_up(archive, tmp_path / "copy")
    assert done.removed == 1
    assert check(tmp_path / "copy") == []
    everything = b"".join(contents(tmp_path / "copy").values())
    assert Digest.of(b"one").hex.encode() not in everything
    assert bytes.fromhex(Digest.of(b"one").hex) not in everything
    assert (tmp_path / "copy/my notes.txt").read_text() == "keep me"


def test_derived_files_in_a_used_backup_are_told_when_something_was_erased(
    archive: Evidence, tmp_path: Path
) -> None:
    """They may hold what was erased; they are not ours to delete."""
    back_up(archive, tmp_path / "copy")
    (tmp_path / "copy/catalogue.sqlite").write_bytes(b"derived")
    position = archive.position_of(Digest.of(b"one"))
    assert position is not None
    erase(archive, [position], basis="GDPR 17", actor="person:test")
    (finding,) = back_up(archive, tmp_path / "copy").findings
    assert finding.code == "backup-derived"
    assert "rebuild" in finding.advice
    assert (tmp_path / "copy/catalogue.sqlite").exists()


def test_a_damaged_copy_of_an_object_is_replaced(archive: Evidence, tmp_path: Path) -> None:
    """As far as its size shows it; `--verify` reads every byte."""
    back_up(archive, tmp_path / "copy")
    path = tmp_path / "copy/objects" / _place(b"one")
    path.chmod(0o600)
    path.write_bytes(b"on")
    assert back_up(archive, tmp_path / "copy").copied == 1
    assert check(tmp_path / "copy") == []


def test_an_object_that_the_archive_lost_is_told(archive: Evidence, tmp_path: Path) -> None:
    """The rest is backed up; the exit code says that something is wrong."""
    archive.path_of(Digest.of(b"one")).unlink()
    done = back_up(archive, tmp_path / "copy")
    assert [finding.code for finding in done.findings] == ["backup-object-missing"]
    assert done.copied == 2
    assert check(tmp_path / "copy") == ["object-missing"]


def test_an_object_that_the_archive_lost_stays_in_the_backup(
    archive: Evidence, tmp_path: Path
) -> None:
    """That is what the backup is for."""
    back_up(archive, tmp_path / "copy")
    archive.path_of(Digest.of(b"one")).unlink()
    assert back_up(archive, tmp_path / "copy").findings == ()
    assert check(tmp_path / "copy") == []


def test_another_archives_backup_is_refused(archive: Evidence, tmp_path: Path) -> None:
    """Each has a folder of its own."""
    with create(tmp_path / "other") as other:
        back_up(other, tmp_path / "copy")
    with pytest.raises(UsageError, match="holds a backup of another archive") as error:
        back_up(archive, tmp_path / "copy")
    assert error.value.advice == "Each archive needs a folder of its own: name another one."


def test_a_folder_with_other_things_in_it_is_refused(archive: Evidence, tmp_path: Path) -> None:
    """Nothing is mixed with a person's own files."""
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy/thesis.txt").write_text("x")
    with pytest.raises(UsageError, match="is not empty, and it holds no backup"):
        back_up(archive, tmp_path / "copy")
    assert [path.name for path in (tmp_path / "copy").iterdir()] == ["thesis.txt"]


def test_a_newer_backup_is_never_overwritten(archive: Evidence, tmp_path: Path) -> None:
    """An old copy of the archive must not destroy the newer backup."""
    shutil.copytree(archive.root, tmp_path / "old")
    archive.keep([seen(b"three", 3)])
    back_up(archive, tmp_path / "copy")
    before = contents(tmp_path / "copy")
    with reopen(tmp_path / "old") as old, pytest.raises(UsageError) as error:
        back_up(old, tmp_path / "copy")
    assert "is newer than the archive" in error.value.what
    assert "Is this archive an old copy?" in error.value.advice
    assert contents(tmp_path / "copy") == before


def test_a_backup_that_went_another_way_is_never_overwritten(
    archive: Evidence, tmp_path: Path
) -> None:
    """Somebody wrote into the backup."""
    back_up(archive, tmp_path / "copy")
    with reopen(tmp_path / "copy") as copy:
        copy.keep([by_hand(b"written into the backup")])
    archive.keep([seen(b"three", 3), seen(b"four", 4)])
    with pytest.raises(UsageError, match="went different ways"):
        back_up(archive, tmp_path / "copy")


@pytest.mark.parametrize("place", [".", "backup", "objects/backup", "..", "../.."])
def test_a_backup_is_never_inside_the_archive_or_around_it(archive: Evidence, place: str) -> None:
    """By whatever name."""
    with pytest.raises(UsageError, match="inside"):
        require_apart(archive.root, archive.root / place)


def test_a_rolled_back_database_is_not_backed_up(archive: Evidence, tmp_path: Path) -> None:
    """The mirror beside it would be lost, and with it the only sign."""
    with (archive.root / "journal/leaves").open("ab") as mirror:
        mirror.write(bytes(32))
    with pytest.raises(OperationError, match="was rolled back"):
        back_up(archive, tmp_path / "copy")


def test_a_rolled_back_backup_is_not_written_to(archive: Evidence, tmp_path: Path) -> None:
    """It is told, and stays as it is for whoever finds out why."""
    back_up(archive, tmp_path / "copy")
    with (tmp_path / "copy/journal/leaves").open("ab") as mirror:
        mirror.write(bytes(32))
    before = contents(tmp_path / "copy")
    with pytest.raises(OperationError, match="was rolled back"):
        back_up(archive, tmp_path / "copy")
    assert contents(tmp_path / "copy") == before


def test_a_full_disk_leaves_the_earlier_backup(archive: Evidence, tmp_path: Path) -> None:
    """And says which disk it is that is full."""
    back_up(archive, tmp_path / "copy")
    archive.keep([seen(b"three" * 1000, 3)])
    with pytest.raises(OperationError) as error:
        back_up(archive, tmp_path / "copy", disk=FullDisk(100))
    assert error.value.what == f"There is no room left on the disk that holds {tmp_path / 'copy'}."
    assert set(check(tmp_path / "copy")) <= {"object-stray", "temporary-left"}
    assert back_up(archive, tmp_path / "copy").copied == 1


def test_a_working_copy_that_was_ended_is_ended_in_the_backup(
    archive: Evidence, tmp_path: Path
) -> None:
    """Else the first command there would take it for a new one."""
    (archive.root / "engagements").mkdir()
    archive.keep_config("engagements/acme.toml", b"client = 'A'\n", actor="person:test")
    back_up(archive, tmp_path / "copy")
    assert (tmp_path / "copy/engagements/acme.toml").exists()
    archive.keep_config("engagements/acme.toml", None, actor="person:test")
    back_up(archive, tmp_path / "copy")
    assert not (tmp_path / "copy/engagements/acme.toml").exists()


def test_a_working_copy_that_was_not_taken_in_is_told(archive: Evidence, tmp_path: Path) -> None:
    """The backup holds the journalled version, so that it stays a copy."""
    (archive.root / "archive.toml").write_text("not taken in")
    (finding,) = back_up(archive, tmp_path / "copy").findings
    assert (finding.code, finding.subject) == ("backup-not-taken-in", "archive.toml")
    assert (tmp_path / "copy/archive.toml").read_bytes() == b"schema = 1\n"


def test_notes_of_later_states_are_not_copied(archive: Evidence, tmp_path: Path) -> None:
    """They would say that the backup was rolled back."""
    folder = archive.root / "journal/checkpoints"
    folder.mkdir()
    for size in (archive.size, archive.size + 1):
        (folder / f"{size}.note").write_bytes(b"note")
    stamps = archive.root / "journal/stamps"
    stamps.mkdir()
    (stamps / f"{archive.size}-tsa.tsr").write_bytes(b"stamp")
    (stamps / f"{archive.size + 1}-tsa.tsr").write_bytes(b"stamp")
    (stamps / ".half.tmp").write_bytes(b"x")
    back_up(archive, tmp_path / "copy")
    journal = tmp_path / "copy/journal"
    assert [path.name for path in (journal / "checkpoints").iterdir()] == [f"{archive.size}.note"]
    assert [path.name for path in (journal / "stamps").iterdir()] == [f"{archive.size}-tsa.tsr"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process is killed")
@pytest.mark.parametrize("which", ["first", "next"])
def test_a_backup_may_be_killed_at_any_moment(
    archive: Evidence, tmp_path: Path, which: str
) -> None:
    """The earlier one is whole until the new one is; the next one goes on from there."""
    folder = tmp_path / "copy"
    earlier = which == "next"
    if earlier:
        back_up(archive, folder)
        archive.keep([seen(b"three", 3), seen(b"four", 4)])
        archive.append([Tag(record=archive.position_of(Digest.of(b"one")), engagement="a")])  # type: ignore[arg-type]
    root = archive.root
    archive.close()
    for moment in range(1, 200):
        again = tmp_path / f"copy-{moment}"
        if earlier:
            shutil.copytree(folder, again)
        if not _killed(root, again, moment):
            break
        if earlier:
            assert set(check(again)) <= {"object-stray", "temporary-left", "mirror-behind"}
        with reopen(root) as source:
            back_up(source, again)
        assert check(again) == []
        shutil.rmtree(again)
    assert moment > 10


def _killed(root: Path, folder: Path, moment: int) -> bool:
    """Back up in a process that is killed at the MOMENT-th point; tell whether it was."""
    child = os.fork()
    if not child:
        code = 1
        try:
            with reopen(root) as source:
                back_up(source, folder, disk=KillingDisk("any", moment))
            code = 0
        finally:
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def test_backups_are_remembered_outside_the_archive(archive: Evidence, tmp_path: Path) -> None:
    """One entry a folder, newest first: what an erasure names."""
    outside = Outside(tmp_path / "state", archive.archive_id)
    assert known_backups(outside) == ()
    for name in ("one", "two", "one"):
        remember_backup(outside, back_up(archive, tmp_path / name), at=NOW)
    assert set(known_backups(outside)) == {
        KnownBackup(folder=str(tmp_path / name), at=NOW, entries=archive.size)
        for name in ("one", "two")
    }
    outside.keep_note("backup", b"damaged")
    assert known_backups(outside) == ()
