"""Bytes to a Reading: the wall behind which hostile mail stays.

Nothing raises out of ``read``. What the way for real mail cannot cope with is read by the bare
way: headers split by hand and the rest as text, with a defect that says so.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from archiver.model.reading import Defect, Mailbox, Reading, Unreadable
from archiver.reading.attachments import read_attachments
from archiver.reading.defects import defect
from archiver.reading.language import language
from archiver.reading.mime.charsets import decode
from archiver.reading.mime.dates import MAX_RECEIVED, read_date, read_received
from archiver.reading.mime.headers import capped, decode_value, identifiers, message_identifier
from archiver.reading.mime.mend import Mended, mend
from archiver.reading.mime.parser import Allowance, Part, TooManyPartsError, parse, parse_flat
from archiver.reading.mime.participants import read_mailboxes
from archiver.reading.text import cap, join, outline
from archiver.reading.variants import sources

_MAX_DEFECTS = 200
_SAMPLE = 4_096
_BINARY_SHARE = 0.1
_ONCE = frozenset(["from", "date", "subject", "message-id"])  # RFC 5322, section 3.6

Fields = dict[str, list[str]]
"""Raw header values by lower-case name, in order."""


def read(data: bytes) -> Reading | Unreadable:
    """Return what a person would read in DATA; whatever is wrong with it becomes defects.

    Never raises. Unreadable is what is no message at all: nothing, or binary data without headers.
    """
    try:
        return _read(data)
    except Exception as error:  # noqa: BLE001 -- the wall: no mail may stop what reads mail
        failure = error
    try:
        return read_bare(data, failure)
    except Exception:  # noqa: BLE001 -- the wall's second line
        return Unreadable(defects=(defect("reader-failed", type(failure).__name__),))


def _read(data: bytes) -> Reading | Unreadable:
    mended = mend(data)
    allowance = Allowance(mended.data)
    defects = [defect(code, what) for code, what in mended.problems]
    try:
        message = parse(mended.data, allowance)
    except TooManyPartsError:
        message = parse_flat(mended.data)
        defects.append(defect("too-many-parts"))
    if not len(message) and _is_nothing(mended.data):
        return Unreadable(defects=(*defects, defect("not-a-message")))
    headers = _headers(message, mended, defects)
    fields = _fields(message)
    found = outline(message)
    attachments = tuple(item.attachment for item in read_attachments(found.others, allowance))
    text, cut = cap(join(leaf.words.text for leaf in found.texts))
    defects += found.defects
    defects += (wrong for leaf in found.texts for wrong in leaf.words.defects)
    defects += cut
    people = _People(fields, defects)
    whole = not any(wrong.code == "text-cut" for wrong in defects)
    return Reading(
        headers=headers,
        from_=people.author(),
        to=people.named("to"),
        cc=people.named("cc"),
        bcc=people.named("bcc"),
        reply_to=people.named("reply-to"),
        subject=decode_value(_first(fields, "subject"))[0],
        date=_date(fields, defects),
        received=tuple(_received(fields)),
        message_id=_message_id(fields, defects),
        in_reply_to=_identifiers(fields, "in-reply-to", defects),
        references=_identifiers(fields, "references", defects),
        text=text,
        language=language(text),
        attachments=attachments,
        defects=_bounded(defects),
        sources=sources(found, whole=whole),
    )


def _is_nothing(data: bytes) -> bool:
    """Tell whether DATA without headers is no text either: blank, or binary."""
    sample = data[:_SAMPLE]
    controls = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in sample)  # noqa: PLR2004
    return not data.strip() or controls > _BINARY_SHARE * len(sample)


def _fields(message: Part) -> Fields:
    fields: Fields = {}
    for name, value in message.raw_items():
        fields.setdefault(name.lower(), []).append(str(value))
    return fields


def _first(fields: Fields, name: str) -> str:
    return fields.get(name, [""])[0]


def _headers(message: Part, mended: Mended, defects: list[Defect]) -> tuple[tuple[str, str], ...]:
    """Decode all headers in order; a line that is no header keeps its place, without a name."""
    decoded: list[tuple[str, str]] = []
    for name, raw in message.raw_items():
        value, problem = decode_value(str(raw))
        decoded.append((name, value))
        if problem:
            defects.append(defect(problem, name))
    for place, line in reversed(mended.junk):
        decoded.insert(place, ("", decode_value(line)[0]))
    if not decoded:
        defects.append(defect("headers-missing"))
    return tuple(decoded)


class _People:
    """The participants that the headers name."""

    def __init__(self, fields: Fields, defects: list[Defect]) -> None:
        self._fields = fields
        self._defects = defects

    def named(self, header: str) -> tuple[Mailbox, ...]:
        """Return the mailboxes of all headers of one name."""
        raws = self._fields.get(header)
        if not raws:
            return ()
        mailboxes, broken = read_mailboxes(raws)
        self._defects += (defect("address-broken", what) for what in broken[:_MAX_DEFECTS])
        return mailboxes

    def author(self) -> tuple[Mailbox, ...]:
        """Return who wrote the message; where From is missing, who sent it."""
        for name in sorted(_ONCE & self._fields.keys()):
            if len(self._fields[name]) > 1:
                self._defects.append(defect("header-repeated", name))
        found = self.named("from")
        if found:
            return found
        self._defects.append(defect("from-missing"))
        return self.named("sender")


def _date(fields: Fields, defects: list[Defect]) -> datetime | None:
    raw = _first(fields, "date")
    found, problem = read_date(raw)
    if problem:
        defects.append(defect(problem, decode_value(raw)[0]))
    return found


def _received(fields: Fields) -> Iterator[datetime]:
    for raw in fields.get("received", [])[:MAX_RECEIVED]:
        found = read_received(raw)
        if found is not None:
            yield found


def _message_id(fields: Fields, defects: list[Defect]) -> str:
    raw = _first(fields, "message-id")
    found = message_identifier(raw)
    if raw.strip() and not found:
        defects.append(defect("message-id-broken", raw))
    return found


def _identifiers(fields: Fields, name: str, defects: list[Defect]) -> tuple[str, ...]:
    found = identifiers(" ".join(fields.get(name, ())))
    kept = capped(found)
    if len(kept) < len(found):
        defects.append(defect("identifiers-cut"))
    return kept


def _bounded(defects: Iterable[Defect]) -> tuple[Defect, ...]:
    found = tuple(dict.fromkeys(defects))
    if len(found) <= _MAX_DEFECTS:
        return found
    return (*found[:_MAX_DEFECTS], defect("defects-cut"))


def read_bare(data: bytes, error: Exception) -> Reading | Unreadable:
    """Read DATA, where ERROR stopped the usual way, by nothing that may have failed.

    Headers are split by lines, all the rest is text.
    """
    failure = defect("reader-failed", type(error).__name__)
    if not data.strip():
        return Unreadable(defects=(failure, defect("not-a-message")))
    head, _blank, body = data.replace(b"\r\n", b"\n").partition(b"\n\n")
    lines = decode(head, "")[0].replace("\n ", " ").replace("\n\t", " ").split("\n")
    headers = tuple(_bare_header(line) for line in lines)
    first = {name.lower(): value for name, value in reversed(headers)}
    text, cut = cap(decode(body, "")[0])
    return Reading(
        headers=headers,
        from_=_bare_mailbox(first.get("from", "")),
        to=_bare_mailbox(first.get("to", "")),
        cc=_bare_mailbox(first.get("cc", "")),
        bcc=(),
        reply_to=(),
        subject=first.get("subject", ""),
        date=None,
        received=(),
        message_id=first.get("message-id", "").strip("<> "),
        in_reply_to=(),
        references=(),
        text=text,
        language="",
        attachments=(),
        defects=(failure, *cut),
    )


def _bare_header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    return (name.strip(), value.strip()) if colon else ("", line.strip())


def _bare_mailbox(value: str) -> tuple[Mailbox, ...]:
    return (Mailbox(value, ""),) if value else ()
