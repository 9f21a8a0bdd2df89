"""``sync``: what brings mail in from mailboxes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from gettext import gettext as _
from gettext import ngettext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver.cli.context import Global, pass_global
from archiver.cli.failing import reporting_failure
from archiver.cli.intake import tell_intake, tell_postponed, tell_problems
from archiver.cli.language import users_environment
from archiver.errors import ArchiverError, LockedError

if TYPE_CHECKING:
    from archiver.accounts import Account
    from archiver.app import Archive, Openers
    from archiver.mailbox.server.session import Folder
    from archiver.pipeline.keep import Intake

IN_PART = 3


@click.command(
    help=_(
        "Fetch and keep new mail, then read, tag and index it. Quiet when run by cron unless "
        "something went wrong.\n\n"
        "\b\nExamples:\n  archiver sync\n  archiver sync --account work --keep-only\n"
        "  archiver sync --full"
    )
)
@click.option("--account", "name", help=_("Only this account."))
@click.option(
    "--full",
    is_flag=True,
    help=_("Enumerate every folder whole, whatever the server says has changed."),
)
@click.option(
    "--keep-only",
    is_flag=True,
    help=_("Only fetch, keep and journal; `archiver catch-up` does the rest later."),
)
@pass_global
def sync(globals_: Global, name: str | None, full: bool, keep_only: bool) -> int:
    before = _Before()
    if not full and globals_.archive is not None:
        quiet = _peek(globals_, globals_.archive, name, before, keep_only=keep_only)
        if quiet:
            return _tell_quiet(globals_, quiet)
    from archiver.cli.account import choose_accounts

    with globals_.open() as archive, reporting_failure(globals_, archive) as failing:
        archive.require_continuing()
        accounts = choose_accounts(archive, name)
        _tell_no_rules(globals_, archive, accounts)
        failures: list[ArchiverError] = []
        problems = bool(archive.copies.invalid)
        waiting = False
        for each in accounts:
            try:
                intake = _sync_one(globals_, archive, each, before, full=full)
            except ArchiverError as error:
                failures.append(error)
                failing.by(each.name, error)
                globals_.tell(_("{name}: {what}").format(name=each.name, what=error.what))
                globals_.tell(f"  → {error.advice}")
            else:
                problems = problems or bool(intake.problems)
                waiting = waiting or bool(intake.postponed)
                failing.in_part(each.name, intake.problems)
        if len(failures) == len(accounts) and all(isinstance(e, LockedError) for e in failures):
            # Whoever is at all of them reads, indexes and signs as well.
            return failing.ends(LockedError.exit_code)
        if not keep_only:
            archive.level()
        signed = archive.settle(network=not keep_only)
        if signed and not (failures or problems or waiting):
            archive.remember_settled(accounts, level=not keep_only)
        code = failing.ends(_sync_code(failures, len(accounts), problems=problems or not signed))
        # That the day's volume is spent is as it should be: it is told, and is no failure.
        return code or (IN_PART if waiting else 0)


@dataclass(slots=True)
class _Before:
    """What a look at the accounts brought, before the archive was opened."""

    seen: "Mapping[str, tuple[Folder, ...] | ArchiverError | None]" = field(default_factory=dict)
    openers: "dict[Account, Openers]" = field(default_factory=dict)


def _peek(
    globals_: Global, root: Path, name: str | None, before: _Before, *, keep_only: bool
) -> tuple[str, ...]:
    """Return the accounts if there is nothing to do in any; what was seen is put into BEFORE."""
    from archiver.app import peek

    peeked = peek(
        root,
        name=name,
        keep_only=keep_only,
        offline=globals_.offline,
        prompt=globals_.prompt,
        environ=users_environment(),
        openers=before.openers,
    )
    if peeked is None:
        return ()
    before.seen = peeked.seen
    return peeked.quiet


def _tell_quiet(globals_: Global, accounts: Sequence[str]) -> int:
    """Say what a sync says that found nothing new."""
    from archiver.pipeline.counts import Intake

    for name in accounts:
        tell_intake(globals_, name, Intake())
    return 0


def _tell_no_rules(globals_: Global, archive: "Archive", accounts: "Sequence[Account]") -> None:
    if all(each.keep == "everything" for each in accounts):
        return
    from archiver.care.no_rules import no_rules

    for each in no_rules(accounts, archive.copies.engagements):
        globals_.tell(f"{each.message} {each.advice}")


def _sync_one(
    globals_: Global, archive: "Archive", account_: "Account", before: _Before, *, full: bool
) -> "Intake":
    from archiver.mailbox.line import Patience
    from archiver.pipeline.keep import sync_account

    def tell_rest(seconds: float, what: str) -> None:
        said = _("{name}: {what} Waiting {n} seconds.")
        globals_.chat(said.format(name=account_.name, what=what, n=round(seconds)))

    connect, glance = before.openers.get(account_) or archive.dialler(
        account_, prompt=globals_.prompt, environ=users_environment()
    )

    def glance_once() -> "tuple[Folder, ...] | None":
        """Say what was seen a moment ago, an error included."""
        if account_.name not in before.seen:
            return glance()
        match before.seen[account_.name]:
            case ArchiverError() as error:
                raise error
            case folders:
                return folders

    intake = sync_account(
        archive.evidence,
        account_,
        connect=connect,
        clock=archive.clock,
        progress=archive.progress,
        make_wanted=lambda: archive.wanted(account_),
        glance=glance_once,
        full=full,
        patience=Patience(tell=tell_rest),
        lock_wait=globals_.lock_wait,
    )
    tell_intake(globals_, account_.name, intake)
    tell_postponed(globals_, account_, intake)
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
