"""One large message on its way, piece by piece: no more of it than a piece is held in memory."""

import io
from collections.abc import Callable
from gettext import gettext as _

from archiver.mailbox.line import StoppedError
from archiver.mailbox.server.session import RefusedError, Session
from archiver.model.incoming import Large, MakeSpool, Spool


class InMemory:
    """A spool for whoever has no better place."""

    def __init__(self) -> None:
        self._whole = io.BytesIO()

    @property
    def size(self) -> int:
        """Bytes that it holds."""
        return self._whole.tell()

    def write(self, piece: bytes) -> None:
        """Add PIECE."""
        self._whole.write(piece)

    def done(self) -> bytes:
        """Return the whole, without a second copy."""
        return self._whole.getvalue()

    def forget(self) -> None:
        """Throw away what there is."""
        self._whole = io.BytesIO()


class Parts:
    """What came of one message so far; it stays when the connection breaks."""

    def __init__(
        self, uid: int, size: int | None, make_spool: MakeSpool, stopping: Callable[[], bool]
    ) -> None:
        """Fetch UID, of SIZE if that is known, into a spool once there is a second piece."""
        self.came = 0
        """Bytes so far."""
        self._uid = uid
        self._size = size
        self._make_spool = make_spool
        self._stopping = stopping
        self._first: bytes | None = None
        self._spool: Spool | None = None

    def fetch(self, session: Session) -> None:
        """Fetch over SESSION what is missing; raises StoppedError between two pieces."""
        if self.came:
            self._compare(session)
        for piece in session.fetch_in_parts(self._uid, self._size, self.came):
            if self.came and self._stopping():
                raise StoppedError
            self._take(piece)
            del piece  # before the next one comes

    def whole(self) -> bytes | Large | None:
        """Return the message; None when the server did not hand it out."""
        return self._first if self._spool is None else self._spool.done()

    def forget(self) -> None:
        """Throw away what came."""
        if self._spool is not None:
            self._spool.forget()

    def _take(self, piece: bytes) -> None:
        if self._first is None:
            self._first = piece
        else:
            if self._spool is None:
                self._spool = self._make_spool()
                self._spool.write(self._first)
            self._spool.write(piece)
        self.came += len(piece)

    def _compare(self, session: Session) -> None:
        """Refuse to go on with a message whose first piece is another one now.

        A server that writes messages anew each time (Exchange does, from its own format) gives
        other boundaries: two halves of such would never have been one message.
        """
        first = self._first or b""
        again = next(iter(session.fetch_in_parts(self._uid, self._size, 0)), b"")
        length = min(len(first), len(again))
        if not length or first[:length] != again[:length]:
            raise RefusedError(_("the message changed while it was fetched"))
