"""``hold``, ``release``, ``retention``: what must not be erased, and until when."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING

import click

from archiver.cli.context import Global, actor, pass_global
from archiver.cli.output import SCHEMA, echo, json_option, print_json, printable
from archiver.cli.search import find_record
from archiver.errors import UsageError
from archiver.model.custody import Hold
from archiver.model.digest import Position

if TYPE_CHECKING:
    from archiver.app import Archive
    from archiver.custody.holds import ActiveHold
    from archiver.custody.retention import Kept

reason_option = click.option("--reason", default="", help=_("Why, in your own words."))


@click.command(
    help=_(
        "Keep records from being erased, because a dispute is expected: all of an engagement, now "
        "and later, or single records. Without arguments: list the holds.\n\n"
        "\b\nExamples:\n"
        "  archiver hold acme-2026 --reason 'letter of formal notice of 3 May'\n"
        "  archiver hold 3f9a1c 77b02d\n"
        "  archiver hold"
    )
)
@click.argument("what", metavar="[ENGAGEMENT|ID]...", nargs=-1)
@reason_option
@json_option
@pass_global
def hold(globals_: Global, what: tuple[str, ...], reason: str, format_: str) -> None:
    from archiver.custody.holds import active_holds, place_holds

    if reason and not what:
        raise UsageError(
            _("--reason is given for no hold."),
            advice=_("Name an engagement or records: archiver hold ACME-2026 --reason TEXT"),
        )
    with globals_.open() as archive:
        if what:
            slugs, records = _engagements_and_records(archive, what)
            already = [each for each in active_holds(archive.evidence) if each.engagement in slugs]
            placed = place_holds(
                archive.evidence,
                engagements=slugs,
                records=records,
                reason=reason.strip(),
                actor=actor(),
            )
            archive.level()
            _tell_placed(globals_, placed)
            for each in already:
                globals_.chat(
                    _("Hold {entry} on {slug} stands as well: each is released by itself.").format(
                        entry=each.entry, slug=each.engagement
                    )
                )
            return
        holds = active_holds(archive.evidence)
        if format_ == "json":
            print_json({"schema": SCHEMA, "holds": [_hold_json(archive, each) for each in holds]})
        else:
            _print_holds(archive, holds)


def _engagements_and_records(
    archive: "Archive", what: Sequence[str]
) -> tuple[list[str], list[Position]]:
    """Tell the engagements among WHAT from the records; a name that is both is the engagement."""
    slugs = {engagement.slug for engagement in archive.copies.engagements}
    try:
        records = [find_record(archive, each) for each in what if each not in slugs]
    except UsageError as error:
        named = ", ".join(sorted(slugs)) or _("none")
        advice = _("{advice} Engagements: {slugs}.").format(advice=error.advice, slugs=named)
        raise UsageError(error.what, advice=advice) from error
    return [each for each in what if each in slugs], records


def _tell_placed(globals_: Global, placed: Sequence[Position]) -> None:
    for entry in placed:
        globals_.chat(
            _("Hold {entry} stands; to end it: archiver release {entry}").format(entry=entry)
        )


def _hold_json(archive: "Archive", hold_: "ActiveHold") -> Mapping[str, object]:
    from archiver.custody.holds import covered

    catalogue = archive.catalogue
    lines = catalogue.lines(catalogue.order(hold_.records))
    return {
        "entry": hold_.entry,
        "at": hold_.at.isoformat(),
        "by": hold_.actor,
        "engagement": hold_.engagement,
        "records": [line.digest.hex for line in lines],
        "covers": len(covered(hold_, catalogue)),
        "reason": hold_.reason,
    }


def _print_holds(archive: "Archive", holds: "Sequence[ActiveHold]") -> None:
    from archiver.custody.holds import hold_words

    for each in holds:
        echo(printable(hold_words(each)))
        lines = archive.catalogue.lines(archive.catalogue.order(each.records))
        for line in lines:
            day = line.date.astimezone(archive.time_zone).date().isoformat()
            echo(f"    {line.digest.short}  {day}  {printable(line.subject)}")
    if not holds:
        echo(_("There is no hold."))


@click.command(
    help=_(
        "End a hold or a restriction by its entry number, or let a record that is withheld from "
        "dossiers out by its ID.\n\n"
        "\b\nExamples:\n"
        "  archiver release 1234 --reason 'settled'\n"
        "  archiver release 3f9a1c"
    )
)
@click.argument("what", metavar="ENTRY|ID")
@reason_option
@pass_global
def release(globals_: Global, what: str, reason: str) -> None:
    from archiver.custody.holds import end

    with globals_.open() as archive:
        entry = _entry(archive, what)
        if entry is None:
            _let_out(globals_, archive, what, reason.strip())
            return
        ended = end(archive.evidence, entry, reason=reason.strip(), actor=actor())
        archive.level()
        globals_.chat(
            _("Hold {entry} is released.").format(entry=entry)
            if isinstance(ended, Hold)
            else _("Restriction {entry} is released.").format(entry=entry)
        )


def _entry(archive: "Archive", what: str) -> Position | None:
    """Return the entry that WHAT means; None when it means a record.

    Digits alone are an entry's number if a hold or a restriction stands there, or if the journal
    has such a number and no record is called so.
    """
    if not (what.isascii() and what.isdigit()):
        return None
    number = int(what)
    if number in archive.evidence.journal.positions_by_type("hold", "restrict"):
        return Position(number)
    if number < archive.evidence.size and not archive.catalogue.resolve(what):
        return Position(number)
    return None


def _let_out(globals_: Global, archive: "Archive", id_: str, reason: str) -> None:
    from archiver.custody.holds import active_holds, let_out

    record = find_record(archive, id_)
    over = [each for each in active_holds(archive.evidence) if record in each.records]
    if over:
        raise UsageError(
            _("The record {id} is under a hold: its entry number says which one is to end.").format(
                id=id_
            ),
            advice=" ".join(
                _("archiver release {entry}").format(entry=each.entry) for each in over
            ),
        )
    if not archive.withheld([record], *archive.copies.engagements):
        raise UsageError(
            _("The record {id} is neither under a hold nor withheld.").format(id=id_),
            advice=_("`archiver hold` and `archiver withhold` list what can be released."),
        )
    let_out(archive.evidence, record, reason=reason, actor=actor())
    archive.level()
    globals_.chat(_("The record {id} may stand in dossiers from now on.").format(id=id_))


@click.command(
    help=_(
        "List until when engagements are kept, what is due and what a hold suspends; or say it "
        "for one engagement. Nothing is erased by a date alone.\n\n"
        "\b\nExamples:\n"
        "  archiver retention\n"
        "  archiver retention acme-2026 --until 2031-12-31 --reason 'five years after delivery'"
    )
)
@click.argument("slug", metavar="[ENGAGEMENT]", required=False)
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help=_("The last day of keeping."))
@click.option("--reason", default="", help=_("Why it is kept so long."))
@json_option
@pass_global
def retention(
    globals_: Global, slug: str | None, until: datetime | None, reason: str, format_: str
) -> None:
    if slug is not None and until is not None:
        if not reason.strip():
            raise UsageError(
                _("A retention date needs its reason."),
                advice=_("For example --reason 'limitation period of five years'."),
            )
        with globals_.open() as archive:
            _set_retention(globals_, archive, slug, until.date(), reason.strip())
        return
    if until is not None or reason:
        raise UsageError(
            _("A retention date is set for one engagement."),
            advice=_("Give all three: archiver retention ENGAGEMENT --until DATE --reason TEXT"),
        )
    with globals_.open() as archive:
        kept = _kept(archive, slug)
        if format_ == "json":
            print_json({"schema": SCHEMA, "retention": [_kept_json(each) for each in kept]})
        else:
            _print_kept(kept)


def _set_retention(
    globals_: Global, archive: "Archive", slug: str, until: date, reason: str
) -> None:
    from archiver.care.engagements import current_text, draft, require, store
    from archiver.care.working_copies import engagement_name
    from archiver.engagements.edit import with_retention
    from archiver.engagements.engagement import Retention

    require(archive.copies.engagements, slug)
    before = current_text(archive.evidence, slug)
    kept = Retention(until=until, reason=reason)
    text = with_retention(before, kept, name=engagement_name(slug))
    if text == before:
        globals_.chat(_("{slug} says so already.").format(slug=slug))
        return
    store(archive.evidence, draft(slug, text), before=before, actor=actor())
    archive.relevel()
    globals_.chat(
        _("{slug} is kept until {until}: {reason}").format(
            slug=slug, until=until.isoformat(), reason=reason
        )
    )


def _kept(archive: "Archive", slug: str | None) -> "Sequence[Kept]":
    from archiver.care.engagements import require
    from archiver.custody.holds import active_holds
    from archiver.custody.retention import standing

    engagements = archive.copies.engagements
    if slug is not None:
        require(engagements, slug)
    today = archive.clock().astimezone(archive.time_zone).date()
    holds = active_holds(archive.evidence)
    kept = archive.projections.look_up(
        lambda catalogue: standing(catalogue, engagements, holds, today=today)
    )
    return [each for each in kept if slug in {None, each.engagement.slug}]


def _kept_json(kept: "Kept") -> Mapping[str, object]:
    said = kept.engagement.retention
    return {
        "engagement": kept.engagement.slug,
        "until": said.until.isoformat() if said else None,
        "reason": said.reason if said else "",
        "over": kept.over,
        "records": kept.records,
        "due": len(kept.due),
        "kept_elsewhere": len(kept.kept_elsewhere),
        "suspended_by": [each.entry for each in kept.holds],
    }


def _print_kept(kept: "Sequence[Kept]") -> None:
    from archiver.custody.holds import hold_words

    for each in kept:
        slug, said = each.engagement.slug, each.engagement.retention
        count = ngettext("{n} record", "{n} records", each.records).format(n=each.records)
        if said is None:
            echo(_("{slug}: no retention date ({count})").format(slug=slug, count=count))
        else:
            echo(
                _("{slug}: kept until {until} ({count}): {reason}").format(
                    slug=slug,
                    until=said.until.isoformat(),
                    count=count,
                    reason=printable(said.reason),
                )
            )
        if each.over:
            _print_due(each, suspended=bool(each.holds))
        for hold_ in each.holds:
            echo("    " + _("suspended: {hold}").format(hold=printable(hold_words(hold_))))
    if not kept:
        echo(_("There is no engagement."))


def _print_due(kept: "Kept", *, suspended: bool) -> None:
    due = ngettext("{n} record is due", "{n} records are due", len(kept.due)).format(
        n=len(kept.due)
    )
    if suspended:
        echo(f"    {due}")
        return
    command = f"archiver erase --retention {kept.engagement.slug}"
    echo("    " + _("{due}; to erase: {command}").format(due=due, command=command))
    if kept.kept_elsewhere:
        echo(
            "    "
            + ngettext(
                "{n} record stays: another engagement keeps it, or it waits for a decision",
                "{n} records stay: other engagements keep them, or they wait for a decision",
                len(kept.kept_elsewhere),
            ).format(n=len(kept.kept_elsewhere))
        )


COMMANDS = {"hold": hold, "release": release, "retention": retention}
