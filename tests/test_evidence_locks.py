"""The lock of the operating system, and that it is the one that filelock takes."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import filelock
import pytest

if sys.platform == "win32":
    pytest.skip("filelock itself is used there", allow_module_level=True)

from archiver.evidence.flock import Flock
from archiver.evidence.locks import Locks


def lock(path: Path, wait: float = 0.0) -> Flock:
    """Return a lock on PATH."""
    return Flock(path, wait, mode=0o600, poll=0.001)


def test_it_keeps_others_out_until_it_is_given_back(tmp_path: Path) -> None:
    """In this process as in others; the file stays."""
    path = tmp_path / "write.lock"
    first, second = lock(path), lock(path, 0.01)
    first.acquire()
    with pytest.raises(TimeoutError):
        second.acquire()
    first.release()
    first.release()  # once is enough
    second.acquire()
    second.release()
    assert path.exists()


def test_it_waits_as_long_as_it_may(tmp_path: Path) -> None:
    """Not longer than the other one needs it."""
    first, second = lock(tmp_path / "l"), lock(tmp_path / "l", 10.0)
    first.acquire()
    timer = threading.Timer(0.05, first.release)
    began = time.monotonic()
    timer.start()
    second.acquire()
    timer.join()
    assert 0.01 < time.monotonic() - began < 5
    second.release()


def test_it_and_filelock_keep_each_other_out(tmp_path: Path) -> None:
    """An older version of the archiver may be at work on the same archive."""
    path = tmp_path / "write.lock"
    theirs = filelock.FileLock(path, timeout=0)
    with theirs, pytest.raises(TimeoutError):
        lock(path).acquire()
    ours = lock(path)
    ours.acquire()
    with pytest.raises(filelock.Timeout):
        theirs.acquire()
    ours.release()


def test_it_ends_with_its_process(tmp_path: Path) -> None:
    """However that ends."""
    path = tmp_path / "write.lock"
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        lock(path).acquire()
        os.write(writing, b"x")
        signal.pause()
        os._exit(0)
    assert os.read(reading, 1) == b"x"
    with pytest.raises(TimeoutError):
        lock(path).acquire()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(reading)
    os.close(writing)
    ours = lock(path)
    ours.acquire()
    ours.release()


def test_a_child_that_inherits_it_does_not_keep_it(tmp_path: Path) -> None:
    """A helper that outlives its parent is no writer."""
    ours = lock(tmp_path / "l")
    ours.acquire()
    child = os.fork()
    if not child:
        signal.pause()
        os._exit(0)
    ours.release()
    other = lock(tmp_path / "l")
    other.acquire()
    other.release()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def test_its_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    """Nobody else may hold up the archive."""
    before = os.umask(0o777)
    try:
        ours = lock(tmp_path / "l")
        ours.acquire()
        ours.release()
    finally:
        os.umask(before)
    assert (tmp_path / "l").stat().st_mode & 0o777 == 0o600


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    """Somebody put it there."""
    (tmp_path / "l").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic"):
        lock(tmp_path / "l").acquire()
    assert not (tmp_path / "other").exists()


def test_readers_and_locks_load_no_library(tmp_path: Path) -> None:
    """It would cost each sync 20 ms."""
    program = (
        "import sys; from pathlib import Path; from archiver.evidence.locks import Locks\n"
        "with Locks(Path(sys.argv[1])).writing(0): print('filelock' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
    with Locks(tmp_path).writing_at_once() as held:
        assert held
