"""Check the originals, and compare what is derived with them; nothing is repaired."""

import random
from collections.abc import Callable
from gettext import gettext as _

from archiver.catalogue.catalogue import Catalogue, CatalogueUnusable
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

    CATALOGUE and ENGINE open the projections as they stand.
    """
    report = verify_evidence(evidence, read_data=read_data, rng=rng, progress=progress)
    findings = list(report.findings)
    checked = list(report.checked)
    level = False
    try:
        opened = catalogue()
    except CatalogueUnusable as error:
        findings.append(_rebuild("catalogue-unusable", "catalogue.sqlite", str(error)))
    else:
        with opened:
            checked.append(("catalogue", opened.count_records()))
            level = opened.position == evidence.size
            findings += _compare("catalogue", opened.position, opened.count_records(), evidence)
    try:
        index = engine()
    except EngineError as error:
        findings.append(_rebuild("index-unusable", "search", str(error)))
    else:
        checked.append(("index", index.count()))
        if level:
            findings += _compare("index", index.position, index.count(), evidence)
        index.close()
    return Report(checked=tuple(checked), findings=tuple(findings))


def _compare(what: str, position: int, count: int, evidence: Evidence) -> list[Finding]:
    # The size comes last: if it is still POSITION, no live writer made the counts differ.
    records, size = evidence.count_records(), evidence.size
    if position > size:
        return [
            _rebuild(
                f"{what}-ahead",
                what,
                _("It has read {position} entries, the journal has {size}.").format(
                    position=position, size=size
                ),
            )
        ]
    if position < size:
        return [
            Finding(
                code=f"{what}-behind",
                level="note",
                subject=what,
                message=_("It has read {position} of {size} journal entries.").format(
                    position=position, size=size
                ),
                advice=_("Run `archiver catch-up`."),
            )
        ]
    if count != records:
        return [
            _rebuild(
                f"{what}-count",
                what,
                _("It holds {count} records, the journal {journal}.").format(
                    count=count, journal=records
                ),
            )
        ]
    return []


def _rebuild(code: str, subject: str, message: str) -> Finding:
    return Finding(
        code=code,
        level="warning",
        subject=subject,
        message=message,
        advice=_("Run `archiver rebuild`: it is made again from the originals."),
    )
