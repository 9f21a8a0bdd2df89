"""One SQLite file: how it is opened, and what its errors mean to a user.

A catalogue is derived, so whatever is wrong with the file itself has one answer: make it again.
"""

import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from gettext import gettext as _
from pathlib import Path
from typing import Any

from archiver.catalogue.schema import APPLICATION_ID, FIRST_META, SCHEMA, SCHEMA_VERSION
from archiver.errors import LockedError, OperationError
from archiver.model.reading import READER_VERSION

Value = str | bytes | int | float | None
Row = tuple[Any, ...]
"""What a query answers; each function that asks knows its columns."""
Parameters = Sequence[Value] | Mapping[str, Value]

_WAIT = 10.0
_LARGEST = 2**63 - 1
_NOT_THE_FILE = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH")


class CatalogueUnusable(OperationError):  # noqa: N818 - the name that other rooms rely on
    """The catalogue is missing, damaged or of another version: the caller makes it again.

    ``str()`` tells only why; ``what`` and ``advice`` are for a user who meets it.
    """

    def __init__(self, why: str) -> None:
        """Say WHY it cannot be used, in words that fit after a colon."""
        super().__init__(
            _("The catalogue cannot be used: {why}.").format(why=why),
            advice=_("It is derived: `archiver rebuild` makes it again from the originals."),
        )
        self.why = why

    def __str__(self) -> str:
        return self.why


def clean(text: str) -> str:
    """Return TEXT as UTF-8 can hold it: a lone surrogate (hostile mail has them) becomes ``?``."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def bounded(number: int) -> int:
    """Return NUMBER, or the nearest that SQLite's 64-bit integers can hold."""
    return max(-_LARGEST, min(_LARGEST, number))


def listed(numbers: Iterable[int]) -> str:
    """Return NUMBERS as one parameter for ``IN (SELECT value FROM json_each(?))``."""
    return json.dumps([bounded(number) for number in numbers])


class Database:
    """A connection that speaks in our errors. One thread uses it."""

    def __init__(self, path: Path, *, read_only: bool) -> None:
        """Open PATH and check that it is a catalogue of this version, or make it.

        With READ_ONLY nothing is ever written, not even beside the file when its folder cannot be
        written to. Raises CatalogueUnusable, or OperationError when the disk fails.
        """
        self.path = path
        self._remove_copy: Callable[[], None] | None = None
        self._connection: sqlite3.Connection | None = None
        try:
            self._connection = self._connect(path, read_only=read_only)
            self._prepare(read_only=read_only)
        except BaseException as error:
            self.close()
            if isinstance(error, sqlite3.Error):
                raise translated(error, self.path) from error
            if isinstance(error, OSError):
                raise _not_accessible(path, error.strerror or str(error)) from error
            raise

    def close(self) -> None:
        """Close the file; an unfinished transaction is rolled back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._remove_copy is not None:
            self._remove_copy()
            self._remove_copy = None

    def run(self, sql: str, parameters: Parameters = ()) -> int:
        """Execute one statement; return how many rows it changed."""
        try:
            return self._open.execute(sql, parameters).rowcount
        except sqlite3.Error as error:
            raise translated(error, self.path) from error

    def run_many(self, sql: str, rows: Iterable[Parameters]) -> None:
        """Execute one statement for each of ROWS."""
        try:
            self._open.executemany(sql, rows)
        except sqlite3.Error as error:
            raise translated(error, self.path) from error

    def all(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """Return all rows of a query."""
        try:
            return self._open.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise translated(error, self.path) from error

    def one(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """Return the first row of a query, if there is one."""
        try:
            row: Row | None = self._open.execute(sql, parameters).fetchone()
        except sqlite3.Error as error:
            raise translated(error, self.path) from error
        return row

    def number(self, sql: str, parameters: Parameters = ()) -> int:
        """Return the single number that a query answers; 0 for NULL or no row."""
        row = self.one(sql, parameters)
        return int(row[0]) if row is not None and row[0] is not None else 0

    def numbers(self, sql: str, parameters: Parameters = ()) -> frozenset[int]:
        """Return the first column of a query as a set."""
        return frozenset([number for (number,) in self.all(sql, parameters)])

    def stream(self, sql: str, parameters: Parameters = ()) -> Iterator[Row]:
        """Yield the rows of a query, as they are asked for."""
        try:
            # ``yield from`` would close the cursor of a generator that is given up, and complain
            # when the database is closed already.
            for row in self._open.execute(sql, parameters):  # noqa: UP028
                yield row
        except sqlite3.Error as error:
            raise translated(error, self.path) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all of it or nothing; raises LockedError when another process is writing."""
        self.run("BEGIN IMMEDIATE")
        try:
            yield
            self.run("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        # After some errors (a full disk) SQLite has rolled back by itself.
        if self._open.in_transaction:
            self.run("ROLLBACK")

    @property
    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise RuntimeError("the catalogue is closed")  # a mistake of ours, never of a user
        return self._connection

    def _connect(self, path: Path, *, read_only: bool) -> sqlite3.Connection:
        if not read_only:
            if not path.exists():
                os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
            return _connection(f"{path.absolute().as_uri()}?mode=rw")
        if not path.is_file():
            raise CatalogueUnusable(_("there is none"))
        if os.access(path.parent, os.W_OK) and os.access(path, os.W_OK):
            return _connection(f"{path.absolute().as_uri()}?mode=ro")
        return _connection(f"{self._settled(path).absolute().as_uri()}?mode=ro&immutable=1")

    def _settled(self, path: Path) -> Path:
        """Return a file that needs no log beside it: PATH, or a copy into which the log went."""
        log = path.with_name(path.name + "-wal")
        if not log.is_file() or not log.stat().st_size:
            return path
        import shutil  # both are slow to import, and hardly ever needed
        import tempfile

        folder = tempfile.TemporaryDirectory(prefix="archiver-", ignore_cleanup_errors=True)
        self._remove_copy = folder.cleanup
        copy = Path(folder.name) / "catalogue.sqlite"
        shutil.copyfile(path, copy)
        shutil.copyfile(log, copy.with_name(copy.name + "-wal"))
        with closing(_connection(f"{copy.absolute().as_uri()}?mode=rw")) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return copy

    def _prepare(self, *, read_only: bool) -> None:
        if not read_only:
            self.run("PRAGMA journal_mode = WAL")
            self.run("PRAGMA synchronous = NORMAL")
            if self._is_new():
                self._create()
        if self.number("PRAGMA application_id") != APPLICATION_ID:
            raise CatalogueUnusable(_("the file is not a catalogue"))
        if self.number("PRAGMA user_version") != SCHEMA_VERSION:
            raise CatalogueUnusable(_("it was made by another version of the archiver"))
        reader = self.number("SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'reader'")
        if reader != READER_VERSION:
            raise CatalogueUnusable(_("it was made by another version of the mail reader"))

    def _is_new(self) -> bool:
        return not self.number("PRAGMA application_id") and not self.number(
            "SELECT count(*) FROM sqlite_schema"
        )

    def _create(self) -> None:
        with self.transaction():
            if not self._is_new():  # another process was quicker
                return
            for statement in SCHEMA:
                self.run(statement)
            self.run_many("INSERT INTO meta VALUES (?, ?)", FIRST_META)


def translated(error: sqlite3.Error, path: Path) -> OperationError | LockedError:
    """Return our error for one of SQLite, met in the file PATH."""
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return LockedError(
            _("Another process is writing to {path}.").format(path=path),
            advice=_("Wait until it has finished, then try again."),
        )
    if name.startswith(_NOT_THE_FILE) or (name == "SQLITE_CANTOPEN" and os.path.isfile(path)):  # noqa: PTH113  never raises
        return _not_accessible(path, str(error))
    return CatalogueUnusable(_("the file is damaged ({error})").format(error=error))


def _not_accessible(path: Path, reason: str) -> OperationError:
    """Say that PATH is out of reach: making it again would not help, or overwrite a sound file."""
    return OperationError(
        _("{path} could not be read or written: {error}.").format(path=path, error=reason),
        advice=_("Check the disk, its free space and the permissions, then try again."),
    )


def _connection(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, timeout=_WAIT, isolation_level=None)
