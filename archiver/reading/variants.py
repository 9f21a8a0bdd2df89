"""When two records are one writing: forms that are equal for variants (design: variants).

``normal_form`` sees through what mail programs do to bytes that they store; ``copy_key`` through
what servers add on the way, so that the copy in Sent and the one received are known as one. Where
in doubt two records are two: one too many is seen, one that is hidden is not.
"""

import hashlib
import json
import re
from datetime import UTC
from typing import TYPE_CHECKING

from archiver.model.digest import Digest
from archiver.model.reading import Reading

if TYPE_CHECKING:
    from archiver.reading.text import Leaf, Outline

_ESCAPED_FROM = re.compile(rb"^>+From ", re.MULTILINE)
# What Google Takeout puts in front of a message, and nobody else: ahead of all trace fields.
_TAKEOUT = re.compile(
    rb"(?:(?:X-GM-THRID|X-Gmail-Labels)[ \t]*:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*+){1,2}+",
    re.IGNORECASE,
)
_LINE_ENDS = b"\r\n"
_TRAILING_BLANKS = re.compile(rb"(?<![ \t])[ \t]++(?=\n)")
_OF_LINES = ("text/", "message/", "multipart/")


def normal_form(data: bytes) -> Digest:
    """Return the digest of DATA with CRLF line ends, mboxrd's ``>From `` undone, one final CRLF.

    Every ``>`` before ``From `` is dropped, so that no number of exports makes a difference; what
    stands at the very end, where mbox files add blank lines, makes none either, nor do the two
    fields that Google Takeout puts in front.
    """
    if data.count(b"\n") != data.count(b"\r\n") or data.count(b"\r") != data.count(b"\r\n"):
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
    if data[:2].lower() == b"x-" and (front := _TAKEOUT.match(data)):
        data = data[front.end() :]
    if b">From " in data:
        data = _ESCAPED_FROM.sub(b"From ", data)
    hashed = hashlib.sha256(data.rstrip(_LINE_ENDS))
    hashed.update(_LINE_ENDS)
    return Digest(hashed.hexdigest())


def copy_key(reading: Reading) -> str | None:
    """Return a key that is equal for copies of one message, or None without a Message-ID.

    Message-ID alone would make one of two different messages that share it; so the date, the
    author, the subject, the words and every attachment count too, and the HTML beside the words:
    whoever forges one part of a message does not pass for its author.
    """
    if not reading.message_id:
        return None
    words = " ".join(reading.text.split())
    facts = (
        reading.message_id,
        reading.date.astimezone(UTC).isoformat() if reading.date else "",
        sorted(mailbox.folded or mailbox.name for mailbox in reading.from_),
        " ".join(reading.subject.split()),
        hashlib.sha256(words.encode()).hexdigest(),
        reading.sources,
        [(part.name, part.type, part.likeness) for part in reading.attachments],
    )
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def sources(found: "Outline", *, whole: bool) -> tuple[str, ...]:
    """Return the likenesses of the parts FOUND of which the text of the message is not the whole.

    WHOLE tells that no text was cut. Plain text that is shown says all that it says.
    """
    shown = [leaf for leaf in found.texts if not (whole and leaf.type == "text/plain")]
    return tuple(likeness(leaf, leaf.content[0]) for leaf in (*shown, *found.unused))


def likeness(leaf: "Leaf", data: bytes) -> str:
    """Return the SHA-256 of DATA, the content of LEAF, equal for copies of one message.

    The line ends of what travelled as lines are no part of it, nor are blanks before them: servers
    and mail programs change them. Of other files every byte counts.
    """
    if leaf.type.startswith(_OF_LINES) or leaf.part.encoding != "base64":
        data = data.replace(b"\r\n", b"\n").rstrip()
        if b" \n" in data or b"\t\n" in data:
            data = _TRAILING_BLANKS.sub(b"", data)
    return hashlib.sha256(data).hexdigest()
