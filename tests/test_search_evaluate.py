"""A query is split between engine and catalogue; what comes out is what the words mean."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from readings import SENT, catalogue_of, reading, tag

from archiver.catalogue.catalogue import Catalogue
from archiver.search.evaluate import Evaluator, Found
from index.engine import Matches
from index.memory_engine import MemoryEngine
from index.query import All, And, DateRange, Not, Or, Phrase, Prefix, Query, Term, Word

UTC = ZoneInfo("UTC")
RED, BLUE, GREEN = Word("red"), Word("blue"), Word("green")
TAGGED, UNTAGGED = Term("tag", "acme"), Term("is", "untagged")
TEXTS = ("red", "blue", "red blue", "green", "red green", "nothing")


class Listening(MemoryEngine):
    """An engine that notes what it is asked, and knows a prefix that is too wide."""

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__()
        self.add(catalogue.documents(0))
        self.commit(position=catalogue.position)
        self.asked: list[Query] = []

    def search(self, query: Query, *, scored: bool = False) -> Matches:
        """Note the query, then answer it."""
        self.asked.append(query)
        found = super().search(query, scored=scored)
        cut = ("r",) if query == Prefix("r") else ()
        return Matches(keys=found.keys, scores=found.scores, cut=cut)


def six(folder: Path) -> Catalogue:
    """Return a catalogue of six texts on six days, the odd ones tagged."""
    readings = [
        reading(subject="", text=text, date=SENT + timedelta(days=day))
        for day, text in enumerate(TEXTS)
    ]
    catalogue = catalogue_of(folder, *readings)
    with catalogue.batch() as batch:
        for position in (1, 3, 5):
            tag(batch, position, "acme")
    return catalogue


Evaluate = Callable[..., tuple[Found, list[Query]]]


@pytest.fixture(scope="module")
def evaluate(tmp_path_factory: pytest.TempPathFactory) -> Evaluate:
    """Return a function that tells what a query finds, and what the engine was asked for it."""
    catalogue = six(tmp_path_factory.mktemp("six"))
    engine = Listening(catalogue)

    def run(query: Query, *, scored: bool = False) -> tuple[Found, list[Query]]:
        engine.asked.clear()
        found = Evaluator(catalogue, engine, time_zone=UTC, scored=scored).evaluate(query)
        return found, list(engine.asked)

    return run


@pytest.mark.parametrize(
    ("query", "keys", "asked"),
    [
        (RED, {1, 3, 5}, [RED]),
        (TAGGED, {1, 3, 5}, []),
        (All(), {1, 2, 3, 4, 5, 6}, []),
        (And((RED, TAGGED, BLUE)), {3}, [And((RED, BLUE))]),
        (And((RED, Not(BLUE))), {1, 5}, [And((RED, Not(BLUE)))]),
        (And((RED, Not(BLUE), UNTAGGED)), set(), [And((RED, Not(BLUE)))]),
        (Or((BLUE, UNTAGGED, GREEN)), {2, 3, 4, 5, 6}, [Or((BLUE, GREEN))]),
        (And((RED, Or((BLUE, UNTAGGED)))), {3}, [BLUE, RED]),
        (Not(RED), {2, 4, 6}, [RED]),
        (Not(Not(RED)), {1, 3, 5}, [RED]),
        (And((TAGGED, Not(RED))), set(), [RED]),
        (And((UNTAGGED, Not(BLUE))), {4, 6}, [BLUE]),
        (And((Not(RED), Not(BLUE))), {4, 6}, [RED, BLUE]),
        (Or((Not(RED), BLUE)), {2, 3, 4, 6}, [BLUE, RED]),
        (And((Term("tag", "no"), RED)), set(), []),
        (And(()), {1, 2, 3, 4, 5, 6}, []),
        (Or(()), set(), []),
    ],
)
def test_each_part_is_asked_where_it_is_known(
    evaluate: Evaluate, query: Query, keys: set[int], asked: list[Query]
) -> None:
    """The engine gets the largest textual parts, each once, and only when they can matter."""
    found, questions = evaluate(query)
    assert found.keys == keys
    if query != Or(()):  # an engine may be asked for nothing: it is textual
        assert questions == asked


def test_only_words_give_scores(evaluate: Evaluate) -> None:
    """What is found by a tag alone has none; nothing under a Not gives any."""
    found, _asked = evaluate(Or((RED, UNTAGGED)), scored=True)
    assert found.scores.keys() == {1, 3, 5}
    found, _asked = evaluate(And((UNTAGGED, Not(RED))), scored=True)
    assert not found.scores
    found, _asked = evaluate(RED)
    assert not found.scores


def test_scores_of_several_parts_add_up(evaluate: Evaluate) -> None:
    """Red and blue in separate parts: the record with both scores more."""
    split = Or((And((RED, Or((TAGGED, UNTAGGED)))), BLUE))
    found, asked = evaluate(split, scored=True)
    assert asked == [BLUE, RED]
    assert found.scores[3] > found.scores[2]


@pytest.mark.parametrize(
    "query", [Prefix("r"), Not(Prefix("r")), And((TAGGED, Not(Prefix("r"))))], ids=repr
)
def test_a_prefix_that_was_cut_is_told(evaluate: Evaluate, query: Query) -> None:
    """Wherever it stands in the query."""
    found, _asked = evaluate(query)
    assert found.cut == ("r",)


leaves = st.sampled_from(
    [
        *(RED, BLUE, GREEN, TAGGED, UNTAGGED, All()),
        *(Phrase(("red", "blue")), Prefix("bl"), Word("red", "subject")),
        DateRange(SENT.date(), SENT.date() + timedelta(days=2)),
    ]
)
trees = st.recursive(
    leaves,
    lambda parts: st.one_of(
        st.lists(parts, max_size=3).map(lambda some: And(tuple(some))),
        st.lists(parts, max_size=3).map(lambda some: Or(tuple(some))),
        parts.map(Not),
    ),
    max_leaves=8,
)


def meant(query: Query, position: int) -> bool:  # noqa: PLR0911 - one for each node
    """Tell by the definition whether a record of ``six`` matches."""
    words = TEXTS[position - 1].split()
    match query:
        case And(parts=parts):
            return all(meant(part, position) for part in parts)
        case Or(parts=parts):
            return any(meant(part, position) for part in parts)
        case Not(part=part):
            return not meant(part, position)
        case Word(text=text, field=field):
            return field is None and text in words
        case Phrase():
            return words == ["red", "blue"]
        case Prefix():
            return "blue" in words
        case Term(value=value):
            return (position % 2 == 1) == (value == "acme")
        case DateRange():
            return position <= 3
        case _:
            return True


@settings(max_examples=150, deadline=None)
@given(query=trees)
def test_any_query_finds_what_it_means(evaluate: Evaluate, query: Query) -> None:
    """However it is split."""
    found, _asked = evaluate(query)
    assert found.keys == {position for position in range(1, 7) if meant(query, position)}
