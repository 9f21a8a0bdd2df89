"""Find what is odd in engagement files that can be read; repairs nothing."""

from collections.abc import Iterator, Sequence
from gettext import gettext as _
from itertools import combinations

from archiver.engagements.domains import canonical_address, domain_of, is_public, parents
from archiver.engagements.engagement import Engagement, Person
from archiver.engagements.words import fold_folder, fold_text
from archiver.model.findings import Finding


def check_engagements(
    engagements: Sequence[Engagement], own: frozenset[str]
) -> tuple[Finding, ...]:
    """Return what is odd in ENGAGEMENTS; OWN are our addresses."""
    ours = frozenset(map(canonical_address, own))
    ordered = sorted(engagements, key=lambda engagement: engagement.slug)
    findings: list[Finding] = []
    for engagement in ordered:
        findings.extend(_periods(engagement))
        findings.extend(_own_addresses(engagement, ours))
        findings.extend(_both_sides(engagement))
        findings.extend(_rules(engagement))
    for one, other in combinations(ordered, 2):
        findings.extend(_pair(one, other))
    return tuple(findings)


def _subject(engagement: Engagement) -> str:
    return f"engagements/{engagement.slug}.toml"


def _who(person: Person) -> str:
    return ", ".join(person.addresses)


def _periods(engagement: Engagement) -> Iterator[Finding]:
    """Find days in the wrong order."""
    if engagement.period.reversed:
        yield Finding(
            code="period-reversed",
            level="error",
            subject=_subject(engagement),
            message=_("The last day, {before}, comes before the first, {after}.").format(
                before=engagement.period.before, after=engagement.period.after
            ),
            advice=_("Write the first day at after and the last at before."),
        )
    for _party, person in engagement.persons():
        if person.period.reversed:
            yield Finding(
                code="person-days-reversed",
                level="error",
                subject=_subject(engagement),
                message=_("{person}: until, {until}, comes before from, {from_}.").format(
                    person=_who(person), until=person.until, from_=person.from_
                ),
                advice=_("Write the person's first day at from and the last at until."),
            )


def _own_addresses(engagement: Engagement, ours: frozenset[str]) -> Iterator[Finding]:
    """Find ourselves on the client's side."""
    for party, person in engagement.persons():
        for address in sorted(person.canonical & ours if party != "us" else ()):
            yield Finding(
                code="own-address-as-party",
                level="error",
                subject=_subject(engagement),
                message=_("{address} is one of our own addresses, listed as {party}.").format(
                    address=address, party=party
                ),
                advice=_('Write party = "us" there, or take it out of the account\'s addresses.'),
            )
    own_domains = {domain_of(address) for address in ours}
    for domain in engagement.domains:
        if any(domain in parents(own) for own in own_domains if not is_public(own)):
            yield Finding(
                code="own-domain-as-client",
                level="warning",
                subject=_subject(engagement),
                message=_(
                    "{domain} is given as the client's, and we have an address there."
                ).format(domain=domain),
                advice=_(
                    "If it is our domain, take it out of domains; if the client lent us the "
                    "address, nothing needs to be done."
                ),
            )


def _both_sides(engagement: Engagement) -> Iterator[Finding]:
    """Find an address that stands for two parties on the same days."""
    for (party, person), (other_party, other) in combinations(engagement.persons(), 2):
        if party == other_party or not person.period.overlaps(other.period):
            continue
        for address in sorted(person.canonical & other.canonical):
            yield Finding(
                code="person-of-two-parties",
                level="error",
                subject=_subject(engagement),
                message=_("{address} is listed as {party} and as {other}.").format(
                    address=address, party=party, other=other_party
                ),
                advice=_("Keep one entry, or give each the days it stands for (from, until)."),
            )


def _rules(engagement: Engagement) -> Iterator[Finding]:
    """Find engagements that catch nothing, and folders that catch everything."""
    if not engagement.has_rules:
        yield Finding(
            code="engagement-without-rules",
            level="warning",
            subject=_subject(engagement),
            message=_("Nothing ties any mail to {slug}.").format(slug=engagement.slug),
            advice=_("Give it a domain, a person of the client, a code or a folder."),
        )
    for folder in engagement.folders:
        if fold_folder(folder) == "inbox":
            yield Finding(
                code="folder-is-inbox",
                level="warning",
                subject=_subject(engagement),
                message=_("The folder {folder} ties all incoming mail to {slug}.").format(
                    folder=folder, slug=engagement.slug
                ),
                advice=_("Name the folder into which this engagement's mail is sorted."),
            )


def _pair(one: Engagement, other: Engagement) -> Iterator[Finding]:
    """Find mail that two engagements would both claim."""
    subject = f"{_subject(one)}, {_subject(other)}"
    same_client = fold_text(one.client) == fold_text(other.client)
    apart = same_client and not one.period.overlaps(other.period)
    codes = sorted(set(map(fold_text, one.codes)) & set(map(fold_text, other.codes)))
    if codes and not apart:
        yield Finding(
            code="code-shared",
            level="warning",
            subject=subject,
            message=_("Both have the code {codes}.").format(codes=", ".join(codes)),
            advice=_("Give each a code of its own: mail that names a shared one goes to triage."),
        )
    shared = _shared(one, other)
    if not shared or apart or (same_client and one.codes and other.codes):
        return
    message = (
        _("Both fit mail of {shared} on the same days, and no code in subjects tells them apart.")
        if same_client
        else _("They have different clients, and both fit mail of {shared}.")
    )
    yield Finding(
        code="engagements-overlap",
        level="note",
        subject=subject,
        message=message.format(shared=", ".join(shared)),
        advice=_("Give each a subject code or a folder; until then such mail goes to triage."),
    )


def _shared(one: Engagement, other: Engagement) -> tuple[str, ...]:
    """Return addresses and domains that tie mail to both."""
    first, second = _addresses(one), _addresses(other)
    shared = first & second
    for addresses, domains in ((first, other.domains), (second, one.domains)):
        shared |= {item for item in addresses if set(parents(domain_of(item))) & set(domains)}
    for lower, upper in ((one, other), (other, one)):
        shared |= {item for item in lower.domains if set(parents(item)) & set(upper.domains)}
    return tuple(sorted(shared))


def _addresses(engagement: Engagement) -> frozenset[str]:
    people = (*engagement.people, *engagement.third)
    return frozenset().union(*(person.canonical for person in people))
