"""Proof files (C2SP tlog-proof@v1): one entry's place, its proof, and the checkpoint, as text."""

import base64
from collections.abc import Sequence

from archiver.evidence.checkpoints.checkpoint import decimal, parse_checkpoint
from archiver.evidence.checkpoints.keys import NoteError, strict_base64
from archiver.evidence.checkpoints.note import LARGEST_NOTE, text_of
from archiver.evidence.journal.merkle import HASH_SIZE

_HEADER = "c2sp.org/tlog-proof@v1"
_EXTRA = "extra "
_INDEX = "index "
_LONGEST_PROOF = 63
"""Hashes: sizes have at most 63 bits."""


def format_proof(index: int, proof: Sequence[bytes], note: bytes) -> bytes:
    """Write a proof file for entry INDEX in the tree of the checkpoint NOTE.

    Raises NoteError when one of the three could not be read back.
    """
    hashes = "".join(f"{base64.b64encode(node).decode()}\n" for node in proof)
    data = f"{_HEADER}\n{_INDEX}{index}\n{hashes}\n".encode() + note
    parse_proof(data)
    return data


def parse_proof(data: bytes) -> tuple[int, tuple[bytes, ...], bytes]:
    """Return (index, proof, note) as a proof file holds them; raises NoteError.

    The note is well-formed, its signatures are not looked at. An ``extra`` line is passed over:
    nothing vouches for it.
    """
    if len(data) > 2 * LARGEST_NOTE:
        raise NoteError("the proof file is too large")
    head, blank, note = data.partition(b"\n\n")
    if not blank:
        raise NoteError("the proof file has no checkpoint below a blank line")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise NoteError("the proof is not ASCII") from None
    if lines.pop(0) != _HEADER:
        raise NoteError(f"the first line is not {_HEADER}")
    if lines and lines[0].startswith(_EXTRA):
        strict_base64(lines.pop(0).removeprefix(_EXTRA))
    if not lines or not lines[0].startswith(_INDEX):
        raise NoteError("the proof file names no index")
    index = decimal(lines.pop(0).removeprefix(_INDEX))
    if len(lines) > _LONGEST_PROOF:
        raise NoteError("the proof is longer than any tree is high")
    proof = tuple(map(strict_base64, lines))
    if any(len(node) != HASH_SIZE for node in proof):
        raise NoteError("a hash of the proof is not 32 bytes long")
    if index >= parse_checkpoint(text_of(note)).size:
        raise NoteError("the index lies outside the checkpoint's tree")
    return index, proof, note
