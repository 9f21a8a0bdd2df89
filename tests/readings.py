"""Build readings and catalogues by saying only what matters to the test."""

import weakref
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from archiver.catalogue.batch import Batch
from archiver.catalogue.catalogue import Catalogue
from archiver.catalogue.selection import RoleOf
from archiver.model.digest import Digest, Position
from archiver.model.entries import Sighting
from archiver.model.reading import Attachment, Defect, Mailbox, Reading, Unreadable
from archiver.model.sources import ImapSource, Source
from archiver.model.tagging import Tagging, TagOf, Undecided

SENT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
KEPT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
MARIE = Mailbox("Marie Client", "marie@client.example")
US = Mailbox("", "us@consultant.example")


def digest(number: int) -> Digest:
    """Return the digest that stands for the bytes of record NUMBER."""
    return Digest.of(b"record %d" % number)


def reading(
    *,
    subject: str = "Hello",
    text: str = "A short message.",
    from_: Sequence[Mailbox] = (MARIE,),
    to: Sequence[Mailbox] = (US,),
    cc: Sequence[Mailbox] = (),
    bcc: Sequence[Mailbox] = (),
    date: datetime | None = SENT,
    message_id: str = "",
    in_reply_to: Sequence[str] = (),
    references: Sequence[str] = (),
    attachments: Sequence[Attachment] = (),
    defects: Sequence[Defect] = (),
    headers: Sequence[tuple[str, str]] = (),
) -> Reading:
    """Return what a reader would make of such a message."""
    return Reading(
        headers=tuple(headers) or (("Subject", subject),),
        from_=tuple(from_),
        to=tuple(to),
        cc=tuple(cc),
        bcc=tuple(bcc),
        reply_to=(),
        subject=subject,
        date=date,
        received=() if date is None else (date + timedelta(seconds=3),),
        message_id=message_id,
        in_reply_to=tuple(in_reply_to),
        references=tuple(references),
        text=text,
        language="en",
        attachments=tuple(attachments),
        defects=tuple(defects),
    )


def attachment(
    name: str = "plan.pdf",
    *,
    text: str | None = None,
    inline: bool = False,
    content_id: str = "",
    defects: Sequence[Defect] = (),
) -> Attachment:
    """Return an attachment as a reader would describe it."""
    return Attachment(
        part="2",
        name=name,
        type="application/pdf",
        size=1200,
        text=text,
        inline=inline,
        content_id=content_id,
        defects=tuple(defects),
    )


def imap(folder: str = "INBOX", *, account: str = "work", uid: int = 1) -> ImapSource:
    """Return a place in a mailbox."""
    return ImapSource(
        account=account, host="h", certificate=None, folder=folder, uidvalidity=1, uid=uid
    )


def sighting(
    record: int,
    source: Source | None = None,
    *,
    internaldate: datetime | None = None,
    match: str = "digest",
) -> Sighting:
    """Return a sighting entry of the record at a journal position."""
    return Sighting(
        record=Position(record),
        source=source or imap(uid=record + 1),
        internaldate=internaldate,
        flags=("\\Seen",),
        match="digest" if match == "digest" else "attributes",
    )


def add(
    batch: Batch,
    position: int,
    content: Reading | Unreadable | None = None,
    *,
    normal_form: Digest | None = None,
    copy_key: str | None = None,
    size: int = 1000,
    first_seen: datetime = KEPT,
) -> Position:
    """Add a record at a journal position; return the position."""
    batch.add_record(
        Position(position),
        digest(position),
        size,
        "mail",
        first_seen,
        content or reading(),
        normal_form or digest(position),
        copy_key,
    )
    return Position(position)


def see(batch: Batch, entry: int, what: Sighting) -> None:
    """Add a sighting entry."""
    batch.add_sighting(Position(entry), KEPT, what)


def tag(batch: Batch, record: int, *slugs: str, reason: str = "from a client") -> None:
    """Tag the thread that starts at RECORD with these engagements, RECORD only."""
    tags = tuple(
        TagOf(record=Position(record), engagement=slug, decided_by="rule", reason=reason)
        for slug in slugs
    )
    batch.set_tagging(Position(record), Tagging(tags=tags, undecided=()))


def ask(batch: Batch, record: int, *slugs: str) -> None:
    """Leave the thread that starts at RECORD undecided between engagements."""
    question = Undecided(
        record=Position(record), candidates=tuple((slug, "a domain fits") for slug in slugs)
    )
    batch.set_tagging(Position(record), Tagging(tags=(), undecided=(question,)))


def opened(folder: Path, *, role_of: RoleOf = lambda _folder: None) -> Catalogue:
    """Open or make the catalogue in FOLDER; it closes itself when the test lets go of it."""
    catalogue = Catalogue.open(folder / "catalogue.sqlite", role_of=role_of)
    weakref.finalize(catalogue, catalogue._database.close)
    return catalogue


def catalogue_of(folder: Path, *contents: Reading | Unreadable) -> Catalogue:
    """Return a new catalogue that holds CONTENTS at positions 1, 2, 3 and so on."""
    catalogue = opened(folder)
    with catalogue.batch() as batch:
        for position, content in enumerate(contents, 1):
            add(batch, position, content)
        batch.position = len(contents) + 1
    return catalogue


def dump(catalogue: Catalogue) -> str:
    """Return every row of every table, in an order that does not depend on how they came."""
    database = catalogue._database
    tables = [name for (name,) in database.all("SELECT name FROM sqlite_schema WHERE type='table'")]
    return "\n".join(
        f"{table} {row!r}"
        for table in sorted(tables)
        for row in sorted(database.all(f"SELECT * FROM {table}"), key=repr)
    )
