"""Put a service's files where the system looks for them, and take them away again."""

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from gettext import gettext as _
from pathlib import Path
from typing import Final, Literal

from archiver.errors import OperationError, UsageError
from archiver.service import cron, launchd, systemd, tasks
from archiver.service.job import File, Job, Kind, Service, is_sealed

State = Literal["absent", "current", "outdated", "changed", "foreign"]
Run = Callable[[tuple[str, ...], str | None], str]
"""Runs a program with a text as its input, and returns its output."""

_PATIENCE: Final = 30.0
_CRONTAB: Final = "crontab"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """How a file stands to what it is to be."""

    where: str
    state: State


def service_of(kind: Kind, job: Job) -> Service:
    """Return the files and commands of a service of KIND; a crontab is no file of its own."""
    match kind:
        case "systemd":
            return systemd.daemon(job)
        case "systemd-timer":
            return systemd.timer(job)
        case "launchd":
            return launchd.daemon(job)
        case "task-scheduler":
            return tasks.daemon(job)
        case "cron":
            return Service(files=(), enable=(), disable=())


def text_of(kind: Kind, job: Job) -> str:
    """Return all of it as text, for a person to read or to put in place."""
    if kind == "cron":
        return cron.lines(job)
    parts = []
    for file in service_of(kind, job).files:
        encoding = "utf-16" if kind == "task-scheduler" else "utf-8"
        head = f"# {file.path}\n" if kind == "systemd-timer" else ""
        parts.append(head + file.data.decode(encoding))
    return "\n".join(parts)


def look(kind: Kind, job: Job, *, run: "Run | None" = None) -> tuple[Placed, ...]:
    """Tell how each part of a service stands to what it is to be; raises OperationError."""
    if kind == "cron":
        found = cron.found(_crontab(run or run_program), job)
        state: State = "absent" if found is None else "outdated"
        return (Placed(where=_CRONTAB, state="current" if found == cron.lines(job) else state),)
    return tuple(
        Placed(where=str(file.path), state=_state(file)) for file in service_of(kind, job).files
    )


def put(kind: Kind, job: Job, *, replace: bool = False, run: "Run | None" = None) -> None:
    """Write what differs. Raises UsageError, and writes nothing, for a file that is not ours.

    With REPLACE such a file is kept beside the new one, its name ended by ``.before``.
    """
    run = run or run_program
    _make_state(job.state)
    if kind == "cron":
        _change_crontab(run, lambda before: cron.with_lines(before, job))
        return
    files = service_of(kind, job).files
    if not replace:
        _refuse_foreign(files)
    for file in files:
        state = _state(file)
        if state in ("changed", "foreign"):
            with _told(file.path):
                file.path.replace(file.path.with_name(file.path.name + ".before"))
        if state != "current":
            _write(file)


def take_away(kind: Kind, job: Job, *, replace: bool = False, run: "Run | None" = None) -> None:
    """Remove what ``put`` wrote; raises UsageError for a file that is not ours, without REPLACE."""
    run = run or run_program
    if kind == "cron":
        _change_crontab(run, lambda before: cron.without_lines(before, job))
        return
    files = service_of(kind, job).files
    if not replace:
        _refuse_foreign(files)
    for file in files:
        with _told(file.path):
            file.path.unlink(missing_ok=True)


def _change_crontab(run: "Run", change: Callable[[str], str]) -> None:
    """Hand the crontab in again as CHANGE makes it, unless that changes nothing."""
    before = _crontab(run)
    wanted = change(before)
    if wanted != before:
        run((_CRONTAB, "-"), wanted)


def run_program(words: tuple[str, ...], text: str | None) -> str:
    """Run a program of the system; raises OperationError when it fails."""
    try:
        done = subprocess.run(  # noqa: S603 - crontab, with no word of a stranger's
            words,
            input=(text or "").encode(),
            capture_output=True,
            check=False,
            timeout=_PATIENCE,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        why = error.strerror if isinstance(error, OSError) else _("it does not answer")
        raise _failed(words[0], why or "") from error
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()
        if words == (_CRONTAB, "-l") and "no crontab" in said:
            return ""
        raise _failed(words[0], said)
    return done.stdout.decode("utf-8", "surrogateescape")


def _failed(program: str, why: str) -> OperationError:
    return OperationError(
        _("The program {program} cannot be used: {why}.").format(
            program=program, why=why.rstrip(".")
        ),
        advice=_("Put in place by hand what `archiver service print` prints."),
    )


def _crontab(run: Run) -> str:
    return run((_CRONTAB, "-l"), None)


def _state(file: File) -> State:
    try:
        with _told(file.path):
            data = file.path.read_bytes()
    except FileNotFoundError:
        return "absent"
    if data == file.data:
        return "current"
    seal = is_sealed(data)
    return "outdated" if seal == "ours" else seal


def _refuse_foreign(files: tuple[File, ...]) -> None:
    for file in files:
        match _state(file):
            case "foreign":
                what = _("{path} exists and was not written by the archiver.")
            case "changed":
                what = _("{path} was changed since the archiver wrote it.")
            case _:
                continue
        raise UsageError(
            what.format(path=file.path),
            advice=_(
                "Move it away, or give --replace: it is then kept beside it as {name}. "
                "Nothing was written."
            ).format(name=file.path.name + ".before"),
        )


def _write(file: File) -> None:
    fresh = file.path.with_name(f".{file.path.name}.tmp")
    with _told(file.path):
        file.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            fresh.write_bytes(file.data)
            fresh.chmod(file.mode)
            fresh.replace(file.path)
        except OSError:
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise


def _make_state(folder: object) -> None:
    """Make the folder that the service is allowed to write to: systemd wants it to be there."""
    path = Path(str(folder))
    with _told(path):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise OperationError(
            _("{path} cannot be used: {why}.").format(path=path, why=error.strerror or error),
            advice=_(
                "Check who you are and what you may write; or put in place by hand what "
                "`archiver service print` prints."
            ),
        ) from error
