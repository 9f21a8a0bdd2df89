"""The folder of a search index: whole indexes side by side, and which of them is the current one.

A rebuild writes a new generation beside the current one and swaps it in when it is complete, so
that searches go on meanwhile and a crash leaves the old index. ``current.json`` says whose index
it is and how it was made; nothing of an index is read before that was found to be ours. The seal
that tells a forged index from our own belongs into the same file.
"""

import contextlib
import shutil
from dataclasses import dataclass
from gettext import gettext as _
from pathlib import Path
from typing import ClassVar, Final, Protocol, Self

from index.analysis import SIGNATURE
from index.engine import (
    Engine,
    EngineError,
    IndexDamaged,
    IndexForeign,
    IndexMissing,
)
from index.segments.durable import read_checked, sync_folder, write_checked

__all__ = [
    "Building",
    "FolderEngine",
    "IndexDamaged",
    "IndexFolder",
    "IndexForeign",
    "IndexMissing",
]

CURRENT: Final = "current.json"
_SCHEMA: Final = 1
_ATTEMPTS = 5


class FolderEngine(Engine, Protocol):
    """An engine that keeps its index in a folder."""

    NAME: ClassVar[str]
    """Names the format on disk."""

    @classmethod
    def create(cls, folder: Path) -> Self:
        """Make an empty index in FOLDER."""

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the index in FOLDER."""


class IndexFolder:
    """A folder of generations (``search/`` in an archive)."""

    def __init__(self, folder: Path, kind: type[FolderEngine] | None = None) -> None:
        """Use FOLDER, which need not exist, for indexes of that KIND (else Whoosh's)."""
        self.folder = folder
        self._kind = kind

    def open_current(self, archive_id: str) -> FolderEngine:
        """Open the current index of the archive with this identity; nothing is written.

        Raises IndexMissing, IndexDamaged and IndexForeign, each with a message for users: the
        index must then be rebuilt (``begin``).
        """
        generation = self._current(archive_id)
        for _attempt in range(_ATTEMPTS):
            try:
                return self._engine().open(self.folder / generation)
            except EngineError as error:
                newer = self._current(archive_id)
                if newer == generation:
                    raise _as_damage(error) from error
                generation = newer  # a rebuild replaced the index while it was being opened
        return self._engine().open(self.folder / generation)

    def remove(self) -> None:
        """Remove the folder with every generation, if it exists; raises OSError."""
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.folder)

    def begin(self, archive_id: str) -> "Building":
        """Begin a new, empty generation for the archive with this identity.

        Feed its engine, commit it, count it, then ``swap``; until then ``open_current`` gives the
        old one. What an interrupted rebuild left behind is removed.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        current = self._named()
        self._remove_others(current)
        names = [*self._generations(), *([current] if current else [])]
        generation = f"g{max((int(name[1:]) for name in names), default=0) + 1:06d}"
        engine = self._engine().create(self.folder / generation)
        return Building(self, generation, archive_id, engine)

    def make_current(self, generation: str, archive_id: str) -> None:
        """Make that GENERATION the current one, and remove the others (``Building.swap``)."""
        sync_folder(self.folder)
        write_checked(
            self.folder / CURRENT,
            {
                "schema": _SCHEMA,
                "engine": self._engine().NAME,
                "analysis": SIGNATURE,
                "archive": archive_id,
                "generation": generation,
            },
        )
        self._remove_others(generation)

    def _engine(self) -> type[FolderEngine]:
        if self._kind is None:
            from index.segments.whoosh_engine import WhooshEngine

            self._kind = WhooshEngine
        return self._kind

    def _current(self, archive_id: str) -> str:
        """Return the name of the current generation after checking that it is ours."""
        path = self.folder / CURRENT
        try:
            values = read_checked(path)
        except FileNotFoundError as error:
            raise IndexMissing(_("There is no search index yet.")) from error
        except (OSError, ValueError) as error:
            raise IndexDamaged(
                _("The search index is damaged: {path} cannot be read ({reason}).").format(
                    path=path, reason=error
                )
            ) from error
        if values.get("schema") != _SCHEMA:
            raise IndexForeign(_("The search index was made by another version of the archiver."))
        if values.get("archive") != archive_id:
            raise IndexForeign(_("The search index belongs to another archive."))
        if (values.get("engine"), values.get("analysis")) != (self._engine().NAME, SIGNATURE):
            raise IndexForeign(
                _("The search index was made by another search engine or another version of it.")
            )
        return _generation(path, values.get("generation"))

    def _named(self) -> str | None:
        """Return the generation that ``current.json`` names, whosever it is."""
        try:
            return _generation(
                self.folder / CURRENT, read_checked(self.folder / CURRENT)["generation"]
            )
        except (OSError, ValueError, KeyError, IndexDamaged):
            return None

    def _generations(self) -> list[str]:
        return [path.name for path in self.folder.iterdir() if _is_generation(path.name)]

    def _remove_others(self, kept: str | None) -> None:
        for name in self._generations():
            if name != kept:
                # Windows keeps what a reader has open: the next rebuild removes it.
                with contextlib.suppress(OSError):
                    shutil.rmtree(self.folder / name)


@dataclass(frozen=True, slots=True)
class Building:
    """A generation in the making."""

    folder: IndexFolder
    generation: str
    archive_id: str
    engine: FolderEngine

    def swap(self) -> FolderEngine:
        """Make this generation the current one, durably, and return its engine for searching."""
        self.folder.make_current(self.generation, self.archive_id)
        return self.engine


def _is_generation(name: str) -> bool:
    return name.startswith("g") and name[1:].isascii() and name[1:].isdigit()


def _generation(path: Path, name: object) -> str:
    """Accept the name of a generation only: nothing may lead out of the folder."""
    if not isinstance(name, str) or not _is_generation(name):
        raise IndexDamaged(
            _("The search index is damaged: {path} names no generation.").format(path=path)
        )
    return name


def _as_damage(error: EngineError) -> EngineError:
    """Tell a generation that is named and not there as damage."""
    return IndexDamaged(str(error)) if isinstance(error, IndexMissing) else error
