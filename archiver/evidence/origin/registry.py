"""What was captured, what waits, and which keys were seen from when to when."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import islice
from typing import Final

from archiver.errors import OperationError
from archiver.evidence.journal.database import integer, text
from archiver.evidence.journal.journal import key as table_key
from archiver.evidence.origin.resolver import Answer, NoKey, Reply
from archiver.evidence.reader import Reader
from archiver.evidence.signatures.fields import dns_name
from archiver.model.digest import Position
from archiver.model.entries import Entry, Scan, Sighting
from archiver.model.origin import KeySeen, Origin, Seal, Signature
from archiver.model.sources import FileSource

SEEN_AGAIN: Final = timedelta(days=30)
"""A key that is still published after so long gets another ``key-seen`` entry: seen last then."""
_FIRST_WAIT: Final = timedelta(minutes=10)
_LONGEST_WAIT: Final = timedelta(days=1)
_MOST_TRIES: Final = 8  # 10 minutes, doubled seven times, is nearly the longest wait
_NEAR: Final = 4
"""A record's first sighting stands right behind it; a new folder's epoch stands before both."""
ALL_OF_DNS: Final = ""
"""The name under which it is remembered that DNS as a whole gave no answer."""
_SCANS: Final = 100

_UNCAPTURED = (
    "SELECT position FROM record WHERE NOT EXISTS"
    " (SELECT 1 FROM origin WHERE origin.record = record.position)"
    " ORDER BY position DESC"
)
_INCOMPLETE = (
    "SELECT record, max(entry) FROM origin GROUP BY record HAVING max(complete) = 0"
    " ORDER BY record DESC"
)
_OPEN = (
    "SELECT count(*) FROM record WHERE EXISTS (SELECT 1 FROM origin"
    " WHERE origin.record = record.position) AND NOT EXISTS (SELECT 1 FROM origin"
    " WHERE origin.record = record.position AND origin.complete = 1)"
)
_WAITING = (
    "SELECT count(*) FROM record WHERE NOT EXISTS (SELECT 1 FROM origin"
    " WHERE origin.record = record.position AND origin.complete = 1)"
)


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A key of one name, from the first to the last time that it was seen."""

    texts: tuple[bytes, ...]
    first: datetime
    last: datetime
    entries: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """How often in a row a name had no answer, and when the last time was."""

    at: datetime
    tries: int

    def due(self, now: datetime) -> bool:
        """Tell whether it may be asked again: later and later, at most a day."""
        wait = min(_FIRST_WAIT * 2 ** (min(self.tries, _MOST_TRIES) - 1), _LONGEST_WAIT)
        return now >= self.at + wait or now < self.at  # a clock that was put back waits for nothing


def count_waiting(evidence: Reader) -> int:
    """How many records have no complete origin yet: never captured, or waiting for DNS."""
    return evidence.database.number(_WAITING)


def count_open(evidence: Reader) -> int:
    """How many records were captured as far as it goes without the keys that DNS has."""
    return evidence.database.number(_OPEN)


def uncaptured(evidence: Reader) -> list[Position]:
    """Return the records that have no origin at all, newest first: their keys are there longest."""
    return [Position(integer(row[0])) for row in evidence.database.all(_UNCAPTURED)]


def incomplete(evidence: Reader) -> list[tuple[Position, Position]]:
    """Return (record, its newest origin entry) where DNS left something open, newest first."""
    rows = evidence.database.all(_INCOMPLETE)
    return [(Position(integer(record)), Position(integer(entry))) for record, entry in rows]


def newest_entries(evidence: Reader, records: Iterable[Position] | None) -> list[Position]:
    """Return the newest origin entry of each of RECORDS (None: of all), as far as there are."""
    rows = evidence.database.all("SELECT record, max(entry) FROM origin GROUP BY record")
    wanted = None if records is None else {int(record) for record in records}
    return [
        Position(integer(entry))
        for record, entry in rows
        if wanted is None or integer(record) in wanted
    ]


def origin_entries(evidence: Reader, record: Position) -> tuple[Position, ...]:
    """Return where the origin entries of RECORD stand, oldest first."""
    rows = evidence.database.all(
        "SELECT entry FROM origin WHERE record = ? ORDER BY entry", int(record)
    )
    return tuple(Position(integer(row[0])) for row in rows)


def is_open(evidence: Reader, record: Position) -> bool:
    """Tell whether RECORD is there, not erased, and has no complete origin yet."""
    return (
        evidence.database.one(
            "SELECT 1 FROM record WHERE position = ? AND NOT EXISTS"
            " (SELECT 1 FROM origin WHERE origin.record = ? AND complete = 1)",
            int(record),
            int(record),
        )
        is not None
    )


def newest_origin(evidence: Reader, record: Position) -> tuple[Entry, Origin] | None:
    """Return what was last captured of RECORD, and the entry that says so; None: nothing yet."""
    entries = origin_entries(evidence, record)
    if not entries:
        return None
    match evidence.entry(entries[-1]):
        case Entry(payload=Origin() as origin) as entry:
            return entry, origin
        case _:
            return None  # erased


def first_sighting(evidence: Reader, record: Position) -> Sighting | None:
    """Return where RECORD was seen first, None when its entry cannot be read."""
    for entry in evidence.entries(record + 1, min(record + _NEAR, evidence.size)):
        if isinstance(entry.payload, Sighting) and entry.payload.record == record:
            return entry.payload
    return None


def made_from(sighting: Sighting | None) -> str:
    """Return from what kind of item the bytes were put together here; empty when they were not."""
    match sighting:
        case Sighting(source=FileSource(made_from=kind)):
            return kind
        case _:
            return ""


def sent_folders(evidence: Reader) -> frozenset[tuple[str, str]]:
    """Return the (account, folder) of those that their server called Sent in the newest scans."""
    found: set[tuple[str, str]] = set()
    for position in islice(evidence.journal.newest_scans(), _SCANS):
        match evidence.entry(position):
            case Entry(payload=Scan(account=account, folders=folders)):
                found |= {(account, one.folder) for one in folders if one.role == "sent"}
            case _:
                pass
    return frozenset(found)


# --- keys ----------------------------------------------------------------------------------------


def key_entries(evidence: Reader, name: str) -> list[tuple[Entry, KeySeen]]:
    """Return the ``key-seen`` entries of NAME, oldest first."""
    rows = evidence.database.all(
        "SELECT entry FROM key_seen WHERE name = ? ORDER BY entry", table_key(name)
    )
    return [
        (entry, entry.payload)
        for position in (integer(row[0]) for row in rows)
        for entry in evidence.entries(position, position + 1)
        if isinstance(entry.payload, KeySeen)
    ]


def kept_answer(evidence: Reader, seen: KeySeen) -> Reply | None:
    """Return the DNS answer that SEEN names; None: its object is missing or damaged."""
    from archiver.evidence.origin.dns import read_answer

    try:
        return read_answer(seen.name, evidence.read(seen.object))
    except OperationError:
        return None


def asked_name(signed: Signature | Seal) -> str:
    """Return the name under which DNS has the key of SIGNED."""
    return dns_name(signed.selector.encode(), signed.domain.encode())


def kept_replies(
    evidence: Reader, origin: Origin
) -> tuple[dict[str, tuple[Reply, Position | None]], tuple[Position, ...]]:
    """Return what ORIGIN rests on: each name's reply with its entry, and entries that lack theirs.

    A name that had no key then has none here; one that DNS did not answer for is left out.
    """
    replies: dict[str, tuple[Reply, Position | None]] = {}
    broken: list[Position] = []
    for one in origin.signed:
        if one.result == "no-key":
            replies[asked_name(one)] = NoKey(), None
    for position in sorted(origin.keys):
        entry = evidence.entry(position)
        seen = entry.payload if entry else None
        reply = kept_answer(evidence, seen) if isinstance(seen, KeySeen) else None
        if isinstance(seen, KeySeen) and isinstance(reply, Answer):
            replies[seen.name] = reply, position
        else:
            broken.append(position)
    return replies, tuple(broken)


def key_history(evidence: Reader, name: str) -> tuple[KnownKey, ...]:
    """Return the keys that NAME was seen to have, in the order in which they were seen first."""
    found: dict[tuple[bytes, ...], list[Entry]] = {}
    for entry, seen in key_entries(evidence, name):
        match kept_answer(evidence, seen):
            case Answer(texts=texts):
                found.setdefault(tuple(sorted(texts)), []).append(entry)
            case _:
                pass
    return tuple(
        KnownKey(
            texts=texts,
            first=entries[0].at,
            last=entries[-1].at,
            entries=tuple(entry.position for entry in entries),
        )
        for texts, entries in found.items()
    )


def known_key(evidence: Reader, name: str, answer: Answer, now: datetime) -> Position | None:
    """Return a recent ``key-seen`` of NAME that says what ANSWER says, None when there is none."""
    for entry, seen in reversed(key_entries(evidence, name)):
        if now - entry.at >= SEEN_AGAIN:
            return None
        if answer.validated and not seen.validated:
            continue
        match kept_answer(evidence, seen):
            case Answer(texts=texts) if sorted(texts) == sorted(answer.texts):
                return entry.position
            case _:
                pass
    return None


# --- attempts ------------------------------------------------------------------------------------


def attempts(evidence: Reader) -> Mapping[str, Attempt]:
    """Return what is remembered of names without an answer, by ``attempt_key``."""
    rows = evidence.database.all("SELECT name, at, tries FROM attempt WHERE name LIKE 'dns:%'")
    return {
        text(name): Attempt(datetime.fromisoformat(text(at)), integer(tries))
        for name, at, tries in rows
    }


def note_attempts(
    evidence: Reader, failed: Mapping[str, str], answered: Iterable[str], now: datetime
) -> None:
    """Remember which names had no answer, and why; forget those that had one.

    To be called under the write lock, inside a transaction.
    """
    evidence.database.many(
        "INSERT INTO attempt VALUES (?, ?, 1, ?) ON CONFLICT (name) DO UPDATE"
        " SET at = excluded.at, tries = tries + 1, reason = excluded.reason",
        [(attempt_key(name), now.isoformat(), reason) for name, reason in failed.items()],
    )
    evidence.database.many(
        "DELETE FROM attempt WHERE name = ?", [(attempt_key(name),) for name in answered]
    )


def attempt_key(name: str) -> str:
    """Return NAME as its row has it: hashed, so that it outlives no erasure in readable form."""
    return "dns:" + sha256(name.encode()).hexdigest()
