"""``journal``: what was done to the archive, and the life of one record."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta, tzinfo
from gettext import gettext as _
from itertools import islice
from typing import TYPE_CHECKING

import click

from archiver.cli.context import Global, pass_global
from archiver.cli.output import SCHEMA, echo, json_option, print_json, printable
from archiver.cli.search import find_record
from archiver.errors import UsageError
from archiver.model.digest import SHORT, Position
from archiver.model.entries import Entry, Record

if TYPE_CHECKING:
    from archiver.app import Archive
    from archiver.custody.acts import Act

_day = click.DateTime(["%Y-%m-%d"])
_ENTRY = re.compile(r"entry:(\d{1,18})\Z")
_DIGITS = re.compile(r"\d{1,18}\Z")
_OTHER_NAMES = {"sync": "scan", "key": "key-rotate", "time-stamp": "anchor", "withhold": "restrict"}
_TYPES = (
    *("anchor", "config", "epoch", "erase", "erased", "export", "genesis", "hold", "key"),
    *("key-rotate", "note", "origin", "record", "release", "restore", "restrict", "scan", "sync"),
    *("tag", "time-stamp", "undo", "untag", "vanished", "withhold"),
)


@click.command(
    help=_(
        "Tell what was done to the archive, newest first; with ID, the life of one record.\n\n"
        "ID is a record's digest or the beginning of it; of an erased record, the number of its "
        "entry in the journal (entry:N where a number could be both).\n\n"
        "\b\nExamples:\n"
        "  archiver journal --type export\n"
        "  archiver journal 3f9a1c\n"
        "  archiver journal entry:1204 --format json"
    )
)
@click.argument("id_", metavar="[ID]", required=False)
@click.option("--after", type=_day, help=_("From this day on."))
@click.option("--before", type=_day, help=_("Up to this day."))
@click.option(
    "--type", "types", type=click.Choice(_TYPES), multiple=True, help=_("Only acts of this kind.")
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help=_("At most so many.")
)
@json_option
@pass_global
def journal(
    globals_: Global,
    id_: str | None,
    after: datetime | None,
    before: datetime | None,
    types: tuple[str, ...],
    limit: int,
    format_: str,
) -> None:
    if id_ is not None and (after or before or types):
        raise UsageError(
            _("--after, --before and --type go with the whole journal, not with ID."),
            advice=_("Leave them out: `archiver journal {id}` tells everything.").format(id=id_),
        )
    with globals_.open() as archive:
        zone = archive.time_zone
        if id_ is not None:
            acts = _life(archive, id_)
        else:
            acts = tuple(islice(_acts(archive, types, after, before, zone), limit + 1))
        more = id_ is None and len(acts) > limit
        shown = acts[:limit] if id_ is None else acts
        names = _names(archive, shown)
    if format_ == "json":
        print_json({"schema": SCHEMA, "acts": [_json(act, names) for act in shown], "more": more})
        return
    _print(shown, names, zone)
    if more:
        globals_.chat(_("There is more: --limit {n} shows more of it.").format(n=limit * 10))


def _acts(
    archive: "Archive",
    types: Iterable[str],
    after: datetime | None,
    before: datetime | None,
    zone: tzinfo,
) -> "Iterator[Act]":
    from archiver.custody.acts import TYPES, acts

    wanted = {_OTHER_NAMES.get(name, name) for name in types}
    return acts(
        archive.evidence,
        types=wanted or TYPES,
        after=after.replace(tzinfo=zone) if after else None,
        before=(before + timedelta(days=1)).replace(tzinfo=zone) if before else None,
    )


def _life(archive: "Archive", id_: str) -> "tuple[Act, ...]":
    from archiver.custody.life import life

    position = _position(archive, id_)
    tags = archive.projections.look_up(lambda catalogue: catalogue.tags_of([position]))
    return life(archive.evidence, position, engagements=[tag.engagement for tag in tags])


def _position(archive: "Archive", id_: str) -> Position:
    """Return the position that ID means: a record's, or the number of an entry."""
    if named := _ENTRY.match(id_):
        return Position(int(named[1]))
    try:
        return find_record(archive, id_)
    except UsageError:
        if _DIGITS.match(id_) and int(id_) < archive.evidence.size:
            return Position(int(id_))
        raise


def _names(archive: "Archive", acts: "Iterable[Act]") -> Mapping[Position, str]:
    """Return the digests of the records that ACTS are about, as far as they are not erased."""
    names: dict[Position, str] = {}
    for position in {act.record for act in acts if act.record is not None}:
        match archive.evidence.entry(position):
            case Entry(payload=Record(object=digest)):
                names[position] = digest.hex
            case _:
                pass
    return names


def _json(act: "Act", names: Mapping[Position, str]) -> Mapping[str, object]:
    return {
        "position": act.position,
        "last": act.last,
        "began": (act.began or act.at).isoformat(),
        "at": act.at.isoformat(),
        "actor": act.actor,
        "type": act.type,
        "what": act.what,
        "words": act.words,
        "records": act.records,
        "record": act.record,
        "id": names.get(act.record) if act.record is not None else None,
    }


def _print(acts: "Iterable[Act]", names: Mapping[Position, str], zone: tzinfo) -> None:
    for act in acts:
        when = _when(act, zone)
        who = act.actor.removeprefix("person:")
        entry = click.style(_("entry {number}").format(number=act.position), fg="yellow")
        name = names.get(act.record, "")[:SHORT] if act.record is not None else ""
        about = ", ".join(filter(None, (name, entry)))
        said = _("{name}: {what}").format(name=printable(who), what=printable(act.what))
        echo(f"{when}  {said}  ({about})")
        if act.words:
            echo(f"    {printable(act.words)}")


def _when(act: "Act", zone: tzinfo) -> str:
    """Tell the minute of an act; of one that took longer, its first and its last."""
    at = act.at.astimezone(zone)
    began = (act.began or act.at).astimezone(zone)
    to = ""
    if began.date() != at.date():
        to = f"\N{EN DASH}{at:%Y-%m-%d %H:%M}"
    elif (began.hour, began.minute) != (at.hour, at.minute):
        to = f"\N{EN DASH}{at:%H:%M}"
    return f"{began:%Y-%m-%d %H:%M}{to} {at:%z}"


COMMANDS = {"journal": journal}
