"""Have every configured authority date the newest checkpoint; what fails is put off, never lost.

The order, each step durable before the next: the request, the raw answer before anybody reads it,
then under the write lock the request, the chain and the answer under their final names, then the
``anchor`` entry. A crash in between leaves an answer that the next run takes up.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from gettext import gettext as _
from http import HTTPStatus
from pathlib import Path

from archiver.authorities import Authority
from archiver.evidence.checkpoints.history import note_of, note_path, signed_sizes
from archiver.evidence.disk import told
from archiver.evidence.durable import sweep, write_in_folder
from archiver.evidence.stamps.attempts import LONGEST, forget, put_off, waiting
from archiver.evidence.stamps.entries import (
    Suffix,
    dated_anchors,
    news_since,
    stamp_path,
    stamps_folder,
)
from archiver.evidence.stamps.outcome import Failed, Outcome, Stamped
from archiver.evidence.stamps.post import LIMIT, Answer, Post, UnreachableError
from archiver.evidence.stamps.request import NONCE_SIZE, make_request, nonce_of
from archiver.evidence.stamps.stamp import Stamp, StampProblem, check_stamp
from archiver.evidence.store import Evidence
from archiver.model.anchors import Anchor
from archiver.model.digest import Digest, Position

TIMEOUT = 15.0
"""Seconds that one authority is given, for everything."""

# A day, less what a daily timer and a slow sync may be early by: else it would be every other day.
_DAY = timedelta(hours=23)
_CLOCK = timedelta(minutes=10)
_LONGEST_WORDS = 300
_BUSY = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}


def anchor(
    evidence: Evidence,
    authorities: Sequence[Authority],
    *,
    due: bool,
    checkpoint: Callable[[], bool],
    clock: Callable[[], datetime],
    entropy: Callable[[int], bytes],
    post: Post,
    timeout: float = TIMEOUT,
) -> Outcome:
    """Have the newest entries dated at each of AUTHORITIES that has not dated them.

    With DUE only where the last stamp is a day old, or a try that was put off has its turn.
    CHECKPOINT signs the newest entries, when somebody is to be asked; where it says that it could
    not, nobody is. No failure of an authority raises: it is in the outcome.
    Raises OperationError and LockedError when the archive cannot be written.
    """
    work = _Work(evidence, clock, entropy, post, timeout)
    taken_up = tuple(work.take_up(authorities))
    chosen = _choose(evidence, authorities, now=clock(), due=due)
    wanted = [authority for authority in authorities if chosen[authority.name] == "ask"]
    results: list[Stamped | Failed] = []
    signed = not wanted or checkpoint()
    if wanted and signed:
        for size in signed_sizes(evidence)[-1:]:
            results = [work.ask(authority, size) for authority in wanted]
    return Outcome(
        stamped=(*taken_up, *(each for each in results if isinstance(each, Stamped))),
        failed=tuple(each for each in results if isinstance(each, Failed)),
        current=tuple(name for name, choice in chosen.items() if choice == "current"),
        later=tuple(name for name, choice in chosen.items() if choice == "later"),
        unsigned=not signed,
    )


def _choose(
    evidence: Evidence, authorities: Iterable[Authority], *, now: datetime, due: bool
) -> dict[str, str]:
    """Say for each authority whether to ``ask`` it, or that it is ``current``, or for ``later``."""
    put_off_until = {each.authority: each.until for each in waiting(evidence)}
    last: dict[str, tuple[int, datetime]] = {}
    for _position, entry, at in dated_anchors(evidence):
        last[entry.authority] = max(entry.size, last.get(entry.authority, (0, at))[0]), at
    chosen: dict[str, str] = {}
    for authority in authorities:
        name = authority.name
        if name in last and not news_since(evidence, last[name][0]):
            chosen[name] = "current"
        elif due and name in put_off_until:
            # A moment further away than any wait was written under a clock that was wrong.
            early = now < put_off_until[name] <= now + LONGEST
            chosen[name] = "later" if early else "ask"
        elif due and name in last and timedelta(0) <= now - last[name][1] < _DAY:
            chosen[name] = "later"
        else:
            chosen[name] = "ask"
    return chosen


@dataclass(frozen=True, slots=True)
class _Received:
    """An answer of an authority, and what it was asked."""

    authority: Authority
    size: int
    note: bytes
    request: bytes
    answer: bytes

    def judge(self) -> Stamp | StampProblem:
        """Check the answer against the request and the pinned root."""
        roots = [self.authority.root.encode()]
        return check_stamp(self.answer, self.note, roots, nonce=nonce_of(self.request))


@dataclass(frozen=True, slots=True)
class _Work:
    """One run: whom it asks is decided elsewhere."""

    evidence: Evidence
    clock: Callable[[], datetime]
    entropy: Callable[[int], bytes]
    post: Post
    timeout: float

    def ask(self, authority: Authority, size: int) -> Stamped | Failed:
        """Ask AUTHORITY to date the checkpoint of SIZE entries."""
        note = note_of(self.evidence, size)
        nonce = int.from_bytes(self.entropy(NONCE_SIZE), "big")
        request = make_request(hashlib.sha256(note).digest(), nonce)
        self._put_aside(size, authority.name, ".tsq", request)
        try:
            answer = self.post(authority.url, request, self.timeout)
        except UnreachableError as error:
            return self._failed(authority, size, StampProblem("unreachable", str(error)))
        self._put_aside(size, authority.name, ".answer", answer.body[:LIMIT])
        received = _Received(authority, size, note, request, answer.body)
        judged = _http_problem(answer) or received.judge()
        if isinstance(judged, StampProblem):
            return self._failed(authority, size, judged, retry_after=answer.retry_after)
        return self._record(received, judged)

    def take_up(self, authorities: Sequence[Authority]) -> Iterator[Stamped]:
        """Record the good answers that a killed run left without an entry."""
        by_name = {authority.name: authority for authority in authorities}
        judged = {each.authority for each in waiting(self.evidence)}
        for size, name, path in self._left_over():
            # An answer that was found wanting stays until the next try: it is not judged again.
            if name not in by_name or (path.suffix == ".answer" and name in judged):
                continue
            try:
                answer, request = path.read_bytes(), path.with_suffix(".tsq").read_bytes()
            except FileNotFoundError:  # another process is at it
                continue
            note = note_of(self.evidence, size)
            received = _Received(by_name[name], size, note, request, answer)
            stamp = received.judge()
            if isinstance(stamp, Stamp):
                yield self._record(received, stamp)

    def _left_over(self) -> Iterator[tuple[int, str, Path]]:
        """Yield the answers that no entry names and that can be judged, oldest first."""
        answers = self._answers()
        if not answers:
            return
        named = {(each.size, each.authority) for _at, each, _when in dated_anchors(self.evidence)}
        for size, name, path in answers:
            if (size, name) in named:
                if path.suffix == ".answer":  # killed just before it was taken away
                    self._clear(name)
            elif (
                size <= self.evidence.size
                and path.with_suffix(".tsq").is_file()
                and note_path(self.evidence, size).is_file()
            ):
                yield size, name, path

    def _answers(self) -> list[tuple[int, str, Path]]:
        """Return the size, the authority and the place of every answer kept, by size."""
        found: list[tuple[int, str, Path]] = []
        with contextlib.suppress(FileNotFoundError):
            for path in stamps_folder(self.evidence).iterdir():
                size, _dash, name = path.stem.partition("-")
                if path.suffix in {".answer", ".tsr"} and size.isdecimal():
                    found.append((int(size), name, path))
        return sorted(found)

    def _put_aside(self, size: int, authority: str, suffix: Suffix, data: bytes) -> None:
        """Write what is on its way; before a request, take away what tries in vain left."""
        with self.evidence.writing():
            if suffix == ".tsq":
                self._clear(authority)
                sweep(self.evidence.disk, stamps_folder(self.evidence))
            self._write(size, authority, suffix, data)

    def _clear(self, authority: str) -> None:
        """Take away the answers of AUTHORITY that no entry names, and the requests for them."""
        for path in stamps_folder(self.evidence).glob(f"*-{authority}.*"):
            _size, _dash, name = path.stem.partition("-")
            in_vain = path.suffix == ".tsq" and not path.with_suffix(".tsr").exists()
            if name == authority and (in_vain or path.suffix == ".answer"):
                with told(path), contextlib.suppress(FileNotFoundError):
                    self.evidence.disk.remove(path)

    def _record(self, received: _Received, stamp: Stamp) -> Stamped:
        """Give the files their final names and journal the stamp, unless somebody was faster."""
        authority, size, note = received.authority, received.size, received.note
        entry = Anchor(
            size=size,
            checkpoint=Digest.of(note),
            authority=authority.name,
            response=Digest.of(received.answer),
            time=stamp.time,
            qualified=authority.qualified and stamp.qualified,
        )
        before: list[tuple[Position, Anchor]] = []

        def entries(_first: int) -> Sequence[Anchor]:
            """Decide under the write lock: of two processes at it, the first one counts."""
            for position, known, _at in dated_anchors(self.evidence):
                if (known.size, known.authority) == (size, authority.name):
                    before.append((position, known))
                    return ()
            self._keep(received, stamp)
            return (entry,)

        written = self.evidence.append_next(entries)
        position, counted = before[0] if before else (written[0], entry)
        forget(self.evidence, authority.name)
        self._clear(authority.name)
        ahead = self.clock() - counted.time
        return Stamped(
            authority=authority.name,
            size=size,
            time=counted.time,
            position=position,
            qualified=counted.qualified,
            clock=ahead if abs(ahead) > _CLOCK else None,
        )

    def _keep(self, received: _Received, stamp: Stamp) -> None:
        """Write the request, the chain for openssl, and the answer, under their final names."""
        from archiver.evidence.stamps.rfc3161 import chain_pem  # loads cryptography

        size, name = received.size, received.authority.name
        chain = chain_pem(stamp.certificates, [received.authority.root.encode()])
        self._write(size, name, ".tsq", received.request)
        self._write(size, name, ".pem", chain)
        self._write(size, name, ".tsr", received.answer)

    def _failed(
        self, authority: Authority, size: int, problem: StampProblem, *, retry_after: str = ""
    ) -> Failed:
        words = _plain(problem.words)
        wait = put_off(
            self.evidence,
            authority.name,
            words,
            now=self.clock(),
            retry_after=retry_after,
        )
        return Failed(
            authority=authority.name,
            size=size,
            code=problem.code,
            words=words,
            until=wait.until,
        )

    def _write(self, size: int, authority: str, suffix: Suffix, data: bytes) -> None:
        path = stamp_path(self.evidence, size, authority, suffix)
        with told(path):
            write_in_folder(self.evidence.disk, path, data)


def _plain(words: str) -> str:
    """Make WORDS, which may be a server's own, harmless to a terminal and short."""
    shown = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in words)
    return shown if len(shown) <= _LONGEST_WORDS else shown[:_LONGEST_WORDS] + "…"


def _http_problem(answer: Answer) -> StampProblem | None:
    """Say what is wrong with an answer before its body is looked at.

    The type of the content is no reason: authorities give application/timestamp-reply, -response
    or none at all.
    """
    if answer.status in _BUSY:
        return StampProblem(
            "busy", _("it is busy or out of order (HTTP {status})").format(status=answer.status)
        )
    if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        moved = HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST
        words = (
            _("it points to another address, which is not followed (HTTP {status})")
            if moved
            else _("it refused the request (HTTP {status})")
        )
        return StampProblem("refused", words.format(status=answer.status))
    if len(answer.body) > LIMIT:
        return StampProblem("too-large", _("its answer is far too large for a time-stamp"))
    return None
