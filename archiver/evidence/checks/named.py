"""What an entry names: other entries, and the rows that find it again (docs/journal.md)."""

from collections.abc import Iterator
from dataclasses import dataclass

from archiver.evidence.journal.database import Value
from archiver.evidence.journal.journal import key, place
from archiver.model.anchors import Anchor
from archiver.model.custody import Erase, Erased, Hold, Note, Release, Restrict
from archiver.model.entries import (
    Config,
    Epoch,
    Export,
    Payload,
    Record,
    Sighting,
    Tag,
    Undo,
    Untag,
)
from archiver.model.origin import KeySeen, Origin
from archiver.model.sources import FileSource, ImapSource

ANY: tuple[str, ...] = ()
"""Any entry that stands before."""
RECORD = ("record",)
KEY_SEEN = ("key-seen",)

Reference = tuple[int, tuple[str, ...]]
"""A position that is named, and the types that may stand there."""

Row = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose rows follow from entries: the columns that an entry says, and its own."""

    columns: tuple[str, ...]
    entry: str = "entry"
    """The column that names the entry."""
    shared: bool = False
    """Whether a row that another entry made may stand for this entry as well."""
    live: str = ""
    """What else a row must be to count."""


_PLACE = ("account", "folder", "uidvalidity", "uid", "record")

TABLES = {
    "record": Table(("digest", "size"), entry="position"),
    "uid": Table(_PLACE, shared=True, live=" AND state <> 'erased'"),
    "uid_other": Table(_PLACE, shared=True),
    "presumed": Table(_PLACE, shared=True, live=" AND state <> 'erased'"),
    "file_position": Table(("path", "member", "offset", "record"), shared=True),
    "epoch": Table(("account", "folder", "uidvalidity")),
    "config": Table(("name", "digest", "size")),
    "origin": Table(("record", "complete")),
    "key_seen": Table(("name", "digest", "size")),
}
"""The rows of these follow from entries; a key of each is among its columns and the entry."""


def references(payload: Payload) -> Iterator[Reference]:  # noqa: C901, PLR0912 - one per type
    """Yield the positions that PAYLOAD names, each with the types that may stand there."""
    match payload:
        case Sighting() | Tag() | Untag() | Restrict():
            yield payload.record, RECORD
        case Undo():
            yield payload.entry, ("tag", "untag")
        case Export():
            yield from ((position, RECORD) for _number, position in payload.numbers)
        case Origin():
            yield payload.record, RECORD
            yield from ((position, KEY_SEEN) for position in sorted(payload.keys))
        case Hold():
            yield from ((position, RECORD) for position in payload.records)
        case Release():
            if payload.entry is not None:
                yield payload.entry, ("hold", "restrict")
            if payload.record is not None:
                yield payload.record, RECORD
        case Note():
            yield payload.entry, ANY
            yield from ((position, RECORD) for position in payload.records)
        case Erase():
            yield from ((position, RECORD) for position in payload.records)
            yield from ((position, ANY) for position in payload.entries)
        case Erased():
            yield payload.erase, ("erase",)
        case Anchor():
            yield payload.size - 1, ANY  # the newest entry in the tree that it dates
        case _:
            pass


def lookup(payload: Payload) -> tuple[str, Row] | None:  # noqa: PLR0911 - one per table
    """Return the table that finds PAYLOAD again, and what its row says besides the entry."""
    match payload:
        case Record():
            return "record", (bytes.fromhex(payload.object.hex), payload.size)
        case Sighting(source=ImapSource() as source):
            table = "presumed" if payload.match == "attributes" else "uid"
            return table, (*place(source), payload.record)
        case Sighting(source=FileSource() as source):
            return "file_position", (*place(source), payload.record)
        case Epoch():
            return "epoch", (key(payload.account), key(payload.folder), payload.uidvalidity)
        case Config():
            digest = bytes.fromhex(payload.object.hex) if payload.object else None
            return "config", (key(payload.name), digest, payload.size)
        case Origin():
            return "origin", (payload.record, int(payload.complete))
        case KeySeen():
            return "key_seen", (key(payload.name), bytes.fromhex(payload.object.hex), payload.size)
        case _:
            return None
