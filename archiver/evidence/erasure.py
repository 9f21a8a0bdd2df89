"""Erasure: what the journal's entries say about a record is taken away, their leaves stay.

An ``erase`` entry announces it; then the objects go, the entries are emptied, and an ``erased``
entry says that it is done (docs/erasure.md). From the ``erase`` entry on there is no way back:
whatever interrupts the rest, the next opening for writing goes on with it.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from gettext import gettext as _
from typing import TYPE_CHECKING

from archiver.errors import ArchiverError, LockedError, OperationError
from archiver.evidence.journal import codec
from archiver.evidence.journal.canonical import CodecError
from archiver.evidence.journal.database import blob, integer
from archiver.model.custody import Emptied, Erase, Erased, Note
from archiver.model.digest import Digest, Position
from archiver.model.entries import Payload, Record, Sighting
from archiver.model.origin import KeySeen, Origin

if TYPE_CHECKING:
    from archiver.evidence.store import Evidence

_RECORDS_AN_ENTRY = 500
_TYPES = frozenset({"record", "sighting", "origin", "note"})
"""Entries that say something about one record; all others name it by its position only."""

_AMONG = "(SELECT value FROM json_each(?))"
# What finds an erased record again goes; its UIDs stay, so that they are not fetched again.
_FORGET_RECORDS = (
    f"DELETE FROM record WHERE position IN {_AMONG}",  # noqa: S608 - a constant
    f"DELETE FROM file_position WHERE record IN {_AMONG}",  # noqa: S608
    f"DELETE FROM uid_other WHERE record IN {_AMONG}",  # noqa: S608
    f"DELETE FROM origin WHERE record IN {_AMONG}",  # noqa: S608
    f"UPDATE uid SET state = 'erased' WHERE record IN {_AMONG}",  # noqa: S608
    f"UPDATE presumed SET state = 'erased' WHERE record IN {_AMONG}",  # noqa: S608
)
_FORGET_KEYS = f"DELETE FROM key_seen WHERE entry IN {_AMONG}"  # noqa: S608
# Whether an entry that stays names an object: digest, then the entries that go, thrice.
_NEEDED = " UNION ".join(
    f"SELECT 1 FROM {table} WHERE digest = ? AND {entry} NOT IN {_AMONG}"  # noqa: S608
    for table, entry in (("record", "position"), ("config", "entry"), ("key_seen", "entry"))
)


def erase(
    evidence: "Evidence",
    records: Collection[Position],
    *,
    basis: str,
    actor: str,
    allowed: Callable[[], None] = lambda: None,
    announced: Callable[[], None] = lambda: None,
    emptied: Callable[[], None] = lambda: None,
) -> tuple[Position, ...]:
    """Erase RECORDS, and return the positions of the ``erase`` entries.

    BASIS is the legal basis, as a person gave it. ALLOWED is asked under the write lock, and
    raises what forbids it: then nothing happened. ANNOUNCED is called once the ``erase`` entries
    are durable (for a checkpoint), EMPTIED once nothing of the records is left in the originals
    (for catalogue and index); only then do the ``erased`` entries say so.

    Raises LockedError when others write, or read the journal and so keep its old pages; the next
    opening for writing completes the erasure.
    """
    entries = announce(evidence, records, basis=basis, actor=actor, allowed=allowed)
    announced()
    try:
        if not complete_erasures(evidence, actor=actor, emptied=emptied):
            emptied()  # another process, opening the archive just now, was faster
    except LockedError as error:
        raise LockedError(
            error.what,
            advice=_(
                "The erasure is announced in the journal and cannot be taken back: once that "
                "program has ended, the next command that may write goes on with it."
            ),
        ) from error
    return entries


def announce(
    evidence: "Evidence",
    records: Collection[Position],
    *,
    basis: str,
    actor: str,
    allowed: Callable[[], None] = lambda: None,
) -> tuple[Position, ...]:
    """Journal that RECORDS are to be erased; return the positions of the ``erase`` entries.

    Raises OperationError when one of RECORDS is no record, or was erased already.
    """
    wanted = sorted(set(records))

    def payloads(_first: int) -> Sequence[Payload]:
        allowed()
        require_records(evidence, wanted)
        about = _leaves_about(evidence, frozenset(wanted))
        return _announcements(wanted, about, basis)

    return evidence.append_next(payloads, actor=actor)


def pending(evidence: "Evidence") -> tuple[tuple[Position, Erase], ...]:
    """Return the ``erase`` entries that no ``erased`` entry follows, oldest first."""
    announced = evidence.journal.positions_by_type("erase")
    ended = evidence.journal.positions_by_type("erased") if announced else ()
    if len(announced) == len(ended):
        return ()
    done = {
        payload.erase
        for position in ended
        if isinstance(payload := _payload(evidence, position), Erased)
    }
    return tuple(
        (position, payload)
        for position in announced
        if position not in done and isinstance(payload := _payload(evidence, position), Erase)
    )


def complete_erasures(
    evidence: "Evidence",
    *,
    actor: str,
    wait: float | None = None,
    emptied: Callable[[], None] = lambda: None,
) -> tuple[Position, ...]:
    """Finish every erasure that was announced; return the positions of their ``erase`` entries.

    EMPTIED is called before the ``erased`` entries are written. Raises LockedError after WAIT
    seconds (None: what the archive was opened with) when others write or read.
    """
    while waiting := pending(evidence):
        _announce_late(evidence, waiting)
        with evidence.writing(wait=wait):
            waiting = pending(evidence)
            if _late(evidence, waiting):
                continue  # seen again just now, by another process
            for position, payload in waiting:
                _empty(evidence, position, payload)
            evidence.database.shed(wait=wait)
        emptied()
        handled = frozenset(position for position, _payload in waiting)
        _say_done(evidence, handled, actor)
        return tuple(sorted(handled))
    return ()


def _say_done(evidence: "Evidence", handled: frozenset[Position], actor: str) -> None:
    """Journal that the erasures HANDLED are done, unless another process was faster to say so."""

    def payloads(_first: int) -> Sequence[Payload]:
        still = (position for position, _payload in pending(evidence))
        return [Erased(erase=position) for position in still if position in handled]

    evidence.append_next(payloads, actor=actor)


def complete_when_free(evidence: "Evidence", *, actor: str) -> tuple[Position, ...]:
    """Finish what was interrupted; if that cannot be done now, a later opening tries again.

    Whoever only wants to read is not kept from it by a full disk or by another reader; `verify`
    tells of an erasure that is still pending.
    """
    try:
        return complete_erasures(evidence, actor=actor, wait=0)
    except ArchiverError:
        return ()


def require_records(evidence: "Evidence", records: Collection[Position]) -> None:
    """Raise OperationError unless all of RECORDS are records that were not erased."""
    there = {
        integer(row[0])
        for row in evidence.database.all(
            f"SELECT position FROM record WHERE position IN {_AMONG}",  # noqa: S608
            json.dumps(list(records)),
        )
    }
    if missing := sorted(set(records) - there):
        raise OperationError(
            _("There is no record at position {position} of the journal any more.").format(
                position=missing[0]
            ),
            advice=_("It was erased meanwhile: run the command again with what is left."),
        )


def refuse_erased(evidence: "Evidence", payloads: Iterable[Payload]) -> None:
    """Raise OperationError when PAYLOADS bring words about a record that was erased meanwhile."""
    about: set[Position] = set()
    for payload in payloads:
        match payload:
            case Origin(record=record) | Sighting(record=record):
                about.add(record)
            case Note(records=records):
                about.update(records)
            case _:
                pass
    if about:
        require_records(evidence, about)


def _announcements(
    records: Sequence[Position], about: Sequence[tuple[Position, bytes, Position]], basis: str
) -> list[Erase]:
    """Put no more than so many records into one entry; each entry goes with one of its records."""
    made: list[Erase] = []
    for start in range(0, len(records), _RECORDS_AN_ENTRY):
        some = records[start : start + _RECORDS_AN_ENTRY]
        members = frozenset(some)
        going = [(position, leaf) for position, leaf, record in about if record in members]
        made.append(_erase_of(some, going, basis))
    return made


def _erase_of(
    records: Sequence[Position], going: Sequence[tuple[Position, bytes]], basis: str
) -> Erase:
    return Erase(
        records=tuple(records),
        entries=tuple(position for position, _leaf in going),
        leaves=tuple(Digest(leaf.hex()) for _position, leaf in going),
        basis=basis,
    )


def _late(
    evidence: "Evidence", waiting: Sequence[tuple[Position, Erase]]
) -> dict[Position, list[tuple[Position, bytes]]]:
    """Return, by ``erase`` entry, what was journalled about its records after it was made up.

    Between the announcement and the emptying others may write: the same bytes seen elsewhere.
    """
    announced = {entry for _position, payload in waiting for entry in payload.entries}
    whose = {record: position for position, payload in waiting for record in payload.records}
    late: dict[Position, list[tuple[Position, bytes]]] = {}
    for position, leaf, record in _leaves_about(evidence, frozenset(whose)):
        if position not in announced:
            late.setdefault(whose[record], []).append((position, leaf))
    return late


def _announce_late(evidence: "Evidence", waiting: Sequence[tuple[Position, Erase]]) -> None:
    if not _late(evidence, waiting):
        return

    def payloads(_first: int) -> Sequence[Payload]:
        now = pending(evidence)
        late = _late(evidence, now)
        return [
            _erase_of(payload.records, late[position], payload.basis)
            for position, payload in now
            if position in late
        ]

    evidence.append_next(payloads)


def _leaves_about(
    evidence: "Evidence", records: frozenset[Position]
) -> list[tuple[Position, bytes, Position]]:
    """Return (position, leaf, record) of all that says something about RECORDS, in order.

    Entries that were emptied already say nothing. The DNS answers that only these records' origins
    name go with them: a domain may be a person's own.
    """
    if not records:
        return []
    found: list[tuple[Position, bytes, Position]] = []
    keys: dict[Position, Position] = {}
    for number, type_, body, leaf in evidence.journal.rows(min(records), evidence.size):
        if type_ not in _TYPES:
            continue
        position, payload = Position(number), _decoded(number, body)
        record = _subject(position, payload, records)
        if record is not None:
            found.append((position, leaf, record))
            if isinstance(payload, Origin):
                keys |= dict.fromkeys(payload.keys, record)
    for key in sorted(keys.keys() - _keys_of_others(evidence, keys, records)):
        for number, _type, body, leaf in evidence.journal.rows(key, key + 1):
            if isinstance(_decoded(number, body), KeySeen):
                found.append((key, leaf, keys[key]))
    return sorted(found)


def _subject(position: Position, payload: Payload, records: frozenset[Position]) -> Position | None:
    """Return which of RECORDS the entry is about; None: about none of them."""
    match payload:
        case Record():
            return position if position in records else None
        case Sighting(record=record) | Origin(record=record):
            return record if record in records else None
        case Note(records=about):
            return next((record for record in about if record in records), None)
        case _:
            return None


def _keys_of_others(
    evidence: "Evidence", keys: Mapping[Position, Position], records: frozenset[Position]
) -> set[Position]:
    """Return those of KEYS that origins of records other than RECORDS name as well."""
    if not keys:
        return set()
    others = evidence.database.all(
        f"SELECT entry FROM origin WHERE record NOT IN {_AMONG}",  # noqa: S608
        json.dumps(list(records)),
    )
    origins = (_payload(evidence, Position(integer(entry))) for (entry,) in others)
    return {key for each in origins if isinstance(each, Origin) for key in each.keys & keys.keys()}


def _empty(evidence: "Evidence", position: Position, payload: Erase) -> None:
    """Delete the objects, then empty the entries: the entries alone tell which objects they are.

    To be called under the write lock; what was done already is left as it is.
    """
    bodies = {
        entry: body
        for entry in payload.entries
        if (body := evidence.journal.body(entry)) is not None
        and not isinstance(_decoded(entry, body), Emptied)
    }
    named = [_decoded(entry, body) for entry, body in bodies.items()]
    objects = [item.object for item in named if isinstance(item, Record | KeySeen)]
    going = json.dumps(list(payload.entries))
    database = evidence.database
    evidence.objects.sweep()
    evidence.objects.delete(
        digest
        for digest in objects
        if not database.one(_NEEDED, *(bytes.fromhex(digest.hex), going) * 3)
    )
    with database.transaction():
        database.many(
            "UPDATE entry SET body = ? WHERE position = ?",
            [(codec.emptied(body, erase=position), entry) for entry, body in bodies.items()],
        )
        for statement in _FORGET_RECORDS:
            database.many(statement, [(json.dumps(list(payload.records)),)])
        database.many(_FORGET_KEYS, [(going,)])
        # Whose key was asked for in vain; for other records it is asked again a little earlier.
        database.many("DELETE FROM attempt WHERE name LIKE 'dns:%'", [()])


def _payload(evidence: "Evidence", position: Position) -> Payload:
    row = evidence.database.one("SELECT body FROM entry WHERE position = ?", position)
    return _decoded(position, blob(row[0] if row else None))


def _decoded(position: int, body: bytes) -> Payload:
    try:
        return codec.decode(position, body).payload
    except CodecError as error:
        raise OperationError(
            _("Entry {position} of the journal cannot be read: {reason}.").format(
                position=position, reason=error
            ),
            advice=_("Run `archiver verify` to see what is damaged."),
        ) from error
