"""What a harvest is asked for, and what becomes of each message that it was asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from archiver.mailbox.alike import Lookalikes
from archiver.mailbox.allowance import Allowance
from archiver.mailbox.parts import InMemory
from archiver.mailbox.wanted import Wanted
from archiver.model.entries import Sighting
from archiver.model.incoming import Incoming, MakeSpool
from archiver.model.sources import ImapSource

BATCH = 200
"""Messages fetched at a time, at most."""

BATCH_BYTES = 8 * 1024 * 1024

DRAFT = "draft"
"""The rule by which a draft is left that a view of everything shows."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A batch of messages, complete and unread."""

    incoming: tuple[Incoming, ...]

    @property
    def uids(self) -> tuple[int, ...]:
        """The UIDs of the batch, in its order."""
        sources = (item.source for item in self.incoming)
        return tuple(source.uid for source in sources if isinstance(source, ImapSource))

    @property
    def size(self) -> int:
        """Bytes of all its messages."""
        return sum(item.size for item in self.incoming)


@dataclass(frozen=True, slots=True)
class NotFetched:
    """A message that could not be had this time; it will be tried again."""

    folder: str
    uidvalidity: int
    uid: int
    reason: str
    gone: bool = field(default=False, compare=False)
    """Whether the server no longer has it."""


@dataclass(frozen=True, slots=True)
class Decided:
    """Messages that are not wanted, by rule; a rule that nearly kept some stands in both."""

    unkept: Mapping[str, tuple[int, ...]]
    near: Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Recognised:
    """Messages that look like known records, so that their bytes were not fetched."""

    sightings: tuple[Sighting, ...]


@dataclass(frozen=True, slots=True)
class Postponed:
    """Messages that are left for another day, since today's volume is spent."""

    uids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Breath:
    """Nothing: comes before a large message, so that two of them never wait at once."""


Crop = Fetched | NotFetched | Decided | Recognised | Postponed | Breath


@dataclass(frozen=True, slots=True)
class Ration:
    """How much is held in memory at a time."""

    messages: int = BATCH
    size: int = BATCH_BYTES
    """Bytes, by RFC822.SIZE."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What is to be fetched from the open folder."""

    account: str
    folder: str
    uidvalidity: int
    uids: Sequence[int]
    """Ascending."""
    ration: Ration = Ration()
    allowance: Allowance = field(default_factory=Allowance)
    wanted: Wanted | None = None
    alike: Lookalikes | None = None
    drafts: bool = True
    """Whether drafts are fetched."""
    spool: MakeSpool = InMemory
    """Makes the places where large messages are put while they arrive."""
