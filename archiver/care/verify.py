"""Check the originals, what proves them, and what is derived; nothing is repaired."""

import contextlib
import random
from collections.abc import Callable, Sequence
from gettext import gettext as _
from typing import TYPE_CHECKING

from archiver.catalogue.catalogue import Catalogue, CatalogueUnusable
from archiver.errors import ArchiverError, LockedError, OperationError
from archiver.evidence.checks.check import Check, Scope
from archiver.evidence.checks.check import verify as verify_evidence
from archiver.evidence.store import Evidence
from archiver.model.digest import Position
from archiver.model.findings import Finding, Report
from index.engine import Engine, EngineError

if TYPE_CHECKING:
    from archiver.config import Settings
    from archiver.evidence.checkpoints.outside import Outside
    from archiver.evidence.checks.since import Start

_NOT_FOR_THEM = ("anchor", "key-rotate", "key-seen", "origin", "restore")
"""Entries that catalogue and index pass over."""

_SIGNATURES = (
    "SELECT coalesce(sum(json_array_length(CAST(body AS TEXT), '$.signatures')), 0)"
    " FROM entry WHERE position IN (SELECT max(entry) FROM origin GROUP BY record)"
    " AND position >= ?"
)


def verify_archive(
    evidence: Evidence,
    scope: Scope,
    *,
    catalogue: Callable[[], Catalogue],
    engine: Callable[[], Engine],
    rng: random.Random,
    proofs: Sequence[Check] = (),
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    tell: Callable[[str], None] = lambda _message: None,
) -> Report:
    """Check objects, journal and PROOFS, then compare catalogue and index with the journal.

    CATALOGUE and ENGINE open the projections as they stand. The index carries checksums: whenever
    objects are read, whatever the share, all of it is, since it is a fraction of the originals.
    """

    def derived(_start: "Start") -> Report:
        of_catalogue, level = _check_catalogue(catalogue, evidence)
        read_data = bool(scope.read_data)
        of_index = _check_index(engine, evidence, level=level, read_data=read_data)
        return Report(
            checked=(*of_catalogue.checked, *of_index.checked),
            findings=(*of_catalogue.findings, *of_index.findings),
        )

    return verify_evidence(
        evidence, scope, also=(*proofs, derived), rng=rng, progress=progress, tell=tell
    )


def proof_checks(
    evidence: Evidence,
    *,
    outside: "Outside | None",
    settings: "Callable[[], Settings | None]",
    origin: bool,
    progress: Callable[[int, int], None],
) -> tuple[Check, ...]:
    """Return the checks of what was signed, dated by others and, with ORIGIN, sent by others.

    OUTSIDE is what this machine remembers, None where there is no telling. SETTINGS, which name the
    time-stamp authorities, are asked for when there is a stamp. PROGRESS is told (done, total) of
    the records' origins.
    """

    def checkpoints(_start: "Start") -> Report:
        from archiver.evidence.checkpoints.check import check_checkpoints
        from archiver.evidence.checkpoints.history import signed_sizes

        count = len(signed_sizes(evidence))
        return Report(
            checked=(("checkpoints", count),), findings=check_checkpoints(evidence, outside)
        )

    def stamps(_start: "Start") -> Report:
        count = len(evidence.journal.positions_by_type("anchor"))
        if not count:
            return Report(checked=(("stamps", 0),), findings=())
        from archiver.evidence.stamps.check import check_stamps

        now = settings()
        findings = check_stamps(evidence, now.authorities if now else ())
        return Report(checked=(("stamps", count),), findings=findings)

    def origins(start: "Start") -> Report:
        rows = evidence.database.all(
            "SELECT record FROM origin GROUP BY record HAVING max(entry) >= ?", start.entries
        )
        if not rows:
            return Report(checked=(("signatures", 0),), findings=())
        from archiver.evidence.origin.recheck import check_origin

        records = [Position(record) for (record,) in rows if isinstance(record, int)]
        findings = check_origin(evidence, records, progress=progress)
        count = evidence.database.number(_SIGNATURES, start.entries)
        return Report(checked=(("signatures", count),), findings=findings)

    return (checkpoints, stamps, origins) if origin else (checkpoints, stamps)


def settings_of(evidence: Evidence) -> "Settings | None":
    """Return what ``archive.toml`` says, None where no version of it can be understood.

    EVIDENCE is open for reading only: a file that a person changed is not taken in for it.
    """
    from archiver.care.working_copies import take_in

    try:
        return take_in(evidence, actor="").settings
    except ArchiverError:
        return None


def _check_catalogue(
    open_catalogue: Callable[[], Catalogue], evidence: Evidence
) -> tuple[Report, bool]:
    """Return what was found, and whether the catalogue has read the whole journal."""
    try:
        with open_catalogue() as catalogue:
            position, count = catalogue.position, catalogue.count_records()
    except CatalogueUnusable as error:
        return _only(_rebuild("catalogue-unusable", "catalogue.sqlite", str(error))), False
    except (OperationError, LockedError) as error:
        return _only(_unreadable("catalogue-unreadable", "catalogue.sqlite", error)), False
    findings = _compare("catalogue", position, count, evidence)
    level = not _unread(position, evidence)
    return Report(checked=(("catalogue", count),), findings=findings), level


def _check_index(
    open_engine: Callable[[], Engine], evidence: Evidence, *, level: bool, read_data: bool
) -> Report:
    """Compare the index with the journal when the catalogue, which feeds it, is LEVEL with it."""
    code = "index-unusable"
    try:
        with contextlib.closing(open_engine()) as index:
            position, count = index.position, index.count()
            code = "index-damaged"
            if read_data:
                index.check()
    except EngineError as error:
        return _only(_rebuild(code, "search", str(error)))
    findings = _compare("index", position, count, evidence) if level else ()
    return Report(checked=(("index", count),), findings=findings)


def _only(finding: Finding) -> Report:
    return Report(checked=(), findings=(finding,))


def _compare(what: str, position: int, count: int, evidence: Evidence) -> tuple[Finding, ...]:
    # What is unread comes last: if it is nothing, no live writer made the counts differ.
    records, size, unread = evidence.count_records(), evidence.size, _unread(position, evidence)
    if position > size:
        return (
            _rebuild(
                f"{what}-ahead",
                what,
                _("It has read {position} entries, the journal has {size}.").format(
                    position=position, size=size
                ),
            ),
        )
    if unread:
        return (
            Finding(
                code=f"{what}-behind",
                level="note",
                subject=what,
                message=_("It has read {position} of {size} journal entries.").format(
                    position=position, size=size
                ),
                advice=_("Run `archiver catch-up`."),
            ),
        )
    if count != records:
        return (
            _rebuild(
                f"{what}-count",
                what,
                _("It holds {count} records, the journal {journal}.").format(
                    count=count, journal=records
                ),
            ),
        )
    return ()


def _unread(position: int, evidence: Evidence) -> bool:
    """Tell whether entries from POSITION on have something to say to catalogue and index.

    What is journalled after they were brought level, such as a time-stamp, has not.
    """
    said = "SELECT 1 FROM entry WHERE position >= ? AND type NOT IN (?, ?, ?, ?, ?) LIMIT 1"
    return evidence.database.one(said, position, *_NOT_FOR_THEM) is not None


def _unreadable(code: str, subject: str, error: OperationError | LockedError) -> Finding:
    """Tell that a projection could not be looked at: nothing says that it is damaged."""
    return Finding(
        code=code, level="warning", subject=subject, message=error.what, advice=error.advice
    )


def _rebuild(code: str, subject: str, message: str) -> Finding:
    return Finding(
        code=code,
        level="warning",
        subject=subject,
        message=message,
        advice=_("Run `archiver rebuild`: it is made again from the originals."),
    )
