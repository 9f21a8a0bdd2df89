"""What a person says about how an account logs in: a password, a token's command, or OAuth2."""

from dataclasses import dataclass, fields, replace
from gettext import gettext as _
from typing import Final, cast

from archiver.accounts import Account, OAuth, Provider
from archiver.errors import UsageError

NONE: Final = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthWish:
    """What is said of OAuth2; None: nothing. Empty: what is known of the provider."""

    client_id: str | None = None
    client_secret_command: str | None = None
    tenant: str | None = None
    authorize_url: str | None = None
    token_url: str | None = None
    device_url: str | None = None
    scope: str | None = None

    def said(self) -> dict[str, str]:
        """Return what was said, by its name in the settings."""
        named = ((each.name, getattr(self, each.name)) for each in fields(self))
        return {name: value for name, value in named if value is not None}

    def apply(self, oauth: OAuth) -> OAuth:
        """Return OAUTH as it is wished."""
        said = self.said()
        return OAuth(
            provider=oauth.provider,
            client_id=said.get("client_id", oauth.client_id),
            client_secret_command=said.get("client_secret_command", oauth.client_secret_command)
            or None,
            tenant=said.get("tenant", oauth.tenant) or "common",
            authorize_url=said.get("authorize_url", oauth.authorize_url),
            token_url=said.get("token_url", oauth.token_url),
            device_url=said.get("device_url", oauth.device_url),
            scope=said.get("scope", oauth.scope),
        )


NO_OAUTH_WISH: Final = OAuthWish()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginWish:
    """How an account is to log in. The way that is given takes the place of any other."""

    password_command: str | None = None
    """Empty: there is none."""
    token_command: str | None = None
    """Empty: there is none."""
    provider: str | None = None
    """OAuth2 at this provider; ``none``: not any more."""
    oauth: OAuthWish = NO_OAUTH_WISH

    def apply(self, account: Account) -> Account:
        """Return ACCOUNT as it is wished; raises UsageError for what contradicts itself."""
        ways = (self.password_command, self.token_command, self._provider)
        if sum(bool(way) for way in ways) > 1:
            raise UsageError(
                _("An account logs in one way."),
                advice=_("Give one of --password-command, --token-command and --oauth."),
            )
        oauth = self._oauth(account)
        anew = any(ways)
        return replace(
            account,
            password_command=_kept(self.password_command, account.password_command, anew=anew),
            token_command=_kept(self.token_command, account.token_command, anew=anew),
            oauth=None if self.provider == NONE or (anew and not self._provider) else oauth,
        )

    @property
    def _provider(self) -> str | None:
        return None if self.provider == NONE else self.provider

    def _oauth(self, account: Account) -> OAuth | None:
        before, said = account.oauth, self.oauth.said()
        if self._provider is not None and (before is None or before.provider != self._provider):
            # Another provider: what belonged to the one before would only be sent astray.
            before = OAuth(provider=cast("Provider", self._provider), client_id="")
        leaves = self.provider == NONE or self.password_command or self.token_command
        if said and (before is None or leaves):
            option = "--" + next(iter(said)).replace("_", "-")
            raise UsageError(
                _("{option} belongs to OAuth2, by which the account does not log in.").format(
                    option=option
                ),
                advice=_("Give --oauth google, microsoft or custom as well, or leave it out."),
            )
        if before is None:
            return None
        wanted = self.oauth.apply(before)
        if not wanted.client_id and not leaves:
            raise UsageError(
                _("OAuth2 needs the client id of an application; none is built in."),
                advice=_("Give --client-id; docs/providers says how to register one."),
            )
        if not leaves:
            _require_custom(wanted)
        return wanted


def _require_custom(oauth: OAuth) -> None:
    """Raise UsageError when nothing is known of a provider without which nobody can log in."""
    if oauth.provider != "custom":
        return
    missing = [
        option
        for option, value in (("--token-url", oauth.token_url), ("--scope", oauth.scope))
        if not value
    ]
    if not (oauth.authorize_url or oauth.device_url):
        missing.append(_("--authorize-url or --device-url"))
    if missing:
        raise UsageError(
            _("Of a custom OAuth2 provider this is missing: {options}.").format(
                options=", ".join(missing)
            ),
            advice=_(
                "Give them; the provider's documentation names them. A person logs in at the "
                "authorize URL, by a browser on this machine, or with a code from the device URL."
            ),
        )


NO_LOGIN_WISH: Final = LoginWish()


def _kept(wish: str | None, before: str | None, *, anew: bool) -> str | None:
    if wish is not None:
        return wish or None
    return None if anew else before
