"""Journal entries as bytes."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archiver.evidence.journal.canonical import CodecError, canonical, parse
from archiver.evidence.journal.codec import decode, encode, type_of
from archiver.evidence.journal.journal import key, unkey
from archiver.model.digest import Digest, Position
from archiver.model.entries import (
    Config,
    Epoch,
    Export,
    FolderChange,
    FolderScan,
    Genesis,
    Payload,
    Record,
    Scan,
    Sighting,
    Tag,
    Undo,
    Unknown,
    Untag,
)
from archiver.model.sources import FileSource, HandSource, ImapSource

AT = datetime(2026, 3, 2, 9, 30, 0, 5, tzinfo=UTC)
SALT = bytes(range(16))

texts = st.text(st.characters(codec=None), max_size=12).filter(
    # Two surrogates in a row may be a pair, which is the character that they stand for.
    lambda text: text == text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
)
numbers = st.integers(0, 2**63 - 1)
positions = numbers.map(Position)
digests = st.binary(max_size=4).map(Digest.of)
offsets = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)).flatmap(  # noqa: DTZ001 - made aware below
    lambda moment: offsets.map(lambda offset: moment.replace(tzinfo=offset))
)
several_texts = st.lists(texts, max_size=2).map(tuple)
uid_sets = st.lists(st.tuples(texts, texts), max_size=2).map(tuple)
sources = st.one_of(
    st.builds(
        ImapSource,
        account=texts,
        host=texts,
        certificate=st.none() | digests.map(str),
        folder=texts,
        uidvalidity=numbers,
        uid=numbers,
        labels=several_texts,
        gmail_id=texts,
    ),
    st.builds(
        FileSource,
        path=texts,
        member=numbers,
        offset=numbers,
        folder=texts,
        labels=several_texts,
        made_from=texts,
    ),
    st.just(HandSource()),
)
scopes = st.sampled_from(["message", "thread", "sender", "query"])
payloads: st.SearchStrategy[Payload] = st.one_of(
    st.builds(Genesis, archive=texts),
    st.builds(Record, object=digests, size=numbers, kind=texts),
    st.builds(
        Sighting,
        record=positions,
        source=sources,
        internaldate=st.none() | times,
        flags=st.lists(texts, max_size=3).map(tuple),
        match=st.sampled_from(["digest", "attributes"]),
    ),
    st.builds(
        Epoch, account=texts, folder=texts, uidvalidity=numbers, previous=st.none() | numbers
    ),
    st.builds(
        Scan,
        account=texts,
        folders=st.lists(
            st.builds(
                FolderScan,
                folder=texts,
                uidvalidity=numbers,
                exists=numbers,
                kept=texts,
                role=st.none() | texts,
                failed=st.lists(st.tuples(numbers, texts), max_size=2).map(tuple),
                looked=texts,
                full=st.booleans(),
                unkept=uid_sets,
                near=uid_sets,
                postponed=texts,
            ),
            max_size=2,
        ).map(tuple),
        heartbeat=st.booleans(),
        rules=st.none() | digests,
        since=st.none() | times.map(lambda moment: moment.astimezone(UTC)),
        attempts=numbers,
        reason=texts,
    ),
    st.builds(
        FolderChange,
        account=texts,
        folder=texts,
        change=st.sampled_from(["gone", "renamed", "back"]),
        uidvalidity=numbers,
        previous=texts,
    ),
    st.builds(Config, name=texts, object=st.none() | digests, size=numbers),
    st.builds(Tag, record=positions, engagement=texts, scope=scopes, decision=texts),
    st.builds(Untag, record=positions, engagement=texts, scope=scopes, decision=texts),
    st.builds(Undo, entry=positions),
    st.builds(
        Export,
        engagement=texts,
        numbers=st.lists(st.tuples(numbers, positions), max_size=3).map(tuple),
        manifest=digests,
    ),
)


def written(payload: Payload) -> bytes:
    """Return the entry that says PAYLOAD."""
    return encode(payload, at=AT, actor="archiver", software="archiver 0.1", salt=SALT)


@given(payloads, times, texts)
def test_what_is_written_is_read_back(payload: Payload, at: datetime, actor: str) -> None:
    """Every payload, with whatever text a server or file system made up."""
    body = encode(payload, at=at, actor=actor, software="s", salt=SALT)
    entry = decode(7, body)
    assert (entry.position, entry.payload, entry.at, entry.actor) == (7, payload, at, actor)
    assert canonical(parse(body)) == body


@given(payloads)
def test_an_entry_is_utf8_without_white_space_and_sorted(payload: Payload) -> None:
    """Anyone can write the same bytes with any JSON library."""
    fields = json.loads(written(payload).decode())
    assert list(fields) == sorted(fields)
    assert {"v", "type", "salt", "at", "actor", "sw"} <= set(fields)


def test_a_sighting_looks_as_documented() -> None:
    """The bytes are a format: they never change."""
    source = ImapSource(
        account="work", host="h", certificate=None, folder="Été", uidvalidity=9, uid=4
    )
    when = datetime(2026, 3, 2, 10, 30, tzinfo=timezone(timedelta(hours=1)))
    sighting = Sighting(record=Position(3), source=source, internaldate=when, flags=("\\Seen",))
    assert written(sighting).decode() == (
        '{"actor":"archiver","at":"2026-03-02T09:30:00.000005Z","flags":["\\\\Seen"],'
        '"internaldate":"2026-03-02T10:30:00+01:00","match":"digest","record":3,'
        '"salt":"000102030405060708090a0b0c0d0e0f","source":{"account":"work","certificate":null,'
        '"folder":"Été","host":"h","kind":"imap","uid":4,"uidvalidity":9},"sw":"archiver 0.1",'
        '"type":"sighting","v":1}'
    )


def test_a_scan_that_says_nothing_new_looks_as_it_always_did() -> None:
    """What came with later versions is left out where there is nothing to say."""
    folder = FolderScan(folder="INBOX", uidvalidity=9, exists=2, kept="1:2", failed=((3, "gone"),))
    assert written(Scan(account="work", folders=(folder,))).decode() == (
        '{"account":"work","actor":"archiver","at":"2026-03-02T09:30:00.000005Z","folders":'
        '[{"exists":2,"failed":[[3,"gone"]],"folder":"INBOX","kept":"1:2","role":null,'
        '"uidvalidity":9}],"heartbeat":false,"salt":"000102030405060708090a0b0c0d0e0f",'
        '"sw":"archiver 0.1","type":"scan","v":1}'
    )


def test_what_a_scan_says_more_looks_as_documented() -> None:
    """The bytes are a format: they never change."""
    folder = FolderScan(
        folder="INBOX",
        uidvalidity=9,
        exists=5,
        kept="1",
        looked="1:5",
        full=True,
        unkept=(("no engagement", "2:3"),),
        near=(("same name", "3"),),
        postponed="4:5",
    )
    scan = Scan(
        account="work",
        folders=(folder,),
        rules=Digest.of(b"rules"),
        since=AT,
        attempts=3,
        reason="refused",
    )
    fields = json.loads(written(scan))
    assert (fields["rules"], fields["since"]) == (
        Digest.of(b"rules").hex,
        "2026-03-02T09:30:00.000005Z",
    )
    assert (fields["attempts"], fields["reason"]) == (3, "refused")
    assert fields["folders"] == [
        {
            "folder": "INBOX",
            "uidvalidity": 9,
            "exists": 5,
            "kept": "1",
            "failed": [],
            "role": None,
            "looked": "1:5",
            "full": True,
            "unkept": [["no engagement", "2:3"]],
            "near": [["same name", "3"]],
            "postponed": "4:5",
        }
    ]


def test_a_renamed_folder_looks_as_documented() -> None:
    """A name that it did not have before is not written."""
    change = FolderChange(
        account="work", folder="New", change="renamed", uidvalidity=9, previous="Old"
    )
    fields = json.loads(written(change))
    assert fields["type"] == "folder-change"
    assert (fields["folder"], fields["change"], fields["previous"]) == ("New", "renamed", "Old")
    gone = FolderChange(account="work", folder="New", change="gone", uidvalidity=9)
    assert "previous" not in json.loads(written(gone))


def test_labels_stand_in_the_source() -> None:
    """Gmail's and those of a Takeout; an ordinary mailbox has none, and says nothing of them."""
    source = ImapSource(
        account="work",
        host="h",
        certificate=None,
        folder="All",
        uidvalidity=9,
        uid=4,
        labels=("ACME", "\\Sent"),
        gmail_id="1278455344230334865",
    )
    sighting = Sighting(record=Position(3), source=source, internaldate=None, flags=())
    fields = json.loads(written(sighting))["source"]
    assert (fields["labels"], fields["gmail_id"]) == (["ACME", "\\Sent"], "1278455344230334865")
    taken = FileSource(
        path="/t.mbox", member=0, offset=0, labels=("ACME",), folder="", made_from=""
    )
    fields = json.loads(
        written(Sighting(record=Position(3), source=taken, internaldate=None, flags=()))
    )["source"]
    assert fields == {
        "kind": "file",
        "path": "/t.mbox",
        "member": 0,
        "offset": 0,
        "labels": ["ACME"],
    }


def test_a_record_says_nothing_of_where_it_was_filed() -> None:
    """Proving a record must not tell how its owner files mail."""
    record = Record(object=Digest.of(b"x"), size=1, kind="mail")
    fields = json.loads(written(record))
    assert set(fields) == {"v", "type", "salt", "at", "actor", "sw", "object", "size", "kind"}


def test_a_lone_surrogate_is_written_as_its_escape() -> None:
    """A file name that is no UTF-8 must not stop the journal."""
    body = written(Epoch(account="a", folder="b\udc80", uidvalidity=1, previous=None))
    assert rb'"folder":"b\udc80"' in body
    match decode(0, body).payload:
        case Epoch(folder=folder):
            assert folder == "b\udc80"
        case other:
            pytest.fail(f"read back as {other}")


def test_an_offset_with_seconds_becomes_utc() -> None:
    """RFC 3339 cannot say it."""
    odd = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(seconds=3601)))
    sighting = Sighting(record=Position(0), source=HandSource(), internaldate=odd, flags=())
    assert b'"internaldate":"2026-01-01T10:59:59.000000Z"' in written(sighting)


def test_a_time_without_offset_is_refused() -> None:
    """Nobody could say later when it was."""
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - that is the point
    with pytest.raises(ValueError, match="offset"):
        encode(Genesis(archive=""), at=naive, actor="", software="", salt=SALT)


def test_an_unknown_type_is_read_and_never_written() -> None:
    """What a newer version wrote is kept as it is."""
    body = written(Undo(entry=Position(1))).replace(b'"undo"', b'"verdict"')
    payload = decode(0, body).payload
    assert payload == Unknown(type="verdict")
    assert type_of(payload) == "verdict"
    with pytest.raises(ValueError, match="verdict"):
        written(payload)


def test_another_version_of_a_known_type_is_unknown() -> None:
    """Its fields may mean something else."""
    body = written(Undo(entry=Position(1))).replace(b'"v":1', b'"v":2')
    assert decode(0, body).payload == Unknown(type="undo")


def test_a_number_too_large_to_read_back_is_not_written() -> None:
    """A hostile server counts as far as it likes."""
    with pytest.raises(ValueError, match="uidvalidity"):
        written(Epoch(account="a", folder="b", uidvalidity=2**63, previous=None))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"type":1}',
        b'{"v":1.0}',
        b"[" * 100_000,
        b'{"actor":"a","at":"2026-01-01T00:00:00","sw":"s","type":"undo","v":1,"entry":1}',
        b'{"actor":"a","at":"2026-01-01T00:00:00Z","sw":"s","type":"undo","v":1,"entry":-1}',
        b'{"actor":"a","at":"2026-01-01T00:00:00Z","sw":"s","type":"undo","v":1,"entry":true}',
    ],
)
def test_bytes_that_are_no_entry_are_refused(body: bytes) -> None:
    """With one kind of error, whatever is wrong."""
    with pytest.raises(CodecError):
        decode(0, body)


@given(texts)
def test_a_name_is_found_again_under_its_key(text: str) -> None:
    """SQLite gets UTF-8 whatever the name, and no two names share a key."""
    assert unkey(key(text)) == text
    key(text).encode()
