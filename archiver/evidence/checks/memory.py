"""What a check remembers outside the archive: how far it came, and what was sound when.

It is worth no belief: who can write there could tell a check that all was well yesterday. It only
saves work; a check without ``since`` and without anything to go on with does not look at it.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from gettext import gettext as _
from typing import Any, Protocol, TypeVar

from archiver.errors import OperationError
from archiver.evidence.checks.findings import Findings

_MARK = "verified"
_PROGRESS = "verify-progress"
_FOLDERS = frozenset(range(256))
_GOES_ON_FOR = timedelta(days=30)

T = TypeVar("T")


class Notes(Protocol):
    """Small files outside the archive, named by what they hold."""

    def note(self, name: str) -> bytes | None:
        """Return what was kept under NAME; raises OperationError."""

    def keep_note(self, name: str, data: bytes) -> None:
        """Keep DATA under NAME; raises OperationError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Up to where everything was checked and found without an error."""

    size: int
    """Entries."""
    root: str
    """Of the tree over them, in hexadecimal."""
    at: str
    """When, RFC 3339."""
    read: int
    """Every object that entries before this one name was read as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a check that reads objects came before it was interrupted."""

    size: int
    root: str
    at: str
    share: float
    since: int
    seed: str
    folders: tuple[int, ...]
    """Those of the 256 that were read without an error."""
    objects: int
    bytes: int


class Memory:
    """Marks and progress in NOTES. What cannot be read or written there is told once, and left."""

    def __init__(
        self, notes: Notes | None, *, now: Callable[[], datetime], findings: Findings
    ) -> None:
        self._notes = notes
        self._now = now
        self._findings = findings

    def mark(self) -> Mark | None:
        """Return up to where everything was found sound, None when nothing is remembered."""
        return self._read(_MARK, Mark)

    def keep_mark(self, *, size: int, root: bytes, read: int) -> None:
        """Remember that all is sound up to SIZE."""
        at = self._now().isoformat()
        self._write(_MARK, asdict(Mark(size=size, root=root.hex(), at=at, read=read)))

    def progress(self, *, share: float, since: int) -> Progress | None:
        """Return what the same check, interrupted not long ago, has done; None: begin anew."""
        found = self._read(_PROGRESS, Progress)
        if found is None or (found.share, found.since) != (share, since):
            return None
        try:
            age = self._now() - datetime.fromisoformat(found.at)
        except (ValueError, TypeError):
            return None
        if not timedelta() <= age <= _GOES_ON_FOR:
            return None
        return found

    def keep_progress(self, progress: Progress) -> None:
        """Remember how far this check came."""
        self._write(_PROGRESS, asdict(progress))

    def forget_progress(self) -> None:
        """Begin anew the next time: the check came to its end, or a person wants it so."""
        if self._notes is not None and self._read(_PROGRESS, Progress) is not None:
            self._write(_PROGRESS, None)

    def now(self) -> str:
        """Tell the time as notes do."""
        return self._now().isoformat()

    def _read(self, name: str, kind: type[T]) -> T | None:
        if self._notes is None:
            return None
        try:
            data = self._notes.note(name)
        except OperationError as error:
            self._give_up(error)
            return None
        return None if data is None else _made(kind, data)

    def _write(self, name: str, value: object) -> None:
        if self._notes is None:
            return
        try:
            self._notes.keep_note(name, json.dumps(value).encode())
        except OperationError as error:
            self._give_up(error)

    def _give_up(self, error: OperationError) -> None:
        self._notes = None
        self._findings.add(
            "not-remembered",
            "note",
            _("memory"),
            error.what,
            _(
                "What was checked is checked, but `--since` and an interrupted check cannot go on "
                "from here. Name a folder of your own in the environment variable ARCHIVER_STATE."
            ),
        )


def _made(kind: type[T], data: bytes) -> T | None:
    """Make a KIND from what a note holds; None when it holds none, or somebody changed it."""
    try:
        given = json.loads(data)
    except ValueError:
        return None
    if not isinstance(given, dict):
        return None
    values: dict[str, Any] = {}
    for field in fields(kind):  # type: ignore[arg-type]
        value = given.get(field.name)
        if isinstance(value, list):
            value = tuple(value)
        if not _fits(value, str(field.type)):
            return None
        values[field.name] = value
    return kind(**values)


def _fits(value: object, kind: str) -> bool:
    if "tuple" in kind:
        return isinstance(value, tuple) and set(value) <= _FOLDERS
    if "str" in kind:
        return isinstance(value, str)
    if "float" in kind:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is int and value >= 0
