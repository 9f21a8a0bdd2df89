"""``journal/journal.sqlite``: how it is made, opened and read without ever changing by surprise."""

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from gettext import gettext as _
from pathlib import Path

from archiver.errors import ArchiverError, LockedError, OperationError
from archiver.evidence.disk import Disk, told
from archiver.evidence.journal.schema import APPLICATION_ID, SCHEMA_VERSION, added_since

_ROWS_AT_ONCE = 500

Value = int | str | bytes | None


class Database:
    """One connection; every sqlite3 error leaves as an ArchiverError that says what to do."""

    def __init__(
        self, path: Path, *, wait: float, writable: bool, folder_writable: bool, disk: Disk
    ) -> None:
        """Open PATH.

        Not WRITABLE: nothing is changed. Where not even SQLite's own files beside it can be made
        (not FOLDER_WRITABLE: read-only media) it is read as it stands, from a temporary copy when
        a write-ahead log holds entries that the database does not have yet.
        """
        self.path = path
        self._disk = disk
        self._wait = wait
        self._copy = contextlib.ExitStack()
        mode = "mode=rw" if writable else "mode=ro"
        source = path
        if not folder_writable:
            source, mode = self._still(path)
        with self._told():
            self._connection = sqlite3.connect(
                f"{source.absolute().as_uri()}?{mode}", uri=True, timeout=wait, isolation_level=None
            )
        with contextlib.ExitStack() as stack, self._told():
            stack.callback(self.close)
            for pragma in (
                "synchronous = FULL",
                "fullfsync = ON",  # macOS: fsync alone leaves data in the drive's cache
                "checkpoint_fullfsync = ON",
                "trusted_schema = OFF",
                "temp_store = MEMORY",
                "secure_delete = ON",  # what an erasure takes away is overwritten
            ):
                self._connection.execute(f"PRAGMA {pragma}")
            stack.pop_all()

    @classmethod
    def create(cls, path: Path, *, wait: float, disk: Disk) -> "Database":
        """Make the file, in WAL mode and without tables yet."""
        if not path.exists():
            os.close(disk.make_file(path))
        database = cls(path, wait=wait, writable=True, folder_writable=True, disk=disk)
        with contextlib.ExitStack() as stack:
            stack.callback(database.close)
            refuse_without_wal(database.one("PRAGMA journal_mode = WAL"), path)
            stack.pop_all()
        return database

    def _still(self, path: Path) -> tuple[Path, str]:
        log = path.with_name(path.name + "-wal")
        if not log.exists() or not log.stat().st_size:
            return path, "immutable=1"
        folder = Path(self._copy.enter_context(tempfile.TemporaryDirectory(prefix="archiver-")))
        with told(folder):
            for file in (path, log):
                shutil.copyfile(file, folder / file.name)
        return folder / path.name, "mode=rw"

    def close(self) -> None:
        """Close the connection, and remove the temporary copy if there is one."""
        self._connection.close()
        self._copy.close()

    def all(self, statement: str, *values: Value) -> list[tuple[Value, ...]]:
        """Return every row of STATEMENT."""
        with self._told():
            return self._connection.execute(statement, values).fetchall()

    def one(self, statement: str, *values: Value) -> tuple[Value, ...] | None:
        """Return the first row of STATEMENT, None if there is none."""
        with self._told():
            row: tuple[Value, ...] | None = self._connection.execute(statement, values).fetchone()
            return row

    def each(self, statement: str, *values: Value) -> Iterator[tuple[Value, ...]]:
        """Yield every row of STATEMENT, a few in memory at a time."""
        with self._told():
            cursor = self._connection.execute(statement, values)
        while True:
            with self._told():
                rows = cursor.fetchmany(_ROWS_AT_ONCE)
            if not rows:
                return
            yield from rows

    def number(self, statement: str, *values: Value) -> int:
        """Return the one integer that STATEMENT gives."""
        row = self.one(statement, *values)
        return integer(row[0] if row else None)

    def many(self, statement: str, rows: Sequence[Sequence[Value]]) -> None:
        """Run STATEMENT for each of ROWS."""
        with self._told():
            self._connection.executemany(statement, rows)

    def make_tables(self) -> None:
        """Make all tables, inside the transaction that is open."""
        with self._told():
            for statement in added_since(0):
                self._connection.execute(statement)
            self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    @property
    def version(self) -> int:
        """Which version of the tables the file has."""
        return self.number("PRAGMA user_version")

    def upgrade(self) -> None:
        """Add what this version has and an earlier one lacks; nothing that was there is touched."""
        with self.transaction():
            version = self.version
            if version >= SCHEMA_VERSION:
                return  # another process was faster
            with self._told():
                for statement in added_since(version):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def pretend_upgrade(self) -> None:
        """Give an earlier version that cannot be written its missing tables, empty, in memory."""
        with self._told():
            for statement in added_since(self.version):
                if "CREATE TABLE" in statement:
                    temporary = statement.replace("CREATE TABLE", "CREATE TEMP TABLE")
                    self._connection.execute(temporary)

    def shed(self, *, wait: float | None = None) -> None:
        """Leave nothing of what was deleted, in the file, between its pages, or in its log.

        The pages are written anew: ``secure_delete`` overwrites what is deleted, but not the
        copies that splitting a page leaves in its unused part. To be called outside a transaction,
        under the write lock. Raises LockedError when a reader holds the log for WAIT seconds.
        """
        wait = self._wait if wait is None else wait
        with self._told():
            self._connection.execute(f"PRAGMA busy_timeout = {int(wait * 1000)}")
            try:
                self._connection.execute("VACUUM")
                self._disk.reached("vacuumed")
                busy = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            finally:
                self._connection.execute(f"PRAGMA busy_timeout = {int(self._wait * 1000)}")
        if busy:
            raise LockedError(
                _("Another program reads the journal {path}, which keeps old pages of it.").format(
                    path=self.path
                ),
                advice=_("Close that program (a SQLite browser?) and run the command again."),
            )
        self._disk.reached("log-emptied")

    def copy_to(self, path: Path) -> None:
        """Write the database, as it stands at one moment, to the database PATH while others write.

        PATH, which may exist, has either its old content or all of this one, also after a crash.
        """
        try:
            copy = sqlite3.connect(path, isolation_level=None, timeout=self._wait)
            with contextlib.closing(copy):
                copy.execute("PRAGMA secure_delete = ON")
                self._connection.backup(copy)
        except sqlite3.Error as error:
            raise _explain(error, path) from error

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """See inside only what was there at the beginning, whatever others write meanwhile."""
        with self._told():
            self._connection.execute("BEGIN")
        try:
            yield
        finally:
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def lazily(self) -> Iterator[None]:
        """Do all or nothing of what happens inside, as ``transaction``, without waiting for disk.

        A power cut may undo it, and then undoes nothing that came before it: the log is read up to
        where it is whole. For what saves work only.
        """
        with self._told():
            self._connection.execute("PRAGMA synchronous = NORMAL")
        try:
            with self.transaction():
                yield
        finally:
            with self._told():
                self._connection.execute("PRAGMA synchronous = FULL")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all or nothing of what happens inside; durable when it ends without an error."""
        with self._told():
            self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._disk.reached("commit")
            with self._told():
                self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
            raise
        self._disk.reached("committed")

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _explain(error, self.path) from error
        except UnicodeDecodeError as error:  # SQLite quotes a damaged name in its message
            raise _damaged(self.path, str(error)) from error


def _explain(error: sqlite3.Error, path: Path) -> ArchiverError:
    match getattr(error, "sqlite_errorname", "").split("_")[1:2]:
        case ["FULL"]:
            return OperationError(
                _("There is no room left on the disk that holds {path}.").format(path=path),
                advice=_("Free some space and run the command again: it goes on from there."),
            )
        case ["BUSY"]:
            return LockedError(
                _("Another program keeps the journal {path} to itself.").format(path=path),
                advice=_("Close that program (a SQLite browser?) and run the command again."),
            )
        case ["CORRUPT" | "NOTADB"]:
            return _damaged(path, str(error))
        case _:
            return OperationError(
                _("The journal {path} could not be read or written: {reason}.").format(
                    path=path, reason=error
                ),
                advice=_("Check the disk and who owns the files; then `archiver verify`."),
            )


def refuse_without_wal(mode: tuple[Value, ...] | None, path: Path) -> None:
    """Raise OperationError when SQLite answers with another MODE: some network folders cannot."""
    if mode != ("wal",):
        raise OperationError(
            _("The file system that holds {path} cannot carry the journal.").format(path=path),
            advice=_("Make the archive on a disk of this machine, not on a network folder."),
        )


def _damaged(path: Path | str, reason: str) -> OperationError:
    return OperationError(
        _("The journal {path} is damaged: {reason}.").format(path=path, reason=reason),
        advice=_(
            "Keep a copy of the folder as it is, and put back the folder journal from a backup."
        ),
    )


def integer(value: Value) -> int:
    """Return VALUE, an integer; raises OperationError when somebody changed the tables."""
    if not isinstance(value, int):
        raise damaged_column()
    return value


def text(value: Value) -> str:
    """Return VALUE, a text; raises OperationError when somebody changed the tables."""
    if not isinstance(value, str):
        raise damaged_column()
    return value


def blob(value: Value) -> bytes:
    """Return VALUE, bytes; raises OperationError when somebody changed the tables."""
    if not isinstance(value, bytes):
        raise damaged_column()
    return value


def damaged_column() -> OperationError:
    """Return the error for a value that nobody but a person can have put into a table."""
    return _damaged("journal.sqlite", _("a column holds a value of the wrong type"))
