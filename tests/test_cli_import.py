"""``import``: what was not taken in is told in words for files, and only mail makes exit 3."""

import hashlib
from pathlib import Path

import pytest
from command import Desk, new_desk
from dovecot import PASSWORD, DovecotServer
from mail import mail
from outlook_files import msg
from pst_file import Folder, Letter, pst

POSTMARK = b"From me Mon Mar  2 10:00:00 2026\r\n"
OUTLOOK = Letter({0x001A: "IPM.Note", 0x0037: "Kick-off", 0x1000: "words"})
LATER = Letter({0x001A: "IPM.Note", 0x0037: "Minutes", 0x1000: "more words"})
PDF = ("offer.pdf", "application/pdf", b"%PDF")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an empty archive, and a folder with one message."""
    folder = tmp_path / "mails"
    folder.mkdir()
    (folder / "a.eml").write_bytes(mail())
    return new_desk(tmp_path / "archive")


def test_files_that_are_no_mail_are_counted_and_make_no_error(desk: Desk, tmp_path: Path) -> None:
    """Every time anew, in one line; -v names them."""
    (tmp_path / "mails" / "logo.gif").write_bytes(b"GIF89a")
    (tmp_path / "mails" / "notes.txt").write_bytes(b"milk, bread")
    for _time in range(2):
        said = desk.ok("import", tmp_path / "mails")
        assert "2 files were passed over: by their kind they are no mail." in said.err
        assert "logo.gif" not in said.err
    assert str(tmp_path / "mails" / "logo.gif") in desk.ok("-v", "import", tmp_path / "mails").err


def test_a_file_that_may_be_mail_and_was_not_imported_makes_exit_3(
    desk: Desk, tmp_path: Path
) -> None:
    """In words for files: nobody tries them again by themselves."""
    (tmp_path / "mails" / "broken.eml").write_bytes(b"")
    said = desk("import", tmp_path / "mails")
    assert said.code == 3
    assert "Import: 1 file or message was not imported:" in said.err
    assert "broken.eml: it is empty" in said.err
    assert "next time" not in said.err


def test_a_broken_copy_of_a_mailbox_that_is_named_is_no_record(desk: Desk, tmp_path: Path) -> None:
    """One record of garbage and exit 0 would let somebody delete the mailbox."""
    (tmp_path / "mail.pst").write_bytes(b"garbage not a pst at all")
    said = desk("import", tmp_path / "mail.pst")
    assert said.code == 3
    assert "mail.pst: it is not an Outlook data file" in said.err
    assert desk.ok("status", "--format", "json").json["records"] == 0


def test_a_link_to_a_file_elsewhere_is_not_kept(desk: Desk, tmp_path: Path) -> None:
    """A folder of somebody's mail cannot name files of this machine."""
    (tmp_path / "passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    (tmp_path / "mails" / "link.eml").symlink_to(tmp_path / "passwd")
    said = desk("import", tmp_path / "mails")
    assert said.code == 3
    assert "link.eml: the link leads out of the folder that was named" in said.err
    assert desk.ok("status", "--format", "json").json["records"] == 1


def test_many_files_that_were_not_imported_are_counted_and_all_named_with_v(
    desk: Desk, tmp_path: Path
) -> None:
    """Twenty are enough to see what is wrong."""
    broken = [tmp_path / "mails" / f"broken-{number}.eml" for number in range(25)]
    for path in broken:
        path.write_bytes(b"")
    said = desk("import", tmp_path / "mails")
    assert "25 files or messages were not imported:" in said.err
    assert sum(str(path) in said.err for path in broken) == 20
    assert "… and 5 more: -v names them all" in said.err
    said = desk("-v", "import", tmp_path / "mails")
    assert all(str(path) in said.err for path in broken)


def test_importing_again_adds_nothing_and_a_file_that_grew_adds_what_is_new(
    desk: Desk, tmp_path: Path
) -> None:
    """Whatever kind of file it is."""
    box = tmp_path / "box.mbox"
    box.write_bytes(POSTMARK + mail(subject="1") + b"\r\n")
    data = tmp_path / "box.pst"
    data.write_bytes(pst(Folder("Top", folders=[Folder("Inbox", [OUTLOOK])])))
    assert "Import: 2 new records" in desk.ok("import", box, data).err
    entries = desk.ok("status", "--format", "json").json["entries"]
    assert "2 known already" in desk.ok("-v", "import", box, data).err
    assert desk.ok("status", "--format", "json").json["entries"] == entries
    with box.open("ab") as file:
        file.write(POSTMARK + mail(subject="2") + b"\r\n")
    data.write_bytes(pst(Folder("Top", folders=[Folder("Inbox", [OUTLOOK, LATER])])))
    assert "Import: 2 new records, 2 known already" in desk.ok("import", box, data).err


def test_a_file_whose_earlier_part_changed_is_told_and_both_are_kept(
    desk: Desk, tmp_path: Path
) -> None:
    """The archive does not choose between them."""
    box = tmp_path / "box.mbox"
    box.write_bytes(POSTMARK + mail(subject="1") + b"\r\n")
    desk.ok("import", box)
    box.write_bytes(POSTMARK + mail(subject="9") + b"\r\n")
    said = desk.ok("import", box)
    assert (
        f"Import: {box}: at 1 place stands another message than at an earlier import; both are kept."
        in said.err
    )
    assert desk.ok("status", "--format", "json").json["records"] == 2
    assert "another message" not in desk.ok("import", box).err


def test_messages_made_from_items_of_outlook_and_drafts_are_told(
    desk: Desk, tmp_path: Path
) -> None:
    """Nobody takes them for what was sent."""
    path = tmp_path / "draft.msg"
    path.write_bytes(msg({0x001A: "IPM.Note", 0x0037: "Offer", 0x1000: "words", 0x0E07: 9}))
    said = desk.ok("import", path)
    assert (
        "Import: 1 message was put together from an item of Outlook: it is not byte for byte what "
        "was sent, and no signature of a provider can hold for it." in said.err
    )
    assert "Import: 1 of them is a draft: it was kept, but never sent." in said.err
    (hit,) = desk.ok("search", "subject:Offer", "--format", "json").json["hits"]
    (seen,) = desk.ok("show", hit["id"], "--format", "json").json["sightings"]
    assert seen["source"] == {
        "kind": "file",
        "path": str(path),
        "member": 0,
        "offset": 0,
        "folder": "",
        "labels": [],
        "made_from": "msg",
    }


def test_what_is_in_a_data_file_of_outlook_is_found_by_its_folder(
    desk: Desk, tmp_path: Path
) -> None:
    """A rule or a query names it as it would one on a server."""
    path = tmp_path / "box.pst"
    path.write_bytes(
        pst(Folder("Top", folders=[Folder("Inbox", [OUTLOOK]), Folder("Sent Items", [LATER])]))
    )
    desk.ok("import", path)
    assert desk.ok("search", "is:sent", "--format", "json").json["total"] == 1
    assert desk.ok("search", 'folder:"Sent Items"', "--format", "json").json["total"] == 1


def takeout(message: bytes, labels: str) -> bytes:
    """Return MESSAGE as Takeout writes it: LF, two fields in front, a From_ line."""
    front = f"X-GM-THRID: 1\r\nX-Gmail-Labels: {labels}\r\n".encode()
    whole = (front + message).replace(b"\r\n", b"\n").replace(b"\nFrom ", b"\n>From ")
    return b"From 1@xxx Mon Mar 02 10:00:00 +0000 2026\n" + whole + b"\n"


def test_labels_of_takeout_count_as_folders(desk: Desk, tmp_path: Path) -> None:
    """In the language of the account, for queries and for the rules of an engagement."""
    box = tmp_path / "All mail.mbox"
    box.write_bytes(
        takeout(mail(subject="1"), "=?UTF-8?Q?Messages_envoy=C3=A9s,Clients/ACME?=")
        + takeout(mail(subject="2"), "Spam")
        + takeout(mail(subject="3"), "Corbeille,Important")
    )
    desk.ok("import", box)
    desk.ok("engagement", "add", "acme", "--client", "ACME", "--folder", "Clients/ACME")

    def found(query: str) -> list[str]:
        hits = desk.ok("search", query, "--format", "json").json["hits"]
        return [hit["subject"] for hit in hits]

    assert (found("is:sent"), found("is:junk"), found("is:trash")) == (["1"], ["2"], ["3"])
    assert found("engagement:acme") == ["1"]


@pytest.mark.dovecot
@pytest.mark.parametrize("first", ["takeout", "server"])
def test_a_takeout_and_a_sync_of_the_same_mailbox_show_each_message_once(
    tmp_path: Path, dovecot: DovecotServer, mailbox_user: str, first: str
) -> None:
    """Both records are kept and named as variants of each other; one line is shown."""
    letters = [
        mail(subject="with an identifier", message_id="1@x.example", text="From here on.\n"),
        mail(subject="without one", text="Été\n\n\n"),
        mail(subject="signed", headers=[("DKIM-Signature", "v=1; b=abc")], attachments=[PDF]),
    ]
    for letter in letters:
        dovecot.add(mailbox_user, "INBOX", letter)
    box = tmp_path / "takeout-1.mbox"
    box.write_bytes(b"".join(takeout(letter, "Inbox") for letter in letters))
    desk = new_desk(tmp_path / "archive")
    desk.ok(
        *("account", "add", "work", "--host", "127.0.0.1", "--port", dovecot.port),
        *("--user", mailbox_user, "--security", "plain", "--keep", "everything"),
        *("--password-command", f"echo {PASSWORD}"),
    )
    steps = [("import", box), ("sync",)]
    for step in steps if first == "takeout" else steps[::-1]:
        desk.ok(*step)
    assert desk.ok("status", "--format", "json").json["records"] == 2 * len(letters)
    shown = desk.ok("search", "*").out
    for subject in ("with an identifier", "without one", "signed"):
        assert shown.count(subject) == 1
    hits = desk.ok("search", "*", "--format", "json").json["hits"]
    by_digest = {hit["id"]: hit for hit in hits}
    assert len(by_digest) == 2 * len(letters)
    for digest, hit in by_digest.items():
        (other,) = hit["variants"]
        assert by_digest[other]["variants"] == [digest]
        assert by_digest[other]["subject"] == hit["subject"]
    for letter in letters:  # the server's own bytes, whatever Takeout did to them
        digest = hashlib.sha256(letter).hexdigest()
        assert desk.ok("show", digest, "--raw").raw == letter
