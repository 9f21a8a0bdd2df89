"""Read ``.pst`` and ``.ost`` files ([MS-PST]): the only module that speaks to libpff (pypff).

One item is in memory at a time, however large the file is. Folders that only show what others hold
(searches) are left out, and so are the folders above the one whose content Outlook shows.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from archiver.mailbox.outlook.item import Item
from archiver.mailbox.outlook.mapi import (
    ATTACH_METHOD,
    BODY,
    EMBEDDED,
    HTML,
    MESSAGE_CLASS,
    MESSAGE_CODEPAGE,
    RTF_COMPRESSED,
    Part,
    Properties,
    Value,
    codepage,
    filetime,
    item,
)

LARGEST: Final = 256 * 1024 * 1024
"""Bytes of one attachment; larger ones are told as lost."""

_SUBTREE: Final = 0x35E0
"""PidTagIpmSubTreeEntryId: the folder under which everything that people see lies."""
_NID: Final = slice(20, 24)  # of an entry identifier ([MS-PST] 4.1.1)
_SEARCH: Final = 0x03  # of [MS-PST] 2.2.2.1: the type of a search folder's number
_TYPE_BITS: Final = 0x1F
_ATTACHED: Final = 0x3701
_BODIES: Final = ((BODY, "plain_text_body"), (HTML, "html_body"), (RTF_COMPRESSED, "rtf_body"))
_DEEPEST: Final = 10
_DEEPEST_FOLDER: Final = 60
_INT16, _INT32, _BOOLEAN, _INT64, _STRING8, _UNICODE, _TIME, _BINARY = (
    0x0002, 0x0003, 0x000B, 0x0014, 0x001E, 0x001F, 0x0040, 0x0102,
)  # fmt: skip
_NUMBERS: Final = MappingProxyType({_INT16: 2, _INT32: 4, _BOOLEAN: 1, _INT64: 8})


class Missing(ImportError):  # noqa: N818 - says what is the matter
    """libpff is not installed."""


class Unusable(ValueError):  # noqa: N818 - says what the file is
    """The file cannot be opened: damaged, cut off, or in a form that libpff does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An item of a file, not read yet."""

    folder: str
    identifier: int
    """The number of the item in its file ([MS-PST], NID), which stays when others come and go."""
    handle: Any
    """libpff's own; None where it could not even be found."""


class Store:
    """An open ``.pst`` or ``.ost`` file."""

    def __init__(self, path: str, library: Any = None) -> None:
        """Open the file at PATH with libpff. Raises Missing, or Unusable."""
        self._library = library or _library()
        self._file = self._library.file()
        try:
            self._file.open(path)
        except OSError as error:
            raise Unusable(str(error)) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def items(self) -> Iterator[Found]:
        """Yield what lies in the folders, in the order of the file."""
        try:
            root = self._file.get_root_folder()
        except OSError as error:
            raise Unusable(str(error)) from error
        subtree = self._subtree()
        yield from _below(root, (), subtree, 0)

    def read(self, found: Found) -> Item:
        """Return the item that was FOUND. Raises OSError when libpff cannot read it."""
        if found.handle is None:
            raise OSError
        return _item(found.handle, 0)

    def _subtree(self) -> int | None:
        """Return the number of the folder that Outlook shows as the root; None: not known."""
        with suppress(OSError, AttributeError):
            for entry in _entries(self._file.get_message_store()):
                if entry.entry_type == _SUBTREE and (data := entry.data):
                    return int.from_bytes(data[_NID], "little")
        return None


def _library() -> Any:
    try:
        import pypff
    except ImportError as error:
        raise Missing from error
    return pypff


def _below(folder: Any, path: tuple[str, ...], subtree: int | None, depth: int) -> Iterator[Found]:
    if depth > _DEEPEST_FOLDER:
        return
    shown = "/".join(path)
    for number in range(_count(folder, "number_of_sub_messages")):
        handle, identifier = None, -1
        with suppress(OSError):
            handle = folder.get_sub_message(number)
            identifier = int(handle.identifier)
        yield Found(folder=shown, identifier=identifier, handle=handle)
    for number in range(_count(folder, "number_of_sub_folders")):
        try:
            inner = folder.get_sub_folder(number)
            identifier = int(inner.identifier or 0)
            name = inner.name or ""
        except OSError:
            yield Found(folder=shown, identifier=-1, handle=None)
            continue
        if identifier & _TYPE_BITS == _SEARCH:
            continue
        # Where nothing names the root that people see, it is the one level below the file's own.
        is_root = identifier == subtree if subtree is not None else depth == 0
        below = () if is_root else (*path, name.replace("/", "_"))
        yield from _below(inner, below, subtree, depth + 1)


def _count(folder: Any, what: str) -> int:
    try:
        return int(getattr(folder, what) or 0)
    except OSError:
        return 0


def _item(message: Any, depth: int) -> Item:
    properties = _properties(message)
    values = dict(properties.values)
    for number, body in _BODIES:
        if number not in values or number == RTF_COMPRESSED:
            with suppress(OSError):
                found = getattr(message, body)
                if isinstance(found, bytes) and number == BODY:
                    found = found.decode("utf-8", "replace")
                if found:
                    values[number] = found
    recipients = []
    with suppress(OSError):
        if message.recipients is not None:
            recipients = [_read(entries.entries, "") for entries in message.recipients.record_sets]
    parts = list(_parts(message, depth))
    return item(Properties(values), recipients, parts)


def _parts(message: Any, depth: int) -> Iterator[Part]:
    for number in range(_count(message, "number_of_attachments")):
        properties, data, inner = Properties(), None, None
        with suppress(OSError):
            attachment = message.get_attachment(number)
            properties = _properties(attachment, without=_ATTACHED)
            if properties.number(ATTACH_METHOD) == EMBEDDED:
                if depth < _DEEPEST and attachment.number_of_sub_items:
                    inner = _item(attachment.get_sub_item(0), depth + 1)
            else:
                data = _content(attachment)
        yield Part(properties, data=data, item=inner)


def _content(attachment: Any) -> bytes | None:
    size = attachment.size
    if size is None or size > LARGEST:
        return None
    return bytes(attachment.read_buffer(size)) if size else b""


def _properties(holder: Any, *, without: int | None = None) -> Properties:
    entries = list(_entries(holder, without=without))
    return _read(entries, _charset(entries))


def _entries(holder: Any, *, without: int | None = None) -> Iterator[Any]:
    for record_set in holder.record_sets:
        for entry in record_set.entries:
            if entry.entry_type != without:
                yield entry


def _charset(entries: Iterable[Any]) -> str:
    for entry in entries:
        if entry.entry_type == MESSAGE_CODEPAGE and entry.value_type == _INT32 and entry.data:
            return codepage(int.from_bytes(entry.data[:4], "little"))
    return ""


def _read(entries: Iterable[Any], charset: str) -> Properties:
    values: dict[int, Value] = {}
    for entry in entries:
        number, kind = entry.entry_type, entry.value_type
        if number is None or kind is None or number in values:
            continue
        try:
            value = _value(kind, entry.data or b"", charset)
        except OSError:
            continue
        if value is not None:
            values[number] = value
    return Properties(values)


def _value(kind: int, data: bytes, charset: str) -> Value | None:
    value: Value | None = None
    if kind == _UNICODE:
        value = data.decode("utf-16-le", "replace").rstrip("\0")
    elif kind == _STRING8:
        try:
            value = data.decode(charset or "cp1252", "replace").rstrip("\0")
        except LookupError:
            value = data.decode("cp1252", "replace").rstrip("\0")
    elif kind == _BINARY:
        value = data
    elif kind == _TIME:
        value = filetime(int.from_bytes(data[:8], "little"))
    elif kind in _NUMBERS:
        value = int.from_bytes(data[: _NUMBERS[kind]], "little", signed=kind != _BOOLEAN)
    return value


__all__ = ["MESSAGE_CLASS", "Found", "Missing", "Store", "Unusable"]
