"""Bytes to Reading: headers, text, attachments, language; defects instead of exceptions.

The functions import what they need when they are called, so that a command which only searches
does not load the parsers. What ``archiver inspect`` shows is in ``archiver.reading.inspection``.
"""

from archiver.model.digest import Digest
from archiver.model.reading import Attachment, Reading, Unreadable


def read(data: bytes) -> Reading | Unreadable:
    """Return what a person would read in DATA; never raises (see ``archiver.reading.reader``)."""
    from archiver.reading import reader

    return reader.read(data)


def normal_form(data: bytes) -> Digest:
    """Return the digest of DATA after CRLF and mboxrd normalisation: equal for variants."""
    from archiver.reading import variants

    return variants.normal_form(data)


def copy_key(reading: Reading) -> str | None:
    """Return a key that is equal for copies of one message, or None without a Message-ID."""
    from archiver.reading import variants

    return variants.copy_key(reading)


def decode_attachment(data: bytes, part: str) -> tuple[Attachment, bytes]:
    """Return the part of the message DATA that has the number PART, and its exact bytes.

    Raises UsageError when there is no such part.
    """
    from archiver.reading import attachments

    return attachments.decode_attachment(data, part)
