"""HTML becomes text, whatever its size and depth."""

import time

import pytest

from archiver.reading import read
from archiver.reading.html import decode_html, html_to_text


def test_paragraphs_and_cells_are_kept_apart() -> None:
    """A phrase is found only where it stands."""
    source = "<p>One</p><p>two<br>three</p><table><tr><td>a</td><td>b</td></tr></table>"
    assert html_to_text(source)[0].split("\n") == ["One", "", "two", "three", "", "a  b"]


def test_scripts_styles_and_titles_are_not_text() -> None:
    """Nobody reads them."""
    source = "<title>t</title><style>s{}</style><script>x()</script><p>words</p>"
    assert html_to_text(source)[0] == "words"


def test_an_html_message_is_read() -> None:
    """Without a plain alternative."""
    assert (
        read(b"Content-Type: text/html\r\n\r\n<p>D&eacute;lai&nbsp;: lundi</p>").text
        == "Délai : lundi"
    )


def test_html_names_its_own_character_set() -> None:
    """When the header does not."""
    source = "<meta charset=koi8-r><p>привет".encode("koi8-r")
    assert "привет" in decode_html(source, "")[0]


@pytest.mark.parametrize("depth", [300, 1_500, 20_000, 100_000])
def test_deeply_nested_words_are_found(depth: int) -> None:
    """libxml2 gives up at 256 elements, Python's recursion at a thousand."""
    text = html_to_text("<div>" * depth + "secret" + "</div>" * depth)[0]
    assert text.strip() == "secret"


def test_simplified_html_is_a_defect() -> None:
    """Its words are there, its layout is not."""
    reading = read(b"Content-Type: text/html\r\n\r\n" + b"<div>" * 20_000 + b"secret")
    assert reading.text == "secret"
    assert "html-simplified" in {defect.code for defect in reading.defects}


@pytest.mark.parametrize(
    "source",
    [
        "<table><tr><td>" + "x" * 100_000 + "</td></tr>" + "<tr><td>x<td>y" * 20_000,
        "<ul>" * 300 + "a<br>" * 50_000,
        "<!--" * 200_000,
        "<script" * 100_000,
        "<" * 500_000,
        "<p>x" + " " * 1_000_000,
        "&#" + "9" * 500_000,
        "<div style='padding-left:999999999em'>x</div>" * 1000,
    ],
    ids=range(8),
)
def test_hostile_html_takes_no_hostile_time(source: str) -> None:
    """Nor a hostile amount of text."""
    started = time.process_time()
    text = html_to_text(source)[0]
    assert time.process_time() - started < 8
    assert len(text) < 150_000_000


def test_an_xml_declaration_does_not_stop_the_reader() -> None:
    """Lxml refuses text that declares an encoding."""
    source = '<?xml version="1.0" encoding="utf-8"?><html><body><p>x</p></body></html>'
    assert html_to_text(source) == ("x", "")


def test_blank_html_is_blank() -> None:
    """Without a defect: nothing was lost."""
    assert html_to_text("<html><body><p> </p><img src=x></body></html>") == ("", "")
