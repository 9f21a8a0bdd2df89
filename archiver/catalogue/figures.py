"""Counts, read back from the tables: what ``status`` shows and what a search says it searched."""

from dataclasses import dataclass
from datetime import datetime

from archiver.catalogue.database import Database

_UNTAGGED = "SELECT count(*) FROM record WHERE position NOT IN (SELECT record FROM tag)"
_UNTAGGED_WITH_TIE = """
SELECT count(DISTINCT record) FROM undecided
WHERE record IN (SELECT position FROM record) AND record NOT IN (SELECT record FROM tag)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngagementCount:
    """How much an engagement holds."""

    slug: str
    records: int
    oldest: datetime
    newest: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCount:
    """What an account brought."""

    account: str
    records: int
    sightings: int
    last: datetime
    """When the last sighting was journalled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What the catalogue holds."""

    records: int
    threads: int
    untagged_with_tie: int
    """Records in no engagement that wait for a person: they have a tie to a party."""
    untagged_without_tie: int
    """Records in no engagement without any tie to a party: counted, not queued."""
    undecided: int
    """Records that wait for a person, tagged already or not."""
    engagements: tuple[EngagementCount, ...]
    accounts: tuple[AccountCount, ...]
    attachments: int
    attachments_unread: int
    """Attachments whose words this version cannot read."""
    unreadable: int
    """Records that could not be read at all."""
    unfetched: int
    """Messages on a server that the last sync of their folder could not fetch."""
    defects: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """What a search looks through."""

    records: int
    accounts: tuple[str, ...]
    first: datetime | None
    """Date of the oldest record."""
    last: datetime | None
    attachments_unread: int
    unreadable: int
    unfetched: int
    """Messages on a server that the last sync of their folder could not fetch."""
    engagements: tuple[str, ...]


def counts(database: Database) -> Counts:
    """Count everything; the cost follows the size of the catalogue."""
    untagged = database.number(_UNTAGGED)
    with_tie = database.number(_UNTAGGED_WITH_TIE)
    return Counts(
        records=count_records(database),
        threads=database.number("SELECT count(DISTINCT thread) FROM record"),
        untagged_with_tie=with_tie,
        untagged_without_tie=untagged - with_tie,
        undecided=database.number("SELECT count(DISTINCT record) FROM undecided"),
        engagements=_engagements(database),
        accounts=_accounts(database),
        attachments=database.number("SELECT count(*) FROM attachment"),
        attachments_unread=_attachments_unread(database),
        unreadable=_unreadable(database),
        unfetched=_unfetched(database),
        defects=database.number("SELECT count(*) FROM defect"),
    )


def count_records(database: Database) -> int:
    """Count the records."""
    return database.number("SELECT count(*) FROM record")


def _attachments_unread(database: Database) -> int:
    return database.number("SELECT count(*) FROM attachment WHERE text IS NULL")


def _unreadable(database: Database) -> int:
    return database.number("SELECT count(*) FROM record WHERE NOT readable")


def _unfetched(database: Database) -> int:
    return database.number("SELECT count(*) FROM unfetched")


def _engagements(database: Database) -> tuple[EngagementCount, ...]:
    # With min() or max(), SQLite takes the other columns from the row that holds it.
    oldest = {
        slug: text
        for slug, text, _date in database.all(
            "SELECT t.engagement, r.date_text, min(r.date)"
            " FROM tag t JOIN record r ON r.position = t.record GROUP BY t.engagement"
        )
    }
    return tuple(
        EngagementCount(
            slug=slug,
            records=records,
            oldest=datetime.fromisoformat(oldest[slug]),
            newest=datetime.fromisoformat(text),
        )
        for slug, records, text, _date in database.all(
            "SELECT t.engagement, count(*), r.date_text, max(r.date)"
            " FROM tag t JOIN record r ON r.position = t.record"
            " GROUP BY t.engagement ORDER BY t.engagement"
        )
    )


def _accounts(database: Database) -> tuple[AccountCount, ...]:
    return tuple(
        AccountCount(
            account=account,
            records=records,
            sightings=sightings,
            last=datetime.fromisoformat(last),
        )
        for account, records, sightings, last, _entry in database.all(
            "SELECT account, count(DISTINCT record), count(*), at, max(entry)"
            " FROM sighting WHERE account <> '' GROUP BY account ORDER BY account"
        )
    )


def extent(database: Database) -> Extent:
    """Tell what a search looks through; indexes answer all of it."""
    return Extent(
        records=count_records(database),
        accounts=_distinct(
            database,
            "SELECT DISTINCT account FROM sighting WHERE account <> '' ORDER BY account",
        ),
        first=_date(database, "SELECT date_text FROM record ORDER BY date, digest DESC LIMIT 1"),
        last=_date(database, "SELECT date_text FROM record ORDER BY date DESC, digest LIMIT 1"),
        attachments_unread=_attachments_unread(database),
        unreadable=_unreadable(database),
        unfetched=_unfetched(database),
        engagements=_distinct(database, "SELECT DISTINCT engagement FROM tag ORDER BY engagement"),
    )


def _distinct(database: Database, sql: str) -> tuple[str, ...]:
    return tuple(str(value) for (value,) in database.all(sql))


def _date(database: Database, sql: str) -> datetime | None:
    row = database.one(sql)
    return None if row is None else datetime.fromisoformat(row[0])
