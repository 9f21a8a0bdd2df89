"""An erased record leaves nothing in the originals but leaves, and whatever stops it is finished."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from evidence_case import KillingDisk, RecordingDisk, by_hand, create, in_file, reopen, seen
from origins import held

from archiver.errors import LockedError, OperationError
from archiver.evidence.checks.check import verify
from archiver.evidence.erasure import complete_erasures, erase, pending
from archiver.evidence.journal.database import Database
from archiver.evidence.journal.merkle import leaf_hash, root_of
from archiver.evidence.store import Evidence
from archiver.model.custody import Emptied, Erase, Erased, Hold, Note
from archiver.model.digest import Digest, Position
from archiver.model.entries import Entry, Record, Sighting
from archiver.model.origin import KeySeen, Origin

SECRET = b"Subject: Zugzwang\r\n\r\nthe quick xylophone\r\n"
OTHER = b"Subject: other\r\n\r\nanother mail\r\n"
THIRD = b"Subject: third\r\n\r\na third mail\r\n"
POINTS = (
    "mirror-synced",
    "object-removed",
    "object-folder-synced",
    "commit",
    "committed",
    "vacuumed",
    "log-emptied",
)
posix = pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX")


def traces(root: Path, *data: bytes) -> list[str]:
    """Return the files that hold the bytes, or the digest, of any of DATA."""
    needles = [
        needle
        for each in data
        for needle in (each, Digest.of(each).hex.encode(), bytes.fromhex(Digest.of(each).hex))
    ]
    return [
        path.relative_to(root).as_posix()
        for path in sorted(root.rglob("*"))
        if path.is_file()
        and any(needle in path.read_bytes() or needle in path.name.encode() for needle in needles)
    ]


def leaves_of(evidence: Evidence) -> list[bytes]:
    """Return all leaves."""
    return list(evidence.journal.leaves())


def types_at(evidence: Evidence) -> dict[int, str]:
    """Return the types of the emptied entries by position."""
    return {
        entry.position: entry.payload.type
        for entry in evidence.entries()
        if isinstance(entry.payload, Emptied)
    }


def fill(evidence: Evidence) -> tuple[Position, Position]:
    """Keep two mails, the first seen in many places; return the records' positions."""
    first, second = evidence.keep([seen(SECRET, 1), seen(OTHER, 2)])
    evidence.keep([seen(SECRET, 7, folder="Archive"), in_file(SECRET, path="/mail/Zugzwang.eml")])
    evidence.keep([by_hand(SECRET)])
    return first.position, second.position


def signed(record: Position, key: Position, domain: str = "zugzwang.example") -> Origin:
    """Return the origin of a record with one signature."""
    signature = held(key, domain)
    return Origin(record=record, complete=True, signatures=(signature,), from_domain=domain)


def test_nothing_of_an_erased_record_is_left_but_its_leaves(tmp_path: Path) -> None:
    """Bytes, digest and file name are gone from every file; the tree is as it was, and longer."""
    with create(tmp_path) as evidence:
        first, second = fill(evidence)
        before = leaves_of(evidence)
        root = evidence.tree_root()
        (entry,) = erase(evidence, [first], basis="GDPR 17", actor="person:me")
        assert leaves_of(evidence)[: len(before)] == before
        assert root_of(leaves_of(evidence)[: len(before)]) == root
        assert evidence.read(evidence.record(second).object) == OTHER
        assert set(types_at(evidence).values()) == {"record", "sighting"}
        assert len(types_at(evidence)) == 5
        assert traces(tmp_path, SECRET) == []
        assert not any(b"Zugzwang" in path.read_bytes() for path in files(tmp_path))
    with reopen(tmp_path) as evidence:
        payload = next(evidence.entries(entry, entry + 1)).payload
        assert isinstance(payload, Erase)
        assert payload.basis == "GDPR 17"
        assert payload.records == (first,)
        assert payload.entries == tuple(sorted(types_at(evidence)))
        assert [leaf.hex for leaf in payload.leaves] == [
            before[position].hex() for position in payload.entries
        ]
        assert [bytes.fromhex(leaf.hex) for leaf in payload.leaves] != [
            leaf_hash(evidence.raw_entry(position)) for position in payload.entries
        ]
        (last,) = evidence.entries(evidence.size - 1)
        assert last.payload == Erased(erase=entry)
        assert evidence.count_records() == 1
        assert evidence.tree_root() == root_of(evidence.mirror.leaves())


def files(root: Path) -> Iterator[Path]:
    """Yield every file."""
    return (path for path in root.rglob("*") if path.is_file())


def test_an_erased_uid_is_not_fetched_again(tmp_path: Path) -> None:
    """It stays known, and no sync calls it vanished."""
    with create(tmp_path) as evidence:
        first, _second = fill(evidence)
        erase(evidence, [first], basis="asked", actor="person:me")
        assert evidence.known_uids("work", "INBOX", 1) == {1, 2}
        assert evidence.present_uids("work", "INBOX", 1) == {2}
        assert evidence.known_uids("work", "Archive", 1) == {7}


def test_erased_bytes_that_are_met_again_are_a_new_record(tmp_path: Path) -> None:
    """Nothing is left by which a file import could know them."""
    with create(tmp_path) as evidence:
        first, _second = fill(evidence)
        erase(evidence, [first], basis="asked", actor="person:me")
        (kept,) = evidence.keep([in_file(SECRET, path="/mail/Zugzwang.eml")])
        assert kept.new
        assert kept.position > first
        assert evidence.read(kept.digest) == SECRET
        erase(evidence, [kept.position], basis="asked", actor="person:me")
        assert traces(tmp_path, SECRET) == []


def test_other_bytes_under_an_erased_uid_stay(tmp_path: Path) -> None:
    """The UID is known all the same."""
    with create(tmp_path) as evidence:
        first, second = evidence.keep([seen(SECRET, 1), seen(OTHER, 1)])
        erase(evidence, [second.position], basis="asked", actor="person:me")
        assert traces(tmp_path, OTHER) == []
        assert evidence.read(first.digest) == SECRET
        assert evidence.known_uids("work", "INBOX", 1) == {1}


def test_notes_and_origins_are_emptied_with_their_record(tmp_path: Path) -> None:
    """Free words about it, what was verified of its sender, and the key that only it used."""
    answer, shared = b"raw DNS answer", b"another DNS answer"
    with create(tmp_path) as evidence:
        first, second = fill(evidence)
        objects = {Digest.of(data): data for data in (answer, shared)}
        own, common = evidence.append(
            [
                KeySeen(
                    name=f"s1._domainkey.{domain}",
                    object=Digest.of(data),
                    size=len(data),
                    validated=False,
                )
                for domain, data in (("zugzwang.example", answer), ("example.com", shared))
            ],
            objects=objects,
        )
        evidence.append(
            [signed(first, own), signed(first, common), signed(second, common, "example.com")]
        )
        (hold,) = evidence.append([Hold(engagement=None, records=(first, second))])
        evidence.append(
            [
                Note(entry=hold, records=(first, second), words="xylophone"),
                Note(entry=hold, records=(second,), words="stays"),
            ]
        )
        evidence.database.many(
            "INSERT INTO attempt VALUES (?, ?, 1, '')",
            [("dns:s9._domainkey.zugzwang.example", "2026-03-02"), ("anchor:x", "2026-03-02")],
        )
        erase(evidence, [first], basis="asked", actor="person:me")
        assert evidence.database.all("SELECT name FROM attempt") == [("anchor:x",)]
        emptied = list(types_at(evidence).values())
        assert (
            sorted(emptied) == ["key-seen", "note", "origin", "origin", "record"] + ["sighting"] * 4
        )
        assert traces(tmp_path, SECRET, answer) == []
        for word in (b"xylophone", b"zugzwang.example"):
            assert not any(word in path.read_bytes() for path in files(tmp_path))
        assert evidence.read(Digest.of(shared)) == shared
        assert evidence.database.number("SELECT count(*) FROM origin") == 1
        assert evidence.database.number("SELECT count(*) FROM key_seen") == 1
        report = verify(evidence, read_data=1.0)
        assert {finding.level for finding in report.findings} <= {"note"}
        assert any(
            isinstance(entry.payload, Note) and entry.payload.words == "stays"
            for entry in evidence.entries()
        )


def test_an_object_that_a_working_copy_needs_stays(tmp_path: Path) -> None:
    """The same bytes were mailed and kept as an engagement's file."""
    with create(tmp_path) as evidence:
        first, _second = fill(evidence)
        evidence.keep_config("engagements/acme.toml", SECRET, actor="person:me")
        erase(evidence, [first], basis="asked", actor="person:me")
        assert evidence.read(Digest.of(SECRET)) == SECRET


def test_many_records_are_announced_in_several_entries(tmp_path: Path) -> None:
    """So that no entry grows without bound."""
    with create(tmp_path) as evidence:
        kept = evidence.keep([seen(f"mail {number}".encode(), number) for number in range(1, 1101)])
        entries = erase(
            evidence, [each.position for each in kept[:1050]], basis="asked", actor="person:me"
        )
        assert len(entries) == 3
        assert evidence.count_records() == 50
        assert len(types_at(evidence)) == 2100
        assert pending(evidence) == ()


def test_what_is_not_there_is_not_erased(tmp_path: Path) -> None:
    """A position that is no record, or no longer one, refuses the whole."""
    with create(tmp_path) as evidence:
        first, second = fill(evidence)
        erase(evidence, [first], basis="asked", actor="person:me")
        size = evidence.size
        with pytest.raises(OperationError) as caught:
            erase(evidence, [first, second], basis="asked", actor="person:me")
        assert caught.value.what == (
            f"There is no record at position {first} of the journal any more."
        )
        assert evidence.size == size
        with pytest.raises(OperationError):
            evidence.append([Note(entry=Position(0), records=(first,), words="too late")])
        with pytest.raises(OperationError):
            evidence.append([signed(first, Position(0))])


def test_an_erased_record_says_under_which_entry(tmp_path: Path) -> None:
    """Whoever still holds its position is not sent to look for damage."""
    with create(tmp_path) as evidence:
        first, _second = fill(evidence)
        (entry,) = erase(evidence, [first], basis="asked", actor="person:me")
        with pytest.raises(OperationError) as caught:
            evidence.record(first)
    assert caught.value.what == f"Entry {first} of the journal was erased under entry {entry}."
    assert caught.value.advice.startswith(f"`archiver journal {entry}` says when")


def test_another_process_may_be_faster(tmp_path: Path) -> None:
    """What is to go besides the originals goes all the same; ``erased`` is said once."""
    with create(tmp_path) as evidence:
        first, _second = fill(evidence)
        calls: list[str] = []
        (entry,) = erase(
            evidence,
            [first],
            basis="asked",
            actor="person:me",
            announced=lambda: reopen(tmp_path).close(),
            emptied=lambda: calls.append("forgotten"),
        )
        said = [each for each in evidence.entries() if each.payload == Erased(erase=entry)]
        assert len(said) == 1
        assert calls == ["forgotten"]


def test_what_forbids_it_is_asked_under_the_write_lock(tmp_path: Path) -> None:
    """A hold that was placed meanwhile leaves everything as it was."""
    with create(tmp_path) as evidence:
        first, _second = fill(evidence)
        size = evidence.size

        def refuse() -> None:
            raise OperationError("Held.", advice="Release it.")

        with pytest.raises(OperationError, match="Held"):
            erase(evidence, [first], basis="asked", actor="person:me", allowed=refuse)
        assert evidence.size == size
        assert evidence.read(Digest.of(SECRET)) == SECRET


def test_what_is_journalled_between_announcement_and_emptying_goes_as_well(tmp_path: Path) -> None:
    """Another process sees the same bytes elsewhere: a second announcement covers it."""
    with create(tmp_path) as evidence:
        first, _second = fill(evidence)

        def meanwhile() -> None:
            evidence.keep([seen(SECRET, 9, folder="Zugzwang")])

        erase(evidence, [first], basis="asked", actor="person:me", announced=meanwhile)
        announced = [entry for entry in evidence.entries() if isinstance(entry.payload, Erase)]
        assert len(announced) == 2
        assert pending(evidence) == ()
        covered = {
            position
            for entry in announced
            if isinstance(entry.payload, Erase)
            for position in entry.payload.entries
        }
        assert covered == set(types_at(evidence))
        assert traces(tmp_path, SECRET) == []
        assert evidence.known_uids("work", "Zugzwang", 1) == {9}


def test_a_reader_that_keeps_old_pages_is_told_and_waited_out(tmp_path: Path) -> None:
    """``erased`` is not written before they are gone; the next opening goes on."""
    with create(tmp_path) as evidence:
        first, _second = fill(evidence)
    with reopen(tmp_path, lock_wait=0.1) as evidence:
        reader = Database(
            tmp_path / "journal" / "journal.sqlite",
            wait=0,
            writable=False,
            folder_writable=True,
            disk=RecordingDisk(),
        )
        reader._connection.execute("BEGIN")
        reader.number("SELECT count(*) FROM entry")
        with pytest.raises(LockedError) as caught:
            erase(evidence, [first], basis="asked", actor="person:me")
        assert "Another program reads the journal" in caught.value.what
        assert caught.value.advice.startswith("The erasure is announced in the journal")
        assert len(pending(evidence)) == 1
        with reopen(tmp_path, lock_wait=0.1) as second:
            assert second.completed == ()
            assert len(pending(second)) == 1
        reader.close()
        with reopen(tmp_path) as second:
            assert len(second.completed) == 1
            assert pending(second) == ()
    assert traces(tmp_path, SECRET) == []


def test_erasure_goes_in_order(tmp_path: Path) -> None:
    """Announced; objects removed; entries emptied; pages written anew; said to be done."""
    disk = RecordingDisk()
    with create(tmp_path, disk) as evidence:
        first, _second = fill(evidence)
        disk.points.clear()
        erase(
            evidence,
            [first],
            basis="asked",
            actor="person:me",
            announced=lambda: disk.reached("announced"),
            emptied=lambda: disk.reached("emptied"),
        )
    appended = ["commit", "committed", "mirror-written", "mirror-synced"]
    assert disk.points == [
        *appended,
        "announced",
        "object-removed",
        "object-folder-synced",
        "commit",
        "committed",
        "vacuumed",
        "log-emptied",
        "emptied",
        *appended,
    ]


def kill_at(root: Path, moment: str, after: int) -> None:
    """Erase in another process that is killed at a MOMENT."""
    with create(root) as evidence:
        fill(evidence)
    result = subprocess.run(
        [sys.executable, __file__, str(root), moment, str(after)],
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert result.returncode in {0, -signal.SIGKILL}


@posix
@pytest.mark.parametrize("count", range(1, 16))
def test_kill_9_at_any_point_is_finished_by_the_next_opening(tmp_path: Path, count: int) -> None:
    """Before the announcement nothing happened; after it, everything does."""
    root = tmp_path / "archive"
    kill_at(root, "any", count)
    with reopen(root) as evidence:
        assert pending(evidence) == ()
        announced = evidence.journal.positions_by_type("erase")
        if announced:
            assert traces(root, SECRET) == []
            assert evidence.journal.positions_by_type("erased")
            assert evidence.known_uids("work", "INBOX", 1) == {1, 2}
        else:
            assert count == 1
            assert evidence.read(Digest.of(SECRET)) == SECRET
        assert evidence.read(Digest.of(OTHER)) == OTHER
        assert evidence.tree_root() == root_of(evidence.mirror.leaves())
        assert complete_erasures(evidence, actor="archiver") == ()


def test_nothing_is_finished_without_recovery(tmp_path: Path) -> None:
    """A check sees things as they are."""
    with create(tmp_path) as evidence:
        first, _second = fill(evidence)

        def stop() -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            erase(evidence, [first], basis="asked", actor="person:me", announced=stop)
    with reopen(tmp_path, recover=False) as evidence:
        assert len(pending(evidence)) == 1
        assert isinstance(next(evidence.entries(first, first + 1)).payload, Record)
    with reopen(tmp_path) as evidence:
        assert evidence.completed
        entry: Entry
        (entry,) = evidence.entries(first, first + 1)
        assert entry.payload == Emptied(type="record", erase=evidence.completed[0])
        assert not any(
            isinstance(entry.payload, Sighting) and entry.payload.record == first
            for entry in evidence.entries()
        )


def test_splitting_pages_leaves_no_copy_of_a_digest(tmp_path: Path) -> None:
    """Among thousands of records the tables that find them were rearranged many times."""
    with create(tmp_path) as evidence:
        kept = [
            each
            for start in range(1, 1501, 500)
            for each in evidence.keep(
                [
                    in_file(f"mail {number}".encode(), path=f"/very/secret/folder-{number}/x.eml")
                    for number in range(start, start + 500)
                ]
            )
        ]
        gone = kept[::2]
        erase(evidence, [each.position for each in gone], basis="asked", actor="person:me")
    data = (tmp_path / "journal" / "journal.sqlite").read_bytes()
    for number, each in enumerate(kept, 1):
        there = number % 2 == 0
        assert (bytes.fromhex(each.digest.hex) in data) is there
        assert (each.digest.hex.encode() in data) is there
        assert (f"folder-{number}/".encode() in data) is there
    log = tmp_path / "journal" / "journal.sqlite-wal"
    assert not log.exists() or not any(
        each.digest.hex.encode() in log.read_bytes() for each in gone
    )


if __name__ == "__main__":
    root_, moment_, after_ = sys.argv[1:]
    with reopen(Path(root_), KillingDisk(moment_, int(after_))) as evidence_:
        record_ = evidence_.position_of(Digest.of(SECRET))
        assert record_ is not None
        erase(evidence_, [record_], basis="asked", actor="person:me")
