"""Whether a message is client mail, decided on its header fields alone: docs/selective.md.

Threads are for the caller: which ones are kept is no rule.
"""

from collections.abc import Iterable, Mapping
from datetime import tzinfo
from typing import Final

from archiver.accounts import Never
from archiver.engagements.days import day_of
from archiver.engagements.domains import canonical_address
from archiver.engagements.engagement import Engagement, Person
from archiver.engagements.heading import Shown
from archiver.engagements.near import Near, NearRules
from archiver.engagements.never import NeverRules
from archiver.engagements.rules import Rules
from archiver.engagements.words import fold_folder, fold_text

VERSION: Final = 1
"""Raised whenever the same rules would decide otherwise: everything is then looked at again."""


class Selector:
    """Decides by the rules of some engagements and by ``[never]``, which beats them."""

    def __init__(
        self,
        engagements: Iterable[Engagement],
        *,
        own: frozenset[str],
        never: Never,
        time_zone: tzinfo | None = None,
        names: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        """Prepare the rules. OWN are our addresses; days are days in TIME_ZONE.

        NAMES are display names that were seen with the addresses of the engagements' people.
        """
        engagements = tuple(engagements)
        self.never = NeverRules(never)
        self._rules = Rules(engagements, own=own)
        self._near = NearRules(engagements, own=own, names=names)
        self._time_zone = time_zone

    def tied(self, shown: Shown) -> bool:
        """Tell whether a rule ties the message to any engagement, as tagging would.

        From one that is tied it learns the names under which the engagements' people go.
        """
        facts = shown.facts
        found = bool(self._rules.ties(facts, day_of(facts.when, self._time_zone)))
        if found:
            self._near.learn(shown)
        return found

    def near(self, shown: Shown) -> Near | None:
        """Return why a message that nothing ties to an engagement looks as if something should."""
        return self._near.of(shown, day_of(shown.facts.when, self._time_zone))


def canonical_rules(
    engagements: Iterable[Engagement], *, own: frozenset[str], time_zone: str
) -> dict[str, object]:
    """Return all that decides on keeping, in the form for comparing and in an order of its own.

    What only names an engagement, such as its title, is not in it: no message is looked at again
    because of that.
    """
    return {
        "engagements": [
            _canonical(each) for each in sorted(engagements, key=lambda each: each.slug)
        ],
        "own": sorted(map(canonical_address, own)),
        "time_zone": time_zone,
    }


def _canonical(engagement: Engagement) -> dict[str, object]:
    return {
        "slug": engagement.slug,
        "people": sorted((party, *_person(person)) for party, person in engagement.persons()),
        "domains": sorted(engagement.domains),
        "codes": sorted(map(fold_text, engagement.codes)),
        "folders": sorted(map(fold_folder, engagement.folders)),
    }


def _person(person: Person) -> tuple[str, str, str, str]:
    return (
        " ".join(sorted(person.canonical)),
        fold_text(person.name),
        str(person.from_ or ""),
        str(person.until or ""),
    )
