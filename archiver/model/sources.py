"""Where a record's bytes came from, as a ``sighting`` entry tells it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapSource:
    """A message in a mailbox (RFC 3501: UIDVALIDITY and UID name it for ever)."""

    account: str
    host: str
    certificate: str | None
    """SHA-256 of the server's TLS certificate (DER), hexadecimal; None on plain loopback."""
    folder: str
    uidvalidity: int
    uid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSource:
    """A message in a file: a whole file, or one member of an mbox."""

    path: str
    """The absolute path at the time of the import."""
    member: int
    """Which message of the file, counted from 0."""
    offset: int
    """Where its bytes start in the file, in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandSource:
    """A writing that a person handed in."""


Source = ImapSource | FileSource | HandSource
