"""Exact bytes, each in a file that is named by its SHA-256 and created once."""

import contextlib
import itertools
import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from gettext import gettext as _
from pathlib import Path

from archiver.errors import OperationError
from archiver.evidence.disk import Disk, told
from archiver.model.digest import Digest

MODE = 0o444
SHARDS = tuple(f"{number:02x}" for number in range(256))
TEMPORARY = "tmp"

_OPEN_AT_ONCE = 64  # macOS allows a process 256 open files


class Objects:
    """The folder ``objects/``. Every writing method needs the write lock."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self.folder = folder
        self._disk = disk

    def create(self) -> None:
        """Make the folder, those for the first two digits, and the one for temporaries."""
        self._disk.make_folder(self.folder)
        for name in (*SHARDS, TEMPORARY):
            self._disk.make_folder(self.folder / name)
        self._disk.sync_folder(self.folder)

    def path_of(self, digest: Digest) -> Path:
        """Where the object DIGEST is, if it is."""
        return self.folder / digest.hex[:2] / digest.hex

    def read(self, digest: Digest) -> bytes:
        """Return the object's bytes; raises OperationError when it is missing or damaged."""
        path = self.path_of(digest)
        try:
            data = path.read_bytes()
        except FileNotFoundError as error:
            raise _missing(path) from error
        except OSError:
            with told(path):
                raise
        if Digest.of(data) != digest:
            raise _damaged(path)
        return data

    def temporaries(self) -> tuple[Path, ...]:
        """Return what an interrupted write left behind."""
        folder = self.folder / TEMPORARY
        try:
            return tuple(Path(entry.path) for entry in os.scandir(folder))
        except FileNotFoundError:
            return ()

    def sweep(self) -> None:
        """Remove what an interrupted write left behind."""
        for path in self.temporaries():
            self._disk.remove(path)

    def put(
        self, contents: Mapping[Digest, bytes], *, known: Collection[Digest], prefix: str
    ) -> None:
        """Make CONTENTS durable: all of them, or none that was not there before.

        KNOWN are those that the journal already counts on. PREFIX is random: it names the
        temporaries. Raises OperationError when an object exists with other bytes; it is left as
        it is.
        """
        missing = [digest for digest in contents if not self._holds(digest, contents[digest])]
        adopted = [digest for digest in contents if digest not in known and digest not in missing]
        made: list[Digest] = []
        names = (self.folder / TEMPORARY / f"{prefix}-{number}" for number in itertools.count())
        try:
            for start in range(0, len(missing), _OPEN_AT_ONCE):
                some = missing[start : start + _OPEN_AT_ONCE]
                self._write({digest: contents[digest] for digest in some}, names, made)
            self._sync_files(adopted)
            self._sync_folders([*missing, *adopted])
        except BaseException:
            # No journal entry names them yet: a next try must not meet names that may be unsynced.
            self._withdraw([digest for digest in made if digest not in known])
            raise

    def _holds(self, digest: Digest, data: bytes) -> bool:
        path = self.path_of(digest)
        try:
            with open(path, "rb") as file:  # noqa: PTH123 - hot loop
                # One byte more than wanted shows a file that is too long.
                same = file.read(len(data) + 1) == data
        except FileNotFoundError:
            return False
        if not same:
            raise _damaged(path)
        return True

    def _write(
        self, contents: Mapping[Digest, bytes], names: Iterator[Path], made: list[Digest]
    ) -> None:
        """Write all, then sync all, then name all: the disk is given much to do at once."""
        disk = self._disk
        written: list[tuple[int, Path, Digest]] = []
        try:
            for (digest, data), path in zip(contents.items(), names, strict=False):
                descriptor = disk.make_file(path, MODE)
                written.append((descriptor, path, digest))
                disk.write(descriptor, data)
                disk.reached("object-written")
            for descriptor, _path, _digest in written:
                disk.sync(descriptor)
                disk.reached("object-synced")
        finally:
            for descriptor, _path, _digest in written:
                os.close(descriptor)
        for _descriptor, path, digest in written:
            disk.publish(path, self.path_of(digest))
            made.append(digest)
            disk.reached("object-named")

    def _sync_files(self, digests: Iterable[Digest]) -> None:
        """Sync files that an interrupted writer may have left: they were never counted on."""
        if sys.platform == "win32":
            return  # moves are written through
        for digest in digests:
            descriptor = os.open(self.path_of(digest), os.O_RDONLY)
            try:
                self._disk.sync(descriptor)
            finally:
                os.close(descriptor)

    def _sync_folders(self, digests: Iterable[Digest]) -> None:
        for shard in sorted({digest.hex[:2] for digest in digests}):
            self._disk.sync_folder(self.folder / shard)
            self._disk.reached("object-folder-synced")

    def _withdraw(self, digests: Iterable[Digest]) -> None:
        for path in [*map(self.path_of, digests), *self.temporaries()]:
            with contextlib.suppress(OSError):
                self._disk.remove(path)


def _missing(path: Path) -> OperationError:
    return OperationError(
        _("The object {path} is missing.").format(path=path),
        advice=_("Put it back from a backup; `archiver verify` lists all that is missing."),
    )


def _damaged(path: Path) -> OperationError:
    return OperationError(
        _("The object {path} is damaged: its bytes are not those that its name stands for.").format(
            path=path
        ),
        advice=_(
            "Nothing was overwritten. Move that file out of the archive and put back a sound copy "
            "from a backup; `archiver verify --read-data=all` lists all that is damaged."
        ),
    )
