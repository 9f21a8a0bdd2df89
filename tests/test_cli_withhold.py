"""``withhold``: by hand, and the list of what is kept out with its reasons."""

from pathlib import Path

import pytest
from command import Desk, new_desk
from mail import mail


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive with an engagement and two records, one of them with telling words."""
    desk = new_desk(tmp_path / "archive")
    desk.keep(
        tmp_path / "mail",
        mail(message_id="a@x.example", subject="Livraison"),
        mail(message_id="b@x.example", subject="Proposition", text="Sous toutes\n> réserves\n"),
    )
    desk.ok("engagement", "add", "acme", "--client", "ACME", "--domain", "client.example")
    return desk


def one(desk: Desk, query: str) -> str:
    """Return the identifier of the one record that QUERY finds."""
    (hit,) = desk.ok("search", query, "--format", "json").json["hits"]
    return str(hit["id"])


def test_what_is_withheld_is_listed_with_its_reason(desk: Desk) -> None:
    """By a built-in word, for the owner in full."""
    said = desk.ok("withhold")
    assert "Marie Client: Proposition" in said.out
    assert "    words “sous toutes réserves” (built-in)" in said.out
    assert "1 record is withheld." in said.err


def test_the_list_is_there_for_programs(desk: Desk) -> None:
    """Each reason with its kind, and the entry when a person decided."""
    record = one(desk, "Livraison")
    desk.ok("withhold", record[:12], "--reason", "lettre de notre avocate")
    listed = {each["id"]: each for each in desk.ok("withhold", "--format", "json").json["withheld"]}
    (reason,) = listed[record]["reasons"]
    assert reason["kind"] == "person"
    assert reason["value"] == "lettre de notre avocate"
    assert reason["entry"] > listed[record]["position"]
    assert {each["reasons"][0]["kind"] for each in listed.values()} == {"person", "word"}


def test_a_record_without_an_engagement_is_listed_when_a_person_withholds_it(
    desk: Desk, tmp_path: Path
) -> None:
    """It may be tied to one tomorrow."""
    desk.keep(tmp_path / "mail", mail(message_id="c@x.example", from_="z@z.example", subject="Zed"))
    desk.ok("withhold", one(desk, "Zed"))
    assert "Zed" in desk.ok("withhold").out
    assert "Zed" not in desk.ok("withhold", "--engagement", "acme").out


def test_withholding_twice_is_one_decision(desk: Desk) -> None:
    """The journal is not filled with the same word."""
    record = one(desk, "Livraison")
    assert "1 record and its copies are withheld" in desk.ok("withhold", record, record).err
    assert "Nothing to decide: a person said so already." in desk.ok("withhold", record).err


def test_the_reason_is_no_line_of_the_terminal(desk: Desk) -> None:
    """Whatever somebody types."""
    desk.ok("withhold", one(desk, "Livraison"), "--reason", "x\x1b[2Jy")
    assert "\x1b[2J" not in desk.ok("withhold").out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--reason", "x"), "--reason is given for no record."),
        (("abcd", "--engagement", "acme"), "--engagement goes with the list, not with ID."),
        (("abcdef",), "No record is called abcdef."),
        (("--engagement", "nope"), "There is no engagement called nope."),
    ],
)
def test_what_cannot_be_taken_is_told(desk: Desk, arguments: tuple[str, ...], says: str) -> None:
    """Exit code 2, and nothing was journalled."""
    said = desk("withhold", *arguments)
    assert said.code == 2
    assert says in said.err
