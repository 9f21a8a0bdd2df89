"""``account``: add, edit, list, test, remove; and which account a command is about."""

import sys
from collections.abc import Callable, Mapping
from gettext import gettext as _
from typing import TYPE_CHECKING, TypeVar

import click

from archiver.cli.context import Global, actor, is_terminal, pass_global
from archiver.cli.language import users_environment
from archiver.cli.output import SCHEMA, echo, json_option, print_json, printable
from archiver.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from archiver.accounts import Account
    from archiver.app import Archive
    from archiver.care.accounts import Wish

    Syncs = Mapping[str, tuple[datetime | None, datetime | None]]

IN_PART = 3
Command = TypeVar("Command", bound=Callable[..., object])


@click.group(
    help=_(
        "Mail accounts: add, edit, list, test, remove.\n\n"
        "\b\nExample:\n  archiver account add --help"
    )
)
def account() -> None:
    pass


def _options(*, new: bool) -> Callable[[Command], Command]:
    """Give a command the options that describe an account, a NEW one or one there is."""
    options = (
        click.option("--host", required=new, help=_("The IMAP server.")),
        click.option("--port", type=int, help=_("Default: 993 with tls, else 143.")),
        click.option("--user", required=new, help=_("The user name, often the address.")),
        click.option(
            "--security",
            type=click.Choice(["tls", "starttls", "plain"]),
            default="tls" if new else None,
            show_default=True,
            help=_("plain is only possible to this machine itself."),
        ),
        click.option("--password-command", help=_("Its first line of output is the password.")),
        click.option(
            "--keep",
            type=click.Choice(["everything", "engagements"]),
            help=_(
                "What is kept: every message, or only those of engagements. There is no default."
            ),
        ),
        click.option(
            "--folder", "folders", multiple=True, help=_("Fetch only this folder; repeatable.")
        ),
        click.option(
            "--address", "addresses", multiple=True, help=_("An address of ours; repeatable.")
        ),
        click.option(
            "--authserv",
            multiple=True,
            help=_("The name under which the provider writes Authentication-Results; repeatable."),
        ),
    )

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@account.command(
    "add",
    help=_(
        "Add an IMAP account. The password is never stored: it comes from a command, the "
        "environment, a system credential, the keyring or a prompt.\n\n"
        "\b\nExample:\n"
        "  archiver account add work --host imap.example.org --user me@example.org \\\n"
        "    --password-command 'pass show mail/work' --keep everything"
    ),
)
@click.argument("name")
@_options(new=True)
@pass_global
def account_add(
    globals_: Global,
    name: str,
    host: str,
    port: int | None,
    user: str,
    security: str,
    password_command: str | None,
    keep: str | None,
    folders: tuple[str, ...],
    addresses: tuple[str, ...],
    authserv: tuple[str, ...],
) -> None:
    from archiver.care.accounts import Wish, add_account

    with globals_.open() as archive:
        wish = Wish(
            host=host,
            port=port,
            user=user,
            security=security,
            password_command=password_command,
            keep=keep or _ask_keep(),
            folders=folders,
            addresses=addresses,
            authserv=authserv,
        )
        _warn_of_secret(globals_, wish)
        add_account(archive.evidence, name, wish, actor=actor())
    globals_.chat(
        _("Added {name}. Next: archiver account test {name}, then archiver sync.").format(name=name)
    )


def _ask_keep() -> str:
    if not is_terminal(sys.stdin):
        raise UsageError(
            _("--keep is missing: what is kept is your decision, so it has no default."),
            advice=_("Give --keep everything to keep every message of the folders fetched."),
        )
    answer: str = click.prompt(
        _("Keep everything, or only the mail of engagements?"),
        type=click.Choice(["everything", "engagements"]),
        err=True,
    )
    return answer


def _warn_of_secret(globals_: Global, wish: "Wish") -> None:
    from archiver.mailbox.credentials import seems_to_hold_secret

    if wish.password_command and seems_to_hold_secret(wish.password_command):
        globals_.tell(
            _(
                "Warning: this password command seems to hold the password itself. It stays in "
                "the journal for ever, and others see it in the list of processes. Name a command "
                "that looks the password up, and change the password."
            )
        )


@account.command(
    "edit",
    help=_(
        "Change an account: what is not given stays. --folder and --address replace all there "
        "were; an empty one (--folder '') leaves none.\n\n"
        "\b\nExample:\n  archiver account edit work --password-command 'pass show mail/work'"
    ),
)
@click.argument("name")
@_options(new=False)
@pass_global
def account_edit(
    globals_: Global,
    name: str,
    host: str | None,
    port: int | None,
    user: str | None,
    security: str | None,
    password_command: str | None,
    keep: str | None,
    folders: tuple[str, ...],
    addresses: tuple[str, ...],
    authserv: tuple[str, ...],
) -> None:
    from archiver.care.accounts import Wish, edit_account

    with globals_.open() as archive:
        wish = Wish(
            host=host,
            port=port,
            user=user,
            security=security,
            password_command=password_command,
            keep=keep,
            folders=folders,
            addresses=addresses,
            authserv=authserv,
        )
        _warn_of_secret(globals_, wish)
        changed = edit_account(archive.evidence, name, wish, actor=actor())
    if changed:
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
        remove_account(archive.evidence, name, actor=actor())
    globals_.chat(_("{name} was removed; its records stay in the archive.").format(name=name))


@account.command(
    "list", help=_("List the accounts.\n\n\b\nExample:\n  archiver account list --format json")
)
@json_option
@pass_global
def account_list(globals_: Global, format_: str) -> None:
    with globals_.open() as archive:
        accounts = archive.copies.settings.accounts
        last = archive.evidence.last_syncs()
        zone = archive.time_zone
    if format_ == "json":
        print_json({"schema": SCHEMA, "accounts": [_account_json(each, last) for each in accounts]})
        return
    for each in accounts:
        _attempt, good = last.get(each.name, (None, None))
        when = good.astimezone(zone).strftime("%Y-%m-%d %H:%M %z") if good else _("never")
        echo(
            f"{each.name}  {each.user}@{each.host}:{each.port} {each.security}  "
            + _("keeps {keep}, last good sync: {when}").format(keep=each.keep, when=when)
        )
    if not accounts:
        echo(_("No account yet: archiver account add --help"))


def _account_json(account_: "Account", last: "Syncs") -> dict[str, object]:
    _attempt, good = last.get(account_.name, (None, None))
    return {
        "name": account_.name,
        "host": account_.host,
        "port": account_.port,
        "user": account_.user,
        "security": account_.security,
        "keep": account_.keep,
        "folders": list(account_.folders),
        "addresses": list(account_.addresses),
        "authserv": list(account_.authserv),
        "last_good_sync": good.isoformat() if good else None,
    }


@account.command(
    "test",
    help=_(
        "Connect, list the folders and say which are fetched; nothing is fetched yet.\n\n"
        "\b\nExample:\n  archiver account test work"
    ),
)
@click.argument("name")
@pass_global
def account_test(globals_: Global, name: str) -> int:
    from archiver.mailbox.folders import choose

    with globals_.open() as archive:
        (found,) = choose_accounts(archive, name)
        connect = archive.connector(found, prompt=globals_.prompt, environ=users_environment())
        session = connect()
        try:
            choice = choose(session.folders(), found.folders)
        finally:
            session.close()
    echo(_("Connected to {host} as {user}.").format(host=found.host, user=found.user))
    for folders, mark in ((choice.fetch, _("fetched")), (choice.left_out, _("not fetched"))):
        for folder in folders:
            role = f" ({folder.role})" if folder.role else ""
            echo(f"  {printable(folder.name)}{role}: {mark}")
    for missing in choice.missing:
        echo("  " + _("{folder}: the server has no such folder").format(folder=printable(missing)))
    return IN_PART if choice.missing else 0


def choose_accounts(archive: "Archive", name: str | None) -> tuple["Account", ...]:
    """Return the account called NAME, or all; raise UsageError when there is none.

    Raises ConfigurationError when ``archive.toml`` cannot be understood as it stands: what to
    fetch must not be guessed. An engagement file that cannot be is no hindrance.
    """
    from archiver.care.working_copies import SETTINGS
    from archiver.config import find_account

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


COMMANDS = {"account": account}
