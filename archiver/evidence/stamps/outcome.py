"""What became of asking for time-stamps."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from gettext import gettext as _

from archiver.model.digest import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """An authority dated a checkpoint, and the journal says so."""

    authority: str
    size: int
    time: datetime
    position: Position
    """Of the ``anchor`` entry."""
    qualified: bool
    clock: timedelta | None = None
    """How far our clock is ahead of the authority's, where that is worth telling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """An authority gave no stamp that one can believe; it is asked again later."""

    authority: str
    size: int
    code: str
    """As in ``StampProblem``."""
    words: str
    """A clause for people."""
    until: datetime
    """When it is asked again at the earliest."""

    @property
    def temporary(self) -> bool:
        """Whether the authority could not be asked, rather than answered amiss."""
        return self.code in {"unreachable", "busy"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of it at each authority."""

    stamped: tuple[Stamped, ...] = ()
    failed: tuple[Failed, ...] = ()
    current: tuple[str, ...] = ()
    """Authorities that dated everything there is already."""
    later: tuple[str, ...] = ()
    """Authorities whose turn has not come: dated not long ago, or put off."""
    offline: bool = False
    """Nobody was asked, as was wished."""
    unsigned: bool = False
    """Nobody was asked, because the newest state could not be signed."""


def warnings_of(outcome: Outcome, zone: tzinfo) -> Iterator[str]:
    """Yield what a person should know (on stderr), in sentences."""
    for failed in outcome.failed:
        yield _(
            "Warning: no time-stamp from {authority}: {reason}. It is asked again after {when}; "
            "`archiver anchor` asks at once."
        ).format(
            authority=failed.authority,
            reason=failed.words,
            when=failed.until.astimezone(zone).strftime("%Y-%m-%d %H:%M %z"),
        )
    for stamped in outcome.stamped:
        if stamped.clock is not None:
            yield _(
                "Warning: {authority} says {time}, this machine's clock differs by {minutes} min. "
                "The time-stamp counts; set the clock."
            ).format(
                authority=stamped.authority,
                time=stamped.time.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %z"),
                minutes=round(abs(stamped.clock) / timedelta(minutes=1)),
            )
