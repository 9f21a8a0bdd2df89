"""A ``.pst`` file is read item by item with the real libpff; what it cannot give is told."""

import email
import email.policy
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from pst_file import Folder, Letter, pst

from archiver.mailbox.imports.files import NotRead, messages_in
from archiver.mailbox.outlook.item import Nested
from archiver.mailbox.outlook.pst import Missing, Store, Unusable
from archiver.mailbox.outlook.wall import Outlook
from archiver.model.incoming import Incoming
from archiver.model.reading import Reading
from archiver.model.sources import FileSource
from archiver.reading import read as reading_of

pypff = pytest.importorskip("pypff", reason="libpff (the extra pst) is not installed")

SENT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ARRIVED = datetime(2026, 3, 2, 9, 31, tzinfo=UTC)


def letter(subject: str = "Kick-off", **more: object) -> Letter:
    """Return an item by saying only what matters."""
    properties = {
        0x001A: more.pop("kind", "IPM.Note"),
        0x0037: subject,
        0x0039: SENT,
        0x0042: "Marie Client",
        0x0065: "/o=ExchangeLabs/cn=marie",
        0x0E06: ARRIVED,
        0x0E07: more.pop("flags", 1),
        0x1000: "Bonjour, nous acceptons.\r\n",
        0x1035: f"<{subject}@client.example>",
        0x5D02: "marie@client.example",
    }
    recipient = {0x0C15: 1, 0x3001: "Us", 0x39FE: "us@consultant.example"}
    return Letter(properties, recipients=[recipient], **more)  # type: ignore[arg-type]


def shown(*folders: Folder, name: str = "Début du fichier") -> Folder:
    """Return FOLDERS in the one that people see as the root."""
    return Folder(name, folders=folders, subtree=True)


def put(path: Path, *folders: Folder) -> Path:
    """Write a file with FOLDERS in its root."""
    path.write_bytes(pst(*folders))
    return path


def kept(path: Path) -> list[Incoming]:
    """Return the messages made from the items in PATH."""
    return [item for item in messages_in(path) if isinstance(item, Incoming)]


def refused(path: Path) -> list[str]:
    """Return why items of PATH were not read, or not whole."""
    return [item.reason for item in messages_in(path) if isinstance(item, NotRead)]


def test_items_become_messages_in_their_folders(tmp_path: Path) -> None:
    """With the number of the item, the folder as people see it, and the moment of arrival."""
    path = put(
        tmp_path / "box.pst",
        Folder("Search Root", search=True),
        shown(
            Folder(
                "Inbox", [letter()], [Folder("Clients", folders=[Folder("A/B", [letter("2")])])]
            ),
            Folder("Sent Items", [letter("3")]),
        ),
    )
    found = kept(path)
    assert [(each.source, each.internaldate) for each in found] == [
        (FileSource(path=str(path), member=n, offset=0, folder=folder, made_from="pst"), ARRIVED)
        for n, folder in (
            (0x200004, "Inbox"),
            (0x200024, "Inbox/Clients/A_B"),
            (0x200044, "Sent Items"),
        )
    ]
    reading = reading_of(found[0].data)
    assert isinstance(reading, Reading)
    assert [str(box) for box in reading.from_] == ["Marie Client <marie@client.example>"]
    assert [str(box) for box in reading.to] == ["Us <us@consultant.example>"]
    assert (reading.subject, reading.date, reading.text.strip()) == (
        "Kick-off",
        SENT,
        "Bonjour, nous acceptons.",
    )
    assert reading.defects == ()


def test_without_a_named_root_the_first_level_is_none(tmp_path: Path) -> None:
    """Every file has one folder between its own root and those that people see."""
    path = put(tmp_path / "box.pst", Folder("Top", folders=[Folder("Inbox", [letter()])]))
    (found,) = kept(path)
    assert isinstance(found.source, FileSource)
    assert found.source.folder == "Inbox"


def test_an_item_keeps_its_bytes_when_others_come(tmp_path: Path) -> None:
    """So that a file that grew adds only what is new."""
    before = kept(put(tmp_path / "box.pst", shown(Folder("Inbox", [letter("1")]))))
    after = kept(put(tmp_path / "box.pst", shown(Folder("Inbox", [letter("1"), letter("2")]))))
    assert after[:1] == before
    assert len(after) == 2


def test_a_search_folder_repeats_nothing(tmp_path: Path) -> None:
    """It only shows what other folders hold."""
    path = put(tmp_path / "box.pst", Folder("Unread", [letter()], search=True), shown())
    assert kept(path) == []


def test_files_are_attached_and_the_name_of_the_prefix_is_no_subject(tmp_path: Path) -> None:
    """A subject begins with the length of its ``Re:``; there is no whole item to attach."""
    file = {0x3705: 1, 0x3701: b"%PDF", 0x3707: "Devis.pdf", 0x370E: "application/pdf"}
    path = put(
        tmp_path / "box.pst",
        shown(Folder("Inbox", [letter("\x01\x05Re: prix", attachments=[file])])),
    )
    (found,) = kept(path)
    message = email.message_from_bytes(found.data, policy=email.policy.default)
    assert message["subject"] == "Re: prix"
    _words, attached = message.iter_parts()  # type: ignore[attr-defined]
    assert (attached.get_filename(), attached.get_content()) == ("Devis.pdf", b"%PDF")


def test_what_an_item_does_not_hold_is_told_beside_the_message(tmp_path: Path) -> None:
    """A link to a file elsewhere, and an item within the item: the message is kept without."""
    link = {0x3705: 7, 0x3707: "cloud.docx"}
    inner = {0x3705: 5, 0x3001: "Inner", 0: letter("Inner")}
    path = put(tmp_path / "box.pst", shown(Folder("Inbox", [letter(attachments=[link, inner])])))
    assert len(kept(path)) == 1
    assert refused(path) == [
        "attachment “cloud.docx” of “Kick-off”: the item only says where it lay, not what it held",
        (
            "attachment “Inner” of “Kick-off”: libpff does not hand out an item within an item; "
            "save it as .msg in Outlook, import that"
        ),
    ]


def test_what_is_no_mail_is_passed_over_and_a_draft_is_told(tmp_path: Path) -> None:
    """Contacts and appointments are many in such a file."""
    path = put(
        tmp_path / "box.pst",
        shown(
            Folder("Contacts", [letter(kind="IPM.Contact")]),
            Folder("Drafts", [letter(flags=9)]),
        ),
    )
    contact, draft = messages_in(path)
    assert contact == NotRead(
        str(path), "it is no mail but another item of Outlook (IPM.Contact)", no_mail=True
    )
    assert isinstance(draft, Incoming)
    assert (draft.flags, draft.internaldate) == (("\\Draft",), None)


@pytest.mark.parametrize("length", [4, 100, 600, 0x4700])
def test_a_file_that_is_not_complete_is_told(tmp_path: Path, length: int) -> None:
    """With what can be done."""
    path = put(tmp_path / "box.pst", shown(Folder("Inbox", [letter()])))
    path.write_bytes(path.read_bytes()[:length])
    (reason,) = refused(path)
    assert reason.startswith(
        "it is damaged or not complete, or locked in a way that libpff cannot open; close Outlook, "
        "copy it again, or repair it with Outlook's scanpst ("
    )


def test_a_damaged_item_does_not_stop_the_next(tmp_path: Path) -> None:
    """Wherever the damage is, nothing is taken for what it is not, and nothing hangs."""
    path = put(tmp_path / "box.pst", shown(Folder("Inbox", [letter(str(n)) for n in range(5)])))
    whole, good = path.read_bytes(), kept(path)
    with Outlook() as outlook:
        for start in range(0x4600, len(whole), 0x2C0):
            path.write_bytes(whole[:start] + bytes(64) + whole[start + 64 :])
            for found in outlook.messages_in(path, "pst"):
                assert isinstance(found, Incoming | NotRead)
    assert len(good) == 5


def test_without_libpff_a_person_is_told_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the name of the distribution, which is not that of the command."""
    path = put(tmp_path / "box.pst", shown(Folder("Inbox", [letter()])))
    monkeypatch.setitem(sys.modules, "pypff", None)
    with pytest.raises(Missing):
        Store(str(path))
    blocked = tmp_path / "blocked.py"
    blocked.write_text(
        "import sys; sys.modules['pypff'] = None\n"
        "from archiver.mailbox.outlook.worker import main; main()\n"
    )
    with Outlook(command=(sys.executable, str(blocked))) as outlook:
        (found,) = outlook.messages_in(path, "pst")
    assert found == NotRead(
        str(path),
        "reading .pst needs libpff: pip install 'written-record-archiver[pst]', then import again",
    )


# --- what libpff does only with files that nobody here can make ---------------------------------


def library(root: object, **more: object) -> SimpleNamespace:
    """Return a stand-in for libpff whose every file holds the folder ROOT."""
    file = SimpleNamespace(
        open=lambda _path: None,
        close=lambda: None,
        get_root_folder=lambda: root,
        get_message_store=lambda: SimpleNamespace(record_sets=()),
        **more,
    )
    return SimpleNamespace(file=lambda: file)


def folder(name: str, *, items: object = (), folders: object = ()) -> SimpleNamespace:
    """Return a folder of that library."""
    assert isinstance(items, tuple)
    assert isinstance(folders, tuple)
    return SimpleNamespace(
        name=name,
        identifier=0x8022,
        number_of_sub_messages=len(items),
        number_of_sub_folders=len(folders),
        get_sub_message=lambda n: items[n](),
        get_sub_folder=lambda n: folders[n],
    )


def entry(number: int, kind: int, data: bytes) -> SimpleNamespace:
    """Return a property of that library."""
    return SimpleNamespace(entry_type=number, value_type=kind, data=data)


def message(*entries: SimpleNamespace, attachments: tuple[object, ...] = ()) -> SimpleNamespace:
    """Return an item of that library."""
    return SimpleNamespace(
        identifier=0x200024,
        record_sets=(SimpleNamespace(entries=entries),),
        plain_text_body=None,
        html_body=None,
        rtf_body=rb"{\rtf1\ansi Bonjour\par}",
        recipients=None,
        number_of_attachments=len(attachments),
        get_attachment=lambda n: attachments[n],
    )


def broken() -> object:
    """Fail as libpff does."""
    raise OSError("pypff_folder_get_sub_message: unable to retrieve")


def test_an_item_that_libpff_cannot_find_is_yielded_and_fails_when_read() -> None:
    """So that its place in the file counts, and it is told."""
    root = folder("", folders=(folder("Top", folders=(folder("Inbox", items=(broken, message)),)),))
    store = Store("x", library(root))
    first, second = store.items()
    assert (first.folder, first.handle) == ("Inbox", None)
    with pytest.raises(OSError):  # noqa: PT011 - of libpff there is no other
        store.read(first)
    assert store.read(second).text == "Bonjour\n"


def test_words_in_a_code_page_are_read() -> None:
    """Old files (ANSI) name theirs."""
    codepage = entry(0x3FFD, 0x03, (1251).to_bytes(4, "little"))
    subject = entry(0x0037, 0x1E, "Привет".encode("cp1251"))
    odd = (entry(0x1000, 0x1E, b"words\0"), entry(0x3001, 0x05, b"12345678"))
    root = folder("", folders=(folder("T", items=(lambda: message(codepage, subject, *odd),)),))
    store = Store("x", library(root))
    (found,) = store.items()
    item = store.read(found)
    assert (item.subject, item.text) == ("Привет", "words")


def test_an_item_within_an_item_is_read_where_libpff_gives_it() -> None:
    """The version at hand does not; a later one may."""
    inner = message(entry(0x0037, 0x1F, "Inner".encode("utf-16-le")))
    attachment = SimpleNamespace(
        record_sets=(SimpleNamespace(entries=(entry(0x3705, 0x03, b"\5\0\0\0"),)),),
        number_of_sub_items=1,
        get_sub_item=lambda _n: inner,
    )
    root = folder("", folders=(folder("T", items=(lambda: message(attachments=(attachment,)),)),))
    store = Store("x", library(root))
    (found,) = store.items()
    (nested,) = store.read(found).attached
    assert isinstance(nested, Nested)
    assert nested.item.subject == "Inner"


def test_a_file_that_cannot_be_opened_or_has_no_root_is_unusable() -> None:
    """Both are told in the same words."""
    refusing = library(None)
    refusing.file().open = lambda _path: broken()
    with pytest.raises(Unusable):
        Store("x", refusing)
    rootless = library(None)
    rootless.file().get_root_folder = broken
    with pytest.raises(Unusable):
        list(Store("x", rootless).items())
