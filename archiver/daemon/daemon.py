"""The daemon's main thread: begins and ends the others, takes signals, tells how all fares."""

import os
import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from gettext import gettext as _
from gettext import ngettext
from pathlib import Path
from typing import Final, Protocol

from archiver import SOFTWARE
from archiver.accounts import Account
from archiver.config import Settings
from archiver.daemon import state as state_file
from archiver.daemon.crew import Crew
from archiver.daemon.delays import Chance
from archiver.daemon.log import Log
from archiver.daemon.notify import Notifier
from archiver.daemon.rest import Timer
from archiver.daemon.signals import Signals, Wish
from archiver.daemon.state import DaemonState
from archiver.daemon.watcher import Office, Watcher
from archiver.daemon.writer import Writer
from archiver.errors import ArchiverError

TICK: Final = 5.0
"""Seconds between two looks at everything."""
_WRITTEN: Final = 60.0
"""Seconds after which the state is written even when nothing changed."""
_GRACE: Final = 1.0
"""Seconds that the threads get to end by themselves before their connections are broken."""
_END: Final = 4.0
"""Seconds after which the process ends whatever its threads do: everything survives that."""


class House(Office, Protocol):
    """The archive, as the daemon needs it."""

    root: Path

    def settings(self) -> Settings:
        """Return the settings as they are now; raises ArchiverError."""

    def fingerprint(self) -> tuple[object, object]:
        """Return what changes when the settings, or an engagement's file, are changed."""

    def write_up(self, stop: Callable[[], bool]) -> str:
        """Read, tag, index and sign what was kept; return what went wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Time, chance and whom to tell."""

    log: Log
    notifier: Notifier
    timer: Timer
    clock: Callable[[], datetime]
    chance: Chance
    leave: Callable[[int], object] = os._exit
    """Ends the process at once."""


class Daemon:
    """Everything that runs, for one archive."""

    def __init__(self, house: House, world: World, signals: Signals) -> None:
        """Nothing is begun yet."""
        self._house = house
        self._world = world
        self._signals = signals
        self._log = world.log
        self._timer = world.timer
        self._writer = Writer(
            house.write_up,
            log=world.log,
            timer=world.timer,
            clock=world.clock,
            chance=world.chance,
        )
        self._crew = Crew(self._watcher, log=world.log, timer=world.timer)
        self._started = world.clock()
        self._looked = house.fingerprint()
        self._written: tuple[float, object] | None = None
        self._pinged = 0.0
        self._untold = True

    def _watcher(self, account: Account) -> Watcher:
        world = self._world
        return Watcher(
            account,
            self._house,
            log=world.log,
            timer=world.timer,
            clock=world.clock,
            chance=world.chance,
            brought=self._writer.brought,
            changed=self._signals.wake,
        )

    def run(self) -> int:
        """Run until a signal says to stop; return the exit code. Raises ArchiverError at once."""
        settings = self._house.settings()
        self._log.event(_("The daemon of {root} begins.").format(root=self._house.root))
        self._writer.start()
        self._want(settings)
        self._world.notifier.ready()
        self._look()
        while "stop" not in (wishes := self._signals.wait(self._tick)):
            self._follow(wishes)
            self._crew.tend()
            self._look()
        return self._stop()

    @property
    def _tick(self) -> float:
        watchdog = self._world.notifier.watchdog
        return TICK if watchdog is None else min(TICK, watchdog / 8)

    # --- what is asked of it ---------------------------------------------------------------------

    def _follow(self, wishes: tuple[Wish, ...]) -> None:
        looked = self._house.fingerprint()
        settings_before, engagements_before = self._looked
        settings_now, engagements_now = looked
        self._looked = looked
        if "reload" in wishes:
            self._world.notifier.reloading()
            self._log.event(_("Everything is read again, as a signal asked for."))
            self._reload()
            self._crew.nudge()
            self._writer.brought(True)
            self._world.notifier.ready()
        elif settings_now != settings_before:
            self._log.event(_("The settings have changed and are read again."))
            self._reload()
            self._crew.nudge()
        if engagements_now != engagements_before:
            self._crew.nudge(lambda account: account.keep == "engagements")
            self._writer.brought(True)

    def _reload(self) -> None:
        try:
            settings = self._house.settings()
        except ArchiverError as error:
            self._log.trouble(f"{error.what} {error.advice}")
            return
        self._want(settings)

    def _want(self, settings: Settings) -> None:
        if not settings.accounts:
            self._log.trouble(
                _("There is no account to watch. Add one with `archiver account add`.")
            )
        self._crew.want(settings.accounts)

    # --- how it fares ----------------------------------------------------------------------------

    def _look(self) -> None:
        """Write and tell how everything fares, and show that it moves, if it does."""
        now = self._timer.now()
        states, writer = self._crew.states, self._writer.state
        seen = (states, writer)
        if self._written is None or self._written[1] != seen or now - self._written[0] >= _WRITTEN:
            self._written = (now, seen)
            self._write(ended=False)
            failing = sum(each.failing_since is not None for each in states)
            self._world.notifier.status(_summary(len(states), failing))
        moving = self._crew.moving and not self._writer.rest.stuck and self._writer.alive
        watchdog = self._world.notifier.watchdog
        if watchdog is not None and moving and now - self._pinged >= watchdog / 2 - self._tick:
            self._pinged = now
            self._world.notifier.alive()

    def _write(self, *, ended: bool) -> None:
        state = DaemonState(
            pid=os.getpid(),
            host=platform.node(),
            software=SOFTWARE,
            started=self._started,
            written=self._world.clock(),
            ended=ended,
            accounts=self._crew.states,
            writer=self._writer.state,
        )
        try:
            state_file.write(self._house.root, state)
        except OSError as error:
            if self._untold:
                self._untold = False
                self._log.trouble(
                    _("{path} cannot be written: {why}.").format(
                        path=state_file.path_of(self._house.root), why=error.strerror or error
                    )
                    + " "
                    + _("Mail is kept all the same; only monitoring does not know of it.")
                )
        else:
            self._untold = True

    # --- its end ---------------------------------------------------------------------------------

    def _stop(self) -> int:
        """End everything within five seconds, in the middle of a download too."""
        self._world.notifier.stopping()
        self._log.event(_("The daemon stops."))
        began = self._timer.now()
        self._writer.stop()
        self._crew.stop()
        while self._crew.running or self._writer.alive:
            passed = self._timer.now() - began
            if passed >= _END:
                break
            if passed >= _GRACE:
                self._crew.abort()
            self._signals.wait(0.1)
        late = self._crew.running
        self._write(ended=True)
        if late or self._writer.alive:
            names = ", ".join(late) or _("indexing")
            self._log.event(
                _("{names}: did not end in time and is left; nothing is lost.").format(names=names)
            )
            self._world.leave(0)
        self._log.event(_("The daemon has stopped."))
        return 0


def _summary(accounts: int, failing: int) -> str:
    text = ngettext("{n} account", "{n} accounts", accounts).format(n=accounts)
    if failing:
        text += ", " + ngettext("{n} failing", "{n} failing", failing).format(n=failing)
    return text
