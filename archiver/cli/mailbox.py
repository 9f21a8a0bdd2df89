"""``account``, ``sync``, ``import``: what brings mail in."""

import sys
from collections.abc import Mapping, Sequence
from gettext import gettext as _
from gettext import ngettext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver.cli.context import Global, actor, pass_global
from archiver.cli.output import SCHEMA, echo, json_option, print_json, printable
from archiver.errors import ArchiverError, UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from archiver.app import Archive
    from archiver.config import Account
    from archiver.pipeline.keep import Intake

    Syncs = Mapping[str, tuple[datetime | None, datetime | None]]

IN_PART = 3
_SHOWN_PROBLEMS = 20


@click.group(
    help=_("Mail accounts: add, list, test.\n\n\b\nExample:\n  archiver account add --help")
)
def account() -> None:
    pass


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
@click.option("--host", required=True, help=_("The IMAP server."))
@click.option("--port", type=int, help=_("Default: 993 with tls, else 143."))
@click.option("--user", required=True, help=_("The user name, often the address."))
@click.option(
    "--security",
    type=click.Choice(["tls", "starttls", "plain"]),
    default="tls",
    show_default=True,
    help=_("plain is only possible to this machine itself."),
)
@click.option("--password-command", help=_("Its first line of output is the password."))
@click.option(
    "--keep",
    type=click.Choice(["everything", "engagements"]),
    help=_("What is kept: every message, or only those of engagements. There is no default."),
)
@click.option("--folder", "folders", multiple=True, help=_("Fetch only this folder; repeatable."))
@click.option("--address", "addresses", multiple=True, help=_("An address of ours; repeatable."))
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
) -> None:
    from archiver.care.accounts import add_account

    with globals_.open() as archive:
        added = add_account(
            archive.evidence,
            name=name,
            host=host,
            port=port,
            user=user,
            security=security,
            password_command=password_command,
            keep=keep or _ask_keep(),
            folders=folders,
            addresses=addresses,
            actor=actor(),
        )
    globals_.chat(
        _("Added {name}. Next: archiver account test {name}, then archiver sync.").format(
            name=added.name
        )
    )


def _ask_keep() -> str:
    if not sys.stdin.isatty():
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


@account.command(
    "list", help=_("List the accounts.\n\n\b\nExample:\n  archiver account list --format json")
)
@json_option
@pass_global
def account_list(globals_: Global, format_: str) -> None:
    with globals_.open() as archive:
        accounts = archive.copies.settings.accounts
        last = archive.evidence.last_syncs()
    if format_ == "json":
        print_json({"schema": SCHEMA, "accounts": [_account_json(each, last) for each in accounts]})
        return
    for each in accounts:
        _attempt, good = last.get(each.name, (None, None))
        when = good.isoformat(timespec="minutes") if good else _("never")
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
        (found,) = _accounts(archive, name)
        session = archive.connector(found, prompt=globals_.prompt)()
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


@click.command(
    help=_(
        "Fetch and keep new mail, then read, tag and index it. Quiet when run by cron unless "
        "something went wrong.\n\n"
        "\b\nExamples:\n  archiver sync\n  archiver sync --account work --keep-only"
    )
)
@click.option("--account", "name", help=_("Only this account."))
@click.option(
    "--keep-only",
    is_flag=True,
    help=_("Only fetch, keep and journal; `archiver catch-up` does the rest later."),
)
@pass_global
def sync(globals_: Global, name: str | None, keep_only: bool) -> int:
    with globals_.open() as archive:
        accounts = _accounts(archive, name)
        failures: list[ArchiverError] = []
        problems = False
        for each in accounts:
            try:
                intake = _sync_one(globals_, archive, each)
            except ArchiverError as error:
                failures.append(error)
                globals_.tell(_("{name}: {what}").format(name=each.name, what=error.what))
                globals_.tell(f"  → {error.advice}")
            else:
                problems = problems or bool(intake.problems)
        if not keep_only:
            archive.level()
    return _sync_code(failures, len(accounts), problems=problems)


def _sync_one(globals_: Global, archive: "Archive", account_: "Account") -> "Intake":
    from archiver.pipeline.keep import sync_account

    if account_.keep == "engagements":
        raise UsageError(
            _('Account {name}: keep = "engagements" is not built yet.').format(name=account_.name),
            advice=_('Set keep = "everything" in archive.toml, or wait for a later version.'),
        )
    intake = sync_account(
        archive.evidence,
        account_,
        connect=archive.connector(account_, prompt=globals_.prompt),
        clock=archive.clock,
        progress=archive.progress,
    )
    _tell_intake(globals_, account_.name, intake)
    return intake


def _sync_code(failures: Sequence[ArchiverError], accounts: int, *, problems: bool) -> int:
    """Everything done: 0; one way of failing everywhere: its code; else done in part."""
    codes = {error.exit_code for error in failures}
    if not failures:
        return IN_PART if problems else 0
    if len(failures) == accounts and len(codes) == 1:
        return codes.pop()
    return IN_PART


@click.command(
    "import",
    help=_(
        "Keep mail from files: .eml, Maildir, mbox, or folders of them. Importing the same file "
        "again adds nothing.\n\n"
        "\b\nExample:\n  archiver import old-mail.mbox ~/Maildir"
    ),
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--keep-only",
    is_flag=True,
    help=_("Only keep and journal; `archiver catch-up` does the rest later."),
)
@pass_global
def import_(globals_: Global, paths: tuple[Path, ...], keep_only: bool) -> int:
    from archiver.pipeline.keep import import_files, messages_in

    for path in paths:
        if not path.exists():
            raise UsageError(
                _("There is no file or folder {path}.").format(path=path),
                advice=_("Check the path; nothing was imported."),
            )
    with globals_.open() as archive:
        messages = (message for path in paths for message in messages_in(path))
        intake = import_files(archive.evidence, messages, progress=archive.progress)
        _tell_intake(globals_, _("Import"), intake)
        if not keep_only:
            archive.level()
    return IN_PART if intake.problems else 0


def _accounts(archive: "Archive", name: str | None) -> tuple["Account", ...]:
    if archive.copies.invalid:
        raise archive.copies.invalid[0]
    accounts = archive.copies.settings.accounts
    if name is None and not accounts:
        raise UsageError(
            _("The archive has no mail account."),
            advice=_("Add one: archiver account add --help"),
        )
    chosen = tuple(each for each in accounts if name in (None, each.name))
    if not chosen:
        raise UsageError(
            _("There is no account called {name}.").format(name=name),
            advice=_("Accounts: {names}").format(
                names=", ".join(each.name for each in accounts) or _("none")
            ),
        )
    return chosen


def _tell_intake(globals_: Global, name: str, intake: "Intake") -> None:
    parts = [ngettext("{n} new record", "{n} new records", intake.new).format(n=intake.new)]
    if intake.seen_again:
        parts.append(
            ngettext(
                "{n} known record seen at a new place",
                "{n} known records seen at a new place",
                intake.seen_again,
            ).format(n=intake.seen_again)
        )
    if intake.known:
        parts.append(
            ngettext("{n} known already", "{n} known already", intake.known).format(n=intake.known)
        )
    line = _("{name}: {what}").format(name=name, what=", ".join(parts))
    if intake.new or intake.seen_again or sys.stderr.isatty() or globals_.verbose:
        globals_.chat(line)
    if not intake.problems:
        return
    count = len(intake.problems)
    failed = ngettext(
        "{n} message or folder could not be fetched; it is tried again next time:",
        "{n} messages or folders could not be fetched; they are tried again next time:",
        count,
    ).format(n=count)
    globals_.tell(_("{name}: {what}").format(name=name, what=failed))
    shown = count if globals_.verbose else _SHOWN_PROBLEMS
    for problem in intake.problems[:shown]:
        globals_.tell(f"  {printable(problem.where)}: {printable(problem.reason)}")
    if count > shown:
        globals_.tell(_("  … and {n} more: -v names them all").format(n=count - shown))


COMMANDS = {"account": account, "sync": sync, "import": import_}
