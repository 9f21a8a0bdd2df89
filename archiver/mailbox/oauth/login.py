"""A person allows the archiver to read a mailbox: in a browser, or by a code typed elsewhere."""

import base64
import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from archiver.errors import OperationError
from archiver.mailbox.oauth import trouble
from archiver.mailbox.oauth.grants import Client, DeviceCode, Given
from archiver.mailbox.oauth.loopback import Code, Loopback
from archiver.mailbox.oauth.tokens import Grant, Store
from archiver.mailbox.oauth.trouble import Refusal

PATIENCE: Final = 300.0
"""Seconds that a person has to allow it in the browser."""

_SLOWER: Final = 5.0
"""Seconds added when the authority says slow_down (RFC 8628, section 3.5)."""

Entropy = Callable[[int], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class InBrowser:
    """Where a person is sent, for whoever shows it."""

    url: str
    port: int
    """Where this machine waits for the browser."""


def log_in_by_browser(
    client: Client,
    store: Store,
    *,
    show: Callable[[InBrowser], None],
    entropy: Entropy,
    patience: float = PATIENCE,
) -> Grant:
    """Have a person allow it in a browser on this machine (RFC 8252), and keep the grant.

    SHOW opens the address, or tells it. Raises AuthenticationError when it is not allowed within
    PATIENCE seconds, ConfigurationError when the client is not known, TemporaryNetworkError.
    """
    authority = client.authority
    if not authority.authorize_url:
        raise trouble.no_endpoint(client.account, "authorize_url")
    verifier, state = _random_text(entropy), _random_text(entropy)
    with Loopback(state, authority.redirect_path) as loopback:
        redirect = authority.redirect.format(port=loopback.port)
        url = _address(client, state=state, verifier=verifier, redirect=redirect)
        show(InBrowser(url=url, port=loopback.port))
        answer = loopback.wait(patience)
    match answer:
        case None:
            raise trouble.too_late(client.account)
        case Refusal():
            raise trouble.denied(client.account, authority, answer)
        case Code(text):
            return _keep(client, store, client.exchange(text, verifier=verifier, redirect=redirect))


def log_in_by_device(
    client: Client,
    store: Store,
    *,
    show: Callable[[DeviceCode], None],
    sleep: Callable[[float], None],
) -> Grant:
    """Have a person type a code on any device (RFC 8628), and keep the grant.

    Raises as ``log_in_by_browser`` does, and for an authority that gives no such codes.
    """
    if client.authority.provider == "google" and not client.oauth.device_url:
        raise trouble.no_google_device(client.account)
    code = client.device_code()
    show(code)
    interval = code.interval
    while client.clock() + timedelta(seconds=interval) < code.ends:
        sleep(interval)
        match client.poll(code):
            case Given() as given:
                return _keep(client, store, given)
            case Refusal(code="authorization_pending"):
                pass
            case Refusal(code="slow_down"):
                interval += _SLOWER
            case Refusal(code="expired_token"):
                break
            case Refusal(code="access_denied" | "authorization_declined") as refusal:
                raise trouble.denied(client.account, client.authority, refusal)
            case Refusal() as refusal:
                raise trouble.refused(refusal, client.account, client.authority, client.oauth)
    raise trouble.too_late(client.account)


def log_out(client: Client, store: Store) -> bool:
    """Forget the grant here and take it back at the authority; tell whether that agreed.

    It is forgotten even when it is damaged, or when the authority cannot be reached, which raises
    TemporaryNetworkError. Raises OperationError when it cannot be forgotten now.
    """
    name = client.account.name
    grant = None
    with store.alone(name):
        with contextlib.suppress(OperationError):
            grant = store.read(name)
        store.forget(name)
    return grant is not None and client.revoke(grant)


def challenge(verifier: str) -> str:
    """Return the S256 challenge of VERIFIER (RFC 7636, section 4.2)."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def _address(client: Client, *, state: str, verifier: str, redirect: str) -> str:
    authority = client.authority
    asked = {
        "response_type": "code",
        "client_id": client.oauth.client_id,
        "redirect_uri": redirect,
        "scope": authority.scope,
        "state": state,
        "code_challenge": challenge(verifier),
        "code_challenge_method": "S256",
        "login_hint": client.account.user,
        **authority.extra,
    }
    sign = "&" if "?" in authority.authorize_url else "?"
    return authority.authorize_url + sign + urlencode(asked)


def _random_text(entropy: Entropy) -> str:
    """Return 43 characters that nobody can guess (RFC 7636, section 4.1)."""
    return base64.urlsafe_b64encode(entropy(32)).rstrip(b"=").decode("ascii")


def _keep(client: Client, store: Store, given: Given) -> Grant:
    with store.alone(client.account.name):
        store.keep(client.account.name, given.grant)
    return given.grant
