"""What a search says beside its hits, and how its words are told from options."""

from pathlib import Path

import pytest
from command import Desk, new_desk
from mail import mail

from archiver.cli.search import search_


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive with two messages and an engagement that holds one of them."""
    desk = new_desk(tmp_path / "archive")
    desk.keep(
        tmp_path / "mail",
        mail(message_id="a@x.example", subject="Linux kernel", text="One.\n"),
        mail(message_id="b@y.example", subject="Other", from_="b@else.example", text="Two.\n"),
    )
    desk.ok("engagement", "add", "acme-2026", "--client", "ACME", "--domain", "client.example")
    return desk


@pytest.mark.parametrize(
    "words",
    [
        ("-linux",),
        ("*", "-linux"),
        ("-linux", "--limit", "5"),
        ("--sort", "relevance", "-linux"),
        ("--sort=relevance", "-linux", "*"),
        ("--", "-linux"),
        ("-subject:kernel",),
    ],
)
def test_a_word_of_a_query_may_begin_with_a_hyphen(desk: Desk, words: tuple[str, ...]) -> None:
    """It says what must not be there, wherever it stands among the options."""
    (hit,) = desk.ok("search", "--format", "json", *words).json["hits"]
    assert hit["subject"] == "Other"


def test_a_misspelt_option_of_a_search_is_told(desk: Desk) -> None:
    """It is not taken for a word."""
    said = desk("search", "linux", "--limt", "5")
    assert said.code == 2
    assert "--limt" in said.err
    assert "--limit" in said.err


def test_the_help_of_a_search_is_still_asked_for_in_short(desk: Desk) -> None:
    """A hyphen and an h alone are no word."""
    assert "QUERY" in desk.ok("search", "-h").out


def test_an_option_of_a_search_may_lack_its_value(desk: Desk) -> None:
    """That is told, as click does."""
    said = desk("search", "linux", "--limit")
    assert said.code == 2
    assert "--limit" in said.err


def test_a_search_needs_words(desk: Desk) -> None:
    """Nothing is searched for nothing."""
    assert desk("search").code == 2
    assert desk("search", "--limit", "5").code == 2


@pytest.mark.parametrize("format_", ["text", "json", "jsonl", "csv"])
def test_a_prefix_that_stands_for_too_many_words_is_told_in_every_format(
    tmp_path: Path, format_: str
) -> None:
    """On stderr: a program that reads CSV has no other way to know."""
    desk = new_desk(tmp_path / "archive")
    words = "\n".join(f"word{number:05d}" for number in range(3000))
    desk.keep(tmp_path / "mail", mail(text=words + "\n"))
    said = desk.ok("search", "word*", "--format", format_)
    assert "word* stands for too many words" in said.err


@pytest.mark.parametrize("format_", ["text", "json", "csv"])
@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("engagement:nope", "There is no engagement nope. There are: acme-2026"),
        ("tag:Nope linux", "There is no engagement nope. There are: acme-2026"),
        ("mission:nope OR account:gone", "There is no account gone. There are: none"),
    ],
)
def test_a_name_that_is_of_nothing_is_told(desk: Desk, query: str, told: str, format_: str) -> None:
    """When there is no hit, whatever the format; those there are stand beside it."""
    assert told in desk.ok("search", query, "--format", format_).err


@pytest.mark.parametrize(
    "query", ["engagement:ACME-2026 nowhere", "mission:aucune nowhere", "tag:none nowhere"]
)
def test_a_name_that_exists_is_not_told_to_be_unknown(desk: Desk, query: str) -> None:
    """Nor is the word for none of them."""
    assert "There is no" not in desk.ok("search", query).err


def test_a_removed_account_without_records_is_not_listed(desk: Desk) -> None:
    """Its last sync says nothing about what was searched."""
    from archiver.app import Archive

    with Archive(desk.root, tell=print, actor="person:test") as archive:
        archive.evidence.note_sync("gone", archive.clock(), good=False)
    assert "gone" not in desk.ok("search", "nowhere").err
    assert "gone" not in desk.ok("status").out


def test_every_option_of_a_search_is_long() -> None:
    """A short one would take words that begin with a hyphen and its letter."""
    names = [name for parameter in search_.params for name in parameter.opts]
    assert all(name.startswith("--") for name in names if name.startswith("-"))
