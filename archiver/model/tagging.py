"""Which records belong to which engagement, why, and who decided."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from archiver.model.digest import Position
from archiver.model.reading import Mailbox

DecidedBy = Literal["rule", "thread", "person"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFacts:
    """What rules look at; everything comes from the record's headers and sightings."""

    position: Position
    when: datetime
    """The record's date (design: Date header if plausible, else INTERNALDATE, else first seen)."""
    from_: tuple[Mailbox, ...]
    to: tuple[Mailbox, ...]
    """To, Cc and Bcc together."""
    subject: str
    folders: tuple[tuple[str, str], ...]
    """(account, folder) of each sighting in a mailbox, and of each label: without account where a
    file states it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagOf:
    """A record belongs to an engagement, with a reason a person can read."""

    record: Position
    engagement: str
    decided_by: DecidedBy
    reason: str
    """For example ``from marie@acme.fr, a person of the client``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """A record that several engagements fit, or only a weak tie: a person decides."""

    record: Position
    candidates: tuple[tuple[str, str], ...]
    """(engagement, reason), best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a person said last about a record and an engagement."""

    record: Position
    engagement: str
    belongs: bool
    entry: Position
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagging:
    """The outcome for a set of records: what rules, threads and persons make of them."""

    tags: tuple[TagOf, ...]
    undecided: tuple[Undecided, ...]
