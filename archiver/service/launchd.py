"""A property list for launchd (launchd.plist(5)), which runs the daemon on macOS."""

import plistlib
from pathlib import Path

from archiver.service.job import File, Job, Service, seal_text, sealed

_UMASK = 0o077
_PATIENCE = 15
"""Seconds between the wish to stop and the end by force."""


def daemon(job: Job) -> Service:
    """Return the agent of a user, or the daemon of the system."""
    label = label_of(job)
    wishes: dict[str, object] = {
        "Label": label,
        "ProgramArguments": list(job.command("daemon")),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 30,
        "ExitTimeOut": _PATIENCE,
        "ProcessType": "Background",
        "LowPriorityBackgroundIO": True,
        "Umask": _UMASK,
        "StandardErrorPath": str(_log(job)),
    }
    if job.environment:
        wishes["EnvironmentVariables"] = dict(job.environment)
    if job.system:
        wishes["UserName"] = job.user
    text = plistlib.dumps(wishes).decode()
    head, mark, tail = text.partition("<plist ")
    data = f"{head}<!-- {seal_text()} -->\n{mark}{tail}".encode()
    path = folder(job) / f"{label}.plist"
    domain = "system" if job.system else "gui/$(id -u)"
    sudo = "sudo " if job.system else ""
    return Service(
        files=(File(path=path, data=sealed(data)),),
        enable=(f"{sudo}launchctl bootstrap {domain} {_quoted(path)}",),
        disable=(f"{sudo}launchctl bootout {domain}/{label}",),
    )


def label_of(job: Job) -> str:
    """Name the job as launchd knows it."""
    return f"org.written-record.{job.name}"


def folder(job: Job) -> Path:
    """Return where launchd looks."""
    if job.system:
        return Path("/Library/LaunchDaemons")
    return Path(job.home, "Library/LaunchAgents")


def _log(job: Job) -> Path:
    return Path(job.home, "Library/Logs", f"{job.name}.log")


def _quoted(path: Path) -> str:
    import shlex

    return shlex.quote(str(path))
