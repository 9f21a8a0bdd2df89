"""How threads wait, are woken and stopped, and show that they are alive."""

import threading
import time
from typing import Final, Protocol

SLICE: Final = 5.0
"""Seconds after which a thread that waits shows that it is alive."""
WAITING: Final = 180.0
"""Seconds without a sign of life after which a thread that only waits is taken for stuck."""
WORKING: Final = 1800.0
"""The same for one that speaks with a server: a batch of 8 MB over 40 kbit/s."""


class Timer(Protocol):
    """Seconds that pass, and waiting for them."""

    def now(self) -> float:
        """Tell seconds that only grow."""

    def wait(self, event: threading.Event, seconds: float) -> None:
        """Wait until EVENT is set, at most SECONDS."""


class SystemTimer:
    """The machine's own time, which goes on while it is suspended where the system says so."""

    def now(self) -> float:
        """Tell seconds since the machine was started."""
        boot = getattr(time, "CLOCK_BOOTTIME", None)
        return time.monotonic() if boot is None else time.clock_gettime(boot)

    def wait(self, event: threading.Event, seconds: float) -> None:
        """Wait."""
        event.wait(seconds)


class Rest:
    """The waiting of one thread: others nudge it (there is something to do) or stop it."""

    def __init__(self, timer: Timer) -> None:
        self.timer = timer
        self._event = threading.Event()
        self._never = threading.Event()
        self._stopped = False
        self._nudged = False
        self._allowance = WAITING
        self._beaten = timer.now()

    # --- from other threads ----------------------------------------------------------------------

    def stop(self) -> None:
        """Have it end as soon as it can."""
        self._stopped = True
        self._event.set()

    def nudge(self) -> None:
        """Have it do at once what it would do later."""
        self._nudged = True
        self._event.set()

    @property
    def stuck(self) -> bool:
        """Whether it showed no sign of life for longer than its work can take."""
        return self.timer.now() - self._beaten > self._allowance

    # --- from its own thread ---------------------------------------------------------------------

    def beat(self) -> None:
        """Show that it is alive."""
        self._beaten = self.timer.now()

    def working(self, seconds: float = WORKING) -> None:
        """Begin work that may show no sign of life for SECONDS."""
        self._allowance = seconds
        self.beat()

    def waiting(self) -> None:
        """End such work."""
        self.beat()
        self._allowance = WAITING

    def stopped(self) -> bool:
        """Tell whether it is to end."""
        self.beat()
        return self._stopped

    def interrupted(self) -> bool:
        """Tell whether it is to end, or was nudged."""
        self.beat()
        return self._stopped or self._nudged

    def take_nudge(self) -> None:
        """Forget a nudge that is being followed."""
        self._nudged = False
        if not self._stopped:
            self._event.clear()
        if self._stopped or self._nudged:  # came in between
            self._event.set()

    def sleep(self, seconds: float) -> None:
        """Wait for a few SECONDS, whatever happens."""
        self.timer.wait(self._never, seconds)

    def wait(self, seconds: float) -> None:
        """Wait for SECONDS, or until it is nudged or stopped."""
        until = self.timer.now() + seconds
        while not self.interrupted() and (left := until - self.timer.now()) > 0:
            self.timer.wait(self._event, min(left, SLICE))
