"""Exact bytes, each in a file that is named by its SHA-256 and created once."""

import contextlib
import itertools
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from gettext import gettext as _
from pathlib import Path
from typing import BinaryIO

from archiver.errors import OperationError
from archiver.evidence.disk import Disk, told
from archiver.evidence.spool import OBJECT, SpoolFile, is_left, remove_left
from archiver.model.digest import Digest
from archiver.model.incoming import Large

MODE = OBJECT
SHARDS = tuple(f"{number:02x}" for number in range(256))
TEMPORARY = "tmp"

_OPEN_AT_ONCE = 64  # macOS allows a process 256 open files
_PIECE = 1024 * 1024  # bytes


class Objects:
    """The folder ``objects/``. Every writing method but ``spool`` needs the write lock."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self.folder = folder
        self._disk = disk
        self._start = f"{folder}{os.sep}"

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

    def spool(self) -> SpoolFile:
        """Make a place for a writing that may be large; from any thread, without the write lock."""
        return SpoolFile(self.folder / TEMPORARY, self._disk)

    def temporaries(self) -> tuple[Path, ...]:
        """Return what an interrupted write left behind."""
        folder = self.folder / TEMPORARY
        try:
            paths = [Path(entry.path) for entry in os.scandir(folder)]
        except FileNotFoundError:
            return ()
        return tuple(path for path in paths if is_left(path))

    def sweep(self) -> None:
        """Remove what an interrupted write left behind."""
        for path in self.temporaries():
            remove_left(self._disk, path)

    def put(
        self,
        contents: Mapping[Digest, bytes | Large],
        *,
        counted_on: Callable[[Collection[Digest]], Collection[Digest]],
        prefix: str,
    ) -> None:
        """Make CONTENTS durable: all of them, or none that was not there before.

        COUNTED_ON tells which digests some entry of the journal names. PREFIX is random: it names
        the temporaries. Raises OperationError when an object that an entry names holds other
        bytes; it is left as it is. One that no entry names was left by an interrupted write: it
        proves nothing, so a new file takes its place, whatever it holds. What is Large is used up,
        also where this fails.
        """
        named = counted_on(contents)
        missing: dict[Digest, bytes] = {}
        large: dict[Digest, Large] = {}
        for digest, data in contents.items():
            if digest in named and self._holds(digest, data):
                continue
            if isinstance(data, bytes):
                missing[digest] = data
            else:
                large[digest] = data
        work = _Work(prefix, named=named)
        try:
            if large:
                self._put_large(large, work)
            # Of the temporaries' folder: no name is ever linked to another file system than theirs.
            together = self._disk.open_together(self.folder / TEMPORARY, len(missing))
            if together is None:
                self._put_each(missing, work)
            else:
                try:
                    self._put_together(missing, work, together)
                finally:
                    os.close(together)
        except BaseException:
            self._withdraw(work.made)
            raise

    def delete(self, digests: Iterable[Digest]) -> None:
        """Remove objects for good, durably; one that is not there is no error."""
        gone = list(digests)
        for digest in gone:
            with contextlib.suppress(FileNotFoundError):
                self._disk.remove(self.path_of(digest))
            self._disk.reached("object-removed")
        self._sync_folders(gone)

    def _name(self, digest: Digest) -> str:
        """Say where the object is: ``path_of`` for hot loops."""
        return f"{self._start}{digest.hex[:2]}{os.sep}{digest.hex}"

    def _holds(self, digest: Digest, data: bytes | Large) -> bool:
        """Tell whether the object is there; raises OperationError unless it holds DATA then."""
        path = self.path_of(digest)
        try:
            with path.open("rb") as file:
                if isinstance(data, bytes):
                    # One byte more than wanted shows a file that is too long.
                    same = file.read(len(data) + 1) == data
                else:
                    with data.open() as other:
                        same = _same(file, other)
        except FileNotFoundError:
            return False
        if not same:
            raise _damaged(path)
        return True

    def _put_large(self, contents: Mapping[Digest, Large], work: "_Work") -> None:
        """Name files that are on the disk already; in the end, sync the folders."""
        for digest, data in contents.items():
            temporary = data.settle()
            self._disk.reached("object-synced")
            self._publish([(str(temporary), digest)], work)
        self._sync_folders(contents)

    def _put_each(self, contents: Mapping[Digest, bytes], work: "_Work") -> None:
        """Write some, sync each, name each; in the end, sync each folder that got a name."""
        items = iter(contents.items())
        while some := tuple(itertools.islice(items, _OPEN_AT_ONCE)):
            descriptors: list[int] = []
            written: list[tuple[str, Digest]] = []
            try:
                # The disk is given much to do at once.
                for digest, data in some:
                    descriptors.append(self._make(digest, work, written))
                    self._fill(descriptors[-1], data)
                for descriptor in descriptors:
                    self._disk.sync(descriptor)
                    self._disk.reached("object-synced")
            finally:
                for descriptor in descriptors:
                    os.close(descriptor)
            self._publish(written, work)
        self._sync_folders(contents)

    def _put_together(self, contents: Mapping[Digest, bytes], work: "_Work", together: int) -> None:
        """Write all, sync, name all, sync: the descriptor TOGETHER is older than the first byte."""
        written: list[tuple[str, Digest]] = []
        for digest, data in contents.items():
            descriptor = self._make(digest, work, written)
            try:
                self._fill(descriptor, data)
            finally:
                os.close(descriptor)
        self._disk.sync_together(together)
        self._disk.reached("object-synced")
        self._publish(written, work)
        self._disk.sync_together(together)
        self._disk.reached("object-folder-synced")

    def _make(self, digest: Digest, work: "_Work", written: list[tuple[str, Digest]]) -> int:
        """Make the next temporary and note it; its descriptor is the caller's to close."""
        temporary = f"{self._start}{TEMPORARY}{os.sep}{next(work.names)}"
        descriptor = self._disk.make_file(temporary, MODE)
        written.append((temporary, digest))
        return descriptor

    def _fill(self, descriptor: int, data: bytes) -> None:
        self._disk.write(descriptor, data)
        self._disk.reached("object-written")

    def _publish(self, written: Iterable[tuple[str, Digest]], work: "_Work") -> None:
        """Give what is WRITTEN, and safe, its name."""
        for temporary, digest in written:
            name = self._name(digest)
            try:
                self._disk.publish(temporary, name)
            except FileExistsError:
                if digest in work.named:
                    raise
                self._disk.replace(temporary, name)
            else:
                if digest not in work.named:
                    work.made.append(digest)
            self._disk.reached("object-named")

    def _sync_folders(self, digests: Iterable[Digest]) -> None:
        for shard in sorted({digest.hex[:2] for digest in digests}):
            self._disk.sync_folder(self.folder / shard)
            self._disk.reached("object-folder-synced")

    def _withdraw(self, made: Iterable[Digest]) -> None:
        """Take back what no entry names yet; what stays all the same is written anew next time."""
        for path in map(self.path_of, made):
            with contextlib.suppress(OSError):
                self._disk.remove(path)
        for path in self.temporaries():
            with contextlib.suppress(OSError):
                remove_left(self._disk, path)


class _Work:
    """What one ``put`` is about."""

    def __init__(self, prefix: str, *, named: Collection[Digest]) -> None:
        """Begin; PREFIX makes the temporaries' names ours."""
        self.names = (f"{prefix}-{number}" for number in itertools.count())
        self.named = named
        """Digests that an entry names: their objects are missing, not new."""
        self.made: list[Digest] = []
        """New objects that have their name."""


def _same(one: BinaryIO, other: BinaryIO) -> bool:
    """Tell whether two files hold the same from here on."""
    while piece := one.read(_PIECE):
        if other.read(len(piece)) != piece:
            return False
    return not other.read(1)


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
