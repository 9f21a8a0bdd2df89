"""``dossier``: hand over what was written."""

import sys
from datetime import date, datetime
from gettext import gettext as _
from gettext import ngettext
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

import click

from archiver.cli.context import Global, actor, is_terminal, pass_global
from archiver.errors import UsageError

if TYPE_CHECKING:
    from archiver.app import Archive
    from archiver.model.digest import Position

_day = click.DateTime(["%Y-%m-%d"])


@click.command(
    help=_(
        "Export an engagement's records as a dossier: a BagIt folder with the exact messages, a "
        "chronology that opens in any browser, and manifests that sha256sum checks.\n\n"
        "\b\nExamples:\n"
        "  archiver dossier acme-2026 --output ACME-dossier\n"
        "  archiver dossier acme-2026 --query 'recette OR livraison' --after 2026-01-01 "
        "--output D\n"
        "  archiver dossier acme-2026 --to 'Me Dupont' --output D"
    )
)
@click.argument("slug", metavar=_("ENGAGEMENT"))
@click.option("--query", default="", help=_("Only records that match (see archiver search)."))
@click.option("--after", type=_day, help=_("From this day on."))
@click.option("--before", type=_day, help=_("Up to this day."))
@click.option("--to", "recipient", default="", help=_("Whom it is for; the journal keeps it."))
@click.option(
    "--output", required=True, type=click.Path(path_type=Path), help=_("A new or empty folder.")
)
@click.option("--yes", is_flag=True, help=_("Do not ask after telling what is inside."))
@pass_global
def dossier(
    globals_: Global,
    slug: str,
    query: str,
    after: datetime | None,
    before: datetime | None,
    recipient: str,
    output: Path,
    yes: bool,
) -> None:
    from archiver import SOFTWARE
    from archiver.care.coverage.one_sided import one_sided, ours
    from archiver.care.engagements import require
    from archiver.custody.withheld import tell_withheld
    from archiver.dossier.bag import free_place, require_outside
    from archiver.dossier.exhibits import Selection
    from archiver.dossier.export import choose, hand_over, prepare
    from archiver.dossier.notices import notices, tell

    first, last = _days(after, before)
    with globals_.open() as archive:
        require_outside(output, archive.root)
        free_place(output)
        archive.projections.require_whole()
        engagement = require(archive.copies.engagements, slug)
        archive.before_export()
        matching = _matching(archive, query, first, last)
        withheld = archive.projections.look_up(
            lambda catalogue: archive.withheld(choose(catalogue, engagement, matching), engagement)
        )
        made = archive.projections.look_up(
            lambda catalogue: prepare(
                archive.evidence,
                catalogue,
                engagement,
                own=archive.rules().own,
                matching=matching,
                selection=Selection(query=query, first=first, last=last),
                clock=archive.clock,
                time_zone=archive.time_zone,
                language=cast("Literal['fr', 'en']", archive.copies.settings.language),
                software=SOFTWARE,
                withheld=withheld,
                lacking=one_sided(
                    catalogue,
                    own=ours(archive.copies.settings, engagement),
                    accounts=(),
                    engagement=slug,
                    limit=None,
                ).shown,
                recipient=recipient.strip(),
            )
        )
        exported = frozenset(archive.catalogue.exports(slug).values())
        lines = (
            *tell_withheld(withheld, slug=slug, exported=exported),
            *tell(notices(made), in_full=globals_.verbose),
        )
        for line in lines:
            globals_.tell(line)
        asked = lines and not yes and is_terminal(sys.stdin)
        if asked and not globals_.agrees(_("Write the dossier?")):
            return
        written = hand_over(archive.evidence, made, output, actor=actor())
        archive.level()
    globals_.chat(
        ngettext(
            "Wrote {n} exhibit to {folder} ({files} files). Open {page} in a browser.",
            "Wrote {n} exhibits to {folder} ({files} files). Open {page} in a browser.",
            len(made.exhibits),
        ).format(
            n=len(made.exhibits),
            folder=output,
            files=written.files,
            page=output / "data" / "chronology.html",
        )
    )
    globals_.chat(
        _("SHA-256 of its manifest, to be given by another way: {digest}").format(
            digest=written.manifest
        )
    )


def _days(after: datetime | None, before: datetime | None) -> tuple[date | None, date | None]:
    """Return the first and the last day; raise UsageError when they are the wrong way round."""
    if after is not None and before is not None and after > before:
        raise UsageError(
            _("--after {after:%Y-%m-%d} is later than --before {before:%Y-%m-%d}.").format(
                after=after, before=before
            ),
            advice=_("Give the first day with --after and the last one with --before."),
        )
    return (after.date() if after else None), (before.date() if before else None)


def _matching(
    archive: "Archive", query: str, first: date | None, last: date | None
) -> "frozenset[Position] | None":
    from archiver.search.choose import by_query

    if not query and first is None and last is None:
        return None
    return archive.projections.ask(
        lambda engine: by_query(
            query or "*",
            catalogue=archive.catalogue,
            engine=engine,
            time_zone=archive.time_zone,
            today=archive.clock().astimezone(archive.time_zone).date(),
            first=first,
            last=last,
        )
    )


COMMANDS = {"dossier": dossier}
