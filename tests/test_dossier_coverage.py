"""What a dossier tells of coverage: the facts that its owner sees, and no name of anything."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from command import new_desk
from dossiers import dossier
from mail import mail
from test_templates import OURS, Masked
from views import view

from archiver.app import Archive
from archiver.dossier.coverage import render_coverage, render_coverage_page
from archiver.dossier.exhibits import Answered, Coverage, Covered, Dossier
from archiver.dossier.pages import render
from archiver.model.coverage import Epoch, Failure, Gone, Imported, Outage, Unkept
from archiver.model.digest import Digest
from archiver.model.entries import FolderScan, Scan
from archiver.model.intervals import Intervals

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
RULES = Digest.of(b"rules").hex


def uids(text: str) -> Intervals:
    """Read a UID set."""
    return Intervals.parse(text)


EPOCH = Epoch(
    folder="Clients/Secret SA",
    uidvalidity=77,
    role="inbox",
    began=NOW,
    ended=NOW,
    first=NOW,
    last=NOW,
    whole=NOW,
    exists=30,
    listed=30,
    short=False,
    looked=uids("1:30"),
    kept=uids("1:10"),
    presumed=uids("11"),
    erased=uids("12"),
    unkept=(Unkept(rule="no-rule", rules=RULES, uids=uids("13:20")),),
    near=(Unkept(rule="same-name", rules=RULES, uids=uids("14")),),
    failed=(Failure(uid=21, reason="NO Clients/Secret SA is busy", since=NOW),),
    postponed=uids("22"),
    not_reached=uids("23:29"),
    missed=uids("30"),
    unseen=uids("31"),
    vanished=(Gone(at=NOW, uids=uids("2")),),
)


def made(*, language: str = "en") -> Dossier:
    """Return a dossier whose coverage says everything that there is to say."""
    return replace(
        dossier(view(), language="fr" if language == "fr" else "en"),
        coverage=Coverage(
            folders=(Covered(mailbox=1, folder=2, epoch=EPOCH),),
            outages=(
                (1, Outage(since=None, until=None, attempts=3, reason="mail.secret.example")),
            ),
            imports=(Imported(root="/home/secret", files=1, messages=4, first=NOW, last=NOW),),
            answered=(Answered(message_id="x@us.example", exhibits=("ACME-2026-000001",)),),
        ),
    )


def rows(text: str, delimiter: str = ",") -> list[dict[str, str]]:
    """Read a table."""
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), delimiter=delimiter))


def test_the_table_has_a_row_for_each_thing_that_is_said() -> None:
    """With the UIDs, so that whoever has access to the mailbox can compare."""
    said = {row["what"]: row for row in rows(render_coverage(made()))}
    assert {what: row["uids"] for what, row in said.items() if row["uids"]} == {
        "looked": "1:30",
        "kept": "1:10",
        "presumed": "11",
        "erased": "12",
        "unkept": "13:20",
        "failed": "21",
        "postponed": "22",
        "not-reached": "23:29",
        "missed": "30",
        "unseen": "31",
        "vanished": "2",
    }
    assert said["unkept"]["rules"] == "rules 1"
    assert (said["outage"]["count"], said["imported"]["count"]) == ("3", "4")
    assert said["answered-and-lacking"]["exhibits"] == "ACME-2026-000001"


def test_no_account_folder_file_or_reason_of_a_server_is_named() -> None:
    """They would tell of other clients; near misses are the owner's business as well."""
    for text in (render_coverage(made()), render_coverage_page(made())):
        assert "ecret" not in text
        assert RULES not in text
        assert "same-name" not in text


def test_a_set_too_long_for_a_cell_goes_on_in_the_next_row() -> None:
    """Nothing of it is cut away."""
    odd = Intervals.of(range(1, 3_000, 2))
    epoch = replace(EPOCH, kept=odd)
    long = replace(made(), coverage=Coverage(folders=(Covered(mailbox=1, folder=1, epoch=epoch),)))
    parts = [row for row in rows(render_coverage(long)) if row["what"] == "kept"]
    assert len(parts) > 1
    assert uids(",".join(row["uids"] for row in parts)) == odd
    assert sum(int(row["count"]) for row in parts) == len(odd)


def test_the_page_tells_the_same() -> None:
    """And what no mechanism can show."""
    page = render_coverage_page(made())
    assert "Mailbox 1, folder 2" in page
    assert "No mechanism shows that a message was never on the server" in page
    assert '<a href="chronology.html#ACME-2026-000001">' in page
    assert "<script" not in page
    assert "semicolon" not in page
    assert ";" in render_coverage(made(language="fr")).splitlines()[0]


def test_every_word_of_the_page_passes_gettext() -> None:
    """A word that was forgotten would stay English in a French dossier."""
    import re

    values = {"dossier": made(), "coverage": made().coverage, "language": "en"}
    html = render("coverage.html", values, words=Masked(), zone=UTC)
    text = re.sub(r"<style\b.*?</style>|<[^>]*>|&\w+;", " ", html, flags=re.DOTALL)
    left = set(re.findall(r"[a-zéè]+[a-z0-9éè]*", text.lower()))
    assert left - OURS - {"uidvalidity", "inbox", "x", "us"} == set()


def test_a_dossier_holds_both(tmp_path: Path) -> None:
    """From the journal as it stands, and from the catalogue what was answered."""
    desk = new_desk(tmp_path / "archive")
    answer = mail(message_id="a@client.example", in_reply_to="gone@consultant.example")
    desk.keep(tmp_path / "mail", answer)
    desk.ok(
        *("account", "add", "work", "--host", "127.0.0.1", "--port", 1, "--security", "plain"),
        *("--user", "us@consultant.example", "--keep", "everything"),
    )
    desk.ok("engagement", "add", "acme", "--client", "ACME", "--domain", "client.example")
    scan = FolderScan(
        folder="Clients/Other", uidvalidity=9, exists=2, kept="", looked="1:2", full=True
    )
    with Archive(desk.root, tell=print, actor="person:test") as archive:
        archive.evidence.append([Scan(account="work", folders=(scan,))])
    out = tmp_path / "out"
    desk.ok("dossier", "acme", "--output", out, "--yes")
    said = {row["what"]: row for row in rows((out / "data/coverage.csv").read_text("utf-8"))}
    assert said["not-reached"]["uids"] == "1:2"
    assert said["answered-and-lacking"]["exhibits"] == "ACME-000001"
    assert said["imported"]["mailbox"] == "files 1"
    page = (out / "data/coverage.html").read_text("utf-8")
    assert "gone@consultant.example" in page
    for text in ((out / "data/coverage.csv").read_text("utf-8"), page):
        assert "Clients/Other" not in text
        assert str(tmp_path) not in text
