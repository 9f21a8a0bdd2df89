"""What waits for another try, and until when: the table ``attempt``, under ``anchor:<authority>``.

``at`` is the moment before which the authority is not asked again, ``tries`` how often it was asked
in vain since its last stamp. Nobody needs to believe these rows: losing them costs one request.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from archiver.evidence.journal.database import integer, text
from archiver.evidence.store import Evidence

_PREFIX = "anchor:"
_WAITS = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6))
LONGEST = timedelta(days=1)
"""Neither a long failure nor a Retry-After makes an authority wait for longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An authority that gave no stamp when it was last asked."""

    authority: str
    until: datetime
    """It is not asked again before, but for a person who insists."""
    tries: int
    reason: str


def waiting(evidence: Evidence) -> tuple[Waiting, ...]:
    """Return what waits, by name; of authorities that are configured no longer too."""
    rows = evidence.database.all(
        "SELECT name, at, tries, reason FROM attempt WHERE name LIKE ? ORDER BY name", _PREFIX + "%"
    )
    return tuple(
        Waiting(
            authority=text(name).removeprefix(_PREFIX),
            until=datetime.fromisoformat(text(at)),
            tries=integer(tries),
            reason=text(reason),
        )
        for name, at, tries, reason in rows
    )


def put_off(
    evidence: Evidence, authority: str, reason: str, *, now: datetime, retry_after: str
) -> Waiting:
    """Note that AUTHORITY was asked in vain, and until when it is left in peace.

    RETRY_AFTER is what it said in that header (RFC 9110, section 10.2.3), or empty.
    """
    with evidence.writing(), evidence.database.transaction():
        row = evidence.database.one("SELECT tries FROM attempt WHERE name = ?", _PREFIX + authority)
        tries = (integer(row[0]) if row else 0) + 1
        usual = _WAITS[tries - 1] if tries <= len(_WAITS) else LONGEST
        until = now + min(max(usual, asked_wait(retry_after, now)), LONGEST)
        evidence.database.many(
            "INSERT INTO attempt VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE"
            " SET at = excluded.at, tries = excluded.tries, reason = excluded.reason",
            [(_PREFIX + authority, until.isoformat(), tries, reason)],
        )
    return Waiting(authority=authority, until=until, tries=tries, reason=reason)


def forget(evidence: Evidence, authority: str) -> None:
    """Forget that AUTHORITY was asked in vain: it answered, or is asked no longer."""
    if any(each.authority == authority for each in waiting(evidence)):
        with evidence.writing(), evidence.database.transaction():
            evidence.database.many("DELETE FROM attempt WHERE name = ?", [(_PREFIX + authority,)])


def asked_wait(retry_after: str, now: datetime) -> timedelta:
    """Read a Retry-After, seconds or a date; no time at all when it is neither."""
    from email.utils import parsedate_to_datetime  # only an authority that is busy needs it

    if retry_after.isascii() and retry_after.isdigit():
        return min(timedelta(seconds=int(retry_after[:9])), LONGEST)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return timedelta(0)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(moment - now, timedelta(0))
