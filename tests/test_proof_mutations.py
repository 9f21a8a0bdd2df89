"""Every change to an exported proof is detected by ``verify.py``: by accident or by a forger."""

import base64
import contextlib
import hashlib
import io
import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from authority import LocalAuthority, missing
from proofs import House, load_verifier, pinned, sealed, verify
from sampling import sample

from archiver.dossier.proof.folder import EXPLANATION
from archiver.dossier.proof.values import Proof
from archiver.evidence.checkpoints.checkpoint import Checkpoint
from archiver.evidence.checkpoints.keys import SigningKey
from archiver.evidence.checkpoints.note import sign_note
from archiver.evidence.checkpoints.signing import note_of, signed_sizes
from archiver.evidence.checkpoints.tlog_proof import format_proof
from archiver.evidence.journal.merkle import leaf_hash, node_hash
from archiver.evidence.journal.proofs import consistency_proof

MANIFEST = "manifest-sha256.txt"


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> LocalAuthority:
    """Make a time-stamp authority, or skip by name."""
    if reason := missing():
        pytest.skip(reason)
    return LocalAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def house(local: LocalAuthority, tmp_path_factory: pytest.TempPathFactory) -> House:
    """Make an archive of some records, dated twice."""
    house = House(tmp_path_factory.mktemp("house"), local)
    for record in house.keep("Delivery", "Acceptance"):
        house.originate(record, b"DNS answer %d" % record)
    house.stamp()
    house.keep("Something else")
    house.stamp()
    return house


@pytest.fixture(scope="module")
def exported(house: House) -> tuple[Path, Proof]:
    """Export the proof of the first record."""
    record = next(at for at in range(9) if b'"type":"record"' in house.evidence.raw_entry(at))
    folder, proof, _written = house.export(record, "exported")
    return folder, proof


@pytest.fixture(scope="module")
def other(house: House) -> Path:
    """Export the proof of the second record."""
    records = [at for at in range(9) if b'"type":"record"' in house.evidence.raw_entry(at)]
    return house.export(records[1], "other")[0]


@pytest.fixture
def copy(exported: tuple[Path, Proof], tmp_path: Path) -> Path:
    """Copy the first proof, to be spoilt."""
    return shutil.copytree(exported[0], tmp_path / "copy")


@pytest.fixture(scope="module")
def verifier() -> ModuleType:
    """Load ``verify.py``."""
    return load_verifier()


def judge(verifier: ModuleType, folder: Path, *options: str) -> int:
    """Return the exit code; what it prints is well-formed."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        code = verifier.main(str(folder), *options)
    assert isinstance(code, int)
    assert ("FAILED" in said.getvalue()) == (code == 1)
    return code


def names(folder: Path) -> list[str]:
    """Return every file of a proof."""
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def evidence(folder: Path) -> list[str]:
    """Return the files that are evidence: all but the page, the verifier and the manifest."""
    return [name for name in names(folder) if name not in {*EXPLANATION, MANIFEST}]


@contextlib.contextmanager
def changed(path: Path, data: bytes | None, *, rebuilt: bool) -> Iterator[None]:
    """Let PATH hold DATA for a while (None: be absent), under its manifest or a REBUILT one."""
    folder = next(each for each in path.parents if (each / MANIFEST).is_file())
    manifest, before = (folder / MANIFEST).read_bytes(), path.read_bytes()
    if data is None:
        path.unlink()
    else:
        path.write_bytes(data)
    if rebuilt:
        sealed(folder)
    try:
        yield
    finally:
        path.write_bytes(before)
        (folder / MANIFEST).write_bytes(manifest)


def flips(data: bytes, chance: random.Random, count: int) -> Iterator[tuple[int, bytes]]:
    """Yield DATA with one byte changed: the first, the last, and COUNT others."""
    places = {0, len(data) - 1, *(chance.randrange(len(data)) for _ in range(count))}
    for place in sorted(places):
        yield place, flipped(data, place, chance)


def flipped(data: bytes, place: int, chance: random.Random) -> bytes:
    """Return DATA with the byte at PLACE changed."""
    return data[:place] + bytes([data[place] ^ chance.randrange(1, 256)]) + data[place + 1 :]


def wrong(name: str) -> set[int]:
    """Return the exit codes that tell of a change: a root that the reader did not give is open."""
    return {1, 2} if name.endswith(".pem") else {1}


def test_the_exported_proof_holds(exported: tuple[Path, Proof], verifier: ModuleType) -> None:
    """Else nothing below would mean anything."""
    folder, proof = exported
    assert judge(verifier, folder, *pinned(proof)) == 0


def test_any_changed_byte_is_detected(
    copy: Path, exported: tuple[Path, Proof], verifier: ModuleType
) -> None:
    """In every file, the explanations and the manifest included."""
    chance = random.Random(1)
    for name in names(copy):
        path = copy / name
        for place, data in flips(path.read_bytes(), chance, 0):
            with changed(path, data, rebuilt=False):
                assert judge(verifier, copy, *pinned(exported[1])) == 1, (name, place)


def test_any_changed_byte_of_evidence_is_detected_under_a_rebuilt_manifest(
    copy: Path, exported: tuple[Path, Proof], verifier: ModuleType
) -> None:
    """A forger writes the manifest anew; every file of evidence is tied by something else."""
    chance = random.Random(2)
    for name in evidence(copy):
        path = copy / name
        for place, data in flips(path.read_bytes(), chance, 2):
            with changed(path, data, rebuilt=True):
                assert judge(verifier, copy, *pinned(exported[1])) in wrong(name), (name, place)


@pytest.mark.long
def test_every_byte_of_evidence_is_detected_under_a_rebuilt_manifest(
    copy: Path, exported: tuple[Path, Proof], verifier: ModuleType
) -> None:
    """Each one of short files, every third of longer ones, changed to something else."""
    chance = random.Random(3)
    sizes = {name: (copy / name).stat().st_size for name in evidence(copy)}
    places = [
        (name, at) for name, size in sizes.items() for at in range(0, size, 1 if size < 400 else 3)
    ]
    for name, place in sample(places):
        path = copy / name
        with changed(path, flipped(path.read_bytes(), place, chance), rebuilt=True):
            assert judge(verifier, copy, *pinned(exported[1])) in wrong(name), (name, place)


@pytest.mark.parametrize("name", EXPLANATION)
def test_explanations_are_no_evidence_and_it_says_so(
    copy: Path, exported: tuple[Path, Proof], name: str
) -> None:
    """Under a rebuilt manifest nobody can tell; so the reader is told what counts."""
    (copy / name).write_bytes((copy / name).read_bytes() + b"\n")
    assert verify(copy, *pinned(exported[1])).returncode == 1
    sealed(copy)
    done = verify(copy, *pinned(exported[1]))
    assert done.returncode == 0
    assert "README.html and verify.py only explain" in done.stdout


def test_a_missing_file_is_detected(
    copy: Path, exported: tuple[Path, Proof], verifier: ModuleType
) -> None:
    """Under the manifest it fails; under a rebuilt one nothing that lacks evidence passes."""
    for name in names(copy):
        with changed(copy / name, None, rebuilt=False):
            assert judge(verifier, copy, *pinned(exported[1])) == 1, name
    for name in evidence(copy):
        with changed(copy / name, None, rebuilt=True):
            assert judge(verifier, copy, *pinned(exported[1])) == 1, name


@pytest.mark.parametrize("name", ["extra.txt", "origin/extra.bin", "stamps/1-x.bin", "keys/x.json"])
@pytest.mark.parametrize("rebuilt", [False, True])
def test_an_added_file_is_detected(
    copy: Path, exported: tuple[Path, Proof], name: str, *, rebuilt: bool
) -> None:
    """No check covers it, so it does not belong there."""
    (copy / name).write_bytes(b"added")
    if rebuilt:
        sealed(copy)
    done = verify(copy, *pinned(exported[1]))
    assert done.returncode == 1
    assert name in done.stdout


def test_stamps_that_were_taken_out_are_missed(copy: Path, exported: tuple[Path, Proof]) -> None:
    """With all that speaks of them: then no third party has dated it, and that is said."""
    shutil.rmtree(copy / "stamps")
    sealed(copy)
    done = verify(copy, *pinned(exported[1]))
    assert done.returncode == 2
    assert "which no third party has dated yet" in done.stdout


def test_the_first_stamp_cannot_be_replaced_by_a_later_one(
    copy: Path, exported: tuple[Path, Proof]
) -> None:
    """What dates the record is the checkpoint that it is proved in."""
    first = exported[1].first
    for path in copy.glob(f"stamps/{first}-*"):
        path.unlink()
    sealed(copy)
    assert verify(copy, *pinned(exported[1])).returncode == 2


def test_an_origin_that_was_taken_out_is_missed(copy: Path, exported: tuple[Path, Proof]) -> None:
    """All of it: it says that nothing is known of the sender. A part of it: it fails."""
    shutil.rmtree(copy / "origin")
    sealed(copy)
    done = verify(copy, *pinned(exported[1]))
    assert done.returncode == 2
    assert "nothing here tells who sent it" in done.stdout


def test_a_key_that_an_origin_names_cannot_be_taken_out(
    copy: Path, exported: tuple[Path, Proof]
) -> None:
    """Its entry, proof and answer together."""
    (answer,) = copy.glob("origin/*.dns")
    for suffix in (".dns", ".json", ".tlog-proof"):
        answer.with_suffix(suffix).unlink()
    sealed(copy)
    done = verify(copy, *pinned(exported[1]))
    assert done.returncode == 1
    assert "DNS answers of other signatures" in done.stdout


@pytest.mark.parametrize("rebuilt", [False, True])
def test_files_of_another_record_are_detected(
    copy: Path, other: Path, exported: tuple[Path, Proof], verifier: ModuleType, *, rebuilt: bool
) -> None:
    """One after the other, and the record with its entry, from a proof of the same archive."""
    foreign = {name: (other / name).read_bytes() for name in evidence(other)}
    tried = 0
    for name in evidence(copy):
        data = foreign.get(name, (copy / name).read_bytes())
        if data != (copy / name).read_bytes():
            tried += 1
            with changed(copy / name, data, rebuilt=rebuilt):
                assert judge(verifier, copy, *pinned(exported[1])) == 1, name
    assert tried >= 3
    for name in ("record.eml", "entry.json"):
        (copy / name).write_bytes(foreign[name])
    sealed(copy)
    assert judge(verifier, copy, *pinned(exported[1])) == 1


def test_the_origin_of_another_record_is_detected(
    copy: Path, other: Path, exported: tuple[Path, Proof]
) -> None:
    """It is in the log, but it is about something else."""
    shutil.rmtree(copy / "origin")
    shutil.copytree(other / "origin", copy / "origin")
    sealed(copy)
    done = verify(copy, *pinned(exported[1]))
    assert done.returncode == 1
    assert "of another record" in done.stdout


# --- a forger with a key ------------------------------------------------------------------------


def forge(folder: Path, *, stamps: bool) -> str:
    """Replace the record, sign a tree that contains the new one, and make all else fit.

    The tree has two entries: the record and the forger's key. Returns that key.
    """
    (named,) = folder.glob("keys/*.json")
    origin = json.loads(named.read_bytes())["key"]
    key = SigningKey.from_seed(origin.partition("+")[0], b"\x07" * 32)
    mail = b"Subject: forged\r\n\r\nWe accept.\r\n"
    entry = json.loads((folder / "entry.json").read_bytes())
    entry |= {"object": hashlib.sha256(mail).hexdigest(), "size": len(mail)}
    rotation = {"key": str(key.verifier), "previous": None, "reason": "first", "type": "key-rotate"}
    bodies = [json.dumps(each).encode() for each in (entry, rotation)]
    leaves = [leaf_hash(body) for body in bodies]
    size = min(int(path.stem) for path in folder.glob("checkpoints/*.note"))
    note = sign_note(Checkpoint(key.verifier.name, 2, node_hash(*leaves)).text(), key)
    for name in evidence(folder):
        if stamps and name.startswith(f"stamps/{size}-") and name.endswith((".tsr", ".pem")):
            (folder / name).rename(folder / name.replace(f"/{size}-", "/2-"))
        else:
            (folder / name).unlink()
    held = {
        "record.eml": mail,
        "entry.json": bodies[0],
        "record.tlog-proof": format_proof(0, [leaves[1]], note),
        "checkpoints/2.note": note,
        "keys/log.vkey": f"{key.verifier}\n".encode(),
        "keys/1.json": bodies[1],
        "keys/1.tlog-proof": format_proof(1, [leaves[0]], note),
    }
    for name, data in held.items():
        (folder / name).write_bytes(data)
    for path in [path for path in folder.iterdir() if path.is_dir() and not any(path.iterdir())]:
        path.rmdir()
    sealed(folder)
    return str(key.verifier)


def test_a_checkpoint_that_was_signed_anew_does_not_fit_its_stamp(
    copy: Path, exported: tuple[Path, Proof]
) -> None:
    """The imprint is of the checkpoint that the owner signed: no key is needed to see it."""
    forge(copy, stamps=True)
    done = verify(copy)
    assert done.returncode == 1
    assert "of another checkpoint" in done.stdout
    assert verify(copy, *pinned(exported[1])).returncode == 1


def test_without_a_stamp_the_key_tells(copy: Path, exported: tuple[Path, Proof]) -> None:
    """The forger's folder is sound in itself; it is not signed with the key that the reader has."""
    key = forge(copy, stamps=False)
    assert verify(copy).returncode == 2
    assert verify(copy, "--key", key).returncode == 2
    done = verify(copy, *pinned(exported[1]))
    assert done.returncode == 1
    assert "signed with another key than --key" in done.stdout


def test_an_earlier_checkpoint_of_the_true_key_does_not_vouch_for_a_later_entry(
    tmp_path: Path,
) -> None:
    """Who signed a state that does not contain the record says nothing about it."""
    house = House(tmp_path)
    house.keep("Old")
    house.sign()
    (early,) = signed_sizes(house.evidence)
    house.rotate()
    (record,) = house.keep("Late")
    house.sign()
    folder, proof, _written = house.export(record, "proof")
    true_key, _next_key = (folder / "keys" / "log.vkey").read_text().splitlines()
    leaves = list(house.evidence.journal.leaves())[: proof.first]
    lines = [base64.b64encode(each) + b"\n" for each in consistency_proof(leaves, early)]
    (folder / f"consistency-{early}-{proof.first}.txt").write_bytes(b"".join(lines))
    (folder / "checkpoints" / f"{early}.note").write_bytes(note_of(house.evidence, early))
    sealed(folder)
    assert verify(folder, "--key", proof.key).returncode == 2
    done = verify(folder, "--key", true_key)
    assert done.returncode == 1
    assert done.stdout.count("FAILED") == 1
    assert "signed with another key than --key" in done.stdout


def test_an_authority_of_the_forgers_own_is_not_believed(
    tmp_path: Path, exported: tuple[Path, Proof], local: LocalAuthority
) -> None:
    """It makes stamps of any date; its root is not the one that the reader has."""
    (tmp_path / "tsa").mkdir()
    forger = House(tmp_path / "house", LocalAuthority(tmp_path / "tsa"))
    (record,) = forger.keep("Delivery")
    forger.originate(record)
    forger.stamp()
    folder, proof, _written = forger.export(record, "forged")
    assert verify(folder, *pinned(proof)).returncode == 0
    done = verify(folder, "--key", proof.key_digest, "--root", exported[1].stamps[0].root)
    assert done.returncode == 2
    assert "is its authority's root: see --root" in done.stdout
    assert verify(folder).returncode == 2
    assert local.pem() not in {path.read_bytes() for path in folder.glob("stamps/*.pem")}


def test_an_invented_dkim_key_never_gets_above_o2(tmp_path: Path, local: LocalAuthority) -> None:
    """The owner journals any answer as DNS's: everything else holds, and no more is claimed."""
    house = House(tmp_path, local)
    (record,) = house.keep("Delivery")
    invented = base64.b64encode(b"invented").join((b"v=DKIM1; k=rsa; p=", b""))
    house.originate(record, invented)
    house.stamp()
    folder, proof, _written = house.export(record, "proof")
    done = verify(folder, *pinned(proof))
    assert done.returncode == 0
    assert "key recorded only by the archive's owner: at most O2" in done.stdout
    assert "O3" not in done.stdout
    assert "O3" not in (folder / "README.html").read_text("utf-8")


def test_a_dkim_key_that_is_put_in_afterwards_is_detected(
    copy: Path, exported: tuple[Path, Proof]
) -> None:
    """The entry names the answer by its digest."""
    (answer,) = copy.glob("origin/*.dns")
    answer.write_bytes(b"v=DKIM1; k=rsa; p=" + base64.b64encode(b"forged"))
    sealed(copy)
    done = verify(copy, *pinned(exported[1]))
    assert done.returncode == 1
    assert "a changed DNS answer" in done.stdout
