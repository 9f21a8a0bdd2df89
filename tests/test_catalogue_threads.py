"""Threads: by message identifiers, the same whatever comes first and wherever batches end."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from readings import SENT, add, catalogue_of, digest, dump, reading, see, sighting

from archiver.catalogue.batch import Batch
from archiver.catalogue.catalogue import Catalogue
from archiver.model.digest import Position
from archiver.model.entries import Tag, Undo
from archiver.model.reading import Reading, Unreadable

identifiers = st.sampled_from([f"m{number}@x.example" for number in range(8)])
messages = st.builds(
    reading,
    message_id=st.one_of(st.just(""), identifiers),
    in_reply_to=st.lists(identifiers, max_size=1),
    references=st.lists(identifiers, max_size=2),
)
mailboxes = st.lists(messages, min_size=1, max_size=10)


def threads_of(catalogue: Catalogue, count: int) -> set[frozenset[Position]]:
    """Return the partition of records 1 to COUNT."""
    return {frozenset(catalogue.thread(position)) for position in range(1, count + 1)}


def connected(contents: Sequence[Reading]) -> set[frozenset[int]]:
    """Return the partition that follows from the definition, computed the slow way."""
    groups: list[tuple[set[int], set[str]]] = []
    for position, content in enumerate(contents, 1):
        names = {content.message_id, *content.in_reply_to, *content.references} - {""}
        members = {position}
        for group in [group for group in groups if group[1] & names]:
            groups.remove(group)
            members |= group[0]
            names |= group[1]
        groups.append((members, names))
    return {frozenset(members) for members, _names in groups}


def test_an_answer_joins_what_it_answers(tmp_path: Path) -> None:
    """In-Reply-To and References both count; others stay apart."""
    catalogue = catalogue_of(
        tmp_path,
        reading(message_id="a"),
        reading(message_id="b", in_reply_to=["a"]),
        reading(message_id="c", references=["a", "b"]),
        reading(message_id="d"),
    )
    assert threads_of(catalogue, 4) == {frozenset({1, 2, 3}), frozenset({4})}
    assert catalogue.line(3).thread == digest(1)


def test_two_answers_to_a_lost_message_are_one_thread(tmp_path: Path) -> None:
    """Messages that the archive does not hold tie others together."""
    catalogue = catalogue_of(
        tmp_path,
        reading(message_id="b", in_reply_to=["lost"]),
        reading(message_id="c", references=["lost"]),
    )
    assert threads_of(catalogue, 2) == {frozenset({1, 2})}


def test_two_messages_with_one_message_id_both_stay(tmp_path: Path) -> None:
    """They are two records of one thread."""
    catalogue = catalogue_of(tmp_path, reading(message_id="a"), reading(message_id="a", text="x"))
    assert catalogue.count_records() == 2
    assert threads_of(catalogue, 2) == {frozenset({1, 2})}


def test_a_thread_is_listed_oldest_first(tmp_path: Path) -> None:
    """By date, not by when records were kept."""
    catalogue = catalogue_of(
        tmp_path,
        reading(message_id="b", in_reply_to=["a"]),
        reading(message_id="a", date=SENT.replace(year=2025)),
    )
    assert catalogue.thread(1) == (2, 1)


def test_a_message_that_connects_two_threads_touches_both(tmp_path: Path) -> None:
    """Then the joined thread is tagged again as a whole."""
    catalogue = catalogue_of(tmp_path, reading(message_id="a"), reading(message_id="b"))
    with catalogue.batch() as batch:
        assert not batch.touched_threads()
        add(batch, 3, reading(message_id="c", references=["b", "a"]))
        assert batch.touched_threads() == {1}
        assert [facts.position for facts in batch.facts(Position(1))] == [1, 2, 3]
        assert batch.all_threads() == (1,)


def test_hostile_references_cost_little(tmp_path: Path) -> None:
    """Thousands of identifiers, and very long ones, still tie to what they answer."""
    many = [f"{number}@x.example" for number in range(50_000)]
    catalogue = catalogue_of(
        tmp_path,
        reading(message_id="x" * 1_000_000),
        reading(references=many, in_reply_to=["x" * 1_000_000]),
    )
    assert threads_of(catalogue, 2) == {frozenset({1, 2})}
    assert (tmp_path / "catalogue.sqlite").stat().st_size < 4_000_000


def test_an_unreadable_record_is_its_own_thread(tmp_path: Path) -> None:
    """Nothing is known that could tie it."""
    catalogue = catalogue_of(tmp_path, Unreadable(defects=()), Unreadable(defects=()))
    assert threads_of(catalogue, 2) == {frozenset({1}), frozenset({2})}


@settings(max_examples=30, deadline=None)
@given(contents=mailboxes, data=st.data())
def test_the_partition_does_not_depend_on_the_order_of_arrival(
    contents: list[Reading], data: st.DataObject
) -> None:
    """Any order gives the connected components of the definition."""
    numbered = data.draw(st.permutations(list(enumerate(contents, 1))))
    with tempfile.TemporaryDirectory() as folder, catalogue_of(Path(folder)) as catalogue:
        with catalogue.batch() as batch:
            for position, content in numbered:
                add(batch, position, content)
        assert threads_of(catalogue, len(contents)) == connected(contents)
        lowest = {min(group) for group in connected(contents)}
        with catalogue.batch() as batch:
            assert set(batch.all_threads()) == lowest


@settings(max_examples=30, deadline=None)
@given(contents=mailboxes, cuts=st.sets(st.integers(1, 40)), keys=st.data())
def test_the_content_does_not_depend_on_where_batches_end(
    contents: list[Reading], cuts: set[int], keys: st.DataObject
) -> None:
    """A rebuild in one go gives, row for row, what many small batches gave."""
    copy_keys = keys.draw(
        st.lists(st.sampled_from([None, "k", "l"]), min_size=len(contents), max_size=len(contents))
    )
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as many:
        whole = _project(Path(one), contents, copy_keys, cuts=set())
        assert _project(Path(many), contents, copy_keys, cuts=cuts) == whole


def _project(
    folder: Path, contents: list[Reading], copy_keys: list[str | None], *, cuts: set[int]
) -> str:
    """Apply a small journal; a new batch begins at each of the entries CUTS."""
    steps = list(_journal(contents, copy_keys))
    borders = sorted({0, len(steps), *(cut for cut in cuts if cut < len(steps))})
    with catalogue_of(folder) as catalogue:
        for start, stop in pairwise(borders):
            with catalogue.batch() as batch:
                for entry in range(start, stop):
                    steps[entry](batch, entry)
                batch.position = stop
        return dump(catalogue)


def _journal(
    contents: list[Reading], copy_keys: list[str | None]
) -> Iterator[Callable[[Batch, int], object]]:
    """Give entries: each record, its sighting, a decision on it and, for some, its undoing."""
    for number, (content, key) in enumerate(zip(contents, copy_keys, strict=True)):
        record = Position(4 * number)
        known = replace(content, date=SENT if number % 2 else None)
        seen = sighting(record, internaldate=SENT)
        told = Tag(record=record, engagement="acme")
        undone = Position(record + 2 if number % 3 else 0)
        yield partial(add, content=known, copy_key=key)
        yield partial(see, what=seen)
        yield partial(_decide, payload=told)
        yield partial(_decide, payload=Undo(entry=undone))


def _decide(batch: Batch, entry: int, payload: Tag | Undo) -> None:
    batch.add_decision(Position(entry), "person:c", payload)
