"""``erase`` and ``person``: shown first, refused under a hold, gone from every file afterwards."""

import hashlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from command import Desk, archiver, new_desk
from dovecot import PASSWORD, DovecotServer
from evidence_case import reopen
from mail import mail

from archiver.evidence.erasure import announce, erase
from archiver.evidence.journal.merkle import root_of

FIRST = mail(
    subject="Zugzwang im Projekt",
    message_id="a@client.example",
    cc="paul@third.example",
    text="Bonjour,\nle xylophone violet sera livré vendredi prochain à la gare centrale.\n",
    attachments=[("quixotic.txt", "text/plain", b"a jackdaw loves my big sphinx of quartz")],
)
COPY = FIRST.replace(b"\r\n", b"\n")
ANSWER = mail(
    subject="Re: votre message",
    from_="us@consultant.example",
    to="Marie Client <marie@client.example>",
    in_reply_to="a@client.example",
    message_id="b@consultant.example",
    date=datetime(2026, 3, 3, tzinfo=UTC),
    text="Merci.\n> le xylophone violet sera\n> livré vendredi prochain.\n",
)
MENTION = mail(
    subject="Question",
    from_="zoe@other.example",
    message_id="c@other.example",
    text="Is it true? Write to marie@client.example about the matter, please do.\n",
)
UNRELATED = mail(
    subject="Lunch",
    from_="joanna.marie@client.example.net",
    message_id="d@other.example",
    text="To someone-else: not-marie@client.example is another person.\n",
)
MAILS = (FIRST, COPY, ANSWER, MENTION, UNRELATED)
BASIS = ("--basis", "GDPR 17", "--yes")
WORDS = (b"Zugzwang", b"violet", b"jackdaw", b"quixotic", "zugzwang".encode("utf-16-le"))


def digest(data: bytes) -> str:
    """Return a record's whole identifier."""
    return hashlib.sha256(data).hexdigest()


def holding(root: Path, needles: Iterable[bytes]) -> dict[str, list[bytes]]:
    """Return the files of the archive that hold one of NEEDLES, in their names or their bytes."""
    wanted = tuple(needles)
    found = {}
    for path in sorted(root.rglob("*")):
        data = os.fsencode(path.relative_to(root))
        if path.is_file():
            data += path.read_bytes()
        if those := [needle for needle in wanted if needle in data]:
            found[path.relative_to(root).as_posix()] = those
    return found


def traces(root: Path, *mails: bytes) -> dict[str, list[bytes]]:
    """Return the files that hold the bytes or digests of MAILS."""
    needles = [
        needle
        for data in mails
        for needle in (data, digest(data).encode(), bytes.fromhex(digest(data)))
    ]
    return holding(root, needles)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive with a message, its copy, an answer that quotes it, and others."""
    desk = new_desk(tmp_path / "archive")
    desk.keep(tmp_path / "mail", *MAILS)
    desk.ok("engagement", "add", "acme-2026", "--client", "ACME", "--domain", "client.example")
    return desk


def without_quotes(desk: Desk) -> None:
    """Erase what quotes the message, so that its words stand nowhere else."""
    desk.ok("erase", digest(ANSWER), *BASIS)


def test_no_file_holds_anything_of_an_erased_message(desk: Desk) -> None:
    """Bytes, subject, words, attachment, digest as text and as bytes: gone from every file."""
    desk.ok("search", "xylophone")
    assert holding(desk.root, WORDS)
    without_quotes(desk)
    said = desk.ok("erase", digest(FIRST), "--with-copies", *BASIS)
    assert "Erased 2 records under entry" in said.err
    assert traces(desk.root, FIRST, COPY, ANSWER) == {}
    assert holding(desk.root, WORDS) == {}
    assert desk.ok("search", "*", "--format", "json").json["total"] == 2
    assert desk.ok("search", "xylophone", "--format", "json").json["total"] == 0
    assert traces(desk.root, MENTION) != {}
    assert desk("show", digest(FIRST)).code == 2


def test_a_program_that_reads_the_catalogue_keeps_nothing_there(desk: Desk) -> None:
    """What SQLite keeps for it beside the catalogue goes with the old file."""
    desk.ok("tag", "acme-2026", digest(MENTION))
    without_quotes(desk)
    with closing(sqlite3.connect(desk.root / "catalogue.sqlite", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM record").fetchone() == (4,)
        desk.ok("erase", digest(FIRST), "--with-copies", *BASIS)
        assert holding(desk.root, WORDS) == {}
        assert traces(desk.root, FIRST, COPY) == {}


def test_the_archive_verifies_after_an_erasure(desk: Desk) -> None:
    """Nothing of what is left looks damaged, and counts agree."""
    desk.ok("erase", digest(FIRST), *BASIS)
    report = desk.ok("verify", "--read-data", "--format", "json").json
    assert [finding for finding in report["findings"] if finding["level"] != "note"] == []
    status = desk.ok("status", "--format", "json").json
    assert [status[key] for key in ("records", "journal", "catalogue", "index")] == [4] * 4


def test_what_would_happen_is_shown_first(desk: Desk) -> None:
    """The record, its copy, who quotes it, and what cannot be reached; nothing is done."""
    before = desk.ok("status", "--format", "json").json["entries"]
    said = desk.ok("erase", digest(FIRST)[:12], "--dry-run")
    assert "To be erased: 1 record\n" in said.out
    assert "Marie Client: Zugzwang im Projekt" in said.out
    assert "to us@consultant.example" in said.out
    assert "The same writings in other bytes; they stay unless --with-copies is given:" in said.out
    assert digest(COPY)[:12] in said.out
    assert "Other records that use the same words (quotes, forwards); they stay:" in said.out
    assert f"words of {digest(FIRST)[:12]}" in said.out
    for words in (
        "Copies of this archive made elsewhere (backups, older disks) are not reached.",
        "The mail server's copy is not touched",
        "A later import of a file that holds the message cannot be recognised",
    ):
        assert words in said.out
    assert desk.ok("status", "--format", "json").json["entries"] == before


def test_a_plan_in_json_names_everything(desk: Desk) -> None:
    """For scripts, and for the record of processing."""
    desk.ok("tag", "acme-2026", digest(MENTION))
    plan = desk.ok("erase", digest(FIRST), "--dry-run", "--format", "json").json
    assert plan["schema"] == 1
    assert [record["id"] for record in plan["records"]] == [digest(FIRST)]
    assert [record["id"] for record in plan["copies"]] == [digest(COPY)]
    assert [(quote["id"], quote["of"]) for quote in plan["quotes"]] == [
        (digest(ANSWER), [digest(FIRST)])
    ]
    assert plan["decisions"] == plan["exports"] == []
    assert len(plan["not_reached"]) == 5
    plan = desk.ok("erase", digest(MENTION), "--dry-run", "--format", "json").json
    assert [each["engagement"] for each in plan["decisions"]] == ["acme-2026"]
    done = desk.ok("erase", digest(MENTION), *BASIS, "--format", "json").json
    assert done["erased"] == 1
    assert len(done["entries"]) == 1


def test_past_dossiers_are_told_with_their_recipients(desk: Desk, tmp_path: Path) -> None:
    """They are out of reach; their numbers stay given."""
    desk.ok("dossier", "acme-2026", "--to", "the court", "--yes", "--output", tmp_path / "dossier")
    said = desk.ok("erase", digest(ANSWER), "--dry-run")
    assert "Handed over before; out of reach:" in said.out
    assert "dossier of acme-2026, exhibits " in said.out
    assert ", for the court (entry " in said.out
    exports = desk.ok("erase", digest(ANSWER), "--dry-run", "--format", "json").json["exports"]
    assert [each["recipient"] for each in exports] == ["the court"]
    assert [item["record"] for item in exports[0]["exhibits"]] == [digest(ANSWER)]
    desk.ok("erase", digest(ANSWER), *BASIS)
    desk.ok("rebuild")
    desk.ok("dossier", "acme-2026", "--yes", "--output", tmp_path / "second")
    assert traces(desk.root, ANSWER) == {}


def test_an_erasure_needs_its_legal_basis_and_somebody_who_agrees(desk: Desk) -> None:
    """Nothing happens by mistake."""
    said = desk("erase", digest(FIRST), "--yes")
    assert said.code == 2
    assert "An erasure needs its legal basis, in your own words." in said.err
    assert "article 17 GDPR" in said.err
    said = desk("erase", digest(FIRST), "--basis", "   ", "--yes")
    assert said.code == 2
    said = desk("erase", digest(FIRST), "--basis", "GDPR 17")
    assert said.code == 2
    assert "Nobody is there to answer: Erase this 1 record for good?" in said.err
    assert "Give --yes" in said.err
    assert desk.ok("show", digest(FIRST), "--raw").raw == FIRST


@pytest.mark.skipif(os.name != "posix", reason="needs a terminal")
@pytest.mark.parametrize(("answer", "left"), [("n", 5), ("y", 4)])
def test_a_person_at_a_terminal_is_asked_for_basis_and_agreement(
    desk: Desk, answer: str, left: int
) -> None:
    """In this order; what was shown stands before the question."""
    keyboard, terminal = os.openpty()
    try:
        running = subprocess.Popen(
            [sys.executable, "-m", "archiver", "--archive", desk.root, "erase", digest(FIRST)],
            cwd=desk.root.parent,
            env={**os.environ, "ARCHIVER_LANG": "en", "XDG_CONFIG_HOME": os.devnull},
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        os.write(keyboard, f"GDPR 17\n{answer}\n".encode())
        out, err = running.communicate(timeout=120)
    finally:
        os.close(keyboard)
        os.close(terminal)
    assert b"To be erased: 1 record" in out
    assert b"Legal basis" in err
    assert b"Erase this 1 record for good?" in err
    assert (b"Nothing was done." in err) is (answer == "n")
    assert desk.ok("status", "--format", "json").json["records"] == left


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Records are chosen in one way"),
        (("3f9a", "--engagement", "acme-2026"), "Records are chosen in one way"),
        (("3f9a", "--name", "Marie"), "--name goes with --person."),
        (("--retention", "acme-2026"), "Nothing is due in acme-2026."),
        (("--retention", "nobody"), "There is no engagement called nobody."),
        (("--engagement", "nobody"), "There is no engagement called nobody."),
        (("--person", "Marie"), "'Marie' is not a mail address; write only name@domain."),
        (("--person", "m@x.example", "--name", " "), "--name is empty."),
        (("--person", "nobody@x.example"), "There is nothing to erase."),
        (("--from-file", "/nowhere/list"), "The list /nowhere/list cannot be read"),
        (("ffffff",), "No record is called ffffff."),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(
    desk: Desk, arguments: tuple[str, ...], words: str
) -> None:
    """With what to do instead."""
    said = desk("erase", *arguments, *BASIS)
    assert said.code == 2
    assert words in said.err


def test_a_hold_refuses_and_is_named(desk: Desk) -> None:
    """On the engagement or on the record; a released one does not count."""
    desk.ok("hold", "acme-2026", "--reason", "letter of 3 May")
    said = desk("erase", digest(MENTION), digest(FIRST), *BASIS)
    assert said.code == 1
    assert f"1 record is under a hold and is not erased ({digest(FIRST)[:12]}):" in said.err
    assert "on engagement acme-2026, since " in said.err
    assert ": letter of 3 May" in said.err
    assert "archiver release " in said.err
    assert desk.ok("show", digest(MENTION), "--raw").raw == MENTION
    (hold,) = desk.ok("hold", "--format", "json").json["holds"]
    desk.ok("release", hold["entry"])
    desk.ok("hold", digest(MENTION))
    desk.ok("erase", digest(FIRST), *BASIS)
    assert desk("erase", digest(MENTION), *BASIS).code == 1


def test_a_hold_covers_what_is_tied_later(desk: Desk) -> None:
    """Tags count as they are when somebody wants to erase."""
    desk.ok("hold", "acme-2026")
    desk.ok("erase", digest(MENTION), "--dry-run")
    desk.ok("tag", "acme-2026", digest(MENTION))
    assert desk("erase", digest(MENTION), *BASIS).code == 1
    desk.ok("untag", "acme-2026", digest(FIRST))
    desk.ok("erase", digest(FIRST), "--dry-run")


def test_a_hold_on_an_engagement_that_was_ended_forbids_everything(desk: Desk) -> None:
    """Nobody can tell any more what it covers."""
    desk.ok("hold", "acme-2026")
    desk.ok("engagement", "remove", "acme-2026", "--yes")
    said = desk("erase", digest(UNRELATED), *BASIS)
    assert said.code == 1
    assert "is on an engagement that is not there any more" in said.err
    assert "Put engagements/acme-2026.toml back, or release the hold" in said.err


def test_person_lists_everything_that_names_somebody(desk: Desk, tmp_path: Path) -> None:
    """Party, quotation, mention, decision, hold, export; no one whose address only looks alike."""
    desk.ok("tag", "acme-2026", digest(MENTION))
    desk.ok("hold", digest(MENTION), "--reason", "marie@client.example called")
    desk.ok("dossier", "acme-2026", "--to", "Marie", "--yes", "--output", tmp_path / "dossier")
    found = desk.ok("person", "MARIE@client.example", "--format", "json").json
    assert found["schema"] == 1
    assert found["names"] == ["Marie Client"]
    why = {record["id"]: record["why"] for record in found["records"]}
    assert why == {
        digest(FIRST): ["from"],
        digest(COPY): ["from"],
        digest(ANSWER): ["to"],
        digest(MENTION): ["text"],
    }
    held = {record["id"]: bool(record["held_by"]) for record in found["records"]}
    assert held[digest(MENTION)]
    assert not held[digest(FIRST)]
    assert [each["record"] for each in found["decisions"]] == [digest(MENTION)]
    assert [each["reason"] for each in found["holds"]] == ["marie@client.example called"]
    assert [each["words"] for each in found["notes"]] == ["marie@client.example called"]
    assert [each["recipient"] for each in found["exports"]] == ["Marie"]
    assert {item["record"] for item in found["exports"][0]["exhibits"]} <= set(why)
    assert found["unread"] == 0
    text = desk.ok("person", "marie@client.example")
    assert "wrote it" in text.out
    assert "named in the text" in text.out
    assert ", for Marie (entry " in text.out
    assert "said that a record belongs to acme-2026" in text.out
    assert "marie@client.example: party to 3, only mentioned in 1." in text.err


def test_person_looks_where_nothing_is_shown(tmp_path: Path) -> None:
    """An address behind a link, in a header, in base64; another domain is another address."""
    desk = new_desk(tmp_path / "archive")
    behind = mail(html='<p>Ask <a href="mailto:eve@hidden.example">her</a></p>', message_id="1@x")
    header = mail(headers=[("X-Original-To", "eve@hidden.example")], message_id="2@x")
    other = mail(text="eve@hidden.example.net and steve@hidden.example\n", message_id="3@x")
    encoded = mail(text="é " * 40 + "eve@hidden.example\n", message_id="4@x")
    desk.keep(tmp_path / "mail", behind, header, other, encoded)
    found = desk.ok("person", "eve@hidden.example", "--format", "json").json
    assert {record["id"]: record["why"] for record in found["records"]} == {
        digest(behind): ["source"],
        digest(header): ["header"],
        digest(encoded): ["text"],
    }
    desk.ok("engagement", "add", "x", "--client", "X", "--person", "eve@hidden.example")
    found = desk.ok("person", "eve@hidden.example", "--name", "A  SHORT message")
    assert "engagements/x.toml names the person" in found.out
    assert "party to 0, only mentioned in 3." in found.err


def test_a_record_that_cannot_be_read_is_told(desk: Desk) -> None:
    """Nobody knows whom it names."""
    path = desk.root / "objects" / digest(UNRELATED)[:2] / digest(UNRELATED)
    path.unlink()
    said = desk.ok("person", "marie@client.example", "--ids")
    assert "1 record cannot be read: nobody knows whether it names the person." in said.err


def test_erase_accepts_what_person_lists(desk: Desk, tmp_path: Path) -> None:
    """As a file; afterwards nothing names the person but the engagement's file."""
    listed = desk.ok("person", "marie@client.example", "--ids")
    assert len(listed.out.split()) == 4
    path = tmp_path / "list"
    path.write_text("# who asked\n" + listed.out + "\n", encoding="utf-8")
    desk.ok("erase", "--from-file", path, *BASIS)
    assert traces(desk.root, FIRST, COPY, ANSWER, MENTION) == {}
    found = desk.ok("person", "marie@client.example", "--format", "json").json
    assert found["records"] == []
    assert holding(desk.root, [b"xylophone", b"zoe@other.example"]) == {}


def test_erase_takes_a_person_directly(desk: Desk) -> None:
    """The same records."""
    desk.ok("erase", "--person", "marie@client.example", *BASIS)
    assert desk.ok("status", "--format", "json").json["records"] == 1
    assert desk.ok("show", digest(UNRELATED), "--raw").raw == UNRELATED


def test_erase_takes_an_engagement_and_leaves_what_others_have(desk: Desk) -> None:
    """A record of two engagements stays, and is told."""
    desk.ok("engagement", "add", "other", "--client", "Other", "--domain", "other.example")
    desk.ok("tag", "other", digest(ANSWER))
    said = desk.ok("erase", "--engagement", "acme-2026", *BASIS)
    assert "1 record stays: another engagement has it too, or it waits for a decision." in said.err
    assert desk.ok("show", digest(ANSWER), "--raw").raw == ANSWER
    assert traces(desk.root, FIRST, COPY) == {}


def test_an_erased_record_yields_nothing_and_decisions_about_it_do_no_harm(desk: Desk) -> None:
    """Tags, undone ones and exports name a position where nothing is any more."""
    first = desk.ok("tag", "acme-2026", digest(MENTION))
    name = first.err.split("archiver undo ")[1].split()[0]
    desk.ok("undo", name)
    desk.ok("tag", "acme-2026", digest(MENTION))
    desk.ok("erase", digest(MENTION), *BASIS)
    level = content(desk)
    desk.ok("rebuild")
    assert content(desk) == level
    desk.ok("import", desk.root.parent / "mail")
    kept = desk.ok("show", digest(MENTION), "--format", "json").json
    assert [tag["engagement"] for tag in kept["tags"]] == []


def content(desk: Desk) -> list[tuple[object, ...]]:
    """Return everything that the catalogue holds."""
    with closing(sqlite3.connect(desk.root / "catalogue.sqlite")) as database:
        tables = [
            name
            for (name,) in database.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
            )
        ]
        return [
            (table, *row)
            for table in tables
            for row in sorted(database.execute(f"SELECT * FROM {table}"), key=repr)
        ]


def test_an_interrupted_erasure_is_finished_and_told(desk: Desk) -> None:
    """The next command completes it; catalogue and index, which held the words, are made anew."""
    without_quotes(desk)
    desk.ok("erase", digest(COPY), *BASIS)
    with reopen(desk.root) as evidence:
        record = next(
            position
            for position in range(evidence.size)
            if digest(FIRST).encode() in evidence.raw_entry(position)
        )
        announce(evidence, [record], basis="asked", actor="person:me")
    assert holding(desk.root, WORDS)
    said = desk.ok("status")
    assert "An erasure that had been interrupted is complete now (entry " in said.err
    assert traces(desk.root, FIRST) == {}
    assert holding(desk.root, WORDS) == {}
    assert "interrupted" not in desk.ok("status").err


def test_a_catalogue_that_was_level_before_notices(desk: Desk) -> None:
    """Another process finished the erasure in the originals only: both projections are remade."""
    without_quotes(desk)
    desk.ok("erase", digest(COPY), *BASIS)
    with reopen(desk.root) as evidence:
        record = next(
            position
            for position in range(evidence.size)
            if digest(FIRST).encode() in evidence.raw_entry(position)
        )
        erase(evidence, [record], basis="asked", actor="person:me")
    assert holding(desk.root, WORDS)
    said = desk.ok("search", "xylophone", "--format", "json")
    assert "rebuilding it" in said.err
    assert said.json["total"] == 0
    assert traces(desk.root, FIRST) == {}
    assert holding(desk.root, WORDS) == {}


def test_the_tree_stays_as_it_was(desk: Desk) -> None:
    """Every old root is still that of its leaves."""
    with reopen(desk.root) as evidence:
        before = list(evidence.journal.leaves())
    desk.ok("erase", digest(FIRST), "--with-copies", *BASIS)
    with reopen(desk.root) as evidence:
        after = list(evidence.journal.leaves())
        assert after[: len(before)] == before
        assert evidence.tree_root() == root_of(evidence.mirror.leaves())


def test_a_hold_placed_after_the_plan_was_shown_still_counts(desk: Desk) -> None:
    """Somebody takes long to answer, somebody else expects a dispute."""
    from archiver.app import Archive
    from archiver.custody.erase import plan_erasure
    from archiver.errors import OperationError

    told: list[str] = []
    with Archive(desk.root, tell=told.append, actor="person:me") as archive:
        plan = plan_erasure(
            archive.evidence,
            archive.catalogue,
            [archive.catalogue.lines(archive.catalogue.order(range(99)))[0].position],
            with_copies=False,
            engagements=["acme-2026"],
        )
        desk.ok("hold", "acme-2026")
        with pytest.raises(OperationError) as caught:
            archive.erase(plan, basis="asked")
    assert "Somebody decided about holds or engagements meanwhile" in caught.value.what
    assert desk.ok("status", "--format", "json").json["records"] == 5


def test_nothing_is_erased_that_cannot_be_signed(desk: Desk, tmp_path: Path) -> None:
    """The state of before must be signed, so that the erasure shows."""
    file = tmp_path / "no-folder"
    file.write_bytes(b"")
    said = desk(
        "erase", digest(FIRST), *BASIS, environ={"ARCHIVER_STATE": str(file), "ARCHIVER_LANG": "en"}
    )
    assert said.code == 1
    assert "The journal could not be signed, so nothing was erased." in said.err
    assert desk.ok("show", digest(FIRST), "--raw").raw == FIRST


@pytest.mark.dovecot
def test_a_sync_does_not_fetch_an_erased_message_again(
    tmp_path: Path, dovecot: DovecotServer, mailbox_user: str
) -> None:
    """The server still has it; its UID stays known."""
    dovecot.add(mailbox_user, "INBOX", FIRST)
    dovecot.add(mailbox_user, "INBOX", MENTION)
    desk = new_desk(tmp_path / "archive")
    desk.ok(
        *("account", "add", "work", "--host", "127.0.0.1", "--port", dovecot.port),
        *("--user", mailbox_user, "--security", "plain", "--keep", "everything"),
        *("--password-command", f"echo {PASSWORD}"),
    )
    desk.ok("sync")
    desk.ok("erase", digest(FIRST), *BASIS)
    dovecot.add(mailbox_user, "INBOX", UNRELATED)
    desk.ok("sync")
    assert desk.ok("status", "--format", "json").json["records"] == 2
    assert traces(desk.root, FIRST) == {}
    assert holding(desk.root, WORDS) == {}


def test_help_tells_what_stays() -> None:
    """Before anybody uses it."""
    said = archiver("erase", "--help")
    assert said.code == 0
    assert "Refused under a hold." in " ".join(said.out.split())


def test_backups_that_hold_it_are_named_before_and_after(tmp_path: Path) -> None:
    """With their dates: what is erased here is in them until they are brought level."""
    early = new_desk(tmp_path / "early")
    early.ok("backup", tmp_path / "before")
    early.keep(tmp_path / "mail", *MAILS)
    early.ok("backup", tmp_path / "copy")
    said = early.ok("erase", digest(FIRST), "--dry-run")
    today = datetime.now(ZoneInfo("Europe/Paris")).date().isoformat()
    assert "Backups that may hold them, until `archiver backup` is run for each again:" in said.out
    assert f"  {tmp_path / 'copy'}, of {today}" in said.out.splitlines()
    assert str(tmp_path / "before") not in said.out
    found = early.ok("erase", digest(FIRST), "--dry-run", "--format", "json").json["backups"]
    assert [each["folder"] for each in found] == [str(tmp_path / "copy")]
    said = early.ok("erase", digest(FIRST), *BASIS)
    assert (
        f"It may still be in the backup {tmp_path / 'copy'}, of {today}: run `archiver backup` "
        "for it again."
    ) in said.err
    early.ok("backup", tmp_path / "copy")
    assert not traces(tmp_path / "copy", FIRST)
