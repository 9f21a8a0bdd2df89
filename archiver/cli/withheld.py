"""``withhold``: keep a record out of dossiers, and list what is kept out."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING

import click

from archiver.cli.context import Global, actor, pass_global
from archiver.cli.output import SCHEMA, echo, json_option, print_json, printable
from archiver.cli.search import find_record, line_text
from archiver.errors import UsageError

if TYPE_CHECKING:
    from archiver.app import Archive
    from archiver.engagements.engagement import Engagement
    from archiver.model.digest import Position
    from archiver.model.record import RecordLine
    from archiver.model.withholding import Withholding


@click.command(
    help=_(
        "Keep records out of every dossier; without ID, list what is kept out, and why.\n\n"
        "Correspondence with lawyers and settlement talk is withheld by rule: see the table "
        "[withheld] in docs/dossier.md. `archiver release ID` lets one out.\n\n"
        "\b\nExamples:\n"
        "  archiver withhold 3f9a1c --reason 'letter of our lawyer'\n"
        "  archiver withhold --engagement acme-2026 --format json"
    )
)
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--reason", default="", help=_("Why, in your own words; no dossier tells them."))
@click.option("--engagement", "slug", help=_("List only what this engagement's dossiers withhold."))
@json_option
@pass_global
def withhold(
    globals_: Global, ids: tuple[str, ...], reason: str, slug: str | None, format_: str
) -> None:
    _require_one_use(ids, reason, slug)
    with globals_.open() as archive:
        if ids:
            _withhold(globals_, archive, ids, reason)
            return
        engagements = _engagements(archive, slug)
        found = archive.projections.look_up(lambda _catalogue: _find(archive, engagements, slug))
        lines = archive.catalogue.lines(archive.catalogue.order(found))
        if format_ == "json":
            print_json(_json(lines, found))
        else:
            _print(globals_, lines, found, archive.time_zone)


def _require_one_use(ids: tuple[str, ...], reason: str, slug: str | None) -> None:
    if ids and slug:
        raise UsageError(
            _("--engagement goes with the list, not with ID."),
            advice=_("A record that is withheld is so in the dossiers of every engagement."),
        )
    if reason and not ids:
        raise UsageError(
            _("--reason is given for no record."),
            advice=_("Name the records: archiver withhold ID --reason TEXT"),
        )


def _withhold(globals_: Global, archive: "Archive", ids: Sequence[str], reason: str) -> None:
    from archiver.custody.withheld import withhold as journal

    records = [find_record(archive, id_) for id_ in ids]
    decided = journal(archive.evidence, records, reason=reason.strip(), actor=actor())
    archive.level()
    if not decided:
        globals_.chat(_("Nothing to decide: a person said so already."))
        return
    globals_.chat(
        ngettext(
            "{n} record and its copies are withheld from dossiers.",
            "{n} records and their copies are withheld from dossiers.",
            len(decided),
        ).format(n=len(decided))
    )
    _tell_exported(globals_, archive, decided)


def _tell_exported(globals_: Global, archive: "Archive", records: "Sequence[Position]") -> None:
    """Say that it is too late for those that were handed over already."""
    gone = {
        record
        for engagement in archive.copies.engagements
        for record in archive.catalogue.exports(engagement.slug).values()
    }.intersection(records)
    if gone:
        globals_.tell(
            ngettext(
                "{n} of them went out in a dossier before; `archiver journal ID` says when and to "
                "whom.",
                "{n} of them went out in dossiers before; `archiver journal ID` says when and to "
                "whom.",
                len(gone),
            ).format(n=len(gone))
        )


def _engagements(archive: "Archive", slug: str | None) -> "tuple[Engagement, ...]":
    from archiver.care.engagements import require

    engagements = archive.copies.engagements
    return (require(engagements, slug),) if slug else engagements


def _find(
    archive: "Archive", engagements: "Sequence[Engagement]", slug: str | None
) -> "Mapping[Position, Withholding]":
    """Return what the dossiers of ENGAGEMENTS withhold, and what is withheld by hand alone."""
    from archiver.custody.withheld import known_by_hand

    found: dict[Position, Withholding] = {}
    for engagement in engagements:
        tagged = archive.catalogue.tagged(engagement.slug)
        found |= archive.withheld(tagged, engagement)
    if slug is None:
        by_hand = known_by_hand(archive.evidence, archive.catalogue)
        found = {**archive.withheld(by_hand - found.keys()), **found}
    return found


def _json(
    lines: "Sequence[RecordLine]", found: "Mapping[Position, Withholding]"
) -> Mapping[str, object]:
    return {
        "schema": SCHEMA,
        "withheld": [
            {
                "id": line.digest.hex,
                "position": line.position,
                "date": line.date.isoformat(),
                "subject": line.subject,
                "engagements": list(line.engagements),
                "copy_of": found[line.position].copy_of,
                "reasons": [
                    {
                        "kind": ground.kind,
                        "about": ground.about,
                        "value": ground.value,
                        "source": ground.source,
                        "entry": ground.entry,
                        "at": ground.at.isoformat() if ground.at else None,
                        "actor": ground.actor,
                    }
                    for ground in found[line.position].grounds
                ],
            }
            for line in lines
        ],
    }


def _print(
    globals_: Global,
    lines: "Sequence[RecordLine]",
    found: "Mapping[Position, Withholding]",
    zone: tzinfo,
) -> None:
    from archiver.custody.withheld import ground_words

    for line in lines:
        echo(line_text(line, zone))
        withholding = found[line.position]
        if withholding.copy_of is not None:
            echo("    " + _("as a copy of entry {entry}").format(entry=withholding.copy_of))
        for ground in withholding.grounds:
            echo(f"    {printable(ground_words(ground))}")
    globals_.chat(
        ngettext("{n} record is withheld.", "{n} records are withheld.", len(lines)).format(
            n=len(lines)
        )
    )


COMMANDS = {"withhold": withhold}
