"""Threads with a record that belongs to an engagement: what a new message may belong with.

A record on which a person has to decide counts as well.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from archiver.catalogue.database import Database
from archiver.catalogue.links import thread_name

NAME_BYTES = 8
"""Of the hashed name of a message: enough to tell those of one archive apart."""

_REFERRING = frozenset({"in-reply-to", "references"})
_KEPT_THREADS = """
SELECT DISTINCT thread FROM record
WHERE position IN (SELECT record FROM tag UNION SELECT record FROM undecided)"""
_BELONGS = """
EXISTS (SELECT 1 FROM record m WHERE m.thread = r.thread AND (
    EXISTS (SELECT 1 FROM tag t WHERE t.record = m.position)
    OR EXISTS (SELECT 1 FROM undecided u WHERE u.record = m.position)))"""
_WAS_KEPT = """
EXISTS (SELECT 1 FROM record m JOIN tag t ON t.record = m.position
    WHERE m.thread = r.thread AND m.position < ? AND t.decided_by <> 'thread')"""
_NEWCOMERS = f"""
SELECT r.position, r.date_text, c.headers, {_WAS_KEPT}
FROM record r JOIN content c ON c.record = r.position
WHERE r.position >= ? AND {_BELONGS}
ORDER BY r.position"""  # noqa: S608  constants
_DECIDED = f"""
SELECT r.position, r.date_text FROM record r
WHERE r.position IN (SELECT record FROM decision WHERE entry >= ? OR undone_by >= ?) AND {_BELONGS}
ORDER BY r.position"""  # noqa: S608  constants
_IDENTIFIER = re.compile(r"<([^<>]{1,998})>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """A record that came to a kept thread, or made it one."""

    dates: tuple[datetime, ...]
    """Its own date, and the INTERNALDATE of each place where it was seen."""
    arrived: datetime
    """The first INTERNALDATE; its own date where there is none."""
    refers: bool
    """Whether it brings names of other messages to its thread, or the thread to an engagement."""


def names(database: Database) -> Iterator[bytes]:
    """Yield the beginnings of the names that kept threads mention: see ``links.thread_names``."""
    for (name,) in database.stream(
        f"SELECT substr(n.name, 1, {NAME_BYTES}) FROM name n JOIN record r ON r.position = n.record"  # noqa: S608  constants
        f" WHERE r.thread IN ({_KEPT_THREADS})"
    ):
        yield name


def subjects(database: Database) -> Iterator[str]:
    """Yield the distinct subjects of the records of kept threads."""
    for (subject,) in database.stream(
        f"SELECT DISTINCT subject FROM record WHERE thread IN ({_KEPT_THREADS})"  # noqa: S608  constants
    ):
        yield subject


def newcomers(database: Database, start: int) -> Iterator[Newcomer]:
    """Yield what came to kept threads by journal entries from START on, decisions included."""
    for position, date, headers, was_kept in database.all(_NEWCOMERS, (start, start)):
        referred = _referred(headers)
        new = referred if not was_kept else _first_named(database, position, referred)
        yield _newcomer(database, position, date, refers=bool(new))
    for position, date in database.all(_DECIDED, (start, start)):
        yield _newcomer(database, position, date, refers=True)


def _newcomer(database: Database, position: int, date: str, *, refers: bool) -> Newcomer:
    own = datetime.fromisoformat(date)
    seen = database.all(
        "SELECT DISTINCT internaldate FROM sighting WHERE record = ? AND internaldate IS NOT NULL",
        (position,),
    )
    places = [datetime.fromisoformat(text) for (text,) in seen]
    return Newcomer(dates=(own, *places), arrived=min(places, default=own), refers=refers)


def _referred(headers: str) -> tuple[bytes, ...]:
    """Return the names of the messages to which a record refers."""
    values = (value for field, value in json.loads(headers) if field.lower() in _REFERRING)
    return tuple(thread_name(name) for value in values for name in _IDENTIFIER.findall(value))


def _first_named(database: Database, position: int, names: Iterable[bytes]) -> tuple[bytes, ...]:
    """Return those of NAMES that no record before the one at POSITION mentions."""
    find = "SELECT 1 FROM name WHERE name = ? AND record = ?"
    return tuple(name for name in names if database.one(find, (name, position)))
