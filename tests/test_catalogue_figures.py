"""Counts are read back from the tables."""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from readings import (
    KEPT,
    SENT,
    ask,
    attachment,
    catalogue_of,
    imap,
    reading,
    see,
    sighting,
    tag,
)

from archiver.catalogue.catalogue import AccountCount, Catalogue, EngagementCount
from archiver.mailbox.folders import role_by_name
from archiver.model.entries import FolderScan, Scan
from archiver.model.reading import Defect, Unreadable
from archiver.model.sources import FileSource

LATER = SENT + timedelta(days=30)


def small(folder: Path) -> Catalogue:
    """Return a catalogue of four records: two tagged, one undecided, one without a tie."""
    catalogue = catalogue_of(
        folder,
        reading(message_id="a", attachments=[attachment(), attachment(text="words")]),
        reading(date=LATER),
        reading(defects=[Defect("x", "y")]),
        Unreadable(defects=(Defect("x", "y"),)),
    )
    with catalogue.batch() as batch:
        tag(batch, 1, "acme", "other")
        tag(batch, 2, "acme")
        ask(batch, 3, "acme", "other")
        see(batch, 10, sighting(1, imap("INBOX")))
        see(batch, 11, sighting(1, imap("Sent")))
        see(batch, 12, sighting(2, imap(account="home")))
    return catalogue


def test_counts_of_an_archive(tmp_path: Path) -> None:
    """Every figure of the status."""
    counts = small(tmp_path).counts()
    assert (counts.records, counts.threads, counts.undecided) == (4, 4, 1)
    assert (counts.untagged_with_tie, counts.untagged_without_tie) == (1, 1)
    assert (counts.attachments, counts.attachments_unread) == (2, 1)
    assert (counts.unreadable, counts.defects) == (1, 2)
    assert counts.engagements == (
        EngagementCount(slug="acme", records=2, oldest=SENT, newest=LATER),
        EngagementCount(slug="other", records=1, oldest=SENT, newest=SENT),
    )
    assert counts.accounts == (
        AccountCount(account="home", records=1, sightings=1, last=KEPT),
        AccountCount(account="work", records=1, sightings=2, last=KEPT),
    )


def test_the_extent_of_a_search(tmp_path: Path) -> None:
    """What a search without a hit says it looked through."""
    extent = small(tmp_path).extent()
    assert (extent.records, extent.accounts, extent.engagements) == (
        4,
        ("home", "work"),
        ("acme", "other"),
    )
    assert (extent.first, extent.last) == (SENT, KEPT)
    assert (extent.attachments_unread, extent.unreadable) == (1, 1)


def test_an_empty_catalogue_counts_nothing(tmp_path: Path) -> None:
    """No figure fails for want of a record."""
    catalogue = catalogue_of(tmp_path)
    assert catalogue.counts().records == 0
    assert (catalogue.extent().first, catalogue.extent().accounts) == (None, ())


def test_records_in_folders_for_one_purpose_are_counted(tmp_path: Path) -> None:
    """By what scans say of a folder, by its name, by a label: each record once in each account."""
    small(tmp_path).close()
    with closing(Catalogue.open(tmp_path / "catalogue.sqlite", role_of=role_by_name)) as catalogue:
        gone_out = FolderScan(folder="Ausgang 7", uidvalidity=1, exists=1, kept="1", role="sent")
        with catalogue.batch() as batch:
            batch.add_scan(Scan(account="home", folders=(gone_out,)))
            see(batch, 13, sighting(1, replace(imap("[Gmail]/All Mail"), labels=("\\Sent",))))
            see(batch, 14, sighting(3, replace(imap("[Gmail]/All Mail"), labels=("\\Sent",))))
            see(batch, 15, sighting(3, imap("Ausgang 7", account="home")))
            see(batch, 16, sighting(4, in_box(labels=("Messages envoyés",))))
        assert catalogue.in_role("sent") == {"work": 2, "home": 1, "": 3}
        assert catalogue.in_role("sent", engagement="acme") == {"work": 1, "": 1}
        assert catalogue.in_role("junk") == {"": 0}


def in_box(**more: Any) -> FileSource:
    """Return a place in a file."""
    return FileSource(path="/mail.mbox", member=0, offset=0, **more)
