"""A ``.msg`` file becomes a message that holds all of it, and a hostile one stops nothing."""

import contextlib
import email
import email.policy
import os
import struct
import sys
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from outlook_files import Value, item, msg

from archiver.mailbox.imports.files import NotRead, messages_in
from archiver.mailbox.outlook import rtf, worker
from archiver.mailbox.outlook.compose import compose
from archiver.mailbox.outlook.item import File, Item, Person
from archiver.mailbox.outlook.msg import NotOutlook, read_msg
from archiver.mailbox.outlook.wall import Outlook
from archiver.model.incoming import Incoming
from archiver.model.reading import Reading
from archiver.model.sources import FileSource
from archiver.reading import read as reading_of

SENT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
ARRIVED = datetime(2026, 3, 2, 9, 31, 5, tzinfo=UTC)
LETTER: dict[int, Value] = {
    0x001A: "IPM.Note",
    0x0037: "Réunion : le prix",
    0x0039: SENT,
    0x0042: "Marie Client",
    0x0C1A: "Marie Client",
    0x0C1F: "/o=ExchangeLabs/ou=Exchange/cn=Recipients/cn=marie",
    0x0E06: ARRIVED,
    0x0E07: 1,
    0x1000: "Bonjour,\r\nnous acceptons.\r\n",
    0x1035: "<1@client.example>",
    0x5D01: "marie@client.example",
    0x5D02: "marie@client.example",
}
US: dict[int, Value] = {
    0x0C15: 1,
    0x3001: "Us, Ltd",
    0x3003: "/o=ExchangeLabs/cn=us",
    0x39FE: "us@consultant.example",
}
HEADERS = (
    "Microsoft Mail Internet Headers Version 2.0\r\n"
    "Received: from a.example by b.example; Mon, 2 Mar 2026 10:31:05 +0100\r\n"
    "DKIM-Signature: v=1; a=rsa-sha256; d=client.example;\r\n\tb=abc\r\n"
    "From: Marie <marie@client.example>\r\n"
    "To: us@consultant.example\r\n"
    "Subject: =?utf-8?B?UsOpdW5pb24=?=\r\n"
    "Date: Mon, 2 Mar 2026 10:30:00 +0100\r\n"
    "Content-Type: multipart/mixed;\r\n boundary=gone\r\n"
    "MIME-Version: 1.0\r\n\r\n"
)


def made(data: bytes) -> bytes:
    """Return the message made from the ``.msg`` file DATA."""
    return compose(read_msg(data), data)


def parsed(data: bytes) -> EmailMessage:
    """Return a message as Python's standard library reads it."""
    message = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def outcome(path: Path) -> Incoming | NotRead:
    """Return what becomes of the one file at PATH."""
    (found,) = messages_in(path)
    return found


def put(path: Path, data: bytes) -> Path:
    """Write DATA to PATH."""
    path.write_bytes(data)
    return path


def test_a_received_item_becomes_a_message_that_says_what_it_is(tmp_path: Path) -> None:
    """People by their Internet addresses, the moment in UTC, the source made_from."""
    data = msg(LETTER, recipients=[US, {0x0C15: 2, 0x3001: "Paul", 0x39FE: "paul@client.example"}])
    path = put(tmp_path / "a.msg", data)
    found = outcome(path)
    assert isinstance(found, Incoming)
    assert found.source == FileSource(path=str(path), member=0, offset=0, made_from="msg")
    assert (found.internaldate, found.flags) == (ARRIVED, ())
    reading = reading_of(found.data)
    assert isinstance(reading, Reading)
    assert [str(box) for box in reading.from_] == ["Marie Client <marie@client.example>"]
    assert [(box.name, box.address) for box in reading.to] == [("Us, Ltd", "us@consultant.example")]
    assert [box.address for box in reading.cc] == ["paul@client.example"]
    assert (reading.subject, reading.date) == ("Réunion : le prix", SENT)
    assert (reading.message_id, reading.text.split()) == (
        "1@client.example",
        ["Bonjour,", "nous", "acceptons."],
    )
    assert reading.defects == ()


def test_the_same_item_gives_the_same_bytes(tmp_path: Path) -> None:
    """Whatever the file is called, and in any process: importing it again adds nothing."""
    data = msg(LETTER, recipients=[US])
    first, second = (outcome(put(tmp_path / name, data)) for name in ("a.msg", "b.msg"))
    assert isinstance(first, Incoming)
    assert isinstance(second, Incoming)
    assert first.data == second.data == made(data)


def test_the_whole_item_is_attached() -> None:
    """Every byte of the file is kept, and what was made of it can be checked."""
    data = msg(LETTER)
    *_others, whole = parsed(made(data)).iter_parts()
    assert whole.get_content_type() == "application/vnd.ms-outlook"
    assert whole.get_filename() == "original.msg"
    assert whole.get_content() == data


def test_the_header_that_outlook_kept_is_taken_over_line_by_line() -> None:
    """But for what describes a body that is gone, and a line that is no field."""
    message = made(msg({**LETTER, 0x007D: HEADERS}))
    head = message.split(b"\r\n\r\n", 1)[0].decode()
    assert head.startswith(
        "Received: from a.example by b.example; Mon, 2 Mar 2026 10:31:05 +0100\r\n"
        "DKIM-Signature: v=1; a=rsa-sha256; d=client.example;\r\n\tb=abc\r\n"
        "From: Marie <marie@client.example>\r\n"
        "To: us@consultant.example\r\n"
        "Subject: =?utf-8?B?UsOpdW5pb24=?=\r\n"
        "Date: Mon, 2 Mar 2026 10:30:00 +0100\r\n"
        "Message-ID: <1@client.example>\r\n"
        "MIME-Version: 1.0\r\n"
    )
    assert "gone" not in head
    assert "Microsoft" not in head


def test_nothing_is_invented() -> None:
    """An item without date, people or subject gives a message without."""
    message = made(msg({0x001A: "IPM.Note", 0x1000: "words"}))
    fields = {name.lower() for name in parsed(message).keys()}  # noqa: SIM118 - as they stand
    assert fields == {"mime-version", "content-type"}


def test_an_address_within_an_organisation_is_not_passed_off_as_one_of_the_internet() -> None:
    """Where Outlook knows no other, the name stands alone."""
    ghost: dict[int, Value] = {0x0C15: 1, 0x3001: "Ghost", 0x3003: "/o=ExchangeLabs/cn=ghost"}
    reading = reading_of(made(msg(LETTER, recipients=[ghost, US])))
    assert isinstance(reading, Reading)
    assert [(box.name, box.address) for box in reading.to] == [
        ("Ghost", ""),
        ("Us, Ltd", "us@consultant.example"),
    ]


def test_a_display_name_cannot_add_a_header() -> None:
    """What the sender calls himself is only ever a name."""
    evil = "Marie\r\nBcc: evil@x.example\r\n\r\n<script>"
    message = parsed(made(msg({**LETTER, 0x0042: evil, 0x0037: evil, 0x1035: f"<1@x>{evil}"})))
    assert "bcc" not in message
    assert "script" in str(message["from"])


def test_attachments_are_files_items_and_what_is_not_there() -> None:
    """A file with its name, an item as a message; of a link only the whole item knows."""
    inner = item({0x001A: "IPM.Note", 0x0037: "Inner", 0x1000: "inner words", 0x0039: SENT})
    data = msg(
        LETTER,
        attachments=[
            {0x3705: 1, 0x3701: b"%PDF" * 3000, 0x3707: "Devis été.pdf", 0x370E: "application/pdf"},
            {0x3705: 1, 0x3701: b"PNG", 0x3704: "logo.png", 0x3712: "logo@x", 0x370E: "image/png"},
            {0x3705: 1, 0x3701: b"x", 0x370E: "message/rfc822"},
            {0x3705: 7, 0x3707: "cloud.docx"},
        ],
        nested=[({0x3001: "Inner"}, inner)],
    )
    parts = list(parsed(made(data)).iter_parts())[1:-1]
    told = [(part.get_content_type(), part.get_filename()) for part in parts]
    assert told == [
        ("application/pdf", "Devis été.pdf"),
        ("image/png", "logo.png"),
        ("application/octet-stream", None),
        ("message/rfc822", "Inner"),
    ]
    assert parts[0].get_content() == b"%PDF" * 3000
    assert parts[1]["content-id"] == "<logo@x>"
    assert parts[3].get_content()["subject"] == "Inner"


def test_html_is_kept_in_its_own_letters() -> None:
    """Beside the words, in the code page that the item names."""
    html = "<p>Réunion</p>".encode("cp1252")
    alternative, _whole = parsed(made(msg({**LETTER, 0x1013: html, 0x3FDE: 1252}))).iter_parts()
    plain, rich = alternative.iter_parts()
    assert plain.get_content().startswith("Bonjour,")
    assert rich.get_content().strip() == "<p>Réunion</p>"
    assert rich.get_payload(decode=True).strip() == html


def packed_rtf(data: bytes) -> bytes:
    """Return RTF as Outlook packs it, without making it shorter."""
    body = b"".join(b"\0" + data[start : start + 8] for start in range(0, len(data), 8))
    return struct.pack("<IIII", len(body) + 12, len(data), 0x75465A4C, 0) + body


def test_a_body_in_rtf_only_is_read() -> None:
    """Packed, with letters outside ASCII in both ways of writing them."""
    source = (
        rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\pard Bonjour Ren\'e9,\par \u8364 ?5\par}"
    )
    found = dict(LETTER)
    del found[0x1000]
    plain, _whole = parsed(made(msg({**found, 0x1009: packed_rtf(source)}))).iter_parts()
    assert plain.get_content().split() == ["Bonjour", "René,", "€5"]


def test_rtf_that_refers_to_itself_is_unpacked() -> None:
    """The example of [MS-OXRTFCP], section 3.1."""
    data = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a00726370673132354232"
        "0af32068656c090020627705b06c647d0a800fa0"
    )
    assert rtf.unpacked(data) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"


@given(st.binary(max_size=400))
def test_any_bytes_of_rtf_give_words_or_none(data: bytes) -> None:
    """Neither packed nor plain do they raise."""
    rtf.words(b"{\\rtf1" + data)
    rtf.unpacked(struct.pack("<IIII", 0, 100_000, 0x75465A4C, 0) + data)


def test_html_wrapped_in_rtf_gives_its_words_once() -> None:
    """What stands in the RTF for old programs is passed over ([MS-OXRTFEX])."""
    wrapped = (
        rb"{\rtf1\ansi\fromhtml1 {\*\htmltag64 <p>}\htmlrtf \par\htmlrtf0 Hello"
        rb"{\*\htmltag72 </p>}\htmlrtf bye\htmlrtf0 }"
    )
    assert rtf.words(wrapped).strip() == "Hello"


def test_a_draft_is_told_and_has_no_date(tmp_path: Path) -> None:
    """It was never sent, so it has no moment of sending and none of arrival."""
    found = outcome(put(tmp_path / "a.msg", msg({**LETTER, 0x0E07: 0x9})))
    assert isinstance(found, Incoming)
    assert (found.flags, found.internaldate) == (("\\Draft",), None)
    assert parsed(found.data)["date"] is None


@pytest.mark.parametrize("kind", ["IPM.Contact", "IPM.Appointment", "IPM.StickyNote", ""])
def test_an_item_that_is_no_mail_is_told(tmp_path: Path, kind: str) -> None:
    """A contact was exchanged with nobody."""
    found = outcome(put(tmp_path / "a.msg", msg({**LETTER, 0x001A: kind})))
    assert found == NotRead(
        str(tmp_path / "a.msg"), f"it is no mail but another item of Outlook ({kind})"
    )


@pytest.mark.parametrize(
    "kind", ["IPM.Note.SMIME", "REPORT.IPM.Note.NDR", "IPM.Schedule.Meeting.Request"]
)
def test_reports_and_invitations_are_mail(kind: str) -> None:
    """They were exchanged as any message is."""
    assert worker._made(read_msg(msg({**LETTER, 0x001A: kind}))).word == "message"


def test_in_a_folder_only_what_is_called_msg_is_taken_for_one(tmp_path: Path) -> None:
    """Old Word files have the same container."""
    put(tmp_path / "a.msg", msg(LETTER))
    put(tmp_path / "b.doc", msg(LETTER))
    put(tmp_path / "c", msg(LETTER))
    found = list(messages_in(tmp_path))
    assert [isinstance(each, Incoming) for each in found] == [True, False, False]
    first, document, unknown = found
    assert isinstance(first, Incoming)
    assert isinstance(first.source, FileSource)
    assert first.source.folder == tmp_path.name
    assert document == NotRead(str(tmp_path / "b.doc"), "it does not look like mail", no_mail=True)
    assert isinstance(unknown, NotRead)


def test_what_only_looks_like_an_item_is_told(tmp_path: Path) -> None:
    """An empty container, and one that ends too soon."""
    whole = msg(LETTER, attachments=[{0x3705: 1, 0x3701: b"x" * 9000}])
    for data in (whole[:8], whole[:600], whole[: len(whole) // 2]):
        found = outcome(put(tmp_path / "a.msg", data))
        assert isinstance(found, NotRead)
        assert found.reason.startswith("it is no item of Outlook, or damaged (")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 255)), max_size=30))
def test_a_damaged_item_is_read_or_refused(harm: list[tuple[int, int]]) -> None:
    """Any byte may be another: what cannot be read is as if it were not there."""
    data = bytearray(msg(LETTER, recipients=[US], attachments=[{0x3705: 1, 0x3701: b"x" * 5000}]))
    for place, value in harm:
        data[place % len(data)] = value
    with contextlib.suppress(NotOutlook, RecursionError, MemoryError):
        compose(read_msg(bytes(data)), bytes(data))


PEOPLE = st.builds(Person, name=st.text(max_size=20), address=st.text(max_size=20))
ITEMS = st.builds(
    Item,
    kind=st.just("IPM.Note"),
    headers=st.text(max_size=60) | st.just(HEADERS),
    sender=PEOPLE,
    author=PEOPLE,
    to=st.lists(PEOPLE, max_size=3).map(tuple),
    subject=st.text(max_size=80),
    submitted=st.none() | st.datetimes(timezones=st.just(UTC)),
    message_id=st.text(max_size=20),
    text=st.none() | st.text(max_size=80),
    html=st.none() | st.binary(max_size=80),
    attached=st.lists(
        st.builds(
            File,
            name=st.text(max_size=20),
            type=st.text(max_size=10) | st.just("text/plain"),
            data=st.binary(max_size=80),
            content_id=st.text(max_size=10),
        ),
        max_size=2,
    ).map(tuple),
)


@settings(deadline=None)
@given(ITEMS)
def test_any_item_gives_a_message_whose_parts_come_back(found: Item) -> None:
    """Line ends as on the wire, the header whole, every file byte for byte."""
    data = compose(found, b"whole")
    assert data == compose(found, b"whole")
    assert data.count(b"\n") == data.count(b"\r\n")
    message = email.message_from_bytes(data)
    assert not message.defects
    parts = message.get_payload()
    assert isinstance(parts, list)
    contents = [part.get_payload(decode=True) for part in parts[1:]]
    files = [attached.data for attached in found.attached if isinstance(attached, File)]
    assert contents == [*files, b"whole"]


# --- the wall ----------------------------------------------------------------------------------


def reader(tmp_path: Path, body: str, *, patience: float = 20.0) -> Outlook:
    """Return a reader whose process runs BODY for each request it gets."""
    script = tmp_path / "worker.py"
    script.write_text(
        "import json, os, sys, time\n"
        "def say(word, member=0, data=b'', **more):\n"
        "    told = dict(word=word, detail='', member=member, folder='Inbox', kind='', delivered='',"
        " unsent=False, lost=[], size=len(data)) | more\n"
        "    sys.stdout.buffer.write(json.dumps(told).encode() + b'\\n' + data)\n"
        "    sys.stdout.buffer.flush()\n"
        "for line in sys.stdin.buffer:\n"
        "    skip = json.loads(line)['skip']\n"
        + "".join(f"    {line}\n" for line in body.split("\n"))
    )
    return Outlook(command=(sys.executable, str(script)), patience=patience)


THREE = """for n in range(skip, 3):
    say('at', n)
    {fault}
    say('message', n, b'Subject: %d' % n)
say('done')"""


@pytest.mark.parametrize(
    "fault",
    [
        "if n == 1: os._exit(9)",
        "if n == 1: time.sleep(60)",
        "if n == 1: print('no JSON', flush=True)",
    ],
    ids=["crash", "hang", "nonsense"],
)
def test_an_item_that_ends_the_process_is_told_and_the_next_is_read(
    tmp_path: Path, fault: str
) -> None:
    """A new process goes on after it."""
    path = put(tmp_path / "box.pst", b"!BDN")
    with reader(tmp_path, THREE.format(fault=fault), patience=1.0) as outlook:
        found = list(outlook.messages_in(path, "pst"))
    assert [each.data for each in found if isinstance(each, Incoming)] == [
        b"Subject: 0",
        b"Subject: 2",
    ]
    assert [each.reason for each in found if isinstance(each, NotRead)] == [
        "item 2 in Inbox ended the process that reads it"
    ]


def test_a_file_that_ends_every_process_is_given_up(tmp_path: Path) -> None:
    """It is told once, and the next file is read."""
    path = put(tmp_path / "box.pst", b"!BDN")
    with reader(tmp_path, "os._exit(9)") as outlook:
        found = list(outlook.messages_in(path, "pst"))
    assert found == [NotRead(str(path), "reading it ended the process that reads it")]


def test_the_process_is_gone_afterwards(tmp_path: Path) -> None:
    """Also where nobody wanted the rest."""
    path = put(tmp_path / "box.pst", b"!BDN")
    with reader(
        tmp_path, f"say('message', data=b'%d' % os.getpid())\n{THREE.format(fault='0')}"
    ) as it:
        messages = it.messages_in(path, "pst")
        first = next(messages)
    assert isinstance(first, Incoming)
    with pytest.raises(ProcessLookupError):
        os.kill(int(first.data), 0)


@pytest.mark.skipif(sys.platform != "linux", reason="limits differ elsewhere")
def test_the_process_has_little_memory_and_writes_no_file(tmp_path: Path) -> None:
    """What gets hold of it gets hold of nothing."""
    body = (
        "from archiver.mailbox.outlook.worker import _limit, MEMORY\n"
        "_limit()\n"
        "import resource\n"
        "limits = [resource.getrlimit(getattr(resource, f'RLIMIT_{what}'))[1]"
        " for what in ('AS', 'FSIZE', 'CORE')]\n"
        "say('message', data=json.dumps([limits, MEMORY]).encode())\n"
        "say('done')"
    )
    with reader(tmp_path, body) as outlook:
        (found,) = outlook.messages_in(put(tmp_path / "x.msg", b""), "msg")
    assert isinstance(found, Incoming)
    assert found.data == b"[[%d, 0, 0], %d]" % (worker.MEMORY, worker.MEMORY)
