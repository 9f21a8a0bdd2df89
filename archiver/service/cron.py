"""Lines for a crontab (crontab(5)): between two marks, so that they can be found again."""

import re
import shlex
from collections.abc import Mapping
from typing import Final

from archiver.service.job import Job, even

_MINUTES_OF_AN_HOUR: Final = 60


def lines(job: Job) -> str:
    """Return the lines of the crontab, with the marks around them."""
    command = " ".join(shlex.quote(word) for word in job.command("--quiet", "sync"))
    settings = " ".join(_settings(job.environment))
    # In a crontab "%" is the end of the line, unless a backslash stands before it.
    shell = f"{settings} {command}".strip().replace("%", r"\%")
    return f"""\
{_begin(job)}
# Cron mails what goes wrong to you; to somebody else with a line above this one:
# MAILTO=you@example.org
{_when(job.minutes)} {shell}
{_end(job)}
"""


def with_lines(crontab: str, job: Job) -> str:
    """Return CRONTAB with our lines put in, in place of those that were there."""
    kept = without_lines(crontab, job)
    if kept and not kept.endswith("\n"):
        kept += "\n"
    return kept + lines(job)


def without_lines(crontab: str, job: Job) -> str:
    """Return CRONTAB without our lines; all else stays as it was."""
    return _block(job).sub("", crontab)


def found(crontab: str, job: Job) -> str | None:
    """Return our lines as CRONTAB holds them; None where it has none."""
    block = _block(job).search(crontab)
    return block[0] if block else None


def _settings(environment: Mapping[str, str]) -> list[str]:
    """Set variables for this one command: a line of their own would hold for all below it."""
    return [f"{name}={shlex.quote(value)}" for name, value in environment.items()]


def _begin(job: Job) -> str:
    return f"# {job.name}: written by archiver service install"


def _end(job: Job) -> str:
    return f"# {job.name}: end"


def _block(job: Job) -> re.Pattern[str]:
    begin, end = re.escape(_begin(job)), re.escape(_end(job))
    return re.compile(rf"^{begin}\n(?:(?!{end}$).*\n)*{end}$\n?", re.MULTILINE)


def _when(minutes: int) -> str:
    minutes = even(minutes)
    if minutes < _MINUTES_OF_AN_HOUR:
        return f"*/{minutes} * * * *"
    return f"0 */{minutes // _MINUTES_OF_AN_HOUR} * * *"
