"""Holds: what must not be erased, because a dispute is expected, until a person releases it."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from gettext import gettext as _
from gettext import ngettext

from archiver.catalogue.catalogue import Catalogue
from archiver.errors import OperationError, UsageError
from archiver.evidence.store import Evidence
from archiver.model.custody import Hold, Note, Release, Restrict
from archiver.model.digest import Position
from archiver.model.entries import Entry, Payload

_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveHold:
    """A hold that nobody has released."""

    entry: Position
    at: datetime
    actor: str
    engagement: str | None
    """All records that are tied to it whenever somebody wants to erase; None: RECORDS."""
    records: tuple[Position, ...]
    reason: str
    """The person's words; empty when there were none, or when an erasure emptied them."""


def active_holds(evidence: Evidence) -> tuple[ActiveHold, ...]:
    """Return the holds that stand, oldest first."""
    holds: dict[Position, tuple[Entry, Hold]] = {}
    words: dict[Position, str] = {}
    for entry in evidence.entries_of("hold", "release", "note"):
        match entry.payload:
            case Hold() as hold:
                holds[entry.position] = entry, hold
            case Release(entry=int() as ended):
                holds.pop(Position(ended), None)
            case Note() as note:
                words[note.entry] = note.words
            case _:
                pass
    return tuple(
        ActiveHold(
            entry=position,
            at=entry.at,
            actor=entry.actor,
            engagement=hold.engagement,
            records=hold.records,
            reason=words.get(position, ""),
        )
        for position, (entry, hold) in holds.items()
    )


def place_holds(
    evidence: Evidence,
    *,
    engagements: Sequence[str],
    records: Sequence[Position],
    reason: str,
    actor: str,
) -> tuple[Position, ...]:
    """Journal a hold for each of ENGAGEMENTS and one for all RECORDS; return their positions.

    REASON stands in a note of its own, which an erasure of one of the records empties later.
    """
    placed: list[Position] = []

    def payloads(first: int) -> list[Payload]:
        holds = [Hold(engagement=slug) for slug in dict.fromkeys(engagements)]
        if records:
            holds.append(Hold(engagement=None, records=tuple(sorted(set(records)))))
        found: list[Payload] = []
        for hold in holds:
            position = Position(first + len(found))
            placed.append(position)
            found.append(hold)
            if reason:
                found.append(Note(entry=position, records=hold.records, words=reason))
        return found

    evidence.append_next(payloads, actor=actor)
    return tuple(placed)


def end(evidence: Evidence, entry: Position, *, reason: str, actor: str) -> Hold | Restrict:
    """Journal that the hold or the restriction at ENTRY ends, and return what it said.

    Raises UsageError when there is none at ENTRY, or when it has ended already.
    """
    ended = _standing(evidence, entry)

    def payloads(first: int) -> list[Payload]:
        _standing(evidence, entry)
        about = ended.records if isinstance(ended, Hold) else (ended.record,)
        return _with_note(first, Release(entry=entry), about, reason)

    evidence.append_next(payloads, actor=actor)
    return ended


def let_out(evidence: Evidence, record: Position, *, reason: str, actor: str) -> None:
    """Journal that RECORD may stand in dossiers, whatever rules and persons said before."""
    evidence.append_next(
        lambda first: _with_note(first, Release(record=record), (record,), reason), actor=actor
    )


def _with_note(
    first: int, release: Release, about: tuple[Position, ...], reason: str
) -> list[Payload]:
    if not reason:
        return [release]
    return [release, Note(entry=Position(first), records=about, words=reason)]


def _standing(evidence: Evidence, position: Position) -> Hold | Restrict:
    ended = {
        entry.payload.entry
        for entry in evidence.entries_of("release")
        if isinstance(entry.payload, Release)
    }
    match evidence.entry(position):
        case Entry(payload=Hold() | Restrict() as said) if position not in ended:
            return said
        case Entry(payload=Hold() | Restrict()):
            raise UsageError(
                _("Entry {entry} was released already.").format(entry=position),
                advice=_("`archiver hold` and `archiver withhold` list what still stands."),
            )
        case _:
            raise UsageError(
                _("Entry {entry} is neither a hold nor a restriction.").format(entry=position),
                advice=_("`archiver hold` and `archiver withhold` list what can be released."),
            )


def covering(
    holds: Sequence[ActiveHold], catalogue: Catalogue, records: Collection[Position]
) -> Mapping[Position, tuple[ActiveHold, ...]]:
    """Return those of RECORDS that HOLDS cover, each with the holds.

    A record that waits for a person to choose its engagement may belong to each of the candidates.
    """
    tied: dict[Position, set[str]] = defaultdict(set)
    for tag in catalogue.tags_of(records):
        tied[tag.record].add(tag.engagement)
    for item in catalogue.undecided():
        tied[item.record] |= {slug for slug, _reason in item.candidates}
    found: dict[Position, tuple[ActiveHold, ...]] = {}
    for record in records:
        over = tuple(
            hold
            for hold in holds
            if record in hold.records or (hold.engagement and hold.engagement in tied[record])
        )
        if over:
            found[record] = over
    return found


def covered(hold: ActiveHold, catalogue: Catalogue) -> frozenset[Position]:
    """Return all records that HOLD covers as things are now."""
    if hold.engagement is None:
        return frozenset(catalogue.order(hold.records))
    waiting = frozenset(item.record for item in catalogue.undecided())
    return frozenset(covering((hold,), catalogue, catalogue.tagged(hold.engagement) | waiting))


def refuse_held(
    evidence: Evidence,
    catalogue: Catalogue,
    records: Collection[Position],
    *,
    engagements: Collection[str],
) -> None:
    """Raise OperationError naming the holds when one of RECORDS is under an active hold.

    ENGAGEMENTS are those there are: nobody can tell what a hold on another one covers, so that it
    forbids to erase anything.
    """
    holds = active_holds(evidence)
    lost = [hold for hold in holds if hold.engagement and hold.engagement not in engagements]
    if lost:
        raise OperationError(
            _(
                "{hold} is on an engagement that is not there any more, so that nobody can tell "
                "which records it covers: nothing can be erased."
            ).format(hold=hold_words(lost[0])),
            advice=_(
                "Put engagements/{slug}.toml back, or release the hold: archiver release {entry}"
            ).format(slug=lost[0].engagement, entry=lost[0].entry),
        )
    held = covering(holds, catalogue, records)
    if not held:
        return
    over = {hold.entry: hold for each in held.values() for hold in each}
    names = [line.digest.short for line in catalogue.lines(sorted(held)[:_SHOWN])]
    if len(held) > _SHOWN:
        names.append("…")
    raise OperationError(
        "\n  ".join(
            (
                ngettext(
                    "{n} record is under a hold and is not erased ({names}):",
                    "{n} records are under a hold and are not erased ({names}):",
                    len(held),
                ).format(n=len(held), names=" ".join(names)),
                *(hold_words(hold) for _entry, hold in sorted(over.items())),
            )
        ),
        advice=_(
            "Nothing was erased. Leave these records out; or end the hold, if nothing is in "
            "dispute any more: archiver release {entry}"
        ).format(entry=min(over)),
    )


def hold_words(hold: ActiveHold) -> str:
    """Name a hold: its entry, what it is on, since when, by whom, why."""
    what = (
        _("engagement {slug}").format(slug=hold.engagement)
        if hold.engagement
        else ngettext("{n} record", "{n} records", len(hold.records)).format(n=len(hold.records))
    )
    words = _("Hold {entry} on {what}, since {day}, by {who}").format(
        entry=hold.entry,
        what=what,
        day=hold.at.date().isoformat(),
        who=hold.actor.removeprefix("person:"),
    )
    return f"{words}: {hold.reason}" if hold.reason else words
