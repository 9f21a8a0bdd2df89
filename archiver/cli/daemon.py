"""``daemon``: keep every account synchronised, all the time."""

import os
import random
import sys
from collections.abc import Sequence
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archiver.cli.context import Global, actor, pass_global
from archiver.cli.language import users_environment
from archiver.cli.output import echo, json_option, print_json, printable
from archiver.errors import ConfigurationError, UsageError
from archiver.tables import FileError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from archiver.daemon.health import Health
    from archiver.daemon.log import Log

FOUND = 3


@click.command(
    help=_(
        "Keep every account synchronised until it is told to stop: new mail comes in within "
        "seconds where the server tells of it, else every few minutes. It stays in the "
        "foreground; `archiver service` makes the system run it. SIGHUP reads the settings "
        "again, SIGTERM ends it.\n\n"
        "\b\nExamples:\n"
        "  archiver daemon\n"
        "  archiver daemon --status\n"
        "  archiver daemon --health"
    )
)
@click.option("--status", is_flag=True, help=_("Only tell how the running daemon fares."))
@click.option(
    "--health",
    is_flag=True,
    help=_(
        "Only print one line for monitoring. The exit code is that of Nagios: 0 OK, 1 WARNING, "
        "2 CRITICAL."
    ),
)
@json_option
@pass_global
def daemon(globals_: Global, status: bool, health: bool, format_: str) -> int:
    if status and health:
        raise UsageError(
            _("--status and --health are two different answers."), advice=_("Give one of them.")
        )
    if status or health:
        return _tell(globals_, format_, one_line=health)
    return _run(globals_)


def _tell(globals_: Global, format_: str, *, one_line: bool) -> int:
    from zoneinfo import ZoneInfo

    from archiver.daemon.health import Level, details, health_json, line

    found, zone_name = _health(globals_)
    zone = ZoneInfo(zone_name)
    if format_ == "json":
        print_json(health_json(found))
    elif one_line:
        echo(printable(line(found, zone)))
    else:
        for each in details(found, zone):
            echo(printable(each))
    if one_line:
        return int(found.level)
    return 0 if found.level is Level.OK else FOUND


def _health(globals_: Global) -> "tuple[Health, str]":
    """Judge without changing anything: monitoring may run as another user."""
    from archiver.care.working_copies import take_in
    from archiver.daemon.health import judge
    from archiver.daemon.lock import is_taken
    from archiver.daemon.state import is_running, read

    with globals_.open() as archive:
        evidence = archive.open_evidence(recover=False)
        copies = take_in(evidence, actor="")
        settings = copies.settings
        state, taken = read(archive.root), is_taken(archive.root)
        running = taken if taken is not None else state is not None and is_running(state)
        found = judge(
            state,
            settings,
            evidence.last_syncs(),
            archive.clock(),
            running=running,
            broken=tuple(_broken(name, error) for name, error in copies.invalid.items()),
        )
    return found, settings.time_zone


def _broken(name: str, error: ConfigurationError) -> str:
    """Say on one line why the file NAME cannot be understood."""
    why = error.why if isinstance(error, FileError) else error.what
    return _("{name} cannot be understood, and is used as it was before: {why}").format(
        name=name, why=" ".join(why.split()).rstrip(".")
    )


def _run(globals_: Global) -> int:
    from zoneinfo import ZoneInfo

    from archiver.app import Archive, require_archive
    from archiver.care.working_copies import take_in
    from archiver.daemon.daemon import Daemon, World
    from archiver.daemon.house import TheHouse
    from archiver.daemon.lock import alone
    from archiver.daemon.notify import Notifier
    from archiver.daemon.rest import SystemTimer
    from archiver.daemon.signals import Signals
    from archiver.opened import utc_now

    root = require_archive(globals_.archive).absolute()
    with globals_.open() as archive:
        # This tells what is no archive before anything is made.
        evidence = archive.open_evidence(recover=False)
        zone = ZoneInfo(take_in(evidence, actor="").settings.time_zone)
    log, timer = _log(globals_, zone), SystemTimer()
    house = TheHouse(
        root,
        open_archive=lambda tell: Archive(
            root,
            tell=tell,
            actor=actor(),
            lock_wait=globals_.lock_wait,
            offline=globals_.offline,
        ),
        catch_up=_catch_up(globals_, root),
        environ=users_environment(),
        log=log,
        timer=timer,
        chance=random.random,
    )
    with alone(root), Signals() as signals:
        world = World(
            log=log,
            notifier=Notifier.taken(os.environ),
            timer=timer,
            clock=utc_now,
            chance=random.random,
        )
        return Daemon(house, world, signals).run()


def _catch_up(globals_: Global, root: Path) -> Sequence[str]:
    """Return the command that reads, indexes and signs, in this language and with these options.

    -P: a folder that the daemon was started in must not shadow modules of its own.
    """
    options = ["--archive", str(root), "--lang", globals_.language, "--quiet"]
    options += ["--lock-wait", str(globals_.lock_wait)]
    if globals_.offline:
        options.append("--offline")
    return (sys.executable, "-P", "-m", "archiver", *options, "catch-up")


def _log(globals_: Global, zone: "ZoneInfo") -> "Log":
    from archiver.daemon.log import Importance, Log, to_journal
    from archiver.opened import utc_now

    least: Importance = "event"
    if globals_.quiet:
        least = "trouble"
    elif globals_.verbose:
        least = "detail"
    return Log(
        lambda text: click.echo(text, err=True),
        clock=lambda: utc_now().astimezone(zone),
        least=least,
        journal=to_journal(os.environ, sys.stderr),
    )


COMMANDS = {"daemon": daemon}
