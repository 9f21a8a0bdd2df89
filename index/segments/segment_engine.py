"""An engine on disk: segments in one folder, and a commit that names them.

What a segment looks like is left to a subclass (whoosh_engine.py). There is one writer at a
time (the caller holds a lock); readers keep the commit that they opened and are never blocked.
"""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from gettext import gettext as _
from pathlib import Path
from typing import ClassVar, Final, Self

from index.engine import Document, EngineError, IndexDamaged, Matches
from index.evaluation import evaluate
from index.query import Query
from index.segments.durable import checksum, sync_file, sync_folder
from index.segments.lookup import Part, Search
from index.segments.postings import MOST_POSTINGS, Gathered, SegmentReader
from index.segments.segments import (
    COMMIT,
    Commit,
    DocumentTable,
    FileMark,
    Segment,
    damaged,
    to_merge,
)

MOST_COMPLETIONS: Final = 2_000
"""Words that a prefix may stand for; beyond them the answer says that it is cut."""

_DOCUMENTS = ".docs"
_ATTEMPTS = 5


class SegmentEngine(ABC):
    """A full-text index in one folder. Opened by ``create`` or ``open``."""

    NAME: ClassVar[str]
    """Names the format on disk; an index of another name cannot be read."""
    TRUSTED: ClassVar[frozenset[str]] = frozenset()
    """Suffixes of files that carry checksums of their own, so that opening need not read them."""

    most_postings = MOST_POSTINGS
    most_completions = MOST_COMPLETIONS

    def __init__(self, folder: Path, commit: Commit, parts: tuple[Part, ...]) -> None:
        self.folder = folder
        self._commit = commit
        self._parts = parts
        self._changes: _Changes | None = None

    # What a subclass says about its segments.

    @abstractmethod
    def _write_words(self, name: str, gathered: Gathered) -> tuple[Path, ...]:
        """Write the segment NAME and return its files, not yet synced."""

    @classmethod
    @abstractmethod
    def _read_words(cls, folder: Path, name: str) -> SegmentReader:
        """Open the segment NAME."""

    # Opening and closing.

    @classmethod
    def create(cls, folder: Path) -> Self:
        """Make an empty index in FOLDER, which must not hold one."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if (folder / COMMIT).exists():
            raise EngineError(_("There is a search index in {folder}.").format(folder=folder))
        Commit(serial=0, position=0, segments=()).write(folder)
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the index in FOLDER; nothing is written.

        Raises IndexMissing, and IndexDamaged when files are gone, cut short or altered.
        """
        commit = Commit.read(folder)
        for _attempt in range(_ATTEMPTS):
            try:
                return cls(folder, commit, cls._open_parts(folder, commit))
            except IndexDamaged:
                newer = Commit.read(folder)
                if newer.serial == commit.serial:
                    raise
                commit = newer  # a writer replaced files while they were being opened
        return cls(folder, commit, cls._open_parts(folder, commit))

    @classmethod
    def _open_parts(
        cls, folder: Path, commit: Commit, known: Iterable[Part] = ()
    ) -> tuple[Part, ...]:
        open_already = {part.segment.name: part for part in known}
        parts: list[Part] = []
        base = 0
        for segment in commit.segments:
            if part := open_already.get(segment.name):
                parts.append(replace(part, segment=segment, base=base))
            else:
                parts.append(cls._open_part(folder, segment, base))
            base += segment.documents
        return tuple(parts)

    @classmethod
    def _open_part(cls, folder: Path, segment: Segment, base: int) -> Part:
        for mark in segment.files:
            _compare(folder / mark.name, mark, whole=Path(mark.name).suffix not in cls.TRUSTED)
        path = folder / f"{segment.name}{_DOCUMENTS}"
        try:
            table = DocumentTable.from_bytes(path.read_bytes(), segment.documents)
        except (OSError, ValueError) as error:
            raise damaged(path, str(error)) from error
        return Part(segment, cls._read_words(folder, segment.name), table, base)

    def check(self) -> None:
        """Read every byte of the last commit; raise IndexDamaged unless all is as it was written.

        Where a writer has committed meanwhile, that commit is what is read.
        """
        commit = self._commit
        while True:
            try:
                _check_files(self.folder, commit)
            except IndexDamaged:
                newer = Commit.read(self.folder)
                if newer.serial == commit.serial:
                    raise
                commit = newer
            else:
                return

    def close(self) -> None:
        """Release files; uncommitted additions are dropped."""
        for part in self._parts:
            part.reader.close()
        self._parts = ()
        if self._changes is not None:
            self._changes = None
            self._remove_leftovers()

    # Writing.

    def add(self, documents: Iterable[Document]) -> None:
        """Add or replace DOCUMENTS; seen by searches after ``commit``."""
        changes = self._begun()
        for document in documents:
            changes.add(document)
            if changes.gathered.postings >= self.most_postings:
                changes.flush(self._write_segment)

    def remove(self, keys: Iterable[int]) -> None:
        """Remove documents; unknown keys are no error."""
        changes = self._begun()
        for key in keys:
            changes.remove(key)

    def commit(self, *, position: int) -> None:
        """Make additions and removals visible and durable, all or nothing.

        Raises EngineError when another writer has committed since this index was opened. After
        any error the index on disk is as it was; close this engine and open it again.
        """
        if Commit.read(self.folder).serial != self._commit.serial:
            raise EngineError(
                _("Another process has written to the search index in {folder}.").format(
                    folder=self.folder
                )
            )
        segments = self._merged(self._changed_segments())
        sync_folder(self.folder)
        commit = Commit(serial=self._commit.serial + 1, position=position, segments=segments)
        commit.write(self.folder)
        self._changes = None
        self._reopen(commit)
        self._remove_leftovers()

    def _begun(self) -> "_Changes":
        if self._changes is None:
            self._changes = _Changes(f"s{self._commit.serial + 1:08x}")
        return self._changes

    def _changed_segments(self) -> list[Segment]:
        changes = self._changes
        if changes is None:
            return list(self._commit.segments)
        changes.flush(self._write_segment)
        kept = [
            replace(part.segment, gone=part.segment.gone | changes.gone_from(part))
            for part in self._parts
        ]
        return [segment for segment in (*kept, *changes.segments()) if segment.live]

    def _merged(self, segments: list[Segment]) -> tuple[Segment, ...]:
        chosen = to_merge(segments, most_postings=self.most_postings)
        if not chosen:
            return tuple(segments)
        known = {part.segment.name: part for part in self._parts}
        gathered = Gathered()
        for segment in chosen:
            part = known.get(segment.name) or self._open_part(self.folder, segment, 0)
            table = part.documents
            gathered.absorb(part.reader, table.keys, table.lengths, segment.gone)
            if segment.name not in known:
                part.reader.close()
        written = self._write_segment(self._begun().next_name(), gathered)
        return (*(segment for segment in segments if segment not in chosen), written)

    def _write_segment(self, name: str, gathered: Gathered) -> Segment:
        table = self.folder / f"{name}{_DOCUMENTS}"
        table.write_bytes(DocumentTable(gathered.keys, gathered.lengths).to_bytes())
        paths = (table, *self._write_words(name, gathered))
        for path in paths:
            sync_file(path)
        return Segment(
            name=name,
            documents=len(gathered.keys),
            postings=gathered.postings,
            files=tuple(
                FileMark(name=path.name, size=path.stat().st_size, crc=checksum(path))
                for path in paths
            ),
        )

    def _reopen(self, commit: Commit) -> None:
        before = self._parts
        self._parts = self._open_parts(self.folder, commit, before)
        self._commit = commit
        kept = {part.segment.name for part in self._parts}
        for part in before:
            if part.segment.name not in kept:
                part.reader.close()

    def _remove_leftovers(self) -> None:
        """Remove files that no commit names: replaced ones, and those of a writer that died."""
        named = {mark.name for segment in self._commit.segments for mark in segment.files}
        for path in self.folder.iterdir():
            if path.name not in named and path.name != COMMIT:
                # Windows keeps a file that a reader has open: the next commit removes it.
                with contextlib.suppress(OSError):
                    path.unlink()

    # Reading.

    @property
    def position(self) -> int:
        """The mark of the last commit; 0 for a new index."""
        return self._commit.position

    def count(self) -> int:
        """How many documents the index holds, read back from its tables of documents."""
        return sum(len(part.documents.keys) - len(part.segment.gone) for part in self._parts)

    def keys(self) -> Iterator[int]:
        """Give the keys of all documents, in no order."""
        for part in self._parts:
            for number, key in enumerate(part.documents.keys):
                if number not in part.segment.gone:
                    yield key

    def search(self, query: Query, *, scored: bool = False) -> Matches:
        """Find all documents that match QUERY, which must hold textual nodes only.

        Raises IndexDamaged when a part of the index that is needed cannot be read.
        """
        search = Search(self._parts, self.most_completions)
        found = evaluate(query, leaf=search.numbers, everything=search.everything)
        keys = search.keys(found)
        return Matches(
            keys=frozenset(keys.values()),
            scores=search.scores(query, keys) if scored else {},
            cut=tuple(sorted(search.cut)),
        )


def _check_files(folder: Path, commit: Commit) -> None:
    for segment in commit.segments:
        for mark in segment.files:
            _compare(folder / mark.name, mark, whole=True)


def _compare(path: Path, mark: FileMark, *, whole: bool) -> None:
    """Raise IndexDamaged unless PATH is like MARK: by its size, and by every byte if WHOLE."""
    try:
        if path.stat().st_size != mark.size:
            raise damaged(path, _("it is not as long as it was written"))
        if whole and checksum(path) != mark.crc:
            raise damaged(path, _("its bytes have changed"))
    except FileNotFoundError as error:
        raise damaged(path, _("it is missing")) from error
    except OSError as error:
        raise damaged(path, str(error)) from error


class _Changes:
    """What was added and removed since the last commit."""

    def __init__(self, stem: str) -> None:
        self.gathered = Gathered()
        self._stem = stem
        self._names = 0
        self._written: list[Segment] = []
        self._gone: list[set[int]] = [set()]
        self._where: dict[int, tuple[int, int]] = {}
        self._replaced: set[int] = set()

    def next_name(self) -> str:
        self._names += 1
        return f"{self._stem}n{self._names:04x}"

    def add(self, document: Document) -> None:
        self.remove(document.key)
        number = self.gathered.add(document)
        self._where[document.key] = (len(self._written), number)

    def remove(self, key: int) -> None:
        self._replaced.add(key)
        if where := self._where.pop(key, None):
            segment, number = where
            self._gone[segment].add(number)

    def flush(self, write: Callable[[str, Gathered], Segment]) -> None:
        """Write what was gathered as a segment, which no commit names yet."""
        if self.gathered.keys:
            self._written.append(write(self.next_name(), self.gathered))
            self._gone.append(set())
            self.gathered = Gathered()

    def segments(self) -> Iterator[Segment]:
        for segment, gone in zip(self._written, self._gone, strict=False):
            yield replace(segment, gone=frozenset(gone))

    def gone_from(self, part: Part) -> frozenset[int]:
        """Tell which documents of a committed PART are removed or replaced."""
        if not self._replaced:
            return frozenset()
        keys = part.documents.keys
        return frozenset(number for number, key in enumerate(keys) if key in self._replaced)
