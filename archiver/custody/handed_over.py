"""What went out of the archive before: dossiers and proofs, as their ``export`` entries tell."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from archiver.evidence.store import Evidence
from archiver.model.digest import Digest, Position
from archiver.model.entries import Export


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """A dossier, or the proof of one record, that was written for somebody."""

    entry: Position
    at: datetime
    actor: str
    engagement: str
    """Empty for the proof of one record."""
    recipient: str
    """Whom it was for, as the person said; it may be empty."""
    numbers: tuple[tuple[int, Position], ...]
    manifest: Digest

    def of(self, records: Collection[Position]) -> tuple[tuple[int, Position], ...]:
        """Return the exhibit numbers that are one of RECORDS."""
        return tuple((number, record) for number, record in self.numbers if record in records)


def handed_over(evidence: Evidence) -> tuple[HandedOver, ...]:
    """Return everything that was handed over, oldest first."""
    return tuple(
        HandedOver(
            entry=entry.position,
            at=entry.at,
            actor=entry.actor,
            engagement=entry.payload.engagement,
            recipient=entry.payload.recipient,
            numbers=entry.payload.numbers,
            manifest=entry.payload.manifest,
        )
        for entry in evidence.entries_of("export")
        if isinstance(entry.payload, Export)
    )


def with_any(past: Iterable[HandedOver], records: Collection[Position]) -> tuple[HandedOver, ...]:
    """Return those that hold one of RECORDS."""
    wanted = frozenset(records)
    return tuple(each for each in past if each.of(wanted))
