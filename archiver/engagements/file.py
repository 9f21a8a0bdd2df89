"""Read ``engagements/<slug>.toml`` (docs/engagements.md)."""

import re
import unicodedata
from gettext import gettext as _
from typing import Final, cast

from archiver.engagements.domains import canonical_domain, domain_problem
from archiver.engagements.engagement import (
    PARTIES,
    Engagement,
    Party,
    Period,
    Person,
    Retention,
    slug_problem,
)
from archiver.secrecy import read_secrecy
from archiver.tables import Table, address_problem, open_table, raise_problems

_REPLIES: Final = frozenset({"re", "fw", "fwd", "tr", "aw", "wg", "rv", "ref", "réf", "rép"})
"""What mail programs write before the subject of an answer: no engagement's code."""
_SHORTEST_CODE: Final = 2
_LETTER: Final = re.compile(r"[^\W_]")


def parse_engagement(text: str, *, name: str) -> Engagement:
    """Read the engagement file NAME (``acme-2026.toml``, with or without its folder).

    Raises ConfigurationError telling all errors at once, each with its place.
    """
    engagement, problems = read_engagement(text, name=name)
    raise_problems(problems, name=name)
    return engagement


def read_engagement(text: str, *, name: str) -> tuple[Engagement, list[str]]:
    """Read as far as possible, and return what is wrong beside what was read.

    Raises ConfigurationError when TEXT is no TOML at all or was written for a later version.
    """
    table = open_table(text, name=name)
    slug = re.split(r"[/\\]", name)[-1].removesuffix(".toml")
    if problem := slug_problem(slug):
        table.problems.append(_("the file's name: {problem}").format(problem=problem))
    return _engagement(table, slug), table.problems


def code_problem(code: str) -> str | None:
    """Say why CODE cannot name an engagement in a subject, or return None."""
    if code.strip().lower() in _REPLIES:
        return _(
            "{code!r} begins the subject of every reply; choose words that only this engagement has"
        ).format(code=code)
    if len(_LETTER.findall(code)) < _SHORTEST_CODE:
        return _("{code!r} is too short: a code has two letters or digits at least").format(
            code=code
        )
    return None


def folder_problem(folder: str) -> str | None:
    """Say why FOLDER cannot name a mailbox folder, or return None."""
    if any(unicodedata.category(character) == "Cc" for character in folder):
        return _("{folder!r} holds a control character").format(folder=folder)
    if folder.strip("/") != folder:
        return _("{folder!r} starts or ends with a slash; write folder or account/folder").format(
            folder=folder
        )
    return None


def _engagement(table: Table, slug: str) -> Engagement:
    people: dict[str, list[Person]] = {party: [] for party in PARTIES}
    client = table.text("client", missing=_("the client's name is missing"))
    title = table.text("title")
    period = Period(after=table.day("after"), before=table.day("before"))
    domains = table.texts("domains", check=domain_problem)
    codes = table.texts("codes", check=code_problem)
    folders = table.texts("folders", check=folder_problem)
    for entry in table.tables("person"):
        party, person = _person(entry)
        people[party].append(person)
    agreed = _agreed(table.table("agreed"))
    retention = _retention(table.table("retention")) if "retention" in table else None
    withheld = read_secrecy(table.table("withheld"))
    table.close()
    return Engagement(
        slug=slug,
        client=client,
        title=title,
        us=tuple(people["us"]),
        people=tuple(people["client"]),
        third=tuple(people["third"]),
        domains=tuple(dict.fromkeys(map(canonical_domain, domains))),
        codes=tuple(dict.fromkeys(codes)),
        folders=tuple(dict.fromkeys(folders)),
        period=period,
        agreed=agreed,
        retention=retention,
        withheld=withheld,
    )


def _person(table: Table) -> tuple[Party, Person]:
    party = table.choice("party", PARTIES, missing=_('is missing; write "client", "us" or "third"'))
    person = Person(
        addresses=_addresses(table),
        name=table.text("name"),
        role=table.text("role"),
        from_=table.day("from"),
        until=table.day("until"),
    )
    table.close()
    return cast("Party", party if party in PARTIES else "client"), person


def _addresses(table: Table) -> tuple[str, ...]:
    """Read ``address``: one, or a list of them."""
    missing = _("a person needs an address")
    if isinstance(table.value("address"), list):
        addresses = table.texts("address", check=address_problem)
        if not table.value("address"):
            table.wrong("address", missing)
        return addresses
    address = table.text("address", missing=missing, check=address_problem)
    return (address,) if address else ()


def _retention(table: Table) -> Retention | None:
    until = table.day("until")
    if until is None and table.value("until") is None:
        table.wrong("until", _("is missing; give the last day of keeping, such as 2031-12-31"))
    reason = table.text("reason", missing=_("is missing; say why it is kept so long"))
    table.close()
    return None if until is None else Retention(until=until, reason=reason)


def _agreed(table: Table) -> tuple[tuple[str, str | int], ...]:
    items: list[tuple[str, str | int]] = []
    for key in table.keys():  # noqa: SIM118  Table is no dict
        value = table.value(key)
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            items.append((key, value))
        else:
            table.wrong(key, _("must be text between quotes, or a whole number"))
    return tuple(items)
