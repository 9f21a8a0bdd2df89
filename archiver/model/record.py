"""A record as the catalogue knows it: what lists, pages and exports are made from."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from archiver.model.digest import Digest, Position
from archiver.model.reading import Attachment, Defect, Mailbox
from archiver.model.sources import Source
from archiver.model.tagging import TagOf

DateBasis = Literal["date-header", "internaldate", "first-seen"]

_CLOCK_TOLERANCE = timedelta(days=2)
_FIRST_MAIL = 1982  # RFC 822


def record_date(
    header: datetime | None, internaldate: datetime | None, first_seen: datetime
) -> tuple[datetime, DateBasis]:
    """Choose the date that orders a record: Date header if plausible, else INTERNALDATE, else seen.

    A Date header is plausible when it is not before mail existed and not more than two days after
    the archive first saw the record.
    """
    if (
        header is not None
        and header.year >= _FIRST_MAIL
        and header <= first_seen + _CLOCK_TOLERANCE
    ):
        return header, "date-header"
    if internaldate is not None:
        return internaldate, "internaldate"
    return first_seen, "first-seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class SightingView:
    """Where and when a record was seen."""

    entry: Position
    at: datetime
    source: Source
    internaldate: datetime | None
    flags: tuple[str, ...]
    match: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordLine:
    """A record as one line of a list."""

    position: Position
    digest: Digest
    date: datetime
    """Aware; the offset of its basis is kept."""
    date_basis: DateBasis
    from_: tuple[Mailbox, ...]
    to: tuple[Mailbox, ...]
    subject: str
    size: int
    kind: str
    thread: Digest
    """The digest of the thread's record that was kept first."""
    engagements: tuple[str, ...]
    attachments: tuple[str, ...]
    """File names."""
    variants: tuple[Digest, ...]
    """Other records that are the same writing (design: variants), this one left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordView:
    """All that is known about one record."""

    line: RecordLine
    cc: tuple[Mailbox, ...]
    bcc: tuple[Mailbox, ...]
    reply_to: tuple[Mailbox, ...]
    headers: tuple[tuple[str, str], ...]
    message_id: str
    text: str
    language: str
    attachments: tuple[Attachment, ...]
    defects: tuple[Defect, ...]
    readable: bool
    """False for a record that could not be read at all (its bytes are kept all the same)."""
    date_header: datetime | None
    received: tuple[datetime, ...]
    internaldate: datetime | None
    first_seen: datetime
    tags: tuple[TagOf, ...]
    sightings: tuple[SightingView, ...]
