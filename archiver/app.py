"""The composition root: the only place that chooses concrete classes.

Heavy modules are imported inside functions, so that a command loads no more than it needs.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

from archiver import SOFTWARE
from archiver.errors import NoArchiveError
from archiver.pipeline.progress import Progress, silent

if TYPE_CHECKING:
    from archiver.care.working_copies import WorkingCopies
    from archiver.catalogue.catalogue import Catalogue
    from archiver.config import Account
    from archiver.evidence.store import Evidence
    from archiver.mailbox.server.session import Session
    from archiver.model.findings import Finding, Report
    from archiver.pipeline.level import Rules
    from archiver.projections import Projections
    from index.engine import Engine

Clock = Callable[[], datetime]
Entropy = Callable[[int], bytes]
Tell = Callable[[str], None]


def utc_now() -> datetime:
    """Tell the time, aware, in UTC."""
    return datetime.now(UTC)


class Archive:
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
        return self._open_evidence(recover=True)

    def _open_evidence(self, *, recover: bool) -> "Evidence":
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
            if finding not in self._told:
                self._told.add(finding)
                self.tell(_in_two_lines(finding))
        return copies

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
            open_catalogue=_open_catalogue,
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

    def verify(self, *, read_data: float | None) -> "Report":
        """Check everything as it stands: nothing is recovered, levelled or rebuilt for it."""
        import random

        from archiver.care.verify import verify_archive
        from index.generations import IndexFolder

        evidence = self._open_evidence(recover=False)
        return verify_archive(
            evidence,
            catalogue=lambda: _open_catalogue(self.root / "catalogue.sqlite", True),
            engine=lambda: IndexFolder(self.root / "search").open_current(evidence.archive_id),
            read_data=read_data,
            rng=random.Random(self.entropy(16)),  # noqa: S311  a sample, not a secret
            progress=lambda done, total: self.progress("verify", done, total),
        )

    # --- checkpoints and what is remembered outside the archive -----------------------------------

    # --- time-stamps -----------------------------------------------------------------------------

    # --- origin ----------------------------------------------------------------------------------

    # --- custody ---------------------------------------------------------------------------------

    # --- mailbox ---------------------------------------------------------------------------------

    def connector(
        self,
        account: "Account",
        *,
        prompt: Callable[[str], str] | None,
        environ: Mapping[str, str] = os.environ,
    ) -> "Callable[[], Session]":
        """Return a function that connects, and connects again; the password is asked for once.

        It is looked for in ENVIRON, which the account's password command is given as well.
        """
        found: list[str] = []

        def connect() -> "Session":
            from archiver.mailbox.credentials import password_for
            from archiver.mailbox.server.imap import connect as connect_imap

            if not found:
                found.append(password_for(account, environ=environ, prompt=prompt))
            return connect_imap(account, found[0])

        return connect


def _in_two_lines(finding: "Finding") -> str:
    """Put what is wrong, then what to do; the name of the file once."""
    message = finding.message
    if not message.startswith(finding.subject):
        message = f"{finding.subject}: {message}"
    return f"{message}\n{finding.advice}"


def _open_catalogue(path: Path, read_only: bool) -> "Catalogue":  # noqa: FBT001  a callback
    from archiver.catalogue.catalogue import Catalogue
    from archiver.mailbox.folders import role_by_name

    return Catalogue.open(path, read_only=read_only, role_of=role_by_name)


def create_archive(
    root: Path, *, time_zone: str, language: str, actor: str, clock: Clock = utc_now
) -> None:
    """Make a new archive in ROOT, or complete one whose making was interrupted.

    Catalogue and index are made too, still empty, so that one that is missing later is told.
    """
    from archiver.care.create import create

    create(
        root,
        time_zone=time_zone,
        language=language,
        actor=actor,
        clock=clock,
        entropy=os.urandom,
        software=SOFTWARE,
    )
    with Archive(root, tell=lambda _message: None, actor=actor, clock=clock) as archive:
        archive.level()


def local_time_zone() -> str:
    """Return the IANA name of this machine's time zone, or UTC where it cannot be told."""
    named = os.environ.get("TZ", "").removeprefix(":")
    for name in filter(None, (named, *_zone_of(Path("/etc/localtime")))):
        with contextlib.suppress(ValueError, OSError, LookupError):
            return ZoneInfo(name).key
    return "UTC"


def _zone_of(link: Path) -> Iterator[str]:
    with contextlib.suppress(OSError):
        yield str(link.resolve()).partition("zoneinfo/")[2]


def require_archive(root: Path | None) -> Path:
    """Return ROOT; raise NoArchiveError when no archive was named."""
    if root is None:
        raise NoArchiveError(
            _("No archive was named."),
            advice=_(
                "Give --archive DIR, set ARCHIVER_ARCHIVE, or run the command inside an archive."
            ),
        )
    return root
