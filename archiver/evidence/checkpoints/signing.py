"""Sign the state of the archive, and never one that does not continue what was signed before.

The order of writes, each durable before the next: the note is remembered outside the archive, then
kept in ``journal/checkpoints``. Outside first, because a signature counts from the moment that it
can leave the archive: by then the memory must know of it. A crash between the two is mended by the
next signing, which keeps the remembered note in the archive as well. For one state there is one
note: Ed25519 signs the same bytes the same way.
"""

import contextlib
from collections.abc import Iterator
from gettext import gettext as _
from pathlib import Path

from archiver.errors import OperationError, UsageError
from archiver.evidence.checkpoints.change import (
    Entropy,
    Tell,
    change_key,
    have_key,
    settle,
)
from archiver.evidence.checkpoints.checkpoint import Checkpoint, origin_of
from archiver.evidence.checkpoints.history import (
    checkpoints_folder,
    key_at,
    key_history,
    known_keys,
    note_of,
    note_path,
    signed_sizes,
)
from archiver.evidence.checkpoints.keys import SigningKey
from archiver.evidence.checkpoints.marks import (
    Mark,
    RolledBackError,
    check_consistent,
    lost_of,
    marks_of,
)
from archiver.evidence.checkpoints.note import sign_note
from archiver.evidence.checkpoints.outside import Outside
from archiver.evidence.checkpoints.standing import Standing, standing
from archiver.evidence.durable import sweep, write_in_folder
from archiver.evidence.reader import Reader
from archiver.evidence.store import Evidence
from archiver.model.anchors import Restore
from archiver.model.digest import Digest

__all__ = (
    "RolledBackError",
    "Standing",
    "accept_restored",
    "known_keys",
    "note_of",
    "rotate",
    "sign_checkpoint",
    "signed_sizes",
    "standing",
)


def sign_checkpoint(
    evidence: Evidence, outside: Outside, *, entropy: Entropy, tell: Tell = lambda _message: None
) -> Path | None:
    """Sign the present state, and return where the note is kept.

    None: this state is signed already, or the archive cannot be written. The first time the key is
    made, and its ``key-rotate`` entry, so that what is signed contains it. TELL is told when
    another key had to be made, and what cannot be known therefore. Raises RolledBackError, and
    signs nothing, when the archive does not continue what was signed last; LockedError;
    OperationError.
    """
    if evidence.read_only:
        return None
    with _at_work(evidence, outside):
        settle(evidence, outside)
        marks = marks_of(evidence, outside)
        if not any(mark.here for mark in marks) and _is_signed(evidence, marks):
            return None  # a copy on another machine, as it came: no reason for another key
        have_key(evidence, outside, marks, entropy=entropy, tell=tell)
        return _sign(evidence, outside)


def rotate(
    evidence: Evidence,
    outside: Outside,
    *,
    actor: str,
    entropy: Entropy,
    tell: Tell = lambda _message: None,
) -> Path | None:
    """Sign from now on with another key; the old one signs the state until here first.

    Returns where the new key's first note is kept. Raises as ``sign_checkpoint``; OperationError
    when the archive cannot be written.
    """
    with _at_work(evidence, outside):
        settle(evidence, outside)
        marks = marks_of(evidence, outside)
        if not have_key(evidence, outside, marks, entropy=entropy, tell=tell):
            _sign(evidence, outside)
            change_key(evidence, outside, "rotated", actor=actor, entropy=entropy)
        return _sign(evidence, outside)


def accept_restored(
    evidence: Evidence, outside: Outside, *, actor: str, entropy: Entropy
) -> Path | None:
    """Go on with an archive that does not continue what was signed, as a person decided.

    A ``restore`` entry names the newest state that was signed and is given up, another key signs
    from now on, and the memory begins anew; what it held stays under another name, as do notes of
    given-up states in the archive. Raises OperationError when there is nothing to give up.
    """
    with _at_work(evidence, outside):
        settle(evidence, outside)
        lost = lost_of(evidence, marks_of(evidence, outside))
        if not lost:
            raise OperationError(
                _("The archive is not older than what was signed: there is nothing to accept."),
                advice=_("Go on as usual; `archiver verify` checks everything."),
            )
        newest = max((mark.checkpoint for mark in lost), key=lambda known: known.size)
        gone = Restore(size=newest.size, root=Digest(newest.root.hex()))
        change_key(evidence, outside, "restored", gone, actor=actor, entropy=entropy)
        return _sign(evidence, outside)


@contextlib.contextmanager
def _at_work(evidence: Evidence, outside: Outside) -> Iterator[None]:
    """Hold the lock of the memory; refuse an archive that cannot be written, before anything is."""
    with evidence.writing():
        pass
    if outside.folder.absolute().resolve().is_relative_to(evidence.root.resolve()):
        raise UsageError(
            _("The memory of this machine, {folder}, lies in the archive itself.").format(
                folder=outside.folder
            ),
            advice=_(
                "Name another folder in the environment variable ARCHIVER_STATE: whoever puts the "
                "archive back to an older state must not put back the memory with it."
            ),
        )
    with outside.locked():
        yield


def _sign(evidence: Evidence, outside: Outside) -> Path | None:
    with evidence.writing():
        sweep(evidence.disk, checkpoints_folder(evidence))
        marks = marks_of(evidence, outside)
        size = evidence.size
        root = check_consistent(evidence, marks, size)
        for mark in marks:
            if mark.here:  # a crash came between the memory and the archive
                _keep(evidence, mark)
        if any(mark.checkpoint.size == size for mark in marks):
            return _catch_up(evidence, outside, marks)
        checkpoint = Checkpoint(origin_of(evidence.archive_id), size, root)
        mark = Mark(checkpoint, sign_note(checkpoint.text(), _key(evidence, outside)), here=True)
        outside.remember(mark.note)
        _keep(evidence, mark)
    return note_path(evidence, size)


def _key(evidence: Evidence, outside: Outside) -> SigningKey:
    """Return the key in force."""
    seed = outside.key()
    if seed is not None:
        key = SigningKey.from_seed(origin_of(evidence.archive_id), seed)
        if key.verifier == key_at(key_history(evidence), evidence.size):
            return key
    raise OperationError(  # it was made sure of before, so somebody came in between
        _("The signing key was changed by another machine just now; nothing was signed."),
        advice=_("Run the command again."),
    )


def _catch_up(evidence: Evidence, outside: Outside, marks: list[Mark]) -> Path | None:
    """Level memory and archive about a state that is signed already; None if both know it."""
    newest = max(marks, key=lambda mark: mark.checkpoint.size)
    known = [mark for mark in marks if mark.checkpoint.size == newest.checkpoint.size]
    if len(known) == 2:  # noqa: PLR2004 - here and in the archive
        return None
    if not newest.here:
        outside.remember(newest.note)
    return note_path(evidence, newest.checkpoint.size)


def _keep(evidence: Evidence, mark: Mark) -> None:
    """Keep a note in the archive, unless it is there."""
    path = note_path(evidence, mark.checkpoint.size)
    if not path.exists():
        write_in_folder(evidence.disk, path, mark.note)


def _is_signed(evidence: Reader, marks: list[Mark]) -> bool:
    """Tell whether the archive holds the note of its present state."""
    size = evidence.size
    if not any(mark.checkpoint.size == size for mark in marks):
        return False
    check_consistent(evidence, marks, size)
    return True
