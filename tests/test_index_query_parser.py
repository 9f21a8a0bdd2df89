"""The query language: users' scripts rely on every line of this file."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.analysis import tokens
from index.language.parser import (
    MAX_DEPTH,
    MAX_LENGTH,
    MAX_TERMS,
    QueryError,
    describe,
    parse,
    point_out,
)
from index.query import (
    All,
    And,
    DateRange,
    Not,
    Or,
    Phrase,
    Prefix,
    Query,
    Size,
    Term,
    Word,
)

TODAY = date(2026, 3, 4)
A, B, C = Word("a"), Word("b"), Word("c")


def read(text: str) -> Query:
    """Parse on a Wednesday."""
    return parse(text, today=TODAY)


def mistake(text: str) -> QueryError:
    """Return the error that TEXT gives."""
    with pytest.raises(QueryError) as caught:
        read(text)
    assert caught.value.advice
    assert str(caught.value) == caught.value.message
    return caught.value


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("devis", Word("devis")),
        ("*", All()),
        ("livr*", Prefix("livr")),
        ("l'accor*", Prefix("l'accor")),
        ('"comité de pilotage"', Phrase(("comité", "de", "pilotage"))),
        ("« comité de pilotage »", Phrase(("comité", "de", "pilotage"))),
        ("“price list”", Phrase(("price", "list"))),
        ('"devis"', Phrase(("devis",))),
        ('subject:"price list"', Phrase(("price", "list"), "subject")),
        ("objet:«liste des prix»", Phrase(("liste", "des", "prix"), "subject")),
        ("subject:livr*", Prefix("livr", "subject")),
        ("subject:devis", Word("devis", "subject")),
        ("SUBJECT:devis", Word("devis", "subject")),
        ('a"b c"', And((A, Phrase(("b", "c"))))),
    ],
)
def test_words_phrases_and_prefixes(text: str, query: Query) -> None:
    """What stands for text."""
    assert read(text) == query


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("a b", And((A, B))),
        ("a AND b", And((A, B))),
        ("a and b", And((A, B))),
        ("a ET b", And((A, B))),
        ("a or b", Or((A, B))),
        ("a OU b", Or((A, B))),
        ("a b or c", Or((And((A, B)), C))),
        ("a or b c", Or((A, And((B, C))))),
        ("(a or b) c", And((Or((A, B)), C))),
        ("not a b", And((Not(A), B))),
        ("-a", Not(A)),
        ("a SAUF b", And((A, Not(B)))),
        ("a -(b or c)", And((A, Not(Or((B, C)))))),
        ('a -"b c"', And((A, Not(Phrase(("b", "c")))))),
        ("-subject:a", Not(Word("a", "subject"))),
        ("not not a", A),
        ("-(-a)", A),
        ("a (b c)", And((A, B, C))),
        ("a or (b or c)", Or((A, B, C))),
        ("not (a b)", Not(And((A, B)))),
        ("-*", Not(All())),
    ],
)
def test_operators(text: str, query: Query) -> None:
    """NOT before AND before OR; a space is AND."""
    assert read(text) == query


@pytest.mark.parametrize("word", ["et", "ou", "sauf", "Et", "Ou", "android", "nothing"])
def test_french_operators_are_in_capitals_only(word: str) -> None:
    """They stand in every French sentence."""
    assert read(f"a {word}") == And((A, Word(word)))


def test_quoted_operators_are_words() -> None:
    """As the advice of the error says."""
    assert read('"or"') == Phrase(("or",))
    assert read("subject:or") == Word("or", "subject")


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ("from", "from"), ("de", "from"), ("to", "to"), ("à", "to"), ("a", "to"), ("À", "to"),
        ("a\u0300", "to"), ("cc", "cc"), ("objet", "subject"), ("body", "body"),
        ("corps", "body"), ("attachment", "attachment"), ("pièce", "attachment"),
        ("piece", "attachment"), ("Pièce", "attachment"), ("filename", "filename"),
        ("fichier", "filename"),
    ],
)  # fmt: skip
def test_textual_fields_and_their_french_names(typed: str, field: str) -> None:
    """Case and accents of a field's name do not matter."""
    assert read(f"{typed}:devis") == Word("devis", field)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ("tag", "tag"), ("étiquette", "tag"), ("etiquette", "tag"), ("id", "id"),
        ("thread", "thread"), ("fil", "thread"), ("folder", "folder"), ("dossier", "folder"),
        ("engagement", "engagement"), ("mission", "engagement"), ("account", "account"),
        ("compte", "account"), ("has", "has"), ("avec", "has"), ("is", "is"),
    ],
)  # fmt: skip
def test_attribute_fields_and_their_french_names(typed: str, field: str) -> None:
    """Their value is taken whole."""
    assert read(f"{typed}:xy-1") == Term(field, "xy1" if field == "has" else "xy-1")


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ('folder:"Clients/Acme (old)"', Term("folder", "Clients/Acme (old)")),
        ("folder:Clients/*", Term("folder", "Clients/*")),
        (r'folder:"a \"b\" \\c \d"', Term("folder", r'a "b" \c \d')),
        ("avec:pièce", Term("has", "attachment")),
        ('avec:"pièce jointe"', Term("has", "attachment")),
        ("id:3FA4", Term("id", "3fa4")),
        ("id:<CAx+y@Mail.example>", Term("id", "<CAx+y@Mail.example>")),
        ("from:(marie or paul)", Or((Word("marie", "from"), Word("paul", "from")))),
        ("tag:(x or -y)", Or((Term("tag", "x"), Not(Term("tag", "y"))))),
        ("from:(a subject:b)", And((Word("a", "from"), Word("b", "subject")))),
        ("from:(a (b c))", And(tuple(Word(x, "from") for x in "abc"))),
        ("larger:10k", Size(10_240, None)),
        ("larger:2M", Size(2 << 20, None)),
        ("smaller:5Mo", Size(None, 5 << 20)),
        ("smaller:100", Size(None, 100)),
        ("date:(2025 or 2024-02-03)", Or((
            DateRange(date(2025, 1, 1), date(2025, 12, 31)),
            DateRange(date(2024, 2, 3), date(2024, 2, 3)),
        ))),
    ],
)  # fmt: skip
def test_values_of_fields(text: str, query: Query) -> None:
    """Quoted, escaped, grouped, measured."""
    assert read(text) == query


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("from:marie@acme.fr", Word("marie@acme.fr", "from")),
        ("from:<marie@acme.fr>", Word("marie@acme.fr", "from")),
        ("marie@acme.fr,", Word("marie@acme.fr")),
        ("rendez-vous", Word("rendez-vous")),
        ("aujourd'hui", Word("aujourd'hui")),
        ("aujourd’hui", Word("aujourd’hui")),
        ("http://acme.fr/a?b=c", Word("http://acme.fr/a?b=c")),
        ("https://acme.fr", Word("https://acme.fr")),
        ("mailto:marie@acme.fr", Word("mailto:marie@acme.fr")),
        ("14:30", Word("14:30")),
        ("Re:", Word("Re")),
        ("Re: devis", And((Word("Re"), Word("devis")))),
        ("Re:devis", Word("Re:devis")),
        (r"C:\Users", Word(r"C:\Users")),
        ("std::vector", Word("std::vector")),
        ("note:", Word("note")),
        ("500 €", Word("500")),
        ("devis & facture", And((Word("devis"), Word("facture")))),
        ("devis - facture", And((Word("devis"), Word("facture")))),
        ("devis?", Word("devis")),
        ("--verbose", Word("verbose")),
        ("12/03/2026", Word("12/03/2026")),
        ("R&D", Word("R&D")),
        ("'devis'", Word("devis")),
    ],
)
def test_text_as_people_type_it(text: str, query: Query) -> None:
    """Addresses, times, paths and punctuation are text."""
    assert read(text) == query


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", 0, "There is no word to search for."),
        ("  &  ", 0, "There is no word to search for."),
        ("a AND", 2, "AND needs something after it."),
        ("ready or not", 9, "not needs something after it."),
        ("or a", 0, "or needs something before it."),
        ("a and or b", 2, "and needs something after it."),
        ("a (b", 2, "This parenthesis is never closed."),
        ("a) b", 1, "This parenthesis closes nothing."),
        ("a ()", 2, "There is nothing between these parentheses."),
        ('a "b', 2, "This quote is never closed."),
        ('a ""', 2, 'There is no letter or digit in "".'),
        ("a from: b", 2, "There is nothing after from:"),
        ('tag:""', 4, "There is nothing after tag:"),
        ("from:&", 5, "There is no letter or digit in &."),
        ("a form:marie", 2, "There is no field form:"),
        ("*foo", 0, "A star can only stand at the end of a word, or alone."),
        ("x fo*o", 4, "A star can only stand at the end of a word, or alone."),
        ("from:*", 5, "A star can only stand at the end of a word, or alone."),
        ("fo**", 2, "A star can only stand at the end of a word, or alone."),
        ("tag:acme*", 4, "tag: takes a whole value, not the beginning of one."),
        ("date:05/03/2026", 5, "This is not a date: 05/03/2026."),
        ("date:2026-02-30", 5, "There is no such date: 2026-02-30."),
        ("date:..", 5, "A range of dates needs at least one end."),
        ("date:2026..2025", 5, "This range of dates ends before it begins."),
        ("date:2026-01..soon", 14, "This is not a date: soon."),
        ("date:9999y", 5, "There is no such date: 9999y."),
        ("larger:huge", 7, "This is not a size: huge."),
        ("larger:99999999999999G", 7, "This is not a size: 99999999999999G."),
        ("a \udc80", 2, "This character is not valid text."),
    ],
)
def test_mistakes_are_told_with_their_place(text: str, place: int, message: str) -> None:
    """And each with advice."""
    error = mistake(text)
    assert (error.message, error.place) == (message, place)


def test_an_unknown_field_is_told_with_the_known_ones() -> None:
    """And with the one that was likely meant."""
    advice = mistake("form:marie").advice
    assert "Did you mean from:?" in advice
    assert "subject:, body:" in advice
    assert "in quotes" in advice
    assert "Did you mean" not in mistake("zzz:x").advice
    assert "folder:" in mistake("foldre:x").advice


def test_a_mistake_is_pointed_out() -> None:
    """A caret stands under it."""
    assert point_out("a form:b", mistake("a form:b")) == "a form:b\n  ^"
    assert point_out("東 ou (", mistake("東 ou (")) == "東 ou (\n       ^"
    long = "mot " * 50 + "form:x " + "mot " * 50
    line, caret = point_out(long, mistake(long)).split("\n")
    assert line[caret.index("^") :].startswith("form:x")
    assert len(line) < 80


def test_a_query_is_bounded() -> None:
    """In length, in depth and in words; never by Python's own limits."""
    assert "too long" in mistake("a" * (MAX_LENGTH + 1)).message
    assert "parentheses within" in mistake("(" * 4_000).message
    assert "parentheses within" in mistake("-(" * 4_000).message
    assert "too many words" in mistake("a " * (MAX_TERMS + 1)).message
    assert read("(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH) == A
    assert read("not " * 2_000 + "a") == A


# Any query that the parser can make, made directly.
TEXT = st.text(st.sampled_from("abcéœ東京é0159_'-./@:,*()\"\\«» &ＡЖע"), min_size=1, max_size=12)
PLAIN = st.from_regex(r"[a-zé0-9]+([-'@./][a-z0-9]+)?", fullmatch=True).filter(
    lambda word: word.lower() not in {"and", "or", "not"}
)
TEXT_FIELDS = st.sampled_from(["from", "to", "cc", "subject", "body", "attachment", "filename"])
LEAVES = st.one_of(
    st.just(All()),
    st.builds(Word, PLAIN, st.none() | TEXT_FIELDS),
    st.builds(Prefix, PLAIN, st.none() | TEXT_FIELDS),
    st.builds(
        Phrase,
        st.lists(PLAIN.map(lambda text: next(tokens(text)).text), min_size=1).map(tuple),
        st.none() | TEXT_FIELDS,
    ),
    st.builds(
        Term,
        st.sampled_from(["tag", "folder", "engagement", "account"]),
        TEXT.filter(lambda value: bool(value.strip())),
    ),
    st.tuples(st.dates(), st.dates()).map(lambda days: DateRange(min(days), max(days))),
    st.builds(DateRange, st.none(), st.dates()),
    st.builds(DateRange, st.dates(), st.none()),
    st.builds(Size, st.integers(0, 10**15 - 1), st.none()),
    st.builds(Size, st.none(), st.integers(0, 10**15 - 1)),
)


def joined(join: type[And | Or], parts: list[Query]) -> Query:
    """Join as the parser does: flat."""
    flat: list[Query] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, join) else [part])
    return join(tuple(flat))


QUERIES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: joined(And, parts)),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: joined(Or, parts)),
        inner.map(lambda query: query.part if isinstance(query, Not) else Not(query)),
    ),
    max_leaves=8,
)


@given(QUERIES)
def test_a_described_query_is_read_back(query: Query) -> None:
    """Describing is the canonical way to write a query."""
    assert read(describe(query)) == query


@given(
    st.lists(
        st.sampled_from(
            [
                "a",
                "é",
                "and",
                "or",
                "NOT",
                "ET",
                "SAUF",
                "(",
                ")",
                '"',
                "«",
                "»",
                "-",
                "-b",
                "*",
                "x*",
                ":",
                "from:",
                "from:z",
                "tag:q",
                "date:2026",
                "date:7d",
                "larger:1k",
                "objet:(",
                "Re:",
                "http://x",
                "14:30",
                ",",
                "..",
                "'",
                "&",
                "東京",
            ]
        ),
        max_size=12,
    ),
    st.sampled_from(["", " "]),
)
def test_whatever_is_typed_is_read_back_or_refused(pieces: list[str], between: str) -> None:
    """No other error than QueryError, and the place lies within the text."""
    assert_read_or_refused(between.join(pieces))


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Of any characters."""
    assert_read_or_refused(text)


def assert_read_or_refused(text: str) -> None:
    """Parse TEXT: the query is read back from its description, or a mistake is pointed out."""
    query, error = None, None
    try:
        query = read(text)
    except QueryError as caught:
        error = caught
    if error is not None:
        assert 0 <= error.place <= len(text)
        assert "^" in point_out(text, error)
    elif query is not None:
        assert read(describe(query)) == query


def test_odd_trees_are_described_too() -> None:
    """Those that only a program makes."""
    assert describe(And(())) == "*"
    assert describe(Or(())) == "NOT *"
    assert describe(Size(1, 2)) == "larger:1 AND smaller:2"
