"""``search``, ``show``, ``thread``: find writings and read them."""

from datetime import datetime, tzinfo
from gettext import gettext as _
from gettext import ngettext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver.cli.context import Global, pass_global
from archiver.cli.output import (
    echo,
    format_option,
    json_option,
    print_csv,
    print_json,
    print_jsonl,
    printable,
    write_bytes,
)
from archiver.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from archiver.app import Archive
    from archiver.model.digest import Position
    from archiver.model.record import RecordLine, RecordView
    from archiver.search.search import Hit, Results, Searched

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


@click.command("search", help=FIELDS_HELP)
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
        syncs = archive.evidence.last_syncs()
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
    return NO_MATCH if exit_code and not results.total else 0


def _run(archive: "Archive", text: str, sort: str, limit: int, offset: int) -> "Results":
    from typing import Literal, cast

    from archiver.search.choose import read_query
    from archiver.search.search import search

    today = archive.clock().astimezone(archive.time_zone).date()
    query = read_query(text, today=today)
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


def _print_results(globals_: Global, results: "Results", zone: tzinfo) -> None:
    from archiver.search.search import fold

    for folded in fold(results.hits):
        _print_hit(folded.hit, zone)
        if folded.others:
            names = ", ".join(digest.short for digest in folded.others)
            echo(_("    the same writing also as {names}").format(names=names))
    for prefix in results.cut:
        globals_.tell(
            _(
                "{prefix}* stands for too many words: give more letters; hits may be missing."
            ).format(prefix=prefix)
        )
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


@click.command(
    help=_(
        "Show one record; ID is its digest or the beginning of it.\n\n"
        "\b\nExamples:\n"
        "  archiver show 3f9a1c\n"
        "  archiver show 3f9a1c --raw > message.eml\n"
        "  archiver show 3f9a1c --attachment 1 --output proposal.pdf"
    )
)
@click.argument("id_", metavar="ID")
@click.option("--raw", is_flag=True, help=_("The exact bytes, on stdout."))
@click.option(
    "--attachment", type=click.IntRange(min=1), help=_("The Nth attachment, to --output.")
)
@click.option("--output", type=click.Path(path_type=Path), help=_("Where to write the attachment."))
@json_option
@pass_global
def show(
    globals_: Global,
    id_: str,
    raw: bool,
    attachment: int | None,
    output: Path | None,
    format_: str,
) -> None:
    from archiver.search.present import view_json

    with globals_.open() as archive:
        position = find_record(archive, id_)
        view = archive.catalogue.view(position)
        if raw:
            write_bytes(archive.evidence.read(view.line.digest))
        elif attachment is not None:
            data = _attachment(archive, view, attachment)
            _write_attachment(globals_, data, output)
        elif format_ == "json":
            print_json(view_json(view))
        else:
            _print_view(view, archive.time_zone)


def find_record(archive: "Archive", id_: str) -> "Position":
    """Return the one record that ID names, or raise UsageError."""
    from archiver.search.lookup import find

    return find(archive.catalogue, id_)


def _attachment(archive: "Archive", view: "RecordView", number: int) -> bytes:
    from archiver.reading import decode_attachment

    if number > len(view.attachments):
        raise UsageError(
            ngettext(
                "The record has {n} attachment.",
                "The record has {n} attachments.",
                len(view.attachments),
            ).format(n=len(view.attachments)),
            advice=_("`archiver show {id}` lists them.").format(id=view.line.digest.short),
        )
    part = view.attachments[number - 1].part
    _described, data = decode_attachment(archive.evidence.read(view.line.digest), part)
    return data


def _write_attachment(globals_: Global, data: bytes, output: Path | None) -> None:
    if output is None:
        write_bytes(data)
        return
    try:
        with output.open("xb") as file:
            file.write(data)
    except FileExistsError as error:
        raise UsageError(
            _("{path} exists already.").format(path=output),
            advice=_("Name another file with --output; nothing is overwritten."),
        ) from error
    globals_.chat(_("Wrote {n} bytes to {path}.").format(n=len(data), path=output))


def _print_view(view: "RecordView", zone: tzinfo) -> None:
    from archiver.search.present import view_lines

    for label, value in view_lines(view, zone):
        name = click.style(_("{label}:").format(label=label), bold=True)
        echo(f"{name} {printable(value)}")
    echo()
    echo("\n".join(printable(text) for text in view.text.splitlines()))
    for number, attachment in enumerate(view.attachments, 1):
        echo(
            _("[{number}] {name} ({type}, {size} bytes)").format(
                number=number,
                name=printable(attachment.name),
                type=attachment.type,
                size=attachment.size,
            )
        )
    for defect in view.defects:
        echo(_("[defect] {message}").format(message=printable(defect.message)))


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
        members = archive.catalogue.thread(find_record(archive, id_))
        results = as_results(archive.catalogue, members)
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


COMMANDS = {"search": search_, "show": show, "thread": thread}
