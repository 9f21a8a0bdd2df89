"""An archive opened: its originals, working copies and projections, each when first asked for.

Heavy modules are imported inside functions, so that a command loads no more than it needs.
"""

import contextlib
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from gettext import ngettext
from pathlib import Path
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

from archiver import SOFTWARE
from archiver.errors import LockedError
from archiver.pipeline.progress import Progress, silent

if TYPE_CHECKING:
    from archiver.care.working_copies import WorkingCopies
    from archiver.catalogue.catalogue import Catalogue
    from archiver.evidence.store import Evidence
    from archiver.model.digest import Position
    from archiver.model.findings import Finding
    from archiver.pipeline.level import Rules
    from archiver.projections import Projections
    from index.engine import Engine

Clock = Callable[[], datetime]
Entropy = Callable[[int], bytes]
Tell = Callable[[str], None]


def utc_now() -> datetime:
    """Tell the time, aware, in UTC."""
    return datetime.now(UTC)


class Opened:
    """An archive and the pieces it is made of, each opened when first asked for."""

    def __init__(
        self,
        root: Path,
        *,
        tell: Tell,
        actor: str,
        progress: Progress = silent,
        lock_wait: float = 10.0,
        offline: bool = False,
        clock: Clock = utc_now,
        entropy: Entropy = os.urandom,
    ) -> None:
        """Name the folder; nothing is opened yet. TELL gets what a person should know (stderr)."""
        self.root = root
        self.tell = tell
        self.actor = actor
        self.progress = progress
        self.lock_wait = lock_wait
        self.offline = offline
        self.clock = clock
        self.entropy = entropy
        self._closing = contextlib.ExitStack()
        self._told: set[Finding] = set()
        self._tells_findings = True
        self._left: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close whatever was opened, last opened first."""
        self._closing.close()

    # --- originals and working copies ------------------------------------------------------------

    @cached_property
    def evidence(self) -> "Evidence":
        """The originals."""
        evidence = self.open_evidence(recover=True)
        if evidence.completed:
            self.__dict__["evidence"] = evidence
            self._finish_erasure(evidence.completed)
        return evidence

    def open_evidence(self, *, recover: bool) -> "Evidence":
        """Open the originals; without RECOVER as they stand, for a check."""
        from archiver.evidence.store import Evidence

        return self._closing.enter_context(
            Evidence.open(
                self.root,
                clock=self.clock,
                entropy=self.entropy,
                software=SOFTWARE,
                lock_wait=self.lock_wait,
                recover=recover,
            )
        )

    @cached_property
    def copies(self) -> "WorkingCopies":
        """The working copies, taken in: changed ones journalled, missing ones restored."""
        from archiver.care.working_copies import take_in

        copies = take_in(self.evidence, actor=self.actor)
        # They are taken in again after a command changed one: what was told is not told again.
        for finding in copies.findings if self._tells_findings else ():
            if finding not in self._told and finding.subject not in self._left:
                self._told.add(finding)
                self.tell(_in_two_lines(finding))
        return copies

    def leave_finding(self, name: str) -> None:
        """Leave what is wrong with the working copy NAME to a command that ends with its error."""
        self._left.add(name)

    def leave_findings(self) -> None:
        """Leave what is wrong with working copies to a command that reports it itself."""
        self._tells_findings = False

    def reread_copies(self) -> None:
        """Take the working copies in again after a command changed one."""
        self.__dict__.pop("copies", None)

    @property
    def time_zone(self) -> ZoneInfo:
        """The archive's time zone: days are days in it."""
        return ZoneInfo(self.copies.settings.time_zone)

    def rules(self) -> "Rules":
        """Return what tags are made from."""
        from archiver.pipeline.level import Rules

        copies = self.copies
        return Rules(
            engagements=copies.engagements,
            own=copies.own,
            version=copies.version,
            time_zone=self.time_zone,
        )

    # --- projections -----------------------------------------------------------------------------

    @cached_property
    def projections(self) -> "Projections":
        """Catalogue and search index."""
        from archiver.projections import Projections
        from index.generations import IndexFolder

        projections = Projections(
            self.evidence,
            rules=self.rules,
            language=lambda: self.copies.settings.language,
            open_catalogue=open_catalogue,
            index_folder=IndexFolder,
            tell=self.tell,
            progress=self.progress,
        )
        self._closing.callback(projections.close)
        return projections

    @property
    def catalogue(self) -> "Catalogue":
        """The catalogue, level with the journal."""
        return self.projections.catalogue

    @property
    def engine(self) -> "Engine":
        """The search index, level with the catalogue."""
        return self.projections.engine

    def level(self, *, insist: bool = False) -> None:
        """Bring catalogue and index level with the journal; INSIST: wait for others at it."""
        self.projections.level(insist=insist)

    def relevel(self) -> None:
        """Level again after this command changed a working copy or journalled a decision."""
        self.reread_copies()
        self.level()

    def _finish_erasure(self, entries: "Sequence[Position]") -> None:
        """Go on after opening completed an erasure that was interrupted: what was read goes too."""
        self.tell(
            ngettext(
                "An erasure that had been interrupted is complete now (entry {entries}).",
                "Erasures that had been interrupted are complete now (entries {entries}).",
                len(entries),
            ).format(entries=", ".join(map(str, entries)))
        )
        # Should another process be feeding them: levelling finds out, and makes them anew.
        with contextlib.suppress(LockedError):
            self.projections.forget()


def _in_two_lines(finding: "Finding") -> str:
    """Put what is wrong, then what to do; the name of the file once."""
    message = finding.message
    if not message.startswith(finding.subject):
        message = f"{finding.subject}: {message}"
    return f"{message}\n{finding.advice}"


def open_catalogue(path: Path, read_only: bool) -> "Catalogue":  # noqa: FBT001  a callback
    """Open the catalogue at PATH as it stands."""
    from archiver.catalogue.catalogue import Catalogue
    from archiver.mailbox.folders import role_by_name

    return Catalogue.open(path, read_only=read_only, role_of=role_by_name)
