"""What a word is, and which words of a text a query hits."""

import unicodedata
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import analysis
from index.analysis import (
    MAX_WORD,
    SIGNATURE,
    fold,
    forms,
    pieces,
    positive_leaves,
    spans,
    stems,
    tokens,
    words,
)
from index.language.parser import parse
from index.query import Not, Query, Term, Word


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("L'accord d’Anna", ["L", "accord", "d", "Anna"]),
        ("e-mail: marie@acme.fr", ["e", "mail", "marie", "acme", "fr"]),
        ("rapport_final-v2.pdf", ["rapport", "final", "v2", "pdf"]),
        ("1 234,50 €", ["1", "234", "50"]),
        ("東京タワー へ go", ["東", "京", "タ", "ワ", "ー", "へ", "go"]),
        ("회의 자료", ["회의", "자료"]),
        ("e\u0301te\u0301", ["e\u0301te\u0301"]),
        ("liv\u00adraison", ["liv\u00adraison"]),
        ("हिन्दी भाषा।", ["हिन्दी", "भाषा"]),
        ("", []),
        ("-- !! __", []),
    ],
)
def test_words_are_told_apart(text: str, found: list[str]) -> None:
    """By anything that is no letter, digit or mark of one."""
    assert words(text) == found
    assert [token.text for token in tokens(text)] == found


@pytest.mark.parametrize(
    ("word", "folded"),
    [
        ("ÉTÉ", "ete"), ("Œuvre", "oeuvre"), ("Straße", "strasse"), ("ﬁn", "fin"),
        ("İstanbul", "istanbul"), ("Ærø", "aero"), ("liv\u00adraison", "livraison"),
        ("ガ", "ガ"), ("ｶﾞ", "ガ"), ("회의", "회의"), ("Ὀδυσσεύς", "οδυσσευσ"), ("²", "2"),
    ],
)  # fmt: skip
def test_folding_takes_ornament_away(word: str, folded: str) -> None:
    """Accents, case, ligatures, width; not what makes another letter."""
    assert fold(word) == folded


@given(st.text(max_size=80))
def test_words_stand_where_they_are_said_to(text: str) -> None:
    """The fast way and the way with places agree, and folding is stable."""
    found = list(tokens(text))
    assert [token.text for token in found] == words(text)
    assert all(text[token.start : token.end] == token.text for token in found)
    for word in words(text):
        assert fold(fold(word)) == fold(word) != ""
        assert len(fold(word)) <= MAX_WORD
        assert forms(word)[0] == fold(word)


@given(st.text(max_size=40))
def test_composed_and_decomposed_text_is_the_same(text: str) -> None:
    """Macs decompose accents in names of files."""
    both = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")]
    assert len({tuple(map(fold, words(each))) for each in both}) == 1


def test_stems_are_of_both_languages() -> None:
    """And do not depend on accents."""
    assert "livraison" in stems("livraisons")
    assert "deliv" in stems("delivering") or "deliver" in stems("delivering")
    assert set(stems("activites")) <= set(stems("activités"))
    assert stems("2026") == stems("v2") == stems("x" * 50) == ()


def test_the_signature_names_the_stemmer() -> None:
    """An index made without it must not pass for one made with it."""
    assert SIGNATURE.startswith("words-")
    assert "snowball-" in SIGNATURE


def test_only_so_many_words_are_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a huge text the beginning; all of it is found."""
    monkeypatch.setattr(analysis, "MAX_MARKED", 3)
    assert spans("a b c a b", Word("a")) == ((0, 1),)
    assert words("a b c d e") == ["a", "b", "c", "d", "e"]


@given(
    st.text(alphabet="abé\u0301\u02bc_ .'-\u200d\n東京\uff9eカ゛\U0003ffff12", max_size=40),
    st.integers(1, 8),
)
def test_a_text_in_pieces_has_the_same_words(text: str, most: int) -> None:
    """Wherever it is cut, and nothing is lost."""
    cut = list(pieces(text, most))
    assert "".join(cut) == text
    assert [word for piece in cut for word in words(piece)] == words(text)


def test_caches_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mailbox of random words does not fill the memory."""
    monkeypatch.setattr(analysis, "_CACHED_WORDS", 10)
    for number in range(100):
        forms(f"word{number}")
    assert len(analysis._forms) <= 10


def hits(query: str | Query, text: str, field: str | None = None) -> list[str]:
    """Return the pieces of TEXT that QUERY hits."""
    if isinstance(query, str):
        query = parse(query, today=date(2026, 3, 2))
    return [text[start:end] for start, end in spans(text, query, field=field)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("livraison", ["livraisons", "Livraison"]),
        ('"livraison"', ["Livraison"]),
        ("delai", ["délai"]),
        ("livr*", ["livraisons", "Livraison"]),
        ('"le délai"', ["Le délai"]),
        ("l'accor*", ["l'accord"]),
        ("nowhere", []),
        ("-livraison delai", ["délai"]),
        ("delai or (accord -livraison)", ["délai", "accord"]),
        ("*", []),
        ("date:2026 délai", ["délai"]),
    ],
)
def test_spans_of_a_query(query: str, found: list[str]) -> None:
    """Words in any form, phrases whole, prefixes; nothing that was excluded."""
    assert hits(query, "Le délai des livraisons selon l'accord ; Livraison.") == found


def test_spans_heed_fields() -> None:
    """Words asked for elsewhere are not shown; names have no other forms."""
    assert hits("subject:devis", "un devis", "body") == []
    assert hits("subject:devis", "un devis", "subject") == ["devis"]
    assert hits("devis", "un devis", "body") == ["devis"]
    assert hits("from:marie", "Marie Maries", "from") == ["Marie"]


def test_spans_do_not_overlap() -> None:
    """Two hits on one place are one."""
    assert hits('"a b" "b c" b', "a b c") == ["a b c"]


def test_leaves_under_a_not_are_no_match() -> None:
    """Nor are attributes."""
    assert list(positive_leaves(Not(Word("a")))) == []
    assert list(positive_leaves(Term("tag", "a"))) == []
