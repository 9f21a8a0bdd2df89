"""``tag``, ``untag``, ``undo``, ``triage``: what a person decides about records."""

from collections.abc import Sequence
from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING, cast

import click

from archiver.cli.context import Global, actor, pass_global
from archiver.cli.engagement import dry_run_option
from archiver.cli.output import SCHEMA, echo, json_option, print_json, printable
from archiver.cli.search import find_record, line_text
from archiver.errors import UsageError

if TYPE_CHECKING:
    from archiver.app import Archive
    from archiver.care.decisions import Decided
    from archiver.model.digest import Position
    from archiver.model.entries import Scope

scope_option = click.option(
    "--scope",
    type=click.Choice(["message", "thread", "sender", "query"]),
    default="message",
    show_default=True,
    help=_("What it applies to: the record, its thread, all mail of its sender, or a query."),
)


@click.command(
    help=_(
        "Say that records belong to an engagement. IDs are digests or their beginnings; with "
        "--scope query, give one query instead.\n\n"
        "\b\nExamples:\n"
        "  archiver tag acme-2026 3f9a1c\n"
        "  archiver tag acme-2026 --scope thread 3f9a1c\n"
        "  archiver tag acme-2026 --scope query 'subject:migration date:2026-03'"
    )
)
@click.argument("slug", metavar=_("ENGAGEMENT"))
@click.argument("ids", metavar="ID", nargs=-1, required=True)
@scope_option
@pass_global
def tag(globals_: Global, slug: str, ids: tuple[str, ...], scope: str) -> None:
    _decide(globals_, slug, ids, cast("Scope", scope), belongs=True)


@click.command(
    help=_(
        "Say that records do not belong to an engagement.\n\n"
        "\b\nExample:\n  archiver untag acme-2026 3f9a1c"
    )
)
@click.argument("slug", metavar=_("ENGAGEMENT"))
@click.argument("ids", metavar="ID", nargs=-1, required=True)
@scope_option
@pass_global
def untag(globals_: Global, slug: str, ids: tuple[str, ...], scope: str) -> None:
    _decide(globals_, slug, ids, cast("Scope", scope), belongs=False)


def _decide(
    globals_: Global, slug: str, ids: Sequence[str], scope: "Scope", *, belongs: bool
) -> None:
    from archiver.care.decisions import decide
    from archiver.care.engagements import require

    with globals_.open() as archive:
        if belongs:
            require(archive.copies.engagements, slug)
        pairs = [(position, slug) for position in reach(archive, ids, scope)]
        decided = decide(
            archive.evidence,
            belongs=pairs if belongs else (),
            does_not=() if belongs else pairs,
            scope=scope,
            actor=actor(),
            entropy=archive.entropy,
        )
        archive.relevel()
    _tell(globals_, decided)


def _tell(globals_: Global, decided: "Decided") -> None:
    globals_.chat(
        ngettext(
            "{n} record decided; to take it back: archiver undo {decision}",
            "{n} records decided; to take it back: archiver undo {decision}",
            decided.records,
        ).format(n=decided.records, decision=decided.decision)
    )


def reach(archive: "Archive", ids: Sequence[str], scope: "Scope") -> tuple["Position", ...]:
    """Return the records that IDS mean under SCOPE; raise UsageError when there are none."""
    from archiver.search.choose import by_query, same_sender

    catalogue = archive.catalogue
    found: frozenset[Position] = frozenset()
    match scope:
        case "query":
            today = archive.clock().astimezone(archive.time_zone).date()
            found = archive.projections.ask(
                lambda engine: by_query(
                    " ".join(ids),
                    catalogue=catalogue,
                    engine=engine,
                    time_zone=archive.time_zone,
                    today=today,
                )
            )
        case "message":
            found = frozenset(find_record(archive, id_) for id_ in ids)
        case "thread":
            found = frozenset(
                member for id_ in ids for member in catalogue.thread(find_record(archive, id_))
            )
        case "sender":
            found = frozenset(
                other for id_ in ids for other in same_sender(catalogue, find_record(archive, id_))
            )
    if not found:
        raise UsageError(
            _("No record matches."), advice=_("Try the query with `archiver search` first.")
        )
    return tuple(sorted(found))


@click.command(
    help=_(
        "Take back a decision that tag, untag or triage made; the rules decide again.\n\n"
        "\b\nExample:\n  archiver undo 5d41402abc4b2a76"
    )
)
@click.argument("decision")
@pass_global
def undo(globals_: Global, decision: str) -> None:
    from archiver.care.decisions import undo as take_back

    with globals_.open() as archive:
        count = take_back(archive.evidence, decision, actor=actor())
        archive.relevel()
    globals_.chat(
        ngettext(
            "Taken back: {n} entry no longer counts.",
            "Taken back: {n} entries no longer count.",
            count,
        ).format(n=count)
    )


@click.group(
    invoke_without_command=True,
    help=_(
        "Mail that several engagements fit: a person decides. Without a command: list it.\n\n"
        "\b\nExamples:\n"
        "  archiver triage\n"
        "  archiver triage assign acme-2026 3f9a1c --scope thread\n"
        "  archiver triage dismiss 3f9a1c"
    ),
)
@json_option
@click.pass_context
def triage(ctx: click.Context, format_: str) -> None:
    if ctx.invoked_subcommand is None:
        _list_undecided(ctx.find_object(Global), format_)


def _list_undecided(globals_: Global | None, format_: str) -> None:
    assert globals_ is not None  # noqa: S101  the main group always makes it
    with globals_.open() as archive:
        undecided = {item.record: item for item in archive.catalogue.undecided()}
        lines = archive.catalogue.lines(archive.catalogue.order(undecided))
        zone = archive.time_zone
    if format_ == "json":
        print_json(
            {
                "schema": SCHEMA,
                "total": len(lines),
                "undecided": [
                    {
                        "id": line.digest.hex,
                        "date": line.date.isoformat(),
                        "subject": line.subject,
                        "candidates": [
                            {"engagement": slug, "reason": reason}
                            for slug, reason in undecided[line.position].candidates
                        ],
                    }
                    for line in lines
                ],
            }
        )
        return
    for line in lines:
        echo(line_text(line, zone))
        for slug, reason in undecided[line.position].candidates:
            echo(f"    {slug}: {printable(reason)}")
    if lines:
        globals_.chat(_("Decide: archiver triage assign ENGAGEMENT ID, or triage dismiss ID"))
    else:
        echo(_("Nothing waits for a decision."))


@triage.command(
    "assign",
    help=_(
        "The records belong to ENGAGEMENT, and to none of the other candidates.\n\n"
        "\b\nExample:\n  archiver triage assign acme-2026 3f9a1c --scope sender --make-rule"
    ),
)
@click.argument("slug", metavar=_("ENGAGEMENT"))
@click.argument("ids", metavar="ID", nargs=-1, required=True)
@scope_option
@click.option(
    "--make-rule",
    is_flag=True,
    help=_("Also write the sender into the engagement's file, for mail to come."),
)
@dry_run_option
@pass_global
def triage_assign(
    globals_: Global, slug: str, ids: tuple[str, ...], scope: str, make_rule: bool, dry_run: bool
) -> None:
    from archiver.care.engagements import require

    with globals_.open() as archive:
        require(archive.copies.engagements, slug)
        records = reach(archive, ids, cast("Scope", scope))
        if dry_run:
            _show_reach(archive, slug, records)
            return
        if make_rule:
            _make_rule(globals_, archive, slug, records)
        _assign(globals_, archive, records, slug, cast("Scope", scope))


@triage.command(
    "dismiss",
    help=_(
        "The records belong to none of their candidates.\n\n"
        "\b\nExample:\n  archiver triage dismiss 3f9a1c"
    ),
)
@click.argument("ids", metavar="ID", nargs=-1, required=True)
@scope_option
@pass_global
def triage_dismiss(globals_: Global, ids: tuple[str, ...], scope: str) -> None:
    with globals_.open() as archive:
        records = reach(archive, ids, cast("Scope", scope))
        _assign(globals_, archive, records, None, cast("Scope", scope))


def _assign(
    globals_: Global,
    archive: "Archive",
    records: Sequence["Position"],
    slug: str | None,
    scope: "Scope",
) -> None:
    from archiver.care.decisions import all_but, decide

    candidates = {
        item.record: tuple(name for name, _reason in item.candidates)
        for item in archive.catalogue.undecided()
    }
    decided = decide(
        archive.evidence,
        belongs=[(record, slug) for record in records] if slug else (),
        does_not=[
            (record, other)
            for record in records
            for other in all_but(candidates.get(record, ()), slug)
        ],
        scope=scope,
        actor=actor(),
        entropy=archive.entropy,
    )
    archive.relevel()
    _tell(globals_, decided)


def _show_reach(archive: "Archive", slug: str, records: Sequence["Position"]) -> None:
    echo(
        ngettext(
            "{n} record would be tied to {slug}:",
            "{n} records would be tied to {slug}:",
            len(records),
        ).format(n=len(records), slug=slug)
    )
    for line in archive.catalogue.lines(archive.catalogue.order(records)):
        echo(f"  {line_text(line, archive.time_zone)}")


def _make_rule(
    globals_: Global, archive: "Archive", slug: str, records: Sequence["Position"]
) -> None:
    from archiver.care.engagements import add_people

    senders = {
        mailbox.folded
        for line in archive.catalogue.lines(records)
        for mailbox in line.from_
        if mailbox.address
    } - archive.rules().own
    added = add_people(archive.evidence, slug, sorted(senders), actor=actor())
    archive.reread_copies()
    for address in added:
        globals_.chat(
            _("{slug}: {address} is now a person of the client.").format(slug=slug, address=address)
        )


COMMANDS = {"tag": tag, "untag": untag, "undo": undo, "triage": triage}
