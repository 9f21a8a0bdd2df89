"""What the journal says besides the exhibits: how each of them was handled.

Custody tells what happened to an exhibit, not where its owner files it, and nothing of holds or of
advice that was taken: those are the owner's business.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping

from archiver.dossier.exhibits import Exhibit, Handled, HandledBy
from archiver.dossier.selection import exhibit_prefix
from archiver.evidence.journal.database import integer
from archiver.evidence.store import Evidence
from archiver.model.anchors import Anchor
from archiver.model.digest import Position
from archiver.model.entries import Entry, Export, Tag, Undo, Untag


def custody(
    evidence: Evidence, exhibits: tuple[Exhibit, ...], slug: str, *, size: int
) -> tuple[Handled, ...]:
    """Return every act on each of EXHIBITS and their copies in the first SIZE journal entries.

    Of tags and exports those of the engagement SLUG; no recipient is told.
    """
    names = {exhibit.view.line.position: exhibit.name for exhibit in exhibits}
    for exhibit in exhibits:
        names |= {copy.view.line.position: copy.name for copy in exhibit.copies}
    found = [*_kept(evidence, names), *_origins(evidence, names, size)]
    acts = _Acts(names, slug)
    for entry in evidence.entries_of("tag", "untag", "undo", "export", "anchor"):
        if entry.position < size:
            found += acts.take(entry)
    found += acts.stamps()
    return tuple(sorted(found, key=lambda each: (each.name, each.entry, each.what)))


def _kept(evidence: Evidence, names: Mapping[Position, str]) -> Iterator[Handled]:
    for position, name in names.items():
        for entry in evidence.entries(position, position + 1):
            yield _handled(name, entry, "kept")


def _origins(evidence: Evidence, names: Mapping[Position, str], size: int) -> Iterator[Handled]:
    rows = evidence.database.all("SELECT record, entry FROM origin WHERE complete ORDER BY entry")
    for row in rows:
        record, position = map(integer, row)
        if record in names and position < size:
            for entry in evidence.entries(position, position + 1):
                yield _handled(names[Position(record)], entry, "origin-captured")


def _handled(name: str, entry: Entry, what: HandledBy, detail: str = "") -> Handled:
    who = entry.actor.removeprefix("person:")
    return Handled(name=name, at=entry.at, who=who, what=what, detail=detail, entry=entry.position)


class _Acts:
    """Reads rare entries in order and says what each means for the exhibits."""

    def __init__(self, names: Mapping[Position, str], slug: str) -> None:
        self._names = names
        self._slug = slug
        self._prefix = exhibit_prefix(slug)
        self._tags: dict[Position, Tag | Untag] = {}
        self._anchors: list[tuple[int, Entry, Anchor]] = []

    def take(self, entry: Entry) -> Iterator[Handled]:
        match entry.payload:
            case Tag() | Untag() as tag if tag.engagement == self._slug:
                self._tags[entry.position] = tag
                if tag.record in self._names:
                    yield _handled(
                        self._names[tag.record],
                        entry,
                        "tagged" if isinstance(tag, Tag) else "untagged",
                        tag.scope,
                    )
            case Undo(entry=undone) if undone in self._tags:
                tag = self._tags[undone]
                if tag.record in self._names:
                    what: HandledBy = "untagged" if isinstance(tag, Tag) else "tagged"
                    yield _handled(self._names[tag.record], entry, what, f"undo {undone}")
            case Export() as export if export.engagement in {self._slug, ""}:
                for number, record in export.numbers:
                    if record in self._names:
                        exhibit = f"{self._prefix}-{number:06d}" if export.engagement else "proof"
                        detail = f"{exhibit} manifest {export.manifest}"
                        yield _handled(self._names[record], entry, "exported", detail)
            case Anchor() as anchor:
                self._anchors.append((anchor.size, entry, anchor))
            case _:
                pass

    def stamps(self) -> Iterator[Handled]:
        """Yield for each exhibit the first time-stamp that covers it."""
        ordered = sorted(self._anchors, key=lambda each: (each[0], each[1].position))
        sizes = [size for size, _entry, _anchor in ordered]
        for record, name in self._names.items():
            place = bisect_right(sizes, record)
            if place < len(ordered):
                _size, entry, anchor = ordered[place]
                yield Handled(
                    name=name,
                    at=anchor.time,
                    who=anchor.authority,
                    what="time-stamped",
                    detail=f"response {anchor.response}",
                    entry=entry.position,
                )
