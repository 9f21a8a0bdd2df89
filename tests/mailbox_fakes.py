"""Stand-ins for mail servers: a session in memory, a scripted server, a proxy that listens in."""

import re
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from typing import Self

from archiver.accounts import Account
from archiver.errors import TemporaryNetworkError
from archiver.mailbox.server.session import (
    Folder,
    FolderState,
    Outline,
    RefusedError,
    Role,
    ThrottledError,
)
from archiver.model.cursors import Status

CLOSE = b"(close the connection)"
SILENCE = b"(say nothing)"


def account(*, name: str = "work", folders: Sequence[str] = (), **more: object) -> Account:
    """Return an account's settings by saying only what matters."""
    settings: dict[str, object] = {
        "host": "127.0.0.1",
        "port": 143,
        "user": "me@consultant.example",
        "security": "plain",
        "keep": "everything",
    }
    return Account(name=name, folders=tuple(folders), **(settings | more))  # type: ignore[arg-type]


@dataclass
class FakeFolder:
    """A folder of a FakeSession and the faults of its messages."""

    messages: dict[int, bytes]
    uidvalidity: int = 1
    role: Role | None = None
    selectable: bool = True
    foreign: bool = False
    flags: tuple[str, ...] = ()
    internaldate: datetime | None = None
    labels: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """Gmail's labels of a message."""
    uidnext: int = 0
    """UIDNEXT where it is not one more than the highest UID."""
    mailbox_id: str = ""
    told: bool = True
    """Whether STATUS is told where the session tells any."""
    vanished: frozenset[int] | None = None
    """What a server with QRESYNC reports."""
    sizes: dict[int, int | None] = field(default_factory=dict)
    """RFC822.SIZE where it is not the truth."""
    closed: str = ""
    """Why the server will not open it; empty: it does."""
    refused: frozenset[int] = frozenset()
    """Every fetch that names one of these gets NO."""
    deadly: frozenset[int] = frozenset()
    """Every fetch that names one of these breaks the connection."""
    empty: frozenset[int] = frozenset()
    """Listed, but the body is NIL."""
    gone: frozenset[int] = frozenset()
    """Listed, but deleted before they are asked about."""
    unlisted: frozenset[int] = frozenset()
    """Counted by EXISTS, but not enumerated."""
    hidden: frozenset[int] = frozenset()
    """Neither counted nor enumerated: the server lies."""
    headless: frozenset[int] = frozenset()
    """Whose header fields are never handed out."""
    most: int | None = None
    """How many UIDs one enumeration lists."""

    @property
    def there(self) -> list[int]:
        """The UIDs that the server admits to."""
        return sorted(self.messages.keys() - self.hidden)

    @property
    def next(self) -> int:
        """UIDNEXT."""
        return self.uidnext or max(self.messages, default=0) + 1

    def status(self) -> Status:
        """Return what STATUS tells."""
        return Status(
            uidvalidity=self.uidvalidity,
            uidnext=self.next,
            exists=len(self.there),
            mailbox_id=self.mailbox_id,
        )


class FakeSession:
    """A Session over folders in memory; ``log`` says what was asked.

    With STATUS the folders' status is told without their being opened. Each of THROTTLED is raised
    by the next fetch, one after the other.
    """

    def __init__(
        self,
        folders: Mapping[str, FakeFolder],
        *,
        status: bool = False,
        gmail: bool = False,
        throttled: Sequence[float | None] = (),
    ) -> None:
        self.host = "imap.example"
        self.certificate: str | None = "ab" * 32
        self.is_gmail = gmail
        self.log: list[str] = []
        self.piece = 1024 * 1024
        self.closed = False
        self.aborted = False
        self._folders = folders
        self._status = status
        self._throttled = list(throttled)
        self._open = FakeFolder({})
        self._dead = False

    def folders(self) -> tuple[Folder, ...]:
        """List the folders that the test made."""
        self.log.append("list")
        return tuple(
            Folder(
                name,
                folder.role,
                folder.selectable,
                folder.status() if self._status and folder.told else None,
                folder.foreign,
            )
            for name, folder in self._folders.items()
        )

    def examine(self, folder: str, since: Status | None = None) -> FolderState:
        """Open FOLDER."""
        self.log.append(f"examine {folder}" if since is None else f"resync {folder}")
        self._alive()
        if folder not in self._folders:
            raise RefusedError("no such mailbox")
        here = self._open = self._folders[folder]
        if here.closed:
            raise RefusedError(here.closed)
        return FolderState(
            here.uidvalidity,
            here.next,
            len(here.there),
            mailbox_id=here.mailbox_id,
            vanished=here.vanished if since is not None else None,
        )

    def uids(self, first: int = 1) -> tuple[int, ...]:
        """Enumerate all but the unlisted; the last is listed even if it is below FIRST."""
        here = self._open
        self.log.append(f"uids {first}")
        listed = [uid for uid in here.there if uid not in here.unlisted]
        found = [uid for uid in listed if uid >= first] or listed[-1:]
        return tuple(found[: here.most])

    def outlines(self, uids: Sequence[int]) -> dict[int, Outline]:
        """Tell the sizes that the test wants told."""
        self._alive()
        here = self._open
        return {
            uid: Outline(
                here.sizes.get(uid, len(here.messages[uid])),
                here.internaldate,
                here.flags,
                here.labels.get(uid, ()),
                str(uid) if self.is_gmail else "",
            )
            for uid in uids
            if uid in here.messages and uid not in here.gone
        }

    def headers(self, uids: Sequence[int], fields: Sequence[str]) -> dict[int, bytes]:
        """Hand out header fields; names are as they were asked for."""
        self._ask(f"headers {','.join(map(str, uids))}", uids)
        return {
            uid: header_fields(self._open.messages[uid], fields)
            for uid in uids
            if uid in self._open.messages and uid not in self._open.headless
        }

    def idle(self, seconds: float, stop: Callable[[], bool]) -> bool:  # noqa: ARG002 - the protocol's
        """Say that nothing can be notified."""
        raise RefusedError("no IDLE here")

    def fetch(self, uids: Sequence[int]) -> Iterator[tuple[int, bytes | None]]:
        """Hand out messages, with their faults."""
        self._ask(f"fetch {','.join(map(str, uids))}", uids)
        for uid in uids:
            yield uid, None if uid in self._open.empty else self._open.messages.get(uid)

    def fetch_in_parts(self, uid: int, size: int | None, start: int = 0) -> Iterator[bytes]:
        """Hand out one message in pieces of ``piece`` bytes, with its faults."""
        self._ask(f"parts {uid} {size}" + (f" from {start}" if start else ""), (uid,))
        message = None if uid in self._open.empty else self._open.messages.get(uid)
        if message is None:
            return
        for at in range(start, max(len(message), 1), self.piece):
            yield message[at : at + self.piece]

    def close(self) -> None:
        """Say in ``closed`` that it was called."""
        self.closed = True

    def abort(self) -> None:
        """Say in ``aborted`` that it was called."""
        self.aborted = True

    def _ask(self, what: str, uids: Sequence[int]) -> None:
        self._alive()
        if self._throttled:
            error = ThrottledError("the server asks to slow down", advice="wait")
            error.wait = self._throttled.pop(0)
            raise error
        self.log.append(what)
        if self._open.deadly & set(uids):
            self._dead = True
            self._alive()
        if self._open.refused & set(uids):
            raise RefusedError("NO, said the server")

    def _alive(self) -> None:
        if self._dead:
            raise TemporaryNetworkError("the line is dead", advice="try again")


def header_fields(data: bytes, fields: Sequence[str]) -> bytes:
    """Return those FIELDS of the message DATA, as ``BODY[HEADER.FIELDS (...)]`` does."""
    names = {name.lower().encode() for name in fields}
    head = re.split(rb"\r?\n\r?\n", data, maxsplit=1)[0]
    found = re.findall(rb"^([!-9;-~]+)[ \t]*:(.*(?:\r?\n[ \t].*)*)", head, re.MULTILINE)
    kept = [(name, value.rstrip()) for name, value in found if name.lower() in names]
    return b"".join(b"%s:%s\r\n" % one for one in kept) + b"\r\n"


class ScriptedServer(AbstractContextManager["ScriptedServer"]):
    """An IMAP server that answers what it is told to, for what no honest server does.

    SCRIPT maps a regular expression, matched against a command without its tag, to the answer;
    ``{tag}`` stands for the tag, and an answer without it is followed by OK. Later rules win. An
    answer that begins with ``+`` leaves the command open: each line that the client then sends is
    answered by the next of REPLIES, the last again and again. ``commands`` holds every command
    that came in, ``lines`` every other line.
    """

    RULES: Mapping[str, bytes] = {
        r"CAPABILITY": b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n",
        r"AUTHENTICATE PLAIN": b"+ \r\n",
        r"LOGIN ": b"",
        r"LIST ": b'* LIST () "/" INBOX\r\n',
        r"EXAMINE ": b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n* OK [UIDNEXT 9] next\r\n",
        r"LOGOUT": b"* BYE bye\r\n",
    }

    def __init__(
        self,
        script: Mapping[str, bytes] | None = None,
        *,
        greeting: bytes = b"* OK hello\r\n",
        replies: Sequence[bytes] = (b"{tag} OK in\r\n",),
    ) -> None:
        self.commands: list[str] = []
        self.lines: list[bytes] = []
        self._replies = list(replies)
        self._rules = [*self.RULES.items(), *(script or {}).items()]
        self._greeting = greeting
        self._pending = b"*"
        self._server = _Server(("127.0.0.1", 0), self._serve)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, pattern: str, words: bytes) -> None:
        """Answer commands that match PATTERN by WORDS from now on."""
        self._rules.append((pattern, words))

    def _serve(self, connection: socket.socket) -> None:
        connection.sendall(self._greeting)
        with connection.makefile("rb") as lines:
            for line in lines:
                tag, _space, command = line.rstrip(b"\r\n").partition(b" ")
                if not command:  # the answer to a challenge
                    self.lines.append(tag)
                    reply = self._replies[min(len(self.lines), len(self._replies)) - 1]
                    connection.sendall(reply.replace(b"{tag}", self._pending))
                    continue
                self.commands.append(command.decode("utf-8", "replace"))
                if not self._answer(connection, tag, command.decode("utf-8", "replace")):
                    return

    def _answer(self, connection: socket.socket, tag: bytes, command: str) -> bool:
        """Answer COMMAND; return False when the connection is to be closed."""
        answer = b"{tag} BAD what?\r\n"
        for pattern, words in self._rules:
            if re.match(pattern, command):
                answer = words
        if answer.startswith(b"+"):
            self._pending = tag
        elif answer == SILENCE:
            return True
        elif b"{tag}" not in answer and not answer.endswith(CLOSE):
            answer += b"{tag} OK done\r\n"
        connection.sendall(answer.replace(b"{tag}", tag).removesuffix(CLOSE))
        return not answer.endswith(CLOSE)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address: tuple[str, int], serve: Callable[[socket.socket], None]) -> None:
        super().__init__(address, _Handler)
        self.serve = serve


class _Handler(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        with suppress(OSError):  # the client has gone
            self.server.serve(self.request)


class Listener(AbstractContextManager["Listener"]):
    """A proxy on loopback that writes down what a client sends to the server at PORT.

    It counts the bytes that the server sends (``received``). With CUT, each connection ends after so many bytes from the server.
    """

    def __init__(self, port: int, *, cut: int | None = None, host: str = "127.0.0.1") -> None:
        self.sent = b""
        self.received = 0
        self._to = port
        self._cut = cut
        self._server = _Server((host, 0), self._serve)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _serve(self, client: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", self._to)) as server:
            back = threading.Thread(target=self._back, args=(server, client), daemon=True)
            back.start()
            while data := client.recv(65536):
                self.sent += data
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
            back.join()

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        left = self._cut
        try:
            while data := server.recv(65536):
                self.received += len(data)
                if left is not None:
                    data, left = data[:left], left - len(data)
                client.sendall(data)
                if left is not None and left <= 0:
                    break
            client.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
