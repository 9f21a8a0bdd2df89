"""``account``: add, edit, list, test, remove; and which account a command is about."""

import sys
from gettext import gettext as _
from typing import TYPE_CHECKING

import click

from archiver.cli.account_options import account_options
from archiver.cli.context import Global, actor, is_terminal, pass_global
from archiver.cli.language import users_environment
from archiver.cli.login import login, logout, tell_client
from archiver.cli.output import SCHEMA, echo, json_option, print_json, printable
from archiver.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from archiver.accounts import Account
    from archiver.app import Archive
    from archiver.care.accounts import Wish
    from archiver.care.tokens import TokenPlace
    from archiver.mailbox.server.session import Session

    Syncs = Mapping[str, tuple[datetime | None, datetime | None]]

IN_PART = 3


@click.group(
    help=_(
        "Mail accounts: add, edit, list, log in, test, remove.\n\n"
        "\b\nExample:\n  archiver account add --help"
    )
)
def account() -> None:
    pass


@account.command(
    "add",
    help=_(
        "Add an IMAP account. Archive only mailboxes that you are entitled to. The password is "
        "never stored: it comes from a command, the environment, a system credential, the keyring "
        "or a prompt. With --oauth, archiver account login follows.\n\n"
        "\b\nExamples:\n"
        "  archiver account add work --host imap.example.org --user me@example.org \\\n"
        "    --password-command 'pass show mail/work' --keep everything\n"
        "  archiver account add office --host outlook.office365.com --user me@example.org \\\n"
        "    --oauth microsoft --client-id 11111111-2222-3333-4444-555555555555 --keep everything"
    ),
)
@click.argument("name")
@account_options(new=True)
@pass_global
def account_add(globals_: Global, name: str, wish: "Wish") -> None:
    from dataclasses import replace

    from archiver.care.accounts import add_account

    with globals_.open() as archive:
        wish = wish if wish.keep else replace(wish, keep=_ask_keep())
        added = add_account(archive.evidence, name, wish, actor=actor())
    _warn_of_secrets(globals_, wish)
    _tell_keeping(globals_, name, wish)
    _warn_of_no_address(globals_, added)
    tell_client(globals_, added)
    if added.oauth is not None:
        _next(globals_, _("Added {name}. Next: archiver account login {name}."), name)
    else:
        _next(globals_, _("Added {name}. Next: archiver account test {name}, then sync."), name)


def _warn_of_no_address(globals_: Global, account_: "Account") -> None:
    """Say that nobody can tell what of the mail was sent by us."""
    if not account_.own:
        globals_.tell(
            _(
                "No address of ours is known for account {name}: what we sent cannot be told from "
                "what we received. Run `archiver account edit {name} --address …`."
            ).format(name=account_.name)
        )


def _next(globals_: Global, words: str, name: str) -> None:
    globals_.chat(words.format(name=name))


def _ask_keep() -> str:
    if not is_terminal(sys.stdin):
        raise UsageError(
            _("--keep is missing: what is kept is your decision, so it has no default."),
            advice=_(
                "Give --keep everything to keep every message of the folders fetched, or --keep "
                "engagements to keep only those that belong to an engagement."
            ),
        )
    answer: str = click.prompt(
        _("Keep everything, or only the mail of engagements?"),
        type=click.Choice(["everything", "engagements"]),
        err=True,
    )
    return answer


def _tell_keeping(globals_: Global, name: str, wish: "Wish") -> None:
    from archiver.care.accounts import only_engagements

    if wish.keep == "engagements":
        globals_.chat(only_engagements(name))


def _warn_of_secrets(globals_: Global, wish: "Wish") -> None:
    from archiver.mailbox.credentials import seems_to_hold_secret

    said = wish.login
    commands = (said.password_command, said.token_command, said.oauth.client_secret_command)
    if any(command and seems_to_hold_secret(command) for command in commands):
        globals_.tell(
            _(
                "Warning: this command seems to hold the secret itself. It stays in the journal "
                "for ever, and others see it in the list of processes. Name a command that looks "
                "the secret up, and change the secret."
            )
        )


@account.command(
    "edit",
    help=_(
        "Change an account: what is not given stays. --folder and --address replace all there "
        "were; an empty one (--folder '') leaves none. One way to log in replaces another.\n\n"
        "\b\nExample:\n  archiver account edit work --password-command 'pass show mail/work'"
    ),
)
@click.argument("name")
@account_options(new=False)
@pass_global
def account_edit(globals_: Global, name: str, wish: "Wish") -> None:
    from archiver.care.accounts import edit_account

    with globals_.open() as archive:
        changed = edit_account(archive.evidence, name, wish, actor=actor())
    _warn_of_secrets(globals_, wish)
    if changed:
        _tell_keeping(globals_, name, wish)
        globals_.chat(_("Changed {name}. Next: archiver account test {name}.").format(name=name))
    else:
        globals_.chat(_("Nothing was changed."))


@account.command(
    "remove",
    help=_(
        "Remove an account: nothing is fetched from it any more; its records and the journal "
        "stay. Its addresses count as ours no longer: name them in another account if they are."
        "\n\n\b\nExample:\n  archiver account remove work"
    ),
)
@click.argument("name")
@click.option("--yes", is_flag=True, help=_("Do not ask."))
@pass_global
def account_remove(globals_: Global, name: str, yes: bool) -> None:
    from archiver.care.accounts import remove_account

    with globals_.open() as archive:
        choose_accounts(archive, name)
        if not yes and not globals_.agrees(_("Remove the account {name}?").format(name=name)):
            return
        archive.tokens.forget(name)
        remove_account(archive.evidence, name, actor=actor())
    globals_.chat(_("{name} was removed; its records stay in the archive.").format(name=name))


@account.command(
    "list",
    help=_(
        "List the accounts, with how each logs in: by whose client id, where it is OAuth2.\n\n"
        "\b\nExample:\n  archiver account list --format json"
    ),
)
@json_option
@pass_global
def account_list(globals_: Global, format_: str) -> None:
    with globals_.open() as archive:
        accounts = archive.copies.settings.accounts
        last = archive.evidence.last_syncs()
        zone = archive.time_zone
        places = {each.account: each for each in archive.tokens.places(accounts)}
    if format_ == "json":
        listed = [_account_json(each, last, places.get(each.name)) for each in accounts]
        print_json({"schema": SCHEMA, "accounts": listed})
        return
    for each in accounts:
        _attempt, good = last.get(each.name, (None, None))
        when = good.astimezone(zone).strftime("%Y-%m-%d %H:%M %z") if good else _("never")
        echo(
            f"{each.name}  {each.user}@{each.host}:{each.port} {each.security}  "
            + _("keeps {keep}, last good sync: {when}").format(keep=each.keep, when=when)
        )
        if each.takes_token or each.mailbox:
            echo(f"  {_login_words(each)}")
    if not accounts:
        echo(_("No account yet: archiver account add --help"))


def _login_words(account_: "Account") -> str:
    """Say how ACCOUNT_ logs in, and to whose mailbox."""
    if account_.oauth is not None:
        words = _("logs in by OAuth2 ({provider}), client id {id}").format(
            provider=account_.oauth.provider, id=printable(account_.oauth.client_id)
        )
    elif account_.token_command is not None:
        words = _("logs in by OAuth2, with the token of a command")
    else:
        words = _("logs in by password")
    if account_.mailbox is None:
        return words
    return words + ", " + _("mailbox {mailbox}").format(mailbox=printable(account_.mailbox))


def _account_json(
    account_: "Account", last: "Syncs", place: "TokenPlace | None"
) -> dict[str, object]:
    _attempt, good = last.get(account_.name, (None, None))
    oauth = account_.oauth
    return {
        "name": account_.name,
        "host": account_.host,
        "port": account_.port,
        "user": account_.user,
        "security": account_.security,
        "keep": account_.keep,
        "login": "oauth" if oauth else "token_command" if account_.takes_token else "password",
        "oauth": oauth
        and {
            "provider": oauth.provider,
            "client_id": oauth.client_id,
            "tenant": oauth.tenant if oauth.provider == "microsoft" else None,
            "token": place.where if place else "nowhere",
            "allowed": place.allowed.isoformat() if place and place.allowed else None,
            "ends": place.ends.isoformat() if place and place.ends else None,
        },
        "mailbox": account_.mailbox,
        "others": account_.others,
        "folders": list(account_.folders),
        "addresses": list(account_.addresses),
        "authserv": list(account_.authserv),
        "full_scan_days": account_.full_scan_days,
        "daily_bytes": account_.daily_bytes,
        "recheck_bytes": account_.recheck_bytes,
        "poll_minutes": account_.poll_minutes,
        "last_good_sync": good.isoformat() if good else None,
    }


@account.command(
    "test",
    help=_(
        "Connect, say how the login went and what the server can do, list the folders and which "
        "are fetched; nothing is fetched yet.\n\n"
        "\b\nExample:\n  archiver account test work"
    ),
)
@click.argument("name")
@pass_global
def account_test(globals_: Global, name: str) -> int:
    from archiver.mailbox.folders import choose

    with globals_.open() as archive:
        (found,) = choose_accounts(archive, name)
        tell_client(globals_, found)
        connect = archive.connector(found, prompt=globals_.prompt, environ=users_environment())
        session = connect()
        try:
            choice = choose(
                session.folders(),
                found.folders,
                others=found.others,
                gmail=session.is_gmail,
            )
            able = _able(session)
        finally:
            session.close()
    _warn_of_no_address(globals_, found)
    echo(_("Connected to {host} as {user}.").format(host=found.host, user=found.user))
    echo(_("It {login}.").format(login=_login_words(found)))
    echo(able)
    for folders, mark in ((choice.fetch, _("fetched")), (choice.left_out, _("not fetched"))):
        for folder in folders:
            notes = (folder.role or "", _("somebody else's") if folder.foreign else "")
            note = ", ".join(filter(None, notes))
            echo(f"  {printable(folder.name)}{f' ({note})' if note else ''}: {mark}")
    for missing in choice.missing:
        echo("  " + _("{folder}: the server has no such folder").format(folder=printable(missing)))
    return IN_PART if choice.missing else 0


_MATTER = (
    *("CONDSTORE", "QRESYNC", "LIST-STATUS", "IDLE", "NOTIFY", "OBJECTID", "NAMESPACE"),
    *("SPECIAL-USE", "X-GM-EXT-1", "COMPRESS=DEFLATE", "SASL-IR", "AUTH=PLAIN"),
    *("AUTH=OAUTHBEARER", "AUTH=XOAUTH2"),
)
"""What changes how the archiver works with a server; docs/accounts.md says how."""


def _able(session: "Session") -> str:
    """Say which of the server's capabilities matter here."""
    from archiver.mailbox.server.imap import ImapSession  # the session has loaded it

    capabilities = session.capabilities if isinstance(session, ImapSession) else frozenset()
    able = [name for name in _MATTER if name in capabilities]
    return _("It can: {names}.").format(names=", ".join(able) or _("nothing that matters here"))


def choose_accounts(archive: "Archive", name: str | None) -> tuple["Account", ...]:
    """Return the account called NAME, or all; raise UsageError when there is none.

    Raises ConfigurationError when ``archive.toml`` cannot be understood as it stands: what to
    fetch must not be guessed. An engagement file that cannot be is no hindrance.
    """
    from archiver.care.working_copies import SETTINGS
    from archiver.config import find_account

    archive.leave_finding(SETTINGS)
    if SETTINGS in archive.copies.invalid:
        raise archive.copies.invalid[SETTINGS]
    settings = archive.copies.settings
    if name is not None:
        return (find_account(settings, name),)
    if not settings.accounts:
        raise UsageError(
            _("The archive has no mail account."),
            advice=_(
                "Add one with `archiver account add`; `archiver account add --help` says how."
            ),
        )
    return settings.accounts


account.add_command(login)
account.add_command(logout)

COMMANDS = {"account": account}
