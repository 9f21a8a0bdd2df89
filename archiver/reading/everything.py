"""All the words that a message's bytes hold, shown or not: what a search for secrets looks through.

The reading shows one form of each text. Whoever is handed the bytes has all of them: the other
alternative, the headers of nested messages, an address inside an HTML attribute.
"""

import html as entities
import re
from collections.abc import Iterator

from archiver.reading.attachments import take_apart
from archiver.reading.html import decode_html
from archiver.reading.mime.charsets import clean, decode
from archiver.reading.mime.headers import decode_value
from archiver.reading.mime.mend import mend
from archiver.reading.mime.parser import Allowance, Part
from archiver.reading.text import MAX_TEXT, Leaf, outline

_MESSAGES = frozenset(["message/rfc822", "message/global", "message/news"])
_HTML = frozenset(["text/html", "text/x-amp-html", "text/enriched", "text/richtext"])
_INLINE = re.compile(
    r"</?(?:a|b|i|u|em|strong|span|font|small|big|mark|wbr|sub|sup)\b[^<>]*+>", re.IGNORECASE
)
_TAG = re.compile(r"<[^<>]*+>")
_MAX_BYTES = 4 * MAX_TEXT


def everything(data: bytes) -> Iterator[str]:
    """Yield every header and every text of DATA, nested messages included; never raises.

    What cannot be taken apart is yielded as it stands. Binary attachments are not read.
    """
    yield from _message(data, Allowance(data), 0)


def _message(data: bytes, allowance: Allowance, depth: int) -> list[str]:
    try:
        message = take_apart(mend(data).data, allowance)
        found = outline(message)
        pieces = [*_headers(message)]
        for leaf in (*found.texts, *found.unused, *found.others):
            pieces += _leaf(leaf, allowance, depth)
    except Exception:  # noqa: BLE001 -- the wall: no mail may stop what looks through mail
        return [decode(data[:_MAX_BYTES], "")[0]]
    return pieces


def _headers(part: Part) -> Iterator[str]:
    """Yield the headers of PART and of what it is divided into, and what stands between them."""
    yield "\n".join(f"{name}: {decode_value(str(value))[0]}" for name, value in part.raw_items())
    for parameters in (part.content_type.parameters, part.disposition[1]):
        yield from parameters.values()  # file names, joined and decoded
    yield part.preamble or ""
    yield part.epilogue or ""
    for child in part.children():
        yield from _headers(child)


def _leaf(leaf: Leaf, allowance: Allowance, depth: int) -> Iterator[str]:
    data, _wrong = leaf.content
    if leaf.type in _MESSAGES and allowance.enter(data, depth):
        yield from _message(data, allowance, depth + 1)
    elif leaf.type in _HTML:
        source = decode_html(data[:_MAX_BYTES], _charset(leaf))[0]
        yield _unescape(source)  # addresses in attributes, comments
        yield _unescape(_TAG.sub("\n", _INLINE.sub("", source)))
    elif leaf.type.startswith(("text/", "message/", "multipart/")):
        yield decode(data[:_MAX_BYTES], _charset(leaf))[0]


def _charset(leaf: Leaf) -> str:
    return leaf.part.content_type.parameters.get("charset", "")


def _unescape(text: str) -> str:
    try:
        return clean(entities.unescape(text))
    except ValueError:  # a number of thousands of digits
        return text
