"""The composition root: the only place that chooses concrete classes.

Heavy modules are imported inside functions, so that a command loads no more than it needs.
"""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from archiver import SOFTWARE
from archiver.errors import NoArchiveError, OperationError
from archiver.opened import Clock, utc_now
from archiver.pipeline.progress import Progress, silent
from archiver.trust import Trusted

if TYPE_CHECKING:
    from archiver.accounts import Account
    from archiver.custody.erase import Done, Plan
    from archiver.engagements.engagement import Engagement
    from archiver.evidence.store import Evidence
    from archiver.mailbox.server.session import Session
    from archiver.model.digest import Position
    from archiver.model.findings import Report
    from archiver.model.withholding import Withholding


class Archive(Trusted):
    """An archive and everything that is done with it as a whole."""

    def withheld(
        self, records: "Iterable[Position]", *engagements: "Engagement"
    ) -> "Mapping[Position, Withholding]":
        """Return those of RECORDS that no dossier of ENGAGEMENTS shows, and why."""
        from archiver.custody.withheld import Matcher, find_withheld, sources_of

        rules = ((each.slug, each.withheld) for each in engagements)
        return find_withheld(
            self.evidence,
            self.catalogue,
            records,
            Matcher(sources_of(self.copies.settings.withheld, rules)),
            progress=lambda done, total: self.progress("read", done, total),
        )

    def erase(self, plan: "Plan", *, basis: str) -> "Done":
        """Erase what PLAN says, under the legal BASIS; catalogue and index are made anew.

        Raises OperationError, and erases nothing, when the journal cannot be signed before.
        """
        from archiver.custody.erase import carry_out

        if not self.checkpoint():
            raise OperationError(
                _("The journal could not be signed, so nothing was erased."),
                advice=_("Mend what was told before, then run the command again."),
            )
        done = carry_out(
            self.evidence,
            plan,
            basis=basis,
            actor=self.actor,
            checkpoint=self._sign,
            forget=self.projections.forget,
        )
        self.reread_copies()
        self.projections.rebuild()
        self.checkpoint()
        return done

    def _sign(self) -> None:
        self.checkpoint()  # what is wrong is told

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


def open_backup(root: Path, *, lock_wait: float) -> "Evidence":
    """Open the originals of a backup, or of an archive, as they stand: nothing is changed there."""
    from archiver.evidence.store import Evidence

    return Evidence.open(
        root,
        clock=utc_now,
        entropy=os.urandom,
        software=SOFTWARE,
        lock_wait=lock_wait,
        recover=False,
    )


def verify_copy(root: Path, *, lock_wait: float, progress: Progress = silent) -> "Report":
    """Read every byte of a backup and check all of it, whatever this machine remembers.

    A backup is older than the archive as soon as that goes on: no fault of the copy.
    """
    from archiver.care.verify import proof_checks, settings_of
    from archiver.evidence.checks.check import verify

    with open_backup(root, lock_wait=lock_wait) as copy:
        proofs = proof_checks(
            copy,
            outside=None,
            settings=lambda: settings_of(copy),
            origin=True,
            progress=lambda done, total: progress("origin", done, total),
        )
        report = verify(
            copy,
            read_data=1.0,
            also=proofs,
            progress=lambda done, total: progress("verify", done, total),
        )
    # That the memory was not asked is no news to whoever asked for a copy to be checked.
    kept = tuple(each for each in report.findings if each.code != "memory-unknown")
    return replace(report, findings=kept)


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
