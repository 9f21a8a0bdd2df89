"""The wall: no error leaves as a traceback, and a reader who goes away is no error."""

import errno
import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from command import Desk, archiver, new_desk
from mail import mail

from archiver.cli.main import wants_more
from archiver.cli.own import colour
from archiver.cli.wall import explain
from archiver.errors import LockedError
from index.engine import IndexDamaged

ENVIRONMENT = {**os.environ, "ARCHIVER_LANG": "en", "XDG_CONFIG_HOME": os.devnull}
RED = "\x1b[31m"
needs_shell = pytest.mark.skipif(sys.platform == "win32", reason="Windows closes no streams so")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive with two messages."""
    desk = new_desk(tmp_path / "archive")
    desk.keep(tmp_path / "mail", mail(message_id="a@x.example"), mail(message_id="b@x.example"))
    return desk


@pytest.mark.parametrize(
    ("error", "what", "advice", "code"),
    [
        (LockedError("Busy.", advice="Wait."), "Busy.", "Wait.", 11),
        (MemoryError(), "not enough memory", "What was kept is kept", 1),
        (OSError(errno.ENOMEM, "Cannot allocate"), "not enough memory", "raise the limit", 1),
        (OSError(errno.ENOSPC, "No space left", "f"), "No space left: f", "Check the disk", 1),
        (IndexDamaged("It is cut short."), "cannot be used: It is cut", "archiver rebuild", 1),
        (sqlite3.DatabaseError("malformed"), "could not be used: malformed", "verify", 1),
        (KeyError("x"), "not prepared for: KeyError: 'x'", "`archiver -v` and report", 1),
    ],
)
def test_every_error_is_told_with_what_to_do(
    error: Exception, what: str, advice: str, code: int
) -> None:
    """Ours as they are, the system's by what they mean, unexpected ones as such."""
    trouble = explain(error)
    assert what in trouble.what
    assert advice in trouble.advice
    assert trouble.exit_code == code


def test_an_unexpected_error_is_told_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its kind, and that it is to be reported; exit code 1."""
    monkeypatch.setattr("archiver.app.require_archive", divided_by_zero)
    said = archiver("status")
    assert said.code == 1
    assert "not prepared for: ZeroDivisionError" in said.err
    assert "Traceback" not in said.err


def test_verbose_shows_the_traceback_of_an_unexpected_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is what a report needs."""
    monkeypatch.setattr("archiver.app.require_archive", divided_by_zero)
    assert "Traceback (most recent call last)" in archiver("-v", "status").err


def divided_by_zero(_root: Path | None) -> Path:
    """Stand for a mistake of ours."""
    raise ZeroDivisionError("by zero")


@pytest.mark.parametrize(
    ("arguments", "more"),
    [
        (["-v", "status"], True),
        (["-qv", "status"], True),
        (["--verbose", "status"], True),
        (["status"], False),
        (["--version"], False),
        (["search", "-v"], False),
    ],
)
def test_verbose_counts_before_the_command(arguments: Sequence[str], *, more: bool) -> None:
    """A query may leave out the word v."""
    assert wants_more(arguments) is more


def shell(desk: Desk, command: str) -> "subprocess.CompletedProcess[str]":
    """Run ``archiver COMMAND`` on an archive in a shell, which can close and join streams."""
    return subprocess.run(
        ["sh", "-c", f'"$0" -m archiver --archive "$1" {command}', sys.executable, desk.root],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )


@needs_shell
@pytest.mark.parametrize("format_", ["text", "json"])
def test_an_answer_without_stdout_is_refused(desk: Desk, format_: str) -> None:
    """Python then has no stdout at all."""
    done = shell(desk, f"status --format {format_} >&-")
    assert done.returncode == 1
    assert "standard output is closed" in done.stderr
    assert "Traceback" not in done.stderr


@needs_shell
@pytest.mark.parametrize("closed", ["2>&-", "<&-", "2>&- <&-"])
def test_commands_do_without_stderr_and_stdin(desk: Desk, closed: str) -> None:
    """As some services start them."""
    done = shell(desk, f"search '*' --format json {closed}")
    assert done.returncode == 0
    assert '"total": 2' in done.stdout


@needs_shell
@pytest.mark.parametrize("format_", ["text", "json", "jsonl", "csv"])
def test_a_reader_who_goes_away_is_no_error(desk: Desk, format_: str) -> None:
    """As in ``archiver search '*' | head -1``: nothing is said, and the exit code is 0."""
    reading, writing = os.pipe()
    os.close(reading)
    program = [sys.executable, "-m", "archiver", "--archive", desk.root]
    done = subprocess.run(
        [*program, "search", "*", "--format", format_],
        env=ENVIRONMENT,
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)
    assert done.returncode == 0
    assert b"rror" not in done.stderr


@needs_shell
def test_a_help_text_whose_reader_goes_away_is_no_error(desk: Desk) -> None:
    """Click prints it while it parses."""
    reading, writing = os.pipe()
    os.close(reading)
    program = [sys.executable, "-m", "archiver", "--archive", desk.root, "search", "--help"]
    done = subprocess.run(
        program, env=ENVIRONMENT, stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


@needs_shell
def test_a_full_disk_under_stdout_is_told(desk: Desk) -> None:
    """Once, and Python adds nothing when it ends."""
    if not Path("/dev/full").exists():
        pytest.skip("the system has no /dev/full")
    done = shell(desk, "status > /dev/full")
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Exception ignored" not in done.stderr


def test_errors_are_coloured_when_asked(tmp_path: Path) -> None:
    """On a stream that is no terminal as well."""
    nothing = ("--archive", tmp_path / "nothing", "status")
    assert RED in archiver("--color", "always", *nothing).err
    assert RED not in archiver("--color", "never", *nothing).err
    assert RED not in archiver(*nothing).err


def test_no_color_is_respected_by_errors() -> None:
    """Whatever the terminal can show."""
    assert colour(None, {"NO_COLOR": "1"}) is False
    assert colour("auto", {"NO_COLOR": "1"}) is False
    assert colour("always", {"NO_COLOR": "1"}) is True
    assert colour(None, {}) is None


@pytest.mark.parametrize("how", ["option", "environment", "usual place"])
def test_the_users_own_file_gives_the_language(tmp_path: Path, how: str) -> None:
    """Wherever the file is named, when nothing closer says otherwise."""
    path = tmp_path / "written-record-archiver" / "config.toml"
    path.parent.mkdir()
    path.write_text('lang = "fr"\n')
    options = ("--config", path) if how == "option" else ()
    environ = {"ARCHIVER_LANG": "", "LC_ALL": "C", "LANGUAGE": ""}
    if how == "environment":
        environ["ARCHIVER_CONFIG"] = str(path)
    if how == "usual place":
        environ["XDG_CONFIG_HOME"] = str(tmp_path)
    assert "Erreur" in archiver(*options, "status", environ=environ).err
    assert "Error" in archiver(*options, "--lang", "en", "status", environ=environ).err


@pytest.mark.parametrize(
    "line", ['color = "bogus"', 'lang = "de"', "lang = 1", 'tint = "red"', "="]
)
def test_a_mistake_in_the_users_own_file_is_told(tmp_path: Path, line: str) -> None:
    """With exit code 78, whichever command is given."""
    path = tmp_path / "own.toml"
    path.write_text(line + "\n")
    said = archiver("--config", path, "status")
    assert said.code == 78
    assert str(path) in said.err
