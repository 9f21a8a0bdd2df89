"""Large messages: read in little memory, by pieces that nobody can tell apart afterwards."""

import base64
import tracemalloc
from binascii import Error, a2b_base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail import mail

from archiver.model.reading import Reading
from archiver.reading import decode_attachment, normal_form, read
from archiver.reading.mime.transfer import strict_base64

SIZE = 4_000_000
FILE = ("scan.tif", "image/tiff", bytes(range(256)) * (SIZE // 256))
LARGE = mail(attachments=[FILE])


@pytest.mark.parametrize(
    "use",
    [
        read,
        normal_form,
        lambda data: normal_form(data.replace(b"\r\n", b"\n")),
        lambda data: decode_attachment(data, "2"),
    ],
    ids=["read", "normal form", "normal form of LF", "decode"],
)
def test_a_large_message_needs_little_memory(use: Callable[[bytes], object]) -> None:
    """About three times its size (its lines, each an object); it was more than six."""
    use(
        mail(attachments=[("a", "image/tiff", b"a")])
    )  # what is imported and cached is no part of it
    tracemalloc.start()
    try:
        use(LARGE)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * len(LARGE)


def test_a_large_attachment_is_whole() -> None:
    """The borders of the pieces do not show."""
    attachment, data = decode_attachment(LARGE, "2")
    assert data == FILE[2]
    assert attachment.defects == ()


def test_a_long_text_is_whole() -> None:
    """Neither are lines lost, nor words cut, where one piece ends and the next begins."""
    text = "".join(f"Line {number} of the minutes, é.\n" for number in range(100_000))
    reading = read(mail(text=text))
    assert isinstance(reading, Reading)
    assert reading.text == text.removesuffix("\n")


@pytest.mark.parametrize(
    ("type_", "content"),
    [
        ("text/html", b"<p>seen</p><!--" + b"x" * 20_000_000 + b"--><p>not seen</p>"),
        ("text/plain", "😀".encode() * 5_000_001),
    ],
)
def test_text_that_is_cut_says_so(type_: str, content: bytes) -> None:
    """Also where its bytes are too many rather than its characters."""
    head = f"From: a@x\r\nMIME-Version: 1.0\r\nContent-Type: {type_}; charset=utf-8\r\n\r\n"
    reading = read(head.encode() + content)
    assert isinstance(reading, Reading)
    assert "text-cut" in {defect.code for defect in reading.defects}


@given(
    st.one_of(
        st.binary(max_size=30).map(base64.encodebytes),
        st.text(alphabet="AQZ= \r\n?", max_size=20).map(str.encode),
    ),
    st.integers(1, 9),
)
def test_base64_is_decoded_by_pieces_as_at_once(raw: bytes, at_once: int) -> None:
    """Sound or not, and wherever the pieces end."""

    def outcome(decode: Callable[[bytes], bytes]) -> bytes | None:
        try:
            return decode(raw)
        except Error:
            return None

    whole = outcome(lambda raw: a2b_base64(raw.translate(None, b"\r\n \t"), strict_mode=True))
    assert outcome(lambda raw: strict_base64(raw, at_once)) == whole
