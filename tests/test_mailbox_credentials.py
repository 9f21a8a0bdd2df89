"""Passwords and tokens are found in the documented order and never shown."""

import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from mailbox_fakes import account

from archiver.accounts import OAuth
from archiver.errors import AuthenticationError, ConfigurationError
from archiver.mailbox.credentials import (
    Secrets,
    from_keyring,
    oauth_client,
    password_for,
    run_command,
    secrets_for,
    token_from_command,
    variable,
)
from archiver.mailbox.oauth.wire import Reply
from archiver.mailbox.secrets import Password, Token

SECRET = "s3cret-väl"


def empty_keyring(_service: str, _user: str) -> str | None:
    """Hold nothing."""
    return None


def find(
    *,
    command: str | None = None,
    environ: Mapping[str, str] | None = None,
    keyring: str | None = None,
    typed: str | None = None,
    run: object = run_command,
) -> str:
    """Look for the password of the account ``acme-fr.1`` where the test puts one."""
    return password_for(
        account(name="acme-fr.1", password_command=command),
        environ=environ or {},
        prompt=None if typed is None else lambda _question: typed,
        keyring_get=lambda _service, _user: keyring,
        run=run,  # type: ignore[arg-type]
    )


def test_the_command_comes_first() -> None:
    """What a person configured wins over all else; only the first line counts."""
    environ = {"ARCHIVER_PASSWORD_ACME_FR_1": "other"}
    asked: list[str] = []

    def run(command: str) -> bytes:
        asked.append(command)
        return f"{SECRET}\r\nlogin: me\n".encode()

    assert find(command="pass show acme", environ=environ, run=run) == SECRET
    assert asked == ["pass show acme"]


def test_a_real_command_is_run_without_a_shell() -> None:
    """Quotes group words; a dollar sign is a dollar sign."""
    command = f'"{sys.executable}" -c "print(\'$HOME;x\')"'
    assert find(command=command) == "$HOME;x"


def test_the_environment_comes_next() -> None:
    """The account's name in upper case, dots and hyphens made underscores."""
    assert variable("acme-fr.1") == "ARCHIVER_PASSWORD_ACME_FR_1"
    assert find(environ={"ARCHIVER_PASSWORD_ACME_FR_1": SECRET}, keyring="other") == SECRET


def test_then_the_system_credential(tmp_path: Path) -> None:
    """A file systemd hands over, named after the account."""
    (tmp_path / "archiver.acme-fr.1").write_text(SECRET + "\n", "utf-8")
    assert find(environ={"CREDENTIALS_DIRECTORY": str(tmp_path)}, keyring="other") == SECRET


def test_an_account_name_is_never_a_path(tmp_path: Path) -> None:
    """A name with a slash reads no file."""
    (tmp_path / "archiver.x").mkdir()
    (tmp_path / "archiver.x" / "y").write_text(SECRET, "utf-8")
    with pytest.raises(AuthenticationError):
        password_for(
            account(name="x/y"),
            environ={"CREDENTIALS_DIRECTORY": str(tmp_path)},
            prompt=None,
            keyring_get=empty_keyring,
        )


def test_then_the_keyring_then_the_prompt() -> None:
    """A person is only asked when nothing else knows."""
    assert find(keyring=SECRET, typed="other") == SECRET
    assert find(typed=SECRET) == SECRET


def test_no_keyring_is_no_error() -> None:
    """On a server there is none, or the package is not installed."""
    assert from_keyring("archiver-tests-no-such-service", "nobody") is None


@pytest.mark.parametrize("typed", [None, ""])
def test_no_password_at_all_lists_the_ways(typed: str | None) -> None:
    """The advice names each way for this very account."""
    with pytest.raises(AuthenticationError) as caught:
        find(typed=typed)
    assert caught.value.what == "There is no password for the account acme-fr.1."
    for way in (
        "password_command",
        "ARCHIVER_PASSWORD_ACME_FR_1",
        "archiver.acme-fr.1",
        "keyring",
        "terminal",
    ):
        assert way in caught.value.advice


def test_the_end_of_input_is_no_password() -> None:
    """ctrl-D at the prompt."""

    def prompt(_question: str) -> str:
        raise EOFError

    with pytest.raises(AuthenticationError):
        password_for(account(), environ={}, prompt=prompt, keyring_get=empty_keyring)


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        (subprocess.CalledProcessError(3, "x", output=SECRET.encode()), "exited with status 3"),
        (subprocess.TimeoutExpired("x", 120, output=SECRET.encode()), "did not end in 120 seconds"),
        (FileNotFoundError(2, "No such file or directory"), "No such file or directory"),
        (b"\n" + SECRET.encode(), "first line of its output is empty"),
        (b"\xff" + SECRET.encode(), "first line of its output is empty"),
    ],
)
def test_a_command_that_fails_says_why_but_not_what_it_printed(
    failure: Exception | bytes, why: str
) -> None:
    """Its output may hold the password."""

    def run(_command: str) -> bytes:
        if isinstance(failure, bytes):
            return failure
        raise failure

    with pytest.raises(AuthenticationError) as caught:
        find(command="pass show acme", environ={"ARCHIVER_PASSWORD_ACME_FR_1": "x"}, run=run)
    assert why in caught.value.what
    assert SECRET not in caught.value.what + caught.value.advice
    assert caught.value.__cause__ is None
    assert "sh -c" in caught.value.advice


def test_a_command_that_cannot_be_split_is_a_mistake_in_the_settings() -> None:
    """An open quote: exit 78."""
    with pytest.raises(ConfigurationError, match="quote that is not closed"):
        find(command="pass 'show")


# --- tokens --------------------------------------------------------------------------------------


def nobody(_url: str, _form: object) -> Reply:
    """Ask no authority."""
    raise AssertionError("nobody was to be asked")


def found(*, typed: str = SECRET, **more: object) -> Secrets:
    """Return what opens the account ``work`` with MORE settings."""
    return secrets_for(
        account(**more),
        environ={},
        prompt=lambda _question: typed,
        store=None,
        post=nobody,
        clock=lambda: datetime.now(UTC),
    )


def test_a_password_is_asked_for_once() -> None:
    """However often the connection is lost; another one would be no better."""
    asked: list[str] = []

    def prompt(question: str) -> str:
        asked.append(question)
        return SECRET

    secrets = secrets_for(
        account(),
        environ={},
        prompt=prompt,
        store=None,
        post=nobody,
        clock=lambda: datetime.now(UTC),
    )
    assert asked == []
    assert secrets.get() == secrets.get() == Password(SECRET)
    assert len(asked) == 1
    assert not secrets.refused()
    assert SECRET not in repr(secrets.get())


def test_a_tokens_command_is_run_for_each_connection(tmp_path: Path) -> None:
    """Its tokens do not last; only the first line counts, without spaces around it."""
    file = tmp_path / "token"
    secrets = found(token_command=f'"{sys.executable}" -c "print(open(\'{file}\').read())"')
    for token in ("first.t0ken", "sec0nd~+/="):
        file.write_text(f" {token}\r\nmore\n")
        assert secrets.get() == Token(token)
        assert token not in repr(secrets.get())
    assert not secrets.refused()


@pytest.mark.parametrize("output", [b"two words", "t\u00f6ken".encode(), b"a\x1b[2J", b"   "])
def test_what_is_no_token_is_not_sent(output: bytes) -> None:
    """And not repeated either: it may be half of one."""
    with pytest.raises(AuthenticationError, match="is no token") as caught:
        token_from_command(account(), "x", {}, run=lambda _command: output)
    assert not output.strip() or output.decode() not in caught.value.what
    assert "an access token alone on its first line" in caught.value.advice


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        (subprocess.CalledProcessError(3, "x", output=SECRET.encode()), "exited with status 3"),
        (subprocess.TimeoutExpired("x", 120, output=SECRET.encode()), "did not end in 120 seconds"),
        (FileNotFoundError(2, "No such file or directory"), "No such file or directory"),
    ],
)
def test_a_tokens_command_that_fails_says_why(failure: Exception, why: str) -> None:
    """As a password command does."""

    def run(_command: str) -> bytes:
        raise failure

    with pytest.raises(AuthenticationError) as caught:
        token_from_command(account(), "oama access me", {}, run=run)
    assert "The token_command of the account work gave no token: " in caught.value.what
    assert why in caught.value.what
    assert SECRET not in caught.value.what + caught.value.advice
    assert caught.value.__cause__ is None


def test_the_clients_secret_comes_from_its_command_only_when_it_is_wanted(tmp_path: Path) -> None:
    """Once; and it stands in no settings."""
    log = tmp_path / "log"
    script = tmp_path / "secret.py"
    script.write_text(f"open({str(log)!r}, 'a').write('x'); print('cl13nt-s3cret')")
    oauth = OAuth(
        provider="google",
        client_id="id",
        client_secret_command=f'"{sys.executable}" "{script}"',
    )
    client = oauth_client(
        account(oauth=oauth), oauth, environ={}, post=nobody, clock=lambda: datetime.now(UTC)
    )
    assert not log.exists()
    assert client._identified({})["client_secret"] == "cl13nt-s3cret"
    assert client._identified({})["client_secret"] == "cl13nt-s3cret"
    assert log.read_text() == "x"


def test_a_clients_secret_that_cannot_be_had_is_told() -> None:
    """With the name of the command in the settings."""
    oauth = OAuth(provider="google", client_id="id", client_secret_command="no-such-program-here")
    client = oauth_client(
        account(oauth=oauth), oauth, environ={}, post=nobody, clock=lambda: datetime.now(UTC)
    )
    with pytest.raises(AuthenticationError, match="The client_secret_command of the account work"):
        client._identified({})
    without = OAuth(provider="microsoft", client_id="id")
    client = oauth_client(
        account(oauth=without), without, environ={}, post=nobody, clock=lambda: datetime.now(UTC)
    )
    assert "client_secret" not in client._identified({})


def test_an_account_with_oauth_is_never_opened_by_password() -> None:
    """Whoever forgets the store is told at once."""
    with pytest.raises(ValueError, match="needs a store"):
        found(oauth=OAuth(provider="google", client_id="id"))
