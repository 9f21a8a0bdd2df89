"""Proofs of the tree, against vectors that others published and against the plain definition."""

import base64
import json
import mmap
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from evidence_case import create, seen
from hypothesis import given
from hypothesis import strategies as st
from test_evidence_merkle import LEAVES, ROOTS, plain_root
from tree_proofs import inclusion_proof, verify_consistency, verify_inclusion

from archiver.errors import OperationError
from archiver.evidence.journal.merkle import leaf_hash, node_hash, root_of
from archiver.evidence.journal.proofs import (
    MirrorLeaves,
    consistency_proof,
    inclusion_proofs,
    roots_at,
)
from archiver.model.digest import Position

KINDS = ("inclusion", "consistency")  # of published vectors
HASHES = [leaf_hash(data) for data in LEAVES]
SIZES = st.integers(min_value=1, max_value=70)


def leaves_of(size: int) -> list[bytes]:
    """Return SIZE different leaves."""
    return [leaf_hash(number.to_bytes(4)) for number in range(size)]


def split(size: int) -> int:
    """Return the largest power of two below SIZE."""
    return 1 << (size - 1).bit_length() - 1


def plain_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 9162, section 2.1.3.1, word for word."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return [*plain_path(index, leaves[:k]), plain_root(leaves[k:])]
    return [*plain_path(index - k, leaves[k:]), plain_root(leaves[:k])]


def plain_subproof(old: int, leaves: list[bytes], *, known: bool = True) -> list[bytes]:
    """RFC 9162, section 2.1.4.1, word for word."""
    if old == len(leaves):
        return [] if known else [plain_root(leaves)]
    k = split(len(leaves))
    if old <= k:
        return [*plain_subproof(old, leaves[:k], known=known), plain_root(leaves[k:])]
    return [*plain_subproof(old - k, leaves[k:], known=False), plain_root(leaves[:k])]


@given(SIZES, st.data())
def test_an_inclusion_proof_is_the_one_of_the_definition(size: int, data: st.DataObject) -> None:
    """And it verifies, at its own place only."""
    leaves, index = leaves_of(size), data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(leaves, index)
    assert list(proof) == plain_path(index, leaves)
    root = root_of(leaves)
    assert verify_inclusion(leaves[index], index, size, proof, root)
    for other in range(size):
        assert verify_inclusion(leaves[index], other, size, proof, root) == (other == index)
        assert verify_inclusion(leaves[other], index, size, proof, root) == (other == index)


@given(SIZES, SIZES)
def test_a_consistency_proof_is_the_one_of_the_definition(one: int, other: int) -> None:
    """And it verifies, for its own two roots only."""
    old, new = sorted((one, other))
    leaves = leaves_of(new)
    proof = consistency_proof(leaves, old)
    assert list(proof) == plain_subproof(old, leaves)
    roots = root_of(leaves[:old]), root_of(leaves)
    assert verify_consistency(old, new, proof, *roots)
    assert verify_consistency(old, new, proof, roots[1], roots[0]) == (old == new)
    assert not verify_consistency(old, new, (*proof, roots[0]), *roots)


@given(SIZES, st.data())
def test_no_change_of_a_proof_passes(size: int, data: st.DataObject) -> None:
    """One bit, one hash more, one hash less, two hashes changed over."""
    leaves, index = leaves_of(size), data.draw(st.integers(0, size - 1))
    root, proof = root_of(leaves), list(inclusion_proof(leaves, index))
    wrong: list[list[bytes]] = [[*proof, root], [root, *proof]]
    for at, node in enumerate(proof):
        wrong += [proof[:at] + proof[at + 1 :], [*proof[:at], node, *proof[at:]]]
        bit = 1 << data.draw(st.integers(0, 255))
        flipped = (int.from_bytes(node) ^ bit).to_bytes(32)
        wrong.append([*proof[:at], flipped, *proof[at + 1 :]])
    if len(proof) > 1:
        wrong.append(proof[::-1])
    for changed in wrong:
        assert not verify_inclusion(leaves[index], index, size, changed, root)


@given(st.lists(SIZES, max_size=8), st.integers(0, 30))
def test_the_roots_of_many_sizes_come_from_one_pass(sizes: list[int], more: int) -> None:
    """Also that of the empty tree, and of none at all."""
    leaves = leaves_of(max(sizes, default=0) + more)
    assert roots_at(leaves, [0, *sizes]) == {size: root_of(leaves[:size]) for size in {0, *sizes}}
    assert roots_at(leaves, ()) == {}


@given(SIZES, SIZES, st.data())
def test_proofs_for_many_exhibits_in_an_older_tree_come_at_once(
    size: int, more: int, data: st.DataObject
) -> None:
    """As a dossier wants them: each in the tree of its first time-stamp."""
    leaves = leaves_of(size + more)
    indexes = data.draw(st.lists(st.integers(0, size - 1)))
    proofs = inclusion_proofs(leaves, indexes, size)
    assert proofs == {index: inclusion_proof(leaves[:size], index) for index in indexes}


def test_the_proofs_of_certificate_transparency() -> None:
    """The examples that the reference implementations give for the well-known leaves."""
    root = bytes.fromhex(ROOTS[-1])
    path = inclusion_proof(HASHES, 5)
    assert [node.hex()[:8] for node in path] == ["bc1a0643", "ca854ea1", "d37ee418"]
    assert verify_inclusion(HASHES[5], 5, 8, path, root)
    steps = consistency_proof(HASHES, 6)
    assert [node.hex()[:8] for node in steps] == ["0ebc5d34", "ca854ea1", "d37ee418"]
    assert verify_consistency(6, 8, steps, bytes.fromhex(ROOTS[5]), root)


def test_a_tree_of_one_leaf_needs_no_proof() -> None:
    """The leaf is the root."""
    assert inclusion_proof(HASHES[:1], 0) == ()
    assert verify_inclusion(HASHES[0], 0, 1, (), HASHES[0])
    assert consistency_proof(HASHES[:1], 1) == ()
    assert verify_consistency(1, 1, (), HASHES[0], HASHES[0])


@pytest.mark.parametrize("index", [-1, 8, 9])
def test_a_leaf_that_is_not_there_cannot_be_proved(index: int) -> None:
    """An error, not a proof of another leaf."""
    with pytest.raises(IndexError):
        inclusion_proof(HASHES, index)
    assert not verify_inclusion(HASHES[0], index, 8, inclusion_proof(HASHES, 0), root_of(HASHES))


@pytest.mark.parametrize("old", [-1, 0, 9])
def test_a_tree_that_is_not_there_cannot_be_continued(old: int) -> None:
    """Nothing follows from the empty tree."""
    with pytest.raises(ValueError, match="no proof"):
        consistency_proof(HASHES, old)
    assert not verify_consistency(old, 8, (), root_of(()), root_of(HASHES))


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_hash_that_is_not_32_bytes_long_is_refused(length: int) -> None:
    """Made or checked; else two trees could share a root."""
    wrong = bytes(length)
    for make in (
        lambda leaves: inclusion_proof(leaves, 1),
        lambda leaves: consistency_proof(leaves, 3),
        lambda leaves: roots_at(leaves, [3]),
    ):
        with pytest.raises(ValueError, match="32 bytes"):
            make([HASHES[0], wrong, HASHES[2], HASHES[3]])
    assert not verify_inclusion(wrong, 0, 1, (), wrong)
    assert not verify_consistency(1, 1, (), wrong, wrong)
    assert not verify_inclusion(HASHES[0], 0, 2, (wrong,), root_of(HASHES[:2]))


def test_a_size_that_the_leaves_do_not_reach_is_refused() -> None:
    """A root is never made up."""
    with pytest.raises(ValueError, match="no such size"):
        roots_at(HASHES, [9])
    with pytest.raises(ValueError, match="no tree of 9"):
        inclusion_proofs(HASHES, [0], 9)


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[MirrorLeaves]:
    """Map a file with the well-known leaves, and half a leaf behind them."""
    path = tmp_path / "leaves"
    path.write_bytes(b"".join(HASHES) + bytes(16))
    with MirrorLeaves(path) as leaves:
        yield leaves


def test_the_mirror_is_read_as_a_sequence(mirror: MirrorLeaves) -> None:
    """Whole leaves only, from both ends, and slices of slices."""
    assert list(mirror) == HASHES
    assert mirror[-1] == HASHES[-1]
    assert list(mirror[2:7][1:3]) == HASHES[3:5]
    assert list(mirror[5:2]) == []
    with pytest.raises(IndexError):
        _ = mirror[8]
    with pytest.raises(ValueError, match="one after the other"):
        _ = mirror[::2]


def test_the_mirror_proves_as_the_leaves_do(mirror: MirrorLeaves) -> None:
    """Its older states as well."""
    assert inclusion_proof(mirror, 5) == inclusion_proof(HASHES, 5)
    assert inclusion_proof(mirror[:6], 5) == inclusion_proof(HASHES[:6], 5)
    assert consistency_proof(mirror, 3) == consistency_proof(HASHES, 3)
    assert roots_at(mirror, [3]) == {3: root_of(HASHES[:3])}


def test_an_archive_s_own_mirror_leads_to_its_root(tmp_path: Path) -> None:
    """What is proved from the file is proved for the journal."""
    with create(tmp_path / "archive") as evidence:
        evidence.keep([seen(str(uid).encode(), uid) for uid in range(1, 8)])
        with MirrorLeaves(evidence.mirror.path, evidence.size) as leaves:
            proof = inclusion_proof(leaves, 3)
        leaf = leaf_hash(evidence.raw_entry(Position(3)))
        assert verify_inclusion(leaf, 3, evidence.size, proof, evidence.tree_root())


def test_an_empty_mirror_is_an_empty_tree(tmp_path: Path) -> None:
    """A file without a byte cannot be mapped."""
    (tmp_path / "leaves").touch()
    with MirrorLeaves(tmp_path / "leaves") as leaves:
        assert list(leaves) == []
        assert roots_at(leaves, [0]) == {0: root_of(())}


def test_a_mirror_that_is_too_short_is_told(tmp_path: Path) -> None:
    """Rather than proving in another tree."""
    path = tmp_path / "leaves"
    path.write_bytes(b"".join(HASHES))
    with pytest.raises(OperationError) as caught:
        MirrorLeaves(path, 9)
    assert str(caught.value) == f"{path} covers 8 entries where 9 are wanted."
    assert "completes it" in caught.value.advice
    with pytest.raises(OperationError, match=r"could not be read: No such file"):
        MirrorLeaves(tmp_path / "absent")


def test_the_mirror_is_mapped_and_not_loaded(mirror: MirrorLeaves) -> None:
    """A slice shares the map."""
    view = mirror[:4]
    assert isinstance(view, MirrorLeaves)
    assert isinstance(view._map, mmap.mmap)
    assert view._map is mirror._map


# --- the vectors of transparency-dev ----------------------------------------------------------


def decoded(values: Sequence[str] | None) -> list[bytes]:
    """Undo the base64 of the vectors."""
    return [base64.b64decode(value or "") for value in values or ()]


def verdict(kind: str, case: dict[str, Any]) -> bool:
    """Check one vector."""
    proof = decoded(case["proof"])
    if kind == "inclusion":
        leaf, root = decoded([case["leafHash"], case["root"]])
        return verify_inclusion(leaf, case["leafIdx"], case["treeSize"], proof, root)
    assert kind == "consistency"
    old, new = decoded([case["root1"], case["root2"]])
    return verify_consistency(case["size1"], case["size2"], proof, old, new)


def has_short_hash(case: dict[str, Any]) -> bool:
    """Tell whether a root of the case, which takes it for an opaque text, is no hash at all."""
    return any(len(root) != 32 for root in decoded([case.get("root1", ""), case.get("root2", "")]))


@pytest.mark.shared
def test_every_vector_of_transparency_dev(corpora: Path) -> None:
    """196 cases; in one that they accept a root is not 32 bytes long, and that is refused.

    Those of subtrees are left out: nothing here proves any.
    """
    folder = corpora / "merkle" / "testdata"
    outcomes: Counter[str] = Counter()
    cases = [(kind, path) for kind in KINDS for path in sorted((folder / kind).rglob("*.json"))]
    for kind, path in cases:
        case = json.loads(path.read_text())
        valid = verdict(kind, case)
        if not case["wantErr"] and kind == "consistency" and has_short_hash(case):
            assert not valid, path
            outcomes["refused for its root"] += 1
        else:
            assert valid == (not case["wantErr"]), path
            outcomes["valid" if valid else "invalid"] += 1
    assert outcomes == {"valid": 11, "invalid": 184, "refused for its root": 1}


@pytest.mark.long
def test_a_million_leaves_are_proved_in_one_pass(tmp_path: Path) -> None:
    """A thousand exhibits cost what one costs."""
    path = tmp_path / "leaves"
    path.write_bytes(Random(1).randbytes(32 * 1_000_000))
    indexes = range(0, 999_000, 999)
    with MirrorLeaves(path) as leaves:
        proofs = inclusion_proofs(leaves, indexes, 999_999)
        root = roots_at(leaves, [999_999])[999_999]
        for index in indexes:
            assert verify_inclusion(leaves[index], index, 999_999, proofs[index], root)


def test_the_own_fixture_is_built_by_hand() -> None:
    """Three leaves: the third is alone, and goes up unchanged."""
    one, two, three = HASHES[:3]
    root = node_hash(node_hash(one, two), three)
    assert inclusion_proof([one, two, three], 2) == (node_hash(one, two),)
    assert inclusion_proof([one, two, three], 0) == (two, three)
    assert verify_inclusion(three, 2, 3, (node_hash(one, two),), root)
    assert consistency_proof([one, two, three], 2) == (three,)
    assert consistency_proof([one, two, three], 1) == (two, three)
