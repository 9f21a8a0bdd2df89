"""Bytes on their way into the archive, and what became of them."""

from dataclasses import dataclass
from datetime import datetime

from archiver.model.digest import Digest, Position
from archiver.model.sources import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One writing as it was seen at its source; nobody has tried to understand it yet."""

    data: bytes
    source: Source
    internaldate: datetime | None = None
    """When the server says it arrived (RFC 3501, INTERNALDATE), with its offset."""
    flags: tuple[str, ...] = ()
    kind: str = "mail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """An Incoming that is now durable and journalled."""

    digest: Digest
    position: Position
    """Position of its ``record`` entry."""
    new: bool
    """False when the archive already held these bytes."""
    sighted: bool
    """False when this very source position was known, so that nothing was added."""
