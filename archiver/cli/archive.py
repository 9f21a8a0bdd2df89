"""``init``, ``status``, ``doctor``, ``verify``, ``rebuild``, ``catch-up``."""

from datetime import date
from gettext import gettext as _
from gettext import ngettext
from typing import Literal

import click

from archiver.cli.context import Global, actor, pass_global
from archiver.cli.output import (
    echo,
    json_option,
    print_checked,
    print_findings,
    print_json,
    report_json,
)
from archiver.errors import UsageError
from archiver.model.findings import Report

FOUND = 3


@click.command(
    help=_(
        "Make a new archive in the folder given by --archive.\n\n"
        "\b\nExample:\n  archiver --archive ACME init --time-zone Europe/Paris"
    )
)
@click.option(
    "--time-zone", help=_("IANA name; days are days in it (default: this machine's time zone).")
)
@click.option(
    "--language",
    type=click.Choice(["en", "fr"]),
    help=_("Language of dossiers and other pages (default: that of the output)."),
)
@pass_global
def init(globals_: Global, time_zone: str | None, language: str | None) -> None:
    from archiver.app import create_archive, local_time_zone, require_archive

    root = require_archive(globals_.archive)
    zone = time_zone or local_time_zone()
    create_archive(root, time_zone=zone, language=language or globals_.language, actor=actor())
    globals_.chat(_("Made an archive in {root} (time zone {zone}).").format(root=root, zone=zone))
    globals_.chat(_("Next: archiver --archive {root} account add --help").format(root=root))


@click.command(
    help=_(
        "Tell what the archive holds, read back from objects, journal, catalogue and index.\n\n"
        "\b\nExample:\n  archiver status --format json"
    )
)
@json_option
@pass_global
def status(globals_: Global, format_: str) -> None:
    from archiver.care.status import present, status_json, take_status

    with globals_.open() as archive:
        state = archive.projections.ask(
            lambda engine: take_status(
                archive.evidence,
                archive.catalogue,
                engine,
                archive.copies,
                archive.clock(),
                outside=archive.outside,
                indexing=archive.projections.left_to_another,
            )
        )
        if format_ == "json":
            print_json(status_json(state))
            return
        for line in present(state, archive.time_zone):
            echo(line)


@click.command(
    help=_(
        "Look for what could cost you the archive, and say how to mend each thing.\n\n"
        "\b\nExample:\n  archiver doctor"
    )
)
@json_option
@pass_global
def doctor(globals_: Global, format_: str) -> int:
    from archiver.care.doctor import examine, look_around

    with globals_.open() as archive:
        archive.leave_findings()
        report = examine(
            look_around(archive.root),
            archive.copies.settings,
            now=archive.clock(),
            last_entry=archive.evidence.last_entry_at(),
            last_syncs=archive.evidence.last_syncs(),
            zone=archive.time_zone,
            key=archive.outside.key_place(),
            tokens=archive.tokens.places(archive.copies.settings.accounts),
            engagements=archive.copies.engagements,
        )
        report = Report(
            checked=report.checked,
            findings=(*archive.copies.findings, *report.findings, *archive.key_findings()),
        )
    return _print_report(report, format_, all_well=_("Nothing is wrong."))


@click.command(
    help=_(
        "Check the originals and what proves them: every journal entry, every object's presence, "
        "signatures and time-stamps, and with --read-data every byte. It repairs nothing. Exit "
        "code 3 when it finds an error.\n\n"
        "An interrupted check with --read-data goes on where it stopped when the same command is "
        "given again.\n\n"
        "\b\nExamples:\n  archiver verify\n  archiver verify --read-data=all --no-origin\n"
        "  archiver verify --since --read-data=all --format json"
    )
)
@click.option(
    "--read-data",
    metavar="N%|all",
    is_flag=False,
    flag_value="all",
    help=_("Also re-read and hash the objects: all of them, or a sample such as 5%."),
)
@click.option(
    "--since",
    metavar="last|YYYY-MM-DD",
    is_flag=False,
    flag_value="last",
    help=_("Only what came since the last check without an error, or since that day."),
)
@click.option(
    "--origin/--no-origin",
    default=True,
    help=_("Whether the senders' signatures are verified again (default), which takes longest."),
)
@click.option(
    "--restart", is_flag=True, help=_("Begin anew, even if the same check was interrupted.")
)
@json_option
@pass_global
def verify(
    globals_: Global,
    read_data: str | None,
    since: str | None,
    origin: bool,
    restart: bool,
    format_: str,
) -> int:
    share, start = _share(read_data), _since(since)
    with globals_.open() as archive:
        report = archive.verify(read_data=share, since=start, origin=origin, restart=restart)
    return _print_report(report, format_, all_well=_("Everything checked is as it should be."))


@click.command(
    help=_(
        "Throw catalogue and search index away and make both again from the originals.\n\n"
        "\b\nExample:\n  archiver rebuild"
    )
)
@pass_global
def rebuild(globals_: Global) -> int:
    with globals_.open() as archive:
        archive.projections.rebuild()
        globals_.chat(_records(archive.catalogue.count_records(), _("Rebuilt.")))
        return FOUND if archive.projections.gaps else 0


@click.command(
    "catch-up",
    help=_(
        "Bring catalogue and search index level with the journal, capture who signed new records, "
        "and have the journal dated when it is time (after sync --keep-only).\n\n"
        "\b\nExample:\n  archiver catch-up"
    ),
)
@pass_global
def catch_up(globals_: Global) -> int:
    with globals_.open() as archive:
        archive.level(insist=True)
        globals_.chat(_records(archive.catalogue.count_records(), _("Up to date.")))
        return 0 if archive.settle() else FOUND


def _records(count: int, what: str) -> str:
    counted = ngettext("{n} record", "{n} records", count).format(n=count)
    return f"{what} {counted}."


def _share(text: str | None) -> float | None:
    """Read ``all`` or ``N%`` as a share of 1; None means that no data is read."""
    if text is None:
        return None
    if text == "all":
        return 1.0
    try:
        share = float(text.removesuffix("%")) / 100
    except ValueError:
        share = -1.0
    if not 0 < share <= 1:
        raise UsageError(
            _("--read-data={text} is not a share of the data.").format(text=text),
            advice=_("Give all, or a percentage such as 5%."),
        )
    return share


def _since(text: str | None) -> date | Literal["last"] | None:
    """Read ``last`` or a day; None means that everything is checked."""
    if text is None or text == "last":
        return "last" if text else None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            _("--since={text} is not a day.").format(text=text),
            advice=_("Give a day such as 2026-03-31, or last."),
        ) from error


def _print_report(report: Report, format_: str, *, all_well: str) -> int:
    if format_ == "json":
        print_json(report_json(report))
    else:
        print_checked(report)
        print_findings(report.findings)
        if not report.findings:
            echo(all_well)
    return FOUND if report.errors else 0


COMMANDS = {
    "init": init,
    "status": status,
    "doctor": doctor,
    "verify": verify,
    "rebuild": rebuild,
    "catch-up": catch_up,
}
