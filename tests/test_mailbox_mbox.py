"""mbox files are cut where messages begin, and the format's own additions are undone."""

import io
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mail import mail

from archiver.mailbox.imports import mbox
from archiver.mailbox.imports.files import NotRead, messages_in
from archiver.mailbox.imports.mbox import Style, detect_style, is_mbox, members
from archiver.model.incoming import Incoming
from archiver.model.sources import FileSource

POSTMARK = b"From marie@client.example Mon Mar  2 10:00:00 2026\n"
LINES = st.lists(
    st.sampled_from(
        [b"", b"words", b"From here on", b">From quoted", b">>From deeper", b"> said", b">> said"]
    ),
    max_size=8,
)


def mboxrd(*messages: bytes) -> bytes:
    """Write MESSAGES as mboxrd does."""
    return b"".join(
        POSTMARK + re.sub(rb"(?m)^(>*From )", rb">\1", message) + b"\n" for message in messages
    )


def mboxo(*messages: bytes) -> bytes:
    """Write MESSAGES as mboxo does."""
    return b"".join(
        POSTMARK + re.sub(rb"(?m)^From ", b">From ", message) + b"\n" for message in messages
    )


def read(data: bytes) -> list[bytes | None]:
    """Return the messages in the mbox DATA."""
    return [member.data for member in members(io.BytesIO(data), detect_style(io.BytesIO(data)))]


def body(*lines: bytes) -> bytes:
    """Return a message of these LINES."""
    return b"Subject: x\n\n" + b"".join(line + b"\n" for line in lines)


@given(st.lists(LINES, min_size=1, max_size=4))
def test_mboxrd_gives_back_what_was_written(letters: list[list[bytes]]) -> None:
    """Exactly, whatever stands in the messages, as long as quotations there are consistent."""
    messages = [body(*lines) for lines in letters]
    data = mboxrd(*messages)
    if detect_style(io.BytesIO(data)) is Style.MBOXRD:
        assert read(data) == messages


@given(st.lists(LINES, min_size=1, max_size=4))
def test_no_message_is_lost_or_split(letters: list[list[bytes]]) -> None:
    """Whatever the style, there are as many messages as were written."""
    messages = [body(*lines) for lines in letters]
    assert len(read(mboxrd(*messages))) == len(read(mboxo(*messages))) == len(messages)


def test_a_quoted_answer_tells_mboxrd() -> None:
    """Amid lines with one > the writer of the mbox added a second."""
    letter = body(b"> as you said", b">From now on", b"> we meet weekly", b"From me: yes")
    data = mboxrd(letter)
    assert detect_style(io.BytesIO(data)) is Style.MBOXRD
    assert read(data) == [letter]


def test_a_quoted_answer_tells_mboxo() -> None:
    """Amid lines with one > the writer of the mbox left the line alone, and so do we."""
    letter = body(b"> as you said", b">From now on", b"> we meet weekly", b"", b"From me: yes")
    data = mboxo(letter)
    assert detect_style(io.BytesIO(data)) is Style.MBOXO
    assert read(data) == [letter]


def test_without_a_hint_both_read_the_same() -> None:
    """A file with nothing but >From needs no decision."""
    letter = body(b"From me: yes")
    assert mboxo(letter) == mboxrd(letter)
    assert read(mboxo(letter)) == [letter]


def test_line_ends_stay_as_they_are() -> None:
    """An mbox with CRLF gives messages with CRLF."""
    letters = [mail(subject="a", text="From me\n"), mail(subject="b")]
    data = b"".join(
        POSTMARK[:-1] + b"\r\n" + letter.replace(b"\nFrom me", b"\n>From me") + b"\r\n"
        for letter in letters
    )
    assert read(data) == letters


def test_members_and_offsets_are_recorded(tmp_path: Path) -> None:
    """A sighting says where in the file the bytes stood."""
    first, second = body(b"one"), body(b"two")
    path = tmp_path / "Archive"
    path.write_bytes(mboxrd(first, second))
    items = list(messages_in(path))
    offset = len(POSTMARK) * 2 + len(first) + 1
    assert items == [
        Incoming(
            data=first,
            source=FileSource(path=str(path), member=0, offset=len(POSTMARK), folder="Archive"),
        ),
        Incoming(
            data=second,
            source=FileSource(path=str(path), member=1, offset=offset, folder="Archive"),
        ),
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"words\nFrom a@b.example Mon Mar  2 10:00:00 2026\nSubject: y",  # no blank line before
        b"\nFrom now on we meet weekly\nSubject: y",  # no date
        b"\nFrom a@b.example Mon Mar  2 10:00:00 2026\nand no header follows",
    ],
)
def test_a_line_that_only_looks_like_a_beginning_is_none(line: bytes) -> None:
    """Careless writers do not quote: the surroundings decide."""
    letter = body(line)
    assert read(POSTMARK + letter + b"\n") == [letter]


def test_undated_beginnings_are_taken_when_the_file_has_no_others() -> None:
    """Some writers put no date."""
    data = b"From marie\nSubject: a\n\n\nFrom paul\nSubject: b\n\n"
    assert read(data) == [b"Subject: a\n\n", b"Subject: b\n"]


def test_the_last_message_may_lack_its_blank_line() -> None:
    """Not all writers end the file with one."""
    letter = body(b"end")
    assert read(POSTMARK + letter) == [letter]


@pytest.mark.parametrize(
    "data", [b"", b"\n\n", b"From \n", POSTMARK, POSTMARK + b"\n", b"x\nFrom y\n"]
)
def test_a_file_with_nothing_in_it_has_no_words(data: bytes) -> None:
    """No error, and no message with content."""
    assert not any(read(data))


def test_an_empty_member_is_told(tmp_path: Path) -> None:
    """A From_ line without a message after it."""
    path = tmp_path / "mbox"
    path.write_bytes(POSTMARK + b"\n")
    assert list(messages_in(path)) == [
        NotRead(str(path), f"the message at byte {len(POSTMARK)} is empty")
    ]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_error(data: bytes) -> None:
    """A hostile file gives messages or none."""
    is_mbox(data)
    read(data)
    read(POSTMARK + data)


@given(st.lists(LINES, min_size=1, max_size=6), st.integers(1, 40))
def test_blocks_do_not_show(letters: list[list[bytes]], size: int) -> None:
    """A beginning that lies across two reads is found all the same."""

    class Dripping(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            return super().read(size)

    data = mboxrd(*(body(*lines) for lines in letters))
    style = detect_style(io.BytesIO(data))
    whole = list(members(io.BytesIO(data), style))
    file = Dripping(data)
    first = file.getvalue()[:size]
    if is_mbox(first):
        assert list(members(file, style)) == whole


def test_a_message_too_large_to_hold_is_told_and_the_next_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One message never exhausts memory, nor stops the rest."""
    monkeypatch.setattr(mbox, "MAX_MESSAGE", 3_000_000)
    huge = body(*[b"x" * 999] * 6000)
    path = tmp_path / "mbox"
    path.write_bytes(mboxrd(body(b"one"), huge, body(b"two")))
    small, large, after = messages_in(path)
    assert isinstance(small, Incoming)
    assert isinstance(large, NotRead)
    assert large.reason.endswith("is larger than the archiver can hold")
    assert isinstance(after, Incoming)
    assert after.data == body(b"two")
    assert isinstance(after.source, FileSource)
    assert path.read_bytes()[after.source.offset :].startswith(after.data)
