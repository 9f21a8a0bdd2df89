"""What a sync decides against a real Dovecot: delta, QRESYNC, folders renamed and made anew."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dovecot import DovecotServer
from mail import mail
from mailbox_fakes import Listener

from archiver.accounts import Account
from archiver.evidence.checks.check import verify
from archiver.evidence.store import Evidence
from archiver.mailbox.secrets import Password
from archiver.mailbox.server.glance import glance
from archiver.mailbox.server.imap import connect
from archiver.mailbox.server.session import Folder, Session
from archiver.model.entries import Epoch, FolderChange, FolderScan, Scan, Vanished
from archiver.pipeline.keep import Intake, sync_account

pytestmark = pytest.mark.dovecot

ARRIVED = datetime(2026, 1, 5, 8, 30, tzinfo=UTC)


class Post:
    """A user's mailbox on the server, and the archive of it."""

    def __init__(self, server: DovecotServer, user: str, root: Path) -> None:
        self.server = server
        self.user = user
        self.now = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
        self.numbers = iter(range(1, 10_000))
        self.evidence = Evidence.create(
            root, clock=lambda: self.now, entropy=os.urandom, software="archiver test"
        )
        self.account = replace(server.account(user), name="work", recheck_bytes=0)
        self.sent: list[str] = []
        """The commands of the last sync, without their tags; a login is one word."""

    def add(self, folder: str, count: int) -> list[Path]:
        """Deliver messages into FOLDER."""
        paths: list[Path] = []
        for _each in range(count):
            number = next(self.numbers)
            data = mail(subject=f"Mail {number}", message_id=f"{number}@x.example")
            when = ARRIVED + timedelta(minutes=number)
            paths.append(self.server.add(self.user, folder, data, internaldate=when))
        return paths

    def sync(self, *, look: bool = False, full: bool = False) -> Intake:
        """Synchronise, with a glance first if it is to LOOK."""
        with Listener(self.server.port) as listener:
            account = replace(self.account, port=listener.port)
            intake = sync_account(
                self.evidence,
                account,
                connect=_connector(account, self.server.password),
                clock=lambda: self.now,
                glance=_glancer(account, self.server.password) if look else None,
                full=full,
            )
            said = listener.sent.decode("ascii", "replace").split("\r\n")
        self.sent = [re.sub(r"^\w+ ", "", line) for line in said if line]
        return intake

    def asked(self, *words: str) -> list[str]:
        """Return what was sent that begins with one of WORDS."""
        return [line for line in self.sent if line.startswith(words)]

    def said(self, kind: type) -> list[object]:
        """Return what the journal's entries of one type say."""
        entries = (entry.payload for entry in self.evidence.entries())
        return [payload for payload in entries if isinstance(payload, kind)]

    def scans(self, folder: str) -> list[FolderScan]:
        """Return what the journal says of FOLDER."""
        return [
            each
            for scan in self.said(Scan)
            if isinstance(scan, Scan)
            for each in scan.folders
            if each.folder == folder
        ]

    def sound(self) -> bool:
        """Tell whether the archive is as it must be."""
        return not [each for each in verify(self.evidence).findings if each.level != "note"]


def _connector(account: Account, password: str) -> Callable[[], Session]:
    return lambda: connect(account, Password(password), timeout=20)


def _glancer(account: Account, password: str) -> Callable[[], tuple[Folder, ...] | None]:
    return lambda: glance(account, Password(password), timeout=20)


@pytest.fixture
def post(dovecot: DovecotServer, mailbox_user: str, tmp_path: Path) -> Iterator[Post]:
    """Make a mailbox with an inbox of five and a folder of three, and an archive of it."""
    post = Post(dovecot, mailbox_user, tmp_path / "archive")
    with closing(post.evidence):
        post.add("INBOX", 5)
        post.add("Clients", 3)
        assert post.sync().new == 8
        yield post


def test_nothing_new_is_one_listing_whatever_the_number_of_folders(post: Post) -> None:
    """No EXAMINE, no FETCH; with a glance, no session at all."""
    for look in (False, True):
        intake = post.sync(look=look)
        assert (intake.new, intake.problems) == (0, [])
        assert post.asked("EXAMINE", "SELECT", "STATUS", "UID") == []
        assert len(post.asked("LIST")) <= 2
    assert len(post.sent) < 7


def test_new_mail_costs_one_folder(post: Post) -> None:
    """It is examined from the state that is known, and only what is new is listed."""
    post.add("Clients", 2)
    intake = post.sync(look=True)
    assert intake.new == 2
    (examined,) = post.asked("EXAMINE")
    assert "Clients" in examined
    assert "QRESYNC" in examined
    assert post.asked("UID FETCH 1:*") == []
    assert [line for line in post.asked("UID FETCH") if "4:*" in line]
    assert (post.scans("Clients")[-1].looked, post.scans("Clients")[-1].full) == ("4:5", False)
    assert post.sync(look=True).new == 0
    assert post.asked("EXAMINE") == []


def test_what_was_expunged_is_told_without_an_enumeration(post: Post) -> None:
    """VANISHED (EARLIER), RFC 7162."""
    for path in post.add("INBOX", 2):
        assert path.exists()
    post.sync()
    folder = post.server.folder(post.user, "INBOX") / "cur"
    for path in sorted(folder.iterdir())[1:4:2]:
        path.unlink()
    intake = post.sync()
    assert intake.problems == []
    assert post.asked("UID FETCH 1:*") == []
    assert [getattr(each, "uids", "") for each in post.said(Vanished)] == ["2,4"]
    assert post.sync().problems == []
    assert post.asked("EXAMINE") == []
    assert post.sound()


def test_a_message_that_was_moved_is_recognised(post: Post) -> None:
    """It keeps its INTERNALDATE, and is not fetched."""
    here = min((post.server.folder(post.user, "INBOX") / "cur").iterdir())
    there = post.server.folder(post.user, "Clients") / "cur"
    here.rename(there / f"{here.name.partition(':')[0]}x:2,S")
    intake = post.sync()
    assert (intake.recognised, intake.new, intake.seen_again) == (1, 0, 0)
    post.account = replace(post.account, recheck_bytes=10**6)
    intake = post.sync(look=True)
    assert (intake.confirmed, intake.presumed) == (1, 0)
    assert post.sound()


def test_a_folder_renamed_on_the_server_is_recognised(post: Post) -> None:
    """Dovecot keeps its MAILBOXID."""
    inbox = post.server.folder(post.user, "INBOX")
    (inbox / ".Clients").rename(inbox / ".Customers")
    intake = post.sync()
    (change,) = post.said(FolderChange)
    assert isinstance(change, FolderChange)
    assert (change.change, change.folder, change.previous) == ("renamed", "Customers", "Clients")
    assert (intake.recognised, intake.new) == (3, 0)
    assert post.sound()


def test_a_folder_made_anew_has_another_epoch_and_loses_nothing(post: Post) -> None:
    """Deleted, and back with the same messages under another UIDVALIDITY."""
    place = post.server.folder(post.user, "Clients")
    aside = place.with_name("aside")
    shutil.copytree(place, aside)
    shutil.rmtree(place)
    assert post.sync().notes == [
        "The folder Clients is no longer on the server; what was kept stays."
    ]
    for path in aside.rglob("dovecot*"):
        path.unlink()
    post.server.folder(post.user, "Clients")
    for path in (aside / "cur").iterdir():
        shutil.copy2(path, place / "cur" / path.name)
    for path in place.rglob("*"):
        post.server._own(path)
    shutil.rmtree(aside)
    intake = post.sync()
    epochs = [each for each in post.said(Epoch) if getattr(each, "folder", "") == "Clients"]
    assert len(epochs) == 2
    assert (intake.new, intake.recognised) == (0, 3)
    assert post.evidence.count_records() == 8
    assert post.sound()


def test_a_whole_enumeration_finds_nothing_that_a_delta_missed(post: Post) -> None:
    """With mail that came, went and moved in between."""
    for round_ in range(3):
        post.add("INBOX", 2)
        post.add("Clients", 1)
        sorted((post.server.folder(post.user, "INBOX") / "cur").iterdir())[round_].unlink()
        post.sync(look=True)
    records = post.evidence.count_records()
    intake = post.sync(full=True)
    assert (intake.new, intake.notes, intake.problems) == (0, [], [])
    assert post.evidence.count_records() == records == 8 + 9
    assert post.sound()
