"""What Google Takeout hands out is read with its labels, packed as it comes."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail import mail

from archiver.mailbox.imports import packed
from archiver.mailbox.imports.files import NotRead, messages_in
from archiver.mailbox.imports.takeout import labels
from archiver.model.incoming import Incoming
from archiver.model.sources import FileSource
from archiver.reading import normal_form

POSTMARK = b"From 1540000000000000000@xxx Mon Mar 02 10:00:00 +0000 2026\r\n"
INBOX = "Takeout/Mail/All mail Including Spam and Trash.mbox"
LETTER = mail(subject="Kick-off")
OTHER = mail(subject="Minutes")


def front(*lines: str) -> bytes:
    """Return header LINES as Takeout puts them in front."""
    return b"".join(f"{line}\r\n".encode() for line in lines)


def takeout(message: bytes, value: str = "Inbox,Important") -> bytes:
    """Return MESSAGE as Takeout writes it."""
    return front("X-GM-THRID: 1472000000000000000", f"X-Gmail-Labels: {value}") + message


def boxed(*messages: bytes) -> bytes:
    """Return MESSAGES as an mbox."""
    return b"".join(POSTMARK + message + b"\r\n" for message in messages)


def read(path: Path) -> list[tuple[bytes, FileSource]]:
    """Return the bytes and the source of each message in PATH."""
    return [
        (item.data, item.source)
        for item in messages_in(path)
        if isinstance(item, Incoming) and isinstance(item.source, FileSource)
    ]


def refused(path: Path) -> dict[str, str]:
    """Return why each file in PATH was not read."""
    return {item.path: item.reason for item in messages_in(path) if isinstance(item, NotRead)}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Inbox,Important", ("Inbox", "Important")),
        (
            "=?UTF-8?Q?Bo=C3=AEte_de_r=C3=A9ception,Messages_envoy=C3=A9s?=",
            ("Boîte de réception", "Messages envoyés"),
        ),
        ("=?UTF-8?Q?Bo=C3?=\r\n =?UTF-8?Q?=AEte,Spam?=", ("Boîte", "Spam")),
        ('"Clients, old",Clients/ACME', ("Clients, old", "Clients/ACME")),
        ("=?UTF-8?Q?=22Clients,_=C3=A9t=C3=A9=22,Spam?=", ("Clients, été", "Spam")),
        ("Inbox,\r\n Opened", ("Inbox", "Opened")),
        ("Inbox,Inbox, ,", ("Inbox",)),
        ("", ()),
        ("=?no-such-charset?Q?Inbox?=", ("Inbox",)),
        ("=?UTF-8?B?a?=", ("=?UTF-8?B?a?=",)),
    ],
)
def test_labels_are_read_as_people_see_them(value: str, expected: tuple[str, ...]) -> None:
    """Encoded words, also where one letter is cut in two, and quotation marks around commas."""
    assert labels(takeout(LETTER, value)) == expected


@pytest.mark.parametrize(
    "data",
    [
        LETTER,
        front("Delivered-To: us@consultant.example", "X-Gmail-Labels: Clients/ACME") + LETTER,
        front("Received: from a by b", "X-GM-THRID: 1", "X-Gmail-Labels: Clients/ACME") + LETTER,
        b"X-Gmail-Labels: Clients/ACME",
        b"",
    ],
)
def test_whoever_writes_a_message_gives_it_no_label(data: bytes) -> None:
    """A field that came with the message stands behind what the servers put there."""
    assert labels(data) == ()


@given(st.binary(max_size=300))
def test_any_bytes_have_labels_or_none(data: bytes) -> None:
    """A hostile header gives words, never an error."""
    for label in labels(b"X-GM-THRID: 1\nX-Gmail-Labels: " + data):
        label.encode()


@pytest.mark.parametrize(
    "written",
    [
        takeout(LETTER),
        takeout(LETTER).replace(b"\r\n", b"\n"),
        takeout(LETTER, "=?UTF-8?Q?Bo=C3=AEte?=\r\n =?UTF-8?Q?,Spam?="),
        front("X-Gmail-Labels: Inbox") + LETTER,
        front("X-GM-THRID: 1") + LETTER,
    ],
)
def test_what_takeout_adds_makes_no_other_writing(written: bytes) -> None:
    """The same message fetched from the server is a variant of it."""
    assert normal_form(written) == normal_form(LETTER)


@pytest.mark.parametrize(
    "other",
    [
        front("X-Other: 1") + LETTER,
        LETTER.replace(b"Subject:", b"X-Gmail-Labels: x\r\nSubject:"),
        front("X-GM-THRID: 1", "X-Gmail-Labels: a", "X-GM-THRID: 1") + LETTER,
        front("X-Gmail-Labels-More: x") + LETTER,
    ],
)
def test_only_those_two_fields_and_only_in_front_make_no_difference(other: bytes) -> None:
    """Anything else that somebody adds makes another writing."""
    assert normal_form(other) != normal_form(LETTER)


def test_an_mbox_of_takeout_gives_labels_and_the_bytes_as_they_stand(tmp_path: Path) -> None:
    """Google's fields stay in the bytes; the source says what they say."""
    path = tmp_path / "Work.mbox"
    letters = [takeout(LETTER), takeout(OTHER, '"Clients, old",Sent')]
    path.write_bytes(boxed(*letters))
    assert [(data, source.labels, source.folder) for data, source in read(path)] == [
        (letters[0], ("Inbox", "Important"), "Work"),
        (letters[1], ("Clients, old", "Sent"), "Work"),
    ]


def zipped(path: Path) -> Path:
    """Write a zip of Takeout."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as pack:
        pack.writestr("Takeout/archive_browser.html", "<html>")
        pack.writestr(INBOX, boxed(takeout(LETTER), takeout(OTHER)))
        pack.writestr("Takeout/Mail/User Settings/Filters.json", "{}")
    return path


def tarred(path: Path) -> Path:
    """Write a tgz of Takeout."""
    with tarfile.open(path, "w:gz") as pack:
        for name, data in (
            ("Takeout/archive_browser.html", b"<html>"),
            (INBOX, boxed(takeout(LETTER), takeout(OTHER))),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            pack.addfile(info, io.BytesIO(data))
    return path


@pytest.mark.parametrize("make", [zipped, tarred])
@pytest.mark.parametrize("named", [True, False])
def test_a_packed_takeout_is_read_as_it_is(
    tmp_path: Path, make: Callable[[Path], Path], *, named: bool
) -> None:
    """Nothing is unpacked to disk; a folder of what was downloaded will do."""
    path = make(tmp_path / "takeout-20260302T100000Z-001.bin")
    before = sorted(tmp_path.rglob("*"))
    found = read(path if named else tmp_path)
    assert [data for data, _source in found] == [takeout(LETTER), takeout(OTHER)]
    assert found[1][1] == FileSource(
        path=f"{path}!/{INBOX}",
        member=1,
        offset=len(POSTMARK) * 2 + len(takeout(LETTER)) + 2,
        folder="All mail Including Spam and Trash",
        labels=("Inbox", "Important"),
    )
    assert [item.no_mail for item in messages_in(path) if isinstance(item, NotRead)].count(
        False
    ) == 0
    assert sorted(tmp_path.rglob("*")) == before


def test_a_packed_maildir_has_flags_and_one_message_a_file(tmp_path: Path) -> None:
    """Names of folders within are those of mail."""
    path = tmp_path / "mail.zip"
    with zipfile.ZipFile(path, "w") as pack:
        pack.writestr("Clients/ACME/cur/1:2,S", LETTER)
        pack.writestr("Sent/2.eml", OTHER)
    ((_, first), (_, second)) = read(path)
    assert (first.folder, second.folder) == ("Clients/ACME", "Sent")
    (seen, _other) = messages_in(path)
    assert isinstance(seen, Incoming)
    assert seen.flags == ("\\Seen",)


def test_an_mbox_under_gzip_is_read(tmp_path: Path) -> None:
    """As old mail is often put away."""
    path = tmp_path / "2019.mbox.gz"
    path.write_bytes(gzip.compress(boxed(LETTER, OTHER)))
    assert [(data, source.path) for data, source in read(path)] == [
        (LETTER, f"{path}!/2019.mbox"),
        (OTHER, f"{path}!/2019.mbox"),
    ]


def test_a_packed_file_that_nobody_named_is_told(tmp_path: Path) -> None:
    """It may hold anything; a person says whether it is mail."""
    zipped(tmp_path / "old.zip")
    assert refused(tmp_path) == {
        str(tmp_path / "old.zip"): "zip files are not read; unpack or export it first, or name it"
    }


def test_a_packed_file_without_mail_is_told(tmp_path: Path) -> None:
    """Naming the wrong file is noticed."""
    path = tmp_path / "letter.docx"
    with zipfile.ZipFile(path, "w") as pack:
        pack.writestr("word/document.xml", "<xml>")
    assert refused(path)[str(path)] == "no mail was found in it"


def test_a_bomb_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What unpacks to absurdly much stops with what came before it."""
    monkeypatch.setattr(packed, "_ALWAYS", 100_000)
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as pack:
        pack.writestr("1.eml", LETTER)
        pack.writestr("2.eml", LETTER + b"0" * 30_000_000)
    assert [data for data, _source in read(path)] == [LETTER]
    assert refused(path) == {
        str(path): "it unpacks to absurdly much; unpack it yourself if you trust it"
    }


def test_a_tar_whose_names_fill_the_memory_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A header may say that a name has gigabytes."""
    monkeypatch.setattr(packed, "_HEADER", 50_000)
    path = tmp_path / "names.tgz"
    with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as pack:
        info = tarfile.TarInfo("n" * 2_000_000)
        info.size = len(LETTER)
        pack.addfile(info, io.BytesIO(LETTER))
    assert refused(path) == {
        str(path): "it unpacks to absurdly much; unpack it yourself if you trust it"
    }


def test_a_link_in_a_tar_is_not_followed(tmp_path: Path) -> None:
    """Nor is a name of it ever a path here."""
    path = tmp_path / "links.tgz"
    with tarfile.open(path, "w:gz") as pack:
        link = tarfile.TarInfo("passwd.eml")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        pack.addfile(link)
        info = tarfile.TarInfo("../../up.eml")
        info.size = len(LETTER)
        pack.addfile(info, io.BytesIO(LETTER))
    assert [(data, source.path) for data, source in read(path)] == [
        (LETTER, f"{path}!/../../up.eml")
    ]
    assert refused(path) == {f"{path}!/passwd.eml": "it is not a regular file"}


def test_a_cut_off_download_gives_what_it_holds_and_is_told(tmp_path: Path) -> None:
    """Half of a file is not taken for the whole."""
    letters = [mail(subject=str(number), text=f"{number} " * 5000) for number in range(20)]
    whole = gzip.compress(boxed(*letters), compresslevel=1)
    path = tmp_path / "takeout-1.mbox.gz"
    path.write_bytes(whole[: len(whole) // 2])
    got = [data for data, _source in read(path)]
    assert got == letters[: len(got)]
    assert len(refused(path)) == 1
    (tmp_path / "takeout-2.zip").write_bytes(b"PK\x03\x04" + b"x" * 100)
    (reason,) = refused(tmp_path / "takeout-2.zip").values()
    assert reason.startswith("it is damaged, or packed in a way that is not read: ")


@given(st.binary(max_size=200), st.sampled_from([b"PK\x03\x04", b"\x1f\x8b", b"\x1f\x8b\x08\0"]))
def test_any_bytes_that_look_packed_are_told(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, magic: bytes
) -> None:
    """Nothing raises."""
    path = tmp_path_factory.mktemp("odd") / "odd.zip"
    path.write_bytes(magic + data)
    list(messages_in(path))
