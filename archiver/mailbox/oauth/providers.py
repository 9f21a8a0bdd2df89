"""Where Google, Microsoft and others give tokens, and what each of them wants said."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from archiver.accounts import OAuth, Provider

GOOGLE_TESTING_DAYS: Final = 7
"""Days after which Google ends what it gave to an application that is "in testing"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """An authorization server as an account uses it (RFC 6749, section 3)."""

    provider: Provider
    authorize_url: str
    """Empty: it cannot be asked in a browser."""
    token_url: str
    device_url: str = ""
    """Empty: it has no login by device code (RFC 8628)."""
    revoke_url: str = ""
    """Empty: what was allowed can only be taken back on its own pages (RFC 7009)."""
    scope: str
    redirect: str = "http://127.0.0.1:{port}/"
    """Where it sends the browser back to (RFC 8252, section 7.3)."""
    extra: Mapping[str, str] = field(default_factory=dict)
    """More that is said when a person is sent to it."""

    @property
    def redirect_path(self) -> str:
        """The only path that is answered on this machine."""
        return "/" + self.redirect.partition("{port}")[2].lstrip("/")


# https://developers.google.com/identity/protocols/oauth2/native-app: a refresh token is only
# given for offline access, and again only when consent is asked for again.
_GOOGLE: Final = Authority(
    provider="google",
    authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
    token_url="https://oauth2.googleapis.com/token",  # noqa: S106 - an address
    revoke_url="https://oauth2.googleapis.com/revoke",
    scope="https://mail.google.com/",
    redirect="http://127.0.0.1:{port}",
    extra={"access_type": "offline", "prompt": "consent"},
)


def _microsoft(tenant: str) -> Authority:
    # Its registration form takes http://localhost and then any port, not 127.0.0.1.
    base = f"https://login.microsoftonline.com/{quote(tenant, safe='')}/oauth2/v2.0"
    return Authority(
        provider="microsoft",
        authorize_url=f"{base}/authorize",
        token_url=f"{base}/token",
        device_url=f"{base}/devicecode",
        scope="https://outlook.office.com/IMAP.AccessAsUser.All offline_access",
        redirect="http://localhost:{port}",
        extra={"prompt": "select_account"},
    )


def authority_of(oauth: OAuth) -> Authority:
    """Return the authority that OAUTH names; what its settings say beats what is known."""
    known = Authority(provider="custom", authorize_url="", token_url="", scope="")
    if oauth.provider == "google":
        known = _GOOGLE
    elif oauth.provider == "microsoft":
        known = _microsoft(oauth.tenant)
    moved = oauth.token_url not in {"", known.token_url}
    return Authority(
        provider=oauth.provider,
        authorize_url=oauth.authorize_url or known.authorize_url,
        token_url=oauth.token_url or known.token_url,
        device_url=oauth.device_url or known.device_url,
        # A token of another server is nothing to show to this one.
        revoke_url="" if moved else known.revoke_url,
        scope=oauth.scope or known.scope,
        redirect=known.redirect,
        extra=known.extra,
    )
