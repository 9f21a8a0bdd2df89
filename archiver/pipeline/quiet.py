"""A sync that has nothing to do, found out at little cost.

When a command leaves an archive settled (everything read, signed, and dated as far as is due), this
machine's memory of the archive notes how that looked. The next sync believes the note only when
the journal's length, its last entry, the working copies and what is derived look just so; then a
glance at each account is all that is left to do. Whatever differs, everything is done as ever. The
note proves nothing and is no part of the archive.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from archiver.errors import ArchiverError
from archiver.evidence.checkpoints.outside import Outside
from archiver.evidence.disk import Disk
from archiver.evidence.journal.database import Database, blob
from archiver.evidence.journal.schema import SCHEMA_VERSION
from archiver.evidence.journal.work import Work
from archiver.mailbox.choice import nothing_new
from archiver.mailbox.plan import Terms

if TYPE_CHECKING:
    from archiver.accounts import Account
    from archiver.evidence.reader import Reader
    from archiver.mailbox.server.session import Folder

NOTE = "settled.json"
AGAIN = timedelta(hours=1)
"""After how long what is left to do elsewhere (DNS, time-stamps) is looked at again."""

_HEARTBEAT = timedelta(days=1)
_LEAF = 32  # bytes
_CLOCK = timedelta(minutes=5)
"""How far a clock may be put back before a note of the future is not believed."""

Look = tuple[int, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What is known of an account besides its cursors."""

    rules: str
    """What decides on its messages; empty: all are kept."""
    scan: datetime
    """When the journal said last that it was looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """How a settled archive looked."""

    software: str
    offline: bool
    """Whether neither DNS nor a time-stamp authority was to be asked."""
    at: datetime
    size: int
    leaf: str
    signed: str
    """Digest of the note that was signed last on this machine."""
    copies: Mapping[str, Look]
    derived: Mapping[str, Look] | None
    """Catalogue and search index; None: nobody brought them level."""
    until: datetime | None
    """When something else is to be done: DNS to be asked again, a time-stamp to be fetched."""
    accounts: Mapping[str, Heard]

    def to_json(self) -> bytes:
        """Write it."""
        said = {
            "software": self.software,
            "offline": self.offline,
            "at": self.at.isoformat(),
            "size": self.size,
            "leaf": self.leaf,
            "signed": self.signed,
            "copies": self.copies,
            "derived": self.derived,
            "until": self.until.isoformat() if self.until else None,
            "accounts": {
                name: [heard.rules, heard.scan.isoformat()] for name, heard in self.accounts.items()
            },
        }
        return json.dumps(said, sort_keys=True).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "Settled":
        """Read it; raises ValueError, KeyError or TypeError for anything else."""
        said = json.loads(data)
        until = said["until"]
        return cls(
            software=said["software"],
            offline=said["offline"] is True,
            at=datetime.fromisoformat(said["at"]),
            size=int(said["size"]),
            leaf=str(said["leaf"]),
            signed=str(said["signed"]),
            copies=_looks(said["copies"]),
            derived=None if said["derived"] is None else _looks(said["derived"]),
            until=datetime.fromisoformat(until) if until else None,
            accounts={
                name: Heard(rules=str(rules), scan=datetime.fromisoformat(scan))
                for name, (rules, scan) in said["accounts"].items()
            },
        )


@dataclass(frozen=True, slots=True)
class Peek:
    """What a look at a settled archive and its accounts showed."""

    quiet: tuple[str, ...]
    """The accounts, when there is nothing to do in any; they are noted as synchronised."""
    seen: "Mapping[str, tuple[Folder, ...] | ArchiverError | None]"
    """What each glance brought, so that nobody need glance again."""


def remember(
    evidence: "Reader",
    outside: Outside,
    accounts: Mapping[str, Heard],
    *,
    software: str,
    at: datetime,
    derived: bool,
    offline: bool,
    until: datetime | None,
) -> None:
    """Note how a settled archive looks; DERIVED: catalogue and index are level with the journal.

    Nothing is written when that was noted. Raises OperationError.
    """
    size, signed = evidence.size, outside.last()
    leaf = next(evidence.journal.leaves(size - 1), b"") if size else b""
    before = read(outside)
    looks = look_at_copies(evidence.root)
    if before is not None and before.size == size and before.copies == looks:
        accounts = {**before.accounts, **accounts}
    settled = Settled(
        software=software,
        offline=offline,
        at=at,
        size=size,
        leaf=leaf.hex(),
        signed=sha256(signed or b"").hexdigest(),
        copies=looks,
        derived=look_at_derived(evidence.root) if derived else None,
        until=until,
        accounts=accounts,
    )
    if before is None or _timeless(before) != _timeless(settled):
        outside.keep_note(NOTE, settled.to_json())


def read(outside: Outside) -> Settled | None:
    """Return what was noted, None when nothing was that can be read."""
    data = outside.note(NOTE)
    if data is None:
        return None
    try:
        return Settled.from_json(data)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def peek(
    root: Path,
    *,
    name: str | None,
    software: str,
    now: datetime,
    derived: bool,
    offline: bool,
    glance: "Callable[[Account, Outside], tuple[Folder, ...] | None]",
) -> Peek | None:
    """Look whether there is nothing to do in the account NAME, or in all (None).

    DERIVED: catalogue and index count as well. None: the archive is not as it was left settled, or
    something else is to be done, so that everything is done as ever.
    """
    path = root / "journal" / "journal.sqlite"
    disk = Disk()
    if not (path.is_file() and disk.writable(path.parent) and disk.writable(path)):
        return None
    database = Database(path, wait=1.0, writable=True, folder_writable=True, disk=disk)
    with closing(database):
        if database.version != SCHEMA_VERSION:
            return None
        first = database.one("SELECT body FROM entry WHERE position = 0")
        outside = Outside.of_user(str(json.loads(blob(first[0]))["archive"]) if first else "")
        settled = read(outside)
        if settled is None or (settled.software, settled.offline) != (software, offline):
            return None
        if not _is_as_noted(settled, root, database, outside, now=now, derived=derived):
            return None
        accounts = _accounts(root, settled, name, now)
        return _glance_at(accounts, settled, database, outside, now, glance) if accounts else None


def _accounts(
    root: Path, settled: Settled, name: str | None, now: datetime
) -> "tuple[Account, ...]":
    """Return the accounts meant; none when one of them is to be looked at as ever."""
    from archiver.config import parse_settings

    settings = parse_settings((root / "archive.toml").read_text("utf-8"))
    accounts = tuple(each for each in settings.accounts if name in (None, each.name))
    for account in accounts:
        heard = settled.accounts.get(account.name)
        if heard is None or abs(now - heard.scan) >= _HEARTBEAT:
            return ()
    return accounts


def _glance_at(  # noqa: PLR0917  its one caller stands above
    accounts: "Collection[Account]",
    settled: Settled,
    database: Database,
    outside: Outside,
    now: datetime,
    glance: "Callable[[Account, Outside], tuple[Folder, ...] | None]",
) -> Peek:
    work = Work(database)
    seen: dict[str, tuple[Folder, ...] | ArchiverError | None] = {}
    quiet: list[str] = []
    for account in accounts:
        cursors = work.cursors(account.name)
        if not cursors or work.trouble_of(account.name)[0]:
            continue
        try:
            folders = glance(account, outside)
        except ArchiverError as error:
            seen[account.name] = error
            continue
        seen[account.name] = folders
        terms = Terms(
            now=now,
            account=account.name,
            days=account.full_scan_days,
            rules=settled.accounts[account.name].rules,
        )
        if folders is not None and nothing_new(folders, account, cursors, terms, None):
            quiet.append(account.name)
    if len(quiet) < len(accounts):
        return Peek((), seen)
    with database.lazily():
        for name in quiet:
            work.note_sync(name, now, good=True)
    return Peek(tuple(quiet), seen)


def _is_as_noted(
    settled: Settled,
    root: Path,
    database: Database,
    outside: Outside,
    *,
    now: datetime,
    derived: bool,
) -> bool:
    """Tell whether the archive looks as it was left; what is cheap to see comes first."""
    if now < settled.at - _CLOCK or (settled.until is not None and now >= settled.until):
        return False
    if derived and (settled.derived is None or settled.derived != look_at_derived(root)):
        return False
    if settled.copies != look_at_copies(root):
        return False
    if sha256(outside.last() or b"").hexdigest() != settled.signed:
        return False
    newest = database.one("SELECT position, leaf FROM entry ORDER BY position DESC LIMIT 1")
    if newest is None or newest[0] != settled.size - 1 or blob(newest[1]).hex() != settled.leaf:
        return False
    return _is_tidy(root, settled.size)


def _is_tidy(root: Path, size: int) -> bool:
    """Tell whether no writer was interrupted: the mirror is whole, no temporary was left."""
    mirror = _look(root / "journal" / "leaves")
    with suppress(FileNotFoundError):
        if next((root / "objects" / "tmp").iterdir(), None) is not None:
            return False
    return mirror is not None and mirror[1] == size * _LEAF


def look_at_copies(root: Path) -> dict[str, Look]:
    """Return how the working copies look."""
    paths = [root / "archive.toml", *sorted((root / "engagements").glob("*.toml"))]
    return {str(path.relative_to(root)): _look(path) for path in paths}


def look_at_derived(root: Path) -> dict[str, Look]:
    """Return how catalogue and search index look."""
    names = ["catalogue.sqlite", "catalogue.sqlite-wal", "search", *_generations(root)]
    return {name: _look(root / name) for name in names}


def _generations(root: Path) -> Iterator[str]:
    with suppress(FileNotFoundError):
        for path in sorted((root / "search").iterdir()):
            yield f"search/{path.name}"


def _look(path: Path) -> Look:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _looks(said: Mapping[str, list[int] | None]) -> dict[str, Look]:
    return {name: None if look is None else tuple(look) for name, look in said.items()}


def _timeless(settled: Settled) -> tuple[object, ...]:
    return (
        settled.software,
        settled.offline,
        settled.size,
        settled.leaf,
        settled.signed,
        settled.copies,
        settled.derived,
        settled.until,
        settled.accounts,
    )
