"""Put a catalogue that was made anew in the place of the old one, under the eyes of readers.

Renaming one SQLite file over another is not safe: the old one's log stays beside the new one and
would be played into it (https://www.sqlite.org/howtocorrupt.html, section 2.4). So the pages are
copied in one transaction; only a file that SQLite itself refuses is removed first.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from archiver.catalogue.database import translated

_WAIT = 10.0


def remove(path: Path) -> None:
    """Remove a catalogue and what SQLite keeps beside it; a missing one is no error."""
    for suffix in ("-wal", "-shm", "-journal", ""):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def put_in_place(fresh: Path, path: Path) -> None:
    """Make the catalogue FRESH, which is closed, the one at PATH; FRESH is gone afterwards.

    Whoever has PATH open sees the old content or the new one, never something between. Raises
    LockedError when another process is writing to PATH, OperationError when the disk fails.
    """
    if path.exists():
        try:
            _copy_pages(fresh, path)
        except sqlite3.Error as error:
            if not _is_refused(error):
                raise translated(error, path) from error
        else:
            remove(fresh)
            return
    remove(path)
    fresh.replace(path)


def _copy_pages(fresh: Path, path: Path) -> None:
    with (
        closing(sqlite3.connect(fresh, timeout=_WAIT)) as source,
        closing(sqlite3.connect(path, timeout=_WAIT)) as target,
    ):
        target.execute("PRAGMA schema_version")  # refuses what is not a database
        source.backup(target)


def _is_refused(error: sqlite3.Error) -> bool:
    """Tell whether SQLite cannot make sense of the file, so that nobody can be reading it."""
    name = getattr(error, "sqlite_errorname", "")
    return not name or name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT"))
