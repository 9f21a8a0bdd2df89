"""Which segments are merged, and what the commit file accepts."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.engine import IndexDamaged
from index.segments.durable import write_checked
from index.segments.postings import count, pack, unpack, words_of
from index.segments.segments import Commit, DocumentTable, FileMark, Segment, to_merge


def segment(name: str, postings: int, *, documents: int = 10, gone: int = 0) -> Segment:
    """Make a segment of that size."""
    return Segment(
        name=name,
        documents=documents,
        postings=postings,
        files=(FileMark(name=f"{name}.trm", size=1, crc=2),),
        gone=frozenset(range(gone)),
    )


def test_few_segments_are_left_alone() -> None:
    """Merging costs time."""
    segments = [segment(f"s{n}", 100) for n in range(7)]
    assert to_merge(segments, most_postings=10_000) == ()


def test_eight_of_a_size_are_merged() -> None:
    """And larger ones are not touched."""
    small = [segment(f"s{n}", 100) for n in range(8)]
    assert set(to_merge([segment("big", 9_000), *small], most_postings=10_000)) == set(small)


def test_a_merge_never_exceeds_its_bound() -> None:
    """Memory and time of a commit stay bounded."""
    segments = [segment(f"s{n}", 3_000) for n in range(8)]
    assert len(to_merge(segments, most_postings=10_000)) == 3
    assert to_merge(segments, most_postings=5_000) == ()


def test_a_segment_that_is_mostly_gone_is_written_anew() -> None:
    """By itself."""
    segments = [segment("a", 100), segment("b", 100, gone=6)]
    assert to_merge(segments, most_postings=10_000) == (segments[1],)


def test_a_commit_is_read_back(tmp_path: Path) -> None:
    """All of it."""
    commit = Commit(serial=3, position=77, segments=(segment("a", 5, gone=2), segment("b", 6)))
    commit.write(tmp_path)
    assert Commit.read(tmp_path) == commit


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"schema": 2, "serial": 1, "position": 1, "segments": []},
        {"schema": 1, "serial": "1", "position": 1, "segments": []},
        {"schema": 1, "serial": 1, "position": 1, "segments": [7]},
        {"schema": 1, "serial": 1, "position": 1, "segments": 7},
        {"schema": 1, "serial": 1, "position": 1, "segments": [
            {"name": "../x", "documents": 1, "postings": 1, "files": [], "gone": []}]},
        {"schema": 1, "serial": 1, "position": 1, "segments": [
            {"name": "x", "documents": 1, "postings": 1, "files": [["a/b", 1, 1]], "gone": []}]},
    ],
)  # fmt: skip
def test_a_commit_that_makes_no_sense_is_damage(tmp_path: Path, values: dict[str, object]) -> None:
    """And never an error of another kind."""
    write_checked(tmp_path / "commit.json", values)
    with pytest.raises(IndexDamaged, match="The search index is damaged"):
        Commit.read(tmp_path)


def test_a_table_of_documents_refuses_other_files() -> None:
    """Or another number of documents."""
    with pytest.raises(ValueError, match="not a table"):
        DocumentTable.from_bytes(b"something else", 1)


@given(st.sets(st.integers(0, 3_000_000), min_size=1).map(sorted))
def test_positions_are_packed_and_unpacked(positions: list[int]) -> None:
    """Near and far ones."""
    packed = pack(positions)
    assert list(unpack(packed)) == positions
    assert count(packed) == len(positions)


@given(st.text(alphabet="éEa 'x\n東", max_size=60), st.integers(1, 9))
def test_a_long_text_is_taken_in_as_a_short_one_is(text: str, at_once: int) -> None:
    """In pieces or at once: the same words at the same places."""
    counted, places = words_of(text)
    in_pieces, in_places = words_of(text, at_once)
    assert in_pieces == counted
    assert {word: list(at) for word, at in in_places.items()} == places
    assert {word: pack(at) for word, at in in_places.items()} == {
        word: pack(at) for word, at in places.items()
    }
