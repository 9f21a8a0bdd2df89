"""HTML to text: the adapter of inscriptis and selectolax.

inscriptis lays text out as a browser would, with tables side by side. Hostile or absurd HTML could
make it take gigabytes (a cell as long as a page, padded on every line) or return nothing (elements
nested deeper than it can follow): such HTML goes to selectolax, and what even that takes quadratic
time for is stripped of its tags.
"""

import html as entities
import re

from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.html_engine import Inscriptis
from inscriptis.model.config import ParserConfig
from lxml import etree
from lxml.html import HTMLParser, document_fromstring
from selectolax.lexbor import LexborHTMLParser

from archiver.reading.mime.charsets import clean, decode

_MAX_TAGS = 60_000
_MAX_CELLS = 30_000
_MAX_SELECTOLAX_TAGS = 25_000  # it takes quadratic time on nesting: half a second
_MAX_AREA = 150_000_000  # characters that inscriptis may have to pad: about a second
_INDENT = 4

_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([A-Za-z0-9_:.+-]{1,40})", re.IGNORECASE)
_DECLARATION = re.compile(r"\A\s*+<\?xml[^>]*>")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_HIDDEN = re.compile(
    r"<(script|style|head|title)\b.*?(?:</\1\b[^<>]*+>?|\Z)", re.DOTALL | re.IGNORECASE
)
_TAG = re.compile(r"</?[A-Za-z!][^<>]*+>")
_BREAK = re.compile(
    r"<(?:br|/?(?:p|div|tr|table|ul|ol|li|h[1-6]|blockquote|pre|section|article|header|footer))\b"
    r"(?=[^<>]*+>)",
    re.IGNORECASE,
)
_BLANK_LINES = re.compile(r"\n[ \t\xa0\n]*\n")
_TRAILING = re.compile(r"(?<![ \t])[ \t]++(?=\n)")


def decode_html(data: bytes, declared: str) -> tuple[str, str]:
    """Read the bytes of an HTML part: the declared character set, else the one it names itself."""
    if not declared:
        named = _META.search(data[:4096])
        declared = named[1].decode("ascii") if named else ""
    return decode(data, declared)


def html_to_text(source: str) -> tuple[str, str]:
    """Return the text of clean HTML as a person would read it, and a defect code or nothing."""
    tags = source.count("<") - source.count("</")
    if tags <= _MAX_TAGS and _area(source) <= _MAX_AREA:
        text = _by_inscriptis(source)
        if text.strip():
            return _tidy(text), ""
        if not _by_stripping(source).strip():
            return "", ""
    if tags <= _MAX_SELECTOLAX_TAGS:
        text = _by_selectolax(source)
        if text.strip():
            return _tidy(text), "html-simplified"
    return _tidy(_by_stripping(source)), "html-simplified"


def _area(source: str) -> int:
    """Estimate what inscriptis may have to pad: every line, as wide as the widest could be."""
    folded = source.lower()
    tables = folded.count("<td") + folded.count("<th")
    indents = folded.count("<ul") + folded.count("<ol") + folded.count("<dd")
    if tables > _MAX_CELLS:
        return _MAX_AREA + 1
    if not tables and not indents:
        return 0
    lines = source.count("\n") + len(_BREAK.findall(source)) + 1
    width = _INDENT * indents
    if tables > 1:
        width += len(_TAG.sub("", _HIDDEN.sub("", source)))
    return lines * width


def _by_inscriptis(source: str) -> str:
    source = _DECLARATION.sub("", source, count=1)
    try:
        # huge_tree: without it everything nested deeper than 256 elements is dropped in silence.
        tree = document_fromstring(source, parser=HTMLParser(huge_tree=True, remove_comments=True))
        for element in tree.iter():
            # Styles can pad a line to any width; what they hide is read all the same.
            element.attrib.pop("style", None)
        text = Inscriptis(tree, ParserConfig(css=CSS_PROFILES["strict"])).get_text()
    except (RecursionError, ValueError, AssertionError, IndexError, etree.LxmlError):
        return ""
    return clean(str(text))


def _by_selectolax(source: str) -> str:
    tree = LexborHTMLParser(_BREAK.sub(r"\n\g<0>", source))
    tree.strip_tags(["script", "style", "head"])
    return clean(tree.body.text(separator="") if tree.body else "")


def _by_stripping(source: str) -> str:
    text = _HIDDEN.sub("", _COMMENT.sub("", source))
    text = _TAG.sub("", _BREAK.sub(r"\n\g<0>", text))
    try:
        return clean(entities.unescape(text))
    except ValueError:  # a number of thousands of digits
        return text


def _tidy(text: str) -> str:
    """Drop what layout leaves behind: trailing spaces and more than one blank line."""
    return _BLANK_LINES.sub("\n\n", _TRAILING.sub("", text.replace("\xa0", " "))).strip("\n")
