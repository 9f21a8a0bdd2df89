"""``erase``: what it would do is shown first, then asked, then done."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from gettext import gettext as _
from gettext import ngettext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver.cli.context import Global, is_terminal, pass_global
from archiver.cli.output import SCHEMA, echo, json_option, print_json, printable
from archiver.cli.person import (
    exhibit_digests,
    gather_person,
    handed_json,
    handed_words,
    name_option,
    person,
)
from archiver.cli.search import find_record, line_text
from archiver.errors import OperationError, UsageError

if TYPE_CHECKING:
    from archiver.app import Archive
    from archiver.custody.backup import KnownBackup
    from archiver.custody.erase import Done, Plan
    from archiver.model.digest import Position
    from archiver.model.record import RecordLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How the command line names the records that are to go; one of these only."""

    ids: tuple[str, ...]
    address: str | None
    slug: str | None
    due: str | None
    list_: Path | None
    names: tuple[str, ...]
    """With ADDRESS only."""

    def check(self) -> None:
        """Raise UsageError unless there is one way, and one only."""
        ways = (self.ids, self.address, self.slug, self.due, self.list_)
        if sum(bool(way) for way in ways) != 1:
            raise UsageError(
                _(
                    "Records are chosen in one way: by ID, --person, --engagement, --retention or "
                    "--from-file."
                ),
                advice=_("Run the command once for each, or put the identifiers into one file."),
            )
        if self.names and not self.address:
            raise UsageError(
                _("--name goes with --person."),
                advice=_("Give the person's address as well, with --person."),
            )


@click.command(
    help=_(
        "Erase records: their bytes, words and digests leave every file of the archive; that "
        "something was erased, when and on which legal basis stays in the journal. What would "
        "happen is shown first. Refused under a hold.\n\n"
        "\b\nExamples:\n"
        "  archiver erase 3f9a1c --dry-run\n"
        "  archiver erase 3f9a1c --basis 'request of 3 May under article 17 GDPR'\n"
        "  archiver erase --person marie@client.example --basis '…'\n"
        "  archiver erase --retention acme-2026 --basis 'retention date passed'"
    )
)
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--person", "address", help=_("All that `archiver person` lists for this address."))
@name_option
@click.option("--engagement", "slug", help=_("All records of this engagement and of no other."))
@click.option("--retention", "due", help=_("What is due in this engagement."))
@click.option(
    "--from-file",
    "list_",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help=_("The records in this file, one identifier a line; - reads standard input."),
)
@click.option("--with-copies", is_flag=True, help=_("The same writings in other bytes as well."))
@click.option("--basis", default="", help=_("The legal basis, in your own words."))
@click.option("--yes", is_flag=True, help=_("Do not ask before erasing."))
@click.option("--dry-run", is_flag=True, help=_("Only show what would happen."))
@json_option
@pass_global
def erase(
    globals_: Global,
    ids: tuple[str, ...],
    address: str | None,
    names: tuple[str, ...],
    slug: str | None,
    due: str | None,
    list_: Path | None,
    with_copies: bool,
    basis: str,
    yes: bool,
    dry_run: bool,
    format_: str,
) -> None:
    choice = Choice(ids=ids, address=address, slug=slug, due=due, list_=list_, names=names)
    choice.check()
    with globals_.open() as archive:
        plan = _plan(globals_, archive, choice, with_copies=with_copies)
        backups = _backups(globals_, archive, plan)
        before = _plan_json(archive, plan, backups) if format_ == "json" else {}
        if format_ == "text":
            _print_plan(archive, plan, backups)
        if dry_run:
            if before:
                print_json(before)
            return
        basis = _basis(basis)
        if not yes and not globals_.agrees(_question(plan)):
            return
        done = archive.erase(plan, basis=basis)
        if before:
            print_json({**before, **_done_json(done)})
        else:
            _tell_done(globals_, done, backups, archive.time_zone)


def _plan(globals_: Global, archive: "Archive", choice: Choice, *, with_copies: bool) -> "Plan":
    from archiver.custody.erase import plan_erasure

    # What is not read yet may be a copy, or quote what is to go.
    archive.level(insist=True)
    chosen = _chosen(globals_, archive, choice)
    return archive.projections.look_up(
        lambda catalogue: plan_erasure(
            archive.evidence,
            catalogue,
            chosen,
            with_copies=with_copies,
            engagements=[each.slug for each in archive.copies.engagements],
            progress=lambda done, total: archive.progress("read", done, total),
        )
    )


def _backups(globals_: Global, archive: "Archive", plan: "Plan") -> "Sequence[KnownBackup]":
    from archiver.custody.backup import backups_with

    try:
        return backups_with(archive.outside, plan.positions)
    except OperationError as error:  # what would be erased can be shown all the same
        globals_.tell(error.what)
        return ()


def _chosen(globals_: Global, archive: "Archive", choice: Choice) -> "frozenset[Position]":
    if choice.address is not None:
        found = gather_person(archive, choice.address, choice.names)
        return frozenset(named.line.position for named in found.records)
    if choice.slug is not None:
        return _of_engagement(globals_, archive, choice.slug)
    if choice.due is not None:
        return _due(globals_, archive, choice.due)
    wanted = choice.ids if choice.list_ is None else _listed(choice.list_)
    return frozenset(find_record(archive, id_) for id_ in wanted)


def _of_engagement(globals_: Global, archive: "Archive", slug: str) -> "frozenset[Position]":
    from archiver.care.engagements import require
    from archiver.custody.erase import elsewhere

    require(archive.copies.engagements, slug)
    tagged = archive.projections.look_up(lambda catalogue: catalogue.tagged(slug))
    shared = elsewhere(archive.catalogue, tagged, slug)
    _tell_staying(globals_, len(shared))
    return tagged - shared


def _due(globals_: Global, archive: "Archive", slug: str) -> "frozenset[Position]":
    from archiver.care.engagements import require
    from archiver.custody.holds import active_holds
    from archiver.custody.retention import standing

    engagement = require(archive.copies.engagements, slug)
    today = archive.clock().astimezone(archive.time_zone).date()
    holds = active_holds(archive.evidence)
    (kept,) = archive.projections.look_up(
        lambda catalogue: standing(
            catalogue, [engagement], holds, today=today, among=archive.copies.engagements
        )
    )
    if not kept.over:
        raise UsageError(
            _("Nothing is due in {slug}.").format(slug=slug),
            advice=_("`archiver retention` says until when each engagement is kept."),
        )
    _tell_staying(globals_, len(kept.kept_elsewhere))
    return frozenset(kept.due)


def _tell_staying(globals_: Global, count: int) -> None:
    if count:
        globals_.tell(
            ngettext(
                "{n} record stays: another engagement has it too, or it waits for a decision.",
                "{n} records stay: other engagements have them too, or they wait for a decision.",
                count,
            ).format(n=count)
        )


def _listed(path: Path) -> Sequence[str]:
    from archiver.custody.erase import read_list

    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else _("it is not UTF-8 text")
        raise UsageError(
            _("The list {path} cannot be read: {reason}.").format(path=path, reason=reason),
            advice=_("Make one with `archiver person ADDRESS --ids > list`."),
        ) from error
    return read_list(text)


def _basis(basis: str) -> str:
    from archiver.custody.erase import require_basis

    if not basis and is_terminal(sys.stdin):
        basis = click.prompt(_("Legal basis"), err=True)
    return require_basis(basis)


def _question(plan: "Plan") -> str:
    return ngettext(
        "Erase this {n} record for good?", "Erase these {n} records for good?", len(plan.records)
    ).format(n=len(plan.records))


# --- what would happen ----------------------------------------------------------------------------


def _print_plan(archive: "Archive", plan: "Plan", backups: "Sequence[KnownBackup]") -> None:
    zone = archive.time_zone
    count = len(plan.records)
    echo(ngettext("To be erased: {n} record", "To be erased: {n} records", count).format(n=count))
    _print_lines(plan.records, zone, parties=True)
    if plan.copies:
        echo(_("The same writings in other bytes; they stay unless --with-copies is given:"))
        _print_lines(plan.copies, zone)
    if plan.quotes:
        echo(_("Other records that use the same words (quotes, forwards); they stay:"))
    for quote in plan.quotes:
        echo(f"  {line_text(quote.line, zone)}")
        of = " ".join(line.digest.short for line in quote.of)
        echo("      " + _("words of {ids}").format(ids=of))
    if plan.too_short:
        echo(
            ngettext(
                "{n} record is too short for quotes of it to be found.",
                "{n} records are too short for quotes of them to be found.",
                plan.too_short,
            ).format(n=plan.too_short)
        )
    if plan.decisions:
        echo(
            ngettext(
                "{n} decision about them stays in the journal and names a position only.",
                "{n} decisions about them stay in the journal and name positions only.",
                len(plan.decisions),
            ).format(n=len(plan.decisions))
        )
    _print_out_of_reach(plan, backups, zone)


def _print_out_of_reach(plan: "Plan", backups: "Sequence[KnownBackup]", zone: tzinfo) -> None:
    from archiver.custody.erase import limits

    if plan.handed_over:
        echo(_("Handed over before; out of reach:"))
    for each in plan.handed_over:
        echo(f"  {handed_words(each, plan.positions, zone)}")
    if backups:
        echo(_("Backups that may hold them, until `archiver backup` is run for each again:"))
    for backup in backups:
        echo(f"  {_backup_words(backup, zone)}")
    echo(_("What an erasure does not reach:"))
    for words in limits():
        echo(f"  {words}")


def _print_lines(lines: "Sequence[RecordLine]", zone: tzinfo, *, parties: bool = False) -> None:
    for line in lines:
        echo(f"  {line_text(line, zone)}")
        if parties and line.to:
            echo("      " + _("to {people}").format(people=printable(_people(line))))


def _people(line: "RecordLine") -> str:
    return ", ".join(str(mailbox) for mailbox in line.to)


def _backup_words(backup: "KnownBackup", zone: tzinfo) -> str:
    return _("{folder}, of {day}").format(
        folder=printable(backup.folder), day=backup.at.astimezone(zone).date().isoformat()
    )


def _plan_json(
    archive: "Archive", plan: "Plan", backups: "Sequence[KnownBackup]"
) -> Mapping[str, object]:
    from archiver.custody.erase import limits

    digests = exhibit_digests(archive, plan.handed_over)
    ids = {line.position: line.digest.hex for line in plan.records}
    return {
        "schema": SCHEMA,
        "records": [_line_json(line) for line in plan.records],
        "copies": [_line_json(line) for line in plan.copies],
        "quotes": [
            {**_line_json(quote.line), "of": [line.digest.hex for line in quote.of]}
            for quote in plan.quotes
        ],
        "too_short": plan.too_short,
        "decisions": [
            {
                "entry": each.entry,
                "record": ids[each.record],
                "engagement": each.engagement,
                "belongs": each.belongs,
            }
            for each in plan.decisions
        ],
        "exports": [handed_json(each, digests, plan.positions) for each in plan.handed_over],
        "backups": [
            {"folder": each.folder, "at": each.at.isoformat(), "entries": each.entries}
            for each in backups
        ],
        "not_reached": list(limits()),
    }


def _line_json(line: "RecordLine") -> Mapping[str, object]:
    return {
        "id": line.digest.hex,
        "position": line.position,
        "date": line.date.isoformat(),
        "subject": line.subject,
        "from": [str(mailbox) for mailbox in line.from_],
        "to": [str(mailbox) for mailbox in line.to],
    }


# --- what happened --------------------------------------------------------------------------------


def _done_json(done: "Done") -> Mapping[str, object]:
    return {"erased": done.records, "emptied": done.emptied, "entries": list(done.entries)}


def _tell_done(
    globals_: Global, done: "Done", backups: "Sequence[KnownBackup]", zone: tzinfo
) -> None:
    globals_.chat(
        ngettext(
            "Erased {n} record under entry {entries}: {emptied} entries of the journal are "
            "emptied, catalogue and search index are made anew.",
            "Erased {n} records under entry {entries}: {emptied} entries of the journal are "
            "emptied, catalogue and search index are made anew.",
            done.records,
        ).format(
            n=done.records,
            entries=", ".join(map(str, done.entries)),
            emptied=done.emptied,
        )
    )
    for backup in backups:
        globals_.tell(
            _("It may still be in the backup {backup}: run `archiver backup` for it again.").format(
                backup=_backup_words(backup, zone)
            )
        )
    globals_.chat(_("Erase the copies elsewhere as well: backups, the mailbox, what was sent."))


COMMANDS = {"person": person, "erase": erase}
