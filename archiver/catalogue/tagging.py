"""What rules look at, what persons decided, and the tags that come of it."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from archiver.catalogue import rows
from archiver.catalogue.database import Database, clean, listed
from archiver.model.digest import Position
from archiver.model.tagging import Decision, RecordFacts, Tagging, TagOf, Undecided

_PERSON = "person:"


def all_threads(database: Database) -> tuple[Position, ...]:
    """Return every thread, in journal order."""
    found = database.numbers("SELECT DISTINCT thread FROM record")
    return tuple(Position(thread) for thread in sorted(found))


def facts(database: Database, thread: Position) -> tuple[RecordFacts, ...]:
    """Return what rules look at for each record of a thread, in journal order."""
    people = _people(database, thread)
    folders = _folders(database, thread)
    return tuple(
        RecordFacts(
            position=Position(position),
            when=datetime.fromisoformat(date),
            from_=rows.mailboxes(people[position, True]),
            to=rows.mailboxes(people[position, False]),
            subject=subject,
            folders=tuple(folders[position]),
        )
        for position, date, subject in database.all(
            "SELECT position, date_text, subject FROM record WHERE thread = ? ORDER BY position",
            (thread,),
        )
    )


def _people(database: Database, thread: Position) -> dict[tuple[int, bool], list[tuple[str, str]]]:
    """Return (name, address) by record and whether it is a sender; Reply-To is neither."""
    people: dict[tuple[int, bool], list[tuple[str, str]]] = defaultdict(list)
    for position, role, name, address in database.all(
        "SELECT p.record, p.role, p.name, p.address"
        " FROM record r JOIN participant p ON p.record = r.position"
        " WHERE r.thread = ? AND p.role <> 'reply-to'"
        " ORDER BY p.record, p.role = 'bcc', p.role = 'cc', p.number",
        (thread,),
    ):
        people[position, role == "from"].append((name, address))
    return people


def _folders(database: Database, thread: Position) -> dict[int, dict[tuple[str, str], None]]:
    """Return the distinct (account, folder) of each record, labels too, first seen first."""
    folders: dict[int, dict[tuple[str, str], None]] = defaultdict(dict)
    for position, account, folder, *_order in database.all(
        "SELECT s.record, s.account, s.folder, s.entry, 0"
        " FROM record r JOIN sighting s ON s.record = r.position"
        " WHERE r.thread = ? AND s.account <> ''"
        " UNION ALL SELECT l.record, l.account, l.folder, l.entry, 1"
        " FROM record r JOIN label l ON l.record = r.position WHERE r.thread = ?"
        " ORDER BY 4, 5, 3",
        (thread, thread),
    ):
        folders[position][account, folder] = None
    return folders


def decisions(database: Database, thread: Position) -> tuple[Decision, ...]:
    """Return what persons said last about each record and engagement of a thread.

    What was taken back does not count; an earlier decision that was not stands again.
    """
    last: dict[tuple[int, str], Decision] = {}
    for entry, record, engagement, belongs, actor in database.all(
        "SELECT d.entry, d.record, d.engagement, d.belongs, d.actor"
        " FROM record r JOIN decision d ON d.record = r.position"
        " WHERE r.thread = ? AND d.undone_by IS NULL ORDER BY d.entry",
        (thread,),
    ):
        last[record, engagement] = Decision(
            record=Position(record),
            engagement=engagement,
            belongs=bool(belongs),
            entry=Position(entry),
            by=actor.removeprefix(_PERSON),
        )
    return tuple(sorted(last.values(), key=lambda decision: decision.entry))


def decision(database: Database, name: str) -> dict[Position, bool]:
    """Return the entries of the decision called NAME, and whether each still stands."""
    return {
        Position(entry): undone_by is None
        for entry, undone_by in database.all(
            "SELECT entry, undone_by FROM decision WHERE name = ? ORDER BY entry", (clean(name),)
        )
    }


def said(database: Database, positions: Iterable[int], engagement: str) -> dict[Position, bool]:
    """Return, of the records about which a person said so, whether they belong to ENGAGEMENT."""
    return {
        Position(record): bool(belongs)  # the last row of a record counts
        for record, belongs in database.all(
            "SELECT record, belongs FROM decision WHERE engagement = ? AND undone_by IS NULL"
            " AND record IN (SELECT value FROM json_each(?)) ORDER BY entry",
            (clean(engagement), listed(positions)),
        )
    }


def set_tagging(database: Database, thread: Position, outcome: Tagging) -> None:
    """Replace all tags and open questions of a thread's records."""
    database.run(
        "DELETE FROM tag WHERE record IN (SELECT position FROM record WHERE thread = ?)",
        (thread,),
    )
    database.run(
        "DELETE FROM undecided WHERE record IN (SELECT position FROM record WHERE thread = ?)",
        (thread,),
    )
    database.run_many(
        "INSERT INTO tag VALUES (?, ?, ?, ?)",
        [
            (tag.record, clean(tag.engagement), tag.decided_by, clean(tag.reason))
            for tag in outcome.tags
        ],
    )
    database.run_many(
        "INSERT INTO undecided VALUES (?, ?, ?, ?)",
        [
            (question.record, number, clean(engagement), clean(reason))
            for question in outcome.undecided
            for number, (engagement, reason) in enumerate(question.candidates)
        ],
    )


def tags_of(database: Database, positions: Iterable[int]) -> tuple[TagOf, ...]:
    """Return the tags of records, in journal order, then by engagement."""
    return tuple(
        TagOf(record=Position(record), engagement=engagement, decided_by=by, reason=reason)
        for record, engagement, by, reason in database.all(
            "SELECT record, engagement, decided_by, reason FROM tag"
            " WHERE record IN (SELECT value FROM json_each(?)) ORDER BY record, engagement",
            (listed(positions),),
        )
    )


def tagged(database: Database, engagement: str) -> frozenset[Position]:
    """Return the records of an engagement."""
    found = database.numbers(
        "SELECT record FROM tag WHERE engagement = ?",
        (clean(engagement),),
    )
    return frozenset(Position(record) for record in found)


def undecided(database: Database) -> tuple[Undecided, ...]:
    """Return what waits for a person, newest record first."""
    candidates: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for record, engagement, reason in database.all(
        "SELECT u.record, u.engagement, u.reason"
        " FROM undecided u JOIN record r ON r.position = u.record"
        " ORDER BY r.date DESC, r.digest, u.number"
    ):
        candidates[record].append((engagement, reason))
    return tuple(
        Undecided(record=Position(record), candidates=tuple(found))
        for record, found in candidates.items()
    )
