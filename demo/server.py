"""Serve the fictional mailbox over IMAP, on loopback, from memory (pymap's ``dict`` backend).

``python -m demo.server`` serves it until interrupted; ``running()`` does so inside a program.
The password is public: the server listens on 127.0.0.1 only and holds nothing true.
"""

import argparse
import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import Config, DictBackend
from pymap.backend.dict.filter import FilterSet
from pymap.backend.dict.mailbox import MailboxSet
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.parsing.specials.flag import Flag

from demo.build import Delivered, mailbox

HOST = "127.0.0.1"
PORT = 14143
"""Preferred, so that the account kept in an archive finds the server again."""
USER = "lea.fontanel@aubrac-conseil.example"
PASSWORD = "les-ecrits-restent"  # noqa: S105 - public: see above
_UIDVALIDITY = 1764575999
_START_SECONDS = 20
_STOP_SECONDS = 5


class _Config(Config):
    """pymap's settings, but for a greeting that asks the machine's name of nobody."""

    @property
    def greeting(self) -> bytes:
        return b"A fictional mailbox is ready"


@dataclass
class _Started:
    """What the server's thread tells the one that started it."""

    ready: threading.Event = field(default_factory=threading.Event)
    port: int = 0
    error: BaseException | None = None
    loop: asyncio.AbstractEventLoop | None = None
    stop: asyncio.Event | None = None


@contextmanager
def running(port: int = 0) -> Iterator[int]:
    """Serve the mailbox from a thread while the block runs; yield the port.

    PORT 0 takes any free one; so does a preferred port that is taken.
    """
    started = _Started()
    thread = threading.Thread(target=_thread, args=(port, started), daemon=True)
    thread.start()
    if not started.ready.wait(_START_SECONDS) or started.error is not None:
        raise RuntimeError("the fictional mailbox's server did not start") from started.error
    try:
        yield started.port
    finally:
        if started.loop is not None and started.stop is not None:
            started.loop.call_soon_threadsafe(started.stop.set)
        thread.join(_STOP_SECONDS)


def _thread(port: int, started: _Started) -> None:
    try:
        asyncio.run(_serve(port, started))
    except OSError as error:
        started.error = error
        started.ready.set()


async def _serve(port: int, started: _Started) -> None:
    backend, config = await DictBackend.init(_arguments())
    config.apply_context()
    await _fill(config, mailbox())
    imap = ProxyProtocolReader(config.proxy_protocol).get_callback(
        IMAPServer(backend.login, config)
    )
    try:
        server = await asyncio.start_server(imap, HOST, port)
    except OSError:
        server = await asyncio.start_server(imap, HOST, 0)
    started.loop, started.stop = asyncio.get_running_loop(), asyncio.Event()
    started.port = server.sockets[0].getsockname()[1]
    started.ready.set()
    try:
        await started.stop.wait()
    finally:
        server.close()  # not waited for: from Python 3.12 on that would wait for each client


def _arguments() -> argparse.Namespace:
    return argparse.Namespace(
        host=HOST,
        port=0,
        debug=False,
        cert=None,
        key=None,
        tls=False,
        proxy_protocol=None,
        passlib_cfg=None,
        demo_data=False,
        demo_user=USER,
        demo_password=PASSWORD,
    )


async def _fill(config: Config, messages: tuple[Delivered, ...]) -> None:
    boxes = MailboxSet()
    for name in sorted({message.folder for message in messages} - {"INBOX"}):
        await boxes.add_mailbox(name)
    for name in sorted({message.folder for message in messages}):
        # pymap draws it at random; a mailbox that is served again must be the same one.
        (await boxes.get_mailbox(name))._uid_validity = _UIDVALIDITY  # noqa: SLF001
    for message in messages:
        flags = frozenset(Flag(flag.encode("ascii")) for flag in message.flags)
        box = await boxes.get_mailbox(message.folder)
        await box.append(AppendMessage(message.data, message.internaldate, flags))
    config.set_cache[USER] = (boxes, FilterSet())


def main() -> None:
    """Serve the fictional mailbox until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m demo.server", description=main.__doc__)
    parser.add_argument("--port", type=int, default=PORT)
    with running(parser.parse_args().port) as port:
        print(f"The fictional mailbox is on {HOST}:{port}.")  # noqa: T201 - a command's own words
        print(f"User {USER}, password {PASSWORD}. Ctrl-C stops it.", flush=True)  # noqa: T201
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print()  # noqa: T201


if __name__ == "__main__":
    main()
