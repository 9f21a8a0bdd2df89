"""The date that orders a record follows its first sighting, wherever batches end."""

from datetime import timedelta
from pathlib import Path

from readings import KEPT, SENT, add, catalogue_of, reading, see, sighting

SERVED = SENT + timedelta(days=4)


def test_a_plausible_date_header_stands(tmp_path: Path) -> None:
    """No server's date changes it."""
    catalogue = catalogue_of(tmp_path, reading())
    with catalogue.batch() as batch:
        see(batch, 2, sighting(1, internaldate=SERVED))
    line = catalogue.line(1)
    assert (line.date, line.date_basis) == (SENT, "date-header")


def test_without_one_the_first_sighting_dates_the_record(tmp_path: Path) -> None:
    """It may come in a later batch; a copy seen later changes nothing."""
    catalogue = catalogue_of(tmp_path, reading(date=None))
    assert catalogue.line(1).date_basis == "first-seen"
    for entry, date in ((2, SERVED), (3, SERVED - timedelta(days=1))):
        with catalogue.batch() as batch:
            see(batch, entry, sighting(1, internaldate=date))
    view = catalogue.view(1)
    assert (view.line.date, view.line.date_basis) == (SERVED, "internaldate")
    assert view.internaldate == SERVED


def test_a_first_sighting_without_a_date_settles_it_as_well(tmp_path: Path) -> None:
    """The first sighting was in a file: what a server says later does not count."""
    catalogue = catalogue_of(tmp_path, reading(date=None))
    with catalogue.batch() as batch:
        see(batch, 2, sighting(1))
        see(batch, 3, sighting(1, internaldate=SERVED))
    assert (catalogue.line(1).date, catalogue.line(1).date_basis) == (KEPT, "first-seen")


def test_a_date_header_from_the_future_is_not_believed(tmp_path: Path) -> None:
    """The header is still shown, but it does not order the record."""
    future = KEPT + timedelta(days=400)
    catalogue = catalogue_of(tmp_path, reading(date=future))
    with catalogue.batch() as batch:
        see(batch, 2, sighting(1, internaldate=SERVED))
    view = catalogue.view(1)
    assert (view.line.date, view.date_header) == (SERVED, future)


def test_a_date_that_changes_moves_the_record_in_lists(tmp_path: Path) -> None:
    """Order and days follow."""
    catalogue = catalogue_of(tmp_path, reading(date=None), reading())
    assert catalogue.order([1, 2]) == (1, 2)
    with catalogue.batch() as batch:
        see(batch, 3, sighting(1, internaldate=SENT - timedelta(days=1)))
    assert catalogue.order([1, 2]) == (2, 1)


def test_a_record_may_come_after_its_sighting(tmp_path: Path) -> None:
    """The outcome is the same."""
    catalogue = catalogue_of(tmp_path)
    with catalogue.batch() as batch:
        see(batch, 2, sighting(1, internaldate=SERVED))
        add(batch, 1, reading(date=None))
    assert catalogue.line(1).date == SERVED
