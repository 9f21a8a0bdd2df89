"""Read ``.msg`` files ([MS-OXMSG]): the only module that speaks to python-oxmsg."""

import io
import struct
from datetime import datetime
from typing import Final

from olefile.olefile import OleFileError, OleFileIO
from oxmsg.domain.model import (
    ATTACH_HDR_OFFSET,
    MSG_HDR_OFFSET,
    RECIP_HDR_OFFSET,
    PropertyT,
    UnrecognizedCodePageError,
    UnsupportedEncodingError,
)
from oxmsg.properties import Properties as Stored
from oxmsg.storage import Storage

from archiver.mailbox.outlook.item import Item
from archiver.mailbox.outlook.mapi import (
    ATTACH_DATA,
    ATTACH_METHOD,
    EMBEDDED,
    Part,
    Properties,
    Value,
    item,
)

_NESTED_OFFSET: Final = 24
"""Bytes before the properties of an item within an item ([MS-OXMSG] 2.4.1.2)."""
_NESTED_NAME: Final = "__substg1.0_3701000D"
_DEEPEST: Final = 10
_STRING8: Final = 0x001E
_UNUSABLE = (
    KeyError,  # a property is listed, and its stream is not there
    UnicodeDecodeError,
    LookupError,
    OverflowError,
    ValueError,
    struct.error,
    UnrecognizedCodePageError,
    UnsupportedEncodingError,
)


class NotOutlook(ValueError):  # noqa: N818 - says what the file is
    """The file is no item of Outlook, or it is damaged beyond reading."""


def read_msg(data: bytes) -> Item:
    """Return the item in a ``.msg`` file. Raises NotOutlook when there is none."""
    try:
        with OleFileIO(io.BytesIO(data)) as ole:
            storage = Storage.from_ole(ole)
    except (OleFileError, OSError, *_UNUSABLE) as error:
        raise NotOutlook(str(error)) from error
    return _item(storage, MSG_HDR_OFFSET, 0)


def _item(storage: Storage, offset: int, depth: int) -> Item:
    properties = _properties(storage, offset)
    recipients = [_lenient(each, RECIP_HDR_OFFSET) for each in storage.iter_recipient_storages()]
    parts = [_part(each, depth) for each in storage.iter_attachment_storages()]
    return item(properties, recipients, parts)


def _lenient(storage: Storage, offset: int) -> Properties:
    try:
        return _properties(storage, offset)
    except NotOutlook:
        return Properties()


def _part(storage: Storage, depth: int) -> Part:
    properties = _lenient(storage, ATTACH_HDR_OFFSET)
    if properties.number(ATTACH_METHOD) == EMBEDDED and depth < _DEEPEST:
        for inner in storage.storages:
            if inner.name == _NESTED_NAME:
                return Part(properties, item=_item(inner, _NESTED_OFFSET, depth + 1))
    return Part(properties, data=properties.binary(ATTACH_DATA))


def _properties(storage: Storage, offset: int) -> Properties:
    """Return what can be read of the properties of STORAGE; the rest is as if it were not there."""
    values: dict[int, Value] = {}
    try:
        for one in Stored(storage, properties_header_offset=offset):
            value = _value(storage, one)
            if isinstance(value, str | bytes | int | datetime):
                values.setdefault(one.pid, value)
    except _UNUSABLE as error:
        if not values:
            raise NotOutlook(str(error)) from error
    return Properties(values)


def _value(storage: Storage, one: PropertyT) -> object:
    try:
        return one.value
    except _UNUSABLE:
        if one.ptyp != _STRING8:
            return None
    try:  # words in a code page that Python does not know, or that is not the one it says
        return storage.property_stream_bytes(one.pid, one.ptyp).decode("cp1252", "replace")
    except KeyError:
        return None
