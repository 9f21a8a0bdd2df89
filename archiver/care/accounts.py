"""Add, change and remove accounts in ``archive.toml`` on behalf of a person."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from gettext import gettext as _
from typing import cast

from archiver.accounts import RECHECK_BYTES, Account, Keep, Security, read_volume
from archiver.care.login_ways import NO_LOGIN_WISH, LoginWish
from archiver.care.settings_edit import with_changed_account, without_account
from archiver.care.working_copies import SETTINGS, read, save
from archiver.config import find_account, parse_settings, with_account
from archiver.errors import UsageError
from archiver.evidence.store import Evidence

_PORTS = {"tls": 993, "starttls": 143, "plain": 143}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person says about an account; None: nothing is said of it."""

    host: str | None = None
    port: int | None = None
    user: str | None = None
    security: str | None = None
    login: LoginWish = NO_LOGIN_WISH
    mailbox: str | None = None
    """Empty: USER's own."""
    others: bool | None = None
    daily_bytes: str | None = None
    """A volume such as ``2 GB``; empty: no limit."""
    recheck_bytes: str | None = None
    """A volume; empty: the usual one."""
    full_scan_days: int | None = None
    poll_minutes: int | None = None
    keep: str | None = None
    folders: tuple[str, ...] = ()
    """Empty: nothing is said; one empty name: all but drafts, outbox and templates."""
    addresses: tuple[str, ...] = ()
    """Empty: nothing is said; one empty address: none."""
    authserv: tuple[str, ...] = ()
    """As ADDRESSES: the provider's names in Authentication-Results (RFC 8601)."""

    def apply(self, account: Account) -> Account:
        """Return ACCOUNT as it is wished; another security brings its usual port."""
        security = self.security or account.security
        usual = account.port if security == account.security else _PORTS[security]
        return replace(
            self.login.apply(account),
            host=account.host if self.host is None else self.host,
            port=usual if self.port is None else self.port,
            user=account.user if self.user is None else self.user,
            security=cast("Security", security),
            keep=cast("Keep", self.keep or account.keep),
            mailbox=_said(self.mailbox, account.mailbox),
            others=account.others if self.others is None else self.others,
            daily_bytes=_daily(self.daily_bytes, account.daily_bytes),
            recheck_bytes=_recheck(self.recheck_bytes, account.recheck_bytes),
            full_scan_days=_number(self.full_scan_days, account.full_scan_days),
            poll_minutes=_number(self.poll_minutes, account.poll_minutes),
            folders=tuple(filter(None, self.folders)) if self.folders else account.folders,
            addresses=tuple(filter(None, self.addresses)) if self.addresses else account.addresses,
            authserv=tuple(filter(None, self.authserv)) if self.authserv else account.authserv,
        )


def add_account(evidence: Evidence, name: str, wish: Wish, *, actor: str) -> Account:
    """Write an account into ``archive.toml`` and journal it.

    Raises UsageError for a name that is taken or values that the file would refuse; LockedError
    when another process is changing working copies.
    """
    security = cast("Security", wish.security or "tls")
    blank = Account(
        name=name, host="", port=_PORTS[security], user="", security=security, keep="everything"
    )
    account = wish.apply(blank)
    _change(evidence, lambda text: with_account(text, account), actor=actor)
    return account


def edit_account(evidence: Evidence, name: str, wish: Wish, *, actor: str) -> bool:
    """Change the account NAME in ``archive.toml``; tell whether anything changed.

    Raises UsageError when there is none, and else as ``add_account`` does.
    """

    def changed(text: str) -> str:
        account = find_account(parse_settings(text), name)
        wanted = wish.apply(account)
        return text if wanted == account else with_changed_account(text, wanted)

    return _change(evidence, changed, actor=actor)


def remove_account(evidence: Evidence, name: str, *, actor: str) -> None:
    """Take the account NAME out of ``archive.toml``; its records and the journal stay.

    Raises UsageError when there is none.
    """
    _change(evidence, lambda text: without_account(text, name), actor=actor)


def only_engagements(name: str) -> str:
    """Say what it means that the account NAME keeps only the mail of engagements."""
    return _(
        "{name} keeps only the mail of engagements: of every message the header fields are read, "
        "and the rest only of those that a rule or a thread ties to an engagement. What is left "
        "is recorded by its number (UID) and the kind of rule, without content. So the archive "
        "holds less of what is not the client's; but mail that no rule covers is not there, and "
        "neither a search nor a dossier can say that something was never written. "
        "`archiver coverage --live` shows what was nearly kept; when rules change, the next sync "
        "looks again at what is still on the server."
    ).format(name=name)


def _change(evidence: Evidence, change: Callable[[str], str], *, actor: str) -> bool:
    """Read, change and write the settings, so that no other process does so in between."""
    with evidence.config_lock():
        before = read(evidence, SETTINGS)
        after = change(before)
        if after != before:
            save(evidence, SETTINGS, after, actor=actor)
    return after != before


def _said(wish: str | None, before: str | None) -> str | None:
    return before if wish is None else wish or None


def _number(wish: int | None, before: int) -> int:
    return before if wish is None else wish


def _daily(wish: str | None, before: int | None) -> int | None:
    if wish is None:
        return before
    found = _volume(wish) if wish else None
    if found == 0:
        raise UsageError(
            _("With a daily limit of 0 nothing would ever be fetched."),
            advice=_("Give a volume such as 2 GB; an empty one takes the limit away."),
        )
    return found


def _recheck(wish: str | None, before: int) -> int:
    if wish is None:
        return before
    return _volume(wish) if wish else RECHECK_BYTES


def _volume(text: str) -> int:
    found = read_volume(text)
    if found is None:
        raise UsageError(
            _("{text!r} is not a volume.").format(text=text),
            advice=_("Write for example 500 MB or 2 GB (units of 1000)."),
        )
    return found
