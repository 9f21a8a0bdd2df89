"""The composition root: the only place that chooses concrete classes.

Heavy modules are imported inside functions, so that a command loads no more than it needs.
"""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cached_property
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING, Self
from zoneinfo import ZoneInfo

from archiver import SOFTWARE
from archiver.errors import NoArchiveError
from archiver.pipeline import Progress, Rules, silent

if TYPE_CHECKING:
    from archiver.care.working_copies import WorkingCopies
    from archiver.catalogue.catalogue import Catalogue
    from archiver.config import Account
    from archiver.evidence.store import Evidence
    from archiver.mailbox.session import Session
    from archiver.model.findings import Report
    from index.engine import Engine
    from index.generations import IndexFolder

Clock = Callable[[], datetime]
Entropy = Callable[[int], bytes]
Tell = Callable[[str], None]


def utc_now() -> datetime:
    """Tell the time, aware, in UTC."""
    return datetime.now(UTC)


class Archive:
    """An archive and the pieces it is made of, each opened when first asked for."""

    def __init__(
        self,
        root: Path,
        *,
        tell: Tell,
        actor: str,
        progress: Progress = silent,
        lock_wait: float = 10.0,
        clock: Clock = utc_now,
        entropy: Entropy = os.urandom,
    ) -> None:
        """Name the folder; nothing is opened yet. TELL gets what a person should know (stderr)."""
        self.root = root
        self.tell = tell
        self.actor = actor
        self.progress = progress
        self.lock_wait = lock_wait
        self.clock = clock
        self.entropy = entropy
        self._closing = contextlib.ExitStack()
        self._derived: Path | None = None
        self._catalogue: Catalogue | None = None
        self._engine: Engine | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close whatever was opened."""
        self._drop_engine()
        self._drop_catalogue()
        self._closing.close()

    @cached_property
    def evidence(self) -> "Evidence":
        """The originals."""
        return self._open_evidence(recover=True)

    def _open_evidence(self, *, recover: bool) -> "Evidence":
        from archiver.evidence.store import Evidence

        return self._closing.enter_context(
            Evidence.open(
                self.root,
                clock=self.clock,
                entropy=self.entropy,
                software=SOFTWARE,
                lock_wait=self.lock_wait,
                recover=recover,
            )
        )

    @cached_property
    def copies(self) -> "WorkingCopies":
        """The working copies, taken in: changed ones journalled, missing ones restored."""
        return self._take_in()

    def _take_in(self) -> "WorkingCopies":
        from archiver.care.working_copies import take_in

        copies = take_in(self.evidence, actor=self.actor)
        for finding in copies.findings:
            self.tell(f"{finding.subject}: {finding.message} {finding.advice}")
        return copies

    def reread_copies(self) -> None:
        """Take the working copies in again after a command changed one."""
        self.__dict__.pop("copies", None)

    @property
    def rules(self) -> Rules:
        """What tags are made from."""
        copies = self.copies
        return Rules(
            engagements=copies.engagements,
            own=copies.own,
            version=copies.version,
            time_zone=self.time_zone,
        )

    @property
    def time_zone(self) -> ZoneInfo:
        """The archive's time zone: days are days in it."""
        return ZoneInfo(self.copies.settings.time_zone)

    # --- projections ---------------------------------------------------------------------------

    @property
    def derived(self) -> Path:
        """Where projections live: the archive, or a temporary folder for read-only media."""
        return self._derived or self.root

    @property
    def catalogue(self) -> "Catalogue":
        """The catalogue, level with the journal; one that cannot be used is told and rebuilt."""
        if self._catalogue is None:
            self._catalogue = self._open_catalogue()
        return self._catalogue

    @property
    def engine(self) -> "Engine":
        """The search index, level with the catalogue; one that cannot be used is told, rebuilt."""
        if self._engine is None:
            self._engine = self._open_engine()
        return self._engine

    def _open_catalogue(self) -> "Catalogue":
        from archiver.catalogue.catalogue import Catalogue, CatalogueUnusable
        from archiver.mailbox.folders import role_by_name
        from archiver.pipeline import is_level

        path = self.derived / "catalogue.sqlite"
        read_only = self.evidence.read_only and self._derived is None
        if not path.is_file() and not read_only and self._derived is None:
            self.tell(_("There is no catalogue: making it again from the originals."))
        try:
            catalogue = Catalogue.open(path, read_only=read_only, role_of=role_by_name)
        except CatalogueUnusable as error:
            if not read_only:
                self.tell(
                    _("The catalogue cannot be used ({why}): rebuilding it.").format(why=error)
                )
                return self._rebuild_catalogue()
            self.tell(
                _("The catalogue cannot be used ({why}): making a temporary one.").format(why=error)
            )
            return self._elsewhere()
        if is_level(self.evidence, catalogue, self.rules):
            return catalogue
        if read_only:
            catalogue.close()
            self.tell(_("The catalogue on read-only media is behind: making a temporary one."))
            return self._elsewhere()
        return self._level(catalogue)

    def _elsewhere(self) -> "Catalogue":
        """Make projections in a temporary folder that goes when the command ends."""
        folder = self._closing.enter_context(
            tempfile.TemporaryDirectory(prefix="archiver-", ignore_cleanup_errors=True)
        )
        self._derived = Path(folder)
        return self._open_catalogue()

    def _level(self, catalogue: "Catalogue") -> "Catalogue":
        from archiver.pipeline import catalogue_up

        with self._projecting():
            catalogue_up(self.evidence, catalogue, self.rules, progress=self.progress)
        return catalogue

    def _rebuild_catalogue(self) -> "Catalogue":
        """Make a new catalogue beside the old one, then put it in its place."""
        from archiver.catalogue.catalogue import Catalogue
        from archiver.mailbox.folders import role_by_name
        from archiver.pipeline import catalogue_up

        path = self.derived / "catalogue.sqlite"
        fresh = self.derived / "catalogue.new.sqlite"
        with self._projecting():
            _remove_database(fresh)
            with contextlib.closing(Catalogue.open(fresh)) as catalogue:
                catalogue_up(self.evidence, catalogue, self.rules, progress=self.progress)
            _remove_database(path)
            fresh.replace(path)
        return Catalogue.open(path, role_of=role_by_name)

    def _open_engine(self) -> "Engine":
        from index.engine import EngineError

        catalogue = self.catalogue
        folder = self._index_folder()
        try:
            engine: Engine = folder.open_current(self.evidence.archive_id)
        except EngineError as error:
            self.tell(_("{why} Rebuilding the search index.").format(why=error))
            return self._rebuild_engine(folder)
        if engine.position < catalogue.position and not self._read_only_index:
            engine = self._index_up(engine)
        if engine.position != catalogue.position or engine.count() != catalogue.count_records():
            self.tell(
                _(
                    "The search index holds {index} records, the catalogue {catalogue}. "
                    "Rebuilding the search index."
                ).format(index=engine.count(), catalogue=catalogue.count_records())
            )
            engine.close()
            return self._rebuild_engine(folder)
        return engine

    @property
    def _read_only_index(self) -> bool:
        return self.evidence.read_only and self._derived is None

    def _index_folder(self) -> "IndexFolder":
        from index.generations import IndexFolder

        return IndexFolder(self.derived / "search")

    def _index_up(self, engine: "Engine") -> "Engine":
        from archiver.pipeline import index_up

        with self._projecting():
            index_up(self.catalogue, engine, progress=self.progress)
        return engine

    def _rebuild_engine(self, folder: "IndexFolder") -> "Engine":
        from archiver.pipeline import index_up

        if self._read_only_index:
            self._drop_catalogue()
            self._catalogue = self._elsewhere()
            folder = self._index_folder()
        with self._projecting():
            building = folder.begin(self.evidence.archive_id)
            index_up(self.catalogue, building.engine, progress=self.progress)
            return building.swap()

    @contextlib.contextmanager
    def _projecting(self) -> Iterator[None]:
        """Let one process at a time feed the projections; readers are never held up.

        Reasons of tags are written in the archive's language, whoever runs the command: a rebuild
        by cron and one by a person must give the same catalogue.
        """
        with contextlib.ExitStack() as stack:
            if not self.evidence.read_only:
                stack.enter_context(self.evidence.projection_lock())
            stack.enter_context(_speaking(self.copies.settings.language))
            yield

    def level(self) -> None:
        """Bring catalogue and index level with the journal (``archiver catch-up``)."""
        self.engine.count()

    def relevel(self) -> None:
        """Level again after this command changed a working copy or journalled a decision."""
        self.reread_copies()
        self._drop_engine()
        self._drop_catalogue()
        self.level()

    def rebuild(self) -> None:
        """Throw catalogue and index away and make both again from the originals."""
        self._drop_engine()
        self._drop_catalogue()
        self._catalogue = self._rebuild_catalogue()
        self._engine = self._rebuild_engine(self._index_folder())

    def verify(self, *, read_data: float | None) -> "Report":
        """Check everything as it stands: nothing is recovered, levelled or rebuilt for it."""
        import random

        from archiver.care.verify import verify_archive
        from archiver.catalogue.catalogue import Catalogue

        evidence = self._open_evidence(recover=False)

        def progress(done: int, total: int) -> None:
            self.progress("verify", done, total)

        return verify_archive(
            evidence,
            catalogue=lambda: Catalogue.open(self.root / "catalogue.sqlite", read_only=True),
            engine=lambda: self._index_folder().open_current(evidence.archive_id),
            read_data=read_data,
            rng=random.Random(self.entropy(16)),  # noqa: S311  a sample, not a secret
            progress=progress,
        )

    def _drop_catalogue(self) -> None:
        if self._catalogue is not None:
            self._catalogue.close()
            self._catalogue = None

    def _drop_engine(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    # --- mailbox -------------------------------------------------------------------------------

    def connector(
        self, account: "Account", *, prompt: Callable[[str], str] | None
    ) -> Callable[[], "Session"]:
        """Return a function that finds the account's password and connects."""

        def connect() -> "Session":
            from archiver.mailbox.credentials import password_for
            from archiver.mailbox.imap import connect as connect_imap

            password = password_for(account, environ=os.environ, prompt=prompt)
            return connect_imap(account, password)

        return connect


def create_archive(
    root: Path, *, time_zone: str, language: str, actor: str, clock: Clock = utc_now
) -> None:
    """Make a new archive in ROOT, or complete one whose making was interrupted.

    Catalogue and index are made too, still empty, so that one that is missing later is told.
    """
    from archiver.care.create import create

    create(
        root,
        time_zone=time_zone,
        language=language,
        actor=actor,
        clock=clock,
        entropy=os.urandom,
        software=SOFTWARE,
    )
    with Archive(root, tell=lambda _message: None, actor=actor, clock=clock) as archive:
        archive.level()


def local_time_zone() -> str:
    """Return the IANA name of this machine's time zone, or UTC where it cannot be told."""
    named = os.environ.get("TZ", "").removeprefix(":")
    link = Path("/etc/localtime")
    for name in filter(None, (named, *_zone_of(link))):
        with contextlib.suppress(ValueError, OSError, LookupError):
            return ZoneInfo(name).key
    return "UTC"


def _zone_of(link: Path) -> Iterator[str]:
    with contextlib.suppress(OSError):
        yield str(link.resolve()).partition("zoneinfo/")[2]


def require_archive(root: Path | None) -> Path:
    """Return ROOT, or say that no archive was named."""
    if root is None:
        raise NoArchiveError(
            _("No archive was named."),
            advice=_(
                "Give --archive DIR, set ARCHIVER_ARCHIVE, or run the command inside an archive."
            ),
        )
    return root


@contextlib.contextmanager
def _speaking(language: str) -> Iterator[None]:
    """Make gettext speak LANGUAGE for a while."""
    before = os.environ.get("LANGUAGE")
    os.environ["LANGUAGE"] = language
    try:
        yield
    finally:
        if before is None:
            del os.environ["LANGUAGE"]
        else:
            os.environ["LANGUAGE"] = before


def _remove_database(path: Path) -> None:
    for suffix in ("-wal", "-shm", ""):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
