"""Retention: until when engagements are kept. A date that has passed erases nothing by itself."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from archiver.catalogue.catalogue import Catalogue
from archiver.custody.holds import ActiveHold, covering
from archiver.engagements.engagement import Engagement
from archiver.model.digest import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Until when an engagement is kept, and what that means today."""

    engagement: Engagement
    records: int
    """How many records are tied to it."""
    due: tuple[Position, ...]
    """Those whose time has passed, held ones included."""
    kept_elsewhere: tuple[Position, ...]
    """Those that another engagement still keeps, or that wait for a person's decision."""
    holds: tuple[ActiveHold, ...]
    """What suspends it for all of it, or for some of the records."""
    over: bool
    """Whether the last day of keeping is over."""


def standing(
    catalogue: Catalogue,
    engagements: Sequence[Engagement],
    holds: Sequence[ActiveHold],
    *,
    today: date,
    among: Sequence[Engagement] = (),
) -> tuple[Kept, ...]:
    """Say for each of ENGAGEMENTS until when it is kept, and what is due TODAY.

    AMONG are all engagements there are, when ENGAGEMENTS are only some of them.
    """
    current = {each.slug for each in (among or engagements) if not is_over(each, today)}
    return tuple(
        _standing(catalogue, engagement, current, holds, over=is_over(engagement, today))
        for engagement in engagements
    )


def is_over(engagement: Engagement, today: date) -> bool:
    """Tell whether the last day of keeping is over TODAY; never for one without such a day."""
    return engagement.retention is not None and engagement.retention.until < today


def _standing(
    catalogue: Catalogue,
    engagement: Engagement,
    current: Collection[str],
    holds: Sequence[ActiveHold],
    *,
    over: bool,
) -> Kept:
    """Say it for one engagement; CURRENT are those whose time has not passed."""
    tied = sorted(catalogue.tagged(engagement.slug))
    held = covering(holds, catalogue, tied)
    suspending = {hold.entry: hold for each in held.values() for hold in each}
    suspending |= {hold.entry: hold for hold in holds if hold.engagement == engagement.slug}
    kept: set[Position] = set()
    if over:
        kept = {tag.record for tag in catalogue.tags_of(tied) if tag.engagement in current}
        kept |= {item.record for item in catalogue.undecided()}
    return Kept(
        engagement=engagement,
        records=len(tied),
        due=tuple(record for record in tied if over and record not in kept),
        kept_elsewhere=tuple(record for record in tied if record in kept),
        holds=tuple(suspending[entry] for entry in sorted(suspending)),
        over=over,
    )
