"""Records that are one writing have one form."""

import base64
import quopri
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail import mail

from archiver.model.reading import Reading
from archiver.reading import copy_key, normal_form, read


def key(data: bytes) -> str | None:
    """Return the copy key of DATA."""
    reading = read(data)
    assert isinstance(reading, Reading)
    return copy_key(reading)


MESSAGE = mail(message_id="1@client.example", text="From the start\nwe agreed.\n")


@pytest.mark.parametrize(
    "variant",
    [
        MESSAGE.replace(b"\r\n", b"\n"),
        MESSAGE.replace(b"\nFrom the", b"\n>From the"),
        MESSAGE.replace(b"\r\n", b"\n").replace(b"\nFrom the", b"\n>>From the"),
        MESSAGE + b"\r\n",
        MESSAGE.replace(b"\r\n", b"\n") + b"\n",
    ],
)
def test_what_mail_programs_do_to_stored_bytes_makes_no_difference(variant: bytes) -> None:
    """Line ends, mbox escapes, a final blank line."""
    assert normal_form(variant) == normal_form(MESSAGE)


def test_another_word_makes_a_difference() -> None:
    """Nothing else is forgiven."""
    assert normal_form(MESSAGE.replace(b"agreed", b"refused")) != normal_form(MESSAGE)


@given(st.lists(st.sampled_from([b"\r", b"\n", b">", b"From ", b"x"])).map(b"".join))
def test_a_normal_form_ignores_line_ends_and_escapes(data: bytes) -> None:
    """Whatever they are mixed with."""
    escaped = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\nFrom ", b"\n>From ")
    assert normal_form(escaped) == normal_form(data)


def test_copies_of_one_message_have_one_key() -> None:
    """Trace headers, encodings and zones differ between Sent and Inbox."""
    paris = datetime(2026, 3, 2, 10, 30, tzinfo=timezone(timedelta(hours=1)))
    sent = mail(message_id="1@x", date=paris, text="Nous acceptons é.\n")
    received = mail(
        message_id="1@x",
        date=paris.astimezone(UTC),
        text="Nous  acceptons\né.\n",
        bcc="",
        headers=[("Received", "from a by b; Mon, 2 Mar 2026 09:30:00 +0000"), ("X-Spam", "no")],
    )
    assert key(sent) == key(received) is not None


def in_parts(*parts: str, subtype: str = "mixed") -> bytes:
    """Return a message whose parts stand there as they are given, headers included."""
    head = mail(message_id="1@x", text="").replace(
        b'Content-Type: text/plain; charset="utf-8"',
        f'Content-Type: multipart/{subtype}; boundary="b"'.encode(),
    )
    body = "".join(f"--b\n{part}\n" for part in parts) + "--b--\n"
    return head.replace(b"Content-Transfer-Encoding: 7bit\r\n", b"") + body.encode()


def part(content: str, encoding: str, type_: str = "text/csv; name=prix.csv") -> str:
    """Return CONTENT as a part under a transfer encoding."""
    data = content.encode()
    encoded = {
        "8bit": data,
        "base64": base64.encodebytes(data),
        "quoted-printable": quopri.encodestring(data),
    }[encoding].decode()
    return f"Content-Type: {type_}\nContent-Transfer-Encoding: {encoding}\n\n{encoded}"


@pytest.mark.parametrize("type_", ["text/csv; name=prix.csv", "text/html; charset=utf-8"])
@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
@pytest.mark.parametrize(
    "content", ["montant;é 10\r\n", "montant;é 10\n\n", "montant;é 10", "montant;é 10 \t\r\n"]
)
def test_a_copy_whose_parts_were_encoded_anew_has_the_same_key(
    type_: str, encoding: str, content: str
) -> None:
    """Servers that know seven bits only encode; line ends and blanks at their end are no words."""
    sent = in_parts("\nwords", part("montant;é 10\n", "8bit", type_))
    assert key(sent) == key(in_parts("\nwords", part(content, encoding, type_))) is not None


def test_a_copy_in_which_every_line_end_is_another_has_the_same_key() -> None:
    """An mbox keeps LF, a server CRLF; what is attached are lines as well."""
    forwarded = part(MESSAGE.decode().replace("\r", ""), "8bit", "message/rfc822")
    signature = part("-----BEGIN\nabc\n", "8bit", "application/pgp-signature")
    stored = in_parts("\nwords", forwarded, signature)
    lf = stored.replace(b"\r\n", b"\n")
    assert key(lf) == key(lf.replace(b"\n", b"\r\n")) == key(stored)


OFFER = ("offer.pdf", "application/pdf", b"%PDF 1 EUR")


@pytest.mark.parametrize(
    "other",
    [
        mail(message_id="1@x"),
        mail(message_id="1@x", attachments=[("offer.pdf", "application/pdf", b"%PDF 100000 EUR")]),
        mail(message_id="1@x", attachments=[("offer2.pdf", "application/pdf", b"%PDF 1 EUR")]),
        mail(message_id="1@x", attachments=[("offer.pdf", "image/png", b"%PDF 1 EUR")]),
        mail(message_id="1@x", attachments=[("offer.pdf", "application/pdf", b"%PDF\r1 EUR")]),
        mail(message_id="1@x", attachments=[OFFER, OFFER]),
        mail(message_id="1@x", html="<p>A short message.</p>", attachments=[OFFER]),
    ],
    ids=["none", "content", "name", "type", "line ends of a file", "twice", "HTML"],
)
def test_another_attachment_makes_another_message(other: bytes) -> None:
    """Same identifier, date, subject and words: who changed the price is no copy."""
    assert key(other) != key(mail(message_id="1@x", attachments=[OFFER]))


def test_a_forged_html_part_makes_another_message() -> None:
    """Most programs show the HTML, the catalogue the plain text; also where only a link differs."""
    keys = [
        key(mail(message_id="1@x", html=f"<a href='https://{host}'>Pay {price} EUR</a>"))
        for host, price in [("a.example", 1), ("a.example", 100_000), ("b.example", 1)]
    ]
    assert len({*keys}) == 3


def test_forged_html_that_is_the_text_makes_another_message() -> None:
    """Where there is no plain text the HTML is shown, but not where its links lead."""
    one, two = (
        in_parts(part(f"<a href='https://{host}'>Pay</a>", "8bit", "text/html"))
        for host in ("a.example", "b.example")
    )
    assert key(one) != key(two)


def test_a_forged_message_within_the_message_makes_another_message() -> None:
    """Its attachments lie deeper."""
    one, two = (
        in_parts("\nsee", part(inner.decode().replace("\r", ""), "8bit", "message/rfc822"))
        for inner in (mail(attachments=[OFFER]), mail(attachments=[(*OFFER[:2], b"%PDF 9 EUR")]))
    )
    assert key(one) != key(two)


def test_words_after_the_cut_count() -> None:
    """What is beyond the text that is kept is no hiding place."""
    long = "word " * 1_000_100
    assert key(mail(message_id="1@x", text=long + "1")) != key(
        mail(message_id="1@x", text=long + "2")
    )


def test_numbers_written_apart_are_other_words() -> None:
    """White space parts words; only how much of it is no matter."""
    assert key(mail(message_id="1@x", text="1 1")) != key(mail(message_id="1@x", text="11"))


@pytest.mark.parametrize(
    "other",
    [
        mail(message_id="1@x", text="refused"),
        mail(message_id="1@x", subject="Other"),
        mail(message_id="2@x"),
        mail(message_id="1@x", from_="other@x.example"),
    ],
)
def test_different_messages_with_one_message_id_have_different_keys(other: bytes) -> None:
    """Both are kept and both shown."""
    assert key(other) != key(mail(message_id="1@x"))


def test_without_message_id_there_is_no_key() -> None:
    """Equal words alone prove nothing."""
    assert key(mail()) is None
