"""What the archive itself says of its checkpoints: the notes it holds, and the keys it names."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from gettext import gettext as _
from itertools import islice
from pathlib import Path

from archiver.errors import OperationError
from archiver.evidence.checkpoints.checkpoint import Checkpoint, origin_of, parse_checkpoint
from archiver.evidence.checkpoints.keys import VerifierKey
from archiver.evidence.checkpoints.note import NoteError, open_note, text_of
from archiver.evidence.disk import told
from archiver.evidence.journal.merkle import HASH_SIZE
from archiver.evidence.journal.proofs import MirrorLeaves, PackedLeaves, roots_at
from archiver.evidence.reader import Reader
from archiver.model.anchors import KeyRotate, Restore
from archiver.model.digest import Position
from archiver.model.entries import Entry

ABANDONED = "abandoned"
"""The folder below ``journal/checkpoints`` for notes that a person gave up with ``restore``."""
_NOTE_NAME = re.compile(r"(0|[1-9][0-9]{0,18})\.note\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPeriod:
    """A key, and since when it signs."""

    key: VerifierKey
    previous: str | None
    """The key before it, as the entry names it; None: there was none."""
    since: Position
    """Its ``key-rotate`` entry: it signs the states that contain this entry, until the next one."""
    at: datetime
    reason: str


def checkpoints_folder(evidence: Reader) -> Path:
    """Return where the archive keeps its notes."""
    return evidence.root / "journal" / "checkpoints"


def note_path(evidence: Reader, size: int) -> Path:
    """Return where the note of the state with SIZE entries is kept."""
    return checkpoints_folder(evidence) / f"{size}.note"


def signed_sizes(evidence: Reader) -> tuple[int, ...]:
    """Return the sizes of the states whose notes are kept, smallest first."""
    folder = checkpoints_folder(evidence)
    with told(folder):
        try:
            names = [path.name for path in folder.iterdir()]
        except FileNotFoundError:
            return ()
    return tuple(sorted(int(found[1]) for name in names if (found := _NOTE_NAME.match(name))))


def note_of(evidence: Reader, size: int) -> bytes:
    """Return the note of the state with SIZE entries; raises OperationError when there is none."""
    path = note_path(evidence, size)
    with told(path):
        return path.read_bytes()


def key_history(evidence: Reader) -> tuple[KeyPeriod, ...]:
    """Return the keys that the journal names, oldest first; one that came back stands twice.

    Raises OperationError when an entry names something that is no key.
    """
    return tuple(_period(entry, change) for entry, change in key_entries(evidence))


def known_keys(evidence: Reader) -> tuple[VerifierKey, ...]:
    """Return the distinct keys that the journal names, oldest first."""
    return tuple(dict.fromkeys(period.key for period in key_history(evidence)))


def key_at(history: Iterable[KeyPeriod], size: int) -> VerifierKey | None:
    """Return the key that signs the state with SIZE entries; None when there was none yet."""
    keys = [period.key for period in history if period.since < size]
    return keys[-1] if keys else None


def restores(evidence: Reader) -> frozenset[tuple[int, bytes]]:
    """Return (size, root) of each signed state that a person gave up for an older copy."""
    found: set[tuple[int, bytes]] = set()
    for entry in evidence.entries_of("restore"):
        if isinstance(entry.payload, Restore):
            found.add((entry.payload.size, bytes.fromhex(entry.payload.root.hex)))
    return frozenset(found)


def read_checkpoint(note: bytes) -> Checkpoint:
    """Return what NOTE says, whoever signed it; raises NoteError."""
    return parse_checkpoint(text_of(note))


def open_checkpoint(note: bytes, key: VerifierKey | None, archive_id: str) -> Checkpoint:
    """Return what NOTE says about the archive if KEY has signed it; raises NoteError."""
    checkpoint = parse_checkpoint(open_note(note, () if key is None else (key,)))
    if checkpoint.origin != origin_of(archive_id):
        raise NoteError("the note is about another archive")
    return checkpoint


def roots(
    evidence: Reader, sizes: Collection[int], signed: Collection[Checkpoint]
) -> Mapping[int, bytes]:
    """Return the root at each of SIZES, none larger than the journal, in one pass.

    The mirror is read instead of the database as long as it leads to what was SIGNED and ends as
    the database does; else the database, which decides.
    """
    largest = max(sizes, default=0)
    level = max((known.size for known in signed if known.size <= largest), default=0)
    if level and evidence.mirror.length() >= largest * HASH_SIZE:
        # Only what was signed vouches for the mirror: the leaves after it are compared one by one.
        newer = PackedLeaves(islice(evidence.journal.leaves(level), largest - level))
        with MirrorLeaves(evidence.mirror.path, largest) as mirror:
            if mirror[level:].joined() == newer.joined():
                found = roots_at(mirror, {*sizes, level})
                if all(found.get(known.size, known.root) == known.root for known in signed):
                    return found
    return journal_roots(evidence, sizes)


def journal_roots(evidence: Reader, sizes: Collection[int]) -> Mapping[int, bytes]:
    """Return the root at each of SIZES, none larger than the journal, from the database alone.

    Raises OperationError when entries or their hashes are missing.
    """
    try:
        leaves = PackedLeaves(islice(evidence.journal.leaves(), max(sizes, default=0)))
        return roots_at(leaves, sizes)
    except ValueError as error:
        raise OperationError(
            _("Entries are missing from the journal in {root}.").format(root=evidence.root),
            advice=_("Run `archiver verify` to see what is damaged."),
        ) from error


def key_entries(evidence: Reader) -> Iterator[tuple[Entry, KeyRotate]]:
    """Yield the ``key-rotate`` entries with what they say, oldest first."""
    for entry in evidence.entries_of("key-rotate"):
        if isinstance(entry.payload, KeyRotate):
            yield entry, entry.payload


def _period(entry: Entry, change: KeyRotate) -> KeyPeriod:
    try:
        key = VerifierKey.parse(change.key)
    except NoteError as error:
        raise OperationError(
            _("Entry {position} of the journal names no signing key: {reason}.").format(
                position=entry.position, reason=error
            ),
            advice=_("Run `archiver verify` to see what is damaged."),
        ) from error
    return KeyPeriod(
        key=key,
        previous=change.previous,
        since=entry.position,
        at=entry.at,
        reason=change.reason,
    )
