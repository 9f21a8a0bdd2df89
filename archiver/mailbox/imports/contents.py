"""Read one file that holds mail, whatever kind it is: a message, an mbox, an ``.emlx``."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from gettext import gettext as _
from typing import Final

from archiver.mailbox.imports import emlx, mbox, takeout
from archiver.mailbox.imports.outcome import NotRead, Outcome
from archiver.mailbox.server.session import MAX_MESSAGE
from archiver.model.incoming import Incoming
from archiver.model.sources import FileSource

SNIFF = 64 * 1024
"""Bytes of a file's beginning that tell what it is."""

_HEAD = 8 * 1024 * 1024
"""Bytes of an mbox that vote on its style where it cannot be read twice."""

SINGLE: Final = (".eml", ".mail")
_FIELD = re.compile(rb"[!-9;-~]{1,200}[ \t]*:")
_KNOWN_FIELD = re.compile(
    rb"^(?:from|to|cc|date|subject|received|message-id|return-path|delivered-to|mime-version"
    rb"|content-type|reply-to|sender|in-reply-to|x-[a-z-]+)[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
# Indexes that mail servers and programs keep beside the mail: they hold none.
INDEX: Final = re.compile(
    r"\.?dovecot[.-].*|\.?subscriptions|maildirsize|maildirfolder|courierimap.*|\.mbsyncstate.*"
    r"|\.uidvalidity|.*\.msf|\.DS_Store|Thumbs\.db|desktop\.ini|\.mh_sequences|\.notmuch"
    r"|popstate\.dat|msgFilterRules\.dat|filterlog\.html|table_of_contents",
    re.IGNORECASE,
)
# Kinds of files that people keep beside their mail, and that cannot hold any.
_DOCUMENTS: Final = """
    .avif .bmp .gif .heic .heif .ico .jpeg .jpg .jxl .png .psd .svg .tif .tiff .webp
    .aac .avi .flac .m4a .m4v .mkv .mov .mp3 .mp4 .mpeg .mpg .ogg .wav .webm .wma .wmv
    .doc .docm .docx .dot .dotx .key .mpp .numbers .odg .odp .ods .odt .one .pages .pdf .pot .ppt
    .pptm .pptx .rtf .vsd .vsdx .xls .xlsb .xlsm .xlsx
    .cfg .conf .css .csv .htm .html .ics .ini .js .json .log .md .plist .rst .toml .tsv .txt .vcf
    .xml .yaml .yml
    .bin .db .dll .exe .iso .lnk .otf .py .sh .sqlite .ttf .url .woff .woff2
"""
NO_MAIL: Final = frozenset(_DOCUMENTS.split())
OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
PST: Final = b"!BDN"
GZIP: Final = b"\x1f\x8b"
ZIP: Final = b"PK\x03\x04"
_EMPTY_ZIP: Final = b"PK\x05\x06"
_CONTAINERS: Final = (
    (GZIP, "gzip"),
    (ZIP, "zip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"(\xb5\x2f\xfd", "zstd"),
    (b"Rar!\x1a\x07", "rar"),
    (OLE, "Outlook .msg"),
    (PST, "Outlook .pst"),
)
_TAR: Final = (257, b"ustar")
_PACKED: Final = frozenset({".tar", ".bz2", ".tbz", ".xz", ".txz", ".7z", ".rar", ".zst"})
"""Ends of names of packed files that are not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A file whose bytes can be read once, from its beginning."""

    shown: str
    """Its path, as sources tell it."""
    suffix: str
    """The end of its name from the last dot on, lower case."""
    stream: mbox.Source
    mail: bool = False
    """Taken for mail whatever it looks like: a person named it, or it stands in a Maildir."""
    single: bool = False
    """Holds one message, even where that begins like an mbox."""
    flags: tuple[str, ...] = ()
    folder: str = ""
    """The mail folder that it lies in if it is one message …"""
    folder_if_mbox: str = ""
    """… and the one that it is if it is an mbox."""


def messages_of(file: Opened, *, style: mbox.Style | None = None) -> Iterator[Outcome]:
    """Yield the messages of FILE; STYLE is how an mbox quotes, where that was found out before."""
    start = file.stream.read(SNIFF)
    mail = file.mail or mbox.is_mbox(start) or looks_like_mail(start)
    if not mail and file.suffix in NO_MAIL:
        yield NotRead(file.shown, _("it does not look like mail"), no_mail=True)
    elif not start:
        yield NotRead(file.shown, _("it is empty"))
    elif file.suffix == ".emlx":
        yield _emlx(file, start)
    elif reason := ("" if file.single else belied(file.suffix, start)) or _why_not(
        start, mail=mail
    ):
        yield NotRead(file.shown, reason)
    elif not file.single and mbox.is_mbox(start):
        yield from _mbox(file, start, style)
    else:
        data = _whole(file, start)
        yield too_large(file.shown) if data is None else _one(file, data)


def looks_like_mail(start: bytes) -> bool:
    """Tell whether a file that begins with START begins with the header of a message."""
    header = re.split(rb"\r?\n\r?\n", start, maxsplit=1)[0]
    return _FIELD.match(header) is not None and _KNOWN_FIELD.search(header) is not None


def belied(suffix: str, start: bytes) -> str:
    """Say that a file that begins with START is not what its name, by SUFFIX, claims, else "".

    What plainly is mail may have any name: some programs call single messages ``.msg``.
    """
    packed = any(start.startswith(magic) for magic, _kind in _CONTAINERS)
    if packed or not start or mbox.is_mbox(start) or looks_like_mail(start):
        return ""
    magic_at, magic = _TAR
    if start[magic_at : magic_at + len(magic)] == magic:
        return _unread().format(kind="tar")
    if suffix in _PACKED:
        return _unread().format(kind=suffix)
    return _("it is empty") if start.startswith(_EMPTY_ZIP) else _not_a(suffix)


def _not_a(suffix: str) -> str:
    match suffix:
        case ".pst" | ".ost":
            return _("it is not an Outlook data file")
        case ".msg":
            return _("it is not an Outlook message")
        case ".zip":
            return _("it is not a zip file")
        case ".gz" | ".tgz":
            return _("it is not a gzip file")
        case _:
            return ""


def _unread() -> str:
    return _("{kind} files are not read; unpack or export it first")


def too_large(shown: str) -> NotRead:
    """Return that a message is larger than MAX_MESSAGE."""
    return NotRead(shown, _("the message is larger than the archiver can hold"))


def _why_not(start: bytes, *, mail: bool) -> str:
    """Say why a file is not read; empty when it is."""
    for magic, kind in _CONTAINERS:
        if start.startswith(magic):
            if magic in {GZIP, ZIP}:
                told = _("{kind} files are not read; unpack or export it first, or name it")
            else:
                told = _unread()
            return told.format(kind=kind)
    return "" if mail else _("it does not look like mail")


def _mbox(file: Opened, start: bytes, style: mbox.Style | None) -> Iterator[Outcome]:
    head = start
    if style is None:
        head += _read(file.stream, _HEAD)
        style = mbox.detect_style(io.BytesIO(head))
    for member in mbox.members(_Again(head, file.stream), style):
        yield _member(file, member)


def _member(file: Opened, member: mbox.Member) -> Outcome:
    if member.data:
        source = FileSource(
            path=file.shown,
            member=member.number,
            offset=member.offset,
            folder=file.folder_if_mbox,
            labels=takeout.labels(member.data),
        )
        return Incoming(data=member.data, source=source)
    if member.data is None:
        reason = _("the message at byte {offset} is larger than the archiver can hold")
    else:
        reason = _("the message at byte {offset} is empty")
    return NotRead(file.shown, reason.format(offset=member.offset))


def _emlx(file: Opened, start: bytes) -> Outcome:
    data = _whole(file, start)
    if data is None:
        return too_large(file.shown)
    found = emlx.letter(data)
    if found is None:
        return NotRead(
            file.shown, _("it ends before its message does, or is no file of Apple Mail")
        )
    if file.shown.lower().endswith(".partial.emlx"):
        return NotRead(
            file.shown,
            _("Apple Mail holds only a part of this message; open it there so that it is fetched"),
        )
    source = FileSource(path=file.shown, member=0, offset=found.offset, folder=file.folder)
    return Incoming(data=found.data, source=source, flags=found.flags)


def _one(file: Opened, data: bytes) -> Incoming:
    source = FileSource(path=file.shown, member=0, offset=0, folder=file.folder)
    return Incoming(data=data, source=source, flags=file.flags)


def _whole(file: Opened, start: bytes) -> bytes | None:
    """Return all of FILE, which begins with START; None when that is more than can be held."""
    data = start + _read(file.stream, MAX_MESSAGE + 1 - len(start))
    return None if len(data) > MAX_MESSAGE else data


def _read(stream: mbox.Source, size: int) -> bytes:
    """Return the next SIZE bytes, fewer at the end only."""
    parts = []
    while size > 0 and (part := stream.read(min(size, 1024 * 1024))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


class _Again:
    """A stream whose beginning was read and is read again."""

    def __init__(self, head: bytes, rest: mbox.Source) -> None:
        """Give out HEAD, then what REST still holds."""
        self._head = io.BytesIO(head)
        self._rest = rest

    def read(self, size: int, /) -> bytes:
        """Return at most SIZE bytes; none at the end."""
        return self._head.read(size) or self._rest.read(size)
