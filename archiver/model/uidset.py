"""UID sets as IMAP writes them: ``1:4,7`` (RFC 3501, section 9: sequence-set)."""

import re
from collections.abc import Iterable, Iterator

MAX_UID = 0xFFFF_FFFF
MAX_MEMBERS = 10_000_000
"""A set that names more is refused: it could only exhaust memory."""

_RANGE = re.compile(r"([1-9][0-9]{0,9})(?::([1-9][0-9]{0,9}))?\Z")


def ranges(uids: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Group UIDS, in any order and with repetitions, into ascending (first, last) runs."""
    first = last = 0
    for uid in sorted(uids):
        if not 1 <= uid <= MAX_UID:
            raise ValueError(f"not a UID: {uid}")
        if first and uid <= last + 1:
            last = uid
            continue
        if first:
            yield first, last
        first = last = uid
    if first:
        yield first, last


def format_uids(uids: Iterable[int]) -> str:
    """Write UIDS as a set, ascending and as short as can be; empty for none."""
    return ",".join(
        str(first) if first == last else f"{first}:{last}" for first, last in ranges(uids)
    )


def parse_uids(text: str) -> frozenset[int]:
    """Read a set; raise ValueError for anything that is not one. ``*`` is not taken."""
    members: set[int] = set()
    for item in text.split(",") if text else ():
        found = _RANGE.match(item)
        if not found:
            raise ValueError(f"not a UID set: {text[:80]!r}")
        first, last = int(found[1]), int(found[2] or found[1])
        low, high = min(first, last), max(first, last)  # RFC 3501: 4:2 means 2:4
        if high > MAX_UID or len(members) + high - low >= MAX_MEMBERS:
            raise ValueError(f"a UID set too large: {text[:80]!r}")
        members.update(range(low, high + 1))
    return frozenset(members)
