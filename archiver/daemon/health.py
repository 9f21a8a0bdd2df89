"""How the daemon and its accounts fare, for monitoring: one line, as Nagios and its kin read it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import IntEnum
from gettext import gettext as _
from gettext import ngettext
from typing import Final
from zoneinfo import ZoneInfo

from archiver.accounts import Account
from archiver.config import Settings
from archiver.daemon.state import AccountState, DaemonState
from archiver.errors import AuthenticationError, ConfigurationError

SILENT: Final = timedelta(minutes=5)
"""How old the state of a daemon that runs may be: it is written every minute."""
TRANSIENT: Final = timedelta(hours=1)
"""Trouble that is shorter than this is no news."""

Syncs = Mapping[str, tuple[datetime | None, datetime | None]]
"""When each account was last tried, and last synchronised well."""


class Level(IntEnum):
    """Nagios's codes (Monitoring Plugins Development Guidelines)."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountHealth:
    """How one account fares."""

    name: str
    level: Level
    good: datetime | None
    """The last good sync, by the daemon or by hand."""
    good_since: datetime | None
    """Since when every sync of the daemon was good."""
    doing: str
    """What its thread does; ``unwatched`` where there is none."""
    what: str
    """What is wrong; empty where nothing is."""
    advice: str = ""
    next_try: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How everything fares."""

    level: Level
    daemon: str
    """What is wrong with the daemon itself; empty where nothing is."""
    running: bool
    state: DaemonState | None
    accounts: tuple[AccountHealth, ...]


def judge(
    state: DaemonState | None,
    settings: Settings,
    syncs: Syncs,
    now: datetime,
    *,
    running: bool,
    broken: Sequence[str] = (),
) -> Health:
    """Judge what the daemon last said, RUNNING or not, and what the archive knows itself.

    BROKEN says which working copies cannot be understood, so that SETTINGS, or an engagement, are
    those of before.
    """
    now = now.astimezone(ZoneInfo(settings.time_zone))  # the zone in which all times are told
    level, daemon = _judge_daemon(state, now, running=running)
    if broken:
        level = max(level, Level.WARNING)
        daemon = "; ".join(filter(None, (daemon, *broken)))
    watched = {each.name: each for each in state.accounts} if state and running else {}
    accounts = tuple(
        _judge_account(account, watched.get(account.name), syncs, settings, now, running=running)
        for account in settings.accounts
    )
    if not accounts and level is Level.OK:
        level, daemon = Level.WARNING, _("no account is configured")
    return Health(
        level=max((level, *(each.level for each in accounts))),
        daemon=daemon,
        running=running,
        state=state,
        accounts=accounts,
    )


def _judge_daemon(state: DaemonState | None, now: datetime, *, running: bool) -> tuple[Level, str]:
    if state is None:
        what = _("the daemon says nothing yet") if running else _("the daemon was never started")
        return (Level.WARNING if running else Level.CRITICAL), what
    seen = _shown(state.written, now.tzinfo)
    if not running and state.ended:
        return Level.CRITICAL, _("the daemon was stopped at {moment}").format(moment=seen)
    if not running:
        return Level.CRITICAL, _("the daemon died; last seen at {moment}").format(moment=seen)
    if now - state.written > SILENT:
        return Level.CRITICAL, _("the daemon is stuck since {moment}").format(moment=seen)
    failing = state.writer.failing_since
    if failing is not None and now - failing >= TRANSIENT:
        return Level.WARNING, _("indexing or signing fails since {moment}: {what}").format(
            moment=_shown(failing, now.tzinfo), what=state.writer.what
        )
    return Level.OK, ""


def _judge_account(
    account: Account,
    state: AccountState | None,
    syncs: Syncs,
    settings: Settings,
    now: datetime,
    *,
    running: bool,
) -> AccountHealth:
    known = syncs.get(account.name, (None, None))[1]
    times = [moment for moment in (known, state.last_good if state else None) if moment]
    good = max(times, default=None)
    level, what = _trouble(state, good, settings, now, running=running)
    return AccountHealth(
        name=account.name,
        level=level,
        good=good,
        good_since=state.good_since if state else None,
        doing=state.doing if state else "unwatched",
        what=what,
        advice=state.advice if state and state.failing_since else "",
        next_try=state.next_try if state else None,
    )


def _trouble(
    state: AccountState | None,
    good: datetime | None,
    settings: Settings,
    now: datetime,
    *,
    running: bool,
) -> tuple[Level, str]:
    stale = good is not None and now - good > timedelta(days=settings.stale_after)
    if state is not None and state.failing_since is not None:
        return _failing(
            state, now, stale=stale or (good is None and _is_long(state, settings, now))
        )
    if stale and (state is None or state.doing != "syncing"):
        return Level.CRITICAL, _("no good sync for {n} days").format(n=settings.stale_after)
    if state is None and running:
        return Level.WARNING, _("the running daemon does not watch it: reload it")
    if state is not None and state.problems:
        return Level.WARNING, ngettext(
            "{n} message or folder could not be fetched",
            "{n} messages or folders could not be fetched",
            state.problems,
        ).format(n=state.problems)
    return Level.OK, ""


def _is_long(state: AccountState, settings: Settings, now: datetime) -> bool:
    since = state.failing_since
    return since is not None and now - since > timedelta(days=settings.stale_after)


def _failing(state: AccountState, now: datetime, *, stale: bool) -> tuple[Level, str]:
    assert state.failing_since is not None  # noqa: S101  the caller asks for such only
    what = _("fails since {moment}: {what}").format(
        moment=_shown(state.failing_since, now.tzinfo), what=state.what
    )
    person = state.exit_code in (AuthenticationError.exit_code, ConfigurationError.exit_code)
    if person or stale:
        return Level.CRITICAL, what
    return (Level.WARNING if now - state.failing_since >= TRANSIENT else Level.OK), what


def line(health: Health, zone: tzinfo) -> str:
    """Return the one line for monitoring; the words before the colon are never translated."""
    parts = [health.daemon] if health.daemon else []
    ranked = sorted(health.accounts, key=lambda each: -each.level)
    parts += [_of_account(each, zone) for each in ranked]
    said = "; ".join(parts)
    # What follows a bar is taken for figures.
    return f"{health.level.name}: {said}".replace("|", "/")


def details(health: Health, zone: tzinfo) -> Iterator[str]:
    """Return all that is known, as lines for people."""
    state = health.state
    if health.running and state is not None:
        yield _("The daemon runs since {moment} (process {pid}).").format(
            moment=_shown(state.started, zone), pid=state.pid
        )
    elif not health.running:
        yield _("The daemon does not run.")
    if health.daemon:
        yield _("Attention: {what}.").format(what=health.daemon)
    for each in health.accounts:
        yield _of_account(each, zone)
        yield "  " + _doing(each)
        if each.next_try is not None:
            yield "  " + _("next try at {moment}").format(moment=_shown(each.next_try, zone))
        if each.advice:
            yield f"  → {each.advice}"


def _doing(each: AccountHealth) -> str:
    words = {
        "starting": _("is about to begin"),
        "syncing": _("is being synchronised"),
        "notified": _("the server tells of new mail"),
        "polling": _("is looked at every few minutes"),
        "waiting": _("waits"),
        "stopped": _("is stopped"),
        "unwatched": _("is not watched"),
    }
    return words.get(each.doing, each.doing)


def _of_account(each: AccountHealth, zone: tzinfo) -> str:
    if each.level is Level.OK and not each.what:
        if each.good is None:
            return _("{name}: no sync is complete yet").format(name=each.name)
        if each.good_since is None:
            return _("{name}: last good sync {moment}").format(
                name=each.name, moment=_shown(each.good, zone)
            )
        return _("{name}: good since {since}, last sync {moment}").format(
            name=each.name, since=_shown(each.good_since, zone), moment=_shown(each.good, zone)
        )
    last = _shown(each.good, zone) if each.good else _("never")
    return _("{name}: {what} (last good sync: {moment})").format(
        name=each.name, what=each.what.rstrip("."), moment=last
    )


def health_json(health: Health) -> Mapping[str, object]:
    """Return HEALTH as the command contract has it."""
    state = health.state
    return {
        "schema": 1,
        "level": health.level.name,
        "running": health.running,
        "pid": state.pid if state and health.running else None,
        "started": _iso(state.started) if state else None,
        "written": _iso(state.written) if state else None,
        "daemon": health.daemon,
        "writer": {
            "last_good": _iso(state.writer.last_good) if state else None,
            "failing_since": _iso(state.writer.failing_since) if state else None,
            "what": state.writer.what if state else "",
        },
        "accounts": [_account_json(each) for each in health.accounts],
    }


def _account_json(each: AccountHealth) -> Mapping[str, object]:
    return {
        "name": each.name,
        "level": each.level.name,
        "doing": each.doing,
        "last_good_sync": _iso(each.good),
        "good_since": _iso(each.good_since),
        "what": each.what,
        "advice": each.advice,
        "next_try": _iso(each.next_try),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _shown(moment: datetime, zone: tzinfo | None) -> str:
    return moment.astimezone(zone).isoformat(sep=" ", timespec="minutes")
