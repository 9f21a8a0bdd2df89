"""``journal/leaves``: the leaf hashes once more, 32 bytes each, in a file that only grows.

It shows when the database beside it was put back to an older state, and it lets anyone compute the
root without SQLite.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from gettext import gettext as _
from itertools import islice
from pathlib import Path

from archiver.errors import OperationError
from archiver.evidence.disk import Disk
from archiver.evidence.journal.merkle import HASH_SIZE

_BLANK = bytes(HASH_SIZE)
_LEAVES_AT_ONCE = 4096
_BINARY: int = getattr(os, "O_BINARY", 0)


class Mirror:
    """The file of leaves. Writing to it needs the write lock."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self.path = path
        self._disk = disk

    def create(self) -> None:
        """Make the empty file, unless it exists."""
        if not self.path.exists():
            os.close(self._disk.make_file(self.path))

    def length(self) -> int:
        """Bytes in the file; 0 when there is none."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def leaves(self) -> Iterator[bytes]:
        """Yield the whole leaves in the file."""
        try:
            with self.path.open("rb") as file:
                while block := file.read(HASH_SIZE * _LEAVES_AT_ONCE):
                    for start in range(0, len(block) - HASH_SIZE + 1, HASH_SIZE):
                        yield block[start : start + HASH_SIZE]
        except FileNotFoundError:
            return

    def check_not_ahead(self, length: int, size: int) -> None:
        """Raise OperationError when LENGTH bytes hold more leaves than the SIZE of the journal."""
        if length // HASH_SIZE > size:
            raise OperationError(
                _(
                    "The journal holds {size} entries, but {path} knows of {leaves}: the "
                    "database was rolled back to an older state."
                ).format(size=size, path=self.path, leaves=length // HASH_SIZE),
                advice=_(
                    "Nothing was changed. Put back the newest journal.sqlite, together with "
                    "journal.sqlite-wal if there is one; an older copy of the archive is a whole "
                    "folder, never one file of it."
                ),
            )

    def level(self, size: int, leaves_from: Callable[[int], Iterable[bytes]]) -> None:
        """Bring the file level with the SIZE leaves of the journal, whose writer was interrupted.

        A torn tail is cut, what is missing is appended from LEAVES_FROM. Raises OperationError,
        and changes nothing, when the file holds more leaves than the journal, or other ones.
        """
        length = self.length()
        if length == size * HASH_SIZE and self._same_end(size, leaves_from):
            return
        self.check_not_ahead(length, size)
        whole = self._whole_leaves(length)
        if not self._same_end(whole, leaves_from):
            raise OperationError(
                _("The journal and {path} beside it tell different stories.").format(
                    path=self.path
                ),
                advice=_(
                    "Nothing was changed. Run `archiver verify` to see where they part, and put "
                    "back the folder journal from a backup."
                ),
            )
        self.append(whole, leaves_from(whole))

    def append(self, at: int, leaves: Iterable[bytes]) -> None:
        """Write LEAVES after the first AT of the file, cut what follows, and sync."""
        leaves = iter(leaves)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | _BINARY, 0o600)
        try:
            os.ftruncate(descriptor, at * HASH_SIZE)
            os.lseek(descriptor, 0, os.SEEK_END)
            while block := b"".join(islice(leaves, _LEAVES_AT_ONCE)):
                self._disk.write(descriptor, block)
            self._disk.reached("mirror-written")
            self._disk.sync(descriptor)
            self._disk.reached("mirror-synced")
        finally:
            os.close(descriptor)

    def _whole_leaves(self, length: int) -> int:
        """Count the leaves before a torn tail: power cut may leave part of a leaf, or blanks."""
        whole = length // HASH_SIZE
        if not whole:
            return 0
        with self.path.open("rb") as file:
            while whole:
                file.seek((whole - 1) * HASH_SIZE)
                if file.read(HASH_SIZE) != _BLANK:
                    break
                whole -= 1
        return whole

    def _same_end(self, count: int, leaves_from: Callable[[int], Iterable[bytes]]) -> bool:
        """Compare the last of COUNT leaves: one is enough to tell a journal that went elsewhere."""
        if not count:
            return True
        with self.path.open("rb") as file:
            file.seek((count - 1) * HASH_SIZE)
            return file.read(HASH_SIZE) == next(iter(leaves_from(count - 1)), None)
