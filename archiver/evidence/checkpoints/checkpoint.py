"""Checkpoints (C2SP tlog-checkpoint): which tree, how large, and its root."""

import base64
import re
from dataclasses import dataclass

from archiver.evidence.checkpoints.keys import NoteError, check_name, strict_base64
from archiver.evidence.journal.canonical import LARGEST
from archiver.evidence.journal.merkle import HASH_SIZE

_ORIGIN = "written-record-archive/"
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,18})\Z")
_LINES = 3


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of an archive in three lines: everything journalled follows from the root."""

    origin: str
    size: int
    root: bytes
    """32 bytes (RFC 9162, section 2.1.1)."""

    def __post_init__(self) -> None:
        """Refuse what the format cannot carry; raises NoteError."""
        check_name(self.origin)
        if not 0 <= self.size <= LARGEST:
            raise NoteError("no tree has such a size")
        if len(self.root) != HASH_SIZE:
            raise NoteError("a root is 32 bytes long")

    def text(self) -> str:
        """Return the text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def origin_of(archive_id: str) -> str:
    """Return how the checkpoints of an archive, and the keys that sign them, are named."""
    return _ORIGIN + archive_id


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of an opened note; raises NoteError.

    Extension lines, which C2SP allows and advises against, are refused: the archiver writes none,
    and nobody could check what they say.
    """
    lines = text.split("\n")
    if len(lines) != _LINES + 1 or lines.pop():
        raise NoteError("a checkpoint has three lines")
    origin, size, root = lines
    return Checkpoint(origin, decimal(size), strict_base64(root))


def decimal(text: str) -> int:
    """Read a number written in the one way that there is for it; raises NoteError."""
    if not _DECIMAL.match(text):
        raise NoteError("not a number without leading zeros")
    return int(text)
