"""``archive.toml``: accounts and options. Secrets are never in it."""

import contextlib
import re
from dataclasses import dataclass
from gettext import gettext as _
from typing import Final

from archiver.accounts import NO_NEVER, Account, Never, account_table, read_accounts, read_never
from archiver.authorities import Authority, authority_table, read_authorities
from archiver.errors import ConfigurationError, UsageError
from archiver.secrecy import NO_SECRECY, Secrecy, read_secrecy
from archiver.tables import (
    SCHEMA,
    Table,
    append_tables,
    comment,
    open_table,
    quoted,
    raise_problems,
)

_LANGUAGES: Final = ("en", "fr")
_LAST_PORT: Final = 65535
STALE_AFTER: Final = 3
"""Days."""
_DNS_SERVER: Final = re.compile(
    r"(?:\[(?P<six>[^\]]+)\]|(?P<address>[^:\[\]]+|[^.\[\]]+))(?::(?P<port>\d{1,5}))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What ``archive.toml`` says."""

    time_zone: str
    """IANA name: days are days in it."""
    language: str
    """``fr`` or ``en``: the language of what is written into the archive and its dossiers."""
    accounts: tuple[Account, ...] = ()
    authorities: tuple[Authority, ...] = ()
    """Time-stamp authorities, each of which is asked."""
    withheld: Secrecy = NO_SECRECY
    """What no dossier shows unless a person lets it out."""
    dns: str = "system"
    """Who is asked for DKIM keys: ``system``, ``off``, or a server's address."""
    never: Never = NO_NEVER
    """What is never fetched, whatever else says that it should be."""
    on_failure: str | None = None
    """A command that is run when a sync fails."""
    stale_after: int = STALE_AFTER
    """Days without a good sync after which every interactive command says so."""

    @property
    def own(self) -> frozenset[str]:
        """Our own addresses in all accounts, folded for comparing."""
        return frozenset().union(*(account.own for account in self.accounts))


def parse_settings(text: str, *, name: str = "archive.toml") -> Settings:
    """Read ``archive.toml``; raise ConfigurationError telling all errors at once."""
    table = open_table(text, name=name)
    settings = _settings(table)
    raise_problems(table.problems, name=name)
    return settings


def new_settings(*, time_zone: str, language: str) -> str:
    """Write the ``archive.toml`` of a new archive, with short comments.

    Raises UsageError when the time zone or the language is not known.
    """
    options = quoted(_LANGUAGES)
    problem = _time_zone_problem(time_zone)
    if problem is None and language not in _LANGUAGES:
        problem = _("{text!r} is not one of {options}").format(text=language, options=options)
    if problem:
        raise UsageError(
            _("The archive cannot be set up so: {problem}.").format(problem=problem),
            advice=_('Give a time zone such as "Europe/Paris", and one of {options}.').format(
                options=options
            ),
        )
    return "\n".join(
        (
            comment(_("Settings of this archive. Passwords never stand here.")),
            f"schema = {SCHEMA}",
            "",
            comment(_("Days are days in this time zone.")),
            f'time_zone = "{time_zone}"',
            "",
            comment(_('Language of what the archive writes: "en" or "fr".')),
            f'language = "{language}"',
            "",
            comment(_("Accounts follow; archiver account add writes them.")),
            "",
            comment(
                _(
                    "So do time-stamp authorities, which prove to others since when the archive "
                    "holds what it holds; archiver authority add writes them, for example:"
                )
            ),
            "# [authority.example]",
            '# url = "http://tsa.example.org/"',
            '# root = """-----BEGIN CERTIFICATE----- ... -----END CERTIFICATE-----"""',
            "",
            comment(
                _(
                    "What is never fetched, whatever else says that it should be: addresses or "
                    "@domains, folders with those below them, words that mark a subject as "
                    "private. For example:"
                )
            ),
            "# [never]",
            '# addresses = ["family@home.example", "@doctor.example"]',
            '# folders = ["Private", "work/Personal"]',
            '# subjects = ["personnel", "privé", "private"]',
            "",
        )
    )


def with_account(text: str, account: Account) -> str:
    """Return the settings TEXT with ACCOUNT added at its end; nothing else changes.

    Raises UsageError when the name is taken or the account is not valid, ConfigurationError when
    TEXT was not valid before.
    """
    before = parse_settings(text)
    if any(known.name == account.name for known in before.accounts):
        raise UsageError(
            _("There is already an account named {name}.").format(name=account.name),
            advice=_(
                "Choose another name, or change that one with `archiver account edit {name}`."
            ).format(name=account.name),
        )
    result = append_tables(text, {"account": {account.name: account_table(account)}})
    return approved(result, _("This account cannot be added:"))


def with_authority(text: str, authority: Authority) -> str:
    """Return the settings TEXT with AUTHORITY added at its end; nothing else changes.

    Whether the result is good is for the caller to ask (``problems_of``). Raises UsageError when
    the name is taken, ConfigurationError when TEXT was not valid before.
    """
    before = parse_settings(text)
    if any(known.name == authority.name for known in before.authorities):
        raise UsageError(
            _("There is already a time-stamp authority named {name}.").format(name=authority.name),
            advice=_(
                "Choose another name, or remove that one first: `archiver authority remove {name}`."
            ).format(name=authority.name),
        )
    return append_tables(text, {"authority": {authority.name: authority_table(authority)}})


def find_authority(settings: Settings, name: str) -> Authority:
    """Return the authority called NAME; raise UsageError naming those there are."""
    for authority in settings.authorities:
        if authority.name == name:
            return authority
    names = ", ".join(authority.name for authority in settings.authorities) or _("none")
    raise UsageError(
        _("There is no time-stamp authority called {name}.").format(name=name),
        advice=_("Authorities: {names}.").format(names=names),
    )


def find_account(settings: Settings, name: str) -> Account:
    """Return the account called NAME; raise UsageError naming those there are."""
    for account in settings.accounts:
        if account.name == name:
            return account
    names = ", ".join(account.name for account in settings.accounts) or _("none")
    raise UsageError(
        _("There is no account called {name}.").format(name=name),
        advice=_("Accounts: {names}.").format(names=names),
    )


def approved(text: str, refusal: str) -> str:
    """Return TEXT when it is good; else tell the user of the command why not."""
    if problems := problems_of(text):
        raise UsageError(
            "\n  ".join((refusal, *problems)),
            advice=_("Correct these values, then run the command again. Nothing was written."),
        )
    return text


def problems_of(text: str) -> list[str]:
    """Return what is wrong with the settings TEXT, which a command made from a good one."""
    try:
        table = open_table(text, name="archive.toml")
    except ConfigurationError:  # it was valid before: account = {...} takes no further tables
        return [_("archive.toml keeps accounts within braces; write them as [account.NAME]")]
    _settings(table)
    return table.problems


def _settings(table: Table) -> Settings:
    time_zone = table.text(
        "time_zone",
        missing=_('is missing; write for example "Europe/Paris"'),
        check=_time_zone_problem,
    )
    language = table.choice("language", _LANGUAGES, missing=_('is missing; write "en" or "fr"'))
    settings = Settings(
        time_zone=time_zone,
        language=language,
        accounts=read_accounts(table.table("account")),
        authorities=read_authorities(table.table("authority")),
        withheld=read_secrecy(table.table("withheld")),
        dns=_dns(table.table("origin")),
        never=read_never(table.table("never")),
        on_failure=table.text("on_failure") or None,
        stale_after=table.integer("stale_after_days", first=1, last=365)
        if "stale_after_days" in table
        else STALE_AFTER,
    )
    table.close()
    return settings


def _dns(table: Table) -> str:
    """Read ``[origin]``."""
    dns = table.text("dns", check=_dns_problem) or "system"
    table.close()
    return dns


def _dns_problem(text: str) -> str | None:
    if text in {"system", "off"}:
        return None
    import ipaddress  # only some settings need it

    match = _DNS_SERVER.fullmatch(text)
    with contextlib.suppress(ValueError):
        if match and int(match["port"] or 1) <= _LAST_PORT:
            ipaddress.ip_address(match["six"] or match["address"])
            return None
    return _(
        '{text!r} is not the address of a DNS server; write "system", "off", or for example '
        '"9.9.9.9", "192.0.2.1:5353" or "[2620:fe::fe]:53"'
    ).format(text=text)


def _time_zone_problem(name: str) -> str | None:
    """Say that there is no time zone NAME, with the nearest one that exists."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # slow to import

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = _near_zone(name)
        if near:
            return _("there is no time zone {name!r}; did you mean {near}?").format(
                name=name, near=near
            )
        return _("there is no time zone {name!r}; write for example Europe/Paris").format(name=name)
    return None


def _near_zone(name: str) -> str:
    from difflib import get_close_matches  # only a misspelt name needs it
    from zoneinfo import available_timezones  # reads the disk

    wanted = name.lower()
    zones = {zone.lower(): zone for zone in sorted(available_timezones())}
    cities = {zone.rpartition("/")[2].lower(): zone for zone in sorted(available_timezones())}
    if wanted in cities:
        return cities[wanted]
    near = get_close_matches(wanted, zones, n=1, cutoff=0.7)
    return zones[near[0]] if near else ""
