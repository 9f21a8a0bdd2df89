"""The little of DER (ITU-T X.690) that time-stamps need: read what a stamp says, write a request.

The library that judges signatures refuses whole answers for details that no standard verifier minds
(the order of certificates, an accuracy of half a second), so what an answer says is read here, as
strictly as DER asks where it matters: definite lengths, nothing left over.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
UTF8_STRING, GENERALIZED_TIME, SEQUENCE, SET = 0x0C, 0x18, 0x30, 0x31

_LONG_TAG = 0x1F
_SHORT = 0x80  # lengths below it stand in one byte
_LENGTH_BYTES = 4
_ARC = 40
_TIME = re.compile(rb"(\d{14})(?:[.](\d*[1-9]))?Z")  # RFC 3161, section 2.4.2


class DerError(ValueError):
    """The bytes are not the DER of what was expected there."""


@dataclass(frozen=True, slots=True)
class Node:
    """One element: its tag, its whole encoding, and its content."""

    tag: int
    whole: bytes
    value: bytes

    def children(self) -> tuple["Node", ...]:
        """Return the elements that a constructed element is made of."""
        return tuple(_elements(self.value))

    def expect(self, tag: int) -> "Node":
        """Return this element if it has TAG; raise DerError otherwise."""
        if self.tag != tag:
            raise DerError(f"tag {tag:#04x} expected, {self.tag:#04x} found")
        return self

    def integer(self) -> int:
        """Return an INTEGER, of any size."""
        self.expect(INTEGER)
        if not self.value:
            raise DerError("an integer without a byte")
        return int.from_bytes(self.value, "big", signed=True)

    def oid(self) -> str:
        """Return an OBJECT IDENTIFIER in dotted form."""
        self.expect(OID)
        if not self.value or self.value[-1] & _SHORT:
            raise DerError("an object identifier that ends too early")
        arcs: list[int] = []
        arc = 0
        for byte in self.value:
            arc = arc << 7 | byte & 0x7F
            if not byte & _SHORT:
                arcs.append(arc)
                arc = 0
        first = min(arcs[0] // _ARC, 2)
        return ".".join(map(str, (first, arcs[0] - first * _ARC, *arcs[1:])))

    def time(self) -> datetime:
        """Return a GeneralizedTime, which RFC 3161 gives in UTC; beyond microseconds it is cut."""
        match = _TIME.fullmatch(self.expect(GENERALIZED_TIME).value)
        if not match:
            raise DerError("a time that is not written as RFC 3161 has it")
        whole, fraction = match[1].decode(), (match[2] or b"").decode()
        try:
            moment = datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        except ValueError as error:
            raise DerError(str(error)) from error
        return moment.replace(microsecond=int(fraction.ljust(6, "0")[:6] or 0))


def parse(data: bytes) -> Node:
    """Return the one element that DATA is; raises DerError."""
    node = first(data)
    if len(node.whole) != len(data):
        raise DerError("something is left over")
    return node


def first(data: bytes) -> Node:
    """Return the element that DATA begins with, whatever follows it; raises DerError."""
    for node in _elements(data):
        return node
    raise DerError("it is empty")


def _elements(data: bytes) -> Iterator[Node]:
    start = 0
    while start < len(data):
        tag, begin, end = _header(data, start)
        yield Node(tag, data[start:end], data[begin:end])
        start = end


def _header(data: bytes, start: int) -> tuple[int, int, int]:
    """Return the tag of the element at START, and where its content begins and ends."""
    try:
        tag, length = data[start], data[start + 1]
        begin = start + 2
        if tag & _LONG_TAG == _LONG_TAG:
            raise DerError("a tag of more than one byte")
        if length >= _SHORT:
            count = length - _SHORT
            if not 1 <= count <= _LENGTH_BYTES:
                raise DerError("a length that DER does not have here")
            if begin + count > len(data):
                raise DerError("it ends too early")
            length = int.from_bytes(data[begin : begin + count], "big")
            begin += count
    except IndexError:
        raise DerError("it ends too early") from None
    if begin + length > len(data):
        raise DerError("it ends too early")
    return tag, begin, begin + length


def element(tag: int, *contents: bytes) -> bytes:
    """Write an element whose content is CONTENTS one after the other."""
    content = b"".join(contents)
    size = len(content)
    if size < _SHORT:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _SHORT | len(length))) + length + content


def integer(number: int) -> bytes:
    """Write an INTEGER that is not negative."""
    return element(INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    """Write an OBJECT IDENTIFIER."""
    first, second, *rest = map(int, dotted.split("."))
    return element(OID, *(_arc(arc) for arc in (first * _ARC + second, *rest)))


def _arc(arc: int) -> bytes:
    septets = [arc & 0x7F]
    while arc := arc >> 7:
        septets.append(arc & 0x7F | _SHORT)
    return bytes(reversed(septets))
