"""``keep = "engagements"`` and ``[never]`` on a real server, from the account to the journal."""

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from accounts import add_account, fill
from command import new_desk
from dovecot import DovecotServer
from mail import DEFAULT_DATE, mail
from mailbox_fakes import Listener

from archiver.app import Archive
from archiver.errors import TemporaryNetworkError
from archiver.mailbox.events import Event
from archiver.mailbox.walk import Walk
from archiver.model.entries import FolderScan, Scan

pytestmark = pytest.mark.dovecot

MARIE = "Marie Client <marie@acme.example>"
ME = "jane@consultant.example"
SECRET = "The test results of the doctor"


def letter(name: str, **more: object) -> bytes:
    """Write a message that has nothing to do with the client, unless told otherwise."""
    values: dict[str, object] = {
        "from_": "stranger@else.example",
        "to": ME,
        "subject": f"Letter {name}",
        "message_id": f"{name}@x.example",
        "text": f"The words of {name}.\n",
    }
    return mail(**(values | more))  # type: ignore[arg-type]


class Work:
    """An archive with an engagement for ACME, and a mailbox that is synchronised into it."""

    def __init__(self, root: Path, server: DovecotServer, user: str) -> None:
        self.desk = new_desk(root)
        self.server = server
        self.user = user
        self.desk.ok(
            *("engagement", "add", "acme", "--client", "ACME"),
            *("--person", "marie@acme.example", "--folder", "Clients/ACME"),
        )

    def fill(self, *mails: bytes, folder: str = "INBOX") -> None:
        """Put MAILS into a folder of the mailbox."""
        fill(self.server, self.user, mails, folder)

    def add(self, *options: str) -> None:
        """Add the mailbox as an account that keeps only the mail of engagements."""
        add_account(self.desk, self.server, self.user, "--address", ME, *options)
        self.desk.ok("account", "edit", "work", "--keep", "engagements")

    def never(self, *lines: str) -> None:
        """Write ``[never]`` into the settings."""
        path = self.desk.root / "archive.toml"
        path.write_text("\n".join((path.read_text("utf-8"), "[never]", *lines, "")), "utf-8")

    def subjects(self) -> set[str]:
        """Return the subjects of all records."""
        found = self.desk.ok("search", "*", "--limit", "1000", "--format", "json").json
        return {hit["subject"] for hit in found["hits"]}

    def scans(self) -> Iterator[tuple[Scan, FolderScan]]:
        """Yield what the journal says of each folder, oldest first."""
        with Archive(self.desk.root, tell=print, actor="person:test") as archive:
            for entry in archive.evidence.scans("work"):
                if isinstance(entry.payload, Scan):
                    yield from ((entry.payload, folder) for folder in entry.payload.folders)

    def left(self) -> dict[str, dict[str, str]]:
        """Return by folder the UIDs left by each rule, as the newest statement has it."""
        return {folder.folder: dict(folder.unkept) for _scan, folder in self.scans()}


@pytest.fixture
def work(tmp_path: Path, dovecot: DovecotServer, mailbox_user: str) -> Work:
    """Make an archive and an empty mailbox."""
    return Work(tmp_path / "archive", dovecot, mailbox_user)


def test_only_the_clients_mail_comes_in(work: Work) -> None:
    """By person, by folder and by thread, though what is referred to lies in a folder before."""
    work.fill(
        letter("stranger"),
        letter("root"),
        letter("from-marie", from_=MARIE, references=("root@x.example",)),
        letter("near", from_="Marie Client <mc@freemail.example>"),
    )
    work.fill(letter("sent", from_=ME, to=MARIE), letter("sent-else", from_=ME), folder="Sent")
    work.fill(letter("sorted"), folder="Clients/ACME")
    work.fill(letter("answer", in_reply_to="from-marie@x.example"), folder="Answers")
    work.add()
    work.desk.ok("sync")
    assert work.subjects() == {
        f"Letter {name}" for name in ("root", "from-marie", "sent", "sorted", "answer")
    }
    assert work.left()["Sent"] == {"no-rule": "2"}
    (inbox,) = (scan for _entry, scan in work.scans() if scan.folder == "INBOX" and scan.near)
    assert dict(inbox.near) == {"same-name": "4"}
    assert dict(inbox.unkept) == {"no-rule": "1", "same-name": "4"}
    entries = work.desk.ok("status", "--format", "json").json["entries"]
    work.desk.ok("sync")
    assert work.desk.ok("status", "--format", "json").json["entries"] == entries


def test_of_what_is_left_nothing_but_its_number_is_stored_or_fetched(
    work: Work, dovecot: DovecotServer
) -> None:
    """No file of the archive holds a word of it, and its body was never asked for."""
    work.fill(
        letter("client", from_=MARIE),
        letter("private", subject=SECRET, from_="doctor@clinic.example", text=f"{SECRET}\n"),
    )
    with Listener(dovecot.port) as proxy:
        work.add("--port", str(proxy.port))
        work.desk.ok("sync")
        said = proxy.sent.decode("utf-8", "replace")
    assert work.subjects() == {"Letter client"}
    for path in work.desk.root.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            for word in (SECRET, "doctor@clinic", "private@x.example"):
                assert word.encode() not in content, path
    bodies = [line for line in said.splitlines() if "BODY.PEEK[]" in line]
    assert bodies
    assert all("UID FETCH 1 " in line for line in bodies)


def test_a_rule_that_is_widened_brings_what_was_left(work: Work) -> None:
    """What is still on the server is looked at again; the rest is not fetched twice."""
    work.fill(letter("1", from_=MARIE), letter("2", from_="paul@acme.example"), letter("3"))
    work.add()
    work.desk.ok("sync")
    assert work.subjects() == {"Letter 1"}
    rules = {scan.rules for scan, _folder in work.scans()}
    path = work.desk.root / "engagements" / "acme.toml"
    path.write_text(path.read_text("utf-8").replace("domains = []", 'domains = ["acme.example"]'))
    work.desk.ok("sync")
    assert work.subjects() == {"Letter 1", "Letter 2"}
    assert len({scan.rules for scan, _folder in work.scans()} - rules) == 1
    assert work.left()["INBOX"] == {"no-rule": "3"}


def test_never_is_never_fetched_though_everything_is_kept(work: Work) -> None:
    """Addresses, folders and subjects; the journal names the rule, and no more."""
    work.fill(
        letter("1", from_=MARIE),
        letter("2", from_=MARIE, cc="wife@home.example"),
        letter("3", subject="[Privé] dinner"),
        letter("4"),
    )
    work.fill(letter("5", from_=MARIE), folder="Private/Doctor")
    work.add()
    work.desk.ok("account", "edit", "work", "--keep", "everything")
    work.never('addresses = ["wife@home.example"]', 'folders = ["Private"]', 'subjects = ["privé"]')
    work.desk.ok("sync")
    assert work.subjects() == {"Letter 1", "Letter 4"}
    assert work.left()["INBOX"] == {"never-address": "2", "never-subject": "3"}


def test_a_record_kept_later_brings_what_an_earlier_sync_left(work: Work) -> None:
    """The client answers a letter that nothing tied to the client before."""
    work.fill(letter("1", from_=ME, to="stranger@else.example"), letter("2"))
    work.add()
    work.desk.ok("sync")
    assert work.subjects() == set()
    work.fill(letter("3", from_=MARIE, in_reply_to="1@x.example"))
    work.desk.ok("sync")
    assert work.subjects() == {"Letter 1", "Letter 3"}
    assert work.left()["INBOX"].get("no-rule", "2") == "2"


@pytest.mark.parametrize("how", ["the network", "a person"])
def test_a_walk_that_broke_off_before_it_looked_again_loses_nothing(
    work: Work, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """What was kept is looked around by the first walk that gets through."""

    def gone(_walk: Walk, _left: object) -> Iterator[Event]:
        yield from ()
        if how == "a person":
            raise KeyboardInterrupt
        raise TemporaryNetworkError("The line is dead.", advice="Wait.")

    work.fill(letter("1", from_=ME, to="stranger@else.example"), letter("2"))
    work.add()
    work.desk.ok("sync")
    work.fill(letter("3", from_=MARIE, in_reply_to="1@x.example"))
    with monkeypatch.context() as patch:
        patch.setattr(Walk, "again", gone)
        with contextlib.suppress(KeyboardInterrupt):
            work.desk("sync")
        with contextlib.suppress(KeyboardInterrupt):
            work.desk("sync")
    work.desk.ok("sync")
    assert work.subjects() == {"Letter 1", "Letter 3"}
    with Archive(work.desk.root, tell=print, actor="person:test") as archive:
        settled = archive.wanted(archive.copies.settings.accounts[0])
        assert settled is not None
        assert not settled.unsettled


def test_a_long_thread_is_followed_to_its_beginning(work: Work) -> None:
    """Each message lies so far from the next that only the one brings the other."""
    number = 9
    for n in range(number):
        more = {"in_reply_to": f"{n + 1}@x.example"} if n < number - 1 else {}
        at = DEFAULT_DATE - timedelta(days=80 * (n + 1))
        work.server.add(work.user, "INBOX", letter(str(n), **more), internaldate=at)
    work.add()
    work.desk.ok("sync")
    assert work.subjects() == set()
    work.fill(letter("top", from_=MARIE, in_reply_to="0@x.example"))
    work.desk.ok("sync")
    assert len(work.subjects()) == number + 1


def test_a_record_that_was_imported_brings_what_was_left(work: Work, tmp_path: Path) -> None:
    """Though nothing changed on the server; around the date of the record, and no further."""
    for name, days in (("1", 80), ("2", 80), ("old", 100)):
        data = letter(name, from_=ME, to="stranger@else.example")
        at = DEFAULT_DATE - timedelta(days=days)
        work.server.add(work.user, "INBOX", data, internaldate=at)
    work.add()
    work.desk.ok("sync")
    answer = letter("3", from_=MARIE, references=("old@x.example", "1@x.example"))
    work.desk.keep(tmp_path / "old", answer)
    work.desk.ok("sync")
    assert work.subjects() == {"Letter 1", "Letter 3"}


def test_everything_brings_what_was_left(work: Work) -> None:
    """Who changes their mind gets the rest, and nothing twice."""
    work.fill(letter("1", from_=MARIE), letter("2"))
    work.add()
    work.desk.ok("sync")
    work.desk.ok("account", "edit", "work", "--keep", "everything")
    work.desk.ok("sync")
    assert work.subjects() == {"Letter 1", "Letter 2"}
    assert work.desk.ok("status", "--format", "json").json["records"] == 2
