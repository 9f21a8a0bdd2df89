"""Which index is the current one, whose it is, and what is told when it cannot be used."""

import json
from pathlib import Path
from typing import ClassVar, Self

import pytest
from engine_contract import document

from index.engine import EngineError, IndexDamaged, IndexForeign, IndexMissing
from index.generations import IndexFolder
from index.memory_engine import MemoryEngine
from index.query import Word
from index.segments.durable import write_checked

OURS, THEIRS = "0" * 32, "1" * 32


class Untouchable(MemoryEngine):
    """An engine that must not be opened."""

    NAME: ClassVar[str] = "untouchable"

    @classmethod
    def create(cls, folder: Path) -> Self:
        """Make one."""
        folder.mkdir()
        return cls()

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Fail."""
        raise AssertionError(f"{folder} was opened")


@pytest.fixture
def folder(tmp_path: Path) -> IndexFolder:
    """Give a folder that does not exist yet."""
    return IndexFolder(tmp_path / "search")


def build(folder: IndexFolder, word: str, archive: str = OURS) -> None:
    """Make an index with one document, and swap it in."""
    building = folder.begin(archive)
    building.engine.add([document(1, word)])
    building.engine.commit(position=1)
    building.swap().close()


def manifest(folder: IndexFolder) -> Path:
    """Return the file that names the current generation."""
    return folder.folder / "current.json"


def alter(folder: IndexFolder, **values: object) -> None:
    """Write other values into the manifest, with a checksum that fits."""
    held = json.loads(manifest(folder).read_text())
    del held["check"]
    write_checked(manifest(folder), held | values)


def told(folder: IndexFolder, kind: type[EngineError]) -> str:
    """Open, and return the message of the error."""
    with pytest.raises(kind) as caught:
        folder.open_current(OURS)
    return str(caught.value)


def test_an_index_is_built_and_opened(folder: IndexFolder) -> None:
    """By its archive."""
    build(folder, "word")
    engine = folder.open_current(OURS)
    assert (engine.count(), engine.position) == (1, 1)
    assert engine.search(Word("word")).keys == {1}
    engine.close()


def test_no_index_yet_is_told_as_such(folder: IndexFolder) -> None:
    """Whether the folder is there or not."""
    assert told(folder, IndexMissing) == "There is no search index yet."
    folder.folder.mkdir()
    assert told(folder, IndexMissing) == "There is no search index yet."


def test_the_old_index_serves_until_the_swap(folder: IndexFolder) -> None:
    """A rebuild that dies leaves it in place, and its remains go at the next one."""
    build(folder, "old")
    building = folder.begin(OURS)
    building.engine.add([document(1, "new")])
    building.engine.commit(position=2)
    building.engine.close()
    assert folder.open_current(OURS).search(Word("old")).keys == {1}
    assert len(list(folder.folder.glob("g*"))) == 2
    build(folder, "newest")
    assert folder.open_current(OURS).search(Word("newest")).keys == {1}
    assert len(list(folder.folder.glob("g*"))) == 1


def test_a_reader_of_the_old_generation_goes_on(folder: IndexFolder) -> None:
    """Though its files are removed."""
    build(folder, "old")
    reader = folder.open_current(OURS)
    build(folder, "new")
    assert reader.search(Word("old")).keys == {1}
    reader.close()


def test_the_folder_is_for_its_owner_only(folder: IndexFolder) -> None:
    """As all of an archive."""
    build(folder, "word")
    (generation,) = folder.folder.glob("g*")
    assert folder.folder.stat().st_mode & 0o777 == 0o700
    assert generation.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"archive": THEIRS}, "The search index belongs to another archive."),
        ({"schema": 2}, "The search index was made by another version of the archiver."),
        ({"engine": "other"}, "made by another search engine or another version of it."),
        ({"analysis": "other"}, "made by another search engine or another version of it."),
    ],
)
def test_an_index_that_is_not_ours_is_never_read(
    folder: IndexFolder, values: dict[str, object], message: str
) -> None:
    """Its files could be made to run code: none is opened."""
    folder = IndexFolder(folder.folder, Untouchable)
    folder.begin(OURS).swap()
    with pytest.raises(AssertionError, match="was opened"):
        folder.open_current(OURS)
    alter(folder, **values)
    assert message in told(folder, IndexForeign)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff", b"[" * 100_000])
def test_a_manifest_that_is_no_manifest_is_damage(folder: IndexFolder, content: bytes) -> None:
    """Whatever it holds."""
    build(folder, "word")
    manifest(folder).write_bytes(content)
    assert "The search index is damaged" in told(folder, IndexDamaged)


def test_an_altered_manifest_is_damage(folder: IndexFolder) -> None:
    """Any byte of it."""
    build(folder, "word")
    sound = manifest(folder).read_bytes()
    for at in range(len(sound) - 1):
        manifest(folder).write_bytes(sound[:at] + bytes([sound[at] ^ 1]) + sound[at + 1 :])
        with pytest.raises(EngineError):
            folder.open_current(OURS)


@pytest.mark.parametrize("name", ["../elsewhere", "g1/../..", "", "x1", 7, None])
def test_a_manifest_cannot_lead_out_of_the_folder(folder: IndexFolder, name: object) -> None:
    """It names a generation and nothing else."""
    build(folder, "word")
    alter(folder, generation=name)
    assert "names no generation" in told(folder, IndexDamaged)


def test_a_generation_that_is_gone_is_damage(folder: IndexFolder) -> None:
    """The manifest names it."""
    build(folder, "word")
    alter(folder, generation="g000077")
    assert "g000077" in told(folder, IndexDamaged)


def test_a_damaged_index_is_rebuilt_beside(folder: IndexFolder) -> None:
    """And then serves."""
    build(folder, "word")
    next(folder.folder.rglob("*.trm")).write_bytes(b"x")
    assert "not as long as it was written" in told(folder, IndexDamaged)
    build(folder, "again")
    assert folder.open_current(OURS).search(Word("again")).keys == {1}


def test_an_index_is_rebuilt_over_anything(folder: IndexFolder) -> None:
    """Another archive's, or what is no manifest at all."""
    build(folder, "word", THEIRS)
    build(folder, "ours")
    manifest(folder).write_bytes(b"?")
    build(folder, "again")
    assert folder.open_current(OURS).search(Word("again")).keys == {1}
