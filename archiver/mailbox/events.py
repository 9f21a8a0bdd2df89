"""What a walk through an account meets, in the order in which it meets it."""

from dataclasses import dataclass, field

from archiver.mailbox.crops import Decided, Fetched, NotFetched, Postponed, Recognised
from archiver.mailbox.plan import Why
from archiver.mailbox.server.session import Folder, Role
from archiver.model.cursors import Cursor

Uids = frozenset[int]
_NO_UIDS: Uids = frozenset()


@dataclass(frozen=True, slots=True)
class FoldersListed:
    """The server's folders, before any of them is looked at."""

    folders: tuple[Folder, ...]


@dataclass(frozen=True, slots=True)
class FolderLeftOut:
    """A folder that is fetched only when the account names it, or that a rule leaves out."""

    folder: str
    role: Role | None
    rule: str = ""
    """The rule; empty for drafts, outbox, templates, and folders of other people."""
    cursor: Cursor | None = field(default=None, compare=False)
    """Where a rule leaves it out: what is to be remembered of it, None when it is remembered."""


@dataclass(frozen=True, slots=True)
class FolderUnchanged:
    """A folder of which the server tells that nothing changed; it was not opened."""

    folder: str


@dataclass(frozen=True, slots=True)
class FolderOpened:
    """A folder was examined and enumerated; its messages follow."""

    folder: str
    role: Role | None
    uidvalidity: int
    exists: int
    new: int
    """How many messages are on the work list."""
    absent: Uids = _NO_UIDS
    """Known UIDs that the server no longer has; none when its list is shorter than it says."""
    looked: Uids = field(default=_NO_UIDS, compare=False)
    """The UIDs that the server listed: all it has, or those it reports as new."""
    known: Uids = field(default=_NO_UIDS, compare=False)
    """Those of LOOKED that were kept before, where the folder was never read to its end."""
    whole: Why | None = field(default=None, compare=False)
    """Why the folder was enumerated whole; None: only what is new was."""
    missed: Uids = field(default=_NO_UIDS, compare=False)
    """UIDs found now that an earlier sync should have been told of."""
    others: Uids = field(default=_NO_UIDS, compare=False)
    """Known UIDs under which other messages stand, since the folder was made anew."""


@dataclass(frozen=True, slots=True)
class FolderDone:
    """Everything on a folder's work list was handed out or told as not fetched."""

    folder: str
    uidvalidity: int
    exists: int
    kept: str
    """UIDs handed out, as a UID set."""
    failed: tuple[tuple[int, str], ...]
    """UIDs not fetched, each with the reason."""
    cursor: Cursor | None = field(default=None, compare=False)
    """How far it was read; None where that means nothing, or the reading broke off."""
    broken: bool = field(default=False, compare=False)
    """Whether it broke off, or was stopped, before everything was handed out or told."""


@dataclass(frozen=True, slots=True)
class FolderFailed:
    """A folder, or part of it, could not be looked at."""

    folder: str
    reason: str


@dataclass(frozen=True, slots=True)
class PartOpened:
    """Some messages of a folder are looked at once more; they follow."""

    folder: str
    uidvalidity: int
    count: int


@dataclass(frozen=True, slots=True)
class PartDone:
    """They were."""

    folder: str


FolderEvent = (
    FoldersListed
    | FolderLeftOut
    | FolderUnchanged
    | FolderOpened
    | FolderDone
    | FolderFailed
    | PartOpened
    | PartDone
)
Event = FolderEvent | Fetched | NotFetched | Decided | Recognised | Postponed
