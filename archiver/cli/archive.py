"""``init``, ``status``, ``doctor``, ``verify``, ``rebuild``, ``catch-up``."""

from gettext import gettext as _
from gettext import ngettext

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
        )
        report = Report(
            checked=report.checked, findings=(*archive.copies.findings, *report.findings)
        )
    return _print_report(report, format_, all_well=_("Nothing is wrong."))


@click.command(
    help=_(
        "Check the originals: every journal entry, every object's presence, and with --read-data "
        "every byte. It repairs nothing. Exit code 3 when it finds an error.\n\n"
        "\b\nExamples:\n  archiver verify\n  archiver verify --read-data=all --format json"
    )
)
@click.option(
    "--read-data",
    metavar="N%|all",
    is_flag=False,
    flag_value="all",
    help=_("Also re-read and hash the objects: all of them, or a sample such as 5%."),
)
@json_option
@pass_global
def verify(globals_: Global, read_data: str | None, format_: str) -> int:
    share = _share(read_data)
    with globals_.open() as archive:
        report = archive.verify(read_data=share)
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
        "Bring catalogue and search index level with the journal (after sync --keep-only).\n\n"
        "\b\nExample:\n  archiver catch-up"
    ),
)
@pass_global
def catch_up(globals_: Global) -> None:
    with globals_.open() as archive:
        archive.level(insist=True)
        globals_.chat(_records(archive.catalogue.count_records(), _("Up to date.")))


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
