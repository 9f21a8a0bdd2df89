"""Checks of the tree's proofs, iterative as RFC 9162 writes them: other code than ``verify.py``."""

from collections.abc import Iterable, Sequence

from archiver.evidence.checkpoints.checkpoint import Checkpoint, parse_checkpoint
from archiver.evidence.checkpoints.keys import NoteError, VerifierKey
from archiver.evidence.checkpoints.note import open_note
from archiver.evidence.checkpoints.tlog_proof import parse_proof
from archiver.evidence.journal.merkle import HASH_SIZE, leaf_hash, node_hash
from archiver.evidence.journal.proofs import inclusion_proofs


def inclusion_proof(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Prove that leaf INDEX is in the tree of all LEAVES."""
    return inclusion_proofs(leaves, (index,))[index]


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Tell whether PROOF shows LEAF at INDEX of the SIZE leaves under ROOT (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes((leaf, root, *proof)):
        return False
    place, last, found = index, size - 1, leaf
    for node in proof:
        if not last:
            return False
        if place & 1 or place == last:
            found = node_hash(node, found)
            while place and not place & 1:  # lone nodes at the right edge went up unchanged
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, node)
        place, last = place >> 1, last >> 1
    return not last and found == root


def verify_consistency(
    old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> bool:
    """Tell whether PROOF shows that the tree of NEW leaves continues that of OLD (2.1.4.2).

    From the empty tree there is nothing to prove, and this says no.
    """
    if not 0 < old <= new or not _are_hashes((old_root, new_root, *proof)):
        return False
    if old == new:
        return not proof and old_root == new_root
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not proof:
        return False
    place, last = old - 1, new - 1
    while place & 1:  # up to the largest perfect subtree that ends with the old tree
        place, last = place >> 1, last >> 1
    inner = outer = path[0]
    for node in path[1:]:
        if not last:
            return False
        if place & 1 or place == last:
            inner, outer = node_hash(node, inner), node_hash(node, outer)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            outer = node_hash(outer, node)
        place, last = place >> 1, last >> 1
    return not last and (inner, outer) == (old_root, new_root)


def _are_hashes(values: Iterable[bytes]) -> bool:
    return all(len(value) == HASH_SIZE for value in values)


def open_proof(data: bytes, entry: bytes, keys: Iterable[VerifierKey]) -> tuple[int, Checkpoint]:
    """Check a C2SP tlog-proof against the ENTRY it is about; return its index and checkpoint.

    Raises NoteError when the file is malformed, none of KEYS signed the checkpoint, or the proof
    does not lead from the entry to its root.
    """
    index, proof, note = parse_proof(data)
    checkpoint = parse_checkpoint(open_note(note, keys))
    if not verify_inclusion(leaf_hash(entry), index, checkpoint.size, proof, checkpoint.root):
        raise NoteError("the proof does not lead from the entry to the checkpoint's root")
    return index, checkpoint
