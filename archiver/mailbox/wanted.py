"""What is asked about a message before its bytes are fetched: whether it is wanted."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from archiver.mailbox.server.session import Outline
from archiver.model.digest import Digest

Outlines = Callable[[Sequence[int]], Mapping[int, Outline]]
"""Asks the server about UIDs of the open folder, a bounded number at a time."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A message as its folder and its header fields show it."""

    folder: str
    uid: int
    outline: Outline
    header: bytes
    """The fields that were asked for, as the server sent them; may be empty or hostile."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a message is fetched, and by which rule."""

    verdict: Literal["keep", "leave", "near"]
    """``near`` is left as ``leave`` is, and told to a person."""
    rule: str
    """Which kind of rule, in a few fixed words that tell nothing of the message's content."""


class Wanted(Protocol):
    """Decides which messages are fetched; called in the thread that fetches, by one at a time.

    A Wanted serves one walk through one account: it remembers what it kept.
    """

    @property
    def rules(self) -> Digest:
        """What decides: UIDs that were left under other rules are decided on again."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The header fields that it needs; none: ``header`` may stay empty, nothing is asked."""

    def folder(self, folder: str) -> Verdict | None:
        """Decide on a whole folder without looking into it; None: each message decides."""

    def decide(self, headings: Sequence[Heading]) -> Sequence[Verdict]:
        """Decide on messages, in their order. Never raises, whatever a header holds."""

    def forbidden(self, heading: Heading) -> str:
        """Return the rule by which a message is never to be fetched; empty when none is met.

        Asked about what is known by its attributes only, before its bytes are fetched to confirm
        it: only what forbids counts there, not what is wanted. Never raises.
        """

    @property
    def unsettled(self) -> bool:
        """Whether something was kept that messages which were left may belong with.

        Asked when all folders were walked through, before each folder that has messages which were
        left: while it is so, the folder is opened once more and ``again`` is called for it. What
        that keeps may call for another round; one that opens no folder is the last.
        """

    def again(self, folder: str, left: Collection[int], outlines: Outlines) -> Sequence[int]:
        """Return those of LEFT on which to decide once more, ascending; often none.

        LEFT are the UIDs of FOLDER that the server lists and that were left, in this walk or before
        under the same rules. OUTLINES is asked only where dates are needed, at most once a walk
        for each folder.
        """


@dataclass(frozen=True, slots=True)
class NotForbidden:
    """Wants everything that RULED does not forbid, and remembers nothing."""

    ruled: Wanted

    @property
    def rules(self) -> Digest:
        """What decides."""
        return self.ruled.rules

    @property
    def fields(self) -> tuple[str, ...]:
        """The header fields that it needs."""
        return self.ruled.fields

    @property
    def unsettled(self) -> bool:
        """Nothing is looked at again."""
        return False

    def folder(self, folder: str) -> Verdict | None:
        """Decide on a whole folder."""
        return self.ruled.folder(folder)

    def decide(self, headings: Sequence[Heading]) -> Sequence[Verdict]:
        """Leave what is forbidden."""
        rules = map(self.ruled.forbidden, headings)
        return [Verdict("leave", rule) if rule else Verdict("keep", "") for rule in rules]

    def forbidden(self, heading: Heading) -> str:
        """Return the rule that forbids one."""
        return self.ruled.forbidden(heading)

    def again(self, folder: str, left: Collection[int], outlines: Outlines) -> Sequence[int]:  # noqa: ARG002  the protocol's
        """Return none."""
        return ()
