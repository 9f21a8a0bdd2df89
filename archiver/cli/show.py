"""``show``: read one record, or take out its bytes."""

from datetime import tzinfo
from gettext import gettext as _
from gettext import ngettext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver.cli.context import Global, pass_global
from archiver.cli.output import echo, json_option, print_json, print_rows, printable, write_bytes
from archiver.cli.search import find_record
from archiver.errors import UsageError

if TYPE_CHECKING:
    from archiver.app import Archive
    from archiver.evidence.origin.grades import DateGrade, OriginGrade
    from archiver.model.record import RecordView


@click.command(
    help=_(
        "Show one record; ID is its digest or the beginning of it.\n\n"
        "\b\nExamples:\n"
        "  archiver show 3f9a1c\n"
        "  archiver show 3f9a1c --raw > message.eml\n"
        "  archiver show 3f9a1c --attachment 1 --output proposal.pdf"
    )
)
@click.argument("id_", metavar="ID")
@click.option("--raw", is_flag=True, help=_("The exact bytes, on stdout or to --output."))
@click.option(
    "--attachment", type=click.IntRange(min=1), help=_("The Nth attachment, to --output.")
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help=_("A new file for the exact bytes or the attachment."),
)
@json_option
@pass_global
def show(
    globals_: Global,
    id_: str,
    raw: bool,
    attachment: int | None,
    output: Path | None,
    format_: str,
) -> None:
    from archiver.search.present import view_json

    _require_one_answer(raw=raw, attachment=attachment, output=output)
    with globals_.open() as archive:
        position = find_record(archive, id_)
        view = archive.projections.look_up(lambda catalogue: catalogue.view(position))
        if raw:
            _write(globals_, archive.evidence.read(view.line.digest), output)
        elif attachment is not None:
            _write(globals_, _attachment(archive, view, attachment), output)
        elif format_ == "json":
            print_json(view_json(view, archive.grades(position)))
        else:
            _print_view(view, archive.time_zone, archive.grades(position))


def _require_one_answer(*, raw: bool, attachment: int | None, output: Path | None) -> None:
    if raw and attachment is not None:
        raise UsageError(
            _("--raw and --attachment ask for different bytes."), advice=_("Give one of them.")
        )
    if output is not None and not raw and attachment is None:
        raise UsageError(
            _("--output goes with --raw or --attachment."),
            advice=_("To keep the text, redirect the output: archiver show ID > FILE"),
        )


def _attachment(archive: "Archive", view: "RecordView", number: int) -> bytes:
    from archiver.reading import decode_attachment

    if number > len(view.attachments):
        raise UsageError(
            ngettext(
                "The record has {n} attachment.",
                "The record has {n} attachments.",
                len(view.attachments),
            ).format(n=len(view.attachments)),
            advice=_("`archiver show {id}` lists them.").format(id=view.line.digest.short),
        )
    part = view.attachments[number - 1].part
    _described, data = decode_attachment(archive.evidence.read(view.line.digest), part)
    return data


def _write(globals_: Global, data: bytes, output: Path | None) -> None:
    if output is None:
        write_bytes(data)
        return
    try:
        with output.open("xb") as file:
            file.write(data)
    except FileExistsError as error:
        raise UsageError(
            _("{path} exists already.").format(path=output),
            advice=_("Name another file with --output; nothing is overwritten."),
        ) from error
    globals_.chat(_("Wrote {n} bytes to {path}.").format(n=len(data), path=output))


def _print_view(view: "RecordView", zone: tzinfo, grades: "tuple[OriginGrade, DateGrade]") -> None:
    from archiver.search.present import grades_lines, view_lines

    print_rows((*view_lines(view, zone), *grades_lines(*grades)))
    echo()
    echo("\n".join(printable(text) for text in view.text.splitlines()))
    for number, attachment in enumerate(view.attachments, 1):
        echo(
            _("[{number}] {name} ({type}, {size} bytes)").format(
                number=number,
                name=printable(attachment.name),
                type=attachment.type,
                size=attachment.size,
            )
        )
    for defect in view.defects:
        echo(_("[defect] {message}").format(message=printable(defect.message)))


COMMANDS = {"show": show}
