"""The bytes of a connection, under an ``imaplib.IMAP4``: bounded, timed, and compressed.

imaplib reads through a file object that is useless after one time-out, keeps a formatted copy of
every line, takes no line over a million bytes (a VANISHED may be longer) and hands out a literal
that was cut short. What it calls to read and write is replaced here.
"""

import imaplib
import io
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, cast

from archiver.mailbox.server.session import MAX_MESSAGE

if TYPE_CHECKING:
    import zlib

    from _typeshed import WriteableBuffer

_BUFFER = 64 * 1024
_SYNC_FLUSH = 2
"""zlib.Z_SYNC_FLUSH; the module is loaded only where compression is used."""

_MAX_LINE = 16 * 1024 * 1024
_MAX_ANSWER = MAX_MESSAGE + 64 * 1024 * 1024
"""Bytes that one command may bring: what a server sends beyond that is of no use to anybody."""

_NOTHING_YET = (TimeoutError, BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Wire:
    """Reads and writes for an imaplib connection, which it takes over."""

    def __init__(self, imap: imaplib.IMAP4) -> None:
        """Take over IMAP's connection after its greeting, with what it has read ahead."""
        self._sock: socket.socket = imap.sock
        self._raw = _Raw(self._sock, _read_ahead(imap))
        self._file = io.BufferedReader(self._raw, _BUFFER)
        self._deflate: zlib._Compress | None = None
        self._held: list[bytes] | None = None
        imap.debug = 0
        # imaplib is made to be extended by read, readline and send. It calls the others for each
        # line and command, and they format and keep it, secrets too.
        own = {"read": self.read, "readline": self.readline, "send": self.send}
        vars(imap).update(own, _get_line=self._line, _log=_no_log, _cmd_log={})

    def start_command(self) -> None:
        """Begin to count anew what a command brings."""
        self._raw.left = _MAX_ANSWER

    def read(self, size: int) -> bytes:
        """Read a literal of SIZE bytes, all of it or none."""
        if size > MAX_MESSAGE:
            raise imaplib.IMAP4.abort(f"a string of {size} bytes was announced")
        data = self._file.read(size)
        if len(data) != size:
            raise imaplib.IMAP4.abort(f"the connection ended {size - len(data)} bytes too early")
        return data

    def readline(self) -> bytes:
        """Read a line with its end; empty after the end of the connection."""
        line = self._file.readline(_MAX_LINE + 1)
        if len(line) > _MAX_LINE:
            raise imaplib.IMAP4.abort(f"a line is longer than {_MAX_LINE} bytes")
        return line

    def hold(self) -> None:
        """Hold back what is sent until ``flush``, so that several commands leave together."""
        self._held = self._held or []

    def flush(self) -> None:
        """Send what was held back."""
        held, self._held = self._held, None
        if held:
            self.send(b"".join(held))

    def send(self, data: bytes) -> None:
        """Write DATA, so that it leaves at once unless it is held back."""
        if self._held is not None:
            self._held.append(data)
            return
        if self._deflate is not None:
            data = self._deflate.compress(data) + self._deflate.flush(_SYNC_FLUSH)
        self._sock.sendall(data)

    def ready(self, seconds: float) -> bool:
        """Wait at most SECONDS until there is something to read, be it the end."""
        with self._raw.patience(seconds):
            return bool(self._file.peek(1)) or self._raw.ended

    def compress(self) -> None:
        """Compress from now on, both ways (RFC 4978: raw deflate)."""
        import zlib

        ahead = b""
        if self.ready(0) and not self._raw.ended:
            ahead = self._file.read1(len(self._file.peek(1)))  # compressed already
        self._raw.inflate(zlib.decompressobj(-zlib.MAX_WBITS), ahead)
        self._deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)

    def _line(self) -> bytes:
        line = self.readline()
        if not line:
            raise imaplib.IMAP4.abort("the server closed the connection")
        if not line.endswith(b"\r\n"):
            raise imaplib.IMAP4.abort("the connection ended in the middle of a line")
        return line[:-2]


class _Raw(io.RawIOBase):
    """What arrives, as a raw stream: decompressed in bounded pieces, and counted."""

    def __init__(self, sock: socket.socket, ahead: bytes) -> None:
        self._sock = sock
        self._ahead = ahead
        self._inflate: zlib._Decompress | None = None
        self._timed = False
        self.left = _MAX_ANSWER
        self.ended = False

    def readable(self) -> bool:
        return True

    def inflate(self, stream: "zlib._Decompress", ahead: bytes) -> None:
        """Decompress what comes from now on, AHEAD first."""
        self._inflate, self._ahead = stream, ahead

    @contextmanager
    def patience(self, seconds: float) -> Iterator[None]:
        """Let reads give up after SECONDS, without harm to the connection."""
        usual = self._sock.gettimeout()
        self._timed = True
        try:
            self._sock.settimeout(seconds)
            yield
        finally:
            self._timed = False
            with suppress(OSError):  # closed meanwhile
                self._sock.settimeout(usual)

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        """Fill BUFFER with what is there; None when nothing came in time, 0 at the end."""
        view = memoryview(buffer)
        try:
            stream = self._inflate
            count = self._receive(view) if stream is None else self._expand(stream, view)
        except _NOTHING_YET:
            if not self._timed:
                raise
            return None
        self.ended = count == 0
        self.left -= count
        if self.left < 0:
            raise imaplib.IMAP4.abort("the server sent far more than was asked for")
        return count

    def _receive(self, view: memoryview) -> int:
        if self._ahead:
            piece = self._ahead[: len(view)]
            view[: len(piece)] = piece
            self._ahead = self._ahead[len(piece) :]
            return len(piece)
        return self._sock.recv_into(view)

    def _expand(self, stream: "zlib._Decompress", view: memoryview) -> int:
        import zlib

        while True:
            try:
                piece = stream.decompress(self._ahead, len(view))
            except zlib.error:
                raise imaplib.IMAP4.abort("what came is not compressed as agreed") from None
            self._ahead = stream.unconsumed_tail
            if piece or stream.eof:
                view[: len(piece)] = piece
                return len(piece)
            self._ahead = self._sock.recv(_BUFFER)
            if not self._ahead:
                return 0


def _read_ahead(imap: imaplib.IMAP4) -> bytes:
    """Take what imaplib's file object holds beyond what it gave out, without waiting."""
    usual = imap.sock.gettimeout()
    imap.sock.settimeout(0)
    try:
        file = cast("io.BufferedReader", imap.file)
        ahead = file.peek()
        return file.read1(len(ahead)) if ahead else b""
    except _NOTHING_YET:
        return b""
    finally:
        imap.sock.settimeout(usual)


def _no_log(_line: str) -> None:
    """Keep nothing of what goes over the wire."""
