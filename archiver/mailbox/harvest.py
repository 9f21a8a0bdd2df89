"""Fetch a work list in bounded batches; one bad message never stops the rest.

Everything here speaks to the network only, so that it may run in a thread of its own.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from gettext import gettext as _
from typing import TypeVar

from archiver.accounts import Account
from archiver.errors import TemporaryNetworkError
from archiver.mailbox.server.responses import chunks
from archiver.mailbox.server.session import MAX_MESSAGE, Outline, RefusedError, Session
from archiver.model.incoming import Incoming
from archiver.model.sources import ImapSource

Answer = TypeVar("Answer")

OUTLINES = 500
"""Messages asked about at a time: a command line of at most 5,500 characters (RFC 7162 asks
servers to take 8,192)."""

_MAX_BREAKS = 12
"""Connections that may break one after the other without an answer in between: enough to narrow
500 messages down to the one that breaks them."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A batch of messages, complete and unread."""

    incoming: tuple[Incoming, ...]

    @property
    def uids(self) -> tuple[int, ...]:
        """The UIDs of the batch, in its order."""
        sources = (item.source for item in self.incoming)
        return tuple(source.uid for source in sources if isinstance(source, ImapSource))


@dataclass(frozen=True, slots=True)
class NotFetched:
    """A message that could not be had this time; it will be tried again."""

    folder: str
    uidvalidity: int
    uid: int
    reason: str


@dataclass(frozen=True, slots=True)
class Ration:
    """How much is held in memory at a time."""

    messages: int
    size: int
    """Bytes, by RFC822.SIZE."""


class Line:
    """The connection in use, and how to make it anew."""

    def __init__(
        self, session: Session, account: Account, reconnect: Callable[[], Session] | None
    ) -> None:
        """Start with SESSION, which stays its maker's to close."""
        self.session = session
        self.account = account
        self.opened: tuple[str, int] | None = None
        """The folder that is open, and its UIDVALIDITY."""
        self._given = session
        self._reconnect = reconnect

    def steady(self, work: Callable[[Session], Answer]) -> Answer:
        """Return WORK's answer, on a new connection when the old one breaks."""
        try:
            return work(self.session)
        except TemporaryNetworkError as error:
            self.redial(error)
            return work(self.session)

    def redial(self, error: TemporaryNetworkError) -> None:
        """Connect anew after ERROR and open the same folder; raise ERROR if that is not allowed."""
        if self._reconnect is None:
            raise error
        self.hang_up()
        self.session = self._reconnect()
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
        self._reconnect = None
        self.session.abort()


def harvest(
    line: Line, folder: str, uidvalidity: int, uids: Sequence[int], ration: Ration
) -> Generator[Fetched | NotFetched, None, None]:
    """Yield the messages UIDS of the open folder, ascending, in batches within RATION."""
    field = _Field(line, folder, uidvalidity)
    for asked in chunks(uids, OUTLINES):
        outlines = field.outlines(asked)
        gone = tuple(uid for uid in asked if uid not in outlines)
        if gone:
            outlines.update(field.outlines(gone))
        yield from (field.lost(uid) for uid in gone if uid not in outlines)
        for batch in _batches(outlines, ration):
            yield from field.reap(batch, outlines, ration.size)


def _batches(outlines: Mapping[int, Outline], ration: Ration) -> Iterator[tuple[int, ...]]:
    """Cut the UIDs so that no batch holds more than RATION; a large or unsized one is alone."""
    batch: list[int] = []
    total = 0
    for uid in sorted(outlines):
        size = outlines[uid].size
        size = ration.size if size is None else size
        if batch and (len(batch) == ration.messages or total + size > ration.size):
            yield tuple(batch)
            batch, total = [], 0
        batch.append(uid)
        total += size
    if batch:
        yield tuple(batch)


class _Field:
    """The open folder, asked in such a way that a single message spoils nothing else."""

    def __init__(self, line: Line, folder: str, uidvalidity: int) -> None:
        self._line = line
        self._folder = folder
        self._uidvalidity = uidvalidity
        self._breaks = 0

    def outlines(self, uids: Sequence[int]) -> dict[int, Outline]:
        """Ask about UIDS; where that is refused, about halves of them, down to the culprit."""
        try:
            return dict(self._ask(lambda session: session.outlines(uids)))
        except RefusedError:
            if len(uids) == 1:
                return {uids[0]: Outline(size=None, internaldate=None, flags=())}
            half = len(uids) // 2
            return self.outlines(uids[:half]) | self.outlines(uids[half:])

    def reap(
        self, batch: tuple[int, ...], outlines: Mapping[int, Outline], large: int
    ) -> Iterator[Fetched | NotFetched]:
        """Fetch BATCH in one command; what does not come, once more by itself."""
        got: dict[int, bytes] = {}
        reasons: dict[int, str] = {}
        try:
            if len(batch) > 1:
                with suppress(RefusedError):  # each is asked for by itself below
                    self._ask(lambda session: _collect(session, batch, got))
            for uid in batch:
                if not got.get(uid) and (uid not in got or outlines[uid].size != 0):
                    self._alone(uid, outlines[uid].size, large, got, reasons)
        except TemporaryNetworkError:
            yield from self._fetched(got, outlines)
            raise
        yield from self._fetched(got, outlines)
        for uid, reason in reasons.items():
            yield self.lost(uid, reason)

    def lost(self, uid: int, reason: str = "") -> NotFetched:
        """Say that the message UID was not fetched."""
        reason = reason or _("the server lists the message but no longer has it")
        return NotFetched(self._folder, self._uidvalidity, uid, reason)

    def _alone(
        self,
        uid: int,
        size: int | None,
        large: int,
        got: dict[int, bytes],
        reasons: dict[int, str],
    ) -> None:
        if size is not None and size > MAX_MESSAGE:
            reasons[uid] = _("the message is larger than the archiver can hold")
            return
        try:
            if size is None or size > large:
                data = self._ask(lambda session: session.fetch_in_parts(uid, size))
                if data is not None:
                    got[uid] = data
            else:
                self._ask(lambda session: _collect(session, (uid,), got))
        except RefusedError as error:
            reasons[uid] = error.reason
            return
        if uid not in got:
            reasons[uid] = _("the server sent no content for the message")
        elif not got[uid] and size != 0:
            del got[uid]
            reasons[uid] = _("the server sent the message empty")

    def _fetched(
        self, got: Mapping[int, bytes], outlines: Mapping[int, Outline]
    ) -> Iterator[Fetched]:
        if got:
            yield Fetched(
                tuple(self._incoming(uid, got[uid], outlines[uid]) for uid in sorted(got))
            )

    def _incoming(self, uid: int, data: bytes, outline: Outline) -> Incoming:
        session = self._line.session
        source = ImapSource(
            account=self._line.account.name,
            host=session.host,
            certificate=session.certificate,
            folder=self._folder,
            uidvalidity=self._uidvalidity,
            uid=uid,
        )
        return Incoming(
            data=data, source=source, internaldate=outline.internaldate, flags=outline.flags
        )

    def _ask(self, work: Callable[[Session], Answer]) -> Answer:
        """Return WORK's answer; a connection that breaks over it counts as a refusal."""
        try:
            answer = work(self._line.session)
        except TemporaryNetworkError as error:
            self._breaks += 1
            if self._breaks > _MAX_BREAKS:
                raise
            self._line.redial(error)
            reason = _("the connection broke when the message was asked for ({what})")
            raise RefusedError(reason.format(what=error.what)) from None
        self._breaks = 0
        return answer


def _collect(session: Session, uids: Sequence[int], got: dict[int, bytes]) -> None:
    for uid, data in session.fetch(uids):
        if data is not None:
            got[uid] = data  # noqa: PERF403 - what came before an error must be in GOT


def _changed(folder: str, reason: str) -> TemporaryNetworkError:
    return TemporaryNetworkError(
        _("The folder {folder} changed while it was read: {reason}.").format(
            folder=folder, reason=reason
        ),
        advice=_("Nothing that was kept is lost: run the command again."),
    )
