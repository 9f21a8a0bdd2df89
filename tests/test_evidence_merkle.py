"""The Merkle tree, against vectors that others published."""

import base64
import json
import os
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.evidence.journal.merkle import EMPTY_ROOT, Tree, leaf_hash, node_hash, root_of

# The leaves that Certificate Transparency's reference implementations are tested with.
LEAVES = [
    bytes.fromhex(data)
    for data in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def plain_root(leaves: list[bytes]) -> bytes:
    """Compute the root as RFC 9162, section 2.1.1, defines it."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(plain_root(leaves[:split]), plain_root(leaves[split:]))


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    """The well-known leaves give the well-known roots."""
    assert root_of(map(leaf_hash, LEAVES[:size])).hex() == ROOTS[size - 1]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    """RFC 9162, section 2.1.1."""
    assert root_of([]) == EMPTY_ROOT == sha256(b"").digest()


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_the_compact_tree_is_the_recursive_one(entries: list[bytes]) -> None:
    """Keeping only the perfect subtrees loses nothing."""
    leaves = [leaf_hash(entry) for entry in entries]
    assert root_of(leaves) == plain_root(leaves)


def test_a_tree_grows_between_roots() -> None:
    """A root is right at every size on the way."""
    tree = Tree()
    for size, data in enumerate(LEAVES, 1):
        tree.extend([leaf_hash(data)])
        assert (tree.size, tree.root().hex()) == (size, ROOTS[size - 1])


@pytest.mark.parametrize("bad", [b"", bytes(31), bytes(33), bytes(64)])
def test_a_hash_of_another_length_is_refused(bad: bytes) -> None:
    """Otherwise an inner node could be passed off as a leaf."""
    with pytest.raises(ValueError, match="32 bytes"):
        node_hash(bad, bytes(32))
    with pytest.raises(ValueError, match="32 bytes"):
        Tree().extend([bad])


@pytest.mark.shared
def test_roots_agree_with_the_published_proofs() -> None:
    """The roots in transparency-dev's sound consistency proofs are roots of these leaves."""
    corpora = os.environ.get("ARCHIVER_CORPORA")
    if not corpora:
        pytest.skip("ARCHIVER_CORPORA does not name the corpora")
    checked = 0
    for path in sorted(Path(corpora, "merkle", "testdata").glob("consistency/*/happy-path.json")):
        case = json.loads(path.read_bytes())
        for size, root in ((case["size1"], case["root1"]), (case["size2"], case["root2"])):
            leaves = map(leaf_hash, LEAVES[:size])
            assert root_of(leaves) == base64.b64decode(root), path
            checked += 1
    assert checked
