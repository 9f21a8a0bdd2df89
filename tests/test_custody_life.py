"""What happened to the archive and to one record, in words without the tree's vocabulary."""

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from evidence_case import by_hand, in_file, seen

from archiver.custody.acts import TYPES, Act, acts
from archiver.custody.life import life
from archiver.errors import UsageError
from archiver.evidence.checkpoints.outside import Outside
from archiver.evidence.checkpoints.signing import sign_checkpoint
from archiver.evidence.erasure import erase
from archiver.evidence.store import Evidence
from archiver.model.anchors import Anchor, KeyRotate, Restore
from archiver.model.custody import Hold, Note, Release, Restrict
from archiver.model.digest import Digest, Position
from archiver.model.entries import Export, FolderScan, Scan, Tag, Undo, Untag, Vanished
from archiver.model.origin import Origin

WHO = "person:test"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TREE = re.compile(r"\b(leaf|leaves|root|merkle|inclusion|tree)\b", re.IGNORECASE)


class Clock:
    """A clock that tests put forward."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return the archive's clock."""
    return Clock()


@pytest.fixture
def archive(tmp_path: Path, clock: Clock) -> Evidence:
    """Make an empty archive."""
    return Evidence.create(tmp_path / "archive", clock=clock, entropy=os.urandom, software="test")


def kept(archive: Evidence, data: bytes = b"one", **where: object) -> Position:
    """Keep a record and return its position."""
    archive.keep([seen(data, **where)])  # type: ignore[arg-type]
    position = archive.position_of(Digest.of(data))
    assert position is not None
    return position


def types(found: "tuple[Act, ...] | list[Act]") -> list[str]:
    """Return the types of acts."""
    return [act.type for act in found]


# --- one record ----------------------------------------------------------------------------------


def test_a_record_was_kept_and_seen(archive: Evidence) -> None:
    """Oldest first: its own entry, then every place it was seen in."""
    position = kept(archive, folder="INBOX", uid=7)
    kept(archive, folder="Archive", uid=9)
    archive.keep([in_file(b"one", member=2, path="/old.mbox"), by_hand(b"one")])
    said = [act.what for act in life(archive, position)]
    assert said == [
        "Kept, 3 bytes.",
        "Seen in INBOX of work (UID 7).",
        "Seen in Archive of work (UID 9).",
        "Read from /old.mbox, message 3.",
        "Handed in by a person.",
    ]


def test_other_records_do_not_show(archive: Evidence) -> None:
    """Also where a number begins like this one's."""
    position = kept(archive)
    for number in range(40):
        kept(archive, b"other %d" % number, uid=100 + number)
    archive.append([Tag(record=Position(position * 10), engagement="a")], actor=WHO)
    assert types(life(archive, position)) == ["record", "sighting"]


def test_decisions_of_persons_are_told_with_who_and_when(archive: Evidence, clock: Clock) -> None:
    """Tags, their undoing, withholding with its words."""
    position = kept(archive)
    clock.now += timedelta(days=1)
    (tag,) = archive.append([Tag(record=position, engagement="acme")], actor=WHO)
    archive.append([Undo(entry=tag), Untag(record=position, engagement="acme")], actor=WHO)
    (restrict,) = archive.append([Restrict(record=position)], actor=WHO)
    archive.append([Note(entry=restrict, records=(position,), words="our lawyer's")], actor=WHO)
    archive.append([Release(entry=restrict)], actor=WHO)
    found = life(archive, position)[2:]
    assert types(found) == ["tag", "undo", "untag", "restrict", "release"]
    assert {act.actor for act in found} == {WHO}
    assert {act.at for act in found} == {clock.now}
    assert found[3].words == "our lawyer's"
    assert found[0].what == "1 record was said to belong to acme."


def test_exports_are_told_with_number_and_recipient(archive: Evidence) -> None:
    """To whom it went is what an erasure request asks."""
    position = kept(archive)
    for engagement, recipient in (("acme", "Me Durand"), ("", "the court"), ("acme", "")):
        export = Export(
            engagement=engagement,
            numbers=((3, position),),
            manifest=Digest.of(b"m"),
            recipient=recipient,
        )
        archive.append([export], actor=WHO)
    assert [act.what for act in life(archive, position)[2:]] == [
        "Handed over as exhibit 3 of acme. It is for Me Durand.",
        "Its proof was written. It is for the court.",
        "Handed over as exhibit 3 of acme.",
    ]


def test_a_message_that_vanished_is_told(archive: Evidence) -> None:
    """From the folder that it was seen in; the others are not meant."""
    position = kept(archive, uid=7)
    for uids in ("6", "5:9"):
        vanished = Vanished(account="work", folder="INBOX", uidvalidity=1, uids=uids)
        archive.append([vanished])
    (act,) = life(archive, position)[2:]
    assert act.what == "No longer in INBOX of work; kept here."


def test_holds_of_the_record_and_of_its_engagement_are_told(archive: Evidence) -> None:
    """And when they ended; other engagements' holds are not its own."""
    position = kept(archive)
    (hold,) = archive.append([Hold(engagement="acme")], actor=WHO)
    archive.append([Hold(engagement="other"), Hold(engagement=None, records=(position,))])
    archive.append([Release(entry=hold)], actor=WHO)
    assert types(life(archive, position)[2:]) == ["hold"]
    of_acme = life(archive, position, engagements=["acme"])[2:]
    assert types(of_acme) == ["hold", "hold", "release"]


def test_the_first_time_stamp_that_covers_it_is_told(archive: Evidence) -> None:
    """One that covers less says nothing of it; later ones are counted."""
    position = kept(archive)
    for size in (position, position + 1, position + 2):
        anchor = Anchor(
            size=size,
            checkpoint=Digest.of(b"c"),
            authority=f"tsa{size}",
            response=Digest.of(b"r"),
            time=START,
        )
        archive.append([anchor])
    (act,) = life(archive, position)[2:]
    assert act.what == (
        f"First covered by a time-stamp: tsa{position + 1}, 2026-03-02T09:00:00+00:00. "
        "1 later one covers it too."
    )


def test_its_origin_is_told(archive: Evidence) -> None:
    """Captured in part, then wholly."""
    position = kept(archive)
    archive.append(
        [Origin(record=position, complete=False), Origin(record=position, complete=True)]
    )
    first, second = life(archive, position)[2:]
    assert "in part" in first.what
    assert second.what.startswith("Its origin was captured:")


def test_the_life_of_an_erased_record_ends_under_an_entry(archive: Evidence) -> None:
    """What is left is told: when it was kept, whom it went to, why it was erased; no words."""
    position = kept(archive)
    archive.append([Tag(record=position, engagement="acme")], actor=WHO)
    (announced,) = erase(archive, [position], basis="GDPR 17 (1) (b)", actor=WHO)
    found = life(archive, position)
    assert found[0].position == position
    assert found[0].what == f"What stood here was erased under entry {announced}."
    assert types(found)[1:] == ["tag", "erase", "erased"]
    assert found[-2].what == "It is to be erased: GDPR 17 (1) (b)"
    assert found[-1].what == f"Erased under entry {announced}."


def test_another_entry_is_one_act(archive: Evidence) -> None:
    """Its number is all that is asked for."""
    assert [act.what for act in life(archive, Position(0))] == ["The archive was made."]
    with pytest.raises(UsageError, match="The journal has no entry 99") as error:
        life(archive, Position(99))
    assert error.value.advice == "It has 1 entries, counted from 0."


# --- the archive ---------------------------------------------------------------------------------


def test_acts_are_newest_first_and_records_counted_together(archive: Evidence) -> None:
    """A synchronisation of a thousand messages is one line."""
    archive.keep([seen(b"%d" % number, number + 1) for number in range(1000)])
    archive.append([Scan(account="work", folders=(_scan("1:1000", ((7, "x"),)),))])
    archive.keep([in_file(b"a"), in_file(b"b", 1), in_file(b"0", 2)])
    assert [act.what for act in acts(archive)] == [
        "2 records were kept (from files); 1 known one was seen in another place.",
        "Synchronised work: 1000 messages are here or presumed to be. 1 could not be fetched.",
        "1000 records were kept (work).",
        "Folder INBOX of work was met for the first time.",
        "The archive was made.",
    ]


def _scan(kept_: str, failed: tuple[tuple[int, str], ...] = ()) -> FolderScan:
    return FolderScan(folder="INBOX", uidvalidity=1, exists=1000, kept=kept_, failed=failed)


def test_imports_of_different_days_are_different_acts(archive: Evidence, clock: Clock) -> None:
    """Nothing else need stand between them; a long one is one act all the same."""
    for number in range(60):
        archive.keep([in_file(b"%d" % number, number)])
        clock.now += timedelta(minutes=5)
    clock.now += timedelta(days=1)
    archive.keep([in_file(b"next", 99)])
    found = [act for act in acts(archive) if act.type == "record"]
    assert [act.records for act in found] == [1, 60]
    assert found[0].at - found[1].at == timedelta(days=1, minutes=5)


def test_imports_by_separate_commands_are_different_acts(archive: Evidence, clock: Clock) -> None:
    """However soon one came after the other: each command signs when it is done."""
    outside = Outside(archive.root.parent / "state", archive.archive_id)
    archive.keep([in_file(b"zero", 7)])
    sign_checkpoint(archive, outside, entropy=os.urandom)
    for number in range(3):
        archive.keep([in_file(b"%d" % number, number)])
        clock.now += timedelta(minutes=2)
        archive.keep([in_file(b"and %d" % number, 9 + number)])
        sign_checkpoint(archive, outside, entropy=os.urandom)
        clock.now += timedelta(minutes=1)
    found = [act for act in acts(archive) if act.type == "record"]
    assert [act.records for act in found] == [2, 2, 2, 1]
    assert found[0].began is not None
    assert found[0].at - found[0].began == timedelta(minutes=2)
    assert found[0].began - found[1].at == timedelta(minutes=1)


def test_one_decision_is_one_act(archive: Evidence) -> None:
    """A query tagged three hundred records."""
    records = [kept(archive, b"%d" % number, uid=number + 1) for number in range(3)]
    tags = [Tag(record=record, engagement="acme", decision="d1") for record in records]
    archive.append([*tags, Tag(record=records[0], engagement="b", decision="d2")], actor=WHO)
    found = list(acts(archive, types=["tag"]))
    assert [(act.what, act.records) for act in found] == [
        ("1 record was said to belong to b.", 1),
        ("3 records were said to belong to acme.", 3),
    ]
    assert found[0].record == records[0]
    assert found[1].record is None


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (["tag"], ["tag"]),
        (["record"], ["record"]),
        (["origin"], ["origin"]),
        (["note"], ["note"]),
        (["restrict"], ["restrict"]),
        (["scan", "erase"], []),
    ],
)
def test_acts_of_some_types_can_be_asked_for(
    archive: Evidence, wanted: list[str], expected: list[str]
) -> None:
    """Whatever stands between them."""
    position = kept(archive)
    archive.append([Origin(record=position, complete=True)])
    archive.append([Tag(record=position, engagement="a")], actor=WHO)
    (restrict,) = archive.append([Restrict(record=position)], actor=WHO)
    archive.append([Note(entry=restrict, records=(position,), words="why")], actor=WHO)
    assert types(list(acts(archive, types=wanted))) == expected


def test_a_note_is_told_with_its_act(archive: Evidence) -> None:
    """Not as a line of its own."""
    position = kept(archive)
    (restrict,) = archive.append([Restrict(record=position)], actor=WHO)
    archive.append([Note(entry=restrict, records=(position,), words="why")], actor=WHO)
    newest = next(acts(archive))
    assert (newest.type, newest.words, newest.record) == ("restrict", "why", position)


def test_a_period_can_be_asked_for(archive: Evidence, clock: Clock) -> None:
    """From a moment on, up to another."""
    position = kept(archive)
    for _day in range(3):
        clock.now += timedelta(days=1)
        archive.append([Tag(record=position, engagement="a")], actor=WHO)
    found = list(acts(archive, after=START + timedelta(days=2), before=START + timedelta(days=3)))
    assert [act.at for act in found] == [START + timedelta(days=2)]


def test_every_type_has_words_and_none_of_them_is_the_trees(archive: Evidence) -> None:
    """Leaf, root and Merkle are for whoever verifies, not for whoever reads the journal."""
    position = kept(archive)
    digest = Digest.of(b"x")
    archive.append(
        [
            KeyRotate(previous=None, key="k", reason="first"),
            KeyRotate(previous="k", key="l", reason="rotated"),
            KeyRotate(previous="k", key="l", reason="something else"),
            Anchor(size=2, checkpoint=digest, authority="tsa", response=digest, time=START),
            Restore(size=12, root=digest),
            Hold(engagement=None, records=(position,)),
            Release(record=position),
            Scan(account="work", folders=(), heartbeat=True),
            Origin(record=position, complete=True),
        ]
    )
    erase(archive, [position], basis="x", actor=WHO)
    found = list(acts(archive))
    assert {act.type for act in found} <= set(TYPES) | {"sighting"}
    for act in found:
        assert act.what.endswith((".", "x")), act
        assert not TREE.search(act.what), act


def test_twenty_acts_of_a_large_journal_are_read_without_the_rest(
    archive: Evidence,
) -> None:
    """Few entries are decoded, however many there are."""
    from itertools import islice

    for batch in range(20):
        archive.keep([in_file(b"%d %d" % (batch, n), batch * 100 + n) for n in range(100)])
        archive.append([Tag(record=Position(2), engagement="a")], actor=WHO)
    decoded = _counting(archive)
    assert len(list(islice(acts(archive), 20))) == 20
    assert decoded() < 400


def _counting(archive: Evidence) -> Callable[[], int]:
    count = 0
    rows = archive.journal.rows

    def counted(start: int, stop: int):  # type: ignore[no-untyped-def] # noqa: ANN202 - a probe
        nonlocal count
        for row in rows(start, stop):
            count += 1
            yield row

    archive.journal.rows = counted  # type: ignore[method-assign]
    return lambda: count
