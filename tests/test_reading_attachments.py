"""Every part that is not the text is listed, and its bytes can be had."""

import base64

import pytest
from mail import mail

from archiver.errors import UsageError
from archiver.model.reading import Attachment, Reading
from archiver.reading import decode_attachment, read

NESTED = mail(
    subject="Compte rendu",
    from_="Marie <marie@client.example>",
    text="Nous acceptons le livrable.\n",
    attachments=[("plan.csv", "text/csv", b"lot;date\r\n")],
)


def attachments(data: bytes) -> tuple[Attachment, ...]:
    """Return the attachments of DATA, which can be read."""
    reading = read(data)
    assert isinstance(reading, Reading)
    return reading.attachments


def forwarded(nested: bytes, encoding: str = "8bit") -> bytes:
    """Return a message that carries NESTED as an attachment."""
    return (
        b'From: a@b.example\r\nContent-Type: multipart/mixed; boundary="="\r\n\r\n--=\r\n\r\nsee inside\r\n'
        b"--=\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: "
        + encoding.encode()
        + b"\r\n\r\n"
        + nested
        + b"\r\n--=--\r\n"
    )


def named(disposition: str) -> Attachment:
    """Return the attachment that has this Content-Disposition."""
    (found,) = attachments(
        b"Content-Type: application/pdf\r\nContent-Disposition: "
        + disposition.encode()
        + b"\r\n\r\n%PDF"
    )
    return found


def test_an_attachment_has_its_number_name_type_and_size() -> None:
    """The size is that after transfer decoding."""
    (found,) = attachments(mail(attachments=[("plan.pdf", "application/pdf", b"%PDF-1.7")]))
    assert (found.part, found.name, found.type, found.size, found.text) == (
        "2",
        "plan.pdf",
        "application/pdf",
        8,
        None,
    )


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("attachment; filename=plan.pdf", "plan.pdf"),
        ("attachment; filename*=UTF-8''r%C3%A9sum%C3%A9.pdf", "résumé.pdf"),
        (
            "attachment; filename*0*=UTF-8''r%C3%A9; filename*1=sum; filename*2*=%C3%A9.pdf",
            "résumé.pdf",
        ),
        ('attachment; filename="=?utf-8?B?csOpc3Vtw6kucGRm?="', "résumé.pdf"),
        ('attachment; filename="résumé.pdf"', "résumé.pdf"),
        ("attachment; filename*=klingon''x.pdf", "x.pdf"),
        ("attachment", ""),
    ],
)
def test_file_names_are_decoded(disposition: str, name: str) -> None:
    """RFC 2183, RFC 2231, and RFC 2047 where it is not allowed."""
    assert named(disposition).name == name


@pytest.mark.parametrize(
    ("declared", "shown", "kept"),
    [
        ("../../etc/passwd", ".._.._etc_passwd", "../../etc/passwd"),
        (r"C:\\plan.pdf", "C:_plan.pdf", r"C:\\plan.pdf"),
        ("invoice\u202efdp.exe", "invoice\ufffdfdp.exe", r"invoice\u202efdp.exe"),
        ("a\x01b", "a\ufffdb", r"a\x01b"),
    ],
)
def test_a_misleading_file_name_is_made_harmless_and_kept(
    declared: str, shown: str, kept: str
) -> None:
    """The defect quotes what stood there."""
    found = named(f'attachment; filename="{declared}"')
    assert found.name == shown
    (defect,) = found.defects
    assert defect.code == "name-unsafe"
    assert kept in defect.message


@pytest.mark.parametrize(
    ("type_", "content", "text"),
    [
        ("text/plain", b"words", "words"),
        ("text/csv", "é;1\r\n".encode(), "é;1\n"),
        ("text/markdown", b"# Title", "# Title"),
        ("text/html", b"<p>one</p><p>two</p>", "one\n\ntwo"),
        ("text/calendar", b"BEGIN:VCALENDAR", "BEGIN:VCALENDAR"),
        ("text/plain", b"\xff\xfew\0o\0r\0d\0s\0", "words"),
        ("text/plain", b"\0\1\2binary", None),
        ("text/rtf", b"{\\rtf1}", None),
        ("application/pdf", b"%PDF", None),
    ],
)
def test_text_attachments_are_read(type_: str, content: bytes, text: str | None) -> None:
    """Others wait for a version that reads them."""
    data = (
        f"Content-Type: {type_}\r\nContent-Disposition: attachment; filename=x\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    ).encode() + base64.b64encode(content)
    assert attachments(data)[0].text == text


def test_a_nested_message_is_an_attachment_that_can_be_searched() -> None:
    """Named by its subject; its text is its headers and its words."""
    outer, inner = attachments(forwarded(NESTED))
    assert (outer.part, outer.name, outer.type) == ("2", "Compte rendu", "message/rfc822")
    assert outer.text is not None
    assert outer.text.startswith("From: Marie <marie@client.example>\nTo: us@consultant.example\n")
    assert "Subject: Compte rendu\n\nNous acceptons le livrable." in outer.text
    assert (inner.part, inner.name, inner.text) == ("2.2", "plan.csv", "lot;date\n")


def test_a_nested_message_in_base64_is_opened() -> None:
    """RFC 2046 forbids it; it is common all the same."""
    outer, _inner = attachments(forwarded(base64.encodebytes(NESTED), "base64"))
    assert outer.text is not None
    assert "Nous acceptons" in outer.text


@pytest.mark.parametrize("encoding", ["8bit", "base64"])
def test_a_nested_message_comes_out_as_it_was_attached(encoding: str) -> None:
    """To the byte, so that its signature can still be checked."""
    travelling = base64.encodebytes(NESTED) if encoding == "base64" else NESTED
    found, content = decode_attachment(forwarded(travelling, encoding), "2")
    assert content == NESTED
    assert found.size == len(NESTED)


def test_an_attachment_of_a_nested_message_can_be_had() -> None:
    """By the number that the list shows."""
    assert decode_attachment(forwarded(NESTED), "2.2")[1] == b"lot;date\r\n"


def test_the_text_part_can_be_had_too() -> None:
    """By its number."""
    assert decode_attachment(forwarded(NESTED), "1")[1] == b"see inside"


def test_a_number_that_is_not_there_is_told_with_those_that_are() -> None:
    """The advice lists them."""
    with pytest.raises(UsageError) as caught:
        decode_attachment(forwarded(NESTED), "7")
    assert caught.value.what == "The message has no attachment number 7."
    assert caught.value.advice == "Its attachments are: 2, 2.2."


def test_a_message_without_attachments_says_so() -> None:
    """When one is asked for."""
    with pytest.raises(UsageError) as caught:
        decode_attachment(mail(), "9")
    assert caught.value.advice == "It has no attachments at all."


def test_a_delivery_report_is_read() -> None:
    """Who did not receive the writing matters in a dispute (RFC 3464)."""
    data = (
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n"
        b"--x\r\n\r\nNot delivered.\r\n--x\r\nContent-Type: message/delivery-status\r\n\r\n"
        b"Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; m@client.example\r\n\r\n--x--\r\n"
    )
    (report,) = attachments(data)
    assert report.text is not None
    assert "Final-Recipient: rfc822; m@client.example" in report.text


def test_a_digest_lists_its_messages() -> None:
    """Their type need not be said (RFC 2046, section 5.1.5)."""
    data = b"Content-Type: multipart/digest; boundary=x\r\n\r\n--x\r\n\r\nSubject: one\r\n\r\nfirst\r\n--x--\r\n"
    (found,) = attachments(data)
    assert (found.type, found.name, found.text) == (
        "message/rfc822",
        "one",
        "Subject: one\n\nfirst",
    )


def test_a_picture_of_the_page_is_inline() -> None:
    """It has a Content-ID inside multipart/related."""
    data = (
        b"Content-Type: multipart/related; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>x\r\n"
        b"--x\r\nContent-Type: image/png\r\nContent-ID: <logo@x>\r\n\r\nPNG\r\n--x--\r\n"
    )
    (picture,) = attachments(data)
    assert (picture.inline, picture.content_id) == (True, "logo@x")


def test_a_text_file_shown_inline_is_an_attachment_with_its_text() -> None:
    """It has a file name."""
    (found,) = attachments(
        b"Content-Type: text/plain; name=notes.txt\r\n\r\n" * 0
        + forwarded(NESTED).replace(b"message/rfc822", b"text/plain; name=notes.txt")
    )
    assert found.name == "notes.txt"
    assert found.text is not None
    assert "livrable" in found.text


def test_a_bomb_of_nested_messages_is_listed_and_opened_only_so_far() -> None:
    """What is not opened can still be had."""
    data = b"Content-Type: message/rfc822\r\n\r\n" * 5000 + b"Subject: deep\r\n\r\nwords"
    found = attachments(data)
    assert 10 < len(found) < 100
    assert "nesting-too-deep" in {defect.code for defect in found[-1].defects}
    assert decode_attachment(data, found[-1].part)[1].endswith(b"words")
