"""What a check saw that is not as it should be."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it should be, and how to mend it."""

    code: str
    """Stable, lower-case, hyphenated, for example ``object-missing``."""
    level: Level
    subject: str
    """What it is about: a file, a digest, an account, a journal position."""
    message: str
    advice: str


def finding(code: str, level: Level, subject: object, message: str, advice: str) -> Finding:
    """Return a finding about SUBJECT, which may be a path, a digest or a position."""
    return Finding(code=code, level=level, subject=str(subject), message=message, advice=advice)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The outcome of a check: how much was looked at, and what was found."""

    checked: tuple[tuple[str, int], ...]
    """For example ``(("entries", 812), ("objects", 401))``."""
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> bool:
        """Whether anything found is an error (the command then exits 3)."""
        return any(each.level == "error" for each in self.findings)
