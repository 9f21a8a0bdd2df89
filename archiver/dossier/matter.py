"""Whose dossier it is: the engagement's parties, and whose side an address is on."""

from dataclasses import dataclass
from typing import Literal

from archiver.model.reading import Mailbox

Side = Literal["us", "client", "third"]
"""Whose side a person is on; None stands for an address that no party names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """The people and the mail domains of one side."""

    people: tuple[Mailbox, ...] = ()
    domains: tuple[str, ...] = ()
    """Domains whose every address, subdomains included, is on this side."""

    @property
    def listed(self) -> tuple[Mailbox, ...]:
        """The people, each address once: the one with a name, if there is one."""
        unique: dict[str, Mailbox] = {}
        for person in self.people:
            known = unique.setdefault(person.folded or person.name, person)
            if person.name and not known.name:
                unique[person.folded] = person
        return tuple(unique.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """The engagement a dossier is about, reduced to what a dossier says of it."""

    slug: str
    client: str
    title: str = ""
    us: Party = Party()
    client_side: Party = Party()
    third: Party = Party()

    @property
    def parties(self) -> tuple[tuple[Side, Party], ...]:
        """The three sides, in the order in which they are listed."""
        return (("us", self.us), ("client", self.client_side), ("third", self.third))


@dataclass(frozen=True, slots=True)
class Sides:
    """Tell whose side an address is on: an address named as such first, then its domain."""

    addresses: dict[str, Side]
    domains: dict[str, Side]

    @classmethod
    def of(cls, matter: Matter) -> "Sides":
        """Prepare the look-up for MATTER; where two parties name one address, the first wins."""
        addresses: dict[str, Side] = {}
        domains: dict[str, Side] = {}
        for side, party in matter.parties:
            for person in party.people:
                if person.folded:
                    addresses.setdefault(person.folded, side)
            for domain in party.domains:
                domains.setdefault(domain.strip().lower().lstrip("@."), side)
        return cls(addresses, domains)

    def side_of(self, mailbox: Mailbox) -> Side | None:
        """Return the side of MAILBOX, or None when no party names its address or domain."""
        address = mailbox.folded
        if address in self.addresses:
            return self.addresses[address]
        domain = address.rpartition("@")[2]
        while domain:
            if domain in self.domains:
                return self.domains[domain]
            domain = domain.partition(".")[2]
        return None
