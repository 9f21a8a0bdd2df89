"""Whatever a power cut leaves of what was written, and whichever system call fails: nothing is lost.

The process in keeper.py is recorded once; then every disk that a power cut at any moment may leave
is made and looked at (syscalls.py), and the process is run again with its N-th call failing.
"""

import errno
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from evidence_case import create, reopen
from keeper import BATCH, BATCHES, ERASED, Work, message
from sampling import sample
from syscalls import Call, RecordedDisk, calls_in, missing, traced

from archiver.evidence.checkpoints.check import check_checkpoints
from archiver.evidence.checkpoints.outside import Outside
from archiver.evidence.checkpoints.signing import signed_sizes, standing
from archiver.evidence.checks.check import verify
from archiver.model.digest import Digest

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "")

KEEPER = Path(__file__).with_name("keeper.py")
CUTS_A_CALL = 3
ROUND = 40
IN_A_SAMPLE = 1 / 6
FAILING = ("write", "pwrite64", "fsync", "fdatasync", "syncfs", "ftruncate", "link", "linkat")
FAILING_TOO = ("rename", "renameat2", "unlink", "openat", "chmod", "fchmod")
ERRORS = (errno.EIO, errno.ENOSPC)
ERASED_DIGEST = Digest.of(message(ERASED))
STANDINGS = ("level", "newer", "unknown")
"""How the archive may stand to what was signed after a crash: never older, never another one."""
UNFINISHED = {"mirror-behind", "mirror-torn", "erasure-unfinished"}


@dataclass(frozen=True)
class Recording:
    """What the keeper did to an archive, and when it was told what."""

    start: Path
    """The archive, and what is remembered of it, before it."""
    base: Path
    """Where it did it."""
    calls: tuple[Call, ...]
    confirmed: tuple[tuple[int, list[object]], ...]
    """How many calls had been made when a line of the log was written, and that line."""

    def moments(self) -> list[int]:
        """Return after how many calls something changed in the archive."""
        marks = (str(self.base), self.base.name + os.sep)
        return [
            place
            for place, call in enumerate(self.calls, 1)
            if any(_mentions(call, mark) for mark in marks)
        ]

    def safe_at(self, moment: int) -> list[list[object]]:
        """Return what the keeper had been told to be safe when so many calls had been made."""
        return [line for place, line in self.confirmed if place <= moment]


def _mentions(call: Call, mark: str) -> bool:
    shown = "".join(call.arguments[:4])
    return "".join(f"\\x{byte:02x}" for byte in mark.encode()) in shown


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Record the keeper once."""
    place = tmp_path_factory.mktemp("recorded")
    base, log, confirmed = place / "base", place / "log", place / "confirmed"
    (base / "state").mkdir(parents=True)
    create(base / "archive").close()
    start = copy_of(base, place / "start")
    done = subprocess.run(
        traced(keeper(base, confirmed), log), cwd=place, env=environment(), check=False
    )
    assert done.returncode == 0
    calls = tuple(calls_in(log))
    lines = iter(confirmed.read_text().splitlines())
    told = tuple(
        (number, json.loads(next(lines)))
        for number, call in enumerate(calls, 1)
        if call.name == "write" and _mentions(call, str(confirmed))
    )
    assert next(lines, None) is None, "a line of the log was not seen"
    return Recording(start=start, base=base, calls=calls, confirmed=told)


def copy_of(base: Path, place: Path) -> Path:
    """Put a copy of BASE at PLACE, and return it."""
    shutil.copytree(base, place)
    return place


def keeper(base: Path, confirmed: Path) -> list[str]:
    """Return the command that works on BASE."""
    return [sys.executable, str(KEEPER), str(base), str(confirmed)]


def environment() -> dict[str, str]:
    """Return an environment in which the same work makes the same calls."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
        "ARCHIVER_LANG": "en",
        "LANGUAGE": "en",
    }


def disks(recording: Recording, cuts: Sequence[tuple[int, int]]) -> Iterator[RecordedDisk]:
    """Yield the disk at each of CUTS, which are in order."""
    disk = RecordedDisk(recording.start)
    disk.root = recording.base
    played = 0
    for moment, _seed in cuts:
        for call in recording.calls[played:moment]:
            disk.play(call)
        played = max(played, moment)
        yield disk


def check_nothing_lost(base: Path, told: Sequence[Sequence[object]], work: Path) -> None:
    """Check what stands in BASE against what the keeper had been TOLD, then let it go on."""
    root = base / "archive"
    with reopen(root, recover=False) as evidence:
        report = verify(evidence, read_data=1.0)
    worse = [each for each in report.findings if each.level != "note"]
    assert {each.code for each in worse} <= UNFINISHED, worse
    with reopen(root) as evidence:
        for what, *values in told:
            match what, values:
                case "kept", [str(digest)] if digest != ERASED_DIGEST.hex:
                    assert Digest.of(evidence.read(Digest(digest))).hex == digest
                    assert evidence.position_of(Digest(digest)) is not None
                case "config", [str(digest)]:
                    assert Digest(digest) in evidence.configs().values()
                case "tag", []:
                    assert evidence.journal.positions_by_type("tag")
                case "size", [int(size)]:
                    assert evidence.size >= size
                case "signed", [int(size)]:
                    assert size in signed_sizes(evidence)
                case "erased", [str(digest)]:
                    assert evidence.position_of(Digest(digest)) is None
                    assert not evidence.path_of(Digest(digest)).exists()
        assert standing(evidence, Outside(base / "state", evidence.archive_id)) in STANDINGS
    work.mkdir()
    Work(base, work / "log").run()
    with reopen(root, recover=False) as evidence:
        report = verify(evidence, read_data=1.0)
        assert report.findings == ()
        outside = Outside(base / "state", evidence.archive_id)
        assert check_checkpoints(evidence, outside) == ()
        assert standing(evidence, outside) == "level"
        assert {
            number
            for number in range(BATCHES * BATCH)
            if evidence.position_of(Digest.of(message(number))) is not None
        } == set(range(BATCHES * BATCH)) - {ERASED}
    check_gone(base)


def check_gone(base: Path) -> None:
    """Check that no file holds the erased message, its subject or its digest."""
    digest = ERASED_DIGEST.hex
    needles = (f"Subject: Lot {ERASED}\r".encode(), digest.encode(), bytes.fromhex(digest))
    for path in base.rglob("*"):
        data = path.read_bytes() if path.is_file() else b""
        assert digest not in path.name
        assert not any(needle in data for needle in needles), path


def look_at(recording: Recording, cuts: Sequence[tuple[int, int]], place: Path) -> None:
    """Make and check the disk of each cut."""
    for number, (cut, disk) in enumerate(zip(cuts, disks(recording, cuts), strict=True)):
        base = place / f"cut-{number}"
        disk.after_power_cut(base, random.Random(f"{cut}"))
        check_nothing_lost(base, recording.safe_at(cut[0]), place / f"work-{number}")


def test_the_recording_is_the_whole_truth(recording: Recording) -> None:
    """Played to its end and with nothing lost, it gives the files that the keeper left."""
    disk = next(disks(recording, [(len(recording.calls), 0)]))
    for name, folder in disk.folders.items():
        there = {path.name for path in (recording.base / name).iterdir() if path.is_file()}
        assert set(folder.names()) == there, name
        for file, inode in folder.names().items():
            assert inode.now() == (recording.base / name / file).read_bytes(), file


def test_a_power_cut_at_some_moments(recording: Recording, tmp_path: Path) -> None:
    """A few of them, in every run."""
    chance = random.Random(20261123)
    moments = chance.sample(recording.moments(), 12)
    look_at(recording, [(moment, 0) for moment in sorted(moments)], tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("part", range(ROUND))
def test_a_power_cut_at_any_moment(recording: Recording, tmp_path: Path, part: int) -> None:
    """After each call that changed something, each time with other losses."""
    cuts = [(moment, seed) for moment in recording.moments() for seed in range(CUTS_A_CALL)]
    look_at(recording, sample(cuts, share=IN_A_SAMPLE)[part::ROUND], tmp_path)


# --- a system call fails ---------------------------------------------------------------------------


def faults(recording: Recording, names: Sequence[str]) -> list[tuple[str, int, int]]:
    """Return (call, its number among its like, error) for the calls that touch the archive."""
    return [
        (call.name, call.order, error)
        for moment in recording.moments()
        if (call := recording.calls[moment - 1]).name in names
        for error in ERRORS
        if (call.name, error) not in {("unlink", errno.ENOSPC), ("chmod", errno.ENOSPC)}
    ]


def inject(recording: Recording, call: tuple[str, int], what: str, place: Path) -> None:
    """Let WHAT happen at one call, check what is there, let the keeper go on."""
    name, order = call
    base = copy_of(recording.start, place / "base")
    confirmed = place / "confirmed"
    confirmed.touch()
    done = subprocess.run(
        traced(keeper(base, confirmed), place / "log", "-e", f"inject={name}:{what}:when={order}"),
        cwd=place,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    log = (place / "log").read_text(encoding="latin-1")
    if "(INJECTED)" not in log and "killed by SIGKILL" not in log:
        assert done.returncode == 0, done.stderr  # this time it made fewer such calls
    assert "Traceback" not in done.stderr, (call, what, done.stderr)
    told = [json.loads(line) for line in confirmed.read_text().splitlines() if line.endswith("]")]
    check_nothing_lost(base, told, place / "work")


def fail(recording: Recording, fault: tuple[str, int, int], place: Path) -> None:
    """Let one call fail."""
    name, order, error = fault
    inject(recording, (name, order), f"error={errno.errorcode[error]}", place)


def test_a_failing_call_loses_nothing(recording: Recording, tmp_path: Path) -> None:
    """A few of them, in every run."""
    chosen = random.Random(20261123).sample(faults(recording, FAILING), 4)
    for number, fault in enumerate(chosen):
        fail(recording, fault, tmp_path / str(number))


@pytest.mark.long
@pytest.mark.parametrize("part", range(ROUND))
def test_any_failing_call_loses_nothing(recording: Recording, tmp_path: Path, part: int) -> None:
    """The first, the second, the third … call that touches the archive, with EIO and ENOSPC."""
    chosen = sample(faults(recording, (*FAILING, *FAILING_TOO)), share=IN_A_SAMPLE)[part::ROUND]
    for number, fault in enumerate(chosen):
        fail(recording, fault, tmp_path / str(number))


# --- SIGKILL at every write point --------------------------------------------------------------------


def kills(recording: Recording) -> list[tuple[str, int]]:
    """Return every call that touches the archive, as (name, its number among its like)."""
    calls = (recording.calls[moment - 1] for moment in recording.moments())
    return [(call.name, call.order) for call in calls]


def test_sigkill_at_some_write_points(recording: Recording, tmp_path: Path) -> None:
    """A few of them, in every run."""
    for number, call in enumerate(random.Random(20261123).sample(kills(recording), 4)):
        inject(recording, call, "signal=SIGKILL", tmp_path / str(number))


@pytest.mark.long
def test_there_are_more_than_two_hundred_write_points(recording: Recording) -> None:
    """The keeper does enough to be killed often."""
    assert len(kills(recording)) > 200


@pytest.mark.long
@pytest.mark.parametrize("part", range(ROUND))
def test_sigkill_at_every_write_point(recording: Recording, tmp_path: Path, part: int) -> None:
    """Kill it as it enters each call that touches the archive."""
    for number, call in enumerate(sample(kills(recording), share=IN_A_SAMPLE)[part::ROUND]):
        inject(recording, call, "signal=SIGKILL", tmp_path / str(number))
