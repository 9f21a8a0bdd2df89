"""What makes an archive believed, put together: checks, checkpoints, time-stamps, origin."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cached_property
from gettext import ngettext
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from archiver.errors import ArchiverError, OperationError
from archiver.opened import Opened, open_catalogue

if TYPE_CHECKING:
    from archiver.evidence.checkpoints.outside import Outside
    from archiver.evidence.checkpoints.standing import Standing
    from archiver.evidence.origin.capture import Captured
    from archiver.evidence.origin.grades import DateGrade, OriginGrade
    from archiver.evidence.stamps.outcome import Outcome
    from archiver.evidence.store import Evidence
    from archiver.model.digest import Position
    from archiver.model.findings import Finding, Report


CAPTURE_SECONDS = 120.0
"""How long one command goes on capturing origins after it did what it was called for."""


class Trusted(Opened):
    """An archive that is signed, time-stamped and checked."""

    open_work = True
    """Whether ``settle`` left something: DNS to be asked again, a time-stamp to be fetched."""

    def verify(
        self,
        *,
        read_data: float | None,
        since: "Literal['last'] | date | None" = None,
        origin: bool = True,
        restart: bool = False,
    ) -> "Report":
        """Check everything as it stands: nothing is recovered, levelled or rebuilt for it.

        READ_DATA is the share of objects to read. SINCE: only what came since the last check that
        found no error, or since that day. With ORIGIN, signatures are verified again. RESTART: do
        not go on with a check that was interrupted.
        """
        import random

        from archiver.care.verify import proof_checks, settings_of, verify_archive
        from archiver.evidence.checks.check import Scope
        from index.generations import IndexFolder

        evidence = self.open_evidence(recover=False)
        outside = outside_of(evidence)
        moment: Literal["last"] | datetime | None = "last" if since == "last" else None
        if isinstance(since, date):
            settings = settings_of(evidence)
            zone = ZoneInfo(settings.time_zone) if settings else UTC
            moment = datetime(since.year, since.month, since.day, tzinfo=zone)
        return verify_archive(
            evidence,
            Scope(read_data=read_data, since=moment, restart=restart, notes=outside),
            catalogue=lambda: open_catalogue(self.root / "catalogue.sqlite", True),
            engine=lambda: IndexFolder(self.root / "search").open_current(evidence.archive_id),
            proofs=proof_checks(
                evidence,
                outside=outside,
                settings=lambda: settings_of(evidence),
                origin=origin,
                progress=lambda done, total: self.progress("origin", done, total),
            ),
            rng=random.Random(self.entropy(16)),  # noqa: S311  a sample, not a secret
            progress=lambda done, total: self.progress("verify", done, total),
            tell=self.tell,
        )

    def settle(self, *, network: bool = True) -> bool:
        """After records came in: capture who signed them, sign the journal, have it dated if due.

        In this order, each after what it is about is durable. Without NETWORK it is only signed.
        What fails is told, undoes nothing, and is done by a later command; returns False when the
        journal could not be signed.
        """
        if self.evidence.read_only:
            return True
        self.open_work = not network
        if network:
            self._try(self._capture)
        signed = self.checkpoint()
        if network and signed:
            self._try(self._date_if_due)
        return signed

    def _capture(self) -> None:
        captured = self.capture_origin(limit=CAPTURE_SECONDS)
        self.open_work = captured is not None and captured.waiting > 0
        if captured is not None and captured.stalled:
            self.tell(
                ngettext(
                    "DNS did not answer: the origin of {n} record is captured later.",
                    "DNS did not answer: the origin of {n} records is captured later.",
                    captured.waiting,
                ).format(n=captured.waiting)
            )

    def _date_if_due(self) -> None:
        outcome = self._date(due=True)
        self.open_work = self.open_work or bool(outcome.later or outcome.failed or outcome.unsigned)

    def _date(self, *, due: bool) -> "Outcome":
        """Have the newest entries dated, and tell what went wrong."""
        from archiver.evidence.stamps.outcome import warnings_of

        outcome = self.anchor(due=due)
        for warning in warnings_of(outcome, self.time_zone):
            self.tell(warning)
        return outcome

    def _try(self, act: Callable[[], None]) -> None:
        """Do what comes after everything was kept: its failure is told and stops nothing."""
        try:
            act()
        except ArchiverError as error:
            self.open_work = True
            self.tell(error.both)

    # --- checkpoints and what is remembered outside the archive -----------------------------------

    @cached_property
    def outside(self) -> "Outside":
        """What this machine remembers of the archive; nothing is made before it is needed."""
        from archiver.evidence.checkpoints.outside import Outside

        return Outside.of_user(self.evidence.archive_id)

    def checkpoint(self) -> bool:
        """Sign the present state if the archive can be written; what is wrong is told.

        What was kept before stays kept. Returns False when something was wrong: then nothing was
        signed.
        """
        from archiver.evidence.checkpoints.signing import sign_checkpoint

        try:
            sign_checkpoint(self.evidence, self.outside, entropy=self.entropy, tell=self.tell)
        except ArchiverError as error:
            self.tell(error.both)
            return False
        return True

    def rotate_key(self) -> None:
        """Sign from now on with another key."""
        from archiver.evidence.checkpoints.signing import rotate

        rotate(self.evidence, self.outside, actor=self.actor, entropy=self.entropy, tell=self.tell)

    def accept_restored(self) -> None:
        """Go on with an older copy of the archive, as a person decided."""
        from archiver.evidence.checkpoints.signing import accept_restored

        accept_restored(self.evidence, self.outside, actor=self.actor, entropy=self.entropy)

    def require_continuing(self) -> None:
        """Raise RolledBackError when the archive lacks what was signed: nothing is to be kept.

        What cannot be read of what was signed keeps no mail out: the next signing tells it.
        """
        from archiver.evidence.checkpoints.marks import RolledBackError
        from archiver.evidence.checkpoints.standing import require_continuing

        try:
            require_continuing(self.evidence, self.outside)
        except RolledBackError:
            raise
        except OperationError:
            return

    def standing(self) -> "Standing | None":
        """Tell how the archive stands to what was signed; None when that cannot be read."""
        from archiver.evidence.checkpoints.standing import standing

        try:
            return standing(self.evidence, self.outside)
        except OperationError:
            return None

    def key_findings(self) -> "tuple[Finding, ...]":
        """Say what is odd about the key that signs, as the journal and this machine know it."""
        from archiver.evidence.checkpoints.key_check import check_key

        behind = self.standing() in ("older", "forked")
        outside = None if behind else self.outside  # an older copy does not name a newer key
        return tuple(check_key(self.evidence, outside, level="warning"))

    # --- time-stamps -----------------------------------------------------------------------------

    def anchor(self, *, due: bool) -> "Outcome":
        """Have the newest entries dated by every time-stamp authority; with DUE where it is time.

        Nobody is asked when OFFLINE, or when the newest state cannot be signed (which is told). An
        authority's failure is in the outcome. Raises OperationError when nothing can be written.
        """
        from archiver.evidence.stamps.outcome import Outcome

        if self.offline or not self.copies.settings.authorities:
            return Outcome(offline=self.offline)
        from archiver.evidence.stamps.anchoring import anchor
        from archiver.evidence.stamps.post import post

        return anchor(
            self.evidence,
            self.copies.settings.authorities,
            due=due,
            checkpoint=self.checkpoint,
            clock=self.clock,
            entropy=self.entropy,
            post=post,
        )

    # --- origin ----------------------------------------------------------------------------------

    def capture_origin(
        self, *, insist: bool = False, limit: float = float("inf")
    ) -> "Captured | None":
        """Capture who signed the records that wait for it; None when offline, or for reading only.

        Where the settings switch DNS off, what needs none is captured. It goes on for at most LIMIT
        seconds; INSIST asks again at once what had no answer. An error undoes nothing: what was
        kept and captured stays. Raises LockedError, OperationError.
        """
        dns = self.copies.settings.dns
        if (self.offline and dns != "off") or self.evidence.read_only:
            return None
        from archiver.evidence.origin.registry import count_waiting

        if not insist and not count_waiting(self.evidence):
            return None  # nothing waits: neither DNS nor cryptography is loaded
        from archiver.evidence.origin.capture import Own, capture
        from archiver.evidence.origin.dns import DnsResolver
        from archiver.evidence.origin.registry import sent_folders
        from archiver.mailbox.folders import role_by_name

        accounts = self.copies.settings.accounts
        return capture(
            self.evidence,
            None if dns == "off" else DnsResolver(None if dns == "system" else dns),
            clock=self.clock,
            own=Own(
                addresses=self.copies.own,
                servers={account.name: frozenset(account.authserv) for account in accounts},
                is_sent_folder=lambda folder: role_by_name(folder) == "sent",
                sent_folders=sent_folders(self.evidence),
            ),
            limit=limit,
            insist=insist,
            progress=self.progress,
        )

    def grades(self, record: "Position") -> "tuple[OriginGrade, DateGrade]":
        """Grade what shows who sent RECORD, and when it existed."""
        from archiver.evidence.origin.grades import date_grade, grade
        from archiver.evidence.origin.registry import newest_origin
        from archiver.evidence.stamps.entries import anchors

        found = newest_origin(self.evidence, record)
        origin = found[1] if found else None
        stamps = (anchor for _position, anchor in anchors(self.evidence))
        return grade(origin), date_grade(record, origin, stamps)

    def before_export(self) -> None:
        """Have the journal signed and time-stamped as it stands, so that an export is dated.

        What fails is told and stops nothing: the next time-stamp covers it as well.
        """
        if not self.evidence.read_only and self.checkpoint():
            self._date(due=False)


def outside_of(evidence: "Evidence") -> "Outside | None":
    """Return what this machine remembers, None when the archive cannot say who it is."""
    from archiver.evidence.checkpoints.outside import Outside

    try:
        return Outside.of_user(evidence.archive_id)
    except OperationError:
        return None
