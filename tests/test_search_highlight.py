"""Highlights: the words of a query, found again in the texts that are shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.search.highlight import WIDTH, excerpt, has_words, snippets
from archiver.search.results import Snippet
from index.engine import Document
from index.query import All, And, Not, Phrase, Query, Term, Word


def document(**fields: str) -> Document:
    """Return a document; ``from_`` stands for ``from``."""
    return Document(key=1, date=0, fields={name.strip("_"): text for name, text in fields.items()})


def marked(snippet: Snippet) -> str:
    """Return a snippet with its hits in square brackets."""
    text, place = "", 0
    for start, end in snippet.spans:
        text += f"{snippet.text[place:start]}[{snippet.text[start:end]}]"
        place = end
    return text + snippet.text[place:]


def shown(query: Query, **fields: str) -> dict[str, str]:
    """Return the marked snippets of each field."""
    return {snippet.field: marked(snippet) for snippet in snippets(document(**fields), query)}


def test_each_field_with_a_hit_gives_a_snippet() -> None:
    """Accents, case and other forms are found as the engine finds them."""
    fields = {"subject": "Les données", "body": "La DONNEE est là.", "from_": "Marie"}
    assert shown(Word("donnée"), **fields) == {
        "subject": "Les [données]",
        "body": "La [DONNEE] est là.",
    }


def test_a_word_of_one_field_is_not_marked_in_another() -> None:
    """``from:marie`` marks the sender, not the greeting."""
    assert shown(Word("marie", "from"), from_="Marie", body="Dear Marie") == {"from": "[Marie]"}


def test_what_must_not_be_there_is_not_marked() -> None:
    """Nor is what only the catalogue knows."""
    query = And((Word("red"), Not(Word("blue")), Term("tag", "blue")))
    assert shown(query, body="red and blue") == {"body": "[red] and blue"}


@pytest.mark.parametrize(("query", "words"), [(All(), False), (Not(Word("x")), False)])
def test_a_query_without_words_needs_no_texts(query: Query, *, words: bool) -> None:
    """Then nothing is loaded to be highlighted."""
    assert has_words(query) is words
    assert has_words(And((query, Word("x"))))


def test_a_long_text_is_cut_around_the_hits() -> None:
    """At words, with a sign where something was left out, on one line."""
    text = "before " * 100 + "the\r\n\r\n> promised\tdate " + "after " * 100
    line = shown(Phrase(("promised", "date")), body=text)["body"]
    assert line.startswith("…before")
    assert "the > [promised date] after" in line
    assert line.endswith("after…")
    assert len(line) < WIDTH + 60


def test_the_line_with_the_most_hits_is_chosen() -> None:
    """A lone hit before it is not shown."""
    text = "red " + "filler " * 100 + "red and red and red"
    line = shown(Word("red"), body=text)["body"]
    assert line.count("[red]") == 3


def test_a_hit_far_into_a_huge_text_is_found() -> None:
    """Texts are looked through a piece at a time."""
    assert shown(Word("needle"), attachment="hay " * 100_000 + "needle")["attachment"].endswith(
        "hay [needle]"
    )


def test_a_text_without_a_blank_is_cut_all_the_same() -> None:
    """A hostile word of any length makes no long line."""
    snippet = excerpt("body", "x" * 10_000, [(5_000, 5_003)])
    assert len(snippet.text) < WIDTH + 10


@given(
    text=st.text(alphabet="ab \n\t", min_size=1, max_size=600),
    data=st.data(),
)
def test_the_marks_stay_on_their_words(text: str, data: st.DataObject) -> None:
    """Whatever is cut and joined, each span holds the text that was found."""
    edges = data.draw(
        st.lists(st.integers(0, len(text)), min_size=2, max_size=12, unique=True).map(sorted)
        if len(text) > 1
        else st.just([0, 1])
    )
    found = list(zip(edges[::2], edges[1::2], strict=False))
    snippet = excerpt("body", text, found)
    originals = {" ".join(f"|{text[start:end]}|".split()) for start, end in found}
    assert snippet.spans
    for start, end in snippet.spans:
        assert " ".join(f"|{snippet.text[start:end]}|".split()) in originals
