"""What ``verify`` says of catalogue and index beside the originals."""

from pathlib import Path

import pytest
from command import Desk, new_desk
from mail import mail


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive with five messages."""
    desk = new_desk(tmp_path / "archive")
    desk.keep(tmp_path / "mail", *(mail(message_id=f"{n}@x", text=f"w{n}\n") for n in range(5)))
    return desk


def levels(desk: Desk, *options: str) -> dict[str, str]:
    """Return the level of each code that ``verify`` finds; each has words and advice."""
    found = desk("verify", *options, "--format", "json").json["findings"]
    assert all(one["message"] and one["advice"] for one in found)
    return {one["code"]: one["level"] for one in found}


def flip(path: Path) -> None:
    """Change one byte in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def postings(desk: Desk) -> Path:
    """Return the file of the index that opening it does not read."""
    return next((desk.root / "search").rglob("words_*.pst"))


def test_a_sound_archive_gives_no_finding(desk: Desk) -> None:
    """Whether data are read or not; and it says how much was compared."""
    assert levels(desk) == {}
    said = desk.ok("verify", "--read-data", "--format", "json").json
    assert said["findings"] == []
    assert said["checked"]["catalogue"] == said["checked"]["index"] == 5


@pytest.mark.parametrize("share", ["all", "1%"])
def test_a_flipped_byte_in_the_postings_is_found_when_data_are_read(desk: Desk, share: str) -> None:
    """However small the share: the index is read whole."""
    flip(postings(desk))
    assert levels(desk, f"--read-data={share}") == {"index-damaged": "warning"}
    said = desk("verify", f"--read-data={share}")
    assert said.code == 0  # nothing is lost
    assert postings(desk).name in said.out
    assert "archiver rebuild" in said.out
    desk.ok("rebuild")
    assert levels(desk, "--read-data=all") == {}


def test_an_index_that_cannot_be_opened_is_found_without_reading_data(desk: Desk) -> None:
    """As is one that is not there."""
    flip(next((desk.root / "search").rglob("words_*.trm")))
    assert levels(desk) == {"index-unusable": "warning"}


def test_a_catalogue_that_we_may_not_read_is_not_to_be_made_again(desk: Desk) -> None:
    """It may be sound."""
    (desk.root / "catalogue.sqlite-wal").unlink(missing_ok=True)
    (desk.root / "catalogue.sqlite-wal").mkdir()  # SQLite then says what it says without permission
    assert levels(desk) == {"catalogue-unreadable": "warning"}
    said = desk("verify")
    assert "permissions" in said.out
    assert "rebuild" not in said.out


def test_a_missing_object_is_put_back_from_a_backup(desk: Desk) -> None:
    """Nothing is left of it to be moved away."""
    named = [path for path in (desk.root / "objects").rglob("*") if path.is_file()]
    lost = next(path for path in named if b"Subject:" in path.read_bytes())
    lost.unlink()
    said = desk("verify")
    assert said.code == 3
    assert f"The object {lost.name} is missing." in said.out
    assert "Put it back from a backup." in said.out
    assert "Move what is left" not in said.out
