"""Coverage as a table: a row for each thing that is said (docs/coverage.md)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from archiver.care.coverage.live import LiveAccount, LiveFolder
from archiver.care.coverage.whole import Coverage
from archiver.model.cells import safe_cell
from archiver.model.coverage import NOTHING, Epoch
from archiver.model.intervals import Intervals

CSV_HEADER = (
    "account",
    "folder",
    "uidvalidity",
    "what",
    "uids",
    "count",
    "rule",
    "rules",
    "since",
    "until",
    "reason",
)


@dataclass(frozen=True, slots=True)
class _Said:
    """One thing that is said of a folder or an account."""

    what: str
    uids: Intervals = NOTHING
    count: int | None = None
    """None: as many as UIDS."""
    rule: str = ""
    rules: str = ""
    since: datetime | None = None
    until: datetime | None = None
    reason: str = ""


def csv_rows(coverage: Coverage, live: Sequence[LiveAccount] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the rows of COVERAGE and of what servers say now."""
    for state in coverage.accounts:
        journal = state.journal
        yield _row(
            state.name,
            _Said(
                "account",
                count=state.attempts,
                since=journal.first,
                until=state.good,
                reason=state.reason,
            ),
        )
        for each in journal.outages:
            outage = _Said(
                "outage",
                count=each.attempts,
                since=each.since,
                until=each.until,
                reason=each.reason,
            )
            yield _row(state.name, outage)
        for error in journal.errors:
            said = _Said("folder-failed", since=error.since, reason=error.reason)
            yield _row(state.name, said, error.folder)
        for epoch in journal.epochs:
            for said in _of_epoch(epoch):
                yield _row(state.name, said, epoch.folder, epoch.uidvalidity)
    for file in coverage.imports:
        said = _Said("imported", count=file.messages, since=file.first, until=file.last)
        yield _row("", said, file.root)
    for account in live:
        yield _row(account.account, _Said("server", count=0, reason=account.problem))
        for folder in account.folders:
            for said in _of_live(folder):
                yield _row(account.account, said, folder.folder, folder.uidvalidity)


def _of_epoch(epoch: Epoch) -> Iterator[_Said]:
    began = epoch.began or epoch.first
    yield _Said("folder", count=epoch.exists, rule=epoch.left_by, since=began, until=epoch.ended)
    if epoch.looked:
        yield _Said("looked", epoch.looked, since=epoch.first, until=epoch.last)
    sets = {
        "unseen": epoch.unseen,
        "kept": epoch.kept,
        "presumed": epoch.presumed,
        "erased": epoch.erased,
        "postponed": epoch.postponed,
        "not-reached": epoch.not_reached,
        "missed": epoch.missed,
    }
    yield from (_Said(what, uids) for what, uids in sets.items() if uids)
    for what, decided in (("unkept", epoch.unkept), ("near", epoch.near)):
        yield from (_Said(what, each.uids, rule=each.rule, rules=each.rules) for each in decided)
    for failure in epoch.failed:
        one = Intervals.of((failure.uid,))
        yield _Said("failed", one, since=failure.since, until=failure.gone, reason=failure.reason)
    yield from (_Said("vanished", gone.uids, since=gone.at) for gone in epoch.vanished)
    for change in epoch.changes:
        yield _Said(change.change, since=change.at, reason=change.previous)


def _of_live(folder: LiveFolder) -> Iterator[_Said]:
    yield _Said("server-lists", count=folder.listed, reason=folder.problem)
    sets = {
        "server-new": folder.new,
        "server-missing": folder.missing,
        "server-waiting": folder.waiting,
        "server-gone": folder.gone,
        "server-back": folder.back,
    }
    yield from (_Said(what, uids) for what, uids in sets.items() if uids)


def _row(account: str, said: _Said, folder: str = "", uidvalidity: int = 0) -> tuple[str, ...]:
    return (
        safe_cell(account),
        safe_cell(folder),
        str(uidvalidity or ""),
        said.what,
        str(said.uids),
        str(len(said.uids) if said.count is None else said.count),
        safe_cell(said.rule),
        said.rules,
        said.since.isoformat() if said.since else "",
        said.until.isoformat() if said.until else "",
        safe_cell(said.reason),
    )
