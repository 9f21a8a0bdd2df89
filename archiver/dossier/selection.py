"""Group the copies of one writing and number the exhibits.

A number, once given, is never given to another record: lawyers cite it. The first export numbers
records in chronological order; later exports keep those numbers and give new ones to what is new.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from archiver.model.digest import Digest, Position
from archiver.model.record import RecordView

_LONGEST_PREFIX = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """One exhibit to be: its number, the record that stands for it, and that record's copies."""

    number: int
    view: RecordView
    copies: tuple[RecordView, ...]
    not_exported: tuple[Digest, ...]
    same_as: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Group:
    """Records that are one writing: who stands for it, and the others in order of position."""

    head: RecordView
    copies: tuple[RecordView, ...]


def chronological(view: RecordView) -> tuple[datetime, str]:
    """Return the key that orders records by date, ties by digest."""
    return view.line.date, view.line.digest.hex


def exhibit_prefix(slug: str) -> str:
    """Return SLUG in upper case, in the characters ``A-Z 0-9 . _ -`` only (for file names)."""
    plain = unicodedata.normalize("NFKD", slug).encode("ascii", "ignore").decode("ascii")
    prefix = re.sub(r"[^A-Z0-9._-]+", "-", plain.upper()).strip(".-_")[:_LONGEST_PREFIX]
    return prefix or "EXHIBIT"


def number_records(
    views: Iterable[RecordView], earlier: Mapping[Position, int]
) -> tuple[Numbered, ...]:
    """Group VIEWS by writing and number the groups; EARLIER holds what earlier exports gave.

    The record that was kept first stands for its group, unless an earlier export numbered another
    one. Should earlier exports have numbered several records of what is now one group, each keeps
    its number and names the others.
    """
    fresh = max(earlier.values(), default=0) + 1
    earlier = _one_record_each(earlier)
    numbered: list[Numbered] = []
    unnumbered: list[_Group] = []
    for members in _writings(views):
        known = [view for view in members if view.line.position in earlier]
        if known:
            numbered.extend(_keep_numbers(members, known, earlier))
        else:
            unnumbered.append(_Group(members[0], tuple(members[1:])))
    unnumbered.sort(key=lambda group: chronological(group.head))
    numbered.extend(_numbered(group, fresh + place) for place, group in enumerate(unnumbered))
    return tuple(sorted(numbered, key=lambda each: chronological(each.view)))


def _one_record_each(earlier: Mapping[Position, int]) -> dict[Position, int]:
    """Leave each number to one record, the one that was kept first.

    Two exports written at the same moment can both have given a number; the others get new ones.
    """
    holders: dict[int, Position] = {}
    for position, number in sorted(earlier.items()):
        holders.setdefault(number, position)
    return {position: number for number, position in holders.items()}


def _keep_numbers(
    members: Sequence[RecordView], known: list[RecordView], earlier: Mapping[Position, int]
) -> Iterator[Numbered]:
    """Give KNOWN members the numbers they had; the lowest one takes in all new members."""
    known = sorted(known, key=lambda view: (earlier[view.line.position], view.line.position))
    numbers = {view.line.position: earlier[view.line.position] for view in known}
    fresh = tuple(view for view in members if view.line.position not in numbers)
    for place, view in enumerate(known):
        number = numbers[view.line.position]
        others = tuple(sorted(other for other in numbers.values() if other != number))
        yield _numbered(_Group(view, () if place else fresh), number, others, members)


def _numbered(
    group: _Group, number: int, same_as: tuple[int, ...] = (), members: Sequence[RecordView] = ()
) -> Numbered:
    """Make the value of one exhibit; MEMBERS are all selected records of the same writing."""
    exported = {view.line.digest for view in (group.head, *group.copies, *members)}
    named = {digest for view in (group.head, *group.copies) for digest in view.line.variants}
    return Numbered(
        number=number,
        view=group.head,
        copies=group.copies,
        not_exported=tuple(sorted(named - exported)),
        same_as=same_as,
    )


def _writings(views: Iterable[RecordView]) -> list[list[RecordView]]:
    """Put together the records that name each other as variants, each group by position."""
    by_digest = {view.line.digest: view for view in views}
    leader = {digest: digest for digest in by_digest}

    def find(digest: Digest) -> Digest:
        while leader[digest] != digest:
            leader[digest] = leader[leader[digest]]
            digest = leader[digest]
        return digest

    for digest, view in by_digest.items():
        for variant in view.line.variants:
            if variant in leader:
                leader[find(variant)] = find(digest)
    groups: dict[Digest, list[RecordView]] = {}
    for view in sorted(by_digest.values(), key=lambda view: view.line.position):
        groups.setdefault(find(view.line.digest), []).append(view)
    return list(groups.values())
