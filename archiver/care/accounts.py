"""Add, change and remove accounts in ``archive.toml`` on behalf of a person."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from gettext import gettext as _
from typing import cast

from archiver.accounts import Account, Keep, Security
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
    password_command: str | None = None
    """Empty: there is none."""
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
            account,
            host=account.host if self.host is None else self.host,
            port=usual if self.port is None else self.port,
            user=account.user if self.user is None else self.user,
            security=cast("Security", security),
            keep=cast("Keep", self.keep or account.keep),
            password_command=_said(self.password_command, account.password_command),
            folders=tuple(filter(None, self.folders)) if self.folders else account.folders,
            addresses=tuple(filter(None, self.addresses)) if self.addresses else account.addresses,
            authserv=tuple(filter(None, self.authserv)) if self.authserv else account.authserv,
        )


def add_account(evidence: Evidence, name: str, wish: Wish, *, actor: str) -> Account:
    """Write an account into ``archive.toml`` and journal it.

    Raises UsageError for a name that is taken, values that the file would refuse, or a kind of
    keeping that is not built; LockedError when another process is changing working copies.
    """
    security = cast("Security", wish.security or "tls")
    blank = Account(
        name=name, host="", port=_PORTS[security], user="", security=security, keep="everything"
    )
    account = _accepted(wish).apply(blank)
    _change(evidence, lambda text: with_account(text, account), actor=actor)
    return account


def edit_account(evidence: Evidence, name: str, wish: Wish, *, actor: str) -> bool:
    """Change the account NAME in ``archive.toml``; tell whether anything changed.

    Raises UsageError when there is none, and else as ``add_account`` does.
    """
    _accepted(wish)

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


def _change(evidence: Evidence, change: Callable[[str], str], *, actor: str) -> bool:
    """Read, change and write the settings, so that no other process does so in between."""
    with evidence.config_lock():
        before = read(evidence, SETTINGS)
        after = change(before)
        if after != before:
            save(evidence, SETTINGS, after, actor=actor)
    return after != before


def _accepted(wish: Wish) -> Wish:
    if wish.keep == "engagements":
        raise UsageError(
            _("--keep engagements is not built yet: this version keeps whole folders."),
            advice=_("Give --keep everything, with --folder to fetch only the folders you choose."),
        )
    return wish


def _said(wish: str | None, before: str | None) -> str | None:
    return before if wish is None else wish or None
