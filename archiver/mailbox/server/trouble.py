"""The errors of connections, in words: what happened, to which server, what to do next."""

import re
from collections.abc import Sequence
from gettext import gettext as _

from archiver.accounts import Account, plain_problem
from archiver.errors import AuthenticationError, ConfigurationError, TemporaryNetworkError

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_WIRE = re.compile(r"\A(?:\w+ command error: |command: \w+ => |socket error: )+")
_LIMIT = 200

_APP_PASSWORDS = {
    "gmail.com": "https://myaccount.google.com/apppasswords",
    "googlemail.com": "https://myaccount.google.com/apppasswords",
    "yahoo.com": "https://login.yahoo.com/account/security",
    "yahoo.fr": "https://login.yahoo.com/account/security",
    "me.com": "https://account.apple.com",
    "icloud.com": "https://account.apple.com",
    "fastmail.com": "https://app.fastmail.com/settings/security/integrations",
}
_MICROSOFT = ("office365.com", "outlook.com", "hotmail.com", "live.com")


def said(data: Sequence[object]) -> str:
    """Return the server's own words, short and safe to show on a terminal."""
    last = data[-1] if data else b""
    words = last.decode("utf-8", "replace") if isinstance(last, bytes) else str(last or "")
    plain = _WIRE.sub("", _CONTROL.sub(" ", words)).strip()
    return plain[:_LIMIT].rstrip(".") or _("the server gave no reason")


def lost(place: str, reason: str) -> TemporaryNetworkError:
    """Say that the connection to PLACE ended, failed or went out of step."""
    return TemporaryNetworkError(
        _("The connection to {place} failed: {reason}.").format(place=place, reason=reason),
        advice=_("Nothing that was kept is lost: run the command again later."),
    )


def unreachable(account: Account, reason: str) -> TemporaryNetworkError:
    """Say that the server of ACCOUNT cannot be reached now."""
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


def _login_advice(account: Account) -> str:
    domains = [account.host.lower().rstrip("."), account.user.lower().rpartition("@")[2]]
    for domain in domains:
        if any(domain == end or domain.endswith("." + end) for end in _MICROSOFT):
            return _(
                "Microsoft takes no passwords over IMAP from most accounts any more; ask the"
                " administrator whether an app password or basic authentication can be allowed,"
                " or bring exported files in with `archiver import`."
            )
        for end, page in _APP_PASSWORDS.items():
            if domain == end or domain.endswith("." + end):
                return _(
                    "This provider wants an app password instead of your own: make one at {page} ."
                ).format(page=page)
    return _(
        "Check user and password; with two-step verification the provider may want an app"
        " password. Then try `archiver account test {name}`."
    ).format(name=account.name)
