"""Records that are one writing have one form."""

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
