"""What came in, counted while it comes. Light to load: most syncs bring nothing."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that could not be fetched or read; it is tried again next time."""

    where: str
    reason: str


@dataclass(slots=True)
class Intake:
    """What came in: mutable while it runs, told at the end."""

    new: int = 0
    """Records that the archive did not hold."""
    seen_again: int = 0
    """Known records seen at a new place."""
    known: int = 0
    """Places that were known already."""
    recognised: int = 0
    """Messages that look like known records, so that their bytes were not fetched yet."""
    confirmed: int = 0
    """Messages of which that was so, and whose bytes were fetched and are those."""
    presumed: int = 0
    """Messages whose bytes are still to be fetched to confirm that."""
    recheck: Literal["next", "tomorrow", "never"] = "next"
    """When they are: by the next sync, once there is a new day (UTC), or never (no volume)."""
    unkept: int = 0
    """Messages that the account's rules leave on the server."""
    near: int = 0
    """Those of them that a rule nearly kept."""
    postponed: int = 0
    """Messages left for another day, since the day's volume is spent."""
    stopped: bool = False
    """Whether it ended early, after whole batches, because it was told to."""
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What a person should know and need do nothing about, in full sentences."""
    passed_over: list[str] = field(default_factory=list)
    """Files that are plainly no mail, in folders that were walked through."""
