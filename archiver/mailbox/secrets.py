"""What opens a mailbox: a password or a token; neither shows itself."""

from dataclasses import dataclass, field

from archiver.errors import AuthenticationError


@dataclass(frozen=True, slots=True)
class Password:
    """A password of the account's user."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Token:
    """An OAuth2 access token (RFC 6750), for XOAUTH2 or OAUTHBEARER (RFC 7628)."""

    text: str = field(repr=False)


Secret = Password | Token


class TokenRefusedError(AuthenticationError):
    """The server refused an access token: one that is newer may do."""
