"""What a synchronisation journalled, in words."""

from datetime import UTC, datetime

import pytest

from archiver.custody.telling import say
from archiver.model.digest import Position
from archiver.model.entries import FolderChange, FolderScan, Match, Payload, Scan, Sighting
from archiver.model.sources import FileSource, ImapSource, Source


def scan(**said: object) -> Scan:
    """Return a scan of one folder."""
    folder = FolderScan(
        folder="INBOX",
        uidvalidity=1,
        exists=9,
        kept="1",
        unkept=(("no engagement", "2:4"), ("never", "5")),
        near=(("same name", "4"),),
        postponed="6:7",
        failed=((8, "gone"),),
    )
    return Scan(account="work", folders=(folder,), **said)  # type: ignore[arg-type]


def seen(source: Source, match: Match = "digest") -> Sighting:
    """Return a sighting at SOURCE."""
    return Sighting(record=Position(2), source=source, internaldate=None, flags=(), match=match)


GMAIL = ImapSource(
    account="work",
    host="h",
    certificate=None,
    folder="All",
    uidvalidity=1,
    uid=7,
    labels=("ACME", "\\Sent"),
)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (
            scan(),
            (
                "Synchronised work: 1 message is here or presumed to be. By the rules 4 were not kept. "
                "1 of them was nearly kept. 2 were left for another day: the day's volume was spent. "
                "1 could not be fetched."
            ),
        ),
        (
            Scan(
                account="work",
                folders=(),
                heartbeat=True,
                since=datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
                attempts=3,
                reason="The server refused.",
            ),
            (
                "Synchronised work: nothing new. The last good one was on 2026-03-02T09:30+00:00. "
                "It was tried 3 times in vain. The last time: The server refused."
            ),
        ),
        (
            seen(GMAIL, "attributes"),
            (
                "Seen in All of work (UID 7). Labels: ACME, \\Sent. "
                "Presumed: it was known by its attributes, its bytes were not read again."
            ),
        ),
        (
            seen(
                FileSource(path="/m.pst", member=0, offset=0, folder="Top/Inbox", made_from="pst")
            ),
            (
                "Read from /m.pst, message 1. It stood in Top/Inbox. It was put together from a PST "
                "item: these are not the bytes sent."
            ),
        ),
        (
            FolderChange(account="work", folder="Old", change="gone", uidvalidity=1),
            "Folder Old of work is no longer on the server; what was kept stays.",
        ),
        (
            FolderChange(
                account="work", folder="New", change="renamed", uidvalidity=1, previous="Old"
            ),
            "Folder Old of work is called New now.",
        ),
        (
            FolderChange(account="work", folder="Old", change="back", uidvalidity=1),
            "Folder Old of work is on the server again.",
        ),
    ],
)
def test_what_a_sync_journalled_is_said_in_words(payload: Payload, said: str) -> None:
    """Each kind of entry that it may add."""
    assert say(payload) == said
