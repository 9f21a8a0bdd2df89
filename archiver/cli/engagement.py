"""``engagement``: add, list, show, edit, remove, check."""

from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING

import click

from archiver.cli.context import Global, actor, pass_global
from archiver.cli.language import users_environment
from archiver.cli.output import (
    SCHEMA,
    echo,
    json_option,
    print_findings,
    print_json,
    printable,
    report_json,
)
from archiver.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from archiver.app import Archive
    from archiver.care.engagements import Draft
    from archiver.engagements import Changes

FOUND = 3
_SHOWN_CHANGES = 20
_day = click.DateTime(["%Y-%m-%d"])
dry_run_option = click.option(
    "--dry-run", is_flag=True, help=_("Only say what would move; nothing is written.")
)


@click.group(
    help=_(
        "Engagements: the pieces of work that records are tied to.\n\n"
        "\b\nExample:\n  archiver engagement add --help"
    )
)
def engagement() -> None:
    pass


@engagement.command(
    "add",
    help=_(
        "Add an engagement; records the archive holds are tied to it at once.\n\n"
        "\b\nExample:\n"
        "  archiver engagement add acme-2026 --client 'ACME SA' --domain acme.example \\\n"
        "    --person marie@freemail.example --us me@consultant.example --code ACME-42"
    ),
)
@click.argument("slug")
@click.option("--client", required=True, help=_("The client's name."))
@click.option("--domain", "domains", multiple=True, help=_("A mail domain of the client."))
@click.option("--person", "people", multiple=True, help=_("An address on the client's side."))
@click.option("--us", multiple=True, help=_("An address on our side."))
@click.option("--code", "codes", multiple=True, help=_("Words in subjects that name it."))
@click.option("--folder", "folders", multiple=True, help=_("A folder that holds its mail."))
@click.option("--after", type=_day, help=_("First day of the work."))
@click.option("--before", type=_day, help=_("Last day of the work."))
@dry_run_option
@pass_global
def engagement_add(
    globals_: Global,
    slug: str,
    client: str,
    domains: tuple[str, ...],
    people: tuple[str, ...],
    us: tuple[str, ...],
    codes: tuple[str, ...],
    folders: tuple[str, ...],
    after: "datetime | None",
    before: "datetime | None",
    dry_run: bool,
) -> None:
    from archiver.care.engagements import draft, refuse_known
    from archiver.engagements import new_engagement

    with globals_.open() as archive:
        refuse_known(archive.copies.engagements, slug, configs=archive.evidence.configs())
        text = new_engagement(
            slug,
            client=client,
            domains=domains,
            people=people,
            us=us,
            codes=codes,
            folders=folders,
            after=after.date() if after else None,
            before=before.date() if before else None,
        )
        _settle(globals_, archive, draft(slug, text), before=None, dry_run=dry_run)


@engagement.command(
    "edit",
    help=_(
        "Edit an engagement's file in your editor ($EDITOR); the result is checked before it is "
        "taken.\n\n\b\nExample:\n  archiver engagement edit acme-2026 --dry-run"
    ),
)
@click.argument("slug")
@dry_run_option
@pass_global
def engagement_edit(globals_: Global, slug: str, dry_run: bool) -> None:
    from archiver.care.engagements import current_text, require

    with globals_.open() as archive:
        if not _is_invalid(archive, slug):
            require(archive.copies.engagements, slug)
        before = current_text(archive.evidence, slug)
        new = _edited(globals_, archive, slug, before)
        if new is None:
            globals_.chat(_("Nothing was changed."))
        else:
            _settle(globals_, archive, new, before=before, dry_run=dry_run)


def _edited(globals_: Global, archive: "Archive", slug: str, text: str) -> "Draft | None":
    """Let a person edit TEXT until it is a good file; None when nothing was changed."""
    from archiver.care.engagements import approve, draft

    edited = _in_editor(text)
    while edited is not None and edited != text:
        try:
            new = draft(slug, edited)
            approve(new.engagement, archive.copies.engagements, own=archive.rules().own)
        except (ConfigurationError, UsageError) as error:
            globals_.tell(f"{error.what} {error.advice}")
            if not click.confirm(_("Edit again?"), default=True, err=True):
                raise
            edited = _in_editor(edited)
        else:
            return new
    return None


def _in_editor(text: str) -> str | None:
    """Let a person edit TEXT, in an editor of that person's own language; line ends stay."""
    edited = click.edit(text, env=users_environment(), extension=".toml")
    # What click reads back has the line ends of this system, whatever the file had.
    return edited.replace("\n", "\r\n") if edited and "\r\n" in text else edited


def _is_invalid(archive: "Archive", slug: str) -> bool:
    from archiver.care.working_copies import engagement_name

    return engagement_name(slug) in archive.copies.invalid


def _settle(
    globals_: Global, archive: "Archive", new: "Draft", *, before: str | None, dry_run: bool
) -> None:
    """Write a draft that was made from BEFORE and tag again, or say what that would move."""
    from archiver.care.engagements import approve, preview, replaced, store

    odd = approve(new.engagement, archive.copies.engagements, own=archive.rules().own)
    for finding in odd:
        say = globals_.chat if finding.level == "note" else globals_.tell
        say(printable(f"{finding.subject}: {finding.message} {finding.advice}"))
    if dry_run:
        moved = preview(
            archive.catalogue,
            archive.copies.engagements,
            replaced(archive.copies.engagements, new.engagement),
            own=archive.rules().own,
            time_zone=archive.time_zone,
        )
        _print_changes(archive, moved)
        return
    store(archive.evidence, new, before=before, actor=actor())
    archive.relevel()
    slug = new.engagement.slug
    count = len(archive.catalogue.tagged(slug))
    globals_.chat(
        ngettext(
            "{slug}: {n} record is tied to it.", "{slug}: {n} records are tied to it.", count
        ).format(slug=slug, n=count)
    )
    undecided = len(archive.catalogue.undecided())
    if undecided:
        globals_.chat(
            ngettext(
                "{n} record waits for a decision: archiver triage",
                "{n} records wait for a decision: archiver triage",
                undecided,
            ).format(n=undecided)
        )


def _print_changes(archive: "Archive", moved: "Changes") -> None:
    if moved.empty:
        echo(_("Nothing would move."))
        return
    echo(
        _("{added} tags would come, {removed} would go, {asked} records would wait.").format(
            added=len(moved.added), removed=len(moved.removed), asked=len(moved.newly_undecided)
        )
    )
    shown = [("+", tag) for tag in moved.added] + [("-", tag) for tag in moved.removed]
    for mark, tag in shown[:_SHOWN_CHANGES]:
        line = archive.catalogue.line(tag.record)
        subject = printable(line.subject)
        echo(f"  {mark} {tag.engagement}  {line.digest.short}  {subject}  ({tag.reason})")
    if len(shown) > _SHOWN_CHANGES:
        echo(_("  … and {n} more").format(n=len(shown) - _SHOWN_CHANGES))


@engagement.command(
    "list",
    help=_("List the engagements.\n\n\b\nExample:\n  archiver engagement list --format json"),
)
@json_option
@pass_global
def engagement_list(globals_: Global, format_: str) -> None:
    with globals_.open() as archive:
        engagements = archive.copies.engagements
        counts = {each.slug: len(archive.catalogue.tagged(each.slug)) for each in engagements}
    if format_ == "json":
        print_json(
            {
                "schema": SCHEMA,
                "engagements": [
                    {"slug": each.slug, "client": each.client, "records": counts[each.slug]}
                    for each in engagements
                ],
            }
        )
        return
    for each in engagements:
        echo(
            ngettext(
                "{slug}  {client}  {n} record", "{slug}  {client}  {n} records", counts[each.slug]
            ).format(slug=each.slug, client=each.client, n=counts[each.slug])
        )
    if not engagements:
        echo(_("No engagement yet: archiver engagement add --help"))


@engagement.command(
    "show",
    help=_(
        "Show an engagement's file as it stands.\n\n"
        "\b\nExample:\n  archiver engagement show acme-2026"
    ),
)
@click.argument("slug")
@pass_global
def engagement_show(globals_: Global, slug: str) -> None:
    from archiver.care.engagements import current_text, require

    with globals_.open() as archive:
        if not _is_invalid(archive, slug):
            require(archive.copies.engagements, slug)
        echo(current_text(archive.evidence, slug))


@engagement.command(
    "remove",
    help=_(
        "End an engagement: its file goes, its records and the journal stay.\n\n"
        "\b\nExample:\n  archiver engagement remove acme-2026"
    ),
)
@click.argument("slug")
@click.option("--yes", is_flag=True, help=_("Do not ask."))
@pass_global
def engagement_remove(globals_: Global, slug: str, yes: bool) -> None:
    from archiver.care.engagements import remove, require

    with globals_.open() as archive:
        require(archive.copies.engagements, slug)
        if not yes and not globals_.agrees(_("End the engagement {slug}?").format(slug=slug)):
            return
        remove(archive.evidence, slug, actor=actor())
        archive.relevel()
    globals_.chat(_("{slug} was ended; its records stay in the archive.").format(slug=slug))


@engagement.command(
    "check",
    help=_(
        "Check all engagement files against each other. Exit code 3 on an error.\n\n"
        "\b\nExample:\n  archiver engagement check"
    ),
)
@json_option
@pass_global
def engagement_check(globals_: Global, format_: str) -> int:
    from archiver.engagements import check_engagements
    from archiver.model.findings import Report

    with globals_.open() as archive:
        copies = archive.copies
        findings = (
            *copies.findings,
            *check_engagements(copies.engagements, archive.rules().own),
        )
    report = Report(checked=(("engagements", len(copies.engagements)),), findings=findings)
    if format_ == "json":
        print_json(report_json(report))
    else:
        print_findings(findings)
        if not findings:
            echo(_("Nothing is wrong."))
    return FOUND if report.errors else 0


COMMANDS = {"engagement": engagement}
