"""What every command is given: where the archive is, and how to speak to the user."""

import getpass
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver.cli.output import printable
from archiver.errors import ConfigurationError

if TYPE_CHECKING:
    from archiver.app import Archive

_MARKS = ("journal", "objects")
_PROGRESS_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Global:
    """The global options, settled."""

    archive: Path | None
    color: bool | None
    lock_wait: float
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
        quiet: bool,
        verbose: bool,
    ) -> "Global":
        """Settle the options from the command line, the user's own file and the environment."""
        own = _own_settings(config)
        if archive is None and "archive" in own:
            archive = Path(own["archive"]).expanduser()
        if archive is None and all((Path.cwd() / mark).is_dir() for mark in _MARKS):
            archive = Path.cwd()
        return cls(
            archive=archive,
            color=_color(color or own.get("color", "auto")),
            lock_wait=lock_wait,
            quiet=quiet,
            verbose=verbose,
            language=os.environ.get("LANGUAGE", "en"),
            progress=None if quiet or not sys.stderr.isatty() else Progress(),
        )

    def open(self) -> "Archive":
        """Open the archive that was named; to be used in a ``with`` statement."""
        from archiver.app import Archive, require_archive

        return Archive(
            require_archive(self.archive),
            tell=self.tell,
            actor=actor(),
            progress=self.progress or _silent,
            lock_wait=self.lock_wait,
        )

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
        """Ask a yes-or-no question; tell that nothing was done when the answer is no."""
        agreed = click.confirm(question, err=True)
        if not agreed:
            self.tell(_("Nothing was done."))
        return agreed

    @property
    def prompt(self) -> Callable[[str], str] | None:
        """A function that asks for a secret, when a person is there to answer."""
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            return None
        return lambda text: getpass.getpass(text, stream=None)


def actor() -> str:
    """Name the person who gives the command, for the journal."""
    try:
        return f"person:{getpass.getuser()}"
    except (OSError, KeyError, ImportError):  # no such user, as in some containers
        return "person:unknown"


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
        "index": _("index"),
        "read": _("read"),
        "verify": _("verify"),
    }
    return names.get(what, what)


def _silent(_what: str, _done: int, _total: int | None) -> None:
    pass


def _color(wish: str) -> bool | None:
    if wish == "auto":
        return False if os.environ.get("NO_COLOR") else None
    return wish == "always"


def _own_settings(path: Path | None) -> dict[str, str]:
    """Read the user's own file: the named one, else the one in the usual place if it exists."""
    if path is None:
        import platformdirs

        path = platformdirs.user_config_path("written-record-archiver") / "config.toml"
        if not path.is_file():
            return {}
    import tomllib

    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(
            _("{path} cannot be read: {error}").format(path=path, error=error),
            advice=_("Mend the file, or name another with --config."),
        ) from error
    unknown = sorted(set(values) - {"archive", "lang", "color"})
    if unknown or not all(isinstance(value, str) for value in values.values()):
        raise ConfigurationError(
            _("{path} may hold archive, lang and color, each a text.").format(path=path),
            advice=_("Remove or mend: {keys}").format(keys=", ".join(unknown or values)),
        )
    return values


pass_global = click.make_pass_decorator(Global)
