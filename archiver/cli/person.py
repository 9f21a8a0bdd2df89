"""``person``: everything that names a person."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, tzinfo
from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING

import click

from archiver.cli.context import Global, pass_global
from archiver.cli.output import SCHEMA, echo, json_option, print_json, printable
from archiver.cli.search import line_text
from archiver.errors import UsageError
from archiver.tables import address_problem

if TYPE_CHECKING:
    from archiver.app import Archive
    from archiver.custody.handed_over import HandedOver
    from archiver.custody.person import PersonFile
    from archiver.model.digest import Digest, Position

name_option = click.option(
    "--name",
    "names",
    multiple=True,
    help=_("Also what says this name, whole and in this order; case does not matter."),
)


@click.command(
    help=_(
        "List everything that names a person: records, quotations, decisions, holds, exports.\n\n"
        "\b\nExamples:\n"
        "  archiver person marie@client.example\n"
        "  archiver person marie@client.example --ids > list\n"
        "  archiver erase --from-file list --basis 'request of 3 May under article 17 GDPR'"
    )
)
@click.argument("address")
@name_option
@click.option("--ids", is_flag=True, help=_("Only the records' identifiers, one a line."))
@json_option
@pass_global
def person(globals_: Global, address: str, names: tuple[str, ...], ids: bool, format_: str) -> None:
    with globals_.open() as archive:
        found = gather_person(archive, address, names)
        digests = exhibit_digests(archive, found.handed_over)
        if found.unread:
            globals_.tell(
                ngettext(
                    "{n} record cannot be read: nobody knows whether it names the person.",
                    "{n} records cannot be read: nobody knows whether they name the person.",
                    found.unread,
                ).format(n=found.unread)
            )
        if ids:
            for named in found.records:
                echo(named.line.digest.hex)
        elif format_ == "json":
            print_json(_person_json(found, digests))
        else:
            _print_person(globals_, found, archive.time_zone)


def gather_person(archive: "Archive", address: str, names: Sequence[str]) -> "PersonFile":
    """Gather what names ADDRESS; raise UsageError when it is no mail address."""
    from archiver.custody.person import gather

    if problem := address_problem(address):
        raise UsageError(
            f"{problem[0].upper()}{problem[1:]}.",
            advice=_("A name goes with an address: archiver person ADDRESS --name 'Marie Client'"),
        )
    if not all(name.strip() for name in names):
        raise UsageError(
            _("--name is empty."), advice=_("Give a name, such as --name 'Marie Client'.")
        )
    return archive.projections.look_up(
        lambda catalogue: gather(
            archive.evidence,
            catalogue,
            address,
            names=names,
            engagements=archive.copies.engagements,
            progress=lambda done, total: archive.progress("read", done, total),
        )
    )


def exhibit_digests(
    archive: "Archive", past: "Sequence[HandedOver]"
) -> "Mapping[Position, Digest]":
    """Return the digests of the exhibits that are still there."""
    positions = {record for each in past for _number, record in each.numbers}
    catalogue = archive.catalogue
    return {line.position: line.digest for line in catalogue.lines(catalogue.order(positions))}


def _person_json(found: "PersonFile", digests: "Mapping[Position, Digest]") -> Mapping[str, object]:
    ids = {named.line.position: named.line.digest.hex for named in found.records}
    return {
        "schema": SCHEMA,
        "address": found.address,
        "names": list(found.names),
        "records": [
            {
                "id": named.line.digest.hex,
                "position": named.line.position,
                "date": named.line.date.isoformat(),
                "subject": named.line.subject,
                "why": list(named.why),
                "engagements": list(named.line.engagements),
                "held_by": list(named.holds),
            }
            for named in found.records
        ],
        "decisions": [
            {
                "entry": said.entry,
                "at": said.at.isoformat(),
                "by": said.actor,
                "record": ids[said.record],
                "engagement": said.engagement,
                "belongs": said.belongs,
            }
            for said in found.decisions
        ],
        "holds": [
            {
                "entry": each.entry,
                "at": each.at.isoformat(),
                "by": each.actor,
                "engagement": each.engagement,
                "reason": each.reason,
            }
            for each in found.holds
        ],
        "exports": [handed_json(each, digests, ids.keys()) for each in found.handed_over],
        "notes": [
            {
                "entry": each.entry,
                "at": each.at.isoformat(),
                "by": each.actor,
                "words": each.words,
            }
            for each in found.notes
        ],
        "engagements": list(found.engagements),
        "unread": found.unread,
    }


def handed_json(
    each: "HandedOver", digests: "Mapping[Position, Digest]", among: "Collection[Position]"
) -> Mapping[str, object]:
    """Describe a dossier or a proof, and which of its exhibits are AMONG these records."""
    return {
        "entry": each.entry,
        "at": each.at.isoformat(),
        "by": each.actor,
        "engagement": each.engagement,
        "recipient": each.recipient,
        "exhibits": [
            {"number": number, "record": digests[record].hex if record in digests else None}
            for number, record in each.of(among)
        ],
    }


def _print_person(globals_: Global, found: "PersonFile", zone: tzinfo) -> None:
    for named in found.records:
        echo(line_text(named.line, zone))
        echo("    " + ", ".join(_place(place) for place in named.why))
    for said in found.decisions:
        words = (
            _("entry {entry}, {day}: {who} said that a record belongs to {slug}")
            if said.belongs
            else _("entry {entry}, {day}: {who} said that a record does not belong to {slug}")
        )
        echo(
            words.format(
                entry=said.entry,
                day=_day(said.at, zone),
                who=printable(said.actor.removeprefix("person:")),
                slug=said.engagement,
            )
        )
    _print_person_elsewhere(found, zone)
    parties = sum(named.is_party for named in found.records)
    globals_.chat(
        _("{address}: party to {parties}, only mentioned in {others}.").format(
            address=found.address, parties=parties, others=len(found.records) - parties
        )
    )
    if found.names:
        globals_.chat(
            _("Seen under: {names}. To look for names in texts as well: --name").format(
                names=printable(", ".join(found.names))
            )
        )


def _print_person_elsewhere(found: "PersonFile", zone: tzinfo) -> None:
    from archiver.custody.holds import hold_words

    for hold in found.holds:
        echo(printable(hold_words(hold)))
    among = {named.line.position for named in found.records}
    for each in found.handed_over:
        echo(handed_words(each, among, zone))
    for note in found.notes:
        echo(
            _("note {entry}, {day}: {words}").format(
                entry=note.entry, day=_day(note.at, zone), words=printable(note.words)
            )
        )
    for slug in found.engagements:
        echo(_("engagements/{slug}.toml names the person").format(slug=slug))


def _place(place: str) -> str:
    names = {
        "from": _("wrote it"),
        "to": _("to"),
        "cc": _("in copy"),
        "bcc": _("in blind copy"),
        "reply-to": _("answers go there"),
        "subject": _("named in the subject"),
        "header": _("named in a header"),
        "text": _("named in the text"),
        "file-name": _("named in a file's name"),
        "attachment": _("named in an attachment"),
        "source": _("named where it is not shown"),
    }
    return names.get(place, place)


def _day(moment: datetime, zone: tzinfo) -> str:
    return moment.astimezone(zone).date().isoformat()


def handed_words(each: "HandedOver", among: "Collection[Position]", zone: tzinfo) -> str:
    """Name a dossier or a proof: its entry, day, recipient, and the numbers of these records."""
    numbers = ", ".join(str(number) for number, _record in each.of(among))
    what = (
        _("dossier of {slug}, exhibits {numbers}").format(slug=each.engagement, numbers=numbers)
        if each.engagement
        else _("proof of one record")
    )
    return _("{day}: {what}, for {recipient} (entry {entry})").format(
        day=_day(each.at, zone),
        what=what,
        recipient=printable(each.recipient) or _("nobody named"),
        entry=each.entry,
    )
