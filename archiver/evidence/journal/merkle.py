"""The Merkle tree over the journal's entries (RFC 9162, section 2.1; the same as RFC 6962)."""

from collections.abc import Iterable
from hashlib import sha256

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()
"""The root of a tree without leaves (RFC 9162, section 2.1.1)."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256(0x00 || ENTRY) (RFC 9162, section 2.1.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256(0x01 || LEFT || RIGHT).

    Raises ValueError when a hash is not 32 bytes long: otherwise two different trees could be made
    to share a root.
    """
    if len(left) != HASH_SIZE or len(right) != HASH_SIZE:
        raise ValueError("a hash of the tree is 32 bytes long")
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree that only grows, kept as the roots of its perfect subtrees, largest first.

    One leaf costs one node hash on average, a root at most one for each bit of the size; leaves
    are not kept.
    """

    def __init__(self) -> None:
        self._size = 0
        self._subtrees: list[bytes] = []

    @property
    def size(self) -> int:
        """How many leaves the tree has."""
        return self._size

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add LEAVES (hashes of entries, 32 bytes each) at the right.

        Raises ValueError when one of them is not 32 bytes long; those before it stay added.
        """
        subtrees = self._subtrees
        for leaf in leaves:
            if len(leaf) != HASH_SIZE:
                raise ValueError("a hash of the tree is 32 bytes long")
            subtree = leaf
            # A set bit of the size is a perfect subtree: as in a sum, equal ones carry.
            carry = self._size
            while carry & 1:
                subtree = sha256(b"\x01" + subtrees.pop() + subtree).digest()
                carry >>= 1
            subtrees.append(subtree)
            self._size += 1

    def root(self) -> bytes:
        """Return the root: 32 bytes that change when any leaf, or their order, changes."""
        if not self._subtrees:
            return EMPTY_ROOT
        root = self._subtrees[-1]
        for subtree in reversed(self._subtrees[:-1]):
            root = node_hash(subtree, root)
        return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root of the tree over LEAVES."""
    tree = Tree()
    tree.extend(leaves)
    return tree.root()
