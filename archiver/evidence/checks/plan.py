"""Which objects there should be, and which of them to read: made once, read by all processes."""

import contextlib
import hashlib
import io
import mmap
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from gettext import gettext as _
from typing import IO

from archiver.errors import OperationError
from archiver.evidence.journal.database import Database, Value, blob, integer

_DIGEST = 32
_SIZE = 8
_ROW = _DIGEST + _SIZE + 1
_IN_MEMORY = 4 << 20  # bytes; a larger plan is a file

KNOWN = 0
"""Named by the journal, and not to be looked at this time."""
SEEN = 1
"""To be looked at, not to be read."""
READ = 2

_NAMED = (
    "SELECT digest, size, position AS entry FROM record"
    " UNION ALL SELECT digest, size, entry FROM config WHERE digest IS NOT NULL"
    " UNION ALL SELECT digest, size, entry FROM key_seen ORDER BY digest, entry DESC"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Which objects are to be looked at, and which of them to be read."""

    share: float = 0.0
    """Of those that are looked at: 1.0 reads all; one at least is read unless it is 0."""
    seed: bytes = b""
    """Draws the sample: the same one again with the same seed."""
    since: int = 0
    """Look at what entries from here on named first."""
    done: frozenset[int] = frozenset()
    """Folders in which what older entries than ``done_before`` name was read already."""
    done_before: int = 0

    def draw(self, digest: bytes) -> int:
        """Return a number that says whether the object is in the sample."""
        return int.from_bytes(hashlib.sha256(self.seed + digest).digest()[:_SIZE], "big")


class Plan:
    """For each of the 256 folders the objects that belong there; close it after use."""

    def __init__(self, database: Database, wish: Wish) -> None:
        """Ask DATABASE for all objects that entries name, in the order of their digests."""
        self.total = 0
        """How many are to be looked at."""
        self._starts = [0] * 257
        self._file: IO[bytes] = io.BytesIO()
        self._rows: bytes | mmap.mmap = b""
        with contextlib.ExitStack() as stack:
            stack.callback(self.close)
            self._write(database, wish)
            stack.pop_all()

    def close(self) -> None:
        """Give back the memory, or the file."""
        if isinstance(self._rows, mmap.mmap):
            self._rows.close()
        self._rows = b""
        self._file.close()

    def expected(self, shard: int) -> dict[str, tuple[int, int]]:
        """Return size and task (KNOWN, SEEN, READ) of the objects in folder SHARD, by name."""
        rows = self._rows[self._starts[shard] : self._starts[shard + 1]]
        return {
            rows[at : at + _DIGEST].hex(): (
                int.from_bytes(rows[at + _DIGEST : at + _ROW - 1], "big", signed=True),
                rows[at + _ROW - 1],
            )
            for at in range(0, len(rows), _ROW)
        }

    def _write(self, database: Database, wish: Wish) -> None:
        lowest = 1 << (8 * _SIZE)
        limit, draws = int(wish.share * lowest), 0.0 < wish.share < 1.0
        always = -1
        at, shard = 0, 0
        for digest, size, entry in _distinct(database):
            while shard < digest[0]:
                shard += 1
                self._starts[shard] = at
            task = KNOWN
            if entry >= wish.since:
                self.total += 1
                task = READ if wish.share >= 1.0 else SEEN
                if draws and (drawn := wish.draw(digest)) < limit:
                    task = READ
                done = shard in wish.done and entry < wish.done_before
                if draws and drawn < lowest:
                    lowest, always = drawn, -1 if done else at
                if done:
                    task = SEEN
            self._file.write(digest + size.to_bytes(_SIZE, "big", signed=True) + bytes((task,)))
            at += _ROW
            if at >= _IN_MEMORY and isinstance(self._file, io.BytesIO):
                self._file = _on_disk(self._file)
        self._starts[shard + 1 :] = [at] * (256 - shard)
        if always >= 0 and lowest >= limit:
            # A small share of few objects would often draw none of them: one is always read.
            self._file.seek(always + _ROW - 1)
            self._file.write(bytes((READ,)))
        self._rows = self._taken()

    def _taken(self) -> bytes | mmap.mmap:
        if isinstance(self._file, io.BytesIO):
            return self._file.getvalue()
        self._file.flush()
        return mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)


def _on_disk(memory: io.BytesIO) -> IO[bytes]:
    """Move what is in MEMORY to a file without a name."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the plan closes it
    file.write(memory.getvalue())
    return file


def _distinct(database: Database) -> Iterator[tuple[bytes, int, int]]:
    """Yield (digest, size, first entry that names it) of each object."""
    last: tuple[bytes, int, int] | None = None
    for row in database.each(_NAMED):
        digest, size, entry = _typed(row)
        if last is not None and last[0] != digest:
            yield last
        last = digest, size, entry
    if last is not None:
        yield last


def _typed(row: tuple[Value, ...]) -> tuple[bytes, int, int]:
    digest, size, entry = blob(row[0]), integer(row[1]), integer(row[2])
    if len(digest) != _DIGEST:
        raise OperationError(
            _("The journal names an object by {count} bytes instead of 32.").format(
                count=len(digest)
            ),
            advice=_("Put back the folder journal from a backup."),
        )
    return digest, size, entry
