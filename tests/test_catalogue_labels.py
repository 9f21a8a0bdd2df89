"""Where a record stands: labels and folders of files count, and presumptions until the bytes come."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from readings import catalogue_of, imap, reading, see, sighting
from test_catalogue_selection import PARIS

from archiver.catalogue.catalogue import Catalogue
from archiver.model.entries import FolderChange, FolderScan, Scan
from archiver.model.sources import FileSource, Source
from index.query import Term


def in_folder(catalogue: Catalogue, name: str) -> set[int]:
    """Return the records that ``folder:NAME`` finds."""
    return set(catalogue.select(Term("folder", name), time_zone=PARIS))


GMAIL = replace(
    imap("[Gmail]/All Mail", uid=7),
    labels=("Clients/ACME", "\\Sent", "odd\udc80"),
    gmail_id="1278455344230334865",
)
PST = FileSource(
    path="/mail.pst", member=3, offset=0, folder="Top/Inbox", labels=("x",), made_from="pst"
)


def test_labels_are_folders(tmp_path: Path) -> None:
    r"""Gmail's own, too, without their backslash."""
    catalogue = catalogue_of(tmp_path, reading(), reading())
    with catalogue.batch() as batch:
        see(batch, 10, sighting(1, GMAIL))
        see(batch, 11, sighting(2, PST))
    assert in_folder(catalogue, "clients/acme") == {1}
    assert in_folder(catalogue, "work/Clients/ACME") == {1}
    assert in_folder(catalogue, "Clients/*") == {1}
    assert in_folder(catalogue, "sent") == {1}
    assert in_folder(catalogue, "[Gmail]/All Mail") == {1}
    assert in_folder(catalogue, "Top/Inbox") == {2}
    assert in_folder(catalogue, "x") == {2}


@pytest.mark.parametrize("source", [replace(GMAIL, labels=("ACME", "\\Sent")), PST])
def test_a_source_comes_back_with_its_labels(tmp_path: Path, source: Source) -> None:
    """Exactly as the server or the file states them."""
    catalogue = catalogue_of(tmp_path, reading())
    with catalogue.batch() as batch:
        see(batch, 10, sighting(1, source))
    (seen,) = catalogue.view(1).sightings
    assert seen.source == source


def test_rules_meet_labels_as_folders(tmp_path: Path) -> None:
    """In the order of the sightings, each once."""
    catalogue = catalogue_of(tmp_path, reading())
    with catalogue.batch() as batch:
        see(batch, 10, sighting(1, imap("INBOX", uid=1)))
        see(batch, 11, sighting(1, replace(imap("All", uid=2), labels=("B", "A"))))
        see(batch, 12, sighting(1, replace(imap("All", uid=3), labels=("A",))))
        (facts,) = batch.facts(batch.all_threads()[0])
    assert facts.folders == (("work", "INBOX"), ("work", "All"), ("work", "A"), ("work", "B"))


def test_what_was_presumed_goes_when_the_bytes_come(tmp_path: Path) -> None:
    """They are those that it was taken for: one place, seen once."""
    catalogue = catalogue_of(tmp_path, reading())
    place = imap("Archive", uid=9)
    with catalogue.batch() as batch:
        see(batch, 10, sighting(1, imap("INBOX", uid=1)))
        see(batch, 11, sighting(1, place, match="attributes"))
    assert [one.match for one in catalogue.view(1).sightings] == ["digest", "attributes"]
    with catalogue.batch() as batch:
        see(batch, 12, sighting(1, place))
    assert [one.match for one in catalogue.view(1).sightings] == ["digest", "digest"]


def test_a_presumption_that_proves_wrong_ties_its_record_to_nothing(tmp_path: Path) -> None:
    """Other bytes: that place is the other record's, and the first is tagged anew."""
    catalogue = catalogue_of(tmp_path, reading(), reading(), reading())
    place = replace(imap("Archive", uid=9), labels=("ACME",))
    with catalogue.batch() as batch:
        see(batch, 10, sighting(1, imap("INBOX", uid=1)))
        see(batch, 11, sighting(1, place, match="attributes"))
        see(batch, 12, sighting(3, imap("Archive", uid=10), match="attributes"))
    assert in_folder(catalogue, "ACME") == {1}
    with catalogue.batch() as batch:
        see(batch, 13, sighting(2, place))
        assert {1, 2} <= set(batch.touched_threads())
    assert in_folder(catalogue, "ACME") == {2}
    assert in_folder(catalogue, "Archive") == {2, 3}
    assert len(catalogue.view(1).sightings) == 1


def scan(**said: object) -> Scan:
    """Return a scan of the inbox."""
    folder = FolderScan(folder="INBOX", uidvalidity=1, exists=9, kept="", **said)  # type: ignore[arg-type]
    return Scan(account="work", folders=(folder,))


def test_what_could_not_be_fetched_stays_until_it_is_looked_at_again(tmp_path: Path) -> None:
    """A scan of what is new says nothing about what is old."""
    catalogue = catalogue_of(tmp_path, reading())

    def unfetched(said: Scan) -> int:
        with catalogue.batch() as batch:
            batch.add_scan(said)
        return catalogue.counts().unfetched

    assert unfetched(scan(failed=((3, "no"), (5, "no")), looked="1:5", full=True)) == 2
    assert unfetched(scan(looked="6:9", failed=((7, "no"),))) == 3
    assert unfetched(scan(looked="5")) == 2
    assert unfetched(scan(looked="1:9", full=True, failed=((3, "no"),))) == 1
    assert unfetched(scan()) == 0  # as an earlier version wrote it


@pytest.mark.parametrize(
    ("change", "left"),
    [
        (FolderChange(account="work", folder="INBOX", change="gone", uidvalidity=1), 0),
        (
            FolderChange(
                account="work", folder="New", change="renamed", uidvalidity=1, previous="INBOX"
            ),
            0,
        ),
        (FolderChange(account="work", folder="INBOX", change="back", uidvalidity=1), 1),
        (FolderChange(account="home", folder="INBOX", change="gone", uidvalidity=1), 1),
    ],
)
def test_what_a_folder_that_is_gone_still_had_counts_no_more(
    tmp_path: Path, change: FolderChange, left: int
) -> None:
    """Nobody can fetch it; where the folder is called otherwise, it is looked at there."""
    with closing(catalogue_of(tmp_path)) as catalogue:
        with catalogue.batch() as batch:
            batch.add_scan(
                Scan(
                    account="work",
                    folders=(
                        FolderScan(
                            folder="INBOX", uidvalidity=1, exists=1, kept="", failed=((1, "no"),)
                        ),
                    ),
                )
            )
            batch.add_folder_change(change)
        assert catalogue.counts().unfetched == left
