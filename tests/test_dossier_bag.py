"""The bag: what stands on disk, and what happens when it cannot."""

import dataclasses
import hashlib
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dossiers import FACTS, MATTER, dossier
from views import DATE, bytes_of, digest_of, view

from archiver.dossier.bag import Written, write_bag
from archiver.dossier.exhibits import Dossier
from archiver.dossier.matter import Matter
from archiver.errors import OperationError, UsageError
from archiver.model.digest import Digest

OBJECTS = {digest_of(position): bytes_of(position) for position in range(1, 10)}
needs_modes = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no POSIX modes")


def two() -> Dossier:
    """Return a dossier of two exhibits, the first with a copy."""
    copy = view(2, variants=(digest_of(1),))
    return dossier(view(1), copy, view(3, date=DATE + timedelta(days=1)))


def write(folder: Path, made: Dossier | None = None) -> Written:
    """Write a bag."""
    return write_bag(made or two(), folder, OBJECTS.__getitem__)


def files(folder: Path) -> dict[str, bytes]:
    """Return every file below FOLDER, by its name."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_a_bag_holds_exactly_these_files(tmp_path: Path) -> None:
    """Names made of A-Z a-z 0-9 . _ - only."""
    write(tmp_path / "bag")
    assert list(files(tmp_path / "bag")) == [
        "bag-info.txt",
        "bagit.txt",
        "data/README.html",
        "data/chronology.csv",
        "data/chronology.html",
        "data/coverage.csv",
        "data/coverage.html",
        "data/custody.csv",
        "data/messages/ACME-2026-000001.eml",
        "data/messages/ACME-2026-000001.v2.eml",
        "data/messages/ACME-2026-000002.eml",
        "data/withheld.csv",
        "manifest-sha256.txt",
        "tagmanifest-sha256.txt",
    ]


def test_exhibits_are_the_exact_bytes(tmp_path: Path) -> None:
    """Line ends, high bytes and NULs included."""
    odd = b"Subject: \xff\r\n\r\nbody\n\x00\r"
    write_bag(dossier(view(data=odd)), tmp_path / "bag", lambda _digest: odd)
    assert files(tmp_path / "bag")["data/messages/ACME-2026-000001.eml"] == odd


@pytest.mark.parametrize("manifest", ["manifest-sha256.txt", "tagmanifest-sha256.txt"])
def test_sha256sum_accepts_the_bag(tmp_path: Path, manifest: str) -> None:
    """The check that a lawyer makes, and it notices a changed file."""
    if shutil.which("sha256sum") is None:
        pytest.skip("no sha256sum (GNU coreutils)")
    write(tmp_path)
    command = ["env", "LC_ALL=C", "sha256sum", "--strict", "-c", manifest]
    good = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert all(line.endswith(": OK") for line in good.stdout.splitlines())
    (tmp_path / good.stdout.partition(":")[0]).write_bytes(b"changed")
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 1


def test_manifests_name_every_file(tmp_path: Path) -> None:
    """Payload in one, the files that speak of it in the other, sorted."""
    write(tmp_path)
    held = files(tmp_path)
    for manifest, payload in (("manifest-sha256.txt", True), ("tagmanifest-sha256.txt", False)):
        lines = [line.split("  ") for line in held[manifest].decode("ascii").splitlines()]
        named = [name for name in held if name.startswith("data/") == payload]
        assert lines == [
            [hashlib.sha256(held[name]).hexdigest(), name]
            for name in named
            if name != "tagmanifest-sha256.txt"
        ]


def test_the_tag_files_are_as_bagit_says(tmp_path: Path) -> None:
    """RFC 8493, sections 2.1.1 and 2.2.2: the declaration, the payload's bytes and files."""
    written = write(tmp_path)
    held = files(tmp_path)
    assert held["bagit.txt"] == b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    assert held["bag-info.txt"].decode() == (
        "Bagging-Date: 2026-11-23\n"
        "Bag-Software-Agent: archiver/test\n"
        "Made: 2026-11-23T15:05:00+01:00\n"
        "Journal-Entries: 20412\n"
        f"Journal-Root-SHA256: {FACTS.root}\n"
        "External-Description: Dossier: Portal, client ACME SA\n"
        "External-Identifier: ACME-2026 in archive 0123456789abcdef0123456789abcdef\n"
        f"Payload-Oxum: {written.bytes}.{written.files}\n"
    )
    payload = [data for name, data in held.items() if name.startswith("data/")]
    assert (sum(map(len, payload)), len(payload)) == (written.bytes, written.files)


def test_what_was_written_is_named_by_its_manifest(tmp_path: Path) -> None:
    """The export entry keeps that digest."""
    written = write(tmp_path / "bag")
    assert written.manifest == Digest.of(files(tmp_path / "bag")["manifest-sha256.txt"])
    assert written.directory == tmp_path / "bag"


def test_no_field_of_bag_info_can_add_another(tmp_path: Path) -> None:
    """A title with a line break stays one line."""
    matter = Matter(slug="a", client="C\r\nPayload-Oxum: 0.0", title="T\nX: y", us=MATTER.us)
    write(tmp_path, dossier(view(), matter=matter))
    lines = files(tmp_path)["bag-info.txt"].decode().splitlines()
    assert [line.partition(":")[0] for line in lines].count("Payload-Oxum") == 1


def test_the_same_selection_makes_the_same_bytes(tmp_path: Path) -> None:
    """Whatever the order in which the records come."""
    write(tmp_path / "one", dossier(view(1), view(3), view(4)))
    write(tmp_path / "two", dossier(view(4), view(1), view(3)))
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_another_time_changes_nothing_of_the_payload(tmp_path: Path) -> None:
    """When it was made and how far the journal was stand in a tag file, not under data/."""
    write(tmp_path / "one")
    later = dataclasses.replace(
        two(),
        made_at=datetime(2027, 1, 1, tzinfo=UTC),
        archive=dataclasses.replace(FACTS, tree_size=20413, root="cd" * 32),
    )
    write(tmp_path / "two", later)
    one, other = files(tmp_path / "one"), files(tmp_path / "two")
    assert {name for name in one if one[name] != other[name]} == {
        "bag-info.txt",
        "tagmanifest-sha256.txt",
    }


@needs_modes
def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    """It holds a client's mail; who else reads it is for a person to decide."""
    write(tmp_path / "bag")
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "bag").rglob("*")}
    assert modes == {0o600, 0o700}
    assert (tmp_path / "bag").stat().st_mode & 0o777 == 0o700


def test_an_empty_folder_and_missing_parents_will_do(tmp_path: Path) -> None:
    """The folders above are made."""
    write(tmp_path / "a" / "b" / "bag")
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty")
    assert (tmp_path / "empty" / "bagit.txt").is_file()
    assert (tmp_path / "a" / "b" / "bag" / "bagit.txt").is_file()


@pytest.mark.parametrize("name", ["used", "used/file"])
def test_a_place_in_use_is_refused(tmp_path: Path, name: str) -> None:
    """Nothing of the user's is touched."""
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").write_text("mine")
    with pytest.raises(UsageError, match="is not an empty folder") as caught:
        write(tmp_path / name)
    assert caught.value.advice.startswith("It gets a folder of its own")
    assert files(tmp_path) == {"used/file": b"mine"}


def test_other_bytes_never_go_out_under_an_exhibit_s_number(tmp_path: Path) -> None:
    """What the store gives is digested again; nothing is left."""
    with pytest.raises(OperationError, match="are not those that were kept") as caught:
        write_bag(two(), tmp_path / "bag", lambda _digest: b"something else")
    assert caught.value.advice.startswith("No dossier was written.")
    assert list(tmp_path.iterdir()) == []


def test_the_export_is_confirmed_before_the_bag_has_its_name(tmp_path: Path) -> None:
    """So that no bag exists whose numbers nobody keeps."""
    seen: list[tuple[Written, bool]] = []
    place = tmp_path / "bag"
    written = write_bag(
        two(), place, OBJECTS.__getitem__, confirm=lambda what: seen.append((what, place.exists()))
    )
    assert seen == [(written, False)]


def test_nothing_is_left_when_the_export_is_not_confirmed(tmp_path: Path) -> None:
    """For example because another process holds the lock."""

    def refuse(_written: Written) -> None:
        raise OperationError("no", advice="none")

    with pytest.raises(OperationError, match="no"):
        write_bag(two(), tmp_path / "bag", OBJECTS.__getitem__, confirm=refuse)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    """Here a file stands where a folder would have to be made."""
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OperationError, match="The dossier could not be written to") as caught:
        write(tmp_path / "file" / "below" / "bag")
    assert caught.value.advice.startswith("Nothing was left there.")


def test_an_interruption_leaves_no_half_bag(tmp_path: Path) -> None:
    """Ctrl-C in the middle: the temporary folder goes, the name was never given."""

    def interrupt(digest: Digest) -> bytes:
        if digest == digest_of(3):
            raise KeyboardInterrupt
        return OBJECTS[digest]

    with pytest.raises(KeyboardInterrupt):
        write_bag(two(), tmp_path / "bag", interrupt)
    assert list(tmp_path.iterdir()) == []
