"""Days are days in the archive's time zone."""

from datetime import date, datetime, tzinfo


def day_of(when: datetime, time_zone: tzinfo | None) -> date:
    """Return the day of WHEN in TIME_ZONE; without one, the day that WHEN itself shows."""
    if time_zone is None:
        return when.date()
    try:
        return when.astimezone(time_zone).date()
    except OverflowError:  # within a day of the first or the last year that Python knows
        return when.date()
