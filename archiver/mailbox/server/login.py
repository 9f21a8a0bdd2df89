"""Log in by password or token, so that it shows nowhere: not in errors, not in logs."""

import base64
import binascii
import imaplib
import re
from collections.abc import Collection
from gettext import gettext as _

from archiver.accounts import Account
from archiver.errors import ArchiverError
from archiver.mailbox.secrets import Password, Secret, Token
from archiver.mailbox.server import trouble

# RFC 5530: these say that the password is not to blame.
_PASSING = r"\[(?:UNAVAILABLE|INUSE|LIMIT|SERVERBUG)\b"
_PLAIN_WORDS = r"[\x20-\x7e]+"
_ATOM = r"[A-Za-z0-9@._+=-]+"
_MAX_COMMAND = 8000
"""Bytes of a command line (RFC 7162 asks servers to take 8,192): a longer token goes by itself."""

_MAX_CHALLENGES = 4


def login(
    imap: imaplib.IMAP4, capabilities: Collection[str], account: Account, secret: Secret
) -> bytes:
    """Log in and return the text of the server's OK, which may tell new capabilities.

    A password goes by AUTHENTICATE PLAIN (RFC 4616), which takes every character and needs no
    quoting, else by LOGIN for an ASCII name and password; a token by OAUTHBEARER (RFC 7628), else
    by XOAUTH2. Raise AuthenticationError when the server refuses (TokenRefusedError for a token),
    ThrottledError or TemporaryNetworkError when it says that it cannot check now.
    """
    if imap.state == "AUTH":  # PREAUTH: the server knows who we are
        return b""
    exchange = _exchange(capabilities, account, secret)
    if exchange is None and "LOGINDISABLED" in capabilities:
        raise trouble.no_password_login(account)
    if exchange is None and account.mailbox:
        raise trouble.no_authorization_id(account)
    try:
        if exchange is None:
            return _login(imap, account, secret.text)
        return exchange.run(imap, at_once="SASL-IR" in capabilities)
    except imaplib.IMAP4.abort as error:
        # Among others BYE: too many connections, shutting down.
        words = trouble.last_words(imap, error)
        raise trouble.unreachable(account, _without(secret, exchange, words)) from None
    except imaplib.IMAP4.error as error:
        told = exchange.told() if exchange is not None else ""
        reason = _without(secret, exchange, _text(error))
        raise _refusal(account, secret, reason, _without(secret, exchange, told)) from None


def _exchange(
    capabilities: Collection[str], account: Account, secret: Secret
) -> "_Exchange | None":
    """Choose how to log in; None: by LOGIN."""
    # An environment that is not UTF-8 comes with its bytes escaped: they go out as they were.
    user = account.mailbox or account.user
    match secret:
        case Password(text=text):
            if "AUTH=PLAIN" not in capabilities:
                return None
            first = f"{account.mailbox or ''}\0{account.user}\0{text}"
            return _Exchange("PLAIN", first, b"*")
        case Token(text=text) if "AUTH=OAUTHBEARER" in capabilities:
            name = user.replace("=", "=3D").replace(",", "=2C")  # RFC 5801, section 4
            first = f"n,a={name},\1host={account.host}\1port={account.port}\1auth=Bearer {text}\1\1"
            return _Exchange("OAUTHBEARER", first, base64.b64encode(b"\1"))
        case Token(text=text) if "AUTH=XOAUTH2" in capabilities:
            return _Exchange("XOAUTH2", f"user={user}\1auth=Bearer {text}\1\1", b"")
        case Token():
            raise trouble.no_token_login(account)


class _Exchange:
    """One AUTHENTICATE (RFC 3501, section 6.2.2; RFC 4959 for a first answer sent at once)."""

    def __init__(self, mechanism: str, first: str, last: bytes) -> None:
        """Keep the answer to the FIRST challenge, and the LAST: to one that tells an error."""
        self.first = base64.b64encode(first.encode("utf-8", "surrogateescape"))
        self._mechanism = mechanism
        self._last = last
        self._sent = False
        self._challenges: list[bytes] = []

    def run(self, imap: imaplib.IMAP4, *, at_once: bool) -> bytes:
        """Log in; return the text of the OK."""
        arguments = [self._mechanism]
        if at_once and len(self.first) < _MAX_COMMAND:
            arguments.append(self.first.decode("ascii"))
            self._sent = True
        imap.literal = self._answer  # type: ignore[assignment]  # as imaplib's own authenticate
        return _logged_in(imap, "AUTHENTICATE", *arguments)

    def told(self) -> str:
        """Return what the last challenge says of an error, for people; empty for none."""
        import json  # for errors only

        try:
            error = json.loads(binascii.a2b_base64(self._challenges[-1]))
        except (IndexError, ValueError, RecursionError):
            return ""
        if not isinstance(error, dict):
            return ""
        told = (f"{key} {error[key]}" for key in ("status", "scope") if error.get(key))
        return ", ".join(told)

    def _answer(self, challenge: bytes) -> bytes:
        if not self._sent:
            self._sent = True
            return self.first
        self._challenges.append(challenge)
        if len(self._challenges) > _MAX_CHALLENGES:
            raise imaplib.IMAP4.abort("the server asks without end")
        return self._last if len(self._challenges) == 1 else b"*"


def _login(imap: imaplib.IMAP4, account: Account, password: str) -> bytes:
    if not (re.fullmatch(_PLAIN_WORDS, account.user) and re.fullmatch(_PLAIN_WORDS, password)):
        raise trouble.refused_login(
            account, _("it takes no letters outside ASCII in user or password (no AUTH=PLAIN)")
        )
    user = account.user if re.fullmatch(_ATOM, account.user) else _quoted(account.user)
    return _logged_in(imap, "LOGIN", user, _quoted(password))


def _logged_in(imap: imaplib.IMAP4, command: str, *arguments: str) -> bytes:
    typ, data = imap._simple_command(command, *arguments)  # noqa: SLF001 - imaplib's own methods tell too little
    if typ != "OK":
        raise imaplib.IMAP4.error(data[-1])
    imap.state = "AUTH"
    return bytes(data[-1] or b"")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _refusal(account: Account, secret: Secret, reason: str, told: str) -> ArchiverError:
    if re.search(_PASSING, reason, re.IGNORECASE) or trouble.is_throttled(reason):
        place = f"{account.host}:{account.port}"
        if "[SERVERBUG" in reason.upper():
            return trouble.unreachable(account, reason)
        return trouble.throttled(place, reason)
    if isinstance(secret, Token):
        return trouble.refused_token(account, f"{reason} ({told})" if told else reason)
    return trouble.refused_login(account, reason)


def _text(error: imaplib.IMAP4.error) -> str:
    first = error.args[0] if error.args else ""
    return first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first)


def _without(secret: Secret, exchange: _Exchange | None, reason: str) -> str:
    """Return REASON without the secret, should a server send it back."""
    sent = exchange.first.decode("ascii") if exchange is not None else ""
    for form in (sent, _quoted(secret.text), _quoted(secret.text)[1:-1], secret.text):
        if form:
            reason = reason.replace(form, "…")
    return trouble.said([reason]) if reason else ""
