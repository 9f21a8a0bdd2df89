"""Passwords are found in the documented order and never shown."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from mailbox_fakes import account

from archiver.errors import AuthenticationError, ConfigurationError
from archiver.mailbox.credentials import from_keyring, password_for, run_command, variable

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
