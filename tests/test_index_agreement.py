"""The engine on disk finds what the plain one in memory finds, whatever is asked."""

import tempfile
from pathlib import Path

from engine_contract import document
from hypothesis import given, settings
from hypothesis import strategies as st

from index.engine import Document, Engine
from index.memory_engine import MemoryEngine
from index.query import All, And, Not, Or, Phrase, Prefix, Query, Word
from index.segments.whoosh_engine import WhooshEngine

WORDS = st.sampled_from(
    [
        "le",
        "la",
        "livraison",
        "livraisons",
        "livré",
        "LIVRÉE",
        "l'accord",
        "accords",
        "meeting",
        "meetings",
        "met",
        "o'brien",
        "2026",
        "a",
        "a@b.fr",
        "e-mail",
        "Œuvre",
        "oeuvres",
        "東京",
        "東",
        "京",
        "회의",
        "ﬁn",
        "straße",
        "x_y",
        "!!",
        "½",
    ]
)
TEXTS = st.lists(WORDS, max_size=8).map(" ".join)
FIELDS = st.sampled_from(["subject", "body", "from", "filename"])
DOCUMENTS = st.builds(
    lambda key, fields: Document(key=key, date=0, fields=fields),
    st.integers(0, 9),
    st.dictionaries(FIELDS, TEXTS, max_size=3),
)
LEAVES = st.one_of(
    st.builds(Word, WORDS, st.none() | FIELDS),
    st.builds(Phrase, st.lists(WORDS, max_size=3).map(tuple), st.none() | FIELDS),
    st.builds(Prefix, WORDS.map(lambda word: word[:2]), st.none() | FIELDS),
    st.just(All()),
)
QUERIES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: Or(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=6,
)
# What is done between two commits: documents added, keys removed.
BATCHES = st.lists(
    st.tuples(st.lists(DOCUMENTS, max_size=5), st.lists(st.integers(0, 9), max_size=2)),
    max_size=4,
)


def feed(engine: Engine, batches: list[tuple[list[Document], list[int]]]) -> None:
    """Do to ENGINE what the batches say."""
    for position, (documents, removed) in enumerate(batches, start=1):
        engine.add(documents)
        engine.remove(removed)
        engine.commit(position=position)


@settings(max_examples=60, deadline=None)
@given(BATCHES, st.lists(QUERIES, min_size=1, max_size=8), st.sampled_from([1, 4_000_000]))
def test_both_engines_find_the_same(
    batches: list[tuple[list[Document], list[int]]], queries: list[Query], most_postings: int
) -> None:
    """After any history, with any query, opened anew, in one segment or in many."""
    memory = MemoryEngine()
    feed(memory, batches)
    with tempfile.TemporaryDirectory() as folder:
        disk = WhooshEngine.create(Path(folder))
        disk.most_postings = most_postings
        feed(disk, batches)
        for engine in (disk, WhooshEngine.open(Path(folder))):
            assert (engine.count(), engine.position) == (memory.count(), memory.position)
            for query in queries:
                found = engine.search(query, scored=True)
                assert found.keys == memory.search(query).keys
                assert found.scores.keys() == found.keys
            engine.close()


def test_both_engines_rank_alike() -> None:
    """A small case in which every rule of relevance counts."""
    documents = [
        document(0, "livraisons"),
        document(1, "livraison"),
        document(2, "x", subject="livraison"),
        document(3, "livraison " + "filler " * 50),
    ]
    with tempfile.TemporaryDirectory() as folder:
        rankings = []
        for engine in (MemoryEngine(), WhooshEngine.create(Path(folder))):
            feed(engine, [(documents, [])])
            scores = engine.search(Word("livraison"), scored=True).scores
            rankings.append(sorted(scores, key=lambda key: -scores[key]))
            engine.close()
    assert rankings == [[2, 1, 3, 0]] * 2
