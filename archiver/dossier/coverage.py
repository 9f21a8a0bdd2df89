"""What was looked at, as a dossier tells it: a table and a page that name no account or folder.

Reasons that servers gave are not told either: they name folders and machines. What is told is what
`archiver coverage` tells its owner (docs/coverage.md), less those names.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from archiver.dossier.exhibits import Answered, Coverage, Covered, Dossier, Exhibit
from archiver.dossier.pages import in_zone, render, translations
from archiver.dossier.tables import table
from archiver.evidence.coverage import fold
from archiver.evidence.imports import imported
from archiver.evidence.reader import Reader
from archiver.model.coverage import NOTHING, Epoch, Lacking
from archiver.model.intervals import Intervals, Run

_COLUMNS = (
    "mailbox",
    "folder",
    "uidvalidity",
    "role",
    "what",
    "uids",
    "count",
    "rule",
    "rules",
    "since",
    "until",
    "exhibits",
)
_LONGEST_SET = 1_500
"""Characters of a UID set in one cell; a longer one goes on in the next row."""


def coverage(
    evidence: Reader, exhibits: Iterable[Exhibit], lacking: Sequence[Lacking], *, size: int
) -> Coverage:
    """Return what the first SIZE entries say was looked at, and which exhibits answer LACKING."""
    accounts = fold(evidence, size=size)
    return Coverage(
        folders=tuple(
            Covered(mailbox=number, folder=place, epoch=epoch)
            for number, account in enumerate(accounts, 1)
            for place, epoch in _numbered(account.epochs)
        ),
        outages=tuple(
            (number, outage)
            for number, account in enumerate(accounts, 1)
            for outage in account.outages
        ),
        imports=imported(evidence, size=size),
        answered=tuple(_answered(exhibits, lacking)),
    )


def _numbered(epochs: Iterable[Epoch]) -> Iterator[tuple[int, Epoch]]:
    """Give each folder a number, which it keeps through all its epochs."""
    numbers: dict[str, int] = {}
    for epoch in epochs:
        yield numbers.setdefault(epoch.folder, len(numbers) + 1), epoch


def _answered(exhibits: Iterable[Exhibit], lacking: Sequence[Lacking]) -> Iterator[Answered]:
    """Tell of LACKING only what exhibits answer: what is not handed over is not spoken of."""
    names = {view.line.digest: exhibit.name for exhibit in exhibits for view in exhibit.views}
    for each in sorted(lacking, key=lambda one: one.message_id):
        found = {names[answer.digest] for answer in each.answers if answer.digest in names}
        if found:
            yield Answered(message_id=each.message_id, exhibits=tuple(sorted(found)))


def render_coverage_page(dossier: Dossier) -> str:
    """Render what was looked at as a page that stands alone, in the dossier's language."""
    return render(
        "coverage.html",
        {"dossier": dossier, "coverage": dossier.coverage, "language": dossier.language},
        words=translations(dossier.language),
        zone=dossier.time_zone,
    )


# --- the table -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Said:
    """One thing that is said of a folder or a mailbox."""

    what: str
    uids: Intervals = NOTHING
    count: int | None = None
    """None: as many as UIDS."""
    rule: str = ""
    rules: str = ""
    since: datetime | None = None
    until: datetime | None = None
    exhibits: tuple[str, ...] = ()


def render_coverage(dossier: Dossier) -> str:
    """List what was looked at (RFC 4180), a row for each thing that is said."""
    return table(dossier.language, _COLUMNS, _rows(dossier))


def _rows(dossier: Dossier) -> Iterator[tuple[str, ...]]:
    told = dossier.coverage
    rules = {digest: f"rules {number}" for number, digest in enumerate(told.rules, 1)}
    for covered in told.folders:
        place = (
            f"mailbox {covered.mailbox}",
            f"folder {covered.folder}",
            str(covered.epoch.uidvalidity),
            covered.epoch.role,
        )
        for said in _of_epoch(covered.epoch, rules):
            for part in _parts(said.uids):
                yield (*place, *_cells(dossier, said, part))
    for mailbox, outage in told.outages:
        said = _Said("outage", count=outage.attempts, since=outage.since, until=outage.until)
        yield (f"mailbox {mailbox}", "", "", "", *_cells(dossier, said, NOTHING))
    for number, each in enumerate(told.imports, 1):
        said = _Said("imported", count=each.messages, since=each.first, until=each.last)
        yield (f"files {number}", "", "", "", *_cells(dossier, said, NOTHING))
    for lacking in told.answered:
        said = _Said("answered-and-lacking", count=1, exhibits=lacking.exhibits)
        yield ("", "", "", "", *_cells(dossier, said, NOTHING))


def _of_epoch(epoch: Epoch, rules: dict[str, str]) -> Iterator[_Said]:
    yield _Said("listed", count=epoch.exists, since=epoch.began or epoch.first, until=epoch.ended)
    yield _Said("looked", epoch.looked, since=epoch.first, until=epoch.last)
    if epoch.whole is not None:
        yield _Said("enumerated-whole", count=epoch.listed, since=epoch.whole)
    sets = {
        "kept": epoch.kept,
        "presumed": epoch.presumed,
        "erased": epoch.erased,
        "postponed": epoch.postponed,
        "not-reached": epoch.not_reached,
        "missed": epoch.missed,
        "unseen": epoch.unseen,
    }
    yield from (_Said(what, uids) for what, uids in sets.items() if uids)
    for each in epoch.unkept:
        yield _Said("unkept", each.uids, rule=each.rule, rules=rules[each.rules])
    for failure in epoch.failed:
        yield _Said("failed", Intervals.of((failure.uid,)), since=failure.since, until=failure.gone)
    yield from (_Said("vanished", gone.uids, since=gone.at) for gone in epoch.vanished)


def _parts(uids: Intervals) -> Iterator[Intervals]:
    """Cut UIDS so that each part fits a cell; at least one part, which may be empty."""
    runs: list[Run] = []
    length = 0
    for run in uids.runs:
        size = len(str(Intervals((run,)))) + 1
        if length + size > _LONGEST_SET:
            yield Intervals(tuple(runs))
            runs, length = [], 0
        runs.append(run)
        length += size
    yield Intervals(tuple(runs))


def _cells(dossier: Dossier, said: _Said, part: Intervals) -> tuple[str, ...]:
    count = len(part) if said.count is None else said.count
    moments = (
        in_zone(when, dossier.time_zone).isoformat(timespec="seconds") if when else ""
        for when in (said.since, said.until)
    )
    names = " ".join(said.exhibits)
    return (said.what, str(part), str(count), said.rule, said.rules, *moments, names)
