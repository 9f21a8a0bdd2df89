"""One account: synchronised, then watched for news, then synchronised again, in a thread."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING, Final, Protocol

from archiver.accounts import Account
from archiver.daemon.delays import Calm, Chance, after, doubled, passes_by_itself
from archiver.daemon.line import Line
from archiver.daemon.log import Log, of_account
from archiver.daemon.rest import Rest, Timer
from archiver.daemon.state import AccountState, Doing
from archiver.errors import ArchiverError, LockedError, TemporaryNetworkError
from archiver.mailbox.server.session import RefusedError

if TYPE_CHECKING:
    from archiver.pipeline.keep import Intake
    from archiver.pipeline.progress import Progress

RENEWAL: Final = 24 * 60.0
"""Seconds of one IDLE: servers may log out after 30 minutes, and should be asked anew before 29
(RFC 2177)."""
_KEPT: Final = 20 * 60.0
"""A connection that cannot notify is not kept for longer than this: the server would end it."""
_RESTLESS: Final = 60.0
"""Seconds that an IDLE should last at least before its connection breaks."""
_AT_ONCE: Final = 1.0
_OUTAGE: Final = 15 * 60.0
"""Seconds after which trouble that may pass by itself is told to ``on_failure``."""
_SHOWN_PROBLEMS: Final = 5


class Office(Protocol):
    """What a watcher has done for it, each time with an archive opened for it alone."""

    def sync(
        self, account: Account, line: Line, *, stop: Callable[[], bool], progress: "Progress"
    ) -> "Intake":
        """Fetch and keep what ACCOUNT holds and the archive does not."""

    def failed(self, account: Account, what: str, exit_code: int) -> None:
        """Run the command that the settings name for a failure, without waiting for its end."""


class Watcher:
    """Keeps one account synchronised until it is stopped."""

    def __init__(
        self,
        account: Account,
        office: Office,
        *,
        log: Log,
        timer: Timer,
        clock: Callable[[], datetime],
        chance: Chance,
        brought: Callable[[bool], None],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """CHANCE gives numbers from 0 to 1.

        BROUGHT is called when something was kept: True when a sync is complete, False while it
        goes on. CHANGED is called when there is something to be seen in ``state``.
        """
        self.account = account
        self.rest = Rest(timer)
        self.line = Line(self.rest)
        self.state = AccountState(name=account.name, doing="starting", since=clock())
        self._office = office
        self._log = log
        self._timer = timer
        self._clock = clock
        self._chance = chance
        self._brought = brought
        self._changed = changed
        self._calm = Calm()
        self._announced = False
        self._breaks = 0
        self._told = ""
        self._reported = False
        self._locked: datetime | None = None
        self._thread = threading.Thread(
            target=self._run, name=f"archiver-{account.name}", daemon=True
        )

    # --- from the main thread --------------------------------------------------------------------

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Have it end as soon as it can."""
        self.rest.stop()

    def join(self, seconds: float) -> bool:
        """Wait for its end at most SECONDS; tell whether it ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    # --- in its own thread -----------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while not self.rest.stopped():
                self.round()
        finally:
            self.line.drop()
            self._become("stopped")

    def round(self) -> None:
        """Synchronise once, then wait for a reason to do so again."""
        self.rest.take_nudge()
        self._become("syncing")
        self.rest.working()
        try:
            intake = self._office.sync(
                self.account, self.line, stop=self.rest.stopped, progress=self._progress
            )
        except Exception as error:  # noqa: BLE001  the wall of a worker: other accounts go on
            self.line.drop()
            self.rest.waiting()
            if not self.rest.stopped():
                self._failed(error)
            return
        self.rest.waiting()
        if self.rest.stopped():
            return
        self._good(intake)
        self._announced = False
        self._await_news(self._timer.now() + 60.0 * self.account.poll_minutes)

    def _progress(self, _what: str, _done: int, _total: int | None) -> None:
        self.rest.beat()
        self._brought(False)

    def _become(self, doing: Doing) -> None:
        if self.state.doing != doing:
            self._set(replace(self.state, doing=doing, since=self._clock()))

    def _set(self, state: AccountState) -> None:
        self.state = state
        self._changed()

    # --- what came of a sync ---------------------------------------------------------------------

    def _good(self, intake: "Intake") -> None:
        now = self._clock()
        before = self.state
        good = replace(
            before,
            last_good=now,
            good_since=before.good_since or now,
            failing_since=None,
            attempts=0,
            problems=len(intake.problems),
            exit_code=0,
            what="",
            advice="",
            next_try=None,
        )
        self._set(good)
        something = bool(intake.new or intake.seen_again or intake.recognised or intake.confirmed)
        if self._announced:
            self._calm.brought(something=something)
        if something:
            self._brought(True)
        if before.failing_since is not None and self._told:
            self._say(
                _("works again; it had failed since {moment}.").format(
                    moment=_shown(before.failing_since)
                )
            )
        self._told, self._reported, self._locked = "", False, None
        self._tell(intake, before)

    def _tell(self, intake: "Intake", before: AccountState) -> None:
        counted = ngettext("{n} new record", "{n} new records", intake.new).format(n=intake.new)
        if intake.new or before.last_good is None:
            self._say(counted)
        else:
            self._log.detail(of_account(self.account.name, counted))
        for note in intake.notes:
            self._say(note)
        if len(intake.problems) != before.problems:
            for problem in intake.problems[:_SHOWN_PROBLEMS]:
                self._log.trouble(f"{problem.where}: {problem.reason}")
            if left := intake.problems[_SHOWN_PROBLEMS:]:
                self._log.trouble(_("… and {n} more").format(n=len(left)))

    def _failed(self, error: Exception) -> None:
        now = self._clock()
        what, advice, code = _words(error)
        attempts = self.state.attempts + 1
        delay = after(error, attempts, self._chance)
        if isinstance(error, LockedError):
            self._locked = self._locked or now
            if (now - self._locked).total_seconds() < _OUTAGE:  # another is at it: nothing is wrong
                self._log.detail(of_account(self.account.name, what))
                self._become("waiting")
                self.rest.wait(delay)
                return
        failed = replace(
            self.state,
            doing="waiting",
            since=now,
            good_since=None,
            failing_since=self.state.failing_since or now,
            attempts=attempts,
            exit_code=code,
            what=what,
            advice=advice,
            next_try=now + timedelta(seconds=delay),
        )
        self._set(failed)
        self._tell_failure(error, what, advice)
        self.rest.wait(delay)

    def _tell_failure(self, error: Exception, what: str, advice: str) -> None:
        """Tell each trouble once as long as it lasts, and run ``on_failure`` once."""
        since = self.state.failing_since
        if what == self._told:
            self._log.detail(of_account(self.account.name, what))
        else:
            self._told = what
            self._log.trouble(of_account(self.account.name, f"{what} {advice}"))
        lasting = since is not None and (self._clock() - since).total_seconds() >= _OUTAGE
        if not self._reported and (lasting or not passes_by_itself(error)):
            self._reported = True
            self._office.failed(self.account, what, self.state.exit_code)

    def _say(self, what: str) -> None:
        self._log.event(of_account(self.account.name, what))

    # --- news ------------------------------------------------------------------------------------

    def _await_news(self, until: float) -> None:
        """Wait until the server tells of something, or it is time to look at all folders."""
        try:
            if self._be_notified(until):
                return
        except RefusedError as error:
            self._log.detail(
                of_account(
                    self.account.name,
                    _("the server does not notify ({reason}); it is asked again and again").format(
                        reason=error.reason
                    ),
                )
            )
        except TemporaryNetworkError as error:
            self._broke(error)
            return
        self._become("polling")
        if until - self._timer.now() > _KEPT:
            self.line.drop()
        self.rest.wait(until - self._timer.now())

    def _be_notified(self, until: float) -> bool:
        """Stay in IDLE; return False when that is not possible on this connection."""
        session = self.line.live
        folder = self.line.watched(self.account.folders)
        if session is None or folder is None:
            return False
        state = session.examine(folder)
        if self.line.is_news(folder, state):  # it came while the other folders were looked at
            return self._settle()
        self._become("notified")
        while not self.rest.interrupted() and (left := until - self._timer.now()) > 0:
            began = self._timer.now()
            changed = session.idle(min(left, RENEWAL), self.rest.interrupted)
            lasted = self._timer.now() - began
            if lasted >= _RESTLESS:
                self._breaks = 0
            if changed:
                return self._settle()
            if lasted < _AT_ONCE < left and not self.rest.interrupted():
                return False  # this server does not really wait
        return True

    def _settle(self) -> bool:
        """Wait a little after the server told of something: more may come with it."""
        self._announced = True
        self.rest.wait(self._calm.pause)
        return True

    def _broke(self, error: ArchiverError) -> None:
        """Connect anew: soon, and later where connections break again and again."""
        self._breaks += 1
        self._log.detail(of_account(self.account.name, error.what))
        self.line.drop()
        if not self.rest.stopped():
            self._become("waiting")
            self.rest.wait(doubled(2.0, self._breaks, 900.0, self._chance))


def _words(error: Exception) -> tuple[str, str, int]:
    match error:
        case ArchiverError():
            return error.what, error.advice, error.exit_code
        case OSError():
            what = _("The system refused something: {why}.").format(why=error.strerror or error)
            return what, _("Check the disk and the permissions."), 1
        case _:
            what = _("Something happened that the archiver is not prepared for: {kind}: {error}")
            advice = _("What was kept is kept. This is a mistake in the archiver: report it.")
            return what.format(kind=type(error).__name__, error=error), advice, 1


def _shown(moment: datetime) -> str:
    return moment.astimezone().isoformat(sep=" ", timespec="minutes")
