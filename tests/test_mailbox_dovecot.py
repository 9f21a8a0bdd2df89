"""The mailbox room against a real Dovecot."""

import hashlib
import random
import re
import ssl
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dovecot import DovecotServer
from mail import mail
from mailbox_fakes import Listener
from sampling import sample

from archiver.accounts import Account, Security
from archiver.errors import AuthenticationError, ConfigurationError, TemporaryNetworkError
from archiver.mailbox.server.imap import PART, ImapSession, connect
from archiver.mailbox.walk import (
    Event,
    Fetched,
    FolderDone,
    FolderFailed,
    FolderLeftOut,
    FolderOpened,
    NotFetched,
    walk,
)
from archiver.model.incoming import Incoming
from archiver.model.sources import ImapSource

pytestmark = pytest.mark.dovecot

Known = Callable[[str, int], frozenset[int]]


def nothing_known(_folder: str, _uidvalidity: int) -> frozenset[int]:
    """Know no message."""
    return frozenset()


def run(
    server: DovecotServer, account: Account, *, known: Known = nothing_known, **options: object
) -> list[Event]:
    """Connect, walk to the end, and log out."""
    with closing(connect(account, server.password, timeout=20)) as session:
        return list(walk(session, account, known=known, **options))  # type: ignore[arg-type]


def incoming(events: list[Event]) -> Iterator[Incoming]:
    """Yield every message that was handed out."""
    for event in events:
        assert not isinstance(event, NotFetched | FolderFailed)
        if isinstance(event, Fetched):
            yield from event.incoming


def crlf(data: bytes) -> bytes:
    """Return DATA as IMAP serves it."""
    return re.sub(rb"(?<!\r)\n", b"\r\n", data)


def trust(server: DovecotServer) -> ssl.SSLContext:
    """Return a context that trusts SERVER's certificate and no other."""
    return ssl.create_default_context(cafile=server.ca_file)


def test_bytes_come_as_the_server_has_them(dovecot: DovecotServer, mailbox_user: str) -> None:
    """Eight-bit bytes, NULs, lone LF made CRLF, no line end at the end, INTERNALDATE, flags."""
    when = datetime(2026, 1, 5, 8, 30, tzinfo=UTC)
    letters = [
        mail(subject="é", text="accents é\n"),
        b"Subject: lf\n\nno end",
        b"Subject: bytes\r\n\r\n\xff\xfe ) {3} BODY[]\r\n",
    ]
    for letter in letters:
        dovecot.add(mailbox_user, "INBOX", letter, "SF", internaldate=when)
    got = list(incoming(run(dovecot, dovecot.account(mailbox_user))))
    assert [item.data for item in got] == [crlf(letter) for letter in letters]
    assert {item.internaldate for item in got} == {when}
    assert {frozenset(item.flags) for item in got} == {frozenset({"\\Seen", "\\Flagged"})}


def test_every_folder_is_walked_but_drafts(dovecot: DovecotServer, mailbox_user: str) -> None:
    """SPECIAL-USE, localised and accented names, folders in folders."""
    for folder in ("INBOX", "Sent", "Entwürfe", "Éléments supprimés", "Clients/Été & Cie"):
        dovecot.add(mailbox_user, folder, mail(subject=folder))
    events = run(dovecot, dovecot.account(mailbox_user))
    opened = {event.folder: event.role for event in events if isinstance(event, FolderOpened)}
    assert opened == {
        "INBOX": "inbox",
        "Sent": "sent",
        "Éléments supprimés": "trash",
        "Clients/Été & Cie": None,
    }
    assert next(iter(opened)) == "INBOX"
    assert FolderLeftOut("Entwürfe", "drafts") in events
    sources = [item.source for item in incoming(events)]
    assert {source.folder for source in sources if isinstance(source, ImapSource)} == set(opened)


def test_a_second_walk_fetches_only_what_is_new(dovecot: DovecotServer, mailbox_user: str) -> None:
    """UIDs that are known are not asked for; a later message is."""
    account = dovecot.account(mailbox_user)
    for number in range(3):
        dovecot.add(mailbox_user, "INBOX", mail(subject=str(number)))
    first = run(dovecot, account)
    (done,) = (event for event in first if isinstance(event, FolderDone))
    assert done.kept == "1:3"
    dovecot.add(mailbox_user, "INBOX", mail(subject="late"))

    def known(folder: str, uidvalidity: int) -> frozenset[int]:
        assert (folder, uidvalidity) == ("INBOX", done.uidvalidity)
        return frozenset({1, 2, 3})

    assert [item.data for item in incoming(run(dovecot, account, known=known))] == [
        mail(subject="late")
    ]


def test_nothing_on_the_server_changes(dovecot: DovecotServer, mailbox_user: str) -> None:
    """No message becomes seen, none is moved: the client's mail stays as it was."""
    for flags in ("", "S", "FR"):
        dovecot.add(mailbox_user, "INBOX", mail(), flags)
    account = dovecot.account(mailbox_user)

    def state() -> list[tuple[str, ...]]:
        maildir = dovecot.folder(mailbox_user)
        names = sorted(path.name for path in (maildir / "cur").iterdir())
        assert not list((maildir / "new").iterdir())
        flags = [item.flags for item in incoming(run(dovecot, account))]
        return [tuple(names), *flags]

    before = state()
    assert before[1:] == [(), ("\\Seen",), ("\\Answered", "\\Flagged")]
    assert state() == before


def test_a_proxy_hears_no_word_that_writes(dovecot: DovecotServer, mailbox_user: str) -> None:
    """What goes over the wire is EXAMINE and BODY.PEEK[], large messages included."""
    dovecot.add(mailbox_user, "INBOX", mail(text="large\n" * 1000))
    dovecot.add(mailbox_user, "INBOX", mail())
    with Listener(dovecot.port) as proxy:
        account = Account(
            name="x",
            host="127.0.0.1",
            port=proxy.port,
            user=mailbox_user,
            security="plain",
            keep="everything",
        )
        assert len(list(incoming(run(dovecot, account, batch_bytes=2000)))) == 2
    sent = proxy.sent.decode("ascii")
    assert "EXAMINE" in sent
    assert "BODY.PEEK[]<0." in sent
    assert "BODY.PEEK[])" in sent
    assert not re.search(r"\b(SELECT|STORE|APPEND|EXPUNGE|COPY|MOVE|CREATE|DELETE|CLOSE)\b", sent)
    assert not re.search(r"BODY\[|SEARCH|RFC822(?!\.SIZE)", sent)


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_an_encrypted_connection_records_the_certificate(
    dovecot: DovecotServer, mailbox_user: str, security: Security
) -> None:
    """The SHA-256 of its DER form, as openssl gives it, in every source."""
    dovecot.add(mailbox_user, "INBOX", mail())
    account = dovecot.account(mailbox_user, security=security, host="localhost")
    der = ssl.PEM_cert_to_DER_cert(dovecot.ca_file.read_text("ascii"))
    with closing(connect(account, dovecot.password, context=trust(dovecot))) as session:
        (item,) = incoming(list(walk(session, account, known=nothing_known)))
        assert session.certificate == hashlib.sha256(der).hexdigest()
    assert isinstance(item.source, ImapSource)
    assert item.source.certificate == hashlib.sha256(der).hexdigest()


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_that_nobody_vouches_for_is_refused(
    dovecot: DovecotServer, mailbox_user: str, security: Security
) -> None:
    """No password is sent; the advice names SSL_CERT_FILE."""
    account = dovecot.account(mailbox_user, security=security)
    with pytest.raises(ConfigurationError, match="no password was sent") as caught:
        connect(account, dovecot.password)
    assert "SSL_CERT_FILE" in caught.value.advice


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_of_another_host_is_refused(
    dovecot: DovecotServer, mailbox_user: str, security: Security
) -> None:
    """It vouches for localhost and 127.0.0.1 only."""
    account = dovecot.account(mailbox_user, security=security, host="127.0.0.2")
    context = trust(dovecot)
    # Dovecot listens on 127.0.0.1 only: a proxy stands for the other host.
    with Listener(account.port, host="127.0.0.2") as proxy:
        account = Account(
            name="x",
            host="127.0.0.2",
            port=proxy.port,
            user=mailbox_user,
            security=security,
            keep="everything",
        )
        with pytest.raises(ConfigurationError, match=r"127\.0\.0\.2 is not trusted"):
            connect(account, dovecot.password, context=context)


def test_the_environment_may_name_an_authority(
    dovecot: DovecotServer, mailbox_user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSL_CERT_FILE, as with every program that uses OpenSSL."""
    monkeypatch.setenv("SSL_CERT_FILE", str(dovecot.ca_file))
    connect(dovecot.account(mailbox_user, security="tls"), dovecot.password).close()


def test_a_wrong_password_is_told(dovecot: DovecotServer, mailbox_user: str) -> None:
    """Exit 12, in the server's words."""
    with pytest.raises(AuthenticationError, match="AUTHENTICATIONFAILED") as caught:
        connect(dovecot.account(mailbox_user), "wr0ng", timeout=20)
    assert "wr0ng" not in str(caught.value)


def test_a_missing_folder_is_told_and_the_rest_is_kept(
    dovecot: DovecotServer, mailbox_user: str
) -> None:
    """A folder named in the account that the server does not have."""
    dovecot.add(mailbox_user, "INBOX", mail())
    given = dovecot.account(mailbox_user)
    account = Account(
        **{name: getattr(given, name) for name in given.__slots__}
        | {"folders": ("Clients", "inbox")}
    )
    events = run(dovecot, account)
    assert FolderFailed("Clients", "there is no such folder on the server") in events
    assert sum(isinstance(event, Fetched) for event in events) == 1


def test_a_message_deleted_meanwhile_is_told_and_the_rest_is_kept(
    dovecot: DovecotServer, mailbox_user: str
) -> None:
    """The file goes away between enumeration and fetch."""
    paths = [dovecot.add(mailbox_user, "INBOX", mail(subject=str(n))) for n in range(5)]
    account = dovecot.account(mailbox_user)
    events: list[Event] = []
    with closing(connect(account, dovecot.password, timeout=20)) as session:
        for event in walk(
            session,
            account,
            known=nothing_known,
            reconnect=lambda: connect(account, dovecot.password, timeout=20),
        ):
            if isinstance(event, FolderOpened):
                paths[2].unlink()
            events.append(event)
    lost = [event.uid for event in events if isinstance(event, NotFetched)]
    assert lost == [3]
    assert events[-1].kept == "1:2,4:5"  # type: ignore[union-attr]


def test_a_size_that_lies_does_no_harm(dovecot: DovecotServer, mailbox_user: str) -> None:
    """A Maildir name may tell any size (W=), and Dovecot believes it, then hangs up.

    It corrects itself once it has noticed; the message before and after are kept at once.
    """
    dovecot.add(mailbox_user, "INBOX", mail(subject="before"))
    path = dovecot.add(mailbox_user, "INBOX", mail(subject="liar"))
    path.rename(path.with_name(path.name.replace(":2,", ",S=99999,W=99999:2,")))
    dovecot.add(mailbox_user, "INBOX", mail(subject="after"))
    account = dovecot.account(mailbox_user)
    session = connect(account, dovecot.password, timeout=20)
    with closing(session):
        events = list(
            walk(
                session,
                account,
                known=nothing_known,
                reconnect=lambda: connect(account, dovecot.password, timeout=20),
            )
        )
    got = [item for event in events if isinstance(event, Fetched) for item in event.incoming]
    assert {item.data for item in got} >= {mail(subject="before"), mail(subject="after")}
    assert {item.data for item in got} <= {mail(subject=s) for s in ("before", "liar", "after")}


@pytest.mark.parametrize("cut", [10, 700, 2500, 9000, 30_000])
def test_a_connection_cut_anywhere_loses_nothing(
    dovecot: DovecotServer, mailbox_user: str, cut: int
) -> None:
    """An error that says that it may pass; whole messages only; the next run has the rest."""
    letters = [mail(subject=str(n), text="words\n" * 100) for n in range(60)]
    for letter in letters:
        dovecot.add(mailbox_user, "INBOX", letter)
    account = dovecot.account(mailbox_user)
    kept: dict[int, bytes] = {}
    with Listener(dovecot.port, cut=cut) as proxy:
        through = Account(
            **{name: getattr(account, name) for name in account.__slots__} | {"port": proxy.port}
        )
        with pytest.raises(TemporaryNetworkError):
            keep_all(through, dovecot.password, kept)
    rest = run(dovecot, account, known=lambda _name, _epoch: frozenset(kept))
    assert [data for _uid, data in sorted((kept | by_uid(rest)).items())] == letters


def keep_all(account: Account, password: str, kept: dict[int, bytes]) -> None:
    """Walk in small batches and put into KEPT what comes."""
    with closing(connect(account, password, timeout=20)) as session:
        for event in walk(session, account, known=nothing_known, batch_messages=7):
            kept |= by_uid([event])


def by_uid(events: list[Event]) -> dict[int, bytes]:
    """Return the bytes handed out, by UID."""
    return {
        item.source.uid: item.data
        for item in incoming(events)
        if isinstance(item.source, ImapSource)
    }


def test_a_restarted_server_is_connected_to_again(
    dovecot: DovecotServer, mailbox_user: str
) -> None:
    """With a way to reconnect, a walk survives a restart in its middle."""
    letters = [mail(subject=str(n)) for n in range(12)]
    for letter in letters:
        dovecot.add(mailbox_user, "INBOX", letter)
    account = dovecot.account(mailbox_user)

    def dial() -> ImapSession:
        return connect(account, dovecot.password, timeout=20)

    events: list[Event] = []
    with closing(dial()) as session:
        for event in walk(session, account, known=nothing_known, batch_messages=3, reconnect=dial):
            if isinstance(event, FolderOpened):
                dovecot.restart()
            events.append(event)
    assert list(by_uid(events).values()) == letters


def test_a_large_message_comes_in_parts_in_bounded_memory(
    dovecot: DovecotServer, mailbox_user: str
) -> None:
    """Twenty megabytes need no more than a few pieces of one, and arrive whole."""
    line = random.Random(1).randbytes(57).hex().encode() + b"\r\n"
    letter = mail(subject="large") + line * (20_000_000 // len(line))
    dovecot.add(mailbox_user, "INBOX", letter)
    account = dovecot.account(mailbox_user)
    with closing(connect(account, dovecot.password, timeout=20)) as session:
        session.examine("INBOX")
        seen = hashlib.sha256()
        tracemalloc.start()
        try:
            for piece in session.fetch_in_parts(1, len(letter)):
                seen.update(piece)
                del piece
            _now, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert seen.digest() == hashlib.sha256(letter).digest()
    assert peak < 5 * PART


def test_memory_stays_flat_over_many_batches(dovecot: DovecotServer, mailbox_user: str) -> None:
    """A batch is handed out and forgotten."""
    letter = mail(text="words, many words\n" * 5000)
    for _number in range(120):
        dovecot.add(mailbox_user, "INBOX", letter)
    account = dovecot.account(mailbox_user)
    with closing(connect(account, dovecot.password, timeout=20)) as session:
        tracemalloc.start()
        try:
            for _event in walk(session, account, known=nothing_known, batch_bytes=500_000):
                del _event
            _now, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 5 * 500_000  # of eleven million


@pytest.mark.shared
@pytest.mark.parametrize("number", [2000, pytest.param(20_000, marks=pytest.mark.long)])
def test_real_mail_comes_byte_for_byte(
    dovecot: DovecotServer, mailbox_user: str, corpora: Path, number: int
) -> None:
    """Every message equals its source with LF made CRLF, in order; memory stays small."""
    resource = pytest.importorskip("resource")
    paths = sample(sorted((corpora / "linux-serial").rglob("*.eml"))[:number])
    assert paths
    wanted = []
    for path in paths:
        data = path.read_bytes()
        dovecot.add(mailbox_user, "INBOX", data)
        wanted.append(hashlib.sha256(crlf(data)).digest())
    account = dovecot.account(mailbox_user)
    got: list[bytes] = []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with closing(connect(account, dovecot.password)) as session:
        for event in walk(session, account, known=nothing_known):
            got += [hashlib.sha256(item.data).digest() for item in incoming([event])]
    assert got == wanted
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 64 * 1024  # kilobytes
