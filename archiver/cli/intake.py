"""What came in, told on stderr."""

import sys
from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING

from archiver.cli.context import Global
from archiver.cli.output import printable

if TYPE_CHECKING:
    from archiver.pipeline.keep import Intake

_SHOWN_PROBLEMS = 20


def tell_intake(globals_: Global, name: str, intake: "Intake") -> None:
    parts = [ngettext("{n} new record", "{n} new records", intake.new).format(n=intake.new)]
    if intake.seen_again:
        parts.append(
            ngettext(
                "{n} known record seen at a new place",
                "{n} known records seen at a new place",
                intake.seen_again,
            ).format(n=intake.seen_again)
        )
    if intake.known:
        parts.append(
            ngettext("{n} known already", "{n} known already", intake.known).format(n=intake.known)
        )
    line = _("{name}: {what}").format(name=name, what=", ".join(parts))
    if intake.new or intake.seen_again or sys.stderr.isatty() or globals_.verbose:
        globals_.chat(line)


def tell_problems(globals_: Global, name: str, intake: "Intake", failed: str) -> None:
    count = len(intake.problems)
    if not count:
        return
    globals_.tell(_("{name}: {what}").format(name=name, what=failed))
    shown = count if globals_.verbose else _SHOWN_PROBLEMS
    for problem in intake.problems[:shown]:
        globals_.tell(f"  {printable(problem.where)}: {printable(problem.reason)}")
    if count > shown:
        globals_.tell(_("  … and {n} more: -v names them all").format(n=count - shown))
