"""Tell an archive from what only looks like one, before anything is done with it."""

from gettext import gettext as _
from pathlib import Path

from archiver.errors import NoArchiveError, OperationError, UsageError
from archiver.evidence.journal.database import Database
from archiver.evidence.journal.mirror import Mirror
from archiver.evidence.journal.schema import APPLICATION_ID, SCHEMA_VERSION


def no_archive(root: Path) -> NoArchiveError:
    """Return the error that says that ROOT holds no archive."""
    return NoArchiveError(
        _("There is no archive in {root}.").format(root=root),
        advice=_("Make one with `archiver init`, or name its folder with --archive."),
    )


def check_format(database: Database, root: Path) -> None:
    """Raise NoArchiveError for an empty database, OperationError for one that is not for us."""
    if not database.number("SELECT count(*) FROM sqlite_schema"):
        raise no_archive(root)
    if database.number("PRAGMA application_id") != APPLICATION_ID:
        raise OperationError(
            _("{path} is a database, but no journal of the archiver.").format(path=database.path),
            advice=_("Name the archive's folder with --archive."),
        )
    if database.number("PRAGMA user_version") > SCHEMA_VERSION:
        raise OperationError(
            _("The archive {root} was written by a newer archiver.").format(root=root),
            advice=_("Install the newest version of the archiver."),
        )


def refuse_to_begin(database: Database, mirror: Mirror, root: Path) -> None:
    """Raise UsageError where there is an archive, OperationError where one has lost its journal."""
    if database.number("SELECT count(*) FROM sqlite_schema"):
        raise UsageError(
            _("{root} already holds an archive.").format(root=root),
            advice=_("Use it as it is, or name another folder with --archive."),
        )
    if mirror.length():
        raise OperationError(
            _("{root} holds the remains of an archive whose journal is gone.").format(root=root),
            advice=_(
                "Put journal/journal.sqlite back from a backup, or name another folder with "
                "--archive."
            ),
        )
