"""What is known of the UIDs of a folder: kept, presumed, gone, erased."""

from collections.abc import Iterator
from datetime import datetime

from archiver.evidence.journal.canonical import LARGEST
from archiver.evidence.journal.database import Database, Value, blob, integer, text
from archiver.evidence.journal.names import key, unkey
from archiver.model.digest import Digest, Position
from archiver.model.places import Place, Presumed

_HERE = "account = ? AND folder = ? AND uidvalidity = ?"
_KNOWN = (
    f"SELECT uid FROM uid WHERE {_HERE}"  # noqa: S608 - constants, here and below
    f" UNION SELECT uid FROM presumed WHERE {_HERE} AND state <> 'vanished'"
)
_PRESENT = (
    f"SELECT uid FROM uid WHERE {_HERE} AND state = 'kept'"  # noqa: S608
    f" UNION SELECT uid FROM presumed WHERE {_HERE} AND state = 'kept'"
)
_PLACES = (
    "SELECT u.folder, u.uidvalidity, u.uid, u.record, r.digest, r.size,"
    " CASE WHEN json_valid(CAST(e.body AS TEXT))"
    " THEN json_extract(CAST(e.body AS TEXT), '$.internaldate') END"
    " FROM uid u JOIN record r ON r.position = u.record JOIN entry e ON e.position = u.entry"
    " WHERE u.account = ? AND u.state <> 'erased'"
)

_SHAPES = " UNION ALL ".join(
    f"SELECT u.uid, r.size, CASE WHEN json_valid(CAST(e.body AS TEXT))"  # noqa: S608  constants
    f" THEN json_extract(CAST(e.body AS TEXT), '$.internaldate') END"
    f" FROM {table} u JOIN record r ON r.position = u.record JOIN entry e ON e.position = u.entry"
    " WHERE u.account = ? AND u.folder = ? AND u.uidvalidity = ? AND NOT EXISTS"
    " (SELECT 1 FROM uid k WHERE (k.account, k.folder, k.uidvalidity, k.uid)"
    " = (u.account, u.folder, u.uidvalidity, u.uid) AND k.state = 'erased')"
    for table in ("uid", "uid_other")
)


def known_uids(database: Database, account: str, folder: str, uidvalidity: int) -> frozenset[int]:
    """Return the UIDs of a folder that need not be fetched as new, erased ones among them.

    Presumed ones count unless they vanished: one that is listed again was never fetched.
    """
    return _uids(database, _KNOWN, account, folder, uidvalidity)


def present_uids(database: Database, account: str, folder: str, uidvalidity: int) -> frozenset[int]:
    """Return the UIDs of a folder that were kept or presumed, and not seen to vanish since."""
    return _uids(database, _PRESENT, account, folder, uidvalidity)


def _uids(
    database: Database, statement: str, account: str, folder: str, uidvalidity: int
) -> frozenset[int]:
    if not 0 <= uidvalidity <= LARGEST:
        return frozenset()
    here = key(account), key(folder), uidvalidity
    return frozenset(integer(row[0]) for row in database.all(statement, *here, *here))


def presumed(database: Database, account: str) -> tuple[Presumed, ...]:
    """Return what ACCOUNT has that is known by its attributes only, and not gone."""
    rows = database.all(
        "SELECT folder, uidvalidity, uid, record FROM presumed"
        " WHERE account = ? AND state = 'kept' ORDER BY folder, uidvalidity, uid, record",
        key(account),
    )
    return tuple(
        Presumed(unkey(text(folder)), integer(uidvalidity), integer(uid), Position(integer(record)))
        for folder, uidvalidity, uid, record in rows
    )


def places(database: Database, account: str, folder: str | None = None) -> Iterator[Place]:
    """Yield where messages of ACCOUNT, or of one FOLDER of it, were fetched from; none erased."""
    values: list[Value] = [key(account)]
    statement = _PLACES
    if folder is not None:
        statement += " AND u.folder = ?"
        values.append(key(folder))
    for name, uidvalidity, uid, record, digest, size, internaldate in database.each(
        statement, *values
    ):
        yield Place(
            unkey(text(name)),
            integer(uidvalidity),
            integer(uid),
            Position(integer(record)),
            Digest(blob(digest).hex()),
            integer(size),
            _moment(internaldate),
        )


def shapes(
    database: Database, account: str, folder: str, uidvalidity: int
) -> Iterator[tuple[int, int, datetime | None]]:
    """Yield UID, size and INTERNALDATE of all that was ever fetched from a folder; none erased."""
    place = (key(account), key(folder), uidvalidity)
    for uid, size, internaldate in database.each(_SHAPES, *place, *place):
        yield integer(uid), integer(size), _moment(internaldate)


def _moment(written: Value) -> datetime | None:
    if not isinstance(written, str):
        return None
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
