"""``sync`` against a real Dovecot: everything once, nothing twice, nothing lost."""

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command import Desk, new_desk
from dovecot import PASSWORD, DovecotServer
from mail import mail

pytestmark = pytest.mark.dovecot
MAILS = [mail(subject=f"Mail {number}", message_id=f"{number}@x.example") for number in range(7)]


def add_account(desk: Desk, server: DovecotServer, user: str, *options: str) -> None:
    """Point the archive at a user's mailbox."""
    desk.ok(
        *("account", "add", "work", "--host", "127.0.0.1", "--port", server.port),
        *("--user", user, "--security", "plain", "--keep", "everything"),
        *("--password-command", f"echo {PASSWORD}", *options),
    )


@pytest.fixture
def desk(tmp_path: Path, dovecot: DovecotServer, mailbox_user: str) -> Desk:
    """Make an archive with an account whose mailbox holds seven messages."""
    for number, data in enumerate(MAILS):
        dovecot.add(mailbox_user, "INBOX" if number % 2 else "Sent", data)
    desk = new_desk(tmp_path / "archive")
    add_account(desk, dovecot, mailbox_user)
    return desk


def test_a_sync_keeps_the_exact_bytes_and_a_second_one_fetches_nothing(desk: Desk) -> None:
    """Every message of every folder, once."""
    desk.ok("sync")
    entries = desk.ok("status", "--format", "json").json["entries"]
    for data in MAILS:
        assert desk.ok("show", hashlib.sha256(data).hexdigest(), "--raw").raw == data
    desk.ok("sync")
    status = desk.ok("status", "--format", "json").json
    assert status["records"] == status["index"] == len(MAILS)
    assert status["entries"] == entries


def test_sync_tells_one_line_and_quiet_tells_nothing(desk: Desk) -> None:
    """Cron mails whatever is printed."""
    assert desk.ok("-q", "sync").err == ""
    assert desk.ok("-v", "sync").err.strip() == "work: 0 new records"


def test_keep_only_leaves_reading_to_catch_up(desk: Desk) -> None:
    """Durable and journalled first; the projections follow."""
    desk.ok("sync", "--keep-only")
    with sqlite3.connect(f"file:{desk.root}/catalogue.sqlite?mode=ro", uri=True) as catalogue:
        assert catalogue.execute("SELECT count(*) FROM record").fetchone() == (0,)
    catalogue.close()
    desk.ok("catch-up")
    assert desk.ok("search", "*", "--format", "json").json["total"] == len(MAILS)


def test_drafts_are_not_fetched_unless_named(
    tmp_path: Path, dovecot: DovecotServer, mailbox_user: str
) -> None:
    """A draft was never sent, so it proves nothing."""
    dovecot.add(mailbox_user, "INBOX", MAILS[0])
    dovecot.add(mailbox_user, "Drafts", MAILS[1])
    desk = new_desk(tmp_path / "archive")
    add_account(desk, dovecot, mailbox_user)
    desk.ok("sync")
    assert desk.ok("status", "--format", "json").json["records"] == 1


def test_a_wrong_password_exits_12(
    tmp_path: Path, dovecot: DovecotServer, mailbox_user: str
) -> None:
    """And the password is in no word of what is said."""
    dovecot.add(mailbox_user, "INBOX", MAILS[0])
    desk = new_desk(tmp_path / "archive")
    add_account(desk, dovecot, mailbox_user, "--password-command", "echo open-sesame")
    said = desk("sync")
    assert said.code == 12
    assert "open-sesame" not in said.out + said.err


def test_a_server_that_is_away_exits_75(
    tmp_path: Path, dovecot: DovecotServer, mailbox_user: str
) -> None:
    """It may be back the next time cron runs."""
    desk = new_desk(tmp_path / "archive")
    add_account(desk, dovecot, mailbox_user, "--port", "1")
    assert desk("sync").code == 75


def test_a_broken_engagement_file_stops_no_mail(desk: Desk) -> None:
    """Everything is fetched, the last good version ties it, and it shows in the exit code."""
    desk.ok("engagement", "add", "acme", "--client", "ACME", "--code", "Mail")
    (desk.root / "engagements" / "acme.toml").write_text("this is [not TOML")
    said = desk("sync")
    assert said.code == 3
    assert "engagements/acme.toml" in said.err
    status = desk.ok("status", "--format", "json").json
    assert status["records"] == len(MAILS)
    assert status["engagements"][0]["records"] == len(MAILS)
    desk.ok("account", "test", "work")


def test_a_broken_engagement_file_does_not_hide_why_a_sync_failed(
    tmp_path: Path, dovecot: DovecotServer, mailbox_user: str
) -> None:
    """A server that is away is still 75, and its account is named once."""
    desk = new_desk(tmp_path / "archive")
    add_account(desk, dovecot, mailbox_user, "--port", "1")
    (desk.root / "engagements" / "acme.toml").write_text("this is [not TOML")
    said = desk("sync")
    assert said.code == 75
    (line,) = [each for each in said.err.splitlines() if "cannot be reached" in each]
    assert line.startswith("work: 127.0.0.1 port 1 cannot be reached: ")
    assert line.count("work") == 1


def test_account_test_lists_what_is_fetched(desk: Desk) -> None:
    """Before the first sync, a user sees what it will take."""
    said = desk.ok("account", "test", "work")
    assert "INBOX (inbox): fetched" in said.out
    assert "Sent (sent): fetched" in said.out


def test_a_second_sync_of_the_same_account_exits_11(desk: Desk) -> None:
    """Two of them would fetch everything twice."""
    from archiver.app import Archive
    from archiver.cli.context import actor

    with (
        Archive(desk.root, tell=print, actor=actor()) as archive,
        archive.evidence.account_lock("work"),
    ):
        said = desk("sync")
    assert said.code == 11


def test_kill_9_in_the_middle_of_a_sync_loses_nothing(
    tmp_path: Path, dovecot: DovecotServer, mailbox_user: str
) -> None:
    """What was kept stays; the next run fetches the rest; nothing is kept twice."""
    mails = [
        mail(subject=f"Mail {number}", message_id=f"{number}@x.example", text="word " * 2000)
        for number in range(600)
    ]
    for data in mails:
        dovecot.add(mailbox_user, "INBOX", data)
    desk = new_desk(tmp_path / "archive")
    add_account(desk, dovecot, mailbox_user)
    for wait in (0.35, 0.5, 0.65):
        process = subprocess.Popen(
            [sys.executable, "-m", "archiver", "--archive", str(desk.root), "sync"],
            cwd=tmp_path,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(wait)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    desk.ok("sync")
    report = desk.ok("verify", "--read-data=all", "--format", "json").json
    assert [each for each in report["findings"] if each["level"] != "note"] == []
    assert desk.ok("status", "--format", "json").json["records"] == len(mails)
