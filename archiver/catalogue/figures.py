"""Counts, read back from the tables: what ``status`` shows and what a search says it searched."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from archiver.catalogue.database import Database, clean
from archiver.model.digest import Position

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
class FolderCount:
    """What one folder of an account brought."""

    account: str
    folder: str
    role: str
    """What the last scan says the folder is for; empty: nothing special, or not known."""
    records: int
    sent: int
    """Those of them that WE wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """A record by its Message-ID and its sender."""

    position: Position
    message_id: str
    """Without angle brackets; empty if there is none."""
    sent: bool
    """Whether we wrote it."""


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


def folders(
    database: Database, *, own: Iterable[str], engagement: str | None = None
) -> tuple[FolderCount, ...]:
    """Count what each folder brought, of ENGAGEMENT's records only if one is named.

    OWN are our addresses, folded. A record that was seen in two folders counts in both.
    """
    return tuple(
        FolderCount(account=account, folder=folder, role=role or "", records=records, sent=sent)
        for account, folder, role, records, sent in database.all(
            f"WITH {_OURS}"  # noqa: S608 - constants, here and below
            " SELECT s.account, s.folder, f.role, count(*), sum(s.record IN ours) FROM"
            " (SELECT DISTINCT account, folder, record FROM sighting WHERE account <> ''"
            "  AND record IN (SELECT position FROM record)) s"
            " LEFT JOIN folder_role f ON f.account = s.account AND f.folder = s.folder"
            f" WHERE {_AMONG.format(record='s.record')}"
            " GROUP BY s.account, s.folder ORDER BY s.account, s.folder",
            _asked(own, engagement),
        )
    )


def in_role(
    database: Database,
    role: str,
    role_of: Callable[[str], str | None],
    *,
    engagement: str | None = None,
) -> dict[str, int]:
    """Count the records that stand in a folder, or under a label, which is for ROLE.

    By account; ``""`` is for all together, files included. A scan says what a folder is for, or
    else ROLE_OF by its name. Of ENGAGEMENT's records only if one is named.
    """
    told = {
        (account, folder): said
        for account, folder, said in database.all("SELECT account, folder, role FROM folder_role")
    }
    places = [
        (account, folder)
        for account, folder in database.all(
            "SELECT account, folder FROM sighting WHERE account <> ''"
            " UNION SELECT account, folder FROM label"
        )
        if (told.get((account, folder)) or role_of(folder)) == role
    ]
    asked = {"places": json.dumps(places), "engagement": engagement}
    standing = " UNION ".join(map(_STANDING.format, ("sighting", "label")))
    counts = database.all(f"SELECT account, count(*) FROM ({standing}) GROUP BY account", asked)  # noqa: S608 - constants, here and below
    total = database.all(f"SELECT count(DISTINCT record) FROM ({standing})", asked)  # noqa: S608
    return {**dict(counts), "": total[0][0]}


def correspondence(
    database: Database, *, own: Iterable[str], engagement: str | None = None
) -> dict[str, tuple[int, int]]:
    """Return how much each account received and sent; ``""`` is for all together.

    Variants of one message count once: people see one.

    Of ENGAGEMENT's records only if one is named. OWN are our addresses, folded.
    """
    asked = _asked(own, engagement)
    totals = database.all(
        f"WITH {_OURS} SELECT '', count(DISTINCT variant),"  # noqa: S608 - constants
        " count(DISTINCT CASE WHEN position IN ours THEN variant END) FROM record"
        f" WHERE {_AMONG.format(record='position')}",
        asked,
    )
    accounts = database.all(
        f"WITH {_OURS} SELECT s.account, count(DISTINCT r.variant),"  # noqa: S608 - constants
        " count(DISTINCT CASE WHEN r.position IN ours THEN r.variant END) FROM"
        " (SELECT DISTINCT account, record FROM sighting WHERE account <> '') s"
        " JOIN record r ON r.position = s.record"
        f" WHERE {_AMONG.format(record='s.record')} GROUP BY s.account",
        asked,
    )
    return {account: (all_ - sent, sent) for account, all_, sent in (*totals, *accounts)}


def identified(database: Database, *, own: Iterable[str]) -> Iterator[Identified]:
    """Yield every record with its Message-ID, and whether one of OWN wrote it."""
    for position, message_id, sent in database.stream(
        f"WITH {_OURS} SELECT position, message_id, position IN ours FROM record",  # noqa: S608 - constants
        _asked(own, None),
    ):
        yield Identified(position=Position(position), message_id=message_id, sent=bool(sent))


def headers_of_received(
    database: Database, *, own: Iterable[str], engagement: str | None = None
) -> Iterator[tuple[Position, tuple[tuple[str, str], ...]]]:
    """Yield the headers of each record that none of OWN wrote and that answers something."""
    for position, headers in database.stream(
        f"WITH {_OURS} SELECT c.record, c.headers FROM content c WHERE c.record NOT IN ours"  # noqa: S608 - constants
        " AND (c.headers LIKE '%\"in-reply-to\"%' OR c.headers LIKE '%\"references\"%')"
        f" AND {_AMONG.format(record='c.record')} ORDER BY c.record",
        _asked(own, engagement),
    ):
        yield Position(position), tuple((name, value) for name, value in json.loads(headers))


def beginning_of_text(database: Database, record: Position, length: int) -> str:
    """Return the first LENGTH characters of a record's text; empty when it is unknown."""
    row = database.one("SELECT substr(text, 1, ?) FROM content WHERE record = ?", (length, record))
    return "" if row is None else str(row[0])


_OURS = (
    "ours AS (SELECT DISTINCT record FROM participant WHERE role = 'from'"
    " AND folded IN (SELECT value FROM json_each(:own)))"
)
_AMONG = (
    "(:engagement IS NULL OR {record} IN (SELECT record FROM tag WHERE engagement = :engagement))"
)

_STANDING = f"""SELECT s.account, r.variant AS record FROM json_each(:places) p JOIN {{}} s
ON s.account = json_extract(p.value, '$[0]') AND s.folder = json_extract(p.value, '$[1]')
JOIN record r ON r.position = s.record WHERE {_AMONG.format(record="s.record")}"""  # noqa: S608 - constants


def _asked(own: Iterable[str], engagement: str | None) -> dict[str, str | None]:
    return {"own": json.dumps(sorted(map(clean, own))), "engagement": engagement}


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
