"""The connection in use: made anew when it breaks, given a rest when the server asks for one."""

import random
import threading
import time
from collections.abc import Callable
from gettext import gettext as _
from typing import TypeVar

from archiver.errors import TemporaryNetworkError
from archiver.mailbox.server.session import RefusedError, Session, ThrottledError

Answer = TypeVar("Answer")

FOREGROUND = 300.0
"""Seconds that a command waits, in all, for servers that ask to slow down."""

_FIRST_REST = 5.0
_LONGEST_REST = 60.0
_LEAST_REST = 1.0
"""Seconds of the first rest, at least, whatever the server says; it doubles as the others do."""
_SLICE = 0.25
"""Seconds after which a rest looks whether it is to end."""


class StoppedError(Exception):
    """The caller wants no more; it never leaves this room."""


class FolderChangedError(TemporaryNetworkError):
    """The folder that was being read is another one now: its UIDs mean nothing any more."""


def never() -> bool:
    """Never want to stop."""
    return False


class Patience:
    """How a server that throttles is waited out: as long as it says, else longer and longer."""

    def __init__(
        self,
        *,
        limit: float = FOREGROUND,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
        tell: Callable[[float, str], None] = lambda _seconds, _what: None,
    ) -> None:
        """Wait LIMIT seconds in all; TELL is told how long a rest takes, and what was said.

        JITTER gives numbers from 0 to 1, so that several programs do not come back at once.
        """
        self._left = limit
        self._sleep = sleep
        self._jitter = jitter
        self._tell = tell
        self._tries = 0

    def rest(self, error: ThrottledError, stop: Callable[[], bool]) -> None:
        """Wait as ERROR asks; raise it when that is too long, StoppedError when STOP says so."""
        if stop():
            raise StoppedError
        if error.wait is None:
            seconds = self._growing(_FIRST_REST) * (0.5 + self._jitter() / 2)
        else:
            # A server that says "in 0 seconds" again and again would be asked without a pause.
            seconds = max(error.wait, self._growing(_LEAST_REST))
        if seconds > self._left:
            raise error
        self._tries += 1
        self._left -= seconds
        self._tell(seconds, error.what)
        while seconds > 0:
            if stop():
                raise StoppedError
            self._sleep(min(_SLICE, seconds))
            seconds -= _SLICE

    def _growing(self, first: float) -> float:
        # Bounded before it is raised: a server may be waited for more than a thousand times.
        return min(first * 2.0 ** min(self._tries, 10), _LONGEST_REST)

    def calm(self) -> None:
        """Note that the server answers again."""
        self._tries = 0

    def dial(self, connect: Callable[[], Session], stop: Callable[[], bool]) -> Session:
        """Connect, waiting for a server that asks to be left alone for a while."""
        while True:
            try:
                return connect()
            except ThrottledError as error:
                self.rest(error, stop)


class Line:
    """The connection in use, and how to make it anew."""

    def __init__(
        self,
        session: Session,
        reconnect: Callable[[], Session] | None,
        *,
        patience: Patience | None = None,
        stop: Callable[[], bool] = never,
    ) -> None:
        """Start with SESSION, which stays its maker's to close."""
        self.session = session
        self.opened: tuple[str, int] | None = None
        """The folder that is open, and its UIDVALIDITY."""
        self.stopped = False
        """Whether the work ended early because STOP said so."""
        self._given = session
        self._reconnect = reconnect
        self._patience = patience or Patience(limit=0)
        self._stop = stop
        self._aborted = False
        self._lock = threading.Lock()
        """Held while the session changes, so that none that is made after ``abort`` stays."""

    def stopping(self) -> bool:
        """Tell whether no more is wanted; remembered, since the work is not whole then."""
        if self._aborted or self._stop():
            self.stopped = True
        return self.stopped

    def ask(self, work: Callable[[Session], Answer], *, rests: int | None = None) -> Answer:
        """Return WORK's answer, after a rest where the server wants one.

        With RESTS, ThrottledError is raised once so many were of no use; else when patience ends.
        Raises StoppedError instead of what a connection says that was broken on purpose.
        """
        taken = 0
        while True:
            try:
                answer = work(self.session)
            except ThrottledError as error:
                if taken == rests:
                    raise
                taken += 1
                self.rest(error)
            except TemporaryNetworkError:
                if self.stopping():
                    raise StoppedError from None
                raise
            else:
                self._patience.calm()
                return answer

    def rest(self, error: ThrottledError) -> None:
        """Rest as ERROR asks, then connect anew: a server that asks for it may have hung up.

        Raises ERROR when patience is at its end, StoppedError when no more is wanted.
        """
        try:
            self._patience.rest(error, self.stopping)
            if self._reconnect is not None:
                self.redial(error)
        except TemporaryNetworkError:
            if self.stopping():
                raise StoppedError from None
            raise

    def steady(self, work: Callable[[Session], Answer]) -> Answer:
        """Return WORK's answer, on a new connection when the old one breaks."""
        try:
            return self.ask(work)
        except ThrottledError:
            raise  # patience is at its end: to come back at once would make it worse
        except TemporaryNetworkError as error:
            self.redial(error)
            return self.ask(work)

    def redial(self, error: TemporaryNetworkError) -> None:
        """Connect anew after ERROR and open the same folder; raise ERROR if that is not allowed.

        Raises FolderChangedError when the folder is another one by now.
        """
        reconnect = self._reconnect
        if reconnect is None:
            raise error
        self.hang_up()
        self._take(self._patience.dial(reconnect, self.stopping))
        if self.opened is None:
            return
        folder, uidvalidity = self.opened
        try:
            state = self.session.examine(folder)
        except RefusedError as refusal:
            raise _changed(folder, refusal.reason) from None
        if state.uidvalidity != uidvalidity:
            raise _changed(folder, _("its UIDVALIDITY changed"))

    def hang_up(self) -> None:
        """Close the connection in use, unless it was handed in."""
        if self.session is not self._given:
            self.session.close()

    def abort(self) -> None:
        """Break the connection in use, from another thread."""
        with self._lock:
            self._aborted = True
            self._reconnect = None
            session = self.session
        session.abort()

    def _take(self, session: Session) -> None:
        """Use SESSION from now on; one that comes after ``abort`` is nobody's, and closed."""
        with self._lock:
            if not self._aborted:
                self.session = session
                return
        session.close()
        raise StoppedError


def _changed(folder: str, reason: str) -> FolderChangedError:
    return FolderChangedError(
        _("The folder {folder} changed while it was read: {reason}.").format(
            folder=folder, reason=reason
        ),
        advice=_("Nothing that was kept is lost: run the command again."),
    )
