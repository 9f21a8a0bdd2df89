"""Days as queries name them; weeks start on Monday."""

from datetime import date

import pytest

from index.language.parser import parse
from index.query import DateRange

TODAY = date(2026, 3, 4)  # a Wednesday


def days(text: str, today: date = TODAY) -> DateRange:
    """Parse ``date:TEXT``."""
    found = parse(f"date:{text}", today=today)
    assert isinstance(found, DateRange)
    return found


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026-03", date(2026, 3, 1), date(2026, 3, 31)),
        ("2024-02", date(2024, 2, 1), date(2024, 2, 29)),
        ("2026-03-05", date(2026, 3, 5), date(2026, 3, 5)),
        ("2026-3-5", date(2026, 3, 5), date(2026, 3, 5)),
        ("2026-Q1", date(2026, 1, 1), date(2026, 3, 31)),
        ("2025-q4", date(2025, 10, 1), date(2025, 12, 31)),
        ("2026-T2", date(2026, 4, 1), date(2026, 6, 30)),
        ("2026-01..2026-03", date(2026, 1, 1), date(2026, 3, 31)),
        ("2025..2026-Q1", date(2025, 1, 1), date(2026, 3, 31)),
        ("2026-02-03..", date(2026, 2, 3), None),
        ("..2026-02", None, date(2026, 2, 28)),
        ("lastmonth..today", date(2026, 2, 1), TODAY),
        ("3m..1m", date(2025, 12, 4), date(2026, 2, 4)),
    ],
)
def test_periods_and_ranges(text: str, first: date | None, last: date | None) -> None:
    """From the first day of the first to the last day of the last."""
    assert days(text) == DateRange(first, last)


@pytest.mark.parametrize(
    ("words", "first", "last"),
    [
        (["today", "aujourdhui", "aujourd'hui", "Aujourd’hui"], TODAY, TODAY),
        (["yesterday", "hier", "HIER"], date(2026, 3, 3), date(2026, 3, 3)),
        (["thisweek", "cettesemaine", '"cette semaine"'], date(2026, 3, 2), date(2026, 3, 8)),
        (
            ["lastweek", "semainederniere", "semainedernière", "last-week"],
            date(2026, 2, 23),
            date(2026, 3, 1),
        ),
        (["thismonth", "cemois"], date(2026, 3, 1), date(2026, 3, 31)),
        (["lastmonth", "moisdernier", '"mois dernier"'], date(2026, 2, 1), date(2026, 2, 28)),
        (["thisyear", "cetteannee", "cetteannée"], date(2026, 1, 1), date(2026, 12, 31)),
        (["lastyear", "anneederniere", "annéedernière"], date(2025, 1, 1), date(2025, 12, 31)),
    ],
)
def test_words_for_days(words: list[str], first: date, last: date) -> None:
    """In English and French, accents and spelling of compounds ignored."""
    assert {days(word) for word in words} == {DateRange(first, last)}


@pytest.mark.parametrize(
    ("text", "today", "first"),
    [
        ("7d", TODAY, date(2026, 2, 25)),
        ("7j", TODAY, date(2026, 2, 25)),
        ("2w", TODAY, date(2026, 2, 18)),
        ("2s", TODAY, date(2026, 2, 18)),
        ("3m", TODAY, date(2025, 12, 4)),
        ("1m", date(2026, 3, 31), date(2026, 2, 28)),
        ("1y", date(2024, 2, 29), date(2023, 2, 28)),
        ("1a", TODAY, date(2025, 3, 4)),
        ("0d", TODAY, TODAY),
    ],
)
def test_a_time_ago_means_since_then(text: str, today: date, first: date) -> None:
    """The end stays open; a short month ends where it ends."""
    assert days(text, today) == DateRange(first, None)


def test_the_week_before_new_year() -> None:
    """Weeks and months cross years."""
    assert days("lastweek", date(2026, 1, 4)) == DateRange(date(2025, 12, 22), date(2025, 12, 28))
    assert days("lastmonth", date(2026, 1, 31)) == DateRange(date(2025, 12, 1), date(2025, 12, 31))
