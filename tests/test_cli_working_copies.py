"""A person may edit the files of the archive: each version is journalled, none is lost."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from command import Desk, new_desk
from mail import mail


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive with one message from client.example and one from other.example."""
    desk = new_desk(tmp_path / "archive")
    desk.keep(
        tmp_path / "mail",
        mail(message_id="a@client.example", date=datetime(2026, 3, 1, tzinfo=UTC)),
        mail(message_id="b@other.example", from_="Bo <bo@other.example>"),
    )
    desk.ok("engagement", "add", "acme", "--client", "ACME", "--domain", "client.example")
    return desk


def tied(desk: Desk, slug: str = "acme") -> int:
    """Count the records of an engagement."""
    total = desk.ok("search", f"engagement:{slug}", "--format", "json").json["total"]
    assert isinstance(total, int)
    return total


def test_adding_an_engagement_ties_the_records_there_are(desk: Desk) -> None:
    """At once, without another command."""
    assert tied(desk) == 1


def test_an_edited_engagement_file_is_journalled_and_tags_again(desk: Desk) -> None:
    """The next command sees the change, whatever it is for."""
    entries = desk.ok("status", "--format", "json").json["entries"]
    path = desk.root / "engagements" / "acme.toml"
    path.write_text(path.read_text().replace("client.example", "other.example"))
    assert tied(desk) == 1
    hit = desk.ok("search", "engagement:acme", "--format", "json").json["hits"][0]
    assert hit["from"] == "Bo <bo@other.example>"
    assert desk.ok("status", "--format", "json").json["entries"] == entries + 1


def test_a_missing_file_is_restored_from_the_journal(desk: Desk) -> None:
    """And said to be."""
    path = desk.root / "engagements" / "acme.toml"
    text = path.read_text()
    path.unlink()
    said = desk.ok("search", "*")
    assert "has been restored" in said.err
    assert path.read_text() == text


def test_a_broken_file_is_told_and_its_last_good_version_used(desk: Desk) -> None:
    """On a bad day a search must still answer."""
    path = desk.root / "engagements" / "acme.toml"
    path.write_text("this is [not TOML")
    said = desk.ok("search", "engagement:acme", "--format", "json")
    assert said.json["total"] == 1
    assert "engagements/acme.toml" in said.err
    assert path.read_text() == "this is [not TOML"
    assert desk("engagement", "check").code == 3


def test_a_broken_archive_toml_stops_a_sync_with_78(desk: Desk) -> None:
    """What to fetch must not be guessed."""
    path = desk.root / "archive.toml"
    path.write_text(path.read_text() + '\n[account.x]\nhostt = "y"\n')
    said = desk("sync")
    assert said.code == 78
    assert "archive.toml" in said.err


def test_a_dry_run_says_what_would_move_and_writes_nothing(desk: Desk) -> None:
    """Neither file nor entry."""
    said = desk.ok(
        "engagement", "add", "other", "--client", "Other", "--domain", "other.example", "--dry-run"
    )
    assert "1 tags would come, 0 would go" in said.out
    assert not (desk.root / "engagements" / "other.toml").exists()


def test_tags_by_a_person_survive_a_rebuild_and_can_be_taken_back(desk: Desk) -> None:
    """They are journal entries."""
    hit = desk.ok("search", "from:bo", "--format", "json").json["hits"][0]
    said = desk.ok("tag", "acme", hit["id"][:12])
    assert tied(desk) == 2
    desk.ok("rebuild")
    assert tied(desk) == 2
    desk.ok("undo", said.err.split()[-1])
    assert tied(desk) == 1


def test_untag_beats_the_rule(desk: Desk) -> None:
    """A person's decision is final until it is taken back."""
    hit = desk.ok("search", "engagement:acme", "--format", "json").json["hits"][0]
    desk.ok("untag", "acme", hit["id"])
    assert tied(desk) == 0
    desk.ok("rebuild")
    assert tied(desk) == 0


def test_two_fits_wait_in_triage_until_a_person_decides(desk: Desk) -> None:
    """The program never guesses in silence."""
    desk.ok("engagement", "add", "acme-2", "--client", "ACME", "--domain", "client.example")
    (item,) = desk.ok("triage", "--format", "json").json["undecided"]
    assert {each["engagement"] for each in item["candidates"]} == {"acme", "acme-2"}
    assert tied(desk) == tied(desk, "acme-2") == 0
    desk.ok("triage", "assign", "acme-2", item["id"])
    assert desk.ok("triage", "--format", "json").json["total"] == 0
    assert (tied(desk), tied(desk, "acme-2")) == (0, 1)


def test_a_decision_for_a_sender_can_become_a_rule(desk: Desk) -> None:
    """So that mail to come needs no decision."""
    hit = desk.ok("search", "from:bo", "--format", "json").json["hits"][0]
    desk.ok("triage", "assign", "acme", hit["id"], "--scope", "sender", "--make-rule")
    assert "bo@other.example" in (desk.root / "engagements" / "acme.toml").read_text()
    assert tied(desk) == 2


def test_an_unknown_engagement_is_told(desk: Desk) -> None:
    """With those there are."""
    said = desk("tag", "acne", "abcd")
    assert said.code == 2
    assert "Engagements: acme" in said.err


def test_removing_an_engagement_keeps_its_records(desk: Desk) -> None:
    """The file goes, the journal and the bytes stay."""
    desk.ok("engagement", "remove", "acme", "--yes")
    assert not (desk.root / "engagements" / "acme.toml").exists()
    assert desk.ok("search", "*", "--format", "json").json["total"] == 2
