"""The file: made when missing, refused when damaged or of another version, never in the way."""

import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path
from shutil import copyfile

import pytest
from readings import add, catalogue_of, reading

from archiver.catalogue.catalogue import Catalogue, CatalogueUnusable
from archiver.catalogue.replace import put_in_place
from archiver.errors import LockedError, OperationError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a closed catalogue of one record."""
    catalogue_of(tmp_path, reading()).close()
    return tmp_path / "catalogue.sqlite"


def why_not(path: Path, *, read_only: bool = False) -> str:
    """Return why the file cannot be used."""
    with pytest.raises(CatalogueUnusable) as caught:
        Catalogue.open(path, read_only=read_only)
    assert "archiver rebuild" in caught.value.advice
    return str(caught.value)


def change(path: Path, sql: str) -> None:
    """Execute SQL in the file."""
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(sql)
    connection.close()


def frozen(path: Path, folder: Path) -> Path:
    """Copy the file, with its log, to where nothing can be written."""
    folder.mkdir()
    for suffix in ("", "-wal"):
        if (source := path.with_name(path.name + suffix)).is_file():
            copyfile(source, folder / source.name)
    copy = folder / path.name
    copy.chmod(0o444)
    return copy


@pytest.fixture
def cannot_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that folders cannot be written to: root may write anywhere."""
    monkeypatch.setattr("os.access", lambda _path, _mode: False)


def test_a_missing_catalogue_is_made_for_the_owner_only(path: Path) -> None:
    """Nobody else may read a client's mail."""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with Catalogue.open(path) as catalogue:
        assert (catalogue.count_records(), catalogue.position) == (1, 2)


def test_an_empty_file_becomes_a_catalogue(tmp_path: Path) -> None:
    """A crash while it was made left it so."""
    path = tmp_path / "catalogue.sqlite"
    path.touch()
    with Catalogue.open(path) as catalogue:
        assert catalogue.count_records() == 0


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda path: path.write_bytes(b"not a database" * 100), "damaged"),
        (lambda path: path.write_bytes(path.read_bytes()[:5000]), "damaged"),
        (lambda path: change(path, "PRAGMA application_id = 7"), "not a catalogue"),
        (lambda path: change(path, "PRAGMA user_version = 99"), "version of the archiver"),
        (lambda path: change(path, "UPDATE meta SET value = 'x'"), "mail reader"),
        (lambda path: change(path, "DELETE FROM meta"), "mail reader"),
        (lambda path: change(path, "DROP TABLE meta"), "damaged"),
        (lambda path: (path.unlink(), path.mkdir()), "damaged"),
    ],
    ids=["text", "cut", "stranger", "schema", "reader", "no reader", "no table", "folder"],
)
def test_a_file_that_cannot_be_used_says_why(
    path: Path, damage: Callable[[Path], object], why: str
) -> None:
    """The caller makes it again and tells the reason."""
    damage(path)
    assert why in why_not(path)


@pytest.mark.parametrize("read_only", [True, False])
def test_a_file_that_cannot_be_opened_is_not_called_damaged(path: Path, *, read_only: bool) -> None:
    """It may be sound: nobody makes it again over what he may not read."""
    path.with_name(path.name + "-wal").mkdir()  # SQLite then says what it says without permission
    before = path.read_bytes()
    with pytest.raises(OperationError) as caught:
        Catalogue.open(path, read_only=read_only)
    assert not isinstance(caught.value, CatalogueUnusable)
    assert caught.value.what.startswith(f"{path} could not be read or written: ")
    assert "permissions" in caught.value.advice
    assert path.read_bytes() == before


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="modes are those of POSIX; root is not denied"
)
@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("of_folder", [True, False])
def test_a_file_that_we_may_not_read_is_not_called_damaged(
    path: Path, *, read_only: bool, of_folder: bool
) -> None:
    """Nor one in a folder that is closed to us."""
    denied = path.parent if of_folder else path
    before = denied.stat().st_mode
    denied.chmod(0)
    try:
        with pytest.raises(OperationError) as caught:
            Catalogue.open(path, read_only=read_only)
    finally:
        denied.chmod(before)
    assert not isinstance(caught.value, CatalogueUnusable)
    assert "permissions" in caught.value.advice


def test_a_place_where_no_file_can_be_made_is_told(path: Path) -> None:
    """Whatever the system says, it is told as ours."""
    with pytest.raises(OperationError, match="Not a directory") as caught:
        Catalogue.open(path / "catalogue.sqlite")
    assert not isinstance(caught.value, CatalogueUnusable)


def test_damage_met_later_is_told_the_same_way(path: Path) -> None:
    """A page in the middle that is overwritten shows when it is read."""
    data = bytearray(path.read_bytes())
    data[8192:] = b"\xff" * (len(data) - 8192)
    path.write_bytes(data)

    def use() -> None:
        with Catalogue.open(path) as catalogue:
            catalogue.lines([1])

    with pytest.raises(CatalogueUnusable) as caught:
        use()
    assert caught.value.what.startswith("The catalogue cannot be used: the file is damaged")


def test_reading_makes_no_file(tmp_path: Path) -> None:
    """Where there is none, a reader is told so."""
    assert why_not(tmp_path / "catalogue.sqlite", read_only=True) == "there is none"
    assert not list(tmp_path.iterdir())


def test_a_reader_cannot_write(path: Path) -> None:
    """Read-only means that not one byte changes."""
    before = path.read_bytes()
    with Catalogue.open(path, read_only=True) as catalogue:
        assert catalogue.line(1).position == 1
        with pytest.raises(OperationError, match="readonly"), catalogue.batch() as batch:
            add(batch, 2)
    assert path.read_bytes() == before


@pytest.mark.usefixtures("cannot_write")
def test_read_only_media_are_read_without_a_lock(path: Path, tmp_path: Path) -> None:
    """Nothing appears beside the file."""
    copy = frozen(path, tmp_path / "media")
    with Catalogue.open(copy, read_only=True) as catalogue:
        assert catalogue.count_records() == 1
    assert [each.name for each in copy.parent.iterdir()] == ["catalogue.sqlite"]


@pytest.mark.usefixtures("cannot_write")
def test_a_log_on_read_only_media_is_read_as_well(path: Path, tmp_path: Path) -> None:
    """What was committed but not yet moved into the file counts."""
    with Catalogue.open(path) as catalogue:
        with catalogue.batch() as batch:
            add(batch, 2)
        copy = frozen(path, tmp_path / "media")
    assert (copy.parent / "catalogue.sqlite-wal").stat().st_size
    with Catalogue.open(copy, read_only=True) as catalogue:
        assert catalogue.count_records() == 2
    assert len(list(copy.parent.iterdir())) == 2


def test_readers_do_not_wait_for_a_writer(path: Path) -> None:
    """They see what was committed before."""
    with (
        Catalogue.open(path) as writer,
        Catalogue.open(path) as reader,
        Catalogue.open(path, read_only=True) as other,
    ):
        with writer.batch() as batch:
            add(batch, 2)
            assert (reader.count_records(), other.count_records()) == (1, 1)
        assert (reader.count_records(), other.count_records()) == (2, 2)


def test_a_second_writer_is_told_to_wait(path: Path) -> None:
    """After a while it gives up, with words that say what to do."""
    with Catalogue.open(path) as one, Catalogue.open(path) as two:
        two._database.run("PRAGMA busy_timeout = 10")
        with one.batch(), pytest.raises(LockedError, match="Another process") as caught:
            two.batch().__enter__()
        assert "try again" in caught.value.advice


def made_anew(path: Path) -> Path:
    """Return a closed catalogue of three records, beside the one at PATH."""
    fresh = path.with_name("catalogue.new.sqlite")
    with Catalogue.open(fresh) as catalogue, catalogue.batch() as batch:
        for position in (1, 2, 3):
            add(batch, position)
    return fresh


def test_a_new_catalogue_takes_the_place_of_one_that_is_being_read(path: Path) -> None:
    """Readers go on; the old one's log is not played into the new one."""
    fresh = made_anew(path)
    with Catalogue.open(path) as reader:
        with reader.batch() as batch:
            add(batch, 7)
        put_in_place(fresh, path)
        assert reader.count_records() == 3
    assert not fresh.exists()
    with Catalogue.open(path) as again:
        assert again.count_records() == 3


@pytest.mark.parametrize("content", [b"not a database" * 100, b"", None])
def test_a_new_catalogue_takes_the_place_of_a_damaged_one(
    path: Path, content: bytes | None
) -> None:
    """Or of an empty one, or of none."""
    fresh = made_anew(path)
    path.unlink() if content is None else path.write_bytes(content)
    put_in_place(fresh, path)
    with Catalogue.open(path) as catalogue:
        assert catalogue.count_records() == 3
    assert [each.name for each in path.parent.iterdir()] == ["catalogue.sqlite"]
