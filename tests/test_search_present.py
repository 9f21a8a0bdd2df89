"""Results as JSON, as CSV and as words: pure, with stable keys."""

import json
from dataclasses import replace
from datetime import UTC, timedelta, timezone
from pathlib import Path

from readings import (
    MARIE,
    SENT,
    US,
    attachment,
    catalogue_of,
    digest,
    imap,
    reading,
    see,
    sighting,
    tag,
)

from archiver.model.record import RecordView
from archiver.model.sources import FileSource, HandSource
from archiver.search.present import (
    CSV_HEADER,
    csv_row,
    hit_json,
    results_json,
    rfc3339,
    searched_lines,
    view_json,
    view_lines,
)
from archiver.search.results import Hit, Results, Searched, Snippet

PARIS = timezone(timedelta(hours=1))
EMPTY = Searched(
    records=0,
    accounts=(),
    first=None,
    last=None,
    attachments_unread=0,
    unreadable=0,
    unfetched=0,
    engagements=(),
)


def a_view(folder: Path, *, subject: str = "Offer") -> RecordView:
    """Return a record that was tagged and seen three times."""
    content = reading(
        subject=subject,
        date=SENT.astimezone(PARIS),
        to=[US, MARIE],
        attachments=[attachment(text="words")],
        message_id="m1",
    )
    catalogue = catalogue_of(folder, content)
    with catalogue.batch() as batch:
        tag(batch, 1, "acme", reason="from Marie")
        see(batch, 2, sighting(1, imap("Sent", uid=7), internaldate=SENT))
        see(batch, 3, sighting(1, FileSource(path="/a.mbox", member=1, offset=9)))
        see(batch, 4, sighting(1, HandSource(), match="attributes"))
    return catalogue.view(1)


def test_a_hit_has_the_keys_of_the_contract(tmp_path: Path) -> None:
    """The whole digest, a date with its offset, lists where there may be many."""
    hit = Hit(a_view(tmp_path).line, (Snippet("body", "a word", ((2, 6),)),))
    assert json.loads(json.dumps(hit_json(hit))) == {
        "id": digest(1).hex,
        "date": "2026-03-02T10:30:00+01:00",
        "from": "Marie Client <marie@client.example>",
        "to": ["us@consultant.example", "Marie Client <marie@client.example>"],
        "subject": "Offer",
        "engagements": ["acme"],
        "thread": digest(1).hex,
        "size": 1000,
        "attachments": ["plan.pdf"],
        "variants": [],
        "snippets": [{"field": "body", "text": "a word", "spans": [[2, 6]]}],
    }


def test_results_tell_the_total_and_what_was_cut(tmp_path: Path) -> None:
    """With hits there is no word about what was searched."""
    hit = Hit(a_view(tmp_path).line, ())
    answer = results_json(Results(total=7, hits=(hit,), searched=EMPTY, cut=("a",)))
    assert (answer["schema"], answer["total"], answer["cut"]) == (1, 7, ("a",))
    assert "searched" not in answer


def test_results_without_a_hit_tell_what_was_searched() -> None:
    """An empty archive as well."""
    answer = results_json(Results(total=0, hits=(), searched=replace(EMPTY, first=SENT)))
    assert json.loads(json.dumps(answer)) == {
        "schema": 1,
        "total": 0,
        "hits": [],
        "searched": {
            "records": 0,
            "accounts": [],
            "first": "2026-03-02T09:30:00+00:00",
            "last": None,
            "engagements": [],
            "attachments_unread": 0,
            "unreadable": 0,
            "unfetched": 0,
        },
    }


def test_dates_follow_rfc_3339() -> None:
    """Whole minutes of offset, whole seconds; an odd offset becomes UTC."""
    odd = timezone(timedelta(minutes=9, seconds=21))
    assert rfc3339(SENT.astimezone(odd).replace(microsecond=5)) == "2026-03-02T09:30:00+00:00"
    assert rfc3339(SENT.replace(year=33)) == "0033-03-02T09:30:00+00:00"


def test_a_view_tells_everything(tmp_path: Path) -> None:
    """Reasons of tags, every sighting with its source, the attachments numbered from 1."""
    told = json.loads(json.dumps(view_json(a_view(tmp_path))))
    assert told["tags"] == [{"engagement": "acme", "decided_by": "rule", "reason": "from Marie"}]
    assert [seen["source"]["kind"] for seen in told["sightings"]] == ["imap", "file", "hand"]
    assert (told["attachments"][0]["number"], told["attachments"][0]["text"]) == (1, "words")
    assert told["internaldate"] == told["date_header"].replace("T10:30:00+01", "T09:30:00+00")
    assert told["headers"] == [["Subject", "Offer"]]
    assert (told["schema"], told["readable"], told["message_id"]) == (1, True, "m1")


def test_csv_has_a_cell_for_each_column(tmp_path: Path) -> None:
    """Lists are joined."""
    row = csv_row(Hit(a_view(tmp_path).line, ()))
    cells = dict(zip(CSV_HEADER, row, strict=True))
    assert cells["to"] == "us@consultant.example; Marie Client <marie@client.example>"
    assert (cells["size"], cells["engagements"]) == ("1000", "acme")


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    """A spreadsheet must not run what a stranger wrote in a subject."""
    hit = Hit(a_view(tmp_path, subject='=HYPERLINK("http://x")').line, ())
    assert csv_row(hit)[CSV_HEADER.index("subject")] == '\'=HYPERLINK("http://x")'


def test_words_for_people_say_what_was_searched() -> None:
    """And what could not be."""
    searched = Searched(
        records=2,
        accounts=("home", "work"),
        first=SENT,
        last=SENT,
        attachments_unread=1,
        unreadable=3,
        unfetched=4,
        engagements=(),
    )
    assert searched_lines(searched) == (
        "2 records, dated 2026-03-02 to 2026-03-02",
        "accounts: home, work",
        "engagements with records: none",
        "not searched: the words of 1 attachment, which this version cannot read",
        "not searched: 3 records that could not be read",
        "not searched: 4 messages that the last sync could not fetch",
    )
    assert searched_lines(EMPTY)[0] == "0 records"


def test_words_for_people_describe_a_record(tmp_path: Path) -> None:
    """Empty lines are left out; what only attributes told is said to be so."""
    labelled = view_lines(a_view(tmp_path), UTC)
    told = dict(labelled)
    assert told["Date"] == "2026-03-02 09:30+00:00"
    assert told["Engagement"] == "acme (from Marie)"
    assert "Cc" not in told
    seen = [value for label, value in labelled if label == "Seen"]
    assert seen[0] == "work/Sent UID 7, 2026-11-20 08:00+00:00"
    assert seen[2].startswith("handed in (presumed: told by its attributes, bytes not read)")


def test_a_date_that_is_not_the_headers_says_so(tmp_path: Path) -> None:
    """People must not take the server's date for the author's."""
    view = a_view(tmp_path)
    dates = [
        dict(view_lines(replace(view, line=replace(view.line, date_basis=basis)), UTC))["Date"]
        for basis in ("internaldate", "first-seen")
    ]
    assert dates == [
        "2026-03-02 09:30+00:00 (when the server received it)",
        "2026-03-02 09:30+00:00 (when the archive first saw it)",
    ]
