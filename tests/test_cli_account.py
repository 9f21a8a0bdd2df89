"""``account``: what a person says of a mailbox is refused at once, changed, and taken back."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command import Desk, Said, new_desk
from processes import Running

from archiver.accounts import Account
from archiver.app import Archive
from archiver.config import parse_settings
from archiver.evidence.locks import Locks
from archiver.mailbox.credentials import seems_to_hold_secret

BASE = ("--host", "imap.example.org", "--user", "me@example.org", "--keep", "everything")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive with the account ``work`` and a comment of its owner."""
    desk = new_desk(tmp_path / "archive")
    desk.ok("account", "add", "work", *BASE, "--password-command", "pass show work")
    path = desk.root / "archive.toml"
    path.write_text(path.read_text() + "# the one of the office\n")
    return desk


def accounts(desk: Desk) -> dict[str, Account]:
    """Return the accounts of ``archive.toml`` by their names."""
    settings = parse_settings((desk.root / "archive.toml").read_text())
    return {account.name: account for account in settings.accounts}


def entries(desk: Desk) -> int:
    """Count the journal's entries."""
    count = desk.ok("status", "--format", "json").json["entries"]
    assert isinstance(count, int)
    return count


def test_six_accounts_added_at_once_are_all_there(tmp_path: Path) -> None:
    """Each process reads what the one before wrote."""
    root = tmp_path / "archive"
    desk = new_desk(root)
    names = [f"account-{number}" for number in range(6)]
    running = [Running(root, "account", "add", name, *BASE) for name in names]
    ended = [process.end() for process in running]
    assert [each.code for each in ended] == [0] * 6, [each.err for each in ended]
    assert sorted(accounts(desk)) == names
    assert desk.ok("account", "list", "--format", "json").json["accounts"][5]["name"] in names


def test_one_of_two_who_take_a_name_at_once_is_told(tmp_path: Path) -> None:
    """Neither account is a mixture."""
    root = tmp_path / "archive"
    new_desk(root)
    running = [Running(root, "account", "add", "work", *BASE) for _ in range(2)]
    assert sorted(process.end().code for process in running) == [0, 2]


def test_a_command_that_waits_too_long_for_another_changes_nothing(desk: Desk) -> None:
    """Exit 11, and the file is as it was."""
    before = (desk.root / "archive.toml").read_bytes()
    with (
        Archive(desk.root, tell=print, actor="person:test") as archive,
        archive.evidence.config_lock(),
    ):
        said = desk("--lock-wait", "0", "account", "add", "home", *BASE)
    assert said.code == 11
    assert "is changing settings or engagements" in said.err
    assert (desk.root / "archive.toml").read_bytes() == before


def test_a_journal_that_is_busy_leaves_the_file_as_it_was(desk: Desk) -> None:
    """A command that failed did not happen: it can simply be given again."""
    path = desk.root / "archive.toml"
    before = path.read_bytes()
    desk.ok("status")
    with (
        Archive(desk.root, tell=print, actor="person:test") as archive,
        archive.evidence._locks.writing(1),
    ):
        assert desk("--lock-wait", "0", "account", "add", "home", *BASE).code == 11
    assert path.read_bytes() == before
    desk.ok("account", "add", "home", *BASE)


def test_plain_to_another_machine_is_refused_when_it_is_added(desk: Desk) -> None:
    """Not only at the first sync, and nothing is written."""
    said = desk("account", "add", "home", *BASE, "--security", "plain")
    assert said.code == 2
    assert "account.home.security: a connection without encryption to imap.example.org" in said.err
    assert "home" not in accounts(desk)


def test_an_edit_changes_what_is_given_and_nothing_else(desk: Desk) -> None:
    """Comments stay, the version is journalled."""
    before = entries(desk)  # the comment is journalled here
    desk.ok("account", "edit", "work", "--host", "mail.example.org", "--folder", "INBOX")
    work = accounts(desk)["work"]
    assert (work.host, work.port, work.folders) == ("mail.example.org", 993, ("INBOX",))
    assert work.password_command == "pass show work"
    assert "# the one of the office" in (desk.root / "archive.toml").read_text()
    assert entries(desk) == before + 1


def test_an_edit_may_take_values_away(desk: Desk) -> None:
    """An empty one leaves none."""
    desk.ok("account", "edit", "work", "--folder", "INBOX", "--folder", "Sent")
    assert accounts(desk)["work"].folders == ("INBOX", "Sent")
    desk.ok("account", "edit", "work", "--folder", "", "--password-command", "")
    work = accounts(desk)["work"]
    assert (work.folders, work.password_command) == ((), None)


def test_another_security_brings_its_usual_port(desk: Desk) -> None:
    """Unless a port is given."""
    desk.ok("account", "edit", "work", "--security", "starttls")
    assert accounts(desk)["work"].port == 143
    desk.ok("account", "edit", "work", "--security", "tls", "--port", "9993")
    assert accounts(desk)["work"].port == 9993


def test_an_edit_that_says_what_stands_there_changes_nothing(desk: Desk) -> None:
    """And says so."""
    assert "Nothing was changed." in desk.ok("account", "edit", "work", *BASE).err
    assert "Nothing was changed." in desk.ok("account", "edit", "work").err


def test_an_edit_is_refused_as_an_addition_is(desk: Desk) -> None:
    """All that is wrong is told, and nothing is written."""
    said = desk("account", "edit", "work", "--security", "plain", "--port", "0")
    assert said.code == 2
    assert "cannot be changed so" in said.err
    assert "account.work.port: must be a whole number" in said.err
    assert "account.work.security: a connection without encryption" in said.err
    assert accounts(desk)["work"].security == "tls"


@pytest.mark.parametrize("command", [("add", "home", *BASE[:-1]), ("edit", "work", "--keep")])
def test_keeping_only_the_mail_of_engagements_says_what_it_means(
    desk: Desk, command: tuple[str, ...]
) -> None:
    """What the archive can then not show is told before the first sync."""
    said = desk.ok("account", *command, "engagements")
    assert accounts(desk)[command[1]].keep == "engagements"
    assert f"{command[1]} keeps only the mail of engagements" in said.err
    assert "can say that something was never written" in said.err
    assert "archiver coverage --live" in said.err
    assert said.out == ""
    again = desk.ok("account", "edit", command[1], "--port", "1993")
    assert "keeps only" not in again.err


def test_an_account_that_is_removed_leaves_the_file_but_not_the_archive(desk: Desk) -> None:
    """The version before stays in the journal."""
    desk.ok("account", "add", "home", *BASE)
    before = entries(desk)
    desk.ok("account", "remove", "work", "--yes")
    assert list(accounts(desk)) == ["home"]
    assert "# the one of the office" in (desk.root / "archive.toml").read_text()
    assert entries(desk) == before + 1


def test_an_account_is_not_removed_unasked(desk: Desk) -> None:
    """A script says --yes."""
    assert desk("account", "remove", "work").code == 2
    assert "work" in accounts(desk)


@pytest.mark.parametrize("arguments", [("edit", "wrok"), ("remove", "wrok", "--yes")])
def test_an_account_that_is_not_there_is_told_with_those_that_are(
    desk: Desk, arguments: tuple[str, ...]
) -> None:
    """A misspelt name is found at once."""
    said = desk("account", *arguments)
    assert said.code == 2
    assert "There is no account called wrok." in said.err
    assert "Accounts: work." in said.err


CUSTOM = ("--oauth", "custom", "--client-id", "x", "--scope", "imap")
URLS = ("--token-url", "https://a.example/t", "--device-url", "https://a.example/d")
GOOGLE = ("--oauth", "google", "--client-id", "one.apps.googleusercontent.com")


def test_an_account_that_logs_in_by_oauth_names_its_client(desk: Desk) -> None:
    """Nobody's is built in, and whose it is is said at once."""
    said = desk.ok("account", "add", "office", *BASE, *GOOGLE)
    oauth = accounts(desk)["office"].oauth
    assert oauth is not None
    assert (oauth.provider, oauth.client_id) == ("google", GOOGLE[-1])
    assert "client id one.apps.googleusercontent.com" in said.err
    assert "Next: archiver account login office" in said.err
    said = desk("account", "add", "other", *BASE, "--oauth", "google")
    assert said.code == 2
    assert "OAuth2 needs the client id of an application; none is built in." in said.err
    assert "--client-id" in said.err


def test_every_option_of_an_account_reaches_its_file(desk: Desk) -> None:
    """None is taken and forgotten."""
    desk.ok(
        *("account", "add", "office", *BASE, "--mailbox", "team@example.org", "--others"),
        *("--daily-bytes", "2 GB", "--recheck-bytes", "50 MB", "--full-scan-days", "3"),
        *("--poll-minutes", "5", "--folder", "INBOX", "--address", "us@example.org"),
        *("--oauth", "custom", "--client-id", "c", "--client-secret-command", "pass show c"),
        *("--tenant", "acme", "--authorize-url", "https://a.example/a", "--scope", "imap"),
        *("--token-url", "https://a.example/t", "--device-url", "https://a.example/d"),
    )
    office = accounts(desk)["office"]
    assert (office.mailbox, office.others) == ("team@example.org", True)
    assert (office.daily_bytes, office.recheck_bytes) == (2 * 10**9, 50 * 10**6)
    assert (office.full_scan_days, office.poll_minutes) == (3, 5)
    oauth = office.oauth
    assert oauth is not None
    assert (oauth.tenant, oauth.client_secret_command) == ("acme", "pass show c")
    assert (oauth.authorize_url, oauth.token_url) == ("https://a.example/a", "https://a.example/t")
    assert (oauth.device_url, oauth.scope) == ("https://a.example/d", "imap")
    listed = desk.ok("account", "list", "--format", "json").json["accounts"][1]
    assert listed["oauth"]["token"] == "nowhere"
    for key, value in {
        "login": "oauth",
        "mailbox": "team@example.org",
        "others": True,
        "daily_bytes": 2 * 10**9,
        "recheck_bytes": 50 * 10**6,
        "full_scan_days": 3,
        "poll_minutes": 5,
    }.items():
        assert listed[key] == value
    desk.ok(
        *("account", "edit", "office", "--mailbox", "", "--no-others", "--daily-bytes", ""),
        *("--recheck-bytes", "", "--tenant", "", "--client-secret-command", ""),
    )
    office = accounts(desk)["office"]
    assert (office.mailbox, office.others, office.daily_bytes) == (None, False, None)
    assert office.recheck_bytes == 200 * 10**6
    assert office.oauth is not None
    assert (office.oauth.tenant, office.oauth.client_secret_command) == ("common", None)


def test_one_way_to_log_in_takes_the_place_of_another(desk: Desk) -> None:
    """And nothing of it stays behind."""
    desk.ok("account", "edit", "work", *GOOGLE)
    assert accounts(desk)["work"].password_command is None
    desk.ok("account", "edit", "work", "--scope", "https://mail.google.com/ email")
    oauth = accounts(desk)["work"].oauth
    assert oauth is not None
    assert oauth.client_id == GOOGLE[-1]
    desk.ok("account", "edit", "work", "--token-command", "oama access me@example.org")
    work = accounts(desk)["work"]
    assert (work.oauth, work.token_command) == (None, "oama access me@example.org")
    desk.ok("account", "edit", "work", "--oauth", "microsoft", "--client-id", "two")
    work = accounts(desk)["work"]
    assert work.token_command is None
    assert work.oauth is not None
    assert work.oauth.scope == ""
    desk.ok("account", "edit", "work", "--password-command", "pass show work")
    assert accounts(desk)["work"].oauth is None
    desk.ok("account", "edit", "work", *GOOGLE)
    desk.ok("account", "edit", "work", "--oauth", "none")
    work = accounts(desk)["work"]
    assert (work.oauth, work.password_command) == (None, None)
    assert "# the one of the office" in (desk.root / "archive.toml").read_text()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((*GOOGLE, "--token-command", "x"), "logs in one way"),
        (("--client-id", "x"), "--client-id belongs to OAuth2"),
        (("--oauth", "none", "--scope", "x"), "--scope belongs to OAuth2"),
        (("--daily-bytes", "much"), "'much' is not a volume"),
        (("--daily-bytes", "0 MB"), "nothing would ever be fetched"),
        (("--recheck-bytes", "x"), "'x' is not a volume"),
        (
            ("--oauth", "custom", "--client-id", "x"),
            "this is missing: --token-url, --scope, --authorize-url or --device-url.",
        ),
        (
            (*CUSTOM, "--token-url", "https://a.example/t"),
            "this is missing: --authorize-url or --device-url.",
        ),
        ((*CUSTOM, "--device-url", "https://a.example/d"), "this is missing: --token-url."),
        ((*GOOGLE, "--token-url", "http://a.example/"), "is not an https address"),
    ],
)
def test_what_contradicts_itself_is_refused(
    desk: Desk, options: tuple[str, ...], words: str
) -> None:
    """And nothing is written."""
    before = (desk.root / "archive.toml").read_bytes()
    said = desk("account", "edit", "work", *options)
    assert said.code == 2
    assert words in said.err
    assert (desk.root / "archive.toml").read_bytes() == before


@pytest.mark.parametrize("verb", ["login", "logout"])
def test_an_account_with_a_password_is_not_logged_in_to(desk: Desk, verb: str) -> None:
    """There is nothing to allow, and nothing to take back."""
    said = desk("account", verb, "work")
    assert said.code == 2
    assert "does not log in by OAuth2" in said.err
    assert "--oauth google" in said.err


def test_google_is_not_asked_for_a_device_code(desk: Desk) -> None:
    """Exit 12 before anybody is asked."""
    desk.ok("account", "edit", "work", *GOOGLE)
    said = desk("account", "login", "work", "--device")
    assert said.code == 12
    assert "Google does not allow mail to be opened by device code" in said.err


def test_a_sync_before_the_login_says_what_to_do(desk: Desk) -> None:
    """Exit 12; no server is asked."""
    desk.ok("account", "edit", "work", *GOOGLE)
    said = desk("sync")
    assert said.code == 12
    assert "archiver account login work" in said.err


def test_a_logout_says_whether_there_was_anything_to_forget(desk: Desk) -> None:
    """Who never logged in learns that, and not that a token is gone."""
    from archiver.mailbox.oauth.tokens import Grant

    desk.ok("account", "edit", "work", *GOOGLE)
    said = desk.ok("account", "logout", "work")
    assert said.err.strip() == "There was no token of work on this machine."
    desk.ok("account", "edit", "work", *CUSTOM, *URLS)  # has no address to take it back at
    now = datetime(2026, 3, 2, tzinfo=UTC)
    grant = Grant(refresh_token="r", client_id="c", token_url="u", allowed=now, renewed=now)
    with Archive(desk.root, tell=print, actor="person:test") as archive:
        archive.tokens.keep("work", grant)
    said = desk.ok("account", "logout", "work")
    assert "The token of work is forgotten on this machine." in said.err


def test_a_removed_account_leaves_no_login_behind(desk: Desk) -> None:
    """Another one of that name must not find it."""
    from archiver.mailbox.oauth.tokens import Grant

    desk.ok("account", "edit", "work", *GOOGLE)
    now = datetime(2026, 3, 2, tzinfo=UTC)
    grant = Grant(refresh_token="r", client_id="c", token_url="u", allowed=now, renewed=now)
    with Archive(desk.root, tell=print, actor="person:test") as archive:
        archive.tokens.keep("work", grant)
    desk.ok("account", "remove", "work", "--yes")
    with Archive(desk.root, tell=print, actor="person:test") as archive:
        assert archive.tokens.read("work") is None


@pytest.mark.parametrize(
    "command",
    [
        "echo hunter2",
        "/bin/echo hunter2",
        "printf %s hunter2",
        "sh -c 'echo hunter2'",
        'bash -lc "printf hunter2"',
        r"C:\Tools\echo.exe hunter2",
        "cmd /c echo hunter2",
    ],
)
def test_a_command_that_only_prints_words_holds_the_secret(command: str) -> None:
    """Whatever prints them."""
    assert seems_to_hold_secret(command)


@pytest.mark.parametrize(
    "command",
    ["pass show mail/work", "sh -c 'echo $MAIL'", "echotool x", "sh -c 'echo x | pass'", "echo"],
)
def test_a_command_that_looks_it_up_holds_none(command: str) -> None:
    """A warning that is wrong is soon not read any more."""
    assert not seems_to_hold_secret(command)


@pytest.mark.parametrize("command", [("add", "home", *BASE), ("edit", "work")])
def test_a_password_in_the_command_is_warned_of_and_never_repeated(
    desk: Desk, command: tuple[str, ...]
) -> None:
    """It is journalled for ever; but it is the user's own choice."""
    verb, name, *more = command
    for number, option in enumerate(("--password-command", "--token-command")):
        own = name if verb == "edit" else f"{name}-{number}"
        said = desk("account", verb, own, *more, option, "echo hunter2")
        assert "seems to hold the secret itself" in said.err
        assert "hunter2" not in said.err


@pytest.mark.parametrize("command", [("add", "home", *BASE), ("edit", "work")])
def test_a_password_in_a_command_that_is_refused_is_not_said_to_be_journalled(
    desk: Desk, command: tuple[str, ...]
) -> None:
    """Nothing was written, so nothing stays."""
    said = desk(
        *("account", *command),
        *("--password-command", "echo hunter2", "--token-command", "x"),
    )
    assert said.code == 2
    assert "logs in one way" in said.err
    assert "journal" not in said.err
    assert "hunter2" not in said.err


def test_what_is_kept_is_asked_for_with_both_choices(desk: Desk) -> None:
    """Where nobody can be asked, the advice names them."""
    said = desk("account", "add", "home", "--host", "127.0.0.1", "--user", "me")
    assert said.code == 2
    assert "--keep is missing" in said.err
    assert "--keep everything" in said.err
    assert "--keep engagements" in said.err


def test_the_password_command_speaks_the_users_own_language(tmp_path: Path) -> None:
    """Our --lang is for us: a command that reads LANGUAGE gets what the user set."""
    desk = new_desk(tmp_path / "archive")
    seen = tmp_path / "seen.json"
    script = tmp_path / "ask.py"
    script.write_text(
        f"import json, os, pathlib; pathlib.Path({str(seen)!r}).write_text("
        "json.dumps(os.environ.get('LANGUAGE')))\n"
    )
    local = ("--host", "127.0.0.1", "--port", "1", "--security", "plain", *BASE[2:])
    command = f'"{sys.executable}" "{script}"'
    desk.ok("account", "add", "home", *local, "--password-command", command)
    process = Running(desk.root, "--lang", "fr", "account", "test", "home", language="de:en")
    assert process.end().code == 12  # it prints no password
    assert json.loads(seen.read_text()) == "de:en"


def test_the_list_is_in_the_time_zone_of_the_archive(desk: Desk) -> None:
    """As every other list is."""
    with Archive(desk.root, tell=print, actor="person:test") as archive:
        archive.evidence.note_sync("work", datetime(2026, 3, 2, 22, 30, tzinfo=UTC), good=True)
    assert "last good sync: 2026-03-02 23:30 +0100" in desk.ok("account", "list").out


def test_an_archive_toml_that_was_deleted_is_not_begun_anew(desk: Desk) -> None:
    """The account is added to what the journal knows."""
    (desk.root / "archive.toml").unlink()
    desk.ok("account", "add", "home", *BASE)
    assert list(accounts(desk)) == ["work", "home"]


def test_an_edit_of_a_broken_file_is_told_as_the_files_error(desk: Desk) -> None:
    """An account is not changed in a file that cannot be understood: exit 78."""
    path = desk.root / "archive.toml"
    path.write_text(path.read_text() + "hostt = 1\n")
    said: Said = desk("account", "edit", "work", "--port", "1")
    assert said.code == 78
    assert "account.work.hostt: unknown key" in said.err


def test_a_sync_with_a_broken_file_tells_it_once(desk: Desk) -> None:
    """It ends with the error: a warning of the same words before it helps nobody."""
    path = desk.root / "archive.toml"
    path.write_text(path.read_text() + "hostt = 1\n")
    for command in (("sync",), ("account", "test", "work")):
        said = desk(*command)
        assert said.code == 78
        assert said.err.count("unknown key") == 1
        assert said.err.count("Correct the file") == 1
    assert desk.ok("account", "list").err.count("unknown key") == 1


def test_a_sync_of_an_account_that_another_process_is_at_says_so_once(desk: Desk) -> None:
    """That one also indexes and signs: that its other locks are taken is not told."""
    with (
        Archive(desk.root, tell=print, actor="person:test") as archive,
        archive.evidence.account_lock("work"),
        archive.evidence.projection_lock(wait=True),
    ):
        said = desk("--lock-wait", "0", "sync")
    assert said.code == 11
    assert said.err.splitlines() == [
        "work: The account work is being synchronised by another process.",
        "  → Wait until that has finished, or end it, and run the command again.",
    ]


def test_a_lock_that_is_not_waited_for_is_told_without_seconds(desk: Desk) -> None:
    """For 0 s would be no time at all."""
    with Locks(desk.root / "journal").writing(1):
        said = desk("--lock-wait", "0", "account", "edit", "work", "--port", "7")
    assert said.code == 11
    assert "Another process is writing to the archive." in said.err
    assert "0 s" not in said.err
