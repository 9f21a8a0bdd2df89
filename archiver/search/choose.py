"""Choose records by a query or by their sender: what tags, triage and dossiers start from."""

from datetime import date
from gettext import gettext as _
from zoneinfo import ZoneInfo

from archiver.catalogue.catalogue import Catalogue
from archiver.errors import UsageError
from archiver.model.digest import Position
from archiver.search.search import matching
from index.engine import Engine
from index.language.parser import QueryError, parse, point_out
from index.query import And, DateRange, Query


def read_query(text: str, *, today: date) -> Query:
    """Parse a query; a mistake in it becomes a UsageError that marks the place."""
    try:
        return parse(text, today=today)
    except QueryError as error:
        raise UsageError(
            f"{error.message}\n{point_out(text, error)}", advice=error.advice
        ) from error


def by_query(
    text: str,
    *,
    catalogue: Catalogue,
    engine: Engine,
    time_zone: ZoneInfo,
    today: date,
    first: date | None = None,
    last: date | None = None,
) -> frozenset[Position]:
    """Return all records that match TEXT and are dated from FIRST to LAST, both included.

    Raises UsageError when the query cannot be understood, or stands for too many words to be
    answered completely: what follows from a choice must not depend on where it was cut.
    """
    query: Query = read_query(text, today=today)
    if first is not None or last is not None:
        query = And((query, DateRange(first, last)))
    found = matching(query, catalogue=catalogue, engine=engine, time_zone=time_zone)
    if found.cut:
        raise UsageError(
            _("{prefix}* stands for too many words.").format(prefix=found.cut[0]),
            advice=_("Give more letters before the *."),
        )
    return frozenset(map(Position, found.keys))


def same_sender(catalogue: Catalogue, record: Position) -> frozenset[Position]:
    """Return all records from the addresses that RECORD is from, itself included."""
    addresses = {mailbox.folded for mailbox in catalogue.line(record).from_ if mailbox.address}
    return catalogue.sent_by(addresses) | {record}
