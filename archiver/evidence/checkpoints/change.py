"""Change the signing key, and give up a state that was signed for an older copy.

A new key is kept outside as the *next* key, then journalled, then made the signing key: a crash
leaves either the old key in force, or a next key that the journal names and that ``settle`` takes
up. All of this happens under the lock of the memory.

A key that is here and is not the one that should sign is never destroyed, it is kept aside; only a
person who changes the key has the old one destroyed.
"""

from collections.abc import Callable, Iterator, Sequence
from gettext import gettext as _
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

from archiver.evidence.checkpoints.checkpoint import origin_of
from archiver.evidence.checkpoints.history import (
    ABANDONED,
    KeyPeriod,
    checkpoints_folder,
    key_history,
    known_keys,
    note_of,
    note_path,
    restores,
    roots,
    signed_sizes,
)
from archiver.evidence.checkpoints.keys import SEED_SIZE, SigningKey, VerifierKey
from archiver.evidence.checkpoints.marks import Mark, check_consistent, lost_of, mark_of, marks_of
from archiver.evidence.checkpoints.outside import Outside
from archiver.evidence.store import Evidence
from archiver.evidence.writer import PROGRAM
from archiver.model.anchors import KeyRotate
from archiver.model.entries import Payload

Entropy = Callable[[int], bytes]
Tell = Callable[[str], None]

_DECIDED = ("rotated", "restored")
"""Reasons for another key that a person gave, who had the old one destroyed."""


def have_key(
    evidence: Evidence,
    outside: Outside,
    marks: Sequence[Mark],
    *,
    entropy: Entropy,
    tell: Tell,
) -> bool:
    """Take care that the key in force is here; tell whether it had to be changed for that.

    A key that has signed, where nothing is remembered of what it signed, does not go on: the
    archive may be an older copy that its memory was taken from. What a person should know of the
    change goes to TELL. Raises RolledBackError before anything is journalled.
    """
    seed = outside.key()
    history = key_history(evidence)
    own = None if seed is None else _verifier(evidence, seed)
    remembers = any(mark.here for mark in marks)
    in_force = own is not None and bool(history) and history[-1].key == own
    if in_force and (remembers or not _has_signed(evidence, history[-1])):
        return False
    if marks:
        check_consistent(evidence, list(marks), evidence.size)
    again = own is not None and remembers and _was_displaced(history, own)
    aside = change_key(
        evidence,
        outside,
        "lost" if history else "first",
        seed=seed if again else None,
        actor=PROGRAM,
        entropy=entropy,
    )
    if history or own is not None:
        since = key_history(evidence)[-1].since
        tell(_change_words(since, remembers=remembers, again=again, aside=aside))
    return True


def change_key(
    evidence: Evidence,
    outside: Outside,
    reason: str,
    *before: Payload,
    actor: str,
    entropy: Entropy,
    seed: bytes | None = None,
) -> str | None:
    """Journal BEFORE and that another key signs from now on: that of SEED, or a new one.

    Returns where the key that was here is kept aside; None when none was, or when it is destroyed
    because a person decided so.
    """
    aside = None if seed else _keep_aside(evidence, outside, reason)
    seed = seed or entropy(SEED_SIZE)
    key = _verifier(evidence, seed)
    outside.keep_next(seed)

    def entries(_first: int) -> list[Payload]:
        history = key_history(evidence)
        previous = str(history[-1].key) if history else None
        return [*before, KeyRotate(previous=previous, key=str(key), reason=reason)]

    evidence.append_next(entries, actor=actor)
    settle(evidence, outside)
    return aside


def _verifier(evidence: Evidence, seed: bytes) -> VerifierKey:
    return SigningKey.from_seed(origin_of(evidence.archive_id), seed).verifier


def _has_signed(evidence: Evidence, period: KeyPeriod) -> bool:
    """Tell whether the archive holds a state that was signed in PERIOD.

    If not, its first signing was interrupted: the key is here, and nothing can be remembered yet.
    """
    return any(size > period.since for size in signed_sizes(evidence))


def _was_displaced(history: Sequence[KeyPeriod], key: VerifierKey) -> bool:
    """Tell whether KEY signed until another machine, which did not have it, came in between."""
    ends = [after.reason for period, after in pairwise(history) if period.key == key]
    return bool(ends) and ends[-1] == "lost"


def _keep_aside(evidence: Evidence, outside: Outside, reason: str) -> str | None:
    """Keep the key that is here under another name; return where, in words."""
    seed = outside.key()
    if seed is None:
        return None
    key = _verifier(evidence, seed)
    if reason in _DECIDED and key in known_keys(evidence):
        return None
    path = outside.keep_aside(seed, f"{key.hash:08x}")
    return _("the keyring") if path is None else str(path)


def _change_words(since: int, *, remembers: bool, again: bool, aside: str | None) -> str:
    """Say why another key signs from the entry SINCE on, and what to do about it."""
    if not remembers:
        what = _(
            "This machine remembers nothing of this archive: whether a newer state was signed "
            "elsewhere cannot be known. A new key signs from here on, and the journal says so "
            "(entry {position})."
        )
        advice = _(
            "Compare the archive with the machine that it comes from, or with a signed state that "
            "somebody else keeps. If a newer copy turns up, work with that one."
        )
    elif again:
        what = _(
            "Another key than this machine's signed the archive meanwhile; from entry {position} "
            "on this machine's signs again."
        )
        advice = _("If you did not work with the archive on another machine, ask who did.")
    elif aside is not None:
        what = _(
            "The signing key on this machine is not the one that the journal names. A new key "
            "signs from here on, and the journal says so (entry {position})."
        )
        advice = _("Ask who put the other key there.")
    else:
        what = _(
            "The key that signed the archive is no longer on this machine. A new key signs from "
            "here on, and the journal says so (entry {position})."
        )
        advice = _("Ask who removed it.")
    words = what.format(position=since)
    if aside is not None:
        words += " " + _("The key that was here is kept aside: {where}.").format(where=aside)
    return f"{words}\n{advice}"


def settle(evidence: Evidence, outside: Outside) -> None:
    """Finish what was journalled: a change of the key, and a state that was given up."""
    seed = outside.next_key()
    if seed is not None:
        history = key_history(evidence)
        if history and history[-1].key == _verifier(evidence, seed):
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
