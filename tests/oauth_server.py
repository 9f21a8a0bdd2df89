"""A mock authority on loopback: authorize, token, device, revoke, and introspection for Dovecot."""

import base64
import hashlib
import json
import secrets
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlencode, urlsplit
from urllib.request import urlopen

CLIENT = "archiver-tests"
SCOPE = "imap offline_access"
_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass
class Life:
    """A login that somebody allowed, and what was given for it."""

    user: str
    refresh: str
    access: set[str] = field(default_factory=set)
    """Access tokens that hold."""


class Authority(AbstractContextManager["Authority"]):
    """Gives tokens to one client. What a test wants it to do otherwise is an attribute."""

    def __init__(self, *, user: str = "me", client_secret: str | None = None) -> None:
        self.user = user
        self.client_secret = client_secret
        self.rotates = True
        self.expires_in: object = 3600
        self.refresh_life: int | None = None
        self.refuses: dict[str, str] | None = None
        """An error that the token endpoint answers with."""
        self.status = 200
        """Another one: the token endpoint is ill."""
        self.denies = False
        self.device_answers: list[str] = []
        """What the first questions about a device code are answered with."""
        self.device_life = 600
        self.asked: list[dict[str, str]] = []
        """Each form that came in, with its path."""
        self.lives: list[Life] = []
        self.stolen = 0
        """Refresh tokens that were used a second time: an authority would end the login."""
        self._codes: dict[str, dict[str, str]] = {}
        self._used: set[str] = set()
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
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

    # --- what tests do -----------------------------------------------------------------------

    @property
    def settings(self) -> tuple[str, ...]:
        """The options of ``account add`` that name this authority."""
        return (
            *("--oauth", "custom", "--client-id", CLIENT, "--scope", SCOPE),
            *("--authorize-url", f"{self.url}/authorize", "--token-url", f"{self.url}/token"),
            *("--device-url", f"{self.url}/device"),
        )

    @property
    def secrets(self) -> set[str]:
        """Everything that must show nowhere."""
        return {*self._used, *self._codes, *(life.refresh for life in self.lives)}.union(
            *(life.access for life in self.lives)
        )

    def begin_anew(self, user: str) -> None:
        """Forget everything, for the next test; USER logs in from now on."""
        self.user = user
        self.asked.clear()
        self.revoke()
        self._codes.clear()
        self._used.clear()
        self.stolen = 0

    def allow(self, user: str | None = None) -> str:
        """Log a person in without ado; return the refresh token."""
        life = Life(user or self.user, _secret("refresh"))
        self.lives.append(life)
        return life.refresh

    def end_access(self) -> None:
        """Let every access token end before its time."""
        for life in self.lives:
            life.access.clear()

    def revoke(self) -> None:
        """Take back all that was allowed."""
        self.end_access()
        self.lives.clear()

    # --- endpoints ---------------------------------------------------------------------------

    def authorize(self, asked: dict[str, str]) -> str:
        """Allow it at once, as a person would, and return where the browser goes next."""
        state = asked["state"]
        if self.denies:
            said = {"error": "access_denied", "error_description": "no, said Léa", "state": state}
        else:
            code = _secret("code")
            self._codes[code] = asked
            said = {"code": code, "state": state}
        return (
            asked["redirect_uri"] + ("" if "?" in asked["redirect_uri"] else "?") + urlencode(said)
        )

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        """Answer a form."""
        with self._lock:
            self.asked.append({"path": path, **form})
            match path:
                case "/token":
                    return self._token(form)
                case "/introspect":
                    return 200, self._introspect(form.get("token", ""))
                case "/device":
                    return 200, self._device()
                case "/revoke":
                    self.lives = [each for each in self.lives if each.refresh != form["token"]]
                    return 200, {}
        return 404, {}

    def _token(self, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        if self.status != 200 or self.refuses is not None:
            return self.status if self.status != 200 else 400, dict(self.refuses or {})
        if form.get("client_id") != CLIENT or form.get("client_secret") != self.client_secret:
            return 401, {"error": "invalid_client", "error_description": "who are you?"}
        match form["grant_type"]:
            case "authorization_code":
                asked = self._codes.get(form["code"])
                if form["code"] in self._used or asked is None or not _proves(asked, form):
                    return 400, {"error": "invalid_grant", "error_description": "bad code"}
                self._used.add(form["code"])
            case "refresh_token":
                return self._refresh(form["refresh_token"])
            case _:
                if self.device_answers:
                    return 400, {"error": self.device_answers.pop(0)}
        self.allow()
        return self._give(self.lives[-1])

    def _refresh(self, token: str) -> tuple[int, dict[str, object]]:
        life = next((each for each in self.lives if each.refresh == token), None)
        if life is None:
            if token in self._used:
                self.stolen += 1
                self.revoke()
            said = f"Token has been expired or revoked: {token}"  # a careless authority
            return 400, {"error": "invalid_grant", "error_description": said}
        if self.rotates:
            self._used.add(life.refresh)
            life.refresh = _secret("refresh")
        return self._give(life)

    def _give(self, life: Life) -> tuple[int, dict[str, object]]:
        access = _secret("access")
        life.access.add(access)
        given: dict[str, object] = {"access_token": access, "token_type": "bearer", "scope": SCOPE}
        if self.expires_in is not None:
            given["expires_in"] = self.expires_in
        if self.refresh_life is not None:
            given["refresh_token_expires_in"] = self.refresh_life
        return 200, {**given, "refresh_token": life.refresh}

    def _device(self) -> dict[str, object]:
        return {
            "device_code": _secret("device"),
            "user_code": "BCDF-GHJK",
            "verification_uri": f"{self.url}/device-page",
            "expires_in": self.device_life,
            "interval": 1,
        }

    def _introspect(self, token: str) -> dict[str, object]:
        for life in self.lives:
            if token in life.access:
                return {"active": True, "username": life.user, "scope": SCOPE}
        return {"active": False}


def browse(url: str) -> str:
    """Be the person's browser: go to URL, follow where it leads, and return the last page."""
    with urlopen(url) as page:
        return str(page.read().decode())


def _secret(kind: str) -> str:
    return f"{kind}-{secrets.token_urlsafe(24)}"


def _proves(asked: dict[str, str], form: dict[str, str]) -> bool:
    digest = hashlib.sha256(form["code_verifier"].encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return (
        asked["code_challenge_method"] == "S256"
        and asked["code_challenge"] == challenge
        and asked["redirect_uri"] == form["redirect_uri"]
    )


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], authority: Authority) -> None:
        super().__init__(address, _Handler)
        self.authority = authority


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        asked = {key: values[0] for key, values in parse_qs(url.query).items()}
        if url.path != "/authorize":
            self.send_error(404)
            return
        self.send_response(302)
        self.send_header("Location", self.server.authority.authorize(asked))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {key: values[0] for key, values in parse_qs(data).items()}
        status, values = self.server.authority.answer(urlsplit(self.path).path, form)
        body = json.dumps(values).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass
