"""The engine on disk meets the contract, and keeps its promises about files."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_contract import EngineContract, document
from whoosh.codec.whoosh3 import W3Codec, W3LeafMatcher
from whoosh.filedb.filestore import FileStorage

from index.engine import Document, EngineError, IndexDamaged, IndexMissing
from index.query import Phrase, Prefix, Word
from index.segments.segments import Commit
from index.segments.whoosh_engine import PLACES, WhooshEngine, _segment


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder that does not exist yet."""
    return tmp_path / "g000001"


@pytest.fixture
def engine(folder: Path) -> Iterator[WhooshEngine]:
    """Give an empty engine."""
    engine = WhooshEngine.create(folder)
    yield engine
    engine.close()


class TestWhooshEngine(EngineContract):
    """All of the contract, on disk."""

    @pytest.fixture
    def engine(self, folder: Path) -> Iterator[WhooshEngine]:
        """Give an empty engine."""
        engine = WhooshEngine.create(folder)
        yield engine
        engine.close()


class TestTinySegments(EngineContract):
    """All of the contract when memory holds hardly anything."""

    @pytest.fixture
    def engine(self, folder: Path) -> Iterator[WhooshEngine]:
        """Give an empty engine that writes a segment for every few postings."""
        engine = WhooshEngine.create(folder)
        engine.most_postings = 5
        yield engine
        engine.close()


def filled(folder: Path, *bodies: str) -> None:
    """Make an index of these bodies; their keys count from 0."""
    engine = WhooshEngine.create(folder)
    engine.add(document(key, body) for key, body in enumerate(bodies))
    engine.commit(position=len(bodies))
    engine.close()


def test_an_index_is_read_back_by_another_process(folder: Path) -> None:
    """Count, position and words are on disk."""
    filled(folder, "first word", "second word")
    engine = WhooshEngine.open(folder)
    assert (engine.count(), engine.position) == (2, 2)
    assert engine.search(Word("second")).keys == {1}
    assert set(engine.keys()) == {0, 1}
    engine.check()


def test_uncommitted_additions_are_dropped(folder: Path) -> None:
    """And leave no file behind."""
    filled(folder, "kept")
    before = sorted(folder.iterdir())
    engine = WhooshEngine.open(folder)
    engine.most_postings = 1
    engine.add(document(key, "dropped words") for key in range(9))
    assert sorted(folder.iterdir()) != before
    engine.close()
    assert sorted(folder.iterdir()) == before


def test_files_of_a_writer_that_died_are_ignored_and_then_removed(folder: Path) -> None:
    """Only what the commit names counts."""
    filled(folder, "kept")
    for name in ("words_s00000009n0001.trm", "s00000009n0001.docs", "commit.json.tmp"):
        (folder / name).write_bytes(b"half")
    engine = WhooshEngine.open(folder)
    assert engine.search(Word("kept")).keys == {0}
    engine.commit(position=2)
    assert not [path for path in folder.iterdir() if "00000009" in path.name]
    assert not (folder / "commit.json.tmp").exists()
    engine.close()


def test_a_reader_keeps_what_it_opened(folder: Path) -> None:
    """A writer that replaces every file does not disturb it."""
    filled(folder, "old words here")
    reader, writer = WhooshEngine.open(folder), WhooshEngine.open(folder)
    writer.add([document(0, "new words here")])
    writer.commit(position=9)
    assert reader.search(Word("old")).keys == {0}
    assert reader.search(Phrase(("old", "words"))).keys == {0}
    assert writer.search(Word("old")).keys == set()


def test_a_second_writer_is_told_that_it_is_late(folder: Path) -> None:
    """It must not undo what the first one did."""
    filled(folder, "word")
    first, second = WhooshEngine.open(folder), WhooshEngine.open(folder)
    first.commit(position=5)
    with pytest.raises(EngineError, match="Another process has written"):
        second.commit(position=6)
    assert WhooshEngine.open(folder).position == 5


def test_an_index_is_not_made_over_another(folder: Path) -> None:
    """Creating says that there is one."""
    filled(folder, "word")
    with pytest.raises(EngineError, match="There is a search index"):
        WhooshEngine.create(folder)


def test_small_segments_are_merged(folder: Path) -> None:
    """Their number stays small, whatever the number of commits."""
    engine = WhooshEngine.create(folder)
    for key in range(100):
        engine.add([document(key, f"word number {key}", subject="Livraisons")])
        engine.commit(position=key)
    assert len(Commit.read(folder).segments) < 20
    assert engine.search(Word("livraison")).keys == set(range(100))
    assert engine.search(Phrase(("number", "42"))).keys == {42}
    engine.check()
    engine.close()


def test_a_segment_that_is_mostly_gone_is_written_anew(folder: Path) -> None:
    """What was removed leaves the disk."""
    filled(folder, *(f"confidential{key}" for key in range(10)))
    engine = WhooshEngine.open(folder)
    engine.remove(range(9))
    engine.commit(position=11)
    content = b"".join(path.read_bytes() for path in folder.iterdir())
    assert b"confidential9" in content
    assert b"confidential3" not in content
    assert engine.search(Prefix("confidential")).keys == {9}
    engine.close()


def test_a_prefix_that_stands_for_too_many_words_is_told(engine: WhooshEngine) -> None:
    """The answer says which, and holds no document that does not match."""
    engine.most_completions = 3
    engine.add(document(key, f"item{key}") for key in range(6))
    engine.commit(position=6)
    matches = engine.search(Prefix("item"))
    assert matches.cut == ("item",)
    assert matches.keys == {0, 1, 2}
    assert engine.search(Prefix("item1")).cut == ()


def test_a_missing_index_is_told(folder: Path) -> None:
    """As missing, with its place."""
    with pytest.raises(IndexMissing, match="There is no search index in"):
        WhooshEngine.open(folder)


@pytest.mark.parametrize("suffix", [".trm", ".pst", ".docs"])
def test_a_file_that_is_gone_is_told(folder: Path, suffix: str) -> None:
    """When the index is opened."""
    filled(folder, "some words")
    only(folder, suffix).unlink()
    with pytest.raises(IndexDamaged, match="missing"):
        WhooshEngine.open(folder)


@pytest.mark.parametrize("suffix", [".trm", ".pst", ".docs"])
def test_a_file_that_is_cut_short_is_told(folder: Path, suffix: str) -> None:
    """When the index is opened."""
    filled(folder, "some words")
    path = only(folder, suffix)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(IndexDamaged, match="not as long"):
        WhooshEngine.open(folder)


@pytest.mark.parametrize("suffix", [".trm", ".pst", ".docs", ".json"])
def test_no_altered_byte_goes_unnoticed(folder: Path, suffix: str) -> None:
    """Opening or checking tells; a search gives the right answer or tells as well."""
    filled(folder, "some words", "other words")
    path = only(folder, suffix)
    sound = path.read_bytes()
    for at in range(0, len(sound), max(1, len(sound) // 150)):
        path.write_bytes(sound[:at] + bytes([sound[at] ^ 0x55]) + sound[at + 1 :])
        try:
            engine = WhooshEngine.open(folder)
        except IndexDamaged:
            continue
        assert suffix == ".pst"
        with pytest.raises(IndexDamaged, match="bytes have changed"):
            engine.check()
        try:
            assert engine.search(Word("other")).keys == {1}
            assert engine.search(Word("words")).keys == {0, 1}
        except IndexDamaged:
            continue


def test_postings_that_end_too_early_are_told(folder: Path) -> None:
    """The first byte of a block's length holds the sign that marks the last block."""
    filled(folder, *["often"] * 300)
    path = only(folder, ".pst")
    sound = path.read_bytes()
    at = sound.index(b"W3Bl") + 4
    path.write_bytes(sound[:at] + bytes([sound[at] ^ 0x80]) + sound[at + 1 :])
    with pytest.raises(IndexDamaged, match=r"128 postings instead of 300|Error"):
        WhooshEngine.open(folder).search(Word("often"))


def only(folder: Path, suffix: str) -> Path:
    """Return the one file with that suffix."""
    (path,) = (path for path in folder.iterdir() if path.suffix == suffix)
    return path


def test_segments_are_read_by_stock_whoosh(folder: Path) -> None:
    """Word by word, the postings are those that Whoosh itself writes and reads."""
    bodies = ["to be or not to be", "be it so", *["often be"] * 300]
    filled(folder, *bodies)
    (segment,) = Commit.read(folder).segments
    terms = W3Codec().terms_reader(FileStorage(str(folder)), _segment(segment.name))
    for word in {word for body in bodies for word in body.split()}:
        matcher = terms.matcher("body", word.encode(), PLACES.format)
        expected = {n: body.split().count(word) for n, body in enumerate(bodies)}
        assert dict(postings(matcher)) == {n: times for n, times in expected.items() if times}
    terms.close()


def postings(matcher: W3LeafMatcher) -> Iterator[tuple[int, float]]:
    """Step through a matcher of Whoosh's own as Whoosh does, positions checked against weights."""
    while matcher.is_active():
        assert len(matcher.value_as("positions")) == matcher.weight()
        yield matcher.id(), matcher.weight()
        matcher.next()


def test_every_word_of_an_endless_document_is_found(tmp_path: Path) -> None:
    """Attachments of one record may add up to more than the reader keeps of any single text."""
    text = "un deux " * 1_250_000 + "zebre"  # ten million characters
    engine = WhooshEngine.create(tmp_path)
    engine.add([Document(key=1, date=0, fields={"attachment": text})])
    engine.commit(position=1)
    for query in (Word("zebre"), Phrase(("deux", "zebre")), Phrase(("deux", "un"))):
        assert engine.search(query).keys == {1}
    assert not engine.search(Phrase(("un", "zebre"))).keys
    engine.close()


def test_a_check_beside_a_writer_reads_what_is_current(tmp_path: Path) -> None:
    """The files of an older commit may be gone: that is no damage."""
    with contextlib.closing(WhooshEngine.create(tmp_path)) as writer:
        writer.add([document(1, body="one")])
        writer.commit(position=1)
        with contextlib.closing(WhooshEngine.open(tmp_path)) as reader:
            writer.remove([1])
            writer.commit(position=2)
            assert not list(tmp_path.glob("*.docs"))
            reader.check()
