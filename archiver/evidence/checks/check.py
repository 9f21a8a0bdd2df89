"""Check an archive against itself. Nothing is repaired (docs/journal.md lists the findings)."""

import contextlib
import os
from collections.abc import Callable, Iterator
from gettext import gettext as _
from random import Random

from archiver.errors import LockedError, OperationError
from archiver.evidence.checks.entries import EntryCheck
from archiver.evidence.checks.findings import Findings
from archiver.evidence.checks.objects import ObjectCheck
from archiver.evidence.disk import told
from archiver.evidence.journal.merkle import HASH_SIZE, Tree
from archiver.evidence.locks import Locks
from archiver.evidence.store import Evidence
from archiver.model.findings import Report

_STEP = 500  # entries between two signs of progress
_PATIENCE = 10.0  # seconds that a live write may take


def verify(
    evidence: Evidence,
    *,
    read_data: float | None = None,
    progress: Callable[[int, int], None] | None = None,
    rng: Random | None = None,
    patience: float = _PATIENCE,
) -> Report:
    """Check structure always, and re-hash objects as far as READ_DATA says.

    READ_DATA is the share of objects to read: 1.0 all of them, None none; a smaller share is drawn
    with RNG (seeded by the tree's root if not given), one object at least. PROGRESS is told (done,
    total). What a live writer may be in the middle of is looked at again once it has finished its
    batch, after PATIENCE seconds at most. Open EVIDENCE with ``recover=False``, else what an
    interrupted writer left is mended before it can be seen. Memory does not grow with the archive,
    except for 1/256 of its digests.
    """
    findings = Findings()
    try:
        with told(evidence.root):
            objects = _check(evidence, findings, read_data, progress or _quiet, rng)
            _settle(evidence, findings, objects, patience)
    except OperationError as error:
        findings.add("journal-damaged", "error", "journal.sqlite", error.what, error.advice)
    _check_something_was_checked(evidence, findings, read_data)
    return findings.report()


def _check_something_was_checked(
    evidence: Evidence, findings: Findings, read_data: float | None
) -> None:
    if not findings.checked("entries"):
        findings.add(
            "nothing-checked",
            "error",
            evidence.root,
            _("Not one entry of the journal could be checked."),
            _("Put back the folder journal from a backup."),
        )
    elif read_data and not findings.checked("objects-read"):
        findings.add(
            "nothing-checked",
            "note",
            evidence.root,
            _("Not one object was read."),
            _("If `status` counts records, put back the folder objects from a backup."),
        )


def _quiet(_done: int, _total: int) -> None:
    pass


def _check(
    evidence: Evidence,
    findings: Findings,
    read_data: float | None,
    progress: Callable[[int, int], None],
    rng: Random | None,
) -> ObjectCheck:
    size = evidence.size
    rng = rng or Random(evidence.tree_root())  # noqa: S311 - draws a sample, keeps no secret
    objects = ObjectCheck(evidence, findings, read_data=read_data or 0.0, rng=rng)
    total = size + objects.total
    _check_database(evidence, findings)
    _check_not_rolled_back(evidence, findings)
    entries = EntryCheck(evidence.journal, findings)
    # Not the root of all leaves: a live writer may have added some since SIZE was read.
    tree, kept = Tree(), Tree()
    for (position, type_, body, leaf), mirrored in _with_mirror(evidence, size):
        tree.extend([entries.check(position, type_, body, leaf)])
        kept.extend([leaf])
        if mirrored not in (None, leaf):
            findings.add(
                "mirror-differs",
                "error",
                position,
                _("Leaf {position} of the mirror is not that of the journal.").format(
                    position=position
                ),
                _("Put back the folder journal from a backup, and ask who changed it."),
            )
        if position % _STEP == 0:
            progress(position, total)
    entries.finish(size)
    if tree.root() != kept.root():
        findings.add(
            "root-differs",
            "error",
            "journal",
            _("The entries do not add up to the root of the tree that the journal holds."),
            _("Put back the folder journal from a backup, and ask who changed it."),
        )
    objects.check(lambda done: progress(size + done, total))
    progress(total, total)
    return objects


def _settle(evidence: Evidence, findings: Findings, objects: ObjectCheck, patience: float) -> None:
    """Tell what looks like an interrupted write, unless it was a live one."""
    size = evidence.size
    with contextlib.ExitStack() as stack:
        if objects.in_doubt or evidence.mirror.length() != size * HASH_SIZE:
            stack.enter_context(_between_writes(evidence, patience))
        objects.settle()
        _check_mirror_complete(evidence, findings, size)


@contextlib.contextmanager
def _between_writes(evidence: Evidence, patience: float) -> Iterator[None]:
    """Keep writers from beginning for a moment, once the one at work has finished its batch.

    Without a lock file that we may use nobody else uses one either: the medium is read-only, or
    the archive just came out of a backup. A writer that takes longer than PATIENCE is not waited
    for: by then what was in doubt is its, or is told.
    """
    folder = evidence.root / "journal"
    with contextlib.ExitStack() as stack:
        if os.access(folder / "write.lock", os.R_OK | os.W_OK):
            with contextlib.suppress(LockedError):
                stack.enter_context(Locks(folder).writing(patience))
        yield


def _with_mirror(
    evidence: Evidence, size: int
) -> Iterator[tuple[tuple[int, str, bytes, bytes], bytes | None]]:
    """Yield each entry with the leaf that the mirror has at its position, None where it ends."""
    mirror = enumerate(evidence.mirror.leaves())
    for row in evidence.journal.rows(0, size):
        # Positions may be missing from the journal, never from the mirror.
        leaf = next((leaf for number, leaf in mirror if number == row[0]), None)
        yield row, leaf


def _check_database(evidence: Evidence, findings: Findings) -> None:
    for (problem,) in evidence.database.all("PRAGMA quick_check(20)"):
        if problem != "ok":
            findings.add(
                "journal-damaged",
                "error",
                "journal.sqlite",
                _("SQLite finds the journal damaged: {problem}.").format(problem=problem),
                _("Put back the folder journal from a backup."),
            )


def _check_not_rolled_back(evidence: Evidence, findings: Findings) -> None:
    length = evidence.mirror.length() // HASH_SIZE * HASH_SIZE
    try:
        # The size comes last: a live writer may go on meanwhile.
        evidence.mirror.check_not_ahead(length, evidence.size)
    except OperationError as error:
        findings.add("rolled-back", "error", evidence.mirror.path, error.what, error.advice)


def _check_mirror_complete(evidence: Evidence, findings: Findings, size: int) -> None:
    whole, torn = divmod(evidence.mirror.length(), HASH_SIZE)
    if torn:
        findings.add(
            "mirror-torn",
            "warning",
            evidence.mirror.path,
            _("The mirror ends in the middle of a leaf: a write was interrupted."),
            _("The next command that writes to the archive cuts and completes it."),
        )
    if whole < size:
        findings.add(
            "mirror-behind",
            "warning",
            evidence.mirror.path,
            _("The mirror holds {whole} leaves of {size}: a write was interrupted.").format(
                whole=whole, size=size
            ),
            _("The next command that writes to the archive completes it."),
        )
