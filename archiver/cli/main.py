"""The ``archiver`` command: global options, commands loaded when called, one error handler."""

import contextlib
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from gettext import gettext as _
from pathlib import Path
from typing import Any

import click

from archiver import __version__
from archiver.cli.language import choose_language, set_language
from archiver.cli.own import COLOURS, LANGUAGES, colour, settings_before_click, wish
from archiver.cli.wall import ReaderGoneError, Trouble, explain, output_may_close, settle_output
from archiver.errors import ArchiverError

INTERRUPTED = 130
_COMMANDS = {
    "init": "archive",
    "status": "archive",
    "doctor": "archive",
    "verify": "archive",
    "rebuild": "archive",
    "catch-up": "archive",
    "account": "account",
    "sync": "mailbox",
    "import": "importing",
    "coverage": "coverage",
    "daemon": "daemon",
    "service": "service",
    "engagement": "engagement",
    "tag": "tagging",
    "untag": "tagging",
    "undo": "tagging",
    "triage": "tagging",
    "search": "search",
    "show": "show",
    "thread": "search",
    "dossier": "dossier",
    "prove": "prove",
    "withhold": "withheld",
    "release": "holds",
    "hold": "holds",
    "retention": "holds",
    "person": "erasure",
    "erase": "erasure",
    "journal": "custody",
    "origin": "origin",
    "anchor": "anchoring",
    "authority": "anchoring",
    "key": "keys",
    "backup": "backup",
    "restore": "backup",
    "inspect": "inspect",
    "completion": "completion",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, and never all for one."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Name all commands, in the order in which a user meets them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's signature
        """Import the module of one command."""
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"archiver.cli.{_COMMANDS[cmd_name]}")
        command = module.COMMANDS[cmd_name]
        assert isinstance(command, click.Command)  # noqa: S101  narrows what importlib returns
        return command

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        """Parse the command line, which may print a help text."""
        with output_may_close():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with output_may_close():
            return super().invoke(ctx)


def build() -> click.Group:
    """Build the command in the language that was set."""
    from archiver.cli.context import Global

    @click.group(
        cls=LazyGroup,
        help=_(
            "Keep client mail, tie it to engagements, find past commitments, export dossiers.\n\n"
            "\b\n"
            "Start here:\n"
            "  archiver --archive ACME init\n"
            "  archiver --archive ACME account add work --host imap.example.org ...\n"
            "  archiver --archive ACME sync\n"
            "  archiver --archive ACME search 'from:client \"date de livraison\"'"
        ),
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    @click.option(
        "--archive",
        type=click.Path(path_type=Path),
        envvar="ARCHIVER_ARCHIVE",
        help=_("The archive's folder (else ARCHIVER_ARCHIVE, else the folder you are in)."),
    )
    @click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="ARCHIVER_CONFIG",
        help=_("Your own settings: a TOML file that may give archive, lang and color."),
    )
    @click.option("--lang", type=click.Choice(LANGUAGES), help=_("Language of the output."))
    @click.option(
        "--color",
        type=click.Choice(COLOURS),
        help=_("When to colour the output; NO_COLOR is respected."),
    )
    @click.option(
        "--lock-wait",
        type=click.FloatRange(min=0),
        default=10.0,
        show_default=True,
        help=_("Seconds to wait for another process that writes."),
    )
    @click.option(
        "--offline",
        is_flag=True,
        envvar="ARCHIVER_OFFLINE",
        help=_("Ask neither DNS nor a time-stamp authority; a later command does."),
    )
    @click.option("-q", "--quiet", is_flag=True, help=_("Say only what went wrong."))
    @click.option("-v", "--verbose", is_flag=True, help=_("Say more."))
    @click.version_option(__version__, prog_name="archiver")
    @click.pass_context
    def archiver(
        ctx: click.Context,
        *,
        archive: Path | None,
        config: Path | None,
        lang: str | None,  # noqa: ARG001  read before click, see language.py
        color: str | None,
        lock_wait: float,
        offline: bool,
        quiet: bool,
        verbose: bool,
    ) -> None:
        ctx.obj = Global.make(
            archive=archive,
            config=config,
            color=color,
            lock_wait=lock_wait,
            offline=offline,
            quiet=quiet,
            verbose=verbose,
        )
        ctx.color = ctx.obj.color

    assert isinstance(archiver, click.Group)  # noqa: S101  the decorators lose the type
    return archiver


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; never raises, whatever happens."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    own: Mapping[str, str] = {}
    try:
        own = settings_before_click(arguments, os.environ)
        set_language(choose_language(arguments, os.environ, own))
        result = build().main(args=list(arguments), prog_name="archiver", standalone_mode=False)
    except ReaderGoneError:
        return 0
    except click.ClickException as error:
        with contextlib.suppress(OSError):
            error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _say(_("Interrupted. What was kept is kept; run the command again."))
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001  the wall: no error leaves as a traceback
        trouble = explain(error)
        _print_trouble(trouble, color=colour(wish("--color", arguments) or own.get("color")))
        if not isinstance(error, ArchiverError) and wants_more(arguments):
            _print_traceback(error)
        return trouble.exit_code
    finally:
        settle_output()
    return result if isinstance(result, int) else 0


def wants_more(arguments: Sequence[str]) -> bool:
    """Tell whether ``-v`` was given before the command: a word of a query may look like it."""
    for argument in arguments:
        if argument in _COMMANDS:
            return False
        if argument == "--verbose" or (argument[:1] == "-" != argument[1:2] and "v" in argument):
            return True
    return False


def _print_trouble(trouble: Trouble, *, color: bool | None) -> None:
    _say(click.style(_("Error: "), fg="red") + trouble.what, color=color)
    _say(trouble.advice, color=color)


def _print_traceback(error: Exception) -> None:
    import traceback

    _say("".join(traceback.format_exception(error)))


def _say(text: str, *, color: bool | None = None) -> None:
    """Print on stderr, which may be closed or full: what happened is what counts."""
    with contextlib.suppress(OSError, ValueError):
        click.echo(text, err=True, color=color)


def run() -> None:
    """Be the console script."""
    sys.exit(main())
