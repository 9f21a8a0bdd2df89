"""Values to rows and back: the one place that knows how a value is written in a column."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from archiver.catalogue.database import Row, clean
from archiver.model.digest import Position
from archiver.model.reading import Attachment, Defect, Mailbox, Reading
from archiver.model.record import SightingView
from archiver.model.sources import FileSource, HandSource, ImapSource, Source

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

MESSAGE = -1
"""In the column ``defect.attachment``: a defect of the message itself."""

ROLES = ("from", "to", "cc", "bcc", "reply-to")


def seconds(moment: datetime) -> int:
    """Return whole seconds since 1970-01-01 UTC, for any year that a datetime can hold."""
    return (moment - _EPOCH) // _SECOND


def moment(text: str | None) -> datetime | None:
    """Return the date written in a column; None for NULL."""
    return None if text is None else datetime.fromisoformat(text)


def written(moment_: datetime | None) -> str | None:
    """Write a date with its own offset; None stays NULL."""
    return None if moment_ is None else moment_.isoformat()


def pack(value: object) -> str:
    """Write nested tuples of strings and numbers as JSON."""
    return clean(_JSON.encode(value))


def participants(position: Position, reading: Reading) -> list[Row]:
    """Return a row for each address of each role."""
    by_role = (reading.from_, reading.to, reading.cc, reading.bcc, reading.reply_to)
    return [
        (position, role, number, clean(box.name), clean(box.address), clean(box.folded))
        for role, boxes in zip(ROLES, by_role, strict=True)
        for number, box in enumerate(boxes)
    ]


def attachments(position: Position, reading: Reading) -> list[Row]:
    """Return a row for each attachment, with its text."""
    return [
        (
            position,
            number,
            clean(item.part),
            clean(item.name),
            clean(item.type),
            item.size,
            item.inline,
            clean(item.content_id),
            None if item.text is None else clean(item.text),
        )
        for number, item in enumerate(reading.attachments)
    ]


def defects(position: Position, attachment: int, found: Iterable[Defect]) -> list[Row]:
    """Return a row for each defect of the message (MESSAGE) or of one attachment."""
    return [
        (position, attachment, number, clean(item.code), clean(item.message), clean(item.part))
        for number, item in enumerate(found)
    ]


def mailboxes(rows: Iterable[Row]) -> tuple[Mailbox, ...]:
    """Read (name, address) rows."""
    return tuple(Mailbox(name=name, address=address) for name, address in rows)


def attachment(row: Row, found: tuple[Defect, ...]) -> Attachment:
    """Read a row (part, name, type, size, inline, content_id, text)."""
    part, name, type_, size, inline, content_id, text = row
    return Attachment(
        part=part,
        name=name,
        type=type_,
        size=size,
        text=text,
        inline=bool(inline),
        content_id=content_id,
        defects=found,
    )


def place(source: Source) -> tuple[str, str, str]:
    """Return account, folder (empty unless a mailbox) and the whole source as JSON."""
    match source:
        case ImapSource():
            whole = pack(
                [
                    "imap",
                    source.account,
                    source.host,
                    source.certificate,
                    source.folder,
                    source.uidvalidity,
                    source.uid,
                    source.labels,
                    source.gmail_id,
                ]
            )
            return clean(source.account), clean(source.folder), whole
        case FileSource():
            more = [source.folder, source.labels, source.made_from]
            return "", "", pack(["file", source.path, source.member, source.offset, *more])
        case HandSource():
            return "", "", pack(["hand"])


def labels(source: Source) -> tuple[str, ...]:
    r"""Return the folders in which a message stands besides: Gmail's labels, those of a file.

    Gmail's own labels lose their backslash: ``\Sent`` is found as Sent.
    """
    found: tuple[str, ...] = ()
    match source:
        case ImapSource(labels=named):
            found = named
        case FileSource(folder=folder, labels=named):
            found = (folder, *named)
        case HandSource():
            pass
    return tuple(dict.fromkeys(clean(name.removeprefix("\\")) for name in found if name))


def source(text: str) -> Source:
    """Read what ``place`` wrote."""
    match json.loads(text):
        case ["imap", account, host, certificate, folder, uidvalidity, uid, labels_, gmail_id]:
            return ImapSource(
                account=account,
                host=host,
                certificate=certificate,
                folder=folder,
                uidvalidity=uidvalidity,
                uid=uid,
                labels=tuple(labels_),
                gmail_id=gmail_id,
            )
        case ["file", path, member, offset, folder, labels_, made_from]:
            return FileSource(
                path=path,
                member=member,
                offset=offset,
                folder=folder,
                labels=tuple(labels_),
                made_from=made_from,
            )
        case _:
            return HandSource()


def sighting(row: Row) -> SightingView:
    """Read a row (entry, at, source, internaldate, flags, match)."""
    entry, at, source_, internaldate, flags, match_ = row
    return SightingView(
        entry=Position(entry),
        at=datetime.fromisoformat(at),
        source=source(source_),
        internaldate=moment(internaldate),
        flags=tuple(json.loads(flags)),
        match=match_,
    )
