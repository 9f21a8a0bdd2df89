"""The session makes sense of servers that do not, and says in words why it cannot connect."""

import logging
import socket
import threading
import time
from collections.abc import Mapping

import pytest
from mailbox_fakes import CLOSE, SILENCE, ScriptedServer, account

from archiver.accounts import is_loopback
from archiver.errors import (
    ArchiverError,
    AuthenticationError,
    ConfigurationError,
    TemporaryNetworkError,
)
from archiver.mailbox.server import trouble
from archiver.mailbox.server.imap import PART, ImapSession, connect
from archiver.mailbox.server.session import Outline, RefusedError
from archiver.mailbox.walk import Fetched, FolderDone, NotFetched, walk

PASSWORD = "s3cret-pässword"
BODY = rb"UID FETCH 1,2 \(UID BODY"


def session(server: ScriptedServer, **more: object) -> ImapSession:
    """Log in to SERVER."""
    return connect(account(port=server.port, **more), PASSWORD, timeout=5)


def failure(server: ScriptedServer, password: str = PASSWORD, **more: object) -> ArchiverError:
    """Return the error of trying to log in to SERVER; it never holds the password."""
    with pytest.raises(ArchiverError) as caught:
        connect(account(port=server.port, **more), password, timeout=5)
    error = caught.value
    assert password not in repr(error) + error.what + error.advice
    assert error.__cause__ is None
    return error


def fetch(script: Mapping[str, bytes], *uids: int) -> list[tuple[int, bytes | None]]:
    """Return what a fetch of UIDS makes of the answers in SCRIPT."""
    with ScriptedServer(script) as server:
        here = session(server)
        here.examine("INBOX")
        try:
            return list(here.fetch(uids or (1, 2)))
        finally:
            here.close()


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine_is_loopback(host: str) -> None:
    """Plain text may be spoken to these."""
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["imap.example", "10.0.0.1", "127.0.0.1.evil.example", "", "::2"])
def test_others_are_not(host: str) -> None:
    """A password in the clear would cross a network."""
    assert not is_loopback(host)


def test_plain_text_to_another_machine_is_refused_before_anything_is_sent() -> None:
    """Exit 78, with what to set instead."""
    with pytest.raises(ConfigurationError, match=r"without encryption to imap\.example") as caught:
        connect(account(host="imap.example"), PASSWORD)
    assert "security to tls" in caught.value.advice


def test_a_password_outside_ascii_travels_in_utf8() -> None:
    """AUTHENTICATE PLAIN takes every letter (RFC 4616)."""
    with ScriptedServer() as server:
        session(server).close()
        assert server.commands[1] == "AUTHENTICATE PLAIN"
        assert not any(command.startswith("LOGIN") for command in server.commands)


def test_a_server_without_plain_gets_a_quoted_login() -> None:
    """Neither name nor password can end the command."""
    script = {"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n"}
    with ScriptedServer(script) as server:
        connect(account(port=server.port, user='a "b"'), 'pass "word" \\', timeout=5).close()
        assert 'LOGIN "a \\"b\\"" "pass \\"word\\" \\\\"' in server.commands


@pytest.mark.parametrize("password", ["pässword", "two\r\nlines"])
def test_login_takes_no_other_letters(password: str) -> None:
    """It would not arrive, or arrive as a second command."""
    with ScriptedServer({"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n"}) as server:
        error = failure(server, password)
        assert isinstance(error, AuthenticationError)
        assert not any(command.startswith("LOGIN") for command in server.commands)


def test_logindisabled_is_told() -> None:
    """The server takes no password here (RFC 3501, section 6.2.3)."""
    with ScriptedServer({"CAPABILITY": b"* CAPABILITY IMAP4rev1 LOGINDISABLED\r\n"}) as server:
        error = failure(server)
    assert isinstance(error, AuthenticationError)
    assert "LOGINDISABLED" in error.what


def test_a_refused_login_says_so_in_the_servers_words() -> None:
    """Made safe for a terminal, and without the password should the server repeat it."""
    refusal = "{tag} NO [AUTHENTICATIONFAILED] \x1b[31mbad: " + PASSWORD + "\r\n"
    with ScriptedServer({"AUTHENTICATE": refusal.encode()}) as server:
        error = failure(server)
    assert isinstance(error, AuthenticationError)
    assert "[AUTHENTICATIONFAILED]  [31mbad: …" in error.what
    assert "archiver account test work" in error.advice


@pytest.mark.parametrize(
    ("user", "advice"),
    [
        ("me@gmail.com", "https://myaccount.google.com/apppasswords"),
        ("me@icloud.com", "app password"),
        ("me@outlook.com", "`archiver account edit work --oauth microsoft --client-id ID`"),
        ("me@outlook.com", "docs/providers/microsoft-365.md"),
    ],
)
def test_a_refused_login_knows_the_providers_way(user: str, advice: str) -> None:
    """The most common reason is not a wrong password."""
    with ScriptedServer({"AUTHENTICATE": b"{tag} NO no\r\n"}) as server:
        assert advice in failure(server, user=user).advice


def test_gmail_is_opened_by_an_app_password_first_and_else_by_oauth2() -> None:
    """Who cannot have the one is told of the other; nobody else is."""
    with ScriptedServer({"AUTHENTICATE": b"{tag} NO no\r\n"}) as server:
        gmail = failure(server, user="me@gmail.com").advice
        apple = failure(server, user="me@icloud.com").advice
    assert gmail.index("app password") < gmail.index("account edit work --oauth google")
    assert "docs/providers/gmail.md" in gmail
    assert "OAuth2" not in apple


@pytest.mark.parametrize(
    "answer",
    [
        b"{tag} NO [UNAVAILABLE] try later\r\n",
        b"* BYE too many connections\r\n" + CLOSE,
        CLOSE,
    ],
)
def test_a_server_that_cannot_check_now_is_tried_later(answer: bytes) -> None:
    """The password is not to blame (RFC 5530): exit 75."""
    with ScriptedServer({"AUTHENTICATE": answer}) as server:
        assert isinstance(failure(server), TemporaryNetworkError)


def test_a_server_that_says_goodbye_at_once_is_tried_later() -> None:
    """BYE as a greeting: too many connections."""
    with ScriptedServer(greeting=b"* BYE too many connections\r\n") as server:
        error = failure(server)
    assert isinstance(error, TemporaryNetworkError)
    assert "too many connections" in error.what


def test_a_server_of_another_kind_is_a_mistake_in_the_settings() -> None:
    """A mail-sending port, for example."""
    with ScriptedServer(greeting=b"220 smtp.example ESMTP\r\n") as server:
        error = failure(server)
    assert isinstance(error, ConfigurationError)
    assert "does not answer as an IMAP server: it says 220 smtp.example ESMTP." in error.what


@pytest.mark.parametrize("greeting", [b"", b"* OK [CAPABILITY IMAP4rev1 SASL-IR"])
def test_a_connection_that_ends_during_the_greeting_is_told_in_words(greeting: bytes) -> None:
    """And not in those of the library."""

    def greet(listener: socket.socket) -> None:
        connection, _address = listener.accept()
        with connection:
            connection.sendall(greeting)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=greet, args=(listener,))
        thread.start()
        port = listener.getsockname()[1]
        with pytest.raises(TemporaryNetworkError) as caught:
            connect(account(port=port), PASSWORD, timeout=5)
        thread.join()
    assert caught.value.what == (
        f"127.0.0.1 port {port} cannot be reached: the connection ended during the greeting."
    )


def test_a_connection_that_ends_during_the_login_is_told_in_words() -> None:
    """In the middle of a line, or between two."""
    for said in (b"* OK ha", b"* OK half\r\n"):
        with ScriptedServer({"LOGIN|AUTHENTICATE": said + CLOSE}) as server:
            error = failure(server)
        assert isinstance(error, TemporaryNetworkError)
        assert "cannot be reached: the " in error.what
        assert "EOF" not in error.what
        assert "b'" not in error.what


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("socket error: EOF", "the connection ended"),
        ("socket error: unterminated line: b'* OK [CAPAB'", "the connection ended"),
        ("EOF occurred in violation of protocol (_ssl.c:992)", "the connection ended"),
        ("socket error: [Errno 104] Connection reset by peer", "Connection reset by peer"),
        ("[AUTHENTICATIONFAILED] no.", "[AUTHENTICATIONFAILED] no"),
    ],
)
def test_no_words_of_a_library_are_told(words: str, told: str) -> None:
    """What imaplib and OpenSSL say is for programmers."""
    assert trouble.said([words]) == told


def test_a_closed_port_is_tried_later() -> None:
    """Nobody listens: exit 75, with the place."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(TemporaryNetworkError, match=f"127.0.0.1 port {port}"):
        connect(account(port=port), PASSWORD, timeout=5)


def test_a_silent_server_times_out() -> None:
    """Nothing is waited for without end."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(TemporaryNetworkError, match="timed out"):
            connect(account(port=port), PASSWORD, timeout=0.2)


def test_no_starttls_no_password() -> None:
    """A server, or someone between, that does not offer it gets nothing."""
    with ScriptedServer() as server:
        error = failure(server, security="starttls")
        assert server.commands == ["CAPABILITY"]
    assert isinstance(error, ConfigurationError)
    assert "offers no STARTTLS" in error.what


@pytest.mark.parametrize("answer", [b"{tag} NO no\r\n", b"{tag} BAD what\r\n"])
def test_a_refused_starttls_is_no_reason_to_go_on(answer: bytes) -> None:
    """There is no way down to plain text."""
    script = {"CAPABILITY": b"* CAPABILITY IMAP4rev1 STARTTLS\r\n", "STARTTLS": answer}
    with ScriptedServer(script) as server:
        assert isinstance(failure(server, security="starttls"), ConfigurationError)
        assert server.commands == ["CAPABILITY", "STARTTLS"]


def test_a_greeting_that_skips_the_login_skips_no_encryption() -> None:
    """PREAUTH with STARTTLS is a known attack: the connection would stay in the clear."""
    with ScriptedServer(greeting=b"* PREAUTH welcome\r\n") as server:
        assert isinstance(failure(server, security="starttls"), ConfigurationError)


def test_tls_to_a_plain_port_is_a_mistake_in_the_settings() -> None:
    """Exit 78, with the usual ports."""
    with ScriptedServer() as server:
        error = failure(server, security="tls")
    assert isinstance(error, ConfigurationError)
    assert "993" in error.advice


def test_nothing_secret_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """It is imapclient that logs what goes over the wire, and is told not to."""
    caplog.set_level(logging.DEBUG)
    with ScriptedServer() as server:
        here = session(server)
        here.examine("INBOX")
        here.close()
        assert PASSWORD not in repr(here)
        assert PASSWORD not in str(vars(here))
    assert caplog.text == ""


def test_folders_are_named_for_people_and_asked_for_as_the_server_wrote_them() -> None:
    """Modified UTF-7, names that are none, numbers, and two spellings of one name."""
    script = {
        "LIST ": b'* LIST (\\Sent) "/" "&AMk-t&AOk-"\r\n'
        b'* LIST () "/" "A & \\"B\\""\r\n'
        b'* LIST () "/" 2024\r\n'
        b'* LIST () "/" "caf\xc3\xa9"\r\n'
        b'* LIST () "/" "caf&AOk-"\r\n'
        b'* LIST (\\Noselect) "/" {3}\r\na"b\r\n'
    }
    with ScriptedServer(script) as server:
        here = session(server)
        found = here.folders()
        names = [folder.name for folder in found]
        assert names == ["Été", 'A & "B"', "2024", "café [636166c3a9]", "café", 'a"b']
        assert (found[0].role, found[-1].selectable) == ("sent", False)
        for name in names:
            here.examine(name)
        asked = [command for command in server.commands if command.startswith("EXAMINE")]
        assert asked == [
            'EXAMINE "&AMk-t&AOk-"',
            'EXAMINE "A & \\"B\\""',
            'EXAMINE "2024"',
            'EXAMINE "café"',
            'EXAMINE "caf&AOk-"',
            'EXAMINE "a\\"b"',
        ]
        here.close()


def test_a_name_that_would_end_the_command_is_not_sent() -> None:
    """A literal may hold line ends; a quoted string may not."""
    script = {"LIST ": b'* LIST () "/" {9}\r\na\r\nb DROP\r\n'}
    with ScriptedServer(script) as server:
        here = session(server)
        (folder,) = here.folders()
        with pytest.raises(RefusedError, match="control characters"):
            here.examine(folder.name)
        here.close()


def test_special_use_is_asked_for_where_it_must_be() -> None:
    """RFC 6154, section 2: a server may tell it only then; one that refuses is asked simply."""
    script = {
        "CAPABILITY": b"* CAPABILITY IMAP4rev1 AUTH=PLAIN LIST-EXTENDED SPECIAL-USE\r\n",
        'LIST "" "\\*" RETURN': b"{tag} BAD no\r\n",
    }
    with ScriptedServer(script) as server:
        here = session(server)
        assert [folder.name for folder in here.folders()] == ["INBOX"]
        here.close()
        assert 'LIST "" "*" RETURN (SPECIAL-USE)' in server.commands


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"{tag} NO [NOPERM] not yours\r\n", "[NOPERM] not yours"),
        (b"{tag} BAD what\r\n", "what"),
        (b"* 3 EXISTS\r\n", "no UIDVALIDITY"),
        (b"* 3 EXISTS\r\n* OK [UIDVALIDITY x] y\r\n", "no UIDVALIDITY"),
    ],
)
def test_a_folder_that_cannot_be_examined_says_why(answer: bytes, reason: str) -> None:
    """The connection goes on."""
    with ScriptedServer({"EXAMINE": answer}) as server:
        here = session(server)
        with pytest.raises(RefusedError) as caught:
            here.examine("INBOX")
        assert reason in caught.value.reason
        assert here.folders()
        here.close()


def test_an_enumeration_survives_what_comes_between() -> None:
    """Unsolicited answers, repetitions, other forms, and rubbish."""
    script = {
        "UID FETCH 1:": b"* 1 FETCH (UID 5)\r\n* 2 EXPUNGE\r\n* 9 EXISTS\r\n"
        b"* 2 FETCH (FLAGS (\\Seen))\r\n* 3 FETCH (FLAGS () UID 9)\r\n"
        b"* 1 FETCH (UID 5)\r\n* 4 FETCH (UID\r\n* 5 FETCH (UID 7)\r\n"
    }
    with ScriptedServer(script) as server:
        here = session(server)
        here.examine("INBOX")
        assert here.uids() == (5, 7, 9)
        here.close()


def test_an_empty_folder_is_not_enumerated() -> None:
    """1:* names no message there, and some servers say BAD."""
    script = {"EXAMINE": b"* 0 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n"}
    with ScriptedServer(script) as server:
        here = session(server)
        assert here.examine("INBOX").exists == 0
        assert here.uids() == ()
        here.close()


def test_outlines_take_what_there_is() -> None:
    """A later, unsolicited answer adds; a bad date or size is none; other messages are ignored."""
    script = {
        "UID FETCH 1:3 ": b'* 1 FETCH (UID 1 RFC822.SIZE 10 INTERNALDATE "odd" FLAGS (\\Seen \\Recent))\r\n'
        b"* 1 FETCH (UID 1 FLAGS (\\Seen $Work))\r\n"
        b"* 2 FETCH (UID 2 RFC822.SIZE huge)\r\n"
        b"* 8 FETCH (UID 8 RFC822.SIZE 3)\r\n"
    }
    with ScriptedServer(script) as server:
        here = session(server)
        here.examine("INBOX")
        assert here.outlines((1, 2, 3)) == {
            1: Outline(10, None, ("\\Seen", "$Work")),
            2: Outline(None, None, ()),
        }
        here.close()


def test_a_fetch_takes_bodies_however_they_come() -> None:
    """Out of order, twice, with other answers between, with the UID after the body."""
    script = {
        r"UID FETCH 1:2 ": b"* 2 FETCH (UID 2 BODY[] {3}\r\ntwo)\r\n* 7 EXPUNGE\r\n"
        b"* 1 FETCH (FLAGS (\\Seen))\r\n* 1 FETCH (BODY[] {3}\r\none UID 1)\r\n"
        b"* 2 FETCH (UID 2 BODY[] {3}\r\ntwo)\r\n* 3 FETCH (UID 3 BODY[] {1}\r\nx)\r\n"
    }
    assert fetch(script) == [(2, b"two"), (1, b"one")]


def test_a_body_that_is_nil_or_left_out_is_none() -> None:
    """The caller decides what to make of it."""
    assert fetch({"UID FETCH": b"* 1 FETCH (UID 1 BODY[] NIL)\r\n"}) == [(1, None), (2, None)]


@pytest.mark.parametrize(
    ("end", "error"),
    [
        (b"{tag} NO [SERVERBUG] ouch\r\n", RefusedError),
        (CLOSE, TemporaryNetworkError),
        (b"* 2 FETCH (UID 2 BODY[] {99}\r\nhalf" + CLOSE, TemporaryNetworkError),
        (b"* 2 FETCH (UID 2 BODY[] {9999999999}\r\n", TemporaryNetworkError),
        (b"* 2 FETCH (UID 2 BODY[] {99999999999999999999}\r\n", TemporaryNetworkError),
        (b"* 2 FETCH " + b"x" * 16 * 1024 * 1024 + b"\r\n", TemporaryNetworkError),
        (b"rubbish\r\n", TemporaryNetworkError),
    ],
)
def test_what_arrived_before_a_failure_is_not_lost(end: bytes, error: type[Exception]) -> None:
    """Whole messages only; then the error."""
    got: list[tuple[int, bytes | None]] = []
    with ScriptedServer({"UID FETCH": b"* 1 FETCH (UID 1 BODY[] {3}\r\none)\r\n" + end}) as server:
        here = session(server)
        here.examine("INBOX")
        with pytest.raises(error):
            got.extend(here.fetch((1, 2)))
        here.close()
    assert got == [(1, b"one")]


def parts(script: Mapping[str, bytes], size: int | None) -> bytes | None:
    """Fetch message 1 in parts from a server that answers by SCRIPT."""
    with ScriptedServer(script) as server:
        here = session(server)
        here.examine("INBOX")
        try:
            pieces = list(here.fetch_in_parts(1, size))
        finally:
            here.close()
    return b"".join(pieces) if pieces else None


def all_of(data: bytes) -> tuple[str, bytes]:
    """Return the rule for a fetch of the whole message."""
    answer = b"* 1 FETCH (UID 1 BODY[] {%d}\r\n%b)\r\n" % (len(data), data)
    return r"UID FETCH 1 \(UID BODY.PEEK\[\]\)", answer


def piece(start: int, data: bytes) -> tuple[str, bytes]:
    """Return the rule for a partial fetch at START."""
    answer = b"* 1 FETCH (UID 1 BODY[]<%d> {%d}\r\n%b)\r\n" % (start, len(data), data)
    return rf"UID FETCH 1 \(UID BODY.PEEK\[\]<{start}\.", answer


@pytest.mark.parametrize("size", [None, 0, 5, 2 * PART + 3, 10 * PART])
def test_a_large_message_is_put_together_whatever_its_size_was_said_to_be(size: int | None) -> None:
    """RFC822.SIZE is a hint only."""
    whole = b"a" * PART + b"b" * PART + b"end"
    pieces = [piece(0, whole[:PART]), piece(PART, whole[PART : 2 * PART])]
    pieces += [piece(2 * PART, b"end"), piece(len(whole), b""), all_of(whole)]
    assert parts(dict(pieces), size) == whole


def test_a_server_that_hands_out_smaller_pieces_is_asked_on() -> None:
    """How long a piece is says nothing of the end, nor does a size that is too small."""
    script = dict([piece(0, b"abc"), piece(3, b"def"), piece(6, b"")])
    for size in (None, 3, 5, 6):
        assert parts(script, size) == b"abcdef"
    assert parts(script | dict([all_of(b"abcdef")]), 100) == b"abcdef"


@pytest.mark.parametrize("answer", [b"", b'* 1 FETCH (UID 1 BODY[]<3> "")\r\n', b"{tag} NO no\r\n"])
def test_what_ends_before_its_size_is_asked_for_whole(answer: bytes) -> None:
    """After small pieces as after full ones; what came so far is kept by nobody as the whole."""
    script = dict([piece(0, b"abc")]) | {r"UID FETCH 1 .*<3\.": answer}
    assert parts(script | dict([all_of(b"abcdef")]), 6) == b"abcdef"
    with pytest.raises(RefusedError, match="stopped handing out the message midway"):
        parts(script, 6)


def test_a_server_that_refuses_beyond_the_end_has_no_more() -> None:
    """The message is whole all the same."""
    script = dict([piece(0, b"a" * PART)]) | {rf"UID FETCH 1 .*<{PART}\.": b"{tag} NO beyond\r\n"}
    assert parts(script, PART) == b"a" * PART


def test_a_server_that_knows_no_parts_sends_the_whole() -> None:
    """BODY[] without an origin is everything."""
    body = b"x" * (PART + 5)
    answer = b"* 1 FETCH (UID 1 BODY[] {%d}\r\n%b)\r\n" % (len(body), body)
    assert parts({"UID FETCH": answer}, len(body)) == body


@pytest.mark.parametrize("answer", [b"", b"* 1 FETCH (UID 1 BODY[]<0> NIL)\r\n"])
def test_a_large_message_that_is_not_handed_out_is_none(answer: bytes) -> None:
    """The caller tells it."""
    assert not parts({"UID FETCH": answer}, 10 * PART)


@pytest.mark.parametrize("answer", [b"", b"* 1 FETCH (UID 1 BODY[]<%d> NIL)\r\n" % PART])
@pytest.mark.parametrize("size", [None, 2 * PART])
def test_a_message_that_ends_within_itself_is_not_taken_for_whole(
    answer: bytes, size: int | None
) -> None:
    """Somebody deleted it meanwhile (RFC 2180, section 4.1): what came is no message."""
    script = dict([piece(0, b"a" * PART)]) | {rf"UID FETCH 1 .*<{PART}\.": answer}
    with pytest.raises(RefusedError, match="stopped handing out"):
        parts(script, size)
    assert parts(script, PART) == b"a" * PART


def test_a_message_is_gone_on_with_from_any_byte() -> None:
    """As far as an earlier connection brought it."""
    script = [piece(PART, b"b" * PART), piece(2 * PART, b"c"), piece(2 * PART + 1, b"")]
    with ScriptedServer(dict(script)) as server:
        here = session(server)
        here.examine("INBOX")
        assert list(here.fetch_in_parts(1, None, PART)) == [b"b" * PART, b"c"]
        here.close()


def test_only_reading_commands_are_ever_sent() -> None:
    """EXAMINE and BODY.PEEK[]; a walk with failures included."""
    script = {
        "UID FETCH 1:\\*": b"* 1 FETCH (UID 1)\r\n* 2 FETCH (UID 2)\r\n",
        "UID FETCH 1:2 .*SIZE": b"* 1 FETCH (UID 1 RFC822.SIZE 3)\r\n* 2 FETCH (UID 2 RFC822.SIZE 3)\r\n",
        "UID FETCH .*BODY": b"{tag} NO not today\r\n",
        "UID FETCH 2 .*BODY": b"* 2 FETCH (UID 2 BODY[] {3}\r\ntwo)\r\n",
    }
    with ScriptedServer(script) as server:
        here = session(server)
        events = list(walk(here, account(), known=lambda _name, _epoch: frozenset()))
        here.close()
        commands = server.commands
    assert [type(event) for event in events][1:] == [Fetched, NotFetched, FolderDone]
    words = {command.split()[0] for command in commands}
    assert words == {"CAPABILITY", "AUTHENTICATE", "LIST", "STATUS", "EXAMINE", "UID", "LOGOUT"}
    fetches = [command for command in commands if command.startswith("UID")]
    assert all(command.startswith("UID FETCH") for command in fetches)
    assert not any("BODY[" in command for command in fetches)


def test_a_waiting_read_ends_when_the_connection_is_broken_off() -> None:
    """From another thread, as when the user gives up."""
    with ScriptedServer({"UID FETCH": SILENCE}) as server:
        here = session(server)
        here.examine("INBOX")
        breaker = threading.Timer(0.2, here.abort)
        breaker.start()
        started = time.monotonic()
        with pytest.raises(TemporaryNetworkError):
            list(here.fetch((1, 2)))
        assert time.monotonic() - started < 3
        breaker.join()
        here.close()
