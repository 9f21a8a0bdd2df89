"""Keeping, journalling and reading back."""

import os
import stat
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from evidence_case import LinklessDisk, by_hand, create, in_file, reopen, seen
from mail import mail

from archiver.errors import NoArchiveError, OperationError, UsageError
from archiver.evidence.checks.check import verify
from archiver.evidence.journal.merkle import leaf_hash, root_of
from archiver.evidence.store import Evidence
from archiver.model.digest import Digest, Position
from archiver.model.entries import (
    Config,
    Epoch,
    Genesis,
    Payload,
    Record,
    Scan,
    Sighting,
    Tag,
    Undo,
)


def payloads(evidence: Evidence) -> list[Payload]:
    """Return what the entries say."""
    return [entry.payload for entry in evidence.entries()]


def types(evidence: Evidence) -> str:
    """Return the types of the entries, in order."""
    return " ".join(type(payload).__name__.lower() for payload in payloads(evidence))


def test_an_archive_begins_with_its_identity(tmp_path: Path) -> None:
    """The first entry is genesis, with a random name."""
    with create(tmp_path / "a") as one, create(tmp_path / "b") as other:
        assert types(one) == "genesis"
        assert payloads(one) == [Genesis(archive=one.archive_id)]
        assert one.archive_id != other.archive_id


def test_making_an_archive_twice_is_refused(tmp_path: Path) -> None:
    """Nobody begins anew over what is kept."""
    create(tmp_path).close()
    with pytest.raises(UsageError, match="already holds an archive") as caught:
        create(tmp_path)
    assert "another folder" in caught.value.advice


def test_an_interrupted_creation_may_be_repeated(tmp_path: Path) -> None:
    """A journal without tables is not an archive yet."""
    create(tmp_path).close()
    (tmp_path / "journal" / "journal.sqlite").write_bytes(b"")
    (tmp_path / "journal" / "leaves").write_bytes(b"")
    with pytest.raises(NoArchiveError):
        reopen(tmp_path)
    with create(tmp_path) as evidence:
        assert evidence.size == 1


def test_nothing_begins_over_the_remains_of_an_archive(tmp_path: Path) -> None:
    """A lost database is not replaced by an empty one: the mirror still shows what it held."""
    create(tmp_path).close()
    (tmp_path / "journal" / "journal.sqlite").unlink()
    with pytest.raises(OperationError, match="remains of an archive") as caught:
        create(tmp_path)
    assert "from a backup" in caught.value.advice
    assert (tmp_path / "journal" / "leaves").stat().st_size == 32


def test_no_archive_is_told_as_such(tmp_path: Path) -> None:
    """With the command that makes one."""
    with pytest.raises(NoArchiveError, match="no archive in") as caught:
        reopen(tmp_path)
    assert "archiver init" in caught.value.advice


def test_a_strange_database_is_not_taken_for_a_journal(tmp_path: Path) -> None:
    """Its application id is another."""
    with create(tmp_path) as evidence:
        evidence.database.all("PRAGMA application_id = 1")
    with pytest.raises(OperationError, match="no journal of the archiver"):
        reopen(tmp_path)


def test_a_newer_journal_is_not_touched(tmp_path: Path) -> None:
    """An older program would not understand it."""
    with create(tmp_path) as evidence:
        evidence.database.all("PRAGMA user_version = 99")
    with pytest.raises(OperationError, match="newer archiver") as caught:
        reopen(tmp_path)
    assert "Install" in caught.value.advice


def test_bytes_come_back_as_they_came(tmp_path: Path) -> None:
    """Also when they are no mail at all."""
    contents = [mail(), b"", b"\x00\xff\r\n", mail(subject="Big", text="x" * 100_000)]
    with create(tmp_path) as evidence:
        kept = evidence.keep([seen(data, uid) for uid, data in enumerate(contents, 1)])
        assert [evidence.read(one.digest) for one in kept] == contents
        assert [one.digest for one in kept] == [Digest.of(data) for data in contents]


def test_a_new_message_adds_epoch_record_and_sighting(tmp_path: Path) -> None:
    """The epoch only where the folder was not met before."""
    with create(tmp_path) as evidence:
        (kept,) = evidence.keep([seen(b"x", flags=["\\Seen"])])
        evidence.keep([seen(b"y", 2)])
        assert types(evidence) == "genesis epoch record sighting record sighting"
        assert kept.position == 2
        assert evidence.record(kept.position) == Record(object=kept.digest, size=1, kind="mail")


def test_the_same_bytes_elsewhere_are_another_sighting(tmp_path: Path) -> None:
    """One record, two sightings, in one batch or in two."""
    with create(tmp_path) as evidence:
        first, second = evidence.keep([seen(b"x"), seen(b"x", folder="Sent")])
        (third,) = evidence.keep([seen(b"x", 2)])
        assert first.position == second.position == third.position
        assert [(one.new, one.sighted) for one in (first, second, third)] == [
            (True, True),
            (False, True),
            (False, True),
        ]
        assert evidence.count_records() == 1
        assert types(evidence) == "genesis epoch record sighting epoch sighting sighting"


def test_the_same_place_again_adds_nothing(tmp_path: Path) -> None:
    """Also within one batch, and when the server's certificate changed."""
    with create(tmp_path) as evidence:
        evidence.keep([seen(b"x"), in_file(b"x", 3)])
        size = evidence.size
        again = evidence.keep([seen(b"x"), in_file(b"x", 3), seen(b"x", certificate="0" * 64)])
        assert evidence.size == size
        assert not any(one.new or one.sighted for one in again)


def test_a_batch_that_repeats_itself_is_kept_once(tmp_path: Path) -> None:
    """Later items see the earlier ones."""
    with create(tmp_path) as evidence:
        kept = evidence.keep([seen(b"x"), seen(b"x")])
        assert [one.sighted for one in kept] == [True, False]
        assert types(evidence) == "genesis epoch record sighting"


def test_a_changed_file_gives_a_new_record(tmp_path: Path) -> None:
    """The same position in a file, other bytes: both were seen there."""
    with create(tmp_path) as evidence:
        evidence.keep([in_file(b"old")])
        (kept,) = evidence.keep([in_file(b"new")])
        assert kept.new
        assert evidence.keep([in_file(b"new"), in_file(b"old")])[0].sighted is False
        assert types(evidence) == "genesis record sighting record sighting"


def test_other_bytes_under_a_used_uid_are_kept_and_sighted_once(tmp_path: Path) -> None:
    """RFC 3501 forbids it, servers do it; nothing is lost and it does not pile up."""
    with create(tmp_path) as evidence:
        evidence.keep([seen(b"one")])
        (kept,) = evidence.keep([seen(b"two")])
        assert (kept.new, kept.sighted) == (True, True)
        assert not any(one.sighted for one in evidence.keep([seen(b"two"), seen(b"one")]))
        assert evidence.known_uids("work", "INBOX", 1) == {1}
        (finding,) = verify(evidence).findings
        assert (finding.code, finding.level) == ("uid-reused", "note")


def test_what_is_handed_in_is_sighted_each_time(tmp_path: Path) -> None:
    """A hand has no position that could be known."""
    with create(tmp_path) as evidence:
        kept = evidence.keep([by_hand(b"note"), by_hand(b"note")])
        assert [(one.new, one.sighted) for one in kept] == [(True, True), (False, True)]


def test_a_new_uidvalidity_begins_an_epoch(tmp_path: Path) -> None:
    """Nothing is forgotten: the old UIDs stay known under the old number."""
    with create(tmp_path) as evidence:
        evidence.keep([seen(b"x", 7)])
        evidence.keep([seen(b"x", 1, uidvalidity=2)])
        epochs = [payload for payload in payloads(evidence) if isinstance(payload, Epoch)]
        assert [(epoch.uidvalidity, epoch.previous) for epoch in epochs] == [(1, None), (2, 1)]
        assert evidence.last_uidvalidity("work", "INBOX") == 2
        assert evidence.known_uids("work", "INBOX", 1) == {7}
        assert evidence.known_uids("work", "INBOX", 2) == {1}
        assert evidence.last_uidvalidity("work", "Sent") is None


def test_names_that_are_no_text_do_not_stop_anything(tmp_path: Path) -> None:
    """A folder, a flag and a path with lone surrogates; a name that looks like an escape."""
    odd = "b\udc80"
    with create(tmp_path) as evidence:
        evidence.keep([seen(b"x", folder=odd, flags=[odd]), in_file(b"x", path=odd)])
        assert evidence.keep([in_file(b"x", path=odd)])[0].sighted is False
        assert evidence.known_uids("work", odd, 1) == {1}
        assert evidence.known_uids("work", 'json:"b\\udc80"', 1) == frozenset()
        assert evidence.last_uidvalidity("work", odd) == 1
        assert not verify(evidence).findings


def test_a_uid_beyond_all_bounds_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    """The bytes of the batch are given again when the server behaves."""
    with create(tmp_path) as evidence:
        with pytest.raises(OperationError, match="that no UID can have") as caught:
            evidence.keep([seen(b"x"), seen(b"y", 2**70)])
        assert "RFC 3501" in caught.value.advice
        assert evidence.size == 1
        assert not evidence.path_of(Digest.of(b"x")).exists()
        assert evidence.known_uids("work", "INBOX", 2**70) == frozenset()


def test_internaldate_keeps_its_offset(tmp_path: Path) -> None:
    """As the server gave it."""
    when = datetime(2026, 3, 2, 10, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    with create(tmp_path) as evidence:
        evidence.keep([seen(b"x", internaldate=when)])
        (sighting,) = [p for p in payloads(evidence) if isinstance(p, Sighting)]
        assert sighting.internaldate is not None
        assert sighting.internaldate.isoformat() == when.isoformat()


def test_the_root_covers_the_entries_as_they_are_stored(tmp_path: Path) -> None:
    """Anyone gets it from the verbatim bytes."""
    with create(tmp_path) as evidence:
        first = evidence.tree_root()
        evidence.keep([seen(b"x")])
        bodies = [evidence.raw_entry(Position(number)) for number in range(evidence.size)]
        assert evidence.tree_root() == root_of(map(leaf_hash, bodies)) != first
        assert evidence.mirror.path.read_bytes() == b"".join(map(leaf_hash, bodies))


def test_a_persons_decisions_are_entries(tmp_path: Path) -> None:
    """They say who decided."""
    with create(tmp_path) as evidence:
        (kept,) = evidence.keep([seen(b"x")])
        tag = Tag(record=kept.position, engagement="acme-2026", scope="thread", decision="ab")
        (position,) = evidence.append([tag], actor="person:anna")
        evidence.append([Undo(entry=position), Scan(account="work", folders=(), heartbeat=True)])
        entry = next(evidence.entries(position))
        assert (entry.payload, entry.actor) == (tag, "person:anna")
        assert types(evidence).endswith("tag undo scan")


def test_what_names_an_object_is_not_appended_by_itself(tmp_path: Path) -> None:
    """A record without its bytes would be a promise that nobody keeps."""
    with create(tmp_path) as evidence, pytest.raises(TypeError, match="Record"):
        evidence.append([Record(object=Digest.of(b""), size=0, kind="mail")])


def test_a_sighting_by_attributes_makes_its_uid_known(tmp_path: Path) -> None:
    """It says so, and the bytes need not be fetched."""
    with create(tmp_path) as evidence:
        (kept,) = evidence.keep([seen(b"x")])
        source = seen(b"x", 9, uidvalidity=2).source
        sighting = Sighting(
            record=kept.position, source=source, internaldate=None, flags=(), match="attributes"
        )
        evidence.append([sighting])
        assert evidence.known_uids("work", "INBOX", 2) == {9}
        assert not verify(evidence).findings


def test_a_working_copy_is_kept_when_it_changes(tmp_path: Path) -> None:
    """Each version is an object; the same version again is nothing."""
    with create(tmp_path) as evidence:
        assert evidence.keep_config("archive.toml", b"1", actor="person:anna") == 1
        assert evidence.keep_config("archive.toml", b"1", actor="archiver") is None
        assert evidence.keep_config("archive.toml", b"2", actor="archiver") == 2
        assert evidence.keep_config("archive.toml", b"1", actor="archiver") == 3
        assert evidence.configs() == {"archive.toml": Digest.of(b"1")}
        assert evidence.read(Digest.of(b"2")) == b"2"
        assert evidence.count_records() == 0


def test_a_removed_working_copy_is_journalled_once(tmp_path: Path) -> None:
    """Its last version stays an object."""
    with create(tmp_path) as evidence:
        assert evidence.keep_config("a.toml", None, actor="archiver") is None
        evidence.keep_config("a.toml", b"1", actor="archiver")
        assert evidence.keep_config("a.toml", None, actor="archiver") == 2
        assert evidence.keep_config("a.toml", None, actor="archiver") is None
        assert evidence.configs() == {"a.toml": None}
        assert payloads(evidence)[2] == Config(name="a.toml", object=None, size=0)


def test_a_record_is_found_by_the_beginning_of_its_digest(tmp_path: Path) -> None:
    """From four digits on, in either case, of odd length too."""
    with create(tmp_path) as evidence:
        evidence.keep([seen(bytes([number]), number + 1) for number in range(40)])
        digest = Digest.of(b"\x05")
        for length in (4, 5, 12, 64):
            assert digest in evidence.resolve(digest.hex[:length].upper())
        assert evidence.resolve(digest.hex) == (digest,)
        assert evidence.resolve("0" * 20) == ()
        assert evidence.position_of(digest) == 12
        assert evidence.position_of(Digest.of(b"none")) is None


@pytest.mark.parametrize("prefix", ["", "abc", "xyzw", "0" * 65, "ab cd"])
def test_what_is_no_beginning_of_a_digest_is_told(tmp_path: Path, prefix: str) -> None:
    """With what to give instead."""
    with create(tmp_path) as evidence, pytest.raises(UsageError, match="beginning") as caught:
        evidence.resolve(prefix)
    assert "four" in caught.value.advice


def test_an_entry_that_is_not_there_is_told(tmp_path: Path) -> None:
    """By its position."""
    with create(tmp_path) as evidence:
        with pytest.raises(OperationError, match=r"Entry 5 .* there is no entry"):
            evidence.raw_entry(Position(5))
        with pytest.raises(OperationError, match=r"Entry 0 .* there is no record") as caught:
            evidence.record(Position(0))
        assert "archiver verify" in caught.value.advice


def test_syncs_are_remembered_for_status(tmp_path: Path) -> None:
    """The last attempt and the last good one; no entry."""
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    with create(tmp_path) as evidence:
        evidence.note_sync("work", early, good=True)
        evidence.note_sync("work", late, good=False)
        evidence.note_sync("home", late, good=False)
        assert evidence.last_syncs() == {"work": (late, early), "home": (late, None)}
        assert evidence.size == 1


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
@pytest.mark.parametrize("umask", [0o000, 0o777])
def test_modes_do_not_depend_on_the_umask(tmp_path: Path, umask: int) -> None:
    """The owner only; objects for reading only."""
    before = os.umask(umask)
    try:
        with create(tmp_path / "new") as evidence:
            (kept,) = evidence.keep([seen(b"x")])
            files = {path: stat.S_IMODE(path.stat().st_mode) for path in evidence.root.rglob("*")}
            root_mode = stat.S_IMODE(evidence.root.stat().st_mode)
    finally:
        os.umask(before)
    assert root_mode == 0o700
    assert files.pop(evidence.path_of(kept.digest)) == 0o444
    for path, mode in files.items():
        assert mode == (0o600 if path.suffix or path.name == "leaves" else 0o700), path


def test_all_256_folders_are_there_from_the_start(tmp_path: Path) -> None:
    """So that keeping a message never makes one."""
    with create(tmp_path) as evidence:
        names = sorted(path.name for path in evidence.objects.folder.iterdir())
        assert names == [*(f"{number:02x}" for number in range(256)), "tmp"]


def test_a_damaged_object_is_never_overwritten(tmp_path: Path) -> None:
    """Not by the sound bytes either: a person decides."""
    with create(tmp_path) as evidence:
        (kept,) = evidence.keep([seen(b"sound")])
        path = evidence.path_of(kept.digest)
        path.chmod(0o600)
        for damage in (b"spoil", b"sound and more", b""):
            path.write_bytes(damage)
            with pytest.raises(OperationError, match="is damaged") as caught:
                evidence.keep([seen(b"other", 2), seen(b"sound", 3)])
            assert "from a backup" in caught.value.advice
            with pytest.raises(OperationError, match="is damaged"):
                evidence.read(kept.digest)
            assert path.read_bytes() == damage
        assert not evidence.path_of(Digest.of(b"other")).exists()
        assert evidence.count_records() == 1


def test_a_missing_object_is_told_and_may_come_back(tmp_path: Path) -> None:
    """The same bytes, met again, fill the gap."""
    with create(tmp_path) as evidence:
        (kept,) = evidence.keep([seen(b"x")])
        evidence.path_of(kept.digest).unlink()
        with pytest.raises(OperationError, match="is missing") as caught:
            evidence.read(kept.digest)
        assert "backup" in caught.value.advice
        evidence.keep([seen(b"x")])
        assert evidence.read(kept.digest) == b"x"


def test_a_disk_without_hard_links_keeps_the_same_promise(tmp_path: Path) -> None:
    """A move under the write lock, which never replaces."""
    disk = LinklessDisk()
    with create(tmp_path, disk) as evidence:
        (kept,) = evidence.keep([seen(b"x")])
        assert evidence.read(kept.digest) == b"x"
        assert not evidence.objects.temporaries()
        assert not verify(evidence, read_data=1.0).findings
        with pytest.raises(FileExistsError):
            disk.publish(evidence.mirror.path, evidence.path_of(kept.digest))
        assert evidence.read(kept.digest) == b"x"


def test_publishing_never_replaces_a_file(tmp_path: Path) -> None:
    """With hard links the file system itself refuses."""
    with create(tmp_path) as evidence:
        (kept,) = evidence.keep([seen(b"x")])
        temporary = tmp_path / "t"
        temporary.write_bytes(b"y")
        with pytest.raises(FileExistsError):
            evidence.objects._disk.publish(temporary, evidence.path_of(kept.digest))
        assert evidence.read(kept.digest) == b"x"


def test_an_empty_batch_does_nothing(tmp_path: Path) -> None:
    """Not even an entry."""
    with create(tmp_path) as evidence:
        assert evidence.keep([]) == ()
        assert evidence.append([]) == ()
        assert evidence.size == 1


def test_entries_are_read_from_where_one_stopped(tmp_path: Path) -> None:
    """As the catalogue does when it catches up."""
    with create(tmp_path) as evidence:
        for number in range(1, 8):
            evidence.keep(
                [seen(bytes([number]), uid) for uid in range(number * 100, number * 100 + 99)]
            )
        positions = [entry.position for entry in evidence.entries()]
        assert positions == list(range(evidence.size))
        assert [entry.position for entry in evidence.entries(5, 9)] == [5, 6, 7, 8]
        assert list(evidence.entries(evidence.size)) == []
