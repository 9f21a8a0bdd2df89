"""A message as DKIM sees it (RFC 6376, section 3.4): header fields in order, hashes of the body.

Lines end in CRLF when a message travels and comes over IMAP; a file may hold it with bare LF. It is
verified with CRLF either way, and what is kept stays as it was. Everything here takes time in
proportion to the message, whatever a stranger wrote in it.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

Canonical = Literal["simple", "relaxed"]
Field = tuple[bytes, bytes]
"""A header field's name, and its value as it stands, with the CRLF at the end of each line."""

MAX_HEADER: Final = 256 * 1024
_MAX_FIELDS: Final = 2_000
_END_OF_HEADER = re.compile(rb"\n\r?\n")
_LINE_END = re.compile(rb"\r?\n")
_BARE_CR = re.compile(rb"\r(?!\n)")
_MBOX = re.compile(rb"From (?!\s*:)")  # before the first field; "From :" is read as a field
_FIELD = re.compile(rb"([\x21-\x39\x3b-\x7e]+):")
_SIGNED = re.compile(
    rb"^(?:dkim-signature|arc-(?:seal|message-signature|authentication-results)):",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Message:
    """The header fields, top first, and the body with CRLF."""

    fields: tuple[Field, ...]
    body: bytes
    sound: bool
    """False when the header holds a line that is no field, or far too much: no signature counts."""

    def named(self, name: bytes) -> tuple[Field, ...]:
        """Return the fields called NAME, lower case, top first."""
        return tuple(field for field in self.fields if field[0].lower() == name)


def is_signed(data: bytes) -> bool:
    """Tell, without parsing, whether the header may hold a DKIM or ARC field."""
    return _SIGNED.search(_split(data)[0]) is not None


def parse(data: bytes) -> Message:
    """Take DATA apart; never raises."""
    head, body = _split(data)
    if len(head) > MAX_HEADER:
        return Message((), _crlf(body), sound=False)
    fields, sound = _fields(head)
    if len(fields) > _MAX_FIELDS:
        return Message((), _crlf(body), sound=False)
    return Message(fields, _crlf(body), sound)


def _split(data: bytes) -> tuple[bytes, bytes]:
    """Return header and body; the empty line between them belongs to neither."""
    if first := re.match(rb"\r?\n", data):
        return b"", data[first.end() :]
    end = _END_OF_HEADER.search(data)
    if end is None:
        return data, b""
    return data[: end.start()].removesuffix(b"\r"), data[end.end() :]


def _fields(head: bytes) -> tuple[tuple[Field, ...], bool]:
    found: list[tuple[bytes, list[bytes]]] = []
    sound = _BARE_CR.search(head) is None  # many programs begin another field there
    for number, line in enumerate(_LINE_END.split(head) if head else ()):
        if line[:1] in {b" ", b"\t"}:
            if found:
                found[-1][1].append(line)
            else:
                sound = False
        elif match := _FIELD.match(line):
            found.append((match[1], [line[match.end() :]]))
        elif line and (number or not _MBOX.match(line)):
            sound = False
    return tuple((name, b"\r\n".join(lines) + b"\r\n") for name, lines in found), sound


def _crlf(body: bytes) -> bytes:
    if body.count(b"\n") == body.count(b"\r\n"):
        return body
    return body.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def unfolded(value: bytes) -> str:
    """Return a field's value as text on one line; what is not UTF-8 is replaced."""
    return _LINE_END.sub(b"", value).decode("utf-8", "replace").strip()


class BodyHashes:
    """Hashes of one body in its canonical forms, each computed once (RFC 6376, section 3.4)."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._hashes: dict[tuple[Canonical, str, int | None], tuple[bytes, int]] = {}
        self._forms: dict[Canonical, bytes] = {}

    def of(self, form: Canonical, algorithm: str, length: int | None) -> tuple[bytes, int]:
        """Return the hash of the first LENGTH octets (None: all), and how many are beyond."""
        key = form, algorithm, length
        if key not in self._hashes:
            if form not in self._forms:
                self._forms[form] = canonical_body(self._body, form)
            body = self._forms[form]
            covered = memoryview(body)[:length]
            digest = hashlib.new(algorithm, covered, usedforsecurity=False).digest()
            self._hashes[key] = digest, len(body) - len(covered)
        return self._hashes[key]


def canonical_body(body: bytes, form: Canonical) -> bytes:
    """Return BODY, with CRLF, in its canonical form (RFC 6376, sections 3.4.3 and 3.4.4)."""
    if form == "relaxed":
        # Runs first: a run of spaces that no line end follows would cost its length squared.
        body = _one_space(body).replace(b" \r\n", b"\r\n").removesuffix(b" ")
    end = len(body)
    while body.endswith(b"\r\n", 0, end):
        end -= 2
    if end == 0:
        return b"" if form == "relaxed" else b"\r\n"
    return body[:end] + b"\r\n"


def canonical_fields(fields: Iterable[Field], form: Canonical) -> list[Field]:
    """Return FIELDS in their canonical form (RFC 6376, sections 3.4.1 and 3.4.2)."""
    if form == "simple":
        return list(fields)
    return [relaxed_field(field) for field in fields]


def relaxed_field(field: Field) -> Field:
    """Return one field in the canonical form "relaxed"."""
    name, value = field
    return name.lower(), _one_space(_LINE_END.sub(b"", value)).strip(b" ") + b"\r\n"


def _one_space(text: bytes) -> bytes:
    """Make one space of each run of spaces and tabs: each round halves the longest run."""
    text = text.replace(b"\t", b" ")
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    return text
