"""The connection of one account, kept from one sync to the next."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from gettext import gettext as _

from archiver.daemon.rest import Rest
from archiver.errors import TemporaryNetworkError
from archiver.mailbox.folders import choose
from archiver.mailbox.server.session import Folder, FolderState, Outline, Session
from archiver.model.cursors import Status

Dial = Callable[[], Session]
_Mark = tuple[int, int | None, int]
"""UIDVALIDITY, UIDNEXT, EXISTS: what changes when a message comes or goes."""


class StoppedError(TemporaryNetworkError):
    """The daemon ends, or the account is no longer its: nothing is connected any more."""


def stopped() -> StoppedError:
    """Say that nothing is connected any more."""
    return StoppedError(
        _("The daemon is stopping."), advice=_("Nothing is lost: it goes on when it is started.")
    )


class Line:
    """What is kept of an account's connection; used by one thread, but for ``abort``."""

    def __init__(self, rest: Rest) -> None:
        """Show REST that the server answers, and connect no more once it is stopped."""
        self.live: Session | None = None
        self.rest = rest
        self.folders: tuple[Folder, ...] = ()
        self._lent = False
        self._seen: dict[str, _Mark] = {}

    def connector(self, dial: Dial) -> Dial:
        """Return what hands out the live session, or one made by DIAL; for one sync.

        Who asks a second time was let down by the first: that one is dropped.
        """
        self._lent = False

        def connect() -> Session:
            if self.rest.stopped():
                raise stopped()
            if self.live is None or self._lent:
                self.drop()
                session = dial()
                self.live = session
                self.rest.working()
                if self.rest.stopped():  # abort() came while there was nothing yet to abort
                    self.drop()
                    raise stopped()
            self._lent = True
            return _Lent(self.live, self)

        return connect

    def drop(self) -> None:
        """Log out, as far as that is possible, and forget the connection."""
        session, self.live = self.live, None
        self._seen.clear()
        if session is not None:
            session.close()

    def abort(self) -> None:
        """Break the connection, from any thread, so that whoever waits for it goes on."""
        session = self.live
        if session is not None:
            session.abort()

    def saw(self, folder: str, mark: _Mark) -> None:
        """Remember what a sync saw of FOLDER."""
        self._seen[folder] = mark

    def is_news(self, folder: str, state: FolderState) -> bool:
        """Tell whether FOLDER is no longer as the sync saw it."""
        seen = self._seen.get(folder)
        self._seen[folder] = mark = _mark(state)
        return seen is not None and not _alike(seen, mark)

    def watched(self, named: Sequence[str]) -> str | None:
        """Choose the folder to be notified of: where new mail comes in, of those that are fetched.

        With Gmail that is the one that holds all mail, which tells of sent mail too.
        """
        fetched = choose(self.folders, named).fetch
        first: tuple[str, ...] = ("inbox",)
        if self.live is not None and self.live.is_gmail:
            first = ("all", "inbox")
        for role in first:
            for folder in fetched:
                if folder.role == role:
                    return folder.name
        return fetched[0].name if fetched else None


class _Lent:
    """A session as a sync is given it: closing it leaves the connection, and what it saw stays."""

    def __init__(self, session: Session, line: Line) -> None:
        self._session = session
        self._line = line

    @property
    def host(self) -> str:
        return self._session.host

    @property
    def certificate(self) -> str | None:
        return self._session.certificate

    @property
    def is_gmail(self) -> bool:
        return self._session.is_gmail

    def folders(self) -> tuple[Folder, ...]:
        found = self._session.folders()
        self._line.rest.working()
        self._line.folders = found
        for folder in found:
            if folder.status is not None:
                self._line.saw(folder.name, _mark(folder.status))
        return found

    def examine(self, folder: str, since: Status | None = None) -> FolderState:
        state = self._session.examine(folder, since)
        self._line.rest.working()
        self._line.saw(folder, _mark(state))
        return state

    def uids(self, first: int = 1) -> tuple[int, ...]:
        found = self._session.uids(first)
        self._line.rest.working()
        return found

    def headers(self, uids: Sequence[int], fields: Sequence[str]) -> Mapping[int, bytes]:
        found = self._session.headers(uids, fields)
        self._line.rest.working()
        return found

    def idle(self, seconds: float, stop: Callable[[], bool]) -> bool:
        return self._session.idle(seconds, stop)

    def outlines(self, uids: Sequence[int]) -> Mapping[int, Outline]:
        found = self._session.outlines(uids)
        self._line.rest.working()
        return found

    def fetch(self, uids: Sequence[int]) -> Iterator[tuple[int, bytes | None]]:
        for each in self._session.fetch(uids):
            self._line.rest.working()
            yield each

    def fetch_in_parts(self, uid: int, size: int | None, start: int = 0) -> Iterator[bytes]:
        for each in self._session.fetch_in_parts(uid, size, start):
            self._line.rest.working()
            yield each

    def close(self) -> None:
        """Leave the connection for the next sync."""

    def abort(self) -> None:
        self._session.abort()


def _mark(state: FolderState | Status) -> _Mark:
    return state.uidvalidity, state.uidnext, state.exists


def _alike(one: _Mark, other: _Mark) -> bool:
    """Compare; a UIDNEXT that a server does not tell is no difference."""
    nexts = {each[1] for each in (one, other) if each[1] is not None}
    return (one[0], one[2]) == (other[0], other[2]) and len(nexts) < 2  # noqa: PLR2004  equal ones
