"""``prove``: hand over one record with all that is needed to check it."""

import sys
from collections.abc import Iterator
from gettext import gettext as _
from gettext import ngettext
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import click

from archiver.cli.context import Global, actor, is_terminal, pass_global
from archiver.cli.search import find_record
from archiver.errors import OperationError, UsageError

if TYPE_CHECKING:
    from archiver.app import Archive
    from archiver.dossier.proof.values import Proof
    from archiver.evidence.stamps.outcome import Outcome
    from archiver.model.digest import Position


@click.command(
    help=_(
        "Write a folder that lets anyone check one record without this program: its exact bytes, "
        "since when it was kept as a third party dated it, and how to verify. It tells nothing of "
        "accounts, folders or other records; its page lists what it tells besides the record. "
        "ID is the record's digest or the beginning of it.\n\n"
        "\b\nExamples:\n"
        "  archiver prove 3f9a1c --output proof-3f9a1c\n"
        "  archiver prove 3f9a1c --output P --to 'Me Dupont'"
    )
)
@click.argument("id_", metavar="ID")
@click.option(
    "--output", required=True, type=click.Path(path_type=Path), help=_("A new or empty folder.")
)
@click.option("--to", "recipient", default="", help=_("Whom it is for; the journal keeps it."))
@click.option(
    "--no-origin",
    is_flag=True,
    help=_("Leave out what was recorded about the sender: it names your mail provider's server."),
)
@click.option("--yes", is_flag=True, help=_("Write it without asking, whatever was told."))
@pass_global
def prove(
    globals_: Global, id_: str, output: Path, recipient: str, no_origin: bool, yes: bool
) -> None:
    from archiver.dossier.bag import free_place, require_outside
    from archiver.dossier.proof.collect import collect
    from archiver.dossier.proof.folder import hand_over

    with globals_.open() as archive:
        require_outside(output, archive.root)
        free_place(output)
        position = find_record(archive, id_)
        _require_not_withheld(archive, position)
        _sign_and_date(globals_, archive)
        proof = collect(archive.evidence, position, with_origin=not no_origin)
        lines = tuple(_notices(proof, no_origin))
        for line in lines:
            globals_.tell(line)
        asked = lines and not yes and is_terminal(sys.stdin)
        if asked and not globals_.agrees(_("Write the proof?")):
            return
        written = hand_over(
            archive.evidence,
            proof,
            output,
            language=cast("Literal['fr', 'en']", archive.copies.settings.language),
            recipient=recipient.strip(),
            actor=actor(),
        )
        archive.level()
    _tell_written(globals_, proof, output, written.files, str(written.manifest))


def _require_not_withheld(archive: "Archive", position: "Position") -> None:
    withheld = archive.projections.look_up(
        lambda _catalogue: archive.withheld([position], *archive.copies.engagements)
    )
    if position in withheld:
        raise UsageError(
            _("The record is withheld: `archiver withhold` lists why."),
            advice=_("Let it out first, if that is what you want: archiver release ID"),
        )


def _sign_and_date(globals_: Global, archive: "Archive") -> None:
    """Sign the journal, have it dated, and sign again so that the dating itself is covered."""
    from archiver.dossier.bag import require_writable
    from archiver.evidence.stamps.outcome import warnings_of

    require_writable(archive.evidence)
    _sign(archive)
    outcome: Outcome = archive.anchor(due=False)
    for line in warnings_of(outcome, archive.time_zone):
        globals_.tell(line)
    if outcome.stamped:
        _sign(archive)


def _sign(archive: "Archive") -> None:
    if not archive.checkpoint():
        raise OperationError(
            _("The journal could not be signed, so no proof was written."),
            advice=_("Mend what was told above, then run the command again."),
        )


def _notices(proof: "Proof", no_origin: bool) -> Iterator[str]:
    """Tell what a person should know before the folder leaves the house."""
    yield from proof.left_out
    if not proof.first_stamps:
        yield _(
            "No third party has dated this record yet: the proof shows what was kept, not since "
            "when. `archiver authority add --help` tells how to have it dated."
        )
    if not proof.origins and not no_origin:
        yield _("Nothing was recorded about who sent it; `archiver origin` tries again.")


def _tell_written(
    globals_: Global, proof: "Proof", output: Path, files: int, manifest: str
) -> None:
    globals_.chat(
        ngettext(
            "Wrote the proof to {folder} ({files} file). Open {page} in a browser.",
            "Wrote the proof to {folder} ({files} files). Open {page} in a browser.",
            files,
        ).format(folder=output, files=files, page=output / "README.html")
    )
    globals_.chat(_("To be given by another way, so that the reader can compare:"))
    globals_.chat(_("SHA-256 of its manifest: {digest}").format(digest=manifest))
    globals_.chat(_("SHA-256 of the log's key: {digest}").format(digest=proof.key_digest))


COMMANDS = {"prove": prove}
