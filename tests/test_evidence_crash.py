"""A crash at any instant loses nothing that was confirmed, and repeats nothing."""

import contextlib
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
from evidence_case import (
    FullDisk,
    KillingDisk,
    RecordingDisk,
    TogetherDisk,
    create,
    reopen,
    seen,
)
from sampling import sample, sampled

from archiver.errors import OperationError
from archiver.evidence.checks.check import verify
from archiver.evidence.disk import Disk, Name, SyncError
from archiver.model.digest import Digest
from archiver.model.incoming import Incoming

POINTS = (
    "object-written",
    "object-synced",
    "object-named",
    "object-folder-synced",
    "commit",
    "committed",
    "mirror-written",
    "mirror-synced",
)
BATCHES = 3
posix = pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")
TOGETHER = pytest.param(
    1, id="together", marks=pytest.mark.skipif(os.name != "posix", reason="Windows opens no folder")
)
WAYS = [pytest.param(Disk.together_from, id="each"), TOGETHER]
"""From how many files on all are synced at once: never in these batches, or always."""


def batch(number: int) -> list[Incoming]:
    """Return a batch: new messages, one that the batch before had, one that it has twice."""
    first = number * 10
    new = [seen(f"{uid}".encode() * 50, uid) for uid in range(first, first + 4)]
    again = seen(f"{first - 10}".encode() * 50, first + 4, folder="Sent")
    return [*new, again, again] if number else new


def check_whole(root: Path, confirmed: int) -> None:
    """Check that the confirmed batches are there, and that all of them together are sound."""
    with reopen(root) as evidence:
        for number in range(confirmed):
            for incoming, kept in zip(batch(number), evidence.keep(batch(number)), strict=True):
                assert not kept.new
                assert not kept.sighted
                assert evidence.read(kept.digest) == incoming.data
        levels = {finding.level for finding in verify(evidence, read_data=1.0).findings}
        assert levels <= {"note"}
        for number in range(BATCHES):
            evidence.keep(batch(number))
        assert evidence.count_records() == BATCHES * 4
        # genesis, two epochs, a record and a sighting for each, a second sighting for two
        assert evidence.size == 1 + 2 + BATCHES * 4 * 2 + (BATCHES - 1)
        assert verify(evidence, read_data=1.0).findings == ()


def kill_at(root: Path, moment: str, after: int, way: int = Disk.together_from) -> int:
    """Keep batches in another process that is killed at a MOMENT; return how many it confirmed."""
    create(root).close()
    result = subprocess.run(
        [sys.executable, __file__, str(root), moment, str(after), str(way)],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert result.returncode in (0, -signal.SIGKILL)
    return len(result.stdout.split())


@posix
@pytest.mark.parametrize("point", POINTS)
def test_kill_9_at_each_kind_of_point(tmp_path: Path, point: str) -> None:
    """In the second batch, where there is something to lose."""
    confirmed = kill_at(tmp_path / "archive", point, 6 if point.startswith("object") else 2)
    assert confirmed == 1
    check_whole(tmp_path / "archive", confirmed)


@posix
@pytest.mark.parametrize(
    ("point", "after"),
    [
        ("object-written", 6),
        ("object-synced", 2),
        ("object-named", 6),
        ("object-folder-synced", 2),
        ("commit", 2),
    ],
)
def test_kill_9_where_files_are_synced_together(tmp_path: Path, point: str, after: int) -> None:
    """Two points are then passed once a batch."""
    confirmed = kill_at(tmp_path / "archive", point, after, 1)
    assert confirmed == 1
    check_whole(tmp_path / "archive", confirmed)


@posix
@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("count", sample(range(1, 62)))
def test_kill_9_at_every_point_of_all_batches(tmp_path: Path, count: int, way: int) -> None:
    """Whatever was passed before."""
    confirmed = kill_at(tmp_path / "archive", "any", count, way)
    check_whole(tmp_path / "archive", confirmed)


@posix
@pytest.mark.long
@pytest.mark.parametrize("seed", range(sampled(10)))
def test_kill_9_again_and_again(tmp_path: Path, seed: int) -> None:
    """Each time at another point, until all is kept."""
    random, root = Random(seed), tmp_path / "archive"
    confirmed = kill_at(root, "any", random.randrange(1, 60))
    for _attempt in range(4):
        arguments = [sys.executable, __file__, str(root), "any", str(random.randrange(1, 40))]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        result = subprocess.run(
            arguments, stdout=subprocess.PIPE, text=True, check=False, env=environment
        )
        assert result.returncode in (0, -signal.SIGKILL)
        confirmed = max(confirmed, len(result.stdout.split()))
    check_whole(root, confirmed)


@pytest.mark.parametrize("way", WAYS)
def test_everything_is_durable_before_what_names_it(tmp_path: Path, way: int) -> None:
    """Objects are synced, then named, then their folders synced, then journalled, then mirrored."""
    disk = RecordingDisk()
    disk.together_from = way
    with create(tmp_path, disk) as evidence:
        disk.points.clear()
        evidence.keep(batch(0))
    order = list(dict.fromkeys(disk.points))
    assert order == list(POINTS)
    ranks = [POINTS.index(point) for point in disk.points]
    assert ranks == sorted(ranks)


class LosingDisk(TogetherDisk):
    """Forgets, when the power fails, what was never synced: data of files, names in folders."""

    def __init__(self, moment: int, way: int) -> None:
        self.moment = moment
        self.together_from = way
        self.paths: dict[str, int] = {}
        self.names: dict[Path, bytes | None] = {}
        """Names that are not safe yet, and what they stood for before."""

    def reached(self, point: str) -> None:  # noqa: ARG002 - any point
        """Cut the power when it is time."""
        self.moment -= 1
        if not self.moment:
            for name in self.paths:
                path = Path(name)
                if path.exists():
                    path.chmod(0o600)
                    path.write_bytes(b"")
            for path, before in self.names.items():
                path.unlink(missing_ok=True)
                if before is not None:
                    path.write_bytes(before)
            raise PowerCut

    def remove(self, path: Name) -> None:
        """Remove a file, unless it is dark: then no clean-up happens either."""
        if self.moment <= 0:
            raise PowerCut
        super().remove(path)

    def make_file(self, path: Name, mode: int = 0o600) -> int:
        """Make a file whose data is not safe yet."""
        descriptor = super().make_file(path, mode)
        self.paths[str(path)] = descriptor
        return descriptor

    def sync(self, descriptor: int) -> None:
        """Make the data safe."""
        super().sync(descriptor)
        self.paths = {path: other for path, other in self.paths.items() if other != descriptor}

    def sync_together(self, descriptor: int) -> None:  # noqa: ARG002 - everything is meant
        """Make data and names safe."""
        self.paths.clear()
        self.names.clear()

    def publish(self, temporary: Name, final: Name) -> None:
        """Give a name that is not safe yet."""
        super().publish(temporary, final)
        self.names[Path(final)] = None
        self._renamed(temporary, final)

    def replace(self, temporary: Name, final: Name) -> None:
        """Give a name away; it is not safe yet which of the two it stands for."""
        before = Path(final).read_bytes()
        super().replace(temporary, final)
        self.names[Path(final)] = before
        self._renamed(temporary, final)

    def _renamed(self, old: Name, new: Name) -> None:
        if str(old) in self.paths:  # named before its data was safe
            self.paths[str(new)] = self.paths.pop(str(old))

    def sync_folder(self, folder: Path) -> None:
        """Make the names in FOLDER safe."""
        super().sync_folder(folder)
        self.names = {path: old for path, old in self.names.items() if path.parent != folder}


class PowerCut(BaseException):
    """The machine went dark: nothing more runs."""


def keep_until_dark(root: Path, moment: int, way: int) -> int:
    """Keep batches until the power is cut at MOMENT; return how many were confirmed."""
    confirmed = 0
    with contextlib.suppress(PowerCut), reopen(root, LosingDisk(moment, way)) as evidence:
        for number in range(BATCHES):
            evidence.keep(batch(number))
            confirmed += 1
    return confirmed


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("moment", range(1, 61, 4))
def test_a_power_cut_loses_nothing_confirmed(tmp_path: Path, moment: int, way: int) -> None:
    """Unsynced data and names are gone; SQLite keeps its own promise."""
    create(tmp_path).close()
    check_whole(tmp_path, keep_until_dark(tmp_path, moment, way))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("moment", range(1, 18, 2))
def test_a_power_cut_over_what_another_one_left(tmp_path: Path, moment: int, way: int) -> None:
    """Leftovers, sound and torn, are replaced; also that can be cut off."""
    create(tmp_path).close()
    with reopen(tmp_path) as evidence:
        for number, message in enumerate(batch(0)):
            evidence.path_of(Digest.of(message.data)).write_bytes(message.data[: number * 50])
    check_whole(tmp_path, keep_until_dark(tmp_path, moment, way))


@pytest.mark.parametrize("room", [0, 100, 250])
def test_a_full_disk_is_told_and_leaves_nothing_half(tmp_path: Path, room: int) -> None:
    """Whether it fills up among the objects or at the mirror."""
    create(tmp_path).close()
    with reopen(tmp_path, FullDisk(room)) as evidence:
        with pytest.raises(OperationError, match="no room left") as caught:
            evidence.keep(batch(0))
        assert "Free some space" in caught.value.advice
        codes = {finding.code for finding in verify(evidence, read_data=1.0).findings}
        assert codes <= {"nothing-checked", "mirror-behind"}
    check_whole(tmp_path, 0)


def test_a_full_database_is_told(tmp_path: Path) -> None:
    """SQLite says so in its own way; the objects wait to be taken in."""
    with create(tmp_path) as evidence:
        evidence.database.all("PRAGMA max_page_count = 1")
        with pytest.raises(OperationError, match="no room left"):
            evidence.keep([seen(one.data, folder="f" * 20_000) for one in batch(0)])
        with pytest.raises(OperationError, match="failed before") as caught:
            evidence.keep([])
        assert "run the command again" in caught.value.advice
    check_whole(tmp_path, 0)


class UnsyncableDisk(TogetherDisk):
    """A disk that fails to sync once, and would say yes ever after, as Linux does."""

    def __init__(self, moment: int, way: int) -> None:
        self.moment = moment
        self.together_from = way

    def sync(self, descriptor: int) -> None:
        """Fail when it is time."""
        self._count()
        super().sync(descriptor)

    def sync_together(self, descriptor: int) -> None:
        """Fail when it is time."""
        self._count()
        super().sync_together(descriptor)

    def _count(self) -> None:
        self.moment -= 1
        if not self.moment:
            raise SyncError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.parametrize(
    ("moment", "way"),
    [
        *((moment, Disk.together_from) for moment in (1, 4, 5, 6)),
        pytest.param(1, 1, marks=posix),
        pytest.param(2, 1, marks=posix),
    ],
)
def test_a_failed_sync_stops_for_good(tmp_path: Path, moment: int, way: int) -> None:
    """Of a file, a folder or all: nobody tries again on what the system may have thrown away."""
    create(tmp_path).close()
    with reopen(tmp_path, UnsyncableDisk(moment, way)) as evidence:
        with pytest.raises(OperationError, match="could not confirm") as caught:
            evidence.keep(batch(0))
        assert "Check the disk" in caught.value.advice
        with pytest.raises(OperationError, match="failed before"):
            evidence.keep(batch(0))
        assert not list(evidence.objects.folder.glob("??/*"))
    check_whole(tmp_path, 0)


def main(root: str, moment: str, after: str, way: str = str(Disk.together_from)) -> None:
    """Keep the batches, telling each that is confirmed; the disk kills us meanwhile."""
    disk = KillingDisk(moment, int(after))
    disk.together_from = int(way)
    evidence = reopen(Path(root), disk)
    for number in range(BATCHES):
        evidence.keep(batch(number))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
