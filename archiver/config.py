"""``archive.toml``: accounts and options. Secrets are never in it."""

from dataclasses import dataclass
from typing import Literal

Security = Literal["tls", "starttls", "plain"]
Keep = Literal["everything", "engagements"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An IMAP account (``[account.NAME]``)."""

    name: str
    host: str
    port: int
    user: str
    security: Security
    keep: Keep
    password_command: str | None = None
    """A command line whose first line of output is the password."""
    folders: tuple[str, ...] = ()
    """Folders to fetch; none named means all but drafts, outbox and templates."""
    addresses: tuple[str, ...] = ()
    """Our own addresses and aliases, besides USER when that is an address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What ``archive.toml`` says."""

    time_zone: str
    """IANA name: days are days in it."""
    language: str
    """``fr`` or ``en``: the language of what is written into the archive and its dossiers."""
    accounts: tuple[Account, ...] = ()
