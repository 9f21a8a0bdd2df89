"""Check the originals, and compare what is derived with them; nothing is repaired."""

import contextlib
import random
from collections.abc import Callable
from gettext import gettext as _

from archiver.catalogue.catalogue import Catalogue, CatalogueUnusable
from archiver.errors import LockedError, OperationError
from archiver.evidence.checks.check import verify as verify_evidence
from archiver.evidence.store import Evidence
from archiver.model.findings import Finding, Report
from index.engine import Engine, EngineError


def verify_archive(
    evidence: Evidence,
    *,
    catalogue: Callable[[], Catalogue],
    engine: Callable[[], Engine],
    read_data: float | None,
    rng: random.Random,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Check objects and journal, then compare the counts of catalogue and index with the journal.

    CATALOGUE and ENGINE open the projections as they stand. The index carries checksums: with any
    READ_DATA all of it is read, since it is a fraction of the originals.
    """
    report = verify_evidence(evidence, read_data=read_data, rng=rng, progress=progress)
    of_catalogue, level = _check_catalogue(catalogue, evidence)
    of_index = _check_index(engine, evidence, level=level, read_data=bool(read_data))
    return Report(
        checked=(*report.checked, *of_catalogue.checked, *of_index.checked),
        findings=(*report.findings, *of_catalogue.findings, *of_index.findings),
    )


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
    return Report(checked=(("catalogue", count),), findings=findings), position == evidence.size


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
    # The size comes last: if it is still POSITION, no live writer made the counts differ.
    records, size = evidence.count_records(), evidence.size
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
    if position < size:
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
