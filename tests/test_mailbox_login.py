"""Logging in: by password or token, as the server offers it, and told in words when it fails."""

import base64
import json

import pytest
from mailbox_fakes import CLOSE, ScriptedServer, account

from archiver.accounts import OAuth
from archiver.errors import ArchiverError, AuthenticationError, TemporaryNetworkError
from archiver.mailbox.secrets import Password, Secret, Token, TokenRefusedError
from archiver.mailbox.server.glance import glance
from archiver.mailbox.server.imap import connect
from archiver.mailbox.server.session import ThrottledError

TOKEN = "ya29.t0ken-that-is-secret"
GRANTED = Token(TOKEN)
CHALLENGE = base64.b64encode(
    json.dumps({"status": "401", "schemes": "bearer", "scope": f"mail {TOKEN}"}).encode()
)


def offers(*capabilities: str) -> dict[str, bytes]:
    """Return the rule of a server that offers CAPABILITIES."""
    return {"CAPABILITY": f"* CAPABILITY IMAP4rev1 {' '.join(capabilities)}\r\n".encode()}


def log_in(server: ScriptedServer, secret: Secret | str = GRANTED, **more: object) -> None:
    """Log in to SERVER, and out."""
    connect(account(port=server.port, **more), secret, timeout=5).close()


def failure(
    server: ScriptedServer, secret: Secret | str = GRANTED, **more: object
) -> ArchiverError:
    """Return the error of trying to log in; the secret shows nowhere in it."""
    with pytest.raises(ArchiverError) as caught:
        log_in(server, secret, **more)
    error = caught.value
    hidden = secret if isinstance(secret, str) else secret.text
    forms = {hidden, *(line.decode() for line in server.lines if len(line) > 8)}
    assert not any(form in repr(error) + error.what + error.advice for form in forms)
    assert error.__cause__ is None
    assert error.__context__ is None or error.__suppress_context__
    return error


def sent(server: ScriptedServer) -> bytes:
    """Return what was sent as the first answer, decoded."""
    (command,) = (each for each in server.commands if each.startswith("AUTHENTICATE"))
    words = command.split()
    return base64.b64decode(words[2] if len(words) > 2 else server.lines[0])


def test_secrets_do_not_show_themselves() -> None:
    """Neither in a log nor in a traceback with values."""
    assert "hush" not in repr(Password("hush")) + repr(Token("hush"))


@pytest.mark.parametrize("at_once", [(), ("SASL-IR",)])
def test_a_token_goes_by_oauthbearer_first(at_once: tuple[str, ...]) -> None:
    """RFC 7628, with the name escaped as RFC 5801 has it; in one round trip with RFC 4959."""
    script = offers("AUTH=PLAIN", "AUTH=XOAUTH2", "AUTH=OAUTHBEARER", *at_once)
    script["AUTHENTICATE OAUTHBEARER\\Z"] = b"+ \r\n"
    script["AUTHENTICATE OAUTHBEARER ."] = b""
    with ScriptedServer(script) as server:
        log_in(server, user="a=b,c@x.example")
        assert sent(server) == (
            b"n,a=a=3Db=2Cc@x.example,\1host=127.0.0.1\1port=%d\1auth=Bearer %s\1\1"
            % (server.port, TOKEN.encode())
        )
        assert len(server.lines) == (0 if at_once else 1)


def test_a_token_goes_by_xoauth2_else() -> None:
    """For the mailbox of another where the account names one."""
    script = offers("AUTH=XOAUTH2") | {"AUTHENTICATE XOAUTH2": b"+ \r\n"}
    with ScriptedServer(script) as server:
        log_in(server, mailbox="shared@x.example")
        assert sent(server) == b"user=shared@x.example\1auth=Bearer %s\1\1" % TOKEN.encode()


def test_a_token_too_long_for_a_command_line_goes_by_itself() -> None:
    """Servers take some 8,192 bytes a command."""
    script = offers("AUTH=XOAUTH2", "SASL-IR") | {"AUTHENTICATE XOAUTH2": b"+ \r\n"}
    with ScriptedServer(script) as server:
        log_in(server, Token("x" * 9000))
        assert "AUTHENTICATE XOAUTH2" in server.commands
        assert b"x" * 9000 in sent(server)


@pytest.mark.parametrize(
    ("mechanism", "answer"), [("XOAUTH2", b""), ("OAUTHBEARER", base64.b64encode(b"\1"))]
)
@pytest.mark.parametrize("at_once", [True, False])
def test_a_refused_token_is_told_and_answered(mechanism: str, answer: bytes, at_once: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """The error comes as a challenge, which must be answered before the server says NO."""
    script = offers(f"AUTH={mechanism}", *(("SASL-IR",) if at_once else ()))
    script[f"AUTHENTICATE {mechanism}"] = b"+ " + (CHALLENGE if at_once else b"") + b"\r\n"
    refusal = b"{tag} NO [AUTHENTICATIONFAILED] bad " + TOKEN.encode() + b"\r\n"
    replies = [refusal] if at_once else [b"+ " + CHALLENGE + b"\r\n", refusal]
    with ScriptedServer(script, replies=replies) as server:
        error = failure(server)
        assert server.lines[-1] == answer
    assert isinstance(error, TokenRefusedError)
    assert error.exit_code == 12
    assert "refused the access token of me@consultant.example" in error.what
    assert "status 401" in error.what
    assert "scope mail …" in error.what
    assert error.advice.startswith("Run the account's token_command by hand")
    assert "docs/providers" in error.advice


def test_a_refused_token_that_the_archiver_asked_for_itself_is_renewed_by_a_login() -> None:
    """The command is named, with the account."""
    script = offers("AUTH=XOAUTH2", "SASL-IR") | {"AUTHENTICATE": b"{tag} NO no\r\n"}
    with ScriptedServer(script) as server:
        error = failure(server, oauth=OAuth(provider="google", client_id="x"))
    assert error.advice.startswith("Log in anew with `archiver account login work`.")


@pytest.mark.parametrize("challenge", [b"", b"!!!", b"bnVsbA==", b"W1tbW1tb", b"/////w=="])
def test_a_challenge_that_makes_no_sense_is_no_obstacle(challenge: bytes) -> None:
    """Whatever it holds, the server's NO is told."""
    script = offers("AUTH=XOAUTH2", "SASL-IR")
    script["AUTHENTICATE"] = b"+ " + challenge + b"\r\n"
    with ScriptedServer(script, replies=[b"{tag} NO no\r\n"]) as server:
        assert isinstance(failure(server), TokenRefusedError)


def test_a_server_that_asks_without_end_is_left() -> None:
    """It gets a few answers, no more."""
    script = offers("AUTH=XOAUTH2") | {"AUTHENTICATE": b"+ \r\n"}
    with ScriptedServer(script, replies=[b"+ \r\n"]) as server:
        assert isinstance(failure(server), TemporaryNetworkError)


def test_a_server_without_oauth2_is_told() -> None:
    """The token is not sent as a password."""
    with ScriptedServer(offers("AUTH=PLAIN")) as server:
        error = failure(server)
        assert not any(command.startswith(("AUTH", "LOGIN")) for command in server.commands)
    assert isinstance(error, AuthenticationError)
    assert "neither OAUTHBEARER nor XOAUTH2" in error.what
    assert "password_command" in error.advice


def test_a_login_without_its_mailbox_says_what_to_look_at() -> None:
    """Microsoft's words for a mailbox that is not there, or not for this user."""
    script = offers("AUTH=XOAUTH2", "SASL-IR")
    script["AUTHENTICATE"] = b"{tag} BAD User is authenticated but not connected.\r\n"
    with ScriptedServer(script) as server:
        error = failure(server)
    assert "not connected" in error.what
    assert "full access" in error.advice


@pytest.mark.parametrize("at_once", [(), ("SASL-IR",)])
def test_a_password_may_open_the_mailbox_of_another(at_once: tuple[str, ...]) -> None:
    """The authorization identity of SASL PLAIN (RFC 4616)."""
    script = offers("AUTH=PLAIN", *at_once)
    script["AUTHENTICATE PLAIN ."] = b""
    with ScriptedServer(script) as server:
        log_in(server, Password("pässword"), mailbox="shared@x.example")
        assert sent(server) == "shared@x.example\0me@consultant.example\0pässword".encode()


def test_without_plain_no_other_mailbox_can_be_asked_for() -> None:
    """LOGIN would open the user's own, and its mail would be taken for the other's."""
    with ScriptedServer(offers()) as server:
        error = failure(server, Password("hush-hush"), mailbox="shared@x.example")
    assert isinstance(error, AuthenticationError)
    assert "shared@x.example" in error.what
    assert "Take `mailbox` out of the account" in error.advice


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (b"{tag} NO [LIMIT] Rate limit hit\r\n", None),
        (b"{tag} NO [UNAVAILABLE] Maximum number of connections exceeded\r\n", None),
        (b"{tag} NO [INUSE] the mailbox is locked\r\n", None),
        (b"{tag} NO [ALERT] Too many simultaneous connections. (Failure)\r\n", None),
        (b"{tag} NO Request is throttled. Suggested Backoff Time: 90500 milliseconds\r\n", 90.5),
        (b"* BYE [THROTTLED] try again in 5 minutes\r\n" + CLOSE, 300),
    ],
)
@pytest.mark.parametrize("secret", [Password("hush-hush"), Token(TOKEN)])
def test_a_server_that_is_busy_is_no_refusal(
    answer: bytes, wait: float | None, secret: Secret
) -> None:
    """Neither password nor token is to blame: wait, for as long as it says."""
    script = offers("AUTH=PLAIN", "AUTH=XOAUTH2", "SASL-IR") | {"AUTHENTICATE": answer}
    with ScriptedServer(script) as server:
        error = failure(server, secret)
    assert isinstance(error, ThrottledError)
    assert error.wait == wait
    assert "asks to slow down" in error.what
    assert "run the command again" in error.advice


def test_a_busy_greeting_is_throttling_too() -> None:
    """BYE before anything was asked."""
    with ScriptedServer(greeting=b"* BYE Too many connections, try again in 1 hour\r\n") as server:
        error = failure(server)
    assert isinstance(error, ThrottledError)
    assert error.wait == 3600
    assert "in 60 minutes" in error.advice


@pytest.mark.parametrize(
    "answer", [b"{tag} OK [CAPABILITY IMAP4rev1 IDLE] in\r\n", b"* CAPABILITY IMAP4rev1 IDLE\r\n"]
)
def test_capabilities_told_with_the_login_are_not_asked_for_again(answer: bytes) -> None:
    """One round trip less, for a session and for a glance."""
    script = offers("AUTH=PLAIN", "SASL-IR") | {"AUTHENTICATE": answer}
    with ScriptedServer(script) as server:
        log_in(server, "hush-hush")
        assert glance(account(port=server.port), "hush-hush", timeout=5) is None
        assert server.commands.count("CAPABILITY") == 2


def test_a_glance_tells_a_refused_token_alike() -> None:
    """The rules are those of a session."""
    script = offers("AUTH=XOAUTH2", "SASL-IR") | {"AUTHENTICATE": b"{tag} NO no\r\n"}
    with ScriptedServer(script) as server, pytest.raises(TokenRefusedError):
        glance(account(port=server.port), Token(TOKEN), timeout=5)
