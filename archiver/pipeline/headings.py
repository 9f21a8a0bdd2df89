"""Header fields to what rules look at: read as the catalogue reads them, so that both agree."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from archiver.catalogue.links import thread_names
from archiver.engagements.heading import Shown
from archiver.mailbox.wanted import Heading
from archiver.model.digest import Position
from archiver.model.reading import Mailbox, Reading
from archiver.model.record import record_date
from archiver.model.tagging import RecordFacts
from archiver.pipeline.threads import Named, numbered
from archiver.reading import read

ADDRESS_FIELDS: Final = ("From", "To", "Cc", "Bcc", "Sender", "Reply-To")
SUBJECT_FIELDS: Final = ("Subject",)
FIELDS: Final = (
    *ADDRESS_FIELDS,
    *SUBJECT_FIELDS,
    "Date",
    "Message-ID",
    "In-Reply-To",
    "References",
)

_LONGEST: Final = 1024 * 1024
"""Bytes of a heading that are read: real ones have a few hundred."""
_SENDER: Final = re.compile(
    rb"^sender[ \t]*:([^\n]*+(?:\n[ \t][^\n]*+)*+)", re.IGNORECASE | re.MULTILINE
)
_NOT_READ: Final = frozenset({"reader-failed", "headers-missing"})
_NOBODY: Final = Position(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headed:
    """What the header fields of a message say; the message itself was not fetched."""

    shown: Shown
    named: Named
    arrived: datetime
    """INTERNALDATE, or what else dates the message."""
    date: datetime | None
    """The Date field."""


def read_heading(heading: Heading, *, account: str, now: datetime) -> Headed | None:
    """Read HEADING; None where nothing in it can be read. Never raises."""
    reading = read(heading.header[:_LONGEST])
    if not isinstance(reading, Reading) or any(each.code in _NOT_READ for each in reading.defects):
        return None
    when = record_date(reading.date, heading.outline.internaldate, now)[0]
    facts = RecordFacts(
        position=_NOBODY,
        when=when,
        from_=reading.from_,
        to=(*reading.to, *reading.cc, *reading.bcc),
        subject=reading.subject,
        folders=places(heading, account),
    )
    names = numbered(thread_names(reading))
    return Headed(
        shown=Shown(facts=facts, sender=_sender(heading.header), reply_to=reading.reply_to),
        named=Named(own=names[0] if reading.message_id else None, all=names),
        arrived=heading.outline.internaldate or when,
        date=reading.date,
    )


def places(heading: Heading, account: str) -> tuple[tuple[str, str], ...]:
    r"""Return the (account, folder) in which a message stands: its folder and Gmail's labels.

    Gmail's own labels lose their backslash, as in the catalogue: ``\Sent`` is Sent.
    """
    labels = (label.removeprefix("\\") for label in heading.outline.labels)
    return tuple((account, name) for name in (heading.folder, *labels))


def bare(heading: Heading, *, account: str, now: datetime) -> Shown:
    """Return what is known of a message whose header fields were not asked for, or are no use."""
    return Shown(
        facts=RecordFacts(
            position=_NOBODY,
            when=heading.outline.internaldate or now,
            from_=(),
            to=(),
            subject="",
            folders=places(heading, account),
        )
    )


def _sender(header: bytes) -> tuple[Mailbox, ...]:
    """Read the Sender fields, which no record's reading names where there is a From."""
    found = _SENDER.findall(header[:_LONGEST].replace(b"\r\n", b"\n"))
    if not found:
        return ()
    reading = read(b"From:" + b",".join(found) + b"\n\n")
    return reading.from_ if isinstance(reading, Reading) else ()
