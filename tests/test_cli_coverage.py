"""``coverage``: what was looked at and what was not, against a real Dovecot and stories of a fake."""

import csv
import io
import itertools
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command import Desk, new_desk
from dovecot import PASSWORD, DovecotServer
from mail import mail
from mailbox_fakes import FakeFolder, FakeSession, account

from archiver.accounts import NO_NEVER, Never
from archiver.app import Archive
from archiver.care.coverage.differences import differences
from archiver.care.coverage.live import LiveAccount, compared, look
from archiver.care.coverage.one_sided import quotes
from archiver.care.coverage.words import present_live
from archiver.errors import AuthenticationError
from archiver.mailbox.server.session import RefusedError
from archiver.model.coverage import AccountCoverage, Epoch, Gone, Unkept
from archiver.model.intervals import Intervals

US = "us@consultant.example"
_NUMBERS = itertools.count()
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
NEAR = mail(from_="Marie <marie@home.example>", subject="Portail")


def add_account(desk: Desk, server: DovecotServer, user: str, *options: object) -> None:
    """Point the archive at a user's mailbox."""
    desk.ok(
        *("account", "add", "work", "--host", "127.0.0.1", "--port", server.port),
        *("--user", user, "--security", "plain", "--keep", "everything", "--address", US),
        *("--password-command", f"echo {PASSWORD}", *options),
    )


def received(**more: str) -> bytes:
    """Return a message from the client."""
    return mail(message_id=f"{next(_NUMBERS)}@client.example", **more)  # type: ignore[arg-type]


@pytest.fixture
def desk(tmp_path: Path, dovecot: DovecotServer, mailbox_user: str) -> Desk:
    """Make an archive with an account that was synchronised: three in the inbox, one sent."""
    for _number in range(3):
        dovecot.add(mailbox_user, "INBOX", received())
    dovecot.add(mailbox_user, "Sent", mail(from_=US, message_id="s@consultant.example"))
    dovecot.add(mailbox_user, "Drafts", mail(from_=US))
    desk = new_desk(tmp_path / "archive")
    add_account(desk, dovecot, mailbox_user)
    desk.ok("sync")
    return desk


def folders(desk: Desk, *options: object) -> dict[str, dict[str, object]]:
    """Return what is told of each folder, by its name."""
    (one,) = desk("coverage", "--format", "json", *options).json["accounts"]
    return {each["name"]: each for each in one["folders"]}


@pytest.mark.dovecot
def test_a_whole_sync_is_told_whole(desk: Desk) -> None:
    """Every UID that was listed is kept, and the folder was enumerated whole."""
    told = folders(desk)
    assert set(told) == {"INBOX", "Sent"}
    inbox = told["INBOX"]
    assert inbox["kept"] == inbox["looked"] == {"uids": "1:3", "count": 3}
    assert inbox["whole"] is not None
    assert (inbox["exists"], inbox["records"]) == (3, 3)
    assert inbox["failed"] == inbox["unkept"] == inbox["vanished"] == []
    said = desk.ok("coverage").out
    assert "kept: 3 (UIDs 1:3)" in said
    assert "all folders but drafts, outbox, templates and those of other people" in said


@pytest.mark.dovecot
def test_live_finds_nothing_to_differ_after_a_sync(desk: Desk) -> None:
    """And says which folders are left alone on purpose, and why."""
    said = desk.ok("coverage", "--live", "--format", "json").json
    (live,) = said["live"]
    assert [(each["name"], each["exists"]) for each in live["folders"]] == [
        ("INBOX", 3),
        ("Sent", 1),
    ]
    assert live["left_out"] == [{"name": "Drafts", "role": "drafts", "why": "role"}]
    assert not any(each["missing"]["count"] for each in live["folders"])
    text = desk.ok("coverage", "--live").out
    assert "INBOX: 3 messages; nothing differs" in text
    assert "Drafts: not looked into, since drafts, outbox and templates were never" in text


@pytest.mark.dovecot
def test_live_tells_what_arrived_and_what_went(
    desk: Desk, dovecot: DovecotServer, mailbox_user: str
) -> None:
    """New mail is no fault; what went is told and stays kept."""
    inbox = dovecot.folder(mailbox_user)
    next(iter((inbox / "cur").iterdir())).unlink()
    dovecot.add(mailbox_user, "INBOX", received())
    said = desk.ok("coverage", "--live", "--format", "json").json
    (there,) = (each for each in said["live"][0]["folders"] if each["name"] == "INBOX")
    assert (there["new"], there["gone"]["count"]) == ({"uids": "4", "count": 1}, 1)
    assert {each["code"] for each in said["findings"] if each["subject"] == "work/INBOX"} == {
        "new",
        "gone",
    }


@pytest.mark.dovecot
def test_a_folder_that_was_never_looked_into_is_missing(
    desk: Desk, dovecot: DovecotServer, mailbox_user: str
) -> None:
    """The exit code says so; the next sync mends it."""
    dovecot.add(mailbox_user, "Clients/ACME", received())
    said = desk("coverage", "--live")
    assert said.code == 3
    assert "was never looked into: 1 message is not here." in said.out
    desk.ok("sync")
    assert desk("coverage", "--live").code == 0


@pytest.mark.dovecot
def test_what_vanished_is_told_with_its_day(
    desk: Desk, dovecot: DovecotServer, mailbox_user: str
) -> None:
    """After the sync that noticed it."""
    next(iter((dovecot.folder(mailbox_user) / "cur").iterdir())).unlink()
    desk.ok("sync")
    inbox = folders(desk)["INBOX"]
    assert inbox["kept"] == {"uids": "1:3", "count": 3}
    (gone,) = inbox["vanished"]  # type: ignore[misc]
    assert gone["count"] == 1
    assert datetime.fromisoformat(gone["at"]).tzinfo is not None


@pytest.mark.dovecot
def test_an_outage_is_told_once_it_is_over(
    desk: Desk, dovecot: DovecotServer, mailbox_user: str
) -> None:
    """How often it was tried in vain, and why."""
    desk.ok("account", "edit", "work", "--port", 1)
    assert desk("sync").code == 75
    (one,) = desk("coverage", "--format", "json").json["accounts"]
    assert one["attempts_in_vain"] == 1
    assert "127.0.0.1" in one["reason"]
    assert "; tried 1 time in vain since, last " in desk("coverage").out
    desk.ok("account", "edit", "work", "--port", dovecot.port)
    dovecot.add(mailbox_user, "INBOX", received())
    desk.ok("sync")
    (one,) = desk("coverage", "--format", "json").json["accounts"]
    (outage,) = one["outages"]
    assert outage["attempts"] == 1
    assert outage["since"] is not None
    assert "127.0.0.1" in outage["reason"]


@pytest.mark.dovecot
def test_csv_has_a_row_for_each_thing_that_is_said(desk: Desk) -> None:
    """With the UIDs."""
    table = csv.DictReader(io.StringIO(desk.ok("coverage", "--format", "csv", "--live").out))
    said = {(row["folder"], row["what"]): row for row in table}
    assert said["INBOX", "kept"]["uids"] == "1:3"
    assert said["INBOX", "kept"]["count"] == "3"
    assert said["Sent", "server-lists"]["count"] == "1"
    assert said["", "account"]["until"]


@pytest.mark.dovecot
def test_a_server_that_cannot_be_asked_gives_its_code(desk: Desk) -> None:
    """What the journal says is told all the same."""
    desk.ok("account", "edit", "work", "--port", 1)
    said = desk("coverage", "--live")
    assert said.code == 75
    assert "kept: 3 (UIDs 1:3)" in said.out
    assert "[server-not-asked] work" in said.out


@pytest.mark.dovecot
def test_an_engagement_shows_the_folders_that_hold_its_records(
    desk: Desk, dovecot: DovecotServer, mailbox_user: str
) -> None:
    """And only counts the others; the folder itself is told whole."""
    dovecot.add(mailbox_user, "Clients/ACME", received(subject="Lot 7"))
    dovecot.add(mailbox_user, "Clients/ACME", received(from_="a@other.example"))
    desk.ok("sync")
    desk.ok("engagement", "add", "acme", "--client", "ACME", "--code", "Lot 7")
    told = folders(desk, "--engagement", "acme")
    (folder,) = told.values()
    assert (folder["name"].endswith("ACME"), folder["records"]) == (True, 1)  # type: ignore[attr-defined]
    assert folder["kept"] == {"uids": "1:2", "count": 2}
    said = desk.ok("coverage", "--engagement", "acme").out
    assert "2 other folders hold no record of the engagement." in said
    assert "All together: 1 received, 0 sent" in said


def test_names_that_nobody_knows_are_refused(tmp_path: Path) -> None:
    """With those there are."""
    desk = new_desk(tmp_path / "archive")
    said = desk("coverage", "--account", "wrok")
    assert said.code == 2
    assert "There is no account called wrok, and there never was one." in said.err
    assert "Accounts: none." in said.err
    assert desk("coverage", "--engagement", "nix").code == 2


def test_an_account_that_was_never_synchronised_is_named(tmp_path: Path) -> None:
    """Nothing of it is here, and nobody would notice."""
    desk = new_desk(tmp_path / "archive")
    assert "No account and no file: nothing was looked at yet." in desk.ok("coverage").out
    desk.ok(
        *("account", "add", "work", "--host", "127.0.0.1", "--port", 1, "--user", "u"),
        *("--security", "plain", "--keep", "everything"),
    )
    said = desk.ok("coverage").out
    assert "Account work: last good sync: never" in said
    assert "It was never synchronised." in said
    assert "[never-synchronised] work" in said


def test_imports_are_sources_like_any(tmp_path: Path) -> None:
    """Told by the folder that held them; their completeness nobody can tell."""
    desk = new_desk(tmp_path / "archive")
    desk.keep(tmp_path / "old mail", received(), received())
    (one,) = desk.ok("coverage", "--format", "json").json["imports"]
    assert (one["root"], one["files"], one["messages"]) == (str(tmp_path / "old mail"), 2, 2)
    assert f"{tmp_path / 'old mail'}: 2 messages in 2 files" in desk.ok("coverage").out


# --- one-sidedness -------------------------------------------------------------------------------


def own(desk: Desk) -> None:
    """Tell the archive who we are."""
    desk.ok(
        *("account", "add", "work", "--host", "127.0.0.1", "--port", 1, "--user", US),
        *("--security", "plain", "--keep", "everything"),
    )


def one_sided(desk: Desk) -> Mapping[str, object]:
    """Return what is told of both sides."""
    found = desk.ok("coverage", "--format", "json").json["one_sided"]
    assert isinstance(found, dict)
    return found


def test_an_answer_to_a_message_of_ours_that_is_not_here_is_told(tmp_path: Path) -> None:
    """By the domain of its identifier; with the record that answers."""
    desk = new_desk(tmp_path / "archive")
    own(desk)
    answer = received(in_reply_to="gone@consultant.example", subject="Re: offer")
    desk.keep(tmp_path / "mail", answer, received(in_reply_to="x@client.example"))
    told = one_sided(desk)
    assert told["lacking"] == 1
    (one,) = told["shown"]  # type: ignore[misc]
    assert (one["message_id"], one["by"]) == ("gone@consultant.example", "message-id")
    (hit,) = desk.ok("search", "offer", "--format", "json").json["hits"]
    assert [each["digest"] for each in one["answers"]] == [hit["id"]]
    assert "1 message of ours was answered and is not in the archive:" in desk.ok("coverage").out


def test_one_that_is_here_is_not_lacking(tmp_path: Path) -> None:
    """Whichever way it came."""
    desk = new_desk(tmp_path / "archive")
    own(desk)
    desk.keep(
        tmp_path / "mail",
        mail(from_=US, message_id="here@consultant.example"),
        received(in_reply_to="here@consultant.example"),
    )
    assert one_sided(desk)["lacking"] == 0


def test_an_answer_that_quotes_us_is_told_whatever_the_identifier(tmp_path: Path) -> None:
    """Providers write their own names into identifiers."""
    desk = new_desk(tmp_path / "archive")
    own(desk)
    desk.keep(
        tmp_path / "mail",
        received(
            in_reply_to="abc@mail.provider.example",
            text=f"Yes.\n\nOn Monday, Us <{US.upper()}> wrote:\n> Is it done?\n",
        ),
    )
    (one,) = one_sided(desk)["shown"]  # type: ignore[misc]
    assert (one["message_id"], one["by"]) == ("abc@mail.provider.example", "quoted")


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        (f"Le 2 mars, Nous <{US}> a écrit :\n> Oui", True),
        (f"De : Nous <{US}>\nEnvoyé : lundi", True),
        (f"> From: Us <{US}>\n> Sent: Monday", True),
        (f"Please write to {US} next time.", False),
        ("On Monday, Marie <marie@client.example> wrote:\n> x", False),
    ],
)
def test_who_is_quoted_is_read_in_the_line_above_the_quote(text: str, *, ours: bool) -> None:
    """An address in passing is no quote."""
    assert quotes(text, {US}) is ours


def test_much_received_and_hardly_anything_sent_is_told_with_advice(tmp_path: Path) -> None:
    """Facts and counts; the reason is a guess and is said as one."""
    desk = new_desk(tmp_path / "archive")
    own(desk)
    sent = [mail(from_=US, message_id=f"{n}@consultant.example") for n in range(3)]
    desk.keep(tmp_path / "mail", *(received() for _number in range(64)), *sent)
    (all_, _work) = one_sided(desk)["accounts"]  # type: ignore[misc]
    assert (all_["name"], all_["received"], all_["sent"]) == (None, 64, 3)
    assert "All together: 64 received, 3 sent" in desk.ok("coverage").out


# --- what servers say now ------------------------------------------------------------------------


def epoch(**more: object) -> Epoch:
    """Return an epoch of the inbox by saying only what matters."""
    settled: dict[str, object] = {
        "folder": "INBOX",
        "uidvalidity": 1,
        "role": "inbox",
        "began": NOW,
        "ended": None,
        "first": NOW,
        "last": NOW,
        "whole": NOW,
        "exists": 0,
        "listed": 0,
        "short": False,
        **more,
    }
    return Epoch(**settled)  # type: ignore[arg-type]


def uids(text: str) -> Intervals:
    """Read a UID set."""
    return Intervals.parse(text)


def test_what_differs_is_told_apart() -> None:
    """New, missing, waiting, gone, there again."""
    known = epoch(
        looked=uids("1:10"),
        kept=uids("1:4"),
        unkept=(Unkept(rule="no-rule", rules="", uids=uids("5")),),
        postponed=uids("6"),
        vanished=(Gone(at=NOW, uids=uids("1:2")),),
    )
    found = compared("INBOX", 1, 8, uids("2,3,5:8,11:12"), known)
    assert (str(found.new), str(found.missing)) == ("11:12", "7:8")
    assert (str(found.waiting), str(found.gone), str(found.back)) == ("6", "4", "2")


def test_a_list_that_is_too_short_makes_nothing_gone() -> None:
    """A server that lists too little has deleted nothing; the finding names it."""
    known = epoch(looked=uids("1:4"), kept=uids("1:4"))
    found = compared("INBOX", 1, 4, uids("1"), known)
    assert not found.gone
    told = [each.code for each in differences([LiveAccount(account="work", folders=(found,))])]
    assert told == ["list-too-short"]


def test_near_misses_are_shown_by_their_headers_and_not_stored() -> None:
    """Who, when, about what, by which rule, and how to widen it."""
    session = FakeSession({"INBOX": FakeFolder({1: b"a", 2: b"b", 3: NEAR})})
    known = epoch(
        looked=uids("1:3"),
        kept=uids("1"),
        unkept=(Unkept(rule="no-rule", rules="", uids=uids("2:3")),),
        near=(Unkept(rule="same-name", rules="", uids=uids("3,9")),),
    )
    story = AccountCoverage(account="work", first=NOW, last=NOW, epochs=(known,), outages=())
    found = look(account(), story, connect=lambda: session, never=NO_NEVER)
    (near,) = found.near
    assert (near.uid, near.rule, near.from_) == (3, "same-name", "Marie <marie@home.example>")
    assert [line for line in session.log if line.startswith("headers")] == ["headers 3"]
    assert session.closed
    lines = list(present_live([found], UTC))
    assert any("Nearly kept: INBOX UID 3, 2026-03-02 09:30" in line for line in lines)
    assert "archiver engagement edit SLUG" in lines[-1]
    assert lines[-2] == (
        "    → The name of one of the people, at another address: add the address to them."
    )


def test_a_folder_under_never_is_not_opened() -> None:
    """Not even to count."""
    session = FakeSession({"INBOX": FakeFolder({}), "Privé": FakeFolder({1: b"x"})})
    found = look(account(), None, connect=lambda: session, never=Never(folders=("Privé",)))
    assert [each.folder for each in found.folders] == ["INBOX"]
    assert [(each.folder, each.why) for each in found.left_out] == [("Privé", "rule")]
    assert not any("Privé" in line for line in session.log)


def test_a_folder_that_cannot_be_opened_hinders_no_other() -> None:
    """It is a finding."""

    class Stubborn(FakeSession):
        def examine(self, folder: str, since: object = None) -> object:  # type: ignore[override]
            del since
            if folder == "INBOX":
                raise RefusedError("NO, said the server")
            return super().examine(folder)

    session = Stubborn({"INBOX": FakeFolder({}), "Work": FakeFolder({1: b"x"})})
    found = look(account(), None, connect=lambda: session, never=NO_NEVER)
    assert [(each.code, each.subject) for each in differences([found])] == [
        ("folder-not-readable", "work/INBOX"),
        ("missing", "work/Work"),
    ]


def test_a_refused_password_is_told_with_its_code() -> None:
    """The other accounts are asked all the same."""

    def connect() -> FakeSession:
        raise AuthenticationError("The server refuses.", advice="Mend it.")

    found = look(account(), None, connect=connect, never=NO_NEVER)
    assert (found.problem, found.advice, found.exit_code) == ("The server refuses.", "Mend it.", 12)


def test_a_folder_that_the_server_lost_is_told() -> None:
    """What was kept of it stays."""
    story = AccountCoverage(
        account="work",
        first=NOW,
        last=NOW,
        epochs=(epoch(folder="Old"), epoch(folder="Older", ended=NOW + timedelta(days=1))),
        outages=(),
    )
    session = FakeSession({"INBOX": FakeFolder({})})
    found = look(account(), story, connect=lambda: session, never=NO_NEVER)
    assert found.absent == ("Old",)


def test_the_document_has_stable_keys(tmp_path: Path) -> None:
    """Scripts rely on them."""
    desk = new_desk(tmp_path / "archive")
    own(desk)
    said = desk.ok("coverage", "--format", "json").json
    assert said["schema"] == 1
    assert set(said) == {
        *("schema", "at", "engagement", "period", "accounts", "imports"),
        *("one_sided", "findings"),
    }
    json.dumps(said)


def test_what_is_stale_is_a_finding(tmp_path: Path) -> None:
    """With the last reason."""
    desk = new_desk(tmp_path / "archive")
    own(desk)
    with Archive(desk.root, tell=print, actor="person:test") as archive:
        now = datetime.now(UTC)
        archive.evidence.note_sync("work", now - timedelta(days=9), good=True)
        archive.evidence.note_sync("work", now, good=False, reason="Nobody answers.")
    said = desk.ok("coverage").out
    assert "[stale] work" in said
    assert "The last attempt failed: Nobody answers." in said
