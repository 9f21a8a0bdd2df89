"""What a mailbox on a server can be asked for: the protocol, and the values it answers with.

Everything here is read-only by construction: there is no method that could change a mailbox.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from archiver.errors import TemporaryNetworkError
from archiver.model.cursors import Status

Role = Literal["inbox", "sent", "drafts", "outbox", "templates", "junk", "trash", "archive", "all"]

MAX_MESSAGE = 256 * 1024 * 1024
"""Bytes: a larger message is told as not fetched, since nothing could read it afterwards."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of an account, named as a person sees it."""

    name: str
    role: Role | None
    selectable: bool
    status: Status | None = None
    """None where the server tells nothing of it without its being opened."""
    foreign: bool = False
    """Whether it belongs to somebody else: "Other Users" and shared namespaces (RFC 2342)."""


@dataclass(frozen=True, slots=True)
class FolderState:
    """What the server says when a folder is examined (RFC 3501, section 6.3.2)."""

    uidvalidity: int
    uidnext: int | None
    exists: int
    modseq: int | None = None
    """HIGHESTMODSEQ (RFC 7162); None where the server keeps none."""
    mailbox_id: str = ""
    """MAILBOXID (RFC 8474)."""
    vanished: frozenset[int] | None = None
    """UIDs that went since the state that EXAMINE named (QRESYNC); None: the server cannot tell."""


@dataclass(frozen=True, slots=True)
class Outline:
    """What is asked about a message before its bytes."""

    size: int | None
    """RFC822.SIZE: a hint, since some servers estimate it. None when it was not told."""
    internaldate: datetime | None
    """With the offset that the server gave."""
    flags: tuple[str, ...]
    labels: tuple[str, ...] = ()
    """Gmail's labels, as folders are named (X-GM-LABELS)."""
    gmail_id: str = ""
    """X-GM-MSGID."""


class ThrottledError(TemporaryNetworkError):
    """The server asks to slow down, or a daily volume is spent ([THROTTLED], NO [LIMIT], BYE)."""

    wait: float | None = None
    """Seconds after which to try again, where the server says so."""


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

    @property
    def is_gmail(self) -> bool:
        """Whether the server has Gmail's extensions (X-GM-EXT-1)."""

    def folders(self) -> tuple[Folder, ...]:
        """List every folder of the account with its status, in one round trip where possible."""

    def examine(self, folder: str, since: Status | None = None) -> FolderState:
        """Open FOLDER read-only (EXAMINE); raise RefusedError when the server will not.

        SINCE is the state that is known: a server with QRESYNC then tells what vanished.
        """

    def uids(self, first: int = 1) -> tuple[int, ...]:
        """Enumerate the open folder by ``UID FETCH FIRST:*``, ascending; never by SEARCH."""

    def headers(self, uids: Sequence[int], fields: Sequence[str]) -> Mapping[int, bytes]:
        """Fetch header FIELDS of UIDS (``BODY.PEEK[HEADER.FIELDS (...)]``), as they stand."""

    def idle(self, seconds: float, stop: Callable[[], bool]) -> bool:
        """Wait until the open folder changes, at most SECONDS; tell whether it did (RFC 2177).

        Returns soon after STOP says so. Raises RefusedError when the server cannot notify.
        """

    def outlines(self, uids: Sequence[int]) -> Mapping[int, Outline]:
        """Ask about UIDS; those that are gone are absent from the answer."""

    def fetch(self, uids: Sequence[int]) -> Iterator[tuple[int, bytes | None]]:
        r"""Fetch the exact bytes of UIDS in one command, without setting ``\Seen``.

        What arrived is yielded before a RefusedError or TemporaryNetworkError is raised; a UID
        that the server left out, or whose body was NIL, comes with None.
        """

    def fetch_in_parts(self, uid: int, size: int | None, start: int = 0) -> Iterator[bytes]:
        """Fetch one message piece by piece, from START on; each is asked for when it is taken.

        SIZE is the hint of its outline. Without a piece from the beginning, the server does not
        hand it out. What was yielded before an error is sound, and can be gone on from.
        """

    def close(self) -> None:
        """Log out and close. Never raises."""

    def abort(self) -> None:
        """Break the connection, from any thread, so that a waiting read ends. Never raises."""
