"""The command contract: scripts rely on exactly these shapes and codes."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command import Desk, archiver, new_desk
from mail import mail

FIRST = mail(
    subject="Proposition commerciale",
    message_id="a@client.example",
    text="Bonjour,\nvoici l'accès aux données promis pour vendredi.\n",
)
SECOND = mail(
    subject="Re: Proposition commerciale",
    from_="Us <us@consultant.example>",
    to="marie@client.example",
    cc="paul@third.example",
    date=datetime(2026, 3, 3, 8, 0, tzinfo=UTC),
    message_id="b@consultant.example",
    in_reply_to="a@client.example",
    text="Thank you.\n",
)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive with two messages of one thread and an engagement."""
    desk = new_desk(tmp_path / "archive")
    desk.keep(tmp_path / "mail", FIRST, SECOND)
    desk.ok("engagement", "add", "acme-2026", "--client", "ACME", "--domain", "client.example")
    return desk


def test_search_answers_json_of_schema_1(desk: Desk) -> None:
    """Keys and types are those of the contract."""
    answer = desk.ok("search", "acces donnees", "--format", "json").json
    assert answer["schema"] == 1
    assert answer["total"] == 1
    (hit,) = answer["hits"]
    assert hit["id"] == hashlib.sha256(FIRST).hexdigest()
    assert hit["date"] == "2026-03-02T09:30:00+00:00"
    assert hit["from"] == "Marie Client <marie@client.example>"
    assert hit["to"] == ["us@consultant.example"]
    assert hit["subject"] == "Proposition commerciale"
    assert hit["engagements"] == ["acme-2026"]


def test_newest_comes_first(desk: Desk) -> None:
    """The default order is by date, newest first."""
    hits = desk.ok("search", "*", "--format", "json").json["hits"]
    assert [hit["subject"] for hit in hits] == [
        "Re: Proposition commerciale",
        "Proposition commerciale",
    ]


def test_show_raw_gives_the_exact_bytes(desk: Desk) -> None:
    """Not a byte more or less, on stdout."""
    assert desk.ok("show", hashlib.sha256(FIRST).hexdigest(), "--raw").raw == FIRST


def test_show_json_tells_headers_text_and_reasons(desk: Desk) -> None:
    """A record is shown with why it belongs to its engagement."""
    shown = desk.ok("show", hashlib.sha256(SECOND).hexdigest()[:10], "--format", "json").json
    assert shown["schema"] == 1
    assert shown["text"] == "Thank you."
    assert ["Subject", "Re: Proposition commerciale"] in shown["headers"]
    assert shown["tags"][0]["engagement"] == "acme-2026"
    assert shown["tags"][0]["reason"]


def test_status_counts_agree_when_all_is_well(desk: Desk) -> None:
    """Four counts, read back from four places."""
    status = desk.ok("status", "--format", "json").json
    assert status["schema"] == 1
    assert [status[key] for key in ("records", "journal", "catalogue", "index")] == [2, 2, 2, 2]
    assert status["entries"] > 4


def test_verify_finds_nothing_in_a_sound_archive(desk: Desk) -> None:
    """Reading every byte of it as well."""
    report = desk.ok("verify", "--read-data=all", "--format", "json").json
    assert report["schema"] == 1
    assert report["findings"] == []
    assert report["checked"]["objects"] >= 2


def test_verify_exits_3_on_a_changed_byte(desk: Desk) -> None:
    """And says which object, and what to do."""
    digest = hashlib.sha256(FIRST).hexdigest()
    path = desk.root / "objects" / digest[:2] / digest
    path.chmod(0o600)
    path.write_bytes(FIRST.replace(b"vendredi", b"vendredy"))
    said = desk("verify", "--read-data=all", "--format", "json")
    assert said.code == 3
    (finding,) = [each for each in said.json["findings"] if each["level"] == "error"]
    assert digest in finding["subject"]
    assert finding["advice"]


def test_a_rebuild_gives_the_same_answers_byte_for_byte(desk: Desk) -> None:
    """Catalogue and index are derived: they can be deleted."""
    questions = [
        ("search", "*", "--format", "json"),
        ("show", hashlib.sha256(FIRST).hexdigest(), "--format", "json"),
        ("thread", hashlib.sha256(FIRST).hexdigest(), "--format", "json"),
        ("status", "--format", "json"),
    ]
    before = [desk.ok(*question).raw for question in questions]
    (desk.root / "catalogue.sqlite").unlink()
    for path in sorted((desk.root / "search").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    desk.ok("rebuild")
    assert [desk.ok(*question).raw for question in questions] == before


def test_no_archive_exits_10(tmp_path: Path) -> None:
    """A folder that is no archive is said to be none."""
    said = archiver("--archive", tmp_path / "nothing", "status")
    assert said.code == 10
    assert "init" in said.err


def test_no_archive_named_exits_10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is guessed."""
    monkeypatch.chdir(tmp_path)
    said = archiver("status")
    assert said.code == 10
    assert "--archive DIR" in said.err


def test_a_second_init_is_refused(desk: Desk) -> None:
    """An archive is never made over another."""
    said = desk("init")
    assert said.code == 2
    assert "is an archive already" in said.err


def test_an_unknown_record_is_told(desk: Desk) -> None:
    """With what to give instead."""
    said = desk("show", "ffffffff")
    assert said.code == 2
    assert "No record is called ffffffff" in said.err


def test_an_unknown_command_exits_2(desk: Desk) -> None:
    """Click's own usage errors keep click's code."""
    assert desk("serach").code == 2


def test_no_hit_tells_what_was_searched(desk: Desk) -> None:
    """And exits 4 only when asked to."""
    said = desk.ok("search", "unfindable")
    assert "2 records" in said.err
    assert desk("search", "unfindable", "--exit-code").code == 4


def test_a_mistake_in_a_query_is_marked(desk: Desk) -> None:
    """The place is shown under the query."""
    said = desk("search", "subject:(a OR b")
    assert said.code == 2
    assert "^" in said.err


def test_inspect_needs_no_archive(tmp_path: Path) -> None:
    """One mail file, read as the archiver reads it."""
    path = tmp_path / "one.eml"
    path.write_bytes(FIRST)
    answer = archiver("inspect", path, "--format", "json").json
    assert answer["schema"] == 1
    assert ["Subject", "Proposition commerciale"] in answer["headers"]
    assert "accès aux données" in answer["text"]
    assert answer["zones"] == answer["attachments"] == answer["defects"] == []


def test_a_dossier_is_exported_and_its_numbers_stay(desk: Desk, tmp_path: Path) -> None:
    """The same record has the same exhibit number in a later export."""
    desk.ok("dossier", "acme-2026", "--output", tmp_path / "one")
    early = mail(subject="Before", date=datetime(2026, 1, 1, tzinfo=UTC), message_id="c@x.example")
    desk.keep(tmp_path / "mail", early)
    desk.ok("dossier", "acme-2026", "--output", tmp_path / "two")
    for folder in ("one", "two"):
        messages = tmp_path / folder / "data" / "messages"
        assert (messages / "ACME-2026-000001.eml").read_bytes() == FIRST
    assert (tmp_path / "two/data/messages/ACME-2026-000003.eml").read_bytes() == early


def test_a_dossier_into_a_full_folder_is_refused(desk: Desk, tmp_path: Path) -> None:
    """Nothing in it is touched."""
    said = desk("dossier", "acme-2026", "--output", tmp_path / "mail")
    assert said.code == 2
    assert "is not an empty folder" in said.err
