"""Everything that names a person: for a request of access, or one of erasure."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from archiver.catalogue.catalogue import Catalogue
from archiver.custody.handed_over import HandedOver, handed_over
from archiver.custody.holds import ActiveHold, active_holds, covering
from archiver.engagements.engagement import Engagement
from archiver.errors import OperationError
from archiver.evidence.store import Evidence
from archiver.model.custody import Note
from archiver.model.digest import Position
from archiver.model.entries import Tag, Untag
from archiver.model.record import RecordLine
from archiver.reading.everything import everything

ROLES = ("from", "to", "cc", "bcc", "reply-to")
SOURCE = "source"
"""Named in the message, in a place that is not shown: an address behind a link, say."""
_ENCODED = (b"base64", b"=?", b"=40", b"&#", b"%40")
"""Signs of letters that do not stand in the bytes as they are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A record that names the person."""

    line: RecordLine
    why: tuple[str, ...]
    """Roles (from, to, cc, bcc, reply-to), or where the text names them (subject, header, text,
    file-name, attachment, source)."""
    holds: tuple[Position, ...]
    """The holds that keep it from being erased."""

    @property
    def is_party(self) -> bool:
        """Whether the person wrote it or was written to; else it only mentions them."""
        return any(role in ROLES for role in self.why)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a person decided about one of the records."""

    entry: Position
    at: datetime
    actor: str
    record: Position
    engagement: str
    belongs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """Free words in the journal that name the person."""

    entry: Position
    at: datetime
    actor: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonFile:
    """All that was found about a person."""

    address: str
    names: tuple[str, ...]
    """Under which the address was seen."""
    records: tuple[Named, ...]
    """Newest first."""
    decisions: tuple[Said, ...]
    holds: tuple[ActiveHold, ...]
    """On one of the records, or naming the person in their reason."""
    handed_over: tuple[HandedOver, ...]
    """Dossiers and proofs that hold one of the records, or that were for the person."""
    notes: tuple[Noted, ...]
    engagements: tuple[str, ...]
    """Engagement files that name the person; erasing records does not change them."""
    unread: int
    """Records whose bytes could not be read: nobody knows whether they name the person."""


def names_anyone(needles: Sequence[str]) -> Callable[[str], bool]:
    """Return what tells whether a text has one of NEEDLES, an address or a name, as a whole."""
    spelt = "|".join(r"\s+".join(map(re.escape, needle.split())) for needle in needles)
    pattern = re.compile(rf"(?<![\w.+-])(?:{spelt})(?![\w-]|\.\w)", re.IGNORECASE)
    return lambda text: pattern.search(text) is not None


def gather(
    evidence: Evidence,
    catalogue: Catalogue,
    address: str,
    *,
    names: Sequence[str] = (),
    engagements: Sequence[Engagement] = (),
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> PersonFile:
    """Gather everything that names ADDRESS, or one of NAMES."""
    meets = names_anyone((address, *names))
    why, unread = _why(evidence, catalogue, (address, *names), meets, progress)
    holds = active_holds(evidence)
    held = covering(holds, catalogue, why)
    records = tuple(
        Named(
            line=line,
            why=why[line.position],
            holds=tuple(hold.entry for hold in held.get(line.position, ())),
        )
        for line in catalogue.each_line(catalogue.order(why))
    )
    over = {hold.entry for each in held.values() for hold in each}
    return PersonFile(
        address=address,
        names=catalogue.names(address),
        records=records,
        decisions=tuple(_decisions(evidence, why)),
        holds=tuple(hold for hold in holds if hold.entry in over or meets(hold.reason)),
        handed_over=tuple(
            each for each in handed_over(evidence) if each.of(why) or meets(each.recipient)
        ),
        notes=tuple(_notes(evidence, meets)),
        engagements=tuple(each.slug for each in engagements if _lists(each, meets)),
        unread=unread,
    )


def _why(
    evidence: Evidence,
    catalogue: Catalogue,
    needles: Sequence[str],
    meets: Callable[[str], bool],
    progress: Callable[[int, int], None],
) -> tuple[dict[Position, tuple[str, ...]], int]:
    """Return why each record names the person, and how many records could not be read.

    The first of NEEDLES is the address.
    """
    parties = catalogue.roles(needles[0])
    mentions = catalogue.mentions(meets)
    found: dict[Position, tuple[str, ...]] = {}
    unread = 0
    total = catalogue.count_records()
    for done, (position, data) in enumerate(_all_bytes(evidence, catalogue), 1):
        roles = tuple(role for role in ROLES if role in parties.get(position, ()))
        # That the header names a party follows from the role.
        places = tuple(
            place for place in mentions.get(position, ()) if not (roles and place == "header")
        )
        if roles or places:
            found[position] = (*roles, *places)
        elif data is None:
            unread += 1
        elif _may_name(data, needles) and any(map(meets, everything(data))):
            found[position] = (SOURCE,)
        if done % 500 == 0:
            progress(done, total)
    progress(total, total)
    return found, unread


def _all_bytes(evidence: Evidence, catalogue: Catalogue) -> Iterator[tuple[Position, bytes | None]]:
    for document in catalogue.documents(0):
        position = Position(document.key)
        try:
            yield position, evidence.read(evidence.record(position).object)
        except OperationError:
            yield position, None


def _may_name(data: bytes, needles: Sequence[str]) -> bool:
    """Tell whether DATA is worth taking apart: most mail shows at a glance that it is not."""
    letters = data.replace(b"=\r\n", b"").replace(b"=\n", b"").lower()
    if any(mark in letters for mark in _ENCODED):
        return True
    return any(
        needle.split()[0].lower().encode("utf-8", "replace") in letters for needle in needles
    )


def _decisions(evidence: Evidence, records: Mapping[Position, object]) -> Iterator[Said]:
    for entry in evidence.entries_of("tag", "untag"):
        match entry.payload:
            case (Tag() | Untag()) as said if said.record in records:
                yield Said(
                    entry=entry.position,
                    at=entry.at,
                    actor=entry.actor,
                    record=said.record,
                    engagement=said.engagement,
                    belongs=isinstance(said, Tag),
                )
            case _:
                pass


def _notes(evidence: Evidence, meets: Callable[[str], bool]) -> Iterator[Noted]:
    for entry in evidence.entries_of("note"):
        if isinstance(entry.payload, Note) and meets(entry.payload.words):
            yield Noted(
                entry=entry.position,
                at=entry.at,
                actor=entry.actor,
                words=entry.payload.words,
            )


def _lists(engagement: Engagement, meets: Callable[[str], bool]) -> bool:
    return any(
        meets(word)
        for _party, person in engagement.persons()
        for word in (*person.addresses, person.name)
    )
