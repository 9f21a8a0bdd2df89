"""What every command is given: where the archive is, and how to speak to the user."""

import contextlib
import getpass
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from archiver.cli.output import printable
from archiver.cli.own import colour, own_settings
from archiver.errors import ArchiverError, UsageError

if TYPE_CHECKING:
    from archiver.app import Archive

_MARKS = ("journal", "objects")
_PROGRESS_SECONDS = 0.1
_SCHEDULED = ("sync", "catch-up")
"""Commands that cron, a timer or the daemon runs."""
_UNTOLD = ("daemon",)
"""It says for itself how each account stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Global:
    """The global options, settled."""

    archive: Path | None
    color: bool | None
    lock_wait: float
    offline: bool
    """Ask neither DNS nor a time-stamp authority."""
    quiet: bool
    verbose: bool
    language: str
    """The language of the output."""
    progress: "Progress | None"
    """Where a person who watches is shown how far the work is; None when nobody watches."""

    @classmethod
    def make(
        cls,
        *,
        archive: Path | None,
        config: Path | None,
        color: str | None,
        lock_wait: float,
        offline: bool,
        quiet: bool,
        verbose: bool,
    ) -> "Global":
        """Settle the options from the command line, the user's own file and the environment."""
        own = own_settings(config)
        if archive is None and "archive" in own:
            archive = Path(own["archive"]).expanduser()
        if archive is None and all((Path.cwd() / mark).is_dir() for mark in _MARKS):
            archive = Path.cwd()
        return cls(
            archive=archive,
            color=colour(color or own.get("color")),
            lock_wait=lock_wait,
            offline=offline,
            quiet=quiet,
            verbose=verbose,
            language=os.environ.get("LANGUAGE", "en"),
            progress=None if quiet or not is_terminal(sys.stderr) else Progress(),
        )

    @contextlib.contextmanager
    def open(self) -> "Iterator[Archive]":
        """Open the archive that was named, for a ``with`` statement.

        When the command is done, it is told on stderr which accounts are stale.
        """
        from archiver.app import Archive, require_archive

        with Archive(
            require_archive(self.archive),
            tell=self.tell,
            actor=actor(),
            progress=self.progress or _silent,
            lock_wait=self.lock_wait,
            offline=self.offline,
        ) as archive:
            yield archive
            self._note_stale(archive)

    def _note_stale(self, archive: "Archive") -> None:
        """Have it told, after the answer, which accounts had no good sync for days.

        Commands that a scheduler runs leave it at what they tell themselves, unless a person
        watches. What the command had no need of is not opened for it.
        """
        context = click.get_current_context(silent=True)
        command = context.find_root().invoked_subcommand if context else None
        if command in _UNTOLD or (command in _SCHEDULED and not is_terminal(sys.stderr)):
            return
        if context is None or "evidence" not in vars(archive):
            return
        from archiver.care.stale import stale, tell

        with contextlib.suppress(ArchiverError):  # what stands in the way is not this one's to tell
            now = archive.clock()
            for each in stale(archive.evidence, archive.copies.settings, now):
                line = printable(tell(each, now, archive.time_zone))
                context.find_root().call_on_close(partial(self.tell, line))

    def tell(self, message: str) -> None:
        """Tell something on stderr that is not the answer itself."""
        if self.progress:
            self.progress.clear()
        click.echo(message, err=True)

    def chat(self, message: str) -> None:
        """Tell something that ``--quiet`` silences."""
        if not self.quiet:
            self.tell(message)

    def agrees(self, question: str) -> bool:
        """Ask a yes-or-no question; tell that nothing was done when the answer is no.

        Raises UsageError when nobody is there to answer.
        """
        if not is_terminal(sys.stdin):
            raise UsageError(
                _("Nobody is there to answer: {question}").format(question=question),
                advice=_("Give --yes to answer it beforehand. Nothing was done."),
            )
        agreed = click.confirm(question, err=True)
        if not agreed:
            self.tell(_("Nothing was done."))
        return agreed

    @property
    def prompt(self) -> Callable[[str], str] | None:
        """A function that asks for a secret, when a person is there to answer."""
        if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
            return None
        return lambda text: getpass.getpass(text, stream=None)


def actor() -> str:
    """Name the person who gives the command, for the journal."""
    try:
        return f"person:{getpass.getuser()}"
    except (OSError, KeyError, ImportError):  # no such user, as in some containers
        return "person:unknown"


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether a person is at the other end of STREAM; None: the stream is closed."""
    return stream is not None and not stream.closed and stream.isatty()


class Progress:
    """One line on stderr, rewritten; nothing is left of it at the end."""

    def __init__(self) -> None:
        self._last = 0.0
        self._shown = False

    def __call__(self, what: str, done: int, total: int | None) -> None:
        """Show how far the work is, at most ten times a second."""
        now = time.monotonic()
        if total is not None and done >= total:
            self.clear()
            return
        if now - self._last < _PROGRESS_SECONDS:
            return
        self._last, self._shown = now, True
        amount = f"{done}/{total}" if total is not None else str(done)
        line = printable(_("{label}: {count}").format(label=_work(what), count=amount))
        click.echo(f"\r\x1b[K{line}", err=True, nl=False)

    def clear(self) -> None:
        """Wipe the line."""
        if self._shown:
            click.echo("\r\x1b[K", err=True, nl=False)
            self._shown = False


def _work(what: str) -> str:
    """Name a work of ours in the user's language; the name of a folder stays."""
    names = {
        "import": _("import"),
        "backup": _("backup"),
        "index": _("index"),
        "origin": _("origin"),
        "read": _("read"),
        "verify": _("verify"),
    }
    return names.get(what, what)


def _silent(_what: str, _done: int, _total: int | None) -> None:
    pass


pass_global = click.make_pass_decorator(Global)
