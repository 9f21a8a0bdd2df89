"""Change the signing key, and give up a state that was signed for an older copy.

A new key is kept outside as the *next* key, then journalled, then made the signing key: a crash
leaves either the old key in force, or a next key that the journal names and that ``settle`` takes
up. All of this happens under the lock of the memory.
"""

from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

from archiver.evidence.checkpoints.checkpoint import origin_of
from archiver.evidence.checkpoints.history import (
    ABANDONED,
    checkpoints_folder,
    key_history,
    note_of,
    note_path,
    restores,
    roots,
    signed_sizes,
)
from archiver.evidence.checkpoints.keys import SEED_SIZE, SigningKey
from archiver.evidence.checkpoints.marks import Mark, check_consistent, lost_of, mark_of, marks_of
from archiver.evidence.checkpoints.outside import Outside
from archiver.evidence.store import Evidence
from archiver.evidence.writer import PROGRAM
from archiver.model.anchors import KeyRotate
from archiver.model.entries import Payload

Entropy = Callable[[int], bytes]


def have_key(evidence: Evidence, outside: Outside, marks: list[Mark], entropy: Entropy) -> bool:
    """Take care that the key in force is here; tell whether it had to be changed for that.

    Raises RolledBackError before anything is journalled.
    """
    seed = outside.key()
    history = key_history(evidence)
    own = None if seed is None else SigningKey.from_seed(origin_of(evidence.archive_id), seed)
    if own is not None and history and history[-1].key == own.verifier:
        return False
    if marks:
        check_consistent(evidence, marks, evidence.size)
    change_key(
        evidence, outside, "lost" if history else "first", seed=seed, actor=PROGRAM, entropy=entropy
    )
    return True


def change_key(
    evidence: Evidence,
    outside: Outside,
    reason: str,
    *before: Payload,
    actor: str,
    entropy: Entropy,
    seed: bytes | None = None,
) -> None:
    """Journal BEFORE and that another key signs from now on: that of SEED, or a new one."""
    seed = seed or entropy(SEED_SIZE)
    key = SigningKey.from_seed(origin_of(evidence.archive_id), seed).verifier
    outside.keep_next(seed)

    def entries(_first: int) -> list[Payload]:
        history = key_history(evidence)
        previous = str(history[-1].key) if history else None
        return [*before, KeyRotate(previous=previous, key=str(key), reason=reason)]

    evidence.append_next(entries, actor=actor)
    settle(evidence, outside)


def settle(evidence: Evidence, outside: Outside) -> None:
    """Finish what was journalled: a change of the key, and a state that was given up."""
    seed = outside.next_key()
    if seed is not None:
        key = SigningKey.from_seed(origin_of(evidence.archive_id), seed).verifier
        history = key_history(evidence)
        if history and history[-1].key == key:
            outside.promote()
    given_up = restores(evidence)
    if not given_up:
        return
    marks = marks_of(evidence, outside)
    if not any((mark.checkpoint.size, mark.checkpoint.root) in given_up for mark in marks):
        return
    with evidence.writing():
        lost = lost_of(evidence, marks)
        if any((mark.checkpoint.size, mark.checkpoint.root) in given_up for mark in lost):
            if any(mark.here for mark in lost):
                outside.set_aside_last()
            _set_notes_aside(evidence)


def _set_notes_aside(evidence: Evidence) -> None:
    """Move the notes that the archive does not continue out of the way, newest last."""
    folder = checkpoints_folder(evidence)
    lost = list(_lost_notes(evidence))
    if not lost:
        return
    aside = folder / ABANDONED
    evidence.disk.make_folder(aside)
    for path, note in lost:
        path.replace(aside / f"{path.stem}-{sha256(note).hexdigest()[:16]}.note")
    evidence.disk.sync_folder(aside)
    evidence.disk.sync_folder(folder)


def _lost_notes(evidence: Evidence) -> Iterator[tuple[Path, bytes]]:
    sizes = signed_sizes(evidence)
    found = roots(evidence, {size for size in sizes if size <= evidence.size}, ())
    for size in sizes:
        note = note_of(evidence, size)
        path = note_path(evidence, size)
        if mark_of(note, path, here=False).checkpoint.root != found.get(size):
            yield path, note
