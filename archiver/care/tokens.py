"""What OAuth2 gave, kept outside the archive as the signing key is: keyring, or a private file.

Each account has a folder beside the archive's other memory, with the file or a mark that says that
the keyring has it. A copy of the archive on the same machine shares it; a backup never has it.
"""

import contextlib
import json
import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from gettext import gettext as _
from pathlib import Path
from typing import Final, Literal

from archiver.accounts import Account
from archiver.errors import LockedError, OperationError
from archiver.evidence.checkpoints.outside import STATE, Outside
from archiver.evidence.checkpoints.vault import Vault, VaultError, system_vault
from archiver.evidence.disk import Disk
from archiver.evidence.durable import sweep, write_whole
from archiver.evidence.locks import Locks
from archiver.mailbox.oauth.tokens import Grant

_FORMAT: Final = 1
_FILE: Final = "oauth.json"
_IN_KEYRING: Final = "oauth.in-keyring"
_LOCK_WAIT: Final = 60.0
"""Seconds: whoever holds the lock is asking an authority."""

_SMALL_KEYRING: Final = 1200
"""Characters that the keyring of Windows takes; Microsoft's tokens are longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPlace:
    """Where what OAuth2 gave for an account is, and since when; the token is not in here."""

    account: str
    where: Literal["keyring", "file", "nowhere", "unreadable"]
    path: Path
    """The file, or its folder."""
    open_to_others: bool = False
    """Other users of this machine may read it."""
    client_id: str = ""
    allowed: datetime | None = None
    renewed: datetime | None = None
    ends: datetime | None = None


class TokenStore:
    """The grants of one archive's accounts. Nothing is made before something is kept."""

    def __init__(
        self,
        folder: Path,
        archive_id: str,
        *,
        vault: Callable[[], Vault | None] = lambda: None,
        disk: Disk | None = None,
        lock_wait: float = _LOCK_WAIT,
    ) -> None:
        """Use FOLDER, which is the archive's own; VAULT is asked for when a grant is wanted."""
        self._folder = folder
        self._archive_id = archive_id
        self._find_vault = vault
        self._disk = disk or Disk()
        self._lock_wait = lock_wait

    @classmethod
    def beside(cls, outside: Outside, environ: Mapping[str, str] = os.environ) -> "TokenStore":
        """Keep them where OUTSIDE keeps the key: with ARCHIVER_STATE set, no keyring is asked."""
        if environ.get(STATE):
            return cls(outside.folder, outside.archive_id)
        return cls(outside.folder, outside.archive_id, vault=system_vault)

    def read(self, account: str) -> Grant | None:
        """Return the grant of ACCOUNT, None when there is none here.

        Raises OperationError when there is one that cannot be had now: taken for missing, a person
        would be sent to log in for nothing.
        """
        with self._told(account):
            with contextlib.suppress(FileNotFoundError):
                return self._grant(account, self._text(account))
            if not (self._place(account) / _IN_KEYRING).exists():
                return None
        vault = self._find_vault()
        try:
            text = vault.get(self._label(account)) if vault else None
        except VaultError:
            raise self._locked_keyring(account) from None
        if vault is None:
            raise self._locked_keyring(account)
        return None if text is None else self._grant(account, text)

    def keep(self, account: str, grant: Grant) -> None:
        """Keep GRANT durably, in the keyring where it takes it; raises OperationError.

        What was there stays whole until the new one is: a crash leaves the one or the other. What
        is in a file stays in a file: between two places a crash could leave an older one in force.
        """
        text = _written(grant)
        place = self._place(account)
        with self._told(account):
            self._make_folder(place)
            sweep(self._disk, place)
            if not (place / _FILE).exists() and self._put(account, text):
                if not (place / _IN_KEYRING).exists():
                    write_whole(self._disk, place / _IN_KEYRING, b"")
                return
            write_whole(self._disk, place / _FILE, text.encode())  # which is read first
            self._remove(place / _IN_KEYRING)

    def forget(self, account: str) -> None:
        """Remove the grant of ACCOUNT, which may not be there; raises OperationError."""
        place = self._place(account)
        with self._told(account):
            self._remove(place / _FILE)
            if (place / _IN_KEYRING).exists():
                vault = self._find_vault()
                if vault is None:
                    raise self._locked_keyring(account)
                try:
                    vault.forget(self._label(account))
                except VaultError:
                    raise self._locked_keyring(account) from None
                self._remove(place / _IN_KEYRING)

    @contextlib.contextmanager
    def alone(self, account: str) -> Iterator[None]:
        """Keep other processes from changing the grant of ACCOUNT; raises LockedError."""
        place = self._place(account)
        with self._told(account):
            self._make_folder(place)
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(Locks(place).writing(self._lock_wait))
            except LockedError:
                raise LockedError(
                    _("Another process has been renewing the login of {name} for {n:g} s.").format(
                        name=account, n=self._lock_wait
                    ),
                    advice=_("Wait until it has finished, or end it, and run the command again."),
                ) from None
            yield

    def place(self, account: str) -> TokenPlace:
        """Tell where the grant of ACCOUNT is, without giving it away. Never raises."""
        place = self._place(account)
        try:
            grant = self.read(account)
            in_file = (place / _FILE).exists()
            mode = stat.S_IMODE((place / _FILE).stat().st_mode) if in_file else 0
        except (OperationError, OSError):
            return TokenPlace(account=account, where="unreadable", path=place)
        if grant is None:
            return TokenPlace(account=account, where="nowhere", path=place)
        return TokenPlace(
            account=account,
            where="file" if in_file else "keyring",
            path=place / _FILE if in_file else place,
            open_to_others=os.name == "posix" and bool(mode & 0o077),
            client_id=grant.client_id,
            allowed=grant.allowed,
            renewed=grant.renewed,
            ends=grant.ends,
        )

    def places(self, accounts: tuple[Account, ...]) -> tuple[TokenPlace, ...]:
        """Tell where the grants of those ACCOUNTS are that log in by OAuth2."""
        return tuple(self.place(each.name) for each in accounts if each.oauth is not None)

    # --- files and keyring -------------------------------------------------------------------

    def _place(self, account: str) -> Path:
        name = f"account-{account}"  # "con" alone is a device on Windows
        if Path(name).name != name:
            raise ValueError(f"{account!r} names no account")
        return self._folder / "accounts" / name

    def _label(self, account: str) -> str:
        return f"oauth {account} {self._archive_id}"

    def _put(self, account: str, text: str) -> bool:
        """Give TEXT to the keyring, and tell whether it can be had back."""
        if sys.platform == "win32" and len(text) > _SMALL_KEYRING:
            return False
        vault = self._find_vault()
        if vault is None:
            return False
        try:
            vault.put(self._label(account), text)
            return vault.get(self._label(account)) == text
        except VaultError:
            return False

    def _grant(self, account: str, text: str) -> Grant:
        grant = _read(text)
        if grant is None:
            raise OperationError(
                _("What is kept of the login of {name}, in {place}, is damaged.").format(
                    name=account, place=self._place(account)
                ),
                advice=_(
                    "Run `archiver account logout {name}`, then `archiver account login {name}`."
                ).format(name=account),
            )
        return grant

    def _text(self, account: str) -> str:
        return (self._place(account) / _FILE).read_text("utf-8", "replace")

    def _make_folder(self, place: Path) -> None:
        for folder in (self._folder.parent, self._folder, place.parent, place):
            if not folder.is_dir():
                self._disk.make_folder(folder)

    def _remove(self, path: Path) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._disk.remove(path)

    def _locked_keyring(self, account: str) -> OperationError:
        return OperationError(
            _("The login of {name} is in the keyring, which does not answer now.").format(
                name=account
            ),
            advice=_(
                "Unlock the keyring and run the command again in your session; for work without"
                " one, set ARCHIVER_STATE to a folder of your own and log in there."
            ),
        )

    @contextlib.contextmanager
    def _told(self, account: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OperationError(
                _("The login of {name}, kept in {place}, cannot be read or written: {why}.").format(
                    name=account, place=self._place(account), why=error.strerror or error
                ),
                advice=_(
                    "Make that folder yours and see that the disk has room, or name another one in"
                    " the environment variable ARCHIVER_STATE and log in there."
                ),
            ) from error


def _written(grant: Grant) -> str:
    return json.dumps(
        {
            "format": _FORMAT,
            "client_id": grant.client_id,
            "token_url": grant.token_url,
            "allowed": grant.allowed.isoformat(),
            "renewed": grant.renewed.isoformat(),
            "ends": grant.ends and grant.ends.isoformat(),
            "refresh_token": grant.refresh_token,
        }
    )


def _read(text: str) -> Grant | None:
    """Read what ``_written`` wrote; None when it is something else."""
    try:
        values = json.loads(text)
        if values["format"] != _FORMAT:
            return None
        texts = [values[key] for key in ("refresh_token", "client_id", "token_url")]
        allowed, renewed = (datetime.fromisoformat(values[key]) for key in ("allowed", "renewed"))
        ends = datetime.fromisoformat(values["ends"]) if values["ends"] else None
    except (ValueError, KeyError, TypeError):
        return None
    moments = [each for each in (allowed, renewed, ends) if each is not None]
    if not all(isinstance(each, str) and each for each in texts):
        return None
    if any(each.tzinfo is None for each in moments):
        return None
    return Grant(
        refresh_token=texts[0],
        client_id=texts[1],
        token_url=texts[2],
        allowed=allowed,
        renewed=renewed,
        ends=ends,
    )
