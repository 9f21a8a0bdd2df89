"""Bytes on their way into the archive, and what became of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from archiver.model.digest import Digest, Position
from archiver.model.sources import Source


class Large(Protocol):
    """A writing that is too large for memory: its bytes wait in a file until they are kept."""

    @property
    def size(self) -> int:
        """Its length in bytes."""

    @property
    def digest(self) -> Digest:
        """SHA-256 of its bytes, computed as they came."""

    def open(self) -> BinaryIO:
        """Open its bytes for reading; closing them is the caller's."""

    def settle(self) -> Path:
        """Return the file, whose bytes are on the disk: from now on it is the caller's.

        Called once, by who gives it its name. Raises OSError when the disk did not confirm them.
        """

    def forget(self) -> None:
        """Remove the file, unless it is settled. Never raises; may be repeated."""


class Spool(Protocol):
    """Where a writing that may be large is put while it arrives; used by one thread at a time."""

    @property
    def size(self) -> int:
        """Bytes that it holds."""

    def write(self, piece: bytes) -> None:
        """Add PIECE; raises ArchiverError when there is no room."""

    def done(self) -> bytes | Large:
        """Return the whole, to which nothing is added any more."""

    def forget(self) -> None:
        """Throw away what there is. Never raises; may be repeated."""


MakeSpool = Callable[[], Spool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One writing as it was seen at its source; nobody has tried to understand it yet."""

    data: bytes | Large
    source: Source
    internaldate: datetime | None = None
    """When the server says it arrived (RFC 3501, INTERNALDATE), with its offset."""
    flags: tuple[str, ...] = ()
    kind: str = "mail"

    @property
    def size(self) -> int:
        """Its length in bytes."""
        data = self.data
        return len(data) if isinstance(data, bytes) else data.size

    @property
    def digest(self) -> Digest:
        """SHA-256 of its bytes; computed anew each time for those in memory."""
        data = self.data
        return Digest.of(data) if isinstance(data, bytes) else data.digest

    def forget(self) -> None:
        """Remove what waits in a file; there is nothing to do for bytes in memory."""
        if not isinstance(self.data, bytes):
            self.data.forget()


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
