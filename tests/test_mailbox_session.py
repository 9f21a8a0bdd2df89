"""A session makes the best of what a server offers, whatever it then does."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest
from mailbox_fakes import CLOSE, ScriptedServer, account

from archiver.errors import TemporaryNetworkError
from archiver.mailbox.server.glance import glance
from archiver.mailbox.server.imap import ImapSession, connect
from archiver.mailbox.server.session import FolderState, Outline, RefusedError, ThrottledError
from archiver.model.cursors import Status

SINCE = Status(uidvalidity=7, uidnext=9, exists=3, modseq=40)
PLAIN_STATUS = "(MESSAGES UIDNEXT UIDVALIDITY)"


@contextmanager
def opened(
    script: Mapping[str, bytes], *capabilities: str, folder: str = "", **more: object
) -> Iterator[tuple[ImapSession, ScriptedServer]]:
    """Log in to a server that offers CAPABILITIES and answers by SCRIPT; examine FOLDER."""
    offered = f"* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR {' '.join(capabilities)}\r\n".encode()
    usual = {"CAPABILITY": offered, "AUTHENTICATE": b""}
    with ScriptedServer(usual | dict(script), **more) as server:  # type: ignore[arg-type]
        session = connect(account(port=server.port), "hush", timeout=3)
        try:
            if folder:
                session.examine(folder)
            yield session, server
        finally:
            session.close()


# --- folders --------------------------------------------------------------------------------------


def test_list_and_status_come_in_one_round_trip() -> None:
    """All that is offered is asked for, and nothing else (RFC 5819, RFC 7162, RFC 8474)."""
    asked = 'LIST "" "\\*" RETURN'
    script = {
        asked: b'* LIST () "/" INBOX\r\n'
        b"* STATUS inbox (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 7 HIGHESTMODSEQ 41 MAILBOXID (F1))\r\n"
        b'* LIST (\\Sent) "/" {4}\r\nS"nt\r\n'
        b'* STATUS "S\\"nt" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 8 HIGHESTMODSEQ 0)\r\n'
        b'* LIST () "/" 2024\r\n* STATUS 2024 (UIDNEXT 1)\r\n* STATUS broken\r\n'
        b'* LIST (\\Noselect) "/" Top\r\n'
    }
    offered = ("LIST-EXTENDED", "LIST-STATUS", "SPECIAL-USE", "CONDSTORE", "OBJECTID")
    with opened(script, *offered) as (session, server):
        found = {folder.name: folder.status for folder in session.folders()}
        items = "MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ MAILBOXID"
        assert f'LIST "" "*" RETURN (SPECIAL-USE STATUS ({items}))' in server.commands
        assert not any(command.startswith("STATUS") for command in server.commands)
    assert found == {
        "INBOX": Status(uidvalidity=7, uidnext=9, exists=3, modseq=41, mailbox_id="F1"),
        'S"nt': Status(uidvalidity=8, uidnext=1, exists=0),
        "2024": None,
        "Top": None,
    }


def test_a_mod_sequence_may_have_63_bits() -> None:
    """RFC 7162: mod-sequence-value; some servers count in nanoseconds."""
    script = {
        "LIST": b'* LIST () "/" INBOX\r\n* STATUS INBOX'
        b" (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 7 HIGHESTMODSEQ 9223372036854775807)\r\n"
    }
    with opened(script, "LIST-STATUS", "CONDSTORE") as (session, _server):
        (folder,) = session.folders()
    assert folder.status is not None
    assert folder.status.modseq == 2**63 - 1


def test_without_list_status_each_folder_is_asked_about() -> None:
    """STATUS commands go out together; one that fails leaves its folder without a status."""
    script = {
        "LIST": b'* LIST () "/" INBOX\r\n* LIST () "/" "A \\"b\\""\r\n* LIST (\\Noselect) "/" Top\r\n',
        "STATUS": b"{tag} NO [NOPERM] not yours\r\n",
        'STATUS "INBOX"': b"* STATUS INBOX (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 7)\r\n",
    }
    with opened(script) as (session, server):
        assert [folder.status for folder in session.folders()] == [
            Status(uidvalidity=7, uidnext=9, exists=3),
            None,
            None,
        ]
        assert server.commands[-2:] == [
            f'STATUS "INBOX" {PLAIN_STATUS}',
            f'STATUS "A \\"b\\"" {PLAIN_STATUS}',
        ]
        assert session.folders()[0].status  # and again: nothing was left over


def test_many_folders_are_asked_about_in_a_few_round_trips() -> None:
    """More than are sent together."""
    lines = [b'* LIST () "/" F%d\r\n' % number for number in range(120)]
    script = {"LIST": b"".join(lines)} | {
        f'STATUS "F{number}" ': b"* STATUS F%d (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 5)\r\n" % number
        for number in range(120)
    }
    with opened(script) as (session, _server):
        assert all(folder.status for folder in session.folders())


@pytest.mark.parametrize("answer", [b"{tag} BAD what?\r\n", b"{tag} NO no\r\n"])
def test_a_server_that_lies_about_list_status_is_asked_more_simply(answer: bytes) -> None:
    """Fewer items first, then no status, then LIST alone."""
    script = {'LIST "" "\\*" RETURN': answer}
    offered = ("LIST-EXTENDED", "LIST-STATUS", "SPECIAL-USE", "CONDSTORE")
    with opened(script, *offered) as (session, server):
        assert [folder.name for folder in session.folders()] == ["INBOX"]
        assert [command for command in server.commands if command.startswith("LIST")] == [
            'LIST "" "*" RETURN (SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ))',
            f'LIST "" "*" RETURN (SPECIAL-USE STATUS {PLAIN_STATUS})',
            'LIST "" "*" RETURN (SPECIAL-USE)',
            'LIST "" "*"',
        ]
    with opened(script, *offered) as (_session, server):
        assert glance(account(port=server.port), "hush", timeout=3) is None


def test_a_list_that_is_refused_altogether_is_a_failure() -> None:
    """An empty account would be the wrong thing to conclude."""
    with (
        opened({"LIST": b"{tag} NO [SERVERBUG] ouch\r\n"}) as (session, _server),
        pytest.raises(TemporaryNetworkError, match="ouch"),
    ):
        session.folders()


def test_folders_of_others_are_told_apart_and_found() -> None:
    """By NAMESPACE (RFC 2342); a namespace that ``*`` does not show is listed by itself."""
    script = {
        "NAMESPACE": b'* NAMESPACE (("" "/")) (("Others/" "/")) (("Public/" "/")("#news." "."))\r\n',
        'LIST "" "\\*"': b'* LIST () "/" INBOX\r\n* LIST () "/" Publications\r\n* LIST () "/" Public/A\r\n',
        'LIST "" "Others/': b'* LIST () "/" Others/marie\r\n* LIST () "/" INBOX\r\n',
    }
    with opened(script, "NAMESPACE") as (session, server):
        assert {folder.name: folder.foreign for folder in session.folders()} == {
            "INBOX": False,
            "Publications": False,
            "Public/A": True,
            "Others/marie": True,
        }
        assert not any("#news" in command for command in server.commands)


def test_a_shared_namespace_without_a_prefix_is_all_that_is_not_ours() -> None:
    """As Cyrus has it."""
    script = {
        "NAMESPACE": b'* NAMESPACE (("INBOX." ".")) (("user." ".")) (("" "."))\r\n',
        "LIST": b'* LIST () "." INBOX\r\n* LIST () "." INBOX.Sent\r\n* LIST () "." team\r\n'
        b'* LIST () "." user.marie\r\n',
    }
    with opened(script, "NAMESPACE") as (session, _server):
        foreign = {folder.name for folder in session.folders() if folder.foreign}
        assert foreign == {"team", "user.marie"}


@pytest.mark.parametrize(
    "answer",
    [b"{tag} BAD what?\r\n", b"* NAMESPACE NIL NIL NIL\r\n", b"* NAMESPACE ((\r\n", b""],
)
def test_a_namespace_that_tells_nothing_is_no_obstacle(answer: bytes) -> None:
    """All folders count as ours."""
    with opened({"NAMESPACE": answer}, "NAMESPACE") as (session, _server):
        assert [folder.foreign for folder in session.folders()] == [False]


# --- examine --------------------------------------------------------------------------------------


def examined(answer: bytes, *capabilities: str, since: Status | None = SINCE) -> FolderState:
    """Return what EXAMINE makes of ANSWER."""
    enable = {"ENABLE QRESYNC": b"* ENABLED QRESYNC\r\n", "EXAMINE": answer}
    with opened(enable, *capabilities) as (session, _server):
        return session.examine("INBOX", since)


def state(uidvalidity: int = 7, modseq: int = 44) -> bytes:
    """Return the usual answers to EXAMINE."""
    return (
        b"* 3 EXISTS\r\n* OK [UIDVALIDITY %d] valid\r\n* OK [UIDNEXT 11] next\r\n"
        b"* OK [HIGHESTMODSEQ %d] highest\r\n* OK [MAILBOXID (F2212ea87-6097)] id\r\n"
    ) % (uidvalidity, modseq)


def test_qresync_tells_what_went() -> None:
    """RFC 7162, section 3.2.5; what is told of the folder open before is not of this one."""
    answer = b"* VANISHED 1\r\n* OK [CLOSED] bye\r\n" + state()
    answer += (
        b"* VANISHED (EARLIER) 2,4:5\r\n* VANISHED (EARLIER) 8\r\n* 3 FETCH (UID 9 FLAGS ())\r\n"
    )
    assert examined(answer, "ENABLE", "QRESYNC") == FolderState(
        uidvalidity=7,
        uidnext=11,
        exists=3,
        modseq=44,
        mailbox_id="F2212ea87-6097",
        vanished=frozenset({2, 4, 5, 8}),
    )


def test_a_folder_of_unknown_length_is_not_taken_for_an_empty_one() -> None:
    """EXISTS must come (RFC 3501, section 6.3.2)."""
    with pytest.raises(RefusedError, match="how many messages"):
        examined(b"* OK [UIDVALIDITY 7] valid\r\n")


def test_qresync_may_tell_that_nothing_went() -> None:
    """Which is not the same as telling nothing."""
    assert examined(state(), "ENABLE", "QRESYNC").vanished == frozenset()
    assert examined(state(), "CONDSTORE").vanished is None
    assert examined(state(), "ENABLE", "QRESYNC", since=None).vanished is None


@pytest.mark.parametrize(
    "answer",
    [
        state(uidvalidity=8) + b"* VANISHED (EARLIER) 2\r\n",
        state(modseq=39) + b"* VANISHED (EARLIER) 2\r\n",
        state() + b"* OK [NOMODSEQ] none here\r\n* VANISHED (EARLIER) 2\r\n",
    ],
)
def test_what_went_is_not_taken_from_a_folder_that_counts_anew(answer: bytes) -> None:
    """Another UIDVALIDITY, a lower HIGHESTMODSEQ, NOMODSEQ."""
    assert examined(answer, "ENABLE", "QRESYNC").vanished is None


def test_vanished_uids_cost_no_memory_that_they_are_not_worth() -> None:
    """A set may name all UIDs there can be; those before UIDNEXT matter."""
    answer = state() + b"* VANISHED (EARLIER) 1:4294967295\r\n"
    assert examined(answer, "ENABLE", "QRESYNC").vanished == frozenset(range(1, 9))
    far = Status(uidvalidity=7, uidnext=2**32 - 1, exists=3, modseq=40)
    assert examined(answer, "ENABLE", "QRESYNC", since=far).vanished is None


def test_a_server_that_refuses_qresync_is_asked_plainly_from_then_on() -> None:
    """It offered it, and enabled it."""
    script = {
        "ENABLE": b"* ENABLED QRESYNC\r\n",
        "EXAMINE": state(),
        r"EXAMINE .*QRESYNC": b"{tag} BAD what?\r\n",
    }
    with opened(script, "ENABLE", "QRESYNC") as (session, server):
        for _time in range(2):
            assert session.examine("INBOX", SINCE).vanished is None
        assert sum("(QRESYNC (7 40))" in command for command in server.commands) == 1


def test_a_folder_that_is_refused_says_nothing_of_qresync() -> None:
    """It is refused plainly too."""
    script = {
        "ENABLE": b"* ENABLED QRESYNC\r\n",
        "EXAMINE": state(),
        'EXAMINE "Gone"': b"{tag} NO [NONEXISTENT] no such folder\r\n",
    }
    with opened(script, "ENABLE", "QRESYNC") as (session, _server):
        with pytest.raises(RefusedError, match="NONEXISTENT"):
            session.examine("Gone", SINCE)
        assert session.examine("INBOX", SINCE).vanished == frozenset()


@pytest.mark.parametrize("answer", [b"{tag} BAD what?\r\n", b"* ENABLED CONDSTORE\r\n", b""])
def test_qresync_that_is_not_enabled_is_not_used(answer: bytes) -> None:
    """The parameter is allowed after ENABLE only."""
    script = {"ENABLE": answer, "EXAMINE": state()}
    with opened(script, "ENABLE", "QRESYNC") as (session, server):
        assert session.examine("INBOX", SINCE).vanished is None
        assert not any("(QRESYNC" in command for command in server.commands)


# --- fetch ----------------------------------------------------------------------------------------


def test_an_enumeration_from_a_uid_on_leaves_the_last_message_out() -> None:
    """``9:*`` names the last message, be its UID below 9 (RFC 3501, section 6.4.8)."""
    with opened({"UID FETCH 9:": b"* 3 FETCH (UID 5)\r\n"}, folder="INBOX") as (session, _server):
        assert session.uids(9) == ()


def test_messages_that_come_to_an_empty_folder_are_enumerated() -> None:
    """EXISTS may come with any answer."""
    script = {
        "EXAMINE": b"* 0 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n",
        "UID FETCH 5": b"* 1 EXISTS\r\n",
        "UID FETCH 1:": b"* 1 FETCH (UID 6)\r\n",
    }
    with opened(script, folder="INBOX") as (session, _server):
        assert session.uids() == ()
        assert session.outlines((5,)) == {}
        assert session.uids() == (6,)


@pytest.mark.parametrize(
    "name",
    [
        b"BODY[HEADER.FIELDS (FROM TO)]",
        b'BODY[HEADER.FIELDS ("To" "From")]',
        b"body[header.fields (To From)]",
        b"BODY[HEADER.FIELDS (FROM)]<0>",
        b"BODY[HEADER]",
    ],
)
def test_headers_are_taken_however_they_are_named(name: bytes) -> None:
    """Servers reorder and quote the list of fields; the bytes are as they stand."""
    header = b"From: a\r\nTo:\xff b\r\n c\r\n\r\n"
    answer = b"* 1 FETCH (UID 4 %b {%d}\r\n%b)\r\n" % (name, len(header), header)
    answer += b'* 2 FETCH (%b "" UID 5)\r\n* 3 FETCH (UID 6 %b NIL)\r\n* 4 FETCH (UID 9)\r\n' % (
        name,
        name,
    )
    with opened({"UID FETCH": answer}, folder="INBOX") as (session, server):
        assert session.headers((4, 5, 6, 7), ("From", "to")) == {4: header, 5: b""}
        assert server.commands[-1] == "UID FETCH 4:7 (UID BODY.PEEK[HEADER.FIELDS (FROM TO)])"


@pytest.mark.parametrize("field", ["", "X Y", "To)] BODY[]", "a:b", "é"])
def test_a_field_that_is_none_is_not_sent(field: str) -> None:
    """It could ask for something else."""
    with (
        opened({}, folder="INBOX") as (session, _server),
        pytest.raises(ValueError, match="header"),
    ):
        session.headers((1,), (field,))


def test_gmail_tells_its_number_and_labels() -> None:
    """X-GM-EXT-1: labels quoted or not, in modified UTF-7, with literals, its own with backslash."""
    script = {
        "UID FETCH": b'* 1 FETCH (X-GM-MSGID 18446744073709551615 X-GM-LABELS ("\\\\Sent" \\Inbox'
        b' "&AMk-t&AOk-" Work "caf\xc3\xa9" {3}\r\na"b 2024) UID 5 RFC822.SIZE 10 FLAGS (\\Seen))\r\n'
        b"* 2 FETCH (UID 6 X-GM-MSGID 7 X-GM-LABELS () RFC822.SIZE 1 FLAGS ())\r\n"
    }
    with opened(script, "X-GM-EXT-1", folder="INBOX") as (session, server):
        assert session.is_gmail
        assert session.outlines((5, 6)) == {
            5: Outline(
                10,
                None,
                ("\\Seen",),
                labels=("\\Sent", "\\Inbox", "Été", "Work", "café", 'a"b', "2024"),
                gmail_id="18446744073709551615",
            ),
            6: Outline(1, None, (), gmail_id="7"),
        }
        assert "FLAGS X-GM-MSGID X-GM-LABELS)" in server.commands[-1]
    with opened({}) as (session, _server):
        assert not session.is_gmail


@pytest.mark.parametrize(
    "answer",
    [
        b"* 1 FETCH (UID 1 BODY[] {3}\r\nlonger)\r\n",
        b"* 1 FETCH (UID 1 BODY[] {3}\r\nlonger FLAGS ())\r\n",
        b"* 1 FETCH (UID 1 BODY[] {3}\r\nall FLAGS () x)\r\n",
        b"* 1 FETCH (UID 1 BODY[] {3}\r\nall\r\n",
    ],
)
def test_a_literal_that_is_longer_than_announced_is_not_cut(answer: bytes) -> None:
    """Nothing cut is taken for whole; the next message is not spoilt."""
    answer += b"* 2 FETCH (UID 2 BODY[] {3}\r\ntwo)\r\n"
    with opened({"UID FETCH": answer}, folder="INBOX") as (session, _server):
        assert list(session.fetch((1, 2))) == [(2, b"two"), (1, None)]


def test_a_literal_that_is_shorter_than_announced_swallows_no_other() -> None:
    """What follows it is out of step: the connection is given up, what came before is whole."""
    answer = b"* 2 FETCH (UID 2 BODY[] {3}\r\ntwo)\r\n* 1 FETCH (UID 1 BODY[] {40}\r\none)\r\n"
    got: list[tuple[int, bytes | None]] = []
    with (
        opened({"UID FETCH": answer}, folder="INBOX") as (session, _server),
        pytest.raises(TemporaryNetworkError),
    ):
        got.extend(session.fetch((1, 2)))
    assert got == [(2, b"two")]


def test_a_literal_whose_length_is_no_number_is_a_lost_connection() -> None:
    """Python reads no number of 5,000 digits."""
    answer = b"* 1 FETCH (UID 1 BODY[] {" + b"9" * 5000 + b"}\r\n"
    with (
        opened({"UID FETCH": answer}, folder="INBOX") as (session, _server),
        pytest.raises(TemporaryNetworkError, match="failed"),
    ):
        list(session.fetch((1,)))


def test_a_connection_cut_at_any_byte_gives_whole_messages_only() -> None:
    """What came whole before is kept; nothing else is made of it."""
    answer = (
        b"* 1 FETCH (UID 1 BODY[] {8}\r\n1) {3}\r\n)\r\n* 2 FETCH (BODY[] {3}\r\ntwo UID 2)\r\n"
    )
    whole = [(1, b"1) {3}\r\n"), (2, b"two")]
    script = {"UID FETCH": b""}
    with ScriptedServer(script) as server:
        for length in range(len(answer)):
            server.answer("UID FETCH", answer[:length] + CLOSE)
            session = connect(account(port=server.port), "hush", timeout=3)
            session.examine("INBOX")
            got: list[tuple[int, bytes | None]] = []
            with pytest.raises(TemporaryNetworkError):
                got.extend(session.fetch((1, 2)))
            session.close()
            assert got == whole[: len(got)]


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (b"{tag} NO [THROTTLED] slow down\r\n", None),
        (b"{tag} NO [LIMIT] enough for today\r\n", None),
        (b"{tag} BAD Request is throttled. Suggested Backoff Time: 12345 milliseconds\r\n", 12.345),
        (b"{tag} NO [ALERT] Account exceeded command or bandwidth limits. (Failure)\r\n", None),
        (b"* BYE [UNAVAILABLE] retry in 30 seconds\r\n" + CLOSE, 30),
        (b"* NO Request is throttled, wait 999999999 hours\r\n" + CLOSE, 86_400),
    ],
)
@pytest.mark.parametrize("command", ["UID FETCH", "EXAMINE", "LIST"])
def test_throttling_is_told_apart(command: str, answer: bytes, wait: float | None) -> None:
    """In the words of Yahoo, Microsoft and Gmail, by NO, BAD or BYE."""

    def work(session: ImapSession) -> None:
        session.folders()
        session.examine("INBOX")
        list(session.fetch((1,)))

    with opened({command: answer}) as (session, _server), pytest.raises(ThrottledError) as caught:
        work(session)
    assert caught.value.wait == (None if wait is None else pytest.approx(wait))
    assert caught.value.exit_code == 75
    assert "run the command again" in caught.value.advice


@pytest.mark.parametrize(
    "answer", [b"{tag} NO [INUSE] another has it\r\n", b"{tag} NO too many recipients\r\n"]
)
def test_a_refusal_of_one_folder_is_no_throttling(answer: bytes) -> None:
    """The others can be read."""
    with opened({"EXAMINE": answer}) as (session, _server), pytest.raises(RefusedError):
        session.examine("INBOX")


# --- idle -----------------------------------------------------------------------------------------


def wait(
    script: Mapping[str, bytes], seconds: float = 0.2, **more: object
) -> tuple[bool, ScriptedServer, float]:
    """Idle on INBOX; return whether there was news, the server, and how long it took."""
    with opened(script, "IDLE", folder="INBOX", **more) as (session, server):
        started = time.monotonic()
        news = session.idle(seconds, lambda: False)
        took = time.monotonic() - started
        assert session.outlines((1,)) == {}  # the connection is in step
        return news, server, took


@pytest.mark.parametrize(
    "told", [b"* 2 EXISTS\r\n", b"* 1 EXPUNGE\r\n", b"* VANISHED 1\r\n", b"* 0 EXISTS\r\n"]
)
def test_news_ends_the_wait(told: bytes) -> None:
    """Messages that come, messages that go; DONE is said and its answer read."""
    script = {"IDLE": b"+ idling\r\n" + told, "UID FETCH": b""}
    news, server, took = wait(script, 20)
    assert news
    assert took < 5
    assert server.lines == [b"DONE"]


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"* OK Still here\r\n",
        b"* 1 EXISTS\r\n* 0 RECENT\r\n",
        b"* 1 FETCH (FLAGS (\\Seen))\r\n",
    ],
)
def test_what_is_no_news_does_not(told: bytes) -> None:
    """Signs of life, what is known, flags that another program set."""
    news, server, took = wait({"IDLE": b"+ idling\r\n" + told, "UID FETCH": b""})
    assert not news
    assert took >= 0.2
    assert server.lines == [b"DONE"]


def test_news_that_came_before_the_wait_counts() -> None:
    """Told with another answer: nothing falls between two waits."""
    script = {"UID FETCH": b"* 2 EXISTS\r\n", "IDLE": b"+ idling\r\n"}
    with opened(script, "IDLE", folder="INBOX") as (session, server):
        session.outlines((1,))
        assert session.idle(20, lambda: False)
        assert "IDLE" not in server.commands
        assert not session.idle(0.1, lambda: False)


def test_a_message_that_replaces_another_is_news() -> None:
    """One goes, one comes: the count is the same as before."""
    script = {"UID FETCH": b"* 1 EXPUNGE\r\n", "IDLE": b"+ idling\r\n* 1 EXISTS\r\n"}
    with opened(script, "IDLE", folder="INBOX") as (session, _server):
        session.outlines((1,))
        assert session.idle(20, lambda: False)
        assert session.idle(20, lambda: False)


def test_news_that_comes_as_the_wait_ends_counts() -> None:
    """Told between DONE and its answer."""
    replies = (b"* 5 EXISTS\r\n{tag} OK done\r\n",)
    news, _server, _took = wait({"IDLE": b"+ go\r\n", "UID FETCH": b""}, replies=replies)
    assert news


def test_a_wait_ends_soon_after_it_is_told_to() -> None:
    """A signal, for example."""
    told = threading.Event()
    timer = threading.Timer(0.2, told.set)
    with opened({"IDLE": b"+ idling\r\n"}, "IDLE", folder="INBOX") as (session, _server):
        timer.start()
        started = time.monotonic()
        assert not session.idle(60, told.is_set)
        assert time.monotonic() - started < 2
    timer.join()


@pytest.mark.parametrize("told", [b"* BYE shutting down\r\n" + CLOSE, CLOSE])
def test_a_connection_lost_while_waiting_is_told(told: bytes) -> None:
    """So that it is made anew."""
    script = {"IDLE": b"+ idling\r\n" + told}
    with (
        opened(script, "IDLE", folder="INBOX") as (session, _server),
        pytest.raises(TemporaryNetworkError),
    ):
        session.idle(20, lambda: False)


def test_a_wait_that_is_broken_off_ends() -> None:
    """From another thread."""
    with opened({"IDLE": b"+ idling\r\n"}, "IDLE", folder="INBOX") as (session, _server):
        timer = threading.Timer(0.2, session.abort)
        timer.start()
        with pytest.raises(TemporaryNetworkError):
            session.idle(20, lambda: False)
        timer.join()


@pytest.mark.parametrize("answer", [b"{tag} BAD what?\r\n", b"{tag} NO not now\r\n"])
def test_a_server_that_cannot_notify_is_refused(answer: bytes) -> None:
    """Whether it says so before or after."""
    with (
        opened({"IDLE": answer}, "IDLE", folder="INBOX") as (session, _server),
        pytest.raises(RefusedError),
    ):
        session.idle(20, lambda: False)
    with opened({}, folder="INBOX") as (session, server):
        with pytest.raises(RefusedError, match="no IDLE"):
            session.idle(20, lambda: False)
        assert "IDLE" not in server.commands


def test_a_server_that_ends_the_wait_itself_is_believed() -> None:
    """It answers the command before DONE: nothing more is said."""
    script = {"IDLE": b"+ idling\r\n{tag} OK enough\r\n", "UID FETCH": b""}
    news, server, took = wait(script, 20)
    assert not news
    assert took < 5
    assert server.lines == []
