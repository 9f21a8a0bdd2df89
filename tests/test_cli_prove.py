"""``prove``: from a record's digest to a folder that others can check."""

import json
from pathlib import Path

import pytest
from authority import LocalAuthority, missing
from command import Desk, new_desk
from mail import mail
from proofs import verify


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive with two records in it."""
    desk = new_desk(tmp_path / "archive")
    desk.keep(
        tmp_path / "mail",
        mail(subject="Delivery", message_id="a@x.example"),
        mail(subject="Nothing of it", message_id="b@x.example"),
    )
    return desk


def digest(desk: Desk, query: str = "Delivery") -> str:
    """Return the digest of the one record that QUERY finds."""
    (hit,) = desk.ok("search", query, "--format", "json").json["hits"]
    return str(hit["id"])


def test_a_record_is_proved(desk: Desk, tmp_path: Path) -> None:
    """Undated here, offline: that is told, and ``verify.py`` says it as well."""
    said = desk.ok("prove", digest(desk)[:12], "--output", tmp_path / "proof")
    assert f"Wrote the proof to {tmp_path / 'proof'} (" in said.err
    assert "No third party has dated this record yet" in said.err
    key = said.err.partition("SHA-256 of the log's key: ")[2].split()[0]
    done = verify(tmp_path / "proof", "--key", key)
    assert done.returncode == 2
    assert "FAILED" not in done.stdout
    assert "which no third party has dated yet" in done.stdout


def test_the_manifest_s_digest_is_told_and_journalled(desk: Desk, tmp_path: Path) -> None:
    """With the recipient."""
    import hashlib
    import sqlite3
    from contextlib import closing

    said = desk.ok("prove", digest(desk), "--output", tmp_path / "proof", "--to", "Me Example")
    manifest = hashlib.sha256((tmp_path / "proof" / "manifest-sha256.txt").read_bytes()).hexdigest()
    assert f"SHA-256 of its manifest: {manifest}" in said.err
    with closing(sqlite3.connect(desk.root / "journal" / "journal.sqlite")) as database:
        ((body,),) = database.execute("SELECT body FROM entry WHERE type = 'export'")
    entry = json.loads(body)
    assert (entry["recipient"], entry["manifest"]) == ("Me Example", manifest)
    assert entry["engagement"] == ""
    assert len(entry["numbers"]) == 1


def test_what_was_recorded_about_the_sender_may_be_left_out(desk: Desk, tmp_path: Path) -> None:
    """It names the provider's server; then there is nothing to complain of either."""
    said = desk.ok("prove", digest(desk), "--output", tmp_path / "proof", "--no-origin")
    assert not (tmp_path / "proof" / "origin").exists()
    assert "Nothing was recorded about who sent it" not in said.err


def test_a_dossier_s_numbers_are_untouched_by_a_proof(desk: Desk, tmp_path: Path) -> None:
    """The export of a proof belongs to no engagement."""
    desk.ok("engagement", "add", "acme", "--client", "ACME", "--domain", "client.example")
    desk.ok("prove", digest(desk), "--output", tmp_path / "proof")
    desk.ok("rebuild")
    desk.ok("dossier", "acme", "--output", tmp_path / "dossier", "--yes")
    assert (tmp_path / "dossier" / "data" / "messages" / "ACME-000001.eml").is_file()


def test_a_proof_never_goes_inside_the_archive(desk: Desk) -> None:
    """It would stand among the originals."""
    said = desk("prove", digest(desk), "--output", desk.root / "proof")
    assert said.code == 2
    assert "is inside the archive" in said.err


def test_a_folder_in_use_is_refused(desk: Desk, tmp_path: Path) -> None:
    """Before anything is signed."""
    said = desk("prove", digest(desk), "--output", tmp_path / "mail")
    assert said.code == 2
    assert "is not an empty folder" in said.err
    assert not (desk.root / "journal" / "checkpoints").is_dir() or not any(
        (desk.root / "journal" / "stamps").glob("*")
    )


def test_an_unknown_record_is_told(desk: Desk, tmp_path: Path) -> None:
    """As everywhere else."""
    said = desk("prove", "00000000", "--output", tmp_path / "proof")
    assert said.code == 2
    assert not (tmp_path / "proof").exists()


def test_a_withheld_record_is_not_proved(desk: Desk, tmp_path: Path) -> None:
    """A person lets it out first, with an explicit word."""
    desk.ok("withhold", digest(desk), "--reason", "our lawyer's")
    said = desk("prove", digest(desk), "--output", tmp_path / "proof", "--yes")
    assert said.code == 2
    assert "The record is withheld: `archiver withhold` lists why." in said.err
    assert "archiver release ID" in said.err
    assert not (tmp_path / "proof").exists()


def test_an_archive_that_cannot_be_signed_proves_nothing(desk: Desk, tmp_path: Path) -> None:
    """The memory outside is a file: no key can be kept there."""
    state = tmp_path / "state"
    state.write_text("not a folder")
    said = desk(
        "prove",
        digest(desk),
        "--output",
        tmp_path / "proof",
        environ={"ARCHIVER_STATE": str(state)},
    )
    assert said.code != 0
    assert "The journal could not be signed, so no proof was written." in said.err
    assert "Mend what was told above" in said.err
    assert not (tmp_path / "proof").exists()


def test_with_an_authority_the_proof_is_dated(desk: Desk, tmp_path: Path) -> None:
    """Asked at the export, and what dates it is covered by the checkpoint after it."""
    if reason := missing():
        pytest.skip(reason)
    (tmp_path / "tsa").mkdir()
    local = LocalAuthority(tmp_path / "tsa")
    with local.serving() as service, (desk.root / "archive.toml").open("a") as settings:
        root = local.pem().decode()
        settings.write(f'\n[authority.local]\nurl = "{service.url}"\nroot = """\n{root}"""\n')
        settings.flush()
        said = desk(
            "prove", digest(desk), "--output", tmp_path / "proof", environ={"ARCHIVER_OFFLINE": ""}
        )
    assert said.code == 0, said.err
    assert "No third party has dated" not in said.err
    names = {path.suffix for path in (tmp_path / "proof" / "stamps").iterdir()}
    assert names == {".json", ".pem", ".tlog-proof", ".tsr"}
    done = verify(tmp_path / "proof")
    assert done.returncode == 2
    assert "is its authority's root: see --root" in done.stdout
    assert "FAILED" not in done.stdout
