"""Messages are read from files as they stand, and what is not read is told."""

import os
from pathlib import Path

import pytest
from mail import mail

from archiver.mailbox.imports.files import NotRead, messages_in
from archiver.model.incoming import Incoming
from archiver.model.sources import FileSource

LETTER = mail(subject="Kick-off")
OTHER = mail(subject="Minutes")
POSTMARK = b"From me Mon Mar  2 10:00:00 2026\n"


def read(path: Path) -> list[bytes]:
    """Return the bytes of every message in PATH."""
    return [item.data for item in messages_in(path) if isinstance(item, Incoming)]


def refused(path: Path) -> dict[str, str]:
    """Return why each file in PATH was not read, by its name."""
    return {
        Path(item.path).name: item.reason for item in messages_in(path) if isinstance(item, NotRead)
    }


def put(path: Path, data: bytes = LETTER) -> Path:
    """Write DATA to PATH, making its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_a_single_message_is_kept_as_it_is(tmp_path: Path) -> None:
    """Line ends and all, with the absolute path as its source."""
    path = put(tmp_path / "a.eml", b"Subject: x\n\nmixed\r\nends")
    (item,) = messages_in(path)
    assert item == Incoming(
        data=b"Subject: x\n\nmixed\r\nends", source=FileSource(path=str(path), member=0, offset=0)
    )


def test_the_source_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path would mean nothing tomorrow."""
    put(tmp_path / "a.eml")
    monkeypatch.chdir(tmp_path)
    (item,) = messages_in(Path("a.eml"))
    assert isinstance(item, Incoming)
    assert item.source == FileSource(path=str(tmp_path / "a.eml"), member=0, offset=0)


def test_folders_are_walked_in_order(tmp_path: Path) -> None:
    """Sorted by name, folders within folders."""
    for name in ("b/2", "a", "c.eml", "b/1.eml"):
        put(tmp_path / name, mail(subject=name))
    assert read(tmp_path) == [mail(subject=name) for name in ("a", "b/1.eml", "b/2", "c.eml")]


def test_in_a_folder_only_what_looks_like_mail_is_read(tmp_path: Path) -> None:
    """A picture and a note are told, a message without an ending is read."""
    put(tmp_path / "picture.png", b"\x89PNG\r\n\x1a\n")
    put(tmp_path / "notes.txt", b"Shopping: milk\n\nand bread")
    put(tmp_path / "1")
    assert read(tmp_path) == [LETTER]
    assert refused(tmp_path) == {
        "notes.txt": "it does not look like mail",
        "picture.png": "it does not look like mail",
    }


def test_a_file_that_a_person_names_is_mail(tmp_path: Path) -> None:
    """However it looks: its owner knows better."""
    assert read(put(tmp_path / "note", b"no header at all")) == [b"no header at all"]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"BZh9", "bzip2"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"Rar!\x1a\x07\x00", "rar"),
    ],
)
def test_a_container_is_told_even_when_named(tmp_path: Path, data: bytes, kind: str) -> None:
    """Kept as it is nobody could search it."""
    reason = f"{kind} files are not read; unpack or export it first"
    assert refused(put(tmp_path / "x.eml", data)) == {"x.eml": reason}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("mail.pst", "it is not an Outlook data file"),
        ("mail.OST", "it is not an Outlook data file"),
        ("mail.msg", "it is not an Outlook message"),
        ("mail.zip", "it is not a zip file"),
        ("mail.gz", "it is not a gzip file"),
        ("mail.tgz", "it is not a gzip file"),
        ("mail.emlx", "it ends before its message does, or is no file of Apple Mail"),
        ("mail.rar", ".rar files are not read; unpack or export it first"),
    ],
)
@pytest.mark.parametrize("named", [True, False])
def test_a_file_that_is_not_what_its_ending_says_is_told(
    tmp_path: Path, name: str, reason: str, *, named: bool
) -> None:
    """Named or found in a folder: a broken copy of a mailbox is no message."""
    path = put(tmp_path / name, b"garbage, not a mailbox at all")
    (item,) = messages_in(path if named else tmp_path)
    assert item == NotRead(str(path), reason)


@pytest.mark.parametrize("named", [True, False])
def test_a_plain_message_under_the_ending_of_outlook_is_mail(
    tmp_path: Path, *, named: bool
) -> None:
    """Some programs write single messages as .msg."""
    path = put(tmp_path / "a.msg")
    assert read(path if named else tmp_path) == [LETTER]


def test_in_a_maildir_a_name_has_no_ending(tmp_path: Path) -> None:
    """It ends with the name of a machine, which may be any."""
    put(tmp_path / "cur" / "1772447.M1.host.zip", b"no header at all")
    (tmp_path / "new").mkdir()
    assert read(tmp_path) == [b"no header at all"]


def test_tar_and_empty_zip_files_are_told(tmp_path: Path) -> None:
    """By their bytes, whatever they are called."""
    tar = b"mail.mbox".ljust(257, b"\0") + b"ustar\x0000".ljust(255, b"\0")
    (told,) = messages_in(put(tmp_path / "mails", tar))
    assert told == NotRead(
        str(tmp_path / "mails"), "tar files are not read; unpack or export it first"
    )
    (told,) = messages_in(put(tmp_path / "mails.zip", b"PK\x05\x06" + bytes(18)))
    assert told == NotRead(str(tmp_path / "mails.zip"), "it is empty")


def emlx(message: bytes, flags: int = 0) -> bytes:
    """Return MESSAGE as Apple Mail keeps it."""
    plist = f"<?xml?><plist><dict><key>flags</key><integer>{flags}</integer></dict></plist>"
    return b"%-10d\n" % len(message) + message + plist.encode()


def test_apple_mails_own_files_are_read(tmp_path: Path) -> None:
    """They hold a message between a count and a property list, which tells its flags."""
    path = put(tmp_path / "1.emlx", emlx(LETTER, 0b1_0001_0101))
    (item,) = messages_in(path)
    assert item == Incoming(
        data=LETTER,
        source=FileSource(path=str(path), member=0, offset=11),
        flags=("\\Seen", "\\Answered", "\\Flagged", "$Forwarded"),
    )


def test_a_message_that_apple_mail_holds_in_part_is_told(tmp_path: Path) -> None:
    """Its attachments were never fetched, so it is not the message."""
    put(tmp_path / "1.partial.emlx", emlx(LETTER))
    put(tmp_path / "2.emlx", emlx(LETTER)[: len(LETTER)])
    put(tmp_path / "3.emlx", LETTER)
    cut = "it ends before its message does, or is no file of Apple Mail"
    assert refused(tmp_path) == {
        "1.partial.emlx": "Apple Mail holds only a part of this message; open it there so that it "
        "is fetched",
        "2.emlx": cut,
        "3.emlx": cut,
    }


def folders(path: Path) -> dict[bytes, str]:
    """Return the mail folder of each message in PATH."""
    return {
        item.data: item.source.folder
        for item in messages_in(path)
        if isinstance(item, Incoming) and isinstance(item.source, FileSource)
    }


def test_a_maildir_names_its_folders_as_the_server_did(tmp_path: Path) -> None:
    """Maildir++: the top is the inbox, dots part names, which are in modified UTF-7."""
    places = {
        "": "INBOX",
        ".Sent": "Sent",
        ".Clients.ACME": "Clients/ACME",
        ".&AMk-l&AOk-ments envoy&AOk-s": "Éléments envoyés",
        ".R&-D": "R&D",
        ".odd &AMk": "odd &AMk",
    }
    letters = {mail(subject=folder): folder for folder in places.values()}
    for (place, folder), letter in zip(places.items(), letters, strict=True):
        assert letters[letter] == folder
        put(tmp_path / "Maildir" / place / "cur" / "1", letter)
        (tmp_path / "Maildir" / place / "new").mkdir()
    assert folders(tmp_path / "Maildir") == letters


def test_a_lone_maildir_has_its_own_name(tmp_path: Path) -> None:
    """Also where it lies in plain folders."""
    for number, place in enumerate(("Sent", "2025/Sent")):
        put(tmp_path / place / "cur" / "1", mail(subject=str(number)))
        (tmp_path / place / "new").mkdir()
    assert folders(tmp_path) == {mail(subject="0"): "Sent", mail(subject="1"): "2025/Sent"}
    assert folders(tmp_path / "2025" / "Sent") == {mail(subject="1"): "Sent"}


def test_messages_in_plain_folders_lie_in_those(tmp_path: Path) -> None:
    """An export, one file a message: what was named counts where nothing lies below it."""
    put(tmp_path / "export" / "Sent" / "1.eml")
    put(tmp_path / "export" / "Clients" / "ACME" / "2.eml", OTHER)
    assert folders(tmp_path / "export") == {LETTER: "Sent", OTHER: "Clients/ACME"}
    assert folders(tmp_path / "export" / "Sent") == {LETTER: "Sent"}
    assert folders(tmp_path / "export" / "Sent" / "1.eml") == {LETTER: ""}


def test_apple_mails_folders_are_seen_through(tmp_path: Path) -> None:
    """What it puts between a mailbox and its messages is no folder."""
    odd = "C0FFEE00-0000-4000-8000-00000000ABCD"
    mailbox = tmp_path / "V10" / "Clients.mbox" / "ACME.mbox"
    put(mailbox / odd / "Data" / "3" / "Messages" / "1.emlx", emlx(LETTER))
    put(tmp_path / "V10" / "Sent.mbox" / "mbox", POSTMARK + OTHER)
    assert folders(tmp_path / "V10") == {LETTER: "Clients/ACME", OTHER: "Sent"}


def test_thunderbirds_folders_are_those_of_its_accounts(tmp_path: Path) -> None:
    """Files without an ending beside an index; what lies in a folder stands in its .sbd."""
    account = tmp_path / "ImapMail" / "imap.client.example"
    put(account / "Sent", POSTMARK + LETTER)
    put(account / "Sent.msf", b"// <!-- <mdb:mork:z v=1.4/> -->")
    put(account / "Clients.sbd" / "ACME", POSTMARK + OTHER)
    put(account / "Clients.sbd" / "ACME.msf", b"// <!-- <mdb:mork:z v=1.4/> -->")
    put(account / "msgFilterRules.dat", b"version=9")
    assert folders(tmp_path) == {LETTER: "Sent", OTHER: "Clients/ACME"}
    assert refused(tmp_path) == {}


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    """Missing, empty, dangling: never an error."""
    put(tmp_path / "empty.eml", b"")
    (tmp_path / "dangling.eml").symlink_to(tmp_path / "nowhere")
    reasons = refused(tmp_path) | refused(tmp_path / "missing.eml")
    assert reasons == {
        "empty.eml": "it is empty",
        "dangling.eml": "No such file or directory",
        "missing.eml": "there is no such file or folder",
    }


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """Opening it would wait for a writer for ever."""
    os.mkfifo(tmp_path / "pipe.eml")
    assert refused(tmp_path) == {"pipe.eml": "it is not a regular file"}


def test_links_in_circles_end(tmp_path: Path) -> None:
    """A folder within itself is met once."""
    put(tmp_path / "a" / "1.eml")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    assert read(tmp_path) == [LETTER]
    assert refused(tmp_path) == {"loop": "the link leads back to a folder that holds it"}


def test_hidden_files_are_told_and_indexes_passed_over(tmp_path: Path) -> None:
    """A hidden message may matter to its owner; a server's index is no mail."""
    put(tmp_path / ".hidden.eml")
    put(tmp_path / ".git" / "x.eml")
    put(tmp_path / "dovecot-uidlist", b"3 V1 N2")
    put(tmp_path / ".DS_Store", b"x")
    assert read(tmp_path) == []
    assert refused(tmp_path) == {
        ".hidden.eml": "hidden files are not read",
        ".git": "hidden folders are not looked into",
    }


@pytest.mark.skipif(os.name == "nt", reason="names are letters on Windows")
def test_a_name_of_odd_bytes_is_written_in_letters(tmp_path: Path) -> None:
    """A journal entry is UTF-8; a file name is not always."""
    path = os.fsencode(tmp_path) + b"/caf\xe9.eml"
    with open(path, "wb") as file:  # noqa: PTH123 - a path of bytes
        file.write(LETTER)
    (item,) = messages_in(tmp_path)
    assert isinstance(item, Incoming)
    assert isinstance(item.source, FileSource)
    assert item.source.path == f"{tmp_path}/caf\\xe9.eml"


def test_a_maildir_is_read_with_its_flags(tmp_path: Path) -> None:
    """Both cur and new, subfolders with a dot, flags as IMAP writes them; tmp is told."""
    (tmp_path / "tmp").mkdir()
    put(tmp_path / "cur" / "1.x:2,FS")
    put(tmp_path / "new" / "2.x", OTHER)
    put(tmp_path / "tmp" / "3.x", b"half a mess")
    put(tmp_path / ".Sent" / "cur" / "4.x;2,RPD", b"anything")
    (tmp_path / ".Sent" / "new").mkdir()
    put(tmp_path / ".Sent" / "dovecot.index.log", b"x")
    items = [item for item in messages_in(tmp_path) if isinstance(item, Incoming)]
    assert [(item.data, item.flags) for item in items] == [
        (LETTER, ("\\Flagged", "\\Seen")),
        (OTHER, ()),
        (b"anything", ("\\Draft", "$Forwarded", "\\Answered")),
    ]
    assert refused(tmp_path) == {"3.x": "it stands in tmp: it was never delivered"}


def test_a_message_of_a_maildir_is_one_message(tmp_path: Path) -> None:
    """Even when a delivery agent left a From_ line at its head."""
    data = b"From me Mon Mar  2 10:00:00 2026\nSubject: a\n\n\nFrom me Mon Mar  2 10:00:00 2026\nSubject: b\n\n"
    (tmp_path / "new").mkdir()
    put(tmp_path / "cur" / "1", data)
    assert read(tmp_path) == [data]


def test_a_folder_that_cannot_be_listed_does_not_stop_the_rest(tmp_path: Path) -> None:
    """No permission is told, the next folder is read."""
    put(tmp_path / "a" / "1.eml")
    put(tmp_path / "b" / "2.eml", OTHER)
    (tmp_path / "a").chmod(0)
    try:
        if os.access(tmp_path / "a", os.R_OK):
            pytest.skip("this user may read everything")
        assert read(tmp_path) == [OTHER]
        assert refused(tmp_path) == {"a": "Permission denied"}
    finally:
        (tmp_path / "a").chmod(0o700)


def test_a_link_out_of_a_folder_is_not_followed(tmp_path: Path) -> None:
    """Whoever wrote into the folder may not choose what else is kept: files, folders, Maildirs."""
    put(tmp_path / "secret" / "passwd", LETTER)
    put(tmp_path / "secret" / "cur" / "1", OTHER)
    (tmp_path / "secret" / "new").mkdir()
    box = tmp_path / "box"
    put(box / "in" / "a.eml", OTHER)
    (box / "link.eml").symlink_to(tmp_path / "secret" / "passwd")
    (box / "folder").symlink_to(tmp_path / "secret")
    (box / "up").symlink_to(tmp_path)
    put(box / "mails" / "cur" / "1", OTHER)
    (box / "mails" / "cur" / "2").symlink_to(tmp_path / "secret" / "passwd")
    (box / "mails" / "new").symlink_to(tmp_path / "secret" / "cur")
    (box / "dangling.eml").symlink_to(tmp_path / "later.eml")
    assert read(box) == [OTHER, OTHER]
    reason = "the link leads out of the folder that was named"
    assert refused(box) == dict.fromkeys(
        ("dangling.eml", "folder", "link.eml", "2", "new", "up"), reason
    )


def test_a_folder_beside_with_a_longer_name_is_outside(tmp_path: Path) -> None:
    """``box2`` begins like ``box``."""
    put(tmp_path / "box2" / "a.eml")
    (tmp_path / "box").mkdir()
    (tmp_path / "box" / "b.eml").symlink_to(tmp_path / "box2" / "a.eml")
    assert read(tmp_path / "box") == []


def test_links_within_a_folder_and_links_that_are_named_are_followed(tmp_path: Path) -> None:
    """A person who names a link means what it leads to."""
    put(tmp_path / "box" / "a" / "1.eml")
    (tmp_path / "box" / "b").symlink_to("a")
    (tmp_path / "named").symlink_to(tmp_path / "box")
    (tmp_path / "named.eml").symlink_to(tmp_path / "box" / "a" / "1.eml")
    assert read(tmp_path / "named") == [LETTER, LETTER]
    assert read(tmp_path / "named.eml") == [LETTER]


def test_what_is_plainly_no_mail_is_told_from_what_may_be(tmp_path: Path) -> None:
    """A picture is missed by nobody; a damaged message is."""
    put(tmp_path / "logo.gif", b"GIF89a")
    put(tmp_path / "report.docx", b"PK\x03\x04")
    put(tmp_path / "empty.PNG", b"")
    put(tmp_path / "letter", b"no header at all")
    put(tmp_path / "old.zip", b"PK\x03\x04")
    put(tmp_path / "broken.eml", b"")
    put(tmp_path / "saved.txt", LETTER)
    put(tmp_path / "box.log", b"From me Mon Mar  2 10:00:00 2026\n" + OTHER)
    items = [item for item in messages_in(tmp_path) if isinstance(item, NotRead)]
    assert {Path(item.path).name: item.no_mail for item in items} == {
        "logo.gif": True,
        "report.docx": True,
        "empty.PNG": True,
        "letter": False,
        "old.zip": False,
        "broken.eml": False,
    }
    assert read(tmp_path) == [OTHER, LETTER]


def test_a_picture_that_a_person_names_is_taken_at_its_word(tmp_path: Path) -> None:
    """Only a folder is sifted."""
    assert read(put(tmp_path / "logo.gif", b"GIF89a")) == [b"GIF89a"]
