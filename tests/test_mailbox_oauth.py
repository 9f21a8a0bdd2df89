"""OAuth2 against a mock authority: login by browser and by device, renewal, and every refusal."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from mailbox_fakes import account
from oauth_server import CLIENT, SCOPE, Authority, browse

from archiver.accounts import Account, OAuth
from archiver.care.tokens import TokenStore
from archiver.errors import (
    ArchiverError,
    AuthenticationError,
    ConfigurationError,
    OperationError,
    TemporaryNetworkError,
)
from archiver.mailbox.oauth.access import AccessTokens
from archiver.mailbox.oauth.grants import Client, DeviceCode
from archiver.mailbox.oauth.login import (
    InBrowser,
    challenge,
    log_in_by_browser,
    log_in_by_device,
    log_out,
)
from archiver.mailbox.oauth.loopback import Loopback
from archiver.mailbox.oauth.providers import authority_of
from archiver.mailbox.oauth.tokens import Grant
from archiver.mailbox.oauth.wire import Reply, UnreachableError, post

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ARCHIVE = "ab" * 16


class Clock:
    """A clock that a test sets forward; sleeping sets it forward as well."""

    def __init__(self) -> None:
        self.now = START
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let SECONDS pass."""
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def authority() -> Iterator[Authority]:
    """Run an authority."""
    with Authority() as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    """Make a clock."""
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> TokenStore:
    """Make a place for tokens, in files."""
    return TokenStore(tmp_path / "state" / ARCHIVE, ARCHIVE)


def settings(authority: Authority, **more: str) -> OAuth:
    """Name AUTHORITY as the settings do."""
    named = {
        "client_id": CLIENT,
        "scope": SCOPE,
        "authorize_url": f"{authority.url}/authorize",
        "token_url": f"{authority.url}/token",
        "device_url": f"{authority.url}/device",
    }
    return OAuth(provider="custom", **(named | more))


def mailbox(oauth: OAuth) -> Account:
    """Return the account ``work``, which logs in so."""
    return account(oauth=oauth)


def client(
    authority: Authority,
    clock: Callable[[], datetime],
    secret: str | None = None,
    **more: str,
) -> Client:
    """Return the application that asks AUTHORITY."""
    oauth = settings(authority, **more)
    return Client(mailbox(oauth), oauth, post=post, clock=clock, secret=lambda: secret)


def entropy(size: int) -> bytes:
    """Be random enough for a test."""
    return bytes(range(size))


def show(pages: list[str]) -> Callable[[InBrowser], None]:
    """Return what opens a browser; what it shows in the end goes into PAGES."""

    def opened(where: InBrowser) -> None:
        threading.Thread(target=lambda: pages.append(browse(where.url))).start()

    return opened


def logged_in(authority: Authority, store: TokenStore, clock: Clock) -> AccessTokens:
    """Log in, and return what gives access tokens from then on."""
    asking = client(authority, clock)
    grant = Grant(
        refresh_token=authority.allow(),
        client_id=CLIENT,
        token_url=f"{authority.url}/token",
        allowed=START,
        renewed=START,
    )
    store.keep("work", grant)
    return AccessTokens(asking, store)


# --- by browser ----------------------------------------------------------------------------------


def test_a_login_in_the_browser_keeps_what_lasts(
    authority: Authority, store: TokenStore, clock: Clock
) -> None:
    """The code is exchanged with the verifier, and the page says that it may be closed."""
    pages: list[str] = []
    asking = client(authority, clock)
    grant = log_in_by_browser(asking, store, show=show(pages), entropy=entropy)
    assert store.read("work") == grant
    assert (grant.allowed, grant.client_id) == (START, CLIENT)
    assert grant.refresh_token == authority.lives[0].refresh
    (form,) = authority.asked
    assert form["grant_type"] == "authorization_code"
    assert len(form["code_verifier"]) == 43
    while not pages:  # the answer is taken before the page has been read
        pass
    assert "You may close this page." in pages[0]


def test_the_browser_is_sent_with_all_that_the_standards_want(
    authority: Authority, store: TokenStore, clock: Clock
) -> None:
    """RFC 6749 section 4.1.1, RFC 7636 section 4.3, RFC 8252 section 7.3."""
    seen: list[InBrowser] = []

    def opened(where: InBrowser) -> None:
        seen.append(where)
        browse(where.url)

    log_in_by_browser(client(authority, clock), store, show=opened, entropy=os.urandom)
    asked = {key: values[0] for key, values in parse_qs(urlsplit(seen[0].url).query).items()}
    assert asked["response_type"] == "code"
    assert asked["redirect_uri"] == f"http://127.0.0.1:{seen[0].port}/"
    assert asked["code_challenge_method"] == "S256"
    assert asked["scope"] == SCOPE
    assert asked["login_hint"] == "me@consultant.example"
    assert len(asked["state"]) == 43
    assert asked["state"] not in authority.asked[0].values()
    # What starts the browser stands in the list of processes: the verifier is not in it.
    assert authority.asked[0]["code_verifier"] not in seen[0].url


def test_the_challenge_is_the_one_of_the_standard() -> None:
    """RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_what_does_not_know_the_state_is_refused_and_waited_beyond() -> None:
    """Any page that this machine's browser shows could send it here."""
    with Loopback("right", "/") as loopback:
        base = f"http://127.0.0.1:{loopback.port}"
        for path in (
            "/?code=stolen&state=wrong",
            "/?code=stolen",
            "/other?code=stolen&state=right",
            "/?state=right",
            "/?error=access_denied&state=wr%C3%B6ng",
            "//[",
        ):
            with pytest.raises(HTTPError) as caught:
                browse(base + path)
            caught.value.close()
        assert loopback.wait(0) is None
        browse(f"{base}/?code=good&state=right")
        assert getattr(loopback.wait(1), "text", "") == "good"


def test_a_page_shows_nothing_of_what_was_asked() -> None:
    """No words of a stranger, no frame, no store, no referrer."""
    with (
        Loopback("right") as loopback,
        socket.create_connection(("127.0.0.1", loopback.port)) as line,
    ):
        asked = "/?error=" + quote("<script>") + "&error_description=x&state=right"
        line.sendall(f"GET {asked} HTTP/1.0\r\n\r\n".encode())
        with line.makefile("rb") as answer:
            page = answer.read().decode()
    assert "script" not in page
    for header in ("Cache-Control: no-store", "Referrer-Policy: no-referrer", "default-src 'none'"):
        assert header in page


def test_a_connection_that_says_nothing_keeps_nobody_waiting() -> None:
    """Browsers open connections in advance."""
    with Loopback("right") as loopback, socket.create_connection(("127.0.0.1", loopback.port)):
        browse(f"http://127.0.0.1:{loopback.port}/?code=good&state=right")
        assert loopback.wait(1) is not None


def test_only_this_machine_can_answer() -> None:
    """The server listens on loopback and on nothing else."""
    with Loopback("right") as loopback:
        assert loopback._server.server_address[0] == "127.0.0.1"


def test_a_person_who_says_no_is_told_what_was_said(
    authority: Authority, store: TokenStore, clock: Clock
) -> None:
    """Nothing is stored."""
    authority.denies = True
    with pytest.raises(AuthenticationError) as caught:
        log_in_by_browser(client(authority, clock), store, show=show([]), entropy=entropy)
    assert "did not allow the login: access_denied: no, said Léa" in caught.value.what
    assert "ask its administrator" in caught.value.advice
    assert store.read("work") is None


def test_nobody_who_answers_is_told_after_a_while(
    authority: Authority, store: TokenStore, clock: Clock
) -> None:
    """The port is given back."""
    ports: list[int] = []
    with pytest.raises(AuthenticationError, match="in time; nothing was stored"):
        log_in_by_browser(
            client(authority, clock),
            store,
            show=lambda where: ports.append(where.port),
            entropy=entropy,
            patience=0.05,
        )
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", ports[0]), timeout=1)


def test_an_authority_without_a_page_cannot_be_asked(
    authority: Authority, store: TokenStore, clock: Clock
) -> None:
    """A custom one whose address was not given."""
    asking = client(authority, clock, authorize_url="")
    with pytest.raises(ConfigurationError, match=r"oauth\.authorize_url is missing") as caught:
        log_in_by_browser(asking, store, show=show([]), entropy=entropy)
    assert "--authorize-url" in caught.value.advice


def test_a_login_that_would_not_last_is_refused(store: TokenStore, clock: Clock) -> None:
    """Without a refresh token it would end within the hour."""
    with Authority() as authority:
        asking = client(authority, clock)
        answer = json.dumps({"access_token": "a", "token_type": "Bearer"}).encode()
        asking._post = lambda _url, _form: Reply(status=200, body=answer)
        with pytest.raises(AuthenticationError, match="gave no refresh token") as caught:
            log_in_by_browser(asking, store, show=show([]), entropy=entropy)
    assert "offline_access" in caught.value.advice


# --- by device code ------------------------------------------------------------------------------


def by_device(asking: Client, store: TokenStore, clock: Clock) -> list[DeviceCode]:
    """Log in by device; return what was shown."""
    shown: list[DeviceCode] = []
    log_in_by_device(asking, store, show=shown.append, sleep=clock.sleep)
    return shown


def test_a_device_code_is_asked_about_as_slowly_as_wanted(
    authority: Authority, store: TokenStore, clock: Clock
) -> None:
    """RFC 8628, section 3.5: slow_down adds five seconds to every wait that follows."""
    authority.device_answers = ["authorization_pending", "slow_down", "authorization_pending"]
    (code,) = by_device(client(authority, clock), store, clock)
    assert (code.user_code, code.address) == ("BCDF-GHJK", f"{authority.url}/device-page")
    assert clock.slept == [1, 1, 6, 6]
    grant = store.read("work")
    assert grant is not None
    assert grant.refresh_token == authority.lives[0].refresh


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        ("expired_token", "Nobody allowed the login in time"),
        ("access_denied", "did not allow the login: access_denied"),
        ("invalid_grant", "gave no token|takes the login"),
    ],
)
def test_a_device_code_that_is_refused_says_why(
    authority: Authority, store: TokenStore, clock: Clock, answer: str, what: str
) -> None:
    """Each of the answers of RFC 8628."""
    authority.device_answers = [answer]
    with pytest.raises(AuthenticationError, match=what):
        by_device(client(authority, clock), store, clock)
    assert store.read("work") is None


def test_a_device_code_is_not_asked_about_for_ever(
    authority: Authority, store: TokenStore, clock: Clock
) -> None:
    """It ends when the authority said."""
    authority.device_life = 10
    authority.device_answers = ["authorization_pending"] * 100
    with pytest.raises(AuthenticationError, match="in time"):
        by_device(client(authority, clock), store, clock)
    assert len(clock.slept) < 11


def test_google_is_not_even_asked_for_a_device_code(store: TokenStore, clock: Clock) -> None:
    """It does not allow mail there, and says so in words that help nobody."""
    oauth = OAuth(provider="google", client_id=CLIENT)
    asking = Client(mailbox(oauth), oauth, post=never, clock=clock, secret=lambda: None)
    with pytest.raises(AuthenticationError, match="Google does not allow mail") as caught:
        by_device(asking, store, clock)
    assert "--no-browser" in caught.value.advice


def test_an_organisation_that_blocks_device_codes_is_told(
    authority: Authority, store: TokenStore, clock: Clock
) -> None:
    """As many of Microsoft's do."""
    asking = client(authority, clock)
    said = {"error": "unauthorized_client", "error_description": "AADSTS70002: no.\r\nTrace ID: 1"}
    asking._post = lambda _url, _form: Reply(status=400, body=json.dumps(said).encode())
    with pytest.raises(
        AuthenticationError, match=r"gives no device code: .*AADSTS70002: no"
    ) as got:
        by_device(asking, store, clock)
    assert "Trace" not in got.value.what
    assert "without --device" in got.value.advice


def test_an_authority_without_device_codes_is_told(
    authority: Authority, store: TokenStore, clock: Clock
) -> None:
    """A custom one whose address was not given."""
    with pytest.raises(ConfigurationError, match=r"oauth\.device_url is missing"):
        by_device(client(authority, clock, device_url=""), store, clock)


def never(_url: str, _form: object) -> Reply:
    """Ask nobody."""
    raise AssertionError("nobody was to be asked")


# --- renewal -------------------------------------------------------------------------------------


def test_a_token_is_asked_for_once_while_it_lasts(
    authority: Authority, store: TokenStore, clock: Clock
) -> None:
    """And again shortly before it ends."""
    tokens = logged_in(authority, store, clock)
    first = tokens.get()
    clock.now += timedelta(minutes=57)
    assert tokens.get() == first
    clock.now += timedelta(minutes=2)
    assert tokens.get() != first
    assert len(authority.asked) == 2


def test_a_rotated_token_is_kept_before_its_access_token_is_used(
    authority: Authority, store: TokenStore, clock: Clock
) -> None:
    """Another process goes on with the new one."""
    tokens = logged_in(authority, store, clock)
    before = store.read("work")
    clock.now += timedelta(days=3)
    tokens.get()
    after = store.read("work")
    assert before is not None
    assert after is not None
    assert after.refresh_token == authority.lives[0].refresh != before.refresh_token
    assert (after.allowed, after.renewed) == (START, START + timedelta(days=3))


def test_a_token_that_cannot_be_kept_is_not_asked_for(
    authority: Authority, store: TokenStore, clock: Clock
) -> None:
    """A full disk must not cost the login: nothing is rotated that could not be written."""
    tokens = logged_in(authority, store, clock)

    class Full(TokenStore):
        def keep(self, account: str, grant: Grant) -> None:  # noqa: ARG002 - it takes none
            raise OperationError("full", advice="make room")

    tokens._store = Full(store._folder, ARCHIVE)
    with pytest.raises(OperationError, match="full"):
        tokens.get()
    assert authority.asked == []


def test_a_token_that_is_refused_is_renewed_once(
    authority: Authority, store: TokenStore, clock: Clock
) -> None:
    """One that was given this very moment would be no better."""
    tokens = logged_in(authority, store, clock)
    first = tokens.get()
    assert not tokens.refused()
    second = tokens.get()
    assert second != first
    assert tokens.get() == second
    assert tokens.refused()
    assert tokens.get() != second


_RENEW = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from mailbox_fakes import account
from archiver.accounts import OAuth
from archiver.care.tokens import TokenStore
from archiver.mailbox.oauth.access import AccessTokens
from archiver.mailbox.oauth.grants import Client
from archiver.mailbox.oauth.wire import post

folder, archive, url, client_id, scope = sys.argv[1:]
oauth = OAuth(provider="custom", client_id=client_id, token_url=url, scope=scope)
for _ in range(10):
    asking = Client(
        account(oauth=oauth), oauth, post=post, clock=lambda: datetime.now(UTC), secret=lambda: None
    )
    AccessTokens(asking, TokenStore(Path(folder), archive)).get()
"""


def test_processes_that_renew_at_once_lose_no_rotated_token(
    authority: Authority, store: TokenStore, clock: Clock
) -> None:
    """A token used twice would look stolen, and end the login."""
    logged_in(authority, store, clock)
    arguments = (store._folder, ARCHIVE, f"{authority.url}/token", CLIENT, SCOPE)
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _RENEW, *map(str, arguments)], cwd=Path(__file__).parent
        )
        for _ in range(4)
    ]
    assert [process.wait(60) for process in running] == [0] * 4
    assert authority.stolen == 0
    assert len(authority.asked) == 40
    grant = store.read("work")
    assert grant is not None
    assert grant.refresh_token == authority.lives[0].refresh


def test_without_rotation_the_token_stays(
    authority: Authority, store: TokenStore, clock: Clock
) -> None:
    """As Google does it; the end that it tells is remembered."""
    authority.rotates = False
    authority.refresh_life = 3600 * 24 * 5
    tokens = logged_in(authority, store, clock)
    tokens.get()
    grant = store.read("work")
    assert grant is not None
    assert grant.ends == START + timedelta(days=5)
    authority.refresh_life = None
    clock.now += timedelta(hours=2)
    tokens.get()
    after = store.read("work")
    assert after is not None
    assert after == replace(grant, renewed=clock.now)


def test_a_client_secret_is_sent_in_the_form(store: TokenStore, clock: Clock) -> None:
    """Google wants it of desktop clients too."""
    with Authority(client_secret="s3cret") as authority:
        logged_in(authority, store, clock)
        AccessTokens(client(authority, clock, secret="s3cret"), store).get()
        with pytest.raises(ConfigurationError) as caught:
            AccessTokens(client(authority, clock, secret="wrong-one"), store).get()
    assert "does not accept the client id archiver-tests: invalid_client" in caught.value.what
    assert "wrong-one" not in caught.value.what + caught.value.advice


def test_nobody_who_logged_in_is_told_how(
    authority: Authority, store: TokenStore, clock: Clock
) -> None:
    """Exit code 12."""
    with pytest.raises(AuthenticationError, match="Nobody has logged in") as caught:
        AccessTokens(client(authority, clock), store).get()
    assert "archiver account login work" in caught.value.advice
    assert caught.value.exit_code == 12


def test_a_login_that_was_taken_back_says_how_to_log_in_again(
    authority: Authority, store: TokenStore, clock: Clock
) -> None:
    """The token is in no message, although this authority repeats it."""
    tokens = logged_in(authority, store, clock)
    token = authority.lives[0].refresh
    authority.revoke()
    with pytest.raises(AuthenticationError) as caught:
        tokens.get()
    assert "takes the login of the account work no more: invalid_grant" in caught.value.what
    assert "archiver account login work" in caught.value.advice
    assert token not in caught.value.what
    assert caught.value.__cause__ is None


def test_at_google_the_seven_days_are_named(store: TokenStore, clock: Clock) -> None:
    """The usual reason there."""
    oauth = OAuth(provider="google", client_id=CLIENT)
    said = json.dumps({"error": "invalid_grant", "error_description": "Bad Request"}).encode()
    asking = Client(
        mailbox(oauth),
        oauth,
        post=lambda _url, _form: Reply(status=400, body=said),
        clock=clock,
        secret=lambda: None,
    )
    url = authority_of(oauth).token_url
    store.keep(
        "work",
        Grant(
            refresh_token="r3fresh", client_id=CLIENT, token_url=url, allowed=START, renewed=START
        ),
    )
    with pytest.raises(AuthenticationError) as caught:
        AccessTokens(asking, store).get()
    assert "after 7 days" in caught.value.advice
    assert "archiver account login work" in caught.value.advice


@pytest.mark.parametrize("more", [{"client_id": "another"}, {"token_url": "https://evil.example/"}])
def test_a_token_goes_to_nobody_but_who_gave_it(
    authority: Authority, store: TokenStore, clock: Clock, more: dict[str, str]
) -> None:
    """Settings that changed since must not send it elsewhere."""
    logged_in(authority, store, clock)
    asking = client(authority, clock, **more)
    asking._post = never
    with pytest.raises(AuthenticationError, match="belongs to another client id") as caught:
        AccessTokens(asking, store).get()
    assert "archiver account login work" in caught.value.advice


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("invalid_grant", (AuthenticationError, "takes the login", "account login work")),
        ("interaction_required", (AuthenticationError, "takes the login", "account login work")),
        ("unauthorized_client", (ConfigurationError, "does not accept the client", "client_id")),
        ("invalid_scope", (ConfigurationError, "does not let the client id", "registration")),
        ("consent_required", (ConfigurationError, "does not let the client id", "administrator")),
        ("temporarily_unavailable", (TemporaryNetworkError, "could not be asked", "again")),
        ("invalid_request", (AuthenticationError, "gave no token", "account login work")),
    ],
)
def test_each_refusal_says_what_can_be_done(
    authority: Authority,
    store: TokenStore,
    clock: Clock,
    said: str,
    told: tuple[type[ArchiverError], str, str],
) -> None:
    """RFC 6749, section 5.2, and what Microsoft adds."""
    kind, words, advice = told
    tokens = logged_in(authority, store, clock)
    authority.refuses = {"error": said, "error_description": "because\x1b[2J\nmore"}
    with pytest.raises(kind) as caught:
        tokens.get()
    assert words in caught.value.what
    assert f"{said}: because" in caught.value.what
    assert "\x1b" not in caught.value.what
    assert advice in caught.value.advice


def test_a_public_client_that_is_not_allowed_is_explained(store: TokenStore, clock: Clock) -> None:
    """The commonest mistake in a registration at Microsoft."""
    oauth = OAuth(provider="microsoft", client_id=CLIENT)
    said = {"error": "invalid_request", "error_description": "AADSTS7000218: client_assertion"}
    url = authority_of(oauth).token_url
    store.keep(
        "work",
        Grant(
            refresh_token="r3fresh", client_id=CLIENT, token_url=url, allowed=START, renewed=START
        ),
    )
    asking = Client(
        mailbox(oauth),
        oauth,
        post=lambda _url, _form: Reply(status=401, body=json.dumps(said).encode()),
        clock=clock,
        secret=lambda: None,
    )
    with pytest.raises(ConfigurationError) as caught:
        AccessTokens(asking, store).get()
    assert "public client flows" in caught.value.advice


@pytest.mark.parametrize("status", [500, 503, 429, 302, 404])
def test_an_authority_that_is_ill_may_be_well_later(
    authority: Authority, store: TokenStore, clock: Clock, status: int
) -> None:
    """Exit code 75; a redirect is not followed."""
    tokens = logged_in(authority, store, clock)
    authority.status = status
    with pytest.raises(TemporaryNetworkError, match=f"it answered with status {status}"):
        tokens.get()


def test_an_authority_that_cannot_be_reached_may_be_later(store: TokenStore, clock: Clock) -> None:
    """Exit code 75, and the host is named."""
    with Authority() as authority:
        tokens = logged_in(authority, store, clock)
    with pytest.raises(
        TemporaryNetworkError, match=r"127\.0\.0\.1:[0-9]+ could not be asked"
    ) as caught:
        tokens.get()
    assert "Check the network" in caught.value.advice


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"token_type": "Bearer"}, "access_token is missing"),
        ({"access_token": "two words"}, "access_token is missing"),
        ({"access_token": 5}, "access_token is missing"),
        ({"access_token": "a", "token_type": "mac"}, "token_type is not Bearer"),
        ({"access_token": "a", "token_type": None}, "token_type is not Bearer"),
    ],
)
def test_an_answer_that_is_none_is_told(
    authority: Authority, store: TokenStore, clock: Clock, answer: dict[str, object], why: str
) -> None:
    """And nothing of it is used."""
    tokens = logged_in(authority, store, clock)
    body = json.dumps(answer).encode()
    tokens._client._post = lambda _url, _form: Reply(status=200, body=body)
    with pytest.raises(AuthenticationError, match=why):
        tokens.get()


@pytest.mark.parametrize("life", ["3600", 3600.5, None, -1, True, "soon", 10**12, float("inf")])
def test_any_way_of_telling_a_length_of_time_is_taken(
    authority: Authority, store: TokenStore, clock: Clock, life: object
) -> None:
    """Numbers as text are common; nonsense counts as not told."""
    authority.expires_in = life
    assert logged_in(authority, store, clock).get().text.startswith("access-")


def test_html_instead_of_json_is_no_crash(store: TokenStore, clock: Clock) -> None:
    """A captive portal answers everything with a page."""
    with Authority() as authority:
        tokens = logged_in(authority, store, clock)
        for body in (b"<html>", b"[1]", b"\xff", b""):
            tokens._client._post = lambda _url, _form, body=body: Reply(status=200, body=body)  # type: ignore[misc]
            with pytest.raises(TemporaryNetworkError, match="status 200"):
                tokens.get()


# --- logging out ---------------------------------------------------------------------------------


def test_logging_out_forgets_and_takes_back(
    authority: Authority, store: TokenStore, clock: Clock
) -> None:
    """Where the authority can be asked to (RFC 7009)."""
    tokens = logged_in(authority, store, clock)
    asking = tokens._client
    asking.authority = replace(asking.authority, revoke_url=f"{authority.url}/revoke")
    assert log_out(asking, store)
    assert store.read("work") is None
    assert authority.lives == []
    assert not log_out(asking, store)


def test_logging_out_without_the_network_forgets_all_the_same(
    authority: Authority, store: TokenStore, clock: Clock
) -> None:
    """And says that it was not taken back."""
    asking = logged_in(authority, store, clock)._client
    asking.authority = replace(asking.authority, revoke_url=f"{authority.url}/revoke")

    def unreachable(_url: str, _form: object) -> Reply:
        raise UnreachableError("no network")

    asking._post = unreachable
    with pytest.raises(TemporaryNetworkError, match="no network"):
        log_out(asking, store)
    assert store.read("work") is None


# --- providers -----------------------------------------------------------------------------------


def test_the_providers_are_known() -> None:
    """Addresses, scope, and where the browser comes back to."""
    google = authority_of(OAuth(provider="google", client_id="x"))
    assert google.scope == "https://mail.google.com/"
    assert google.extra["access_type"] == "offline"
    assert google.redirect.format(port=7) == "http://127.0.0.1:7"
    microsoft = authority_of(OAuth(provider="microsoft", client_id="x", tenant="acme/x"))
    assert microsoft.token_url == ("https://login.microsoftonline.com/acme%2Fx/oauth2/v2.0/token")
    assert "offline_access" in microsoft.scope
    assert microsoft.redirect.format(port=7) == "http://localhost:7"
    assert microsoft.redirect_path == google.redirect_path == "/"


def test_what_the_settings_say_beats_what_is_known() -> None:
    """But a token is revoked only where it was given."""
    moved = authority_of(OAuth(provider="google", client_id="x", token_url="https://a.example/t"))
    assert moved.token_url == "https://a.example/t"
    assert moved.revoke_url == ""
    assert moved.authorize_url.startswith("https://accounts.google.com/")


def test_nothing_that_is_secret_shows_itself() -> None:
    """Not in a traceback, not in a log."""
    grant = Grant(
        refresh_token="r3fresh", client_id="c", token_url="u", allowed=START, renewed=START
    )
    assert "r3fresh" not in repr(grant)
    assert "b0dy" not in repr(Reply(status=200, body=b"b0dy"))


def test_a_form_is_sent_as_a_form(authority: Authority) -> None:
    """And what comes back is no more than was promised."""
    reply = post(f"{authority.url}/introspect?x=1", {"token": "ä&="})
    assert reply.status == 200
    assert authority.asked[0]["token"] == "ä&="
    assert urlencode({"token": "ä&="}) == "token=%C3%A4%26%3D"


def test_a_server_that_is_no_web_server_is_unreachable() -> None:
    """Whatever answers at that port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def greet() -> None:
            line, _address = server.accept()
            with line:
                line.sendall(b"* OK IMAP\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        with pytest.raises(UnreachableError):
            post(f"http://127.0.0.1:{port}/token", {})
        thread.join()
