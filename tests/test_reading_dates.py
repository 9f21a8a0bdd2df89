"""Date headers become instants that keep their offset."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from archiver.reading import read
from archiver.reading.mime.dates import read_date, read_received

PARIS = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Mon, 2 Mar 2026 09:30:00 +0100", "2026-03-02T09:30:00+01:00"),
        ("2 Mar 2026 09:30 +0100", "2026-03-02T09:30:00+01:00"),
        ("Mon,  2 Mar 2026 09:30:00 +0545 (NPT)", "2026-03-02T09:30:00+05:45"),
        ("Mon, 2 Mar 2026 09:30:00 GMT", "2026-03-02T09:30:00+00:00"),
        ("Mon, 2 Mar 2026 09:30:00 EST", "2026-03-02T09:30:00-05:00"),
        ("Mon, 2 Mar 2026 09:30:00 CEST", "2026-03-02T09:30:00+02:00"),
        ("Mon, 2 Mar 2026 09:30:00 -0000", "2026-03-02T09:30:00+00:00"),
        ("Mon, 2 Mar 98 09:30:00 +0100", "1998-03-02T09:30:00+01:00"),
        ("Mon, 2 Mar 26 09:30:00 +0100", "2026-03-02T09:30:00+01:00"),
        ("Mon (comment), 2 Mar 2026 09 : 30 : 00 +0100", "2026-03-02T09:30:00+01:00"),
        ("Mon, 2 Mar 2026\r\n 09:30:00 +0100", "2026-03-02T09:30:00+01:00"),
        ("Mon Mar  2 09:30:00 2026", "2026-03-02T09:30:00+00:00"),
        ("Mon, 2 Mar 2026 09:30:00", "2026-03-02T09:30:00+00:00"),
        ("2026-03-02T09:30:00+01:00", "2026-03-02T09:30:00+01:00"),
        ("2026-03-02 09:30", "2026-03-02T09:30:00+00:00"),
        ("Mon, 2 Mar 2026 09:30:00.123 +0100", "2026-03-02T09:30:00+01:00"),
        ("Wed, 31 Dec 2008 23:59:60 +0000", "2009-01-01T00:00:00+00:00"),
    ],
)
def test_dates_are_read_with_their_offset(value: str, expected: str) -> None:
    """RFC 5322 with its obsolete forms, asctime, ISO 8601."""
    found, _problem = read_date(value)
    assert found is not None
    assert found.isoformat() == expected


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("Mon, 2 Mar 2026 09:30:00", "date-zone"),
        ("Mon, 2 Mar 2026 09:30:00 +9900", "date-zone"),
        ("Mon, 2 Mar 2026 09:30:00 XYZ", "date-zone"),
        ("Tue, 2 Mar 2026 09:30:00 +0000", "date-weekday"),
        ("Thu, 1 Jan 1970 00:00:00 +0000", "date-implausible"),
        ("Mon, 1 Jan 2300 00:00:00 +0000", "date-implausible"),
    ],
)
def test_a_doubtful_date_is_kept_with_a_defect(value: str, problem: str) -> None:
    """Whoever orders records decides whether it is plausible."""
    found, told = read_date(value)
    assert (found is not None, told) == (True, problem)


@pytest.mark.parametrize(
    "value",
    ["soon", "Mon, 32 Mar 2026 09:30:00 +0000", "Fri, 31 Dec 9999 23:59:59 -1200", "1" * 5000],
)
def test_an_unreadable_date_is_none_with_a_defect(value: str) -> None:
    """Nothing is made up."""
    assert read_date(value) == (None, "date-broken")


def test_a_missing_date_is_a_defect() -> None:
    """The words say so."""
    reading = read(b"From: a@b.example\r\nSubject: x\r\n\r\nx")
    assert reading.date is None
    assert [defect.message for defect in reading.defects] == ["there is no Date header"]


def test_received_dates_come_topmost_first() -> None:
    """The topmost hop is the latest; what cannot be read is left out."""
    reading = read(
        b"Received: from a by b; Mon, 2 Mar 2026 10:00:00 +0100 (CET)\r\n"
        b"Received: from nowhere\r\n"
        b"Received: from c (x;y) by d with ESMTP id 1;\r\n\tMon, 2 Mar 2026 09:59:00 +0100\r\n\r\n"
    )
    assert reading.received == (
        datetime(2026, 3, 2, 10, 0, tzinfo=PARIS),
        datetime(2026, 3, 2, 9, 59, tzinfo=PARIS),
    )


def test_a_received_date_is_found_behind_odd_comments() -> None:
    """A semicolon in a comment does not start the date."""
    value = "from a by b; 2 Mar 2026 09:30:00 +0000 (so; it seems)"
    assert read_received(value) == datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
