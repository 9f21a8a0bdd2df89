"""A writer may be killed at any instant: the index is as it was at one of its commits."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from engine_contract import document

from index.query import Phrase, Word
from index.segments.durable import checksum, read_checked, write_checked
from index.segments.whoosh_engine import WhooshEngine

WRITER = """
import sys
from pathlib import Path
from index.engine import Document
from index.segments.whoosh_engine import WhooshEngine
engine = WhooshEngine.open(Path(sys.argv[1]))
engine.most_postings = 40
while True:
    start = engine.position
    engine.add(
        Document(key=n, date=0, fields={"body": f"common words number {n}"})
        for n in range(start, start + 10)
    )
    engine.remove([start - 7])
    engine.commit(position=start + 10)
    print(engine.position, flush=True)
"""


def expected(position: int) -> set[int]:
    """Return the keys that the writer had committed at POSITION."""
    return set(range(position)) - {start - 7 for start in range(10, position, 10)}


@pytest.mark.parametrize("patience", [0.0, 0.013, 0.029, 0.047, 0.071])
def test_a_killed_writer_leaves_its_last_commit(tmp_path: Path, patience: float) -> None:
    """Position, count and content agree, and the next writer goes on from there."""
    folder = tmp_path / "g000001"
    WhooshEngine.create(folder).close()
    for _round in range(2):
        confirmed = _run_and_kill(folder, patience)
        engine = WhooshEngine.open(folder)
        engine.check()
        assert engine.position >= confirmed
        assert set(engine.keys()) == expected(engine.position)
        assert engine.search(Word("common")).keys == expected(engine.position)
        assert engine.count() == len(expected(engine.position))
        engine.close()


def _run_and_kill(folder: Path, patience: float) -> int:
    """Let a writer commit at least once, kill it a while later, return what it confirmed."""
    command = [sys.executable, "-c", WRITER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(patience)
        writer.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        return int(([first, *writer.stdout.readlines()])[-1])


def test_a_commit_that_fails_changes_nothing(tmp_path: Path) -> None:
    """As on a full disk: the old state is read back."""
    engine = WhooshEngine.create(tmp_path / "i")
    engine.add([document(1, "kept phrase")])
    engine.commit(position=1)
    engine.add([document(1, "lost"), document(2, "lost")])
    (tmp_path / "i" / "commit.json.tmp").mkdir()  # the new state cannot be written
    with pytest.raises(OSError, match=r"commit\.json\.tmp"):
        engine.commit(position=2)
    engine.close()
    again = WhooshEngine.open(tmp_path / "i")
    assert (again.position, again.count()) == (1, 1)
    assert again.search(Phrase(("kept", "phrase"))).keys == {1}


def test_checked_files_are_read_back(tmp_path: Path) -> None:
    """Whatever they hold."""
    path = tmp_path / "file.json"
    write_checked(path, {"a": [1, "é"], "b": None})
    assert read_checked(path) == {"a": [1, "é"], "b": None}
    assert list(tmp_path.iterdir()) == [path]


def test_checked_files_tell_alterations(tmp_path: Path) -> None:
    """Even those that are still JSON."""
    path = tmp_path / "file.json"
    write_checked(path, {"count": 10})
    path.write_text(path.read_text().replace("10", "11"))
    with pytest.raises(ValueError, match="checksum"):
        read_checked(path)


def test_checksums_are_of_the_whole_file(tmp_path: Path) -> None:
    """Larger than what is read at once."""
    path = tmp_path / "file"
    path.write_bytes(b"a" * 3_000_000 + b"b")
    first = checksum(path)
    path.write_bytes(b"a" * 3_000_000 + b"c")
    assert checksum(path) != first
