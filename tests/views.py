"""Make records as the catalogue shows them, by saying only what matters to the test."""

from collections.abc import Sequence
from datetime import UTC, datetime

from archiver.model.digest import Digest, Position
from archiver.model.reading import Attachment, Defect, Mailbox
from archiver.model.record import RecordLine, RecordView, record_date
from archiver.model.tagging import TagOf

DATE = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
MARIE = Mailbox("Marie Client", "marie@client.example")
US = Mailbox("Paul Conseil", "paul@consultant.example")


def view(
    position: int = 1,
    *,
    data: bytes | None = None,
    date: datetime | None = DATE,
    internaldate: datetime | None = None,
    received: Sequence[datetime] = (),
    first_seen: datetime = datetime(2026, 6, 1, 8, 0, tzinfo=UTC),
    from_: Sequence[Mailbox] = (MARIE,),
    to: Sequence[Mailbox] = (US,),
    cc: Sequence[Mailbox] = (),
    bcc: Sequence[Mailbox] = (),
    reply_to: Sequence[Mailbox] = (),
    subject: str = "Hello",
    text: str = "A short message.\n",
    language: str = "",
    attachments: Sequence[Attachment] = (),
    defects: Sequence[Defect] = (),
    readable: bool = True,
    variants: Sequence[Digest] = (),
    tags: Sequence[tuple[str, str]] = (),
) -> RecordView:
    """Return the view of a record whose bytes are DATA, ``record POSITION`` unless given.

    TAGS are (engagement, reason).
    """
    data = bytes_of(position) if data is None else data
    digest = Digest.of(data)
    when, basis = record_date(date, internaldate, first_seen)
    line = RecordLine(
        position=Position(position),
        digest=digest,
        date=when,
        date_basis=basis,
        from_=tuple(from_),
        to=tuple(to),
        subject=subject,
        size=len(data),
        kind="mail",
        thread=digest,
        engagements=tuple(engagement for engagement, _ in tags),
        attachments=tuple(attachment.name for attachment in attachments),
        variants=tuple(variants),
    )
    return RecordView(
        line=line,
        cc=tuple(cc),
        bcc=tuple(bcc),
        reply_to=tuple(reply_to),
        headers=(),
        message_id="",
        text=text,
        language=language,
        attachments=tuple(attachments),
        defects=tuple(defects),
        readable=readable,
        date_header=date,
        received=tuple(received),
        internaldate=internaldate,
        first_seen=first_seen,
        tags=tuple(
            TagOf(record=line.position, engagement=engagement, decided_by="rule", reason=reason)
            for engagement, reason in tags
        ),
        sightings=(),
    )


def bytes_of(position: int) -> bytes:
    """Return the bytes that ``view`` gives a record when the test does not say."""
    return b"record %d" % position


def digest_of(position: int) -> Digest:
    """Return the digest of ``bytes_of``."""
    return Digest.of(bytes_of(position))
