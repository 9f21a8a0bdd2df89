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
    labels: tuple[str, ...] = ()
    """Gmail's labels (X-GM-LABELS) when it was seen: the folders in which it also stands."""
    gmail_id: str = ""
    """Gmail's own number of the message (X-GM-MSGID), decimal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSource:
    """A message in a file: a whole file, or one member of an mbox."""

    path: str
    """The absolute path at the time of the import."""
    member: int
    """Which message of the file, counted from 0."""
    offset: int
    """Where its bytes start in the file, in bytes."""
    folder: str = ""
    """The mail folder that the file stands for, or in which the message lies within the file."""
    labels: tuple[str, ...] = ()
    """The labels that an export from Gmail states (X-Gmail-Labels)."""
    made_from: str = ""
    """``pst`` or ``msg``: the bytes were put together from such an item, and are not those sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandSource:
    """A writing that a person handed in."""


Source = ImapSource | FileSource | HandSource
