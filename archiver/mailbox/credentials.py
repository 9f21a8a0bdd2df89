"""Find an account's password: command, environment, system credential, keyring, prompt.

The first of these that has one wins. Only a password command that fails ends the search: it was
configured to answer, and asking elsewhere would hide that it does not.
"""

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Mapping
from functools import partial
from gettext import gettext as _
from pathlib import Path

from archiver.accounts import Account
from archiver.errors import AuthenticationError, ConfigurationError

SERVICE = "archiver"
"""The service under which the keyring holds passwords; the user is the account's name."""

_PATIENCE = 120.0
"""Seconds: a password command may ask its owner for a passphrase."""

Run = Callable[[str], bytes]
KeyringGet = Callable[[str, str], str | None]


_PRINTS = re.compile(
    r"""\s*(?:\S*[/\\])?(?:\w*sh\s+-\w*c\s+["']?\s*|cmd(?:\.exe)?\s+/c\s+["']?\s*)?"""
    r"""(?:\S*[/\\])?(?:echo|printf)(?:\.exe)?\s+(?P<words>.*)""",
    re.IGNORECASE | re.DOTALL,
)


def seems_to_hold_secret(command: str) -> bool:
    """Tell whether COMMAND only prints words that stand in it: such a password is no secret.

    A command that looks the words up (a variable, another command, a pipe) holds none.
    """
    found = _PRINTS.match(command)
    return found is not None and not re.search(r"[$`|<]|%\w+%", found["words"])


def run_command(command: str, environ: Mapping[str, str] | None = None) -> bytes:
    """Run COMMAND without a shell and return its output; its errors go to the terminal.

    Words are split as a shell splits them, but there are no pipes, variables or globs: whoever
    needs these writes ``sh -c '…'``. Raise OSError, ValueError (quotes that do not close) or
    subprocess.SubprocessError.
    """
    words = command if os.name == "nt" else shlex.split(command)
    done = subprocess.run(  # noqa: S603 - the owner of the archive configured this command
        words, stdout=subprocess.PIPE, check=True, timeout=_PATIENCE, env=environ
    )
    return done.stdout


def from_keyring(service: str, user: str) -> str | None:
    """Ask the system's keyring; None when there is no keyring or it has no such password."""
    try:
        import keyring  # slow to load, an extra, and nearly the last resort
        from keyring.errors import KeyringError
    except ImportError:
        return None
    try:
        found: str | None = keyring.get_password(service, user)
    except KeyringError:  # NoKeyringError on servers, KeyringLocked, …
        return None
    return found


def password_for(
    account: Account,
    *,
    environ: Mapping[str, str],
    prompt: Callable[[str], str] | None,
    keyring_get: KeyringGet = from_keyring,
    run: Run | None = None,
) -> str:
    """Return the password of ACCOUNT; PROMPT is None where nobody can be asked.

    A password command is given ENVIRON, unless another RUN runs it. Raise AuthenticationError,
    whose advice lists the ways, when there is none.
    """
    if account.password_command:
        run = run or partial(run_command, environ=environ)
        return _from_command(account, account.password_command, run)
    for found in (
        environ.get(variable(account.name)),
        _from_credentials(account, environ),
    ):
        if found:
            return found
    if found := keyring_get(SERVICE, account.name):
        return found
    if prompt is not None and (found := _from_prompt(account, prompt)):
        return found
    raise AuthenticationError(
        _("There is no password for the account {name}.").format(name=account.name),
        advice=_(
            "Give one in any of these ways: a password_command for the account in archive.toml;"
            " the environment variable {variable}; a systemd credential named {credential};"
            " the keyring, service {service}, user {name}; or run the command on a terminal,"
            " where it asks."
        ).format(
            variable=variable(account.name),
            credential=_credential(account),
            service=SERVICE,
            name=account.name,
        ),
    )


def variable(name: str) -> str:
    """Return the environment variable that holds the password of the account NAME."""
    return "ARCHIVER_PASSWORD_" + name.upper().replace("-", "_").replace(".", "_")


def _credential(account: Account) -> str:
    return f"{SERVICE}.{account.name}"


def _from_command(account: Account, command: str, run: Run) -> str:
    try:
        output = run(command)
    except ValueError:
        raise ConfigurationError(
            _("The password_command of the account {name} has a quote that is not closed.").format(
                name=account.name
            ),
            advice=_("Write it as for a shell, for example `pass show mail/client`."),
        ) from None
    except subprocess.CalledProcessError as error:
        why = _("it exited with status {status}").format(status=error.returncode)
    except subprocess.TimeoutExpired:
        why = _("it did not end in {seconds:.0f} seconds").format(seconds=_PATIENCE)
    except OSError as error:
        why = error.strerror or _("it cannot be started")
    else:
        if first := _first_line(output):
            return first
        why = _("the first line of its output is empty or not UTF-8")
    raise AuthenticationError(
        _("The password_command of the account {name} gave no password: {why}.").format(
            name=account.name, why=why
        ),
        advice=_(
            "Run it by hand: it must print the password alone on its first line. It is run"
            " without a shell, so pipes and variables need `sh -c '...'`."
        ),
    )


def _from_credentials(account: Account, environ: Mapping[str, str]) -> str | None:
    """Read ``$CREDENTIALS_DIRECTORY/archiver.NAME`` (systemd.exec(5), LoadCredential=)."""
    folder, name = environ.get("CREDENTIALS_DIRECTORY"), _credential(account)
    if not folder or Path(name).name != name:  # a name is never a path
        return None
    try:
        return _first_line((Path(folder) / name).read_bytes())
    except OSError:
        return None


def _from_prompt(account: Account, prompt: Callable[[str], str]) -> str | None:
    question = _("Password of {user} on {host} (account {name}): ").format(
        user=account.user, host=account.host, name=account.name
    )
    try:
        return prompt(question)
    except EOFError:
        return None


def _first_line(output: bytes) -> str | None:
    """Return the first line without its end; None when empty or not UTF-8."""
    line = output.split(b"\n", 1)[0].removesuffix(b"\r")
    try:
        return line.decode("utf-8") or None
    except UnicodeDecodeError:
        return None
