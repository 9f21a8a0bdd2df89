"""Read the LIST and FETCH answers of servers (RFC 3501, section 7), well-formed or not.

imaplib collects untagged answers as a flat list: one line, or (text that ends in ``{n}``, literal)
pairs followed by the rest of the line. imapclient parses a whole batch of them at once, so that
one answer that it cannot read loses the batch, it files an answer without a UID under its
sequence number as if that were a UID, and it refuses keywords that hold a ``[``. Here each answer
is read on its own, and one that makes no sense is left out; what it was about is asked again.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TypeVar

Each = TypeVar("Each")

Item = bytes | tuple[bytes, bytes] | None
"""One element of what imaplib collected."""

Value = bytes | int | None | tuple["Value", ...]
"""A parsed value: string or atom, number, NIL, parenthesised list."""

_TOKEN = re.compile(
    rb'"(?:[^"\\]|\\.)*"|[()]|(?:BODY|BINARY)(?:\.PEEK)?\[[^\]]*\](?:<\d+>)?|[^\s()"]+',
    re.IGNORECASE | re.DOTALL,
)
# What most servers answer to what the adapter asks, word for word; all else is taken apart.
_OUTLINE = re.compile(
    rb"\d+ \(UID ([1-9]\d{0,9}) RFC822\.SIZE (0|[1-9]\d{0,9})"
    rb' INTERNALDATE "([^"\\]*)" FLAGS \(([^()\[\]{}"]*)\)(?: MODSEQ \(\d{1,20}\))?\)\Z'
)
_BODY = re.compile(
    rb"\d+ \(UID ([1-9]\d{0,9}) (BODY\[(?:HEADER\.FIELDS \([A-Z0-9 -]*\))?\]) \{\d+\}\Z"
)
_LOOSE = re.compile(rb'\(([^()]*)\) (?:"\\?([^"])"|NIL) (.+)\Z', re.IGNORECASE | re.DOTALL)
_UNESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_DATE = re.compile(rb" ?(\d{1,2})-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)\Z")
_MONTHS = {
    name: number
    for number, name in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)
}
_MAX_DEPTH = 8
MOST = 2**32 - 1
"""The largest UID, UIDVALIDITY or count of messages (RFC 3501, section 9: nz-number, number)."""
_MAX_MINUTES = 59


@dataclass(frozen=True, slots=True)
class Listed:
    """One LIST answer."""

    attributes: tuple[str, ...]
    """Lower case, for example ``\\noselect``."""
    delimiter: str
    """Empty in a flat name space."""
    name: bytes
    """As on the wire."""


def fetched(items: Iterable[Item]) -> Iterator[tuple[int, dict[bytes, Value]]]:
    """Yield (UID, attributes by upper-case name) for each FETCH answer that tells a UID."""
    for group in _groups(items):
        usual = _usual(group)
        if usual is not None:
            if usual[0] <= MOST:
                yield usual
            continue
        answer = _values(group) or ()
        if len(answer) < 2 or not isinstance(answer[1], tuple):  # noqa: PLR2004 - number, list
            continue
        pairs = answer[1]
        if len(group) > 1 and (len(pairs) % 2 or not _fitting(group)):
            continue  # a literal of another length than was announced: nothing in here is sure
        attributes = {
            name.upper(): value
            for name, value in zip(pairs[::2], pairs[1::2], strict=False)
            if isinstance(name, bytes)
        }
        uid = attributes.get(b"UID")
        if isinstance(uid, int) and 0 < uid <= MOST:
            yield uid, attributes


def _fitting(group: Sequence[bytes | tuple[bytes, bytes]]) -> bool:
    """Tell whether every literal ends where the answer goes on as it should."""
    rests = (item[0] if isinstance(item, tuple) else item for item in group[1:])
    return all(rest[:1] in {b" ", b")"} for rest in rests)


def _usual(group: Sequence[bytes | tuple[bytes, bytes]]) -> tuple[int, dict[bytes, Value]] | None:
    """Read an answer of the usual form; None for any other, of which nothing is concluded."""
    first = group[0]
    if isinstance(first, tuple):
        announced = _BODY.match(first[0])
        if announced and group[1:] == [b")"]:
            uid = int(announced[1])
            return uid, {b"UID": uid, announced[2]: first[1]}
    elif found := _OUTLINE.match(first):
        uid = int(found[1])
        return uid, {
            b"UID": uid,
            b"RFC822.SIZE": int(found[2]),
            b"INTERNALDATE": found[3],
            b"FLAGS": tuple(map(_atom, found[4].split())),
        }
    return None


def number(value: Value) -> int | None:
    """Return a number of at most 64 bits (RFC 7162: mod-sequences have 63); None for none."""
    if isinstance(value, bytes) and value.isdigit() and len(value) <= 20:  # noqa: PLR2004 - 2**64
        return int(value)
    return value if isinstance(value, int) else None


def statuses(items: Iterable[Item]) -> Iterator[tuple[bytes, dict[bytes, Value]]]:
    """Yield (name as on the wire, attributes by upper-case name) for each STATUS answer."""
    for group in _groups(items):
        match _values(group):
            case ((bytes() | int()) as name, tuple() as pairs):
                yield (
                    name if isinstance(name, bytes) else b"%d" % name,
                    {
                        key.upper(): value
                        for key, value in zip(pairs[::2], pairs[1::2], strict=False)
                        if isinstance(key, bytes)
                    },
                )
            case _:
                pass  # its folder is looked at by opening it


def namespaces(items: Iterable[Item]) -> Iterator[tuple[bytes, bool]]:
    """Yield (prefix as on the wire, whether it is somebody else's) of NAMESPACE (RFC 2342)."""
    for group in _groups(items):
        kinds = _values(group) or ()
        for place, kind in enumerate(kinds[:3]):
            for each in kind if isinstance(kind, tuple) else ():
                if isinstance(each, tuple) and each and isinstance(each[0], bytes):
                    yield each[0], place > 0


def listed(items: Iterable[Item]) -> Iterator[Listed]:
    """Yield the folders of LIST answers; a name that is not quoted as it should be is one too."""
    for group in _groups(items):
        match _values(group):
            case (tuple() as attributes, bytes() | None as delimiter, (bytes() | int()) as name):
                yield Listed(
                    attributes=tuple(text(attribute).lower() for attribute in attributes),
                    delimiter=text(delimiter),
                    name=name if isinstance(name, bytes) else b"%d" % name,
                )
            case _:
                if found := _LOOSE.match(group[0]) if isinstance(group[0], bytes) else None:
                    yield Listed(
                        attributes=tuple(text(found[1]).lower().split()),
                        delimiter=text(found[2] or b""),
                        name=found[3],
                    )


def text(value: Value) -> str:
    """Return a string or atom for people; numbers too, since a keyword may be all digits."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return "" if value is None or isinstance(value, tuple) else str(value)


def internaldate(value: Value) -> datetime | None:
    """Read an INTERNALDATE and keep its offset; None when it is none (RFC 3501: date-time)."""
    found = _DATE.match(value) if isinstance(value, bytes) else None
    month = _MONTHS.get(found[2].lower()) if found else None
    if found is None or month is None or int(found[9]) > _MAX_MINUTES:
        return None
    offset = timedelta(hours=int(found[8]), minutes=int(found[9]))
    try:
        return datetime(
            int(found[3]),
            month,
            int(found[1]),
            int(found[4]),
            int(found[5]),
            int(found[6]),
            tzinfo=timezone(-offset if found[7] == b"-" else offset),
        )
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class _Literal:
    data: bytes


def _groups(items: Iterable[Item]) -> Iterator[list[bytes | tuple[bytes, bytes]]]:
    """Gather the elements of each answer: pairs with a literal, then the rest of the line."""
    group: list[bytes | tuple[bytes, bytes]] = []
    for item in items:
        if item is None:
            continue
        group.append(item)
        if isinstance(item, bytes):
            yield group
            group = []


def _values(group: Iterable[bytes | tuple[bytes, bytes]]) -> tuple[Value, ...] | None:
    """Read one answer; None when it cannot be."""
    tokens: list[bytes | _Literal] = []
    for item in group:
        if isinstance(item, tuple):
            # The announcement ``{n}`` is the last token before its literal.
            tokens += _TOKEN.findall(item[0])[:-1]
            tokens.append(_Literal(item[1]))
        else:
            tokens += _TOKEN.findall(item)
    try:
        return _parse(iter(tokens))
    except ValueError:
        return None


def _parse(tokens: Iterator["bytes | _Literal"], depth: int = 0) -> tuple[Value, ...]:
    values: list[Value] = []
    for token in tokens:
        if isinstance(token, _Literal):
            values.append(token.data)
        elif token == b")":
            if not depth:
                raise ValueError("a parenthesis closed that was not open")
            return tuple(values)
        elif token == b"(":
            if depth == _MAX_DEPTH:
                raise ValueError("nested too deep")
            values.append(_parse(tokens, depth + 1))
        else:
            values.append(_atom(token))
    if depth:
        raise ValueError("a parenthesis left open")
    return tuple(values)


def _atom(token: bytes) -> Value:
    if token.startswith(b'"'):
        return _UNESCAPED.sub(rb"\1", token[1:-1])
    if token.upper() == b"NIL":
        return None
    # A number with leading zeros is a name ("007"); one of many digits is no UID or size.
    if token.isdigit() and len(token) <= 18 and (token == b"0" or token[:1] != b"0"):  # noqa: PLR2004 - below 2**63
        return int(token)
    return token


def chunks(items: Sequence[Each], size: int) -> Iterator[Sequence[Each]]:
    """Cut ITEMS into runs of at most SIZE."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
