"""``show``: the exact bytes and the attachments, on stdout or in a new file."""

import hashlib
from email.message import EmailMessage
from pathlib import Path

import pytest
from command import Desk, new_desk
from mail import mail

MESSAGE = mail(subject="Proposal", message_id="a@x.example")
ID = hashlib.sha256(MESSAGE).hexdigest()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive with one message."""
    desk = new_desk(tmp_path / "archive")
    desk.keep(tmp_path / "mail", MESSAGE)
    return desk


def test_the_exact_bytes_go_where_output_says(desk: Desk, tmp_path: Path) -> None:
    """And not to stdout."""
    said = desk.ok("show", ID, "--raw", "--output", tmp_path / "one.eml")
    assert said.raw == b""
    assert (tmp_path / "one.eml").read_bytes() == MESSAGE


def test_no_file_is_overwritten_by_the_exact_bytes(desk: Desk, tmp_path: Path) -> None:
    """Nothing in it is touched."""
    path = tmp_path / "one.eml"
    path.write_bytes(b"mine")
    said = desk("show", ID, "--raw", "--output", path)
    assert said.code == 2
    assert "exists already" in said.err
    assert path.read_bytes() == b"mine"


def test_raw_and_attachment_exclude_each_other(desk: Desk) -> None:
    """They ask for different bytes."""
    said = desk("show", ID, "--raw", "--attachment", "1")
    assert said.code == 2
    assert "--raw and --attachment ask for different bytes" in said.err


def test_output_alone_is_refused(desk: Desk, tmp_path: Path) -> None:
    """It was ignored, and people waited for a file."""
    said = desk("show", ID, "--output", tmp_path / "one.txt")
    assert said.code == 2
    assert "--output goes with --raw or --attachment" in said.err
    assert not (tmp_path / "one.txt").exists()


def test_an_attachment_goes_where_output_says(desk: Desk, tmp_path: Path) -> None:
    """Decoded."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@x.example", "b@x.example", "File"
    message.set_content("Attached.")
    message.add_attachment(b"a;b\r\n", maintype="text", subtype="csv", filename="one.csv")
    data = message.as_bytes().replace(b"\n", b"\r\n")
    desk.keep(tmp_path / "mail", data)
    id_ = hashlib.sha256(data).hexdigest()
    desk.ok("show", id_, "--attachment", "1", "--output", tmp_path / "one.csv")
    assert (tmp_path / "one.csv").read_bytes().startswith(b"a;b")
