"""Searching: exact totals, order, limits, highlights, what was searched, folding."""

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from readings import SENT, add, attachment, catalogue_of, digest, reading, tag

from archiver.catalogue.catalogue import Catalogue
from archiver.errors import UsageError
from archiver.model.digest import Position
from archiver.search.lookup import find
from archiver.search.search import Results, Snippet, Sort, as_results, fold, matching, search
from index.memory_engine import MemoryEngine
from index.query import All, Or, Query, Term, Word


def run(
    catalogue: Catalogue,
    query: Query,
    *,
    sort: Sort = "newest",
    limit: int | None = 20,
    offset: int = 0,
) -> Results:
    """Search the catalogue with an engine that is level with it."""
    engine = MemoryEngine()
    engine.add(catalogue.documents(0))
    engine.commit(position=catalogue.position)
    return search(
        query,
        catalogue=catalogue,
        engine=engine,
        time_zone=ZoneInfo("UTC"),
        sort=sort,
        limit=limit,
        offset=offset,
    )


def numbers(results: Results) -> list[int]:
    """Return the positions of the hits."""
    return [hit.line.position for hit in results.hits]


def test_hits_come_newest_first_with_an_exact_total(tmp_path: Path) -> None:
    """Limit and offset choose what is shown; the total counts all."""
    days = [timedelta(days=day) for day in range(5)]
    catalogue = catalogue_of(tmp_path, *[reading(date=SENT + day) for day in days])
    results = run(catalogue, Word("message"), limit=2, offset=1)
    assert (results.total, numbers(results)) == (5, [4, 3])
    assert run(catalogue, All(), limit=0).total == 5
    assert numbers(run(catalogue, All(), limit=None)) == [5, 4, 3, 2, 1]
    assert run(catalogue, All(), offset=9).hits == ()


def test_relevance_puts_the_exact_word_first(tmp_path: Path) -> None:
    """Records found without words come last, newest first."""
    catalogue = catalogue_of(
        tmp_path,
        reading(text="delivery"),
        reading(text="deliver", date=SENT + timedelta(days=1)),
        reading(text="other", date=SENT + timedelta(days=2)),
        reading(text="other", date=SENT + timedelta(days=3)),
    )
    with catalogue.batch() as batch:
        tag(batch, 3, "acme")
        tag(batch, 4, "acme")
    query = Or((Word("delivery"), Term("tag", "acme")))
    assert numbers(run(catalogue, query, sort="relevance"))[0] == 1
    assert numbers(run(catalogue, query, sort="relevance"))[-2:] == [4, 3]


def test_hits_are_highlighted(tmp_path: Path) -> None:
    """The text of the record tells where the words stand."""
    catalogue = catalogue_of(tmp_path, reading(subject="Plan", text="The plan."))
    (hit,) = run(catalogue, Word("plan")).hits
    assert hit.snippets == (
        Snippet("subject", "Plan", ((0, 4),)),
        Snippet("body", "The plan.", ((4, 8),)),
    )


def test_many_hits_are_all_highlighted(tmp_path: Path) -> None:
    """However many are shown."""
    catalogue = catalogue_of(tmp_path, *[reading(text=f"word {n}") for n in range(450)])
    results = run(catalogue, Word("word"), limit=None)
    assert len(results.hits) == 450
    assert all(hit.snippets for hit in results.hits)


def test_a_search_without_a_hit_knows_what_was_searched(tmp_path: Path) -> None:
    """Records, period and what could not be looked into."""
    catalogue = catalogue_of(tmp_path, reading(attachments=[attachment()]))
    results = run(catalogue, Word("absent"))
    assert (results.total, results.hits) == (0, ())
    assert (results.searched.records, results.searched.attachments_unread) == (1, 1)
    assert results.searched.first == SENT


def test_an_attribute_that_does_not_exist_is_a_usage_error(tmp_path: Path) -> None:
    """It says what there is."""
    with pytest.raises(UsageError) as caught:
        run(catalogue_of(tmp_path), Term("is", "unread"))
    assert caught.value.what == "A query cannot ask for is:unread."
    assert "undecided" in caught.value.advice


def test_all_matches_can_be_had_without_their_texts(tmp_path: Path) -> None:
    """For tagging and exports, which need every record and no page."""
    catalogue = catalogue_of(tmp_path, *[reading() for _ in range(30)])
    found = matching(
        Term("is", "untagged"),
        catalogue=catalogue,
        engine=MemoryEngine(),
        time_zone=ZoneInfo("UTC"),
    )
    assert (found.keys, found.cut) == (frozenset(range(1, 31)), ())


def test_variants_are_counted_apart_and_folded_for_people(tmp_path: Path) -> None:
    """One is shown, the others are named; the total counts records."""
    catalogue = catalogue_of(tmp_path)
    with catalogue.batch() as batch:
        for position in (1, 2):
            add(batch, position, copy_key="k")
        add(batch, 3, reading(date=SENT - timedelta(days=1)))
    results = run(catalogue, All())
    first = results.hits[0].line.digest
    other = ({digest(1), digest(2)} - {first}).pop()
    assert results.total == 3
    assert [(folded.hit.line.digest, folded.others) for folded in fold(results.hits)] == [
        (first, (other,)),
        (digest(3), ()),
    ]


def test_a_thread_is_presented_in_the_order_given(tmp_path: Path) -> None:
    """As if it had been searched for."""
    catalogue = catalogue_of(tmp_path, reading(), reading())
    results = as_results(catalogue, (Position(2), Position(1)))
    assert (results.total, numbers(results)) == (2, [2, 1])


def test_a_record_is_found_by_the_beginning_of_its_name(tmp_path: Path) -> None:
    """Or by its Message-ID."""
    catalogue = catalogue_of(tmp_path, reading(message_id="a@x.example"), reading())
    assert find(catalogue, digest(2).hex[:12]) == 2
    assert find(catalogue, " <a@x.example> ") == 1


def test_a_name_that_is_no_record_says_what_to_give(tmp_path: Path) -> None:
    """Too short is the usual reason."""
    with pytest.raises(UsageError, match="No record is called abc") as caught:
        find(catalogue_of(tmp_path, reading()), "abc")
    assert "at least 4 digits" in caught.value.advice


def test_a_name_of_several_records_lists_them(tmp_path: Path) -> None:
    """Copies with one Message-ID, for example."""
    same = [reading(message_id="a") for _ in range(7)]
    with pytest.raises(UsageError, match="7 records are called a: ") as caught:
        find(catalogue_of(tmp_path, *same), "a")
    assert caught.value.what.count(",") == 5
    assert "more digits" in caught.value.advice
