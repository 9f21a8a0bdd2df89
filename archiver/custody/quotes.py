"""Which other records say what a record said: answers that quote it, forwards, set phrases.

Erasing a record does not change what others wrote, quotes of it included. So they are looked for
beforehand: every run of so many words that the record was the first to use, in all later ones.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator

from archiver.catalogue.catalogue import Catalogue
from archiver.model.digest import Position
from index.engine import Document

RUN = 6
"""Words in a row that make a quote: fewer are everybody's."""
_WORD = re.compile(r"[^\W_]+")
_FIELDS = ("body", "attachment")

Run = tuple[str, ...]


def quoting(
    catalogue: Catalogue,
    records: Collection[Position],
    *,
    copies: Collection[Position] = (),
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> dict[Position, frozenset[Position]]:
    """Return the other records that use words of RECORDS, each with those whose words they are.

    Words that an earlier record used already are not those of a later one that repeats them.
    COPIES are the same writings as RECORDS: they neither quote them nor came before.
    """
    wanted = frozenset(records)
    left_out = wanted.union(copies)
    owners: dict[Run, list[tuple[int, Position]]] = defaultdict(list)
    for document in catalogue.documents_of(wanted):
        for run in set(_runs(document)):
            owners[run].append((document.date, Position(document.key)))
    if not owners:
        return {}
    uses: dict[Run, list[tuple[int, Position]]] = defaultdict(list)
    total = catalogue.count_records()
    for done, document in enumerate(catalogue.documents(0), 1):
        if document.key not in left_out:
            for run in owners.keys() & set(_runs(document)):
                uses[run].append((document.date, Position(document.key)))
        if done % 500 == 0:
            progress(done, total)
    progress(total, total)
    return _later(owners, uses)


def _later(
    owners: dict[Run, list[tuple[int, Position]]], uses: dict[Run, list[tuple[int, Position]]]
) -> dict[Position, frozenset[Position]]:
    found: dict[Position, set[Position]] = defaultdict(set)
    for run, users in uses.items():
        first = min(users)
        for date, owner in owners[run]:
            if first < (date, owner):
                continue  # somebody else said it before
            for _date, user in users:
                found[user].add(owner)
    return {user: frozenset(owners_) for user, owners_ in sorted(found.items())}


def _runs(document: Document) -> Iterator[Run]:
    for field in _FIELDS:
        words = _words(document.fields.get(field, ""))
        yield from zip(*(words[start:] for start in range(RUN)), strict=False)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def short_texts(catalogue: Catalogue, records: Iterable[Position]) -> tuple[Position, ...]:
    """Return those of RECORDS whose text is too short for quotes of it to be found."""
    return tuple(
        Position(document.key)
        for document in catalogue.documents_of(records)
        if not next(_runs(document), None)
    )
