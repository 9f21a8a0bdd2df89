"""What a word is: one analysis for all engines, for queries and for highlights.

A text is a sequence of tokens. A token is indexed *folded* (no accents, no case) and, in fields of
prose, under the *stems* that French and English give it. Language is never detected: index and
query would disagree (docs/decisions/0001-search-engine.md).
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final, NamedTuple

from index.query import And, Not, Or, Phrase, Prefix, Query, Textual, Word

try:
    import Stemmer
except ImportError:  # pragma: no cover  (PyStemmer is a requirement; without it words still match)
    _STEMMERS: tuple["Stemmer.Stemmer", ...] = ()
    _STEMMER_NAME = "none"
else:
    _STEMMERS = (Stemmer.Stemmer("french", 0), Stemmer.Stemmer("english", 0))
    _STEMMER_NAME = f"snowball-{Stemmer.version()}"

SIGNATURE: Final = f"words-2 {_STEMMER_NAME}"
"""Names this analysis: an index made under another signature must be rebuilt."""

STEMMED_FIELDS: Final = frozenset({"subject", "body", "attachment", "filename"})
"""Fields of prose. Names of people are matched as written: Marie is not Marius."""

MAX_WORD: Final = 64
"""Characters of a word that count; longer ones are told apart by their beginning only."""

MAX_MARKED: Final = 2_000_000
"""Tokens of a text in which ``spans`` marks hits (about 4,000 pages); indexed are all of them."""

_CACHED_WORDS = 200_000
_STEMMABLE = range(3, 41)

# Letters of scripts whose words are not set apart: each one is a token. Hangul has spaces.
_IDEOGRAPHS = (
    "\u3005\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff"
)
# Marks that belong to the letter before them, though Python's \w leaves them out, and invisible
# characters that hyphenation and web pages put into words. Blocks of Indian scripts are taken whole
# but for their punctuation.
_MARKS = (
    "\u00ad\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"
    "\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed"
    "\u0900-\u0963\u0966-\u096f\u0971-\u0df3\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc"
    "\u0ec8-\u0ece\u102b-\u103e\u17b4-\u17d3\u1ab0-\u1ace\u1dc0-\u1dff\u200c\u200d\u2060"
    "\u20d0-\u20f0\u3099\u309a\ufe00-\ufe0f\ufe20-\ufe2f\ufeff\uff9e\uff9f"
)
_WORD = re.compile(rf"[^\W_\u02bc]+(?:[{_MARKS}]+[^\W_\u02bc]*)*")
_IDEOGRAPH = re.compile(f"[{_IDEOGRAPHS}]")
_PIECE = re.compile(f"[{_IDEOGRAPHS}][{_MARKS}]*|[^{_IDEOGRAPHS}]+")
_BETWEEN_WORDS = re.compile(rf"[\s.,;:!?'-]|[{_IDEOGRAPHS}]")
"""Where a text can be cut, before the character that is found, without cutting a word."""
_MOST_AT_ONCE = 1_000_000

_VOICED_MARKS = "\u3099\u309a"  # they make another consonant: not an accent
_DROPPED_CATEGORIES = frozenset({"Cf", "Me"})
_LETTERS = str.maketrans(
    {
        "œ": "oe",
        "æ": "ae",
        "ø": "o",
        "ð": "d",
        "đ": "d",
        "ł": "l",
        "\u0131": "i",
        "þ": "th",
        "ħ": "h",
    }
)


class Token(NamedTuple):
    """A word of a text and where it stands (offsets in characters)."""

    text: str
    start: int
    end: int


def tokens(text: str) -> Iterator[Token]:
    """Find the words of TEXT: runs of letters and digits; each ideograph or kana by itself.

    Whatever is not a letter or a digit parts words: apostrophes, hyphens, underscores, ``@``.
    """
    for match in _WORD.finditer(text):
        word, start = match.group(), match.start()
        if word.isascii() or not _IDEOGRAPH.search(word):
            yield Token(word, start, match.end())
            continue
        for piece in _PIECE.finditer(word):
            yield Token(piece.group(), start + piece.start(), start + piece.end())


def words(text: str) -> list[str]:
    """Return the texts of ``tokens``: the fast way for whole documents."""
    if text.isascii() or not _IDEOGRAPH.search(text):
        found: list[str] = _WORD.findall(text)
        return found
    return [token.text for token in tokens(text)]


def pieces(text: str, most: int = _MOST_AT_ONCE) -> Iterator[str]:
    """Cut TEXT between words into pieces of about MOST characters, so that each fits in memory.

    The words of the pieces are those of the text. An absurdly long word makes a longer piece.
    """
    start = 0
    while len(text) - start > most and (found := _BETWEEN_WORDS.search(text, start + most)):
        yield text[start : found.start()]
        start = found.start()
    yield text[start:] if start else text


def fold(word: str) -> str:
    """Return WORD without accents, case and other ornament (``Œuvré`` gives ``oeuvre``)."""
    word = word[:MAX_WORD]
    if word.isascii():
        return word.lower()
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word).casefold())
    kept = "".join(character for character in decomposed if not _is_ornament(character))
    return unicodedata.normalize("NFC", kept.translate(_LETTERS))[:MAX_WORD] or word.lower()


def _is_ornament(character: str) -> bool:
    if character in _VOICED_MARKS:
        return False
    return (
        unicodedata.combining(character) != 0
        or unicodedata.category(character) in _DROPPED_CATEGORIES
        or "\ufe00" <= character <= "\ufe0f"
    )


def stems(word: str) -> tuple[str, ...]:
    """Return the distinct stems of WORD in French and English, folded, in a stable order.

    The folded word is stemmed as well, so that ``activite`` finds ``activités``.
    """
    plain = fold(word)
    if len(plain) not in _STEMMABLE or not plain.isalpha():
        return ()
    written = unicodedata.normalize("NFC", word[:MAX_WORD].lower())
    bases = (plain,) if written == plain else (written, plain)
    found = (fold(stemmer.stemWord(base)) for base in bases for stemmer in _STEMMERS)
    return tuple(dict.fromkeys(found))


class _Forms(dict[str, tuple[str, ...]]):
    """The forms of words met so far, forgotten all at once when there are too many."""

    def __missing__(self, word: str) -> tuple[str, ...]:
        if len(self) >= _CACHED_WORDS:
            self.clear()
        plain = fold(word)
        found = (plain, *(stem for stem in stems(word) if stem != plain))
        if len(word) <= MAX_WORD:
            self[word] = found
        return found


_forms = _Forms()


def forms(word: str) -> tuple[str, ...]:
    """Return what a token is indexed under: folded first, then the stems that differ from it.

    Two words match when they share a form.
    """
    return _forms[word]


@dataclass(frozen=True, slots=True)
class Lexeme:
    """One word in any of its forms (folded first)."""

    forms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """Folded words next to each other; the last is only a beginning when OPEN."""

    words: tuple[str, ...]
    open: bool = False


Pattern = Lexeme | Run


def pattern(leaf: Textual) -> Pattern | None:
    """Return what LEAF looks for; None when it holds no word, so that it matches nothing.

    A word that falls into several tokens (``o'brien``, an address) is a run of them.
    """
    match leaf:
        case Word(text):
            found = words(text)
            if len(found) == 1:
                return Lexeme(forms(found[0]))
            return _run(found)
        case Phrase(parts):
            return _run([word for part in parts for word in words(part)])
        case Prefix(text):
            return _run(words(text), is_open=True)


def _run(found: list[str], *, is_open: bool = False) -> Run | None:
    return Run(tuple(map(fold, found)), is_open) if found else None


def spans(text: str, query: Query, *, field: str | None = None) -> tuple[tuple[int, int], ...]:
    """Find what QUERY hits in TEXT: (start, end) in characters, in order, not overlapping.

    Only its textual parts count, and nothing under a Not. FIELD names the field that TEXT is of,
    so that words asked for in other fields are left out; without it all words count.
    """
    wanted, runs = _wanted(query, field)
    if not wanted and not runs:
        return ()
    found = list(islice(tokens(text), MAX_MARKED))
    folded = [fold(token.text) for token in found] if runs else []
    hits = [
        (token.start, token.end)
        for token in found
        if wanted and not wanted.isdisjoint(_forms_in(token.text, field))
    ]
    for run in runs:
        last = len(run.words) - 1
        hits += [
            (found[at].start, found[at + last].end)
            for at in range(len(found) - last)
            if starts_run(folded, at, run)
        ]
    return _merged(sorted(hits))


def starts_run(folded: list[str], at: int, run: Run) -> bool:
    """Tell whether RUN stands in the folded words of a text at index AT."""
    *whole, last = run.words
    end = at + len(whole)
    if end >= len(folded) or any(folded[at + i] != word for i, word in enumerate(whole)):
        return False
    return folded[end].startswith(last) if run.open else folded[end] == last


def _wanted(query: Query, field: str | None) -> tuple[frozenset[str], list[Run]]:
    wanted: set[str] = set()
    runs: list[Run] = []
    for leaf in positive_leaves(query):
        if field is not None and leaf.field not in (None, field):
            continue
        match pattern(leaf):
            case Lexeme(found):
                whole = leaf.field is None or leaf.field in STEMMED_FIELDS
                wanted.update(found if whole else found[:1])
            case Run() as run:
                runs.append(run)
            case None:
                pass
    return frozenset(wanted), runs


def _forms_in(word: str, field: str | None) -> tuple[str, ...]:
    found = forms(word)
    return found if field is None or field in STEMMED_FIELDS else found[:1]


def positive_leaves(query: Query) -> Iterator[Textual]:
    """Give the textual leaves of QUERY that a match may hold: nothing under a Not."""
    match query:
        case Word() | Phrase() | Prefix():
            yield query
        case And(parts) | Or(parts):
            for part in parts:
                yield from positive_leaves(part)
        case Not():
            return
        case _:
            return


def _merged(hits: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for start, end in hits:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
