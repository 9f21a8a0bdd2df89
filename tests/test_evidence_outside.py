"""The memory outside the archive: private, durable, and never taken for lost when it is locked."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from evidence_case import FullDisk, KillingDisk, RecordingDisk

from archiver.care.doctor import examine, look_around
from archiver.config import Settings
from archiver.errors import LockedError, OperationError
from archiver.evidence.checkpoints.outside import KeyPlace, Outside
from archiver.evidence.checkpoints.vault import VaultError

ARCHIVE = "0123456789abcdef" * 2
SEED = bytes(range(32))
OTHER = bytes(range(1, 33))
posix = pytest.mark.skipif(os.name != "posix", reason="permission bits are POSIX")


class FakeVault:
    """A keyring."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.locked = False
        self.forgets = False

    def get(self, name: str) -> str | None:
        """Return a secret."""
        self._ask()
        return self.secrets.get(name)

    def put(self, name: str, secret: str) -> None:
        """Keep a secret, unless the keyring only says so."""
        self._ask()
        if not self.forgets:
            self.secrets[name] = secret

    def forget(self, name: str) -> None:
        """Remove a secret."""
        self._ask()
        self.secrets.pop(name, None)

    def _ask(self) -> None:
        if self.locked:
            raise VaultError


def memory(folder: Path, vault: FakeVault | None = None) -> Outside:
    """Return a memory in FOLDER."""
    return Outside(folder, ARCHIVE, vault=lambda: vault)


def keep_key(outside: Outside) -> None:
    """Make SEED the signing key."""
    outside.keep_next(SEED)
    outside.promote()


def files(folder: Path) -> dict[str, bytes]:
    """Return all files below FOLDER."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "write.lock"
    }


def test_an_empty_memory_remembers_nothing_and_makes_nothing(tmp_path: Path) -> None:
    """Looking leaves no trace."""
    outside = memory(tmp_path / "state")
    assert outside.key() is None
    assert outside.next_key() is None
    assert outside.last() is None
    assert outside.note("verify") is None
    assert outside.key_place().where == "nowhere"
    assert not (tmp_path / "state").exists()


def test_what_was_remembered_is_there_the_next_time(tmp_path: Path) -> None:
    """The key, the last note, and small notes of other rooms."""
    outside = memory(tmp_path)
    keep_key(outside)
    outside.remember(b"first")
    outside.remember(b"second")
    outside.keep_note("verify-progress", b"1")
    again = memory(tmp_path)
    assert (again.key(), again.last(), again.note("verify-progress")) == (SEED, b"second", b"1")


@posix
def test_only_the_owner_may_look(tmp_path: Path) -> None:
    """Folders 0700, files 0600, whatever the umask."""
    before = os.umask(0)
    try:
        outside = memory(tmp_path / "state")
        keep_key(outside)
        outside.remember(b"note")
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in outside.folder.iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE(outside.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


@posix
def test_a_folder_that_the_user_named_keeps_its_mode(tmp_path: Path) -> None:
    """It may hold other things."""
    tmp_path.chmod(0o755)
    memory(tmp_path).remember(b"note")
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755


def test_two_archives_do_not_share_a_memory(tmp_path: Path) -> None:
    """The identity is the folder."""
    memory(tmp_path).remember(b"one")
    assert Outside(tmp_path, "f" * 32).last() is None


@pytest.mark.parametrize("identity", ["", "../../etc", "x" * 32, "0" * 31, "0" * 32 + "\n"])
def test_an_identity_that_is_none_names_no_folder(tmp_path: Path, identity: str) -> None:
    """It comes from the journal, which somebody may have changed."""
    with pytest.raises(OperationError, match="identity is not one") as caught:
        Outside(tmp_path, identity)
    assert "archiver verify" in caught.value.advice


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", ".hidden", "signing-key", "last.note"])
def test_a_note_is_not_kept_over_what_is_ours(tmp_path: Path, name: str) -> None:
    """Nor outside the folder."""
    with pytest.raises(ValueError, match="names no note"):
        memory(tmp_path).keep_note(name, b"")


def test_writing_is_durable_step_by_step(tmp_path: Path) -> None:
    """Written, synced, named, and the name synced."""
    disk = RecordingDisk()
    Outside(tmp_path, ARCHIVE, disk=disk).remember(b"note")
    assert disk.points == ["file-written", "file-synced", "file-named", "file-folder-synced"]


@pytest.mark.parametrize("point", ["file-written", "file-synced", "file-named"])
@posix
def test_kill_9_leaves_the_old_note_or_the_new_one(tmp_path: Path, point: str) -> None:
    """Never half of one."""
    memory(tmp_path).remember(b"old")
    program = "import sys, test_evidence_outside as t; t.remember_and_die(*sys.argv[1:])"
    subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), point],
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert memory(tmp_path).last() == (b"new" if point == "file-named" else b"old")
    memory(tmp_path).remember(b"newer")
    assert memory(tmp_path).last() == b"newer"
    with memory(tmp_path).locked():
        assert list(files(tmp_path)) == [f"{ARCHIVE}/last.note"]


def remember_and_die(folder: str, point: str) -> None:
    """Be killed at POINT while a note is written."""
    Outside(Path(folder), ARCHIVE, disk=KillingDisk(point)).remember(b"new")


def test_a_full_disk_is_told_and_changes_nothing(tmp_path: Path) -> None:
    """The note before stays."""
    memory(tmp_path).remember(b"old")
    with pytest.raises(OperationError, match=r"could not be read or written: No space") as caught:
        Outside(tmp_path, ARCHIVE, disk=FullDisk(2)).remember(b"new")
    assert "ARCHIVER_STATE" in caught.value.advice
    assert memory(tmp_path).last() == b"old"
    assert list(files(tmp_path)) == [f"{ARCHIVE}/last.note"]


def test_a_memory_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """It is not taken for empty."""
    (tmp_path / ARCHIVE).mkdir()
    (tmp_path / ARCHIVE / "last.note").mkdir()
    with pytest.raises(OperationError, match="remembers of the archive"):
        memory(tmp_path).last()


def test_to_begin_anew_deletes_nothing(tmp_path: Path) -> None:
    """What was last stays under another name."""
    outside = memory(tmp_path)
    outside.set_aside_last()
    outside.remember(b"note")
    outside.set_aside_last()
    assert outside.last() is None
    assert list(files(tmp_path).values()) == [b"note"]


def test_one_process_signs_at_a_time(tmp_path: Path) -> None:
    """Two copies of one archive share the memory."""
    with memory(tmp_path).locked(), pytest.raises(LockedError), memory(tmp_path).locked(wait=0):
        pass


# --- the key ------------------------------------------------------------------------------------


def test_the_key_is_in_the_keyring_where_there_is_one(tmp_path: Path) -> None:
    """And in no file."""
    vault = FakeVault()
    outside = memory(tmp_path, vault)
    keep_key(outside)
    assert outside.key() == SEED
    assert outside.key_place() == KeyPlace(where="keyring", path=outside.folder)
    assert list(vault.secrets.values()) == [SEED.hex()]
    assert not any(SEED.hex().encode() in data for data in files(tmp_path).values())


def test_the_key_is_in_a_file_where_there_is_no_keyring(tmp_path: Path) -> None:
    """For its owner only."""
    outside = memory(tmp_path)
    keep_key(outside)
    place = outside.key_place()
    assert (place.where, place.path) == ("file", outside.folder / "signing-key")
    assert not place.open_to_others


def test_a_keyring_that_keeps_nothing_is_not_trusted(tmp_path: Path) -> None:
    """Some say that they did."""
    vault = FakeVault()
    vault.forgets = True
    outside = memory(tmp_path, vault)
    keep_key(outside)
    assert outside.key_place().where == "file"
    assert outside.key() == SEED


def test_a_locked_keyring_is_not_a_lost_key(tmp_path: Path) -> None:
    """Else each nightly run would make another key."""
    vault = FakeVault()
    keep_key(memory(tmp_path, vault))
    vault.locked = True
    for now in (memory(tmp_path, vault), memory(tmp_path, None)):
        with pytest.raises(OperationError, match="does not answer now") as caught:
            now.key()
        assert caught.value.advice.startswith("Nothing was signed. Unlock the keyring")


def test_a_key_that_the_keyring_no_longer_has_is_lost(tmp_path: Path) -> None:
    """A person removed it."""
    vault = FakeVault()
    keep_key(memory(tmp_path, vault))
    vault.secrets.clear()
    assert memory(tmp_path, vault).key() is None


def test_a_key_in_the_keyring_is_found_without_the_folder(tmp_path: Path) -> None:
    """The folder was lost, the keyring was not."""
    vault = FakeVault()
    keep_key(memory(tmp_path / "one", vault))
    assert memory(tmp_path / "two", vault).key() == SEED


@pytest.mark.parametrize("keyring", [True, False])
def test_the_next_key_waits_until_the_journal_names_it(tmp_path: Path, *, keyring: bool) -> None:
    """Then it is the only one."""
    outside = memory(tmp_path, FakeVault() if keyring else None)
    keep_key(outside)
    outside.keep_next(OTHER)
    assert (outside.key(), outside.next_key()) == (SEED, OTHER)
    outside.promote()
    assert (outside.key(), outside.next_key()) == (OTHER, None)
    outside.promote()
    assert outside.key() == OTHER


def test_a_key_moves_into_the_keyring_when_it_is_changed(tmp_path: Path) -> None:
    """The file is gone then."""
    keep_key(memory(tmp_path))
    outside = memory(tmp_path, FakeVault())
    assert outside.key() == SEED
    outside.keep_next(OTHER)
    outside.promote()
    assert (outside.key(), outside.key_place().where) == (OTHER, "keyring")
    assert not (outside.folder / "signing-key").exists()


@pytest.mark.parametrize("content", [b"", b"secret", b"0" * 63, b"\xff" * 64])
def test_a_damaged_key_is_told_and_not_shown(tmp_path: Path, content: bytes) -> None:
    """It may be most of a secret."""
    outside = memory(tmp_path)
    keep_key(outside)
    (outside.folder / "signing-key").write_bytes(content)
    with pytest.raises(OperationError, match="is damaged") as caught:
        outside.key()
    assert "secret" not in caught.value.what
    assert "Put it back" in caught.value.advice


def test_only_a_whole_seed_is_kept(tmp_path: Path) -> None:
    """32 bytes."""
    with pytest.raises(ValueError, match="32 bytes"):
        memory(tmp_path).keep_next(SEED[1:])


# --- whose memory -------------------------------------------------------------------------------


def never() -> FakeVault | None:
    """Fail when the keyring is asked."""
    raise AssertionError


def test_a_named_folder_keeps_everything_and_asks_no_keyring(tmp_path: Path) -> None:
    """Nightly runs and tests."""
    outside = Outside.of_user(ARCHIVE, environ={"ARCHIVER_STATE": str(tmp_path)}, vault=never)
    keep_key(outside)
    assert outside.folder == tmp_path / ARCHIVE
    assert outside.key() == SEED


def test_else_it_is_in_the_user_s_state_folder(tmp_path: Path) -> None:
    """As platformdirs says."""
    outside = Outside.of_user(ARCHIVE, environ={}, vault=lambda: None)
    assert outside.folder.name == ARCHIVE
    assert "archiver" in outside.folder.parts
    assert not outside.folder.is_relative_to(tmp_path)


KEYRING = """
import os, pathlib
from keyring.errors import KeyringLocked
class Backend:
    priority = int(os.environ["PRIORITY"])
def get_keyring():
    return Backend()
def _file(service, name):
    if "LOCKED" in os.environ:
        raise KeyringLocked("no")
    return pathlib.Path(os.environ["RING"], f"{service} {name}")
def get_password(service, name):
    file = _file(service, name)
    return file.read_text() if file.exists() else None
def set_password(service, name, password):
    _file(service, name).write_text(password)
def delete_password(service, name):
    _file(service, name).unlink()
"""
ERRORS = """
class KeyringError(Exception): pass
class KeyringLocked(KeyringError): pass
class PasswordDeleteError(KeyringError): pass
"""
USE = """
import os, pathlib
from archiver.evidence.checkpoints.outside import Outside
from archiver.evidence.checkpoints.vault import system_vault
outside = Outside(pathlib.Path(os.environ["STATE"]), "0" * 32, vault=system_vault)
if "LOCKED" not in os.environ:
    outside.keep_next(bytes(32))
    outside.promote()
    outside.keep_next(bytes(range(32)))
    outside.promote()
print(outside.key_place().where, outside.key() == bytes(range(32)))
"""


@pytest.mark.parametrize(("priority", "where"), [("5", "keyring"), ("0", "file")])
def test_the_keyring_package_is_used_when_it_recommends_itself(
    tmp_path: Path, priority: str, where: str
) -> None:
    """With a package of that name, in a process of its own."""
    (tmp_path / "keyring").mkdir()
    (tmp_path / "keyring" / "__init__.py").write_text(KEYRING)
    (tmp_path / "keyring" / "errors.py").write_text(ERRORS)
    (tmp_path / "ring").mkdir()
    environ = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path]),
        "PRIORITY": priority,
        "RING": str(tmp_path / "ring"),
        "STATE": str(tmp_path / "state"),
    }
    command = [sys.executable, "-W", "error", "-c", USE]
    said = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    assert said.stdout == f"{where} True\n"
    assert len(list((tmp_path / "ring").iterdir())) == (where == "keyring")
    environ["LOCKED"] = "yes"
    locked = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert ("does not answer now" in locked.stderr) == (where == "keyring")


# --- doctor -------------------------------------------------------------------------------------


@pytest.fixture
def told(tmp_path: Path) -> Callable[[KeyPlace], dict[str, str]]:
    """Return what ``doctor`` says of a key place: codes and levels."""

    def ask(place: KeyPlace) -> dict[str, str]:
        report = examine(
            look_around(tmp_path),
            Settings(time_zone="UTC", language="en"),
            now=datetime(2026, 3, 2, tzinfo=UTC),
            last_entry=None,
            last_syncs={},
            key=place,
        )
        assert all(finding.message and finding.advice for finding in report.findings)
        return {each.code: each.level for each in report.findings if each.code.startswith("key")}

    return ask


def test_doctor_names_where_the_key_is(
    tmp_path: Path, told: Callable[[KeyPlace], dict[str, str]]
) -> None:
    """The keyring, a file, or nowhere yet."""
    outside = memory(tmp_path)
    assert told(outside.key_place()) == {"key-missing": "note"}
    keep_key(outside)
    assert told(outside.key_place()) == {"key-place": "note"}
    assert told(KeyPlace(where="keyring", path=tmp_path)) == {"key-place": "note"}


@posix
def test_doctor_warns_of_a_key_that_others_may_read(
    tmp_path: Path, told: Callable[[KeyPlace], dict[str, str]]
) -> None:
    """A copy made without its mode."""
    outside = memory(tmp_path)
    keep_key(outside)
    (outside.folder / "signing-key").chmod(0o644)
    assert told(outside.key_place()) == {"key-place": "note", "key-open": "warning"}
