"""Make and change engagement files on behalf of a person, and say beforehand what would move."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from gettext import gettext as _

from archiver.care import working_copies
from archiver.care.working_copies import engagement_name, exists, find_engagement, read, save
from archiver.catalogue.catalogue import Catalogue
from archiver.engagements.changes import Changes, changes
from archiver.engagements.check import check_engagements
from archiver.engagements.domains import canonical_address
from archiver.engagements.edit import with_person
from archiver.engagements.engagement import Engagement, Person
from archiver.engagements.file import parse_engagement
from archiver.engagements.tagging import Tagger
from archiver.errors import OperationError, UsageError
from archiver.evidence.durable import write_whole
from archiver.evidence.store import Evidence
from archiver.model.digest import Digest, Position
from archiver.model.findings import Finding


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


def refuse_known(
    engagements: Sequence[Engagement], slug: str, *, configs: Mapping[str, Digest | None]
) -> None:
    """Raise UsageError when an engagement is called SLUG already, or was.

    CONFIGS are the journalled working copies. What persons decided about an engagement that was
    ended must not count for another one.
    """
    if find_engagement(engagements, slug) is not None:
        raise UsageError(
            _("There is an engagement called {slug} already.").format(slug=slug),
            advice=_("Change it with `archiver engagement edit {slug}`.").format(slug=slug),
        )
    name = engagement_name(slug)
    if name in configs and configs[name] is None:
        raise UsageError(
            _("{slug} was used before, for an engagement that was ended.").format(slug=slug),
            advice=_(
                "Choose another name; or put its file {name} back into the archive, and it goes on."
            ).format(name=name),
        )


def require(engagements: Sequence[Engagement], slug: str) -> Engagement:
    """Return the engagement called SLUG, or raise UsageError naming those there are."""
    found = find_engagement(engagements, slug)
    if found is None:
        names = ", ".join(engagement.slug for engagement in engagements) or _("none")
        raise UsageError(
            _("There is no engagement called {slug}.").format(slug=slug),
            advice=_("Engagements: {names}.").format(names=names),
        )
    return found


def approve(
    new: Engagement, engagements: Sequence[Engagement], *, own: frozenset[str]
) -> tuple[Finding, ...]:
    """Return what is odd in NEW beside the other ENGAGEMENTS, all at once.

    Raises UsageError when that is an error: such a file is not written.
    """
    name = engagement_name(new.slug)
    findings = tuple(
        finding
        for finding in check_engagements(replaced(engagements, new), own)
        if name in finding.subject.split(", ")
    )
    errors = [finding for finding in findings if finding.level == "error"]
    if errors:
        raise UsageError(
            "\n  ".join(
                (_("{name} cannot be written so:").format(name=name), *(e.message for e in errors))
            ),
            advice=" ".join((*dict.fromkeys(e.advice for e in errors), _("Nothing was written."))),
        )
    return findings


def current_text(evidence: Evidence, slug: str) -> str:
    """Return the engagement's file as it stands."""
    return read(evidence, engagement_name(slug))


def store(evidence: Evidence, new: Draft, *, before: str | None, actor: str) -> None:
    """Write the file and journal it; the next levelling tags again.

    Raises OperationError when the file no longer says BEFORE (None: there was none), which NEW was
    made from: another process changed it. NEW is then kept beside it, for a person to compare.
    """
    name = engagement_name(new.engagement.slug)
    with evidence.config_lock():
        if before != (read(evidence, name) if exists(evidence, name) else None):
            raise _overtaken(evidence, new)
        save(evidence, name, new.text, actor=actor)


def _overtaken(evidence: Evidence, new: Draft) -> OperationError:
    name = engagement_name(new.engagement.slug)
    aside = evidence.root / f"{name}.mine"
    write_whole(evidence.disk, aside, new.text.encode())
    return OperationError(
        _("{name} was changed by another command meanwhile; that version stays.").format(name=name),
        advice=_("Yours is in {path}: compare them, and put what you want into {name}.").format(
            path=aside, name=name
        ),
    )


def remove(evidence: Evidence, slug: str, *, actor: str) -> None:
    """End an engagement: its file goes, its records and the journal stay."""
    with evidence.config_lock():
        working_copies.remove(evidence, engagement_name(slug), actor=actor)


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


def ourselves(engagements: Iterable[Engagement], *, own: frozenset[str]) -> frozenset[str]:
    """Return the addresses of our side: OWN and those listed as ours, in the form for comparing."""
    listed = [person.canonical for engagement in engagements for person in engagement.us]
    return frozenset(map(canonical_address, own)).union(*listed)


def senders(
    catalogue: Catalogue, records: Sequence[Position], *, ours: frozenset[str]
) -> tuple[str, ...]:
    """Return the addresses that RECORDS are from and that are not OURS, for a rule.

    Raises UsageError when there is none.
    """
    found = frozenset(
        canonical_address(mailbox.address)
        for line in catalogue.lines(records)
        for mailbox in line.from_
        if mailbox.address
    )
    if found <= ours:
        names = ", ".join(sorted(found))
        raise UsageError(
            _("{address} is on our side: our own address cannot be a rule.").format(address=names)
            if found
            else _("There is no sender's address to make a rule of."),
            advice=_("Decide without --make-rule. Nothing was written."),
        )
    return tuple(sorted(found - ours))


def add_people(
    evidence: Evidence, slug: str, addresses: Sequence[str], *, actor: str
) -> tuple[str, ...]:
    """Make ADDRESSES people of the client in the engagement's file; return those that were new.

    Raises UsageError when one cannot be added (it is ours, or of another party).
    """
    name = engagement_name(slug)
    added = []
    with evidence.config_lock():
        text = before = read(evidence, name)
        for address in addresses:
            changed = with_person(text, Person(addresses=(address,)), party="client", name=name)
            if changed != text:
                added.append(address)
            text = changed
        if text != before:
            save(evidence, name, text, actor=actor)
    return tuple(added)
