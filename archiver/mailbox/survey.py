"""Examine a folder and enumerate it: what is new, or all of it."""

from collections.abc import Callable
from dataclasses import dataclass

from archiver.mailbox.plan import Newer, Whole, Why
from archiver.mailbox.server.session import FolderState, Session
from archiver.model.cursors import Status


@dataclass(frozen=True, slots=True)
class Survey:
    """A folder as it was found."""

    state: FolderState
    listed: frozenset[int]
    """All UIDs, or those that are new."""
    whole: Why | None
    """Why all were enumerated; None: only the new ones were."""
    gone: frozenset[int] = frozenset()
    """Where only new ones were enumerated: UIDs that the server reports as vanished."""

    @property
    def short(self) -> bool:
        """Whether the server listed fewer messages than it says to have."""
        return self.whole is not None and len(self.listed) < self.state.exists


def survey(
    session: Session, folder: str, way: Newer | Whole, here: Callable[[int], frozenset[int]]
) -> Survey:
    """Examine FOLDER and enumerate it in the WAY that was planned.

    Where the server's report of what is new does not add up with its counts, all is enumerated:
    something vanished of which it does not tell, or it left something out. HERE tells, for a
    UIDVALIDITY, the UIDs that are known and were not seen to vanish.
    """
    if isinstance(way, Whole):
        return _whole(session, session.examine(folder), way.why)
    state = session.examine(folder, way.since)
    if state.uidvalidity != way.since.uidvalidity:
        return _whole(session, session.examine(folder), "epoch")
    first = way.since.uidnext
    new = frozenset(uid for uid in session.uids(first) if uid >= first)
    known = here(state.uidvalidity)
    gone = known & (state.vanished or frozenset())
    if not _adds_up(way.since, state, new, gone):
        return _whole(session, state, "counts")
    # One that came after the cursor was taken, and was kept, stands in no report of what vanished:
    # that it is not listed tells that it went.
    return Survey(state, new, None, gone | {uid for uid in known - new if uid >= first})


def _adds_up(since: Status, state: FolderState, new: frozenset[int], gone: frozenset[int]) -> bool:
    """Tell whether the folder holds what it held, less what is GONE, and what is NEW."""
    # What arrived after EXAMINE was answered is listed, but not counted in EXISTS.
    counted = sum(1 for uid in new if state.uidnext is None or uid < state.uidnext)
    return since.exists - len(gone) + counted == state.exists


def _whole(session: Session, state: FolderState, why: Why) -> Survey:
    found = set(session.uids())
    while found and len(found) < state.exists:
        # Some servers answer for a number of messages at most, and take no hint that it is few.
        last = max(found)
        more = {uid for uid in session.uids(last + 1) if uid > last}
        if not more:
            break
        found |= more
    return Survey(state, frozenset(found), why)
