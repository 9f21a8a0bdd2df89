"""What this machine remembers of an archive outside of it: the signing key, what it last signed.

An archive that is put back to an older state cannot know it by itself. The memory is a folder named
by the archive's identity, in ``ARCHIVER_STATE`` or the user's state folder; the key's seed is in
the keyring of the operating system where there is one, else in a file for its owner only.
"""

import contextlib
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from gettext import gettext as _
from hashlib import sha256
from pathlib import Path
from typing import Literal, Self

from archiver.errors import OperationError
from archiver.evidence.checkpoints.vault import Vault, VaultError, system_vault
from archiver.evidence.disk import Disk
from archiver.evidence.durable import sweep, write_whole
from archiver.evidence.locks import Locks

STATE = "ARCHIVER_STATE"
"""The environment variable that names another folder than the user's state folder."""

SEED_SIZE = 32
"""Bytes of an Ed25519 seed (RFC 8032)."""

_KEY = "signing-key"
_NEXT = "signing-key-next"
_ASIDE = "signing-key-aside-"
_LAST = "last.note"
_IN_KEYRING = ".in-keyring"
_ARCHIVE = re.compile(r"[0-9a-f]{32}\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")
_SEED = re.compile(rf"[0-9a-f]{{{2 * SEED_SIZE}}}\Z")
_LOCK_WAIT = 10.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPlace:
    """Where the secret half of the signing key is kept."""

    where: Literal["keyring", "file", "nowhere"]
    path: Path
    """The file, or the folder of the memory."""
    open_to_others: bool = False
    """Other users of this machine may read it."""


class Outside:
    """The memory of one archive. Nothing is made before something is to be remembered."""

    def __init__(
        self,
        folder: Path,
        archive_id: str,
        *,
        vault: Callable[[], Vault | None] = lambda: None,
        disk: Disk | None = None,
    ) -> None:
        """Use FOLDER / ARCHIVE_ID; VAULT is asked for when the key is wanted, and not before."""
        if not _ARCHIVE.match(archive_id):
            raise OperationError(
                _("The archive's identity is not one: {identity!r}.").format(identity=archive_id),
                advice=_("Run `archiver verify`: the first entry of the journal was changed."),
            )
        self.archive_id = archive_id
        self.folder = folder / archive_id
        self._find_vault = vault
        self._disk = disk or Disk()

    @classmethod
    def of_user(
        cls,
        archive_id: str,
        *,
        environ: Mapping[str, str] = os.environ,
        vault: Callable[[], Vault | None] = system_vault,
        disk: Disk | None = None,
    ) -> Self:
        """Return the memory of the user who runs this.

        Where ``ARCHIVER_STATE`` is set everything is in files below it, and no keyring is asked.
        """
        if named := environ.get(STATE):
            return cls(Path(named).expanduser(), archive_id, disk=disk)
        import platformdirs

        folder = platformdirs.user_state_path("archiver", appauthor=False)
        return cls(folder, archive_id, vault=vault, disk=disk)

    @contextlib.contextmanager
    def locked(self, wait: float = _LOCK_WAIT) -> Iterator[None]:
        """Let one process sign at a time, copies of one archive included; raises LockedError."""
        with self._told():
            self._make_folder()
        with Locks(self.folder).writing(wait):
            with self._told():
                sweep(self._disk, self.folder)  # what is left there may hold a seed
            yield

    # --- the key -----------------------------------------------------------------------------

    def key(self) -> bytes | None:
        """Return the seed of the signing key, None when there is none here.

        Raises OperationError when there is one that cannot be had now: taken for lost, it would be
        replaced.
        """
        return self._secret(_KEY)

    def next_key(self) -> bytes | None:
        """Return the seed of a key that is about to become the signing key."""
        return self._secret(_NEXT)

    def keep_next(self, seed: bytes) -> None:
        """Keep SEED for a key that the journal does not name yet; raises OperationError."""
        self._keep_secret(_NEXT, seed)

    def promote(self) -> None:
        """Make the next key the signing key, now that the journal names it."""
        seed = self.next_key()
        if seed is None:
            return
        self._keep_secret(_KEY, seed)
        self._forget_secret(_NEXT)

    def keep_aside(self, seed: bytes, tag: str) -> Path | None:
        """Keep SEED, which does not sign, under a name with TAG; return its file.

        None: it is in the keyring. Raises OperationError.
        """
        name = f"{_ASIDE}{tag}"
        self._keep_secret(name, seed)
        return None if self._read(self._mark(name)) is not None else self.folder / name

    def key_place(self) -> KeyPlace:
        """Tell where the secret half of the signing key is kept."""
        path = self.folder / _KEY
        with self._told():
            if path.exists():
                exposed = os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077
                return KeyPlace(where="file", path=path, open_to_others=bool(exposed))
            if self._mark(_KEY).exists():
                return KeyPlace(where="keyring", path=self.folder)
        return KeyPlace(where="nowhere", path=self.folder)

    # --- notes -------------------------------------------------------------------------------

    def last(self) -> bytes | None:
        """Return the note of what was signed last on this machine."""
        return self._read(self.folder / _LAST)

    def remember(self, note: bytes) -> None:
        """Make NOTE the one that was signed last, durably; raises OperationError."""
        self._write(self.folder / _LAST, note)

    def set_aside_last(self) -> None:
        """Begin anew: the note that was last stays under another name."""
        note = self.last()
        if note is None:
            return
        with self._told():
            aside = self.folder / f"abandoned-{sha256(note).hexdigest()[:16]}.note"
            (self.folder / _LAST).replace(aside)
            self._disk.sync_folder(self.folder)
            self._disk.reached("set-aside")

    def note(self, name: str) -> bytes | None:
        """Return what was kept under NAME, None when nothing was."""
        return self._read(self._path(name))

    def keep_note(self, name: str, data: bytes) -> None:
        """Keep DATA under NAME, durably, in the place of what was there; raises OperationError."""
        self._write(self._path(name), data)

    # --- files -------------------------------------------------------------------------------

    def _path(self, name: str) -> Path:
        if not _NAME.match(name) or name == _LAST or name.startswith(_KEY):
            raise ValueError(f"{name!r} names no note")
        return self.folder / name

    def _mark(self, name: str) -> Path:
        return self.folder / (name + _IN_KEYRING)

    def _secret(self, name: str) -> bytes | None:
        data = self._read(self.folder / name)
        if data is not None:
            return self._seed(data.decode("ascii", errors="replace"), self.folder / name)
        marked = self._read(self._mark(name)) is not None
        if name == _NEXT and not marked:
            return None
        vault = self._find_vault()
        if vault is None:
            if marked:
                raise self._no_answer()
            return None
        try:
            found = vault.get(self._label(name))
        except VaultError:
            raise self._no_answer() from None
        return None if found is None else self._seed(found, _("the keyring"))

    def _keep_secret(self, name: str, seed: bytes) -> None:
        if len(seed) != SEED_SIZE:
            raise ValueError("a seed is 32 bytes long")
        vault = self._find_vault()
        if vault is not None and self._put(vault, name, seed.hex()):
            self._write(self._mark(name), b"")
            self._remove(self.folder / name)
            return
        self._write(self.folder / name, f"{seed.hex()}\n".encode())

    def _put(self, vault: Vault, name: str, secret: str) -> bool:
        """Give SECRET to VAULT, and tell whether it can be had back."""
        try:
            vault.put(self._label(name), secret)
            return vault.get(self._label(name)) == secret
        except VaultError:
            return False

    def _forget_secret(self, name: str) -> None:
        if self._read(self._mark(name)) is not None:
            vault = self._find_vault()
            if vault is not None:
                with contextlib.suppress(VaultError):
                    vault.forget(self._label(name))
            self._remove(self._mark(name))
        self._remove(self.folder / name)

    def _label(self, name: str) -> str:
        return f"{name} {self.archive_id}"

    def _seed(self, text: str, where: object) -> bytes:
        if not _SEED.match(text.strip()):
            raise OperationError(
                _("The signing key in {where} is damaged.").format(where=where),
                advice=_(
                    "Put it back from a backup. Without one, move it away: the next "
                    "synchronisation makes another key, and the journal says so."
                ),
            )
        return bytes.fromhex(text.strip())

    def _no_answer(self) -> OperationError:
        return OperationError(
            _("The signing key is in the keyring, which does not answer now."),
            advice=_(
                "Nothing was signed. Unlock the keyring and run the command again in your session; "
                "for work without one, set ARCHIVER_STATE to a folder of your own."
            ),
        )

    def _read(self, path: Path) -> bytes | None:
        with self._told():
            try:
                return path.read_bytes()
            except FileNotFoundError:
                return None

    def _write(self, path: Path, data: bytes) -> None:
        with self._told():
            self._make_folder()
            write_whole(self._disk, path, data)

    def _remove(self, path: Path) -> None:
        with self._told(), contextlib.suppress(FileNotFoundError):
            self._disk.remove(path)

    def _make_folder(self) -> None:
        """Make the folder; one that somebody else made for all archives keeps its mode."""
        if self.folder.is_dir():
            return
        if not self.folder.parent.is_dir():
            self._disk.make_folder(self.folder.parent)
        self._disk.make_folder(self.folder)
        self._disk.sync_folder(self.folder.parent)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OperationError(
                _(
                    "What this machine remembers of the archive, in {folder}, could not be read or "
                    "written: {reason}."
                ).format(folder=self.folder, reason=error.strerror or error),
                advice=_(
                    "Nothing was signed. Make that folder yours, or name another one in the "
                    "environment variable ARCHIVER_STATE."
                ),
            ) from error
