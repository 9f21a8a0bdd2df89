"""The errors of OAuth2, in words: what the authority said, and what to do next."""

import re
from dataclasses import dataclass
from gettext import gettext as _
from typing import Final

from archiver.accounts import Account, OAuth
from archiver.errors import (
    ArchiverError,
    AuthenticationError,
    ConfigurationError,
    TemporaryNetworkError,
    UsageError,
)
from archiver.mailbox.oauth.providers import GOOGLE_TESTING_DAYS, Authority
from archiver.mailbox.oauth.wire import host_of

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_LIMIT = 240
_SHORTEST = 6
"""Characters: a shorter secret is none, and would be found in the middle of words."""

_NOT_NOW: Final = frozenset({"temporarily_unavailable", "server_error", "slow_down"})
_ASK_AGAIN: Final = frozenset({"invalid_grant", "interaction_required", "login_required"})
_CLIENT: Final = frozenset({"invalid_client", "unauthorized_client", "deleted_client"})
_SCOPE: Final = frozenset({"invalid_scope", "consent_required"})
_WANTS_SECRET: Final = ("AADSTS7000218", "client_secret is missing")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An authority's no (RFC 6749, section 5.2), its words made safe to show."""

    code: str
    words: str

    @property
    def said(self) -> str:
        """What it said, as a clause."""
        return f"{self.code}: {self.words}" if self.words else self.code


def clean(text: str, *secrets: str | None) -> str:
    """Return what a server said, on one line, short, and without SECRETS should it repeat them."""
    for secret in secrets:
        if secret and len(secret) >= _SHORTEST:
            text = text.replace(secret, "…")
    # Microsoft goes on with numbers for its own support.
    plain = re.split(r"[\r\n]|\bTrace ID:", text, maxsplit=1)[0]
    return _CONTROL.sub(" ", plain).strip()[:_LIMIT].rstrip(". ")


def login_advice(account: Account) -> str:
    """Say how a person allows it again."""
    return _("Run `archiver account login {name}` and allow it again.").format(name=account.name)


def no_oauth(account: Account) -> UsageError:
    """Say that the account has nothing to log in to in a browser."""
    return UsageError(
        _("The account {name} does not log in by OAuth2.").format(name=account.name),
        advice=_(
            "Nothing is to be done for a password or a token_command; for OAuth2 say whose client"
            " asks: `archiver account edit {name} --oauth google --client-id ID`."
        ).format(name=account.name),
    )


def not_logged_in(account: Account) -> AuthenticationError:
    """Say that nobody has allowed it yet on this machine."""
    return AuthenticationError(
        _("Nobody has logged in to the account {name} on this machine yet.").format(
            name=account.name
        ),
        advice=_("Run `archiver account login {name}` once, in a browser.").format(
            name=account.name
        ),
    )


def other_client(account: Account) -> AuthenticationError:
    """Say that what is stored was given to another application, or by another authority."""
    return AuthenticationError(
        _(
            "The login of the account {name} that is kept on this machine belongs to another"
            " client id or another authority than archive.toml names now; it was not sent."
        ).format(name=account.name),
        advice=login_advice(account),
    )


def unreachable(url: str, reason: str) -> TemporaryNetworkError:
    """Say that the authority gives no answer now."""
    return TemporaryNetworkError(
        _("{host} could not be asked for a token: {reason}.").format(
            host=host_of(url), reason=reason
        ),
        advice=_("Check the network, then run the command again."),
    )


def no_endpoint(account: Account, key: str) -> ConfigurationError:
    """Say that a custom authority's address is missing."""
    return ConfigurationError(
        _("Account {name}: oauth.{key} is missing, so nobody can be asked.").format(
            name=account.name, key=key
        ),
        advice=_(
            "Set it with `archiver account edit {name} --{option} URL`; the provider's"
            " documentation, or its page /.well-known/openid-configuration, names it."
        ).format(name=account.name, option=key.replace("_", "-")),
    )


def no_google_device(account: Account) -> AuthenticationError:
    """Say what Google would only answer in its own words."""
    return AuthenticationError(
        _("Google does not allow mail to be opened by device code."),
        advice=_(
            "Run `archiver account login {name}` without --device; on a machine without a browser"
            " add --no-browser, which says how to use the browser of another machine."
        ).format(name=account.name),
    )


def refused(
    refusal: Refusal, account: Account, authority: Authority, oauth: OAuth
) -> ArchiverError:
    """Return the error that tells REFUSAL, by what a person can do about it."""
    host = host_of(authority.token_url)
    values = {"host": host, "said": refusal.said, "name": account.name, "id": oauth.client_id}
    if refusal.code in _NOT_NOW:
        return unreachable(authority.token_url, refusal.said)
    if refusal.code in _CLIENT or any(words in refusal.words for words in _WANTS_SECRET):
        return ConfigurationError(
            _("{host} does not accept the client id {id}: {said}.").format(**values),
            advice=_client_advice(authority),
        )
    if refusal.code in _SCOPE:
        return ConfigurationError(
            _("{host} does not let the client id {id} open mail: {said}.").format(**values),
            advice=_(
                "Add the permission to the application's registration (docs/providers says which);"
                " in an organisation its administrator may have to agree."
            ),
        )
    if refusal.code in _ASK_AGAIN:
        return AuthenticationError(
            _("{host} takes the login of the account {name} no more: {said}.").format(**values),
            advice=_again_advice(account, authority),
        )
    return AuthenticationError(
        _("{host} gave no token for the account {name}: {said}.").format(**values),
        advice=login_advice(account),
    )


def denied(account: Account, authority: Authority, refusal: Refusal) -> AuthenticationError:
    """Say that a person, or an administrator, did not allow it."""
    return AuthenticationError(
        _("{host} did not allow the login: {said}.").format(
            host=host_of(authority.authorize_url or authority.token_url), said=refusal.said
        ),
        advice=_(
            "Run `archiver account login {name}` again and allow it. Where an organisation blocks"
            " it, ask its administrator to allow this client id."
        ).format(name=account.name),
    )


def device_blocked(account: Account, authority: Authority, refusal: Refusal) -> AuthenticationError:
    """Say that the authority gives no device code here."""
    return AuthenticationError(
        _("{host} gives no device code: {said}.").format(
            host=host_of(authority.device_url), said=refusal.said
        ),
        advice=_(
            "Many Microsoft organisations block device codes, and an application must allow"
            " public client flows. Run `archiver account login {name}` without --device."
        ).format(name=account.name),
    )


def too_late(account: Account) -> AuthenticationError:
    """Say that nobody answered in time."""
    return AuthenticationError(
        _("Nobody allowed the login in time; nothing was stored."),
        advice=login_advice(account),
    )


def no_refresh(account: Account, authority: Authority) -> AuthenticationError:
    """Say that what was given would not last."""
    return AuthenticationError(
        _("{host} gave no refresh token, so the login would end within the hour.").format(
            host=host_of(authority.token_url)
        ),
        advice=_(
            "Check the scope of the account {name} (most authorities want offline_access in it),"
            " then run `archiver account login {name}` again."
        ).format(name=account.name),
    )


def no_sense(authority: Authority, why: str) -> AuthenticationError:
    """Say that an answer is no answer of OAuth2."""
    return AuthenticationError(
        _("{host} answered with no usable token: {why}.").format(
            host=host_of(authority.token_url), why=why
        ),
        advice=_("Check token_url and the other addresses of the account's [oauth] table."),
    )


def _client_advice(authority: Authority) -> str:
    if authority.provider == "google":
        return _(
            "Check client_id and client_secret_command against the registration at Google, of the"
            " type Desktop app; Google wants the secret of a desktop client as well."
        )
    if authority.provider == "microsoft":
        return _(
            "Check client_id and tenant against the registration in Microsoft Entra; under"
            " Authentication, add http://localhost as a mobile and desktop application, and allow"
            " public client flows."
        )
    return _("Check client_id, client_secret_command and token_url against the registration.")


def _again_advice(account: Account, authority: Authority) -> str:
    if authority.provider != "google":
        return login_advice(account)
    return _(
        'Run `archiver account login {name}`. A client that is "in testing" at Google loses its'
        " login after {days} days: publish it (In production) to keep it longer."
    ).format(name=account.name, days=GOOGLE_TESTING_DAYS)
