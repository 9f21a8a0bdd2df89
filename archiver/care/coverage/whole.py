"""Put together what the journal, the settings and the catalogue say of what was looked at."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from gettext import gettext as _

from archiver.accounts import Account
from archiver.care.coverage.findings import of_accounts, of_sides
from archiver.care.coverage.one_sided import one_sided, ours
from archiver.care.coverage.state import AccountState
from archiver.catalogue.catalogue import Catalogue
from archiver.config import Settings
from archiver.engagements.engagement import Engagement, Period
from archiver.errors import UsageError
from archiver.evidence.coverage import fold
from archiver.evidence.imports import imported
from archiver.evidence.reader import Reader
from archiver.model.coverage import AccountCoverage, Imported, OneSided, Outage
from archiver.model.findings import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What was looked at, what was kept, what was not, and why."""

    now: datetime
    engagement: str
    """The engagement to which this is restricted; empty: the whole archive."""
    period: Period
    accounts: tuple[AccountState, ...]
    imports: tuple[Imported, ...]
    one_sided: OneSided
    findings: tuple[Finding, ...]


def coverage(
    evidence: Reader,
    catalogue: Catalogue,
    settings: Settings,
    *,
    now: datetime,
    zone: tzinfo,
    engagement: Engagement | None = None,
    account: str | None = None,
) -> Coverage:
    """Tell the coverage of the archive, or what of it bears on ENGAGEMENT, or on one ACCOUNT.

    ENGAGEMENT leaves out folders that hold none of its records, and outages outside its period;
    what is told of a folder is told whole. Days are days in ZONE.
    """
    slug = engagement.slug if engagement else None
    period = engagement.period if engagement else Period()
    own = ours(settings, engagement)
    known = {each.account: each for each in fold(evidence)}
    named = {each.name: each for each in settings.accounts}
    names = [name for name in dict.fromkeys((*named, *known)) if account in {None, name}]
    if account and not names:
        raise _no_account(account, (*named, *known))
    records: dict[str, dict[str, int]] = {}
    for each in catalogue.folders(own=own, engagement=slug):
        records.setdefault(each.account, {})[each.folder] = each.records
    states = tuple(
        _restricted(
            _state(evidence, name, named.get(name), known.get(name), records.get(name, {})),
            period,
            zone,
            folders=slug is not None,
        )
        for name in names
    )
    both = one_sided(catalogue, own=own, accounts=() if slug else names, engagement=slug)
    if account:  # an answer may have come in by any account
        only = tuple(each for each in both.sides if each.account == account)
        both = OneSided(sides=only, lacking=0, shown=())
    return Coverage(
        now=now,
        engagement=slug or "",
        period=period,
        accounts=states,
        imports=()
        if account
        else imported(evidence, among=catalogue.tagged(slug) if slug else None),
        one_sided=both,
        findings=(*of_accounts(states, settings.stale_after, now, zone), *of_sides(both, states)),
    )


def _no_account(name: str, known: Iterable[str]) -> UsageError:
    return UsageError(
        _("There is no account called {name}, and there never was one.").format(name=name),
        advice=_("Accounts: {names}.").format(names=", ".join(dict.fromkeys(known)) or _("none")),
    )


def _state(
    evidence: Reader,
    name: str,
    settings: Account | None,
    journal: AccountCoverage | None,
    records: Mapping[str, int],
) -> AccountState:
    attempt, good = evidence.last_syncs().get(name, (None, None))
    attempts, reason = evidence.trouble_of(name)
    return AccountState(
        name=name,
        settings=settings,
        journal=journal
        or AccountCoverage(account=name, first=None, last=None, epochs=(), outages=()),
        attempt=attempt,
        good=good,
        attempts=attempts,
        reason=reason,
        records=records,
    )


def _restricted(
    state: AccountState, period: Period, zone: tzinfo, *, folders: bool
) -> AccountState:
    """Leave out what does not bear on an engagement."""
    journal = state.journal
    epochs = journal.epochs
    if folders:
        epochs = tuple(each for each in epochs if state.records.get(each.folder))
    outages = tuple(each for each in journal.outages if _touches(each, period, zone))
    return replace(
        state,
        journal=replace(journal, epochs=epochs, outages=outages),
        others=len(journal.epochs) - len(epochs),
    )


def _touches(outage: Outage, period: Period, zone: tzinfo) -> bool:
    first = _midnight(period.after, zone) if period.after else None
    end = _midnight(period.before + timedelta(days=1), zone) if period.before else None
    begins_after = outage.since is not None and end is not None and outage.since >= end
    ends_before = outage.until is not None and first is not None and outage.until < first
    return not begins_after and not ends_before


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), zone)
