"""What a person decides about records and engagements: journalled, so that a rebuild keeps it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from gettext import gettext as _

from archiver.catalogue.catalogue import Catalogue
from archiver.errors import UsageError
from archiver.evidence.store import Evidence
from archiver.model.digest import Position
from archiver.model.entries import Payload, Scope, Tag, Undo, Untag

_DECISION_BYTES = 8

Pairs = Sequence[tuple[Position, str]]
"""Records and the slug of an engagement each."""
Waiting = Mapping[Position, tuple[str, ...]]
"""Records that wait for a person, each with the slugs of its candidates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision that was journalled; its name is what ``undo`` takes."""

    decision: str
    records: int


def decide(
    evidence: Evidence,
    *,
    belongs: Pairs = (),
    does_not: Pairs = (),
    scope: Scope,
    actor: str,
    entropy: Callable[[int], bytes],
) -> Decided | None:
    """Journal that records belong, or do not belong, to engagements; None: nothing was said.

    All entries share one decision name.
    """
    if not belongs and not does_not:
        return None
    decision = entropy(_DECISION_BYTES).hex()
    entries: list[Tag | Untag] = [
        Tag(record=record, engagement=slug, scope=scope, decision=decision)
        for record, slug in belongs
    ]
    entries += [
        Untag(record=record, engagement=slug, scope=scope, decision=decision)
        for record, slug in does_not
    ]
    evidence.append(entries, actor=actor)
    return Decided(
        decision=decision, records=len({record for record, _slug in (*belongs, *does_not)})
    )


def unsaid(
    catalogue: Catalogue, records: Sequence[Position], slug: str, *, belongs: bool
) -> tuple[Position, ...]:
    """Return those of RECORDS about which no person's last word is BELONGS already."""
    said = catalogue.said(records, slug)
    return tuple(record for record in records if said.get(record) is not belongs)


def waiting(catalogue: Catalogue, records: Sequence[Position]) -> Waiting:
    """Return those of RECORDS that wait for a person: triage decides about no others."""
    reached = frozenset(records)
    return {
        item.record: tuple(slug for slug, _reason in item.candidates)
        for item in catalogue.undecided()
        if item.record in reached
    }


def refuse_settled(
    catalogue: Catalogue, records: Sequence[Position], slug: str, *, waiting: Waiting
) -> None:
    """Raise UsageError when one of RECORDS neither waits for a person nor is SLUG's already."""
    settled = {tag.record for tag in catalogue.tags_of(records) if tag.engagement == slug}
    others = [record for record in records if record not in waiting and record not in settled]
    if others:
        names = " ".join(line.digest.short for line in catalogue.lines(others))
        raise UsageError(
            _("No decision waits for {names}.").format(names=names),
            advice=_("To decide about any record: archiver tag {slug} {names}").format(
                slug=slug, names=names
            ),
        )


def assigned(waiting: Waiting, slug: str | None) -> tuple[Pairs, Pairs]:
    """Return what belongs and what does not when WAITING go to SLUG; None: to no candidate."""
    belongs = [(record, slug) for record in sorted(waiting)] if slug is not None else []
    does_not = [
        (record, other)
        for record in sorted(waiting)
        for other in sorted(waiting[record])
        if other != slug
    ]
    return belongs, does_not


def undo(evidence: Evidence, catalogue: Catalogue, decision: str, *, actor: str) -> int:
    """Take back a decision; return how many of its entries no longer count.

    Raises UsageError when no decision has that name, or it was taken back already.
    """
    entries = _entries(evidence, catalogue, decision)
    if not entries:
        raise UsageError(
            _("There is no decision called {name}.").format(name=decision),
            advice=_("`archiver tag`, `untag` and `triage` print the name of each decision."),
        )
    standing = [position for position, stands in entries.items() if stands]
    if not standing:
        raise UsageError(
            _("The decision {name} was taken back already.").format(name=decision),
            advice=_("Decide again with `archiver tag` or `archiver untag`."),
        )
    evidence.append([Undo(entry=position) for position in standing], actor=actor)
    return len(standing)


def _entries(evidence: Evidence, catalogue: Catalogue, decision: str) -> dict[Position, bool]:
    """Return the entries of DECISION in journal order, and whether each still stands.

    The catalogue tells where they are; the journal says whether they are. The catalogue may be
    behind while another process feeds it: what it has not taken in is read from the journal.
    """
    told = catalogue.decision(decision)
    entries: dict[Position, bool] = {}
    if told:  # the entries of one act were journalled together
        for entry in evidence.entries(min(told), max(told) + 1):
            if _is_of(entry.payload, decision):
                entries[entry.position] = told.get(entry.position, True)
    for entry in evidence.entries(catalogue.position):
        if _is_of(entry.payload, decision):
            entries[entry.position] = True
        elif isinstance(entry.payload, Undo) and entry.payload.entry in entries:
            entries[entry.payload.entry] = False
    return entries


def _is_of(payload: Payload, decision: str) -> bool:
    return isinstance(payload, Tag | Untag) and payload.decision == decision
