"""Access tokens for as long as the grant lasts."""

from datetime import timedelta
from typing import Final

from archiver.mailbox.oauth import trouble
from archiver.mailbox.oauth.grants import Client
from archiver.mailbox.oauth.tokens import Access, Store
from archiver.mailbox.secrets import Token

_EARLY: Final = timedelta(minutes=2)
"""Before its end, so that a login which takes a while does not come too late."""


class AccessTokens:
    """The access token of an account: kept in memory only, renewed when it is about to end."""

    def __init__(self, client: Client, store: Store) -> None:
        """Renew as CLIENT what STORE keeps; nothing is asked before a token is wanted."""
        self._client = client
        self._store = store
        self._access: Access | None = None
        self._renewed = False

    def get(self) -> Token:
        """Return an access token that holds for a while.

        Raises AuthenticationError where a person must log in again, TemporaryNetworkError,
        ConfigurationError, LockedError.
        """
        self._renewed = False
        if self._access is None or self._ends_soon(self._access):
            self._access = self._renew()
            self._renewed = True
        return Token(self._access.text)

    def refused(self) -> bool:
        """Learn that the mail server refused the token; tell whether another may be better.

        One that was given this very moment would be no better: then the server means it.
        """
        self._access = None
        return not self._renewed

    def _ends_soon(self, access: Access) -> bool:
        return access.until is not None and self._client.clock() + _EARLY >= access.until

    def _renew(self) -> Access:
        name = self._client.account.name
        with self._store.alone(name):
            grant = self._store.read(name)
            if grant is None:
                raise trouble.not_logged_in(self._client.account)
            if not self._client.belongs(grant):
                raise trouble.other_client(self._client.account)
            # A disk that takes nothing is found while the token that is kept still holds.
            self._store.keep(name, grant)
            given = self._client.renew(grant)
            # Before it is used: who rotates takes the old one no more (RFC 9700, section 4.14).
            self._store.keep(name, given.grant)
        return given.access
