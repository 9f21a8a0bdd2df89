"""``coverage``: what was looked at, what was kept, what was not, and why."""

from gettext import gettext as _
from typing import TYPE_CHECKING

import click

from archiver.cli.context import Global, pass_global
from archiver.cli.language import users_environment
from archiver.cli.output import (
    echo,
    print_csv,
    print_findings,
    print_json,
    printable,
    require_stdout,
)

if TYPE_CHECKING:
    from archiver.app import Archive
    from archiver.care.coverage.live import LiveAccount
    from archiver.care.coverage.whole import Coverage
    from archiver.model.findings import Finding

IN_PART = 3


@click.command(
    help=_(
        "Say what synchronisations looked at, what was kept, what was not, and why: by account, "
        "folder and UID. With --live, compare with what the servers say now. Exit code 3 when "
        "something is missing or failed.\n\n"
        "\b\nExamples:\n  archiver coverage\n  archiver coverage --engagement acme-2026 --live\n"
        "  archiver coverage --format json"
    )
)
@click.option("--engagement", metavar="SLUG", help=_("Only what bears on this engagement."))
@click.option("--account", "name", metavar="NAME", help=_("Only this account."))
@click.option(
    "--live",
    is_flag=True,
    help=_(
        "Ask the servers what they have now, and show what was nearly kept. Nothing is fetched "
        "into the archive."
    ),
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(("text", "json", "csv")),
    default="text",
    show_default=True,
    help=_("How to print the answer."),
)
@pass_global
def coverage(
    globals_: Global, engagement: str | None, name: str | None, live: bool, format_: str
) -> int:
    require_stdout()
    with globals_.open() as archive:
        taken = _take(archive, engagement, name)
        now = _look(globals_, archive, taken) if live else None
        zone = archive.time_zone
    findings = _findings(taken, now)
    if format_ == "json":
        from archiver.care.coverage.document import coverage_json

        print_json(coverage_json(taken, now, findings))
    elif format_ == "csv":
        from archiver.care.coverage.sheet import CSV_HEADER, csv_rows

        print_csv(CSV_HEADER, csv_rows(taken, now or ()))
    else:
        from archiver.care.coverage.words import present, present_live

        for line in (*present(taken, zone), *present_live(now or (), zone)):
            echo(printable(line))
        print_findings(findings)
    return _code(findings, now)


def _take(archive: "Archive", slug: str | None, name: str | None) -> "Coverage":
    from archiver.care.coverage.whole import coverage as take
    from archiver.care.engagements import require

    copies = archive.copies
    engagement = require(copies.engagements, slug) if slug else None
    return archive.projections.look_up(
        lambda catalogue: take(
            archive.evidence,
            catalogue,
            copies.settings,
            now=archive.clock(),
            zone=archive.time_zone,
            engagement=engagement,
            account=name,
        )
    )


def _look(globals_: Global, archive: "Archive", taken: "Coverage") -> "tuple[LiveAccount, ...]":
    """Ask the server of each account that is still configured."""
    from archiver.care.coverage.live import look
    from archiver.evidence.coverage import fold

    # Whole, whatever an engagement leaves out: else its other folders would look unknown.
    known = {each.account: each for each in fold(archive.evidence)}
    return tuple(
        look(
            state.settings,
            known.get(state.name),
            connect=archive.connector(
                state.settings, prompt=globals_.prompt, environ=users_environment()
            ),
            never=archive.copies.settings.never,
            progress=archive.progress,
        )
        for state in taken.accounts
        if state.settings is not None
    )


def _findings(taken: "Coverage", now: "tuple[LiveAccount, ...] | None") -> "tuple[Finding, ...]":
    if now is None:
        return taken.findings
    from archiver.care.coverage.differences import differences

    return (*taken.findings, *differences(now))


def _code(findings: "tuple[Finding, ...]", now: "tuple[LiveAccount, ...] | None") -> int:
    """Return 3 when something is missing; if no server could be asked for one reason, its code."""
    if now and all(account.exit_code for account in now):
        codes = {account.exit_code for account in now}
        if len(codes) == 1:
            return codes.pop()
    return IN_PART if any(each.level == "error" for each in findings) else 0


COMMANDS = {"coverage": coverage}
