"""What a person decides about records and engagements: journalled, so that a rebuild keeps it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from gettext import gettext as _

from archiver.errors import UsageError
from archiver.evidence.store import Evidence
from archiver.model.digest import Position
from archiver.model.entries import Scope, Tag, Undo, Untag

_DECISION_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision that was journalled; its name is what ``undo`` takes."""

    decision: str
    records: int


def decide(
    evidence: Evidence,
    *,
    belongs: Sequence[tuple[Position, str]] = (),
    does_not: Sequence[tuple[Position, str]] = (),
    scope: Scope,
    actor: str,
    entropy: Callable[[int], bytes],
) -> Decided:
    """Journal that records belong, or do not belong, to engagements.

    BELONGS and DOES_NOT are (record, engagement slug); all entries share one decision name.
    """
    decision = entropy(_DECISION_BYTES).hex()
    entries: list[Tag | Untag] = [
        Tag(record=record, engagement=slug, scope=scope, decision=decision)
        for record, slug in belongs
    ]
    entries += [
        Untag(record=record, engagement=slug, scope=scope, decision=decision)
        for record, slug in does_not
    ]
    if entries:
        evidence.append(entries, actor=actor)
    return Decided(
        decision=decision, records=len({record for record, _slug in (*belongs, *does_not)})
    )


def undo(evidence: Evidence, decision: str, *, actor: str) -> int:
    """Take back a decision; return how many of its entries no longer count.

    Raises UsageError when no decision has that name, or it was taken back already.
    """
    entries, undone = _find(evidence, decision)
    if not entries:
        raise UsageError(
            _("There is no decision called {name}.").format(name=decision),
            advice=_("`archiver tag`, `untag` and `triage` print the name of each decision."),
        )
    standing = [entry for entry in entries if entry not in undone]
    if not standing:
        raise UsageError(
            _("The decision {name} was taken back already.").format(name=decision),
            advice=_("Decide again with `archiver tag` or `archiver untag`."),
        )
    evidence.append([Undo(entry=entry) for entry in standing], actor=actor)
    return len(standing)


def _find(evidence: Evidence, decision: str) -> tuple[list[Position], set[Position]]:
    entries: list[Position] = []
    undone: set[Position] = set()
    for entry in evidence.entries():
        match entry.payload:
            case Tag(decision=name) | Untag(decision=name) if name == decision:
                entries.append(entry.position)
            case Undo(entry=position):
                undone.add(position)
            case _:
                pass
    return entries, undone


def all_but(slugs: Iterable[str], chosen: str | None) -> tuple[str, ...]:
    """Return SLUGS without CHOSEN, sorted."""
    return tuple(sorted(slug for slug in slugs if slug != chosen))
