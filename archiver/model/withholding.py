"""Why a record is withheld from dossiers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from archiver.model.digest import Position
from archiver.secrecy import About

GroundKind = Literal["person", "address", "domain", "word"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """One reason to withhold a record. Only ``about`` is ever told to others than the owner."""

    kind: GroundKind
    about: About
    value: str
    """The address, domain or words of the rule; a person's own words, which may be empty."""
    source: str = ""
    """Where the rule stands: a working copy's name; empty for a built-in word and for a person."""
    entry: Position | None = None
    """The ``restrict`` entry, when a person decided."""
    at: datetime | None = None
    """When a person decided."""
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withholding:
    """A record that no dossier shows, until a person releases it."""

    record: Position
    grounds: tuple[Ground, ...]
    copy_of: Position | None = None
    """The other copy of the same writing that the grounds are of; None: they are its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A writing that is withheld from a dossier, as the dossier tells it."""

    number: str
    """``W-1`` and so on, in order of date: no number of an exhibit."""
    date: datetime
    about: tuple[About, ...]
    by_person: bool
    """Whether a person's decision is among the reasons."""
    copies: int
    """Records that are this writing."""
