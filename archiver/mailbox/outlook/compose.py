"""Put a message (RFC 5322, MIME) together from what an item of Outlook holds.

The same item always gives the same bytes: nothing is taken from a clock, from chance, or from how
this version of Python writes mail. Nothing is invented either: a field stands there only if the
item states it. The header that the item kept is taken over line by line, save the fields that
describe a body (MIME-Version, Content-…): that body is gone, and this one is built otherwise.
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from email.utils import format_datetime
from typing import Final
from urllib.parse import quote

from archiver.mailbox.outlook.item import Attached, File, Item, Lost, Nested, Person

WHOLE: Final = "original.msg"
"""What the item itself is called where it is attached to the message made from it."""

_TOKEN = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+")
_FIELD = re.compile(r"([!-9;-~]+)[ \t]*:")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\u2028\u2029\x85]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_ADDRESS = re.compile(r"[^\s<>,;:\"()\\]+@[^\s<>,;:\"()\\]+")
_OWN: Final = ("content-", "mime-version")
_LINE: Final = 998
"""Bytes a line may have (RFC 5322, section 2.1.1)."""
_WORD: Final = 45
"""Bytes of text in one encoded word (RFC 2047, section 2: 75 letters in all)."""


def compose(item: Item, whole: bytes | None = None) -> bytes:
    """Return ITEM as a message; WHOLE, the file that it was read from, is attached to it."""
    head = list(_head(item))
    parts = list(_parts(item, whole))
    digest = hashlib.sha256()
    for piece in (*head, *parts):
        digest.update(len(piece).to_bytes(8, "big") + piece)
    boundary = f"=_{digest.hexdigest()[:40]}"  # "=_" stands in neither base64 nor quoted-printable
    body = _multipart("mixed", boundary, parts) if len(parts) > 1 else parts[0]
    return b"\r\n".join([*head, b"MIME-Version: 1.0", body])


def _head(item: Item) -> Iterator[bytes]:
    """Yield the header fields without what describes the body, and without their line ends."""
    stated = set()
    for name, lines in _kept(item.headers):
        stated.add(name)
        yield b"\r\n".join(line.encode("utf-8", "replace") for line in lines)
    for name, value in _told(item):
        if value and name.lower() not in stated:
            yield f"{name}: {value}".encode()


def _kept(headers: str) -> Iterator[tuple[str, list[str]]]:
    """Yield name (lower case) and lines of each field; what is no field is left out."""
    name = ""
    lines: list[str] = []
    for line in re.split(r"\r\n|\r|\n", headers):
        clean = line.replace("\0", "")
        found = _FIELD.match(clean)
        if clean[:1] in {" ", "\t"}:
            if lines and clean.strip():
                lines.append(clean)
            continue
        if lines and not name.startswith(_OWN):
            yield name, lines
        name, lines = (found[1].lower(), [clean]) if found else ("", [])
    if lines and not name.startswith(_OWN):
        yield name, lines


def _told(item: Item) -> Iterator[tuple[str, str]]:
    """Yield what the properties say, for the fields that the kept header lacks."""
    author = item.author if item.author != Person() else item.sender
    yield "From", _people([author])
    if item.sender not in {author, Person()} and item.sender.address != author.address:
        yield "Sender", _people([item.sender])
    yield "To", _people(item.to)
    yield "Cc", _people(item.cc)
    yield "Bcc", _people(item.bcc)
    yield "Subject", _words(item.subject)
    if item.submitted is not None and not item.unsent:
        # "-0000": UTC, and nothing is known of the sender's own zone (RFC 5322, section 3.3).
        yield "Date", format_datetime(item.submitted.replace(tzinfo=None))
    yield "Message-ID", _identifiers(item.message_id)
    yield "In-Reply-To", _identifiers(item.in_reply_to)
    yield "References", _identifiers(item.references)


def _people(people: Sequence[Person]) -> str:
    return ",\r\n ".join(told for person in people if (told := _person(person)))


def _person(person: Person) -> str:
    name = _name(person.name)
    address = _CONTROLS.sub("", person.address).strip()
    if not _ADDRESS.fullmatch(address):
        # A name alone, which readers show as such: no address is made up for it.
        return name
    if not address.isascii():
        return f"{name} <{address}>" if name else address  # RFC 6532
    return f"{name} <{address}>" if name else address


def _name(name: str) -> str:
    bare = " ".join(_CONTROLS.sub(" ", name).split())
    if not bare or (_ATOMS.fullmatch(bare) and "=?" not in bare and len(bare) < _WORD):
        return bare
    return _encoded(bare)


def _words(text: str) -> str:
    """Return TEXT for an unstructured field, encoded where it must be (RFC 2047)."""
    bare = _CONTROLS.sub(" ", text).strip()
    if bare.isascii() and "=?" not in bare and len(bare) < _LINE - len("Subject: "):
        return bare
    return _encoded(bare)


def _encoded(text: str) -> str:
    chunks: list[bytes] = [b""]
    for letter in text:
        data = letter.encode()
        if len(chunks[-1]) + len(data) > _WORD:
            chunks.append(b"")
        chunks[-1] += data
    return "\r\n ".join(f"=?utf-8?B?{base64.b64encode(chunk).decode()}?=" for chunk in chunks)


def _identifiers(text: str) -> str:
    bare = _CONTROLS.sub(" ", text).split()
    return "\r\n ".join(word for word in bare if word.isascii() and len(word) < _LINE)


def _parts(item: Item, whole: bytes | None) -> Iterator[bytes]:
    """Yield the parts of the body, each with its own header: the words first."""
    words = []
    if item.text is not None or item.html is None:
        text = re.sub(r"\r\n|\r|\n", "\r\n", item.text or "")
        words.append(_lines('text/plain; charset="utf-8"', text.encode("utf-8", "replace")))
    if item.html is not None:
        charset = f'; charset="{item.charset}"' if item.charset else ""
        words.append(_lines(f"text/html{charset}", item.html))
    if len(words) > 1:
        boundary = f"=_{hashlib.sha256(b''.join(words)).hexdigest()[:40]}"
        yield _multipart("alternative", boundary, words)
    else:
        yield words[0]
    for attached in item.attached:
        if part := _attached(attached):
            yield part
    if whole is not None:
        yield _file(File(name=WHOLE, type="application/vnd.ms-outlook", data=whole))


def _attached(attached: Attached) -> bytes:
    match attached:
        case File():
            return _file(attached)
        case Nested(name=name, item=item):
            inner = compose(item)
            encoding = "7bit" if inner.isascii() else "8bit"
            head = f"Content-Type: message/rfc822{_named('name', name)}\r\n"
            head += f"Content-Disposition: attachment{_named('filename', name)}\r\n"
            return f"{head}Content-Transfer-Encoding: {encoding}\r\n\r\n".encode() + inner
        case Lost():
            return b""  # told beside the message: nothing stands in for what is not there


def _lines(type_: str, data: bytes) -> bytes:
    """Return a part of text: as it is where mail can carry that, else as base64."""
    plain = b"\0" not in data and data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r")
    if plain and max(map(len, data.split(b"\r\n"))) <= _LINE:
        encoding = "7bit" if data.isascii() else "8bit"
    else:
        encoding, data = "base64", _base64(data)
    head = f"Content-Type: {type_}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + data


def _file(file: File) -> bytes:
    type_ = file.type if _TOKEN.fullmatch(file.type) else "application/octet-stream"
    if type_.lower().startswith(("multipart/", "message/")):
        type_ = "application/octet-stream"  # those may not be encoded (RFC 2045, section 6.4)
    lines = [
        f"Content-Type: {type_}{_named('name', file.name)}",
        "Content-Transfer-Encoding: base64",
    ]
    if _CONTROLS.sub("", file.content_id).isascii() and file.content_id:
        lines.append(f"Content-ID: <{_CONTROLS.sub('', file.content_id)}>")
    kind = "inline" if file.inline else "attachment"
    lines.append(f"Content-Disposition: {kind}{_named('filename', file.name)}")
    return "\r\n".join([*lines, "", ""]).encode() + _base64(file.data)


def _named(parameter: str, name: str) -> str:
    """Return a parameter that gives a file's NAME (RFC 2231 where it is not ASCII)."""
    bare = _CONTROLS.sub(" ", name).strip()
    if not bare:
        return ""
    if bare.isascii():
        escaped = bare.replace("\\", "\\\\").replace('"', '\\"')
        return f';\r\n {parameter}="{escaped}"'
    return f";\r\n {parameter}*=utf-8''{quote(bare, safe='')}"


def _multipart(subtype: str, boundary: str, parts: Sequence[bytes]) -> bytes:
    mark = boundary.encode()
    head = f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}"\r\n\r\n'.encode()
    pieces = [piece for part in parts for piece in (b"--", mark, b"\r\n", part, b"\r\n")]
    return b"".join([head, *pieces, b"--", mark, b"--\r\n"])


def _base64(data: bytes) -> bytes:
    return base64.encodebytes(data).replace(b"\n", b"\r\n")
