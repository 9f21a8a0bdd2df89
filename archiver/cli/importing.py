"""``import``: what brings mail in from files."""

import contextlib
from gettext import gettext as _
from gettext import ngettext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver.cli.context import Global, pass_global
from archiver.cli.intake import tell_intake, tell_problems
from archiver.cli.output import printable
from archiver.errors import UsageError

if TYPE_CHECKING:
    from archiver.pipeline.keep import Intake

IN_PART = 3


@click.command(
    "import",
    help=_(
        "Keep mail from files: mbox, Maildir, .eml, Outlook, Google Takeout.\n\n"
        "Name files, or folders of them: .eml, .emlx, .msg, .pst, mbox, Maildir, and what Google "
        "Takeout hands out, packed or not. Importing the same file again adds nothing; one that "
        "grew adds what is new.\n\n"
        "\b\nExample:\n  archiver import old-mail.mbox ~/Maildir takeout-20260302.tgz"
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
    from archiver.pipeline.importing import import_files, messages_in

    for path in paths:
        if not path.exists():
            raise UsageError(
                _("There is no file or folder {path}.").format(path=path),
                advice=_("Check the path; nothing was imported."),
            )
    with globals_.open() as archive:
        archive.require_continuing()
        messages = messages_in(*paths)
        with contextlib.closing(messages):
            intake = import_files(archive.evidence, messages, progress=archive.progress)
        tell_intake(globals_, _("Import"), intake)
        _tell_passed_over(globals_, intake)
        tell_problems(globals_, _("Import"), intake, _not_imported(len(intake.problems)))
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


COMMANDS = {"import": import_}
