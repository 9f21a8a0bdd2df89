"""Dates, ranges of dates and sizes as the query language writes them."""

import calendar
import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from gettext import gettext as _
from typing import Final

from index.analysis import fold
from index.language.errors import QueryError
from index.query import DateRange, Size

_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})\Z", re.ASCII)
_MONTH = re.compile(r"(\d{4})-(\d{1,2})\Z", re.ASCII)
_QUARTER = re.compile(r"(\d{4})-?[qt]([1-4])\Z", re.ASCII | re.IGNORECASE)
_YEAR = re.compile(r"(\d{4})\Z", re.ASCII)
_AGO = re.compile(r"(\d{1,5})([dwmyjsa])\Z", re.ASCII | re.IGNORECASE)
_SIZE = re.compile(r"(\d{1,15})(?:([kmg])(?:i?[bo])?)?\Z", re.ASCII | re.IGNORECASE)

_UNITS: Final[Mapping[str, int]] = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_MOST_BYTES: Final = (1 << 63) - 1

Days = tuple[date, date]
"""A first and a last day."""

_NAMES: Final[Mapping[str, str]] = {
    "aujourdhui": "today",
    "hier": "yesterday",
    "cettesemaine": "thisweek",
    "semainederniere": "lastweek",
    "cemois": "thismonth",
    "moisdernier": "lastmonth",
    "cetteannee": "thisyear",
    "anneederniere": "lastyear",
}


def parse_dates(text: str, *, today: date, place: int) -> DateRange:
    """Read ``A..B``, one period, or a time ago (``7d``: since then).

    Raises QueryError.
    """
    if ".." not in text:
        first, last = _period(text, today, place)
        return DateRange(first, None if _AGO.match(text) else last)
    start, _dots, end = text.partition("..")
    since = _period(start, today, place)[0] if start else None
    until = _period(end, today, place + len(start) + 2)[1] if end else None
    if since is None and until is None:
        raise QueryError(
            _("A range of dates needs at least one end."), place, advice=_date_advice()
        )
    if since is not None and until is not None and since > until:
        raise QueryError(
            _("This range of dates ends before it begins."),
            place,
            advice=_("Write the earlier date first: {range}.").format(range=f"{end}..{start}"),
        )
    return DateRange(since, until)


def _period(text: str, today: date, place: int) -> Days:
    try:
        found = _written(text) or _named(text, today) or _ago(text, today)
    except (ValueError, OverflowError) as error:
        raise QueryError(
            _("There is no such date: {date}.").format(date=text), place, advice=_date_advice()
        ) from error
    if found is None:
        raise QueryError(
            _("This is not a date: {date}.").format(date=text), place, advice=_date_advice()
        )
    return found


def _date_advice() -> str:
    return _(
        "Write a date as 2026, 2026-03, 2026-03-05 or 2026-Q1, a range as 2026-01..2026-03, or "
        "use today, yesterday, thisweek, lastweek, thismonth, lastmonth, thisyear, lastyear, or "
        "7d, 2w, 3m, 1y for since so long ago."
    )


def _written(text: str) -> Days | None:
    if match := _DAY.match(text):
        day = date(int(match[1]), int(match[2]), int(match[3]))
        return day, day
    if match := _QUARTER.match(text):
        start = (int(match[2]) - 1) * 3 + 1
        return _months(int(match[1]), start, start + 2)
    if match := _MONTH.match(text):
        return _months(int(match[1]), int(match[2]), int(match[2]))
    if match := _YEAR.match(text):
        return _months(int(match[1]), 1, 12)
    return None


def _months(year: int, first: int, last: int) -> Days:
    start = date(year, first, 1)
    return start, date(year, last, calendar.monthrange(year, last)[1])


def _named(text: str, today: date) -> Days | None:
    name = re.sub(r"[\s'\u2019_-]", "", fold(text))
    read = _WORDS.get(_NAMES.get(name, name))
    return read(today) if read else None


def _week(today: date) -> Days:
    monday = today - timedelta(days=today.weekday())
    return monday, monday + timedelta(days=6)


def _month(today: date) -> Days:
    return _months(today.year, today.month, today.month)


def _year(today: date) -> Days:
    return _months(today.year, 1, 12)


def _day(today: date) -> Days:
    return today, today


def _before(period: Callable[[date], Days]) -> Callable[[date], Days]:
    return lambda today: period(period(today)[0] - timedelta(days=1))


_WORDS: Final[Mapping[str, Callable[[date], Days]]] = {
    "today": _day,
    "yesterday": _before(_day),
    "thisweek": _week,
    "lastweek": _before(_week),
    "thismonth": _month,
    "lastmonth": _before(_month),
    "thisyear": _year,
    "lastyear": _before(_year),
}


def _ago(text: str, today: date) -> Days | None:
    match = _AGO.match(text)
    if match is None:
        return None
    many, unit = int(match[1]), match[2].lower()
    if unit in "dj":
        day = today - timedelta(days=many)
    elif unit in "ws":
        day = today - timedelta(weeks=many)
    else:
        day = _months_before(today, many if unit == "m" else many * 12)
    return day, day


def _months_before(today: date, months: int) -> date:
    """Go back so many months; the 31st becomes the last day of a shorter month."""
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    first = date(year, month + 1, 1)
    return first.replace(day=min(today.day, calendar.monthrange(year, month + 1)[1]))


def parse_size(text: str, *, larger: bool, place: int) -> Size:
    """Read a number of bytes, with k, M or G for 1024, 1024² or 1024³ of them.

    Raises QueryError.
    """
    match = _SIZE.match(text)
    size = int(match[1]) * _UNITS[(match[2] or "").lower()] if match else None
    if size is None or size > _MOST_BYTES:
        raise QueryError(
            _("This is not a size: {size}.").format(size=text),
            place,
            advice=_("Write a number of bytes, or 10k or 2M."),
        )
    return Size(at_least=size, at_most=None) if larger else Size(at_least=None, at_most=size)
