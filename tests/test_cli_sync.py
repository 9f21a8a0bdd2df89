"""``sync`` against a real Dovecot: everything once, nothing twice, nothing lost."""

import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
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


def test_a_second_sync_of_the_same_account_waits_and_then_exits_11(desk: Desk) -> None:
    """Two of them would fetch everything twice; the other one may be the daemon's."""
    from archiver.app import Archive
    from archiver.cli.context import actor

    with (
        Archive(desk.root, tell=print, actor=actor()) as archive,
        archive.evidence.account_lock("work"),
    ):
        said = desk("--lock-wait", "0.2", "sync")
    assert said.code == 11
    assert "perhaps the daemon's, has been synchronising the account work for 0.2 s" in said.err


def test_a_sync_goes_on_when_the_other_one_is_done(desk: Desk) -> None:
    """And keeps what that one left."""
    from archiver.app import Archive
    from archiver.cli.context import actor

    with Archive(desk.root, tell=print, actor=actor()) as archive, ExitStack() as other:
        other.enter_context(archive.evidence.account_lock("work"))
        release = threading.Timer(0.2, other.close)
        release.start()
        assert "work: 7 new records" in desk.ok("--lock-wait", "30", "sync").err
        release.join()


def test_a_sync_that_can_keep_nothing_says_so(
    tmp_path: Path, dovecot: DovecotServer, mailbox_user: str
) -> None:
    """On one line, also when cron runs it, until an engagement has a rule."""
    dovecot.add(mailbox_user, "INBOX", MAILS[0])
    desk = new_desk(tmp_path / "archive")
    add_account(desk, dovecot, mailbox_user, "--keep", "engagements")
    told = "work keeps only what belongs to an engagement, and no engagement has a rule"
    (line,) = desk.ok("-q", "sync").err.splitlines()
    assert told in line
    assert "archiver engagement add" in line
    desk.ok("engagement", "add", "acme", "--client", "ACME", "--code", "Mail")
    said = desk.ok("sync")
    assert "work: 1 new record" in said.err
    assert told not in said.err


def state_of(desk: Desk) -> dict[str, object]:
    """Return what is noted of a settled archive."""
    with sqlite3.connect(f"file:{desk.root}/journal/journal.sqlite?mode=ro", uri=True) as journal:
        (body,) = journal.execute("SELECT body FROM entry WHERE position = 0").fetchone()
    journal.close()
    note = Path(os.environ["ARCHIVER_STATE"]) / json.loads(body)["archive"] / "settled.json"
    found: dict[str, object] = json.loads(note.read_text()) if note.exists() else {}
    return found


def loaded(desk: Desk, *arguments: str) -> set[str]:
    """Return the modules that a sync loads, in a process of its own."""
    program = (
        "import sys; from archiver.cli.main import main;"
        f"code = main(['--archive', {str(desk.root)!r}, 'sync', *{list(arguments)!r}]);"
        "print(code, *sys.modules)"
    )
    environ = {**os.environ, "ARCHIVER_LANG": "en", "XDG_CONFIG_HOME": os.devnull}
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environ
    )
    code, *modules = said.stdout.split()
    assert (code, said.stderr) == ("0", "")
    return set(modules)


@pytest.mark.parametrize("arguments", [[], ["--keep-only"]])
def test_a_sync_of_a_settled_archive_only_glances(desk: Desk, arguments: list[str]) -> None:
    """Neither the journal's codec, nor catalogue, index, imapclient or cryptography is loaded."""
    desk.ok("sync", *arguments)
    desk.ok("sync", *arguments)
    before = (desk.root / "catalogue.sqlite").stat().st_mtime_ns
    modules = loaded(desk, *arguments)
    heavy = {
        "archiver.evidence.store",
        "archiver.catalogue.catalogue",
        "archiver.pipeline.sync",
        "imapclient",
        "whoosh",
        "cryptography",
    }
    assert heavy & modules == set()
    assert (desk.root / "catalogue.sqlite").stat().st_mtime_ns == before
    synced = desk.ok("status", "--format", "json").json["accounts"][0]
    assert synced["last_good_sync"] == synced["last_attempt"]


def test_new_mail_is_fetched_though_the_archive_was_settled(
    desk: Desk, dovecot: DovecotServer, mailbox_user: str
) -> None:
    """And the next sync of nothing new is a glance again."""
    desk.ok("sync")
    desk.ok("sync")
    dovecot.add(mailbox_user, "Sent", mail(subject="later", message_id="later@x.example"))
    assert desk.ok("sync").err.strip() == "work: 1 new record"
    assert desk.ok("search", "subject:later", "--format", "json").json["total"] == 1
    desk.ok("sync")
    assert "archiver.evidence.store" not in loaded(desk)


@pytest.mark.parametrize(
    "touch",
    ["archive.toml", "engagements/acme.toml", "catalogue.sqlite", "search", "objects/tmp/left"],
)
def test_whatever_changed_in_the_archive_is_dealt_with_as_ever(desk: Desk, touch: str) -> None:
    """A file edited, one lost, one left behind: no glance is enough then."""
    desk.ok("engagement", "add", "acme", "--client", "ACME", "--code", "Mail")
    desk.ok("sync")
    desk.ok("sync")
    assert "archiver.evidence.store" not in loaded(desk)
    path = desk.root / touch
    if touch == "search":
        shutil.rmtree(path)
    elif touch == "catalogue.sqlite":
        path.unlink()
    elif touch.startswith("objects"):
        path.write_bytes(b"x")
    else:
        path.write_text(path.read_text() + "\n# edited\n")
    desk("sync")
    status = desk.ok("status", "--format", "json").json
    assert status["records"] == status["index"] == len(MAILS)
    assert not (desk.root / "objects/tmp/left").exists()
    assert status["engagements"][0]["records"] == len(MAILS)


def test_an_older_copy_of_a_settled_archive_is_refused(desk: Desk, tmp_path: Path) -> None:
    """What this machine remembers is newer: nothing is kept, as ever."""
    desk.ok("sync")
    shutil.copytree(desk.root, tmp_path / "older")
    desk.ok("engagement", "add", "acme", "--client", "ACME", "--code", "Mail")
    desk.ok("sync")
    desk.ok("sync")
    said = Desk(tmp_path / "older")("sync")
    assert said.code == 1
    assert "older than what was signed" in said.err


def test_a_server_that_is_away_is_told_once_for_a_settled_archive(
    desk: Desk, dovecot: DovecotServer
) -> None:
    """One attempt, one message, exit code 75; and the next good sync ends the outage."""
    desk.ok("sync")
    desk.ok("sync")
    dovecot.stop()
    try:
        said = desk("sync")
    finally:
        dovecot.start()
    assert said.code == 75
    assert said.err.count("cannot be reached") == 1
    desk.ok("sync")
    desk.ok("sync")
    assert "archiver.evidence.store" not in loaded(desk)


def test_the_password_is_asked_for_once_in_each_sync(
    tmp_path: Path, dovecot: DovecotServer, mailbox_user: str
) -> None:
    """Also when a glance is followed by a connection: a command may ask its owner."""
    counts = tmp_path / "asked"
    script = tmp_path / "password"
    script.write_text(f"echo x >>{counts}\necho {PASSWORD}\n")
    dovecot.add(mailbox_user, "INBOX", MAILS[0])
    desk = new_desk(tmp_path / "archive")
    add_account(desk, dovecot, mailbox_user, "--password-command", f"sh {script}")
    for asked in (1, 2, 3):
        dovecot.add(mailbox_user, "INBOX", MAILS[asked])
        desk.ok("sync")
        assert len(counts.read_text().split()) == asked


def test_full_enumerates_though_nothing_changed(desk: Desk) -> None:
    """A person does not believe the server."""
    desk.ok("sync")
    entries = desk.ok("status", "--format", "json").json["entries"]
    desk.ok("sync", "--full")
    assert desk.ok("status", "--format", "json").json["entries"] == entries + 1


def test_a_spent_volume_exits_3_and_says_when_it_goes_on(
    tmp_path: Path, dovecot: DovecotServer, mailbox_user: str
) -> None:
    """What was fetched is kept."""
    for number, data in enumerate(MAILS):
        dovecot.add(mailbox_user, "INBOX", data + b"x" * 3000 * number)
    desk = new_desk(tmp_path / "archive")
    add_account(desk, dovecot, mailbox_user)
    settings = desk.root / "archive.toml"
    settings.write_text(settings.read_text() + 'daily_bytes = "10 KB"\n')
    said = desk("sync")
    assert said.code == 3
    assert "are left for another day: today's volume (10 KB) is spent" in said.err
    assert 0 < desk.ok("status", "--format", "json").json["records"] < len(MAILS)


def test_only_client_mail_is_kept_when_the_account_says_so(
    tmp_path: Path, dovecot: DovecotServer, mailbox_user: str
) -> None:
    """Mail of the engagement's domain comes; the rest stays on the server, and that is said."""
    dovecot.add(mailbox_user, "INBOX", mail(message_id="1@client.example"))
    for number in range(3):
        other = mail(from_="Bob <bob@other.example>", message_id=f"{number}@other.example")
        dovecot.add(mailbox_user, "INBOX", other)
    desk = new_desk(tmp_path / "archive")
    add_account(desk, dovecot, mailbox_user, "--keep", "engagements")
    desk.ok("engagement", "add", "acme", "--client", "ACME", "--domain", "client.example")
    said = desk.ok("sync")
    assert said.err.strip().startswith("work: 1 new record, 3 left on the server by your rules")
    assert desk.ok("status", "--format", "json").json["records"] == 1
    desk.ok("sync")
    assert "archiver.evidence.store" not in loaded(desk)


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
