"""Wait on this machine for the browser to come back from the authority (RFC 8252, section 7.3)."""

import contextlib
import html
import queue
import secrets
import threading
import time
from dataclasses import dataclass, field
from gettext import gettext as _
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from archiver.mailbox.oauth.trouble import Refusal, clean

_PATIENCE = 10.0
"""Seconds that a connection may say nothing: browsers open some before they need them."""

_SHORT_WAIT = 0.5


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code."""

    text: str = field(repr=False)


class Loopback:
    """A web server on 127.0.0.1 that answers one path, and one answer of the authority.

    What does not carry STATE is refused and waited beyond: other programs and web pages of this
    machine may send anything here.
    """

    def __init__(self, state: str, path: str = "/") -> None:
        """Listen on a port that the system chooses, for PATH with STATE."""
        self._server = _Server(state, path)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="oauth", daemon=True
        )

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

    def wait(self, seconds: float) -> Code | Refusal | None:
        """Return what the authority sent the browser back with; None when nothing came in time."""
        until = time.monotonic() + seconds
        while True:
            left = until - time.monotonic()
            # In short waits, since Windows lets nobody interrupt one.
            with contextlib.suppress(queue.Empty):
                return self._server.answers.get(timeout=max(0.0, min(left, _SHORT_WAIT)))
            if left <= 0:
                return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # an idle connection of a browser keeps nobody waiting

    def __init__(self, state: str, path: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.state = state
        self.path = path
        self.answers: queue.SimpleQueue[Code | Refusal] = queue.SimpleQueue()


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "archiver"
    sys_version = ""
    timeout = _PATIENCE

    def do_GET(self) -> None:
        """Take the answer that carries the state; refuse everything else."""
        try:
            url = urlsplit(self.path)
            said = parse_qs(url.query)
        except ValueError:
            self._page(HTTPStatus.BAD_REQUEST, _("This address is not known here."))
            return
        if url.path != self.server.path:
            self._page(HTTPStatus.NOT_FOUND, _("This address is not known here."))
            return
        first = {key: values[0] for key, values in said.items()}
        state = first.get("state", "").encode("utf-8", "replace")
        if not secrets.compare_digest(state, self.server.state.encode("ascii")):
            self._page(HTTPStatus.BAD_REQUEST, _("This answer belongs to no login of ours."))
        elif "error" in first:
            words = clean(first.get("error_description", ""))
            self._page(HTTPStatus.OK, _("The login was not allowed. You may close this page."))
            self.server.answers.put(Refusal(code=clean(first["error"]), words=words))
        elif code := first.get("code"):
            self._page(HTTPStatus.OK, _("You are logged in. You may close this page."))
            self.server.answers.put(Code(code))
        else:
            self._page(HTTPStatus.BAD_REQUEST, _("This answer has no code in it."))

    def _page(self, status: HTTPStatus, words: str) -> None:
        body = (
            '<!doctype html><html><head><meta charset="utf-8"><title>archiver</title></head>'
            f"<body><p>{html.escape(words)}</p></body></html>\n"
        ).encode()
        self.send_response(status)
        for name, value in (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
            ("Content-Security-Policy", "default-src 'none'"),
            ("Connection", "close"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the inherited name
        """Say nothing: the address that was asked for holds the code."""
