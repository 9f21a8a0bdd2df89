"""A folder that was made anew under the UIDVALIDITY of the one before: whose UIDs are others now.

RFC 3501, section 2.3.1.1, forbids it; servers that were restored, or moved to, do it all the same.
"""

from dataclasses import replace

from archiver.mailbox.past import Shapes
from archiver.mailbox.plan import made_anew
from archiver.mailbox.server.responses import chunks
from archiver.mailbox.server.session import Folder, Outline, Session
from archiver.mailbox.survey import Survey
from archiver.model.cursors import Cursor

_CHUNK = 500
"""Messages asked about at a time."""


def is_anew(cursor: Cursor | None, folder: Folder, found: Survey) -> bool:
    """Tell whether FOLDER, as it was FOUND, is another one than the one that CURSOR remembers."""
    if cursor is None:
        return False
    state, status = found.state, folder.status
    if not state.mailbox_id and status is not None:
        state = replace(state, mailbox_id=status.mailbox_id)
    return made_anew(cursor.status, state)


def changed(session: Session, uids: frozenset[int], shapes: Shapes) -> frozenset[int]:
    """Return those of UIDS in the open folder that have not the SHAPES of what came under them.

    One without any stays as it is: it was erased, or is presumed only and fetched to confirm it.
    """
    found: set[int] = set()
    for some in chunks(sorted(uids), _CHUNK):
        outlines = session.outlines(some)
        found.update(uid for uid in some if not _is_known(outlines.get(uid), uid, shapes))
    return frozenset(found)


def _is_known(outline: Outline | None, uid: int, shapes: Shapes) -> bool:
    return uid not in shapes or any(
        outline is not None
        and outline.size == size
        and (internaldate is None or outline.internaldate == internaldate)
        for size, internaldate in shapes.get(uid, ())
    )
