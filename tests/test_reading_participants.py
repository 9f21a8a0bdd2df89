"""Address headers become mailboxes, and nobody is lost."""

import pytest
from mail import mail

from archiver.model.reading import Mailbox
from archiver.reading import read
from archiver.reading.mime.participants import read_mailboxes


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a@b.example", [("", "a@b.example")]),
        ("<a@b.example>", [("", "a@b.example")]),
        ("Marie Durand <a@b.example>", [("Marie Durand", "a@b.example")]),
        ('"Durand, Marie" <a@b.example>', [("Durand, Marie", "a@b.example")]),
        (r'"Marie \"M\" D" <a@b.example>', [('Marie "M" D', "a@b.example")]),
        ("=?utf-8?q?J=C3=A9r=C3=B4me?= <a@b.example>", [("Jérôme", "a@b.example")]),
        ('"=?utf-8?q?J=C3=A9r=C3=B4me?=" <a@b.example>', [("Jérôme", "a@b.example")]),
        ("=?utf-8?q?Durand=2C_M?= <a@b.example>", [("Durand, M", "a@b.example")]),
        ("a@b.example (Marie)", [("Marie", "a@b.example")]),
        ("a@b.example, c@d.example", [("", "a@b.example"), ("", "c@d.example")]),
        ("a@b.example; c@d.example", [("", "a@b.example"), ("", "c@d.example")]),
        ("Team: a@b.example, M <c@d.example>;", [("", "a@b.example"), ("M", "c@d.example")]),
        ("undisclosed-recipients:;", []),
        ("jérôme@exemple.fr", [("", "jérôme@exemple.fr")]),
        ("a@b.example <a@b.example>", [("", "a@b.example")]),
        ("John Q. Public <a@b.example>", [("John Q. Public", "a@b.example")]),
        ("A (x) Group (y): M <c@(comment)d.example>;", [("M (comment)", "c@d.example")]),
    ],
)
def test_mailboxes_are_read(value: str, expected: list[tuple[str, str]]) -> None:
    """RFC 5322, section 3.4, and common ways around it."""
    assert read_mailboxes([value])[0] == tuple(Mailbox(*pair) for pair in expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Marie Durand", [("Marie Durand", "")]),
        ("Marie <a@b.example", [("Marie", "a@b.example")]),
        ("Marie a@b.example", [("Marie", "a@b.example")]),
        ("a@b.example c@d.example", [("", "a@b.example"), ("", "c@d.example")]),
        ('"Marie <a@b.example>', [("Marie", "a@b.example")]),
    ],
)
def test_a_broken_address_keeps_its_words(value: str, expected: list[tuple[str, str]]) -> None:
    """What cannot be read is a defect, and still names somebody."""
    mailboxes, broken = read_mailboxes([value])
    assert mailboxes == tuple(Mailbox(*pair) for pair in expected)
    assert broken


def test_a_broken_address_is_told_as_a_defect() -> None:
    """The words quote it."""
    reading = read(b"From: Marie <broken\r\n\r\nx")
    assert reading.from_ == (Mailbox("Marie <broken", ""),)
    (defect,) = [defect for defect in reading.defects if defect.code == "address-broken"]
    assert "Marie <broken" in defect.message


def test_all_recipients_are_found() -> None:
    """To, Cc, Bcc and Reply-To, each header as often as it stands."""
    reading = read(b"To: a@x\r\nTo: b@x\r\nCc: c@x\r\nBcc: d@x\r\nReply-To: e@x\r\n\r\n")
    found = (reading.to, reading.cc, reading.bcc, reading.reply_to)
    assert [[box.address for box in boxes] for boxes in found] == [
        ["a@x", "b@x"],
        ["c@x"],
        ["d@x"],
        ["e@x"],
    ]


def test_without_from_the_sender_wrote_it() -> None:
    """With a defect."""
    reading = read(b"Sender: s@x.example\r\nSubject: x\r\n\r\n")
    assert [box.address for box in reading.from_] == ["s@x.example"]
    assert "from-missing" in {defect.code for defect in reading.defects}


def test_five_thousand_recipients_are_all_kept() -> None:
    """However they are quoted."""
    people = ", ".join(f'"Reader, {n}" <r{n}@x.example>' for n in range(5000))
    assert len(read(mail(cc="z@x.example").replace(b"z@x.example", people.encode())).cc) == 5000


def test_five_thousand_odd_recipients_keep_their_addresses() -> None:
    """The grammar reads the first thousand, the eye the rest."""
    people = ", ".join(f"r{n}@x.example (Reader)" for n in range(5000))
    assert len(read_mailboxes([people])[0]) == 5000
