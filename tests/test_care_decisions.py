"""Decisions are found in the journal, also where the catalogue has not come so far."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from evidence_case import create, seen
from readings import opened

from archiver.care.decisions import undo
from archiver.catalogue.catalogue import Catalogue
from archiver.errors import UsageError
from archiver.evidence.store import Evidence
from archiver.model.digest import Position
from archiver.model.entries import Tag, Undo

JANE = "person:jane"


@pytest.fixture
def evidence(tmp_path: Path) -> Iterator[Evidence]:
    """Make originals with one record."""
    with create(tmp_path / "archive") as evidence:
        evidence.keep([seen(b"Subject: x\r\n\r\n")])
        yield evidence


def say(evidence: Evidence, decision: str, *, records: int = 1) -> tuple[Position, ...]:
    """Journal that records belong to an engagement."""
    tag = Tag(record=Position(1), engagement="acme", decision=decision)
    return evidence.append([tag] * records, actor=JANE)


def take_in(evidence: Evidence, catalogue: Catalogue) -> None:
    """Bring the decisions of the catalogue level with the journal."""
    with catalogue.batch() as batch:
        for entry in evidence.entries(batch.position):
            if isinstance(entry.payload, Tag | Undo):
                batch.add_decision(entry.position, entry.actor, entry.payload)
        batch.position = evidence.size


def undone(evidence: Evidence) -> list[Position]:
    """Return the entries that were taken back, in the order of the journal."""
    payloads = [entry.payload for entry in evidence.entries()]
    return [payload.entry for payload in payloads if isinstance(payload, Undo)]


def test_all_entries_of_one_decision_are_taken_back(evidence: Evidence, tmp_path: Path) -> None:
    """And none of another."""
    catalogue = opened(tmp_path)
    say(evidence, "aa")
    entries = say(evidence, "bb", records=3)
    say(evidence, "cc")
    take_in(evidence, catalogue)
    assert undo(evidence, catalogue, "bb", actor=JANE) == 3
    assert undone(evidence) == list(entries)


def test_what_the_catalogue_has_not_taken_in_counts(evidence: Evidence, tmp_path: Path) -> None:
    """Another process may be feeding it: a decision is found, and so is that it was taken back."""
    catalogue = opened(tmp_path)
    (entry,) = say(evidence, "aa")
    assert undo(evidence, catalogue, "aa", actor=JANE) == 1
    assert undone(evidence) == [entry]
    with pytest.raises(UsageError, match="taken back already"):
        undo(evidence, catalogue, "aa", actor=JANE)


def test_half_a_decision_that_was_taken_back_is_not_taken_back_twice(
    evidence: Evidence, tmp_path: Path
) -> None:
    """The catalogue knows the decision, only the journal that one entry no longer stands."""
    catalogue = opened(tmp_path)
    first, second = say(evidence, "aa", records=2)
    take_in(evidence, catalogue)
    evidence.append([Undo(entry=first)], actor=JANE)
    assert undo(evidence, catalogue, "aa", actor=JANE) == 1
    assert undone(evidence) == [first, second]


def test_undo_decodes_only_the_decision_s_own_entries(evidence: Evidence, tmp_path: Path) -> None:
    """However long the journal is."""
    catalogue = opened(tmp_path)
    say(evidence, "aa", records=50)
    say(evidence, "bb")
    take_in(evidence, catalogue)
    watched = _Watched(evidence)
    undo(watched, catalogue, "bb", actor=JANE)  # type: ignore[arg-type]
    assert watched.decoded == 1


class _Watched:
    """Originals that count the entries that are read from them."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self.append = evidence.append
        self.decoded = 0

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[object]:
        """Yield entries, and count them."""
        for entry in self._evidence.entries(start, stop):
            self.decoded += 1
            yield entry
