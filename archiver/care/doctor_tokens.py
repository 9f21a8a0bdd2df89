"""What could end the logins by OAuth2 of an archive's accounts, for ``doctor``."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from gettext import gettext as _
from typing import Final

from archiver.accounts import Account
from archiver.care.tokens import TokenPlace
from archiver.mailbox.oauth.providers import GOOGLE_TESTING_DAYS
from archiver.model.findings import Finding, finding

_ENDING: Final = timedelta(days=3)
"""So long before its end a login is told to be ending."""

_TESTING: Final = timedelta(days=GOOGLE_TESTING_DAYS)


def check_tokens(
    accounts: Sequence[Account], tokens: Sequence[TokenPlace], now: datetime, zone: tzinfo
) -> Iterator[Finding]:
    """Say where the login of each of ACCOUNTS is that has a place in TOKENS, and what it lacks.

    Moments are told in ZONE.
    """
    named = {account.name: account for account in accounts}
    for place in tokens:
        account = named[place.account]
        match place.where:
            case "nowhere":
                yield finding(
                    "token-missing",
                    "warning",
                    account.name,
                    _("Nobody has logged in to this account on this machine yet."),
                    _("Run `archiver account login {name}`.").format(name=account.name),
                )
            case "unreadable":
                yield finding(
                    "token-unreadable",
                    "warning",
                    place.path,
                    _("The login of the account {name} cannot be read.").format(name=account.name),
                    _(
                        "Unlock the keyring; or `archiver account logout {name}`, then login."
                    ).format(name=account.name),
                )
            case "keyring" | "file":
                yield from _token(account, place, now, zone)


def _token(account: Account, place: TokenPlace, now: datetime, zone: tzinfo) -> Iterator[Finding]:
    where = _("the keyring") if place.where == "keyring" else str(place.path)
    allowed = place.allowed or now
    yield finding(
        "token-place",
        "note",
        account.name,
        _(
            "The login of {name} is kept in {where}: allowed {days} days ago to the client id "
            "{id}, last used {used}."
        ).format(
            name=account.name,
            where=where,
            days=(now - allowed).days,
            id=place.client_id,
            used=(place.renewed or allowed).astimezone(zone).isoformat(timespec="minutes"),
        ),
        _("Nothing is to be done. A backup of the archive never contains it."),
    )
    if place.open_to_others:
        yield finding(
            "token-open",
            "warning",
            place.path,
            _("Other users of this machine may read the login of {name}.").format(
                name=account.name
            ),
            _("Run `archiver account logout {name}`, then `archiver account login {name}`.").format(
                name=account.name
            ),
        )
    if place.ends is not None and place.ends - now < _ENDING:
        yield finding(
            "token-ending",
            "warning",
            account.name,
            _("The provider ends the login of {name} on {when}.").format(
                name=account.name, when=place.ends.astimezone(zone).isoformat(timespec="minutes")
            ),
            _("Run `archiver account login {name}` before; {google}").format(
                name=account.name, google=_testing_advice()
            )
            if _at_google(account)
            else _("Run `archiver account login {name}` before.").format(name=account.name),
        )
    elif _at_google(account) and _may_be_in_testing(place):
        yield finding(
            "token-testing",
            "note",
            account.name,
            _(
                'If the client id of {name} is still "in testing" at Google, its login ends on '
                "{when}."
            ).format(
                name=account.name,
                when=(allowed + _TESTING).astimezone(zone).date(),
            ),
            _testing_advice(),
        )


def _at_google(account: Account) -> bool:
    return account.oauth is not None and account.oauth.provider == "google"


def _may_be_in_testing(place: TokenPlace) -> bool:
    """Tell whether it may end soon: one that was good after more than the seven days does not."""
    if place.allowed is None or place.renewed is None or place.ends is not None:
        return False
    return place.renewed - place.allowed <= _TESTING


def _testing_advice() -> str:
    return _(
        "publish it (Google Cloud console, Google Auth Platform, Audience: In production): "
        "whoever uses it alone needs no verification for that."
    )
