"""Damage of the catalogue that shows only while it answers; another process at work."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from command import Desk, new_desk
from mail import mail

from archiver.app import Archive
from archiver.catalogue.catalogue import Catalogue
from index.engine import Engine, IndexDamaged

_PAGE = 4096


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive with five messages, one of which is in an engagement."""
    desk = new_desk(tmp_path / "archive")
    mails = [mail(message_id=f"{n}@x.example", text=f"word {n} common\n") for n in range(5)]
    desk.keep(tmp_path / "mail", *mails)
    desk.ok("engagement", "add", "acme", "--client", "ACME", "--domain", "client.example")
    return desk


def questions(desk: Desk) -> list[tuple[str, ...]]:
    """Return commands that read the catalogue, each in its way."""
    id_ = desk.ok("search", "word", "--format", "json").json["hits"][0]["id"]
    return [
        ("search", "word has:attachment OR hello", "--format", "json"),
        ("status", "--format", "json"),
        ("show", id_, "--format", "json"),
        ("thread", id_, "--format", "json"),
    ]


@pytest.mark.parametrize("table", ["record", "attachment", "tag", "sighting", "meta"])
def test_a_table_that_is_gone_is_told_and_mended(desk: Desk, table: str) -> None:
    """Whichever command meets it first; the answer is right in the end."""
    for question in questions(desk):
        before = desk.ok(*question).raw
        with closing(sqlite3.connect(desk.root / "catalogue.sqlite")) as connection:
            connection.execute(f"DROP TABLE {table}")
        said = desk.ok(*question)
        assert said.raw == before, question
        assert said.err == "" or "rebuilding it" in said.err


def test_damaged_pages_of_the_catalogue_are_mended(desk: Desk) -> None:
    """Wherever they are: some are only met while answering."""
    path = desk.root / "catalogue.sqlite"
    good = path.read_bytes()
    for question in questions(desk):
        before = desk.ok(*question).raw
        for place in range(0, len(good), 5 * _PAGE):
            path.write_bytes(good[:place] + b"\xff" * 64 + good[place + 64 :])
            assert desk.ok(*question).raw == before, (question, place)


def test_a_dossier_comes_from_a_mended_catalogue(desk: Desk, tmp_path: Path) -> None:
    """Damage is mended before its records are chosen."""
    with closing(sqlite3.connect(desk.root / "catalogue.sqlite")) as connection:
        connection.execute("DROP TABLE exhibit")
    said = desk.ok("dossier", "acme", "--output", tmp_path / "out", "--yes")
    assert "rebuilding it" in said.err


def test_a_damaged_index_is_mended_under_an_open_catalogue(desk: Desk) -> None:
    """What a question holds of the catalogue stays usable when the index is made again."""
    answers: list[int] = []
    with Archive(desk.root, tell=print, actor="person:test") as archive:
        catalogue = archive.catalogue

        def question(engine: Engine) -> int:
            if not answers:
                answers.append(engine.count())
                raise IndexDamaged("It is cut short.")
            return engine.count() + catalogue.count_records()

        assert archive.projections.ask(question) == 10


def test_rows_that_are_given_up_are_given_up_in_silence(desk: Desk) -> None:
    """As when memory runs out while they are read, and all is closed."""
    catalogue = Catalogue.open(desk.root / "catalogue.sqlite")
    documents = catalogue.documents(0)
    assert next(documents).key >= 0
    catalogue.close()
    del documents


@contextmanager
def another_indexing(desk: Desk, folder: Path) -> Iterator[None]:
    """Keep a message that is not indexed yet, while another process is said to index."""
    folder.mkdir()
    (folder / "a.eml").write_bytes(mail(message_id="late@x.example", text="word late"))
    desk.ok("import", folder, "--keep-only")
    with (
        Archive(desk.root, tell=print, actor="person:test") as archive,
        archive.evidence.projection_lock(wait=True),
    ):
        yield


def test_status_tells_that_another_process_indexes(desk: Desk, tmp_path: Path) -> None:
    """Counts that differ for a while are no damage."""
    with another_indexing(desk, tmp_path / "more"):
        said = desk.ok("status")
        told = desk.ok("status", "--format", "json").json
    assert "Another process is indexing: 5 of 6 records are in the search index." in said.out
    assert "verify" not in said.out
    assert told["indexing"] is True
    after = desk.ok("status", "--format", "json").json
    assert (after["indexing"], after["index"]) == (False, 6)


def test_another_process_that_indexes_is_told_once(desk: Desk, tmp_path: Path) -> None:
    """Catalogue and index wait for the same one."""
    with another_indexing(desk, tmp_path / "more"):
        assert desk.ok("search", "word").err.count("Another process is indexing") == 1


def test_records_on_disk_are_counted_without_reading_entries(desk: Desk) -> None:
    """A missing object shows in the count."""
    status = desk.ok("status", "--format", "json").json
    assert status["records"] == status["journal"] == 5
    for path in (desk.root / "objects").glob("??/*"):
        if b"word 3" in path.read_bytes():
            path.unlink()
    assert desk.ok("status", "--format", "json").json["records"] == 4
