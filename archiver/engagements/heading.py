"""What a message shows before its bytes are fetched."""

from dataclasses import dataclass

from archiver.model.reading import Mailbox
from archiver.model.tagging import RecordFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What decides on fetching a message; everything comes from its header fields and its place."""

    facts: RecordFacts
    """What rules look at; no record stands at its position yet."""
    sender: tuple[Mailbox, ...] = ()
    reply_to: tuple[Mailbox, ...] = ()

    @property
    def everybody(self) -> tuple[Mailbox, ...]:
        """All mailboxes that the header names: From, To, Cc, Bcc, Sender and Reply-To."""
        return (*self.facts.from_, *self.facts.to, *self.sender, *self.reply_to)
