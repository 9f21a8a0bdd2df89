"""What the journal says of time-stamps, and where their files are (docs/timestamps.md).

``journal/stamps/<size>-<authority>`` with the suffixes ``.tsq`` (what was asked), ``.answer`` (what
came back, not yet or not to be believed), ``.tsr`` (the raw answer that was) and ``.pem`` (its
certificates and the pinned root, for openssl).
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal

from archiver.evidence.reader import Reader
from archiver.model.anchors import Anchor
from archiver.model.digest import Position

Suffix = Literal[".tsq", ".answer", ".tsr", ".pem"]


def stamps_folder(evidence: Reader) -> Path:
    """Where time-stamps are kept."""
    return evidence.root / "journal" / "stamps"


def stamp_path(evidence: Reader, size: int, authority: str, suffix: Suffix) -> Path:
    """Where AUTHORITY's file about the checkpoint of SIZE entries is, there or not."""
    return stamps_folder(evidence) / f"{size}-{authority}{suffix}"


def anchors(evidence: Reader) -> tuple[tuple[Position, Anchor], ...]:
    """Return the ``anchor`` entries, oldest first."""
    return tuple((position, anchor) for position, anchor, _at in dated_anchors(evidence))


def dated_anchors(evidence: Reader) -> Iterator[tuple[Position, Anchor, datetime]]:
    """Yield the ``anchor`` entries, oldest first, each with when it was written by our clock."""
    for entry in evidence.entries_of("anchor"):
        if isinstance(entry.payload, Anchor):
            yield entry.position, entry.payload, entry.at


def news_since(evidence: Reader, size: int) -> bool:
    """Tell whether anything but ``anchor`` entries was journalled beyond the first SIZE entries.

    A checkpoint that only adds anchors dates nothing new: without this, each would ask for another.
    """
    row = evidence.database.one(
        "SELECT 1 FROM entry WHERE position >= ? AND type <> 'anchor' LIMIT 1", size
    )
    return row is not None
