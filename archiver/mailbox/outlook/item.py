"""What an item of Outlook holds: the values that its readers fill and messages are made from."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody named in an item."""

    name: str = ""
    address: str = ""
    """An Internet address; empty where the item knows only one within an organisation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file attached by value."""

    name: str
    type: str
    data: bytes
    content_id: str = ""
    inline: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Nested:
    """An item attached to an item."""

    name: str
    item: "Item"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """An attachment whose content the item does not hold, or that could not be read."""

    name: str
    reason: str
    """A word of WORDS in ``wall``: the worker has no language."""


Attached = File | Nested | Lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An item of Outlook, as far as a message is made from it."""

    kind: str
    """Its message class, such as ``IPM.Note``."""
    headers: str = ""
    """The header as it arrived, where Outlook kept it (PidTagTransportMessageHeaders)."""
    sender: Person = Person()
    """Who handed it in for sending …"""
    author: Person = Person()
    """… and in whose name."""
    to: tuple[Person, ...] = ()
    cc: tuple[Person, ...] = ()
    bcc: tuple[Person, ...] = ()
    subject: str = ""
    submitted: datetime | None = None
    """When it was sent, UTC."""
    delivered: datetime | None = None
    """When it arrived, UTC."""
    message_id: str = ""
    in_reply_to: str = ""
    references: str = ""
    text: str | None = None
    html: bytes | None = None
    charset: str = ""
    """Of the HTML; empty where the item does not say."""
    attached: tuple[Attached, ...] = ()
    unsent: bool = False
    """It was written and never sent: a draft."""
