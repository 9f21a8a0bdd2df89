"""The wall between the archive and the process that reads files of Outlook (``worker``).

That process may crash, hang, or fill its memory: the item that it stumbled over is told, and the
next one is read by a new process.
"""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from gettext import gettext as _
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Literal, Self

from archiver.mailbox.imports.outcome import NotRead, Outcome, shown
from archiver.mailbox.server.session import MAX_MESSAGE
from archiver.model.incoming import Incoming
from archiver.model.sources import FileSource

Kind = Literal["msg", "pst"]

COMMAND: Final = (sys.executable, "-P", "-m", "archiver.mailbox.outlook.worker")
PATIENCE: Final = 120.0
"""Seconds without an answer after which the process is taken for stuck."""
_MOST_DEATHS: Final = 50
"""How many items of one file may be the end of the process that reads them."""
_LINE: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What the worker said; see ``worker.Answer``."""

    word: str
    detail: str
    member: int
    folder: str
    kind: str
    delivered: datetime | None
    unsent: bool
    lost: tuple[tuple[str, str], ...]
    data: bytes


class _Died(Exception):  # noqa: N818 - the end of a process, not of this one
    """The worker ended, was stuck, or said something that no worker says."""


class Outlook:
    """Reads files of Outlook in a process of its own, which is started when the first one comes."""

    def __init__(self, *, command: Sequence[str] = COMMAND, patience: float = PATIENCE) -> None:
        """Start COMMAND when it is needed, and wait PATIENCE seconds for each of its answers."""
        self._command = command
        self._patience = patience
        self._worker: _Worker | None = None

    def __enter__(self) -> Self:
        """Return this reader."""
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """End the process, if there is one."""
        self._end()

    def messages_in(
        self, path: Path, kind: Kind, *, folder: str = "", named: bool = True
    ) -> Iterator[Outcome]:
        """Yield the messages made from the file at PATH, which lies in the mail folder FOLDER.

        NAMED tells that a person named the file itself. Nothing raises.
        """
        place = _Place(path=shown(path), kind=kind, folder=folder, named=named)
        skip = deaths = 0
        at: _Answer | None = None
        while True:
            try:
                for answer in self._answers(path, kind, skip):
                    if answer.word == "at":
                        at, skip = answer, answer.member + 1
                    else:
                        yield from place.outcomes(answer)
            except _Died:
                self._end()
                deaths += 1
                if at is None or deaths > _MOST_DEATHS:
                    yield NotRead(place.path, _("reading it ended the process that reads it"))
                    return
                reason = _("item {number} in {folder} ended the process that reads it")
                where = at.folder or "/"
                yield NotRead(place.path, reason.format(number=at.member + 1, folder=where))
                at = None
            else:
                return

    def _answers(self, path: Path, kind: Kind, skip: int) -> Iterator[_Answer]:
        if self._worker is None:
            self._worker = _Worker(self._command)
        yield from self._worker.ask(path, kind, skip, self._patience)

    def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """The file that is being read, for telling what comes out of it."""

    path: str
    kind: Kind
    folder: str
    named: bool

    def outcomes(self, answer: _Answer) -> Iterator[Outcome]:
        """Yield what an answer of the worker comes to."""
        if answer.word == "message":
            yield self._message(answer)
            for name, reason in answer.lost:
                said = _("attachment “{name}” of “{item}”: {reason}")
                item = answer.detail or f"{answer.folder} {answer.member}"
                why = WORDS.get(reason, WORDS["unreadable"])()
                yield NotRead(self.path, said.format(name=name, item=item, reason=why))
        elif answer.word == "no-mail":
            alone = self.kind == "msg" and self.named
            yield NotRead(self.path, WORDS["no-mail"]().format(kind=answer.kind), not alone)
        else:
            say = WORDS.get(answer.word, WORDS["damaged"])
            reason = say().format(detail=answer.detail)
            if answer.folder:
                where = _("an item in {folder}: {reason}")
                reason = where.format(folder=answer.folder, reason=reason)
            yield NotRead(self.path, reason)

    def _message(self, answer: _Answer) -> Incoming:
        source = FileSource(
            path=self.path,
            member=max(answer.member, 0),
            offset=0,
            folder=answer.folder or self.folder,
            made_from=self.kind,
        )
        flags = ("\\Draft",) if answer.unsent else ()
        return Incoming(data=answer.data, source=source, internaldate=answer.delivered, flags=flags)


class _Worker:
    """One running process. A thread reads what it says, so that waiting for it can end."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own module, in our own Python
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._said: queue.Queue[_Answer | None] = queue.Queue(maxsize=2)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def ask(self, path: Path, kind: Kind, skip: int, patience: float) -> Iterator[_Answer]:
        """Have a file read, and yield the answers. Raises _Died."""
        request = json.dumps({"kind": kind, "path": os.fspath(path), "skip": skip}).encode() + b"\n"
        try:
            _of(self._process.stdin).write(request)
            _of(self._process.stdin).flush()
        except OSError as error:
            raise _Died from error
        while True:
            try:
                answer = self._said.get(timeout=patience)
            except queue.Empty as error:
                raise _Died from error
            if answer is None:
                raise _Died
            if answer.word == "done":
                return
            yield answer

    def end(self) -> None:
        """Kill the process and wait until it and its thread are gone."""
        self._ended.set()
        self._process.kill()
        with suppress(queue.Empty):
            while True:
                self._said.get_nowait()
        self._thread.join()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                _of(pipe).close()

    def _listen(self) -> None:
        answer: _Answer | None
        while True:
            try:
                answer = _answer(_of(self._process.stdout))
            except (ValueError, KeyError, TypeError, OSError):
                answer = None
            while not self._ended.is_set():
                try:
                    self._said.put(answer, timeout=0.2)
                    break
                except queue.Full:
                    continue
            if answer is None or self._ended.is_set():
                return


def _of(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise ValueError
    return pipe


def _answer(stream: IO[bytes]) -> _Answer | None:
    """Read one answer; None at the end. What no worker of ours says raises an error of parsing."""
    line = stream.readline(_LINE)
    if not line:
        return None
    told = json.loads(line)
    size = int(told["size"])
    if not 0 <= size <= MAX_MESSAGE:
        raise ValueError
    data = stream.read(size)
    if len(data) < size:
        return None
    return _Answer(
        word=str(told["word"]),
        detail=str(told["detail"])[:200],
        member=int(told["member"]),
        folder=str(told["folder"]),
        kind=str(told["kind"])[:200],
        delivered=datetime.fromisoformat(told["delivered"]) if told["delivered"] else None,
        unsent=told["unsent"] is True,
        lost=tuple((str(name), str(reason)) for name, reason in told["lost"]),
        data=data,
    )


WORDS: Final[dict[str, Callable[[], str]]] = {
    "no-libpff": lambda: _(
        "reading .pst needs libpff: pip install 'written-record-archiver[pst]', then import again"
    ),
    "unusable": lambda: _(
        "it is damaged or not complete, or locked in a way that libpff cannot open; close Outlook, "
        "copy it again, or repair it with Outlook's scanpst ({detail})"
    ),
    "not-outlook": lambda: _("it is no item of Outlook, or damaged ({detail})"),
    "damaged": lambda: _("it is damaged and cannot be read ({detail})"),
    "too-large": lambda: _("the message is larger than the archiver can hold"),
    "no-mail": lambda: _("it is no mail but another item of Outlook ({kind})"),
    "reference": lambda: _("the item only says where it lay, not what it held"),
    "item": lambda: _(
        "libpff does not hand out an item within an item; save it as .msg in Outlook, import that"
    ),
    "ole": lambda: _("an embedded object, which is no file"),
    "unreadable": lambda: _("its content cannot be read"),
}
"""What the worker says, in words for people; it has no language itself."""
