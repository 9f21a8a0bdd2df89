"""Records go into the catalogue and come out as they were."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from readings import (
    KEPT,
    MARIE,
    SENT,
    US,
    add,
    attachment,
    catalogue_of,
    digest,
    imap,
    reading,
    see,
    sighting,
    tag,
)

from archiver.catalogue.catalogue import Catalogue, CatalogueUnusable
from archiver.model.digest import Position
from archiver.model.reading import Defect, Mailbox, Unreadable
from archiver.model.sources import FileSource, HandSource, Source

BROKEN = Defect("charset-unknown", "an unknown charset", "1.2")


def test_a_view_gives_back_the_whole_reading(tmp_path: Path) -> None:
    """Headers, participants, text, attachments and defects come out in order."""
    boss = Mailbox("Élodie Chef", "Boss@Client.Example")
    content = reading(
        cc=[boss, US],
        bcc=[MARIE],
        headers=[("Received", "one"), ("Received", "two"), ("Subject", "Hello")],
        attachments=[attachment(text="words", defects=[BROKEN]), attachment("b.bin")],
        defects=[BROKEN],
        message_id="m1@client.example",
    )
    view = catalogue_of(tmp_path, content).view(1)
    assert view.headers == content.headers
    assert (view.line.from_, view.line.to, view.cc, view.bcc) == (
        content.from_,
        content.to,
        content.cc,
        content.bcc,
    )
    assert view.attachments == content.attachments
    assert view.defects == content.defects
    assert (view.text, view.language, view.message_id) == (content.text, "en", "m1@client.example")
    assert (view.date_header, view.received, view.first_seen) == (SENT, content.received, KEPT)
    assert view.readable


def test_a_line_tells_what_lists_show(tmp_path: Path) -> None:
    """A line has its digest, date, people, subject, size, tags and file names."""
    catalogue = catalogue_of(tmp_path, reading(subject="Offer", attachments=[attachment()]))
    with catalogue.batch() as batch:
        tag(batch, 1, "acme-2026")
    line = catalogue.line(1)
    assert (line.digest, line.thread, line.subject, line.size) == (
        digest(1),
        digest(1),
        "Offer",
        1000,
    )
    assert (line.date, line.date_basis) == (SENT, "date-header")
    assert (line.engagements, line.attachments) == (("acme-2026",), ("plan.pdf",))


def test_lines_come_in_the_order_asked_for(tmp_path: Path) -> None:
    """The caller chooses the order; each position may be asked for once or more."""
    catalogue = catalogue_of(tmp_path, reading(), reading(), reading())
    assert [line.position for line in catalogue.lines([3, 1, 3])] == [3, 1, 3]
    assert catalogue.lines([]) == ()


def test_lines_of_many_records_cost_as_many_statements_as_of_one(tmp_path: Path) -> None:
    """A list of hundreds is a handful of statements."""
    catalogue = catalogue_of(tmp_path, *[reading() for _ in range(300)])
    statements: list[str] = []
    catalogue._database._open.set_trace_callback(statements.append)
    catalogue.lines([1])
    alone, statements[:] = len(statements), []
    catalogue.lines(range(1, 301))
    assert len(statements) == alone <= 6


def test_an_unknown_position_is_a_key_error(tmp_path: Path) -> None:
    """Positions come from us: an unknown one is a mistake, not an answer."""
    catalogue = catalogue_of(tmp_path, reading())
    for ask in (catalogue.line, catalogue.view, catalogue.thread):
        with pytest.raises(KeyError):
            ask(99)


def test_an_unreadable_record_is_listed_all_the_same(tmp_path: Path) -> None:
    """It has a date, its defects and an empty index document."""
    catalogue = catalogue_of(tmp_path, Unreadable(defects=(BROKEN,)))
    view = catalogue.view(1)
    assert (view.readable, view.defects, view.text) == (False, (BROKEN,), "")
    assert (view.line.date, view.line.date_basis) == (KEPT, "first-seen")
    (document,) = catalogue.documents(0)
    assert document.key == 1
    assert not any(document.fields.values())


def test_what_utf8_cannot_hold_becomes_a_question_mark(tmp_path: Path) -> None:
    """Lone surrogates and NULs of hostile mail raise nothing."""
    bad = "a\ud800b\0c"
    content = reading(
        subject=bad,
        text=bad,
        from_=[Mailbox(bad, bad)],
        message_id=bad,
        references=[bad],
        headers=[(bad, bad)],
        attachments=[attachment(bad, text=bad, defects=[Defect(bad, bad, bad)])],
    )
    view = catalogue_of(tmp_path, content).view(1)
    assert view.line.subject == view.text == view.headers[0][1] == "a?b\0c"


@pytest.mark.parametrize(
    "source",
    [imap("Boîte/Été"), FileSource(path="/a/b.mbox", member=3, offset=99), HandSource()],
    ids=["imap", "file", "hand"],
)
def test_a_sighting_comes_back_with_its_source(tmp_path: Path, source: Source) -> None:
    """Each kind of source is kept whole."""
    catalogue = catalogue_of(tmp_path, reading())
    with catalogue.batch() as batch:
        see(batch, 2, sighting(1, source, internaldate=SENT, match="attributes"))
    (seen,) = catalogue.view(1).sightings
    assert (seen.source, seen.internaldate, seen.at) == (source, SENT, KEPT)
    assert (seen.entry, seen.flags, seen.match) == (2, ("\\Seen",), "attributes")


def test_records_equal_after_normalising_or_by_copy_key_are_variants(tmp_path: Path) -> None:
    """Both relations count together: 1 and 2 by form, 2 and 3 by key; 4 stands alone."""
    catalogue = catalogue_of(tmp_path)
    with catalogue.batch() as batch:
        add(batch, 1, normal_form=digest(2))
        add(batch, 2, copy_key="k")
        add(batch, 3, copy_key="k")
        add(batch, 4, copy_key=digest(2).hex)
    assert [line.variants for line in catalogue.lines([1, 2, 3, 4])] == [
        (digest(2), digest(3)),
        (digest(1), digest(3)),
        (digest(1), digest(2)),
        (),
    ]


def test_the_order_is_newest_first_and_ties_by_digest(tmp_path: Path) -> None:
    """Moments count, not how they are written in another offset."""
    paris = timezone(timedelta(hours=2))
    later = (SENT + timedelta(hours=1)).astimezone(paris)
    catalogue = catalogue_of(tmp_path, reading(), reading(date=later), reading())
    tied = sorted([1, 3], key=lambda number: digest(number).hex)
    assert catalogue.order({1, 2, 3, 99}) == (2, *tied)
    assert catalogue.line(2).date.utcoffset() == timedelta(hours=2)


def test_few_and_many_records_are_ordered_alike(tmp_path: Path) -> None:
    """The walk along the dates gives what a look-up gives, with limit and offset."""
    dates = [SENT + timedelta(days=number * 7 % 100) for number in range(700)]
    catalogue = catalogue_of(tmp_path, *[reading(date=date) for date in dates])
    everything = catalogue.order(range(1, 701))
    odd = [position for position in everything if position % 2]
    assert len(everything) == 700
    assert list(catalogue.order(odd)) == odd
    assert list(catalogue.order(odd, limit=5, offset=10)) == odd[10:15]
    assert catalogue.order(range(1, 701), limit=9, offset=690) == everything[690:699]


def test_a_prefix_of_a_digest_finds_its_records(tmp_path: Path) -> None:
    """At least four digits, in any case; nothing else is an error or a match."""
    catalogue = catalogue_of(tmp_path, reading(), reading())
    whole = digest(1).hex
    assert catalogue.resolve(whole[:5]) == (digest(1),)
    assert catalogue.resolve(whole.upper()) == (digest(1),)
    assert catalogue.position_of(digest(2)) == 2
    assert catalogue.position_of(digest(7)) is None
    for wrong in ("", whole[:3], whole + "0", "zzzz", "%%%%"):
        assert catalogue.resolve(wrong) == ()


def test_documents_hold_the_fields_of_the_index(tmp_path: Path) -> None:
    """Names, addresses, attachment words and file names can be searched; Bcc counts as Cc."""
    content = reading(
        subject="Plan",
        text="The body.",
        cc=[US],
        bcc=[Mailbox("Hidden", "h@client.example")],
        attachments=[attachment("a.txt", text="one"), attachment("b.txt", text="two")],
    )
    catalogue = catalogue_of(tmp_path, content)
    (document,) = catalogue.documents(0)
    assert document.fields == {
        "subject": "Plan",
        "body": "The body.",
        "attachment": "one\n\ntwo",
        "from": "Marie Client <marie@client.example>",
        "to": "us@consultant.example",
        "cc": "us@consultant.example\nHidden <h@client.example>",
        "filename": "a.txt\nb.txt",
    }
    assert document.date == int(SENT.timestamp())


def test_documents_stream_from_a_position_on(tmp_path: Path) -> None:
    """Pages join without a gap or a repetition."""
    catalogue = catalogue_of(tmp_path, *[reading() for _ in range(450)])
    assert [document.key for document in catalogue.documents(120)] == list(range(120, 451))
    assert [document.key for document in catalogue.documents_of([7, 3, 999])] == [3, 7]


def test_a_batch_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """Records and position are written together or not at all."""
    catalogue = catalogue_of(tmp_path, reading())

    def fail() -> None:
        with catalogue.batch() as batch:
            add(batch, 2)
            batch.position = 9
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert (catalogue.count_records(), catalogue.position) == (1, 2)


def test_a_record_that_is_there_already_makes_the_catalogue_unusable(tmp_path: Path) -> None:
    """Then it belongs to another journal: it must be made again."""
    catalogue = catalogue_of(tmp_path, reading())
    with pytest.raises(CatalogueUnusable, match="damaged"), catalogue.batch() as batch:
        add(batch, 1)


def test_the_position_and_small_values_are_kept(tmp_path: Path) -> None:
    """A batch sees the position and what was noted; so does whoever opens the file next."""
    catalogue = catalogue_of(tmp_path, reading())
    with catalogue.batch() as batch:
        assert batch.position == 2
        batch.position += 5
        batch.set_meta("rules", "one")
        batch.set_meta("rules", "two")
    catalogue.close()
    with Catalogue.open(tmp_path / "catalogue.sqlite") as again:
        assert (again.position, again.meta("rules"), again.meta("other")) == (7, "two", None)


def test_dates_at_the_edge_of_the_calendar_are_kept(tmp_path: Path) -> None:
    """A server's INTERNALDATE of the year 1 or 9999 orders like any other."""
    catalogue = catalogue_of(tmp_path, *[reading(date=None) for _ in range(3)])
    ancient, far = replace_year(1), replace_year(9999)
    with catalogue.batch() as batch:
        see(batch, 10, sighting(1, internaldate=ancient))
        see(batch, 11, sighting(2, internaldate=far))
    assert catalogue.order([1, 2, 3]) == (Position(2), Position(3), Position(1))
    assert catalogue.line(1).date == ancient


def replace_year(year: int) -> datetime:
    """Return a date of that year, as far east as offsets go."""
    return SENT.replace(year=year, month=1, day=1, tzinfo=timezone(timedelta(hours=14)))


def test_a_reading_without_a_person_has_empty_lists(tmp_path: Path) -> None:
    """No From, no To: still a record."""
    line = catalogue_of(tmp_path, replace(reading(), from_=(), to=())).line(1)
    assert (line.from_, line.to) == ((), ())


def test_records_of_a_sender_are_found_by_address(tmp_path: Path) -> None:
    """Case is ignored; nobody's records are not found by an empty address."""
    boss = Mailbox("Boss", "Boss@Client.example")
    nameless = Mailbox("Nobody", "")
    catalogue = catalogue_of(
        tmp_path, reading(from_=[boss], to=[MARIE]), reading(from_=[nameless]), reading()
    )
    assert catalogue.sent_by(["boss@CLIENT.example", ""]) == {1}
    assert catalogue.sent_by({MARIE.folded, boss.folded}) == {1, 3}
    assert catalogue.sent_by([]) == frozenset()
