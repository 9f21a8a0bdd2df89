"""Every error that a user can meet: what happened, to what, and what to do next.

Each class declares the exit code of the command that meets it; one handler, in ``archiver.cli``,
prints the error and exits. The codes are part of the command contract (docs/commands.md).
"""

from typing import ClassVar


class ArchiverError(Exception):
    """An error that is told to the user as two sentences: what happened, what to do next."""

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, advice: str) -> None:
        """Say WHAT happened and to what, and give ADVICE on what to do next."""
        super().__init__(what)
        self.what = what
        self.advice = advice

    @property
    def both(self) -> str:
        """The two sentences, one below the other."""
        return f"{self.what}\n{self.advice}"


class OperationError(ArchiverError):
    """The work could not be done: a full disk, an unreadable file, a damaged archive."""


class UsageError(ArchiverError):
    """The command was given something that it cannot take."""

    exit_code = 2


class NoArchiveError(ArchiverError):
    """There is no archive where one was looked for."""

    exit_code = 10


class LockedError(ArchiverError):
    """Another process holds the lock and kept it for longer than one was willing to wait."""

    exit_code = 11


class AuthenticationError(ArchiverError):
    """A server refused the user name or the password, or no password could be had."""

    exit_code = 12


class TemporaryNetworkError(ArchiverError):
    """The network or a server failed in a way that may pass: try again later."""

    exit_code = 75


class ConfigurationError(ArchiverError):
    """A configuration or engagement file says something that cannot be understood."""

    exit_code = 78
