"""What ``verify`` says of the originals, of what proves them, and of catalogue and index."""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command import Desk, new_desk
from evidence_case import reopen
from mail import mail

from archiver.evidence.checkpoints.outside import Outside
from archiver.evidence.checks.findings import Findings
from archiver.evidence.checks.memory import Memory, Progress


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


def checked(desk: Desk, *options: str) -> dict[str, int]:
    """Return what ``verify`` counts."""
    said = desk.ok("verify", *options, "--format", "json")
    counts: dict[str, int] = said.json["checked"]
    return counts


def test_it_counts_all_that_it_checked(desk: Desk) -> None:
    """Entries, objects, bytes, signed states, time-stamps, signatures."""
    counts = checked(desk, "--read-data=all")
    assert counts["objects"] == counts["objects-read"] == 6
    assert counts["entries"] > 11
    assert counts["bytes-read"] > 500
    assert {"checkpoints", "stamps", "signatures"} <= counts.keys()
    assert "signatures" not in checked(desk, "--no-origin")


def test_people_read_the_counts_in_words(desk: Desk) -> None:
    """One line each."""
    desk.ok("verify")
    said = desk.ok("verify", "--since")
    assert "older entries: " in said.out
    assert "time-stamps: 0\n" in said.out
    assert "No entry came since; the older ones are those that were checked before." in said.out


def test_since_last_looks_at_what_came_since(desk: Desk, tmp_path: Path) -> None:
    """What was sound once is remembered outside the archive."""
    before = checked(desk, "--read-data=all")["entries"]
    desk.keep(tmp_path / "mail", mail(message_id="new@x", text="new\n"))
    counts = checked(desk, "--since=last", "--read-data=all")
    assert counts["leaves"] == before
    assert counts["objects-read"] == 1


def test_since_a_day(desk: Desk) -> None:
    """Days are days in the archive's time zone."""
    today = datetime.now(UTC).date().isoformat()
    assert checked(desk, "--since=2020-01-01")["entries"] > 11
    assert "leaves" not in checked(desk, "--since=2020-01-01")
    assert checked(desk, f"--since={today[:4]}-01-01")["entries"] > 11
    assert "entries" not in checked(desk, "--since=2999-01-01")


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "31.03.2026"])
def test_what_is_no_day_is_refused(desk: Desk, day: str) -> None:
    """With an example."""
    said = desk("verify", f"--since={day}")
    assert said.code == 2
    assert f"--since={day} is not a day." in said.err
    assert "Give a day such as 2026-03-31, or last." in said.err


def interrupted(desk: Desk) -> Outside:
    """Leave what an interrupted check of all objects leaves: all folders but one were read."""
    with reopen(desk.root, recover=False) as evidence:
        outside = Outside.of_user(evidence.archive_id)
        memory = Memory(outside, now=lambda: datetime.now(UTC), findings=Findings())
        memory.keep_progress(
            Progress(
                size=evidence.size,
                root=evidence.tree_root().hex(),
                at=memory.now(),
                share=1.0,
                since=0,
                seed="00",
                folders=tuple(range(255)),
                objects=4000,
                bytes=5,
            )
        )
    return outside


def test_an_interrupted_check_goes_on_and_says_so(desk: Desk) -> None:
    """On stderr, so that the answer stays an answer."""
    interrupted(desk)
    said = desk.ok("verify", "--read-data", "--format", "json")
    assert "Going on with the check that was interrupted on" in said.err
    assert "4000 objects were read by then. To begin anew, give --restart." in said.err
    assert 4000 <= said.json["checked"]["objects-read"] <= 4006
    assert desk.ok("verify", "--read-data").err == ""


def test_it_can_begin_anew(desk: Desk) -> None:
    """With --restart."""
    interrupted(desk)
    said = desk.ok("verify", "--read-data", "--restart", "--format", "json")
    assert said.err == ""
    assert said.json["checked"]["objects-read"] == 6


@pytest.mark.skipif(os.name != "posix", reason="a file in a folder's place, as POSIX tells it")
def test_a_state_folder_of_no_use_is_noted(desk: Desk, tmp_path: Path) -> None:
    """The check is complete all the same."""
    (tmp_path / "state").write_text("a file")
    said = desk("verify", "--format", "json", environ={"ARCHIVER_STATE": str(tmp_path / "state")})
    notes = [one for one in said.json["findings"] if one["code"] == "not-remembered"]
    assert len(notes) == 1
    assert notes[0]["level"] == "note"
    assert "ARCHIVER_STATE" in notes[0]["advice"]


def test_a_database_that_was_rolled_back_is_recognised(desk: Desk, tmp_path: Path) -> None:
    """By its mirror, which is longer."""
    desk.ok("verify")
    shutil.copytree(desk.root / "journal", tmp_path / "older")
    desk.keep(tmp_path / "mail", mail(message_id="new@x", text="new\n"))
    for name in ("journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm"):
        (desk.root / "journal" / name).unlink(missing_ok=True)
        if (tmp_path / "older" / name).exists():
            shutil.copy(tmp_path / "older" / name, desk.root / "journal" / name)
    assert levels(desk)["rolled-back"] == "error"
    assert desk("verify").code == 3


def test_an_archive_older_than_what_was_checked_is_recognised(desk: Desk, tmp_path: Path) -> None:
    """An older copy of the whole folder, where this machine knows of a newer one."""
    shutil.copytree(desk.root, tmp_path / "older")
    desk.keep(tmp_path / "mail", mail(message_id="new@x", text="new\n"))
    desk.ok("verify")
    older = Desk(tmp_path / "older")
    assert levels(older, "--since")["since-unknown"] == "error"
    assert older("verify", "--since").code == 3


def test_a_genesis_that_was_changed_does_not_stop_the_check(desk: Desk) -> None:
    """Nobody can tell any more which archive it is; all the rest is checked."""
    with reopen(desk.root) as evidence:
        evidence.database.all("UPDATE entry SET body = x'7b7d' WHERE position = 0")
    found = levels(desk)
    assert found["leaf-mismatch"] == found["entry-unreadable"] == "error"
    assert "check-failed" in found
