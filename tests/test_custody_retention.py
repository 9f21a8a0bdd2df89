"""Until when an engagement is kept: read from its file, written into it so that all else stays."""

from datetime import date

import pytest

from archiver.engagements.edit import new_engagement, with_person, with_retention
from archiver.engagements.engagement import Person, Retention
from archiver.engagements.file import parse_engagement
from archiver.errors import ConfigurationError, UsageError

FIVE_YEARS = Retention(until=date(2031, 12, 31), reason="five years after delivery")
NAME = "acme.toml"


def test_a_file_says_until_when_and_why() -> None:
    """Both, or nothing."""
    text = (
        'client = "ACME"\n[retention]\nuntil = 2031-12-31\nreason = "five years after delivery"\n'
    )
    assert parse_engagement(text, name=NAME).retention == FIVE_YEARS
    assert parse_engagement('client = "ACME"\n', name=NAME).retention is None


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("until = 2031-12-31", "retention.reason: is missing; say why it is kept so long"),
        ('reason = "why"', "retention.until: is missing; give the last day of keeping"),
        ('until = "2031-12-31"\nreason = "why"', "retention.until: must be a day without quotes"),
        ('until = 2031-12-31\nreason = " "', "retention.reason: is empty"),
        ('until = 2031-12-31\nreason = "why"\nyears = 5', "retention.years: unknown key"),
    ],
)
def test_a_wrong_retention_is_told(table: str, words: str) -> None:
    """With its place in the file."""
    with pytest.raises(ConfigurationError) as caught:
        parse_engagement(f'client = "ACME"\n[retention]\n{table}\n', name=NAME)
    assert words in caught.value.what


def test_it_is_written_before_the_first_table_and_its_comment() -> None:
    """People can still be added at the end."""
    text = new_engagement("acme", client="ACME", people=["marie@acme.example"])
    changed = with_retention(text, FIVE_YEARS, name=NAME)
    assert parse_engagement(changed, name=NAME).retention == FIVE_YEARS
    assert changed.index("[retention]") < changed.index("# People, one [[person]] each.")
    person = Person(addresses=("paul@acme.example",))
    more = with_person(changed, person, party="client", name=NAME)
    engagement = parse_engagement(more, name=NAME)
    assert len(engagement.people) == 2
    assert engagement.retention == FIVE_YEARS
    later = Retention(until=date(2040, 1, 1), reason="longer")
    again = with_retention(more, later, name=NAME)
    assert parse_engagement(again, name=NAME).retention == later
    assert len(parse_engagement(again, name=NAME).people) == 2
    assert with_retention(again, later, name=NAME) == again


@pytest.mark.parametrize(
    "text",
    [
        'client = "ACME"\n',
        'client = "ACME"',
        'client = "ACME"\r\n\r\n# people\r\n[[person]]\r\nparty = "us"\r\naddress = "a@b.example"\r\n',
        'client = "ACME"\ntitle = """\n[not a table]\n"""\n',
        '\ufeffclient = "ACME"\n',
        'retention.until = 2020-01-01\nretention.reason = "old"\nclient = "ACME"\n',
    ],
)
def test_it_is_written_into_any_good_file(text: str) -> None:
    """Line ends, texts of many lines, dotted keys: what stood there means the same."""
    before = parse_engagement(text, name=NAME)
    changed = with_retention(text, FIVE_YEARS, name=NAME)
    after = parse_engagement(changed, name=NAME)
    assert after.retention == FIVE_YEARS
    assert (after.client, after.title, after.us) == (before.client, before.title, before.us)
    assert changed.count("\r\n") in {0, changed.count("\n")}


def test_a_reason_that_says_nothing_is_refused() -> None:
    """Nothing is written."""
    empty = Retention(until=date(2031, 12, 31), reason=" ")
    with pytest.raises(UsageError) as caught:
        with_retention('client = "ACME"\n', empty, name=NAME)
    assert "retention.reason: is empty" in caught.value.what
