"""``service``: files by which the system runs the archiver."""

import getpass
import os
import shutil
import sys
from collections.abc import Callable
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import click

from archiver.cli.context import Global, pass_global
from archiver.cli.output import SCHEMA, echo, json_option, print_json, write_text
from archiver.service.job import KINDS, MINUTES, even

if TYPE_CHECKING:
    from archiver.service.job import Job, Kind, Service

FOUND = 3
_KEPT = ("ARCHIVER_STATE", "XDG_STATE_HOME", "SSL_CERT_FILE")
"""What decides where the archiver keeps its own, and whom it trusts."""
_DAY = 24 * 60
Command = TypeVar("Command", bound=Callable[..., object])


def _options(command: Command) -> Command:
    options = (
        click.option(
            "--kind",
            type=click.Choice(KINDS),
            help=_("What runs it; the default is what this system has."),
        ),
        click.option(
            "--user/--system",
            "mine",
            default=True,
            show_default=True,
            help=_("Started when you log in, or with the machine (which needs administrator)."),
        ),
        click.option(
            "--minutes",
            type=click.IntRange(1, _DAY),
            default=MINUTES,
            show_default=True,
            help=_("How often a timer or cron synchronises."),
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group(
    help=_(
        "Files by which the system runs the archiver: print, install, uninstall, status. systemd, "
        "launchd and task-scheduler run the daemon; systemd-timer and cron run sync now and "
        "then.\n\n"
        "\b\nExample:\n  archiver service print --kind systemd"
    )
)
def service() -> None:
    pass


@service.command(
    "print",
    help=_(
        "Print the file, and tell on stderr where it belongs and which commands make it run.\n\n"
        "\b\nExample:\n  archiver service print --kind cron --minutes 30"
    ),
)
@_options
@pass_global
def service_print(globals_: Global, kind: str | None, mine: bool, minutes: int) -> None:
    from archiver.service.place import service_of, text_of

    chosen, job = _kind(kind), _job(globals_, mine=mine, minutes=minutes)
    _tell_rounded(globals_, chosen, minutes)
    write_text(text_of(chosen, job))
    found = service_of(chosen, job)
    for file in found.files:
        globals_.chat(_("It belongs in {path}.").format(path=file.path))
    for command in found.enable:
        globals_.chat(f"  {command}")
    if chosen == "cron":
        globals_.chat(_("It belongs in your crontab: crontab -e"))


@service.command(
    "install",
    help=_(
        "Put the file where the system looks for it, after asking, and print the commands that "
        "make it run. Doing so again changes nothing. A file that was not written so, or was "
        "changed since, is left alone.\n\n"
        "\b\nExample:\n  archiver service install --kind systemd --yes"
    ),
)
@_options
@click.option("--yes", is_flag=True, help=_("Do not ask."))
@click.option("--replace", is_flag=True, help=_("Also take the place of a file that is not ours."))
@pass_global
def service_install(
    globals_: Global, kind: str | None, mine: bool, minutes: int, yes: bool, replace: bool
) -> int:
    from archiver.service.place import look, put, service_of

    chosen, job = _kind(kind), _job(globals_, mine=mine, minutes=minutes)
    _tell_rounded(globals_, chosen, minutes)
    found = service_of(chosen, job)
    differing = [each for each in look(chosen, job) if each.state != "current"]
    if not differing:
        globals_.chat(_("All is in place already."))
        _print_commands(globals_, found)
        return 0
    places = ", ".join(each.where for each in differing)
    if not yes and not globals_.agrees(_("Write {places}?").format(places=places)):
        return 1
    put(chosen, job, replace=replace)
    globals_.chat(_("Written: {places}").format(places=places))
    _print_commands(globals_, found)
    return 0


@service.command(
    "uninstall",
    help=_(
        "Remove what install wrote, after asking.\n\n"
        "\b\nExample:\n  archiver service uninstall --kind systemd --yes"
    ),
)
@_options
@click.option("--yes", is_flag=True, help=_("Do not ask."))
@click.option("--replace", is_flag=True, help=_("Also remove a file that is not ours."))
@pass_global
def service_uninstall(
    globals_: Global, kind: str | None, mine: bool, minutes: int, yes: bool, replace: bool
) -> int:
    from archiver.service.place import look, service_of, take_away

    chosen, job = _kind(kind), _job(globals_, mine=mine, minutes=minutes)
    there = [each for each in look(chosen, job) if each.state != "absent"]
    if not there:
        globals_.chat(_("Nothing of it is in place."))
        return 0
    commands = service_of(chosen, job).disable
    if commands:
        globals_.chat(_("To end it, give these commands, before its file is removed:"))
        for command in commands:
            echo(command)
    places = ", ".join(each.where for each in there)
    if not yes and not globals_.agrees(_("Remove {places}?").format(places=places)):
        return 1
    take_away(chosen, job, replace=replace)
    globals_.chat(_("Removed: {places}").format(places=places))
    return 0


@service.command(
    "status",
    help=_(
        "Tell what is in place, for each kind. How the daemon fares is told by `archiver daemon "
        "--status`. The exit code is 3 when a file is outdated or was changed.\n\n"
        "\b\nExample:\n  archiver service status --system"
    ),
)
@_options
@json_option
@pass_global
def service_status(
    globals_: Global, kind: str | None, mine: bool, minutes: int, format_: str
) -> int:
    from archiver.errors import OperationError
    from archiver.service.place import Placed, look

    job = _job(globals_, mine=mine, minutes=minutes)
    found: list[tuple[str, Placed]] = []
    for each in (_kind(kind),) if kind else KINDS:
        try:
            found += [(each, placed) for placed in look(each, job)]
        except OperationError:
            if kind:
                raise
    if format_ == "json":
        parts = [{"kind": name, "where": one.where, "state": one.state} for name, one in found]
        print_json({"schema": SCHEMA, "name": job.name, "parts": parts})
    else:
        for name, placed in found:
            echo(f"{name}: {_state(placed.state)} ({placed.where})")
    return FOUND if any(one.state not in ("current", "absent") for _kind_, one in found) else 0


def _state(state: str) -> str:
    words = {
        "absent": _("not installed"),
        "current": _("installed"),
        "outdated": _("installed, but not as it would be written now"),
        "changed": _("changed by hand"),
        "foreign": _("not written by the archiver"),
    }
    return words[state]


def _tell_rounded(globals_: Global, kind: "Kind", minutes: int) -> None:
    if kind in ("cron", "systemd-timer") and even(minutes) != minutes:
        globals_.tell(
            _(
                "Every {n} minutes instead of {wanted}: only what divides an hour or a day comes "
                "at even intervals."
            ).format(n=even(minutes), wanted=minutes)
        )


def _print_commands(globals_: Global, service_: "Service") -> None:
    if service_.enable:
        globals_.chat(_("Now give these commands:"))
    for command in service_.enable:
        echo(command)


def _kind(named: str | None) -> "Kind":
    """Take the kind that was NAMED, or the one that this system has."""
    if named is None:
        if os.name == "nt":
            named = "task-scheduler"
        elif sys.platform == "darwin":
            named = "launchd"
        else:
            named = "systemd" if shutil.which("systemctl") else "cron"
    return cast("Kind", named)


def _job(globals_: Global, *, mine: bool, minutes: int) -> "Job":
    """Say what is to be run: this interpreter, on this archive, as this user."""
    from archiver.care.working_copies import take_in
    from archiver.service.job import Job

    with globals_.open() as archive:
        evidence = archive.open_evidence(recover=False)
        settings = take_in(evidence, actor="").settings
        state = archive.outside.folder.parent
        archive_id = archive.outside.archive_id
        root = archive.root.absolute()
    kept = {name: os.environ[name] for name in _KEPT if os.environ.get(name)}
    return Job(
        python=Path(sys.executable),
        archive=root,
        state=state.absolute(),
        archive_id=archive_id,
        user=getpass.getuser(),
        home=Path.home(),
        system=not mine,
        language=globals_.language,
        minutes=minutes,
        environment={"PATH": os.environ.get("PATH", os.defpath), **kept},
        accounts=tuple(account.name for account in settings.accounts),
    )


COMMANDS = {"service": service}
