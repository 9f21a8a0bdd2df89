"""``search``, ``thread``: find writings."""

from collections.abc import Iterator
from datetime import datetime, tzinfo
from gettext import gettext as _
from gettext import ngettext
from itertools import islice
from typing import TYPE_CHECKING

import click

from archiver.cli.context import Global, pass_global
from archiver.cli.output import (
    echo,
    format_option,
    print_csv,
    print_json,
    print_jsonl,
    printable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archiver.app import Archive
    from archiver.model.digest import Position
    from archiver.model.record import RecordLine
    from archiver.search.search import Hit, Results, Searched
    from index.query import Query

    Syncs = Mapping[str, tuple[datetime | None, datetime | None]]

NO_MATCH = 4
_IN_LINE = ("subject", "from", "to", "cc")
"""Fields whose hits need no line of their own in a list."""
FIELDS_HELP = _(
    "Find writings. Words are looked for everywhere, accents and case ignored, other forms of a "
    "word included.\n\n"
    "\b\n"
    "  livraison recette            both words            livr*          words that start so\n"
    '  "date de livraison"          this phrase           a OR b, NOT c  boolean words\n'
    "  from: to: cc: subject: body: attachment: filename:   in that field\n"
    "  engagement: tag: thread: id: folder: account:        exactly that\n"
    "  date:2026-01..2026-03  date:lastmonth  date:7d       days in the archive's time zone\n"
    "  has:attachment  is:undecided  larger:1M  *           everything\n"
    "  de: à: objet: mission: fil: …                        the same in French\n\n"
    "\b\nExamples:\n"
    "  archiver search 'from:marie \"accès aux données\" date:2026-02..'\n"
    "  archiver search 'engagement:acme-2026 retard' --sort relevance --format csv"
)


class QueryCommand(click.Command):
    """A command whose words may begin with a hyphen, which says what must not be there.

    Click would take ``-linux`` for the options ``-l``, ``-i`` …; we have no short option but
    ``-h``. What begins with two hyphens is an option, so that a misspelt one is told.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the words of the query behind ``--``, where click looks for no option."""
        with_value = {
            name
            for parameter in self.get_params(ctx)
            if isinstance(parameter, click.Option) and not parameter.is_flag
            for name in parameter.opts
        }
        options: list[str] = []
        words: list[str] = []
        rest = iter(args)
        for argument in rest:
            if argument == "--":
                words.extend(rest)
            elif argument.startswith("--") or argument in ctx.help_option_names:
                options.append(argument)
                if argument in with_value:
                    options.extend(islice(rest, 1))
            else:
                words.append(argument)
        return super().parse_args(ctx, [*options, "--", *words])


@click.command("search", cls=QueryCommand, help=FIELDS_HELP)
@click.argument("words", metavar=_("QUERY"), nargs=-1, required=True)
@click.option(
    "--sort",
    type=click.Choice(["newest", "relevance"]),
    default="newest",
    show_default=True,
    help=_("Order of the hits."),
)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help=_("Show at most so many hits."),
)
@click.option(
    "--offset",
    type=click.IntRange(min=0),
    default=0,
    help=_("Leave out so many hits before the first one shown."),
)
@click.option("--exit-code", is_flag=True, help=_("Exit 4 when nothing matches."))
@format_option
@pass_global
def search_(
    globals_: Global,
    words: tuple[str, ...],
    sort: str,
    limit: int,
    offset: int,
    exit_code: bool,
    format_: str,
) -> int:
    from archiver.search.present import CSV_HEADER, csv_row, hit_json, results_json

    with globals_.open() as archive:
        results = _run(archive, " ".join(words), sort, limit, offset)
        zone = archive.time_zone
        syncs = _syncs(archive, results)
        told = () if results.total else _unknown_names(archive, words, results)
    if format_ == "json":
        print_json(results_json(results))
    elif format_ == "jsonl":
        print_jsonl(hit_json(hit) for hit in results.hits)
    elif format_ == "csv":
        print_csv(CSV_HEADER, (csv_row(hit) for hit in results.hits))
    else:
        _print_results(globals_, results, zone)
        if not results.total:
            _print_searched(globals_, results.searched, syncs, zone)
    for message in (*_cut(results), *told):
        globals_.tell(message)
    return NO_MATCH if exit_code and not results.total else 0


def _run(archive: "Archive", text: str, sort: str, limit: int, offset: int) -> "Results":
    from typing import Literal, cast

    from archiver.search.search import search

    query = _query(archive, text)
    return archive.projections.ask(
        lambda engine: search(
            query,
            catalogue=archive.catalogue,
            engine=engine,
            time_zone=archive.time_zone,
            sort=cast("Literal['newest', 'relevance']", sort),
            limit=limit,
            offset=offset,
        )
    )


def _syncs(archive: "Archive", results: "Results") -> "Syncs":
    """Return when accounts were last synchronised; of removed ones only those that left records."""
    known = {account.name for account in archive.copies.settings.accounts}
    known.update(results.searched.accounts)
    return {name: at for name, at in archive.evidence.last_syncs().items() if name in known}


def _unknown_names(
    archive: "Archive", words: tuple[str, ...], results: "Results"
) -> tuple[str, ...]:
    """Say which names in a query without a hit are of nothing that there is."""
    from archiver.search.unknown import unknown_names

    copies = archive.copies
    return unknown_names(
        _query(archive, " ".join(words)),
        engagements={*(each.slug for each in copies.engagements), *results.searched.engagements},
        accounts={*(each.name for each in copies.settings.accounts), *results.searched.accounts},
    )


def _query(archive: "Archive", text: str) -> "Query":
    from archiver.search.choose import read_query

    return read_query(text, today=archive.clock().astimezone(archive.time_zone).date())


def _cut(results: "Results") -> Iterator[str]:
    for prefix in results.cut:
        yield _(
            "{prefix}* stands for too many words: give more letters; hits may be missing."
        ).format(prefix=prefix)


def _print_results(globals_: Global, results: "Results", zone: tzinfo) -> None:
    from archiver.search.search import fold

    for folded in fold(results.hits):
        _print_hit(folded.hit, zone)
        if folded.others:
            names = ", ".join(digest.short for digest in folded.others)
            echo(_("    the same writing also as {names}").format(names=names))
    if not results.total:
        return
    shown = len(results.hits)
    total = ngettext("{n} record matches", "{n} records match", results.total).format(
        n=results.total
    )
    globals_.chat(
        total if shown == results.total else _("{total}; {n} shown").format(total=total, n=shown)
    )


def _print_hit(hit: "Hit", zone: tzinfo) -> None:
    line = hit.line
    echo(line_text(line, zone))
    for snippet in hit.snippets:
        if snippet.field in _IN_LINE:
            continue
        text, place = "", 0
        for start, end in snippet.spans:
            text += printable(snippet.text[place:start])
            text += click.style(printable(snippet.text[start:end]), bold=True)
            place = end
        text += printable(snippet.text[place:])
        echo(f"    {text}")


def line_text(line: "RecordLine", zone: tzinfo) -> str:
    """One record as one line: short digest, date with offset, who, subject, engagements."""
    when = line.date.astimezone(zone).strftime("%Y-%m-%d %H:%M %z")
    who = ", ".join(person.name or person.address for person in line.from_) or "?"
    tags = "".join(f" [{slug}]" for slug in line.engagements)
    clip = f" ({len(line.attachments)} 📎)" if line.attachments else ""
    digest = click.style(line.digest.short, fg="yellow")
    return f"{digest}  {when}  {printable(who)}: {printable(line.subject)}{clip}{tags}"


def _print_searched(globals_: Global, searched: "Searched", syncs: "Syncs", zone: tzinfo) -> None:
    from archiver.search.present import searched_lines

    globals_.tell(_("No record matches. What was searched:"))
    for text in searched_lines(searched):
        globals_.tell(f"  {printable(text)}")
    for name, (_attempt, good) in sorted(syncs.items()):
        when = good.astimezone(zone).strftime("%Y-%m-%d %H:%M %z") if good else _("never")
        globals_.tell("  " + _("last good sync of {name}: {when}").format(name=name, when=when))


def find_record(archive: "Archive", id_: str) -> "Position":
    """Return the one record that ID names, or raise UsageError."""
    from archiver.search.lookup import find

    return archive.projections.look_up(lambda catalogue: find(catalogue, id_))


@click.command(
    help=_(
        "List the thread that a record belongs to, oldest first.\n\n"
        "\b\nExample:\n  archiver thread 3f9a1c"
    )
)
@click.argument("id_", metavar="ID")
@format_option
@pass_global
def thread(globals_: Global, id_: str, format_: str) -> None:
    from archiver.search.present import CSV_HEADER, csv_row, hit_json, results_json
    from archiver.search.search import as_results

    with globals_.open() as archive:
        record = find_record(archive, id_)
        results = archive.projections.look_up(
            lambda catalogue: as_results(catalogue, catalogue.thread(record))
        )
        zone = archive.time_zone
    if format_ == "json":
        print_json(results_json(results))
    elif format_ == "jsonl":
        print_jsonl(hit_json(hit) for hit in results.hits)
    elif format_ == "csv":
        print_csv(CSV_HEADER, (csv_row(hit) for hit in results.hits))
    else:
        for hit in results.hits:
            echo(line_text(hit.line, zone))


COMMANDS = {"search": search_, "thread": thread}
