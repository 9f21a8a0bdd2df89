"""Working copies: a command's change happens wholly or not at all, whatever ends it."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command import Desk, environment, new_desk
from evidence_case import reopen
from mail import mail
from processes import Running

from archiver.app import Archive
from archiver.care import working_copies
from archiver.care.engagements import draft, store
from archiver.care.working_copies import SETTINGS, take_in
from archiver.errors import OperationError
from archiver.evidence.store import Evidence
from archiver.model.digest import Digest, Position

ME = "person:test"
NAME = "engagements/acme.toml"


class PowerCutError(BaseException):
    """The machine went off."""


class Dying(Evidence):
    """Originals on a machine that goes off before or after the journal is written."""

    late = False

    def keep_config(self, name: str, data: bytes | None, *, actor: str) -> Position | None:
        """Journal, or do not come to it, and die."""
        if self.late:
            super().keep_config(name, data, actor=actor)
        raise PowerCutError


def dying(root: Path, *, late: bool) -> Dying:
    """Open the archive on such a machine."""
    evidence = Dying.open(
        root, clock=lambda: datetime(2026, 3, 2, tzinfo=UTC), entropy=os.urandom, software="test"
    )
    evidence.late = late
    return evidence


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive with one message and one engagement."""
    desk = new_desk(tmp_path / "archive")
    desk.keep(tmp_path / "mail", mail(message_id="a@client.example"))
    desk.ok("engagement", "add", "acme", "--client", "ACME", "--domain", "client.example")
    return desk


def version(desk: Desk) -> Digest:
    """Return what marks the tags of the archive as it stands."""
    with reopen(desk.root) as evidence:
        return take_in(evidence, actor=ME).version


@pytest.mark.parametrize("moment", ["before it is journalled", "after it"])
def test_a_crash_while_a_working_copy_is_saved_does_not_undo_the_command(
    desk: Desk, moment: str
) -> None:
    """Before the journal or after it: the next command goes on with the new file."""
    path = desk.root / NAME
    text = path.read_text() + "# new\n"
    with dying(desk.root, late=moment == "after it") as evidence, pytest.raises(PowerCutError):
        working_copies.save(evidence, NAME, text, actor=ME)
    desk.ok("status")
    assert path.read_text() == text
    with reopen(desk.root) as evidence:
        assert evidence.configs()[NAME] == Digest.of(text.encode())


def test_a_crash_before_a_removal_is_journalled_leaves_the_engagement(desk: Desk) -> None:
    """It is restored and told: the removal is wholly absent, in the journal too."""
    path = desk.root / NAME
    text = path.read_text()
    entries = desk.ok("status", "--format", "json").json["entries"]
    with dying(desk.root, late=False) as evidence, pytest.raises(PowerCutError):
        working_copies.remove(evidence, NAME, actor=ME)
    assert "has been restored" in desk.ok("status").err
    assert path.read_text() == text
    assert desk.ok("status", "--format", "json").json["entries"] == entries


def test_a_crash_after_a_removal_is_journalled_leaves_it_removed(desk: Desk) -> None:
    """Neither the file nor the engagement comes back."""
    with dying(desk.root, late=True) as evidence, pytest.raises(PowerCutError):
        working_copies.remove(evidence, NAME, actor=ME)
    assert desk.ok("engagement", "list", "--format", "json").json["engagements"] == []
    assert not (desk.root / NAME).exists()


def test_a_removal_that_cannot_be_journalled_did_not_happen(desk: Desk) -> None:
    """The file is put back at once."""
    text = (desk.root / NAME).read_text()
    with (
        Archive(desk.root, tell=print, actor=ME) as archive,
        archive.evidence._locks.writing(1),
    ):
        assert desk("--lock-wait", "0", "engagement", "remove", "acme", "--yes").code == 11
    assert (desk.root / NAME).read_text() == text


def test_a_draft_of_a_file_that_was_changed_meanwhile_is_kept_beside_it(desk: Desk) -> None:
    """Who edits for an hour loses nothing, and neither does the other."""
    path = desk.root / NAME
    before = path.read_text()
    path.write_text(before + "# theirs\n")
    with reopen(desk.root) as evidence, pytest.raises(OperationError) as caught:
        store(evidence, draft("acme", before + "# ours\n"), before=before, actor=ME)
    assert f"{NAME} was changed by another command meanwhile" in caught.value.what
    aside = desk.root / f"{NAME}.mine"
    assert str(aside) in caught.value.advice
    assert aside.read_text() == before + "# ours\n"
    assert path.read_text() == before + "# theirs\n"


def test_a_new_engagement_does_not_replace_a_file_that_came_meanwhile(desk: Desk) -> None:
    """Two processes may add the same one."""
    with reopen(desk.root) as evidence, pytest.raises(OperationError):
        store(evidence, draft("acme", 'client = "Other"\n'), before=None, actor=ME)
    assert "ACME" in (desk.root / NAME).read_text()


def test_two_edits_of_one_engagement_are_not_mixed(desk: Desk, tmp_path: Path) -> None:
    """The editor of the first is open while the second command runs."""
    editor = tmp_path / "editor.py"
    editor.write_text(
        "import pathlib, sys\n"
        f"theirs = pathlib.Path({str(desk.root / NAME)!r})\n"
        "theirs.write_text(theirs.read_text() + '# theirs\\n')\n"
        "ours = pathlib.Path(sys.argv[1])\n"
        "ours.write_text(ours.read_text() + '# ours\\n')\n"
    )
    with environment({"EDITOR": f"{sys.executable} {editor}", "VISUAL": ""}):
        said = desk("engagement", "edit", "acme")
    assert said.code == 1
    assert "# theirs" in (desk.root / NAME).read_text()
    assert "# ours" in (desk.root / f"{NAME}.mine").read_text()


def test_the_editor_speaks_the_users_own_language(desk: Desk, tmp_path: Path) -> None:
    """Our --lang is for us."""
    editor = tmp_path / "editor.py"
    seen = tmp_path / "seen"
    editor.write_text(
        "import os, pathlib\n"
        f"pathlib.Path({str(seen)!r}).write_text(os.environ.get('LANGUAGE', ''))\n"
    )
    with environment({"EDITOR": f"{sys.executable} {editor}", "VISUAL": ""}):
        running = Running(desk.root, "--lang", "fr", "engagement", "edit", "acme", language="de:en")
        assert running.end().code == 0
    assert seen.read_text() == "de:en"


def test_tags_are_not_made_again_for_what_they_do_not_depend_on(desk: Desk) -> None:
    """A new account without an address of its own, a comment, a password command."""
    before = version(desk)
    base = ("--host", "imap.example.org", "--keep", "everything")
    desk.ok("account", "add", "work", *base, "--user", "me")
    path = desk.root / SETTINGS
    path.write_text(path.read_text() + "# a comment\n")
    desk.ok("account", "edit", "work", "--password-command", "pass show work")
    assert version(desk) == before


@pytest.mark.parametrize(
    ("old", "new"), [("Europe/Paris", "Asia/Tokyo"), ('"en"', '"fr"'), ('"me"', '"me@x.example"')]
)
def test_tags_are_made_again_for_what_they_depend_on(desk: Desk, old: str, new: str) -> None:
    """Days, the language of reasons, our own addresses."""
    base = ("--host", "imap.example.org", "--keep", "everything")
    desk.ok("account", "add", "work", *base, "--user", "me")
    before = version(desk)
    path = desk.root / SETTINGS
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    assert version(desk) != before


def test_tags_are_made_again_for_another_engagement_file(desk: Desk) -> None:
    """Its rules may say something else."""
    before = version(desk)
    (desk.root / NAME).write_text((desk.root / NAME).read_text() + "# new\n")
    assert version(desk) != before


def test_a_file_is_told_once_with_all_that_is_wrong_and_a_way_back(desk: Desk) -> None:
    """Its name is not said twice, and the way back works."""
    path = desk.root / SETTINGS
    good = path.read_text()
    path.write_text(good.replace("schema = 1", "schema = 1\nzzz = 1\nyyy = 2"))
    report = desk("doctor", "--format", "json")
    assert report.code == 3
    (finding,) = [each for each in report.json["findings"] if each["level"] == "error"]
    assert (finding["code"], finding["subject"]) == ("config-invalid", SETTINGS)
    assert finding["message"].startswith("It has 2 errors:\n  zzz: unknown key")
    assert "delete it and run any command" in finding["advice"]
    path.unlink()
    assert "archiver account remove" in desk.ok("status").err
    assert path.read_text() == good


def test_a_restored_engagement_is_told_how_it_ends(desk: Desk) -> None:
    """Advice by kind: an account is not ended by ending an engagement."""
    (desk.root / NAME).unlink()
    err = desk.ok("status").err
    assert "archiver engagement remove" in err
    assert "account" not in err


def test_a_check_of_engagements_exits_3_for_an_error_only(desk: Desk) -> None:
    """What is told and what is exited with agree."""
    (desk.root / NAME).write_text("client = \n")
    said = desk("engagement", "check", "--format", "json")
    assert said.code == 3
    assert [each["level"] for each in said.json["findings"]] == ["error"]


def test_line_ends_of_a_working_copy_survive_a_command(desk: Desk) -> None:
    """A file of Windows stays one."""
    path = desk.root / SETTINGS
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    base = ("--host", "imap.example.org", "--user", "me", "--keep", "everything")
    desk.ok("account", "add", "work", *base)
    desk.ok("account", "edit", "work", "--folder", "INBOX")
    assert b"\n" not in path.read_bytes().replace(b"\r\n", b"")
