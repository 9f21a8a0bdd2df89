"""``backup`` and ``restore``: the drill, from a live archive to a lost one and back."""

import shutil
from pathlib import Path

import pytest
from command import Desk, archiver, environment, new_desk
from mail import mail
from processes import Running
from test_custody_backup import contents

from archiver.app import Archive
from archiver.custody.backup import known_backups
from archiver.evidence.checkpoints.signing import RolledBackError, sign_checkpoint, standing


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive with two records."""
    desk = new_desk(tmp_path / "archive")
    desk.keep(tmp_path / "mail", mail(message_id="a@x.example"), mail(message_id="b@x.example"))
    return desk


def mails(count: int, start: int = 0) -> list[bytes]:
    """Return so many different mails."""
    return [
        mail(message_id=f"m{n}@x.example", subject=f"Number {n}")
        for n in range(start, start + count)
    ]


def sign(desk: Desk) -> None:
    """Sign the archive's present state."""
    with Archive(desk.root, tell=print, actor="person:test") as archive:
        assert archive.checkpoint()


def test_a_backup_says_what_it_did(desk: Desk, tmp_path: Path) -> None:
    """How many objects were copied, how many were there."""
    said = desk.ok("backup", tmp_path / "copy")
    assert f"{tmp_path / 'copy'}: 3 objects copied, 0 were there; the journal has" in said.err
    found = desk.ok("backup", tmp_path / "copy", "--format", "json").json
    assert (found["copied"], found["present"], found["removed"]) == (0, 3, 0)
    assert found["verified"] is None


def test_a_backup_passes_verify(desk: Desk, tmp_path: Path) -> None:
    """With --verify at once, every byte of it; later like any archive."""
    sign(desk)
    desk.ok("backup", tmp_path / "copy")
    found = desk.ok("backup", tmp_path / "copy", "--verify", "--format", "json").json["verified"]
    assert [each for each in found["findings"] if each["level"] == "error"] == []
    assert found["checked"]["objects-read"] == 3
    assert Desk(tmp_path / "copy")("verify", "--read-data=all").code == 0


def test_a_damaged_backup_is_found_by_verify(desk: Desk, tmp_path: Path) -> None:
    """Exit code 3: one byte differs, the size does not."""
    desk.ok("backup", tmp_path / "copy")
    path = max((tmp_path / "copy/objects").glob("??/*"))
    path.chmod(0o600)
    data = path.read_bytes()
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
    assert desk("backup", tmp_path / "copy").code == 0
    said = desk("backup", tmp_path / "copy", "--verify")
    assert said.code == 3
    assert "object-damaged" in said.out


def test_a_backup_is_remembered_for_erasures(desk: Desk, tmp_path: Path) -> None:
    """Outside the archive: where, when, and how far it goes."""
    desk.ok("backup", tmp_path / "copy")
    with Archive(desk.root, tell=print, actor="person:test") as archive:
        (known,) = known_backups(archive.outside)
        assert known.folder == str(tmp_path / "copy")
        assert known.entries == archive.evidence.size


def test_the_signing_key_is_not_in_it(desk: Desk, tmp_path: Path) -> None:
    """Who has the backup cannot sign."""
    sign(desk)
    desk.ok("backup", tmp_path / "copy")
    with Archive(desk.root, tell=print, actor="person:test") as archive:
        seed = archive.outside.key()
    assert seed is not None
    for path in (tmp_path / "copy").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert seed not in data
            assert seed.hex().encode() not in data


def test_a_backup_of_read_only_media_can_be_made(desk: Desk, tmp_path: Path) -> None:
    """It is how an archive gets off them."""
    for path in (desk.root / "journal", desk.root):
        path.chmod(0o500)
    try:
        assert desk("backup", tmp_path / "copy").code == 0
    finally:
        for path in (desk.root, desk.root / "journal"):
            path.chmod(0o700)
    assert Desk(tmp_path / "copy")("verify").code == 0


def test_the_restore_drill(desk: Desk, tmp_path: Path) -> None:
    """Back up while mail comes in, lose the archive, restore it, and go on knowingly."""
    desk.ok("engagement", "add", "acme", "--client", "ACME", "--domain", "client.example")
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    for number, data in enumerate(mails(400)):
        (incoming / f"{number}.eml").write_bytes(data)
    importing = Running(desk.root, "import", incoming)
    desk.ok("backup", tmp_path / "copy", "--verify")
    assert importing.end().code == 0
    desk.ok("backup", tmp_path / "copy", "--verify")
    with Archive(desk.root, tell=print, actor="person:test") as archive:
        there = archive.evidence.size
    later = mails(5, start=1000)
    desk.keep(tmp_path / "mail", *later)
    sign(desk)
    with Archive(desk.root, tell=print, actor="person:test") as archive:
        signed = archive.evidence.size

    shutil.rmtree(desk.root)
    said = archiver("restore", tmp_path / "copy", desk.root)
    assert said.code == 0, (said.out, said.err)
    assert "object-damaged" not in said.out
    assert (
        f"This archive is older than the state signed on this machine: {signed - there} entries "
        "are missing."
    ) in said.err
    assert "restore --accept" in said.err

    with Archive(desk.root, tell=print, actor="person:test") as archive:
        assert standing(archive.evidence, archive.outside) == "older"
        with pytest.raises(RolledBackError):
            sign_checkpoint(archive.evidence, archive.outside, entropy=archive.entropy)

    refused = desk("restore", "--accept")
    assert refused.code == 2
    assert "Nobody is there to answer" in refused.err
    desk.ok("restore", "--accept", "--yes")
    assert "A person went on with an older copy" in desk.ok("journal").out
    desk.keep(tmp_path / "mail", *later)
    sign(desk)
    with Archive(desk.root, tell=print, actor="person:test") as archive:
        assert standing(archive.evidence, archive.outside) == "level"
    assert desk.ok("search", "Number").out
    assert desk("verify", "--read-data=all").code == 0


def test_a_machine_without_memory_says_that_it_cannot_know(desk: Desk, tmp_path: Path) -> None:
    """A new machine, or one whose state folder was lost."""
    sign(desk)
    desk.ok("backup", tmp_path / "copy")
    with environment({"ARCHIVER_STATE": str(tmp_path / "elsewhere")}):
        said = archiver("restore", tmp_path / "copy", tmp_path / "restored")
    assert said.code == 0
    assert "it cannot be known whether a newer state of it exists." in said.err


def test_a_restored_archive_that_lacks_nothing_says_so(desk: Desk, tmp_path: Path) -> None:
    """And there is nothing to accept."""
    sign(desk)
    desk.ok("backup", tmp_path / "copy")
    said = archiver("restore", tmp_path / "copy", tmp_path / "restored")
    assert "It holds everything that this machine ever signed." in said.err
    said = Desk(tmp_path / "restored")("restore", "--accept", "--yes")
    assert said.code == 1
    assert "there is nothing to accept" in said.err


def test_nothing_is_restored_over_what_is_there(desk: Desk, tmp_path: Path) -> None:
    """An archive is not overwritten by an older one."""
    desk.ok("backup", tmp_path / "copy")
    said = archiver("restore", tmp_path / "copy", desk.root)
    assert said.code == 2
    assert "is not an empty folder." in said.err
    assert "move it away, and keep it" in said.err


@pytest.mark.parametrize("arguments", [(), ("copy",), ("copy", "--accept")])
def test_restore_says_what_it_takes(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """A backup and a new folder, or --accept alone."""
    said = archiver("--archive", tmp_path, "restore", *arguments)
    assert said.code == 2
    assert "Give a backup and a new folder, or --accept alone." in said.err


def test_what_is_no_backup_cannot_be_restored(tmp_path: Path) -> None:
    """Exit code 10, as for every archive that is none."""
    said = archiver("restore", tmp_path, tmp_path / "restored")
    assert said.code == 10
    assert f"There is no backup in {tmp_path}." in said.err
    assert "Name the folder that `archiver backup` wrote" in said.err
    assert not (tmp_path / "restored").exists()


@pytest.fixture
def older(desk: Desk, tmp_path: Path) -> Desk:
    """Sign, back up, go on and sign, and put the backup back."""
    sign(desk)
    desk.ok("backup", tmp_path / "copy")
    desk.keep(tmp_path / "mail", *mails(2))
    shutil.rmtree(desk.root)
    assert archiver("restore", tmp_path / "copy", desk.root).code == 0
    return desk


@pytest.mark.parametrize("command", ["import", "sync"])
def test_an_older_copy_keeps_nothing(older: Desk, tmp_path: Path, command: str) -> None:
    """Else it would become one that went its own way: it is refused before, and told how to go on."""
    before = (older.root / "journal" / "leaves").read_bytes()
    said = older(command, *([tmp_path / "mail"] if command == "import" else []))
    assert said.code == 1
    assert "The archive is older than what was signed: it holds" in said.err
    assert "Nothing was kept." in said.err
    assert f"archiver --archive {older.root} restore --accept" in said.err
    assert (older.root / "journal" / "leaves").read_bytes() == before


def test_an_older_copy_is_told_by_status_and_backup(older: Desk, tmp_path: Path) -> None:
    """In words and for programs; both do what they are for."""
    said = older.ok("status")
    assert "This archive is older than the state signed on this machine:" in said.out
    assert older.ok("status", "--format", "json").json["standing"] == "older"
    said = older.ok("backup", tmp_path / "other")
    assert "This archive is older than the state signed on this machine:" in said.err
    found = older.ok("backup", tmp_path / "other", "--format", "json").json
    assert found["standing"] == "older"


def test_a_forked_copy_is_told_by_status(older: Desk, tmp_path: Path) -> None:
    """It was worked with where nobody remembered it."""
    with environment({"ARCHIVER_STATE": str(tmp_path / "elsewhere")}):
        older.keep(tmp_path / "other", *mails(4, start=50))
    assert "This archive went another way than what was signed." in older.ok("status").out
    assert older.ok("status", "--format", "json").json["standing"] == "forked"
    said = older("import", tmp_path / "other")
    assert said.code == 1
    assert "does not continue what was signed when it held" in said.err


def test_a_forked_copy_replaces_no_backup(older: Desk, tmp_path: Path) -> None:
    """Even one that it continues: it may be all that is left of the archive that was signed."""
    with environment({"ARCHIVER_STATE": str(tmp_path / "elsewhere")}):
        older.keep(tmp_path / "other", *mails(4, start=50))
    before = contents(tmp_path / "copy")
    said = older("backup", tmp_path / "copy")
    assert said.code == 2
    assert f"{tmp_path / 'copy'} holds a backup, which this archive may not replace." in said.err
    assert f"archiver --archive {older.root} restore --accept" in said.err
    assert contents(tmp_path / "copy") == before
    older.ok("backup", tmp_path / "elsewhere-copy")
    older.ok("restore", "--accept", "--yes")
    older.ok("backup", tmp_path / "copy")


def test_an_archive_that_is_level_says_nothing_of_it(desk: Desk, tmp_path: Path) -> None:
    """Only programs are told."""
    sign(desk)
    assert "signed" not in desk.ok("status").out
    assert desk.ok("status", "--format", "json").json["standing"] == "level"
    found = desk.ok("backup", tmp_path / "copy", "--format", "json")
    assert found.json["standing"] == "level"
    assert "older" not in found.err
