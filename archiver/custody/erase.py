"""Erasing records: what it would do is put together first, then done, or refused."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from gettext import gettext as _

from archiver.catalogue.catalogue import Catalogue
from archiver.custody.handed_over import HandedOver, handed_over, with_any
from archiver.custody.holds import refuse_held
from archiver.custody.quotes import quoting, short_texts
from archiver.errors import OperationError, UsageError
from archiver.evidence.erasure import erase as erase_from
from archiver.evidence.store import Evidence
from archiver.model.custody import Erase
from archiver.model.digest import Position
from archiver.model.entries import Tag, Untag
from archiver.model.record import RecordLine

_DECIDING = ("hold", "tag", "untag", "undo", "config")
"""Entries that may bring a record under a hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A record that stays, and says what records that go have said."""

    line: RecordLine
    of: tuple[RecordLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What a person decided about a record that goes; the entry stays, it names a position."""

    entry: Position
    record: Position
    engagement: str
    belongs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an erasure would do; nothing has happened yet."""

    size: int
    """How much of the journal was known when this was put together."""
    records: tuple[RecordLine, ...]
    """Those that would go, newest first."""
    copies: tuple[RecordLine, ...]
    """The same writings in other bytes (a Sent copy, a colleague's): they stay."""
    quotes: tuple[Quote, ...]
    too_short: int
    """Records that go and have too few words for quotes of them to be looked for."""
    decisions: tuple[Decided, ...]
    handed_over: tuple[HandedOver, ...]
    """Dossiers and proofs that hold one of the records: they are out of reach."""

    @property
    def positions(self) -> frozenset[Position]:
        """The records that would go."""
        return frozenset(line.position for line in self.records)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What an erasure did."""

    entries: tuple[Position, ...]
    """The ``erase`` entries."""
    records: int
    emptied: int
    """Journal entries that say nothing any more."""


def plan_erasure(
    evidence: Evidence,
    catalogue: Catalogue,
    records: Collection[Position],
    *,
    with_copies: bool,
    engagements: Collection[str],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Plan:
    """Put together what erasing RECORDS would do; WITH_COPIES: their copies as well.

    ENGAGEMENTS are the slugs of those there are. Raises UsageError when there is nothing to erase,
    OperationError when a hold forbids it.
    """
    size = catalogue.position
    chosen = frozenset(records)
    copies = _copies(catalogue, chosen)
    if with_copies:
        chosen, copies = chosen | copies, frozenset()
    if not chosen:
        raise UsageError(
            _("There is nothing to erase."),
            advice=_("Choose records with `archiver search`, and give their identifiers."),
        )
    refuse_held(evidence, catalogue, chosen, engagements=engagements)
    return Plan(
        size=size,
        records=tuple(catalogue.each_line(catalogue.order(chosen))),
        copies=tuple(catalogue.each_line(catalogue.order(copies))),
        quotes=_quotes(catalogue, chosen, copies, progress),
        too_short=len(short_texts(catalogue, chosen)),
        decisions=_decisions(evidence, chosen),
        handed_over=with_any(handed_over(evidence), chosen),
    )


def carry_out(
    evidence: Evidence,
    plan: Plan,
    *,
    basis: str,
    actor: str,
    checkpoint: Callable[[], None],
    forget: Callable[[], None],
) -> Done:
    """Erase what PLAN says; BASIS is the legal basis. There is no way back.

    CHECKPOINT has the ``erase`` entry signed before anything goes; FORGET removes catalogue and
    index, which are made anew from what is left. Raises OperationError when something was decided
    since the plan was made that may forbid it.
    """

    def allowed() -> None:
        decided = evidence.journal.positions_by_type(*_DECIDING)
        if decided and decided[-1] >= plan.size:
            raise OperationError(
                _("Somebody decided about holds or engagements meanwhile: nothing was erased."),
                advice=_("Run the command again, and look at what it shows."),
            )

    entries = erase_from(
        evidence,
        plan.positions,
        basis=basis,
        actor=actor,
        allowed=allowed,
        announced=checkpoint,
        emptied=forget,
    )
    emptied = sum(
        len(entry.payload.entries)
        for position in entries
        for entry in evidence.entries(position, position + 1)
        if isinstance(entry.payload, Erase)
    )
    return Done(entries=entries, records=len(plan.records), emptied=emptied)


def require_basis(basis: str) -> str:
    """Return BASIS without blanks around it; raise UsageError when there is none."""
    stripped = basis.strip()
    if not stripped:
        raise UsageError(
            _("An erasure needs its legal basis, in your own words."),
            advice=_("For example --basis 'request of 3 May under article 17 GDPR'."),
        )
    return stripped


def read_list(text: str) -> tuple[str, ...]:
    """Return the identifiers in TEXT: the first word of each line, comments (#) left out."""
    found = (line.split("#", 1)[0].split() for line in text.splitlines())
    return tuple(dict.fromkeys(words[0] for words in found if words))


def elsewhere(
    catalogue: Catalogue, records: Collection[Position], slug: str
) -> frozenset[Position]:
    """Return those of RECORDS that another engagement than SLUG holds as well, or may hold."""
    wanted = frozenset(records)
    found = {tag.record for tag in catalogue.tags_of(wanted) if tag.engagement != slug}
    found |= {item.record for item in catalogue.undecided()}
    return wanted & found


def _copies(catalogue: Catalogue, chosen: frozenset[Position]) -> frozenset[Position]:
    found = {
        position
        for line in catalogue.each_line(chosen)
        for digest in line.variants
        if (position := catalogue.position_of(digest)) is not None
    }
    return frozenset(found - chosen)


def _quotes(
    catalogue: Catalogue,
    chosen: frozenset[Position],
    copies: frozenset[Position],
    progress: Callable[[int, int], None],
) -> tuple[Quote, ...]:
    found = quoting(catalogue, chosen, copies=copies, progress=progress)
    lines: Mapping[Position, RecordLine] = {
        line.position: line for line in catalogue.each_line(chosen | found.keys())
    }
    return tuple(
        Quote(line=lines[user], of=tuple(lines[owner] for owner in sorted(found[user])))
        for user in catalogue.order(found)
    )


def _decisions(evidence: Evidence, chosen: frozenset[Position]) -> tuple[Decided, ...]:
    return tuple(
        Decided(
            entry=entry.position,
            record=payload.record,
            engagement=payload.engagement,
            belongs=isinstance(payload, Tag),
        )
        for entry in evidence.entries_of("tag", "untag")
        if isinstance(payload := entry.payload, Tag | Untag) and payload.record in chosen
    )


def limits() -> Sequence[str]:
    """Say what no erasure reaches."""
    return (
        _("Copies of this archive made elsewhere (backups, older disks) are not reached."),
        _(
            "The mail server's copy is not touched: delete it there as well, or a message that is "
            "moved to another folder is fetched as a new one."
        ),
        _("What was handed over stays with whoever has it."),
        _(
            "A later import of a file that holds the message cannot be recognised: it would be "
            "kept as a new record."
        ),
        _("What the disk did not overwrite yet may be found with forensic tools."),
    )
