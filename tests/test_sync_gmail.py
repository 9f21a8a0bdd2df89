r"""Gmail, where what was sent stands in no folder but under a label (``\Sent``)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from command import new_desk
from mail import mail
from mailbox_fakes import FakeFolder, FakeSession, account

from archiver.app import Archive
from archiver.care.coverage.one_sided import one_sided
from archiver.evidence.origin.registry import newest_origin
from archiver.model.digest import Digest, Position
from archiver.pipeline.keep import sync_account
from index.query import Term

RECEIVED = mail(subject="Step 1", from_="marie@client.example", message_id="1@client.example")
SENT = mail(subject="Re: Step 1", from_="alias@elsewhere.example", message_id="2@mail.gmail.com")
ALL = FakeFolder(
    {1: RECEIVED, 2: SENT},
    role="all",
    labels={1: ("\\Inbox", "Clients/ACME"), 2: ("\\Sent", "\\Important")},
)
GMAIL = {
    "INBOX": FakeFolder({11: RECEIVED}, role="inbox"),
    "[Gmail]/Tous les messages": ALL,
    "[Gmail]/Messages envoyés": FakeFolder({21: SENT}, role="sent"),
}


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """Synchronise a Gmail account into an archive that asks no DNS."""
    desk = new_desk(tmp_path / "archive")
    path = desk.root / "archive.toml"
    path.write_text(path.read_text() + '\n[origin]\ndns = "off"\n')
    with Archive(desk.root, tell=print, actor="person:test", offline=True) as archive:
        sync_account(
            archive.evidence,
            account(),
            connect=lambda: FakeSession(GMAIL, status=True, gmail=True),
            clock=archive.clock,
        )
        archive.level()
        yield archive


def position(archive: Archive, data: bytes) -> Position:
    """Return which record DATA is."""
    return next(
        entry.position
        for entry in archive.evidence.entries()
        if getattr(entry.payload, "object", None) == Digest.of(data)
    )


def test_sent_mail_is_found_and_counted_by_its_label(archive: Archive) -> None:
    """Although the folder for sent mail is not fetched: All Mail holds it."""
    found = archive.catalogue.select(Term("is", "sent"), time_zone=archive.time_zone)
    assert set(found) == {position(archive, SENT)}
    sides = one_sided(archive.catalogue, own=archive.copies.own, accounts=["work"]).sides
    assert [(each.account, each.in_sent) for each in sides] == [("", 1), ("work", 1)]


def test_the_origin_of_sent_mail_is_our_own(archive: Archive) -> None:
    """Nobody else can have signed it; the address, an alias, is not needed for that."""
    archive.capture_origin()
    origins = {
        data: newest_origin(archive.evidence, position(archive, data)) for data in (SENT, RECEIVED)
    }
    assert [found[1].sent for found in origins.values() if found] == [True, False]
