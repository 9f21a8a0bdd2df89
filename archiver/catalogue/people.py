"""Where a person is named: as a party to a record, and in what a record says."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator

from archiver.catalogue.database import Database, clean
from archiver.model.digest import Position

Meets = Callable[[str], bool]
"""Tells whether a text names somebody."""


def roles(database: Database, address: str) -> dict[Position, tuple[str, ...]]:
    """Return the records that ADDRESS is a party to, each with its roles (from, to, cc …)."""
    found: dict[Position, list[str]] = defaultdict(list)
    for record, role in database.all(
        "SELECT DISTINCT record, role FROM participant WHERE folded = ? ORDER BY record, role",
        (_folded(address),),
    ):
        found[Position(record)].append(role)
    return {record: tuple(each) for record, each in found.items()}


def names(database: Database, address: str) -> tuple[str, ...]:
    """Return the names under which ADDRESS wrote or was written to, the most frequent first."""
    return tuple(
        name
        for (name,) in database.all(
            "SELECT name FROM participant WHERE folded = ? AND name <> ''"
            " GROUP BY name ORDER BY count(*) DESC, name",
            (_folded(address),),
        )
    )


def mentions(database: Database, meets: Meets) -> dict[Position, tuple[str, ...]]:
    """Return the records that say something that MEETS, each with where it stands.

    Places are ``subject``, ``header``, ``text``, ``file-name`` and ``attachment``.
    """
    found: dict[Position, dict[str, None]] = defaultdict(dict)
    for record, place, text in _said(database):
        if place not in found.get(record, ()) and meets(text):
            found[record][place] = None
    return {record: tuple(places) for record, places in found.items()}


def _said(database: Database) -> Iterator[tuple[Position, str, str]]:
    for record, subject, headers, text in database.stream(
        "SELECT r.position, r.subject, c.headers, c.text"
        " FROM record r JOIN content c ON c.record = r.position ORDER BY r.position"
    ):
        position = Position(record)
        yield position, "subject", subject
        yield position, "header", "\n".join(value for _name, value in json.loads(headers))
        yield position, "text", text
    for record, name, text in database.stream(
        "SELECT record, name, coalesce(text, '') FROM attachment ORDER BY record, number"
    ):
        yield Position(record), "file-name", name
        yield Position(record), "attachment", text


def _folded(address: str) -> str:
    return clean(address.strip().lower())
