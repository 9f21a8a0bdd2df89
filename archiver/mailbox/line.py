"""The connection in use: made anew when it breaks, given a rest when the server asks for one."""

import random
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
        seconds = error.wait
        if seconds is None:
            seconds = min(_FIRST_REST * 2**self._tries, _LONGEST_REST) * (0.5 + self._jitter() / 2)
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

    def stopping(self) -> bool:
        """Tell whether no more is wanted; remembered, since the work is not whole then."""
        if self._aborted or self._stop():
            self.stopped = True
        return self.stopped

    def ask(self, work: Callable[[Session], Answer]) -> Answer:
        """Return WORK's answer, after a rest where the server wants one.

        Raises StoppedError instead of what a connection says that was broken on purpose.
        """
        try:
            while True:
                try:
                    answer = work(self.session)
                except ThrottledError as error:
                    self._patience.rest(error, self.stopping)
                    self._renew(error)
                else:
                    self._patience.calm()
                    return answer
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
        if self._reconnect is None:
            raise error
        self.hang_up()
        self.session = self._patience.dial(self._reconnect, self.stopping)
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
        self._aborted = True
        self._reconnect = None
        self.session.abort()

    def _renew(self, error: ThrottledError) -> None:
        """After a rest: a server that asked for one may have hung up as well."""
        if self._reconnect is not None:
            self.redial(error)


def _changed(folder: str, reason: str) -> FolderChangedError:
    return FolderChangedError(
        _("The folder {folder} changed while it was read: {reason}.").format(
            folder=folder, reason=reason
        ),
        advice=_("Nothing that was kept is lost: run the command again."),
    )
