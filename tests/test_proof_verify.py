"""``verify.py`` alone: on every Python it is for, without this program, against bad files."""

import ast
import base64
import io
import json
import random
import shutil
import subprocess
import sys
import tokenize
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from authority import LocalAuthority, missing
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from proofs import VERIFIER, House, load_verifier, pinned, pythons, sealed, verify
from tree_proofs import inclusion_proof

from archiver.evidence.journal.merkle import leaf_hash, root_of
from archiver.evidence.journal.proofs import consistency_proof

# RFC 8032, section 7.1, tests 1 to 3 and SHA(abc): secret key, public key, message, signature.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]
ORDER = 2**252 + 27742317777372353535851937790883648493


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> LocalAuthority:
    """Make a time-stamp authority, or skip by name."""
    if reason := missing():
        pytest.skip(reason)
    return LocalAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def whole(
    local: LocalAuthority, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, tuple[str, ...]]:
    """Export a proof with everything in it; return it and what a reader got elsewhere."""
    house = House(tmp_path_factory.mktemp("house"), local)
    (record,) = house.keep("Delivery")
    house.originate(record)
    house.stamp()
    house.keep("Another", "And another")
    house.stamp()
    folder, proof, _written = house.export(record, "proof")
    return folder, pinned(proof)


@pytest.fixture
def copy(whole: tuple[Path, tuple[str, ...]], tmp_path: Path) -> Path:
    """Copy the proof, to be spoilt."""
    return shutil.copytree(whole[0], tmp_path / "copy")


@pytest.fixture(scope="module")
def verifier() -> ModuleType:
    """Load the file as a module."""
    return load_verifier()


# --- what it is ---------------------------------------------------------------------------------


def test_it_stays_short_enough_to_be_read() -> None:
    """Fewer than 200 lines of code; blank lines, comments and docstrings not counted."""
    source = VERIFIER.read_text("utf-8")
    described: set[int] = set()
    for part in ast.walk(ast.parse(source)):
        if isinstance(part, ast.Module | ast.FunctionDef | ast.ClassDef) and ast.get_docstring(
            part
        ):
            first = part.body[0]
            described |= set(range(first.lineno, (first.end_lineno or 0) + 1))
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    code: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in silent | {tokenize.ENDMARKER}:
            code |= set(range(token.start[0], token.end[0] + 1))
    assert len(code - described) < 200


def test_it_needs_the_standard_library_only() -> None:
    """Every module that it imports is part of Python."""
    names = {
        alias.name if isinstance(part, ast.Import) else part.module
        for part in ast.walk(ast.parse(VERIFIER.read_text("utf-8")))
        if isinstance(part, ast.Import | ast.ImportFrom)
        for alias in part.names
    }
    assert names <= sys.stdlib_module_names | {"__future__"}


def test_its_grammar_is_that_of_python_3_8() -> None:
    """As far as the parser of this Python can tell; the next test runs it."""
    ast.parse(VERIFIER.read_text("utf-8"), feature_version=(3, 8))


@pytest.mark.parametrize("version", [f"3.{minor}" for minor in range(8, 14)])
def test_it_runs_on_every_python_that_it_promises(
    version: str, whole: tuple[Path, tuple[str, ...]]
) -> None:
    """With an empty environment, without site packages, warnings being errors."""
    command = dict(pythons()).get(version)
    if command is None:
        pytest.skip(f"no Python {version} on this machine")
    folder, options = whole
    done = verify(folder, *options, python=command)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("Tout concorde.\nEverything holds.\n")
    warned = subprocess.run(
        [command, "-I", "-W", "error", str(folder / "verify.py")], capture_output=True, check=False
    )
    assert warned.returncode == 2, warned.stderr


def test_it_finds_its_own_folder(whole: tuple[Path, tuple[str, ...]], tmp_path: Path) -> None:
    """As the page says: no argument, from wherever."""
    done = subprocess.run(
        [sys.executable, "-I", str(whole[0] / "verify.py")],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 2
    assert "FAILED" not in done.stdout


# --- what it says -------------------------------------------------------------------------------


def test_everything_is_checked_with_what_came_another_way(
    whole: tuple[Path, tuple[str, ...]],
) -> None:
    """One line for each step, all of them OK."""
    done = verify(whole[0], *whole[1])
    *steps, _french, last = done.stdout.splitlines()
    assert all(step.startswith("OK          ") for step in steps), done.stdout
    assert len(steps) == 11
    assert last == "Everything holds."
    assert done.returncode == 0


def test_without_the_key_and_the_root_it_says_what_is_open(
    whole: tuple[Path, tuple[str, ...]],
) -> None:
    """A forger can make both of them: what stands in the folder does not vouch for itself."""
    done = verify(whole[0])
    assert done.returncode == 2
    assert "NOT CHECKED keys: whose key? give --key, or compare its SHA-256" in done.stdout
    assert done.stdout.count("is its authority's root: see --root") == 2
    assert done.stdout.endswith("Nothing is wrong, but not all was checked.\n")


def test_the_key_may_be_given_in_full(whole: tuple[Path, tuple[str, ...]]) -> None:
    """As ``archiver key show`` prints it."""
    folder, options = whole
    key = (folder / "keys" / "log.vkey").read_text().strip()
    assert verify(folder, "--key", key, *options[2:]).returncode == 0


def test_a_root_may_be_given_as_openssl_prints_it(whole: tuple[Path, tuple[str, ...]]) -> None:
    """Pairs of capitals between colons."""
    folder, options = whole
    pairs = ":".join(options[3][at : at + 2] for at in range(0, 64, 2)).upper()
    assert verify(folder, *options[:2], "--root", pairs).returncode == 0


@pytest.mark.parametrize("option", ["--key", "--root"])
def test_another_key_or_root_is_not_accepted(
    whole: tuple[Path, tuple[str, ...]], option: str
) -> None:
    """A wrong key fails; a root that is not given leaves the stamp open."""
    folder, options = whole
    given = list(options)
    given[given.index(option) + 1] = "0" * 64
    done = verify(folder, *given)
    assert done.returncode == (1 if option == "--key" else 2)


def test_without_openssl_it_says_so(whole: tuple[Path, tuple[str, ...]], tmp_path: Path) -> None:
    """It still reads what the stamp states, and compares the imprint."""
    done = verify(whole[0], *whole[1], path=str(tmp_path))
    assert done.returncode == 2
    assert done.stdout.count("its signature needs openssl, which is not here") == 2
    assert " UTC, it says" in done.stdout


def test_an_openssl_that_cannot_is_no_reason_to_accuse(
    whole: tuple[Path, tuple[str, ...]], tmp_path: Path
) -> None:
    """LibreSSL, which macOS ships, does not know ``-attime``."""
    if sys.platform == "win32":
        pytest.skip("a script is no program there")
    (tmp_path / "openssl").write_text("#!/bin/sh\necho \"unknown option '-attime'\" >&2\nexit 1\n")
    (tmp_path / "openssl").chmod(0o755)
    done = verify(whole[0], *whole[1], path=str(tmp_path))
    assert done.returncode == 2
    assert done.stdout.count("openssl could not check it: b\"unknown option '-attime'") == 2


def test_an_openssl_in_the_folder_is_not_run(copy: Path) -> None:
    """It is not the reader's."""
    (copy / "openssl").write_text("#!/bin/sh\nexit 0\n")
    (copy / "openssl").chmod(0o755)
    sealed(copy)
    done = verify(copy, path=str(copy))
    assert "its signature needs openssl, which is not here" in done.stdout
    assert "no check covers ['openssl']" in done.stdout


def test_an_undated_record_is_called_so(tmp_path: Path) -> None:
    """Without a time-stamp only the owner says since when."""
    house = House(tmp_path)
    (record,) = house.keep("Delivery")
    house.sign()
    folder, proof, _written = house.export(record, "proof")
    done = verify(folder, *pinned(proof))
    assert done.returncode == 2
    assert "which no third party has dated yet" in done.stdout
    assert "nothing here tells who sent it" in done.stdout


def test_a_key_that_was_changed_is_followed(local: LocalAuthority, tmp_path: Path) -> None:
    """Each key is announced in the log; either key that vouches for the record is accepted."""
    house = House(tmp_path, local)
    (record,) = house.keep("Delivery")
    house.originate(record)
    house.stamp()
    house.rotate()
    house.keep("After the change")
    house.stamp()
    folder, proof, _written = house.export(record, "proof")
    keys = (folder / "keys" / "log.vkey").read_text().splitlines()
    assert len(keys) == 2
    for key in keys:
        done = verify(folder, "--key", key, "--root", proof.stamps[0].root)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "entry.json").write_bytes(b"["),
        lambda folder: (folder / "entry.json").write_bytes(b"[" * 100_000),
        lambda folder: (folder / "record.tlog-proof").write_bytes(b""),
        lambda folder: (folder / "record.tlog-proof").write_bytes(b"\xff\xfe"),
        lambda folder: (folder / "keys" / "log.vkey").write_bytes(b"+\n"),
        lambda folder: (folder / "keys" / "log.vkey").write_bytes(b""),
        lambda folder: (folder / "manifest-sha256.txt").write_bytes(b"\x00"),
        lambda folder: [each.write_bytes(b"\x30\x84") for each in folder.glob("stamps/*.tsr")],
        lambda folder: [each.write_bytes(b"") for each in folder.glob("stamps/*.tsr")],
        lambda folder: [each.write_bytes(b"x\n\n\n") for each in folder.glob("checkpoints/*")],
        lambda folder: shutil.rmtree(folder / "checkpoints"),
        shutil.rmtree,
    ],
    ids=lambda _spoil: "",
)
def test_malformed_files_are_told_in_words(copy: Path, spoil: Callable[[Path], object]) -> None:
    """Exit code 1, no traceback."""
    manifest = copy / "manifest-sha256.txt"
    before = manifest.read_bytes()
    spoil(copy)
    if copy.exists() and manifest.read_bytes() == before:
        sealed(copy)
    done = verify(copy)
    assert (done.returncode, done.stderr) == (1, ""), done.stdout
    assert "FAILED" in done.stdout
    assert done.stdout.endswith("Something is wrong.\n")


def test_a_hostile_name_cannot_steer_the_terminal(copy: Path) -> None:
    """What is printed is plain ASCII, line by line."""
    try:
        (copy / "stamps" / "\x1b[2J.tsr").write_bytes(b"\x1b[2J")
    except OSError:
        pytest.skip("such a name is not possible here")
    done = verify(copy)
    assert done.returncode == 1
    assert done.stdout.isascii()
    assert "\x1b" not in done.stdout


# --- its arithmetic -----------------------------------------------------------------------------


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_signatures_of_rfc_8032_are_accepted(
    verifier: ModuleType, public: str, message: str, signature: str
) -> None:
    """Section 7.1; with one bit changed anywhere they are not."""
    values = [bytes.fromhex(each) for each in (public, message, signature)]
    verifier.check_signature(*values)
    for place in (0, 2):
        spoilt = list(values)
        spoilt[place] = bytes((values[place][0] ^ 1, *values[place][1:]))
        with pytest.raises(ValueError, match=r"curve|signature"):
            verifier.check_signature(*spoilt)
    with pytest.raises(ValueError, match="signature"):
        verifier.check_signature(values[0], values[1] + b"x", values[2])


def test_a_signature_has_one_form_only(verifier: ModuleType) -> None:
    """RFC 8032, section 5.1.7: S that is not below the group's order is refused."""
    public, message, signature = (bytes.fromhex(each) for each in VECTORS[1])
    s = int.from_bytes(signature[32:], "little") + ORDER
    with pytest.raises(ValueError, match="wrong form"):
        verifier.check_signature(public, message, signature[:32] + s.to_bytes(32, "little"))


def test_signatures_agree_with_another_implementation(verifier: ModuleType) -> None:
    """Both accept the same, seeded ones, and refuse them for another message."""
    chance = random.Random(8032)
    for length in (0, 1, 31, 200):
        key = Ed25519PrivateKey.from_private_bytes(chance.randbytes(32))
        message = chance.randbytes(length)
        public = key.public_key().public_bytes_raw()
        verifier.check_signature(public, message, key.sign(message))
        with pytest.raises(ValueError, match="not of this key"):
            verifier.check_signature(public, message + b"\0", key.sign(message))


def test_inclusion_agrees_with_the_archive_for_every_small_tree(verifier: ModuleType) -> None:
    """Every leaf of every tree of up to 20 leaves; and at no other place."""
    leaves = [leaf_hash(bytes([each])) for each in range(20)]
    for size in range(1, 21):
        root = root_of(leaves[:size])
        for index in range(size):
            path = list(inclusion_proof(leaves[:size], index))
            assert verifier.roots(index, size, leaves[index], path)[1] == root
            for other in set(range(size)) - {index}:
                assert _refused(_whole(verifier), other, size, leaves[index], path, wanted=root)
            longer = [*path, root]
            assert _refused(_whole(verifier), index, size, leaves[index], longer, wanted=root)


def test_consistency_agrees_with_the_archive_for_every_small_tree(verifier: ModuleType) -> None:
    """Every pair of sizes up to 20; not with a hash more, less or changed."""
    leaves = [leaf_hash(bytes([each])) for each in range(20)]
    for new in range(2, 21):
        for old in range(1, new):
            path = list(consistency_proof(leaves[:new], old))
            roots = root_of(leaves[:old]), root_of(leaves[:new])
            assert _consistent(verifier, old, new, path, roots)
            for wrong in (path[:-1], [*path, path[0]], [leaves[0], *path[1:], leaves[0]]):
                assert not _consistent(verifier, old, new, wrong, roots)


def _whole(verifier: ModuleType) -> Callable[..., object]:
    return lambda *arguments: verifier.roots(*arguments)[1]


def _consistent(
    verifier: ModuleType, old: int, new: int, path: list[bytes], roots: tuple[bytes, bytes]
) -> bool:
    """Tell whether a file with PATH leads from one checkpoint to the other."""
    proof = verifier.Proof(Path(__file__).parent / "no such folder")
    proof.notes = {"older": (old, roots[0], ""), "newer": (new, roots[1], "")}
    lines = b"".join(base64.b64encode(each) + b"\n" for each in path)
    proof.files[f"consistency-{old}-{new}.txt"] = lines
    return not _refused(
        proof.consistency, "older", "newer", wanted="the later one only adds to the earlier one"
    )


def _refused(compute: Callable[..., object], *arguments: object, wanted: object) -> bool:
    try:
        return compute(*arguments) != wanted
    except (ValueError, IndexError):
        return True


@pytest.mark.shared
@pytest.mark.parametrize("kind", ["inclusion", "consistency"])
def test_the_vectors_of_transparency_dev_are_judged_as_they_say(
    corpora: Path, verifier: ModuleType, kind: str
) -> None:
    """The negative ones included."""
    files = sorted((corpora / "merkle" / "testdata" / kind).rglob("*.json"))
    assert files
    for file in files:
        case = json.loads(file.read_text())
        proof = [base64.b64decode(each) for each in case.get("proof") or ()]
        if kind == "inclusion":
            leaf, root = (base64.b64decode(case[name] or "") for name in ("leafHash", "root"))
            good = len(leaf) == 32 and not _refused(
                _whole(verifier), case["leafIdx"], case["treeSize"], leaf, proof, wanted=root
            )
        else:
            roots = tuple(base64.b64decode(case[name] or "") for name in ("root1", "root2"))
            old, new = case["size1"], case["size2"]
            if old in {0, new}:
                continue  # names do not allow empty ones, and no size stands there twice
            good = old < new and _consistent(verifier, old, new, proof, roots)
        assert good == (not case["wantErr"]), file.name
