"""``archiver key``: the public halves are shown, the secret half never."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command import Desk, environment, new_desk

from archiver.app import Archive
from archiver.evidence.checkpoints.keys import VerifierKey

MAIL = b"From: lea@example.org\r\nSubject: one\r\n\r\nHello\r\n"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive."""
    return new_desk(tmp_path / "archive")


def opened(desk: Desk, told: list[str] | None = None) -> Archive:
    """Open the archive as a command does."""
    tell = (lambda _message: None) if told is None else told.append
    return Archive(desk.root, tell=tell, actor="person:lea")


def sign(desk: Desk) -> tuple[bool, list[str]]:
    """Sign as a synchronisation does; return whether all went well, and what was told."""
    told: list[str] = []
    with opened(desk, told) as archive:
        return archive.checkpoint(), told


def secret(desk: Desk) -> str:
    """Return the secret half."""
    with opened(desk) as archive:
        seed = archive.outside.key()
    assert seed is not None
    return seed.hex()


def test_an_archive_that_was_never_signed_has_no_key(desk: Desk) -> None:
    """And none is made by looking."""
    said = desk.ok("key", "show")
    assert said.out == "No key has signed this archive yet: the next synchronisation makes one.\n"
    assert desk.ok("key", "show", "--format", "json").json["keys"] == []


def test_the_key_is_shown_with_its_place(desk: Desk) -> None:
    """As others need it, and since when."""
    assert sign(desk) == (True, [])
    said = desk.ok("key", "show")
    first, second, print_, third = said.out.splitlines()
    VerifierKey.parse(first)
    assert print_ == f"  fingerprint: SHA-256 {hashlib.sha256(first.encode()).hexdigest()}"
    assert second.startswith("  current, since 20")
    assert second.endswith("(the first key)")
    assert third.startswith("The secret half is in ")
    assert third.endswith("signing-key.")


def test_the_secret_half_is_never_shown(desk: Desk) -> None:
    """In no format."""
    sign(desk)
    for arguments in (("show",), ("show", "--format", "json"), ("rotate", "--yes")):
        said = desk.ok("key", *arguments)
        assert secret(desk) not in said.out + said.err


def test_json_lists_the_newest_key_first(desk: Desk) -> None:
    """With the entry that names it."""
    sign(desk)
    desk.ok("key", "rotate", "--yes")
    shown = desk.ok("key", "show", "--format", "json").json
    assert shown["schema"] == 1
    new, old = shown["keys"]
    assert (new["reason"], old["reason"]) == ("rotated", "first")
    assert (new["current"], old["current"]) == (True, False)
    assert new["since"] > old["since"]
    assert new["key"] != old["key"]
    assert new["sha256"] == hashlib.sha256(new["key"].encode()).hexdigest()
    assert shown["secret"]["kept"] == "file"
    assert shown["secret"]["open_to_others"] is False
    assert "since 20" in desk.ok("key", "show").out.splitlines()[4]


def test_the_new_key_is_told(desk: Desk) -> None:
    """On stderr: it is no answer that a script reads."""
    sign(desk)
    said = desk.ok("key", "rotate", "--yes")
    assert said.out == ""
    key = said.err.strip().removeprefix("The key is now ")
    assert desk.ok("key", "show").out.startswith(key)


def test_changing_the_key_asks(desk: Desk) -> None:
    """Nobody is there to answer: nothing is done."""
    sign(desk)
    said = desk("key", "rotate")
    assert said.code == 2
    assert "Give --yes to answer it beforehand. Nothing was done." in said.err
    assert len(desk.ok("key", "show", "--format", "json").json["keys"]) == 1


def test_on_another_machine_the_secret_half_is_missing(desk: Desk, tmp_path: Path) -> None:
    """And it says what happens next."""
    sign(desk)
    elsewhere = {"ARCHIVER_STATE": str(tmp_path / "elsewhere")}
    said = desk("key", "show", environ=elsewhere)
    assert said.out.splitlines()[-1] == (
        "The secret half is not on this machine: the next signing makes another key."
    )


def test_an_older_copy_is_told_and_not_signed(desk: Desk, tmp_path: Path) -> None:
    """What was kept stays kept: the error is only told."""
    sign(desk)
    shutil.copytree(desk.root, tmp_path / "backup")
    desk.keep(tmp_path / "mail", MAIL)
    sign(desk)
    shutil.rmtree(desk.root)
    shutil.copytree(tmp_path / "backup", desk.root)
    well, told = sign(desk)
    assert not well
    assert "is older than what was signed on this machine" in told[0]
    assert "archiver restore --accept" in told[0]
    said = desk("key", "rotate", "--yes")
    assert said.code == 1
    assert "nothing was signed" in said.err


def test_the_help_speaks_of_no_tree(desk: Desk) -> None:
    """Nor do the answers."""
    sign(desk)
    said = [
        desk.ok("key", "--help").out,
        desk.ok("key", "show", "--help").out,
        desk.ok("key", "rotate", "--help").out,
        desk.ok("key", "show").out,
    ]
    for word in ("leaf", "Merkle", "inclusion", "tamper-proof", "certified"):
        assert not any(word in text for text in said), word


def test_signing_loads_no_library_before_it_is_needed(desk: Desk) -> None:
    """``key state`` needs no cryptography; no command asks a keyring that is not to be asked."""
    sign(desk)
    program = (
        "import sys; from archiver.cli.main import main; main(sys.argv[1:]);"
        " print(sorted({'cryptography', 'keyring'} & set(sys.modules)))"
    )
    said = subprocess.run(
        [sys.executable, "-c", program, "--archive", str(desk.root), "key", "state"],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.splitlines()[-1] == "[]"


def test_the_newest_signed_state_is_printed_to_be_sent(desk: Desk) -> None:
    """The note itself and nothing else."""
    assert sign(desk) == (True, [])
    said = desk.ok("key", "state")
    notes = sorted((desk.root / "journal" / "checkpoints").glob("*.note"))
    assert said.raw == notes[-1].read_bytes()


def test_without_a_signed_state_there_is_none_to_print(desk: Desk) -> None:
    """What makes one is told."""
    said = desk("key", "state")
    assert said.code == 2
    assert "No state of this archive has been signed yet." in said.err
    assert "archiver sync" in said.err


def replaced(desk: Desk) -> Path:
    """Put another key in the place of ours; return where."""
    with opened(desk) as archive:
        path = archive.outside.key_place().path
    path.write_text("ab" * 32)
    return path


def test_a_replaced_key_is_told(desk: Desk) -> None:
    """By whatever shows or checks keys."""
    sign(desk)
    path = replaced(desk)
    assert desk.ok("key", "show").out.splitlines()[-1] == (
        f"The key in {path} is not one that the journal names: ask who put it there. It will not "
        "sign."
    )
    assert desk.ok("key", "show", "--format", "json").json["secret"]["is"] == "other"
    (found,) = (
        each
        for each in desk("doctor", "--format", "json").json["findings"]
        if each["code"] == "key-other"
    )
    assert (found["level"], found["subject"]) == ("warning", str(path))
    said = desk("verify")
    assert said.code == 3
    assert "key-other" in said.out


def test_a_replaced_key_is_kept_aside_by_the_next_import(desk: Desk, tmp_path: Path) -> None:
    """And the change is told on stderr."""
    sign(desk)
    path = replaced(desk)
    (tmp_path / "one.eml").write_bytes(MAIL)
    said = desk.ok("import", tmp_path / "one.eml")
    assert "is not the one that the journal names. A new key signs from here on" in said.err
    (aside,) = path.parent.glob("signing-key-aside-*")
    assert aside.read_text().strip() == "ab" * 32
    assert f"kept aside: {aside}." in said.err
    assert desk.ok("key", "show", "--format", "json").json["secret"]["is"] == "current"


def test_a_key_that_cannot_be_read_is_told_beside_the_public_halves(desk: Desk) -> None:
    """They can be shown all the same."""
    sign(desk)
    path = replaced(desk)
    path.write_text("xx")
    said = desk.ok("key", "show")
    assert "is damaged" in said.err
    assert desk.ok("key", "show", "--format", "json").json["secret"]["is"] is None


def test_a_copy_without_memory_says_so_as_long_as_it_stands(desk: Desk, tmp_path: Path) -> None:
    """At the import that makes another key, and in every look at the archive afterwards."""
    sign(desk)
    (tmp_path / "one.eml").write_bytes(MAIL)
    with environment({"ARCHIVER_STATE": str(tmp_path / "elsewhere")}):
        before = desk.ok("status")
        assert "it cannot be known whether a newer state of it exists." in before.out
        assert desk.ok("status", "--format", "json").json["standing"] == "unknown"
        said = desk.ok("import", tmp_path / "one.eml")
        assert "whether a newer state was signed elsewhere cannot be known." in said.err
        for command in ("verify", "doctor", "status"):
            assert "another key signs, because the earlier one was not on" in desk(command).out
        assert desk.ok("status", "--format", "json").json["standing"] == "level"


def test_an_archive_that_was_never_signed_has_nothing_to_be_older_than(desk: Desk) -> None:
    """Its status says nothing of it."""
    assert "no memory" not in desk.ok("status").out
    assert desk.ok("status", "--format", "json").json["standing"] == "unknown"
