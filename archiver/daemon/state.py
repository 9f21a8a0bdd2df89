"""How the daemon fares, as a small file in the archive's folder ``run/``, for monitoring.

Derived, and no part of what is archived. It is written whole and put in place, so that a reader
sees all of it or none.
"""

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Literal, TypeVar, cast, get_args

FOLDER: Final = "run"
_FILE: Final = "daemon.json"
_SCHEMA: Final = 1
_LONGEST: Final = 10 * 1024 * 1024

Doing = Literal["starting", "syncing", "notified", "polling", "waiting", "stopped"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountState:
    """How one account fares."""

    name: str
    doing: Doing
    """``notified``: the server tells of new mail; ``waiting``: until the next attempt."""
    since: datetime
    """When that began."""
    last_good: datetime | None = None
    """The end of the last good sync that this daemon made."""
    good_since: datetime | None = None
    """Since when every sync was good; None while it fails."""
    failing_since: datetime | None = None
    """The first failure after the last good sync."""
    attempts: int = 0
    """In vain since then."""
    problems: int = 0
    """Messages or folders that the last sync could not fetch."""
    exit_code: int = 0
    """Of the last failure, as the command ``sync`` would end."""
    what: str = ""
    advice: str = ""
    next_try: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterState:
    """How reading, indexing and signing fare."""

    last_good: datetime | None = None
    failing_since: datetime | None = None
    what: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonState:
    """How the daemon fares."""

    pid: int
    host: str
    software: str
    started: datetime
    written: datetime
    ended: bool = False
    """Whether it ended by itself, as it was told to."""
    accounts: tuple[AccountState, ...] = ()
    writer: WriterState = WriterState()


def path_of(root: Path) -> Path:
    """Return the file of the archive in ROOT."""
    return root / FOLDER / _FILE


def write(root: Path, state: DaemonState) -> None:
    """Put STATE in place of what was there; raises OSError."""
    path = path_of(root)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{state.pid}.tmp")
    text = json.dumps({"schema": _SCHEMA, **asdict(state)}, default=_text, ensure_ascii=False)
    try:
        fresh.write_text(text + "\n", encoding="utf-8", newline="\n")
        fresh.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise


def read(root: Path) -> DaemonState | None:
    """Read what a daemon last wrote; None when there is nothing that can be understood."""
    try:
        with path_of(root).open("rb") as file:
            said = json.loads(file.read(_LONGEST))
        return _daemon(said) if said["schema"] == _SCHEMA else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_running(state: DaemonState) -> bool:
    """Tell whether its process is there, as far as this machine can know.

    Whether it is still that process, the daemon's lock says better, where it can be asked.
    """
    if state.ended or state.pid <= 0 or os.name == "nt":
        return not state.ended and os.name == "nt"  # os.kill would end it there
    try:
        os.kill(state.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def _text(value: object) -> str:
    assert isinstance(value, datetime)  # noqa: S101  all else is JSON's own
    return value.isoformat()


def _daemon(said: Mapping[str, object]) -> DaemonState:
    accounts, writer = said["accounts"], said["writer"]
    if not isinstance(accounts, list) or not isinstance(writer, dict):
        raise TypeError
    return DaemonState(
        pid=_typed(said["pid"], int),
        host=_typed(said["host"], str),
        software=_typed(said["software"], str),
        started=_moment(said["started"]),
        written=_moment(said["written"]),
        ended=_typed(said["ended"], bool),
        accounts=tuple(_account(each) for each in accounts),
        writer=WriterState(
            last_good=_moment_or_none(writer["last_good"]),
            failing_since=_moment_or_none(writer["failing_since"]),
            what=_typed(writer["what"], str),
        ),
    )


def _account(said: Mapping[str, object]) -> AccountState:
    doing = _typed(said["doing"], str)
    if doing not in get_args(Doing):
        raise ValueError(doing)
    return AccountState(
        name=_typed(said["name"], str),
        doing=cast("Doing", doing),
        since=_moment(said["since"]),
        last_good=_moment_or_none(said["last_good"]),
        good_since=_moment_or_none(said["good_since"]),
        failing_since=_moment_or_none(said["failing_since"]),
        attempts=_typed(said["attempts"], int),
        problems=_typed(said["problems"], int),
        exit_code=_typed(said["exit_code"], int),
        what=_typed(said["what"], str),
        advice=_typed(said["advice"], str),
        next_try=_moment_or_none(said["next_try"]),
    )


def _typed(value: object, kind: type[T]) -> T:
    if not isinstance(value, kind):
        raise TypeError(kind)
    return value


def _moment(value: object) -> datetime:
    moment = datetime.fromisoformat(_typed(value, str))
    if moment.tzinfo is None:
        raise ValueError(value)
    return moment


def _moment_or_none(value: object) -> datetime | None:
    return None if value is None else _moment(value)
