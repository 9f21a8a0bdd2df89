"""``on_failure``: the owner's command is run when a sync fails, in part or whole."""

import json
import os
import stat
import sys
from pathlib import Path

import pytest
from command import Desk, new_desk
from dovecot import PASSWORD, DovecotServer
from mail import mail

from archiver.care.failure import Failure, report_failure, run_command
from archiver.config import Settings

FAILED = Failure(account="work", reason="Nobody\nanswers.\0", exit_code=75)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """Write a script that notes what it was told in ``told.json`` beside it."""
    path = tmp_path / "notify me"
    path.write_text(
        f"#!{sys.executable}\n"
        "import json, os, pathlib\n"
        "log = pathlib.Path(__file__).with_name('told.json')\n"
        "told = json.loads(log.read_text()) if log.exists() else []\n"
        "told.append({k: v for k, v in os.environ.items() if k.startswith('ARCHIVER')})\n"
        "log.write_text(json.dumps(told))\n"
    )
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def told(script: Path) -> list[dict[str, str]]:
    """Return what the script was told each time."""
    log = script.with_name("told.json")
    return json.loads(log.read_text()) if log.exists() else []


def archive_with(tmp_path: Path, command: str, *, port: int = 1, user: str = "u") -> Desk:
    """Make an archive whose on_failure is COMMAND, with one account."""
    desk = new_desk(tmp_path / "archive")
    path = desk.root / "archive.toml"
    setting = f"schema = 1\non_failure = {json.dumps(command)}"
    path.write_text(path.read_text().replace("schema = 1", setting))
    desk.ok(
        *("account", "add", "work", "--host", "127.0.0.1", "--port", port, "--user", user),
        *("--security", "plain", "--keep", "everything"),
        *("--password-command", f"echo {PASSWORD}"),
    )
    return desk


def test_the_command_is_told_account_reason_and_exit_code(tmp_path: Path, script: Path) -> None:
    """The server is away."""
    desk = archive_with(tmp_path, f"'{script}'")
    said = desk("sync")
    assert said.code == 75
    (one,) = told(script)
    assert (one["ARCHIVER_ACCOUNT"], one["ARCHIVER_EXIT_CODE"]) == ("work", "75")
    assert one["ARCHIVER_ROOT"] == str(desk.root)
    assert "127.0.0.1" in one["ARCHIVER_REASON"]


def test_no_secret_is_handed_to_it(tmp_path: Path, script: Path) -> None:
    """Passwords that stand in the environment stay there."""
    desk = archive_with(tmp_path, f"'{script}'")
    desk("sync", environ={"ARCHIVER_PASSWORD_WORK": "open-sesame"})
    (one,) = told(script)
    assert not any(name.startswith("ARCHIVER_PASSWORD") for name in one)
    assert PASSWORD not in "".join(one.values())


@pytest.mark.dovecot
def test_a_good_sync_runs_nothing(
    tmp_path: Path, script: Path, dovecot: DovecotServer, mailbox_user: str
) -> None:
    """Nothing failed."""
    dovecot.add(mailbox_user, "INBOX", mail())
    desk = archive_with(tmp_path, f"'{script}'", port=dovecot.port, user=mailbox_user)
    desk.ok("sync")
    assert told(script) == []


@pytest.mark.dovecot
def test_what_went_wrong_besides_the_accounts_is_told_without_one(
    tmp_path: Path, script: Path, dovecot: DovecotServer, mailbox_user: str
) -> None:
    """The sync itself went well; a broken engagement file makes it end with 3."""
    dovecot.add(mailbox_user, "INBOX", mail())
    desk = archive_with(tmp_path, f"'{script}'", port=dovecot.port, user=mailbox_user)
    desk.ok("engagement", "add", "acme", "--client", "ACME", "--code", "Mail")
    (desk.root / "engagements" / "acme.toml").write_text("this is [not TOML")
    assert desk("sync").code == 3
    (one,) = told(script)
    assert (one["ARCHIVER_ACCOUNT"], one["ARCHIVER_EXIT_CODE"]) == ("", "3")


def test_its_own_failure_is_told_and_changes_nothing(tmp_path: Path) -> None:
    """The exit code stays that of the sync."""
    said = archive_with(tmp_path, "false")("sync")
    assert said.code == 75
    assert (
        "The on_failure command of archive.toml did not work: it exited with status 1." in said.err
    )


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("no-such-program-anywhere", "No such file"),
        ("'a quote that is open", "a quote in it is not closed"),
    ],
)
def test_a_command_that_cannot_run_is_told(tmp_path: Path, command: str, why: str) -> None:
    """With how to find out."""
    lines: list[str] = []
    settings = Settings(time_zone="UTC", language="en", on_failure=command)
    ran = report_failure(settings, FAILED, root=tmp_path, environ=os.environ, tell=lines.append)
    assert not ran
    assert why in lines[0]
    assert "Run it by hand." in lines[1]


def test_a_command_that_does_not_end_is_stopped(tmp_path: Path) -> None:
    """A sync must not wait for it for ever."""
    lines: list[str] = []
    settings = Settings(time_zone="UTC", language="en", on_failure="sleep 60")
    report_failure(
        settings,
        FAILED,
        root=tmp_path,
        environ=os.environ,
        tell=lines.append,
        run=lambda command, environ: run_command(command, environ, patience=0.2),
    )
    assert "it did not end in 0 seconds" in lines[0]


def test_a_reason_is_one_line_that_an_environment_can_hold(tmp_path: Path) -> None:
    """Servers say what they like."""
    seen: dict[str, str] = {}
    settings = Settings(time_zone="UTC", language="en", on_failure="true")
    report_failure(
        settings,
        FAILED,
        root=tmp_path,
        environ={},
        tell=print,
        run=lambda _command, environ: seen.update(environ),
    )
    assert seen["ARCHIVER_REASON"] == "Nobody answers."


def test_without_a_command_nothing_is_run(tmp_path: Path) -> None:
    """Nor told."""
    settings = Settings(time_zone="UTC", language="en")
    assert not report_failure(settings, FAILED, root=tmp_path, environ={}, tell=print)
