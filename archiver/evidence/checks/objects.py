"""The part of a check that looks at the files in ``objects/``, with helpers where there are any."""

import contextlib
import os
from collections.abc import Callable, Collection
from gettext import gettext as _
from gettext import ngettext
from pathlib import Path
from types import TracebackType
from typing import Self

from archiver.evidence.checks.crew import Crew, helpers_here
from archiver.evidence.checks.findings import Findings
from archiver.evidence.checks.plan import Plan, Wish
from archiver.evidence.checks.shard import Outcome, Scan, ShardCheck, listed, misplaced
from archiver.evidence.journal.canonical import JSON
from archiver.evidence.objects import SHARDS, TEMPORARY
from archiver.evidence.spool import is_left
from archiver.evidence.store import Evidence
from archiver.model.digest import Digest

_LOOKED_AT_TWICE = 1000
_HELP_FROM = 1000  # objects; for fewer no helper is worth while


class ObjectCheck:
    """Checks the 256 folders against what the journal says; use it in a ``with`` statement.

    Helpers begin when it is made; this process takes part in ``check``.
    """

    def __init__(
        self,
        evidence: Evidence,
        findings: Findings,
        wish: Wish,
        *,
        scan: Scan = os.scandir,
        helpers: int | None = None,
        done: Callable[[int, int, int], None] = lambda _folder, _read, _size: None,
    ) -> None:
        """Begin; HELPERS None: as many as this machine has processors for.

        DONE is told of each folder without an error, with objects and bytes read.
        """
        self._evidence = evidence
        self._findings = findings
        self._scan = scan
        self._done = done
        self._folder = evidence.objects.folder
        self._waiting: dict[int, Outcome] = {}
        self._turn = 0
        self._missing: list[str] = []
        self._strays: list[str] = []
        self._temporaries: list[Path] = []
        with contextlib.ExitStack() as stack:
            plan = Plan(evidence.database, wish)
            stack.callback(plan.close)
            self.total = plan.total
            if helpers is None:
                helpers = helpers_here() if plan.total >= _HELP_FROM else 0
            work = ShardCheck(self._folder, plan, scan)
            self._crew = Crew(work, range(len(SHARDS)), helpers=helpers)
            stack.callback(self._crew.close)
            self._open = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def collect(self) -> None:
        """Take what helpers have to tell, so that they need not wait."""
        for folder, told in self._crew.collect():
            self._note(folder, told)

    def check(self, progress: Callable[[int], None]) -> None:
        """Check all; PROGRESS is told how many objects were looked at."""
        self._check_folders()
        for folder, told in self._crew.outcomes():
            self._note(folder, told)
            self._tell_in_turn()
            progress(self._findings.checked("objects"))
        self._tell_in_turn()
        self._tell_lost()

    @property
    def in_doubt(self) -> bool:
        """Whether there is what an interrupted write left, or a live one is in the middle of."""
        return bool(self._missing or self._strays or self._temporaries)

    def settle(self, announced: Collection[str] = ()) -> None:
        """Tell what in doubt is still as it was: files that no entry names, missing ones.

        A live writer names its objects before its entries, an erasure deletes them before it
        empties its entries, and temporaries go: call it when no write is under way. ANNOUNCED are
        objects of erasures that were interrupted: they may be gone.
        """
        for name in self._missing:
            if name not in announced:
                self._tell_missing(name)
        for path in self._strays:
            self._tell_stray(path)
        for temporary in self._temporaries:
            if is_left(temporary):
                self._findings.add(
                    "temporary-left",
                    "note",
                    temporary,
                    _("An interrupted write left {path} behind.").format(path=temporary),
                    _("The next command that writes to the archive removes it."),
                )

    def _note(self, folder: int, told: JSON) -> None:
        self._waiting[folder] = outcome = Outcome.heard(told)
        counts = dict(outcome.counts)
        for what, number in outcome.counts:
            self._findings.count(what, number)
        if not any(one.level == "error" for one in outcome.findings):
            self._done(folder, counts.get("objects-read", 0), counts.get("bytes-read", 0))

    def _tell_in_turn(self) -> None:
        """Tell what was found in the order of the folders, however many are at work."""
        while self._turn in self._waiting:
            self._take(self._waiting.pop(self._turn))
            self._turn += 1

    def _take(self, outcome: Outcome) -> None:
        self._findings.take(outcome.findings)
        self._doubt(self._missing, outcome.missing, self._tell_missing)
        self._doubt(self._strays, outcome.strays, self._tell_stray)

    def _doubt(
        self, doubted: list[str], more: Collection[str], tell: Callable[[str], None]
    ) -> None:
        """Look again later at MORE; what goes beyond a thousand is looked at right now."""
        for one in more:
            if len(doubted) < _LOOKED_AT_TWICE:
                doubted.append(one)
            else:
                tell(one)

    def _is_named(self, name: str) -> bool:
        return bool(self._evidence.journal.counted_on([Digest(name)]))

    def _check_folders(self) -> None:
        entries = listed(self._scan, self._folder, self._findings)
        names = {entry.name for entry in entries or ()}
        if TEMPORARY in names:
            inside = listed(self._scan, self._folder / TEMPORARY, self._findings)
            self._temporaries = [Path(one.path) for one in inside or ()]
        if entries is None:
            return
        for name in sorted(names - {*SHARDS, TEMPORARY}):
            misplaced(self._findings, self._folder / name)
        for name in sorted({*SHARDS, TEMPORARY} - names):
            path = self._folder / name
            self._findings.add(
                "folder-missing",
                "warning",
                path,
                _("The folder {path} is missing.").format(path=path),
                _("Put it back from a backup; if it was empty, make it anew."),
            )

    def _tell_missing(self, name: str) -> None:
        if not self._is_named(name) or os.path.lexists(self._folder / name[:2] / name):
            return
        self._findings.add(
            "object-missing",
            "error",
            name,
            _("The object {name} is missing.").format(name=name),
            _("Put it back from a backup."),
        )

    def _tell_stray(self, path: str) -> None:
        name = Path(path).name
        if not Path(path).exists() or self._is_named(name):
            return
        self._findings.add(
            "object-stray",
            "note",
            name,
            _("No entry of the journal names the object {path}.").format(path=path),
            _(
                "An interrupted write leaves such a file; it is taken in when the same bytes are "
                "met again, for example by `archiver import` of that file."
            ),
        )

    def _tell_lost(self) -> None:
        lost = self._crew.lost
        if lost:
            self._findings.add(
                "helper-lost",
                "warning",
                self._folder,
                ngettext(
                    "{count} helper process died; its part was checked once more.",
                    "{count} helper processes died; their parts were checked once more.",
                    lost,
                ).format(count=lost),
                _("Look whether this machine has enough memory, and its disk no errors."),
            )
