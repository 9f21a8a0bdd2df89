"""The archive as the daemon uses it: opened for each piece of work, by the thread that does it."""

import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING, Final

from archiver.accounts import Account
from archiver.app import Archive
from archiver.config import Settings
from archiver.daemon.delays import Chance
from archiver.daemon.line import Line
from archiver.daemon.log import Log, of_account, one_line
from archiver.daemon.rest import Timer
from archiver.daemon.writer import LIMIT
from archiver.errors import LockedError
from archiver.mailbox.line import Patience

if TYPE_CHECKING:
    from archiver.care.failure import Failure
    from archiver.pipeline.keep import Intake
    from archiver.pipeline.progress import Progress

Tell = Callable[[str], None]

_LOOK: Final = 0.2
"""Seconds between two looks at a program that runs."""
_GRACE: Final = 2.0
"""Seconds that it gets to end when it is told to."""
_AGAIN: Final = 24 * 3600.0
"""Seconds after which the same is told again."""
_LONGEST: Final = 500
_SHORT: Final = 60.0
"""Seconds that a sync waits, in all, for a server that asks to slow down."""


class TheHouse:
    """An archive, and the program that brings what is derived from it level."""

    def __init__(
        self,
        root: Path,
        *,
        open_archive: Callable[[Tell], Archive],
        catch_up: Sequence[str],
        environ: Mapping[str, str],
        log: Log,
        timer: Timer,
        chance: Chance,
    ) -> None:
        """Read, index and sign by running CATCH_UP; programs are given ENVIRON."""
        self.root = root
        self._open_archive = open_archive
        self._catch_up = tuple(catch_up)
        self._environ = dict(environ)
        self._log = log
        self._timer = timer
        self._chance = chance
        self._told: dict[str, float] = {}
        self._lock = threading.Lock()

    # --- settings --------------------------------------------------------------------------------

    def settings(self) -> Settings:
        """Return the settings as they are now, changed files taken in; raises ArchiverError."""
        with self._open() as archive:
            archive.require_continuing()
            return archive.copies.settings

    def fingerprint(self) -> tuple[object, object]:
        """Return what changes when ``archive.toml``, or an engagement's file, is changed."""
        engagements = sorted((self.root / "engagements").glob("*.toml"))
        return _mark(self.root / "archive.toml"), tuple(map(_mark, engagements))

    # --- mail ------------------------------------------------------------------------------------

    def sync(
        self, account: Account, line: Line, *, stop: Callable[[], bool], progress: "Progress"
    ) -> "Intake":
        """Fetch and keep what ACCOUNT holds and the archive does not, by the rules of now."""
        from archiver.care.no_rules import no_rules
        from archiver.pipeline.keep import sync_account

        with self._open() as archive:
            archive.require_continuing()
            for each in no_rules((account,), archive.copies.engagements):
                self._tell(f"{each.message} {each.advice}")
            dial = archive.connector(account, prompt=None, environ=self._environ)
            # No glance: the live session lists the folders with their status in one round trip.
            return sync_account(
                archive.evidence,
                account,
                connect=line.connector(dial),
                clock=archive.clock,
                progress=progress,
                make_wanted=lambda: archive.wanted(account),
                patience=self._patience(account, line),
                stop=stop,
            )

    def _patience(self, account: Account, line: Line) -> Patience:
        """Wait out a short rest that the server asks for; a long one is the watcher's."""

        def tell(seconds: float, what: str) -> None:
            waits = _("{what} It is left alone for {seconds:.0f} s.")
            self._log.detail(of_account(account.name, waits.format(what=what, seconds=seconds)))

        return Patience(limit=_SHORT, sleep=line.rest.sleep, jitter=self._chance, tell=tell)

    def failed(self, account: Account, what: str, exit_code: int) -> None:
        """Run the command that the settings name for a failure, in a thread of its own."""
        from archiver.care.failure import Failure

        failure = Failure(account=account.name, reason=what, exit_code=exit_code)
        threading.Thread(
            target=self._report, args=(failure,), name="archiver-on-failure", daemon=True
        ).start()

    def _report(self, failure: "Failure") -> None:
        from archiver.care.failure import report_failure
        from archiver.errors import ArchiverError

        with suppress(ArchiverError), self._open() as archive:
            settings = archive.copies.settings
            report_failure(
                settings, failure, root=self.root, environ=self._environ, tell=self._log.trouble
            )

    # --- what is derived -------------------------------------------------------------------------

    def write_up(self, stop: Callable[[], bool]) -> str:
        """Read, tag, index and sign what was kept; return what went wrong.

        In a process of its own: it can be ended at any moment, and gives back all its memory.
        """
        program = subprocess.Popen(  # noqa: S603 - this very program
            self._catch_up,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=_without_passwords(self._environ),
            start_new_session=True,  # an interruption of the daemon is the daemon's to pass on
        )
        with program:
            said = self._attend(program, stop)
        lines = [one_line(each) for each in said.decode("utf-8", "replace").splitlines()]
        if program.returncode in (0, None) or stop():
            for each in lines:
                self._tell(each)
            return ""
        if program.returncode == LockedError.exit_code:
            return _("another process is at it")
        said_last = " ".join(lines)[-_LONGEST:]
        return said_last or _("it ended with code {code}").format(code=program.returncode)

    def _attend(self, program: "subprocess.Popen[bytes]", stop: Callable[[], bool]) -> bytes:
        """Wait for the end of PROGRAM, and bring it about where that is wanted."""
        until = self._timer.now() + LIMIT
        ending: float | None = None
        while True:
            try:
                return program.communicate(timeout=_LOOK)[1]
            except subprocess.TimeoutExpired:
                now = self._timer.now()
                if ending is not None and now - ending >= _GRACE:
                    program.kill()
                elif ending is None and (stop() or now >= until):
                    ending = now
                    program.terminate()

    # --- telling ---------------------------------------------------------------------------------

    @contextmanager
    def _open(self) -> Iterator[Archive]:
        with self._open_archive(self._tell) as archive:
            yield archive

    def _tell(self, text: str) -> None:
        """Say what the archive tells, once a day: it is opened again and again."""
        now = self._timer.now()
        with self._lock:
            known = self._told.get(text)
            if known is not None and now - known < _AGAIN:
                return
            for old in [each for each, at in self._told.items() if now - at >= _AGAIN]:
                del self._told[old]
            self._told[text] = now
        self._log.trouble(text)


def _mark(path: Path) -> tuple[str, int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return path.name, found.st_mtime_ns, found.st_size, found.st_ino


def _without_passwords(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: each for name, each in environ.items() if "ARCHIVER_PASSWORD_" not in name}
