"""The values that the proof of one record is made of."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from archiver.model.digest import Digest, Position


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvedStamp:
    """A third party's time-stamp on one of the checkpoints in the folder."""

    size: int
    """Of the checkpoint's tree."""
    authority: str
    time: datetime
    root: str
    """SHA-256 of the root certificate that it leads to (DER), to be compared by the reader."""

    @property
    def name(self) -> str:
        """What its files are called, without suffix."""
        return f"stamps/{self.size}-{self.authority}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """One record with all that is needed to check it; nothing about any other."""

    position: Position
    digest: Digest
    size: int
    """Of the record, in bytes."""
    checkpoints: tuple[int, ...]
    """The sizes of the trees whose checkpoints are in it, smallest first. The record is proved in
    the first; each is shown to continue the one before."""
    stamps: tuple[ProvedStamp, ...]
    """By checkpoint, then authority."""
    key: str
    """The verifier key (C2SP signed note) that signed the first checkpoint."""
    origins: int
    """``origin`` entries about the record."""
    files: tuple[tuple[str, bytes], ...]
    """Name and bytes of each file but the page, ``verify.py`` and the manifest; sorted by name."""
    since: datetime
    """When the archive was made, as its own first entry says."""
    left_out: tuple[str, ...] = ()
    """What could not be put in, in sentences for the person who exports."""

    @property
    def first(self) -> int:
        """The size of the checkpoint that the record is proved in."""
        return self.checkpoints[0]

    @property
    def first_stamps(self) -> tuple[ProvedStamp, ...]:
        """The time-stamps of the first checkpoint: they date the record."""
        return tuple(stamp for stamp in self.stamps if stamp.size == self.first)

    @property
    def roots(self) -> tuple[tuple[str, str], ...]:
        """Each authority with the SHA-256 of its root certificate, once; sorted."""
        return tuple(sorted({(stamp.authority, stamp.root) for stamp in self.stamps}))

    @property
    def key_digest(self) -> str:
        """SHA-256 of the key, as ``verify.py --key`` takes it and ``sha256sum`` gives it."""
        return sha256(self.key.encode()).hexdigest()
