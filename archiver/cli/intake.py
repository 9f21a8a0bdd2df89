"""What came in, told on stderr."""

import sys
from collections.abc import Iterator
from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING

from archiver.accounts import volume_text
from archiver.cli.context import Global
from archiver.cli.output import printable

if TYPE_CHECKING:
    from archiver.accounts import Account
    from archiver.pipeline.keep import Intake

_SHOWN_PROBLEMS = 20


def tell_intake(globals_: Global, name: str, intake: "Intake") -> None:
    line = _("{name}: {what}").format(name=name, what=", ".join(_counts(intake)))
    moved = intake.new or intake.seen_again or intake.recognised or intake.unkept
    if moved or sys.stderr.isatty() or globals_.verbose:
        globals_.chat(line)
    for note in intake.notes:
        globals_.chat(_("{name}: {what}").format(name=name, what=printable(note)))
    if intake.presumed and (moved or intake.confirmed or globals_.verbose):
        globals_.chat(_("{name}: {what}").format(name=name, what=_presumed(intake)))


def _counts(intake: "Intake") -> Iterator[str]:
    yield ngettext("{n} new record", "{n} new records", intake.new).format(n=intake.new)
    if intake.seen_again:
        yield ngettext(
            "{n} known record seen at a new place",
            "{n} known records seen at a new place",
            intake.seen_again,
        ).format(n=intake.seen_again)
    # Some of those that were recognised may have been fetched and confirmed in the same run.
    if recognised := min(intake.recognised, intake.presumed):
        yield ngettext(
            "{n} recognised without being fetched",
            "{n} recognised without being fetched",
            recognised,
        ).format(n=recognised)
    if intake.confirmed:
        yield ngettext(
            "{n} recognised and confirmed by its bytes",
            "{n} recognised and confirmed by their bytes",
            intake.confirmed,
        ).format(n=intake.confirmed)
    if intake.known:
        yield ngettext("{n} known already", "{n} known already", intake.known).format(
            n=intake.known
        )
    if intake.unkept:
        yield ngettext(
            "{n} left on the server by your rules",
            "{n} left on the server by your rules",
            intake.unkept,
        ).format(n=intake.unkept)
    if intake.near:
        yield ngettext("{n} of those nearly kept", "{n} of those nearly kept", intake.near).format(
            n=intake.near
        )


def _presumed(intake: "Intake") -> str:
    said = ngettext(
        "{n} message is presumed to be a known record, by size, date and Message-ID; {when}",
        "{n} messages are presumed to be known records, by size, date and Message-ID; {when}",
        intake.presumed,
    )
    when = {
        "next": _("the next syncs fetch the bytes to be sure."),
        "tomorrow": _("syncs from tomorrow on (UTC) fetch the bytes: today's volume is spent."),
        "never": _("the bytes are not fetched, since recheck_bytes is 0."),
    }
    return said.format(n=intake.presumed, when=when[intake.recheck])


def tell_postponed(globals_: Global, account: "Account", intake: "Intake") -> None:
    """Say that the day's volume is spent, and what is left."""
    if not intake.postponed or account.daily_bytes is None:
        return
    said = ngettext(
        "{name}: {n} message is left for another day: today's volume ({volume}) is spent. Sync "
        "again tomorrow; it goes on there.",
        "{name}: {n} messages are left for another day: today's volume ({volume}) is spent. Sync "
        "again tomorrow; it goes on there.",
        intake.postponed,
    )
    volume = volume_text(account.daily_bytes)
    globals_.tell(said.format(name=account.name, n=intake.postponed, volume=volume))


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
