"""Read messages from files: single messages, Maildirs, mboxes, and folders that hold such.

A file that a person names is taken for what that person says it is: mail. In a folder that is
walked through, only what looks like mail is; whatever is not read is told, so that nobody believes
that a picture or an Outlook file was kept.
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

    Folders are walked in the order of their names; links that lead in circles are followed once.
    Nothing raises: what cannot be read is a NotRead. At most one message is held in memory.
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
            yield from _walk(path, frozenset())
        elif path.exists():
            yield _found(path, named=True)
        else:
            yield NotRead(_shown(path), _("there is no such file or folder"))
    except OSError as error:
        yield _not_read(path, error)


def _walk(folder: Path, above: frozenset[tuple[int, int]]) -> Iterator[_Found | NotRead]:
    """Yield the files of FOLDER; ABOVE are the folders it stands in, by device and inode."""
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
        yield from _maildir(folder)
        names = [name for name in names if name not in {"cur", "new", "tmp"}]
    for name in names:
        path = folder / name
        if os.path.isdir(path):  # noqa: PTH112 - as above
            hidden = name.startswith(".") and not maildir.is_maildir(path)
            if not hidden:
                yield from _walk(path, above)
            else:
                yield NotRead(_shown(path), _("hidden folders are not looked into"))
        elif not _INDEX.fullmatch(name):
            yield _found(path, named=False)


def _found(path: Path, *, named: bool) -> _Found | NotRead:
    if path.name.startswith(".") and not named:
        return NotRead(_shown(path), _("hidden files are not read"))
    single = path.suffix.lower() in _SINGLE
    return _Found(path, mail=named or single, single=single)


def _maildir(folder: Path) -> Iterator[_Found | NotRead]:
    for part in ("cur", "new"):
        try:
            names = sorted(os.listdir(folder / part))  # noqa: PTH208 - as above
        except OSError as error:
            yield _not_read(folder / part, error)
            continue
        for name in names:
            path = folder / part / name
            if not name.startswith(".") and not os.path.isdir(path):  # noqa: PTH112 - as above
                yield _Found(path, mail=True, single=True, flags=maildir.flags(name))
            elif not _INDEX.fullmatch(name):
                yield NotRead(_shown(path), _("a Maildir holds no such entry"))
    yield from _undelivered(folder / "tmp")


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
        if reason := _why_not(found, start):
            yield NotRead(_shown(path), reason)
        elif not found.single and mbox.is_mbox(start):
            yield from (_member(path, member) for member in mbox.members(file))
        elif status.st_size > MAX_MESSAGE:
            yield NotRead(_shown(path), _("the message is larger than the archiver can hold"))
        else:
            yield Incoming(data=file.read(), source=_source(path, 0, 0), flags=found.flags)


def _why_not(found: _Found, start: bytes) -> str:
    """Say why a file is not read; empty when it is."""
    if not start:
        return _("it is empty")
    for magic, kind in _CONTAINERS:
        if start.startswith(magic):
            return _("{kind} files are not read; unpack or export it first").format(kind=kind)
    if found.path.suffix.lower() == ".emlx":
        return _("Apple Mail's own files are not read; export the folder as mbox first")
    if found.mail or mbox.is_mbox(start) or _looks_like_mail(start):
        return ""
    return _("it does not look like mail")


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
