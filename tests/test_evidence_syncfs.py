"""When everything is synced at once, and when each file by itself."""

import errno
import os
import sys
from pathlib import Path

import pytest
from evidence_case import create, seen

from archiver.evidence.checks.check import verify
from archiver.evidence.disk import Disk, SyncError

if not sys.platform.startswith("linux"):
    pytest.skip("syncfs(2) is Linux's", allow_module_level=True)

from archiver.evidence import syncfs


@pytest.mark.parametrize("release", ["5.8.0-rc1", "5.10.0-28-amd64", "6.1", "10.0"])
def test_recent_kernels_tell_of_all_errors(release: str) -> None:
    """Linux 5.8 was the first that does."""
    assert syncfs.recent(release)


@pytest.mark.parametrize("release", ["5.7.19", "4.19.0", "5", ""])
def test_old_kernels_and_odd_ones_are_not_trusted(release: str) -> None:
    """Each file is synced by itself then."""
    assert not syncfs.recent(release)


@pytest.mark.parametrize("folder", ["/proc", "/sys"])
def test_file_systems_that_are_not_known_are_not_trusted(folder: str) -> None:
    """They may say yes and do nothing."""
    if not Path(folder).is_dir():
        pytest.skip(f"no {folder} here")
    assert syncfs.open_sound(Path(folder)) is None


def test_few_files_are_synced_each(tmp_path: Path) -> None:
    """They need not wait for what other programs wrote."""
    assert Disk().open_together(tmp_path, Disk.together_from - 1) is None


class CountingDisk(Disk):
    """Counts how often it is asked for everything, and for one file."""

    def __init__(self) -> None:
        self.together = self.each = 0

    def sync_together(self, descriptor: int) -> None:
        """Count."""
        self.together += 1
        super().sync_together(descriptor)

    def sync(self, descriptor: int) -> None:
        """Count."""
        self.each += 1
        super().sync(descriptor)


def test_a_large_batch_is_synced_twice(tmp_path: Path) -> None:
    """Once for the bytes, once for the names; or each by itself where that cannot be trusted."""
    disk = CountingDisk()
    number = Disk.together_from
    with create(tmp_path, disk) as evidence:
        disk.each = 0
        evidence.keep([seen(b"%d" % uid, uid) for uid in range(1, number + 1)])
        descriptor = syncfs.open_sound(tmp_path)
        if descriptor is None:
            assert (disk.together, disk.each > number) == (0, True)
        else:
            os.close(descriptor)
            assert (disk.together, disk.each) == (2, 1)  # the mirror
        assert not verify(evidence, read_data=1.0).findings


def test_what_the_system_cannot_confirm_is_an_error(tmp_path: Path) -> None:
    """Of a descriptor that is none, for example."""
    descriptor = os.open(tmp_path, os.O_RDONLY)
    os.close(descriptor)
    with pytest.raises(SyncError) as caught:
        Disk().sync_together(descriptor)
    assert caught.value.errno == errno.EBADF
