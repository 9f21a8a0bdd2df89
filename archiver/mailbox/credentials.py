"""Find what opens an account: a password, or an access token.

A password comes from a command, the environment, a system credential, the keyring or a prompt: the
first of these that has one wins. Only a command that fails ends the search: it was configured to
answer, and asking elsewhere would hide that it does not. A token comes from a command, or from what
a person allowed once (``archiver.mailbox.oauth``).
"""

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from archiver.accounts import Account, OAuth
from archiver.errors import AuthenticationError, ConfigurationError
from archiver.mailbox.secrets import Password, Secret, Token

if TYPE_CHECKING:
    from archiver.mailbox.oauth.grants import Client
    from archiver.mailbox.oauth.tokens import Store
    from archiver.mailbox.oauth.wire import Post

SERVICE = "archiver"
"""The service under which the keyring holds passwords; the user is the account's name."""

_PATIENCE = 120.0
"""Seconds: a password command may ask its owner for a passphrase."""

Run = Callable[[str], bytes]
KeyringGet = Callable[[str, str], str | None]
Prompt = Callable[[str], str]

_TOKEN = re.compile(r"[\x21-\x7e]+")
"""What a token is made of (RFC 6750, section 2.1, and what servers make of it)."""


class Secrets(Protocol):
    """What opens an account, each time it is connected to."""

    def get(self) -> Secret:
        """Return a password, or an access token that holds for a while.

        Raises AuthenticationError when there is none, TemporaryNetworkError when an authority
        cannot be asked now, ConfigurationError for settings that cannot work.
        """

    def refused(self) -> bool:
        """Learn that the server refused it; tell whether ``get`` may return a better one."""


class _Found:
    """A password: looked for once, so that a person is asked once."""

    def __init__(self, find: Callable[[], str]) -> None:
        self._find = find
        self._found: str | None = None

    def get(self) -> Secret:
        if self._found is None:
            self._found = self._find()
        return Password(self._found)

    def refused(self) -> bool:
        return False


class _Printed:
    """A token that a command prints: asked for at each connection, since it does not last."""

    def __init__(self, ask: Callable[[], str]) -> None:
        self._ask = ask

    def get(self) -> Secret:
        return Token(self._ask())

    def refused(self) -> bool:
        return False


def secrets_for(
    account: Account,
    *,
    environ: Mapping[str, str],
    prompt: Prompt | None,
    store: "Store | None",
    post: "Post",
    clock: Callable[[], datetime],
) -> Secrets:
    """Return what opens ACCOUNT; nothing is looked for or asked before it is wanted.

    Commands are given ENVIRON; PROMPT is None where nobody can be asked. STORE keeps what OAuth2
    gave, and its authority is asked through POST; None only for an account without OAuth2.
    """
    if account.oauth is not None:
        if store is None:
            raise ValueError("an account with OAuth2 needs a store")
        from archiver.mailbox.oauth.access import AccessTokens  # only what logs in by OAuth2

        client = oauth_client(account, account.oauth, environ=environ, post=post, clock=clock)
        return AccessTokens(client, store)
    if account.token_command is not None:
        return _Printed(partial(token_from_command, account, account.token_command, environ))
    return _Found(partial(password_for, account, environ=environ, prompt=prompt))


def oauth_client(
    account: Account,
    oauth: OAuth,
    *,
    environ: Mapping[str, str],
    post: "Post",
    clock: Callable[[], datetime],
) -> "Client":
    """Return the application that asks for ACCOUNT; its secret's command is given ENVIRON."""
    from archiver.mailbox.oauth.grants import Client  # as above

    command, found = oauth.client_secret_command, [""]

    def secret() -> str | None:
        if command and not found[0]:
            run = partial(run_command, environ=environ)
            found[0] = _from_command(account, "client_secret_command", command, run)
        return found[0] or None

    return Client(account, oauth, post=post, clock=clock, secret=secret)


def token_from_command(
    account: Account, command: str, environ: Mapping[str, str], run: Run | None = None
) -> str:
    """Return the access token that COMMAND prints on its first line.

    Raises AuthenticationError when it fails or prints what is no token, ConfigurationError when it
    cannot be understood.
    """
    run = run or partial(run_command, environ=environ)
    found = _from_command(account, "token_command", command, run).strip()
    if _TOKEN.fullmatch(found):
        return found
    raise _no_answer(account, "token_command", _("the first line of its output is no token"))


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
        return _from_command(account, "password_command", account.password_command, run)
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


def _from_command(account: Account, key: str, command: str, run: Run) -> str:
    """Return the first line that COMMAND prints; KEY is its name in the settings."""
    try:
        output = run(command)
    except ValueError:
        raise ConfigurationError(
            _("The {key} of the account {name} has a quote that is not closed.").format(
                key=key, name=account.name
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
    raise _no_answer(account, key, why)


def _no_answer(account: Account, key: str, why: str) -> AuthenticationError:
    whats = {
        "password_command": _(
            "The password_command of the account {name} gave no password: {why}."
        ),
        "token_command": _("The token_command of the account {name} gave no token: {why}."),
        "client_secret_command": _(
            "The client_secret_command of the account {name} gave no secret: {why}."
        ),
    }
    advices = {
        "password_command": _(
            "Run it by hand: it must print the password alone on its first line. It is run"
            " without a shell, so pipes and variables need `sh -c '...'`."
        ),
        "token_command": _(
            "Run it by hand: it must print an access token alone on its first line. It is run"
            " without a shell, so pipes and variables need `sh -c '...'`."
        ),
        "client_secret_command": _(
            "Run it by hand: it must print the client's secret alone on its first line. It is run"
            " without a shell, so pipes and variables need `sh -c '...'`."
        ),
    }
    return AuthenticationError(
        whats[key].format(name=account.name, why=why),
        advice=advices[key],
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
