"""An object that cannot be read for a while is told, and read as soon as it is back."""

import hashlib
from pathlib import Path

import pytest
from command import Desk, new_desk
from mail import mail

LOST = mail(subject="Acceptance", message_id="lost@client.example", text="we accept lot two")
ALL = ("search", "*", "--format", "json")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive whose engagement holds three messages."""
    desk = new_desk(tmp_path / "archive")
    desk.keep(tmp_path / "mail", LOST, mail(message_id="b@client.example"), mail(text="other"))
    desk.ok("engagement", "add", "acme", "--client", "ACME", "--domain", "client.example")
    return desk


def hidden(desk: Desk) -> tuple[Path, Path]:
    """Return where the object is, and where it is hidden."""
    digest = hashlib.sha256(LOST).hexdigest()
    path = desk.root / "objects" / digest[:2] / digest
    return path, desk.root.parent / "hidden"


def test_a_gap_is_told_by_every_command_and_rebuild_exits_3(desk: Desk) -> None:
    """Nothing is skipped in silence."""
    path, place = hidden(desk)
    path.rename(place)
    said = desk("rebuild")
    assert said.code == 3
    assert "1 record cannot be read" in said.err
    assert "1 record cannot be read" in desk.ok("search", "accept").err


def test_what_is_back_is_read_again(desk: Desk) -> None:
    """The answers are those of before, byte for byte."""
    before = desk.ok(*ALL).raw
    path, place = hidden(desk)
    path.rename(place)
    desk("rebuild")
    place.rename(path)
    said = desk.ok(*ALL)
    assert "objects that could not be read are back" in said.err
    assert said.raw == before
    assert desk.ok(*ALL).err == ""


def test_two_gaps_are_not_one_writing(desk: Desk) -> None:
    """What cannot be read is like nothing else."""
    for path in (desk.root / "objects").glob("??/*"):
        if b"Subject" in path.read_bytes():
            path.rename(desk.root.parent / path.name)
    desk("rebuild")
    hits = desk.ok(*ALL).json["hits"]
    assert len(hits) == 3
    assert all(hit["variants"] == [] for hit in hits)


def test_a_dossier_with_a_gap_is_refused(desk: Desk, tmp_path: Path) -> None:
    """An exhibit would be missing, and nobody would know."""
    path, place = hidden(desk)
    path.rename(place)
    desk("rebuild")
    said = desk("dossier", "acme", "--output", tmp_path / "dossier")
    assert said.code == 1
    assert "cannot be read" in said.err
    assert not (tmp_path / "dossier").exists()
