"""What the reader made of one message, as data for ``archiver inspect`` (the command contract)."""

from collections.abc import Mapping

from archiver.model.reading import Attachment, Defect, Reading, Unreadable

SCHEMA = 1


def inspection(reading: Reading | Unreadable) -> Mapping[str, object]:
    """Return READING as what JSON can hold: dates as RFC 3339, people as ``Name <address>``.

    An Unreadable has the same keys, empty, and its defects; ``readable`` tells which it was.
    """
    match reading:
        case Reading():
            return _read(reading)
        case Unreadable():
            return _unreadable(reading)


def _read(reading: Reading) -> Mapping[str, object]:
    return {
        "schema": SCHEMA,
        "readable": True,
        "headers": [[name, value] for name, value in reading.headers],
        "from": ", ".join(map(str, reading.from_)),
        "to": [str(mailbox) for mailbox in reading.to],
        "cc": [str(mailbox) for mailbox in reading.cc],
        "bcc": [str(mailbox) for mailbox in reading.bcc],
        "reply_to": [str(mailbox) for mailbox in reading.reply_to],
        "date": reading.date.isoformat() if reading.date else None,
        "received": [date.isoformat() for date in reading.received],
        "subject": reading.subject,
        "message_id": reading.message_id,
        "in_reply_to": list(reading.in_reply_to),
        "references": list(reading.references),
        "text": reading.text,
        "zones": [],
        "language": reading.language,
        "attachments": [_attachment(attachment) for attachment in reading.attachments],
        "defects": [_defect(defect) for defect in reading.defects],
    }


def _unreadable(reading: Unreadable) -> Mapping[str, object]:
    return {
        "schema": SCHEMA,
        "readable": False,
        "headers": [],
        "from": "",
        "to": [],
        "cc": [],
        "bcc": [],
        "reply_to": [],
        "date": None,
        "received": [],
        "subject": "",
        "message_id": "",
        "in_reply_to": [],
        "references": [],
        "text": "",
        "zones": [],
        "language": "",
        "attachments": [],
        "defects": [_defect(defect) for defect in reading.defects],
    }


def _attachment(attachment: Attachment) -> Mapping[str, object]:
    return {
        "part": attachment.part,
        "name": attachment.name,
        "type": attachment.type,
        "size": attachment.size,
        "inline": attachment.inline,
        "content_id": attachment.content_id,
        "text": attachment.text,
        "defects": [_defect(defect) for defect in attachment.defects],
    }


def _defect(defect: Defect) -> Mapping[str, object]:
    return {"code": defect.code, "message": defect.message, "part": defect.part}
