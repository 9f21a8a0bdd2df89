"""``journal``: what a person reads of the archive's life, and what programs do."""

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command import Desk, new_desk
from evidence_case import seen
from mail import mail

from archiver.app import Archive
from archiver.evidence.erasure import erase
from archiver.evidence.store import Evidence


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive with an engagement, two records, and a dossier for a lawyer."""
    desk = new_desk(tmp_path / "archive")
    desk.keep(
        tmp_path / "mail",
        mail(message_id="a@x.example", subject="Livraison"),
        mail(message_id="b@x.example", subject="Recette"),
    )
    desk.ok("engagement", "add", "acme", "--client", "ACME", "--domain", "client.example")
    desk.ok("dossier", "acme", "--to", "Me Durand", "--output", tmp_path / "out", "--yes")
    return desk


def record(desk: Desk, query: str = "Livraison") -> str:
    """Return the identifier of the one record that QUERY finds."""
    (hit,) = desk.ok("search", query, "--format", "json").json["hits"]
    return str(hit["id"])


def test_every_act_is_told_newest_first(desk: Desk) -> None:
    """In plain words, with who did it and the number of its entry."""
    lines = desk.ok("journal").out.splitlines()
    assert "A dossier of acme was written: 2 exhibits. It is for Me Durand." in lines[0]
    assert re.search(r"\(entry \d+\)$", lines[0])
    assert lines[-1].endswith("archiver: The archive was made.  (entry 0)")
    assert any("2 records were kept (from files)." in line for line in lines)


def test_the_life_of_a_record_is_told(desk: Desk) -> None:
    """When it was kept, where from, who said what, whom it went to."""
    id_ = record(desk)
    desk.ok("tag", "acme", id_)
    desk.ok("withhold", id_, "--reason", "lettre d'avocate")
    said = desk.ok("journal", id_[:10]).out
    assert "Kept, " in said
    assert "Read from " in said
    assert "1 record was said to belong to acme." in said
    assert re.search(r"Handed over as exhibit \d of acme. It is for Me Durand.", said)
    assert "    lettre d'avocate" in said


def test_programs_get_the_same(desk: Desk) -> None:
    """With positions, types and the record that an act is about."""
    id_ = record(desk)
    desk.ok("withhold", id_)
    found = desk.ok("journal", "--type", "withhold", "--format", "json").json
    (act,) = found["acts"]
    assert act["id"] == id_
    assert act["type"] == "restrict"
    assert act["position"] == act["last"]
    assert found["more"] is False


def test_only_so_many_are_told_and_it_is_said_that_there_is_more(desk: Desk) -> None:
    """No list ends in silence."""
    said = desk.ok("journal", "--limit", "2")
    assert len(said.out.splitlines()) == 2
    assert "There is more: --limit 20 shows more of it." in said.err
    assert desk.ok("journal", "--limit", "2", "--format", "json").json["more"] is True


def test_a_period_and_types_choose(desk: Desk) -> None:
    """Days are days in the archive's time zone."""
    assert desk.ok("journal", "--before", "2001-01-01").out == ""
    assert len(desk.ok("journal", "--after", "2001-01-01").out.splitlines()) > 3
    assert len(desk.ok("journal", "--type", "export", "--type", "genesis").out.splitlines()) == 2


def test_an_erased_record_is_found_by_the_number_of_its_entry(desk: Desk) -> None:
    """Its digest is gone; the number stands in the entry that erased it."""
    id_ = record(desk)
    with Archive(desk.root, tell=print, actor="person:test") as archive:
        (digest,) = archive.evidence.resolve(id_)
        position = archive.evidence.position_of(digest)
        assert position is not None
        (announced,) = erase(archive.evidence, [position], basis="GDPR 17", actor="person:test")
    for named in (f"entry:{position}", str(position)):
        said = desk.ok("journal", named).out
        assert f"What stood here was erased under entry {announced}." in said
        assert "It is to be erased: GDPR 17" in said
        assert id_[:12] not in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("beef",), "No record is called beef."),
        (("123456",), "No record is called 123456."),
        (("entry:123456",), "The journal has no entry 123456."),
        (("entry:0", "--type", "tag"), "--after, --before and --type go with the whole journal"),
    ],
)
def test_what_there_is_not_is_told(desk: Desk, arguments: tuple[str, ...], says: str) -> None:
    """Exit code 2."""
    said = desk("journal", *arguments)
    assert said.code == 2
    assert says in said.err


def test_what_a_server_or_a_person_wrote_cannot_steer_the_terminal(
    desk: Desk, tmp_path: Path
) -> None:
    """Names of files, words of a reason."""
    odd = tmp_path / "a\x1b[2Jb.eml"
    odd.write_bytes(mail(message_id="c@x.example", subject="Odd"))
    desk.ok("import", odd)
    assert "\x1b[2J" not in desk.ok("journal", record(desk, "Odd")).out


def test_what_took_longer_is_told_from_when_to_when(tmp_path: Path) -> None:
    """Its first minute and its last."""
    desk = new_desk(tmp_path / "archive")
    moments = [datetime(2026, 3, 2, 9, 58, tzinfo=UTC)]
    with Evidence.open(
        desk.root, clock=lambda: moments[-1], entropy=os.urandom, software="test"
    ) as evidence:
        evidence.keep([seen(b"one", 1)])
        moments.append(moments[0] + timedelta(minutes=4))
        evidence.keep([seen(b"two", 2)])
    line = next(line for line in desk.ok("journal").out.splitlines() if "2 records" in line)
    assert line.startswith("2026-03-02 10:58\N{EN DASH}11:02 +0100  archiver: 2 records were kept")
    (act,) = desk.ok("journal", "--type", "record", "--format", "json").json["acts"]
    assert (act["began"], act["at"]) == (
        "2026-03-02T09:58:00+00:00",
        "2026-03-02T10:02:00+00:00",
    )
