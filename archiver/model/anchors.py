"""Entries about keys, checkpoints and time-stamps (docs/journal.md)."""

from dataclasses import dataclass
from datetime import datetime

from archiver.model.digest import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRotate:
    """From here on checkpoints are signed with another key; also the first key is told so."""

    previous: str | None
    """The verifier key (C2SP signed note, ``name+hash+base64``) until now; None: the first key."""
    key: str
    reason: str
    """``first``, ``rotated`` by a person, ``lost`` with the machine, or ``restored``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A third party dated a checkpoint (RFC 3161); its answer is kept in ``journal/stamps/``."""

    size: int
    """Of the tree that the checkpoint signs."""
    checkpoint: Digest
    """SHA-256 of the checkpoint's bytes (the signed note): what the stamp's imprint is of."""
    authority: str
    response: Digest
    """SHA-256 of the raw answer: the next checkpoint covers it, so the log renews itself."""
    time: datetime
    """What the authority says (genTime)."""
    qualified: bool = False
    """Whether the stamp states to be an EU qualified one, of an authority declared as such."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """A person goes on with an older copy of the archive, knowing what is lost with it."""

    size: int
    """Of the newest tree that was signed."""
    root: Digest
    """Its root."""
