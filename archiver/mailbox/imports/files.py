"""Read messages from files: single messages, Maildirs, mboxes, and folders that hold such.

A file that a person names is taken for what that person says it is: mail. In a folder that is
walked through, only what looks like mail is; whatever is not read is told, so that nobody believes
that a picture or an Outlook file was kept. Links are followed where a person names one, and within
the folder that was named: what somebody else put into it must not reach beyond it.
"""

import os
import stat
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from gettext import gettext as _
from pathlib import Path
from typing import Literal

from archiver.mailbox.imports import maildir, mbox
from archiver.mailbox.imports.contents import (
    INDEX,
    NO_MAIL,
    OLE,
    PST,
    SINGLE,
    SNIFF,
    Opened,
    belied,
    messages_of,
    too_large,
)
from archiver.mailbox.imports.naming import folder_of_maildir, folder_of_mbox, folder_of_tree
from archiver.mailbox.imports.outcome import NotRead, Outcome, not_read, shown
from archiver.mailbox.imports.packed import is_packed, messages_in_pack
from archiver.mailbox.outlook.wall import Outlook
from archiver.mailbox.server.session import MAX_MESSAGE

__all__ = ["NotRead", "messages_in"]

_OUTLOOK = (".msg", ".pst", ".ost")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A file to read."""

    path: Path
    named: bool = False
    """A person named it, so that it is taken for mail whatever it looks like."""
    delivered: bool = False
    """It stands in a Maildir: it is one message, whatever it looks like."""
    flags: tuple[str, ...] = ()
    folder: str = ""
    folder_if_mbox: str = ""


def messages_in(*paths: Path, outlook: Outlook | None = None) -> Generator[Outcome]:
    """Yield every message in PATHS: files of any kind, Maildirs, or folders of any of these.

    Folders are walked in the order of their names; links that lead in circles are followed once,
    those that lead out of the folder that was named are not. Nothing raises: what cannot be read
    is a NotRead. At most one message is held in memory, and the beginning of an mbox. OUTLOOK
    reads what is in a format of Outlook; by default that is done in a process of its own.
    """
    with ExitStack() as stack:
        reader = stack.enter_context(outlook or Outlook())
        for path in paths:
            for found in _files(path.absolute()):
                if isinstance(found, NotRead):
                    yield found
                    continue
                try:
                    yield from _read(found, reader)
                except OSError as error:
                    yield not_read(found.path, error)


def _files(path: Path) -> Iterator[_Found | NotRead]:
    try:
        if os.path.isdir(path):  # noqa: PTH112 - never raises
            yield from _Walk(path).walk(path, frozenset())
        elif path.exists():
            yield _Found(path=path, named=True, folder_if_mbox=folder_of_mbox(path, path))
        else:
            yield NotRead(shown(path), _("there is no such file or folder"))
    except OSError as error:
        yield not_read(path, error)


class _Walk:
    """The way through one folder that a person named."""

    def __init__(self, root: Path) -> None:
        """Stay within ROOT."""
        self._root = root
        real = os.path.realpath(root)
        self._within = os.path.join(real, "")  # noqa: PTH118 - ends with a slash, "/" with one only

    def walk(self, folder: Path, above: frozenset[tuple[int, int]]) -> Iterator[_Found | NotRead]:
        """Yield the files of FOLDER; ABOVE are the folders it stands in, by device and inode."""
        if self._leads_out(folder):
            yield _led_out(folder)
            return
        try:
            status = folder.stat()
            names = sorted(os.listdir(folder))  # noqa: PTH208 - names, not paths
        except OSError as error:
            yield not_read(folder, error)
            return
        here = (status.st_dev, status.st_ino)
        if here in above:
            yield NotRead(shown(folder), _("the link leads back to a folder that holds it"))
            return
        above |= {here}
        if maildir.is_maildir(folder):
            inbox = any(
                name.startswith(".") and maildir.is_maildir(folder / name) for name in names
            )
            yield from self._maildir(folder, folder_of_maildir(self._root, folder, inbox=inbox))
            names = [name for name in names if name not in {"cur", "new", "tmp"}]
        for name in names:
            yield from self._entry(folder / name, above)

    def _entry(self, path: Path, above: frozenset[tuple[int, int]]) -> Iterator[_Found | NotRead]:
        if os.path.isdir(path):  # noqa: PTH112 - as above
            hidden = path.name.startswith(".") and not maildir.is_maildir(path)
            if not hidden:
                yield from self.walk(path, above)
            else:
                yield NotRead(shown(path), _("hidden folders are not looked into"))
        elif self._leads_out(path):
            yield _led_out(path)
        elif not INDEX.fullmatch(path.name):
            yield self._found(path)

    def _found(self, path: Path) -> _Found | NotRead:
        if path.name.startswith("."):
            return NotRead(shown(path), _("hidden files are not read"))
        return _Found(
            path=path,
            folder=folder_of_tree(self._root, path.parent),
            folder_if_mbox=folder_of_mbox(self._root, path),
        )

    def _maildir(self, folder: Path, name: str) -> Iterator[_Found | NotRead]:
        for part in (folder / "cur", folder / "new"):
            if self._leads_out(part):
                yield _led_out(part)
                continue
            try:
                names = sorted(os.listdir(part))  # noqa: PTH208 - as above
            except OSError as error:
                yield not_read(part, error)
                continue
            for file in names:
                yield from self._delivered(part / file, name)
        yield from _undelivered(folder / "tmp")

    def _delivered(self, path: Path, folder: str) -> Iterator[_Found | NotRead]:
        if self._leads_out(path):
            yield _led_out(path)
        elif not path.name.startswith(".") and not os.path.isdir(path):  # noqa: PTH112 - as above
            yield _Found(path=path, delivered=True, flags=maildir.flags(path.name), folder=folder)
        elif not INDEX.fullmatch(path.name):
            yield NotRead(shown(path), _("a Maildir holds no such entry"))

    def _leads_out(self, path: Path) -> bool:
        # A folder of Windows may lead elsewhere (junction) without being a link.
        if not (os.path.islink(path) or os.path.isdir(path)):  # noqa: PTH112, PTH114 - as above
            return False
        return not os.path.join(os.path.realpath(path), "").startswith(self._within)  # noqa: PTH118


def _led_out(path: Path) -> NotRead:
    return NotRead(shown(path), _("the link leads out of the folder that was named"))


def _undelivered(folder: Path) -> Iterator[NotRead]:
    """Name what stands in a Maildir's tmp: it may be half a message, or the only copy of one."""
    if not os.path.isdir(folder):  # noqa: PTH112 - as above
        return
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 - as above
    except OSError as error:
        yield not_read(folder, error)
        return
    for name in names:
        yield NotRead(shown(folder / name), _("it stands in tmp: it was never delivered"))


def _read(found: _Found, outlook: Outlook) -> Iterator[Outcome]:
    path = found.path
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
        yield NotRead(shown(path), _("it is not a regular file"))
        return
    with path.open("rb") as file:
        start = file.read(SNIFF)
        file.seek(0)
        if not found.delivered:
            if kind := _outlook_kind(found, start):
                yield from outlook.messages_in(path, kind, folder=found.folder, named=found.named)
                return
            if _is_pack(found, start):
                yield from messages_in_pack(path, file, start)
                return
        single = found.delivered or path.suffix.lower() in SINGLE
        style = None
        if not single and mbox.is_mbox(start):
            style = mbox.detect_style(file)
        elif not single and (reason := belied(path.suffix.lower(), start)):
            yield NotRead(shown(path), reason)
            return
        elif status.st_size > MAX_MESSAGE and not start.startswith((OLE, PST)):
            yield too_large(shown(path))
            return
        yield from messages_of(
            Opened(
                shown=shown(path),
                suffix=path.suffix.lower(),
                stream=file,
                mail=found.named or single,
                single=single,
                flags=found.flags,
                folder=found.folder,
                folder_if_mbox=found.folder_if_mbox,
            ),
            style=style,
        )


def _outlook_kind(found: _Found, start: bytes) -> Literal["msg", "pst"] | None:
    """Tell which format of Outlook a file is in; one that is none by its name must be named."""
    suffix = found.path.suffix.lower()
    if not (found.named or suffix in _OUTLOOK) or (suffix in NO_MAIL):
        return None
    if start.startswith(PST):
        return "pst"
    return "msg" if start.startswith(OLE) else None


def _is_pack(found: _Found, start: bytes) -> bool:
    """Tell whether to look into a packed file: one that a person named, or that Google did."""
    takeout = found.path.name.lower().startswith("takeout-")
    return is_packed(start) and (found.named or takeout)
