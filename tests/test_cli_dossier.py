"""``dossier``: where it may go, which days, who is asked."""

from pathlib import Path

import pytest
from command import Desk, archiver, new_desk
from mail import mail


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive with one engagement and one record in it."""
    desk = new_desk(tmp_path / "archive")
    desk.keep(tmp_path / "mail", mail(message_id="a@x.example"))
    desk.ok("engagement", "add", "acme", "--client", "ACME", "--domain", "client.example")
    return desk


@pytest.mark.parametrize("place", [".", "dossier", "objects/dossier", "deep/er/dossier"])
def test_a_dossier_never_goes_inside_the_archive(desk: Desk, place: str) -> None:
    """It would stand among the originals; nothing is made for it either."""
    before = sorted(desk.root.rglob("*"))
    said = desk("dossier", "acme", "--output", desk.root / place, "--yes")
    assert said.code == 2
    assert "is inside the archive" in said.err
    assert sorted(desk.root.rglob("*")) == before


def test_a_link_into_the_archive_is_seen_through(desk: Desk, tmp_path: Path) -> None:
    """Whatever the way is called."""
    link = tmp_path / "link"
    try:
        link.symlink_to(desk.root / "objects", target_is_directory=True)
    except OSError:
        pytest.skip("links cannot be made here")
    said = desk("dossier", "acme", "--output", link / "dossier", "--yes")
    assert said.code == 2
    assert "is inside the archive" in said.err


def test_a_folder_beside_the_archive_will_do(desk: Desk) -> None:
    """Even one whose name begins like the archive's."""
    desk.ok("dossier", "acme", "--output", f"{desk.root}-dossier", "--yes")


def test_days_the_wrong_way_round_are_told(desk: Desk, tmp_path: Path) -> None:
    """They were taken for a selection that holds nothing."""
    days = ("--after", "2026-04-01", "--before", "2026-03-01")
    said = desk("dossier", "acme", *days, "--output", tmp_path / "out", "--yes")
    assert said.code == 2
    assert "--after 2026-04-01 is later than --before 2026-03-01." in said.err
    assert not (tmp_path / "out").exists()


def test_one_day_is_a_selection(desk: Desk, tmp_path: Path) -> None:
    """Both ends are included."""
    day = ("--after", "2026-03-02", "--before", "2026-03-02")
    desk.ok("dossier", "acme", *day, "--output", tmp_path / "out", "--yes")


def test_the_same_selection_has_the_same_manifest(desk: Desk, tmp_path: Path) -> None:
    """The first export made the journal grow, which the second one's custody tells; nothing else."""
    for name in ("one", "two"):
        desk.ok("dossier", "acme", "--output", tmp_path / name, "--yes")
    one, two = ((tmp_path / name / "manifest-sha256.txt").read_text() for name in ("one", "two"))
    changed = set(one.splitlines()) ^ set(two.splitlines())
    assert {line.split()[1] for line in changed} == {"data/custody.csv"}
    info = [(tmp_path / name / "bag-info.txt").read_text() for name in ("one", "two")]
    assert all("Journal-Root-SHA256: " in text for text in info)
    assert info[0] != info[1]


def test_a_question_that_nobody_can_answer_is_refused(desk: Desk) -> None:
    """Without a terminal: exit code 2, and how to answer beforehand."""
    said = desk("engagement", "remove", "acme")
    assert said.code == 2
    assert "Nobody is there to answer: End the engagement acme?" in said.err
    assert "--yes" in said.err
    assert "acme" in desk.ok("engagement", "list").out


def test_completion_is_offered_for_powershell_where_click_has_it() -> None:
    """From click 8.5 on; the other shells always."""
    from click.shell_completion import get_completion_class

    code = 0 if get_completion_class("powershell") else 2
    assert archiver("completion", "powershell").code == code
    for shell in ("bash", "zsh", "fish"):
        assert "_ARCHIVER_COMPLETE" in archiver("completion", shell).out
