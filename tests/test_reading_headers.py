"""Header fields become words."""

import pytest
from mail import mail

from archiver.reading import read
from archiver.reading.mime.headers import (
    capped,
    decode_value,
    identifiers,
    message_identifier,
    split_parameters,
)


def raw(data: bytes) -> str:
    """Return DATA as the parser keeps header values."""
    return data.decode("ascii", "surrogateescape")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"plain words", "plain words"),
        (b"folded\r\n\tlike this", "folded like this"),
        (b"=?utf-8?q?r=C3=A9union?= de suivi", "réunion de suivi"),
        (b"=?ISO-8859-1?Q?Compte_rendu_du_2_f=E9vrier?=", "Compte rendu du 2 février"),
        (b"=?utf-8?B?w6k=?= =?utf-8?B?w6A=?=", "éà"),
        (b"=?utf-8?B?w6k=?=\r\n =?iso-8859-1?Q?=E0?=", "éà"),
        (b"=?utf-8?B?w?= =?utf-8?B?6k=?=", "\ufffd"),
        (b"=?UTF-8*fr?Q?=C3=A9t=C3=A9?=", "été"),
        (b'"=?utf-8?q?quot=C3=A9?="', '"quoté"'),
        (b"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "日本"),
        (b"=?gb2312?B?xOO6ww==?=", "你好"),
        ("été".encode(), "été"),
        ("été".encode("latin-1"), "été"),
        (b"=?utf-8?q?one=0D=0ABcc:_two?=", "one Bcc: two"),
        (b"=?not a word?=", "=?not a word?="),
    ],
)
def test_a_header_is_read_as_a_person_reads_it(value: bytes, expected: str) -> None:
    """Encoded words, folds, 8-bit text and UTF-8 come out as words on one line."""
    if expected == "\ufffd":  # half a character, decoded as well as may be
        assert decode_value(raw(value))[1] == "encoded-word"
    else:
        assert decode_value(raw(value))[0] == expected


def test_a_character_cut_between_two_encoded_words_is_whole_again() -> None:
    """Many senders cut UTF-8 by bytes (RFC 2047, section 5 forbids it)."""
    assert decode_value("=?utf-8?q?=C3?= =?utf-8?q?=A9t=C3=A9?=") == ("été", "")


def test_a_damaged_base64_word_keeps_what_can_be_decoded() -> None:
    """The header says so in a defect."""
    assert decode_value("=?utf-8?B?Ym9uam91c#?=") == ("bonjou", "encoded-word")


def test_bytes_that_are_not_utf8_in_a_header_are_a_defect() -> None:
    """RFC 6532 allows UTF-8 only; Windows-1252 is guessed."""
    reading = read("Subject: r\xe9union\r\n\r\nx".encode("latin-1"))
    assert reading.subject == "réunion"
    assert "header-8bit" in {defect.code for defect in reading.defects}


def test_utf8_in_a_header_is_no_defect() -> None:
    """RFC 6532."""
    reading = read(
        "From: a@b.example\r\nDate: 2 Mar 2026 09:30 +0100\r\nSubject: é\r\n\r\nx".encode()
    )
    assert reading.subject == "é"
    assert reading.defects == ()


def test_all_headers_are_kept_in_order() -> None:
    """Repeated ones too."""
    reading = read(mail(headers=[("X-One", "1"), ("X-Two", "2"), ("X-One", "3")]))
    assert reading.headers[:3] == (("X-One", "1"), ("X-Two", "2"), ("X-One", "3"))


def test_a_header_that_may_stand_once_counts_the_first_time() -> None:
    """RFC 5322, section 3.6; the second is a defect."""
    reading = read(b"Subject: first\r\nSubject: second\r\n\r\nx")
    assert reading.subject == "first"
    assert "header-repeated" in {defect.code for defect in reading.defects}


@pytest.mark.parametrize(
    ("value", "name", "expected"),
    [
        ('a/b; name="x.pdf"', "name", "x.pdf"),
        ("a/b; name=x.pdf; y=z", "name", "x.pdf"),
        ('a/b; NAME="a;b"', "name", "a;b"),
        ("a/b; name*=UTF-8''r%C3%A9sum%C3%A9.pdf", "name", "résumé.pdf"),
        ('a/b; name*0="long "; name*1="name.pdf"', "name", "long name.pdf"),
        ("a/b; name*1*=%A9.pdf; name*0*=utf-8'fr'%C3", "name", "é.pdf"),
        ("a/b; name=plain.pdf; name*=utf-8''better.pdf", "name", "better.pdf"),
        ('a/b; name="=?utf-8?q?=C3=A9t=C3=A9.pdf?="', "name", "été.pdf"),
        ('a/b; name="never closed', "name", "never closed"),
        ("a/b; name*=nonsense%ZZ", "name", "nonsense%ZZ"),
        (r'a/b; name="back\"slash"', "name", 'back"slash'),
    ],
)
def test_parameters_are_read_however_they_are_written(value: str, name: str, expected: str) -> None:
    """RFC 2045, RFC 2231, and what senders do instead."""
    assert split_parameters(value)[1][name] == expected


def test_identifiers_lose_their_brackets_and_folds() -> None:
    """RFC 5322, section 3.6.4."""
    assert identifiers("<a@b> <c@\r\n d>") == ("a@b", "c@d")


def test_identifiers_without_brackets_are_words_with_an_at_sign() -> None:
    """Some programs forget the brackets."""
    assert identifiers("your message a@b of Monday") == ("a@b",)


def test_a_message_id_without_brackets_is_taken_as_it_stands() -> None:
    """It still ties answers to their message."""
    assert message_identifier(" abc@host ") == "abc@host"


def test_too_many_references_keep_the_first_and_the_last() -> None:
    """The first names the thread, the last the parent."""
    reading = read(mail(references=[f"{n}@x" for n in range(500)]))
    assert len(reading.references) == 200
    assert (reading.references[0], reading.references[-1]) == ("0@x", "499@x")
    assert "identifiers-cut" in {defect.code for defect in reading.defects}
    assert capped(("a", "b")) == ("a", "b")
