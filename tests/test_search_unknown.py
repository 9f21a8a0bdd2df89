"""Names in a query that are of nothing there is."""

from archiver.search.unknown import unknown_names
from index.query import And, Not, Or, Query, Term, Word


def told(query: Query) -> tuple[str, ...]:
    """Ask about a query in an archive with two engagements and one account."""
    return unknown_names(query, engagements=("b-2026", "a-2026"), accounts=("work",))


def test_names_that_exist_are_not_told() -> None:
    """Case ignored, and the words for none of them are no names."""
    for value in ("a-2026", "A-2026", "none", "aucune"):
        assert told(Term("engagement", value)) == ()
    assert told(Term("account", "Work")) == ()


def test_unknown_names_are_told_with_those_there_are() -> None:
    """In order, once each, wherever they stand in the query."""
    nope = Term("engagement", "nope")
    query = And((Word("x"), Or((nope, Not(Term("account", "home")))), Term("tag", "NOPE")))
    assert told(query) == (
        "There is no engagement nope. There are: a-2026, b-2026",
        "There is no account home. There are: work",
    )


def test_where_there_is_nothing_none_is_said() -> None:
    """An archive of imported files has no account."""
    (line,) = unknown_names(Term("account", "work"), engagements=(), accounts=())
    assert line.endswith("There are: none")
