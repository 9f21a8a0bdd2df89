"""``sync``, ``import``: what brings mail in."""

import sys
from collections.abc import Sequence
from gettext import gettext as _
from gettext import ngettext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver.cli.account import choose_accounts
from archiver.cli.context import Global, pass_global
from archiver.cli.language import users_environment
from archiver.cli.output import printable
from archiver.errors import ArchiverError, UsageError

if TYPE_CHECKING:
    from archiver.app import Archive
    from archiver.config import Account
    from archiver.pipeline.keep import Intake

IN_PART = 3
_SHOWN_PROBLEMS = 20


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
    _tell_intake(globals_, account_.name, intake)
    _tell_problems(globals_, account_.name, intake, _not_fetched(len(intake.problems)))
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
        archive.require_continuing()
        messages = (message for path in paths for message in messages_in(path))
        intake = import_files(archive.evidence, messages, progress=archive.progress)
        _tell_intake(globals_, _("Import"), intake)
        _tell_passed_over(globals_, intake)
        _tell_problems(globals_, _("Import"), intake, _not_imported(len(intake.problems)))
        if not keep_only:
            archive.level()
        signed = archive.settle(network=not keep_only)
    return IN_PART if intake.problems or not signed else 0


def _not_imported(count: int) -> str:
    return ngettext(
        "{n} file or message was not imported:", "{n} files or messages were not imported:", count
    ).format(n=count)


def _tell_passed_over(globals_: Global, intake: "Intake") -> None:
    """Say how many files of a folder were taken for no mail; ``-v`` names them."""
    count = len(intake.passed_over)
    if not count:
        return
    line = ngettext(
        "{n} file was passed over: by its kind it is no mail.",
        "{n} files were passed over: by their kind they are no mail.",
        count,
    ).format(n=count)
    globals_.chat(_("{name}: {what}").format(name=_("Import"), what=line))
    if globals_.verbose:
        for path in intake.passed_over:
            globals_.chat(f"  {printable(path)}")


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


def _tell_problems(globals_: Global, name: str, intake: "Intake", failed: str) -> None:
    count = len(intake.problems)
    if not count:
        return
    globals_.tell(_("{name}: {what}").format(name=name, what=failed))
    shown = count if globals_.verbose else _SHOWN_PROBLEMS
    for problem in intake.problems[:shown]:
        globals_.tell(f"  {printable(problem.where)}: {printable(problem.reason)}")
    if count > shown:
        globals_.tell(_("  … and {n} more: -v names them all").format(n=count - shown))


COMMANDS = {"sync": sync, "import": import_}
