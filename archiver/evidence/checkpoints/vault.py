"""The keyring of the operating system, where a secret can be kept better than in a file."""

from typing import Protocol

_SERVICE = "archiver"
_RECOMMENDED = 1
"""The priority from which on the ``keyring`` package itself calls a back end recommended."""


class VaultError(Exception):
    """The keyring is there and does not answer: locked, or its owner said no."""


class Vault(Protocol):
    """A place for short secrets, each under a name."""

    def get(self, name: str) -> str | None:
        """Return a secret, None when there is none; raises VaultError."""

    def put(self, name: str, secret: str) -> None:
        """Keep SECRET, in the place of what was there; raises VaultError."""

    def forget(self, name: str) -> None:
        """Remove a secret that may not be there; raises VaultError."""


class SystemVault:
    """The keyring as the package ``keyring`` finds it."""

    def get(self, name: str) -> str | None:
        """Return a secret, None when there is none; raises VaultError."""
        import keyring
        from keyring.errors import KeyringError

        try:
            found: str | None = keyring.get_password(_SERVICE, name)
        except KeyringError as error:
            raise VaultError from error
        return found

    def put(self, name: str, secret: str) -> None:
        """Keep SECRET, in the place of what was there; raises VaultError."""
        import keyring
        from keyring.errors import KeyringError

        try:
            keyring.set_password(_SERVICE, name, secret)
        except KeyringError as error:
            raise VaultError from error

    def forget(self, name: str) -> None:
        """Remove a secret that may not be there; raises VaultError."""
        import keyring
        from keyring.errors import KeyringError, PasswordDeleteError

        try:
            keyring.delete_password(_SERVICE, name)
        except PasswordDeleteError:
            return
        except KeyringError as error:
            raise VaultError from error


def system_vault() -> Vault | None:
    """Return the system's keyring; None where there is none that a secret should be given to."""
    try:
        import keyring  # an extra on Linux, and slow to load: only when a key is wanted
        from keyring.errors import KeyringError
    except ImportError:
        return None
    try:
        usable = keyring.get_keyring().priority >= _RECOMMENDED
    except (KeyringError, RuntimeError):  # what back ends raise that cannot work here
        return None
    return SystemVault() if usable else None
