"""Tell systemd how the daemon fares (sd_notify(3), sd_watchdog_enabled(3)), without a library."""

import os
import socket
import time
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Final, Self

_PATIENCE: Final = 1.0
_MICROSECONDS: Final = 1_000_000


class Notifier:
    """Speaks to the socket that the system named; without one, to nobody."""

    def __init__(self, address: str = "", watchdog: float | None = None) -> None:
        """Speak to ADDRESS, a path, or a name after ``@``; WATCHDOG is its patience in seconds."""
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog = watchdog

    @classmethod
    def taken(cls, environ: MutableMapping[str, str], *, pid: int | None = None) -> Self:
        """Take what the system says out of ENVIRON: programs that we start are not meant."""
        address = environ.pop("NOTIFY_SOCKET", "")
        patience = environ.pop("WATCHDOG_USEC", "")
        meant = environ.pop("WATCHDOG_PID", "")
        if address[:1] not in ("/", "@"):  # vsock and such belong to machines, not to services
            address = ""
        watched = patience.isdecimal() and int(patience) > 0
        if meant and meant != str(os.getpid() if pid is None else pid):
            watched = False
        return cls(address, int(patience) / _MICROSECONDS if watched else None)

    def ready(self) -> None:
        """Say that the daemon does its work."""
        self._send("READY=1")

    def status(self, text: str) -> None:
        """Say in one line how it fares."""
        self._send("STATUS=" + " ".join(text.split()))

    def reloading(self) -> None:
        """Say that a reload begins; READY ends it (systemd.service(5), notify-reload)."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Say that the end begins."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Say that everything moves."""
        self._send("WATCHDOG=1")

    def _send(self, text: str) -> None:
        """Send TEXT; nobody listening is no trouble of ours."""
        family = getattr(socket, "AF_UNIX", None)
        if not self._address or family is None:
            return
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as end:
            end.settimeout(_PATIENCE)
            end.sendto(text.encode("utf-8", "replace"), self._address)
