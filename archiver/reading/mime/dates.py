"""Date headers to instants: aware, with the offset that was written.

Most dates have one form and are read by one expression; mail-parser reads the rest of RFC 5322's
grammar, and the standard library what neither knows (no zone, asctime, odd names).
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz

from archiver.reading.mime.headers import unescape, unfold
from archiver.reading.mime.parser import grammatical_date, received_stamp

MAX_RECEIVED = 200
_LONGEST = 200
_MAX_FIELD = 8_192
_FIRST_YEAR, _LAST_YEAR = 1982, 2100  # RFC 822 to far beyond any deadline
_READABLE_YEARS = range(1000, 9000)  # so that changing the zone never leaves what datetime holds

_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FARTHEST = timedelta(hours=15)
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]")
_ZONE = re.compile(r"([+-])(0\d|1[0-4]):?([0-5]\d)(?: *\(.*)?\Z")
# RFC 5322, section 4.3, and the names that European servers write.
_ZONES = dict.fromkeys(("UT", "UTC", "GMT", "WET"), 0)
_ZONES |= dict.fromkeys(("CET", "MET", "MEZ", "WEST", "BST"), 1)
_ZONES |= dict.fromkeys(("CEST", "MEST", "MESZ", "EET"), 2) | {"EEST": 3, "MSK": 3}
_ZONES |= {"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7}
_ZONE_NAME = re.compile(rf"(?<=[\d ])(?:{'|'.join(_ZONES)})(?= *(?:\(|\Z))", re.IGNORECASE)
_UTC_ZONE = re.compile(r"\d *Z\Z")
_FRACTION = re.compile(r"(:\d\d)\.\d+")
_COMMON = re.compile(
    r"(?:([A-Za-z]{3}), {0,9})?(\d{1,2}) {1,9}([A-Za-z]{3}) {1,9}(\d{4}) {1,9}"
    r"(\d\d):(\d\d)(?::(\d\d))? {1,9}([+-])(\d\d)([0-5]\d)(?: {1,9}\([^()]*\))?\Z"
)


def read_date(raw: str) -> tuple[datetime | None, str]:
    """Return the instant that a Date header names, and a defect code or nothing.

    The instant is aware and keeps the offset that was written. A missing or unknown zone is
    taken as UTC; an implausible date is kept, with its defect; one that cannot be read is None.
    """
    text = unfold(unescape(raw[:_MAX_FIELD])[0])[:_LONGEST]
    if not text:
        return None, "date-missing"
    found, problem = _common(text)
    if found is None:
        found, problem = _uncommon(text)
    if found is None or found.year not in _READABLE_YEARS:
        return None, "date-broken"
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        problem = "date-implausible"
    return found, problem


def read_received(raw: str) -> datetime | None:
    """Return when a Received field says the message passed, or None (RFC 5321, section 4.4)."""
    field = unescape(raw[:_MAX_FIELD])[0]
    stamp = unfold(field.rpartition(";")[2])
    found = _common(stamp)[0]
    if found is None:
        found = read_date(received_stamp(field) or stamp)[0]
    return found


def _common(text: str) -> tuple[datetime | None, str]:
    """Read the form that nearly all mail has."""
    match = _COMMON.match(text)
    if match is None:
        return None, ""
    day_name, day, month, year, hour, minute, second, sign, zone_hours, zone_minutes = (
        match.groups()
    )
    offset = timedelta(hours=int(zone_hours), minutes=int(zone_minutes))
    if month.lower() not in _MONTHS or offset >= _FARTHEST:
        return None, ""
    zone = UTC if not offset else timezone(-offset if sign == "-" else offset)
    try:
        found = datetime(
            int(year),
            _MONTHS[month.lower()],
            int(day),
            int(hour),
            int(minute),
            int(second or 0),
            tzinfo=zone,
        )
    except ValueError:
        return None, ""
    wrong_day = day_name is not None and day_name.lower() != _DAYS[found.weekday()]
    return found, "date-weekday" if wrong_day else ""


def _uncommon(text: str) -> tuple[datetime | None, str]:
    """Read what the grammar allows besides, then what the standard library can guess."""
    text = _FRACTION.sub(r"\1", text)
    text = _ZONE_NAME.sub(lambda named: f"{_ZONES[named[0].upper()]:+03d}00", text, count=1)
    found, problem = _common(text)
    if found is not None:
        return found, problem
    zone = _ZONE.search(text)
    strict = grammatical_date(text)
    if strict is None:
        found = _loose(text)
    elif zone:
        offset = timedelta(hours=int(zone[2]), minutes=int(zone[3]))
        found = strict.astimezone(timezone(-offset if zone[1] == "-" else offset))
    else:
        found = strict
    return found, "" if zone or _UTC_ZONE.search(text) else "date-zone"


def _loose(text: str) -> datetime | None:
    """Read TEXT as the standard library does, or as ISO 8601; without a usable zone it is UTC."""
    try:
        if _ISO.match(text):
            found = datetime.fromisoformat(text)
            return found if found.tzinfo else found.replace(tzinfo=UTC)
        fields = parsedate_tz(text)
        if fields is None:
            return None
        year, month, day, hour, minute, second = fields[:6]
        offset = timedelta(seconds=fields[9] or 0)
        zone = UTC if not offset or abs(offset) >= _FARTHEST else timezone(offset)
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=zone)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
