"""Open a folder read-only (RFC 3501, section 6.3.2) and learn what went since (RFC 7162)."""

import re
from gettext import gettext as _

from archiver.mailbox.server.link import Link
from archiver.mailbox.server.responses import MOST, Item
from archiver.mailbox.server.session import FolderState, RefusedError
from archiver.model.cursors import Status

_EARLIER = re.compile(rb"\(EARLIER\) ([0-9:,]+)\Z", re.IGNORECASE)
_RUN = re.compile(rb"([0-9]{1,10})(?::([0-9]{1,10}))?")
_MAX_VANISHED = 1_000_000
"""More than that is not held in memory: the folder is enumerated instead."""


class Examiner:
    """Opens folders; remembers that a server refuses QRESYNC although it offers it."""

    def __init__(self, link: Link) -> None:
        """Enable QRESYNC where the server offers it, before any folder is open (RFC 5161)."""
        self._link = link
        self._qresync = link.has("QRESYNC", "ENABLE") and _enable(link)

    def examine(self, quoted: bytes, since: Status | None) -> FolderState:
        """Open the folder; raise RefusedError when the server will not."""
        asked = since if self._qresync and since and since.modseq else None
        if asked is not None:
            known = f"(QRESYNC ({asked.uidvalidity} {asked.modseq}))"
            try:
                self._open(quoted, known)
            except RefusedError:
                self._open(quoted)  # raises when it is the folder that is refused
                self._qresync, asked = False, None
        else:
            self._open(quoted)
        return self._state(asked)

    def _open(self, quoted: bytes, *parameters: str) -> None:
        imap = self._link.imap
        self._link.clear()
        imap.is_readonly, imap.state = True, "AUTH"  # no folder is open when it is refused
        self._link.ask("EXAMINE", quoted, *parameters)
        imap.state = "SELECTED"

    def _state(self, asked: Status | None) -> FolderState:
        link = self._link
        validity = link.number("UIDVALIDITY")
        if not validity:
            raise RefusedError(_("the server gives the folder no UIDVALIDITY"))
        if validity > MOST:
            raise RefusedError(_("the server gives the folder a UIDVALIDITY that is none"))
        exists = link.number("EXISTS")
        if exists is None:  # 0 would be a guess, and mail would be missed for it
            raise RefusedError(_("the server does not say how many messages the folder has"))
        if exists > MOST:
            raise RefusedError(_("the server says that the folder has more messages than can be"))
        following = link.number("UIDNEXT")
        modseq = None if link.take("NOMODSEQ") else link.number("HIGHESTMODSEQ")
        vanished = None
        same = asked is not None and validity == asked.uidvalidity
        if asked and same and (modseq or 0) >= (asked.modseq or 1):  # else it counts anew
            vanished = _vanished(link.take("VANISHED"), asked.uidnext)
        return FolderState(
            uidvalidity=validity,
            uidnext=following if following and following <= MOST + 1 else None,
            exists=exists,
            modseq=modseq or None,
            mailbox_id=_identity(link.take("MAILBOXID")),
            vanished=vanished,
        )


def _enable(link: Link) -> bool:
    try:
        link.ask("ENABLE", "QRESYNC")
    except RefusedError:
        return False
    enabled = b" ".join(item for item in link.take("ENABLED") if isinstance(item, bytes))
    return b"QRESYNC" in enabled.upper().split()


def _vanished(items: list[Item], following: int) -> frozenset[int] | None:
    """Read VANISHED (EARLIER), of which only UIDs before FOLLOWING say anything; None: too much."""
    gone: set[int] = set()
    for item in items:
        found = _EARLIER.match(item) if isinstance(item, bytes) else None
        if found is None:
            continue  # without EARLIER it is about the folder that was open before
        for run in _RUN.finditer(found[1]):
            low, high = sorted((int(run[1]), int(run[2] or run[1])))
            high = min(high, following - 1)
            if high - low + len(gone) > _MAX_VANISHED:
                return None
            gone.update(range(max(low, 1), high + 1))
    return frozenset(gone)


def _identity(items: list[Item]) -> str:
    last = items[-1] if items else None
    return last.strip(b"() ").decode("ascii", "replace") if isinstance(last, bytes) else ""
