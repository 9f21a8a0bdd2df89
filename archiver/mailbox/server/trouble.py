"""The errors of connections, in words: what happened, to which server, what to do next."""

import imaplib
import re
from collections.abc import Sequence
from gettext import gettext as _
from gettext import ngettext

from archiver.accounts import Account, plain_problem
from archiver.errors import AuthenticationError, ConfigurationError, TemporaryNetworkError
from archiver.mailbox.secrets import TokenRefusedError
from archiver.mailbox.server.session import RefusedError, ThrottledError

# These are compiled when there is trouble, and not each time that the module is loaded.
_CONTROL = r"[\x00-\x1f\x7f-\x9f]+"
_WIRE = r"\A(?:\w+ command error: |command: \w+ => |socket error: |\[Errno -?\d+\] )+"
# What imaplib and OpenSSL say of a connection that was closed.
_ENDED = r"\AEOF\Z|\Aunterminated line|EOF occurred in violation|connection has been closed"
_NOT_IMAP = r"\Aunexpected (?:tagged )?response: b(['\"])(.*)\1\Z"
_LIMIT = 200

# RFC 5530 and what Gmail, Microsoft, Yahoo and Dovecot say. [INUSE] is about one folder only.
_THROTTLED = (
    r"\[(?:THROTTLED|LIMIT|UNAVAILABLE)\b"
    r"|\bexceeded\b.{0,60}\bbandwidth|\bbandwidth\b.{0,60}\bexceeded"
    r"|\bexceeded\b.{0,20}\bcommand\b.{0,20}\blimit"
    r"|\bthrottled\b|\brate.limit"
    r"|\btoo many\b.{0,20}\b(?:connections|requests|commands|logins)"
)
_BACKOFF = (
    r"(?:back.?off time:?|try again (?:in|after)|retry (?:in|after)|wait)\s{1,3}"
    r"(\d{1,9})\s{0,3}(milliseconds?|ms|seconds?|s|minutes?|hours?)\b"
)
_SECONDS = {"ms": 0.001, "mi": 60.0, "s": 1.0, "se": 1.0, "ho": 3600.0}
_DAY = 86_400.0

_APP_PASSWORDS = {
    "gmail.com": "https://myaccount.google.com/apppasswords",
    "googlemail.com": "https://myaccount.google.com/apppasswords",
    "yahoo.com": "https://login.yahoo.com/account/security",
    "yahoo.fr": "https://login.yahoo.com/account/security",
    "me.com": "https://account.apple.com",
    "icloud.com": "https://account.apple.com",
    "fastmail.com": "https://app.fastmail.com/settings/security/integrations",
}
_GOOGLE = ("gmail.com", "googlemail.com")
_MICROSOFT = ("office365.com", "outlook.com", "hotmail.com", "live.com")


def said(data: Sequence[object]) -> str:
    """Return the server's own words, short and safe to show on a terminal."""
    last = data[-1] if data else b""
    words = last.decode("utf-8", "replace") if isinstance(last, bytes) else str(last or "")
    plain = re.sub(_WIRE, "", re.sub(_CONTROL, " ", words)).strip()
    if ended(plain):
        return _("the connection ended")
    if strange := re.search(_NOT_IMAP, plain):
        plain = _("it says {words}").format(words=strange[2])
    return plain[:_LIMIT].rstrip(".") or _("the server gave no reason")


def ended(words: str) -> bool:
    """Tell whether a library's WORDS say that the connection was closed in the midst of it."""
    return re.search(_ENDED, re.sub(_WIRE, "", words)) is not None


def last_words(imap: imaplib.IMAP4, error: Exception) -> str:
    """Return what the server said before the connection ended, rather than that it did."""
    for kind in ("BYE", "NO", "BAD"):
        told = imap.untagged_responses.get(kind)
        if told and (kind == "BYE" or is_throttled(said(told))):
            return said(told)
    return said([str(error)])


def lost(place: str, reason: str) -> TemporaryNetworkError:
    """Say that the connection to PLACE ended, failed or went out of step."""
    if is_throttled(reason):
        return throttled(place, reason)
    return TemporaryNetworkError(
        _("The connection to {place} failed: {reason}.").format(place=place, reason=reason),
        advice=_("Nothing that was kept is lost: run the command again later."),
    )


def refused(place: str, data: Sequence[object]) -> RefusedError | ThrottledError:
    """Tell a command that was answered by NO or BAD from a server that asks to slow down."""
    reason = said(data)
    return throttled(place, reason) if is_throttled(reason) else RefusedError(reason)


def is_throttled(reason: str) -> bool:
    """Tell whether REASON, a server's own words, asks to slow down or to come back later."""
    return re.search(_THROTTLED, reason, re.IGNORECASE) is not None


def throttled(place: str, reason: str) -> ThrottledError:
    """Say that the server at PLACE wants less to do; ``wait`` holds what it says of the time."""
    wait = _wait(reason)
    advice = _("Nothing that was kept is lost: run the command again later.")
    if wait is not None:
        minutes = max(1, -(-int(wait) // 60))
        advice = ngettext(
            "Nothing that was kept is lost: run the command again in {minutes} minute.",
            "Nothing that was kept is lost: run the command again in {minutes} minutes.",
            minutes,
        ).format(minutes=minutes)
    error = ThrottledError(
        _("{place} asks to slow down: {reason}.").format(place=place, reason=reason), advice=advice
    )
    error.wait = wait
    return error


def _wait(reason: str) -> float | None:
    """Return the seconds that REASON tells, a day at most: no server stops us for longer."""
    found = re.search(_BACKOFF, reason, re.IGNORECASE)
    if found is None:
        return None
    unit = found[2].lower()
    unit = "ms" if unit in {"ms", "millisecond", "milliseconds"} else unit[:2]
    return min(int(found[1]) * _SECONDS[unit], _DAY)


def unreachable(account: Account, reason: str) -> TemporaryNetworkError:
    """Say that the server of ACCOUNT cannot be reached now."""
    if is_throttled(reason):
        return throttled(f"{account.host}:{account.port}", reason)
    return TemporaryNetworkError(
        _("{host} port {port} cannot be reached: {reason}.").format(
            host=account.host, port=account.port, reason=reason
        ),
        advice=_("Check the network, and the account's host and port; then run it again."),
    )


def not_loopback(account: Account) -> ConfigurationError:
    """Refuse to send a password in the clear."""
    return ConfigurationError(
        _("Account {name}: {problem}.").format(
            name=account.name, problem=plain_problem(account.host)
        ),
        advice=_("Set security to tls with `archiver account edit {name} --security tls`.").format(
            name=account.name
        ),
    )


def no_starttls(account: Account) -> ConfigurationError:
    """Refuse to go on without the encryption that was asked for."""
    return ConfigurationError(
        _("{host} port {port} offers no STARTTLS; no password was sent.").format(
            host=account.host, port=account.port
        ),
        advice=_(
            "Set security to tls with the port for it (usually 993); where STARTTLS worked"
            " before, somebody on the network may be taking it away: try from another network."
        ),
    )


def bad_certificate(account: Account, reason: str) -> ConfigurationError:
    """Say that the server could not prove to be the one that was asked for."""
    return ConfigurationError(
        _("The certificate of {host} is not trusted: {reason}; no password was sent.").format(
            host=account.host, reason=reason
        ),
        advice=_(
            "Check that the account's host is the name that the provider gives; for a server with"
            " a certificate authority of its own, name that authority's file in the environment"
            " variable SSL_CERT_FILE."
        ),
    )


def no_tls(account: Account, reason: str) -> ConfigurationError:
    """Say that what answers does not speak TLS."""
    return ConfigurationError(
        _("No TLS connection to {host} port {port} could be made: {reason}.").format(
            host=account.host, port=account.port, reason=reason
        ),
        advice=_("Security tls usually has port 993, starttls usually has port 143."),
    )


def not_imap(account: Account, reason: str) -> ConfigurationError:
    """Say that what answers is no IMAP server."""
    return ConfigurationError(
        _("{host} port {port} does not answer as an IMAP server: {reason}.").format(
            host=account.host, port=account.port, reason=reason
        ),
        advice=_("Check the account's host, port (993 for tls, 143 for starttls) and security."),
    )


def no_password_login(account: Account) -> AuthenticationError:
    """Say that the server takes no password at all (LOGINDISABLED, RFC 3501)."""
    return AuthenticationError(
        _("{host} takes no password on this connection (LOGINDISABLED).").format(host=account.host),
        advice=_(
            "Set security to tls or starttls; if it is, ask the provider how mail programs log in."
        ),
    )


def refused_login(account: Account, reason: str) -> AuthenticationError:
    """Say that the server refused user or password, with the provider's known way out."""
    return AuthenticationError(
        _("{host} refused the login of {user}: {reason}.").format(
            host=account.host, user=account.user, reason=reason
        ),
        advice=_login_advice(account),
    )


def no_token_login(account: Account) -> AuthenticationError:
    """Say that the server knows no way to log in by OAuth2."""
    return AuthenticationError(
        _("{host} takes no OAuth2 tokens: it offers neither OAUTHBEARER nor XOAUTH2.").format(
            host=account.host
        ),
        advice=_(
            "Check the account's host; a server without OAuth2 takes a password: give the account"
            " a password_command instead of oauth or token_command."
        ),
    )


def no_authorization_id(account: Account) -> AuthenticationError:
    """Say that the server cannot be asked for another mailbox than the user's own."""
    return AuthenticationError(
        _(
            "{host} cannot be asked for the mailbox {mailbox} with the login of {user}: it offers"
            " no AUTH=PLAIN."
        ).format(host=account.host, mailbox=account.mailbox, user=account.user),
        advice=_("Take `mailbox` out of the account, or ask the provider how it is opened."),
    )


def refused_token(account: Account, reason: str) -> TokenRefusedError:
    """Say that the server refused an access token."""
    return TokenRefusedError(
        _("{host} refused the access token of {user}: {reason}.").format(
            host=account.host, user=account.mailbox or account.user, reason=reason
        ),
        advice=_not_connected(reason) or _token_advice(account),
    )


def _token_advice(account: Account) -> str:
    if account.oauth is not None:
        new = _("Log in anew with `archiver account login {name}`.").format(name=account.name)
    else:
        new = _(
            "Run the account's token_command by hand and see whether it prints a new token: it is"
            " in archive.toml."
        )
    return f"{new} " + _(
        "The token must be for this user and for IMAP; docs/providers says how each provider"
        " grants that."
    )


def _app_password_advice(account: Account, page: str, *, google: bool) -> str:
    said = _("This provider wants an app password instead of your own: make one at {page} .")
    if google:
        said += " " + _(
            "Where Google offers you none, log in by OAuth2: `archiver account edit {name} --oauth"
            " google --client-id ID`; docs/providers/gmail.md says how to get the ID."
        )
    return said.format(page=page, name=account.name)


def _not_connected(reason: str) -> str:
    if "authenticated but not connected" not in reason.lower():
        return ""
    return _(
        "The login itself was right: check that the mailbox exists, that IMAP is switched on for"
        " it, and, for a shared one, that the user has full access to it."
    )


def _login_advice(account: Account) -> str:
    domains = [account.host.lower().rstrip("."), account.user.lower().rpartition("@")[2]]
    for domain in domains:
        if any(domain == end or domain.endswith("." + end) for end in _MICROSOFT):
            return _(
                "Microsoft takes no passwords over IMAP any more: log in by OAuth2 with `archiver"
                " account edit {name} --oauth microsoft --client-id ID`, then `archiver account"
                " login {name}`; docs/providers/microsoft-365.md says how to get the ID."
            ).format(name=account.name)
        for end, page in _APP_PASSWORDS.items():
            if domain == end or domain.endswith("." + end):
                return _app_password_advice(account, page, google=end in _GOOGLE)
    return _(
        "Check user and password; with two-step verification the provider may want an app"
        " password. Then try `archiver account test {name}`."
    ).format(name=account.name)
