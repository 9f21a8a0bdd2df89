"""How far a folder was read, so that an unchanged one costs nothing."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What a server says of a folder without opening it (RFC 9051, STATUS; RFC 7162, RFC 8474)."""

    uidvalidity: int
    uidnext: int
    exists: int
    modseq: int | None = None
    """HIGHESTMODSEQ; None where the server keeps none."""
    mailbox_id: str = ""
    """MAILBOXID, the same after a folder is renamed; empty where the server gives none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """What a folder was like when it was last read to its end.

    Written only after all that the reading brought is durable. Nothing is proved by it: it saves
    work, and a full enumeration now and then finds what a server left out.
    """

    folder: str
    status: Status
    whole: datetime
    """When the folder was last enumerated whole; UTC."""
    done: bool
    """False when messages are left: failed, postponed, or to be looked at again."""
    rules: str = ""
    """Hexadecimal digest of the rules under which messages were decided on; empty: all are kept."""
