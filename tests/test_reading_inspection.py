"""What ``archiver inspect`` shows, on whole messages with their expected reading beside them."""

import json
from pathlib import Path

import pytest

from archiver.reading import read
from archiver.reading.inspection import inspection

FIXTURES = Path(__file__).parent / "fixtures" / "mail"


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.eml")), ids=lambda path: path.stem)
def test_a_message_is_inspected_as_expected(path: Path) -> None:
    """The JSON beside the message was checked by a person."""
    expected = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert inspection(read(path.read_bytes())) == expected


def test_the_keys_of_the_contract_are_there() -> None:
    """For what can be read and for what cannot."""
    promised = {"schema", "headers", "text", "zones", "attachments", "defects"}
    for data in (b"Subject: x\r\n\r\ny", b""):
        found = inspection(read(data))
        assert promised <= found.keys()
        assert found["schema"] == 1


def test_both_kinds_have_the_same_keys() -> None:
    """Scripts need not tell them apart."""
    assert inspection(read(b"")).keys() == inspection(read(b"Subject: x\r\n\r\ny")).keys()


def test_an_unreadable_says_so() -> None:
    """With its defects."""
    found = inspection(read(b""))
    assert found["readable"] is False
    assert found["defects"] == [
        {"code": "not-a-message", "message": "these bytes are not a message", "part": ""}
    ]
