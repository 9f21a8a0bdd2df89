"""Gather the proof of one record from the archive, and check every piece of it on the way."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from gettext import gettext as _
from itertools import pairwise

from archiver.dossier.proof.stamps import kept_stamps
from archiver.dossier.proof.values import Proof
from archiver.errors import OperationError, UsageError
from archiver.evidence.checkpoints.checkpoint import Checkpoint
from archiver.evidence.checkpoints.history import key_at, key_history, open_checkpoint
from archiver.evidence.checkpoints.keys import NoteError
from archiver.evidence.checkpoints.signing import note_of, signed_sizes
from archiver.evidence.checkpoints.tlog_proof import format_proof
from archiver.evidence.journal.proofs import (
    MirrorLeaves,
    consistency_proof,
    inclusion_proofs,
    roots_at,
)
from archiver.evidence.origin.registry import origin_entries
from archiver.evidence.reader import Reader
from archiver.model.custody import Emptied
from archiver.model.digest import Position
from archiver.model.entries import Entry, Record
from archiver.model.origin import KeySeen, Origin

Files = dict[str, bytes]


@dataclass(frozen=True, slots=True)
class _Signed:
    """A checkpoint that was opened, and its note."""

    checkpoint: Checkpoint
    note: bytes
    key: str


def collect(evidence: Reader, position: Position, *, with_origin: bool = True) -> Proof:
    """Gather what proves the record at POSITION: as of the last checkpoint, in a fixed order.

    The record is proved in the first time-stamped checkpoint that contains it; when there is none,
    in the last one. WITH_ORIGIN takes along what was recorded about the sender.

    Raises UsageError when it was erased, OperationError when no checkpoint contains it or
    something in the archive is not as it should be.
    """
    record = _record(evidence, position)
    data = evidence.read(record.object)
    sizes = [size for size in signed_sizes(evidence) if position < size <= evidence.size]
    if not sizes:
        raise OperationError(
            _("No signed checkpoint contains the record {digest} yet.").format(
                digest=record.object.short
            ),
            advice=_("`archiver key show` tells of the key; `archiver doctor` of what is wrong."),
        )
    stamps, left_out = kept_stamps(evidence, sizes)
    chosen = tuple(sorted({*(each.stamp.size for each in stamps), max(sizes)}))
    signed = {size: _open(evidence, size) for size in chosen}
    files: Files = {"record.eml": data, "entry.json": evidence.raw_entry(position)}
    for size, each in signed.items():
        files[f"checkpoints/{size}.note"] = each.note
    for stamp in stamps:
        files |= stamp.files
    entries = {
        **_rotations(evidence, chosen[-1]),
        **{stamp.position: stamp.stamp.name for stamp in stamps},
        **(_origins(evidence, position, chosen[-1]) if with_origin else {}),
    }
    files["keys/log.vkey"] = _key_lines(evidence, chosen[-1])
    files |= _answers(evidence, entries)
    files |= _proofs(evidence, position, signed, entries)
    return Proof(
        position=position,
        digest=record.object,
        size=record.size,
        checkpoints=chosen,
        stamps=tuple(stamp.stamp for stamp in stamps),
        key=signed[chosen[0]].key,
        origins=sum(name.startswith("origin/") for name in entries.values()),
        files=tuple(sorted(files.items())),
        since=next(evidence.entries(0, 1)).at,
        left_out=left_out,
    )


def _record(evidence: Reader, position: Position) -> Record:
    match evidence.entry(position):
        case Entry(payload=Record() as record):
            return record
        case Entry(payload=Emptied() as emptied):
            raise UsageError(
                _("The record at position {position} was erased.").format(position=position),
                advice=_("Entry {entry} of the journal says why, and by whom.").format(
                    entry=emptied.erase
                ),
            )
        case _:
            return evidence.record(position)


def _open(evidence: Reader, size: int) -> _Signed:
    note = note_of(evidence, size)
    key = key_at(key_history(evidence), size)
    try:
        checkpoint = open_checkpoint(note, key, evidence.archive_id)
    except NoteError as error:
        raise _damaged(size, str(error)) from error
    return _Signed(checkpoint, note, str(key))


def _key_lines(evidence: Reader, size: int) -> bytes:
    """Return one verifier key a line, as the ``key-rotate`` entries name them."""
    history = [period for period in key_history(evidence) if period.since < size]
    return "".join(f"{period.key}\n" for period in history).encode()


def _rotations(evidence: Reader, size: int) -> dict[Position, str]:
    """Return the entries that name keys, each with the name of its file."""
    history = key_history(evidence)
    return {each.since: f"keys/{each.since}" for each in history if each.since < size}


def _origins(evidence: Reader, record: Position, size: int) -> dict[Position, str]:
    """Return the ``origin`` entries about RECORD, and the ``key-seen`` entries that they name."""
    found: dict[Position, str] = {}
    for position in origin_entries(evidence, record):
        for entry in evidence.entries(position, position + 1):
            if position < size and isinstance(entry.payload, Origin):
                found[position] = f"origin/{position}"
                found |= {key: f"origin/{key}" for key in sorted(entry.payload.keys)}
    return found


def _answers(evidence: Reader, entries: Mapping[Position, str]) -> Files:
    """Return the raw DNS answers that ``key-seen`` entries name."""
    return {
        f"{name}.dns": evidence.read(entry.payload.object)
        for position, name in entries.items()
        for entry in evidence.entries(position, position + 1)
        if isinstance(entry.payload, KeySeen)
    }


def _proofs(
    evidence: Reader,
    record: Position,
    signed: Mapping[int, _Signed],
    entries: Mapping[Position, str],
) -> Files:
    """Return every proof of the tree; raise OperationError when it is not what was signed."""
    first, last = min(signed), max(signed)
    files: Files = {}
    with MirrorLeaves(evidence.mirror.path, last) as leaves:
        roots = roots_at(leaves, signed)
        for size, each in signed.items():
            if roots[size] != each.checkpoint.root:
                raise _damaged(size, _("its root is not that of the journal"))
        path = inclusion_proofs(leaves, (record,), first)[record]
        files["record.tlog-proof"] = format_proof(record, path, signed[first].note)
        for position, path in inclusion_proofs(leaves, entries, last).items():
            name = entries[Position(position)]
            files[f"{name}.json"] = evidence.raw_entry(Position(position))
            files[f"{name}.tlog-proof"] = format_proof(position, path, signed[last].note)
        for old, new in pairwise(sorted(signed)):
            lines = (base64.b64encode(each) for each in consistency_proof(leaves[:new], old))
            files[f"consistency-{old}-{new}.txt"] = b"".join(line + b"\n" for line in lines)
    return files


def _damaged(size: int, reason: str) -> OperationError:
    return OperationError(
        _("The checkpoint of {size} entries does not hold: {reason}.").format(
            size=size, reason=reason
        ),
        advice=_("No proof was written. Run `archiver verify` to see what is damaged."),
    )
