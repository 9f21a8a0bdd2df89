"""Where a check begins that looks only at what came since."""

from dataclasses import dataclass
from datetime import UTC, datetime
from gettext import gettext as _
from typing import Literal

from archiver.evidence.checks.findings import Findings
from archiver.evidence.checks.memory import Mark
from archiver.evidence.journal.database import Database, integer

Since = Literal["last"] | datetime | None
"""Since the last check that found no error, since a moment (aware), or everything."""

_FIRST = (
    "SELECT min(position) FROM entry WHERE CASE WHEN json_valid(CAST(body AS TEXT))"
    " THEN json_extract(CAST(body AS TEXT), '$.at') >= ? ELSE 1 END"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where a check begins."""

    entries: int = 0
    """The first entry that is looked at; of older ones only the leaves are."""
    objects: int = 0
    """Objects count from this entry on."""


def start_of(
    since: Since,
    mark: Mark | None,
    *,
    size: int,
    read: bool,
    database: Database,
    findings: Findings,
) -> Start:
    """Return where a check SINCE begins; READ: it reads objects."""
    if since is None:
        return Start()
    if mark is not None and mark.size > size:
        findings.add(
            "since-unknown",
            "error",
            "--since",
            _("{count} entries were checked on {date}; now the journal has only {size}.").format(
                count=mark.size, date=mark.at[:10], size=size
            ),
            _("If you put back an older copy: run `archiver verify` without --since."),
        )
        return Start()
    if mark is None:
        findings.add(
            "since-unknown",
            "note",
            "--since",
            _("No check without an error is remembered here: nothing vouches for what is older."),
            _("Run `archiver verify` once without --since; it is remembered from then on."),
        )
    if since == "last":
        if mark is None:
            return Start()
        return Start(entries=mark.size, objects=min(mark.read, mark.size) if read else mark.size)
    moment = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    row = database.one(_FIRST, moment)
    first = size if row is None or row[0] is None else integer(row[0])
    return Start(entries=first, objects=first)
