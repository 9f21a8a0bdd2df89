"""The adapter of mail-parser: the only module that imports it.

mail-parser guards the standard library's parser and reads addresses, dates and Received fields by
their grammar. By itself it reads all of them, and encodes every attachment again, as soon as it
has a message (nine tenths of its time); here each is asked for once, when it is needed, and what
mail-parser is known to lose (the order of parts, undecodable bytes, character sets, zones) is
taken from the message object that it holds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.feedparser import BytesFeedParser
from email.message import Message
from email.policy import Compat32, compat32
from functools import cached_property, partial

from mailparser import MailParser
from mailparser.dates import parse_mail_date
from mailparser.exceptions import MailParserReceivedParsingError
from mailparser.received import split_received
from mailparser.utils import get_addresses

from archiver.reading.mime.headers import split_parameters
from archiver.reading.mime.transfer import transfer_encoding, undo

MAX_PARTS = 10_000
_MAX_DEPTH = 30
_MAX_MESSAGES = 1_000
_WORK = 3_000_000  # lines times depth: about a second
_AT_ONCE = 1 << 20


class TooManyPartsError(Exception):
    """A message has more parts than anybody sends; it is then read without taking it apart."""


class Allowance:
    """How much work one record may cause, its nested messages included.

    The standard library tries the boundary of every enclosing multipart on each line: the time is
    lines times depth, so the depth that is allowed falls as the lines grow.
    """

    def __init__(self, data: bytes) -> None:
        """Allow what DATA deserves: always enough for a real message, however large."""
        self.parts = MAX_PARTS
        self._messages = _MAX_MESSAGES
        self._work = max(_WORK, 12 * _lines(data))

    def depth_for(self, data: bytes) -> int:
        """Return how deep multiparts may nest in DATA, and count that as work done."""
        lines = _lines(data)
        depth = min(_MAX_DEPTH, self._work // lines)
        self._work -= lines * min(depth, 1 + data.lower().count(b"multipart/"))
        return depth

    def enter(self, data: bytes, depth: int) -> bool:
        """Tell whether the nested message DATA may be parsed, inside DEPTH others."""
        self._messages -= 1
        return self._messages >= 0 and depth < _MAX_DEPTH and self._work >= 2 * _lines(data)


def _lines(data: bytes) -> int:
    return data.count(b"\n") + data.count(b"\r") + 1


@dataclass(frozen=True, slots=True)
class ContentType:
    """A Content-Type header: media type in lower case and parameters (RFC 2045)."""

    type: str
    parameters: dict[str, str]
    broken: str = ""
    """What stood there, when no media type could be read."""


class Part(Message):
    """A message or a body part; nested messages stay bytes, so that they are kept exactly."""

    depth = 0
    _payload: object

    def __init__(self, max_depth: int, allowance: Allowance, policy: Compat32 = compat32) -> None:
        super().__init__(policy=policy)
        self.max_depth = max_depth
        self._allowance = allowance
        allowance.parts -= 1
        if allowance.parts < 0:
            raise TooManyPartsError

    def attach(self, payload: "Message | str") -> None:
        """Take a part in, one level deeper."""
        if isinstance(payload, Part):
            payload.depth = self.depth + 1
        super().attach(payload)

    def get_content_type(self) -> str:
        """Tell the standard parser what to take apart: multiparts, unless they nest too deeply.

        It asks while it parses; whoever wants the media type asks ``content_type``.
        """
        if self.depth < self.max_depth and self.content_type.type.startswith("multipart/"):
            return self.content_type.type
        return "application/octet-stream"

    def get_boundary(self, failobj: object = None) -> str | None:  # type: ignore[override] # noqa: ARG002 -- the standard parser never gives one
        """Return the boundary; the standard way takes quadratic time on many parameters."""
        boundary = self.content_type.parameters.get("boundary", "").rstrip()
        return boundary or None

    def field(self, name: str) -> str:
        """Return the raw value of the first header called NAME (lower case), or nothing."""
        for found, value in self.raw_items():
            if found.lower() == name:
                return str(value)
        return ""

    @cached_property
    def content_type(self) -> ContentType:
        """The Content-Type header, or the default that the enclosing multipart calls for."""
        raw = self.field("content-type")
        if not raw.strip():
            return ContentType(self.get_default_type(), {})
        type_, parameters = split_parameters(raw)
        type_ = type_.split()[0] if type_ else ""
        main, slash, sub = type_.partition("/")
        if main and slash and sub:
            return ContentType(type_, parameters)
        # RFC 2045, section 5.2, calls for plain text; "text" alone is common in old mail.
        return ContentType("text/plain", parameters, broken=raw)

    @cached_property
    def disposition(self) -> tuple[str, dict[str, str]]:
        """The Content-Disposition header: its first word and its parameters (RFC 2183)."""
        raw = self.field("content-disposition")
        return split_parameters(raw) if raw else ("", {})

    @property
    def too_deep(self) -> bool:
        """Whether this is a multipart that was not taken apart because it nests too deeply."""
        return self.depth >= self.max_depth and self.content_type.type.startswith("multipart/")

    def children(self) -> tuple["Part", ...]:
        """Return the parts of a multipart, in order."""
        if not isinstance(self._payload, list):
            return ()
        return tuple(part for part in self._payload if isinstance(part, Part))

    def raw_content(self) -> bytes:
        """Return the bytes of a part that is no multipart, as they travelled."""
        if not isinstance(self._payload, str):
            return b""
        return self._payload.encode("utf-8", "surrogateescape")

    @property
    def encoding(self) -> str:
        """The transfer encoding that is declared, in lower case."""
        return transfer_encoding(self.field("content-transfer-encoding"))

    def content(self) -> tuple[bytes, str, str]:
        """Return the decoded bytes, the transfer encoding, and a defect code or nothing."""
        encoding = self.encoding
        data, problem = undo(self.raw_content(), encoding)
        return data, encoding, problem


class _Mail(MailParser):  # type: ignore[misc] # mail-parser ships no types
    """mail-parser without its eager step: see the top of this module."""

    def parse(self) -> "_Mail":
        """Read nothing yet."""
        return self


def parse(data: bytes, allowance: Allowance) -> Part:
    """Return the tree of parts of DATA; its ``defects`` are the standard library's.

    Raises TooManyPartsError when the ALLOWANCE is used up.
    """
    return _parse(data, partial(Part, allowance.depth_for(data), allowance))


def parse_flat(data: bytes) -> Part:
    """Return DATA as one part, whatever it says of itself: only its headers are read."""
    return _parse(data, partial(Part, 0, Allowance(data)))


def _parse(data: bytes, factory: Callable[..., Part]) -> Part:
    feed: BytesFeedParser[Part] = BytesFeedParser(factory)
    # By pieces: the standard parser makes text of all that it is given at once.
    for start in range(0, len(data), _AT_ONCE):
        feed.feed(data[start : start + _AT_ONCE])
    message = _Mail(feed.close()).message
    assert isinstance(message, Part)  # noqa: S101 -- mail-parser is untyped; this is its contract
    return message


def grammatical_addresses(text: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Read an address list by RFC 5322's grammar: pairs of name and address, and what it refuses.

    Groups are opened, comments dropped or taken for names as tradition has it. Names still hold
    their encoded words.
    """
    diagnostics: list[dict[str, object]] = []
    pairs = get_addresses(text, defects=diagnostics)
    refused = [str(found["raw"]) for found in diagnostics if not found["recovered"]]
    return [(name, address) for name, address in pairs if address], refused


def grammatical_date(text: str) -> datetime | None:
    """Read a date-time by RFC 5322's grammar, obsolete forms included; the answer is in UTC."""
    value = parse_mail_date(text).value
    return value if isinstance(value, datetime) else None


def received_stamp(text: str) -> str:
    """Return the date-time of a Received field as it stands, or nothing (RFC 5321, section 4.4)."""
    try:
        return str(split_received(text)[1] or "")
    except MailParserReceivedParsingError:
        return ""
