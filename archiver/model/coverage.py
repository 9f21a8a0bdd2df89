"""What was looked at, what was kept, what was not, and why: the values."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from archiver.model.digest import Digest
from archiver.model.intervals import Intervals

NOTHING = Intervals()
_FEW = 20
"""Fewer received messages say nothing about what is sent."""
_SHARE = 20
"""One sent message for so many received ones is less than anybody writes who answers."""

By = Literal["message-id", "quoted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unkept:
    """Messages that were left on the server, by which rule of which set of rules."""

    rule: str
    rules: str
    """Digest of the set of rules, hexadecimal; empty where the journal does not say."""
    uids: Intervals


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A message that could not be fetched."""

    uid: int
    reason: str
    """Of the last attempt that says one."""
    since: datetime
    """When it was first met."""
    gone: datetime | None = None
    """When the server listed it no longer: it can be fetched no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """Kept messages that the server has no longer."""

    at: datetime
    """When that was noticed."""
    uids: Intervals


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A folder is no longer listed, has another name, or is back."""

    at: datetime
    change: Literal["gone", "renamed", "back"]
    previous: str
    """The name it had before, where it was renamed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """What is known of a folder under one UIDVALIDITY.

    A UID that was looked at stands in one of the sets from KEPT to MISSED.
    """

    folder: str
    """Its newest name."""
    uidvalidity: int
    role: str
    """What the server says the folder is for (RFC 6154); may be empty."""
    began: datetime | None
    """When this UIDVALIDITY was first met; None: the journal does not say."""
    ended: datetime | None
    """When another one took its place, or the folder was gone; None: it goes on."""
    first: datetime | None
    last: datetime | None
    """When a synchronisation that changed something was first and last journalled for it."""
    whole: datetime | None
    """When it was last enumerated whole, as far as the journal says."""
    exists: int
    """How many messages the server said it has, the last time."""
    listed: int
    """How many messages it listed, the last time that all were asked for."""
    short: bool
    """Whether it then listed fewer than it said it had."""
    left_by: str = ""
    """The rule that leaves the whole folder out; empty: it is looked into."""
    looked: Intervals = NOTHING
    """UIDs that the server listed or reported in any synchronisation, or that were kept."""
    unseen: Intervals = NOTHING
    """UIDs below the highest that no statement covers: nobody knows whether a message had them."""
    kept: Intervals = NOTHING
    presumed: Intervals = NOTHING
    """Recognised by size, INTERNALDATE and Message-ID as a record that is kept; not yet read."""
    erased: Intervals = NOTHING
    unkept: tuple[Unkept, ...] = ()
    near: tuple[Unkept, ...] = ()
    """Those of UNKEPT that a rule nearly kept."""
    failed: tuple[Failure, ...] = ()
    postponed: Intervals = NOTHING
    """Left for another day because the day's volume was spent."""
    not_reached: Intervals = NOTHING
    """Listed by the server, but the synchronisation broke off before them."""
    missed: Intervals = NOTHING
    """Listed once, and gone from the server before they were fetched."""
    vanished: tuple[Gone, ...] = ()
    changes: tuple[Change, ...] = ()

    @property
    def failing(self) -> Intervals:
        """The UIDs that are to be fetched and could not be."""
        return Intervals.of(each.uid for each in self.failed if each.gone is None)

    @property
    def unkept_uids(self) -> Intervals:
        """All UIDs that were left on the server by rule."""
        return Intervals.joined(run for each in self.unkept for run in each.uids.runs)

    @property
    def vanished_uids(self) -> Intervals:
        """All UIDs that were kept and that the server has no longer."""
        return Intervals.joined(run for each in self.vanished for run in each.uids.runs)

    @property
    def open(self) -> int:
        """How many messages are known and not yet fetched."""
        return len(self.failing) + len(self.postponed) + len(self.not_reached)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A time without a good synchronisation."""

    since: datetime | None
    """The last good one before it; None: there was none."""
    until: datetime | None
    """When one went well again; None: it lasts."""
    attempts: int
    """How often it was tried in vain."""
    reason: str
    """Why, the last time; may be empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderError:
    """A folder that could not be looked into, and of which nothing better was said since."""

    folder: str
    reason: str
    """Of the last attempt that says another than the one before."""
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountCoverage:
    """What the journal says of one account."""

    account: str
    first: datetime | None
    last: datetime | None
    """When its first and last synchronisation were journalled, those that found nothing (at most
    one a day) among them."""
    epochs: tuple[Epoch, ...]
    """In the order in which they were met."""
    outages: tuple[Outage, ...]
    errors: tuple[FolderError, ...] = ()
    """Folders that could not be looked into."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """Files that mail was imported from."""

    root: str
    """The file, or the folder that holds them all."""
    files: int
    messages: int
    """Places in those files that held a message."""
    first: datetime
    last: datetime
    """When they were imported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """How much of an account, or of all together, was received and how much we sent."""

    account: str
    """Empty: all together, mail from files as well."""
    received: int
    sent: int
    in_sent: int = 0
    """Records that were seen in folders for sent mail."""

    @property
    def lopsided(self) -> bool:
        """Whether so little was sent that the sent mail is probably somewhere else."""
        return self.received >= _FEW and self.sent * _SHARE < self.received


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A record that answers a message of ours."""

    digest: Digest
    date: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """A message of ours that was answered and that the archive does not hold."""

    message_id: str
    by: By
    """How it is known to be ours: its identifier's domain, or the answer quotes one of us."""
    answers: tuple[Answer, ...]
    """Newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OneSided:
    """What is known of both sides of the correspondence."""

    sides: tuple[Sides, ...]
    lacking: int
    """Messages of ours that were answered and that the archive does not hold."""
    shown: tuple[Lacking, ...]
    """Some of them, the last answered first."""
