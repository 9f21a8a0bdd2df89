"""Hostile text made harmless to read."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.dossier.text import Passage, excerpt, one_line, passages, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("gpj\u202eexe.jpg", "gpj[U+202E]exe.jpg"),
        ("a\u2066b\u2069", "a[U+2066]b[U+2069]"),
        ("bell\x07", "bell[U+0007]"),
        ("nul\x00", "nul[U+0000]"),
        ("half \ud83d", "half [U+D83D]"),
        ("tag \U000e0041", "tag [U+E0041]"),
        ("é, 契約, عقد, 👍", "é, 契約, عقد, 👍"),
        ("tab\tline\n", "tab\tline\n"),
    ],
)
def test_what_hides_or_reorders_is_shown_as_its_code(text: str, shown: str) -> None:
    """Ordinary writing of any language is left alone."""
    assert visible(text) == shown


@given(st.text(st.characters(exclude_categories=())))
def test_whatever_comes_can_be_written_as_utf8_and_does_not_reorder(text: str) -> None:
    """Surrogates, controls and bidirectional controls are gone."""
    shown = visible(text)
    shown.encode()
    assert not {"RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI", "FSI", "PDI"} & {
        unicodedata.bidirectional(char) for char in shown
    }


def test_a_field_is_one_line_without_invisible_characters() -> None:
    """Zero-width characters only deceive in an address or a file name."""
    assert one_line("pay\u200bpal\r\n Bcc:  x") == "pay[U+200B]pal Bcc: x"


def test_a_long_field_is_cut_and_says_so() -> None:
    """An ellipsis stands for the rest."""
    assert one_line("x" * 900, 10) == "xxxxxxxxx…"


def test_quoted_lines_are_told_from_the_others() -> None:
    """Their marks stay: the page shows what was written."""
    parts, cut = passages("Yes.\r\n> Will it be ready?\r\n> Paul\r\nMarie")
    assert parts == (
        Passage(quoted=False, text="Yes."),
        Passage(quoted=True, text="> Will it be ready?\n> Paul"),
        Passage(quoted=False, text="Marie"),
    )
    assert not cut


def test_a_text_without_words_has_no_passages() -> None:
    """Blank lines are not a text."""
    assert passages("\n \n\n") == ((), False)


def test_runs_of_blank_lines_are_shortened() -> None:
    """A page is for reading; the file keeps every line."""
    assert passages("a" + "\n" * 100_000 + "b", longest=200_000)[0] == (
        Passage(quoted=False, text="a\n\nb"),
    )


def test_a_long_text_is_cut_and_says_so() -> None:
    """A message of megabytes does not make the page unusable."""
    parts, cut = passages("x" * 50, longest=20)
    assert (parts[0].text, cut) == ("x" * 20, True)


@pytest.mark.parametrize(
    "below",
    ["On Monday, Paul wrote:", "Le lun. 2 mars 2026, Paul a écrit :", "-----Original Message-----"],
)
def test_an_excerpt_stops_where_the_quoted_message_begins(below: str) -> None:
    """The first words are the sender's own."""
    assert excerpt(f"Agreed.\n> quoted\nOn Friday.\n{below}\nNot mine.") == "Agreed. On Friday."


def test_an_excerpt_of_hostile_text_takes_no_time() -> None:
    """The input is capped before any pattern sees it."""
    assert excerpt("\n" * 1_000_000 + "end") == ""
    assert len(excerpt("on " * 1_000_000)) <= 280
