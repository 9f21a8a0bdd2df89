"""``hold``, ``release``, ``retention``: what must stay, since when, why, and until when."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command import Desk, new_desk
from mail import mail

OLD = mail(subject="Old", message_id="a@x", date=datetime(2019, 3, 2, tzinfo=UTC))
SHARED = mail(subject="Shared", message_id="b@x", cc="zoe@other.example")
NOTES = mail(subject="Notes", from_="zoe@other.example", message_id="c@x")
LAWYER = mail(subject="Confidentiel avocat", from_="zoe@other.example", message_id="d@x")


def digest(data: bytes) -> str:
    """Return a record's whole identifier."""
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive with two engagements."""
    desk = new_desk(tmp_path / "archive")
    desk.keep(tmp_path / "mail", OLD, SHARED, NOTES, LAWYER)
    desk.ok("engagement", "add", "acme-2026", "--client", "ACME", "--domain", "client.example")
    desk.ok("engagement", "add", "other", "--client", "Other", "--domain", "other.example")
    desk.ok("tag", "acme-2026", digest(SHARED))
    desk.ok("tag", "other", digest(SHARED))
    return desk


def holds(desk: Desk) -> list[dict[str, object]]:
    """Return the holds that stand."""
    answer = desk.ok("hold", "--format", "json").json
    assert answer["schema"] == 1
    found: list[dict[str, object]] = answer["holds"]
    return found


def test_holds_are_listed_with_reason_day_and_person(desk: Desk) -> None:
    """On engagements and records, until somebody releases them."""
    assert desk.ok("hold").out == "There is no hold.\n"
    said = desk.ok("hold", "acme-2026", digest(NOTES)[:8], "--reason", "letter of 3 May")
    assert said.err.count("; to end it: archiver release ") == 2
    on_engagement, on_record = holds(desk)
    assert (on_engagement["engagement"], on_engagement["covers"]) == ("acme-2026", 2)
    assert (on_record["engagement"], on_record["records"]) == (None, [digest(NOTES)])
    assert on_engagement["reason"] == on_record["reason"] == "letter of 3 May"
    assert str(on_record["by"]).startswith("person:")
    said = desk.ok("hold")
    assert f"Hold {on_engagement['entry']} on engagement acme-2026, since 20" in said.out
    assert f"Hold {on_record['entry']} on 1 record, since 20" in said.out
    assert f"    {digest(NOTES)[:12]}  2026-03-02  Notes\n" in said.out


def test_a_hold_covers_what_waits_for_a_decision(desk: Desk, tmp_path: Path) -> None:
    """It may belong to the engagement: nobody erases it before somebody said that it does not."""
    both = mail(subject="Both", message_id="e@x", cc="zoe@other.example")
    desk.keep(tmp_path / "mail", both)
    desk.ok("hold", "acme-2026")
    assert [hold["covers"] for hold in holds(desk)] == [3]
    said = desk("erase", digest(both), "--basis", "asked", "--yes")
    assert said.code == 1
    assert "1 record is under a hold" in said.err
    desk.ok("triage", "assign", "other", digest(both))
    desk.ok("erase", digest(both), "--basis", "asked", "--yes")


def test_a_released_hold_is_over(desk: Desk) -> None:
    """Once; what is no hold cannot be released."""
    desk.ok("hold", "acme-2026")
    (hold,) = holds(desk)
    said = desk.ok("release", hold["entry"], "--reason", "settled")
    assert said.err == f"Hold {hold['entry']} is released.\n"
    assert holds(desk) == []
    said = desk("release", hold["entry"])
    assert said.code == 2
    assert f"Entry {hold['entry']} was released already." in said.err
    said = desk("release", 0)
    assert said.code == 2
    assert "Entry 0 is neither a hold nor a restriction." in said.err
    assert "`archiver hold` and `archiver withhold` list what can be released." in said.err
    said = desk("release", 123456789)
    assert said.code == 2
    assert "No record is called 123456789." in said.err


def test_a_record_under_a_hold_is_released_by_the_holds_number(desk: Desk) -> None:
    """Its identifier alone might mean its restriction."""
    desk.ok("hold", digest(NOTES))
    (hold,) = holds(desk)
    said = desk("release", digest(NOTES)[:12])
    assert said.code == 2
    assert f"The record {digest(NOTES)[:12]} is under a hold" in said.err
    assert f"archiver release {hold['entry']}" in said.err
    desk.ok("release", hold["entry"])
    said = desk("release", digest(NOTES)[:12])
    assert said.code == 2
    assert "is neither under a hold nor withheld." in said.err


def test_a_withheld_record_is_let_out_by_its_identifier_or_the_restriction(desk: Desk) -> None:
    """By hand or by rule."""
    desk.ok("withhold", digest(NOTES), "--reason", "settlement talk")
    listed = desk.ok("withhold", "--format", "json").json["withheld"]
    entries = {each["id"]: each["reasons"][0]["entry"] for each in listed}
    assert set(entries) == {digest(NOTES), digest(LAWYER)}
    said = desk.ok("release", entries[digest(NOTES)])
    assert said.err == f"Restriction {entries[digest(NOTES)]} is released.\n"
    said = desk.ok("release", digest(LAWYER)[:12], "--reason", "the client agreed")
    assert f"The record {digest(LAWYER)[:12]} may stand in dossiers from now on." in said.err
    assert desk.ok("withhold", "--format", "json").json["withheld"] == []


def test_a_hold_needs_something_to_hold(desk: Desk) -> None:
    """A reason alone, or a name that nothing has."""
    said = desk("hold", "--reason", "dispute")
    assert said.code == 2
    assert "--reason is given for no hold." in said.err
    said = desk("hold", "acme-2027")
    assert said.code == 2
    assert "No record is called acme-2027." in said.err


def test_retention_is_set_in_the_engagements_file_and_journalled(desk: Desk) -> None:
    """Comments and people of the file stay; a second time it is changed in its place."""
    path = desk.root / "engagements" / "acme-2026.toml"
    before = path.read_text(encoding="utf-8")
    desk.ok("retention", "acme-2026", "--until", "2031-12-31", "--reason", 'five years "after"')
    changed = path.read_text(encoding="utf-8")
    assert '[retention]\nuntil = 2031-12-31\nreason = "five years \\"after\\""\n' in changed
    assert set(before.splitlines()) <= set(changed.splitlines())
    desk.ok("engagement", "check")
    said = desk.ok(
        "retention", "acme-2026", "--until", "2031-12-31", "--reason", 'five years "after"'
    )
    assert said.err == "acme-2026 says so already.\n"
    desk.ok("retention", "acme-2026", "--until", "2020-01-01", "--reason", "changed")
    assert path.read_text(encoding="utf-8").count("[retention]") == 1
    said = desk.ok("retention")
    assert "acme-2026: kept until 2020-01-01 (2 records): changed\n" in said.out
    assert "other: no retention date (3 records)\n" in said.out


def test_a_date_that_has_passed_erases_nothing_by_itself(desk: Desk) -> None:
    """It is told; a person erases what is due, and what another engagement keeps stays."""
    desk.ok("retention", "acme-2026", "--until", "2020-01-01", "--reason", "five years")
    said = desk.ok("retention")
    assert "1 record is due; to erase: archiver erase --retention acme-2026" in said.out
    assert "1 record stays: another engagement keeps it, or it waits for a decision" in said.out
    answer = desk.ok("retention", "acme-2026", "--format", "json").json
    assert answer == {
        "schema": 1,
        "retention": [
            {
                "engagement": "acme-2026",
                "until": "2020-01-01",
                "reason": "five years",
                "over": True,
                "records": 2,
                "due": 1,
                "kept_elsewhere": 1,
                "suspended_by": [],
            }
        ],
    }
    assert desk.ok("status", "--format", "json").json["records"] == 4
    said = desk.ok("erase", "--retention", "acme-2026", "--basis", "retention", "--yes")
    assert "1 record stays" in said.err
    assert desk.ok("status", "--format", "json").json["records"] == 3
    assert desk("show", digest(OLD)).code == 2
    assert desk.ok("show", digest(SHARED), "--raw").raw == SHARED
    desk.ok("retention", "other", "--until", "2020-01-01", "--reason", "as well")
    desk.ok("erase", "--retention", "acme-2026", "--basis", "retention", "--yes")
    assert desk("show", digest(SHARED)).code == 2


def test_a_hold_suspends_retention(desk: Desk) -> None:
    """It is told, and nothing that is due can be erased."""
    desk.ok("retention", "acme-2026", "--until", "2020-01-01", "--reason", "five years")
    desk.ok("hold", digest(OLD), "--reason", "dispute")
    said = desk.ok("retention", "acme-2026")
    assert "suspended: Hold " in said.out
    assert ": dispute\n" in said.out
    answer = desk.ok("retention", "acme-2026", "--format", "json").json
    assert answer["retention"][0]["suspended_by"] == [holds(desk)[0]["entry"]]
    said = desk("erase", "--retention", "acme-2026", "--basis", "retention", "--yes")
    assert said.code == 1
    assert "1 record is under a hold and is not erased" in said.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("acme-2026", "--until", "2031-12-31"), "A retention date needs its reason."),
        (("--until", "2031-12-31"), "A retention date is set for one engagement."),
        (("acme-2026", "--reason", "x"), "A retention date is set for one engagement."),
        (("nobody",), "There is no engagement called nobody."),
        (("nobody", "--until", "2031-12-31", "--reason", "x"), "There is no engagement called"),
    ],
)
def test_retention_that_makes_no_sense_is_refused(
    desk: Desk, arguments: tuple[str, ...], words: str
) -> None:
    """With what to do instead."""
    said = desk("retention", *arguments)
    assert said.code == 2
    assert words in said.err


def test_an_archive_without_engagements_has_no_retention(tmp_path: Path) -> None:
    """It says so."""
    assert new_desk(tmp_path / "archive").ok("retention").out == "There is no engagement.\n"


def test_a_hold_on_nothing_that_is_known_names_the_engagements(desk: Desk) -> None:
    """What was typed may be a slug with a slip in it."""
    said = desk("hold", "acme-2062")
    assert said.code == 2
    assert "No record is called acme-2062." in said.err
    assert "Engagements: acme-2026, other." in said.err


def test_a_second_hold_on_an_engagement_is_told(desk: Desk) -> None:
    """Each has to be released by itself."""
    desk.ok("hold", "acme-2026")
    (first,) = holds(desk)
    said = desk.ok("hold", "acme-2026")
    assert f"Hold {first['entry']} on acme-2026 stands as well" in said.err


def test_a_suspended_retention_gives_no_advice_to_erase(desk: Desk) -> None:
    """The command would be refused."""
    desk.ok("retention", "acme-2026", "--until", "2020-12-31", "--reason", "five years")
    assert "to erase: archiver erase" in desk.ok("retention").out
    desk.ok("hold", "acme-2026")
    said = desk.ok("retention").out
    assert "suspended: Hold" in said
    assert "to erase" not in said
