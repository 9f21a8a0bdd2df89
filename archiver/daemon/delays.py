"""How long to wait after something went wrong.

With jitter: when a provider was away, its customers must not come back in step.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from archiver.errors import ArchiverError, AuthenticationError, ConfigurationError, LockedError
from archiver.mailbox.server.session import ThrottledError

FIRST: Final = 5.0
"""Seconds before the first new attempt."""
CAP: Final = 15 * 60.0
HOURLY: Final = 3600.0
"""A refused password: more attempts only lock the user out."""
THROTTLED: Final = 5 * 60.0
"""Where the server asks to slow down and does not say for how long."""
LONGEST: Final = 24 * 3600.0
"""What a server may ask for."""
BUSY: Final = 20.0
"""Where another process is at work."""
_DOUBLINGS: Final = 16

Chance = Callable[[], float]
"""A number from 0 to 1."""


def after(error: Exception, attempts: int, chance: Chance) -> float:
    """Return the seconds to wait after the failure number ATTEMPTS (from 1) in a row."""
    match error:
        case ThrottledError(wait=float() | int() as asked):
            return min(max(asked, FIRST), LONGEST) * (1 + chance() / 10)
        case ThrottledError():
            return doubled(THROTTLED, attempts, HOURLY, chance)
        case AuthenticationError():
            return HOURLY * (0.9 + chance() / 5)
        case LockedError():
            return BUSY * (0.5 + chance())
        case ConfigurationError():
            return CAP * (0.9 + chance() / 5)
        case _:
            return doubled(FIRST, attempts, CAP, chance)


def doubled(first: float, attempts: int, cap: float, chance: Chance) -> float:
    """Return FIRST doubled with each attempt, at most CAP, between a half and the whole of it."""
    whole = min(cap, first * (1 << min(max(attempts - 1, 0), _DOUBLINGS)))
    return whole * (0.5 + chance() / 2)


def passes_by_itself(error: Exception) -> bool:
    """Tell whether the trouble may end without anybody doing something."""
    return not isinstance(error, AuthenticationError | ConfigurationError) and (
        isinstance(error, ArchiverError) and error.exit_code in _PASSING
    )


_PASSING: Final = frozenset({LockedError.exit_code, ThrottledError.exit_code})


@dataclass(slots=True)
class Calm:
    """How long to let things settle after a notification.

    The pause doubles while notifications bring nothing: a noisy server is not asked on and on.
    """

    pause: float = 1.0

    def brought(self, *, something: bool) -> None:
        """Note whether what the server announced was worth asking."""
        self.pause = 1.0 if something else min(self.pause * 2, 60.0)
