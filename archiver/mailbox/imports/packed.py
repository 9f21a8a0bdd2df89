"""Read mail out of packed files (zip, tar.gz, gzip), as Google Takeout hands them out.

Nothing is unpacked to disk: each file within is read as it comes out, in bounded memory. Names in
it are only ever shown, never used as paths, and links are not followed. What unpacks to absurdly
much is given up: that is no mail but a bomb.
"""

import gzip
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from gettext import gettext as _
from pathlib import Path
from typing import BinaryIO, Final

from archiver.mailbox.imports.contents import GZIP, INDEX, SINGLE, ZIP, Opened, messages_of
from archiver.mailbox.imports.maildir import flags
from archiver.mailbox.imports.mbox import Source
from archiver.mailbox.imports.naming import folder_in_pack
from archiver.mailbox.imports.outcome import NotRead, Outcome, inside, shown

_MOST_TIMES: Final = 200
"""How often its own size a packed file may unpack to; mail comes to 20 where it is repetitive."""
_ALWAYS: Final = 64 * 1024 * 1024
"""Bytes that any packed file may unpack to."""
_HEADER: Final = 16 * 1024 * 1024
"""Bytes of what stands between two files of a tar: names and attributes, mostly a few hundred."""
_TAR_MAGIC: Final = (257, b"ustar")

_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,  # a way of packing that Python does not know
    OSError,
    ValueError,
)


class _Bomb(Exception):  # noqa: N818 - ends a loop, and is told as a NotRead
    """More came out of a packed file than any mail makes."""


class _Metered:
    """A stream that stops a bomb: what it gives out is counted against an allowance."""

    def __init__(self, stream: Source, allowance: "_Allowance") -> None:
        self._stream = stream
        self._allowance = allowance

    def read(self, size: int = -1, /) -> bytes:
        """Return at most SIZE bytes; raise _Bomb when the allowance is spent."""
        data = self._stream.read(size if 0 <= size <= _ALWAYS else _ALWAYS)
        self._allowance.spend(len(data))
        return data


class _Allowance:
    """How many bytes may still come out, of all and between two files of a tar."""

    def __init__(self, packed: int) -> None:
        self._left = _ALWAYS + packed * _MOST_TIMES
        self.between: int | None = None

    def spend(self, size: int) -> None:
        self._left -= size
        if self.between is not None:
            self.between -= size
        if self._left < 0 or (self.between is not None and self.between < 0):
            raise _Bomb


def is_packed(start: bytes) -> bool:
    """Tell whether a file that begins with START may be read here."""
    return start.startswith((GZIP, ZIP))


def messages_in_pack(path: Path, file: BinaryIO, start: bytes) -> Iterator[Outcome]:
    """Yield the messages of all that is packed in FILE, which is at PATH and begins with START."""
    allowance = _Allowance(os.fstat(file.fileno()).st_size)
    told = shown(path)
    some = False
    try:
        members = (
            _zip(told, file, allowance) if start.startswith(ZIP) else _gzip(path, file, allowance)
        )
        for member in members:
            for found in _of_member(member, allowance) if isinstance(member, Opened) else (member,):
                some = some or not (isinstance(found, NotRead) and found.no_mail)
                yield found
    except _Bomb:
        yield NotRead(told, _("it unpacks to absurdly much; unpack it yourself if you trust it"))
    except _BROKEN as error:
        reason = _("it is damaged, or packed in a way that is not read: {error}")
        yield NotRead(told, reason.format(error=error))
    else:
        if not some:
            yield NotRead(told, _("no mail was found in it"))


def _of_member(member: Opened, allowance: _Allowance) -> Iterator[Outcome]:
    allowance.between = None
    try:
        yield from messages_of(member)
    except _BROKEN as error:
        reason = _("it is damaged, or packed in a way that is not read: {error}")
        yield NotRead(member.shown, reason.format(error=error))


def _zip(told: str, file: BinaryIO, allowance: _Allowance) -> Iterator[Opened | NotRead]:
    with zipfile.ZipFile(file) as pack:
        for info in pack.infolist():
            if info.is_dir() or _hidden(info.filename):
                continue
            name = inside(told, info.filename)
            if info.flag_bits & 1:
                yield NotRead(name, _("it is locked with a password; unpack it first"))
                continue
            try:
                stream = pack.open(info)
            except _BROKEN as error:
                yield NotRead(name, str(error))
                continue
            with stream:
                yield _opened(name, info.filename, _Metered(stream, allowance))


def _gzip(path: Path, file: BinaryIO, allowance: _Allowance) -> Iterator[Opened | NotRead]:
    told = shown(path)
    with gzip.GzipFile(fileobj=file) as raw:
        head = raw.peek(512)[:512]
        metered = _Metered(raw, allowance)
        start, magic = _TAR_MAGIC
        if head[start : start + len(magic)] != magic:
            yield _opened(inside(told, path.stem), path.stem, metered)
            return
        allowance.between = _HEADER  # it reads the first header at once
        with tarfile.open(fileobj=metered, mode="r|") as pack:  # type: ignore[call-overload]
            yield from _tar(told, pack, allowance)


def _tar(told: str, pack: tarfile.TarFile, allowance: _Allowance) -> Iterator[Opened | NotRead]:
    while True:
        allowance.between = _HEADER
        member = pack.next()
        if member is None:
            return
        pack.members = []  # type: ignore[attr-defined] # else it remembers each for ever
        allowance.between = None
        name = inside(told, member.name)
        if member.isdir() or _hidden(member.name):
            continue
        stream = pack.extractfile(member) if member.isreg() else None
        if stream is None:
            yield NotRead(name, _("it is not a regular file"))
            continue
        with stream:
            yield _opened(name, member.name, stream)
            while stream.read(_HEADER // 16):  # so that next() reads no more than a header
                pass


def _hidden(name: str) -> bool:
    """Tell whether NAME is that of an index, or of what macOS puts beside each file."""
    return name.startswith("__MACOSX/") or INDEX.fullmatch(name.rsplit("/", 1)[-1]) is not None


def _opened(told: str, name: str, stream: Source) -> Opened:
    own = name.rsplit("/", 1)[-1]
    suffix = Path(own).suffix.lower()
    in_maildir = name.split("/")[-2:-1] in (["cur"], ["new"])
    return Opened(
        shown=told,
        suffix=suffix,
        stream=stream,
        mail=suffix in SINGLE or in_maildir,
        single=suffix in SINGLE or in_maildir,
        flags=flags(own) if in_maildir else (),
        folder=folder_in_pack(name, mbox=False),
        folder_if_mbox=folder_in_pack(name, mbox=True),
    )
