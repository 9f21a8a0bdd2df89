"""Messages that look like known ones: what the mailbox room needs to know of them."""

import re
from datetime import datetime
from typing import Protocol

from archiver.model.digest import Position

MESSAGE_ID = "Message-ID"

_FIELD = re.compile(rb"^message-id[ \t]*:(.*(?:\r?\n[ \t].*)*)", re.IGNORECASE | re.MULTILINE)
_END = re.compile(rb"\r?\n\r?\n")


class Lookalikes(Protocol):
    """Records that a message may be; asked in the thread that fetches."""

    def may_be(self, size: int, internaldate: datetime) -> bool:
        """Tell whether a record of this SIZE was seen with this INTERNALDATE."""

    def find(self, size: int, internaldate: datetime, message_id: bytes) -> Position | None:
        """Return the one record that has these three; None when there is none, or several."""


def message_id_of(header: bytes) -> bytes:
    """Return the Message-ID that HEADER, or a message that begins with it, states.

    Empty where there is none, or more than one: nothing is recognised by it then.
    """
    end = _END.search(header)
    found = _FIELD.findall(header[: end.end()] if end else header)
    return b"".join(found[0].split()) if len(found) == 1 else b""
