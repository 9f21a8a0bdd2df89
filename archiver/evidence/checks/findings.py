"""Collects what a check finds, so that even a ruined archive gives a report of bounded size."""

from collections import Counter
from collections.abc import Iterable
from gettext import gettext as _
from gettext import ngettext

from archiver.model.findings import Finding, Level, Report, finding

_MOST = 1000  # of one code


class Findings:
    """Findings, and counts of what was looked at."""

    def __init__(self) -> None:
        self._findings: list[Finding] = []
        self._seen: Counter[tuple[str, Level]] = Counter()
        self._checked: Counter[str] = Counter()

    def count(self, what: str, number: int = 1) -> None:
        """Count NUMBER more of WHAT as looked at."""
        self._checked[what] += number

    def checked(self, what: str) -> int:
        """How many of WHAT were looked at."""
        return self._checked[what]

    def add(self, code: str, level: Level, subject: object, message: str, advice: str) -> None:
        """Add a finding; beyond a thousand of one code they are only counted."""
        self._seen[code, level] += 1
        if self._seen[code, level] <= _MOST:
            self._findings.append(finding(code, level, subject, message, advice))

    def take(self, findings: Iterable[Finding]) -> None:
        """Add what another check found."""
        for one in findings:
            self.add(one.code, one.level, one.subject, one.message, one.advice)

    @property
    def errors(self) -> int:
        """How many errors there are by now."""
        return sum(count for (_code, level), count in self._seen.items() if level == "error")

    def report(self) -> Report:
        """Return all that was found and counted."""
        more = tuple(
            Finding(
                code=code,
                level=level,
                subject=code,
                message=ngettext(
                    "{count} more finding like these.",
                    "{count} more findings like these.",
                    seen - _MOST,
                ).format(count=seen - _MOST),
                advice=_("Mend those that are listed and check again."),
            )
            for (code, level), seen in self._seen.items()
            if seen > _MOST
        )
        return Report(checked=tuple(self._checked.items()), findings=(*self._findings, *more))
