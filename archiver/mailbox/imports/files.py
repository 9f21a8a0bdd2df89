"""Read messages from files: single messages, Maildirs, mboxes, and folders that hold such.

A file that a person names is taken for what that person says it is: mail. In a folder that is
walked through, only what looks like mail is; whatever is not read is told, so that nobody believes
that a picture or an Outlook file was kept. Links are followed where a person names one, and within
the folder that was named: what somebody else put into it must not reach beyond it.
"""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from gettext import gettext as _
from pathlib import Path
from typing import Final

from archiver.mailbox.imports import maildir, mbox
from archiver.mailbox.server.session import MAX_MESSAGE
from archiver.model.incoming import Incoming
from archiver.model.sources import FileSource

_SNIFF = 64 * 1024
_SINGLE = (".eml", ".mail")
_FIELD = re.compile(rb"[!-9;-~]{1,200}[ \t]*:")
_KNOWN_FIELD = re.compile(
    rb"^(?:from|to|cc|date|subject|received|message-id|return-path|delivered-to|mime-version"
    rb"|content-type|reply-to|sender|in-reply-to|x-[a-z-]+)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
# Indexes that mail servers and programs keep beside the mail: they hold none.
_INDEX = re.compile(
    r"\.?dovecot[.-].*|\.?subscriptions|maildirsize|maildirfolder|courierimap.*|\.mbsyncstate.*"
    r"|\.uidvalidity|.*\.msf|\.DS_Store|Thumbs\.db|desktop\.ini|\.mh_sequences|\.notmuch",
    re.IGNORECASE,
)
# Kinds of files that people keep beside their mail, and that cannot hold any.
_DOCUMENTS: Final = """
    .avif .bmp .gif .heic .heif .ico .jpeg .jpg .jxl .png .psd .svg .tif .tiff .webp
    .aac .avi .flac .m4a .m4v .mkv .mov .mp3 .mp4 .mpeg .mpg .ogg .wav .webm .wma .wmv
    .doc .docm .docx .dot .dotx .key .mpp .numbers .odg .odp .ods .odt .one .pages .pdf .pot .ppt
    .pptm .pptx .rtf .vsd .vsdx .xls .xlsb .xlsm .xlsx
    .cfg .conf .css .csv .htm .html .ics .ini .js .json .log .md .rst .toml .tsv .txt .vcf .xml
    .yaml .yml
    .bin .db .dll .exe .iso .lnk .otf .py .sh .sqlite .ttf .url .woff .woff2
"""
_NO_MAIL: Final = frozenset(_DOCUMENTS.split())
_CONTAINERS: Final = (
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"(\xb5\x2f\xfd", "zstd"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Outlook .msg"),
    (b"!BDN", "Outlook .pst"),
)


@dataclass(frozen=True, slots=True)
class NotRead:
    """A file, or one message of an mbox, that was not taken in."""

    path: str
    reason: str
    no_mail: bool = False
    """By its kind it is plainly no mail, such as a picture: nothing is missing."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A file to read."""

    path: Path
    mail: bool
    """Taken for mail whatever it looks like: a person named it, or it stands in a Maildir."""
    single: bool
    """Holds one message, even where that begins like an mbox."""
    flags: tuple[str, ...] = ()


def messages_in(path: Path) -> Iterator[Incoming | NotRead]:
    """Yield every message in PATH: a file, a Maildir, an mbox, or a folder of any of these.

    Folders are walked in the order of their names; links that lead in circles are followed once,
    those that lead out of PATH are not. Nothing raises: what cannot be read is a NotRead. At most
    one message is held in memory.
    """
    for found in _files(path.absolute()):
        if isinstance(found, NotRead):
            yield found
            continue
        try:
            yield from _read(found)
        except OSError as error:
            yield _not_read(found.path, error)


def _files(path: Path) -> Iterator[_Found | NotRead]:
    try:
        if os.path.isdir(path):  # noqa: PTH112 - never raises
            yield from _Walk(os.path.realpath(path)).walk(path, frozenset())
        elif path.exists():
            yield _found(path, named=True)
        else:
            yield NotRead(_shown(path), _("there is no such file or folder"))
    except OSError as error:
        yield _not_read(path, error)


class _Walk:
    """The way through one folder that a person named."""

    def __init__(self, root: str) -> None:
        """Stay within ROOT, a path without links."""
        self._within = os.path.join(root, "")  # noqa: PTH118 - ends with a slash, "/" with one only

    def walk(self, folder: Path, above: frozenset[tuple[int, int]]) -> Iterator[_Found | NotRead]:
        """Yield the files of FOLDER; ABOVE are the folders it stands in, by device and inode."""
        if self._leads_out(folder):
            yield _led_out(folder)
            return
        try:
            status = folder.stat()
            names = sorted(os.listdir(folder))  # noqa: PTH208 - names, not paths
        except OSError as error:
            yield _not_read(folder, error)
            return
        here = (status.st_dev, status.st_ino)
        if here in above:
            yield NotRead(_shown(folder), _("the link leads back to a folder that holds it"))
            return
        above |= {here}
        if maildir.is_maildir(folder):
            yield from self._maildir(folder)
            names = [name for name in names if name not in {"cur", "new", "tmp"}]
        for name in names:
            yield from self._entry(folder / name, above)

    def _entry(self, path: Path, above: frozenset[tuple[int, int]]) -> Iterator[_Found | NotRead]:
        if os.path.isdir(path):  # noqa: PTH112 - as above
            hidden = path.name.startswith(".") and not maildir.is_maildir(path)
            if not hidden:
                yield from self.walk(path, above)
            else:
                yield NotRead(_shown(path), _("hidden folders are not looked into"))
        elif self._leads_out(path):
            yield _led_out(path)
        elif not _INDEX.fullmatch(path.name):
            yield _found(path, named=False)

    def _maildir(self, folder: Path) -> Iterator[_Found | NotRead]:
        for part in (folder / "cur", folder / "new"):
            if self._leads_out(part):
                yield _led_out(part)
                continue
            try:
                names = sorted(os.listdir(part))  # noqa: PTH208 - as above
            except OSError as error:
                yield _not_read(part, error)
                continue
            for name in names:
                yield from self._delivered(part / name)
        yield from _undelivered(folder / "tmp")

    def _delivered(self, path: Path) -> Iterator[_Found | NotRead]:
        if self._leads_out(path):
            yield _led_out(path)
        elif not path.name.startswith(".") and not os.path.isdir(path):  # noqa: PTH112 - as above
            yield _Found(path, mail=True, single=True, flags=maildir.flags(path.name))
        elif not _INDEX.fullmatch(path.name):
            yield NotRead(_shown(path), _("a Maildir holds no such entry"))

    def _leads_out(self, path: Path) -> bool:
        # A folder of Windows may lead elsewhere (junction) without being a link.
        if not (os.path.islink(path) or os.path.isdir(path)):  # noqa: PTH112, PTH114 - as above
            return False
        return not os.path.join(os.path.realpath(path), "").startswith(self._within)  # noqa: PTH118


def _led_out(path: Path) -> NotRead:
    return NotRead(_shown(path), _("the link leads out of the folder that was named"))


def _found(path: Path, *, named: bool) -> _Found | NotRead:
    if path.name.startswith(".") and not named:
        return NotRead(_shown(path), _("hidden files are not read"))
    single = path.suffix.lower() in _SINGLE
    return _Found(path, mail=named or single, single=single)


def _undelivered(folder: Path) -> Iterator[NotRead]:
    """Name what stands in a Maildir's tmp: it may be half a message, or the only copy of one."""
    if not os.path.isdir(folder):  # noqa: PTH112 - as above
        return
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 - as above
    except OSError as error:
        yield _not_read(folder, error)
        return
    for name in names:
        yield NotRead(_shown(folder / name), _("it stands in tmp: it was never delivered"))


def _read(found: _Found) -> Iterator[Incoming | NotRead]:
    path = found.path
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
        yield NotRead(_shown(path), _("it is not a regular file"))
        return
    with path.open("rb") as file:
        start = file.read(_SNIFF)
        file.seek(0)
        mail = found.mail or mbox.is_mbox(start) or _looks_like_mail(start)
        if not mail and path.suffix.lower() in _NO_MAIL:
            yield NotRead(_shown(path), _("it does not look like mail"), no_mail=True)
        elif reason := _why_not(path, start, mail=mail):
            yield NotRead(_shown(path), reason)
        elif not found.single and mbox.is_mbox(start):
            yield from (_member(path, member) for member in mbox.members(file))
        elif status.st_size > MAX_MESSAGE:
            yield NotRead(_shown(path), _("the message is larger than the archiver can hold"))
        else:
            yield Incoming(data=file.read(), source=_source(path, 0, 0), flags=found.flags)


def _why_not(path: Path, start: bytes, *, mail: bool) -> str:
    """Say why a file is not read; empty when it is."""
    if not start:
        return _("it is empty")
    for magic, kind in _CONTAINERS:
        if start.startswith(magic):
            return _("{kind} files are not read; unpack or export it first").format(kind=kind)
    if path.suffix.lower() == ".emlx":
        return _("Apple Mail's own files are not read; export the folder as mbox first")
    return "" if mail else _("it does not look like mail")


def _looks_like_mail(start: bytes) -> bool:
    header = re.split(rb"\r?\n\r?\n", start, maxsplit=1)[0]
    return _FIELD.match(header) is not None and _KNOWN_FIELD.search(header) is not None


def _member(path: Path, member: mbox.Member) -> Incoming | NotRead:
    if member.data:
        return Incoming(data=member.data, source=_source(path, member.number, member.offset))
    if member.data is None:
        reason = _("the message at byte {offset} is larger than the archiver can hold")
    else:
        reason = _("the message at byte {offset} is empty")
    return NotRead(_shown(path), reason.format(offset=member.offset))


def _source(path: Path, member: int, offset: int) -> FileSource:
    return FileSource(path=_shown(path), member=member, offset=offset)


def _shown(path: Path) -> str:
    r"""Return PATH in letters that can be written anywhere; bytes that are none become ``\xNN``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _not_read(path: Path, error: OSError) -> NotRead:
    return NotRead(_shown(path), error.strerror or str(error))
