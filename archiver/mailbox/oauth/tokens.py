"""What OAuth2 gave for an account, and the place that keeps it."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """An access token: what opens the mailbox, for about an hour."""

    text: str = field(repr=False)
    until: datetime | None
    """When it ends; None: the authority did not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a person allowed: the refresh token, and to whom it belongs."""

    refresh_token: str = field(repr=False)
    client_id: str
    """The application that it was given to; no other may use it."""
    token_url: str
    """Where it was given, and the only place to which it is ever sent."""
    allowed: datetime
    """When a person logged in."""
    renewed: datetime
    """When it last gave an access token."""
    ends: datetime | None = None
    """When the authority says that it ends; None: it did not say."""


class Store(Protocol):
    """A place outside the archive that keeps a grant for each account."""

    def read(self, account: str) -> Grant | None:
        """Return the grant of ACCOUNT; raises OperationError when it cannot be had now."""

    def keep(self, account: str, grant: Grant) -> None:
        """Keep GRANT durably in the place of what was there; raises OperationError."""

    def forget(self, account: str) -> None:
        """Remove the grant of ACCOUNT, which may not be there; raises OperationError."""

    def alone(self, account: str) -> AbstractContextManager[None]:
        """Keep other processes from changing the grant of ACCOUNT; raises LockedError."""
