"""What is recognised without parsing is what the codec would have read."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from archiver.evidence.checks.named import lookup
from archiver.evidence.checks.usual import Usual
from archiver.evidence.journal import codec
from archiver.evidence.journal.canonical import CodecError, canonical, parse
from archiver.model.digest import Digest, Position
from archiver.model.entries import Record, Sighting
from archiver.model.sources import FileSource, HandSource, ImapSource

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SALT = bytes(range(16))

numbers = st.one_of(st.integers(0, 20), st.integers(0, 2**63 - 1))
texts = st.text(st.characters(codec="utf-8"), max_size=12)
wild = st.one_of(texts, st.sampled_from(["json:x", "\\Seen", 'a"b', "\udc80", "tab\t", "\x7f"]))
labels = st.lists(wild, max_size=2).map(tuple)
sources = st.one_of(
    st.builds(
        FileSource,
        path=wild,
        member=numbers,
        offset=numbers,
        folder=wild,
        labels=labels,
        made_from=wild,
    ),
    st.builds(
        ImapSource,
        account=wild,
        host=wild,
        certificate=st.none() | wild,
        folder=wild,
        uidvalidity=numbers,
        uid=numbers,
        labels=labels,
        gmail_id=wild,
    ),
    st.just(HandSource()),
)
zones = st.integers(-720, 720).map(lambda minutes: timezone(timedelta(minutes=minutes)))
sightings = st.builds(
    Sighting,
    record=numbers.map(Position),
    source=sources,
    internaldate=st.none() | st.datetimes(timezones=zones, min_value=datetime(1971, 1, 1)),  # noqa: DTZ001 - hypothesis wants it naive
    flags=st.lists(wild, max_size=3).map(tuple),
    match=st.sampled_from(["digest", "attributes"]),
)
digests = st.binary(min_size=32, max_size=32).map(lambda data: Digest(data.hex()))
records = st.builds(Record, object=digests, size=numbers, kind=wild)


def encoded(payload: Record | Sighting, actor: str = "archiver") -> bytes:
    """Return PAYLOAD as an entry."""
    return codec.encode(payload, at=AT, actor=actor, software="archiver test", salt=SALT)


def is_sound(body: bytes) -> Record | Sighting | None:
    """Return what BODY says when the codec has nothing against it."""
    try:
        payload = codec.decode(1, body).payload
    except CodecError:
        return None
    salt = parse(body).get("salt")
    if canonical(parse(body)) != body or not isinstance(salt, str) or len(salt) != 32:
        return None
    return payload if isinstance(payload, Record | Sighting) else None


def agree(body: bytes) -> bool:
    """Tell whether BODY was recognised; then the codec must say the same."""
    payload = is_sound(body)
    row, seen = Usual().record(body), Usual().sighting(body)
    if row is not None:
        assert isinstance(payload, Record)
        assert lookup(payload) == ("record", row)
    if seen is not None:
        assert isinstance(payload, Sighting)
        record, table, place = seen
        assert record == payload.record
        assert lookup(payload) == (table, place)
    return row is not None or seen is not None


@given(records | sightings, wild)
def test_an_entry_is_read_as_the_codec_reads_it(payload: Record | Sighting, actor: str) -> None:
    """Or left to the codec."""
    agree(encoded(payload, actor))


@given(records | sightings, st.data())
def test_a_changed_entry_is_not_taken_for_a_sound_one(
    payload: Record | Sighting, data: st.DataObject
) -> None:
    """Wherever a byte is changed, removed or put in."""
    body = encoded(payload)
    place = data.draw(st.integers(0, len(body) - 1))
    new = data.draw(st.binary(max_size=2))
    changed = body[:place] + new + body[place + data.draw(st.integers(0, 2)) :]
    assume(changed != body)
    agree(changed)


@pytest.mark.parametrize(
    "payload",
    [
        Record(object=Digest.of(b"x"), size=3, kind="mail"),
        Sighting(
            record=Position(2),
            source=FileSource(path="/mäil/1.eml", member=0, offset=7),
            internaldate=None,
            flags=(),
        ),
        Sighting(
            record=Position(2),
            source=ImapSource(
                account="work",
                host="imap.example",
                certificate=None,
                folder="INBOX",
                uidvalidity=1,
                uid=7,
            ),
            internaldate=AT,
            flags=("\\Seen", "$label"),
        ),
        Sighting(
            record=Position(2),
            source=ImapSource(
                account="work",
                host="imap.gmail.example",
                certificate="ab",
                folder="[Gmail]/All Mail",
                uidvalidity=1,
                uid=7,
                labels=("\\Inbox", "Clients/ACME"),
                gmail_id="1278455344230334865",
            ),
            internaldate=AT,
            flags=(),
            match="attributes",
        ),
        Sighting(
            record=Position(2),
            source=FileSource(
                path="/mail.pst", member=3, offset=0, folder="Inbox", labels=("a",), made_from="pst"
            ),
            internaldate=None,
            flags=(),
        ),
    ],
)
def test_the_usual_entries_are_recognised(payload: Record | Sighting) -> None:
    """Else nothing would be gained."""
    assert agree(encoded(payload))


@pytest.mark.parametrize(
    "change",
    [
        (b'"v":1', b'"v":2'),
        (b"2026-03-02", b"2026-13-02"),
        (b'"size":3', b'"size":03'),
        (b'"size":3', b'"size":99999999999999999999'),
        (b'"kind":"mail"', b'"kind":"mail" '),
        (b"000102", b"00010g"),
        (b'"mail"', b'"ma\xffil"'),
    ],
)
def test_a_record_that_is_not_as_it_should_be_is_left_to_the_codec(
    change: tuple[bytes, bytes],
) -> None:
    """Which says what is wrong with it."""
    body = encoded(Record(object=Digest.of(b"x"), size=3, kind="mail"))
    assert change[0] in body
    assert not agree(body.replace(*change))


def test_many_times_do_not_fill_the_memory() -> None:
    """Only so many are remembered."""
    usual = Usual()
    for number in range(2500):
        at = AT + timedelta(seconds=number)
        record = Record(object=Digest.of(b"x"), size=3, kind="mail")
        assert usual.record(codec.encode(record, at=at, actor="", software="", salt=SALT))
    assert len(usual._times) <= 1000
