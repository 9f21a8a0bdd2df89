"""OAuth2 end to end: the command, a mock authority, and Dovecot's oauth2 passdb that asks it."""

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from command import Desk, Said, new_desk
from dovecot import DovecotServer, missing
from mail import mail
from oauth_server import Authority

from archiver.app import Archive

pytestmark = pytest.mark.dovecot

_PASSDB = """
auth_mechanisms = plain login MECHANISMS
auth_verbose = yes
passdb {
  driver = oauth2
  mechanisms = MECHANISMS
  args = {run}/oauth2.conf.ext
}
"""
_INTROSPECTION = """
introspection_mode = post
introspection_url = URL/introspect
username_attribute = username
active_attribute = active
active_value = true
"""


class Office:
    """A mailbox that opens by token, its authority, and an archive."""

    def __init__(self, server: DovecotServer, authority: Authority, desk: Desk) -> None:
        self.server = server
        self.authority = authority
        self.desk = desk
        self.said: list[Said] = []
        self.seen: set[str] = set()

    def __call__(self, *arguments: object, code: int = 0) -> Said:
        """Run a command that must end with CODE."""
        said = self.desk(*arguments)
        assert said.code == code, (arguments, said.code, said.out, said.err)
        self.said.append(said)
        self.seen |= self.authority.secrets
        return said

    def log_in(self) -> None:
        """Log in as a person does who reads the address that is shown."""
        program = [sys.executable, "-m", "archiver", "--archive", str(self.desk.root)]
        with subprocess.Popen(
            [*program, "account", "login", "work", "--no-browser"],
            env={**os.environ, "ARCHIVER_LANG": "en", "XDG_CONFIG_HOME": os.devnull},
            cwd=self.desk.root.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr is not None
            lines = []
            for line in process.stderr:
                lines.append(line)
                if line.startswith("http"):
                    with urlopen(line.strip()) as page:
                        assert "You may close this page." in page.read().decode()
            assert process.stdout is not None
            out = process.stdout.read()
        assert process.returncode == 0, lines
        self.said.append(Said(0, out.encode(), "".join(lines)))
        self.seen |= self.authority.secrets


@pytest.fixture(scope="module", params=["xoauth2", "oauthbearer"])
def _place(request: pytest.FixtureRequest) -> Iterator[tuple[DovecotServer, Authority]]:
    """Start a Dovecot that takes tokens by one mechanism, and the authority that it asks."""
    if reason := missing():
        pytest.skip(reason)
    server = DovecotServer(extra=_PASSDB.replace("MECHANISMS", request.param))
    with Authority() as authority:
        config = _INTROSPECTION.replace("URL", authority.url)
        (server.run / "oauth2.conf.ext").write_text(config)
        with server:
            yield server, authority


@pytest.fixture
def office(
    _place: tuple[DovecotServer, Authority],
    mailbox_user: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Office:
    """Add the account ``work`` of a user whose inbox holds one message."""
    monkeypatch.setenv("ARCHIVER_STATE", str(tmp_path / "state"))
    server, authority = _place
    authority.begin_anew(mailbox_user)
    server.add(mailbox_user, "INBOX", mail(subject="Recette du lot 1"))
    office = Office(server, authority, new_desk(tmp_path / "archive"))
    where = ("--host", "127.0.0.1", "--port", server.port, "--security", "plain")
    who = ("--user", mailbox_user, "--keep", "everything", "--address", "lea@example.org")
    office("account", "add", "work", *where, *who, *authority.settings)
    return office


def stored(office: Office) -> str:
    """Return the refresh token that is kept."""
    with Archive(office.desk.root, tell=print, actor="person:test") as archive:
        grant = archive.tokens.read("work")
    assert grant is not None
    return grant.refresh_token


def records(office: Office) -> int:
    """Count the records."""
    count = office.desk.ok("status", "--format", "json").json["records"]
    assert isinstance(count, int)
    return count


def test_a_login_lasts(office: Office) -> None:
    """Log in once, sync; the token is rotated and kept, and the next sync goes on with it."""
    office.log_in()
    first = stored(office)
    office("sync")
    second = stored(office)
    assert records(office) == 1
    assert second == office.authority.lives[0].refresh != first
    office.server.add(office.authority.user, "INBOX", mail(subject="Recette du lot 2"))
    office.authority.end_access()
    office("sync")
    assert records(office) == 2
    assert stored(office) != second
    assert office.authority.stolen == 0


def test_a_login_that_was_taken_back_ends_with_12_and_the_advice(office: Office) -> None:
    """Nothing that was kept is touched, and another login mends it."""
    office.log_in()
    office("sync")
    office.authority.revoke()
    said = office("sync", code=12)
    assert "takes the login of the account work no more: invalid_grant" in said.err
    assert "archiver account login work" in said.err
    assert records(office) == 1
    office.log_in()
    office("sync")


def test_an_access_token_that_ended_early_is_renewed_once(office: Office) -> None:
    """A daemon connects again with what it has, and asks for another when that is refused."""
    office.log_in()
    with Archive(office.desk.root, tell=print, actor="person:test") as archive:
        (account,) = archive.copies.settings.accounts
        connect = archive.connector(account, prompt=None)
        connect().close()
        connect().close()
        asked = [form for form in office.authority.asked if form["path"] == "/token"]
        assert len(asked) == 2  # the login, and one renewal for two connections
        office.authority.end_access()
        connect().close()
        asked = [form for form in office.authority.asked if form["path"] == "/token"]
        assert len(asked) == 3


def test_a_token_of_somebody_else_is_refused_once_and_told(office: Office) -> None:
    """Who logs in in the browser as another person is told by the mail server."""
    office.authority.user = "paul"
    office.log_in()
    said = office("sync", code=12)
    assert "refused" in said.err
    asked = [form for form in office.authority.asked if form["path"] == "/token"]
    assert len(asked) == 2  # the login, and one renewal: no endless asking


def test_a_token_of_a_command_logs_in(office: Office, tmp_path: Path) -> None:
    """As mutt_oauth2.py and its like print it."""
    life_before = office.authority.allow()
    life = office.authority.lives[-1]
    assert life.refresh == life_before
    life.access.add("t0ken-of-a-command")
    file = tmp_path / "token"
    file.write_text("t0ken-of-a-command\nsecond line\n")
    office("account", "edit", "work", "--token-command", f"cat {file}")
    office("sync")
    assert records(office) == 1
    office.seen.add("t0ken-of-a-command")
    file.write_text("0ther\n")
    said = office("sync", code=12)
    assert "0ther" not in said.err + said.out
    no_secret_anywhere(office)


def test_the_account_says_how_it_logs_in_and_what_the_server_can(office: Office) -> None:
    """Whose client id is used is stated wherever it matters."""
    office.log_in()
    said = office("account", "test", "work")
    assert "logs in by OAuth2 (custom), client id archiver-tests" in said.out
    assert "client id archiver-tests" in said.err
    assert "QRESYNC" in said.out
    assert "INBOX (inbox): fetched" in said.out
    assert "client id archiver-tests" in office("account", "list").out
    (listed,) = office("account", "list", "--format", "json").json["accounts"]
    assert listed["login"] == "oauth"
    assert listed["oauth"]["client_id"] == "archiver-tests"
    assert listed["oauth"]["token"] == "file"
    codes = {
        finding["code"]: finding["message"]
        for finding in office("doctor", "--format", "json").json["findings"]
    }
    assert "archiver-tests" in codes["token-place"]
    office("account", "logout", "work")
    findings = office.desk("doctor", "--format", "json").json["findings"]
    assert "token-missing" in {finding["code"] for finding in findings}
    office("account", "test", "work", code=12)


def test_the_users_browser_is_opened(office: Office, tmp_path: Path) -> None:
    """Here it is a program that goes where it is sent, as BROWSER names it."""
    script = tmp_path / "browser.py"
    script.write_text("import sys, urllib.request; urllib.request.urlopen(sys.argv[1]).read()")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "archiver",
            "--archive",
            office.desk.root,
            "account",
            "login",
            "work",
        ],
        env={
            **os.environ,
            "ARCHIVER_LANG": "en",
            "XDG_CONFIG_HOME": os.devnull,
            "BROWSER": f"{sys.executable} {script} %s",
        },
        cwd=office.desk.root.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "If none does, open this address" in done.stderr
    office("sync")
    assert records(office) == 1


def test_a_device_code_logs_in(office: Office) -> None:
    """What is typed is shown on stderr."""
    said = office("account", "login", "work", "--device")
    assert "type the code BCDF-GHJK" in said.err
    office("sync")
    assert records(office) == 1


def test_two_syncs_at_once_lose_no_rotated_token(office: Office) -> None:
    """One of them is told that the account is busy; both renew."""
    office.log_in()
    with Archive(office.desk.root, tell=print, actor="person:test") as archive:
        (account,) = archive.copies.settings.accounts
        connectors = [archive.connector(account, prompt=None) for _ in range(6)]
        threads = [threading.Thread(target=lambda one=one: one().close()) for one in connectors]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert office.authority.stolen == 0
    assert stored(office) == office.authority.lives[0].refresh


def test_no_secret_shows_anywhere(office: Office) -> None:
    """Not in what commands say, not in the archive, not in its journal; one file has it."""
    office.log_in()
    office("sync")
    office("account", "list", "--format", "json")
    office("doctor")
    office("account", "test", "work")
    office.authority.revoke()
    office("sync", code=12)
    no_secret_anywhere(office)


def no_secret_anywhere(office: Office) -> None:
    """Look for every secret that there was."""
    assert len(office.seen) >= 1
    words = "\n".join(said.out + said.err for said in office.said)
    assert not [secret for secret in office.seen if secret in words]
    database = office.desk.root / "journal" / "journal.sqlite"
    connection = sqlite3.connect(database)
    try:
        dump = "\n".join(connection.iterdump())
    finally:
        connection.close()
    assert not [secret for secret in office.seen if secret in dump]
    for path in office.desk.root.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not [each for each in office.seen if each.encode() in data], path
