"""The open folder, asked in such a way that a single message spoils nothing else."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from gettext import gettext as _
from typing import TypeVar

from archiver.errors import TemporaryNetworkError
from archiver.mailbox.alike import MESSAGE_ID, Lookalikes, message_id_of
from archiver.mailbox.crops import Errand, Fetched, NotFetched
from archiver.mailbox.line import FolderChangedError, Line, StoppedError
from archiver.mailbox.parts import Parts
from archiver.mailbox.server.session import (
    MAX_MESSAGE,
    Outline,
    RefusedError,
    Session,
    ThrottledError,
)
from archiver.mailbox.wanted import Heading, Wanted
from archiver.model.entries import Sighting
from archiver.model.incoming import Incoming, Large
from archiver.model.sources import ImapSource

Answer = TypeVar("Answer")
Rules = dict[str, tuple[int, ...]]

_MAX_BREAKS = 12
"""Connections that may break one after the other without an answer in between: enough to narrow
500 messages down to the one that breaks them."""

_CREDIT = 3
"""Messages that may be refused one after the other, once one was answered, without a rest: the
server hands out others, so that it is they that are at fault."""

_REFUSALS = 24
"""Commands that may be refused while the messages at fault are looked for: enough for two of 200,
and no siege where it is the server after all."""

_TRIES = 3
"""How often a message is asked for while the server says to slow down."""

_RESTS = 5
"""Rests after which a large message of which no more comes is given up."""


class Field:
    """The open folder, and what is asked of it for one errand."""

    def __init__(self, line: Line, errand: Errand) -> None:
        """Ask over LINE, on which the folder of ERRAND is open."""
        self._line = line
        self._errand = errand
        self._breaks = 0

    def outlines(self, uids: Sequence[int]) -> dict[int, Outline]:
        """Ask about UIDS, a second time about those left out; what is gone is not in the answer."""
        found = self._outlines(uids)
        gone = [uid for uid in uids if uid not in found]
        if gone:
            found |= self._outlines(gone)
        return found

    def choose(
        self, outlines: Mapping[int, Outline], wanted: Wanted
    ) -> Generator[NotFetched, None, tuple[dict[int, Outline], Rules, Rules]]:
        """Return the outlines of what WANTED keeps, and by rule the UIDs left and nearly kept.

        A message whose header cannot be had is decided another time.
        """
        uids = sorted(outlines)
        headers = dict.fromkeys(uids, b"")
        if wanted.fields:
            headers = self._headers(uids, wanted.fields)
        yield from (self.lost(uid, _no_header()) for uid in uids if uid not in headers)
        headings = [
            Heading(self._errand.folder, uid, outlines[uid], headers[uid])
            for uid in uids
            if uid in headers
        ]
        keep: dict[int, Outline] = {}
        unkept: dict[str, list[int]] = {}
        near: dict[str, list[int]] = {}
        verdicts = wanted.decide(headings) if headings else ()
        for heading, verdict in zip(headings, verdicts, strict=True):
            if verdict.verdict == "keep":
                keep[heading.uid] = heading.outline
                continue
            unkept.setdefault(verdict.rule, []).append(heading.uid)
            if verdict.verdict == "near":
                near.setdefault(verdict.rule, []).append(heading.uid)
        return keep, _fixed(unkept), _fixed(near)

    def recognise(self, outlines: Mapping[int, Outline], alike: Lookalikes) -> dict[int, Sighting]:
        """Return a sighting for each message that looks like a known record."""
        shapes = {
            uid: (outline.size, outline.internaldate)
            for uid, outline in sorted(outlines.items())
            if outline.size is not None
            and outline.internaldate is not None
            and alike.may_be(outline.size, outline.internaldate)
        }
        headers = self._headers(list(shapes), (MESSAGE_ID,)) if shapes else {}
        found: dict[int, Sighting] = {}
        for uid, (size, internaldate) in shapes.items():
            message_id = message_id_of(headers.get(uid, b""))
            record = alike.find(size, internaldate, message_id) if message_id else None
            if record is not None:
                found[uid] = Sighting(
                    record=record,
                    source=self._source(uid, outlines[uid]),
                    internaldate=internaldate,
                    flags=outlines[uid].flags,
                    match="attributes",
                )
        return found

    def reap(
        self, batch: tuple[int, ...], outlines: Mapping[int, Outline], large: int
    ) -> Iterator[Fetched | NotFetched]:
        """Fetch BATCH in one command; what does not come, once more by itself."""
        got: dict[int, bytes | Large] = {}
        reasons: dict[int, str] = {}

        def missing(uid: int) -> bool:
            return not got.get(uid) and (uid not in got or outlines[uid].size != 0)

        def alone(uid: int) -> None:
            self._alone(uid, outlines[uid].size, large, got, reasons)

        try:
            doubt = len(batch) > 1 and self._together(batch, got)
            left = [uid for uid in batch if missing(uid)]
            if doubt:
                left = self._first_answer(left, alone)
                self._narrow(left, got)
            tries = 2 if doubt else _TRIES
            self._singly([uid for uid in left if missing(uid)], alone, reasons, tries)
        except (TemporaryNetworkError, StoppedError):
            yield from self._fetched(got, outlines)
            raise
        yield from self._fetched(got, outlines)
        for uid, reason in reasons.items():
            yield self.lost(uid, reason)

    def lost(self, uid: int, reason: str = "", *, gone: bool = False) -> NotFetched:
        """Say that the message UID was not fetched."""
        reason = reason or _("the server lists the message but no longer has it")
        return NotFetched(self._errand.folder, self._errand.uidvalidity, uid, reason, gone)

    def _outlines(self, uids: Sequence[int]) -> dict[int, Outline]:
        """Ask about UIDS; where that is refused, about halves of them, down to the culprit."""
        try:
            return dict(self._ask(lambda session: session.outlines(uids)))
        except RefusedError:
            if len(uids) == 1:
                return {uids[0]: Outline(size=None, internaldate=None, flags=())}
            half = len(uids) // 2
            return self._outlines(uids[:half]) | self._outlines(uids[half:])

    def _headers(self, uids: Sequence[int], fields: Sequence[str]) -> dict[int, bytes]:
        """Ask for header FIELDS of UIDS, as ``_outlines`` does; what is refused is left out."""
        try:
            return dict(self._ask(lambda session: session.headers(uids, fields)))
        except RefusedError:
            if len(uids) == 1:
                return {}
            half = len(uids) // 2
            return self._headers(uids[:half], fields) | self._headers(uids[half:], fields)

    def _together(self, batch: Sequence[int], got: dict[int, bytes | Large]) -> bool:
        """Ask for BATCH in one command; True after a rest that the server wanted instead."""
        try:
            with suppress(RefusedError):  # each is asked for by itself afterwards
                self._ask(lambda session: _collect(session, batch, got), rests=0)
        except ThrottledError as error:
            self._rest(error)
            return True
        return False

    def _first_answer(self, uids: Sequence[int], alone: Callable[[int], None]) -> list[int]:
        """Ask ALONE for one after the other until the server answers; return those left.

        Some servers say of a single message that they cannot do it now, for ever (Yahoo's
        [UNAVAILABLE]). From both ends, since such messages stand together.
        """
        order = [uid for pair in zip(reversed(uids), uids, strict=True) for uid in pair]
        for uid in dict.fromkeys(order):
            try:
                alone(uid)
            except ThrottledError as error:
                self._rest(error)
            else:
                return [each for each in uids if each != uid]
        return list(uids)

    def _narrow(self, uids: Sequence[int], got: dict[int, bytes | Large]) -> None:
        """Ask for halves of UIDS, down to those that are at fault; not without an end."""
        todo = [uids] if uids else []
        refused = 0
        while todo and refused < _REFUSALS:
            some = todo.pop()
            try:
                with suppress(RefusedError):  # each is asked for by itself afterwards
                    self._ask(partial(_collect, uids=some, got=got), rests=0)
            except ThrottledError:
                refused += 1
                half = len(some) // 2
                todo += [each for each in (some[half:], some[:half]) if half and each]

    def _singly(
        self,
        uids: Sequence[int],
        alone: Callable[[int], None],
        reasons: dict[int, str],
        tries: int,
    ) -> None:
        """Ask ALONE for each of UIDS, TRIES times for those for which it was to slow down.

        What is refused then as well is given its reason and passed over. Where it was the server
        and not the message, whatever is asked next says so, and patience comes to its end.
        """
        credit = 0
        for left in reversed(range(tries)):
            last = not left
            credit = _CREDIT if last else credit  # there were rests before
            refused: list[int] = []
            for uid in uids:
                try:
                    alone(uid)
                except ThrottledError as error:
                    refused.append(uid)
                    if last:
                        reasons[uid] = error.what.rstrip(".")
                    if credit:
                        credit -= 1
                    elif not (last and uid == uids[-1]):
                        self._rest(error)
                else:
                    credit = _CREDIT
            uids = refused

    def _alone(
        self,
        uid: int,
        size: int | None,
        large: int,
        got: dict[int, bytes | Large],
        reasons: dict[int, str],
    ) -> None:
        if size is not None and size > MAX_MESSAGE:
            reasons[uid] = _("the message is larger than the archiver can hold")
            return
        try:
            if size is None or size > large:
                data = self._in_parts(uid, size)
                if data is not None:
                    got[uid] = data
            else:
                self._ask(lambda session: _collect(session, (uid,), got), rests=0)
        except RefusedError as error:
            reasons[uid] = error.reason
            return
        if uid not in got:
            reasons[uid] = _("the server sent no content for the message")
        elif not got[uid] and size != 0:
            del got[uid]
            reasons[uid] = _("the server sent the message empty")

    def _in_parts(self, uid: int, size: int | None) -> bytes | Large | None:
        """Fetch one message piece by piece; on a new connection, go on where the old one broke."""
        parts = Parts(uid, size, self._errand.spool, self._line.stopping)
        rests = 0
        try:
            while True:
                came = parts.came
                try:
                    self._ask(parts.fetch, rests=0)
                    return parts.whole()
                except _BrokenError:
                    if parts.came == came:
                        raise
                    self._breaks = 0  # it got on
                except ThrottledError as error:
                    rests = 1 if parts.came > came else rests + 1
                    if not parts.came or rests > _RESTS:
                        raise
                    self._rest(error)
        except BaseException:
            parts.forget()
            raise

    def _fetched(
        self, got: dict[int, bytes | Large], outlines: Mapping[int, Outline]
    ) -> Iterator[Fetched]:
        if not got:
            return
        fetched = Fetched(
            tuple(self._incoming(uid, got[uid], outlines[uid]) for uid in sorted(got))
        )
        got.clear()  # the caller alone holds the messages while they are kept
        self._errand.allowance.take(fetched.size)
        yield fetched

    def _incoming(self, uid: int, data: bytes | Large, outline: Outline) -> Incoming:
        return Incoming(
            data=data,
            source=self._source(uid, outline),
            internaldate=outline.internaldate,
            flags=outline.flags,
        )

    def _source(self, uid: int, outline: Outline) -> ImapSource:
        session = self._line.session
        return ImapSource(
            account=self._errand.account,
            host=session.host,
            certificate=session.certificate,
            folder=self._errand.folder,
            uidvalidity=self._errand.uidvalidity,
            uid=uid,
            labels=outline.labels,
            gmail_id=outline.gmail_id,
        )

    def _ask(self, work: Callable[[Session], Answer], *, rests: int | None = None) -> Answer:
        """Return WORK's answer; a connection that breaks over it counts as a refusal."""
        answer = self._mended(lambda: self._line.ask(work, rests=rests))
        self._breaks = 0
        return answer

    def _rest(self, error: ThrottledError) -> None:
        """Rest as ERROR asks; a connection that breaks then is made anew."""
        with suppress(_BrokenError):
            self._mended(lambda: self._line.rest(error))

    def _mended(self, work: Callable[[], Answer]) -> Answer:
        try:
            return work()
        except (ThrottledError, FolderChangedError):
            raise  # to ask about single messages would be of no use
        except TemporaryNetworkError as error:
            self._breaks += 1
            if self._breaks > _MAX_BREAKS:
                raise
            self._line.redial(error)
            reason = _("the connection broke when the message was asked for ({what})")
            raise _BrokenError(reason.format(what=error.what)) from None


class _BrokenError(RefusedError):
    """The connection broke over what was asked, and there is a new one."""


def _collect(session: Session, uids: Iterable[int], got: dict[int, bytes | Large]) -> None:
    """Fetch those of UIDS that are not in GOT yet."""
    for uid, data in session.fetch([uid for uid in uids if uid not in got]):
        if data is not None:
            got[uid] = data  # noqa: PERF403 - what came before an error must be in GOT


def _fixed(rules: Mapping[str, list[int]]) -> Rules:
    return {rule: tuple(uids) for rule, uids in rules.items()}


def _no_header() -> str:
    return _("the server did not hand out the header of the message")
