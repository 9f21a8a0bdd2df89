"""``sync``: what brings mail in from mailboxes."""

from collections.abc import Sequence
from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING

import click

from archiver.cli.account import choose_accounts
from archiver.cli.context import Global, pass_global
from archiver.cli.intake import tell_intake, tell_problems
from archiver.cli.language import users_environment
from archiver.errors import ArchiverError, UsageError

if TYPE_CHECKING:
    from archiver.accounts import Account
    from archiver.app import Archive
    from archiver.pipeline.keep import Intake

IN_PART = 3


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
        archive.require_continuing()
        accounts = choose_accounts(archive, name)
        failures: list[ArchiverError] = []
        problems = bool(archive.copies.invalid)
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
        signed = archive.settle(network=not keep_only)
    return _sync_code(failures, len(accounts), problems=problems or not signed)


def _sync_one(globals_: Global, archive: "Archive", account_: "Account") -> "Intake":
    from archiver.pipeline.keep import sync_account

    if account_.keep == "engagements":
        raise UsageError(
            _('Account {name}: keep = "engagements" is not built yet.').format(name=account_.name),
            advice=_("Run `archiver account edit {name} --keep everything`.").format(
                name=account_.name
            ),
        )
    intake = sync_account(
        archive.evidence,
        account_,
        connect=archive.connector(account_, prompt=globals_.prompt, environ=users_environment()),
        clock=archive.clock,
        progress=archive.progress,
    )
    tell_intake(globals_, account_.name, intake)
    tell_problems(globals_, account_.name, intake, _not_fetched(len(intake.problems)))
    return intake


def _not_fetched(count: int) -> str:
    return ngettext(
        "{n} message or folder could not be fetched; it is tried again next time:",
        "{n} messages or folders could not be fetched; they are tried again next time:",
        count,
    ).format(n=count)


def _sync_code(failures: Sequence[ArchiverError], accounts: int, *, problems: bool) -> int:
    """Everything done: 0; one way of failing everywhere: its code; else done in part."""
    codes = {error.exit_code for error in failures}
    if not failures:
        return IN_PART if problems else 0
    if len(failures) == accounts and len(codes) == 1:
        return codes.pop()
    return IN_PART


COMMANDS = {"sync": sync}
