"""Records that belong together: threads by message identifiers, variants by their keys.

A group is named by the lowest journal position in it, and each name (of a message or of a variant
key) points to the lowest position that mentions it. Both are minima, so the partition comes out
the same in whatever order and in however many batches the records arrive.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from archiver.catalogue.database import Database
from archiver.model.digest import Digest, Position
from archiver.model.reading import Reading, Unreadable

_MOST_NAMES = 500
"""Message identifiers of one record that are looked at: hostile References can hold thousands."""


@dataclass(frozen=True, slots=True)
class _Grouping:
    """The two statements that differ between the kinds of groups."""

    find: str
    move: str


_THREADS = _Grouping(
    find="SELECT thread FROM record WHERE position = (SELECT record FROM name WHERE name = ?)",
    move="UPDATE record SET thread = ? WHERE thread = ?",
)
_VARIANTS = _Grouping(
    find="SELECT variant FROM record WHERE position = (SELECT record FROM name WHERE name = ?)",
    move="UPDATE record SET variant = ? WHERE variant = ?",
)


def thread_names(reading: Reading | Unreadable) -> tuple[bytes, ...]:
    """Return the names that tie a record to its thread (RFC 5322, section 3.6.4).

    Identifiers of messages that the archive does not hold count as well: two answers to a lost
    message belong together.
    """
    if isinstance(reading, Unreadable):
        return ()
    mentioned = (reading.message_id, *reading.in_reply_to, *reversed(reading.references))
    distinct = dict.fromkeys(name for name in mentioned if name)
    return tuple(thread_name(name) for name in list(distinct)[:_MOST_NAMES])


def thread_name(identifier: str) -> bytes:
    """Return the name of the message IDENTIFIER (without angle brackets)."""
    return _hashed(b"thread", identifier)


def variant_names(normal_form: Digest, copy_key: str | None) -> tuple[bytes, ...]:
    """Return the names that tie a record to its variants."""
    names = [_hashed(b"normal", normal_form.hex)]
    if copy_key is not None:
        names.append(_hashed(b"copy", copy_key))
    return tuple(names)


def join_thread(database: Database, position: Position, names: tuple[bytes, ...]) -> int:
    """Note the record's names; return its thread after joining all threads it connects."""
    return _join(database, _THREADS, position, names)


def join_variants(database: Database, position: Position, names: tuple[bytes, ...]) -> int:
    """Note the record's names; return its group of variants after joining what it connects."""
    return _join(database, _VARIANTS, position, names)


def _join(
    database: Database, grouping: _Grouping, position: Position, names: tuple[bytes, ...]
) -> int:
    found = set(_found(database, grouping, names))
    key = min(found, default=int(position))
    key = min(key, position)
    for other in sorted(found - {key}):
        database.run(grouping.move, (key, other))
    database.run_many(
        "INSERT INTO name VALUES (?, ?) ON CONFLICT (name) DO UPDATE"
        " SET record = excluded.record WHERE excluded.record < record",
        [(name, position) for name in names],
    )
    return key


def _found(database: Database, grouping: _Grouping, names: tuple[bytes, ...]) -> Iterable[int]:
    for name in names:
        row = database.one(grouping.find, (name,))
        if row is not None and isinstance(row[0], int):
            yield row[0]


def _hashed(kind: bytes, name: str) -> bytes:
    """Return 16 bytes for a name of any length, so that a hostile one costs no more than others."""
    return blake2b(name.encode("utf-8", "replace"), digest_size=16, person=kind).digest()
