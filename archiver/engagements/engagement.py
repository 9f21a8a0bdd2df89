"""What an engagement is: a piece of work for a client, its people, its period, its rules."""

import re
from dataclasses import dataclass, field
from datetime import date
from gettext import gettext as _
from typing import Final, Literal

from archiver.engagements.domains import canonical_address
from archiver.errors import UsageError
from archiver.secrecy import NO_SECRECY, Secrecy

Party = Literal["us", "client", "third"]
RuleKind = Literal["domain", "code", "folder"]

PARTIES: Final = ("us", "client", "third")

_SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The days of an engagement, both ends included, in the archive's time zone."""

    after: date | None = None
    """The first day; None when nothing says when it began."""
    before: date | None = None
    """The last day; None while it goes on."""

    def starts_after(self, day: date) -> bool:
        """Tell whether DAY comes before the first day."""
        return self.after is not None and day < self.after

    def ends_before(self, day: date) -> bool:
        """Tell whether DAY comes after the last day."""
        return self.before is not None and day > self.before

    def contains(self, day: date) -> bool:
        """Tell whether DAY is one of its days; an open end contains all days on its side."""
        return not self.starts_after(day) and not self.ends_before(day)

    def overlaps(self, other: "Period") -> bool:
        """Tell whether any day belongs to both."""
        firsts = [day for day in (self.after, other.after) if day is not None]
        lasts = [day for day in (self.before, other.before) if day is not None]
        return not firsts or not lasts or max(firsts) <= min(lasts)

    @property
    def reversed(self) -> bool:
        """Whether the last day comes before the first."""
        return self.after is not None and self.before is not None and self.before < self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Until when an engagement's records are kept, and why; nothing is erased by it alone."""

    until: date
    """The last day of keeping, in the archive's time zone."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who takes part in an engagement, under one address or several."""

    addresses: tuple[str, ...]
    name: str = ""
    role: str = ""
    from_: date | None = None
    """The first day on which the addresses stand for this person here."""
    until: date | None = None
    """The last such day."""

    @property
    def period(self) -> Period:
        """The days on which the addresses stand for this person here."""
        return Period(after=self.from_, before=self.until)

    @property
    def canonical(self) -> frozenset[str]:
        """The addresses in the form for comparing."""
        return frozenset(map(canonical_address, self.addresses))


@dataclass(frozen=True, slots=True, kw_only=True)
class Engagement:
    """A piece of work for a client, as ``engagements/<slug>.toml`` tells it."""

    slug: str
    client: str
    title: str = ""
    us: tuple[Person, ...] = ()
    people: tuple[Person, ...] = ()
    """The client's people."""
    third: tuple[Person, ...] = ()
    """People of other parties: another supplier, an integrator, an expert."""
    domains: tuple[str, ...] = ()
    """The client's domains, in the form for comparing; subdomains count as well."""
    codes: tuple[str, ...] = ()
    """Words that name the engagement in a subject."""
    folders: tuple[str, ...] = ()
    """Mailbox folders, ``account/folder`` or ``folder``."""
    period: Period = field(default_factory=Period)
    agreed: tuple[tuple[str, str | int], ...] = ()
    """What was agreed about how to work together, in the order of the file."""
    retention: Retention | None = None
    """None: nobody said until when it is kept."""
    withheld: Secrecy = NO_SECRECY
    """What this engagement's dossiers do not show, besides what ``archive.toml`` says."""

    @property
    def has_rules(self) -> bool:
        """Whether any record can be tied to it by rule."""
        return bool(self.people or self.third or self.domains or self.codes or self.folders)

    def persons(self) -> tuple[tuple[Party, Person], ...]:
        """Return all people with the party that each is on."""
        return (
            *(("us", person) for person in self.us),
            *(("client", person) for person in self.people),
            *(("third", person) for person in self.third),
        )


def check_slug(slug: str) -> str:
    """Return SLUG, or raise UsageError when it cannot name an engagement and its file."""
    if problem := slug_problem(slug):
        raise UsageError(
            problem, advice=_("Choose a short name such as {example}.").format(example="acme-2026")
        )
    return slug


def slug_problem(slug: str) -> str | None:
    """Say why SLUG cannot name an engagement, or return None."""
    if _SLUG.fullmatch(slug):
        return None
    return _(
        "{slug!r} cannot name an engagement: a name is made of a-z, 0-9 and hyphens, "
        "starts with a letter or a digit and has at most 64 characters"
    ).format(slug=slug[:80])
