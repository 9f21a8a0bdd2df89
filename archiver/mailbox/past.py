"""What a walk starts from: what the caller knows of the account, and how the walk is made."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from archiver.mailbox.alike import Lookalikes
from archiver.mailbox.allowance import Allowance
from archiver.mailbox.crops import Ration
from archiver.mailbox.parts import InMemory
from archiver.mailbox.plan import Terms
from archiver.mailbox.wanted import Wanted
from archiver.model.cursors import Cursor
from archiver.model.incoming import MakeSpool

_NO_UIDS = frozenset[int]()
Uids = frozenset[int]
UidsOf = Callable[[str, int], Uids]
"""Tells UIDs of a folder and UIDVALIDITY."""
Shapes = Mapping[int, Collection[tuple[int, datetime | None]]]
"""For each UID the size in bytes and the INTERNALDATE of each message that came under it."""


def _none(_folder: str, _uidvalidity: int) -> frozenset[int]:
    return _NO_UIDS


def _no_shapes(_folder: str, _uidvalidity: int) -> "Shapes":
    return {}


def _nobody(_folder: str, _uidvalidity: int, _fresh: bool) -> Lookalikes | None:  # noqa: FBT001  a callback
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What the caller knows of the account; every function is called in the caller's thread."""

    known: UidsOf
    """UIDs that need not be fetched."""
    present: UidsOf
    """Those of them that were not seen to vanish."""
    unkept: UidsOf = _none
    """UIDs that were decided not to be kept, by the rules that decide now."""
    cursors: Mapping[str, Cursor] = field(default_factory=dict)
    shapes: Callable[[str, int], Shapes] = _no_shapes
    """Size and INTERNALDATE of the messages that were fetched from a folder and UIDVALIDITY."""
    alike: Callable[[str, int, bool], Lookalikes | None] = _nobody
    """Records that messages of a folder may be; the last argument: whether its epoch is new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How the walk is made."""

    terms: Terms
    wanted: Wanted | None = None
    allowance: Allowance = field(default_factory=Allowance)
    ration: Ration = field(default_factory=Ration)
    spool: MakeSpool = InMemory
    """Makes the places where large messages are put while they arrive; called in any thread."""
    prefetch: bool = True
    """Whether the next batch is fetched while the caller keeps the last."""
