"""Walk through an account's folders and hand out every message that is not known yet.

The work list of a folder is what the server enumerates minus what is known: no high-water mark
decides (UIDs may be met out of order, and a batch may have failed). Whatever goes wrong with one
message or one folder becomes an event and the walk goes on.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from gettext import gettext as _

from archiver.accounts import Account
from archiver.errors import TemporaryNetworkError
from archiver.mailbox.ahead import ahead
from archiver.mailbox.folders import choose
from archiver.mailbox.harvest import Fetched, Line, NotFetched, Ration, harvest
from archiver.mailbox.server.session import Folder, FolderState, RefusedError, Role, Session
from archiver.model.uidset import format_uids

__all__ = [
    "Event",
    "Fetched",
    "FolderDone",
    "FolderFailed",
    "FolderLeftOut",
    "FolderOpened",
    "NotFetched",
    "walk",
]


@dataclass(frozen=True, slots=True)
class FolderLeftOut:
    """A folder that is fetched only when the account names it: drafts, outbox, templates."""

    folder: str
    role: Role | None


@dataclass(frozen=True, slots=True)
class FolderOpened:
    """A folder was examined and enumerated; its messages follow."""

    folder: str
    role: Role | None
    uidvalidity: int
    exists: int
    new: int
    """How many messages are on the work list."""
    absent: frozenset[int] = frozenset()
    """Known UIDs that the server no longer lists; none when its list is shorter than it says."""


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


@dataclass(frozen=True, slots=True)
class FolderFailed:
    """A folder, or part of it, could not be looked at."""

    folder: str
    reason: str


Event = FolderOpened | Fetched | NotFetched | FolderDone | FolderFailed | FolderLeftOut


def walk(
    session: Session,
    account: Account,
    *,
    known: Callable[[str, int], frozenset[int]],
    batch_messages: int = 500,
    batch_bytes: int = 8 * 1024 * 1024,
    reconnect: Callable[[], Session] | None = None,
    prefetch: bool = True,
) -> Generator[Event, None, None]:
    """Yield what is found in ACCOUNT, folder after folder, batch after batch.

    KNOWN tells the UIDs that need not be fetched, for a folder and a UIDVALIDITY; it is called in
    the caller's thread. A batch holds at most BATCH_MESSAGES messages and, but for a single larger
    one, BATCH_BYTES bytes; with PREFETCH the next batch is fetched while the caller keeps the last.

    A lost connection raises TemporaryNetworkError; what was yielded before is complete. With
    RECONNECT, a lost connection is made anew, and a message or folder that breaks it again and
    again is told as failed and passed over. Sessions made by RECONNECT are closed here, SESSION is
    the caller's.
    """
    line = Line(session, account, reconnect)
    ration = Ration(messages=batch_messages, size=batch_bytes)
    try:
        choice = choose(line.steady(lambda now: now.folders()), account.folders)
        for name in choice.missing:
            yield FolderFailed(name, _("there is no such folder on the server"))
        if not (choice.fetch or choice.left_out or choice.missing):
            yield FolderFailed("INBOX", _("the server lists no folder at all"))
        for folder in choice.left_out:
            yield FolderLeftOut(folder.name, folder.role)
        for folder in choice.fetch:
            yield from _folder(line, folder, known, ration, prefetch=prefetch)
    finally:
        line.hang_up()


def _folder(
    line: Line,
    folder: Folder,
    known: Callable[[str, int], frozenset[int]],
    ration: Ration,
    *,
    prefetch: bool,
) -> Iterator[Event]:
    opened = _open(line, folder)
    if isinstance(opened, FolderFailed):
        yield opened
        return
    state, uids = opened
    seen = known(folder.name, state.uidvalidity)
    todo = [uid for uid in uids if uid not in seen]
    absent = seen.difference(uids) if len(uids) >= state.exists else frozenset[int]()
    del seen
    yield FolderOpened(folder.name, folder.role, state.uidvalidity, state.exists, len(todo), absent)
    kept: list[int] = []
    failed: list[tuple[int, str]] = []
    events = harvest(line, folder.name, state.uidvalidity, todo, ration)
    if prefetch:
        events = ahead(events, abort=line.abort)
    with closing(events):
        for event in events:
            match event:
                case Fetched():
                    kept.extend(event.uids)
                case NotFetched():
                    failed.append((event.uid, event.reason))
            yield event
            del event
    yield FolderDone(folder.name, state.uidvalidity, state.exists, format_uids(kept), tuple(failed))
    if len(uids) < state.exists:
        reason = _("the server has {exists} messages there and lists {listed}").format(
            exists=state.exists, listed=len(uids)
        )
        yield FolderFailed(folder.name, reason)


def _open(line: Line, folder: Folder) -> tuple[FolderState, tuple[int, ...]] | FolderFailed:
    """Examine and enumerate FOLDER, a second time when the counts disagree (others delete)."""

    def look(session: Session) -> tuple[FolderState, tuple[int, ...]]:
        return session.examine(folder.name), session.uids()

    line.opened = None
    try:
        state, uids = line.steady(look)
        if len(uids) < state.exists:
            state, uids = line.steady(look)
    except RefusedError as error:
        return FolderFailed(folder.name, error.reason)
    except TemporaryNetworkError as error:
        line.redial(error)  # raises when the network, not the folder, is at fault
        reason = _("the connection broke when the folder was opened ({what})")
        return FolderFailed(folder.name, reason.format(what=error.what))
    line.opened = (folder.name, state.uidvalidity)
    return state, uids
