"""What the daemon says on stderr: one line for each event, without control characters."""

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from gettext import gettext as _
from typing import Final, Literal, TextIO

Importance = Literal["trouble", "event", "detail"]

# sd-daemon(3): the journal takes the level off the line and keeps it.
_LEVELS: Final[Mapping[Importance, str]] = {"trouble": "<4>", "event": "<6>", "detail": "<7>"}


class Log:
    """Lines for people and journals; any thread may write."""

    def __init__(
        self,
        write: Callable[[str], None],
        *,
        clock: Callable[[], datetime],
        least: Importance = "event",
        journal: bool = False,
    ) -> None:
        """Give each line to WRITE; what is less than LEAST is not said.

        Lines are dated in CLOCK's time zone. JOURNAL: the system's journal reads them, and dates
        them itself.
        """
        self._write = write
        self._clock = clock
        self._said = {"trouble": 0, "event": 1, "detail": 2}[least]
        self._journal = journal
        self._lock = threading.Lock()

    def trouble(self, text: str) -> None:
        """Say what a person should look at."""
        self._say("trouble", text, 0)

    def event(self, text: str) -> None:
        """Say what happened."""
        self._say("event", text, 1)

    def detail(self, text: str) -> None:
        """Say what only who looks for a mistake wants to know."""
        self._say("detail", text, 2)

    def _say(self, importance: Importance, text: str, rank: int) -> None:
        if rank > self._said:
            return
        if self._journal:
            line = _LEVELS[importance] + one_line(text)
        else:
            moment = self._clock().isoformat(sep=" ", timespec="seconds")
            line = f"{moment} {one_line(text)}"
        with self._lock, suppress(OSError, ValueError):  # nobody reads: mail is kept all the same
            self._write(line)


def one_line(text: str) -> str:
    """Put TEXT, which may come from a server, on one line that steers no terminal."""
    words = " ".join(text.split())
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in words)


def of_account(name: str, what: str) -> str:
    """Say WHAT of the account NAME."""
    return _("{name}: {what}").format(name=name, what=what)


def to_journal(environ: Mapping[str, str], stream: TextIO | None) -> bool:
    """Tell whether STREAM goes to the system's journal (systemd.exec(5), JOURNAL_STREAM)."""
    try:
        found = os.fstat(stream.fileno()) if stream is not None else None
    except (OSError, ValueError):  # closed, or no file at all
        found = None
    if found is None:
        return False
    return environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"
