"""The identity of a record: SHA-256 of its bytes (FIPS 180-4)."""

import hashlib
import re
from dataclasses import dataclass
from typing import NewType

Position = NewType("Position", int)
"""Where an entry stands in the journal: its leaf index in the tree, counted from 0."""

SHORT = 12
_HEX64 = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A SHA-256, written as 64 lower-case hexadecimal digits."""

    hex: str

    def __post_init__(self) -> None:
        if not _HEX64.match(self.hex):
            raise ValueError(f"not a SHA-256 in lower-case hexadecimal: {self.hex[:80]!r}")

    @classmethod
    def of(cls, data: bytes) -> "Digest":
        """Compute the digest of DATA."""
        return cls(hashlib.sha256(data).hexdigest())

    @property
    def short(self) -> str:
        """The first digits, enough to name a record on a terminal."""
        return self.hex[:SHORT]

    def __str__(self) -> str:
        return self.hex
