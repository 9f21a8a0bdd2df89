"""The bytes under a session: compressed, bounded, timed."""

import imaplib
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from mailbox_fakes import ScriptedServer, account

from archiver.mailbox.server.imap import connect
from archiver.mailbox.server.wire import Wire

GREETING = b"* OK hello\r\n* CAPABILITY IMAP4rev1\r\n"


class _Line(imaplib.IMAP4):
    """The library over one end of a pair of sockets."""

    def __init__(self, sock: socket.socket) -> None:
        self._given = sock
        super().__init__()

    def open(self, host: str = "", port: int = 0, timeout: float | None = None) -> None:
        del port, timeout
        self.host = host
        self.sock = self._given
        self.file = self.sock.makefile("rb")


@contextmanager
def line(greeting: bytes = b"") -> Iterator[tuple[Wire, imaplib.IMAP4, socket.socket]]:
    """Connect a Wire to a socket of the test's own, which the server would hold."""
    ours, theirs = socket.socketpair()
    ours.settimeout(3)
    theirs.sendall(GREETING)

    def answer() -> None:
        tag = theirs.recv(100).split()[0]  # of CAPABILITY, which imaplib asks for
        theirs.sendall(tag + b" OK done\r\n" + greeting)

    server = threading.Thread(target=answer)
    server.start()
    imap = _Line(ours)
    server.join()
    try:
        yield Wire(imap), imap, theirs
    finally:
        theirs.close()
        imap.shutdown()


def test_what_was_read_ahead_is_not_lost() -> None:
    """Its file object may hold more than it gave out."""
    with line(greeting=b"* OK more\r\n") as (here, _imap, _server):
        assert here.readline() == b"* OK more\r\n"


def test_waiting_does_no_harm() -> None:
    """What came in part is there when the rest comes; the end is something to read."""
    with line() as (here, _imap, server):
        assert not here.ready(0.05)
        server.sendall(b"* OK ha")
        assert here.ready(5)
        server.sendall(b"lf\r\n")
        assert here.readline() == b"* OK half\r\n"
        assert not here.ready(0)
        server.shutdown(socket.SHUT_RDWR)
        assert here.ready(5)
        assert here.readline() == b""


def test_commands_that_are_held_back_leave_together() -> None:
    """One packet for many commands."""
    with line() as (here, _imap, server):
        here.hold()
        here.send(b"a\r\n")
        here.hold()
        here.send(b"b\r\n")
        server.settimeout(0.05)
        with pytest.raises(TimeoutError):
            server.recv(100)
        here.flush()
        assert server.recv(100) == b"a\r\nb\r\n"
        here.send(b"c\r\n")
        assert server.recv(100) == b"c\r\n"


def test_compression_goes_both_ways() -> None:
    """RFC 4978, with what the server sent compressed at once, in one packet with its OK."""
    with line() as (here, _imap, server):
        squeeze, expand = zlib.compressobj(wbits=-15), zlib.decompressobj(-15)
        words = squeeze.compress(b"* OK small\r\n") + squeeze.flush(zlib.Z_SYNC_FLUSH)
        server.sendall(b"* OK go\r\n" + words)
        assert here.readline() == b"* OK go\r\n"
        here.compress()
        assert here.readline() == b"* OK small\r\n"
        assert not here.ready(0.05)
        body = bytes(range(256)) * 4000
        data = squeeze.compress(body) + squeeze.flush(zlib.Z_SYNC_FLUSH)
        sender = threading.Thread(target=server.sendall, args=(data,))
        sender.start()
        assert here.ready(5)
        assert here.read(len(body)) == body
        sender.join()
        here.send(b"a NOOP\r\n")
        here.send(b"b NOOP\r\n")
        time.sleep(0.05)
        assert expand.decompress(server.recv(1000)) == b"a NOOP\r\nb NOOP\r\n"


def test_what_is_not_compressed_is_told() -> None:
    """A server that says that it compresses, and does not."""
    with line() as (here, _imap, server):
        here.compress()
        server.sendall(b"* OK this is no deflate\r\n" * 10)
        with pytest.raises(imaplib.IMAP4.abort, match="not compressed as agreed"):
            here.readline()


def test_a_bomb_fills_no_memory() -> None:
    """A few hundred kilobytes that unpack to a line of hundreds of megabytes."""
    squeeze = zlib.compressobj(wbits=-15)
    zeros = bytes(1024 * 1024)
    bomb = b"".join(squeeze.compress(zeros) for _megabyte in range(300)) + squeeze.flush()
    with line() as (here, _imap, server):
        here.compress()
        sender = threading.Thread(target=_send_what_is_taken, args=(server, bomb))
        sender.start()
        tracemalloc.start()
        try:
            with pytest.raises(imaplib.IMAP4.abort, match="a line is longer than"):
                here.readline()
            _now, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        here._sock.shutdown(socket.SHUT_RDWR)
        sender.join()
    assert peak < 64 * 1024 * 1024


def test_a_server_that_never_ends_is_left() -> None:
    """Lines without end fill the memory too, be each of them short."""
    with line() as (here, _imap, server):
        here.start_command()
        assert here._raw.left > 256 * 1024 * 1024
        here._raw.left = 100_000
        sender = threading.Thread(target=_send_what_is_taken, args=(server, b"* OK x\r\n" * 50_000))
        sender.start()
        with pytest.raises(imaplib.IMAP4.abort, match="far more than was asked for"):
            list(iter(here.readline, b""))
        here._sock.shutdown(socket.SHUT_RDWR)
        sender.join()


def test_a_literal_that_is_cut_is_nothing() -> None:
    """The library would hand it out."""
    with line() as (here, _imap, server):
        server.sendall(b"half")
        server.shutdown(socket.SHUT_WR)
        with pytest.raises(imaplib.IMAP4.abort, match="6 bytes too early"):
            here.read(10)


def test_nothing_that_was_sent_is_kept() -> None:
    """The library imaplib keeps its last lines for a log: passwords and mail."""
    with line() as (_here, imap, server):
        server.sendall(b"* OK hush-hush\r\n")
        imap._get_response()  # type: ignore[attr-defined]
        imap.untagged_responses.clear()
        assert "hush" not in repr(vars(imap))


@pytest.mark.parametrize(
    "answer", [b"{tag} NO no\r\n", b"{tag} BAD what?\r\n", b"{tag} OK fine\r\n"]
)
def test_a_server_that_lies_about_compression_is_spoken_to_plainly(answer: bytes) -> None:
    """It refuses, or it agrees and goes on as before: then the connection is made anew."""
    script = {
        "CAPABILITY": b"* CAPABILITY IMAP4rev1 AUTH=PLAIN COMPRESS=DEFLATE\r\n",
        "COMPRESS": answer,
    }
    with ScriptedServer(script) as server:
        session = connect(account(port=server.port), "hush", timeout=0.5, compress=True)
        assert session.folders()
        session.close()
        assert server.commands.count("COMPRESS DEFLATE") == 1


@pytest.mark.parametrize("compress", [None, False])
def test_this_machine_is_not_spoken_to_compressed(compress: bool | None) -> None:  # noqa: FBT001 - a parameter of the test
    """It costs time and saves none."""
    script = {"CAPABILITY": b"* CAPABILITY IMAP4rev1 AUTH=PLAIN COMPRESS=DEFLATE\r\n"}
    with ScriptedServer(script) as server:
        connect(account(port=server.port), "hush", timeout=5, compress=compress).close()
        assert "COMPRESS DEFLATE" not in server.commands


def _send_what_is_taken(server: socket.socket, data: bytes) -> None:
    with suppress(OSError):
        server.sendall(data)
