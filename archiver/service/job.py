"""What a system is to run, and what becomes of it: files, and commands for a person to give."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from gettext import gettext as _
from pathlib import Path, PurePath
from typing import Final, Literal

from archiver.errors import UsageError

Kind = Literal["systemd", "systemd-timer", "cron", "launchd", "task-scheduler"]
KINDS: Final[tuple[Kind, ...]] = ("systemd", "systemd-timer", "cron", "launchd", "task-scheduler")
MINUTES: Final = 15
"""How often a timer or cron synchronises."""
_EVEN: Final = (
    *(1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30),
    *(60 * n for n in (1, 2, 3, 4, 6, 8, 12, 24)),
)
"""Minutes that divide an hour or a day: what a calendar can repeat at even intervals."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SLUG: Final = re.compile(r"[^A-Za-z0-9]+")


def even(minutes: int) -> int:
    """Round MINUTES, at least 1, down to what divides an hour or a day.

    A crontab and a calendar begin anew with each hour and day: every 45 minutes would be at :00
    and :45, which is 15 minutes apart.
    """
    return max(each for each in _EVEN if each <= minutes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The archiver for one archive, run by the system in the name of one user."""

    python: PurePath
    """This interpreter, which finds the archiver's packages."""
    archive: PurePath
    state: PurePath
    """The folder of what is remembered outside of the archive: it is written to as well."""
    archive_id: str
    user: str
    home: PurePath
    system: bool = False
    """Started with the machine, and not when the user logs in."""
    language: str = "en"
    minutes: int = MINUTES
    environment: Mapping[str, str] = field(default_factory=dict)
    """PATH, by which password commands are found, and where the archiver keeps its own."""
    accounts: tuple[str, ...] = ()
    """Their names, to show how credentials are given."""

    def __post_init__(self) -> None:
        """Refuse what no service file can hold; raises UsageError."""
        for text in (*self.command("daemon"), str(self.state), *self.environment.values()):
            if _CONTROL.search(text):
                raise UsageError(
                    _("{text!r} holds a line break or another control character.").format(
                        text=text
                    ),
                    advice=_("No service file can name it so. Rename the folder."),
                )

    @property
    def name(self) -> str:
        """Name the service: by the archive's folder for people, by its identity for machines."""
        letters = _SLUG.sub("-", self.archive.name).strip("-").lower()[:30].strip("-")
        return "-".join(filter(None, ("archiver", letters, self.archive_id[:6])))

    def command(self, *words: str) -> tuple[str, ...]:
        """Return the words of the command; -P: no folder shadows the archiver's own modules."""
        archive = ("--archive", str(self.archive), "--lang", self.language)
        return (str(self.python), "-P", "-m", "archiver", *archive, *words)


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file as it is to be."""

    path: Path
    data: bytes
    mode: int = 0o644


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """All that makes a system run the archiver."""

    files: tuple[File, ...]
    enable: tuple[str, ...]
    """Commands for a person, in order."""
    disable: tuple[str, ...]


_SEAL: Final = re.compile(rb"archiver service install sha256:([0-9a-f]{64})")
_NO_SEAL: Final = b"archiver service install sha256:" + b"0" * 64


def seal_text() -> str:
    """Return the words that a file holds somewhere, for ``sealed`` to fill in."""
    return _NO_SEAL.decode()


def sealed(data: bytes, encoding: str = "utf-8") -> bytes:
    """Fill in the seal, by which a file that nobody changed since can be told from any other."""
    text = data.decode(encoding)
    seal = hashlib.sha256(text.encode()).hexdigest()
    return text.replace("0" * 64, seal).encode(encoding)


def is_sealed(data: bytes) -> Literal["ours", "changed", "foreign"]:
    """Tell whether DATA was written here, was changed since, or was never ours."""
    text = data
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            text = data.decode("utf-16").encode()
        except UnicodeDecodeError:
            return "foreign"
    found = _SEAL.search(text)
    if found is None:
        return "foreign"
    bare = text.replace(found[0], _NO_SEAL)
    return "ours" if hashlib.sha256(bare).hexdigest().encode() == found[1] else "changed"
