"""What a message shows before it is fetched, built by saying only what matters to the test."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

from archiver.engagements.heading import Shown
from archiver.model.digest import Position
from archiver.model.reading import Mailbox
from archiver.model.tagging import RecordFacts


def mailbox(text: str) -> Mailbox:
    """Read ``Name <address>``, or an address alone."""
    name, _bracket, address = text.rpartition("<")
    return Mailbox(name.strip(), address.rstrip(">"))


def shown(
    *,
    from_: Sequence[str] = ("stranger@else.example",),
    to: Sequence[str] = ("jane@consultant.example",),
    sender: Sequence[str] = (),
    reply_to: Sequence[str] = (),
    subject: str = "Hello",
    when: date = date(2026, 3, 2),
    folders: Sequence[str] = ("INBOX",),
) -> Shown:
    """Return what a message shows, saying only what matters."""
    return Shown(
        facts=RecordFacts(
            position=Position(0),
            when=datetime(when.year, when.month, when.day, 12, tzinfo=UTC),
            from_=tuple(map(mailbox, from_)),
            to=tuple(map(mailbox, to)),
            subject=subject,
            folders=tuple(("work", folder) for folder in folders),
        ),
        sender=tuple(map(mailbox, sender)),
        reply_to=tuple(map(mailbox, reply_to)),
    )
