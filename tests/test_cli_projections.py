"""Catalogue and index that are missing, damaged, behind or not ours: told, rebuilt, same answers."""

import shutil
from pathlib import Path

import pytest
from command import Desk, new_desk
from mail import mail

from archiver.app import Archive

QUESTION = ("search", "word OR hello", "--format", "json")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive with five messages."""
    desk = new_desk(tmp_path / "archive")
    mails = [mail(message_id=f"{n}@x.example", text=f"word {n} common\n") for n in range(5)]
    desk.keep(tmp_path / "mail", *mails)
    return desk


def damage(path: Path) -> None:
    """Overwrite the middle of a file."""
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 16] = b"\xff" * 16
    path.write_bytes(data)


def test_a_missing_index_is_told_and_made_again(desk: Desk) -> None:
    """And the next search says nothing of it."""
    before = desk.ok(*QUESTION).raw
    shutil.rmtree(desk.root / "search")
    said = desk.ok(*QUESTION)
    assert "There is no search index yet. Rebuilding" in said.err
    assert said.raw == before
    assert desk.ok(*QUESTION).err == ""


def test_a_missing_catalogue_is_told_and_made_again(desk: Desk) -> None:
    """The answers are the same byte for byte."""
    before = desk.ok(*QUESTION).raw
    (desk.root / "catalogue.sqlite").unlink()
    said = desk.ok(*QUESTION)
    assert "The catalogue cannot be used (it is missing): rebuilding it." in said.err
    assert said.raw == before


def test_every_damaged_file_of_the_index_is_told_and_mended(desk: Desk) -> None:
    """Whichever file it is, the answer is right in the end."""
    before = desk.ok(*QUESTION).raw
    names = [path.relative_to(desk.root) for path in (desk.root / "search").rglob("*.*")]
    assert names
    for name in names:
        if (desk.root / name).is_file():
            damage(desk.root / name)
            said = desk.ok(*QUESTION)
            assert said.raw == before, name
    assert desk.ok("status", "--format", "json").json["index"] == 5


def test_a_damaged_catalogue_is_told_and_mended(desk: Desk) -> None:
    """Garbage instead of a database."""
    before = desk.ok(*QUESTION).raw
    (desk.root / "catalogue.sqlite").write_bytes(b"garbage" * 1000)
    said = desk.ok(*QUESTION)
    assert "rebuilding it" in said.err
    assert said.raw == before


def test_another_archives_index_is_never_used(desk: Desk, tmp_path: Path) -> None:
    """It is told to be another's."""
    other = new_desk(tmp_path / "other")
    other.keep(tmp_path / "other-mail", mail(text="word elsewhere"))
    before = desk.ok(*QUESTION).raw
    shutil.rmtree(desk.root / "search")
    shutil.copytree(other.root / "search", desk.root / "search")
    said = desk.ok(*QUESTION)
    assert "belongs to another archive" in said.err
    assert said.raw == before


def test_projections_that_are_behind_catch_up_by_themselves(desk: Desk, tmp_path: Path) -> None:
    """A search after ``--keep-only`` finds what was kept."""
    more = tmp_path / "more"
    more.mkdir()
    (more / "a.eml").write_bytes(mail(message_id="late@x.example", text="word late"))
    desk.ok("import", more, "--keep-only")
    assert desk.ok(*QUESTION).json["total"] == 6


def test_projections_of_a_later_journal_are_rebuilt(desk: Desk, tmp_path: Path) -> None:
    """As after putting back a backup of the originals alone."""
    shutil.copytree(desk.root, tmp_path / "backup")
    desk.keep(tmp_path / "mail", mail(message_id="late@x.example", text="word late"))
    for name in ("objects", "journal"):
        shutil.rmtree(desk.root / name)
        shutil.copytree(tmp_path / "backup" / name, desk.root / name)
    assert desk.ok(*QUESTION).json["total"] == 5
    assert desk.ok("status", "--format", "json").json["index"] == 5


def test_verify_tells_of_unusable_projections_and_leaves_them(desk: Desk) -> None:
    """A check never repairs."""
    shutil.rmtree(desk.root / "search")
    (desk.root / "catalogue.sqlite").unlink()
    report = desk.ok("verify", "--format", "json").json
    codes = {finding["code"]: finding["level"] for finding in report["findings"]}
    assert codes == {"catalogue-unusable": "warning", "index-unusable": "warning"}
    assert not (desk.root / "search").exists()
    assert not (desk.root / "catalogue.sqlite").exists()


def test_a_search_goes_on_while_another_process_indexes(desk: Desk, tmp_path: Path) -> None:
    """Readers are never held up; what is not searched yet is told."""
    with Archive(desk.root, tell=print, actor="person:test") as archive:
        more = tmp_path / "more"
        more.mkdir()
        (more / "a.eml").write_bytes(mail(message_id="late@x.example", text="word late"))
        desk.ok("import", more, "--keep-only")
        with archive.evidence.projection_lock(wait=True):
            said = desk.ok(*QUESTION)
            assert said.json["total"] == 5
            assert "its newest mail is not searched yet" in said.err
            assert desk("--lock-wait", "0", "catch-up").code == 11
    assert desk.ok(*QUESTION).json["total"] == 6
