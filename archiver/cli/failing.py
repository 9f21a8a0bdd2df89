"""A synchronisation that does not go well: the owner's ``on_failure`` command is run for it."""

import contextlib
from collections.abc import Iterator, Sequence
from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING

from archiver.cli.context import Global
from archiver.cli.language import users_environment
from archiver.cli.wall import explain
from archiver.errors import ArchiverError

if TYPE_CHECKING:
    from archiver.app import Archive
    from archiver.care.failure import Failure
    from archiver.pipeline.keep import Problem

IN_PART = 3


class Failing:
    """What went wrong while a command ran, account by account."""

    def __init__(self) -> None:
        self._found: list[Failure] = []

    def by(self, account: str, error: ArchiverError) -> None:
        """Note that ACCOUNT could not be synchronised; empty: the archive itself failed."""
        self.fails(account, error.what, error.exit_code)

    def in_part(self, account: str, problems: "Sequence[Problem]") -> None:
        """Note what of ACCOUNT could not be fetched."""
        if problems:
            reason = ngettext(
                "{n} message or folder could not be fetched: {where}: {reason}",
                "{n} messages or folders could not be fetched, first {where}: {reason}",
                len(problems),
            ).format(n=len(problems), where=problems[0].where, reason=problems[0].reason)
            self.fails(account, reason, IN_PART)

    def ends(self, code: int) -> int:
        """Note the exit CODE of the command, and return it."""
        if code and not self._found:
            reason = _("The mail is kept, but settings or the journal's signature are at fault.")
            self.fails("", reason, code)
        return code

    def fails(self, account: str, reason: str, exit_code: int) -> None:
        """Note a failure in words."""
        from archiver.care.failure import Failure

        self._found.append(Failure(account=account, reason=reason, exit_code=exit_code))

    def report(self, globals_: Global, archive: "Archive") -> None:
        """Run ``on_failure`` for each thing that went wrong."""
        if not self._found:
            return
        from archiver.care.failure import report_failure

        with contextlib.suppress(ArchiverError):  # settings that nobody can read have no command
            settings = archive.copies.settings
            for failure in self._found:
                report_failure(
                    settings,
                    failure,
                    root=archive.root,
                    environ=users_environment(),
                    tell=globals_.tell,
                )


@contextlib.contextmanager
def reporting_failure(globals_: Global, archive: "Archive") -> Iterator[Failing]:
    """Run ``on_failure`` in the end for what was noted, and for an error that ends the command."""
    failing = Failing()
    try:
        yield failing
    except (ArchiverError, OSError) as error:
        trouble = explain(error)
        failing.fails("", trouble.what, trouble.exit_code)
        raise
    finally:
        failing.report(globals_, archive)
