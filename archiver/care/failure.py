"""Run the owner's command when a synchronisation fails (``on_failure`` in ``archive.toml``)."""

import os
import shlex
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from gettext import gettext as _
from pathlib import Path

from archiver.config import Settings

_PATIENCE = 60.0
"""Seconds: it is there to send word, and a sync waits for it."""
_LONGEST_REASON = 2000
_PASSWORD = "ARCHIVER_PASSWORD_"  # noqa: S105  the beginning of a variable's name, no password
_SECRETS = ("CREDENTIALS_DIRECTORY",)

Run = Callable[[str, Mapping[str, str]], None]


def run_command(command: str, environ: Mapping[str, str], *, patience: float = _PATIENCE) -> None:
    """Run COMMAND without a shell, with nothing to read; its errors go to the terminal.

    Words are split as for a password command. Raise OSError, ValueError (quotes that do not close)
    or subprocess.SubprocessError.
    """
    words = command if os.name == "nt" else shlex.split(command)
    subprocess.run(  # noqa: S603 - the owner of the archive configured this command
        words,
        # What it leaves running in the background must not keep a pipe to us open.
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=patience,
        env=environ,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What went wrong, as the command is told it."""

    account: str
    """Empty: no single account, but the archive itself (its settings, its signature)."""
    reason: str
    """In the user's words; holds no secret."""
    exit_code: int
    """What the command exits with, or would for this account alone (docs/commands.md)."""


def report_failure(
    settings: Settings,
    failure: Failure,
    *,
    root: Path,
    environ: Mapping[str, str],
    tell: Callable[[str], None],
    run: Run = run_command,
) -> bool:
    """Run ``on_failure`` for FAILURE, if there is one; tell whether it ran and did not fail.

    It is run without a shell and gets ENVIRON with ARCHIVER_ACCOUNT, ARCHIVER_REASON,
    ARCHIVER_EXIT_CODE and ARCHIVER_ROOT, but none of the variables that hold passwords. What it
    prints is not read. That it fails itself is told and changes nothing else.
    """
    command = settings.on_failure
    if not command:
        return False
    try:
        run(command, _environment(failure, root, environ))
    except ValueError:
        problem = _("a quote in it is not closed, or it holds a character that cannot be passed")
    except subprocess.CalledProcessError as error:
        problem = _("it exited with status {status}").format(status=error.returncode)
    except subprocess.TimeoutExpired as error:
        problem = _("it did not end in {seconds:.0f} seconds").format(seconds=error.timeout)
    except OSError as error:
        problem = error.strerror or _("it cannot be started")
    else:
        return True
    tell(_("The on_failure command of archive.toml did not work: {why}.").format(why=problem))
    tell(
        _(
            "Run it by hand. It is run without a shell, so pipes and variables need `sh -c '...'`. "
            "Nothing else depends on it."
        )
    )
    return False


def _environment(failure: Failure, root: Path, environ: Mapping[str, str]) -> dict[str, str]:
    inherited = {
        name: value
        for name, value in environ.items()
        if not name.upper().startswith(_PASSWORD) and name not in _SECRETS
    }
    return inherited | {
        "ARCHIVER_ACCOUNT": failure.account,
        "ARCHIVER_REASON": _one_line(failure.reason),
        "ARCHIVER_EXIT_CODE": str(failure.exit_code),
        "ARCHIVER_ROOT": str(root.absolute()),
    }


def _one_line(text: str) -> str:
    """Return TEXT on one line; a server's words may hold what no environment can."""
    bare = text.replace("\0", " ").encode("utf-8", "replace").decode()
    return " ".join(bare.split())[:_LONGEST_REASON]
