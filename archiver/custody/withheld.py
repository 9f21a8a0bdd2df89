"""Withheld records: by a person's hand, by rule in headers and text, and as a copy of such a one.

Nothing of it is stored but what a person decides (``restrict`` and ``release`` entries): the rules
are asked each time, so that a lawyer who is named today is kept out of tomorrow's dossier.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from gettext import gettext as _
from gettext import ngettext

from archiver.catalogue.catalogue import Catalogue
from archiver.engagements.domains import canonical_address, canonical_domain
from archiver.errors import OperationError
from archiver.evidence.store import Evidence
from archiver.model.custody import Note, Release, Restrict
from archiver.model.digest import Digest, Position
from archiver.model.entries import Payload
from archiver.model.record import RecordView
from archiver.model.withholding import Ground, Withholding
from archiver.reading.everything import everything
from archiver.secrecy import WORDS, Secrecy, fold, pattern_of, phrase

_EDGE = r"(?<![^\W_])(?:{})(?![^\W_])"
_BEFORE_DOMAIN = r"(?<![\w-])"
_AFTER = r"(?![\w-])"
APART = "\n\0" + "\n" * 14
"""Between two texts: too long for a gap between two words."""
_PLUS = r"(?:\+[^@\s]{0,64})?"

Sources = Sequence[tuple[str, Secrecy]]
"""Each ``[withheld]`` with the name of the working copy that it stands in."""


# --- rules ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Rule:
    ground: Ground
    letters: str
    """They stand in every text that the pattern matches: looked for first, as that is fast."""
    pattern: re.Pattern[str]

    def meets(self, text: str) -> bool:
        return self.letters in text and bool(self.pattern.search(text))


class Matcher:
    """The rules of an archive and of engagements, ready to be asked about a text."""

    def __init__(self, sources: Sources) -> None:
        """Prepare the rules of SOURCES; built-in words count unless one of them says ``off``."""
        self._rules = (*_built_in(sources), *_own(sources))

    def grounds(self, text: str) -> tuple[Ground, ...]:
        """Return why TEXT, as it was written, is to be withheld; nothing when no rule is met."""
        folded = fold(text)
        return tuple(rule.ground for rule in self._rules if rule.meets(folded))


def sources_of(archive: Secrecy, engagements: Iterable[tuple[str, Secrecy]] = ()) -> Sources:
    """Return the rules of ``archive.toml`` and of ENGAGEMENTS, which are given by their slugs."""
    return (
        ("archive.toml", archive),
        *((f"engagements/{slug}.toml", secrecy) for slug, secrecy in engagements),
    )


def _built_in(sources: Sources) -> Iterator[_Rule]:
    off = {word for _name, secrecy in sources for word in secrecy.off}
    for name, word in WORDS.items():
        if name not in off:
            ground = Ground(kind="word", about=word.about, value=name)
            yield _Rule(ground, word.letters, _compiled(_EDGE.format(pattern_of(word))))


def _own(sources: Sources) -> Iterator[_Rule]:
    for source, secrecy in sources:
        for address in dict.fromkeys(secrecy.addresses):
            ground = Ground(kind="address", about="lawyer", value=address, source=source)
            for spelt in _spellings(address, canonical_address):
                local, _at, domain = spelt.rpartition("@")
                pattern = rf"(?<![\w.+-]){re.escape(local)}{_PLUS}@{re.escape(domain)}{_AFTER}"
                yield _Rule(ground, domain, _compiled(pattern))
        for domain in dict.fromkeys(secrecy.domains):
            ground = Ground(kind="domain", about="lawyer", value=domain, source=source)
            for spelt in _spellings(domain, canonical_domain):
                pattern = f"{_BEFORE_DOMAIN}{re.escape(spelt)}{_AFTER}"
                yield _Rule(ground, spelt, _compiled(pattern))
        for words in dict.fromkeys(secrecy.words):
            ground = Ground(kind="word", about="other", value=words, source=source)
            found = phrase(words)
            longest = max(re.findall(r"[^\W_]+", fold(words)), key=len)
            yield _Rule(ground, longest, _compiled(_EDGE.format(found)))


def _spellings(name: str, canonical: Callable[[str], str]) -> tuple[str, ...]:
    """Return NAME as people write it, and as DNS spells it (RFC 5890)."""
    return tuple(dict.fromkeys((fold(name.strip()), canonical(name))))


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


# --- what persons decided -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ByHand:
    """What persons said about one record last."""

    restricted: tuple[Ground, ...] = ()
    """Restrictions that still stand."""
    released: bool = False
    """Whether the record is let out, whatever the rules say."""


def by_hand(evidence: Evidence) -> Mapping[Position, ByHand]:
    """Return what persons decided about records, in the order in which they did."""
    found: dict[Position, ByHand] = {}
    restricts: dict[Position, Position] = {}
    words: dict[Position, str] = {}
    for entry in evidence.entries_of("restrict", "release", "note"):
        match entry.payload:
            case Restrict(record=record):
                ground = Ground(
                    kind="person",
                    about="other",
                    value="",
                    entry=entry.position,
                    at=entry.at,
                    actor=entry.actor,
                )
                before = found.get(record, ByHand()).restricted
                found[record] = ByHand((*before, ground))
                restricts[entry.position] = record
            case Release(entry=ended, record=record):
                if record is not None:
                    found[record] = ByHand(released=True)
                if ended is not None and ended in restricts:
                    found[restricts[ended]] = _without(found[restricts[ended]], ended)
            case Note(entry=about):
                words[about] = entry.payload.words
            case _:
                pass
    return {record: _with_words(said, words) for record, said in found.items()}


def known_by_hand(evidence: Evidence, catalogue: Catalogue) -> frozenset[Position]:
    """Return the records that persons withhold and that are there still."""
    wanted = {record for record, said in by_hand(evidence).items() if said.restricted}
    return frozenset(catalogue.order(wanted))


def _without(said: ByHand, entry: Position) -> ByHand:
    kept = tuple(ground for ground in said.restricted if ground.entry != entry)
    return replace(said, restricted=kept)


def _with_words(said: ByHand, words: Mapping[Position, str]) -> ByHand:
    named = (
        replace(ground, value=words.get(ground.entry, "")) if ground.entry is not None else ground
        for ground in said.restricted
    )
    return replace(said, restricted=tuple(named))


def withhold(
    evidence: Evidence, records: Sequence[Position], *, reason: str, actor: str
) -> tuple[Position, ...]:
    """Journal that RECORDS are withheld; return those that were not withheld by hand before.

    REASON, a person's free words, stands in a ``note`` of its own for each of them.
    """
    decided: list[Position] = []

    def payloads(first: int) -> list[Payload]:
        said = by_hand(evidence)
        found: list[Payload] = []
        for record in dict.fromkeys(records):
            if record in said and said[record].restricted:
                continue
            decided.append(record)
            entry = Position(first + len(found))
            found.append(Restrict(record=record))
            if reason:
                found.append(Note(entry=entry, records=(record,), words=reason))
        return found

    evidence.append_next(payloads, actor=actor)
    return tuple(decided)


# --- which records --------------------------------------------------------------------------------


def find_withheld(
    evidence: Evidence,
    catalogue: Catalogue,
    records: Iterable[Position],
    matcher: Matcher,
    *,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Mapping[Position, Withholding]:
    """Return those of RECORDS that are withheld, and why, in journal order.

    All copies of each are looked at, also those that are not among RECORDS: that our own Sent copy
    names a lawyer in Bcc withholds the received one too. A record that a person released is not
    withheld, and is no reason to withhold its copies.
    """
    wanted = frozenset(records)
    said = by_hand(evidence)
    copies = _Copies(catalogue, wanted)
    everyone = sorted(copies.all)
    found: dict[Position, Withholding] = {}
    for done, record in enumerate(everyone):
        progress(done, len(everyone))
        if grounds := _grounds(evidence, catalogue, record, matcher, said.get(record, ByHand())):
            found[record] = Withholding(record=record, grounds=grounds)
    progress(len(everyone), len(everyone))
    for record in everyone:
        origin = next((each for each in copies.of(record) if each in found), None)
        released = record in said and said[record].released
        if record not in found and origin is not None and not released:
            found[record] = Withholding(
                record=record,
                grounds=found[origin].grounds,
                copy_of=found[origin].copy_of or origin,
            )
    return {record: found[record] for record in everyone if record in found and record in wanted}


class _Copies:
    """The records that are one writing, for each of some records."""

    def __init__(self, catalogue: Catalogue, records: frozenset[Position]) -> None:
        self._of: dict[Position, tuple[Position, ...]] = {}
        known: dict[Digest, Position | None] = {}
        for line in catalogue.each_line(sorted(records)):
            others: list[Position] = []
            for digest in line.variants:
                if digest not in known:
                    known[digest] = catalogue.position_of(digest)
                if (position := known[digest]) is not None:
                    others.append(position)
            group = tuple(sorted((line.position, *others)))
            self._of |= dict.fromkeys(group, group)

    @property
    def all(self) -> Iterable[Position]:
        return self._of.keys()

    def of(self, record: Position) -> tuple[Position, ...]:
        return self._of[record]


def _grounds(
    evidence: Evidence, catalogue: Catalogue, record: Position, matcher: Matcher, said: ByHand
) -> tuple[Ground, ...]:
    if said.released:
        return ()
    view = catalogue.view(record)
    try:
        data = evidence.read(view.line.digest)
    except OperationError:  # `verify` tells of it; a dossier is refused where it would go out
        data = b""
    return (*said.restricted, *matcher.grounds(APART.join(_said(view, data))))


def _said(view: RecordView, data: bytes) -> Iterator[str]:
    """Yield all that is said in a record: what the catalogue has of it, and what its bytes hold."""
    yield from everything(data)
    yield "\n".join(f"{name}: {value}" for name, value in view.headers)
    yield view.text
    for attachment in view.attachments:
        yield attachment.name
        yield attachment.text or ""


# --- words ----------------------------------------------------------------------------------------


def ground_words(ground: Ground) -> str:
    """Say for the archive's owner why something is withheld; never for a dossier."""
    match ground.kind:
        case "person":
            who = ground.actor.removeprefix("person:")
            said = _("by hand, {who}").format(who=who)
            return f"{said}: {ground.value}" if ground.value else said
        case "address":
            return _("address {value} ({source})").format(value=ground.value, source=ground.source)
        case "domain":
            return _("domain {value} ({source})").format(value=ground.value, source=ground.source)
        case "word":
            source = ground.source or _("built-in")
            return _("words “{value}” ({source})").format(value=ground.value, source=source)


def tell_withheld(
    found: Mapping[Position, Withholding], *, slug: str, exported: frozenset[Position]
) -> tuple[str, ...]:
    """Say before a dossier is written what it will not hold; EXPORTED went out in earlier ones."""
    if not found:
        return ()
    count = len(found)
    lines = [
        ngettext(
            "{count} record is withheld. data/withheld.csv tells number, date and reason only:",
            "{count} records are withheld. data/withheld.csv tells number, date and reason only:",
            count,
        ).format(count=count)
    ]
    reasons: defaultdict[str, int] = defaultdict(int)
    for withholding in found.values():
        for words in {ground_words(ground) for ground in withholding.grounds}:
            reasons[words] += 1
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    lines += (f"  {words}: {number}" for words, number in ordered)
    if gone := len(exported & found.keys()):
        lines.append(
            ngettext(
                "  {count} of them went out in an earlier dossier.",
                "  {count} of them went out in earlier dossiers.",
                gone,
            ).format(count=gone)
        )
    lines.append(
        "  "
        + _(
            "Which ones: archiver withhold --engagement {slug}. To let one out: archiver release ID"
        ).format(slug=slug)
    )
    return tuple(lines)
