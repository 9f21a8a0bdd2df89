"""Finding words, runs of words and beginnings of words in segments."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice

from index.analysis import STEMMED_FIELDS, Lexeme, Pattern, Run, pattern, positive_leaves
from index.engine import TEXT_FIELDS
from index.query import Prefix, Query, Textual
from index.segments.postings import SegmentReader, unpack
from index.segments.scoring import BOOSTS, Hits, relevance
from index.segments.segments import DocumentTable, Segment

Places = Sequence[Sequence[str]]
"""For each place of a run, the words that may stand there."""


@dataclass(frozen=True, slots=True)
class Part:
    """A segment that is open."""

    segment: Segment
    reader: SegmentReader
    documents: DocumentTable
    base: int
    """Number in the whole index of the segment's first document."""


class Search:
    """One search over all parts of an index; documents go by their number in the whole."""

    def __init__(self, parts: Sequence[Part], most_completions: int) -> None:
        self._parts = parts
        self._most = most_completions
        self._known: dict[Textual, Hits] = {}
        self.cut: set[str] = set()

    def everything(self) -> frozenset[int]:
        """Return all documents that are not gone."""
        return frozenset(
            part.base + number
            for part in self._parts
            for number in range(part.segment.documents)
            if number not in part.segment.gone
        )

    def numbers(self, leaf: Textual) -> frozenset[int]:
        """Return the documents that match LEAF, those that are gone included."""
        return self._hits(leaf).keys()

    def keys(self, found: AbstractSet[int]) -> dict[int, int]:
        """Return the keys of the documents FOUND, without those that are gone."""
        keys: dict[int, int] = {}
        for part in self._parts:
            base, table = part.base, part.documents.keys
            here = frozenset(found).intersection(range(base, base + len(table)))
            keys.update((n, table[n - base]) for n in here if n - base not in part.segment.gone)
        return keys

    def scores(self, query: Query, keys: Mapping[int, int]) -> dict[int, float]:
        """Score documents (number to key) by relevance; the answer goes by key."""
        lengths = {
            number: part.documents.lengths[number - part.base]
            for part in self._parts
            for number in keys.keys() & set(range(part.base, part.base + part.segment.documents))
        }
        documents = sum(part.segment.documents for part in self._parts)
        words = sum(sum(part.documents.lengths) for part in self._parts)
        scores = relevance(
            keys,
            [self._hits(leaf) for leaf in positive_leaves(query)],
            length=lengths.__getitem__,
            average=words / max(documents, 1),
            documents=documents,
        )
        return {keys[number]: score for number, score in scores.items()}

    def _hits(self, leaf: Textual) -> Hits:
        if (known := self._known.get(leaf)) is not None:
            return known
        found = self._known[leaf] = Hits()
        if (sought := pattern(leaf)) is not None:
            completions = self._completions(leaf, sought)
            for part in self._parts:
                here = hits_in(part.reader, sought, leaf.field, completions)
                _shift(found.exact, here.exact, part.base)
                _shift(found.stemmed, here.stemmed, part.base)
        return found

    def _completions(self, leaf: Textual, sought: Pattern) -> tuple[str, ...]:
        """Find the words that an open run may end in: the first in byte order, if too many."""
        if not isinstance(sought, Run) or not sought.open:
            return ()
        beginning, most = sought.words[-1], self._most
        found: set[str] = set()
        for part in self._parts:
            for name in fields_of(leaf.field):
                found.update(islice(part.reader.words_from(name, beginning), most + 1))
        if len(found) > most:
            self.cut.add(leaf.text if isinstance(leaf, Prefix) else beginning)
        return tuple(sorted(found, key=str.encode)[:most])


def _shift(found: dict[int, float], here: Mapping[int, float], base: int) -> None:
    if base:
        found.update((base + number, weight) for number, weight in here.items())
    else:
        found.update(here)


def fields_of(field: str | None) -> tuple[str, ...]:
    """Return the fields to look in; None means all of them."""
    return TEXT_FIELDS if field is None else (field,)


def hits_in(
    reader: SegmentReader, sought: Pattern, field: str | None, completions: Sequence[str]
) -> Hits:
    """Find SOUGHT in a segment; COMPLETIONS are the words that an open run may end in."""
    hits = Hits()
    for name in fields_of(field):
        match sought:
            case Lexeme(forms):
                _add_lexeme(hits, reader, name, forms)
            case Run(words, is_open):
                places = [(word,) for word in words[:-1]]
                last = completions if is_open else words[-1:]
                _add(hits.exact, _runs(reader, name, [*places, last]), BOOSTS.get(name, 1.0))
    return hits


def _add_lexeme(hits: Hits, reader: SegmentReader, name: str, forms: Sequence[str]) -> None:
    boost = BOOSTS.get(name, 1.0)
    _add(hits.exact, reader.counts(name, forms[0]), boost)
    if name in STEMMED_FIELDS:
        for form in forms:
            _add(hits.stemmed, reader.counts(name, form, stem=True), boost)
        for form in forms[1:]:
            _add(hits.stemmed, reader.counts(name, form), boost)


def _add(found: dict[int, float], counts: Mapping[int, float], boost: float) -> None:
    if not found and boost == 1.0:
        found.update(counts)
        return
    for document, times in counts.items():
        found[document] = found.get(document, 0.0) + times * boost


def _runs(reader: SegmentReader, name: str, places: Places) -> Mapping[int, float]:
    """Count how often words stand in PLACES next to each other, by document."""
    among: frozenset[int] | None = None
    found: dict[int, float] = {}
    for words in places:
        found = {}
        for word in words:
            _add(found, reader.counts(name, word), 1.0)
        among = frozenset(found) if among is None else among & found.keys()
        if not among:
            return {}
    if len(places) == 1 or among is None:
        return found
    starts = _starts(reader, name, places[0], 0, among)
    for offset, words in enumerate(places[1:], start=1):
        here = _starts(reader, name, words, offset, frozenset(starts))
        starts = {key: both for key in starts if (both := starts[key] & here.get(key, set()))}
    return {document: float(len(begins)) for document, begins in starts.items()}


def _starts(
    reader: SegmentReader, name: str, words: Sequence[str], offset: int, among: frozenset[int]
) -> dict[int, set[int]]:
    """Tell where a run begins that has one of WORDS at OFFSET."""
    starts: dict[int, set[int]] = {}
    for word in words:
        for document, packed in reader.places(name, word, among).items():
            begins = {position - offset for position in unpack(packed)}
            starts[document] = starts.get(document, set()) | begins
    return starts
