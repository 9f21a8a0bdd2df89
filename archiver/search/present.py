"""Results as data for programs (JSON, CSV), and as labelled words for people.

The keys and columns are part of the command contract (docs/commands.md): they may grow, never
change. Every function is pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING

from archiver.model.cells import safe_cell
from archiver.model.reading import Attachment, Defect, Mailbox
from archiver.model.record import RecordLine, RecordView, SightingView
from archiver.model.sources import FileSource, HandSource, ImapSource, Source
from archiver.search.results import Hit, Results, Searched, Snippet

if TYPE_CHECKING:
    from archiver.evidence.origin.grades import DateGrade, OriginGrade

SCHEMA = 1

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]

CSV_HEADER = (
    "id",
    "date",
    "from",
    "to",
    "subject",
    "engagements",
    "thread",
    "size",
    "attachments",
    "variants",
)


def rfc3339(moment: datetime) -> str:
    """Write a date with its own offset (RFC 3339: whole minutes, else UTC)."""
    offset = moment.utcoffset() or timedelta()
    if offset % timedelta(minutes=1):
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="seconds")


def results_json(results: Results) -> Mapping[str, Json]:
    """Return a search's answer; without a hit it says what was searched."""
    answer: dict[str, Json] = {
        "schema": SCHEMA,
        "total": results.total,
        "hits": [hit_json(hit) for hit in results.hits],
    }
    if results.cut:
        answer["cut"] = results.cut
    if not results.total:
        answer["searched"] = searched_json(results.searched)
    return answer


def hit_json(hit: Hit) -> Mapping[str, Json]:
    """Return one hit."""
    return {**line_json(hit.line), "snippets": [_snippet(snippet) for snippet in hit.snippets]}


def line_json(line: RecordLine) -> Mapping[str, Json]:
    """Return a record as lists show it."""
    return {
        "id": line.digest.hex,
        "date": rfc3339(line.date),
        "from": _people(line.from_),
        "to": [str(person) for person in line.to],
        "subject": line.subject,
        "engagements": line.engagements,
        "thread": line.thread.hex,
        "size": line.size,
        "attachments": line.attachments,
        "variants": [digest.hex for digest in line.variants],
    }


def _snippet(snippet: Snippet) -> Mapping[str, Json]:
    return {"field": snippet.field, "text": snippet.text, "spans": snippet.spans}


def searched_json(searched: Searched) -> Mapping[str, Json]:
    """Return what was searched."""
    return {
        "records": searched.records,
        "accounts": searched.accounts,
        "first": _date(searched.first),
        "last": _date(searched.last),
        "engagements": searched.engagements,
        "attachments_unread": searched.attachments_unread,
        "unreadable": searched.unreadable,
        "unfetched": searched.unfetched,
    }


def view_json(
    view: RecordView, grades: "tuple[OriginGrade, DateGrade] | None" = None
) -> Mapping[str, Json]:
    """Return all that is known about one record, and what shows its origin and date."""
    return {
        "schema": SCHEMA,
        **line_json(view.line),
        "kind": view.line.kind,
        "readable": view.readable,
        "message_id": view.message_id,
        "cc": [str(person) for person in view.cc],
        "bcc": [str(person) for person in view.bcc],
        "reply_to": [str(person) for person in view.reply_to],
        "date_basis": view.line.date_basis,
        "date_header": _date(view.date_header),
        "received": [rfc3339(hop) for hop in view.received],
        "internaldate": _date(view.internaldate),
        "first_seen": rfc3339(view.first_seen),
        "headers": view.headers,
        "text": view.text,
        "language": view.language,
        "attachments": [
            _attachment(number, item) for number, item in enumerate(view.attachments, 1)
        ],
        "defects": [_defect(defect) for defect in view.defects],
        "tags": [
            {"engagement": tag.engagement, "decided_by": tag.decided_by, "reason": tag.reason}
            for tag in view.tags
        ],
        "sightings": [_sighting(sighting) for sighting in view.sightings],
        **(grades_json(*grades) if grades else {}),
    }


def grades_json(origin: "OriginGrade", date: "DateGrade") -> Mapping[str, Json]:
    """Return what shows who sent a record, and when it existed."""
    return {
        "origin": {
            "grade": origin.level,
            "meaning": origin.meaning,
            "reasons": origin.reasons,
        },
        "dated": {
            "grade": date.level,
            "meaning": date.meaning,
            "reasons": date.reasons,
            "time": _date(date.time),
        },
    }


def grades_lines(origin: "OriginGrade", date: "DateGrade") -> tuple[tuple[str, str], ...]:
    """Return the grades as (label, value)."""
    return (
        (_("Origin"), f"{origin.level}: {origin.meaning}"),
        (_("Dated"), f"{date.level}: {date.meaning}"),
    )


def _attachment(number: int, attachment: Attachment) -> Mapping[str, Json]:
    return {
        "number": number,
        "part": attachment.part,
        "name": attachment.name,
        "type": attachment.type,
        "size": attachment.size,
        "inline": attachment.inline,
        "text": attachment.text,
        "defects": [_defect(defect) for defect in attachment.defects],
    }


def _defect(defect: Defect) -> Mapping[str, Json]:
    return {"code": defect.code, "message": defect.message, "part": defect.part}


def _sighting(sighting: SightingView) -> Mapping[str, Json]:
    return {
        "entry": sighting.entry,
        "at": rfc3339(sighting.at),
        "source": _source(sighting.source),
        "internaldate": _date(sighting.internaldate),
        "flags": sighting.flags,
        "match": sighting.match,
    }


def _source(source: Source) -> Mapping[str, Json]:
    match source:
        case ImapSource():
            return {
                "kind": "imap",
                "account": source.account,
                "host": source.host,
                "folder": source.folder,
                "uidvalidity": source.uidvalidity,
                "uid": source.uid,
                "labels": source.labels,
            }
        case FileSource():
            return {
                "kind": "file",
                "path": source.path,
                "member": source.member,
                "offset": source.offset,
                "folder": source.folder,
                "labels": source.labels,
                "made_from": source.made_from,
            }
        case HandSource():
            return {"kind": "hand"}


def _date(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def _people(people: Iterable[Mailbox]) -> str:
    return ", ".join(str(person) for person in people)


# --- CSV -----------------------------------------------------------------------------------------


def csv_row(hit: Hit) -> tuple[str, ...]:
    """Return one hit as cells in the order of CSV_HEADER; lists are joined by ``; ``."""
    line = hit.line
    cells = (
        line.digest.hex,
        rfc3339(line.date),
        _people(line.from_),
        "; ".join(str(person) for person in line.to),
        line.subject,
        "; ".join(line.engagements),
        line.thread.hex,
        str(line.size),
        "; ".join(line.attachments),
        "; ".join(digest.hex for digest in line.variants),
    )
    return tuple(map(safe_cell, cells))


# --- words for people ----------------------------------------------------------------------------


def searched_lines(searched: Searched) -> tuple[str, ...]:
    """Say what was searched, a fact a line."""
    return (*_looked_through(searched), *_not_looked_through(searched))


def _looked_through(searched: Searched) -> Iterable[str]:
    count = ngettext("{n} record", "{n} records", searched.records).format(n=searched.records)
    if searched.first is None or searched.last is None:
        yield count
    else:
        yield _("{count}, dated {first} to {last}").format(
            count=count,
            first=searched.first.date().isoformat(),
            last=searched.last.date().isoformat(),
        )
    none = _("none")
    yield _("accounts: {names}").format(names=", ".join(searched.accounts) or none)
    yield _("engagements with records: {names}").format(
        names=", ".join(searched.engagements) or none
    )


def _not_looked_through(searched: Searched) -> Iterable[str]:
    if searched.attachments_unread:
        yield ngettext(
            "not searched: the words of {n} attachment, which this version cannot read",
            "not searched: the words of {n} attachments, which this version cannot read",
            searched.attachments_unread,
        ).format(n=searched.attachments_unread)
    if searched.unreadable:
        yield ngettext(
            "not searched: {n} record that could not be read",
            "not searched: {n} records that could not be read",
            searched.unreadable,
        ).format(n=searched.unreadable)
    if searched.unfetched:
        yield ngettext(
            "not searched: {n} message that the last sync could not fetch",
            "not searched: {n} messages that the last sync could not fetch",
            searched.unfetched,
        ).format(n=searched.unfetched)


def view_lines(view: RecordView, zone: tzinfo) -> tuple[tuple[str, str], ...]:
    """Return what stands above a record's text: (label, value), empty ones left out."""
    line = view.line
    rows = (
        (_("Record"), line.digest.hex),
        (_("Date"), _dated(view, zone)),
        (_("From"), _people(line.from_)),
        (_("To"), _people(line.to)),
        (_("Cc"), _people(view.cc)),
        (_("Bcc"), _people(view.bcc)),
        (_("Reply-To"), _people(view.reply_to)),
        (_("Subject"), line.subject),
        (_("Message-ID"), view.message_id),
        *((_("Engagement"), f"{tag.engagement} ({tag.reason})") for tag in view.tags),
        *((_("Seen"), _seen(sighting, zone)) for sighting in view.sightings),
        (_("Same writing"), ", ".join(digest.short for digest in line.variants)),
    )
    return tuple((label, value) for label, value in rows if value)


def _dated(view: RecordView, zone: tzinfo) -> str:
    """Write the date that orders the record; when it is not the Date header, say what it is."""
    when = _local(view.line.date, zone)
    match view.line.date_basis:
        case "date-header":
            return when
        case "internaldate":
            return _("{date} (when the server received it)").format(date=when)
        case "first-seen":
            return _("{date} (when the archive first saw it)").format(date=when)


def _seen(sighting: SightingView, zone: tzinfo) -> str:
    place = _place(sighting.source)
    if sighting.match == "attributes":
        place = _("{place} (presumed: told by its attributes, bytes not read)").format(place=place)
    return f"{place}, {_local(sighting.at, zone)}"


def _place(source: Source) -> str:
    match source:
        case ImapSource():
            return _labelled(f"{source.account}/{source.folder} UID {source.uid}", source.labels)
        case FileSource():
            place = f"{source.path} ({source.folder})" if source.folder else source.path
            if source.made_from:
                place = _("{place} (put together from a {kind} item, not the bytes sent)").format(
                    place=place, kind=source.made_from.upper()
                )
            return _labelled(place, source.labels)
        case HandSource():
            return _("handed in")


def _labelled(place: str, labels: Iterable[str]) -> str:
    names = ", ".join(labels)
    return _("{place} [labels: {names}]").format(place=place, names=names) if names else place


def _local(moment: datetime, zone: tzinfo) -> str:
    try:
        return moment.astimezone(zone).isoformat(sep=" ", timespec="minutes")
    except (OverflowError, ValueError):  # the first and the last year that Python knows
        return moment.isoformat(sep=" ", timespec="minutes")
