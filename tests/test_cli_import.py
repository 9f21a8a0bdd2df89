"""``import``: what was not taken in is told in words for files, and only mail makes exit 3."""

from pathlib import Path

import pytest
from command import Desk, new_desk
from mail import mail


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an empty archive, and a folder with one message."""
    folder = tmp_path / "mails"
    folder.mkdir()
    (folder / "a.eml").write_bytes(mail())
    return new_desk(tmp_path / "archive")


def test_files_that_are_no_mail_are_counted_and_make_no_error(desk: Desk, tmp_path: Path) -> None:
    """Every time anew, in one line; -v names them."""
    (tmp_path / "mails" / "logo.gif").write_bytes(b"GIF89a")
    (tmp_path / "mails" / "notes.txt").write_bytes(b"milk, bread")
    for _time in range(2):
        said = desk.ok("import", tmp_path / "mails")
        assert "2 files were passed over: by their kind they are no mail." in said.err
        assert "logo.gif" not in said.err
    assert str(tmp_path / "mails" / "logo.gif") in desk.ok("-v", "import", tmp_path / "mails").err


def test_a_file_that_may_be_mail_and_was_not_imported_makes_exit_3(
    desk: Desk, tmp_path: Path
) -> None:
    """In words for files: nobody tries them again by themselves."""
    (tmp_path / "mails" / "broken.eml").write_bytes(b"")
    said = desk("import", tmp_path / "mails")
    assert said.code == 3
    assert "Import: 1 file or message was not imported:" in said.err
    assert "broken.eml: it is empty" in said.err
    assert "next time" not in said.err


def test_a_link_to_a_file_elsewhere_is_not_kept(desk: Desk, tmp_path: Path) -> None:
    """A folder of somebody's mail cannot name files of this machine."""
    (tmp_path / "passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    (tmp_path / "mails" / "link.eml").symlink_to(tmp_path / "passwd")
    said = desk("import", tmp_path / "mails")
    assert said.code == 3
    assert "link.eml: the link leads out of the folder that was named" in said.err
    assert desk.ok("status", "--format", "json").json["records"] == 1


def test_many_files_that_were_not_imported_are_counted_and_all_named_with_v(
    desk: Desk, tmp_path: Path
) -> None:
    """Twenty are enough to see what is wrong."""
    broken = [tmp_path / "mails" / f"broken-{number}.eml" for number in range(25)]
    for path in broken:
        path.write_bytes(b"")
    said = desk("import", tmp_path / "mails")
    assert "25 files or messages were not imported:" in said.err
    assert sum(str(path) in said.err for path in broken) == 20
    assert "… and 5 more: -v names them all" in said.err
    said = desk("-v", "import", tmp_path / "mails")
    assert all(str(path) in said.err for path in broken)
