"""Check an archive against itself. Nothing is repaired (docs/journal.md lists the findings)."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from gettext import gettext as _
from pathlib import Path
from random import Random

from archiver.errors import ArchiverError, LockedError, OperationError
from archiver.evidence.checks.emptied import announced_objects
from archiver.evidence.checks.findings import Findings
from archiver.evidence.checks.leaves import JournalCheck
from archiver.evidence.checks.memory import Memory, Notes
from archiver.evidence.checks.objects import ObjectCheck
from archiver.evidence.checks.resume import Resumable
from archiver.evidence.checks.schema import unlike_schema
from archiver.evidence.checks.since import Since, Start, start_of
from archiver.evidence.disk import told
from archiver.evidence.journal.database import blob
from archiver.evidence.journal.merkle import HASH_SIZE
from archiver.evidence.locks import Locks
from archiver.evidence.store import Evidence
from archiver.model.findings import Report

_PATIENCE = 10.0  # seconds that a live write may take
_SEED = 16  # bytes

Check = Callable[[Start], Report]
"""A further check; it is told where this one begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """How much is checked, and what is remembered for the next check."""

    read_data: float | None = None
    """The share of objects to read: 1.0 all of them, None none."""
    since: Since = None
    restart: bool = False
    """Begin anew, even if the same check was interrupted."""
    notes: Notes | None = None
    """Where it is remembered what was sound and how far a check came; None: nowhere."""


def _now() -> datetime:
    return datetime.now(UTC)


def verify(
    evidence: Evidence,
    scope: Scope | None = None,
    *,
    read_data: float | None = None,
    also: Sequence[Check] = (),
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    rng: Random | None = None,
    patience: float = _PATIENCE,
    now: Callable[[], datetime] = _now,
    tell: Callable[[str], None] = lambda _message: None,
    helpers: int | None = None,
) -> Report:
    """Check structure always, and re-hash objects as far as SCOPE says; READ_DATA is for short.

    A share of the objects is drawn with RNG (seeded by the newest entry if not given), one object
    at least. ALSO are further checks; so many HELPERS (None: as this machine has processors for)
    read objects meanwhile. PROGRESS is told (done, total), TELL what a person should know. What a
    live writer may be in the middle of is looked at again once it has finished its batch, after
    PATIENCE seconds at most. Open EVIDENCE with ``recover=False``, else what an interrupted writer
    left is mended before it can be seen.

    Memory does not grow with the archive, except for 1/256 of its digests, and up to 4 MB (beyond
    that in a temporary file) for the list of objects.
    """
    scope = scope or Scope(read_data=read_data)
    findings = Findings()
    memory = Memory(scope.notes, now=now, findings=findings)
    further = iter(also)
    reports: list[Report] = []
    run: _Run | None = None
    try:
        with told(evidence.root):
            run = _Run(evidence, scope, findings, memory)
            run.check(
                rng=rng,
                further=lambda start: reports.extend(
                    _results(further, start, evidence.root, findings)
                ),
                progress=progress,
                patience=patience,
                tell=tell,
                helpers=helpers,
            )
    except OperationError as error:
        findings.add("journal-damaged", "error", "journal.sqlite", error.what, error.advice)
    reports.extend(_results(further, Start(), evidence.root, findings))
    _check_something_was_checked(evidence, findings, scope.read_data)
    if run and not findings.errors and not any(report.errors for report in reports):
        run.remember()
    return _joined(findings.report(), *reports)


def _results(
    checks: Iterator[Check], start: Start, root: Path, findings: Findings
) -> Iterator[Report]:
    """Do further CHECKS of the archive in ROOT; one that breaks off is told."""
    for check in checks:
        try:
            with told(root):
                yield check(start)
        except ArchiverError as error:
            findings.add("check-failed", "error", "journal", error.what, error.advice)


def _joined(*reports: Report) -> Report:
    return Report(
        checked=tuple(count for report in reports for count in report.checked),
        findings=tuple(finding for report in reports for finding in report.findings),
    )


def _check_something_was_checked(
    evidence: Evidence, findings: Findings, read_data: float | None
) -> None:
    if not (findings.checked("entries") or findings.checked("leaves")):
        findings.add(
            "nothing-checked",
            "error",
            evidence.root,
            _("Not one entry of the journal could be checked."),
            _("Put back the folder journal from a backup."),
        )
    elif not findings.checked("entries"):
        findings.add(
            "nothing-checked",
            "note",
            evidence.root,
            _("No entry came since; the older ones are those that were checked before."),
            _("Run `archiver verify` without --since to check everything again."),
        )
    elif read_data and not findings.checked("objects-read"):
        findings.add(
            "nothing-checked",
            "note",
            evidence.root,
            _("Not one object was read."),
            _("If `status` counts records, put back the folder objects from a backup."),
        )


class _Run:
    """One check of EVIDENCE as far as SCOPE says."""

    def __init__(
        self, evidence: Evidence, scope: Scope, findings: Findings, memory: Memory
    ) -> None:
        self._evidence = evidence
        self._scope = scope
        self._findings = findings
        self._memory = memory
        self._check_not_rolled_back()
        self._size = evidence.size
        self._mark = memory.mark()
        self._start = Start()
        self._root = b""
        self._as_marked = False

    def check(
        self,
        *,
        rng: Random | None,
        further: Callable[[Start], None],
        progress: Callable[[int, int], None],
        patience: float,
        tell: Callable[[str], None],
        helpers: int | None,
    ) -> None:
        """Check entries while helpers look at objects, then FURTHER, then what objects are left."""
        evidence, size, findings = self._evidence, self._size, self._findings
        self._start = start_of(
            self._scope.since,
            self._mark,
            size=size,
            read=bool(self._scope.read_data),
            database=evidence.database,
            findings=findings,
        )
        resumable = self._resumable(rng, tell)
        with ObjectCheck(
            evidence, findings, resumable.wish, helpers=helpers, done=resumable.done
        ) as objects:
            total = size + objects.total

            def entries_done(done: int) -> None:
                objects.collect()
                progress(done, total)

            self._check_entries(entries_done)
            resumable.begin(self._root)
            try:
                further(self._start)
                objects.check(lambda done: progress(size + done, total))
            except BaseException:
                objects.collect()
                resumable.save()
                raise
            self._memory.forget_progress()
            progress(total, total)
            self._settle(objects, patience)

    def remember(self) -> None:
        """Remember that all of this was sound, as far as what came before it was."""
        known = self._mark if self._as_marked else None
        if self._start.entries > (known.size if known else 0):
            return
        read = known.read if known else 0
        if self._scope.read_data == 1.0 and self._start.objects <= read:
            read = self._size
        self._memory.keep_mark(size=self._size, root=self._root, read=read)

    def _resumable(self, rng: Random | None, tell: Callable[[str], None]) -> Resumable:
        newest = self._evidence.database.one(
            "SELECT leaf FROM entry ORDER BY position DESC LIMIT 1"
        )
        rng = rng or Random(blob(newest[0]) if newest else b"")  # noqa: S311 - draws a sample, keeps no secret
        resumable = Resumable(
            self._memory,
            self._findings,
            share=self._scope.read_data or 0.0,
            seed=rng.randbytes(_SEED),
            since=self._start.objects,
            size=self._size,
        )
        if self._scope.restart:
            self._memory.forget_progress()
        else:
            resumable.go_on(self._evidence, tell)
        return resumable

    def _check_entries(self, progress: Callable[[int], None]) -> None:
        # A live writer may add entries, an erasure empty some: not what is seen from here on.
        with self._evidence.database.snapshot():
            sound = self._check_database()
            journal = JournalCheck(
                self._evidence,
                self._findings,
                start=self._start.entries,
                size=self._size,
                mark=self._mark,
                strict=sound,
            )
            self._root = journal.check(progress)
            self._as_marked = journal.as_marked
            journal.tell_changed()

    def _check_database(self) -> bool:
        """Check file and tables; tell whether both are as they should be."""
        before = self._findings.errors
        for (problem,) in self._evidence.database.all("PRAGMA integrity_check(20)"):
            if problem != "ok":
                self._findings.add(
                    "journal-damaged",
                    "error",
                    "journal.sqlite",
                    _("SQLite finds the journal damaged: {problem}.").format(problem=problem),
                    _("Put back the folder journal from a backup."),
                )
        for name in unlike_schema(self._evidence.database):
            self._findings.add(
                "schema-differs",
                "error",
                name,
                _("{name} in journal.sqlite is not as the archiver makes it.").format(name=name),
                _("Put back the folder journal from a backup, and ask who changed it."),
            )
        return self._findings.errors == before

    def _check_not_rolled_back(self) -> None:
        mirror = self._evidence.mirror
        length = mirror.length() // HASH_SIZE * HASH_SIZE
        try:
            # The size comes last: a live writer may go on meanwhile.
            mirror.check_not_ahead(length, self._evidence.size)
        except OperationError as error:
            self._findings.add("rolled-back", "error", mirror.path, error.what, error.advice)

    def _settle(self, objects: ObjectCheck, patience: float) -> None:
        """Tell what looks like an interrupted write, unless it was a live one."""
        size = self._evidence.size
        with contextlib.ExitStack() as stack:
            if objects.in_doubt or self._evidence.mirror.length() != size * HASH_SIZE:
                stack.enter_context(_between_writes(self._evidence, patience))
            announced: frozenset[str] = frozenset()
            if objects.in_doubt:
                announced = announced_objects(self._evidence.database)
            objects.settle(announced)
            self._check_mirror_complete(size)

    def _check_mirror_complete(self, size: int) -> None:
        mirror = self._evidence.mirror
        whole, torn = divmod(mirror.length(), HASH_SIZE)
        if torn:
            self._findings.add(
                "mirror-torn",
                "warning",
                mirror.path,
                _("journal/leaves ends in the middle of an entry: a write was interrupted."),
                _("The next command that writes to the archive cuts and completes it."),
            )
        if whole < size:
            self._findings.add(
                "mirror-behind",
                "warning",
                mirror.path,
                _(
                    "journal/leaves knows {whole} entries of {size}: a write was interrupted."
                ).format(whole=whole, size=size),
                _("The next command that writes to the archive completes it."),
            )


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
