"""What a mailbox on a server can be asked for: the protocol, and the values it answers with.

Everything here is read-only by construction: there is no method that could change a mailbox.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

Role = Literal["inbox", "sent", "drafts", "outbox", "templates", "junk", "trash", "archive", "all"]

MAX_MESSAGE = 256 * 1024 * 1024
"""Bytes: a larger message is told as not fetched, since it could not be held in memory."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of an account, named as a person sees it."""

    name: str
    role: Role | None
    selectable: bool


@dataclass(frozen=True, slots=True)
class FolderState:
    """What the server says when a folder is examined (RFC 3501, section 6.3.2)."""

    uidvalidity: int
    uidnext: int | None
    exists: int


@dataclass(frozen=True, slots=True)
class Outline:
    """What is asked about a message before its bytes."""

    size: int | None
    """RFC822.SIZE: a hint, since some servers estimate it. None when it was not told."""
    internaldate: datetime | None
    """With the offset that the server gave."""
    flags: tuple[str, ...]


class RefusedError(Exception):
    """The server answered NO or BAD to one command; the connection is sound and goes on.

    This never reaches a user: it becomes the reason of a NotFetched or FolderFailed event.
    """

    def __init__(self, reason: str) -> None:
        """Keep REASON, the server's own words made safe to show."""
        super().__init__(reason)
        self.reason = reason


class Session(Protocol):
    """A connection to one account. Lost connections raise TemporaryNetworkError."""

    @property
    def host(self) -> str:
        """The server's name as configured."""

    @property
    def certificate(self) -> str | None:
        """SHA-256 of the server's certificate (DER), hexadecimal; None without TLS."""

    def folders(self) -> tuple[Folder, ...]:
        """List every folder of the account."""

    def examine(self, folder: str) -> FolderState:
        """Open FOLDER read-only (EXAMINE); raise RefusedError when the server will not."""

    def uids(self) -> tuple[int, ...]:
        """Enumerate the open folder by ``UID FETCH 1:*``, ascending; never by SEARCH."""

    def outlines(self, uids: Sequence[int]) -> Mapping[int, Outline]:
        """Ask about UIDS; those that are gone are absent from the answer."""

    def fetch(self, uids: Sequence[int]) -> Iterator[tuple[int, bytes | None]]:
        r"""Fetch the exact bytes of UIDS in one command, without setting ``\Seen``.

        What arrived is yielded before a RefusedError or TemporaryNetworkError is raised; a UID
        that the server left out, or whose body was NIL, comes with None.
        """

    def fetch_in_parts(self, uid: int, size: int | None) -> bytes | None:
        """Fetch one message piece by piece, so that a large one needs little more than itself.

        SIZE is the hint of its outline. None: the server does not hand it out.
        """

    def close(self) -> None:
        """Log out and close. Never raises."""

    def abort(self) -> None:
        """Break the connection, from any thread, so that a waiting read ends. Never raises."""
