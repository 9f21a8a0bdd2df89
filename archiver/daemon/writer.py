"""The one that reads, tags, indexes and signs what the watchers kept; a thread of its own."""

import threading
from collections.abc import Callable
from datetime import datetime
from gettext import gettext as _
from typing import Final

from archiver.daemon.delays import Chance, doubled
from archiver.daemon.log import Log
from archiver.daemon.rest import Rest, Timer
from archiver.daemon.state import WriterState

SOON: Final = 2.0
"""Seconds after a sync brought something: the next one may bring more."""
_APART: Final = 10.0
"""Seconds between two runs, at least."""
_MEANWHILE: Final = 300.0
"""Seconds between two runs while a long sync goes on."""
_ANYWAY: Final = 3600.0
"""Seconds after which what waited for the network (DNS, time-stamps) is tried again."""
LIMIT: Final = 6 * 3600.0
"""Seconds that one run may take."""

Run = Callable[[Callable[[], bool]], str]
"""Does the work unless it is told to stop; returns what went wrong, empty when nothing did."""


class Writer:
    """Brings catalogue, index and signatures level, a while after there is something new."""

    def __init__(
        self,
        run: Run,
        *,
        log: Log,
        timer: Timer,
        clock: Callable[[], datetime],
        chance: Chance,
    ) -> None:
        """Do the work with RUN; CHANCE gives numbers from 0 to 1."""
        self.rest = Rest(timer)
        self.state = WriterState()
        self._run_once = run
        self._log = log
        self._timer = timer
        self._clock = clock
        self._chance = chance
        self._lock = threading.Lock()
        self._due = timer.now()
        self._last: float | None = None
        self._attempts = 0
        self._told = ""
        self._thread = threading.Thread(target=self._run, name="archiver-writer", daemon=True)

    # --- from other threads ----------------------------------------------------------------------

    def start(self) -> None:
        """Begin, with what was left undone."""
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

    def brought(self, complete: bool) -> None:  # noqa: FBT001  a callback
        """Note that something was kept; COMPLETE: no more of it is to be expected at once."""
        now = self._timer.now()
        with self._lock:
            if self._attempts:  # it is tried again when its time comes
                return
            last = now if self._last is None else self._last
            due = max(now + SOON, last + _APART) if complete else max(now, last + _MEANWHILE)
            sooner = due < self._due
            self._due = min(self._due, due)
        if sooner:
            self.rest.nudge()

    # --- in its own thread -----------------------------------------------------------------------

    def _run(self) -> None:
        while not self.rest.stopped():
            self.round()

    def round(self) -> None:
        """Wait until there is something to do, and do it."""
        self.rest.take_nudge()
        with self._lock:
            left = self._due - self._timer.now()
        if left > 0:
            self.rest.wait(left)
            return
        with self._lock:
            self._due = self._timer.now() + _ANYWAY
        self.rest.working(LIMIT + 600.0)
        try:
            what = self._run_once(self.rest.stopped)
        except Exception as error:  # noqa: BLE001  the wall of a worker: mail goes on being kept
            what = f"{type(error).__name__}: {error}"
        self.rest.waiting()
        if not self.rest.stopped():
            self._done(what)

    def _done(self, what: str) -> None:
        now = self._clock()
        with self._lock:
            self._last = self._timer.now()
            self._attempts = self._attempts + 1 if what else 0
            if what:
                self._due = self._last + doubled(30.0, self._attempts, 900.0, self._chance)
        if not what:
            if self._told:
                self._log.event(_("Reading and indexing work again."))
            self._told = ""
            self.state = WriterState(last_good=now)
            return
        if what != self._told:
            self._log.trouble(
                _("Reading, indexing or signing failed: {what}").format(what=what)
                + " "
                + _("What was kept is kept; it is tried again.")
            )
        self._told = what
        self.state = WriterState(
            last_good=self.state.last_good,
            failing_since=self.state.failing_since or now,
            what=what,
        )
