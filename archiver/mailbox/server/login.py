"""Log in with a password, so that it shows nowhere: not in errors, not in logs."""

import base64
import imaplib
import re
from collections.abc import Collection
from gettext import gettext as _

from archiver.accounts import Account
from archiver.mailbox.server import trouble

# RFC 5530: these say that the password is not to blame.
_PASSING = re.compile(r"\[(?:UNAVAILABLE|INUSE|LIMIT|SERVERBUG)\b", re.IGNORECASE)
_PLAIN_WORDS = re.compile(r"[\x20-\x7e]+\Z")
_ATOM = re.compile(r"[A-Za-z0-9@._+=-]+\Z")


def login(
    imap: imaplib.IMAP4, capabilities: Collection[bytes], account: Account, password: str
) -> None:
    """Log in by AUTHENTICATE PLAIN, else by LOGIN for an ASCII name and password.

    PLAIN (RFC 4616) comes first because it takes every character, in UTF-8, and needs no quoting.
    Raise AuthenticationError when the server refuses, TemporaryNetworkError when it says that it
    cannot check now.
    """
    if imap.state == "AUTH":  # PREAUTH: the server knows who we are
        return
    try:
        if b"AUTH=PLAIN" in capabilities:
            imap.authenticate("PLAIN", lambda _challenge: _answer(account, password))
        elif b"LOGINDISABLED" in capabilities:
            raise trouble.no_password_login(account)
        else:
            _login(imap, account, password)
    except imaplib.IMAP4.abort as error:
        # Among others BYE: too many connections, shutting down.
        raise trouble.unreachable(account, _without(password, account, str(error))) from None
    except imaplib.IMAP4.error as error:
        reason = _without(password, account, _text(error))
        if _PASSING.search(reason):
            raise trouble.unreachable(account, reason) from None
        raise trouble.refused_login(account, reason) from None


def _login(imap: imaplib.IMAP4, account: Account, password: str) -> None:
    if not (_PLAIN_WORDS.match(account.user) and _PLAIN_WORDS.match(password)):
        raise trouble.refused_login(
            account, _("it takes no letters outside ASCII in user or password (no AUTH=PLAIN)")
        )
    user = account.user
    if not _ATOM.match(user):  # imaplib quotes the password only
        user = '"' + user.replace("\\", "\\\\").replace('"', '\\"') + '"'
    imap.login(user, password)


def _answer(account: Account, password: str) -> bytes:
    # An environment that is not UTF-8 comes with its bytes escaped: they go out as they were.
    return f"\0{account.user}\0{password}".encode("utf-8", "surrogateescape")


def _text(error: imaplib.IMAP4.error) -> str:
    first = error.args[0] if error.args else ""
    return first.decode("utf-8", "replace") if isinstance(first, bytes) else str(first)


def _without(password: str, account: Account, reason: str) -> str:
    """Return REASON without the password, should a server send it back."""
    token = base64.b64encode(_answer(account, password)).decode("ascii")
    for secret in (token, password):
        if secret:
            reason = reason.replace(secret, "…")
    return trouble.said([reason])
