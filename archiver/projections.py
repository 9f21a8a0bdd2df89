"""Catalogue and search index: opened, brought level with the journal, rebuilt when they must be.

Whatever is wrong with them is told and mended from the originals. On read-only media they are
made in a temporary folder when the ones there cannot be used.
"""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from archiver.catalogue.catalogue import Catalogue, CatalogueUnusable
from archiver.evidence.store import Evidence
from archiver.pipeline import Progress, Rules, catalogue_up, index_up, is_level, is_of
from index.engine import Engine, EngineError

if TYPE_CHECKING:
    from index.generations import IndexFolder

T = TypeVar("T")
OpenCatalogue = Callable[[Path, bool], Catalogue]
"""Opens the catalogue at a path, read-only or not."""


class Projections:
    """The catalogue and the search index of one archive."""

    def __init__(
        self,
        evidence: Evidence,
        *,
        rules: Callable[[], Rules],
        language: Callable[[], str],
        open_catalogue: OpenCatalogue,
        index_folder: "Callable[[Path], IndexFolder]",
        tell: Callable[[str], None],
        progress: Progress,
    ) -> None:
        """Nothing is opened yet. Reasons of tags are written in LANGUAGE, the archive's."""
        self._evidence = evidence
        self._rules = rules
        self._language = language
        self._open = open_catalogue
        self._index_folder = index_folder
        self._tell = tell
        self._progress = progress
        self._place = evidence.root
        self._temporary = contextlib.ExitStack()
        self._catalogue: Catalogue | None = None
        self._engine: Engine | None = None

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue, level with the journal."""
        if self._catalogue is None:
            self._catalogue = self._open_catalogue()
        return self._catalogue

    @property
    def engine(self) -> Engine:
        """The search index, level with the catalogue."""
        if self._engine is None:
            self._engine = self._open_engine()
        return self._engine

    def ask(self, question: Callable[[Engine], T]) -> T:
        """Ask the search index; damage that only shows now is told, mended, and asked again."""
        try:
            return question(self.engine)
        except EngineError as error:
            self._tell(_("{why} Rebuilding the search index.").format(why=error))
            self.drop()
            self._engine = self._rebuild_engine()
            return question(self._engine)

    def level(self) -> None:
        """Bring both level with the journal, which may have grown since they were opened."""
        self.drop()
        self.engine.count()

    def rebuild(self) -> None:
        """Throw both away and make them again from the originals."""
        self.drop()
        self._catalogue = self._rebuild_catalogue()
        self._engine = self._rebuild_engine()

    def drop(self) -> None:
        """Close what is open; the next use opens it again."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None
        if self._catalogue is not None:
            self._catalogue.close()
            self._catalogue = None

    def close(self) -> None:
        """Close what is open, and remove what was made for this command only."""
        self.drop()
        self._temporary.close()

    # --- catalogue -----------------------------------------------------------------------------

    @property
    def _path(self) -> Path:
        return self._place / "catalogue.sqlite"

    @property
    def _fixed(self) -> bool:
        """Whether projections cannot be written where they are."""
        return self._evidence.read_only and self._place == self._evidence.root

    def _open_catalogue(self) -> Catalogue:
        if not self._fixed and not self._path.is_file():
            if self._place == self._evidence.root:
                self._tell(_("There is no catalogue: making it again from the originals."))
            return self._rebuild_catalogue()
        try:
            catalogue = self._open(self._path, self._fixed)
        except CatalogueUnusable as error:
            if self._fixed:
                return self._elsewhere(str(error))
            self._tell(_("The catalogue cannot be used ({why}): rebuilding it.").format(why=error))
            return self._rebuild_catalogue()
        if not is_of(self._evidence, catalogue):
            catalogue.close()
            return self._not_of_this_journal()
        if is_level(self._evidence, catalogue, self._rules()):
            return catalogue
        if self._fixed:
            catalogue.close()
            return self._elsewhere(_("it is behind the journal"))
        with self._feeding():
            catalogue_up(self._evidence, catalogue, self._rules(), progress=self._progress)
        return catalogue

    def _not_of_this_journal(self) -> Catalogue:
        """Make everything again: the journal was put back from a backup, or it is another one."""
        why = _("it was made from another journal, or a later state of this one")
        if self._fixed:
            return self._elsewhere(why)
        self._tell(_("The catalogue cannot be used ({why}): rebuilding it.").format(why=why))
        self._catalogue = self._rebuild_catalogue()
        self._engine = self._rebuild_engine()  # it may hold other records under the same positions
        return self._catalogue

    def _elsewhere(self, why: str) -> Catalogue:
        """Make projections in a temporary folder that goes when the command ends."""
        self._tell(
            _("The catalogue cannot be used ({why}): making a temporary one.").format(why=why)
        )
        folder = tempfile.TemporaryDirectory(prefix="archiver-", ignore_cleanup_errors=True)
        self._place = Path(self._temporary.enter_context(folder))
        return self._open_catalogue()

    def _rebuild_catalogue(self) -> Catalogue:
        """Make a new catalogue beside the old one, then put it in its place."""
        from archiver.catalogue.replace import put_in_place, remove

        fresh = self._path.with_name("catalogue.new.sqlite")
        with self._feeding():
            remove(fresh)
            with contextlib.closing(self._open(fresh, False)) as catalogue:
                catalogue_up(self._evidence, catalogue, self._rules(), progress=self._progress)
            put_in_place(fresh, self._path)
        return self._open(self._path, False)

    # --- index ---------------------------------------------------------------------------------

    def _open_engine(self) -> Engine:
        catalogue = self.catalogue
        folder = self._index_folder(self._place / "search")
        try:
            engine: Engine = folder.open_current(self._evidence.archive_id)
        except EngineError as error:
            if self._place == self._evidence.root:
                self._tell(_("{why} Rebuilding the search index.").format(why=error))
            return self._rebuild_engine()
        if engine.position < catalogue.position and not self._fixed:
            with self._feeding():
                index_up(catalogue, engine, progress=self._progress)
        held, wanted = engine.count(), catalogue.count_records()
        if engine.position == catalogue.position and held == wanted:
            return engine
        self._tell(
            _(
                "The search index holds {index} records up to entry {position}, the catalogue "
                "{catalogue} up to entry {level}. Rebuilding the search index."
            ).format(
                index=held, position=engine.position, catalogue=wanted, level=catalogue.position
            )
        )
        engine.close()
        return self._rebuild_engine()

    def _rebuild_engine(self) -> Engine:
        if self._fixed:
            self.drop()
            self._catalogue = self._elsewhere(_("there is no usable search index beside it"))
        folder = self._index_folder(self._place / "search")
        with self._feeding():
            building = folder.begin(self._evidence.archive_id)
            index_up(self.catalogue, building.engine, progress=self._progress)
            return building.swap()

    @contextlib.contextmanager
    def _feeding(self) -> Iterator[None]:
        """Let one process at a time feed the projections; readers are never held up.

        Reasons are written in the archive's language, whoever runs the command: a rebuild by cron
        and one by a person must give the same catalogue.
        """
        with contextlib.ExitStack() as stack:
            if not self._evidence.read_only:
                stack.enter_context(self._evidence.projection_lock())
            stack.enter_context(_speaking(self._language()))
            yield


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
