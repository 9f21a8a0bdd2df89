"""When two records are one writing: forms that are equal for variants (design: variants).

``normal_form`` sees through what mail programs do to bytes that they store; ``copy_key`` through
what servers add on the way, so that the copy in Sent and the one received are known as one.
"""

import hashlib
import json
import re
from datetime import UTC

from archiver.model.digest import Digest
from archiver.model.reading import Reading

_LINE_END = re.compile(rb"\r\n|\r|\n")
_ESCAPED_FROM = re.compile(rb"^>+From ", re.MULTILINE)
_LINE_ENDS = b"\r\n"


def normal_form(data: bytes) -> Digest:
    """Return the digest of DATA with CRLF line ends, mboxrd's ``>From `` undone, one final CRLF.

    Every ``>`` before ``From `` is dropped, so that no number of exports makes a difference; what
    stands at the very end, where mbox files add blank lines, makes none either.
    """
    if data.count(b"\n") != data.count(b"\r\n") or data.count(b"\r") != data.count(b"\r\n"):
        data = _LINE_END.sub(b"\r\n", data)
    if b">From " in data:
        data = _ESCAPED_FROM.sub(b"From ", data)
    return Digest.of(data.rstrip(_LINE_ENDS) + b"\r\n")


def copy_key(reading: Reading) -> str | None:
    """Return a key that is equal for copies of one message, or None without a Message-ID.

    Message-ID alone would make one of two different messages that share it; so the date, the
    author, the subject and the words (without white space) count too.
    """
    if not reading.message_id:
        return None
    words = "".join(reading.text.split())
    facts = (
        reading.message_id,
        reading.date.astimezone(UTC).isoformat() if reading.date else "",
        sorted(mailbox.folded or mailbox.name for mailbox in reading.from_),
        " ".join(reading.subject.split()),
        hashlib.sha256(words.encode()).hexdigest(),
    )
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
