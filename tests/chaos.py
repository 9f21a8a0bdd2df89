"""A proxy on loopback that does to an IMAP connection whatever networks and servers do.

Each connection gets a fault of its own, drawn by a seeded generator, so that a run that went wrong
can be repeated.
"""

import random
import re
import socket
import socketserver
import threading
import time
from collections import Counter
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self, get_args

Kind = Literal[
    "pass",
    "cut",
    "cut-anywhere",
    "deaf",
    "drip",
    "stall",
    "hang",
    "bye",
    "refuse",
    "other-epoch",
    "poorer",
]
KINDS: tuple[Kind, ...] = get_args(Kind)

_CHUNK = 4096
_EPOCH = re.compile(rb"UIDVALIDITY (\d+)")
_TALENTS = (b"QRESYNC", b"CONDSTORE", b"LIST-STATUS", b"LIST-EXTENDED", b"SPECIAL-USE", b"IDLE")


@dataclass(frozen=True)
class Fault:
    """What happens to one connection."""

    kind: Kind
    after: int
    """Bytes from the server that pass before it happens."""
    talent: bytes = b""
    """The capability that the server seems not to have."""


class Chaos(AbstractContextManager["Chaos"]):
    """Stand between a client and the server at PORT; ``calm`` lets everything pass."""

    def __init__(self, port: int, seed: int, *, reach: int = 60_000) -> None:
        """Draw faults by SEED, which strike within the first REACH bytes of a connection."""
        self.calm = False
        self.met: Counter[str] = Counter()
        self._to = port
        self._random = random.Random(seed)
        self._reach = reach
        self._lock = threading.Lock()
        self._ending = threading.Event()
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
        self._ending.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _draw(self) -> Fault:
        with self._lock:
            kind = "pass" if self.calm else self._random.choice(KINDS)
            # As likely within the greeting as within a large message.
            after = int(self._reach ** self._random.random())
            talent = self._random.choice(_TALENTS)
        self.met[kind] += 1
        return Fault(kind, after, talent)

    def _serve(self, client: socket.socket) -> None:
        fault = self._draw()
        if fault.kind == "refuse":
            return
        with socket.create_connection(("127.0.0.1", self._to)) as server:
            back = threading.Thread(target=self._down, args=(server, client, fault), daemon=True)
            back.start()
            with suppress(OSError):
                while data := client.recv(65536):
                    server.sendall(data)
                server.shutdown(socket.SHUT_WR)
            back.join()

    def _down(self, server: socket.socket, client: socket.socket, fault: Fault) -> None:
        passed = 0
        try:
            while data := server.recv(_CHUNK):
                data = _changed(data, fault)
                if passed < fault.after <= passed + len(data):
                    if not self._strike(client, data, fault, fault.after - passed):
                        break
                elif fault.kind == "drip":
                    _drip(client, data)
                else:
                    client.sendall(data)
                passed += len(data)
        except OSError:
            pass
        for end in (client, server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _strike(self, client: socket.socket, data: bytes, fault: Fault, at: int) -> bool:
        """Let the fault happen AT so many bytes of DATA; tell whether the connection goes on."""
        match fault.kind:
            case "cut":
                client.sendall(data[:at])
                return False
            case "cut-anywhere":  # without a word that the connection ends (RST)
                client.sendall(data[:at])
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                client.close()
                return False
            case "deaf":  # what was sent is lost, the connection stays until the client gives up
                client.sendall(data[:at])
                self._ending.wait(30)
                return False
            case "stall":
                client.sendall(data[:at])
                time.sleep(0.3)
                client.sendall(data[at:])
            case "hang":
                self._ending.wait(30)
                return False
            case "bye":
                line = data.rfind(b"\r\n") + 2
                client.sendall(data[: line if line > 1 else 0] + b"* BYE Too many connections\r\n")
                return False
            case "drip":
                _drip(client, data)
            case _:
                client.sendall(data)
        return True


def _changed(data: bytes, fault: Fault) -> bytes:
    if fault.kind == "other-epoch":
        return _EPOCH.sub(lambda found: b"UIDVALIDITY %d" % (int(found[1]) ^ 1), data)
    if fault.kind == "poorer" and b"CAPABILITY" in data:
        return data.replace(fault.talent, b"X" * len(fault.talent))
    return data


def _drip(client: socket.socket, data: bytes) -> None:
    """Send a few bytes at a time: a parser must not count on whole lines."""
    for start in range(0, len(data), 61):
        client.sendall(data[start : start + 61])


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address: tuple[str, int], serve: object) -> None:
        super().__init__(address, _Handler)
        self.serve = serve


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with suppress(OSError):
            self.server.serve(self.request)  # type: ignore[attr-defined]  # of _Server
