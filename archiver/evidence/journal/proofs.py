"""Proofs of the tree (RFC 9162, section 2.1): this entry is in it, and it only grew.

Making any number of proofs over one tree takes a single pass over its leaves: one SHA-256 a leaf
(about a second for a million), and twice 32 bytes a leaf of memory at most. Who is handed one
checks it with ``verify.py``.
"""

import mmap
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from gettext import gettext as _
from hashlib import sha256
from pathlib import Path
from typing import Self, overload

from archiver.errors import OperationError
from archiver.evidence.journal.merkle import EMPTY_ROOT, HASH_SIZE, node_hash

_PAIR = 2 * HASH_SIZE
_PAIRS_AT_ONCE = 4096

Node = tuple[int, int]
"""Where a hash stands in the tree: level above the leaves, place from the left."""


class PackedLeaves(Sequence[bytes]):
    """Leaves one behind the other, without an object for each.

    A slice is a view of the same: ``leaves[:size]`` is the tree as it was at an older size.
    """

    def __init__(self, leaves: Iterable[bytes]) -> None:
        """Pack LEAVES; raises ValueError when one is not 32 bytes long."""
        packed = bytearray()
        for leaf in leaves:
            if len(leaf) != HASH_SIZE:
                raise ValueError("a hash of the tree is 32 bytes long")
            packed += leaf
        self._map: mmap.mmap | bytes | None = bytes(packed)
        self._start = 0
        self._size = len(packed) // HASH_SIZE

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> "PackedLeaves": ...
    def __getitem__(self, index: int | slice) -> "bytes | PackedLeaves":
        """Return one leaf, or a view of some that follow each other."""
        if isinstance(index, slice):
            start, stop, step = index.indices(self._size)
            if step != 1:
                raise ValueError("leaves are taken one after the other")
            view = type(self).__new__(type(self))
            view._map = self._map  # noqa: SLF001 - of the same class
            view._start = self._start + start  # noqa: SLF001
            view._size = max(0, stop - start)  # noqa: SLF001
            return view
        if not -self._size <= index < self._size:
            raise IndexError(index)
        at = (self._start + index % self._size) * HASH_SIZE
        assert self._map is not None  # noqa: S101 - it has a leaf, so there is a file
        return self._map[at : at + HASH_SIZE]

    def joined(self) -> bytes:
        """Return all leaves, one behind the other."""
        if self._map is None:
            return b""
        at = self._start * HASH_SIZE
        return self._map[at : at + self._size * HASH_SIZE]


class MirrorLeaves(PackedLeaves):
    """The first SIZE leaves of ``journal/leaves``, mapped rather than loaded.

    Close it, or use it in a ``with`` statement: Windows cannot change a file that is mapped.
    """

    def __init__(self, path: Path, size: int | None = None) -> None:
        """Map PATH; all whole leaves in it when SIZE is None. Raises OperationError."""
        try:
            length = path.stat().st_size // HASH_SIZE
            self._size = length if size is None else size
            if self._size > length:
                raise OperationError(
                    _("{path} covers {length} entries where {size} are wanted.").format(
                        path=path, length=length, size=self._size
                    ),
                    advice=_(
                        "The next command that writes to the archive completes it; "
                        "`archiver verify` tells more."
                    ),
                )
            self._map = None
            if self._size:  # an empty file cannot be mapped
                with path.open("rb") as file:
                    self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise OperationError(
                _("{path} could not be read: {reason}.").format(
                    path=path, reason=error.strerror or error
                ),
                advice=_("Check the disk, and that the file belongs to you."),
            ) from error
        self._start = 0

    def close(self) -> None:
        """Give the file free; views of it are of no use afterwards."""
        if isinstance(self._map, mmap.mmap):
            self._map.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


def inclusion_proofs(
    leaves: Sequence[bytes], indexes: Iterable[int], size: int | None = None
) -> Mapping[int, tuple[bytes, ...]]:
    """Prove each of INDEXES in the tree of the first SIZE leaves (all, if None), in one pass.

    As RFC 9162 has it, section 2.1.3.1.
    Raises IndexError when there is no such leaf, ValueError when a leaf is not 32 bytes long.
    """
    leaves = _first(leaves, size)
    paths: dict[int, list[Node]] = {}
    for index in indexes:
        if not 0 <= index < len(leaves):
            raise IndexError(f"leaf {index} of a tree of {len(leaves)}")
        paths[index] = list(_inclusion_path(index, len(leaves)))
    nodes = _nodes(leaves, (node for path in paths.values() for node in path))
    return {index: tuple(nodes[node] for node in path) for index, path in paths.items()}


def consistency_proof(leaves: Sequence[bytes], old: int) -> tuple[bytes, ...]:
    """Prove that the tree of all LEAVES continues that of the first OLD (RFC 9162, 2.1.4.1).

    Raises ValueError when OLD is not from 1 to the number of leaves, or a leaf is not 32 bytes
    long. Between a tree and itself the proof is empty.
    """
    if not 1 <= old <= len(leaves):
        raise ValueError(f"no proof from a tree of {old} to one of {len(leaves)}")
    path = list(_consistency_path(old, len(leaves)))
    nodes = _nodes(leaves, path)
    return tuple(nodes[node] for node in path)


def roots_at(leaves: Sequence[bytes], sizes: Iterable[int]) -> Mapping[int, bytes]:
    """Return the root that the tree had at each of SIZES, in one pass over LEAVES.

    Raises ValueError for a size that LEAVES do not reach, or a leaf that is not 32 bytes long.
    """
    sizes = frozenset(sizes)
    if sizes and not 0 <= min(sizes) <= max(sizes) <= len(leaves):
        raise ValueError(f"no such size in a tree of {len(leaves)}")
    leaves = _first(leaves, max(sizes, default=0))
    # A set bit of the size is a perfect subtree, and perfect subtrees never change again.
    subtrees = {
        size: [
            (level, (size >> level) - 1) for level in range(size.bit_length()) if size >> level & 1
        ]
        for size in sizes
    }
    nodes = _nodes(leaves, (node for path in subtrees.values() for node in path))
    roots: dict[int, bytes] = {}
    for size, path in subtrees.items():
        root = EMPTY_ROOT
        for number, node in enumerate(path):  # the smallest first
            root = node_hash(nodes[node], root) if number else nodes[node]
        roots[size] = root
    return roots


def _inclusion_path(index: int, size: int) -> Iterator[Node]:
    level, last = 0, size - 1
    while last:
        if index ^ 1 <= last:  # else it is a lone node at the right edge, which goes up unchanged
            yield level, index ^ 1
        level, index, last = level + 1, index >> 1, last >> 1


def _consistency_path(old: int, new: int) -> Iterator[Node]:
    if old == new:
        return
    level, place, last = 0, old - 1, new - 1
    while place & 1:  # up to the largest perfect subtree that ends with the old tree
        level, place, last = level + 1, place >> 1, last >> 1
    if place:  # else the old tree is that subtree, and its root is known
        yield level, place
    while last:
        if place & 1:
            yield level, place - 1
        elif place < last:
            yield level, place + 1
        level, place, last = level + 1, place >> 1, last >> 1


def _nodes(leaves: Sequence[bytes], wanted: Iterable[Node]) -> dict[Node, bytes]:
    """Compute the tree level by level, and return the hashes at the WANTED places."""
    places: defaultdict[int, set[int]] = defaultdict(set)
    for level, place in wanted:
        places[level].add(place)
    found: dict[Node, bytes] = {}
    if not places:
        return found
    hashes = _joined(leaves)
    for level in range(max(places) + 1):
        if level:
            hashes = _next_level(hashes)
        for place in places[level]:
            found[level, place] = hashes[place * HASH_SIZE : (place + 1) * HASH_SIZE]
    return found


def _next_level(hashes: bytes) -> bytes:
    """Return the level above HASHES; a lone node at the right edge goes up unchanged."""
    end = len(hashes) // _PAIR * _PAIR
    above = bytearray()
    for start in range(0, end, _PAIR * _PAIRS_AT_ONCE):
        stop = min(start + _PAIR * _PAIRS_AT_ONCE, end)
        # node_hash without its call and its checks: nearly all time is spent on this line
        above += b"".join(
            [sha256(b"\x01" + hashes[at : at + _PAIR]).digest() for at in range(start, stop, _PAIR)]
        )
    above += hashes[end:]
    return bytes(above)


def _first(leaves: Sequence[bytes], size: int | None) -> Sequence[bytes]:
    if size is None or size == len(leaves):
        return leaves
    if not 0 <= size <= len(leaves):
        raise ValueError(f"no tree of {size} in one of {len(leaves)}")
    return leaves[:size]


def _joined(leaves: Sequence[bytes]) -> bytes:
    if isinstance(leaves, PackedLeaves):
        return leaves.joined()
    if not _are_hashes(leaves):
        raise ValueError("a hash of the tree is 32 bytes long")
    return b"".join(leaves)


def _are_hashes(values: Iterable[bytes]) -> bool:
    return all(len(value) == HASH_SIZE for value in values)
