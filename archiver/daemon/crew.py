"""The watchers of all accounts: begun, changed and ended as the settings say."""

from collections.abc import Callable, Iterable
from gettext import gettext as _
from typing import Final

from archiver.accounts import Account
from archiver.daemon.log import Log, of_account
from archiver.daemon.rest import Timer
from archiver.daemon.state import AccountState
from archiver.daemon.watcher import Watcher

_GRACE: Final = 5.0
"""Seconds that a watcher gets to end by itself before its connection is broken."""


class Crew:
    """The watchers; used by the main thread only."""

    def __init__(self, make: Callable[[Account], Watcher], *, log: Log, timer: Timer) -> None:
        """Have each account watched by what MAKE returns for it."""
        self._make = make
        self._log = log
        self._timer = timer
        self._wanted: dict[str, Account] = {}
        self._watchers: dict[str, Watcher] = {}
        self._ending: list[tuple[Watcher, float]] = []
        self._stuck: set[str] = set()

    @property
    def states(self) -> tuple[AccountState, ...]:
        """How each account fares."""
        return tuple(each.state for _name, each in sorted(self._watchers.items()))

    @property
    def moving(self) -> bool:
        """Whether every thread showed a sign of life lately."""
        return not self._stuck

    def want(self, accounts: Iterable[Account]) -> None:
        """Watch ACCOUNTS, as they are now, and no others."""
        self._wanted = {account.name: account for account in accounts}
        for name, watcher in sorted(self._watchers.items()):
            account = self._wanted.get(name)
            if account != watcher.account:
                what = _("is not watched any more.") if account is None else _("was changed.")
                self._log.event(of_account(name, what))
                watcher.stop()
                self._ending.append((watcher, self._timer.now() + _GRACE))
                del self._watchers[name]
        self.tend()

    def nudge(self, which: Callable[[Account], bool] = lambda _account: True) -> None:
        """Have accounts synchronised now."""
        for watcher in self._watchers.values():
            if which(watcher.account):
                watcher.rest.nudge()

    def tend(self) -> None:
        """Begin what can begin, end what was told to, and look after those that are stuck."""
        now = self._timer.now()
        left: list[tuple[Watcher, float]] = []
        for watcher, until in self._ending:
            if watcher.alive:
                left.append((watcher, until))
                if now >= until:
                    watcher.line.abort()
        self._ending = left
        busy = {watcher.account.name for watcher, _until in left}
        for name, account in self._wanted.items():
            known = self._watchers.get(name)
            if name not in busy and (known is None or not known.alive):
                if known is not None:
                    self._log.trouble(of_account(name, _("its thread had ended; it is begun anew")))
                self._watchers[name] = watcher = self._make(account)
                watcher.start()
        self._free_stuck()

    def _free_stuck(self) -> None:
        """Break the connection of a watcher that does not move: its read ends, and it goes on."""
        stuck = {name for name, each in self._watchers.items() if each.rest.stuck}
        for name in stuck - self._stuck:
            self._log.trouble(of_account(name, _("does not move; its connection is broken off")))
            self._watchers[name].line.abort()
        self._stuck = stuck

    def stop(self) -> None:
        """Have all end as soon as they can."""
        self._wanted = {}
        for watcher in self._all():
            watcher.stop()

    def abort(self) -> None:
        """Break all connections."""
        for watcher in self._all():
            watcher.line.abort()

    @property
    def running(self) -> tuple[str, ...]:
        """The accounts whose threads have not ended."""
        return tuple(sorted(each.account.name for each in self._all() if each.alive))

    def _all(self) -> tuple[Watcher, ...]:
        return (*self._watchers.values(), *(watcher for watcher, _until in self._ending))
