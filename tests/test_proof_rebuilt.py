"""What a forger changes under a manifest made anew, while the reader has the true key and root."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from authority import LocalAuthority, missing
from proofs import VERIFIER, House, pinned, pythons, sealed, verify

Change = Callable[[Path], object]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[str, ...]]:
    """Export a proof of three keys, of which the second signed none of its checkpoints."""
    if reason := missing():
        pytest.skip(reason)
    local = LocalAuthority(tmp_path_factory.mktemp("authority"))
    house = House(tmp_path_factory.mktemp("house"), local)
    (record,) = house.keep("Delivery")
    house.originate(record)
    house.stamp("first", "second")
    house.rotate()
    house.keep("Another")
    house.rotate()
    house.keep("A third")
    house.stamp("first")
    folder, proof, _written = house.export(record, "proof")
    return folder, pinned(proof)


@pytest.fixture
def copy(exported: tuple[Path, tuple[str, ...]], tmp_path: Path) -> Path:
    """Copy the proof, to be spoilt."""
    return shutil.copytree(exported[0], tmp_path / "copy")


def names(folder: Path, pattern: str) -> list[Path]:
    """Return the files of a proof that PATTERN finds, by position or size."""
    return sorted(folder.glob(pattern), key=lambda path: (len(path.name), path.name))


def rewritten(pattern: str, change: Callable[[bytes], bytes]) -> Change:
    """Return what applies CHANGE to the last file that PATTERN finds."""

    def spoil(folder: Path) -> None:
        path = names(folder, pattern)[-1]
        data = change(path.read_bytes())
        assert data != path.read_bytes()
        path.write_bytes(data)

    return spoil


def removed(*suffixes: str) -> Change:
    """Return what takes files of a stamp away, and adds to its answer what nobody then misses."""

    def spoil(folder: Path) -> None:
        answer = names(folder, "stamps/*.tsr")[-1]
        for suffix in suffixes:
            answer.with_suffix(suffix).unlink()
        answer.write_bytes(answer.read_bytes() + b"\x05\x00")

    return spoil


def without_key(which: int) -> Change:
    """Return what takes a key-rotate entry away, with its line in ``log.vkey``."""

    def spoil(folder: Path) -> None:
        path = names(folder, "keys/*.json")[which]
        line = json.loads(path.read_bytes())["key"] + "\n"
        keys = folder / "keys" / "log.vkey"
        keys.write_bytes(keys.read_bytes().replace(line.encode(), b""))
        path.unlink()
        path.with_suffix(".tlog-proof").unlink()

    return spoil


def renamed(old: str, new: str) -> Change:
    """Return what gives every file whose name matches OLD another name."""

    def spoil(folder: Path) -> None:
        found = [path for path in folder.rglob("*") if path.is_file()]
        told = {path: path.relative_to(folder).as_posix() for path in found}
        moved = {path: re.sub(old, new, name, count=1) for path, name in told.items()}
        assert moved != told
        for path, name in moved.items():
            path.rename(folder / name)

    return spoil


def separated(data: bytes, separator: str) -> bytes:
    """Return a proof's hashes with another SEPARATOR between them."""
    hashes = rb"(?m)^([A-Za-z0-9+/]{43}=)\n(?=[A-Za-z0-9+/]{43}=\n)"
    return re.sub(hashes, lambda found: found[1] + separator.encode(), data)


def rewrapped(data: bytes) -> bytes:
    """Return a certificate in one line."""
    first, *lines, last = data.split(b"\n")[:-1]
    return b"\n".join((first, b"".join(lines), last, b""))


def loose(data: bytes) -> bytes:
    """Return a certificate with a character in it that decoders of base64 pass over."""
    return data.replace(b"\n-----END", b"!\n-----END")


SEPARATORS = {"CRLF": "\r\n", "line separator": "\u2028", "form feed": "\f", "NEL": "\u0085"}
CHANGES: dict[str, Change] = {
    "a stamp without its entry and proof": removed(".json", ".tlog-proof"),
    "a stamp without its entry": removed(".json"),
    "a stamp without its proof": removed(".tlog-proof"),
    "a stamp without its root": removed(".pem"),
    "an answer with something behind it": removed(),
    "the first key taken out": without_key(0),
    "the second key taken out": without_key(1),
    "the last key taken out": without_key(2),
    "a key twice": rewritten("keys/log.vkey", lambda data: data + data),
    "keys in another order": rewritten(
        "keys/log.vkey", lambda data: b"".join(reversed(data.splitlines(keepends=True)))
    ),
    "a certificate in one line": rewritten("stamps/*.pem", rewrapped),
    "a certificate with CRLF": rewritten("stamps/*.pem", lambda d: d.replace(b"\n", b"\r\n")),
    "a certificate in loose base64": rewritten("stamps/*.pem", loose),
    "a certificate twice": rewritten("stamps/*.pem", lambda data: data + data),
    "words above a certificate": rewritten("stamps/*.pem", lambda data: b"Subject: x\n" + data),
    "a key's entry at another position": renamed(r"^keys/\d+", "keys/999"),
    "an origin at another position": renamed(r"^origin/(\d+)", r"origin/9\1"),
    "a stamp of another authority": renamed("first", "universign"),
    "a stamp of another size": renamed(r"^stamps/\d+", "stamps/1"),
    "a checkpoint of another size": renamed(r"^checkpoints/\d+", "checkpoints/1"),
    "a checkpoint of an empty tree": rewritten(
        "checkpoints/*.note", lambda data: re.sub(rb"\n\d+\n", b"\n0\n", data, count=1)
    ),
    "a proof that ends with its index": rewritten(
        "record.tlog-proof", lambda data: data.partition(b"\n\n")[0][:40]
    ),
    "a proof without its checkpoint": rewritten(
        "record.tlog-proof", lambda data: data.partition(b"\n\n")[0] + b"\n\n"
    ),
    "a proof without its last hash": rewritten(
        "record.tlog-proof", lambda data: re.sub(rb"\n[^\n]+\n\n", b"\n\n", data, count=1)
    ),
    "a proof with a hash more": rewritten(
        "record.tlog-proof",
        lambda data: data.replace(b"\n\n", b"\n" + base64.b64encode(bytes(32)) + b"\n\n", 1),
    ),
    "an index with a plus": rewritten(
        "record.tlog-proof", lambda data: data.replace(b"index ", b"index +", 1)
    ),
    "an index with another digit for it": rewritten(
        "record.tlog-proof",
        lambda data: re.sub(rb"index \d", "index \u0662".encode(), data, count=1),
    ),
    "an empty folder": lambda folder: (folder / "checkpoints" / "Secret").mkdir(),
    "a folder that holds an empty one": lambda folder: (folder / "a" / "b").mkdir(parents=True),
    "an entry with a line end": rewritten("entry.json", lambda data: data + b"\n"),
    "a listed file of no use": lambda folder: (folder / "stamps" / "7-first.tsq").write_bytes(b"0"),
}
for _name, _separator in SEPARATORS.items():
    for _file in ("consistency-*.txt", "record.tlog-proof", "keys/*.tlog-proof"):
        CHANGES[f"{_name} in {_file}"] = rewritten(
            _file, lambda data, separator=_separator: separated(data, separator)
        )


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_detected_under_a_rebuilt_manifest(
    copy: Path, exported: tuple[Path, tuple[str, ...]], change: Change
) -> None:
    """Whatever passes would let two different folders prove the same."""
    change(copy)
    sealed(copy)
    done = verify(copy, *exported[1])
    assert (done.returncode, done.stderr) == (1, ""), done.stdout
    assert "FAILED" in done.stdout


LINKS: dict[str, Change] = {
    "nowhere": lambda folder: (folder / "Zusatz.txt").symlink_to("/nonexistent"),
    "a folder": lambda folder: (folder / "more").symlink_to("/etc"),
    "its own folder": lambda folder: (folder / "origin" / "again").symlink_to(folder),
    "the page elsewhere": lambda folder: _outside(folder, "README.html"),
    "the record elsewhere": lambda folder: _outside(folder, "record.eml"),
    "the stamps elsewhere": lambda folder: _outside(folder, "stamps"),
    "a pipe": lambda folder: os.mkfifo(folder / "pipe"),
    "a pipe as the page": lambda folder: (
        (folder / "README.html").unlink(),
        os.mkfifo(folder / "README.html"),
    ),
}


def _outside(folder: Path, name: str) -> None:
    (folder / name).rename(folder.parent / "outside")
    (folder / name).symlink_to(folder.parent / "outside")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such files")
@pytest.mark.parametrize("version", ["", "3.8", "3.13"])
@pytest.mark.parametrize("change", LINKS.values(), ids=LINKS)
@pytest.mark.parametrize("listed", [False, True])
def test_nothing_but_plain_files_belongs_there(
    copy: Path,
    exported: tuple[Path, tuple[str, ...]],
    change: Change,
    version: str,
    *,
    listed: bool,
) -> None:
    """No link is followed and no pipe is read, on old and new Pythons."""
    python = dict(pythons()).get(version) if version else sys.executable
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    change(copy)
    if listed:
        sealed(copy)
    done = verify(copy, *exported[1], python=python)
    assert (done.returncode, done.stderr) == (1, ""), done.stdout
    assert "(empty, too large or no plain file)" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="the file would really be that large")
def test_a_huge_file_is_not_read(copy: Path, exported: tuple[Path, tuple[str, ...]]) -> None:
    """It would fill the memory; a message is never that large."""
    with (copy / "record.eml").open("r+b") as file:
        file.truncate(1 << 40)
    done = verify(copy, *exported[1])
    assert done.returncode == 1
    assert "record.eml (empty, too large or no plain file)" in done.stdout


def test_a_file_that_cannot_be_read_is_told(
    copy: Path, exported: tuple[Path, tuple[str, ...]]
) -> None:
    """In words, as any other."""
    (copy / "entry.json").chmod(0)
    if os.access(copy / "entry.json", os.R_OK):
        pytest.skip("this user may read everything")
    done = verify(copy, *exported[1])
    assert (done.returncode, done.stderr) == (1, "")
    assert "FAILED      record: entry.json is missing" in done.stdout


@pytest.mark.parametrize("version", ["", "3.8", "3.13"])
@pytest.mark.parametrize("wrong", [["--typo"], ["--key"], ["a", "b"], ["--root"]])
def test_a_mistyped_option_is_no_judgement(wrong: list[str], version: str) -> None:
    """2 would say that nothing is wrong."""
    python = dict(pythons()).get(version) if version else sys.executable
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    done = subprocess.run(
        [python, "-I", str(VERIFIER), *wrong], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (64, "")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("version", ["3.8", "3.13"])
@pytest.mark.parametrize("change", ["a proof without its checkpoint", "the second key taken out"])
def test_old_and_new_pythons_judge_alike(
    copy: Path, exported: tuple[Path, tuple[str, ...]], version: str, change: str
) -> None:
    """A sample: the rest runs with this Python."""
    if version not in dict(pythons()):
        pytest.skip(f"no Python {version} on this machine")
    python = dict(pythons())[version]
    assert verify(copy, *exported[1], python=python).returncode == 0
    CHANGES[change](copy)
    sealed(copy)
    assert verify(copy, *exported[1], python=python).returncode == 1
