"""Records as values: lines of lists, whole views, threads, documents for the search index.

Lists of any length cost the same number of statements.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice

from archiver.catalogue import rows, tagging
from archiver.catalogue.database import Database, Row, clean, listed
from archiver.model.digest import Digest, Position
from archiver.model.reading import Attachment, Defect, Mailbox
from archiver.model.record import RecordLine, RecordView, SightingView
from index.engine import Document

FEWEST_DIGITS = 4
"""Hexadecimal digits that a prefix of a digest needs."""

_FEW = 500
_PAGE = 200
_HEX = frozenset("0123456789abcdef")
_DIGITS = 64

_LINES = """
SELECT r.position, r.digest, r.date_text, r.date_basis, r.subject, r.size, r.kind, t.digest
FROM record r JOIN record t ON t.position = r.thread
WHERE r.position IN (SELECT value FROM json_each(?))"""
_PEOPLE = """
SELECT record, role, name, address FROM participant
WHERE record IN (SELECT value FROM json_each(?)) ORDER BY record, role, number"""
_NAMES = """
SELECT record, name FROM attachment
WHERE record IN (SELECT value FROM json_each(?)) ORDER BY record, number"""
_VARIANTS = """
SELECT r.position, v.digest FROM record r JOIN record v ON v.variant = r.variant
WHERE v.position <> r.position AND r.position IN (SELECT value FROM json_each(?))
ORDER BY v.position"""


def lines(database: Database, positions: Sequence[int]) -> tuple[RecordLine, ...]:
    """Return one line for each of POSITIONS, in their order; raises KeyError for an unknown one."""
    among = (listed(positions),)
    found = {row[0]: row for row in database.all(_LINES, among)}
    people = _people(database, among)
    engagements: dict[int, list[str]] = defaultdict(list)
    names: dict[int, list[str]] = defaultdict(list)
    variants: dict[int, list[Digest]] = defaultdict(list)
    for tag in tagging.tags_of(database, positions):
        engagements[tag.record].append(tag.engagement)
    for record, name in database.all(_NAMES, among):
        names[record].append(name)
    for record, digest in database.all(_VARIANTS, among):
        variants[record].append(Digest(digest.hex()))
    return tuple(
        _line(
            found[position],
            people,
            engagements=tuple(engagements[position]),
            attachments=tuple(names[position]),
            variants=tuple(variants[position]),
        )
        for position in positions
    )


def _line(
    row: Row,
    people: dict[tuple[int, str], list[Mailbox]],
    *,
    engagements: tuple[str, ...],
    attachments: tuple[str, ...],
    variants: tuple[Digest, ...],
) -> RecordLine:
    position, digest, date, basis, subject, size, kind, thread = row
    return RecordLine(
        position=Position(position),
        digest=Digest(digest.hex()),
        date=datetime.fromisoformat(date),
        date_basis=basis,
        from_=tuple(people.get((position, "from"), ())),
        to=tuple(people.get((position, "to"), ())),
        subject=subject,
        size=size,
        kind=kind,
        thread=Digest(thread.hex()),
        engagements=engagements,
        attachments=attachments,
        variants=variants,
    )


def _people(database: Database, among: tuple[str]) -> dict[tuple[int, str], list[Mailbox]]:
    people: dict[tuple[int, str], list[Mailbox]] = defaultdict(list)
    for record, role, name, address in database.all(_PEOPLE, among):
        people[record, role].append(Mailbox(name=name, address=address))
    return people


def view(database: Database, position: int) -> RecordView:
    """Return all that is known about a record; raises KeyError for an unknown one."""
    (line,) = lines(database, (position,))
    people = _people(database, (listed((position,)),))
    row = database.one(
        "SELECT r.readable, r.message_id, c.first_seen, c.date_header, c.received, c.headers,"
        " c.language, c.text FROM record r JOIN content c ON c.record = r.position"
        " WHERE r.position = ?",
        (position,),
    )
    if row is None:
        raise KeyError(position)
    readable, message_id, first_seen, date_header, received, headers, language, text = row
    sightings = _sightings(database, position)
    defects = _defects(database, position)
    return RecordView(
        line=line,
        cc=tuple(people.get((position, "cc"), ())),
        bcc=tuple(people.get((position, "bcc"), ())),
        reply_to=tuple(people.get((position, "reply-to"), ())),
        headers=tuple((name, value) for name, value in json.loads(headers)),
        message_id=message_id,
        text=text,
        language=language,
        attachments=_attachments(database, position, defects),
        defects=tuple(defects.get(rows.MESSAGE, ())),
        readable=bool(readable),
        date_header=rows.moment(date_header),
        received=tuple(datetime.fromisoformat(hop) for hop in json.loads(received)),
        internaldate=sightings[0].internaldate if sightings else None,
        first_seen=datetime.fromisoformat(first_seen),
        tags=tagging.tags_of(database, (position,)),
        sightings=sightings,
    )


def _sightings(database: Database, position: int) -> tuple[SightingView, ...]:
    return tuple(
        rows.sighting(row)
        for row in database.all(
            "SELECT entry, at, source, internaldate, flags, match FROM sighting"
            " WHERE record = ? ORDER BY entry",
            (position,),
        )
    )


def _defects(database: Database, position: int) -> dict[int, list[Defect]]:
    """Return the defects of a record by the number of the attachment, or MESSAGE."""
    defects: dict[int, list[Defect]] = defaultdict(list)
    for attachment, code, message, part in database.all(
        "SELECT attachment, code, message, part FROM defect"
        " WHERE record = ? ORDER BY attachment, number",
        (position,),
    ):
        defects[attachment].append(Defect(code, message, part))
    return defects


def _attachments(
    database: Database, position: int, defects: dict[int, list[Defect]]
) -> tuple[Attachment, ...]:
    return tuple(
        rows.attachment(row, tuple(defects.get(number, ())))
        for number, row in enumerate(
            database.all(
                "SELECT part, name, type, size, inline, content_id, text FROM attachment"
                " WHERE record = ? ORDER BY number",
                (position,),
            )
        )
    )


def order(
    database: Database, positions: Iterable[int], *, limit: int | None, offset: int
) -> tuple[Position, ...]:
    """Return records newest first, ties by digest; unknown positions are left out.

    Few are looked up; of many, the index of dates is walked only as far as LIMIT needs.
    """
    wanted = frozenset(positions)
    stop = None if limit is None else offset + limit
    if len(wanted) <= _FEW:
        ordered = database.stream(
            "SELECT position FROM record WHERE position IN (SELECT value FROM json_each(?))"
            " ORDER BY date DESC, digest",
            (listed(wanted),),
        )
        return tuple(Position(number) for (number,) in islice(ordered, offset, stop))
    everything = database.stream("SELECT position FROM record ORDER BY date DESC, digest")
    members = (number for (number,) in everything if number in wanted)
    return tuple(Position(number) for number in islice(members, offset, stop))


def thread(database: Database, position: int) -> tuple[Position, ...]:
    """Return the records of a record's thread, oldest first; raises KeyError when unknown."""
    found = database.all(
        "SELECT position FROM record"
        " WHERE thread = (SELECT thread FROM record WHERE position = ?) ORDER BY date, digest",
        (position,),
    )
    if not found:
        raise KeyError(position)
    return tuple(Position(number) for (number,) in found)


def resolve(database: Database, prefix: str) -> tuple[Digest, ...]:
    """Return the records whose digest starts with PREFIX (4 to 64 hexadecimal digits), sorted."""
    digits = prefix.lower()
    if not FEWEST_DIGITS <= len(digits) <= _DIGITS or not _HEX.issuperset(digits):
        return ()
    found = database.all(
        "SELECT digest FROM record WHERE digest BETWEEN ? AND ? ORDER BY digest",
        (bytes.fromhex(digits.ljust(_DIGITS, "0")), bytes.fromhex(digits.ljust(_DIGITS, "f"))),
    )
    return tuple(Digest(digest.hex()) for (digest,) in found)


def position_of(database: Database, digest: Digest) -> Position | None:
    """Return where a record's entry stands in the journal; None when it is not catalogued."""
    row = database.one("SELECT position FROM record WHERE digest = ?", (bytes.fromhex(digest.hex),))
    return None if row is None else Position(row[0])


def sent_by(database: Database, addresses: Iterable[str]) -> frozenset[Position]:
    """Return the records from any of ADDRESSES, which are compared without case."""
    folded = json.dumps([clean(address.strip().lower()) for address in addresses])
    found = database.numbers(
        "SELECT record FROM participant WHERE role = 'from'"
        " AND folded <> '' AND folded IN (SELECT value FROM json_each(?))",
        (folded,),
    )
    return frozenset(Position(record) for record in found)


def documents(database: Database, start: int) -> Iterator[Document]:
    """Yield what an index holds for each record from position START on, a page at a time."""
    while True:
        page = [
            number
            for (number,) in database.all(
                "SELECT position FROM record WHERE position >= ? ORDER BY position LIMIT ?",
                (start, _PAGE),
            )
        ]
        if not page:
            return
        yield from documents_of(database, page)
        start = page[-1] + 1


def documents_of(database: Database, positions: Sequence[int]) -> Iterator[Document]:
    """Yield what an index holds for each of POSITIONS, in journal order."""
    among = (listed(positions),)
    people = _people(database, among)
    files: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for record, name, text in database.all(
        "SELECT record, name, coalesce(text, '') FROM attachment"
        " WHERE record IN (SELECT value FROM json_each(?)) ORDER BY record, number",
        among,
    ):
        files[record].append((name, text))
    for position, date, subject, text in database.stream(
        "SELECT r.position, r.date, r.subject, c.text"
        " FROM record r JOIN content c ON c.record = r.position"
        " WHERE r.position IN (SELECT value FROM json_each(?)) ORDER BY r.position",
        among,
    ):
        fields = {
            "subject": subject,
            "body": text,
            "attachment": "\n\n".join(text for _name, text in files[position] if text),
            "from": _named(people[position, "from"]),
            "to": _named(people[position, "to"]),
            # Whoever was copied in secret is looked for like everybody else who was copied.
            "cc": _named(people[position, "cc"] + people[position, "bcc"]),
            "filename": "\n".join(name for name, _text in files[position] if name),
        }
        yield Document(key=position, date=date, fields=fields)


def _named(people: Iterable[Mailbox]) -> str:
    return "\n".join(str(person) for person in people)
