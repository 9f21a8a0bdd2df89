"""Units for systemd: a service that runs the daemon, or a timer that runs ``sync``.

systemd.unit(5), systemd.service(5), systemd.exec(5), systemd.syntax(7).
"""

from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Final

from archiver.service.job import File, Job, Service, even, seal_text, sealed

WATCHDOG: Final = 300
"""Seconds without a sign of life after which the daemon is started anew."""

_FOR_ALL: Final = """\
NoNewPrivileges=yes
ProtectSystem=strict
ProtectControlGroups=yes
ProtectKernelTunables=yes
RestrictSUIDSGID=yes
RestrictRealtime=yes
RestrictNamespaces=yes
LockPersonality=yes
SystemCallArchitectures=native
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
"""
# These drop capabilities, which a user's own manager cannot.
_FOR_THE_SYSTEM: Final = """\
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
CapabilityBoundingSet=
"""
_HOURS_OF_A_DAY: Final = 24
_HOMES: Final = ("/home", "/root", "/run/user")
_TEMPORARY: Final = ("/tmp", "/var/tmp")  # noqa: S108  no file is made there


def quote(text: str) -> str:
    """Quote TEXT as one word of a setting (systemd.syntax(7)); ``%`` begins a specifier."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def daemon(job: Job) -> Service:
    """Return the service that runs the daemon."""
    unit = job.name + ".service"
    more = f"""\
Type=notify
NotifyAccess=main
{_exec("ExecStart", job, "daemon")}
ExecReload=/bin/kill -HUP $MAINPID
KillMode=mixed
WatchdogSec={WATCHDOG}
TimeoutStartSec=300
TimeoutStopSec=15
Restart=on-failure
RestartSec=30
# No use in starting again: a mistake in the command, or no archive there.
RestartPreventExitStatus=2 10
"""
    text = _unit(job, more) + f"\n[Install]\nWantedBy={_target(job)}\n"
    control = _control(job)
    return Service(
        files=(_file(job, unit, text),),
        enable=(
            f"{control} daemon-reload",
            f"{control} enable --now {unit}",
            *_linger(job),
        ),
        disable=(f"{control} disable --now {unit}",),
    )


def timer(job: Job) -> Service:
    """Return the timer that runs ``sync``, and the service that it starts."""
    unit = job.name + "-sync"
    more = f"Type=oneshot\n{_exec('ExecStart', job, 'sync')}\nTimeoutStartSec=infinity\n"
    when = f"""\
# {seal_text()}
[Unit]
Description={_plain(f"Synchronises the mail archive {job.archive}")}

[Timer]
OnCalendar={_calendar(job.minutes)}
RandomizedDelaySec=60
Persistent=true

[Install]
WantedBy=timers.target
"""
    control = _control(job)
    return Service(
        files=(
            _file(job, unit + ".service", _unit(job, more)),
            _file(job, unit + ".timer", when),
        ),
        enable=(
            f"{control} daemon-reload",
            f"{control} enable --now {unit}.timer",
            *_linger(job),
        ),
        disable=(f"{control} disable --now {unit}.timer",),
    )


def folder(job: Job) -> Path:
    """Return where units of this kind are looked for (systemd.unit(5))."""
    return Path("/etc/systemd/system") if job.system else Path(job.home, ".config/systemd/user")


def _unit(job: Job, more: str) -> str:
    network = "Wants=network-online.target\nAfter=network-online.target\n" if job.system else ""
    user = f"User={job.user}\n" if job.system else ""
    environment = "".join(
        f"Environment={quote(f'{name}={value}')}\n" for name, value in job.environment.items()
    )
    return f"""\
# {seal_text()}
# Changed by hand? `archiver service install` then leaves this file alone. Better put what you add
# into a drop-in: systemctl edit.
[Unit]
Description={_plain(f"Mail archive {job.archive}")}
{network}
[Service]
{more}{user}UMask=0077
{environment}
# Passwords: one file or encrypted credential for each account (systemd-creds(1)).
{_credentials(job)}
{_FOR_ALL}{_FOR_THE_SYSTEM if job.system else ""}{_places(job)}
# What is written to. A password_command or on_failure that writes elsewhere (gpg, for example, to
# its folder .gnupg) needs a line ReadWritePaths= of its own. No program started here gains rights
# (setuid, setgid): mail and sendmail of postfix or exim cannot be the on_failure command; msmtp,
# or curl to a webhook, can.
ReadWritePaths={quote(str(job.archive))} {quote(str(job.state))}
"""


def _exec(setting: str, job: Job, *words: str) -> str:
    # The colon: "$" is no variable.
    return f"{setting}=:" + " ".join(quote(word) for word in job.command(*words))


def _credentials(job: Job) -> str:
    names = job.accounts or ("NAME",)
    place = "/etc/credstore" if job.system else "%h/.config/credstore"
    lines = (f"# LoadCredential=archiver.{name}:{place}/archiver.{name}" for name in names)
    return "\n".join(lines) + "\n"


def _places(job: Job) -> str:
    """Hide homes and temporary files where nothing that is needed is among them."""
    needed = (job.archive, job.state, job.python, job.home)
    homes = "read-only" if not job.system or _any_in(needed, _HOMES) else "yes"
    temporary = "no" if _any_in(needed[:3], _TEMPORARY) else "yes"
    return f"ProtectHome={homes}\nPrivateTmp={temporary}\n"


def _any_in(places: Iterable[PurePath], folders: Iterable[str]) -> bool:
    wanted = set(map(PurePath, folders))
    return any(wanted & {place, *place.parents} for place in places)


def _calendar(minutes: int) -> str:
    minutes = even(minutes)
    hours = minutes // 60
    if not hours:
        return f"*:0/{minutes}"
    return "00:00" if hours >= _HOURS_OF_A_DAY else f"0/{hours}:00"


def _plain(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "%%")


def _file(job: Job, name: str, text: str) -> File:
    return File(path=folder(job) / name, data=sealed(text.encode()))


def _target(job: Job) -> str:
    return "multi-user.target" if job.system else "default.target"


def _control(job: Job) -> str:
    return "sudo systemctl" if job.system else "systemctl --user"


def _linger(job: Job) -> tuple[str, ...]:
    """Have a user's services run while nobody is logged in."""
    return () if job.system else ("loginctl enable-linger",)
