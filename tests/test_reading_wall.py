"""Hostile and broken mail: nothing raises, nothing hangs, nothing is lost in silence."""

import json
import subprocess
import sys
import time
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mail import mail

from archiver.model.reading import Reading, Unreadable
from archiver.reading import copy_key, decode_attachment, normal_form, read
from archiver.reading.inspection import inspection
from archiver.reading.reader import read_bare

HEAD = b"From: Marie <a@b.example>\r\nDate: Mon, 2 Mar 2026 09:30:00 +0100\r\nSubject: s\r\n"
MIME = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
HTML = HEAD + b"Content-Type: text/html\r\n\r\n"
MILLION = 1_000_000

HOSTILE = {
    "a header of a megabyte": HEAD + b"X: " + b"y" * MILLION + b"\r\n\r\nz",
    "a header of spaces": HEAD + b"X: =?" + b" " * MILLION + b"y\r\n\r\nz",
    "a quarter million headers": HEAD + b"a:b\n" * (MILLION // 4) + b"\nz",
    "a megabyte of folds": HEAD + b"X: " + b"y\r\n " * (MILLION // 4) + b"\r\n\r\nz",
    "commas for recipients": HEAD + b"Cc: " + b"a," * (MILLION // 2) + b"\r\n\r\nz",
    "colons for recipients": HEAD + b"Cc: " + b"a:;" * (MILLION // 3) + b"\r\n\r\nz",
    "a word for recipients": HEAD + b"Cc: " + b"a" * MILLION + b"\r\n\r\nz",
    "quotes for recipients": HEAD + b"Cc: " + b'"\\' * (MILLION // 2) + b"\r\n\r\nz",
    "a megabyte of parameters": HEAD
    + b"Content-Type: multipart/mixed"
    + b";" * MILLION
    + b"\r\n\r\nz",
    "encoded words": HEAD + b"X: " + b"=?a?q?" * (MILLION // 6) + b"\r\n\r\nz",
    "identifiers": HEAD + b"References: " + b"<a@b> " * (MILLION // 6) + b"\r\n\r\nz",
    "10,000 nested multiparts": HEAD
    + b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n)
        for n in range(10_000)
    )
    + b"\r\nx",
    "nested multiparts and newlines": HEAD
    + b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n)
        for n in range(40)
    )
    + b"\r\n"
    + b"\n" * MILLION,
    "nested messages and newlines": HEAD
    + b"Content-Type: message/rfc822\r\n\r\n" * 40
    + b"\r\n"
    + b"\n" * MILLION,
    "100,000 parts": MIME + b"--b\n\n\n" * 100_000,
    "9,000 messages in a digest": MIME.replace(b"mixed", b"digest")
    + b"--b\n\nSubject: x\n\nhello\n" * 9_000,
    "100,000 newlines": HEAD + b"\r\n" + b"\n" * 100_000,
    "a megabyte of carriage returns": HEAD + b"\r\n" + b"\r" * MILLION,
    "20,000 nested divs": HTML + b"<div>" * 20_000 + b"secret" + b"</div>" * 20_000,
    "a megabyte of bad UTF-8": HEAD + b"\r\n" + b"\xff" * MILLION,
    "a megabyte of NULs": HEAD + b"\r\n" + b"\0" * MILLION,
    "a megabyte of surrogates": HEAD
    + b"Content-Type: text/plain; charset=utf-7\r\n\r\n"
    + b"+2AA-" * (MILLION // 5),
    "flowed newlines": HEAD
    + b"Content-Type: text/plain; format=flowed\r\n\r\n"
    + b" \n" * (MILLION // 2),
    "no header at all": b"hello " * (MILLION // 6),
}


def assert_clean(reading: Reading | Unreadable) -> str:
    """Return READING as JSON, which must be encodable."""
    text = json.dumps(inspection(reading), ensure_ascii=False)
    text.encode("utf-8")
    assert "\\u0000" not in text
    return text


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_takes_seconds_at_most(name: str) -> None:
    """Up to a megabyte, on a slow machine too."""
    started = time.process_time()
    reading = read(HOSTILE[name])
    assert time.process_time() - started < 8
    assert isinstance(reading, Reading)
    assert "reader-failed" not in {defect.code for defect in reading.defects}
    assert_clean(reading)


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b" ", b"\0" * 100, bytes(range(256)) * 4])
def test_what_is_no_message_is_unreadable(data: bytes) -> None:
    """It is kept and listed all the same."""
    reading = read(data)
    assert isinstance(reading, Unreadable)
    assert reading.defects[-1].message == "these bytes are not a message"
    assert_clean(reading)


def test_text_without_headers_is_text() -> None:
    """With a defect."""
    reading = read(b"We agreed on Monday.\nSee you.\n")
    assert isinstance(reading, Reading)
    assert reading.text == "We agreed on Monday.\nSee you."
    assert "headers-missing" in {defect.code for defect in reading.defects}


@pytest.mark.parametrize(
    ("before", "code"),
    [
        (b"\xef\xbb\xbf", "byte-order-mark"),
        (b"From marie Mon Mar  2 09:30:00 2026\r\n", "mbox-from-line"),
        (b">From marie Mon Mar  2 09:30:00 2026\r\n", "mbox-from-line"),
        (b"\r\n\r\n", None),
        (b" stray continuation\r\n", "header-broken"),
        (b"no header this\r\n", "header-broken"),
    ],
)
def test_what_stands_before_the_headers_does_not_hide_them(before: bytes, code: str | None) -> None:
    """It is mended, with a defect."""
    reading = read(before + mail(subject="found"))
    assert isinstance(reading, Reading)
    assert reading.subject == "found"
    assert {defect.code for defect in reading.defects} == ({code} if code else set())


def test_a_line_among_the_headers_that_is_none_keeps_its_place() -> None:
    """The headers after it count."""
    reading = read(
        b"From: a@b.example\nstray line\nSubject : spaced\nDate: 2 Mar 2026 09:30 +0100\n\nx"
    )
    assert isinstance(reading, Reading)
    assert reading.headers[:3] == (
        ("From", "a@b.example"),
        ("", "stray line"),
        ("Subject", "spaced"),
    )
    assert [defect.code for defect in reading.defects] == ["header-broken"]


def test_a_text_that_begins_without_a_blank_line_is_text() -> None:
    """As other readers have it."""
    reading = read(b"Subject: s\nHello Marie,\nwe agree: yes\n\nbye")
    assert isinstance(reading, Reading)
    assert (reading.subject, reading.text) == ("s", "Hello Marie,\nwe agree: yes\n\nbye")


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\r\r\n"])
def test_any_line_end_will_do(end: bytes) -> None:
    """Old Macs wrote CR; bad converters double it."""
    reading = read(mail(text="one\ntwo\n").replace(b"\r\n", end))
    assert isinstance(reading, Reading)
    assert (reading.subject, reading.text) == ("Hello", "one\ntwo")


def test_overlapping_boundaries_drop_nothing() -> None:
    """One boundary begins with the other."""
    data = (
        HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: multipart/mixed; boundary=bb\r\n\r\n--bb\r\n\r\none\r\n--bb--\r\n--b\r\n\r\ntwo\r\n--b--\r\n"
    )
    reading = read(data)
    assert isinstance(reading, Reading)
    assert reading.text == "one\n\ntwo"


@pytest.mark.parametrize(
    "type_", ["garbage", "text", "/", ";;;", "text/", "=?utf-8?q?text/plain?=", "\x00/\x00"]
)
def test_a_garbled_content_type_is_read_as_text(type_: str) -> None:
    """RFC 2045, section 5.2."""
    reading = read(HEAD + b"Content-Type: " + type_.encode() + b"\r\n\r\nwords")
    assert isinstance(reading, Reading)
    assert reading.text == "words" or reading.attachments[0].size == 5
    assert reading.defects or reading.attachments


def test_what_fails_is_read_the_bare_way() -> None:
    """Headers by lines, all the rest as text, and a defect that says so."""
    reading = read_bare(
        b"From: Marie <m@x>\nSubject: folded\n here\nMessage-ID: <1@x>\n\nwords\0", ValueError("x")
    )
    assert isinstance(reading, Reading)
    assert (reading.subject, reading.message_id, reading.text) == ("folded here", "1@x", "words")
    assert reading.from_[0].name == "Marie <m@x>"
    assert reading.defects[0].message == "the message was read in part only (ValueError)"


@given(st.binary(max_size=2_000))
def test_random_bytes_never_raise(data: bytes) -> None:
    """And every string can be stored."""
    reading = read(data)
    assert_clean(reading)
    normal_form(data)


SEEDS = [
    mail(
        text="été\n",
        html="<p>été</p>",
        attachments=[("a.txt", "text/plain", b"x"), ("é.pdf", "application/pdf", b"y")],
    ),
    MIME
    + b"--b\r\nContent-Type: message/rfc822\r\n\r\n"
    + mail(html="<table><td>x")
    + b"\r\n--b--\r\n",
    HEAD
    + b"Content-Type: text/plain; charset=iso-2022-jp; format=flowed\r\nX: =?utf-8?b?w6k=?=\r\n\r\n\x1b$BF|K\\\x1b(B",
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Draw a message, with some bytes exchanged for ones that mean something."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    pieces = st.sampled_from(
        [
            b"\r",
            b"\n",
            b"\0",
            b'"',
            b"=",
            b"?",
            b";",
            b":",
            b"<",
            b"--b",
            b"\xff",
            b"\r\n\r\n",
            b"=",
        ]
    )
    for _ in range(draw(st.integers(1, 8))):
        place = draw(st.integers(0, len(data)))
        data[place : place + draw(st.integers(0, 20))] = draw(pieces)
    return bytes(data)


@given(mutated())
@settings(max_examples=300, deadline=None)
def test_mutated_mail_never_raises_and_needs_no_bare_way(data: bytes) -> None:
    """Its attachments can all be had."""
    reading = read(data)
    assert_clean(reading)
    assert "reader-failed" not in {defect.code for defect in reading.defects}
    if isinstance(reading, Reading):
        copy_key(reading)
        for attachment in reading.attachments:
            found, content = decode_attachment(data, attachment.part)
            assert (found, len(content)) == (attachment, attachment.size)


@given(
    st.text(max_size=300), st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=80)
)
def test_what_the_standard_library_writes_is_read_back(text: str, subject: str) -> None:
    """Words of any script, in the text and in the subject."""
    message = EmailMessage()
    message["Subject"] = subject
    message.set_content(text.encode("utf-8", "replace").decode())
    reading = read(message.as_bytes())
    if isinstance(reading, Reading):
        assert reading.subject.split() == " ".join(subject.split()).split()


def test_importing_the_room_loads_no_parser() -> None:
    """Commands that only search stay light."""
    code = "import sys, archiver.reading, archiver.reading.inspection; print({'mailparser', 'lxml', 'inscriptis', 'selectolax', 'email'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
