"""Real mail and other projects' fixtures: no exception, nothing dropped."""

import email
import json
import os
import re
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest
from sampling import sample

from archiver.model.reading import Reading, Unreadable
from archiver.reading import decode_attachment, read
from archiver.reading.attachments import take_apart
from archiver.reading.inspection import inspection
from archiver.reading.mime.mend import mend
from archiver.reading.mime.parser import Allowance
from archiver.reading.text import outline

pytestmark = pytest.mark.shared

OPENED = {"message/rfc822", "message/global", "message/news"}


def corpus(name: str) -> Path:
    """Return the folder of an unpacked corpus, or skip the test."""
    root = os.environ.get("ARCHIVER_CORPORA")
    if not root:
        pytest.skip("ARCHIVER_CORPORA names no folder of unpacked corpora")
    folder = Path(root) / name
    if not folder.is_dir():
        pytest.skip(f"ARCHIVER_CORPORA has no folder {name}")
    return folder


def messages(folder: Path, step: int = 1) -> Iterator[tuple[str, bytes]]:
    """Yield each file's name and bytes."""
    for path in sample(sorted(path for path in folder.rglob("*") if path.is_file())[::step]):
        yield path.name, path.read_bytes()


def leaves(part: Message, number: str = "") -> Iterator[str]:
    """Yield the part numbers of the leaves as the standard library sees them."""
    prefix = f"{number}." if number else ""
    if part.get_content_maintype() == "multipart" and part.is_multipart():
        for place, child in enumerate(part.get_payload(), start=1):
            yield from _below(child, f"{prefix}{place}")
    else:
        yield from _below(part, f"{prefix}1")


def _below(part: Message, number: str) -> Iterator[str]:
    if part.get_content_maintype() == "multipart" and part.is_multipart():
        yield from leaves(part, number)
    elif (
        part.get_content_type() in OPENED
        and part.is_multipart()
        and not part["content-transfer-encoding"]
    ):
        yield from leaves(part.get_payload(0), number)
    else:
        yield number


def numbers(data: bytes) -> set[str]:
    """Return the part numbers of texts and attachments as the reader lists them."""
    allowance = Allowance(data)
    found = outline(take_apart(mend(data).data, allowance))
    mine = {leaf.number for leaf in (*found.texts, *found.unused)}
    for leaf in found.others:
        mine |= {leaf.number}
        if leaf.type in OPENED:
            inner = leaf.content[0]
            mine |= {f"{leaf.number}.{number}" for number in numbers(inner)}
    return mine


def squeezed(text: str) -> str:
    """Return TEXT without white space."""
    return "".join(text.split())


def check(name: str, data: bytes) -> None:
    """Check that nothing of DATA was dropped."""
    reading = read(data)
    json.dumps(inspection(reading), ensure_ascii=False).encode()
    assert "reader-failed" not in {defect.code for defect in reading.defects}, name
    if isinstance(reading, Unreadable):
        return
    if not name.endswith((".xml", ".out", ".ref")):  # descriptions of messages, no messages
        check_headers(name, data, reading)
    check_parts(name, data, reading)


def check_headers(name: str, data: bytes, reading: Reading) -> None:
    """Check that each header line of DATA stands among the headers."""
    head = re.split(rb"\r?\n\r?\n", data.lstrip(), maxsplit=1)[0]
    found = squeezed(
        "".join(f"{title}:{value}" if title else value for title, value in reading.headers)
    )
    begun = squeezed(reading.text)
    told = squeezed("".join(defect.message for defect in reading.defects))
    for line in head.replace(b"\r", b"").split(b"\n"):
        if not line.isascii() or b"=?" in line or not line.decode().isprintable():
            continue
        wanted = squeezed(line.decode())
        if wanted not in found and wanted not in begun:
            # What is neither is quoted, shortened, by a defect.
            assert wanted[:60] in told or not reading.headers, (name, line)


def check_parts(name: str, data: bytes, reading: Reading) -> None:
    """Check that each leaf of DATA is text, its alternative, or an attachment; and can be had."""
    listed = {attachment.part for attachment in reading.attachments}
    mended = mend(data).data
    found = outline(take_apart(mended, Allowance(mended)))
    for leaf in found.texts:
        assert squeezed(leaf.words.text) in squeezed(reading.text), name
    assert {leaf.number for leaf in found.others} <= listed, name
    mine = numbers(mended)
    missing = set(leaves(email.message_from_bytes(mended))) - mine
    assert not missing, (name, missing, mine)
    for attachment in reading.attachments:
        same, content = decode_attachment(data, attachment.part)
        assert (same, len(content)) == (attachment, attachment.size), name


@pytest.mark.parametrize(("name", "step"), [("mime", 5), ("business", 40), ("linux-serial", 400)])
def test_a_sample_of_real_mail_loses_nothing(name: str, step: int) -> None:
    """Every header line, every part."""
    for title, data in messages(corpus(name), step):
        check(title, data)


@pytest.mark.long
@pytest.mark.parametrize("name", ["mime", "business"])
def test_all_fixtures_lose_nothing(name: str) -> None:
    """Every file of the corpus, whatever it is."""
    for title, data in messages(corpus(name)):
        check(title, data)


@pytest.mark.long
def test_a_mailing_list_is_read_completely() -> None:
    """20,000 messages (how fast: benchmarks/reading.py)."""
    for _title, data in messages(corpus("linux-serial")):
        reading = read(data)
        assert isinstance(reading, Reading)
        assert reading.from_
        assert reading.text or reading.attachments or len(data) < 6_000  # some have no body


def test_other_parsers_see_as_many_leaves() -> None:
    """mime4j's expected trees, but for boundaries that are broken on purpose."""
    folder = corpus("mime") / "mime4j" / "core" / "src" / "test" / "resources" / "testmsgs"
    different = []
    for tree in sorted(folder.glob("*_decoded.xml")):
        message = tree.with_name(tree.name.replace("_decoded.xml", ".msg"))
        wanted = len(re.findall(rb"<(?:text|binary)-body", tree.read_bytes()))
        data = mend(message.read_bytes()).data
        found = {n for n in numbers(data) if not any(m.startswith(f"{n}.") for m in numbers(data))}
        if len(found) != wanted and not re.search("boundary|nopart", message.name):
            different.append((message.name, wanted, len(found)))
    assert different == []
