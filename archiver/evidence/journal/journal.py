"""The journal's entries and what is looked up in them.

``entry`` is the journal. The other tables only answer questions quickly: each row of them follows
from an entry (docs/journal.md), except those that ``work`` tells of, which nobody needs to believe.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from archiver.evidence.journal import unkept
from archiver.evidence.journal.canonical import LARGEST
from archiver.evidence.journal.codec import type_of
from archiver.evidence.journal.database import Database, Value, blob, integer, text
from archiver.evidence.journal.merkle import leaf_hash
from archiver.evidence.journal.names import Place, key, place, unkey
from archiver.model.digest import Digest, Position
from archiver.model.entries import Config, Epoch, Payload, Record, Scan, Sighting, Vanished
from archiver.model.origin import KeySeen, Origin
from archiver.model.sources import FileSource, HandSource, ImapSource, Source
from archiver.model.uidset import parse_uids

__all__ = ["Journal", "Place", "Row", "key", "place", "unkey"]

_ROWS_AT_ONCE = 500

Row = tuple[Position, Payload, bytes]
"""An entry that is to be written: where, what, and its canonical bytes."""


class Journal:
    """Questions to the journal, and the one way to add to it."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @property
    def size(self) -> int:
        """How many entries there are."""
        return self.database.number("SELECT coalesce(max(position) + 1, 0) FROM entry")

    def rows(self, start: int, stop: int) -> Iterator[tuple[int, str, bytes, bytes]]:
        """Yield (position, type, body, leaf) from START to STOP, a few in memory at a time."""
        while start < stop:
            rows = self.database.all(
                "SELECT position, type, body, leaf FROM entry"
                " WHERE position >= ? AND position < ? ORDER BY position LIMIT ?",
                start,
                stop,
                _ROWS_AT_ONCE,
            )
            if not rows:
                return
            for position, type_, body, leaf in rows:
                yield integer(position), text(type_), blob(body), blob(leaf)
            start = integer(rows[-1][0]) + 1

    def leaves(self, start: int = 0) -> Iterator[bytes]:
        """Yield the leaf hashes from position START on."""
        while rows := self.database.all(
            "SELECT position, leaf FROM entry WHERE position >= ? ORDER BY position LIMIT ?",
            start,
            _ROWS_AT_ONCE,
        ):
            for _position, leaf in rows:
                yield blob(leaf)
            start = integer(rows[-1][0]) + 1

    def newest_scans(self) -> Iterator[Position]:
        """Yield the positions of the ``scan`` entries, newest first."""
        before = LARGEST
        while rows := self.database.all(
            "SELECT position FROM entry WHERE type = 'scan' AND position < ?"
            " ORDER BY position DESC LIMIT ?",
            before,
            _ROWS_AT_ONCE,
        ):
            for row in rows:
                before = integer(row[0])
                yield Position(before)

    def positions_by_type(self, *types: str) -> tuple[Position, ...]:
        """Return where the entries of these rare TYPES stand, oldest first.

        Not for ``record``, ``sighting``, ``origin`` and ``key-seen``, which have tables.
        """
        found: list[Position] = []
        for type_ in types:
            rows = self.database.all(
                "SELECT position FROM entry WHERE type = ?"
                " AND type NOT IN ('record', 'sighting', 'origin', 'key-seen') ORDER BY position",
                type_,
            )
            found += [Position(integer(row[0])) for row in rows]
        return tuple(sorted(found))

    def body(self, position: int) -> bytes | None:
        """Return the bytes of the entry at POSITION, None when there is none."""
        if not 0 <= position <= LARGEST:
            return None
        row = self.database.one("SELECT body FROM entry WHERE position = ?", position)
        return blob(row[0]) if row else None

    def count_records(self) -> int:
        """How many distinct records there are."""
        return self.database.number("SELECT count(*) FROM record")

    def digests(self) -> frozenset[bytes]:
        """Return the digests of all records, each as its 32 bytes; no entry is decoded for it."""
        return frozenset(blob(row[0]) for row in self.database.all("SELECT digest FROM record"))

    def position_of(self, digest: Digest) -> Position | None:
        """Return the position of the ``record`` entry for DIGEST."""
        return self.positions_of((digest,)).get(digest)

    def positions_of(self, digests: Collection[Digest]) -> dict[Digest, Position]:
        """Return the positions of those of DIGESTS that are records."""
        wanted = {bytes.fromhex(digest.hex): digest for digest in digests}
        return {
            wanted[blob(found)]: Position(integer(position))
            for found, position in self._found(wanted, "SELECT digest, position FROM record")
        }

    def counted_on(self, digests: Iterable[Digest]) -> frozenset[Digest]:
        """Return those of DIGESTS whose object some entry names."""
        wanted = {bytes.fromhex(digest.hex): digest for digest in digests}
        return frozenset(
            wanted[blob(found)]
            for table in ("record", "config", "key_seen")
            for (found,) in self._found(wanted, f"SELECT digest FROM {table}")  # noqa: S608 - constants
        )

    def _found(self, wanted: Collection[bytes], select: str) -> Iterator[tuple[Value, ...]]:
        """Yield the rows of SELECT whose digest is one of WANTED."""
        left = iter(wanted)
        while some := tuple(islice(left, _ROWS_AT_ONCE)):
            marks = ",".join("?" * len(some))
            yield from self.database.all(f"{select} WHERE digest IN ({marks})", *some)

    def digests_between(self, first: Digest, last: Digest) -> tuple[Digest, ...]:
        """Return the records from FIRST to LAST, both included, in order."""
        rows = self.database.all(
            "SELECT digest FROM record WHERE digest BETWEEN ? AND ? ORDER BY digest",
            bytes.fromhex(first.hex),
            bytes.fromhex(last.hex),
        )
        return tuple(Digest(blob(row[0]).hex()) for row in rows)

    def records_at(self, source: Source) -> frozenset[Position]:
        """Return the records that were seen at SOURCE; none for what was handed in."""
        if isinstance(source, HandSource):
            return frozenset()
        where = place(source)
        if isinstance(source, FileSource):
            rows = self.database.all(
                "SELECT record FROM file_position WHERE path = ? AND member = ? AND offset = ?",
                *where,
            )
        else:
            same = "account = ? AND folder = ? AND uidvalidity = ? AND uid = ?"
            rows = self.database.all(
                f"SELECT record FROM uid WHERE {same}"  # noqa: S608 - a constant
                f" UNION SELECT record FROM uid_other WHERE {same}",
                *where,
                *where,
            )
        return frozenset(Position(integer(row[0])) for row in rows)

    def last_uidvalidity(self, account: str, folder: str) -> int | None:
        """Return the UIDVALIDITY of a folder's newest epoch, None when it was never met."""
        row = self.database.one(
            "SELECT uidvalidity FROM epoch WHERE account = ? AND folder = ?"
            " ORDER BY entry DESC LIMIT 1",
            key(account),
            key(folder),
        )
        return integer(row[0]) if row else None

    def configs(self) -> Mapping[str, Digest | None]:
        """Return the newest version of each working copy, None for one that was removed."""
        rows = self.database.all("SELECT name, digest, max(entry) FROM config GROUP BY name")
        return {
            unkey(text(name)): None if digest is None else Digest(blob(digest).hex())
            for name, digest, _entry in rows
        }

    def add(self, rows: Sequence[Row]) -> list[bytes]:
        """Insert ROWS and what finds them again; return their leaves.

        To be called inside a transaction, under the write lock.
        """
        leaves = [leaf_hash(body) for _position, _payload, body in rows]
        self.database.many(
            "INSERT INTO entry VALUES (?, ?, ?, ?)",
            [
                (position, type_of(payload), body, leaf)
                for (position, payload, body), leaf in zip(rows, leaves, strict=True)
            ],
        )
        for statement, values in _lookups(rows):
            self.database.many(statement, values)
        for position, payload, _body in rows:
            if isinstance(payload, Scan):
                unkept.add(self.database, position, payload)
        return leaves


_NEW_RECORD = "INSERT INTO record VALUES (?, ?, ?)"
_NEW_EPOCH = "INSERT INTO epoch VALUES (?, ?, ?, ?)"
_NEW_CONFIG = "INSERT INTO config VALUES (?, ?, ?, ?)"
_NEW_FILE_POSITION = "INSERT INTO file_position VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_NEW_UID = "INSERT INTO uid VALUES (?, ?, ?, ?, ?, ?, 'kept') ON CONFLICT DO NOTHING"
_NEW_ORIGIN = "INSERT INTO origin VALUES (?, ?, ?)"
_NEW_KEY = "INSERT INTO key_seen VALUES (?, ?, ?, ?)"
_VANISHED_UID = (
    "UPDATE uid SET state = 'vanished' WHERE account = ? AND folder = ? AND uidvalidity = ?"
    " AND uid = ? AND state = 'kept'"
)
_NEW_PRESUMED = (
    "INSERT INTO presumed VALUES (?, ?, ?, ?, ?, ?, 'kept') ON CONFLICT DO UPDATE"
    " SET state = 'kept', entry = excluded.entry WHERE state = 'vanished'"  # it is listed again
)
# Its bytes came, whether or not they are those that it was taken for: nothing is presumed any more.
_FETCHED_PRESUMED = (
    "UPDATE presumed SET state = 'fetched' WHERE account = ? AND folder = ? AND uidvalidity = ?"
    " AND uid = ? AND state IN ('kept', 'vanished') AND EXISTS (SELECT 1 FROM uid"
    " WHERE account = ? AND folder = ? AND uidvalidity = ? AND uid = ?)"
)
_VANISHED_PRESUMED = _VANISHED_UID.replace("UPDATE uid", "UPDATE presumed")
# The server gave other bytes under a UID that it had used: RFC 3501 forbids it, so it is kept too.
_OTHER_UID = (
    "INSERT INTO uid_other SELECT ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM uid"
    " WHERE account = ? AND folder = ? AND uidvalidity = ? AND uid = ? AND record <> ?)"
    " ON CONFLICT DO NOTHING"
)


def _lookups(
    rows: Sequence[Row],
) -> Iterator[tuple[str, list[Place]]]:
    """Yield the statements, each with its rows, that make ROWS found again."""
    records: list[Place] = []
    uids: list[Place] = []
    presumed: list[Place] = []
    files: list[Place] = []
    epochs: list[Place] = []
    configs: list[Place] = []
    vanished: list[Place] = []
    origins: list[Place] = []
    keys: list[Place] = []
    for position, payload, _body in rows:
        match payload:
            case Record():
                records.append((bytes.fromhex(payload.object.hex), position, payload.size))
            case Sighting(source=ImapSource() as source):
                seen = presumed if payload.match == "attributes" else uids
                seen.append((*place(source), payload.record, position))
            case Sighting(source=FileSource() as source):
                files.append((*place(source), payload.record, position))
            case Epoch():
                names = key(payload.account), key(payload.folder)
                epochs.append((*names, position, payload.uidvalidity))
            case Vanished():
                folder = key(payload.account), key(payload.folder), payload.uidvalidity
                vanished += [(*folder, uid) for uid in parse_uids(payload.uids)]
            case Config():
                digest = bytes.fromhex(payload.object.hex) if payload.object else None
                configs.append((key(payload.name), position, digest, payload.size))
            case Origin():
                origins.append((payload.record, position, int(payload.complete)))
            case KeySeen():
                answer = bytes.fromhex(payload.object.hex)
                keys.append((key(payload.name), position, answer, payload.size))
            case _:
                pass
    yield _NEW_RECORD, records
    yield _NEW_UID, uids
    yield _OTHER_UID, [(*uid, *uid[:5]) for uid in uids]  # all but the entry, once more
    yield _NEW_PRESUMED, presumed
    yield _FETCHED_PRESUMED, [(*seen[:4], *seen[:4]) for seen in (*uids, *presumed)]
    yield _NEW_FILE_POSITION, files
    yield _NEW_EPOCH, epochs
    yield _NEW_CONFIG, configs
    yield _VANISHED_UID, vanished
    yield _VANISHED_PRESUMED, vanished
    yield _NEW_ORIGIN, origins
    yield _NEW_KEY, keys
