"""``inspect``: what the archiver reads in one mail file, without an archive."""

from gettext import gettext as _
from pathlib import Path

import click

from archiver.cli.output import echo, json_option, print_json, printable


@click.command(
    help=_(
        "Show what the archiver reads in one mail file; no archive is needed.\n\n"
        "\b\nExample:\n  archiver inspect message.eml --format json"
    )
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@json_option
def inspect(file: Path, format_: str) -> None:
    from archiver.model.reading import Unreadable
    from archiver.reading import read
    from archiver.reading.inspection import inspection

    reading = read(file.read_bytes())
    if format_ == "json":
        print_json(inspection(reading))
        return
    if isinstance(reading, Unreadable):
        echo(_("This cannot be read as a message."))
    else:
        for name, value in reading.headers:
            echo(f"{printable(name)}: {printable(value)}")
        echo()
        echo("\n".join(printable(line) for line in reading.text.splitlines()))
        for attachment in reading.attachments:
            echo(
                _("[attachment {part}] {name} ({type}, {size} bytes)").format(
                    part=attachment.part,
                    name=printable(attachment.name),
                    type=attachment.type,
                    size=attachment.size,
                )
            )
    for defect in reading.defects:
        echo(_("[defect] {message}").format(message=printable(defect.message)))


COMMANDS = {"inspect": inspect}
