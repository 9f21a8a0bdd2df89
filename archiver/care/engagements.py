"""Make and change engagement files on behalf of a person, and say beforehand what would move."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from gettext import gettext as _

from archiver.care.working_copies import engagement_name, find_engagement, read, save
from archiver.catalogue.catalogue import Catalogue
from archiver.engagements.changes import Changes, changes
from archiver.engagements.edit import with_person
from archiver.engagements.engagement import Engagement, Person
from archiver.engagements.file import parse_engagement
from archiver.engagements.tagging import Tagger
from archiver.errors import UsageError
from archiver.evidence.store import Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An engagement file as it would be."""

    engagement: Engagement
    text: str


def draft(slug: str, text: str) -> Draft:
    """Parse TEXT as the file of the engagement SLUG.

    Raises ConfigurationError when it cannot be understood.
    """
    return Draft(engagement=parse_engagement(text, name=engagement_name(slug)), text=text)


def refuse_known(engagements: Sequence[Engagement], slug: str) -> None:
    """Raise UsageError when an engagement is called SLUG already."""
    if find_engagement(engagements, slug) is not None:
        raise UsageError(
            _("There is an engagement called {slug} already.").format(slug=slug),
            advice=_("Change it with `archiver engagement edit {slug}`.").format(slug=slug),
        )


def require(engagements: Sequence[Engagement], slug: str) -> Engagement:
    """Return the engagement called SLUG, or raise UsageError naming those there are."""
    found = find_engagement(engagements, slug)
    if found is None:
        names = ", ".join(engagement.slug for engagement in engagements) or _("none")
        raise UsageError(
            _("There is no engagement called {slug}.").format(slug=slug),
            advice=_("Engagements: {names}").format(names=names),
        )
    return found


def current_text(evidence: Evidence, slug: str) -> str:
    """Return the engagement's file as it stands."""
    return read(evidence, engagement_name(slug))


def store(evidence: Evidence, new: Draft, *, actor: str) -> None:
    """Write the file and journal it; the next levelling tags again."""
    save(evidence, engagement_name(new.engagement.slug), new.text, actor=actor)


def remove(evidence: Evidence, slug: str, *, actor: str) -> None:
    """End an engagement: journalled first, then the file goes. Its records stay."""
    name = engagement_name(slug)
    evidence.keep_config(name, None, actor=actor)
    (evidence.root / name).unlink(missing_ok=True)


def preview(
    catalogue: Catalogue,
    before: Sequence[Engagement],
    after: Sequence[Engagement],
    *,
    own: frozenset[str],
    time_zone: tzinfo,
) -> Changes:
    """Say what would move if the engagements were AFTER instead of BEFORE; nothing is written."""
    old = Tagger(before, own=own, time_zone=time_zone)
    new = Tagger(after, own=own, time_zone=time_zone)
    moved = [
        changes(old.tag(facts, decisions), new.tag(facts, decisions))
        for thread in catalogue.all_threads()
        for facts, decisions in [(catalogue.facts(thread), catalogue.decisions(thread))]
    ]
    return Changes(
        added=tuple(tag for each in moved for tag in each.added),
        removed=tuple(tag for each in moved for tag in each.removed),
        newly_undecided=tuple(item for each in moved for item in each.newly_undecided),
        settled=tuple(item for each in moved for item in each.settled),
    )


def replaced(engagements: Sequence[Engagement], new: Engagement) -> tuple[Engagement, ...]:
    """Return ENGAGEMENTS with NEW in the place of its namesake, or added."""
    others = [engagement for engagement in engagements if engagement.slug != new.slug]
    return tuple(sorted((*others, new), key=lambda engagement: engagement.slug))


def add_people(
    evidence: Evidence, slug: str, addresses: Sequence[str], *, actor: str
) -> tuple[str, ...]:
    """Make ADDRESSES people of the client in the engagement's file; return those that were new.

    Raises UsageError when one cannot be added (it is ours, or of another party).
    """
    name = engagement_name(slug)
    text = before = read(evidence, name)
    added = []
    for address in addresses:
        changed = with_person(text, Person(addresses=(address,)), party="client", name=name)
        if changed != text:
            added.append(address)
        text = changed
    if text != before:
        save(evidence, name, text, actor=actor)
    return tuple(added)
