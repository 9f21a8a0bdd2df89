"""Where in a mailbox messages stand, as the archive knows it."""

from datetime import datetime
from typing import NamedTuple

from archiver.model.digest import Digest, Position


class Presumed(NamedTuple):
    """A message that was recognised by its attributes only; its bytes were not fetched."""

    folder: str
    uidvalidity: int
    uid: int
    record: Position
    """The record that it is taken for."""


class Place(NamedTuple):
    """A message whose bytes were fetched, by what a server says of it without them."""

    folder: str
    uidvalidity: int
    uid: int
    record: Position
    digest: Digest
    size: int
    """Bytes that were kept; a server's RFC822.SIZE may differ."""
    internaldate: datetime | None
    """As the server gave it when the message was first seen there."""


class Unkept(NamedTuple):
    """Messages that were decided not to be kept; nothing of their content is known."""

    folder: str
    uidvalidity: int
    rules: str
    """Hexadecimal digest of the rules that decided; empty where none were stated."""
    reason: str
    """The kind of rule, in its own few words."""
    uids: frozenset[int]
