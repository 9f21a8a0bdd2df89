"""Every part that is not the message's own text, with its words where they can be read."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from gettext import gettext as _

from archiver.errors import UsageError
from archiver.model.reading import Attachment, Defect
from archiver.reading.defects import defect
from archiver.reading.mime.charsets import clean, decode
from archiver.reading.mime.headers import decode_value
from archiver.reading.mime.mend import mend
from archiver.reading.mime.parser import Allowance, Part, TooManyPartsError, parse, parse_flat
from archiver.reading.text import Leaf, Words, cap, join, outline, read_text
from archiver.reading.variants import likeness

_MESSAGES = frozenset(["message/rfc822", "message/global", "message/news"])
_SUMMARY = ("From", "To", "Cc", "Date", "Subject")
_LISTED = 50
_SEPARATORS = re.compile(r"[/\\]")
# Marks that turn the direction of text: with them "exe.pdf" is shown for "fdp.exe".
_MISLEADING = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_WIDE = re.compile(rb"\xff\xfe|\xfe\xff|\x00\x00\xfe\xff")
_SAMPLE = 4_096

Content = tuple[bytes, tuple[Defect, ...]]
"""The bytes of a part, and what was wrong with their encoding."""


@dataclass(frozen=True, slots=True)
class Found:
    """An attachment and its bytes."""

    attachment: Attachment
    data: bytes


def read_attachments(
    leaves: Iterable[Leaf], allowance: Allowance, depth: int = 0
) -> Iterator[Found]:
    """Yield the attachments that LEAVES are, each followed by those nested inside it."""
    for leaf in leaves:
        if leaf.type in _MESSAGES:
            yield from _nested_message(leaf, allowance, depth)
        else:
            yield _attached(leaf)


def _attached(leaf: Leaf) -> Found:
    content = leaf.content
    return _found(leaf, content, _words(leaf, content))


def decode_attachment(data: bytes, part: str) -> tuple[Attachment, bytes]:
    """Return the part of the message DATA that has the number PART, and its exact bytes.

    The bytes are those after transfer decoding (RFC 2045, section 6), so a nested message comes
    out as it was attached. Raises UsageError when there is no such part.
    """
    allowance = Allowance(data)
    found = outline(take_apart(mend(data).data, allowance))
    numbers: list[str] = []
    for item in read_attachments(found.others, allowance):
        if item.attachment.part == part:
            return item.attachment, item.data
        numbers.append(item.attachment.part)
    for leaf in (*found.texts, *found.unused):
        if leaf.number == part:
            text = _found(leaf, leaf.content, leaf.words)
            return text.attachment, text.data
    raise UsageError(
        _("The message has no attachment number {number}.").format(number=clean(part)[:40]),
        advice=_("Its attachments are: {numbers}.").format(numbers=", ".join(numbers[:_LISTED]))
        if numbers
        else _("It has no attachments at all."),
    )


def take_apart(data: bytes, allowance: Allowance) -> Part:
    """Parse DATA, and leave it in one part when it has more parts than anybody sends."""
    try:
        return parse(data, allowance)
    except TooManyPartsError:
        return parse_flat(data)


def _nested_message(leaf: Leaf, allowance: Allowance, depth: int) -> Iterator[Found]:
    """Yield a message inside the message, then its own attachments (their numbers continue its)."""
    content = leaf.content
    data = content[0]
    if not allowance.enter(data, depth):
        words = _raw_words(leaf, content, defect("nesting-too-deep", part=leaf.number))
        yield _found(leaf, content, words)
        return
    message = take_apart(mend(data).data, allowance)
    inside = outline(message, leaf.number)
    texts = [text.words for text in inside.texts]
    text, cut = cap(join([_summary(message), *(words.text for words in texts)]), leaf.number)
    defects = (*inside.defects, *(wrong for words in texts for wrong in words.defects), *cut)
    yield _found(leaf, content, Words(text, defects), decode_value(message.field("subject"))[0])
    yield from read_attachments(inside.others, allowance, depth + 1)


def _summary(message: Part) -> str:
    """Return the headers by which people know a message."""
    values = ((name, decode_value(message.field(name.lower()))[0]) for name in _SUMMARY)
    return "\n".join(f"{name}: {value}" for name, value in values if value)


def _words(leaf: Leaf, content: Content) -> Words | None:
    """Return the text of an attachment, or None when this version does not read its type."""
    if leaf.type.startswith("message/") or leaf.part.too_deep:
        return _raw_words(leaf, content)
    if not leaf.type.startswith("text/") or leaf.type == "text/rtf":
        return None
    data, wrong = content
    sample = data[:_SAMPLE]
    charset = leaf.part.content_type.parameters.get("charset", "").lower()
    if b"\0" in sample and not charset.startswith(("utf-16", "utf-32", "utf16", "utf32", "ucs")):
        if not _WIDE.match(sample):
            return None  # a binary file under a wrong label
        text, cut = cap(clean(data.decode("utf-16", "replace")), leaf.number)
        return Words(text, (*wrong, *cut))
    return read_text(leaf.part, data, leaf.number, wrong)


def _raw_words(leaf: Leaf, content: Content, *more: Defect) -> Words:
    data, wrong = content
    text, cut = cap(decode(data, "utf-8")[0], leaf.number)
    return Words(text, (*wrong, *more, *cut))


def _found(leaf: Leaf, content: Content, words: Words | None, title: str = "") -> Found:
    data, wrong = content
    name, unsafe = _name(leaf, title)
    disposition = leaf.part.disposition[0]
    content_id = decode_value(leaf.part.field("content-id"))[0].strip("<> ")
    defects = (*(words.defects if words else wrong), *unsafe)
    attachment = Attachment(
        part=leaf.number,
        name=name,
        type=clean(leaf.type),
        size=len(data),
        text=words.text if words else None,
        inline=disposition == "inline" or (not disposition and leaf.related and bool(content_id)),
        content_id=content_id,
        defects=tuple(dict.fromkeys(defects)),
        likeness=likeness(leaf, data),
    )
    return Found(attachment, data)


def _name(leaf: Leaf, title: str) -> tuple[str, tuple[Defect, ...]]:
    """Return the file name to show: as declared, else TITLE; harmless, with the true one kept."""
    declared = (
        leaf.part.disposition[1].get("filename")
        or leaf.part.content_type.parameters.get("name")
        or title
    )
    safe = " ".join(_SEPARATORS.sub("_", _MISLEADING.sub("\ufffd", declared)).split())
    if _SEPARATORS.search(declared) or _MISLEADING.search(declared) or safe in {".", ".."}:
        true = declared.encode("unicode_escape").decode("ascii")
        wrong = (defect("name-unsafe", true, part=leaf.number),)
        return clean(safe).strip(".") if safe in {".", ".."} else clean(safe), wrong
    return clean(safe), ()
