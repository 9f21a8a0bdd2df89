"""Which records say what another one said first."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from mail import mail

from archiver.app import Archive, create_archive
from archiver.custody.quotes import quoting, short_texts
from archiver.model.digest import Position
from archiver.model.incoming import Incoming
from archiver.model.sources import FileSource

WORDS = "we will deliver the new order system before the end of May"
FOOTER = "this message is confidential and meant for its recipient only"


@contextmanager
def archive_of(*texts: str) -> Iterator[tuple[Archive, list[Position]]]:
    """Make an archive of messages with these texts, a day between each; yield their positions."""
    with TemporaryDirectory() as folder:
        root = Path(folder) / "archive"
        create_archive(root, time_zone="UTC", language="en", actor="person:me")
        with Archive(root, tell=lambda _message: None, actor="person:me") as archive:
            start = datetime(2026, 3, 2, tzinfo=UTC)
            kept = archive.evidence.keep(
                [
                    Incoming(
                        data=mail(
                            text=text + "\n",
                            message_id=f"{number}@x.example",
                            date=start + timedelta(days=number),
                        ),
                        source=FileSource(path=f"/{number}", member=0, offset=0),
                    )
                    for number, text in enumerate(texts)
                ]
            )
            yield archive, [each.position for each in kept]


def test_answers_forwards_and_rewrapped_quotes_are_found() -> None:
    """Marks of quotes, line ends, case and punctuation do not matter."""
    rewrapped = "> We will deliver the NEW\n> order system, before the\n> end of May."
    with archive_of(WORDS, rewrapped, "Something else entirely was said here today.") as (
        archive,
        (first, second, _third),
    ):
        assert quoting(archive.catalogue, [first]) == {second: frozenset([first])}


def test_words_that_somebody_used_before_are_not_those_of_the_record() -> None:
    """A footer is everybody's; what the record itself quotes stays its author's."""
    texts = (FOOTER, f"{WORDS}. {FOOTER}", f"> {WORDS}", f"Hello. {FOOTER}")
    with archive_of(*texts) as (archive, (_footer, said, quote, _hello)):
        assert quoting(archive.catalogue, [said]) == {quote: frozenset([said])}
        assert quoting(archive.catalogue, [quote]) == {}


def test_copies_neither_quote_nor_come_first() -> None:
    """They are the same writing."""
    with archive_of(WORDS, WORDS + " ", f"> {WORDS}") as (archive, (copy, record, quote)):
        assert quoting(archive.catalogue, [record]) == {}
        found = quoting(archive.catalogue, [record], copies=[copy])
        assert found == {quote: frozenset([record])}


def test_a_text_too_short_to_be_recognised_is_known_as_such() -> None:
    """Five words are everybody's."""
    with archive_of("Yes, that is all right.", WORDS) as (archive, (short, long)):
        assert short_texts(archive.catalogue, [short, long]) == (short,)
        assert quoting(archive.catalogue, [short]) == {}
