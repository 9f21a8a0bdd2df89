"""What ties a record to an engagement: its people, the client's domains, codes, folders."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from archiver.engagements.domains import canonical_address, domain_of, parents
from archiver.engagements.engagement import Engagement, Person
from archiver.engagements.words import code_pattern, fold_folder, fold_text
from archiver.model.tagging import RecordFacts

TieKind = Literal["folder", "code", "person", "domain", "third"]

_RANKS: Final[Mapping[TieKind, int]] = {
    "folder": 0,
    "code": 1,
    "person": 2,
    "domain": 4,
    "third": 6,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """One thing in a record that points to an engagement."""

    kind: TieKind
    text: str
    """The folder, the code, or the client's domain; a person's role."""
    address: str = ""
    """The address as the record writes it, in the form for comparing."""
    sent: bool = False
    """Whether the address is the sender's."""

    @property
    def names_engagement(self) -> bool:
        """Whether it names the engagement itself, not only somebody of the client."""
        return self.kind in {"folder", "code"}

    @property
    def rank(self) -> int:
        """How telling it is; the smallest is given as the reason."""
        return _RANKS[self.kind] + (0 if self.sent or self.names_engagement else 1)


class Rules:
    """The rules of several engagements, looked up by address and domain."""

    def __init__(self, engagements: Iterable[Engagement], *, own: frozenset[str]) -> None:
        """Prepare the rules; OWN are our addresses, never a tie to a client."""
        self.engagements: Mapping[str, Engagement] = {item.slug: item for item in engagements}
        self._own = frozenset(map(canonical_address, own))
        self._us: dict[str, frozenset[str]] = {}
        self._people: defaultdict[str, list[tuple[str, TieKind, Person]]] = defaultdict(list)
        self._domains: defaultdict[str, list[str]] = defaultdict(list)
        for engagement in self.engagements.values():
            self._prepare(engagement)
        self._codes = tuple(
            (slug, code, fold_text(code), code_pattern(code))
            for slug, item in self.engagements.items()
            for code in item.codes
        )
        self._folders = tuple(
            (slug, folder, fold_folder(folder))
            for slug, item in self.engagements.items()
            for folder in item.folders
        )
        self._colleagues = self._own.union(*self._us.values())

    def _prepare(self, engagement: Engagement) -> None:
        slug = engagement.slug
        self._us[slug] = frozenset().union(*(person.canonical for person in engagement.us))
        kinds: tuple[tuple[TieKind, tuple[Person, ...]], ...] = (
            ("person", engagement.people),
            ("third", engagement.third),
        )
        for kind, people in kinds:
            for person in people:
                for address in person.canonical:
                    self._people[address].append((slug, kind, person))
        for domain in engagement.domains:
            self._domains[domain].append(slug)

    def ties(self, facts: RecordFacts, day: date) -> Mapping[str, tuple[Tie, ...]]:
        """Return what ties the record of DAY to each engagement, the most telling first."""
        found: defaultdict[str, set[Tie]] = defaultdict(set)
        for slug, tie in self._named(facts):
            found[slug].add(tie)
        for address, sent in _addresses(facts):
            for slug, tie in self._met(address, day, sent=sent):
                found[slug].add(tie)
        return {
            slug: tuple(sorted(found[slug], key=lambda tie: (tie.rank, tie.address, tie.text)))
            for slug in sorted(found)
        }

    def _named(self, facts: RecordFacts) -> Iterator[tuple[str, Tie]]:
        """Find codes in the subject and folders of the engagements."""
        if self._codes:
            subject = fold_text(facts.subject)
            for slug, code, folded, pattern in self._codes:
                if folded in subject and pattern.search(subject):
                    yield slug, Tie(kind="code", text=code)
        if self._folders:
            places = {(fold_folder(account), fold_folder(name)) for account, name in facts.folders}
            for slug, rule, wanted in self._folders:
                if any(_lies_in(account, folder, wanted) for account, folder in places):
                    yield slug, Tie(kind="folder", text=rule)

    def _met(self, address: str, day: date, *, sent: bool) -> Iterator[tuple[str, Tie]]:
        """Find whose address it is on DAY."""
        if address in self._own:
            return
        for slug, kind, person in self._people.get(address, ()):
            if address not in self._us[slug] and person.period.contains(day):
                yield slug, Tie(kind=kind, text=person.role, address=address, sent=sent)
        if address in self._colleagues:
            return
        for domain in parents(domain_of(address)):
            for slug in self._domains.get(domain, ()):
                yield slug, Tie(kind="domain", text=domain, address=address, sent=sent)


def _addresses(facts: RecordFacts) -> Iterator[tuple[str, bool]]:
    for mailboxes, sent in ((facts.from_, True), (facts.to, False)):
        for mailbox in mailboxes:
            yield canonical_address(mailbox.address), sent


def _lies_in(account: str, folder: str, wanted: str) -> bool:
    """Tell whether FOLDER is WANTED (``folder`` or ``account/folder``) or lies below it."""
    named = (wanted, wanted.removeprefix(f"{account}/"))
    return any(folder == name or folder.startswith(f"{name}/") for name in named)
