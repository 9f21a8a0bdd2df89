"""What was signed last, as the memory outside the archive and the archive itself know it."""

from dataclasses import dataclass
from gettext import gettext as _
from pathlib import Path

from archiver.errors import OperationError
from archiver.evidence.checkpoints.checkpoint import Checkpoint
from archiver.evidence.checkpoints.history import (
    checkpoints_folder,
    key_at,
    key_history,
    note_of,
    note_path,
    open_checkpoint,
    read_checkpoint,
    roots,
    signed_sizes,
)
from archiver.evidence.checkpoints.keys import NoteError
from archiver.evidence.checkpoints.outside import Outside
from archiver.evidence.reader import Reader


class RolledBackError(OperationError):
    """The archive does not continue what was signed: an older copy, or a changed one."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A state that was signed last, as one of the two know it."""

    checkpoint: Checkpoint
    note: bytes
    here: bool
    """Remembered outside the archive, not only kept in it."""


def marks_of(evidence: Reader, outside: Outside) -> list[Mark]:
    """Return what was signed last as the memory knows it, then as the archive does."""
    found: list[Mark] = []
    if (note := outside.last()) is not None:
        found.append(mark_of(note, outside.folder, here=True))
    if sizes := signed_sizes(evidence):
        path = note_path(evidence, sizes[-1])
        mark = mark_of(note_of(evidence, sizes[-1]), path, here=False)
        if mark.checkpoint.size != sizes[-1]:
            raise _unbelievable(path, _("its name says another size"))
        found.append(mark)
    return found


def mark_of(note: bytes, where: Path, *, here: bool) -> Mark:
    """Read NOTE, whoever signed it; raises OperationError, which names WHERE it is."""
    try:
        return Mark(read_checkpoint(note), note, here)
    except NoteError as error:
        raise _unbelievable(where, str(error)) from error


def check_consistent(evidence: Reader, marks: list[Mark], size: int) -> bytes:
    """Return the root at SIZE; raise RolledBackError unless all of MARKS lead to it.

    Whether a state continues the signed one is computed from the leaves, not believed from a proof;
    the signature is looked at last: keys are named by the journal, so they are known for certain
    once the journal is known to be the one that was signed.
    """
    for mark in marks:
        if mark.checkpoint.size > size:
            raise _rolled_back(mark, size)
    signed = [mark.checkpoint for mark in marks]
    found = roots(evidence, {size, *(known.size for known in signed)}, signed)
    history = key_history(evidence)
    for mark in marks:
        if found[mark.checkpoint.size] != mark.checkpoint.root:
            raise _rolled_back(mark, size)
        try:
            key = key_at(history, mark.checkpoint.size)
            open_checkpoint(mark.note, key, evidence.archive_id)
        except NoteError as error:
            where = _("the memory of this machine") if mark.here else checkpoints_folder(evidence)
            raise _unbelievable(where, str(error)) from error
    return found[size]


def lost_of(evidence: Reader, marks: list[Mark]) -> list[Mark]:
    """Return those of MARKS that the archive does not continue."""
    size = evidence.size
    reached = [mark.checkpoint for mark in marks if mark.checkpoint.size <= size]
    found = roots(evidence, {known.size for known in reached}, reached)
    return [mark for mark in marks if found.get(mark.checkpoint.size, b"") != mark.checkpoint.root]


def _rolled_back(mark: Mark, size: int) -> RolledBackError:
    signed = mark.checkpoint.size
    if signed > size:
        what = (
            _(
                "The archive holds {size} entries and is older than what was signed on this "
                "machine, with {signed} entries; nothing was signed."
            )
            if mark.here
            else _(
                "The archive holds {size} entries and is older than a state of it that was signed, "
                "with {signed} entries; nothing was signed."
            )
        )
    else:
        what = (
            _(
                "The archive, with {size} entries, does not continue what was signed on this "
                "machine when it held {signed}: it is an older copy that went its own way, or the "
                "journal was changed. Nothing was signed."
            )
            if mark.here
            else _(
                "The archive, with {size} entries, does not continue the state that was signed "
                "when it held {signed}: it is an older copy that went its own way, or the journal "
                "was changed. Nothing was signed."
            )
        )
    return RolledBackError(
        what.format(size=size, signed=signed),
        advice=_(
            "Put back the newest backup. If there is none, `archiver restore --accept` goes on "
            "with the older copy and notes in the journal what is given up."
        ),
    )


def _unbelievable(where: object, reason: str) -> OperationError:
    return OperationError(
        _("What was signed last cannot be believed as it stands in {where}: {reason}.").format(
            where=where, reason=reason
        ),
        advice=_(
            "Nothing was signed. Run `archiver verify`, and put the file back from the newest "
            "backup."
        ),
    )
