"""Mail accounts as ``archive.toml`` names them (``[account.NAME]``), and what is never fetched."""

import contextlib
import re
from dataclasses import dataclass
from gettext import gettext as _
from typing import Final, Literal, cast

from archiver.tables import Table, address_problem, is_address

Security = Literal["tls", "starttls", "plain"]
Keep = Literal["everything", "engagements"]
Provider = Literal["google", "microsoft", "custom"]

_SECURITIES: Final = ("tls", "starttls", "plain")
_KEEPS: Final = ("everything", "engagements")
_PROVIDERS: Final = ("google", "microsoft", "custom")
_LAST_PORT: Final = 65535
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]*")
_HOST: Final = re.compile(r"[^\s/@]+")
_URL: Final = re.compile(r"https://[^\s/]+(/\S*)?|http://(?:127\.0\.0\.1|localhost|\[::1\])[:/]\S*")
_VOLUME: Final = re.compile(r"(\d{1,9})\s*(KB|MB|GB|TB)", re.IGNORECASE)
_UNITS: Final = {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_IPV6: Final = 6

FULL_SCAN_DAYS: Final = 7
RECHECK_BYTES: Final = 200 * 10**6
POLL_MINUTES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth:
    """Where tokens of an account come from (``[account.NAME.oauth]``; RFC 6749, RFC 8628)."""

    provider: Provider
    client_id: str
    """Whose application asks: the user's own registration, since none is built in."""
    client_secret_command: str | None = None
    """Prints the client's secret, where the provider gives installed programs one (Google)."""
    tenant: str = "common"
    """Microsoft's directory."""
    authorize_url: str = ""
    token_url: str = ""
    device_url: str = ""
    scope: str = ""
    """These four are needed for ``custom``, and override what is known of the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Never:
    """What is never fetched (``[never]``): these rules beat all others."""

    addresses: tuple[str, ...] = ()
    """Addresses, or domains written ``@example.org``, in any of From, To, Cc, Sender, Reply-To."""
    folders: tuple[str, ...] = ()
    """Folders, ``account/folder`` or ``folder``, with those below them."""
    subjects: tuple[str, ...] = ()
    """Words that mark a message as private, such as ``personnel``, at the start of a subject."""

    def __bool__(self) -> bool:
        return bool(self.addresses or self.folders or self.subjects)


NO_NEVER: Final = Never()


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An IMAP account (``[account.NAME]``)."""

    name: str
    host: str
    port: int
    user: str
    security: Security
    keep: Keep
    password_command: str | None = None
    """A command line whose first line of output is the password."""
    token_command: str | None = None
    """A command line whose first line of output is an OAuth2 access token."""
    oauth: OAuth | None = None
    """Tokens that the archiver asks for itself; None: a password, or ``token_command``."""
    mailbox: str | None = None
    """The mailbox to open where it is not USER's own: a shared one."""
    others: bool = False
    """Whether folders of other users and shared ones are fetched without being named."""
    folders: tuple[str, ...] = ()
    """Folders to fetch; none named means all but drafts, outbox and templates."""
    addresses: tuple[str, ...] = ()
    """Our own addresses and aliases, besides USER when that is an address."""
    authserv: tuple[str, ...] = ()
    """The names by which the provider's own servers sign Authentication-Results (RFC 8601)."""
    full_scan_days: int = FULL_SCAN_DAYS
    """After how many days a folder is enumerated whole, whatever the server reports."""
    daily_bytes: int | None = None
    """Bytes of messages fetched in a day (UTC) at most; None: no limit."""
    recheck_bytes: int = RECHECK_BYTES
    """Bytes fetched in a day to confirm what was recognised by its attributes only."""
    poll_minutes: int = POLL_MINUTES
    """How often the daemon looks where the server cannot notify it."""

    @property
    def own(self) -> frozenset[str]:
        """Our own addresses, folded for comparing: ADDRESSES, USER and MAILBOX when they are."""
        named = (*self.addresses, self.user, self.mailbox or "")
        return frozenset(each.strip().lower() for each in named if is_address(each))

    @property
    def takes_token(self) -> bool:
        """Whether it logs in by OAuth2 (XOAUTH2 or OAUTHBEARER) and not by a password."""
        return self.oauth is not None or self.token_command is not None


def read_accounts(table: Table) -> tuple[Account, ...]:
    """Read the tables ``[account.NAME]``; what is wrong is noted in TABLE."""
    return tuple(_account(table, name) for name in table.keys())  # noqa: SIM118  Table is no dict


def _account(accounts: Table, name: str) -> Account:
    if not _NAME.fullmatch(name):
        accounts.wrong(
            name,
            _("an account's name is made of a-z, 0-9, dot, hyphen and underscore, in lower case"),
        )
    table = accounts.table(name)
    account = Account(
        name=name,
        host=table.text("host", missing=_("the server's name is missing"), check=_host_problem),
        port=table.integer(
            "port", first=1, last=_LAST_PORT, missing=_("is missing; IMAP over TLS uses 993")
        ),
        user=table.text("user", missing=_("the user's name is missing")),
        security=cast(
            "Security",
            table.choice("security", _SECURITIES, missing=_('is missing; "tls" is usual')),
        ),
        keep=cast("Keep", table.choice("keep", _KEEPS, missing=_keep_advice())),
        password_command=table.text("password_command") or None,
        token_command=table.text("token_command") or None,
        oauth=_oauth(table.table("oauth")) if "oauth" in table else None,
        mailbox=table.text("mailbox") or None,
        others=_flag(table, "others"),
        folders=table.texts("folders"),
        addresses=table.texts("addresses", check=address_problem),
        authserv=table.texts("authserv", check=_authserv_problem),
        full_scan_days=_number(table, "full_scan_days", FULL_SCAN_DAYS, last=365),
        daily_bytes=_volume(table, "daily_bytes"),
        recheck_bytes=_recheck(table),
        poll_minutes=_number(table, "poll_minutes", POLL_MINUTES, last=24 * 60),
    )
    if account.security == "plain" and account.host and not is_loopback(account.host):
        table.wrong("security", plain_problem(account.host))
    ways = ("password_command", "token_command", "oauth")
    given = [way for way in ways if way in table]
    if len(given) > 1:
        table.wrong(given[1], _("an account logs in one way: leave out {way}").format(way=given[0]))
    table.close()
    return account


def account_table(account: Account) -> dict[str, object]:
    """Return ACCOUNT as its table in ``archive.toml`` says it; defaults are left out."""
    said: dict[str, object] = {
        "host": account.host,
        "port": account.port,
        "user": account.user,
        "security": account.security,
        "keep": account.keep,
        "password_command": account.password_command,
        "token_command": account.token_command,
        "mailbox": account.mailbox,
        "others": account.others,
        "folders": list(account.folders),
        "addresses": list(account.addresses),
        "authserv": list(account.authserv),
        "full_scan_days": _unless(account.full_scan_days, FULL_SCAN_DAYS),
        "daily_bytes": account.daily_bytes and volume_text(account.daily_bytes),
        "recheck_bytes": account.recheck_bytes != RECHECK_BYTES
        and volume_text(account.recheck_bytes),
        "poll_minutes": _unless(account.poll_minutes, POLL_MINUTES),
        "oauth": account.oauth and _oauth_table(account.oauth),
    }
    # A port of 0 is wrong, not absent: the file's reader says so.
    return {key: value for key, value in said.items() if value or key == "port"}


def _unless(value: int, default: int) -> int | None:
    return None if value == default else value


def _oauth(table: Table) -> OAuth:
    provider = cast(
        "Provider",
        table.choice("provider", _PROVIDERS, missing=_('is missing; "google" or "microsoft"')),
    )
    own = provider == "custom"
    needed = _("is missing; a custom provider needs it")
    oauth = OAuth(
        provider=provider,
        client_id=table.text("client_id", missing=_("the application's id is missing")),
        client_secret_command=table.text("client_secret_command") or None,
        tenant=table.text("tenant") or "common",
        authorize_url=table.text("authorize_url", check=_url_problem),
        token_url=table.text("token_url", missing=needed if own else "", check=_url_problem),
        device_url=table.text("device_url", check=_url_problem),
        scope=table.text("scope", missing=needed if own else ""),
    )
    table.close()
    return oauth


def _oauth_table(oauth: OAuth) -> dict[str, object]:
    table: dict[str, object] = {"provider": oauth.provider, "client_id": oauth.client_id}
    if oauth.client_secret_command is not None:
        table["client_secret_command"] = oauth.client_secret_command
    if oauth.tenant != "common":
        table["tenant"] = oauth.tenant
    for key in ("authorize_url", "token_url", "device_url", "scope"):
        if value := getattr(oauth, key):
            table[key] = value
    return table


def read_never(table: Table) -> Never:
    """Read ``[never]``; what is wrong is noted in TABLE."""
    never = Never(
        addresses=table.texts("addresses", check=_never_problem),
        folders=table.texts("folders"),
        subjects=table.texts("subjects", check=_subject_problem),
    )
    table.close()
    return never


def read_volume(text: str) -> int | None:
    """Return the bytes that TEXT says, such as ``500 MB`` (units of 1000); None: it is none."""
    found = _VOLUME.fullmatch(text.strip())
    return int(found[1]) * _UNITS[found[2].upper()] if found else None


def volume_text(size: int) -> str:
    """Write SIZE, in bytes, as ``read_volume`` reads it."""
    for unit in ("TB", "GB", "MB"):
        if size and size % _UNITS[unit] == 0:
            return f"{size // _UNITS[unit]} {unit}"
    return f"{-(-size // _UNITS['KB'])} KB"


def _volume(table: Table, key: str) -> int | None:
    text = table.text(key, check=_volume_problem)
    return read_volume(text) if text else None


def _recheck(table: Table) -> int:
    found = _volume(table, "recheck_bytes")
    return RECHECK_BYTES if found is None else found


def _number(table: Table, key: str, default: int, *, last: int) -> int:
    return table.integer(key, first=1, last=last) if key in table else default


def _flag(table: Table, key: str) -> bool:
    value = table.value(key)
    if not isinstance(value, bool | None):
        table.wrong(key, _("must be true or false, without quotes"))
    return value is True


def is_loopback(host: str) -> bool:
    """Tell whether HOST is this very machine: localhost, 127.0.0.0/8 or ::1."""
    import ipaddress  # only some settings need it

    if host.lower().rstrip(".") == "localhost":
        return True
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(host)
        loopback = "::1/128" if address.version == _IPV6 else "127.0.0.0/8"
        return address in ipaddress.ip_network(loopback)
    return False


def plain_problem(host: str) -> str:
    """Say why the password is not sent to HOST without encryption."""
    return _(
        "a connection without encryption to {host} would show the password to others: plain is "
        "only taken for this very machine (localhost, 127.0.0.1, ::1); set security to tls "
        "(usually port 993) or starttls (usually port 143)"
    ).format(host=host)


def _volume_problem(text: str) -> str | None:
    if read_volume(text) is not None:
        return None
    return _('{text!r} is not a volume; write for example "500 MB" or "2 GB"').format(text=text)


def _url_problem(text: str) -> str | None:
    if _URL.fullmatch(text):
        return None
    return _("{text!r} is not an https address").format(text=text)


def _never_problem(text: str) -> str | None:
    return address_problem(f"x{text}" if text.startswith("@") else text)


def _subject_problem(text: str) -> str | None:
    if any(each.isalnum() for each in text):
        return None
    return _(
        "{text!r} holds no word; write the word that stands at the start of a private subject, for "
        'example "personnel"'
    ).format(text=text)


def _authserv_problem(name: str) -> str | None:
    if _HOST.fullmatch(name):
        return None
    return _(
        "{name!r} is not a server's name; copy the first word of Authentication-Results from a "
        "message that the account received, for example mx.example.org"
    ).format(name=name)


def _keep_advice() -> str:
    return _('is missing; nothing is assumed: write "everything" or "engagements"')


def _host_problem(host: str) -> str | None:
    if _HOST.fullmatch(host):
        return None
    return _("{host!r} is not a server's name; write for example imap.example.org").format(
        host=host
    )
