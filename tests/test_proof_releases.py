"""Proofs that earlier versions exported verify for ever, with today's verifier and with their own."""

import json
from pathlib import Path

import pytest
from authority import missing
from proofs import VERIFIER, verify

RELEASES = Path(__file__).resolve().parent / "fixtures" / "proofs"
PROOFS = sorted(path.parent for path in RELEASES.glob("*/*/manifest-sha256.txt"))
"""``<version>/<name>/``; beside it ``<name>.json`` says which key and roots its reader has."""


def options(folder: Path) -> list[str]:
    """Return what a reader of the proof in FOLDER got another way."""
    pins = json.loads(folder.with_suffix(".json").read_text("utf-8"))
    return ["--key", pins["key"], *(word for root in pins["roots"] for word in ("--root", root))]


def test_there_is_a_proof_of_an_earlier_release() -> None:
    """An empty list would make the tests below say nothing."""
    assert PROOFS


@pytest.mark.parametrize("folder", PROOFS, ids=lambda path: f"{path.parent.name}-{path.name}")
@pytest.mark.parametrize("own", [False, True], ids=["today", "own"])
def test_an_exported_proof_verifies_for_ever(folder: Path, *, own: bool) -> None:
    """Certificates may have expired since: they count as of the stamp's own time."""
    if reason := missing():
        pytest.skip(reason)
    done = verify(folder, *options(folder), verifier=folder / "verify.py" if own else VERIFIER)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


@pytest.mark.parametrize("folder", PROOFS, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_changed_byte_of_an_exported_proof_is_detected(folder: Path, tmp_path: Path) -> None:
    """By today's verifier, in the record."""
    import shutil

    copy = shutil.copytree(folder, tmp_path / "copy")
    data = (copy / "record.eml").read_bytes()
    (copy / "record.eml").write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    assert verify(copy, *options(folder)).returncode == 1
