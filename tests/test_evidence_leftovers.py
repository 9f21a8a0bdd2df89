"""What an interrupted write left under an object's name, and what only looks like it."""

import errno
import os
from pathlib import Path

import pytest
from evidence_case import NOW, TogetherDisk, create, reopen, seen

from archiver.errors import OperationError
from archiver.evidence.checks.check import verify
from archiver.evidence.disk import Disk, SyncError
from archiver.model.digest import Digest
from archiver.model.origin import KeySeen

WAYS = [
    pytest.param(Disk.together_from, id="each"),
    pytest.param(
        1,
        id="together",
        marks=pytest.mark.skipif(os.name != "posix", reason="Windows opens no folder"),
    ),
]


def disk(way: int) -> TogetherDisk:
    """Return a disk that syncs all at once from WAY files on."""
    made = TogetherDisk()
    made.together_from = way
    return made


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("left", [b"", b"bod", b"body", b"body and more", b"bo\0\0"])
def test_a_leftover_gives_way_whatever_it_holds(tmp_path: Path, left: bytes, way: int) -> None:
    """No entry names it, so it proves nothing: torn, sound, or sound only in memory."""
    with create(tmp_path, disk(way)) as evidence:
        path = evidence.path_of(Digest.of(b"body"))
        path.write_bytes(left)
        path.chmod(0o444)
        before = path.stat().st_ino
        assert [finding.code for finding in verify(evidence).findings] == ["object-stray"]
        (kept,) = evidence.keep([seen(b"body")])
        assert kept.new
        assert evidence.read(kept.digest) == b"body"
        assert path.stat().st_ino != before, "bytes that were never synced by us"
        assert path.stat().st_mode & 0o777 == 0o444
        assert not verify(evidence, read_data=1.0).findings


@pytest.mark.parametrize("way", WAYS)
def test_a_damaged_working_copy_or_key_is_no_leftover(tmp_path: Path, way: int) -> None:
    """An entry names it, though no record does: it stays for a person to look at."""
    key = Digest.of(b"key")
    with create(tmp_path, disk(way)) as evidence:
        evidence.keep_config("archive.toml", b"copy", actor="archiver")
        seen_key = KeySeen(name="s._domainkey.example", object=key, size=3, validated=False)
        evidence.append([seen_key], objects={key: b"key"})
        for data in (b"copy", b"key"):
            path = evidence.path_of(Digest.of(data))
            path.chmod(0o600)
            path.write_bytes(b"spoilt")
            with pytest.raises(OperationError, match="is damaged") as caught:
                evidence.keep([seen(data)])
            assert "Nothing was overwritten" in caught.value.advice
            assert path.read_bytes() == b"spoilt"


class BrokenDisk(TogetherDisk):
    """Cannot confirm that names are safe."""

    def sync_folder(self, folder: Path) -> None:  # noqa: ARG002 - none is
        """Fail."""
        raise SyncError(errno.EIO, os.strerror(errno.EIO))

    def sync_together(self, descriptor: int) -> None:  # noqa: ARG002 - neither
        """Fail, names or not."""
        raise SyncError(errno.EIO, os.strerror(errno.EIO))


def test_what_replaced_a_leftover_or_filled_a_gap_is_not_taken_back(tmp_path: Path) -> None:
    """Only what is new goes when the batch fails."""
    with create(tmp_path) as evidence:
        (gap,) = evidence.keep([seen(b"gap")])
        evidence.path_of(gap.digest).unlink()
        evidence.path_of(Digest.of(b"left")).write_bytes(b"le")
    with reopen(tmp_path, BrokenDisk()) as evidence:
        with pytest.raises(OperationError, match="could not confirm"):
            evidence.keep([seen(b"gap", 2), seen(b"left", 3), seen(b"new", 4)])
        assert evidence.read(gap.digest) == b"gap"
        assert evidence.read(Digest.of(b"left")) == b"left"
        assert not evidence.path_of(Digest.of(b"new")).exists()
        assert not evidence.objects.temporaries()
    with reopen(tmp_path) as evidence:
        assert [one.new for one in evidence.keep([seen(b"left", 3, internaldate=NOW)])] == [True]
        assert not verify(evidence, read_data=1.0).findings
