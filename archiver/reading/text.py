"""The text of a message: which parts are it, in which order, and their words.

Sources: RFC 2046 (multiparts), RFC 2183 (dispositions), RFC 3676 (format=flowed).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from archiver.model.reading import Defect
from archiver.reading.defects import defect
from archiver.reading.html import decode_html, html_to_text
from archiver.reading.mime.charsets import decode
from archiver.reading.mime.parser import Part

MAX_TEXT = 5_000_000
"""Characters of text that are kept of one part, and of one message."""
_MAX_BYTES = 4 * MAX_TEXT

BODY_TYPES = frozenset(["text/plain", "text/html", "text/enriched", "text/richtext"])
_STUB_LENGTH = 400
_STUB_RATIO = 4
_STUB = re.compile(
    r"\bhtml\b|view (?:this|it) (?:e-?mail|message)? ?(?:in|with)"
    r"|afficher (?:ce|cet) (?:e-?mail|message)|version en ligne|navigateur",
    re.IGNORECASE,
)
_QUOTES = re.compile(r">+")
_RICH_TAG = re.compile(r"<(<)|<[^<>]*+>|\n(\n*)")
_NO_BOUNDARY = frozenset(
    [
        "NoBoundaryInMultipartDefect",
        "StartBoundaryNotFoundDefect",
        "MultipartInvariantViolationDefect",  # always follows one of the two
    ]
)
_HTML = frozenset(["text/html", "text/x-amp-html"])
_BOILERPLATE_LENGTH = 500
_BOILERPLATE = re.compile(r"mime|multi-?part|openpgp|cryptograph", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one part, with what was wrong with it."""

    text: str
    defects: tuple[Defect, ...] = ()


class Leaf:
    """A part that is not taken apart further, and its place in the message."""

    def __init__(self, part: Part, number: str, *, related: bool = False) -> None:
        self.part = part
        self.number = number
        self.related = related

    @property
    def content(self) -> tuple[bytes, tuple[Defect, ...]]:
        """The decoded bytes, and what was wrong with their encoding.

        Decoded whenever asked for: kept, all attachments would be in memory at once.
        """
        data, encoding, problem = self.part.content()
        wrong = (defect(problem, encoding, part=self.number),) if problem else ()
        return data, wrong

    @property
    def type(self) -> str:
        """The media type, lower case."""
        return self.part.content_type.type

    @cached_property
    def words(self) -> Words:
        """The text of a text part."""
        data, wrong = self.content
        return read_text(self.part, data, self.number, wrong)


@dataclass(slots=True)
class Outline:
    """What a message consists of, in order: the parts that are its text, and all others."""

    texts: list[Leaf] = field(default_factory=list)
    others: list[Leaf] = field(default_factory=list)
    unused: list[Leaf] = field(default_factory=list)
    """Alternatives of the text that say the same in another form."""
    defects: list[Defect] = field(default_factory=list)

    def extend(self, more: "Outline") -> None:
        """Append what another multipart consists of."""
        self.texts += more.texts
        self.others += more.others
        self.unused += more.unused
        self.defects += more.defects


def outline(message: Part, number: str = "") -> Outline:
    """Take MESSAGE apart; NUMBER is its own part number when it is nested in another."""
    prefix = f"{number}." if number else ""
    if message.is_multipart():
        return _multipart(message, number, prefix)
    found = Outline(defects=_structure_defects(message, f"{prefix}1"))
    leaf = Leaf(message, f"{prefix}1")
    # A message of one part is its text, unless it says that it is a file.
    attached = message.disposition[0] == "attachment"
    undivided = leaf.type.startswith("multipart/") and not message.too_deep
    if (leaf.type.startswith("text/") and not attached) or undivided:
        found.texts.append(leaf)
    else:
        found.others.append(leaf)
    return found


def _multipart(part: Part, number: str, prefix: str) -> Outline:
    children = [
        _child(child, f"{prefix}{place}", in_related=part.content_type.type == "multipart/related")
        for place, child in enumerate(part.children(), start=1)
    ]
    found = Outline(defects=_structure_defects(part, number))
    if part.content_type.type == "multipart/alternative":
        _choose(children)
    for child in children:
        found.extend(child)
    return found


def _child(part: Part, number: str, *, in_related: bool) -> Outline:
    if part.is_multipart():
        return _multipart(part, number, f"{number}.")
    found = Outline(defects=_structure_defects(part, number))
    leaf = Leaf(part, number, related=in_related)
    if is_body(part):
        found.texts.append(leaf)
    else:
        found.others.append(leaf)
    return found


def is_body(part: Part) -> bool:
    """Tell whether PART is shown as text of the message: text without a file name."""
    word, parameters = part.disposition
    type_ = part.content_type
    undivided = type_.type.startswith("multipart/") and not part.too_deep
    return (
        (type_.type in BODY_TYPES or undivided)
        and word in {"", "inline"}
        and not parameters.get("filename")
        and not type_.parameters.get("name")
    )


def _choose(children: list[Outline]) -> None:
    """Leave the text of one alternative: plain text, unless it is blank or says so little."""
    candidates = [child for child in children if child.texts]
    if len(candidates) < 2:  # noqa: PLR2004 -- no choice
        return
    plain = next((child for child in candidates if _is_plain(child)), None)
    chosen = plain if plain is not None else candidates[-1]
    if plain is not None:
        rich = next((child for child in reversed(candidates) if child is not plain), plain)
        if _says_less(_joined(plain), rich):
            chosen = rich
    elif not _joined(chosen).strip():
        chosen = next((child for child in candidates if _joined(child).strip()), chosen)
    for child in candidates:
        if child is not chosen:
            child.unused += child.texts
            child.texts = []


def _is_plain(child: Outline) -> bool:
    return all(leaf.type == "text/plain" for leaf in child.texts)


def _says_less(plain: str, rich: Outline) -> bool:
    """Tell whether the plain alternative is blank or a stub that points to the RICH one."""
    shown = plain.strip()
    if len(shown) > _STUB_LENGTH:
        return False
    full = _joined(rich).strip()
    if not shown:
        return bool(full)
    if len(full) <= _STUB_RATIO * len(shown):
        return False
    return bool(_STUB.search(shown)) or not _opening_of(shown, full)


def _opening_of(shown: str, full: str) -> bool:
    """Tell whether FULL begins with what is SHOWN, whatever its layout."""
    return "".join(full.split()).startswith("".join(shown.split())[:40])


def _joined(child: Outline) -> str:
    return join(leaf.words.text for leaf in child.texts)


def join(texts: Iterable[str]) -> str:
    """Join the texts of several parts in order, a blank line between them."""
    return "\n\n".join(text.strip("\n") for text in texts if text.strip())


def read_text(part: Part, data: bytes, number: str, wrong: tuple[Defect, ...] = ()) -> Words:
    """Read the DATA of a text part as its type and parameters say."""
    type_ = part.content_type
    defects = list(wrong)
    charset = type_.parameters.get("charset", "")
    too_large = len(data) > _MAX_BYTES
    if too_large:
        data = data[:_MAX_BYTES]
    if type_.type in _HTML:
        source, problem = decode_html(data, charset)
        text, simplified = html_to_text(source)
        if simplified:
            defects.append(defect(simplified, part=number))
    else:
        text, problem = decode(data, charset)
        if type_.parameters.get("format", "").lower() == "flowed":
            text = unflow(text, delsp=type_.parameters.get("delsp", "").lower() == "yes")
        elif type_.type in {"text/enriched", "text/richtext"}:
            text = _unenrich(text)
    if problem:
        defects.append(defect(problem, charset, part=number))
    text, cut = cap(text, number)
    if too_large and not cut:
        cut = (_cut_after(len(text), number),)
    return Words(text, (*defects, *cut))


def cap(text: str, number: str = "") -> tuple[str, tuple[Defect, ...]]:
    """Cut what nobody can have written as one text, and say so."""
    if len(text) <= MAX_TEXT:
        return text, ()
    return text[:MAX_TEXT], (_cut_after(MAX_TEXT, number),)


def _cut_after(length: int, number: str) -> Defect:
    return defect("text-cut", str(length), part=number)


def unflow(text: str, *, delsp: bool) -> str:
    """Join the flowed lines of TEXT into paragraphs (RFC 3676, section 4)."""
    paragraphs: list[str] = []
    pending: list[str] = []
    pending_depth = 0

    def end_paragraph() -> None:
        if pending:
            paragraph = "".join(pending)
            quotes = ">" * pending_depth + " " * bool(paragraph) if pending_depth else ""
            paragraphs.append(quotes + paragraph)
            pending.clear()

    for line in text.split("\n"):
        quotes = _QUOTES.match(line)
        depth = len(quotes[0]) if quotes else 0
        content = line[depth:].removeprefix(" ")
        if depth != pending_depth or content == "-- ":
            end_paragraph()
            pending_depth = depth
        flows = content.endswith(" ") and content != "-- "
        pending.append(content[:-1] if flows and delsp else content)
        if not flows:
            end_paragraph()
    end_paragraph()
    return "\n".join(paragraphs)


def _unenrich(text: str) -> str:
    """Drop the commands of enriched text (RFC 1896): one line break is a space, n are n - 1."""
    return _RICH_TAG.sub(
        lambda found: "<" if found[1] else (found[2] or " ") if found[2] is not None else "", text
    )


def _structure_defects(part: Part, number: str) -> list[Defect]:
    """Say what the parser found wrong with PART, and which text stands outside its parts."""
    found = [
        defect(code, name, part=number)
        for code, name in dict.fromkeys(map(_structure_code, part.defects))
    ]
    if part.content_type.broken:
        found.append(defect("content-type-broken", part.content_type.broken, part=number))
    if part.too_deep:
        found.append(defect("nesting-too-deep", part=number))
    preamble = part.preamble or ""
    boilerplate = len(preamble) < _BOILERPLATE_LENGTH and _BOILERPLATE.search(preamble)
    if preamble.strip() and not boilerplate:
        found.append(defect("text-outside", preamble, part=number))
    if (part.epilogue or "").strip():
        found.append(defect("text-outside", part.epilogue or "", part=number))
    return found


def _structure_code(found: object) -> tuple[str, str]:
    """Return our code for one of the standard library's defects, and its name."""
    name = type(found).__name__
    if name in _NO_BOUNDARY:
        return "boundary-missing", ""
    return "mime-damaged", name.removesuffix("Defect")
