"""Numbers of exhibits, and the copies of one writing."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from views import DATE, digest_of, view

from archiver.dossier.selection import exhibit_prefix, number_records
from archiver.model.digest import Digest, Position
from archiver.model.record import RecordView


def day(position: int, days: int, **more: tuple[Digest, ...]) -> RecordView:
    """Return a record dated DAYS after the default date."""
    return view(position, date=DATE + timedelta(days=days), **more)


def numbers(views: list[RecordView], earlier: dict[Position, int] | None = None) -> dict[int, int]:
    """Return position → number."""
    return {each.view.line.position: each.number for each in number_records(views, earlier or {})}


def test_the_first_export_numbers_by_date() -> None:
    """Not by the order in which the records were kept."""
    assert numbers([day(1, 30), day(2, 10), day(3, 20)]) == {2: 1, 3: 2, 1: 3}


def test_records_of_one_moment_are_ordered_by_digest() -> None:
    """Two runs over the same records give the same numbers."""
    first, second = sorted([view(1), view(2)], key=lambda each: each.line.digest)
    assert numbers([second, first]) == {first.line.position: 1, second.line.position: 2}


def test_later_exports_keep_numbers_and_give_new_ones_to_new_records() -> None:
    """An older record that comes later gets the next number, not the first."""
    earlier = {Position(1): 1, Position(2): 2}
    assert numbers([day(1, 10), day(2, 20), day(3, 0)], earlier) == {1: 1, 2: 2, 3: 3}


def test_the_chronology_is_by_date_whatever_the_numbers() -> None:
    """A record with a high number stands where its date puts it."""
    found = number_records([day(1, 10), day(3, 0)], {Position(1): 1})
    assert [each.number for each in found] == [2, 1]


def test_numbers_of_records_that_are_not_selected_stay_reserved() -> None:
    """A number that was handed over once never names another record."""
    assert numbers([day(3, 0)], {Position(1): 7}) == {3: 8}


def test_copies_of_one_writing_are_one_exhibit() -> None:
    """The record that was kept first stands for it."""
    (only,) = number_records([view(2, variants=(digest_of(1),)), view(1)], {})
    assert only.view.line.position == 1
    assert [copy.line.position for copy in only.copies] == [2]


def test_copies_are_found_through_each_other() -> None:
    """One names two, two names three: one exhibit, its copies in order of position."""
    chain = [view(3), view(2, variants=(digest_of(3),)), view(1, variants=(digest_of(2),))]
    (only,) = number_records(chain, {})
    assert [copy.line.position for copy in only.copies] == [2, 3]


def test_copies_outside_the_selection_are_named() -> None:
    """What is left out is said."""
    (only,) = number_records([view(1, variants=(digest_of(2), digest_of(9))), view(2)], {})
    assert only.not_exported == (digest_of(9),)


def test_a_numbered_copy_goes_on_standing_for_its_writing() -> None:
    """A record kept before it, exported only now, does not take its file's name."""
    views = [view(1, variants=(digest_of(2),)), view(2, variants=(digest_of(1),))]
    (only,) = number_records(views, {Position(2): 4})
    assert (only.number, only.view.line.position) == (4, 2)


def test_records_numbered_apart_stay_apart_and_name_each_other() -> None:
    """They were found to be one writing only after an export had numbered both."""
    views = [view(1), view(2, variants=(digest_of(1),)), view(3, variants=(digest_of(1),))]
    found = number_records(views, {Position(1): 2, Position(2): 5})
    told = {each.number: (each.same_as, len(each.copies)) for each in found}
    assert told == {2: ((5,), 1), 5: ((2,), 0)}


def test_a_number_given_twice_stays_with_the_record_kept_first() -> None:
    """Two exports at the same moment: the other record gets a new number, no file is lost."""
    views = [day(1, 0), day(2, 1)]
    assert numbers(views, {Position(1): 1, Position(2): 1}) == {1: 1, 2: 2}


@given(st.lists(st.sets(st.integers(1, 12), min_size=1), min_size=1, max_size=6))
def test_no_number_ever_changes_hands(exports: list[set[int]]) -> None:
    """Whatever is exported in whatever order, a record keeps its number and shares it with none."""
    known: dict[Position, int] = {}
    for chosen in exports:
        given_now = {
            each.view.line.position: each.number
            for each in number_records([day(n, (n * 7) % 5) for n in chosen], known)
        }
        assert all(
            known[position] == given_now[position] for position in known if position in chosen
        )
        known |= given_now
        assert len(set(known.values())) == len(known)


@pytest.mark.parametrize(
    ("slug", "prefix"),
    [
        ("acme-2026", "ACME-2026"),
        ("société générale", "SOCIETE-GENERALE"),
        ("../../etc/passwd", "ETC-PASSWD"),
        ("契約", "EXHIBIT"),
        ("a\nb", "A-B"),
    ],
)
def test_prefixes_hold_only_what_a_bag_allows(slug: str, prefix: str) -> None:
    """File names are made of A-Z 0-9 . _ - on every system."""
    assert exhibit_prefix(slug) == prefix
