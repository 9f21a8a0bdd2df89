"""What a journal entry says, one class for each type (docs/journal.md).

Only ``Record`` names the object of a writing; ``Config`` and ``KeySeen`` name their own. Every
other entry names a record by its journal position, so that a proof of one record tells nothing
about another and an erasure leaves nothing behind.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from archiver.model.anchors import Anchor, KeyRotate, Restore
from archiver.model.custody import Emptied, Erase, Erased, Hold, Note, Release, Restrict
from archiver.model.digest import Digest, Position
from archiver.model.origin import KeySeen, Origin
from archiver.model.sources import Source

Match = Literal["digest", "attributes"]
Scope = Literal["message", "thread", "sender", "query"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Genesis:
    """The first entry: the archive's random identity (32 hexadecimal digits)."""

    archive: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A writing was kept. Account, folder and flags are left to sightings."""

    object: Digest
    size: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A record was seen somewhere."""

    record: Position
    source: Source
    internaldate: datetime | None
    flags: tuple[str, ...]
    match: Match = "digest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """A folder was met for the first time, or with another UIDVALIDITY than before."""

    account: str
    folder: str
    uidvalidity: int
    previous: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vanished:
    """Messages that were kept are no longer on the server; here nothing is deleted for it."""

    account: str
    folder: str
    uidvalidity: int
    uids: str
    """A UID set, as in IMAP (``1:4,7``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderScan:
    """What a sync did in one folder; UID sets are written as in IMAP (``1:4,7``)."""

    folder: str
    uidvalidity: int
    exists: int
    kept: str
    failed: tuple[tuple[int, str], ...] = ()
    """UIDs that could not be fetched, each with the reason."""
    role: str | None = None
    """What the server says the folder is for (RFC 6154), or its name does: junk, trash, sent …"""
    looked: str = ""
    """The UIDs that this statement is about: all that the server listed or reported."""
    full: bool = False
    """Whether the whole folder was enumerated; else only what the server reported as changed."""
    unkept: tuple[tuple[str, str], ...] = ()
    """Rules by which messages were not kept, each with their UIDs; nothing of their content."""
    near: tuple[tuple[str, str], ...] = ()
    """Rules that nearly kept some of those, each with their UIDs."""
    postponed: str = ""
    """UIDs that were not fetched yet because the day's volume was spent."""
    error: str = ""
    """Why the folder could not be looked into at all; then the rest says nothing. A statement
    without one ends it; UIDVALIDITY is 0 where none is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """A sync of one account that changed something, or (at most daily) found nothing new."""

    account: str
    folders: tuple[FolderScan, ...]
    heartbeat: bool = False
    rules: Digest | None = None
    """What decided on keeping (``keep``, ``[never]``); None: nothing but folders."""
    since: datetime | None = None
    """When the account was last synchronised well, if an outage lies between; UTC."""
    attempts: int = 0
    """How often it was tried in vain since."""
    reason: str = ""
    """Why, the last time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderChange:
    """A folder is no longer listed, has another name, or is back."""

    account: str
    folder: str
    change: Literal["gone", "renamed", "back"]
    uidvalidity: int
    """Of the newest epoch known of it."""
    previous: str = ""
    """The name it had before, where it was renamed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A working copy was taken in: ``archive.toml`` or ``engagements/<slug>.toml``."""

    name: str
    object: Digest | None
    """None: a person removed the file."""
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """A person said that a record belongs to an engagement."""

    record: Position
    engagement: str
    scope: Scope = "message"
    decision: str = ""
    """Hexadecimal name shared by the entries of one decision, so that it is undone as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Untag:
    """A person said that a record does not belong to an engagement."""

    record: Position
    engagement: str
    scope: Scope = "message"
    decision: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """A person took back a ``tag`` or ``untag``: the rules decide again."""

    entry: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A dossier was written: which exhibit number is which record, and its manifest's digest."""

    engagement: str
    """Empty for the proof of one record."""
    numbers: tuple[tuple[int, Position], ...]
    manifest: Digest
    recipient: str = ""
    """Whom it is for, as the person said; it may be empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """An entry of a type that this version does not know: kept, counted, not understood."""

    type: str


Payload = (
    Genesis
    | Record
    | Sighting
    | Vanished
    | Epoch
    | Scan
    | FolderChange
    | Config
    | Tag
    | Untag
    | Undo
    | Export
    | KeyRotate
    | Anchor
    | Restore
    | KeySeen
    | Origin
    | Hold
    | Restrict
    | Release
    | Note
    | Erase
    | Erased
    | Emptied
    | Unknown
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One item of the journal."""

    position: Position
    at: datetime
    """When it was written, UTC."""
    actor: str
    """``archiver`` when the program decided, else ``person:NAME``."""
    software: str
    payload: Payload
