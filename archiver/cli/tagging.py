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
from archiver.model.digest import Position

if TYPE_CHECKING:
    from archiver.app import Archive
    from archiver.care.decisions import Pairs, Waiting
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
    from archiver.care.decisions import unsaid
    from archiver.care.engagements import require

    with globals_.open() as archive:
        require(archive.copies.engagements, slug)
        reached = reach(archive, ids, scope)
        records = unsaid(archive.catalogue, reached, slug, belongs=belongs)
        pairs = [(position, slug) for position in records]
        _journal(
            globals_,
            archive,
            pairs if belongs else (),
            () if belongs else pairs,
            scope=scope,
            nothing=_("Nothing to decide: a person said so already."),
        )


def _journal(
    globals_: Global,
    archive: "Archive",
    belongs: "Pairs",
    does_not: "Pairs",
    *,
    scope: "Scope",
    nothing: str,
) -> None:
    """Journal a decision and tell its name, then tag again.

    The name is told first: should the tagging fail, the decision stands and can be taken back.
    NOTHING is told when there is nothing to decide.
    """
    from archiver.care.decisions import decide

    decided = decide(
        archive.evidence,
        belongs=belongs,
        does_not=does_not,
        scope=scope,
        actor=actor(),
        entropy=archive.entropy,
    )
    if decided is None:
        globals_.chat(nothing)
    else:
        globals_.chat(
            ngettext(
                "{n} record decided; to take it back: archiver undo {decision}",
                "{n} records decided; to take it back: archiver undo {decision}",
                decided.records,
            ).format(n=decided.records, decision=decided.decision)
        )
    archive.relevel()


def reach(archive: "Archive", ids: Sequence[str], scope: "Scope") -> tuple["Position", ...]:
    """Return the records that IDS mean under SCOPE; raise UsageError when there are none."""
    from archiver.search.choose import by_query, same_sender

    found: frozenset[Position] = frozenset()
    match scope:
        case "query":
            today = archive.clock().astimezone(archive.time_zone).date()
            found = archive.projections.ask(
                lambda engine: by_query(
                    " ".join(ids),
                    catalogue=archive.catalogue,
                    engine=engine,
                    time_zone=archive.time_zone,
                    today=today,
                )
            )
        case "message":
            found = frozenset(find_record(archive, id_) for id_ in ids)
        case "thread":
            named = [find_record(archive, id_) for id_ in ids]
            found = archive.projections.look_up(
                lambda catalogue: frozenset(
                    member for record in named for member in catalogue.thread(record)
                )
            )
        case "sender":
            named = [find_record(archive, id_) for id_ in ids]
            found = archive.projections.look_up(
                lambda catalogue: frozenset[Position]().union(
                    *(same_sender(catalogue, record) for record in named)
                )
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
        count = take_back(archive.evidence, archive.catalogue, decision, actor=actor())
        globals_.chat(
            ngettext(
                "Taken back: {n} entry no longer counts.",
                "Taken back: {n} entries no longer count.",
                count,
            ).format(n=count)
        )
        archive.relevel()


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
        waiting_ = archive.projections.look_up(lambda catalogue: catalogue.undecided())
        undecided = {item.record: item for item in waiting_}
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
        "The records that wait belong to ENGAGEMENT, and to none of the other candidates. What "
        "was decided already stays as it is: see archiver tag.\n\n"
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
    from archiver.care.decisions import refuse_settled, waiting
    from archiver.care.engagements import ourselves, require, senders

    with globals_.open() as archive:
        require(archive.copies.engagements, slug)
        reached = reach(archive, ids, cast("Scope", scope))
        open_ = waiting(archive.catalogue, reached)
        if scope == "message":
            refuse_settled(archive.catalogue, reached, slug, waiting=open_)
        people: tuple[str, ...] = ()
        if make_rule:
            ours = ourselves(archive.copies.engagements, own=archive.rules().own)
            people = senders(archive.catalogue, tuple(open_) or reached, ours=ours)
        if dry_run:
            _show_reach(archive, slug, tuple(open_), people)
            return
        if make_rule:
            _make_rule(globals_, archive, slug, people)
        _settle(globals_, archive, open_, slug, cast("Scope", scope))


@triage.command(
    "dismiss",
    help=_(
        "The records that wait belong to none of their candidates.\n\n"
        "\b\nExample:\n  archiver triage dismiss 3f9a1c"
    ),
)
@click.argument("ids", metavar="ID", nargs=-1, required=True)
@scope_option
@pass_global
def triage_dismiss(globals_: Global, ids: tuple[str, ...], scope: str) -> None:
    from archiver.care.decisions import waiting

    with globals_.open() as archive:
        open_ = waiting(archive.catalogue, reach(archive, ids, cast("Scope", scope)))
        _settle(globals_, archive, open_, None, cast("Scope", scope))


def _settle(
    globals_: Global, archive: "Archive", waiting: "Waiting", slug: str | None, scope: "Scope"
) -> None:
    from archiver.care.decisions import assigned

    _journal(
        globals_,
        archive,
        *assigned(waiting, slug),
        scope=scope,
        nothing=_(
            "Nothing to decide: no record of these waits. "
            "About others decide with archiver tag and untag."
        ),
    )


def _show_reach(
    archive: "Archive", slug: str, records: Sequence["Position"], people: Sequence[str]
) -> None:
    echo(
        ngettext(
            "{n} record would be tied to {slug}:",
            "{n} records would be tied to {slug}:",
            len(records),
        ).format(n=len(records), slug=slug)
    )
    for line in archive.catalogue.lines(archive.catalogue.order(records)):
        echo(f"  {line_text(line, archive.time_zone)}")
    for address in people:
        echo(
            _("{slug}: {address} would be a person of the client.").format(
                slug=slug, address=address
            )
        )


def _make_rule(globals_: Global, archive: "Archive", slug: str, addresses: Sequence[str]) -> None:
    from archiver.care.engagements import add_people

    added = add_people(archive.evidence, slug, addresses, actor=actor())
    archive.reread_copies()
    for address in addresses:
        told = (
            _("{slug}: {address} is now a person of the client.")
            if address in added
            else _("{slug}: {address} was a person of the client already.")
        )
        globals_.chat(told.format(slug=slug, address=address))


COMMANDS = {"tag": tag, "untag": untag, "undo": undo, "triage": triage}
