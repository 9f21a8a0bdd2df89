"""What a dossier tells of what it withholds, of custody and of coverage: and what it never tells."""

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command import Desk, archiver, new_desk
from dossiers import dossier
from mail import mail
from views import view

from archiver.app import Archive
from archiver.dossier.bag import write_bag
from archiver.dossier.build import build_dossier
from archiver.dossier.chronology import render_readme
from archiver.dossier.exhibits import Dossier
from archiver.dossier.tables import render_withheld
from archiver.errors import UsageError
from archiver.model.custody import Release, Restrict
from archiver.model.withholding import LeftOut

LAWYER = "Me Dupont <dupont@cabinet.example>"
SECRET = "Lettre de Maître Dupont sur le litige"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive with an engagement, three ordinary records and a lawyer's letter."""
    desk = new_desk(tmp_path / "archive")
    desk.keep(
        tmp_path / "mail",
        *(mail(message_id=f"{n}@x.example", subject=f"Lot {n}") for n in range(3)),
        mail(message_id="s@x.example", subject=SECRET, cc=LAWYER, text="Entre nous.\n"),
    )
    desk.ok("engagement", "add", "acme", "--client", "ACME", "--domain", "client.example")
    return desk


def add_rules(desk: Desk, text: str, name: str = "archive.toml") -> None:
    """Write rules into a working copy, as a person does."""
    path = desk.root / name
    path.write_text(path.read_text() + f"\n[withheld]\n{text}\n")


def export(desk: Desk, folder: Path, *more: object) -> dict[str, str]:
    """Write a dossier and return its text files."""
    desk.ok("dossier", "acme", "--output", folder, "--yes", *more)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes().decode("utf-8-sig", "replace")
        for path in folder.rglob("*")
        if path.is_file()
    }


def rows(text: str) -> list[dict[str, str]]:
    """Read a table."""
    return list(csv.DictReader(io.StringIO(text)))


def records(desk: Desk, *query: str) -> list[str]:
    """Return the identifiers of the records that a query finds, newest first."""
    found = desk.ok("search", *query, "--format", "json").json
    return [hit["id"] for hit in found["hits"]]


def test_a_lawyers_letter_is_left_out_and_listed(desk: Desk, tmp_path: Path) -> None:
    """By number, date and reason: no subject, no name, no address anywhere in the bag."""
    add_rules(desk, 'domains = ["cabinet.example"]')
    files = export(desk, tmp_path / "out")
    assert rows(files["data/withheld.csv"]) == [
        {
            "number": "W-1",
            "date": "2026-03-02",
            "reason": "correspondence with a lawyer",
            "copies": "1",
        }
    ]
    assert len([name for name in files if name.startswith("data/messages/")]) == 3
    for text in files.values():
        assert "Dupont" not in text
        assert "cabinet" not in text
        assert "litige" not in text


def test_its_subject_is_not_told_by_another_exhibits_reason(desk: Desk, tmp_path: Path) -> None:
    """A record that is tied by its thread quotes the subject of the one that tied it."""
    desk.keep(
        tmp_path / "mail",
        mail(message_id="l@x.example", subject="Le litige du siècle"),
        mail(
            message_id="r@y.example",
            in_reply_to="l@x.example",
            from_="z@other.example",
            to="y@other.example",
            subject="Autre chose",
        ),
    )
    whole = export(desk, tmp_path / "whole")
    assert "in one thread with “Le litige du siècle”" in whole["data/chronology.html"]
    desk.ok("withhold", records(desk, "siècle")[0])
    files = export(desk, tmp_path / "out")
    assert "Autre chose" in files["data/chronology.html"]
    assert "in one thread with another record of the engagement" in files["data/chronology.html"]
    assert not any("siècle" in text for text in files.values())


def test_its_digest_is_told_nowhere(desk: Desk, tmp_path: Path) -> None:
    """Nor its position in the journal."""
    (secret,) = records(desk, "litige")
    desk.ok("withhold", secret)
    files = export(desk, tmp_path / "out")
    assert not any(secret in text for text in files.values())
    assert rows(files["data/withheld.csv"])[0]["reason"] == (
        "confidential by decision of the archive's owner"
    )


def test_an_engagements_own_rules_count_for_its_dossiers(desk: Desk, tmp_path: Path) -> None:
    """Beside those of the archive."""
    add_rules(desk, 'words = ["entre nous"]', "engagements/acme.toml")
    files = export(desk, tmp_path / "out")
    assert rows(files["data/withheld.csv"])[0]["reason"] == (
        "confidential by a rule of the archive's owner"
    )


def test_a_person_is_told_what_is_withheld_before_it_is_written(desk: Desk, tmp_path: Path) -> None:
    """With the rules, so that one that withholds too much is seen and switched off."""
    add_rules(desk, 'domains = ["cabinet.example"]')
    said = desk.ok("dossier", "acme", "--output", tmp_path / "out", "--yes").err
    assert "1 record is withheld. data/withheld.csv tells number, date and reason only:" in said
    assert "  domain cabinet.example (archive.toml): 1" in said
    assert "archiver withhold --engagement acme" in said


def test_what_went_out_before_is_told(desk: Desk, tmp_path: Path) -> None:
    """It is too late for it."""
    export(desk, tmp_path / "one")
    said = desk.ok("withhold", records(desk, "litige")[0]).err
    assert "1 of them went out in a dossier before" in said
    said = desk.ok("dossier", "acme", "--output", tmp_path / "two", "--yes").err
    assert "1 of them went out in an earlier dossier." in said


def test_numbers_of_exhibits_stay_when_one_is_withheld(desk: Desk, tmp_path: Path) -> None:
    """The number that a record had is given to no other; W numbers are their own."""
    first = export(desk, tmp_path / "one")
    numbers = {row["sha256"]: row["number"] for row in rows(first["data/chronology.csv"])}
    secret = records(desk, "litige")[0]
    desk.ok("withhold", secret)
    second = export(desk, tmp_path / "two")
    after = {row["sha256"]: row["number"] for row in rows(second["data/chronology.csv"])}
    del numbers[secret]
    assert after == numbers


def test_a_released_record_goes_out_whatever_the_rules_say(desk: Desk, tmp_path: Path) -> None:
    """A person's word for this one record; the next one that a rule meets stays withheld."""
    add_rules(desk, 'domains = ["cabinet.example"]')
    secret = records(desk, "litige")[0]
    with Archive(desk.root, tell=print, actor="person:test") as archive:
        (digest,) = archive.evidence.resolve(secret)
        record = archive.evidence.position_of(digest)
        archive.evidence.append([Release(record=record)], actor="person:test")
    desk.keep(tmp_path / "mail", mail(message_id="t@x.example", to=LAWYER))
    files = export(desk, tmp_path / "out")
    assert len(rows(files["data/withheld.csv"])) == 1
    assert any(secret == row["sha256"] for row in rows(files["data/chronology.csv"]))


def test_withholding_by_hand_ends_with_its_entry(desk: Desk, tmp_path: Path) -> None:
    """The rules decide again; a later word of a person counts more than an earlier one."""
    secret = records(desk, "litige")[0]
    with Archive(desk.root, tell=print, actor="person:test") as archive:
        (digest,) = archive.evidence.resolve(secret)
        record = archive.evidence.position_of(digest)
        assert record is not None
        (entry,) = archive.evidence.append([Restrict(record=record)], actor="person:test")
        assert archive.withheld([record])
        archive.evidence.append([Release(entry=entry)], actor="person:test")
        assert not archive.withheld([record])
        archive.evidence.append([Release(record=record), Restrict(record=record)], actor="x")
        assert archive.withheld([record])
    assert len(rows(export(desk, tmp_path / "out")["data/withheld.csv"])) == 1


def test_a_copy_of_a_withheld_record_is_withheld(desk: Desk, tmp_path: Path) -> None:
    """The Sent copy names the lawyer in Bcc, the received one does not: neither goes out."""
    sent = mail(message_id="c@x.example", bcc=LAWYER, subject="Copie", text="Un texte commun.\n")
    received = mail(message_id="c@x.example", subject="Copie", text="Un texte commun.\n")
    desk.keep(tmp_path / "mail", sent, received)
    add_rules(desk, 'addresses = ["dupont@cabinet.example"]\n')
    files = export(desk, tmp_path / "out")
    assert [row["copies"] for row in rows(files["data/withheld.csv"])] in (["1", "2"], ["2", "1"])
    assert not any("Copie" in text for text in files.values())
    listed = desk.ok("withhold", "--format", "json").json["withheld"]
    assert sum(each["copy_of"] is not None for each in listed) == 1


def test_a_dossier_of_nothing_but_secrets_is_refused(desk: Desk, tmp_path: Path) -> None:
    """And says where to see why."""
    add_rules(desk, 'domains = ["client.example"]')
    said = desk("dossier", "acme", "--output", tmp_path / "out", "--yes")
    assert said.code == 2
    assert "Every record of engagement acme that matches is withheld." in said.err
    assert "archiver withhold --engagement acme" in said.err


def test_the_recipient_is_kept_and_named_beside_the_payload(desk: Desk, tmp_path: Path) -> None:
    """In bag-info.txt and in the journal; nothing under data/ names whom it is for."""
    files = export(desk, tmp_path / "out", "--to", "Me Durand")
    assert "Recipient: Me Durand\n" in files["bag-info.txt"]
    assert not any("Durand" in text for name, text in files.items() if name.startswith("data/"))
    with Archive(desk.root, tell=print, actor="person:test") as archive:
        (position,) = archive.evidence.journal.positions_by_type("export")
        (entry,) = archive.evidence.entries(position, position + 1)
    assert getattr(entry.payload, "recipient", "") == "Me Durand"


def test_custody_tells_what_the_journal_has_on_each_exhibit(desk: Desk, tmp_path: Path) -> None:
    """Kept, tagged by whom, exported; neither folders nor recipients."""
    exhibit = records(desk, "Lot")[0]
    desk.ok("tag", "acme", exhibit)
    export(desk, tmp_path / "one", "--to", "Me Durand")
    files = export(desk, tmp_path / "two")
    custody = rows(files["data/custody.csv"])
    number = next(
        row["number"] for row in rows(files["data/chronology.csv"]) if row["sha256"] == exhibit
    )
    assert [row["what"] for row in custody if row["number"] == number] == [
        "kept",
        "tagged",
        "exported",
    ]
    assert custody[0]["who"] == "archiver"
    assert "Durand" not in files["data/custody.csv"]
    assert str(tmp_path) not in files["data/custody.csv"]


def test_the_tables_are_in_the_dossiers_language() -> None:
    """A French dossier has semicolons between cells."""
    left_out = LeftOut(
        number="W-1",
        date=datetime(2026, 1, 31, 23, 30, tzinfo=UTC),
        about=("lawyer", "settlement"),
        by_person=True,
        copies=2,
    )
    made = _with(left_out, language="fr")
    assert "W-1;2026-02-01;" in render_withheld(made)
    page = render_readme(made)
    assert "withheld.csv" in page


def _with(*withheld: LeftOut, language: str = "en") -> Dossier:
    from dataclasses import replace

    return replace(dossier(view(), language="fr" if language == "fr" else "en"), withheld=withheld)


def test_a_bag_without_secrets_says_so(tmp_path: Path) -> None:
    """An empty table is a statement as well."""
    write_bag(dossier(view(data=b"x")), tmp_path / "bag", lambda _digest: b"x")
    assert rows((tmp_path / "bag/data/withheld.csv").read_text("utf-8-sig")) == []


def test_nothing_to_export_is_still_told_as_such() -> None:
    """Where nothing is withheld either."""
    made = dossier(view())
    with pytest.raises(UsageError, match="No record of engagement acme-2026 matches"):
        build_dossier(
            (),
            made.matter,
            archive=made.archive,
            clock=lambda: made.made_at,
            time_zone=made.time_zone,
            language="en",
        )
    assert archiver("dossier", "--help").code == 0
