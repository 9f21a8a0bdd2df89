"""Accounts without a good synchronisation for some days: every command says so.

It must cost nothing: one look at a small table, and only for an account without a good
synchronisation a second one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from gettext import gettext as _
from gettext import ngettext

from archiver.config import Settings
from archiver.evidence.reader import Reader
from archiver.model.digest import Position

_SETTINGS = "archive.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleAccount:
    """An account without a good synchronisation for longer than ``stale_after_days``."""

    name: str
    good: datetime | None
    """The last good one; None: there never was one."""
    attempt: datetime | None
    """When it was last tried; None: never."""
    attempts: int
    """How often it was tried in vain since; 0 where that is not known."""
    reason: str
    """Why the last attempt failed; empty where that is not known."""


def stale(evidence: Reader, settings: Settings, now: datetime) -> tuple[StaleAccount, ...]:
    """Return the accounts in SETTINGS that are stale NOW, in their order.

    An account that was never synchronised well counts from when ``archive.toml`` was last changed:
    nobody is told off for an account that was added today.
    """
    if not settings.accounts:
        return ()
    syncs = evidence.last_syncs()
    return tuple(
        StaleAccount(name=name, good=good, attempt=attempt, attempts=attempts, reason=reason)
        for name, good, attempt in _overdue(evidence, settings, syncs, now)
        for attempts, reason in [evidence.trouble_of(name)]
    )


def _overdue(
    evidence: Reader,
    settings: Settings,
    syncs: Mapping[str, tuple[datetime | None, datetime | None]],
    now: datetime,
) -> Iterator[tuple[str, datetime | None, datetime | None]]:
    patience = timedelta(days=settings.stale_after)
    configured: datetime | None = None
    for account in settings.accounts:
        attempt, good = syncs.get(account.name, (None, None))
        since = good
        if since is None:
            configured = since = configured or _configured(evidence)
        if now - since > patience:
            yield account.name, good, attempt


def _configured(evidence: Reader) -> datetime:
    """Return when ``archive.toml`` was last changed, as far as the journal knows."""
    newest = evidence.database.number(
        "SELECT coalesce(max(entry), 0) FROM config WHERE name = ?", _SETTINGS
    )
    return next(evidence.entries(Position(newest), Position(newest + 1))).at


def tell(each: StaleAccount, now: datetime, zone: tzinfo) -> str:
    """Say in one line since when, why, and what to run."""
    if each.good is None:
        what = _("Account {name} was never synchronised well.").format(name=each.name)
    else:
        days = (now - each.good).days
        what = ngettext(
            "Account {name}: no good sync since {when} ({n} day).",
            "Account {name}: no good sync since {when} ({n} days).",
            days,
        ).format(name=each.name, when=each.good.astimezone(zone).strftime("%Y-%m-%d"), n=days)
    if each.reason:
        what += " " + _("The last attempt failed: {reason}").format(reason=each.reason)
    run = _("Run `archiver sync --account {name}`.").format(name=each.name)
    return f"{what} {run}"
