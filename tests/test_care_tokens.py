"""What OAuth2 gave is kept outside the archive, whole, private, and in one place."""

import json
import os
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from archiver.care.tokens import TokenStore
from archiver.errors import LockedError, OperationError
from archiver.evidence.checkpoints.outside import Outside
from archiver.evidence.checkpoints.vault import Vault, VaultError
from archiver.evidence.disk import Disk
from archiver.mailbox.oauth.tokens import Grant

ARCHIVE = "cd" * 16
START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
GRANT = Grant(
    refresh_token="r3fresh",
    client_id="client",
    token_url="https://auth.example/token",
    allowed=START,
    renewed=START,
)
NEWER = replace(
    GRANT,
    refresh_token="n3wer",
    renewed=START + timedelta(hours=1),
    ends=START + timedelta(days=7),
)
needs_modes = pytest.mark.skipif(os.name != "posix", reason="permission bits mean nothing here")


class MemoryVault:
    """A keyring in memory, which can be locked."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.locked = False

    def get(self, name: str) -> str | None:
        """Return what was put."""
        self._open()
        return self.kept.get(name)

    def put(self, name: str, secret: str) -> None:
        """Keep it."""
        self._open()
        self.kept[name] = secret

    def forget(self, name: str) -> None:
        """Forget it."""
        self._open()
        self.kept.pop(name, None)

    def _open(self) -> None:
        if self.locked:
            raise VaultError


class FullDisk(Disk):
    """A disk that takes nothing more."""

    def write(self, descriptor: int, data: bytes) -> None:  # noqa: ARG002 - it takes none
        """Take nothing."""
        raise OSError(28, "No space left on device")


def in_files(tmp_path: Path, **more: object) -> TokenStore:
    """Return a store without a keyring."""
    return TokenStore(tmp_path / "state" / ARCHIVE, ARCHIVE, **more)  # type: ignore[arg-type]


def in_keyring(tmp_path: Path, vault: Vault | None) -> TokenStore:
    """Return a store with a keyring."""
    return TokenStore(tmp_path / "state" / ARCHIVE, ARCHIVE, vault=lambda: vault)


def test_what_was_kept_is_read(tmp_path: Path) -> None:
    """By another process as well; each account has its own."""
    store = in_files(tmp_path)
    assert store.read("work") is None
    store.keep("work", GRANT)
    store.keep("home", NEWER)
    assert in_files(tmp_path).read("work") == GRANT
    assert in_files(tmp_path).read("home") == NEWER
    store.keep("work", NEWER)
    assert store.read("work") == NEWER
    store.forget("work")
    store.forget("work")
    assert store.read("work") is None
    assert store.read("home") == NEWER


def test_nothing_is_made_by_looking(tmp_path: Path) -> None:
    """A person who never logs in has no folder for it."""
    store = in_files(tmp_path)
    assert store.place("work").where == "nowhere"
    store.forget("work")
    assert list(tmp_path.iterdir()) == []


@needs_modes
def test_file_and_folders_are_for_their_owner_only(tmp_path: Path) -> None:
    """Whatever the umask says."""
    before = os.umask(0)
    try:
        store = in_files(tmp_path)
        store.keep("work", GRANT)
    finally:
        os.umask(before)
    place = store.place("work")
    assert stat.S_IMODE(place.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.path.parent.stat().st_mode) == 0o700
    assert not place.open_to_others
    place.path.chmod(0o644)
    assert store.place("work").open_to_others


def test_where_it_is_can_be_told_without_giving_it_away(tmp_path: Path) -> None:
    """For ``doctor`` and ``account list``."""
    store = in_files(tmp_path)
    store.keep("work", NEWER)
    place = store.place("work")
    assert (place.where, place.client_id, place.ends) == ("file", "client", NEWER.ends)
    assert (place.allowed, place.renewed) == (START, NEWER.renewed)
    assert "n3wer" not in repr(place)
    assert "n3wer" not in repr(store.read("work"))


def test_a_keyring_is_used_where_there_is_one(tmp_path: Path) -> None:
    """Then no file has it."""
    vault = MemoryVault()
    store = in_keyring(tmp_path, vault)
    store.keep("work", GRANT)
    assert in_keyring(tmp_path, vault).read("work") == GRANT
    assert store.place("work").where == "keyring"
    texts = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(b"r3fresh" in text for text in texts)
    store.forget("work")
    assert vault.kept == {}
    assert store.read("work") is None


def test_a_locked_keyring_is_no_lost_login(tmp_path: Path) -> None:
    """A person is told to unlock it, not to log in again."""
    vault = MemoryVault()
    store = in_keyring(tmp_path, vault)
    store.keep("work", GRANT)
    vault.locked = True
    for other in (store, in_keyring(tmp_path, None)):
        with pytest.raises(OperationError, match="in the keyring, which does not answer") as caught:
            other.read("work")
        assert "Unlock the keyring" in caught.value.advice
        assert other.place("work").where == "unreadable"
        with pytest.raises(OperationError, match="does not answer"):
            other.forget("work")


def test_a_keyring_that_locks_itself_loses_no_rotated_token(tmp_path: Path) -> None:
    """The new one goes into a file, which is read first from then on."""
    vault = MemoryVault()
    store = in_keyring(tmp_path, vault)
    store.keep("work", GRANT)
    vault.locked = True
    store.keep("work", NEWER)
    vault.locked = False
    assert store.read("work") == NEWER
    assert store.place("work").where == "file"


def test_what_is_in_a_file_stays_there(tmp_path: Path) -> None:
    """Between two places a crash could leave the older one in force."""
    in_files(tmp_path).keep("work", GRANT)
    vault = MemoryVault()
    store = in_keyring(tmp_path, vault)
    store.keep("work", NEWER)
    assert store.place("work").where == "file"
    assert vault.kept == {}


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    """And says which login could not be written."""
    in_files(tmp_path).keep("work", GRANT)
    with pytest.raises(OperationError, match=r"The login of work, kept in .*No space left") as got:
        in_files(tmp_path, disk=FullDisk()).keep("work", NEWER)
    assert "has room" in got.value.advice
    assert in_files(tmp_path).read("work") == GRANT


class Killed(BaseException):
    """The process ends here."""


class KillingDisk(Disk):
    """A disk under which the process ends at the given point of a write."""

    def __init__(self, point: int) -> None:
        self._left = point

    def reached(self, point: str) -> None:
        """Count down, and end."""
        self._left -= 1
        if self._left == 0:
            raise Killed(point)


@pytest.mark.parametrize("point", range(1, 5))
def test_a_crash_leaves_the_old_one_or_the_new_one(tmp_path: Path, point: int) -> None:
    """Whole in either case."""
    in_files(tmp_path).keep("work", GRANT)
    with pytest.raises(Killed):
        in_files(tmp_path, disk=KillingDisk(point)).keep("work", NEWER)
    assert in_files(tmp_path).read("work") in {GRANT, NEWER}


def test_what_a_killed_writer_left_is_wiped(tmp_path: Path) -> None:
    """It may hold a token."""
    store = in_files(tmp_path)
    store.keep("work", GRANT)
    left = store.place("work").path.with_name(".oauth.json.99999.tmp")
    left.write_text("n3wer")
    store.keep("work", GRANT)
    assert not left.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "\xff",
        json.dumps({"format": 2}),
        json.dumps({"format": 1, "refresh_token": "r"}),
        json.dumps(
            {
                "format": 1,
                "refresh_token": 7,
                "client_id": "c",
                "token_url": "u",
                "allowed": "2026-11-20T12:00:00+00:00",
                "renewed": "2026-11-20T12:00:00+00:00",
                "ends": None,
            }
        ),
        json.dumps(
            {
                "format": 1,
                "refresh_token": "r",
                "client_id": "c",
                "token_url": "u",
                "allowed": "2026-11-20T12:00:00",
                "renewed": "2026-11-20T12:00:00",
                "ends": None,
            }
        ),
    ],
)
def test_a_damaged_file_says_what_to_do(tmp_path: Path, text: str) -> None:
    """And is not taken for missing."""
    store = in_files(tmp_path)
    store.keep("work", GRANT)
    store.place("work").path.write_text(text, "latin-1")
    with pytest.raises(OperationError, match="is damaged") as caught:
        store.read("work")
    assert "archiver account logout work" in caught.value.advice
    assert store.place("work").where == "unreadable"
    store.forget("work")
    assert store.read("work") is None


def test_one_process_at_a_time_renews(tmp_path: Path) -> None:
    """The other is told who it waits for."""
    with (
        in_files(tmp_path).alone("work"),
        pytest.raises(LockedError, match="renewing the login of work for 0 s") as caught,
        in_files(tmp_path, lock_wait=0).alone("work"),
    ):
        pass
    assert "Wait until it has finished" in caught.value.advice
    with in_files(tmp_path).alone("work"), in_files(tmp_path, lock_wait=0).alone("home"):
        pass


def test_an_account_name_is_no_path(tmp_path: Path) -> None:
    """Whatever a file of settings says."""
    with pytest.raises(ValueError, match="names no account"):
        in_files(tmp_path).read("../work")


def test_it_is_beside_the_other_memory_of_the_archive(tmp_path: Path) -> None:
    """With ARCHIVER_STATE set, no keyring is asked."""
    environ = {"ARCHIVER_STATE": str(tmp_path)}
    outside = Outside.of_user(ARCHIVE, environ=environ)
    store = TokenStore.beside(outside, environ)
    store.keep("work", GRANT)
    assert store.place("work").path == (
        tmp_path / ARCHIVE / "accounts" / "account-work" / "oauth.json"
    )
    assert store._find_vault() is None
