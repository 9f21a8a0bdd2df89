"""The values of a dossier: what its pages and its bag are made from."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from archiver.dossier.matter import Matter, Side
from archiver.model.coverage import Epoch, Imported, Outage
from archiver.model.digest import Digest, Position
from archiver.model.reading import Mailbox
from archiver.model.record import RecordView
from archiver.model.withholding import LeftOut

Language = Literal["fr", "en"]
OtherDate = Literal["internaldate", "received", "first-seen"]
HandledBy = Literal["kept", "origin-captured", "tagged", "untagged", "exported", "time-stamped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """How the records of a dossier were chosen, as the dossier tells it."""

    query: str = ""
    first: date | None = None
    last: date | None = None
    """Days, both included, in the archive's time zone."""
    left_out: int | None = None
    """Records of the engagement that this selection left out; None when it was not counted."""

    @property
    def whole(self) -> bool:
        """Whether nothing narrowed the selection: every record of the engagement is in."""
        narrowed = self.query or self.first or self.last or self.left_out
        return not narrowed


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveFacts:
    """What a dossier says of the archive it was made from; what is not known is not printed."""

    software: str
    archive_id: str = ""
    since: datetime | None = None
    """When the archive was made (its first journal entry)."""
    tree_size: int | None = None
    root: str = ""
    """Root hash of the journal's tree at that size (RFC 6962), hexadecimal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A mailbox, and the side it is on; None when no party names it."""

    mailbox: Mailbox
    side: Side | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """The Date header and another date differ by more than a day."""

    other: OtherDate
    at: datetime
    difference: timedelta
    """Always positive."""
    header_earlier: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """Another record that is the same writing, exported next to its exhibit."""

    name: str
    """For example ``ACME-000001.v2``."""
    view: RecordView


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """A record in a dossier, with its number."""

    number: int
    name: str
    """For example ``ACME-000001``."""
    view: RecordView
    from_: tuple[Person, ...]
    to: tuple[Person, ...]
    cc: tuple[Person, ...]
    bcc: tuple[Person, ...]
    disagreements: tuple[Disagreement, ...]
    reasons: tuple[str, ...]
    """Why the record belongs to this engagement; other engagements are never told."""
    copies: tuple[Copy, ...]
    not_exported: tuple[Digest, ...]
    """Copies of the same writing that the selection left out."""
    same_as: tuple[str, ...]
    """Names of other exhibits that are the same writing (numbered by earlier exports)."""

    @property
    def sides(self) -> tuple[Side | None, ...]:
        """The sides of the senders (almost always one), each once, in the order of the header."""
        return tuple(dict.fromkeys(person.side for person in self.from_))

    @property
    def views(self) -> tuple[RecordView, ...]:
        """The exhibit's record and its exported copies: all whose bytes are handed over."""
        return (self.view, *(copy.view for copy in self.copies))


@dataclass(frozen=True, slots=True, kw_only=True)
class Handled:
    """One act of the journal on an exhibit: what custody of it consists of."""

    name: str
    """Of the exhibit or copy."""
    at: datetime
    who: str
    """``archiver``, a person's name, or the time-stamp authority."""
    what: HandledBy
    detail: str
    entry: Position
    """The journal entry that says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """What was looked at in one folder of one mailbox; neither is named."""

    mailbox: int
    folder: int
    """Both counted from 1, in the order in which they were first looked at."""
    epoch: Epoch
    """Its names are not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A message of our side that the archive does not hold, and the exhibits that answer it."""

    message_id: str
    exhibits: tuple[str, ...]
    """Their names, in the order of the chronology."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What was looked at, as the dossier tells it: no account, folder or file is named."""

    folders: tuple[Covered, ...] = ()
    outages: tuple[tuple[int, Outage], ...] = ()
    """Each with its mailbox; their reasons are not told."""
    imports: tuple[Imported, ...] = ()
    """Of files, the paths of which are not told."""
    answered: tuple[Answered, ...] = ()

    @property
    def rules(self) -> tuple[str, ...]:
        """The sets of rules by which messages were not kept, in the order of their first use."""
        decided = (each.rules for covered in self.folders for each in covered.epoch.unkept)
        return tuple(dict.fromkeys(decided))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """Everything a dossier says, before any page or file is made from it."""

    matter: Matter
    selection: Selection
    archive: ArchiveFacts
    made_at: datetime
    """When it was made, in the archive's time zone."""
    time_zone: ZoneInfo
    language: Language
    exhibits: tuple[Exhibit, ...]
    """In chronological order, ties by digest."""
    withheld: tuple[LeftOut, ...] = ()
    """Writings of the selection that are not handed over, in order of date."""
    custody: tuple[Handled, ...] = ()
    coverage: Coverage = Coverage()
    recipient: str = ""
    """Whom it is for, as the person said; it may be empty."""

    @property
    def written_by(self) -> tuple[int, int, int]:
        """How many exhibits our side wrote, others wrote, and nobody knows who."""
        ours = sum("us" in exhibit.sides for exhibit in self.exhibits)
        unknown = sum(not any(exhibit.sides) for exhibit in self.exhibits)
        return ours, len(self.exhibits) - ours - unknown, unknown

    @property
    def numbers(self) -> tuple[tuple[int, Position], ...]:
        """Exhibit number and record of each exhibit, as the ``export`` entry keeps them."""
        return tuple(
            sorted((exhibit.number, exhibit.view.line.position) for exhibit in self.exhibits)
        )
