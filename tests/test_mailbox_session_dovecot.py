"""A session and a glance against a real Dovecot with all its extensions."""

import random
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path

import pytest
from dovecot import DovecotServer, missing
from mail import mail
from mailbox_fakes import Listener

from archiver.accounts import Account, Security
from archiver.errors import AuthenticationError, ConfigurationError, TemporaryNetworkError
from archiver.mailbox.secrets import Password
from archiver.mailbox.server.glance import glance
from archiver.mailbox.server.imap import ImapSession, connect
from archiver.mailbox.server.session import Folder, FolderState
from archiver.model.cursors import Status

pytestmark = pytest.mark.dovecot

EXTRA = """
mail_plugins = $mail_plugins zlib
protocol imap {
  mail_plugins = $mail_plugins imap_zlib
}
namespace public {
  type = public
  separator = /
  prefix = Public/
  location = maildir:{run}/mail/public
  subscriptions = no
}
namespace hidden {
  type = public
  separator = /
  prefix = Hidden/
  location = maildir:{run}/mail/hidden
  subscriptions = no
  list = no
}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[DovecotServer]:
    """Start a Dovecot with compression and shared namespaces."""
    if reason := missing():
        pytest.skip(reason)
    with DovecotServer(EXTRA) as running:
        yield running


def through(account: Account, port: int) -> Account:
    """Return ACCOUNT, spoken to by way of PORT."""
    settings = {name: getattr(account, name) for name in account.__slots__}
    return Account(**(settings | {"port": port}))


def dial(server: DovecotServer, user: str, **options: object) -> closing[ImapSession]:
    """Connect as USER."""
    account = server.account(user)
    return closing(connect(account, Password(server.password), timeout=20, **options))  # type: ignore[arg-type]


def by_name(folders: tuple[Folder, ...] | None) -> dict[str, Folder]:
    """Return FOLDERS by their names."""
    assert folders is not None
    return {folder.name: folder for folder in folders}


def remembered(state: FolderState) -> Status:
    """Return what is remembered of a folder that was examined."""
    assert state.uidnext is not None
    return Status(
        uidvalidity=state.uidvalidity,
        uidnext=state.uidnext,
        exists=state.exists,
        modseq=state.modseq,
    )


def test_a_glance_and_a_session_tell_the_same(server: DovecotServer, mailbox_user: str) -> None:
    """Names, roles and statuses; a status is what EXAMINE says."""
    for folder in ("INBOX", "Sent", "Clients/Été & Cie"):
        server.add(mailbox_user, folder, mail(subject=folder))
    seen = by_name(glance(server.account(mailbox_user), Password(server.password), timeout=20))
    with dial(server, mailbox_user) as session:
        assert by_name(session.folders()) == seen
        assert seen["Sent"].role == "sent"
        state = session.examine("Clients/Été & Cie")
        assert seen["Clients/Été & Cie"].status == remembered(state)
        server.add(mailbox_user, "INBOX", mail(subject="late"))
        late = by_name(session.folders())
    assert late["INBOX"].status != seen["INBOX"].status
    assert late["Sent"].status == seen["Sent"].status


def test_shared_folders_are_told_apart(server: DovecotServer, mailbox_user: str) -> None:
    """Those of a namespace that is listed, and of one that is not."""
    server.add(mailbox_user, "INBOX", mail())
    server.add("public", "Team", mail())
    server.add("hidden", "Board", mail())
    foreign = {
        folder.name: folder.foreign
        for folder in by_name(
            glance(server.account(mailbox_user), Password(server.password), timeout=20)
        ).values()
    }
    assert not foreign["INBOX"]
    assert foreign["Public/Team"]
    assert foreign["Hidden/Board"]
    with dial(server, mailbox_user) as session:
        session.folders()
        assert session.examine("Hidden/Board").exists == 1


def test_qresync_tells_what_was_deleted(server: DovecotServer, mailbox_user: str) -> None:
    """By another program, while nobody looked."""
    paths = [server.add(mailbox_user, "INBOX", mail(subject=str(n))) for n in range(6)]
    with dial(server, mailbox_user) as session:
        before = remembered(session.examine("INBOX"))
        assert session.examine("INBOX", before).vanished == frozenset()
    for number in (1, 4):
        paths[number].unlink()
    server.add(mailbox_user, "INBOX", mail(subject="new"))
    with dial(server, mailbox_user) as session:
        state = session.examine("INBOX", before)
        assert state.vanished == {2, 5}
        assert session.uids(before.uidnext) == (7,)
        assert session.uids() == (1, 3, 4, 6, 7)
        assert session.uids(99) == ()
        strange = Status(uidvalidity=before.uidvalidity + 1, uidnext=7, exists=6, modseq=1)
        assert session.examine("INBOX", strange).vanished is None
        session.examine("INBOX")
        paths[0].unlink()
        assert [uid for uid, data in session.fetch((1, 3, 7)) if data] == [3, 7]


def test_headers_come_for_many(server: DovecotServer, mailbox_user: str) -> None:
    """Only the fields that were asked for, folded as they stand."""
    letter = b"Subject: one\r\n two\r\nX-Odd: no\r\nFROM: a@b.example\r\n\r\nbody\r\n"
    for _number in range(300):
        server.add(mailbox_user, "INBOX", letter)
    with dial(server, mailbox_user) as session:
        session.examine("INBOX")
        found = session.headers(range(1, 302), ("From", "Subject"))
    assert set(found) == set(range(1, 301))
    assert set(found.values()) == {b"Subject: one\r\n two\r\nFROM: a@b.example\r\n\r\n"}


def test_a_wait_ends_when_mail_comes(server: DovecotServer, mailbox_user: str) -> None:
    """IDLE, in step before and after."""
    server.add(mailbox_user, "INBOX", mail())
    with dial(server, mailbox_user, compress=True) as session:
        state = session.examine("INBOX")
        assert not session.idle(0.3, lambda: False)
        comes = threading.Timer(0.3, server.add, (mailbox_user, "INBOX", mail(subject="new")))
        comes.start()
        assert session.idle(30, lambda: False)
        comes.join()
        assert session.uids(state.uidnext or 0) == (2,)
        assert not session.idle(0.1, lambda: False)


@pytest.mark.parametrize("security", ["plain", "tls", "starttls"])
def test_compression_saves_and_changes_nothing(
    server: DovecotServer, mailbox_user: str, security: Security
) -> None:
    """The bytes are the same, large messages and 8-bit ones too, over any connection."""
    rubbish = random.Random(4).randbytes(200_000).replace(b"\n", b"").replace(b"\r", b"")
    letters = [
        mail(subject="words", text="words, many words\n" * 100_000),
        b"Subject: bytes\r\n\r\n" + rubbish.replace(b"\0", b"") + b"\r\n",
    ]
    for letter in letters:
        server.add(mailbox_user, "INBOX", letter)
    context = None if security == "plain" else ssl.create_default_context(cafile=server.ca_file)
    account = server.account(mailbox_user, security=security, host="127.0.0.1")
    with Listener(account.port) as proxy:
        session = connect(
            through(account, proxy.port),
            Password(server.password),
            timeout=20,
            context=context,
            compress=True,
        )
        with closing(session):
            session.examine("INBOX")
            assert dict(session.fetch((1, 2))) == dict(enumerate(letters, 1))
            assert b"".join(session.fetch_in_parts(1, len(letters[0]))) == letters[0]
        assert proxy.received < len(letters[0])
        assert b"EXAMINE" not in proxy.sent


def test_a_compressed_read_ends_when_it_is_broken_off(
    server: DovecotServer, mailbox_user: str
) -> None:
    """From another thread, in the middle of a message."""
    rubbish = random.Random(4).randbytes(30_000_000).hex().encode()
    server.add(mailbox_user, "INBOX", mail() + rubbish)
    with dial(server, mailbox_user, compress=True) as session:
        session.examine("INBOX")
        breaker = threading.Timer(0.3, session.abort)
        breaker.start()
        started = time.monotonic()
        with pytest.raises(TemporaryNetworkError, match="failed"):
            list(chain.from_iterable(session.fetch((1,)) for _round in range(100)))
        assert time.monotonic() - started < 20
        breaker.join()


def test_a_glance_is_as_strict_as_a_session(server: DovecotServer, mailbox_user: str) -> None:
    """Certificates, plain text, passwords."""
    account = server.account(mailbox_user, security="tls", host="localhost")
    context = ssl.create_default_context(cafile=server.ca_file)
    assert glance(account, server.password, timeout=20, context=context) is not None
    with pytest.raises(ConfigurationError, match="no password was sent"):
        glance(account, server.password, timeout=20)
    with pytest.raises(AuthenticationError):
        glance(server.account(mailbox_user), Password("wr0ng"), timeout=20)
    elsewhere = Account(
        name="x", host="imap.example", port=143, user="u", security="plain", keep="everything"
    )
    with pytest.raises(ConfigurationError, match="without encryption"):
        glance(elsewhere, Password("x"), timeout=20)


def test_a_glance_sends_no_word_too_many(server: DovecotServer, mailbox_user: str) -> None:
    """No folder is opened; it ends with LOGOUT."""
    server.add(mailbox_user, "INBOX", mail())
    with Listener(server.port) as proxy:
        account = through(server.account(mailbox_user), proxy.port)
        assert glance(account, Password(server.password), timeout=20)
        until = time.monotonic() + 5
        while b"LOGOUT" not in proxy.sent and time.monotonic() < until:
            time.sleep(0.01)
    words = [line.split()[1] for line in proxy.sent.splitlines()]
    assert words == [b"CAPABILITY", b"AUTHENTICATE", b"NAMESPACE", b"LIST", b"LIST", b"LOGOUT"]


def test_nothing_is_sent_that_is_not_written_down(server: DovecotServer, mailbox_user: str) -> None:
    """Every command of a session stands in docs/imap.md, and none of them writes."""
    page = Path(__file__).parent.parent / "docs" / "imap.md"
    if not page.exists():
        pytest.skip("not a checkout")
    table = page.read_text("utf-8").split("## Connecting")[0].split("`SELECT`")[0]
    for number in range(3):
        server.add(mailbox_user, "INBOX", mail(subject=str(number)))
    with Listener(server.port) as proxy:
        account = through(server.account(mailbox_user), proxy.port)
        with closing(connect(account, Password(server.password), timeout=20)) as session:
            session.folders()
            before = remembered(session.examine("INBOX"))
            session.examine("INBOX", before)
            session.headers(session.uids(), ("From",))
            session.outlines((1, 2))
            assert dict(session.fetch((1, 2)))
            assert list(session.fetch_in_parts(3, None))
            session.idle(0.1, lambda: False)
    lines = [line.split() for line in proxy.sent.decode("ascii").splitlines()]
    said = {line[1] if len(line) > 1 else line[0] for line in lines}
    assert said >= {"NAMESPACE", "LIST", "ENABLE", "EXAMINE", "UID", "IDLE", "DONE", "LOGOUT"}
    assert all(f"`{word}" in table or f" {word} " in table for word in said)
    fetches = [line for line in lines if line[1:2] == ["UID"]]
    assert all(line[2] == "FETCH" for line in fetches)
    assert not any("BODY[" in word for line in fetches for word in line)
    assert not list((server.folder(mailbox_user) / "new").iterdir())
    assert all(
        path.name.endswith(":2,") for path in (server.folder(mailbox_user) / "cur").iterdir()
    )


def test_a_glance_loads_no_imapclient(server: DovecotServer, mailbox_user: str) -> None:
    """It takes longer than all the rest."""
    server.add(mailbox_user, "INBOX", mail())
    program = (
        "import sys, time\n"
        "from archiver.accounts import Account\n"
        "started = time.perf_counter()\n"
        "from archiver.mailbox.server.glance import glance\n"
        f"account = Account(name='x', host='127.0.0.1', port={server.port}, user={mailbox_user!r},"
        " security='plain', keep='everything')\n"
        f"assert glance(account, {server.password!r})\n"
        "assert 'imapclient' not in sys.modules and 'email' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parent.parent)


def test_nothing_leaks_over_many_connections(server: DovecotServer, mailbox_user: str) -> None:
    """File descriptors stay as they were, whether a session is closed, broken or cut short."""
    here = Path("/proc/self/fd")
    if not here.is_dir():
        pytest.skip("no /proc")
    server.add(mailbox_user, "INBOX", mail())
    account = server.account(mailbox_user)
    before = len(list(here.iterdir()))
    for number in range(30):
        session = connect(account, Password(server.password), timeout=20, compress=bool(number % 2))
        session.examine("INBOX")
        if number % 3 == 0:
            session.abort()
        session.close()
        glance(account, Password(server.password), timeout=20)
    assert len(list(here.iterdir())) <= before + 1
