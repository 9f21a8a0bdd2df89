"""Postings: which documents hold a word, how often, and where; gathered in memory by word."""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol, TypeVar

from index.analysis import STEMMED_FIELDS, forms, pieces, words
from index.engine import TEXT_FIELDS, Document

MOST_POSTINGS: Final = 4_000_000
"""Postings gathered before a segment is written: 200 to 300 MB of memory."""

_Value = TypeVar("_Value")
_CACHED_WORDS = 500_000
_SHORT = 1 << 16
_AT_ONCE = 1_000_000  # characters

Places = tuple[list[int], list[bytes]]
"""Documents that hold a word, in order, and its packed positions in each."""
Counts = tuple[list[int], list[int]]
"""Documents that hold a stem, in order, and how often each does."""


def pack(positions: Sequence[int]) -> bytes:
    """Write rising positions as 16-bit numbers, or with a leading zero byte as 32-bit ones.

    The byte order is the machine's: the name of the format tells which (``WhooshEngine.NAME``).
    """
    if positions[-1] < _SHORT:
        return array("H", positions).tobytes()
    return b"\0" + array("I", positions).tobytes()


def unpack(packed: bytes) -> "array[int]":
    """Read what ``pack`` wrote; an odd length tells the wide form."""
    wide = len(packed) % 2
    positions = array("I" if wide else "H")
    positions.frombytes(packed[wide:])
    return positions


def count(packed: bytes) -> int:
    """How many positions are packed."""
    return (len(packed) - 1) // 4 if len(packed) % 2 else len(packed) // 2


class SegmentReader(Protocol):
    """Reads one segment of an index; documents go by their number in it.

    Whatever cannot be read raises IndexDamaged.
    """

    def counts(self, field: str, word: str, *, stem: bool = False) -> dict[int, float]:
        """Tell how often each document holds WORD, folded, in FIELD; or holds that stem."""

    def places(self, field: str, word: str, among: frozenset[int]) -> dict[int, bytes]:
        """Give the packed positions of WORD in those documents AMONG that hold it."""

    def words_from(self, field: str, beginning: str) -> Iterator[str]:
        """Give the words of FIELD that start with BEGINNING, in byte order."""

    def all_places(self, field: str) -> Iterator[tuple[bytes, Places]]:
        """Give all postings of FIELD by word, in byte order, for writing them anew."""

    def all_counts(self, field: str) -> Iterator[tuple[bytes, Counts]]:
        """Give all postings of the stems of FIELD, likewise."""

    def close(self) -> None:
        """Release files."""


class _Encoded(dict[str, tuple[bytes, ...]]):
    """``forms`` as bytes, forgotten all at once when there are too many."""

    def __missing__(self, word: str) -> tuple[bytes, ...]:
        if len(self) >= _CACHED_WORDS:
            self.clear()
        found = self[word] = tuple(form.encode() for form in forms(word))
        return found


_encoded = _Encoded()
_single: list[bytes] = []


class Gathered:
    """The postings of a segment in the making."""

    def __init__(self) -> None:
        self.places: dict[str, dict[bytes, Places]] = {name: {} for name in TEXT_FIELDS}
        self.stems: dict[str, dict[bytes, Counts]] = {name: {} for name in TEXT_FIELDS}
        self.keys: array[int] = array("q")
        self.lengths: array[int] = array("I")
        self.postings = 0

    def add(self, document: Document) -> int:
        """Take DOCUMENT in and return its number."""
        number, length = len(self.keys), 0
        for name in TEXT_FIELDS:
            text = document.fields.get(name, "")
            if text:
                counted, positions = words_of(text)
                length += counted.total()
                self._add_places(name, number, positions)
                if name in STEMMED_FIELDS:
                    self._add_stems(name, number, counted)
        self.keys.append(document.key)
        self.lengths.append(length)
        return number

    def _add_places(self, name: str, number: int, positions: Mapping[bytes, Sequence[int]]) -> None:
        held, single = self.places[name], _single or _fill_single()
        self.postings += len(positions)
        for word, at_ in positions.items():
            packed = single[at_[0]] if len(at_) == 1 and at_[0] < _SHORT else pack(at_)
            try:
                documents, values = held[word]
            except KeyError:
                held[word] = ([number], [packed])
            else:
                documents.append(number)
                values.append(packed)

    def _add_stems(self, name: str, number: int, counted: Mapping[str, int]) -> None:
        occurrences: dict[bytes, int] = {}
        for word, times in counted.items():
            for stem in _encoded[word][1:]:
                occurrences[stem] = occurrences.get(stem, 0) + times
        held = self.stems[name]
        self.postings += len(occurrences)
        for stem, times in occurrences.items():
            try:
                documents, counts = held[stem]
            except KeyError:
                held[stem] = ([number], [times])
            else:
                documents.append(number)
                counts.append(times)

    def absorb(
        self,
        reader: SegmentReader,
        keys: Sequence[int],
        lengths: Sequence[int],
        gone: frozenset[int],
    ) -> None:
        """Take in the documents of a segment that is written anew, but for those GONE."""
        numbers: dict[int, int] = {}
        for old, key in enumerate(keys):
            if old not in gone:
                numbers[old] = len(self.keys)
                self.keys.append(key)
                self.lengths.append(lengths[old])
        for name in TEXT_FIELDS:
            for word, (documents, values) in reader.all_places(name):
                self._absorb(self.places[name], word, numbers, zip(documents, values, strict=True))
            for word, (documents, counts) in reader.all_counts(name):
                self._absorb(self.stems[name], word, numbers, zip(documents, counts, strict=True))

    def _absorb(
        self,
        held: dict[bytes, tuple[list[int], list[_Value]]],
        word: bytes,
        numbers: dict[int, int],
        postings: Iterable[tuple[int, _Value]],
    ) -> None:
        kept = [(numbers[old], value) for old, value in postings if old in numbers]
        if not kept:
            return
        self.postings += len(kept)
        documents, values = held.setdefault(word, ([], []))
        documents.extend(number for number, _value in kept)
        values.extend(value for _number, value in kept)


def _positions(found: Iterable[str], first: int = 0) -> dict[bytes, list[int]]:
    """Tell where each word stands among those FOUND, the first of which stands at FIRST."""
    positions: dict[bytes, list[int]] = {}
    for at, encoded in enumerate(map(_encoded.__getitem__, found), first):
        try:
            positions[encoded[0]].append(at)
        except KeyError:
            positions[encoded[0]] = [at]
    return positions


def words_of(
    text: str, at_once: int = _AT_ONCE
) -> tuple[Counter[str], Mapping[bytes, Sequence[int]]]:
    """Count the words of TEXT and tell where each stands, folded and as UTF-8.

    They are held in memory for AT_ONCE characters at a time, however long the text is.
    """
    if len(text) <= at_once:
        found = words(text)
        return Counter(found), _positions(found)
    counted: Counter[str] = Counter()
    positions: dict[bytes, array[int]] = {}
    first = 0
    for piece in pieces(text, at_once):
        found = words(piece)
        for word, places in _positions(found, first).items():
            positions.setdefault(word, array("I")).extend(places)
        counted.update(found)
        first += len(found)
    return counted, positions


def _fill_single() -> list[bytes]:
    """Make the packed forms of all single short positions, which most postings share."""
    _single.extend(pack([position]) for position in range(_SHORT))
    return _single
