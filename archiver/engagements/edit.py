"""Write an engagement file and add rules to one, so that a person's own words in it stay."""

from collections.abc import Sequence
from datetime import date
from gettext import gettext as _
from typing import TYPE_CHECKING, Final, cast

from archiver.engagements.domains import canonical_address, canonical_domain
from archiver.engagements.engagement import (
    Engagement,
    Party,
    Period,
    Person,
    Retention,
    RuleKind,
    check_slug,
)
from archiver.engagements.file import parse_engagement, read_engagement
from archiver.engagements.words import fold_folder, fold_text
from archiver.errors import ConfigurationError, UsageError
from archiver.tables import SCHEMA, append_tables, comment, insert_table

if TYPE_CHECKING:
    from tomlkit.items import Array, Table

_KEYS: Final[dict[RuleKind, str]] = {"domain": "domains", "code": "codes", "folder": "folders"}


def new_engagement(
    slug: str,
    *,
    client: str,
    domains: Sequence[str] = (),
    people: Sequence[str] = (),
    us: Sequence[str] = (),
    codes: Sequence[str] = (),
    folders: Sequence[str] = (),
    after: date | None = None,
    before: date | None = None,
) -> str:
    """Write the file of a new engagement, with comments for whoever edits it later.

    PEOPLE (the client's) and US are addresses. Raises UsageError telling all that is wrong.
    """
    check_slug(slug)
    _check_period(Period(after=after, before=before))
    blocks = (
        comment(
            _(
                "Engagement {slug}. Edit this file as you like; archiver engagement check "
                "says whether it is understood."
            ).format(slug=slug)
        )
        + f"\nschema = {SCHEMA}",
        _block(_("The client. Write it alike in all engagements of one client."), client=client),
        comment(
            _(
                "The first and the last day, both included. They help to choose between "
                "engagements of one client; they exclude nothing."
            )
        )
        + f"\n{_day('after', after)}\n{_day('before', before)}",
        _block(
            _(
                "The client's own mail domains, subdomains included. Not gmail.com or orange.fr: "
                "list people there one by one, below."
            ),
            domains=list(domains),
        ),
        _block(
            _("Words that name this engagement in a subject; case and accents do not matter."),
            codes=list(codes),
        ),
        _block(
            _('Mailbox folders that hold its mail: "folder" or "account/folder".'),
            folders=list(folders),
        ),
        _agreed_example(),
        # Last, so that people added at the end of the file stand together.
        _people(us=us, people=people),
    )
    return _approved("\n\n".join(blocks) + "\n", name=f"{slug}.toml")


def with_person(text: str, person: Person, *, party: Party, name: str) -> str:
    """Return the engagement file TEXT with PERSON added at its end; nothing else changes.

    TEXT comes back unchanged when the party has these addresses for the same days already. Raises
    UsageError when the person cannot be added, ConfigurationError when TEXT was wrong before.
    """
    engagement = parse_engagement(text, name=name)
    _check_period(person.period)
    for side, known in engagement.persons():
        shared = known.canonical & person.canonical
        if side == party and known.period == person.period and person.canonical <= known.canonical:
            return text
        if side != party and shared and known.period.overlaps(person.period):
            raise UsageError(
                _("{address} is already listed in {name}, with party = {side}.").format(
                    address=min(shared), name=name, side=side
                ),
                advice=_("Change that entry, or give each the days it stands for (from, until)."),
            )
    return _approved(append_tables(text, {"person": [_person_table(person, party)]}), name=name)


def with_rule(text: str, kind: RuleKind, value: str, *, name: str) -> str:
    """Return the engagement file TEXT with one more domain, code or folder, comments kept.

    TEXT comes back unchanged when the rule stands there already. Raises UsageError when the rule
    is refused (a public mail domain), ConfigurationError when TEXT was wrong before.
    """
    import tomlkit  # only what edits a file needs it

    engagement = parse_engagement(text, name=name)
    if _has_rule(engagement, kind, value):
        return text
    document = tomlkit.parse(text.removeprefix("\ufeff"))
    key = _KEYS[kind]
    if key not in document:
        document[key] = tomlkit.array()
    cast("Array", document[key]).append(value)
    return _approved(tomlkit.dumps(document), name=name)


def with_retention(text: str, retention: Retention, *, name: str) -> str:
    """Return the engagement file TEXT saying until when it is kept, and why; comments stay.

    Raises UsageError when the reason is empty, ConfigurationError when TEXT was wrong before.
    """
    import tomlkit  # only what edits a file needs it

    known = parse_engagement(text, name=name).retention
    if known == retention:
        return text
    values = {"until": retention.until, "reason": retention.reason}
    if known is None:
        return _approved(insert_table(text, {"retention": values}), name=name)
    document = tomlkit.parse(text.removeprefix("\ufeff"))
    cast("Table", document["retention"]).update(values)
    return _approved(tomlkit.dumps(document), name=name)


def _has_rule(engagement: Engagement, kind: RuleKind, value: str) -> bool:
    match kind:
        case "domain":
            return canonical_domain(value) in engagement.domains
        case "code":
            return fold_text(value) in map(fold_text, engagement.codes)
        case "folder":
            return fold_folder(value) in map(fold_folder, engagement.folders)


def _approved(text: str, *, name: str) -> str:
    """Return TEXT when it is a good engagement file; else tell the user of the command why not."""
    try:
        _engagement, problems = read_engagement(text, name=name)
    except ConfigurationError as error:
        problems = [error.what]
    if problems:
        raise UsageError(
            "\n  ".join((_("{name} cannot be written so:").format(name=name), *problems)),
            advice=_("Correct these values, then run the command again. Nothing was written."),
        )
    return text


def _check_period(period: Period) -> None:
    if period.reversed:
        raise UsageError(
            _("The last day, {before}, comes before the first, {after}.").format(
                before=period.before, after=period.after
            ),
            advice=_("Give the earlier day first."),
        )


def _block(explanation: str, **values: str | list[str]) -> str:
    import tomlkit  # only what writes a file needs it

    return f"{comment(explanation)}\n{tomlkit.dumps(values).rstrip()}"


def _day(key: str, day: date | None) -> str:
    return f"{key} = {day.isoformat()}" if day else f"# {key} = 2026-01-31"


def _people(*, us: Sequence[str], people: Sequence[str]) -> str:
    explanation = comment(
        _(
            "People, one [[person]] each. party is client, us or third (another supplier, an "
            "expert). address is one address or a list. name, role, from and until (days) are "
            "optional."
        )
    )
    entries: dict[tuple[str, Party], dict[str, object]] = {}
    for party, addresses in (("client", people), ("us", us)):
        for address in addresses:
            key = (canonical_address(address), cast("Party", party))
            entries[key] = _person_table(Person(addresses=(address,)), cast("Party", party))
    if not entries:
        return f'{explanation}\n# [[person]]\n# party = "client"\n# address = "name@example.org"'
    return append_tables(explanation, {"person": list(entries.values())}).rstrip()


def _person_table(person: Person, party: Party) -> dict[str, object]:
    addresses = list(person.addresses)
    table: dict[str, object] = {
        "party": party,
        "address": addresses[0] if len(addresses) == 1 else addresses,
    }
    optional: tuple[tuple[str, object], ...] = (
        ("name", person.name),
        ("role", person.role),
        ("from", person.from_),
        ("until", person.until),
    )
    return table | {key: value for key, value in optional if value}


def _agreed_example() -> str:
    when = _("first Tuesday of each month")
    return "\n".join(
        (
            comment(_("What was agreed about how to work together, in your own words.")),
            "# [agreed]",
            f'# steering_committee = "{when}"',
            "# tacit_acceptance_days = 15",
        )
    )
