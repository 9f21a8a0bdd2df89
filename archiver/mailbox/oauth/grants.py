"""Exchange a code, a device code or a refresh token for tokens (RFC 6749, RFC 7636, RFC 8628)."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from gettext import gettext as _
from http import HTTPStatus

from archiver.accounts import Account, OAuth
from archiver.mailbox.oauth import trouble
from archiver.mailbox.oauth.providers import Authority, authority_of
from archiver.mailbox.oauth.tokens import Access, Grant
from archiver.mailbox.oauth.trouble import Refusal, clean
from archiver.mailbox.oauth.wire import Post, UnreachableError

_TOKEN = re.compile(r"[\x21-\x7e]+")
_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
_INTERVAL = 5.0
"""Seconds between two questions where the authority names none (RFC 8628, section 3.2)."""
_DEVICE_LIFE = 900.0

Values = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What an authority gave."""

    access: Access
    grant: Grant


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCode:
    """What a person types at an address, on any device (RFC 8628, section 3.2)."""

    user_code: str
    address: str
    interval: float
    """Seconds to wait before each question."""
    ends: datetime
    secret: str = field(repr=False)
    """The device code, which only we and the authority know."""


class Client:
    """The application that asks, for one account."""

    def __init__(
        self,
        account: Account,
        oauth: OAuth,
        *,
        post: Post,
        clock: Callable[[], datetime],
        secret: Callable[[], str | None],
    ) -> None:
        """Ask as OAUTH says; SECRET returns the client's secret, None where it has none."""
        self.account = account
        self.oauth = oauth
        self.authority: Authority = authority_of(oauth)
        self.clock = clock
        self._post = post
        self._find_secret = secret

    def exchange(self, code: str, *, verifier: str, redirect: str) -> Given:
        """Exchange an authorization CODE (RFC 6749, section 4.1.3; RFC 7636, section 4.5)."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "code_verifier": verifier,
        }
        return self._given(self._tokens(form, code, verifier), before=None)

    def renew(self, grant: Grant) -> Given:
        """Ask for a new access token (RFC 6749, section 6); the grant may be another afterwards."""
        form = {"grant_type": "refresh_token", "refresh_token": grant.refresh_token}
        return self._given(self._tokens(form, grant.refresh_token), before=grant)

    def device_code(self) -> DeviceCode:
        """Ask for a code that a person types elsewhere (RFC 8628, section 3.1)."""
        if not self.authority.device_url:
            raise trouble.no_endpoint(self.account, "device_url")
        form = self._identified({"scope": self.authority.scope})
        answer = self._ask(self.authority.device_url, form)
        if isinstance(answer, Refusal):
            if answer.code in {"invalid_client", "invalid_scope"}:
                raise trouble.refused(answer, self.account, self.authority, self.oauth)
            raise trouble.device_blocked(self.account, self.authority, answer)
        address = answer.get("verification_uri") or answer.get("verification_url")
        texts = (answer.get("user_code"), address, answer.get("device_code"))
        user_code, address, secret = (text if isinstance(text, str) else "" for text in texts)
        if not (user_code and address and secret):
            raise trouble.no_sense(self.authority, _("the device code is not complete"))
        return DeviceCode(
            user_code=clean(user_code, secret),
            address=clean(address, secret),
            interval=_seconds(answer.get("interval")) or _INTERVAL,
            ends=self.clock()
            + timedelta(seconds=_seconds(answer.get("expires_in")) or _DEVICE_LIFE),
            secret=secret,
        )

    def poll(self, code: DeviceCode) -> Given | Refusal:
        """Ask once whether a person has allowed it (RFC 8628, section 3.4)."""
        form = {"grant_type": _DEVICE, "device_code": code.secret}
        answer = self._ask(self.authority.token_url, self._identified(form), code.secret)
        return answer if isinstance(answer, Refusal) else self._given(answer, before=None)

    def revoke(self, grant: Grant) -> bool:
        """Take back what was allowed, where the authority can be asked to (RFC 7009).

        Returns whether it was asked and agreed. Raises TemporaryNetworkError.
        """
        if not self.authority.revoke_url or grant.token_url != self.authority.token_url:
            return False
        form = self._identified({"token": grant.refresh_token})
        answer = self._ask(self.authority.revoke_url, form, grant.refresh_token, empty=True)
        # What it does not know any more is taken back already.
        return not isinstance(answer, Refusal) or answer.code == "invalid_token"

    def belongs(self, grant: Grant) -> bool:
        """Tell whether GRANT was given to this application, by this authority."""
        mine = (self.oauth.client_id, self.authority.token_url)
        return (grant.client_id, grant.token_url) == mine

    # --- the wire ----------------------------------------------------------------------------

    def _identified(self, form: Mapping[str, str]) -> dict[str, str]:
        secret = self._find_secret()
        named = {**form, "client_id": self.oauth.client_id}
        return {**named, "client_secret": secret} if secret else named

    def _tokens(self, form: Mapping[str, str], *secrets: str) -> Values:
        answer = self._ask(self.authority.token_url, self._identified(form), *secrets)
        if isinstance(answer, Refusal):
            raise trouble.refused(answer, self.account, self.authority, self.oauth)
        return answer

    def _ask(
        self, url: str, form: Mapping[str, str], *secrets: str, empty: bool = False
    ) -> Values | Refusal:
        """Send FORM; raise TemporaryNetworkError when there is no answer that means anything.

        EMPTY: an answer without a body is good.
        """
        try:
            reply = self._post(url, form)
        except UnreachableError as error:
            raise trouble.unreachable(url, clean(str(error), *secrets)) from None
        values = _values(reply.body)
        if values is not None and isinstance(code := values.get("error"), str):
            words = values.get("error_description")
            known = (*secrets, form.get("client_secret"))
            return Refusal(
                code=clean(code, *known),
                words=clean(words, *known) if isinstance(words, str) else "",
            )
        if reply.status == HTTPStatus.OK and (values is not None or empty):
            return values or {}
        raise trouble.unreachable(
            url, _("it answered with status {status}").format(status=reply.status)
        )

    def _given(self, values: Values, *, before: Grant | None) -> Given:
        now = self.clock()
        access, kind = values.get("access_token"), values.get("token_type", "Bearer")
        if not isinstance(access, str) or not _TOKEN.fullmatch(access):
            raise trouble.no_sense(self.authority, _("access_token is missing"))
        if not isinstance(kind, str) or kind.lower() != "bearer":
            raise trouble.no_sense(self.authority, _("token_type is not Bearer"))
        life = _seconds(values.get("expires_in"))
        until = now + timedelta(seconds=life) if life is not None else None
        grant = self._grant(values, before, now)
        return Given(access=Access(text=access, until=until), grant=grant)

    def _grant(self, values: Values, before: Grant | None, now: datetime) -> Grant:
        told = values.get("refresh_token")
        refresh = told if isinstance(told, str) and told else before and before.refresh_token
        if not refresh:
            raise trouble.no_refresh(self.account, self.authority)
        # The first is Google's and Microsoft's name for it, the second Keycloak's; 0 is "never".
        life = _seconds(values.get("refresh_token_expires_in", values.get("refresh_expires_in")))
        same = before is not None and before.refresh_token == refresh
        ends = before.ends if before is not None and same else None
        return Grant(
            refresh_token=refresh,
            client_id=self.oauth.client_id,
            token_url=self.authority.token_url,
            allowed=before.allowed if before is not None else now,
            renewed=now,
            ends=now + timedelta(seconds=life) if life else ends,
        )


def _values(body: bytes) -> Values | None:
    try:
        values = json.loads(body)
    except ValueError:
        return None
    return values if isinstance(values, dict) else None


def _seconds(value: object) -> float | None:
    """Read a length of time, which some authorities write as text; None when it is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:10])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < 10**10 else None  # NaN is none either
