"""Entries about who may see, keep or remove records (docs/journal.md)."""

from dataclasses import dataclass

from archiver.model.digest import Digest, Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Nothing of this may be erased until the hold is released: a dispute is expected."""

    engagement: str | None
    """All records tied to it, now and later; None: those in ``records``."""
    records: tuple[Position, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Restrict:
    """A person withholds a record from dossiers (a lawyer's letter, settlement talk)."""

    record: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A person ends a hold or a restriction, or lets out a record that a rule withholds."""

    entry: Position | None = None
    """The ``hold`` or ``restrict`` that ends."""
    record: Position | None = None
    """The record that may stand in dossiers, whatever the rules say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Free words of a person about an act; emptied when one of the records is erased."""

    entry: Position
    """The act that they are about."""
    records: tuple[Position, ...]
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Erase:
    """These entries are to be emptied and their records' objects deleted."""

    records: tuple[Position, ...]
    entries: tuple[Position, ...]
    """Every entry to be emptied, the records' own included, in order."""
    leaves: tuple[Digest, ...]
    """The leaf of each of them, which stays in the tree."""
    basis: str
    """The legal basis, as the person gave it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What the ``erase`` entry announced is done."""

    erase: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Emptied:
    """An entry that was emptied: what it said is gone, its leaf stands."""

    type: str
    """The type that it had."""
    erase: Position
    """The entry that says why, and by whom."""
