"""Make an Item from its properties, whichever file they come out of ([MS-OXPROPS])."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

from archiver.mailbox.outlook import rtf
from archiver.mailbox.outlook.item import Attached, File, Item, Lost, Nested, Person

Value = str | bytes | int | datetime

MESSAGE_CLASS: Final = 0x001A
SUBJECT: Final = 0x0037
CLIENT_SUBMIT_TIME: Final = 0x0039
REPRESENTING_NAME: Final = 0x0042
REPRESENTING_ADDRESS: Final = 0x0065
TRANSPORT_HEADERS: Final = 0x007D
RECIPIENT_TYPE: Final = 0x0C15
SENDER_NAME: Final = 0x0C1A
SENDER_ADDRESS: Final = 0x0C1F
DELIVERY_TIME: Final = 0x0E06
MESSAGE_FLAGS: Final = 0x0E07
BODY: Final = 0x1000
RTF_COMPRESSED: Final = 0x1009
HTML: Final = 0x1013
MESSAGE_ID: Final = 0x1035
REFERENCES: Final = 0x1039
IN_REPLY_TO: Final = 0x1042
DISPLAY_NAME: Final = 0x3001
EMAIL_ADDRESS: Final = 0x3003
ATTACH_DATA: Final = 0x3701
ATTACH_FILENAME: Final = 0x3704
ATTACH_METHOD: Final = 0x3705
ATTACH_LONG_FILENAME: Final = 0x3707
ATTACH_MIME_TAG: Final = 0x370E
ATTACH_CONTENT_ID: Final = 0x3712
SMTP_ADDRESS: Final = 0x39FE
INTERNET_CODEPAGE: Final = 0x3FDE
MESSAGE_CODEPAGE: Final = 0x3FFD
SENDER_SMTP: Final = 0x5D01
REPRESENTING_SMTP: Final = 0x5D02

EMBEDDED: Final = 5
"""PidTagAttachMethod: the attachment is an item."""
_REASONS: Final = MappingProxyType({EMBEDDED: "item", 6: "ole"})
_BY_REFERENCE: Final = frozenset({2, 3, 4, 7})

_UNSENT: Final = 0x8
_TO, _CC, _BCC = 1, 2, 3
_KIND_BITS: Final = 0xF  # the others of PidTagRecipientType tell that it was sent again
_CODEPAGES: Final = MappingProxyType(
    {20127: "us-ascii", 20866: "koi8-r", 21866: "koi8-u", 28591: "iso-8859-1", 28592: "iso-8859-2",
     28595: "iso-8859-5", 28597: "iso-8859-7", 28605: "iso-8859-15", 50220: "iso-2022-jp",
     51932: "euc-jp", 51949: "euc-kr", 54936: "gb18030", 65000: "utf-7", 65001: "utf-8",
     932: "shift_jis", 936: "gb2312", 949: "euc-kr", 950: "big5"}
)  # fmt: skip
_WINDOWS: Final = frozenset({874, *range(1250, 1259)})
_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Properties:
    """The properties of a message, a recipient or an attachment, by their number."""

    values: Mapping[int, Value] = field(default_factory=dict)

    def text(self, *numbers: int) -> str:
        """Return the first of these properties that holds words, in one piece; else nothing."""
        for number in numbers:
            value = self.values.get(number)
            if isinstance(value, str) and (stripped := value.strip(" \0")):
                return stripped
        return ""

    def binary(self, number: int) -> bytes | None:
        """Return a property that holds bytes."""
        value = self.values.get(number)
        return value if isinstance(value, bytes) else None

    def number(self, number: int) -> int | None:
        """Return a property that holds a number."""
        value = self.values.get(number)
        return value if isinstance(value, int) else None

    def moment(self, number: int) -> datetime | None:
        """Return a property that holds a moment, UTC."""
        value = self.values.get(number)
        return value if isinstance(value, datetime) else None


@dataclass(frozen=True, slots=True)
class Part:
    """An attachment as its file holds it."""

    properties: Properties
    data: bytes | None = None
    item: Item | None = None
    """Where it is an item."""


def item(properties: Properties, recipients: Sequence[Properties], parts: Sequence[Part]) -> Item:
    """Return the item with these PROPERTIES."""
    text = properties.values.get(BODY)
    html = properties.values.get(HTML)
    charset = codepage(properties.number(INTERNET_CODEPAGE))
    if isinstance(html, str):
        html, charset = html.encode("utf-8", "replace"), "utf-8"
    kinds = [_recipient(each) for each in recipients]
    return Item(
        kind=properties.text(MESSAGE_CLASS),
        headers=properties.text(TRANSPORT_HEADERS),
        sender=_person(properties, SENDER_NAME, SENDER_SMTP, SENDER_ADDRESS),
        author=_person(properties, REPRESENTING_NAME, REPRESENTING_SMTP, REPRESENTING_ADDRESS),
        to=tuple(person for kind, person in kinds if kind not in {_CC, _BCC}),
        cc=tuple(person for kind, person in kinds if kind == _CC),
        bcc=tuple(person for kind, person in kinds if kind == _BCC),
        subject=_subject(properties),
        submitted=properties.moment(CLIENT_SUBMIT_TIME),
        delivered=properties.moment(DELIVERY_TIME),
        message_id=properties.text(MESSAGE_ID),
        in_reply_to=properties.text(IN_REPLY_TO),
        references=properties.text(REFERENCES),
        text=text if isinstance(text, str) else _from_rtf(properties, html),
        html=html if isinstance(html, bytes) else None,
        charset=charset,
        attached=tuple(_attached(part) for part in parts),
        unsent=bool((properties.number(MESSAGE_FLAGS) or 0) & _UNSENT),
    )


def codepage(number: int | None) -> str:
    """Return the charset (RFC 2046) of a code page of Windows; empty where it is not known."""
    if number is None:
        return ""
    if number in _CODEPAGES:
        return _CODEPAGES[number]
    return f"windows-{number}" if number in _WINDOWS else ""


def filetime(ticks: int) -> datetime | None:
    """Return the moment of a FILETIME ([MS-DTYP] 2.3.3), whole seconds; None when it is none."""
    try:
        return _EPOCH + timedelta(seconds=ticks // 10_000_000) if ticks > 0 else None
    except OverflowError:
        return None


def _subject(properties: Properties) -> str:
    # A control character and the length of the prefix stand before it in a .pst: \x01\x04Re: …
    subject = properties.text(SUBJECT)
    return subject[2:] if subject[:1] == "\x01" else subject


def _person(properties: Properties, name: int, smtp: int, address: int) -> Person:
    called = properties.text(name)
    found = properties.text(smtp) or _internet(properties.text(address))
    return Person(name="" if called == found else called, address=found)


def _internet(address: str) -> str:
    """Return ADDRESS if it is one of the Internet; one of an organisation begins ``/o=``."""
    return address if "@" in address and not address.startswith("/") else ""


def _recipient(properties: Properties) -> tuple[int, Person]:
    kind = (properties.number(RECIPIENT_TYPE) or _TO) & _KIND_BITS
    return kind, _person(properties, DISPLAY_NAME, SMTP_ADDRESS, EMAIL_ADDRESS)


def _from_rtf(properties: Properties, html: Value | None) -> str | None:
    packed = properties.binary(RTF_COMPRESSED)
    if html is not None or not packed:
        return None
    found = packed if packed.startswith(b"{\\rtf") else rtf.unpacked(packed)
    return rtf.words(found) if found else None


def _attached(part: Part) -> Attached:
    told = part.properties
    name = told.text(ATTACH_LONG_FILENAME, ATTACH_FILENAME, DISPLAY_NAME)
    if part.item is not None:
        return Nested(name=name, item=part.item)
    if part.data is not None:
        content_id = told.text(ATTACH_CONTENT_ID).strip("<>")
        return File(
            name=name,
            type=told.text(ATTACH_MIME_TAG),
            data=part.data,
            content_id=content_id,
            inline=bool(content_id),
        )
    method = told.number(ATTACH_METHOD)
    if method in _BY_REFERENCE:
        return Lost(name=name, reason="reference")
    return Lost(name=name, reason=_REASONS.get(method or 0, "unreadable"))
