"""Which records of a thread belong to which engagement, and why: docs/engagements.md.

Everything here is computed from the arguments alone and does not depend on their order, so that a
rebuild comes to the same tags.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from typing import Final

from archiver.engagements import reasons
from archiver.engagements.days import day_of
from archiver.engagements.engagement import Engagement
from archiver.engagements.rules import Rules, Tie
from archiver.engagements.words import fold_text
from archiver.model.digest import Position
from archiver.model.tagging import Decision, RecordFacts, Tagging, TagOf, Undecided

Ties = Mapping[str, tuple[Tie, ...]]
"""What ties one record to each engagement, by slug; the most telling tie first."""


@dataclass(frozen=True, slots=True)
class _One:
    """The record's own rules say one engagement."""

    slug: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Several:
    """The record's own rules fit several engagements and cannot choose."""

    slugs: tuple[str, ...]
    """Best first."""
    same_client: bool


@dataclass(frozen=True, slots=True)
class _Unrelated:
    """Nothing in the record points to any engagement."""


_Fit = _One | _Several | _Unrelated
_UNRELATED: Final = _Unrelated()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """One record, what its own rules make of it, and what a person said of it."""

    facts: RecordFacts
    day: date
    ties: Ties
    fit: _Fit
    said: Mapping[str, Decision]

    @property
    def belongs(self) -> tuple[str, ...]:
        """Engagements to which a person said that it belongs."""
        return tuple(slug for slug, decision in self.said.items() if decision.belongs)

    def own_tags(self) -> tuple[TagOf, ...]:
        """Return the tags that do not come from the thread."""
        record = self.facts.position
        tags = {
            slug: TagOf(
                record=record,
                engagement=slug,
                decided_by="person",
                reason=reasons.of_person(self.said[slug].by),
            )
            for slug in self.belongs
        }
        if isinstance(self.fit, _One) and self.fit.slug not in tags:
            tags[self.fit.slug] = TagOf(
                record=record,
                engagement=self.fit.slug,
                decided_by="rule",
                reason=self.fit.reason,
            )
        return tuple(tags[slug] for slug in sorted(tags))


class Tagger:
    """Tags threads by the rules of some engagements; made once for many threads."""

    def __init__(
        self,
        engagements: Iterable[Engagement],
        *,
        own: frozenset[str],
        time_zone: tzinfo | None = None,
    ) -> None:
        """Prepare the rules. OWN are our addresses; days are days in TIME_ZONE.

        Without TIME_ZONE a record's day is the one its own date shows.
        """
        self._rules = Rules(engagements, own=own)
        self._time_zone = time_zone

    def tag(self, facts: Iterable[RecordFacts], decisions: Iterable[Decision]) -> Tagging:
        """Tag the records of one thread; DECISIONS on other records are ignored.

        So are decisions about engagements that are not among ours: one that was ended shows no
        tags. The journal keeps them, and they count again when its file is back.
        """
        known = self._rules.engagements
        said = _last_said(each for each in decisions if each.engagement in known)
        ordered = sorted(facts, key=lambda record: record.position)
        looks = [self._look(record, said.get(record.position, {})) for record in ordered]
        tags: list[TagOf] = []
        undecided: list[Undecided] = []
        sources: dict[str, _Look] = {}
        for look in looks:
            own = look.own_tags()
            tags.extend(own)
            for tag in own:
                sources.setdefault(tag.engagement, look)
        for look in looks:
            match _from_thread(look, sources):
                case TagOf() as tag:
                    tags.append(tag)
                case Undecided() as open_question:
                    undecided.append(open_question)
                case None:
                    pass
        tags.sort(key=lambda tag: (tag.record, tag.engagement))
        return Tagging(tags=tuple(tags), undecided=tuple(undecided))

    def explain(self, facts: RecordFacts) -> tuple[str, ...]:
        """Say everything that ties a record to any of the engagements, the most telling first."""
        look = self._look(facts, {})
        return tuple(
            reasons.of_only(tie, self._rules.engagements[slug], look.day)
            for slug, ties in look.ties.items()
            for tie in ties
        )

    def _look(self, facts: RecordFacts, said: Mapping[str, Decision]) -> _Look:
        day = day_of(facts.when, self._time_zone)
        ties = {
            slug: found
            for slug, found in self._rules.ties(facts, day).items()
            # The rules decide only among engagements that nobody excluded.
            if slug not in said or said[slug].belongs
        }
        return _Look(facts=facts, day=day, ties=ties, fit=self._fit(ties, day), said=said)

    def _fit(self, ties: Ties, day: date) -> _Fit:
        """Choose among the engagements that TIES point to."""
        slugs = _strongest(ties)
        if not slugs:
            return _UNRELATED
        known = self._rules.engagements
        if len(slugs) == 1:
            (only,) = slugs
            return _One(only, reasons.of_only(ties[only][0], known[only], day))
        inside = [slug for slug in slugs if known[slug].period.contains(day)]
        same_client = len({fold_text(known[slug].client) for slug in slugs}) == 1
        if same_client and len(inside) == 1:
            reason = reasons.of_period(ties[inside[0]][0], day, others=len(slugs) - 1)
            return _One(inside[0], reason)
        best_first = sorted(slugs, key=lambda slug: (slug not in inside, ties[slug][0].rank, slug))
        return _Several(tuple(best_first), same_client)


def tag_thread(
    facts: Sequence[RecordFacts],
    engagements: Sequence[Engagement],
    decisions: Sequence[Decision],
    *,
    own: frozenset[str],
    time_zone: tzinfo | None = None,
) -> Tagging:
    """Tag the records of one thread; for many threads make one ``Tagger``."""
    return Tagger(engagements, own=own, time_zone=time_zone).tag(facts, decisions)


def explain(
    facts: RecordFacts,
    engagement: Engagement,
    *,
    own: frozenset[str] = frozenset(),
    time_zone: tzinfo | None = None,
) -> tuple[str, ...]:
    """Say everything that ties a record to one engagement; empty when nothing does."""
    return Tagger((engagement,), own=own, time_zone=time_zone).explain(facts)


def _last_said(decisions: Iterable[Decision]) -> dict[Position, dict[str, Decision]]:
    """Return the last decision on each record and engagement."""
    said: dict[Position, dict[str, Decision]] = {}
    for decision in sorted(decisions, key=lambda decision: decision.entry):
        said.setdefault(decision.record, {})[decision.engagement] = decision
    return said


def _strongest(ties: Ties) -> tuple[str, ...]:
    """Leave only engagements that the record may be about.

    A code or a folder names the engagement: people and domains are then no second fit. A third
    party who works for several engagements is none either, where the client's people of one of
    those engagements are in the same mail.
    """
    named = tuple(slug for slug, found in ties.items() if found[0].names_engagement)
    if named:
        return named
    clients = {slug for slug, found in ties.items() if any(tie.kind != "third" for tie in found)}
    shared = {tie.address for slug in clients for tie in ties[slug] if tie.kind == "third"}
    return tuple(
        slug
        for slug, found in ties.items()
        if slug in clients or not {tie.address for tie in found} <= shared
    )


def _from_thread(look: _Look, sources: Mapping[str, _Look]) -> TagOf | Undecided | None:
    """Let the thread decide what a record's own rules and people leave open."""
    if look.belongs:
        return None
    match look.fit:
        case _One():
            return None
        case _Several(slugs=slugs, same_client=same_client):
            passed = [slug for slug in slugs if slug in sources]
            if not same_client or len(passed) != 1:
                return Undecided(
                    record=look.facts.position,
                    candidates=tuple((slug, reasons.of_tie(look.ties[slug][0])) for slug in slugs),
                )
            return _tag_among(look, passed[0], slugs, sources[passed[0]])
        case _Unrelated():
            return _tag_by_thread(look, sources)


def _tag_among(look: _Look, slug: str, slugs: Collection[str], source: _Look) -> TagOf:
    """Tag a record with the one of its client's engagements that the thread is about."""
    others = [other for other in slugs if other != slug]
    return TagOf(
        record=look.facts.position,
        engagement=slug,
        decided_by="thread",
        reason=reasons.of_thread_among(
            look.ties[slug][0], source.facts.subject, source.day, others
        ),
    )


def _tag_by_thread(look: _Look, sources: Mapping[str, _Look]) -> TagOf | Undecided | None:
    """Pass the thread's engagement on to a record that nothing else ties to any."""
    passed = [
        (slug, reasons.of_thread(sources[slug].facts.subject, sources[slug].day))
        for slug in sorted(sources)
        if slug not in look.said
    ]
    match passed:
        case []:
            return None
        case [(slug, reason)]:
            return TagOf(
                record=look.facts.position, engagement=slug, decided_by="thread", reason=reason
            )
    return Undecided(record=look.facts.position, candidates=tuple(passed))
