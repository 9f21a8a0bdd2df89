"""The wall: whatever goes wrong behind it is told in two sentences and becomes an exit code.

Nothing heavy is imported here, and nothing that the error may have made impossible.
"""

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from gettext import gettext as _
from typing import TextIO

from archiver.errors import ArchiverError, OperationError


class ReaderGoneError(Exception):
    """Who read our output went away (head, less): no error of ours, and nothing is left to do."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error as a user is told it."""

    what: str
    advice: str
    exit_code: int = 1


def explain(error: Exception) -> Trouble:
    """Say what ERROR means to a user and what to do next; one that nobody expected as such."""
    match error:
        case ArchiverError():
            return Trouble(error.what, error.advice, error.exit_code)
        case MemoryError():
            return _no_memory()
        case OSError(errno=errno.ENOMEM):
            return _no_memory()
        case OSError():
            return _of_the_system(error)
        case _:
            return _of_a_projection(error) or _unexpected(error)


def _no_memory() -> Trouble:
    return Trouble(
        _("There was not enough memory for this command."),
        _("What was kept is kept. Close other programs or raise the limit, then run it again."),
    )


def _of_the_system(error: OSError) -> Trouble:
    what = _(error.strerror) if error.strerror else str(error)
    if error.filename:
        what = _("{what}: {file}").format(what=what, file=error.filename)
    return Trouble(what, _("Check the disk and the permissions, then run the command again."))


def _of_a_projection(error: Exception) -> Trouble | None:
    """Tell of a damaged index or database; what raised ERROR has loaded these modules already."""
    import sqlite3

    from index.engine import EngineError

    if isinstance(error, EngineError):
        return Trouble(
            _("The search index cannot be used: {error}").format(error=error),
            _("It is derived: `archiver rebuild` makes it again from the originals."),
        )
    if isinstance(error, sqlite3.Error):
        return Trouble(
            _("A database of the archive could not be used: {error}.").format(error=error),
            _("Run `archiver verify` to see whether the originals are sound."),
        )
    return None


def _unexpected(error: Exception) -> Trouble:
    return Trouble(
        _("Something happened that the archiver is not prepared for: {kind}: {error}").format(
            kind=type(error).__name__, error=error
        ),
        _(
            "What was kept is kept. This is a mistake in the archiver: run the command again with "
            "`archiver -v` and report what it prints."
        ),
    )


@contextlib.contextmanager
def output_may_close() -> Iterator[None]:
    """Tell a reader of stdout who went away from a connection that broke.

    It must not reach click, which takes both for a failure and exits without a word.
    """
    try:
        yield
    except BrokenPipeError as error:
        if _reader_gone():
            raise ReaderGoneError from error
        raise OperationError(
            _("A program or server that the archiver spoke with went away."),
            advice=_("Run the command again."),
        ) from error


def _reader_gone() -> bool:
    """Ask the system whether anybody still reads stdout; Windows cannot tell."""
    import select

    if sys.stdout is None or not hasattr(select, "poll"):
        return False
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)  # errors are reported in any case
    return any(event & (select.POLLERR | select.POLLHUP) for _file, event in poll.poll(0))


def settle_output() -> None:
    """Write out what is still to be written; where that fails, point the stream nowhere.

    Python would complain about it when it flushes at exit, and change the exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        if not _flushed(stream):
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _flushed(stream: TextIO | None) -> bool:
    """Try to write out what STREAM still holds; one that is closed or absent holds nothing."""
    if stream is None or stream.closed:
        return True
    try:
        stream.flush()
    except OSError:
        return False
    return True
