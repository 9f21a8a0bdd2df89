"""The part of a check that looks at when entries say that they were written.

Our clock proves nothing, and clocks are set: that a time differs from the next one is no finding.
But no entry was written before the archive was made, nor before a time that a time-stamp authority
had told in an entry before it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from gettext import gettext as _
from gettext import ngettext

from archiver.evidence.checks.findings import Findings
from archiver.evidence.journal import codec
from archiver.evidence.journal.canonical import CodecError
from archiver.evidence.journal.database import Database, blob, integer
from archiver.model.anchors import Anchor
from archiver.model.entries import Entry, Genesis

TOLERANCE = timedelta(minutes=10)
"""By so much a clock may be behind before it is told."""
_EVER = datetime.min.replace(tzinfo=UTC)
_SAID = (
    "SELECT position, body FROM entry WHERE position < ? AND (position = 0 OR type = 'anchor')"
    " ORDER BY position"
)


@dataclass(slots=True)
class _Run:
    """Entries one after the other that are earlier than they can be."""

    first: int
    count: int
    earliest: datetime
    known: datetime
    by: int
    """The entry that tells the time KNOWN."""


class TimeCheck:
    """Tells entries that say that they were written earlier than an entry before them shows."""

    def __init__(self, database: Database, findings: Findings, *, start: int) -> None:
        """Begin at START: what entries before it show is read from DATABASE."""
        self._findings = findings
        self._known, self._by = _EVER, 0
        self._run: _Run | None = None
        self.floor = _EVER
        """What is earlier than this cannot be; callers compare, since nearly nothing is."""
        for position, body in database.all(_SAID, start) if start else ():
            try:
                self.learn(codec.decode(integer(position), blob(body)))
            except CodecError:
                continue  # told when that entry was checked

    def learn(self, entry: Entry) -> None:
        """Take note of the time that ENTRY proves for those after it."""
        match entry.payload:
            case Genesis():
                known = entry.at
            case Anchor(time=time):
                known = time
            case _:
                return
        if known > self._known:
            self._known, self._by = known, entry.position
            self.floor = max(_EVER + TOLERANCE, known) - TOLERANCE

    def early(self, position: int, at: datetime) -> None:
        """Take note of an entry that says AT, before ``floor``."""
        run = self._run
        if run and run.first + run.count == position and run.by == self._by:
            run.count += 1
            run.earliest = min(run.earliest, at)
            return
        self.finish()
        self._run = _Run(position, 1, at, self._known, self._by)

    def finish(self) -> None:
        """Tell what is not told yet."""
        run, self._run = self._run, None
        if run is None:
            return
        self._findings.add(
            "time-backwards",
            "warning",
            run.first,
            ngettext(
                "{n} entry, from entry {first} on, says that it was written on {at}; but entry "
                "{by} before it shows that it was {known} by then.",
                "{n} entries, from entry {first} on, say that they were written on {at} or later; "
                "but entry {by} before them shows that it was {known} by then.",
                run.count,
            ).format(
                n=run.count,
                first=run.first,
                at=run.earliest.isoformat(timespec="seconds"),
                by=run.by,
                known=run.known.isoformat(timespec="seconds"),
            ),
            _(
                "The clock of the machine was wrong, or somebody gave them another date: go by the "
                "time-stamps, not by these dates. `archiver doctor` looks at the clock."
            ),
        )
