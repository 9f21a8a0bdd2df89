"""Import: messages from files become records as those from a mailbox do."""

from collections import Counter
from collections.abc import Iterable
from gettext import ngettext

from archiver.evidence.store import Evidence
from archiver.mailbox.imports.files import NotRead, messages_in
from archiver.model.incoming import Incoming, Kept
from archiver.model.sources import FileSource
from archiver.pipeline.intake import Intake, Problem, keep_batch
from archiver.pipeline.progress import Progress, silent

__all__ = ["import_files", "messages_in"]

IMPORT_BATCH = 500
IMPORT_BYTES = 8 * 1024 * 1024
_DRAFT = "\\Draft"


def import_files(
    evidence: Evidence, messages: Iterable[Incoming | NotRead], *, progress: Progress = silent
) -> Intake:
    """Keep messages from files; a file that cannot be read is a problem and stops nothing.

    The intake's notes say what was made from items of Outlook, what was never sent, and which
    files hold other messages than an earlier import found at the same places.
    """
    importer = _Importer(evidence, progress)
    for message in messages:
        match message:
            case NotRead(no_mail=True):
                importer.intake.passed_over.append(message.path)
            case NotRead():
                problem = Problem(where=message.path, reason=message.reason)
                importer.intake.problems.append(problem)
            case Incoming():
                importer.take(message)
    importer.keep()
    importer.conclude()
    progress("import", 1, 1)
    return importer.intake


class _Importer:
    """Keeps messages batch by batch, and remembers what is worth a word."""

    def __init__(self, evidence: Evidence, progress: Progress) -> None:
        self.intake = Intake()
        self._evidence = evidence
        self._progress = progress
        self._batch: list[Incoming] = []
        self._size = 0
        self._drafts = 0
        self._made = 0
        self._changed: Counter[str] = Counter()

    def take(self, message: Incoming) -> None:
        """Put MESSAGE into the batch, and keep that once it is large."""
        self._batch.append(message)
        self._size += message.size
        if len(self._batch) >= IMPORT_BATCH or self._size >= IMPORT_BYTES:
            self.keep()

    def keep(self) -> None:
        """Keep what is in the batch."""
        batch, self._batch, self._size = self._batch, [], 0
        if not batch:
            return
        for message, kept in zip(
            batch, keep_batch(self._evidence, batch, self.intake), strict=True
        ):
            self._notice(message, kept)
        intake = self.intake
        self._progress("import", intake.new + intake.seen_again + intake.known, None)

    def _notice(self, message: Incoming, kept: Kept) -> None:
        if not kept.sighted or not isinstance(message.source, FileSource):
            return
        self._drafts += _DRAFT in message.flags
        self._made += bool(message.source.made_from)
        if self._evidence.journal.records_at(message.source) - {kept.position}:
            self._changed[message.source.path] += 1

    def conclude(self) -> None:
        """Say in the notes what was noticed."""
        if self._made:
            self.intake.notes.append(
                ngettext(
                    "{n} message was put together from an item of Outlook: it is not byte for byte "
                    "what was sent, and no signature of a provider can hold for it.",
                    "{n} messages were put together from items of Outlook: they are not byte for "
                    "byte what was sent, and no signature of a provider can hold for them.",
                    self._made,
                ).format(n=self._made)
            )
        if self._drafts:
            self.intake.notes.append(
                ngettext(
                    "{n} of them is a draft: it was kept, but never sent.",
                    "{n} of them are drafts: they were kept, but never sent.",
                    self._drafts,
                ).format(n=self._drafts)
            )
        for path, count in self._changed.items():
            self.intake.notes.append(
                ngettext(
                    "{path}: at {n} place stands another message than at an earlier import; both "
                    "are kept.",
                    "{path}: at {n} places stand other messages than at an earlier import; all "
                    "are kept.",
                    count,
                ).format(path=path, n=count)
            )
