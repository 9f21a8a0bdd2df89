"""What was made of a record's bytes."""

from dataclasses import dataclass
from datetime import datetime

READER_VERSION = 3
"""Raised whenever the same bytes would be read differently: the catalogue is then rebuilt."""


@dataclass(frozen=True, slots=True)
class Defect:
    """Something the reader could not make sense of; never an exception."""

    code: str
    """Stable, lower-case, hyphenated, for example ``charset-unknown``."""
    message: str
    part: str = ""
    """The MIME part it was met in, IMAP style (``1.2``); empty for the message itself."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A person or role as a header names it (RFC 5322, section 3.4: a mailbox)."""

    name: str
    address: str
    """As written; compare with ``folded``."""

    @property
    def folded(self) -> str:
        """The address for comparing: lower case, since no server tells case apart."""
        return self.address.strip().lower()

    def __str__(self) -> str:
        if not self.name:
            return self.address
        return f"{self.name} <{self.address}>" if self.address else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A MIME part that is not the message's own text."""

    part: str
    """Its number, IMAP style (RFC 3501, section 6.4.5): ``2``, ``1.2``."""
    name: str
    type: str
    """Media type, lower case, for example ``application/pdf``."""
    size: int
    """Bytes after transfer decoding."""
    text: str | None
    """Its words when they can be read; None when this version does not read them."""
    inline: bool = False
    content_id: str = ""
    defects: tuple[Defect, ...] = ()
    likeness: str = ""
    """SHA-256 of its bytes, in hexadecimal; of text without what differs between copies of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A message as a person would read it."""

    headers: tuple[tuple[str, str], ...]
    """All of them, in order, decoded (RFC 2047), unfolded."""
    from_: tuple[Mailbox, ...]
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    bcc: tuple[Mailbox, ...]
    reply_to: tuple[Mailbox, ...]
    subject: str
    date: datetime | None
    """The Date header, aware; None if absent or unreadable (then there is a defect)."""
    received: tuple[datetime, ...]
    """Dates of the Received chain, topmost (latest hop) first."""
    message_id: str
    """Without angle brackets; empty if there is none."""
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    """Message identifiers, oldest first, without angle brackets."""
    text: str
    language: str
    """``fr``, ``en`` or empty when undecided."""
    attachments: tuple[Attachment, ...]
    defects: tuple[Defect, ...]
    sources: tuple[str, ...] = ()
    """Likenesses of the parts of which ``text`` is not the whole: HTML, shown or not, and what was
    cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A record that could not be read at all; it is kept, listed and exported all the same."""

    defects: tuple[Defect, ...]
