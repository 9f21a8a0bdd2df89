"""Catalogue and search index: opened, brought level with the journal, rebuilt when they must be.

Whatever is wrong with them is told and mended from the originals. On read-only media they are
made in a temporary folder when the ones there cannot be used.
"""

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from gettext import gettext as _
from gettext import ngettext
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from archiver.catalogue.catalogue import Catalogue, CatalogueUnusable
from archiver.errors import LockedError, OperationError
from archiver.evidence.disk import told
from archiver.evidence.store import Evidence
from archiver.model.digest import Position
from archiver.pipeline.level import (
    Rules,
    can_be_filled,
    catalogue_up,
    gaps,
    index_up,
    is_level,
    is_of,
)
from archiver.pipeline.progress import Progress
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
        self._insist = False
        self._distrust = ""
        self._left_to_another = False

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue, level with the journal."""
        if self._catalogue is None:
            self._catalogue = self._open_catalogue()
            self._tell_gaps(self._catalogue)
        return self._catalogue

    @property
    def engine(self) -> Engine:
        """The search index, level with the catalogue."""
        if self._engine is None:
            self._engine = self._open_engine()
        return self._engine

    @property
    def gaps(self) -> tuple[Position, ...]:
        """Records whose object could not be read."""
        return gaps(self.catalogue)

    def require_whole(self) -> None:
        """Raise OperationError when a record cannot be read: nobody knows what it would add."""
        if self.gaps:
            raise OperationError(
                _tell_of(len(self.gaps)),
                advice=_(
                    "Put the objects that `archiver verify` names back from a backup, then run "
                    "the command again."
                ),
            )

    def _tell_gaps(self, catalogue: Catalogue) -> None:
        if missing := gaps(catalogue):
            self._tell(_tell_of(len(missing)) + " " + _("`archiver verify` says which."))

    @property
    def left_to_another(self) -> bool:
        """Whether another process was found bringing them level: counts may differ until then."""
        return self._left_to_another

    def ask(self, question: Callable[[Engine], T]) -> T:
        """Ask the search index; damage that only shows now is told, mended, and asked again.

        QUESTION is asked anew after mending, so it must take the catalogue afresh and change
        nothing by itself.
        """
        return self._mending(lambda: question(self.engine))

    def look_up(self, question: Callable[[Catalogue], T]) -> T:
        """Ask the catalogue alone; as ``ask``."""
        return self._mending(lambda: question(self.catalogue))

    def _mending(self, question: Callable[[], T]) -> T:
        """Ask, and mend what turns out to be damaged: each of both once, then errors are told."""
        for _attempt in range(2):
            try:
                return question()
            except EngineError as error:
                self._drop_engine()
                self._distrust = str(error)
            except CatalogueUnusable as error:
                self.drop()
                self._remade(str(error))
        return question()

    def level(self, *, insist: bool = False) -> None:
        """Bring both level with the journal, which may have grown since they were opened.

        If another process is doing so, leave it to that one; with INSIST wait for it, and raise
        LockedError when it takes too long.
        """
        self._insist = insist
        self.drop()
        self._mending(lambda: self.engine.count())  # noqa: PLW0108  opened where errors are met

    def rebuild(self) -> None:
        """Throw both away and make them again from the originals.

        Raises OperationError on read-only media.
        """
        if self._evidence.read_only:
            raise OperationError(
                _("The archive {root} is on read-only media: nothing can be rebuilt there.").format(
                    root=self._evidence.root
                ),
                advice=_("Copy the whole folder to a disk that can be written; rebuild the copy."),
            )
        self.drop()
        self._catalogue = self._rebuild_catalogue()
        self._engine = self._rebuild_engine()
        self._tell_gaps(self._catalogue)

    def forget(self) -> None:
        """Remove both from the disk, with all that SQLite and rebuilds keep beside them.

        The next use makes them again. Raises LockedError when another process feeds them, and
        OperationError when a file cannot be removed.
        """
        from archiver.catalogue.replace import remove

        self.drop()
        with contextlib.ExitStack() as stack:
            if not self._evidence.read_only:
                stack.enter_context(self._evidence.projection_lock(wait=True))
            stack.enter_context(told(self._place))
            self._index_folder(self._place / "search").remove()
            for name in ("catalogue.new.sqlite", "catalogue.sqlite"):
                remove(self._place / name)
            self._evidence.disk.sync_folder(self._place)

    def drop(self) -> None:
        """Close what is open; the next use opens it again."""
        self._drop_engine()
        if self._catalogue is not None:
            self._catalogue.close()
            self._catalogue = None

    def _drop_engine(self) -> None:
        if self._engine is not None:
            self._engine.close()
            self._engine = None

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
        try:
            catalogue = self._usable_catalogue()
        except CatalogueUnusable as error:
            return self._remade(str(error))
        try:
            with _closed_on_error(catalogue):
                if not is_level(self._evidence, catalogue, self._rules()):
                    with self._feeding_if_free() as free:
                        if free:
                            catalogue_up(
                                self._evidence, catalogue, self._rules(), progress=self._progress
                            )
        except CatalogueUnusable as error:  # it holds what was erased since
            return self._remade(str(error))
        return catalogue

    def _usable_catalogue(self) -> Catalogue:
        if not self._path.is_file():
            raise CatalogueUnusable(_("it is missing"))
        catalogue = self._open(self._path, self._fixed)
        with _closed_on_error(catalogue):
            if why := self._why_not(catalogue):
                raise CatalogueUnusable(why)
        return catalogue

    def _why_not(self, catalogue: Catalogue) -> str:
        """Say why a catalogue that could be opened is of no use; empty when it is."""
        if not is_of(self._evidence, catalogue):
            return _("it was made from another journal, or a later state of this one")
        if (missing := gaps(catalogue)) and can_be_filled(self._evidence, missing):
            return _("objects that could not be read are back")
        if self._fixed and not is_level(self._evidence, catalogue, self._rules()):
            return _("it is behind the journal, and nothing can be written here")
        return ""

    def _remade(self, why: str) -> Catalogue:
        """Make both projections again: the index was fed from the catalogue that cannot be used."""
        if self._fixed:
            self._tell(
                _("The catalogue cannot be used ({why}): making a temporary one.").format(why=why)
            )
            folder = tempfile.TemporaryDirectory(prefix="archiver-", ignore_cleanup_errors=True)
            self._place = Path(self._temporary.enter_context(folder))
        else:
            self._tell(_("The catalogue cannot be used ({why}): rebuilding it.").format(why=why))
            self.forget()
        self._catalogue = self._rebuild_catalogue()
        self._engine = self._rebuild_engine()
        return self._catalogue

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
        if self._engine is not None:  # made together with the catalogue
            return self._engine
        try:
            self._refuse_distrusted()
            engine = self._current_engine()
            return engine if _agree(catalogue, engine) else self._levelled(engine)
        except EngineError as error:
            self._tell(_("{why} Rebuilding the search index.").format(why=error))
            return self._rebuild_engine()

    def _refuse_distrusted(self) -> None:
        """Raise EngineError once for an index that turned out to be damaged while answering."""
        why, self._distrust = self._distrust, ""
        if why:
            raise EngineError(why)

    def _levelled(self, engine: Engine) -> Engine:
        """Bring an index that is behind level; one that then does not agree is made again."""
        if not self._fixed:
            with self._feeding_if_free() as free:
                if not free:
                    return engine
                # Another process may have brought it level while this one waited.
                engine.close()
                engine = self._current_engine()
                index_up(self.catalogue, engine, progress=self._progress)
            if _agree(self.catalogue, engine):
                return engine
        self._tell(
            _(
                "The search index holds {index} records, the catalogue {catalogue}. "
                "Rebuilding the search index."
            ).format(index=engine.count(), catalogue=self.catalogue.count_records())
        )
        engine.close()
        return self._rebuild_engine()

    def _current_engine(self) -> Engine:
        folder = self._index_folder(self._place / "search")
        return folder.open_current(self._evidence.archive_id)

    def _rebuild_engine(self) -> Engine:
        if self._fixed:
            self.drop()
            self._remade(_("there is no usable search index beside it"))
            return self.engine
        folder = self._index_folder(self._place / "search")
        with self._feeding():
            building = folder.begin(self._evidence.archive_id)
            index_up(self.catalogue, building.engine, progress=self._progress)
            return building.swap()

    @contextlib.contextmanager
    def _feeding(self, *, wait: bool = True) -> Iterator[None]:
        """Let one process at a time feed the projections; readers are never held up.

        Reasons are written in the archive's language, whoever runs the command: a rebuild by cron
        and one by a person must give the same catalogue.
        """
        with contextlib.ExitStack() as stack:
            if not self._evidence.read_only:
                stack.enter_context(self._evidence.projection_lock(wait=wait))
            stack.enter_context(_speaking(self._language()))
            yield

    @contextlib.contextmanager
    def _feeding_if_free(self) -> Iterator[bool]:
        """Feed, unless another process is at it: a search then goes on with what there is.

        That process takes in whatever is journalled meanwhile, so nothing is left undone.
        """
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(self._feeding(wait=self._insist))
            except LockedError:
                if self._insist:
                    raise
                if not self._left_to_another:
                    self._tell(
                        _("Another process is indexing: its newest mail is not searched yet.")
                    )
                self._left_to_another = True
                yield False
            else:
                yield True


def _tell_of(count: int) -> str:
    return ngettext(
        "{n} record cannot be read: its object is missing or damaged.",
        "{n} records cannot be read: their objects are missing or damaged.",
        count,
    ).format(n=count)


@contextlib.contextmanager
def _closed_on_error(catalogue: Catalogue) -> Iterator[None]:
    """Close the catalogue when something fails before anybody holds it."""
    try:
        yield
    except BaseException:
        catalogue.close()
        raise


def _agree(catalogue: Catalogue, engine: Engine) -> bool:
    """Tell whether the index holds what the catalogue holds, as far as counts can tell."""
    return engine.position == catalogue.position and engine.count() == catalogue.count_records()


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
