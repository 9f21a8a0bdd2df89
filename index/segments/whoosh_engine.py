"""Segments in the format of Whoosh 2.7.4 (codec W3); no other module imports Whoosh.

Whoosh is abandoned, so little of it is relied on: its dictionary of words and its blocks of
postings, written and read by its own code. Its index, its writer and its searcher are left alone:
they sort every posting, never reach the disk for certain, stall on merges and copy the whole index
when it is opened (docs/decisions/0001-search-engine.md).
"""

import mmap
import sys
import warnings
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar, Final

from index.segments.postings import Counts, Gathered, Places, count, pack, unpack
from index.segments.segment_engine import SegmentEngine
from index.segments.segments import damaged

with warnings.catch_warnings():
    # Python warns of Whoosh's code whenever it first compiles it, which users cannot mend.
    warnings.simplefilter("ignore")
    from whoosh.codec.whoosh3 import (
        W3Codec,
        W3FieldWriter,
        W3LeafMatcher,
        W3PostingsWriter,
        W3Segment,
    )
    from whoosh.fields import FieldType
    from whoosh.filedb.filestore import FileStorage
    from whoosh.filedb.structfile import StructFile
    from whoosh.formats import Existence, Positions

_Term = tuple[bytes, Sequence[int], Sequence[float], Sequence[bytes]]
"""A word, the documents that hold it, and for each its weight and its packed positions."""

_STEMS: Final = "~stems"
_DICTIONARY, _POSTINGS = ".trm", ".pst"


class PackedPositions(Positions):  # type: ignore[misc]  # Whoosh has no types
    """Positions as plain arrays of numbers, several times faster than Whoosh's pickles."""

    def encode(self, poslist: Sequence[int]) -> bytes:
        """Write rising positions."""
        return pack(poslist)

    def decode_positions(self, valuestring: bytes) -> list[int]:
        """Read what ``encode`` wrote."""
        return list(unpack(valuestring))

    def decode_frequency(self, valuestring: bytes) -> int:
        """How many positions there are."""
        return count(valuestring)


PLACES: Final = FieldType(PackedPositions(), None)
STEMS: Final = FieldType(Existence(), None)


class _Postings(W3PostingsWriter):  # type: ignore[misc]  # as above
    """Writes the postings of a word block by block instead of one by one."""

    def add_all(
        self, documents: Sequence[int], weights: Sequence[float], values: Sequence[bytes]
    ) -> None:
        """Write all postings of the word that was started."""
        last = len(documents)
        for start in range(0, last, self._blocklimit):
            stop = start + self._blocklimit
            self._ids = array("I", documents[start:stop])
            self._weights = array("f", weights[start:stop])
            self._values = values[start:stop]
            self._maxweight = max(self._weights)
            self._write_block(last=stop >= last)


class _FieldWriter(W3FieldWriter):  # type: ignore[misc]  # as above
    """Writes the dictionary and the postings of a segment, field by field."""

    def write_field(self, name: str, field: Any, terms: Iterable[_Term]) -> None:
        """Write a field; TERMS are (word, documents, weights, values) in byte order."""
        self.start_field(name, field)
        for word, documents, weights, values in terms:
            self.start_term(word)
            self._postwriter.add_all(documents, weights, values)
            self.finish_term()
        self.finish_field()


class _Matcher(W3LeafMatcher):  # type: ignore[misc]  # as above
    """Reads the postings of a word block by block."""

    documents = 0
    """How many documents hold the word: the dictionary says so."""

    def _blocks(self) -> Iterator[Sequence[int]]:
        """Give the documents of each block; raise ValueError unless all are there.

        The checksum of a block does not cover the number that says where the next one begins.
        """
        found = 0
        while True:
            self._read_ids()
            found += len(self._ids)
            yield self._ids
            if self._lastblock:
                break
            self._goto(self._nextoffset)
        if found != self.documents:
            raise ValueError(f"{found} postings instead of {self.documents}")

    def weighted(self) -> dict[int, float]:
        """Give the weight of each document."""
        found: dict[int, float] = {}
        for documents in self._blocks():
            self._read_weights()
            found.update(zip(documents, self._weights, strict=True))
        return found

    def placed(self, among: frozenset[int] | None = None) -> dict[int, bytes]:
        """Give the packed positions in each document (AMONG those, when given)."""
        found: dict[int, bytes] = {}
        for documents in self._blocks():
            if among is None or not among.isdisjoint(documents):
                self._read_values()
                found.update(zip(documents, self._values, strict=True))
        return found if among is None else {key: found[key] for key in among & found.keys()}


class _Codec(W3Codec):  # type: ignore[misc]  # as above
    """The stock format, by our writers and readers."""

    def postings_writer(self, dbfile: Any, byteids: bool = False) -> _Postings:  # noqa: FBT001, FBT002  (Whoosh's signature)
        return _Postings(dbfile, self._blocklimit, byteids=byteids)

    def field_writer(self, storage: Any, segment: Any) -> _FieldWriter:
        return _FieldWriter(self, storage, segment)

    def postings_reader(
        self,
        dbfile: Any,
        terminfo: Any,
        format_: Any,
        term: Any = None,
        scorer: Any = None,
    ) -> _Matcher:
        offset, length = terminfo.extent()
        matcher = _Matcher(dbfile, offset, length, format_, term=term, scorer=scorer)
        matcher.documents = terminfo.doc_frequency()
        return matcher


class _Mapped(StructFile):  # type: ignore[misc]  # as above
    """A file mapped into memory: opened without reading it."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as stream:
            empty = path.stat().st_size == 0
            self._buffer = BytesIO() if empty else _map(stream.fileno())
        super().__init__(self._buffer, name=path.name)

    def get(self, position: int, length: int) -> bytes:
        """Read LENGTH bytes at POSITION."""
        self._buffer.seek(position)
        return self._buffer.read(length)


def _map(descriptor: int) -> mmap.mmap:
    return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)


class _Storage(FileStorage):  # type: ignore[misc]  # as above
    """A folder whose files are mapped when read."""

    def open_file(self, name: str, **_options: Any) -> _Mapped:
        return _Mapped(Path(self.folder) / name)


@contextmanager
def _damage_in(path: Path) -> Iterator[None]:
    """Tell any failure to read as damage: altered bytes can make Whoosh raise anything."""
    try:
        yield
    except Exception as error:  # a wall: see above
        raise damaged(path, f"{type(error).__name__}: {error}") from error


class WhooshReader:
    """Reads a segment."""

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / f"{_segment(name).segment_id()}{_POSTINGS}"
        with _damage_in(self._path):
            self._terms = _Codec().terms_reader(_Storage(str(folder)), _segment(name))

    def counts(self, field: str, word: str, *, stem: bool = False) -> dict[int, float]:
        """Tell how often each document holds WORD."""
        term = (field + _STEMS if stem else field, word.encode())
        with _damage_in(self._path):
            if term not in self._terms:
                return {}
            found: dict[int, float] = self._matcher(*term).weighted()
            return found

    def places(self, field: str, word: str, among: frozenset[int]) -> dict[int, bytes]:
        """Give the packed positions of WORD."""
        term = (field, word.encode())
        with _damage_in(self._path):
            return self._matcher(*term).placed(among) if term in self._terms else {}

    def words_from(self, field: str, beginning: str) -> Iterator[str]:
        """Give the words of FIELD that start with BEGINNING."""
        start = beginning.encode()
        with _damage_in(self._path):
            for name, word in self._terms.terms_from(field, start):
                if name != field or not word.startswith(start):
                    return
                yield word.decode()

    def all_places(self, field: str) -> Iterator[tuple[bytes, Places]]:
        """Give all postings of FIELD."""
        for word, matcher in self._all(field):
            with _damage_in(self._path):
                found = matcher.placed()
            yield word, (list(found), list(found.values()))

    def all_counts(self, field: str) -> Iterator[tuple[bytes, Counts]]:
        """Give all postings of the stems of FIELD."""
        for word, matcher in self._all(field + _STEMS):
            with _damage_in(self._path):
                found = matcher.weighted()
            yield word, (list(found), [round(weight) for weight in found.values()])

    def _all(self, field: str) -> Iterator[tuple[bytes, _Matcher]]:
        with _damage_in(self._path):
            for name, word in self._terms.terms_from(field, b""):
                if name != field:
                    return
                yield word, self._matcher(name, word)

    def _matcher(self, field: str, word: bytes) -> _Matcher:
        kind = STEMS if field.endswith(_STEMS) else PLACES
        matcher: _Matcher = self._terms.matcher(field, word, kind.format)
        return matcher

    def close(self) -> None:
        """Release files."""
        self._terms.close()


def _segment(name: str) -> Any:
    return W3Segment(_Codec(), "words", segid=name)


class WhooshEngine(SegmentEngine):
    """A full-text index in one folder, in Whoosh's format."""

    NAME: ClassVar[str] = f"whoosh-w3-1-{sys.byteorder}"
    TRUSTED: ClassVar[frozenset[str]] = frozenset({_POSTINGS})
    """Each block of postings ends in the checksum of its compression (RFC 1950, Adler-32), and the
    dictionary, which is checked when the index is opened, says how many postings there must be."""

    def _write_words(self, name: str, gathered: Gathered) -> tuple[Path, ...]:
        segment = _segment(name)
        writer = _Codec().field_writer(FileStorage(str(self.folder)), segment)
        for field, held in gathered.places.items():
            writer.write_field(field, PLACES, _place_terms(held))
        for field, stems in gathered.stems.items():
            writer.write_field(field + _STEMS, STEMS, _stem_terms(stems))
        writer.close()
        suffixes = (_DICTIONARY, _POSTINGS)
        return tuple(self.folder / segment.make_filename(suffix) for suffix in suffixes)

    @classmethod
    def _read_words(cls, folder: Path, name: str) -> WhooshReader:
        return WhooshReader(folder, name)


def _place_terms(held: Mapping[bytes, Places]) -> Iterator[_Term]:
    for word in sorted(held):
        documents, values = held[word]
        yield word, documents, [float(count(packed)) for packed in values], values


def _stem_terms(held: Mapping[bytes, Counts]) -> Iterator[_Term]:
    for stem in sorted(held):
        documents, counts = held[stem]
        yield stem, documents, [float(times) for times in counts], ()
