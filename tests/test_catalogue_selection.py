"""Attributes, days and sizes find the records they name."""

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from readings import (
    add,
    ask,
    attachment,
    catalogue_of,
    digest,
    imap,
    opened,
    reading,
    see,
    sighting,
    tag,
)

from archiver.catalogue.catalogue import Catalogue, UnknownValue
from archiver.catalogue.selection import FRENCH, HAS, IS
from archiver.model.entries import FolderScan, Scan
from archiver.model.reading import Defect, Unreadable
from archiver.model.sources import FileSource
from index.query import All, And, DateRange, Query, Size, Term, Word

PARIS = ZoneInfo("Europe/Paris")
ROLES = {"Spam": "junk", "Corbeille": "trash", "Sent": "sent", "Brouillons": "drafts"}


def found(catalogue: Catalogue, query: Query) -> set[int]:
    """Return the positions that a query selects, days being days in Paris."""
    return set(catalogue.select(query, time_zone=PARIS))


def seen_in(folder: Path, *places: str, account: str = "work") -> Catalogue:
    """Return a catalogue whose records 1, 2 and so on were each seen in one folder."""
    catalogue_of(folder, *[reading() for _ in places]).close()
    catalogue = opened(folder, role_of=ROLES.get)
    with catalogue.batch() as batch:
        for position, place in enumerate(places, 1):
            see(batch, 100 + position, sighting(position, imap(place, account=account)))
    return catalogue


def test_everything_is_everything(tmp_path: Path) -> None:
    """Unreadable records too."""
    catalogue = catalogue_of(tmp_path, reading(), Unreadable(defects=()))
    assert found(catalogue, All()) == {1, 2}


def test_values_are_understood_in_french(tmp_path: Path) -> None:
    """With accents or without; the same as in English."""
    catalogue = seen_in(tmp_path, "Spam", "Corbeille", "Sent", "Brouillons")
    for value, positions in (
        ("indésirable", {1}),
        ("corbeille", {2}),
        ("envoyé", {3}),
        ("ENVOYES", {3}),
        ("brouillons", {4}),
        ("indécis", set()),
        ("illisible", set()),
        ("sans-mission", {1, 2, 3, 4}),
    ):
        assert found(catalogue, Term("is", value)) == positions, value
    assert found(catalogue, Term("has", "pièce")) == set()
    assert found(catalogue, Term("has", "défaut")) == set()
    assert found(catalogue, Term("engagement", "aucune")) == {1, 2, 3, 4}


def test_every_french_value_stands_for_one_that_exists() -> None:
    """None is misspelt."""
    assert set(FRENCH["has"].values()) == set(HAS)
    assert set(FRENCH["is"].values()) == set(IS)


def test_an_engagement_is_a_tag(tmp_path: Path) -> None:
    """Both words ask the same; none asks for records without any."""
    catalogue = catalogue_of(tmp_path, reading(), reading())
    with catalogue.batch() as batch:
        tag(batch, 1, "acme-2026")
    for field in ("tag", "engagement"):
        assert found(catalogue, Term(field, "acme-2026")) == {1}
        assert found(catalogue, Term(field, "ACME-2026")) == {1}
        assert found(catalogue, Term(field, "acme")) == set()
        assert found(catalogue, Term(field, "none")) == {2}


def test_an_identifier_is_a_beginning_of_a_digest_or_a_message_id(tmp_path: Path) -> None:
    """Angle brackets do not matter; a record without Message-ID is not found by nothing."""
    catalogue = catalogue_of(tmp_path, reading(message_id="a@x.example"), reading())
    assert found(catalogue, Term("id", digest(2).hex[:8])) == {2}
    assert found(catalogue, Term("id", "<a@x.example>")) == {1}
    for nothing in ("", "<>", "abc", "\ud800", "f" * 100):
        assert found(catalogue, Term("id", nothing)) == set()


def test_a_thread_is_named_by_any_of_its_records(tmp_path: Path) -> None:
    """By digest or by Message-ID."""
    catalogue = catalogue_of(
        tmp_path, reading(message_id="a"), reading(references=["a"]), reading()
    )
    assert found(catalogue, Term("thread", digest(2).hex[:6])) == {1, 2}
    assert found(catalogue, Term("thread", "a")) == {1, 2}
    assert found(catalogue, Term("thread", "nothing")) == set()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("projets", {2}),
        ("PROJETS/ÉTÉ", {3}),
        ("projets.ete", {3}),
        ("projets/*", {2, 3}),
        ("work/inbox", {1}),
        ("work/*", {1, 2, 3, 4}),
        ("proj", set()),
        ("projetsautres", {4}),
    ],
)
def test_a_folder_is_found_by_its_name(tmp_path: Path, asked: str, expected: set[int]) -> None:
    """Alone or after its account; accents, case and the server's delimiter are ignored."""
    catalogue = seen_in(tmp_path, "INBOX", "Projets", "Projets/Été", "ProjetsAutres")
    assert found(catalogue, Term("folder", asked)) == expected


def test_an_account_is_found_by_its_name(tmp_path: Path) -> None:
    """Records from files belong to no account."""
    catalogue = seen_in(tmp_path, "INBOX", account="Boulot")
    with catalogue.batch() as batch:
        add(batch, 2)
        see(batch, 200, sighting(2, FileSource(path="/f", member=0, offset=0)))
    assert found(catalogue, Term("account", "boulot")) == {1}
    assert found(catalogue, Term("account", "")) == set()


def test_roles_of_folders_come_from_the_caller(tmp_path: Path) -> None:
    """Junk, trash, sent and drafts are told by the folder's name."""
    catalogue = seen_in(tmp_path, "INBOX", "Spam", "Corbeille", "Sent", "Brouillons")
    asked = [found(catalogue, Term("is", word)) for word in ("junk", "trash", "sent", "drafts")]
    assert asked == [{2}, {3}, {4}, {5}]


def test_what_a_server_said_of_a_folder_goes_before_its_name(tmp_path: Path) -> None:
    """The last scan that names it counts; folders that no scan names are told by their names."""
    catalogue = seen_in(tmp_path, "Zut", "Spam")
    for role in ("trash", "junk"):
        scanned = FolderScan(folder="Zut", uidvalidity=1, exists=1, kept="1", role=role)
        with catalogue.batch() as batch:
            batch.add_scan(Scan(account="work", folders=(scanned,)))
    assert found(catalogue, Term("is", "junk")) == {1, 2}
    assert found(catalogue, Term("is", "trash")) == set()


def test_has_attachment_does_not_mean_a_logo(tmp_path: Path) -> None:
    """A part that the text itself shows is no attachment; one that is merely inline is."""
    logo = attachment("logo.png", inline=True, content_id="logo@x")
    inline = attachment("plan.pdf", inline=True)
    catalogue = catalogue_of(
        tmp_path, reading(attachments=[logo]), reading(attachments=[inline]), reading()
    )
    assert found(catalogue, Term("has", "attachment")) == {2}


def test_states_of_records_can_be_asked_for(tmp_path: Path) -> None:
    """Undecided, untagged, unreadable, with a defect."""
    broken = Unreadable(defects=(Defect("x", "y"),))
    catalogue = catalogue_of(tmp_path, reading(), reading(), broken)
    with catalogue.batch() as batch:
        tag(batch, 1, "acme")
        ask(batch, 2, "acme", "other")
    assert found(catalogue, Term("is", "undecided")) == {2}
    assert found(catalogue, Term("is", "Untagged")) == {2, 3}
    assert found(catalogue, Term("is", "unreadable")) == {3}
    assert found(catalogue, Term("has", "defect")) == {3}


@pytest.mark.parametrize("field", ["is", "has", "colour"])
def test_what_does_not_exist_is_an_error_that_names_what_does(tmp_path: Path, field: str) -> None:
    """The caller tells the user."""
    with pytest.raises(UnknownValue) as caught:
        found(catalogue_of(tmp_path), Term(field, "purple"))
    assert (caught.value.field, caught.value.value) == (field, "purple")
    assert caught.value.known


def test_a_node_for_the_engine_is_refused(tmp_path: Path) -> None:
    """Words are not for the catalogue."""
    for query in (Word("x"), And(())):
        with pytest.raises(TypeError):
            found(catalogue_of(tmp_path), query)


def test_days_are_days_in_the_time_zone(tmp_path: Path) -> None:
    """Half past eleven in the evening UTC is the next day in Paris."""
    night = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    catalogue = catalogue_of(tmp_path, reading(date=night))
    third = date(2026, 3, 3)
    assert found(catalogue, DateRange(third, third)) == {1}
    assert found(catalogue, DateRange(None, date(2026, 3, 2))) == set()
    utc = catalogue.select(DateRange(third, None), time_zone=ZoneInfo("UTC"))
    assert utc == frozenset()


def test_a_range_of_days_may_be_open(tmp_path: Path) -> None:
    """To the first and the last day that there is, over a change of clocks."""
    dates = [datetime(2026, 3, day, 22, 30, tzinfo=UTC) for day in (28, 29, 30)]
    catalogue = catalogue_of(tmp_path, *[reading(date=each) for each in dates])
    changed = date(2026, 3, 29)
    assert found(catalogue, DateRange(changed, changed)) == set()
    assert found(catalogue, DateRange(date(2026, 3, 28), changed)) == {1}
    assert found(catalogue, DateRange(date.min, date.max)) == {1, 2, 3}
    assert found(catalogue, DateRange(None, None)) == {1, 2, 3}


def test_sizes_are_bounds_that_are_included(tmp_path: Path) -> None:
    """Absurd numbers are no error."""
    catalogue = catalogue_of(tmp_path)
    with catalogue.batch() as batch:
        for position, size in enumerate((10, 20, 30), 1):
            add(batch, position, size=size)
    assert found(catalogue, Size(20, None)) == {2, 3}
    assert found(catalogue, Size(None, 20)) == {1, 2}
    assert found(catalogue, Size(10**40, None)) == set()
    assert found(catalogue, Size(None, 10**40)) == {1, 2, 3}
