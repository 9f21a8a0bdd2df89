"""Build a dossier: from records and an engagement to finished values, without any output."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from gettext import gettext as _
from zoneinfo import ZoneInfo

from archiver.dossier.exhibits import (
    ArchiveFacts,
    Copy,
    Disagreement,
    Dossier,
    Exhibit,
    Language,
    OtherDate,
    Person,
    Selection,
)
from archiver.dossier.matter import Matter, Sides
from archiver.dossier.selection import Numbered, exhibit_prefix, number_records
from archiver.errors import UsageError
from archiver.model.digest import Position
from archiver.model.reading import Mailbox
from archiver.model.record import RecordView
from archiver.model.withholding import LeftOut

TOLERANCE = timedelta(days=1)
"""Dates of one message that differ by more are pointed out."""

WHOLE = Selection()


def build_dossier(
    views: Iterable[RecordView],
    matter: Matter,
    *,
    archive: ArchiveFacts,
    clock: Callable[[], datetime],
    time_zone: ZoneInfo,
    language: Language,
    selection: Selection = WHOLE,
    earlier: Mapping[Position, int] | None = None,
    withheld: tuple[LeftOut, ...] = (),
    recipient: str = "",
) -> Dossier:
    """Give the records their numbers and gather what the dossier says of each.

    EARLIER maps records to the numbers that earlier exports of this engagement gave them. WITHHELD
    are not among VIEWS; they are only told. Raises UsageError when there is no record to export.
    """
    numbered = number_records(views, earlier or {})
    if not numbered and withheld:
        raise _all_withheld(matter.slug)
    if not numbered:
        raise UsageError(
            _("No record of engagement {slug} matches: there is nothing to export.").format(
                slug=matter.slug
            ),
            advice=_("See what it holds with: archiver search engagement:{slug}").format(
                slug=matter.slug
            ),
        )
    sides = Sides.of(matter)
    prefix = exhibit_prefix(matter.slug)
    return Dossier(
        matter=matter,
        selection=selection,
        archive=archive,
        made_at=clock().astimezone(time_zone),
        time_zone=time_zone,
        language=language,
        exhibits=tuple(_exhibit(each, matter.slug, prefix, sides) for each in numbered),
        withheld=withheld,
        recipient=recipient,
    )


def _all_withheld(slug: str) -> UsageError:
    return UsageError(
        _("Every record of engagement {slug} that matches is withheld.").format(slug=slug),
        advice=_("See why with: archiver withhold --engagement {slug}").format(slug=slug),
    )


def disagreements(view: RecordView) -> tuple[Disagreement, ...]:
    """Compare the Date header with what servers and this archive noted, beyond the tolerance.

    Against the moment the archive first saw the record only a later Date header speaks: mail may
    be old when it is imported, but it cannot be from the future.
    """
    header = view.date_header
    if header is None:
        return ()
    others: list[tuple[OtherDate, datetime]] = []
    if view.internaldate is not None:
        others.append(("internaldate", view.internaldate))
    if view.received:
        others.append(("received", view.received[0]))
    if header > view.first_seen:
        others.append(("first-seen", view.first_seen))
    return tuple(
        Disagreement(
            other=name, at=other, difference=abs(header - other), header_earlier=header < other
        )
        for name, other in others
        if abs(header - other) > TOLERANCE
    )


def _exhibit(each: Numbered, slug: str, prefix: str, sides: Sides) -> Exhibit:
    """Make one exhibit of a numbered record."""
    view = each.view
    name = _name(prefix, each.number)
    return Exhibit(
        number=each.number,
        name=name,
        view=view,
        from_=_people(view.line.from_, sides),
        to=_people(view.line.to, sides),
        cc=_people(view.cc, sides),
        bcc=_people(view.bcc, sides),
        disagreements=disagreements(view),
        reasons=tuple(tag.reason for tag in view.tags if tag.engagement == slug),
        copies=tuple(
            Copy(name=f"{name}.v{place}", view=copy) for place, copy in enumerate(each.copies, 2)
        ),
        not_exported=each.not_exported,
        same_as=tuple(_name(prefix, number) for number in each.same_as),
    )


def _name(prefix: str, number: int) -> str:
    return f"{prefix}-{number:06d}"


def _people(mailboxes: tuple[Mailbox, ...], sides: Sides) -> tuple[Person, ...]:
    return tuple(Person(mailbox=each, side=sides.side_of(each)) for each in mailboxes)
