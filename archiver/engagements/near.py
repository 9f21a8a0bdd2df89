"""Near misses: mail that no rule ties to an engagement, but that looks as if one should."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from archiver.engagements.domains import (
    canonical_address,
    domain_of,
    is_public,
    is_suffix,
    parents,
)
from archiver.engagements.engagement import Engagement, Person
from archiver.engagements.heading import Shown
from archiver.engagements.rules import Rules
from archiver.engagements.verdicts import ELSEWHERE, LIKE_DOMAIN, OTHER_DAYS, SAME_NAME
from archiver.engagements.words import fold_text
from archiver.model.reading import Mailbox

_FEWEST_WORDS: Final = 2
_LONGEST_NAME: Final = 200
_SHORTEST_LIKE: Final = 5
"""Letters of a domain's label that may differ in one: shorter ones are near to many others."""
_SHORTEST_PART: Final = 4
"""Letters of a label that stands among others (``acme-group``)."""
_MOST_REMEMBERED: Final = 100_000
"""Domains, or names: hostile mail can name any number."""
_WORD: Final = re.compile(r"[^\W_]+")
_ASIDE: Final = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\s(?:via|on behalf of|de la part de)\s.*")
_IN_NAME: Final = re.compile(r"[\w.+'-]{1,64}@[\w.-]{1,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Near:
    """Why a message was nearly kept."""

    rule: str
    engagement: str
    address: str
    """The address that looks like the client's, or is, in the form for comparing."""


class NearRules:
    """What looks like the people and domains of some engagements without being theirs."""

    def __init__(
        self,
        engagements: Iterable[Engagement],
        *,
        own: frozenset[str],
        names: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        """Prepare the rules; NAMES are those that were seen with the people's addresses."""
        engagements = tuple(engagements)
        self._rules = Rules(engagements, own=own)
        self._ours = frozenset(map(canonical_address, own)).union(
            *(person.canonical for each in engagements for person in each.us)
        )
        self._people: defaultdict[str, list[str]] = defaultdict(list)
        self._names: dict[frozenset[str], str] = {}
        self._our_names = {_name_key(person.name) for each in engagements for person in each.us}
        self._labels: dict[str, str] = {}
        self._theirs: set[str] = set()
        self._likes: dict[str, str | None] = {}
        for engagement in sorted(engagements, key=lambda each: each.slug):
            self._prepare(engagement, names or {})
        ours = map(domain_of, sorted(self._ours))
        self._theirs.update(_registered(domain) for domain in ours if not is_public(domain))

    def _prepare(self, engagement: Engagement, names: Mapping[str, Iterable[str]]) -> None:
        slug = engagement.slug
        domains = set(engagement.domains)
        for person in (*engagement.people, *engagement.third):
            for address in person.canonical:
                self._people[address].append(slug)
            for name in _names_of(person, names):
                self._name(name, slug)
        domains |= {
            domain
            for person in engagement.people
            for domain in map(domain_of, person.canonical)
            if domain and not is_public(domain)
        }
        for domain in map(_registered, sorted(domains)):
            self._theirs.add(domain)
            self._labels.setdefault(domain.partition(".")[0], slug)

    def learn(self, shown: Shown) -> None:
        """Take from a message of an engagement the names under which its people go."""
        for mailbox in (*shown.facts.from_, *shown.facts.to) if self._people else ():
            if slugs := self._people.get(canonical_address(mailbox.address)):
                self._name(mailbox.name, slugs[0])

    def _name(self, name: str, slug: str) -> None:
        key = _name_key(name)
        if key and key not in self._our_names and len(self._names) < _MOST_REMEMBERED:
            self._names.setdefault(key, slug)

    def of(self, shown: Shown, day: date) -> Near | None:
        """Return why a message of DAY that nothing ties to an engagement looks as if it should."""
        seen = [
            (each, canonical_address(each.address))
            for each in shown.everybody
            if canonical_address(each.address) not in self._ours
        ]
        for mailbox, address in seen:
            slug = self._names.get(_name_key(mailbox.name)) if self._names else None
            if slug and address not in self._people:
                return Near(rule=SAME_NAME, engagement=slug, address=address)
        for mailbox in (*shown.facts.from_, *shown.facts.to):
            address = canonical_address(mailbox.address)
            if address in self._people and address not in self._ours:
                return Near(rule=OTHER_DAYS, engagement=self._people[address][0], address=address)
        if found := self._elsewhere(shown, day):
            return found
        for _mailbox, address in seen:
            if like := self._like(domain_of(address)):
                return Near(rule=LIKE_DOMAIN, engagement=like, address=address)
        return None

    def _elsewhere(self, shown: Shown, day: date) -> Near | None:
        """Find the client where tags do not look: Sender, Reply-To, an address within a name."""
        within = tuple(
            Mailbox("", address)
            for each in shown.everybody
            if "@" in each.name
            for address in _IN_NAME.findall(each.name[:_LONGEST_NAME])
        )
        others = (*shown.sender, *shown.reply_to, *within)
        if not others:
            return None
        facts = replace(shown.facts, from_=others, to=(), subject="", folders=())
        for slug, ties in self._rules.ties(facts, day).items():
            return Near(rule=ELSEWHERE, engagement=slug, address=ties[0].address)
        return None

    def _like(self, domain: str) -> str | None:
        """Return the engagement whose client's domain DOMAIN looks like; None: no one's."""
        if domain not in self._likes:
            if len(self._likes) >= _MOST_REMEMBERED:
                self._likes.clear()
            self._likes[domain] = self._compared(domain)
        return self._likes[domain]

    def _compared(self, domain: str) -> str | None:
        registered = _registered(domain)
        if not registered or is_public(domain) or registered in self._theirs:
            return None
        label = registered.partition(".")[0]
        if slug := self._labels.get(label):
            return slug
        parts = {part for part in label.split("-") if len(part) >= _SHORTEST_PART}
        for known, slug in self._labels.items():
            if known in parts or (len(known) >= _SHORTEST_LIKE and _one_apart(known, label)):
                return slug
        return None


def _names_of(person: Person, names: Mapping[str, Iterable[str]]) -> Iterator[str]:
    yield person.name
    for address in sorted(person.canonical):
        yield from names.get(address, ())


def _name_key(name: str) -> frozenset[str]:
    """Return a name for comparing: its words in any order; nothing when it has less than two."""
    words = frozenset(_WORD.findall(fold_text(_ASIDE.sub(" ", f"{name[:_LONGEST_NAME]} "))))
    return words if len(words) >= _FEWEST_WORDS else frozenset()


def _registered(domain: str) -> str:
    """Return what somebody registered of DOMAIN: ``acme.co.uk`` of ``mail.acme.co.uk``."""
    found = ""
    for part in parents(domain):
        if "." not in part or is_suffix(part):
            break
        found = part
    return found


def _one_apart(one: str, other: str) -> bool:
    """Tell whether two words differ in one letter: another, missing, added, or two swapped."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    rest, left = one[start:], other[start:]
    if len(rest) == len(left):
        swapped = rest[:2] == left[:2][::-1] and rest[2:] == left[2:]
        return rest[1:] == left[1:] or swapped
    return rest[1:] == left or rest == left[1:]
