"""What a person decides: triage decides what waits, tag and untag the rest, undo takes it back."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command import Desk, Said, new_desk
from mail import mail

FIRST = "first@client.example"


def of_march(day: int) -> datetime:
    """Return a day on which somebody wrote."""
    return datetime(2026, 3, day, tzinfo=UTC)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive where two of Marie's three messages wait, and Bo's has no tie.

    The subject of the third names one of the two engagements that fit her. All are one thread.
    """
    desk = new_desk(tmp_path / "archive")
    desk.keep(
        tmp_path / "mail",
        mail(subject="ACME-42: plan", message_id=FIRST, date=of_march(1)),
        mail(subject="Lunch", in_reply_to=FIRST, date=of_march(2)),
        mail(subject="Dinner", in_reply_to=FIRST, date=of_march(3)),
        mail(subject="Weather", from_="Bo <bo@elsewhere.example>", date=of_march(4)),
    )
    add = ("engagement", "add")
    desk.ok(*add, "acme", "--client", "ACME", "--domain", "client.example", "--code", "ACME-42")
    desk.ok(*add, "bolt", "--client", "Bolt", "--domain", "client.example")
    return desk


def id_of(desk: Desk, subject: str) -> str:
    """Return the identifier of the record with this subject."""
    (hit,) = desk.ok("search", f"subject:{subject}", "--format", "json").json["hits"]
    return str(hit["id"])


def tags(desk: Desk) -> dict[str, list[str]]:
    """Return the engagements of each record, by subject."""
    hits = desk.ok("search", "*", "--format", "json").json["hits"]
    return {hit["subject"]: hit["engagements"] for hit in hits}


def waiting(desk: Desk) -> list[str]:
    """Return the subjects of what waits for a person, newest first."""
    found = desk.ok("triage", "--format", "json").json["undecided"]
    return [item["subject"] for item in found]


def entries(desk: Desk) -> int:
    """Count the journal entries."""
    count = desk.ok("status", "--format", "json").json["entries"]
    assert isinstance(count, int)
    return count


def decision_of(said: Said) -> str:
    """Return the name of the decision that a command told."""
    assert "archiver undo" in said.err, said.err
    return said.err.split("archiver undo")[1].split()[0]


# Triage decides what waits, and nothing else.


@pytest.mark.parametrize("scope", ["sender", "thread"])
def test_a_wide_decision_reaches_only_what_waits(desk: Desk, scope: str) -> None:
    """What was decided already keeps its engagement, and gets no second one."""
    assert waiting(desk) == ["Dinner", "Lunch"]
    said = desk.ok("triage", "assign", "bolt", id_of(desk, "Lunch"), "--scope", scope)
    assert "2 records decided" in said.err
    assert tags(desk) == {
        "ACME-42: plan": ["acme"],
        "Lunch": ["bolt"],
        "Dinner": ["bolt"],
        "Weather": [],
    }


def test_a_query_decides_only_what_waits_among_its_hits(desk: Desk) -> None:
    """A record without any tie is tagged with ``archiver tag``."""
    said = desk.ok("triage", "assign", "bolt", "date:2026-03-03..", "--scope", "query")
    assert "1 record decided" in said.err
    assert tags(desk)["Weather"] == []
    assert waiting(desk) == ["Lunch"]


def test_a_dry_run_lists_only_what_waits(desk: Desk) -> None:
    """It says what would be done, and that is not more than what is done."""
    said = desk.ok("triage", "assign", "bolt", "*", "--scope", "query", "--dry-run")
    assert "2 records would be tied" in said.out
    assert "ACME-42" not in said.out
    assert waiting(desk) == ["Dinner", "Lunch"]


def test_a_record_that_does_not_wait_is_refused_with_the_way_to_decide_it(desk: Desk) -> None:
    """Nothing is journalled, not even for the others that were named."""
    before = entries(desk)
    said = desk("triage", "assign", "bolt", id_of(desk, "Lunch"), id_of(desk, "ACME-42"))
    assert said.code == 2
    assert "No decision waits for" in said.err
    assert "archiver tag bolt" in said.err
    assert entries(desk) == before


def test_deciding_again_journals_nothing(desk: Desk) -> None:
    """What stands already is told, not repeated."""
    assign = ("triage", "assign", "bolt", id_of(desk, "Lunch"))
    desk.ok(*assign)
    before = entries(desk)
    said = desk.ok(*assign)
    assert "Nothing to decide" in said.err
    assert "undo" not in said.err
    assert entries(desk) == before


@pytest.mark.parametrize("verb", ["tag", "untag"])
def test_saying_the_same_again_journals_nothing(desk: Desk, verb: str) -> None:
    """Tag and untag skip what a person's last word says."""
    desk.ok(verb, "acme", id_of(desk, "Weather"))
    before = entries(desk)
    assert "Nothing to decide" in desk.ok(verb, "acme", id_of(desk, "Weather")).err
    assert entries(desk) == before


def test_a_person_may_change_their_mind(desk: Desk) -> None:
    """Only what was said last is skipped when it is said again."""
    for verb in ("tag", "untag", "tag"):
        assert "1 record decided" in desk.ok(verb, "acme", id_of(desk, "Weather")).err
    assert tags(desk)["Weather"] == ["acme"]


def test_dismissing_takes_a_record_out_of_the_queue(desk: Desk) -> None:
    """It belongs to none of its candidates; taking that back asks again."""
    said = desk.ok("triage", "dismiss", id_of(desk, "Lunch"))
    assert waiting(desk) == ["Dinner"]
    desk.ok("undo", decision_of(said))
    assert waiting(desk) == ["Dinner", "Lunch"]


def test_dismissing_what_does_not_wait_names_no_decision(desk: Desk) -> None:
    """There is nothing that undo could take back."""
    before = entries(desk)
    said = desk.ok("triage", "dismiss", id_of(desk, "ACME-42"))
    assert "Nothing to decide: no record of these waits" in said.err
    assert "archiver undo" not in said.err
    assert entries(desk) == before


# The name of a decision.


def test_the_decision_is_named_even_when_levelling_fails(desk: Desk) -> None:
    """It is journalled by then, and can be taken back only by its name."""
    record = id_of(desk, "Weather")
    index = desk.root / "search"
    index.rename(desk.root / "aside")
    index.write_bytes(b"no folder")
    said = desk("tag", "acme", record)
    assert said.code != 0
    decision = decision_of(said)
    index.unlink()
    (desk.root / "aside").rename(index)
    assert tags(desk)["Weather"] == ["acme"]
    desk.ok("undo", decision)
    assert tags(desk)["Weather"] == []


def test_a_decision_is_taken_back_once(desk: Desk) -> None:
    """And a name that was never given is told."""
    decision = decision_of(desk.ok("triage", "assign", "bolt", "*", "--scope", "query"))
    assert "4 entries no longer count" in desk.ok("undo", decision).err
    again = desk("undo", decision)
    assert again.code == 2
    assert "taken back already" in again.err
    assert "There is no decision called abc" in desk("undo", "abc").err


def test_a_decision_is_found_by_name_after_a_rebuild(desk: Desk) -> None:
    """The names are in the journal, so the catalogue learns them again."""
    decision = decision_of(desk.ok("tag", "acme", id_of(desk, "Weather")))
    desk.ok("rebuild")
    desk.ok("undo", decision)
    assert tags(desk)["Weather"] == []


# A decision that becomes a rule.


def test_our_own_address_is_refused_as_a_rule(tmp_path: Path) -> None:
    """Before anything is journalled; the reason is told."""
    desk = new_desk(tmp_path / "archive")
    desk.keep(
        tmp_path / "mail",
        mail(subject="Ours", from_="us@consultant.example", to="marie@client.example"),
    )
    for slug in ("one", "two"):
        ours = ("--us", "us@consultant.example")
        desk.ok("engagement", "add", slug, "--client", slug, "--domain", "client.example", *ours)
    before = entries(desk)
    said = desk("triage", "assign", "one", id_of(desk, "Ours"), "--make-rule")
    assert said.code == 2
    assert "us@consultant.example is on our side" in said.err
    assert waiting(desk) == ["Ours"]
    assert entries(desk) == before


def test_a_rule_that_stands_already_is_told(desk: Desk) -> None:
    """Neither written twice nor passed over in silence."""
    assign = ("triage", "assign", "acme", id_of(desk, "Weather"), "--scope", "sender")
    assert "bo@elsewhere.example is now a person" in desk.ok(*assign, "--make-rule").err
    assert "was a person of the client already" in desk.ok(*assign, "--make-rule").err
    assert (desk.root / "engagements/acme.toml").read_text().count("bo@elsewhere") == 1


def test_a_dry_run_names_the_rule_and_writes_none(desk: Desk) -> None:
    """The engagement's file stays as it is."""
    before = (desk.root / "engagements/bolt.toml").read_text()
    assign = ("triage", "assign", "bolt", id_of(desk, "Lunch"), "--make-rule")
    said = desk.ok(*assign, "--dry-run")
    assert "bolt: marie@client.example would be a person of the client." in said.out
    assert (desk.root / "engagements/bolt.toml").read_text() == before


# Engagements that were ended.


def test_tags_of_an_ended_engagement_do_not_show(desk: Desk) -> None:
    """Not even those that a person gave."""
    desk.ok("tag", "acme", id_of(desk, "Weather"))
    desk.ok("engagement", "remove", "acme", "--yes")
    assert tags(desk)["Weather"] == []


def test_an_ended_engagement_s_name_is_not_given_again(desk: Desk) -> None:
    """What persons decided about the old one would count for the new one."""
    desk.ok("tag", "acme", id_of(desk, "Weather"))
    desk.ok("engagement", "remove", "acme", "--yes")
    said = desk("engagement", "add", "acme", "--client", "Another", "--domain", "another.example")
    assert said.code == 2
    assert "acme was used before" in said.err
    assert "engagements/acme.toml" in said.err
    assert not (desk.root / "engagements/acme.toml").exists()


def test_an_ended_engagement_goes_on_when_its_file_is_put_back(desk: Desk) -> None:
    """With all that persons decided about it: the journal kept it."""
    path = desk.root / "engagements/acme.toml"
    text = path.read_text()
    desk.ok("tag", "acme", id_of(desk, "Weather"))
    desk.ok("engagement", "remove", "acme", "--yes")
    path.write_text(text)
    assert tags(desk)["Weather"] == ["acme"]


def test_untag_refuses_an_engagement_that_does_not_exist(desk: Desk) -> None:
    """A slip of the finger would be journalled for ever."""
    before = entries(desk)
    said = desk("untag", "nope", id_of(desk, "Weather"))
    assert said.code == 2
    assert "There is no engagement called nope" in said.err
    assert entries(desk) == before


# What is odd in an engagement is told when it is written.


def test_an_engagement_with_our_own_address_as_the_client_s_is_refused(desk: Desk) -> None:
    """Every mail we send would be the client's; nothing is written."""
    own = ("--host", "h", "--port", "143", "--user", "me@us.example", "--security", "starttls")
    desk.ok("account", "add", "work", *own, "--password-command", "true", "--keep", "everything")
    add = ("engagement", "add", "odd", "--client", "Odd", "--person", "me@us.example")
    said = desk(*add)
    assert said.code == 2
    assert "me@us.example is one of our own addresses, listed as client" in said.err
    assert not (desk.root / "engagements/odd.toml").exists()


def test_what_is_odd_in_a_new_engagement_is_told(desk: Desk) -> None:
    """A warning stops nothing."""
    said = desk.ok("engagement", "add", "bare", "--client", "Bare")
    assert "Nothing ties any mail to bare" in said.err
    assert "engagements/acme.toml" not in said.err


def test_an_edit_that_makes_an_error_is_refused(desk: Desk) -> None:
    """A person who does not want to edit again leaves the file as it was."""
    path = desk.root / "engagements/bolt.toml"
    before = path.read_text()
    editor = desk.root.parent / "editor.py"
    editor.write_text(
        "import sys\n"
        "with open(sys.argv[1], 'w') as file:\n"
        '    file.write(\'schema = 1\\nclient = "Bolt"\\ncodes = ["B-1"]\\n\')\n'
        "    file.write('after = 2026-05-01\\nbefore = 2026-01-01\\n')\n"
    )
    said = subprocess.run(
        [sys.executable, "-m", "archiver", "--archive", desk.root, "engagement", "edit", "bolt"],
        env={**os.environ, "ARCHIVER_LANG": "en", "EDITOR": f"{sys.executable} {editor}"},
        input="n\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 2, said.stderr
    assert "comes before the first" in said.stderr
    assert path.read_text() == before
