"""A check finds what somebody, or a failing disk, did to an archive; it repairs nothing."""

import contextlib
import errno
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from evidence_case import NOW, SOFTWARE, create, in_file, make_older, reopen, seen

from archiver.evidence.checks.check import verify
from archiver.evidence.checks.findings import Findings
from archiver.evidence.checks.objects import ObjectCheck
from archiver.evidence.checks.plan import Wish
from archiver.evidence.checks.times import TOLERANCE, TimeCheck
from archiver.evidence.disk import Disk
from archiver.evidence.journal.canonical import canonical, parse
from archiver.evidence.journal.merkle import leaf_hash
from archiver.evidence.store import Evidence
from archiver.model.anchors import Anchor
from archiver.model.digest import Digest, Position
from archiver.model.entries import Export, Sighting, Tag, Undo, Vanished
from archiver.model.findings import Finding, Report
from archiver.model.sources import HandSource

ONE = Digest.of(b"one")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return a closed archive: two records, a file's position, a working copy, an export."""
    root = tmp_path / "archive"
    with create(root) as evidence:
        evidence.keep([seen(b"one", 1), seen(b"two", 2), in_file(b"two")])
        evidence.keep_config("archive.toml", b"# options", actor="archiver")
        record = evidence.position_of(ONE)
        assert record is not None
        evidence.append([Tag(record=record, engagement="acme"), Undo(entry=Position(8))])
        evidence.append([Export(engagement="acme", numbers=((1, record),), manifest=ONE)])
    return root


def findings(root: Path, read_data: float | None = 1.0) -> tuple[Finding, ...]:
    """Check ROOT as it is."""
    with reopen(root, recover=False) as evidence:
        return verify(evidence, read_data=read_data).findings


def levels(root: Path, read_data: float | None = 1.0) -> dict[str, str]:
    """Return the level of each code that a check of ROOT finds; each has words and advice."""
    found = findings(root, read_data)
    assert all(one.message and one.advice and one.subject for one in found)
    return {one.code: one.level for one in found}


def tamper(root: Path, statement: str, *values: object) -> None:
    """Change the database as its owner can."""
    with reopen(root) as evidence:
        evidence.database.all(statement, *values)  # type: ignore[arg-type]


def rewrite(root: Path, position: int, change: Callable[[bytes], bytes]) -> None:
    """Change an entry, its leaf and the mirror, so that all three agree."""
    with reopen(root) as evidence:
        body = change(evidence.raw_entry(Position(position)))
        evidence.database.all(
            "UPDATE entry SET body = ?, leaf = ? WHERE position = ?",
            body,
            leaf_hash(body),
            position,
        )
        evidence.mirror.path.write_bytes(b"".join(evidence.journal.leaves()))


def fields_of(body: bytes, **changes: object) -> bytes:
    """Return BODY with some fields changed, in canonical form."""
    return canonical(parse(body) | changes)  # type: ignore[arg-type]


def test_a_sound_archive_gives_no_finding(archive: Path) -> None:
    """And the report says how much was looked at."""
    with reopen(archive, recover=False) as evidence:
        report = verify(evidence, read_data=1.0)
        assert report.findings == ()
        assert not report.errors
        assert dict(report.checked) == {
            "entries": evidence.size,
            "objects": 3,
            "objects-read": 3,
            "bytes-read": 15,
        }


def test_what_is_added_during_a_check_is_no_finding(archive: Path) -> None:
    """A sync may be at work: what was there when the check began is what is checked."""
    with reopen(archive) as writer, reopen(archive, recover=False) as evidence:
        size = evidence.size
        added = iter([[seen(b"three", 3)]])

        def go_on(_done: int, _total: int) -> None:
            writer.keep(next(added, []))

        report = verify(evidence, read_data=1.0, progress=go_on)
        assert writer.size == size + 2
        assert report.findings == ()
        assert dict(report.checked)["entries"] == size


class WaitingDisk(Disk):
    """Stops at one point in the order of writes, until it may go on."""

    def __init__(self, point: str) -> None:
        self._point = point
        self.there = threading.Event()
        self.go_on = threading.Event()

    def reached(self, point: str) -> None:
        """Stop at the point."""
        if point == self._point and not self.there.is_set():
            self.there.set()
            assert self.go_on.wait(60)


@contextlib.contextmanager
def writing(root: Path, point: str) -> Iterator[threading.Event]:
    """Be in the middle of keeping a batch, at POINT; the event lets it go on."""
    disk = WaitingDisk(point)

    def keep() -> None:
        with reopen(root, disk) as evidence:
            evidence.keep([seen(b"three", 3), seen(b"four", 4)])

    thread = threading.Thread(target=keep)
    thread.start()
    try:
        assert disk.there.wait(60)
        yield disk.go_on
    finally:
        disk.go_on.set()
        thread.join()


@pytest.mark.parametrize("point", ["object-written", "object-named", "committed"])
def test_what_a_live_writer_is_in_the_middle_of_is_no_finding(archive: Path, point: str) -> None:
    """Objects without entries, temporaries, a mirror that is behind: it is waited for."""

    def let_go(done: int, total: int) -> None:
        if done == total:
            go_on.set()

    with writing(archive, point) as go_on, reopen(archive, recover=False) as evidence:
        assert verify(evidence, progress=let_go).findings == ()


@pytest.mark.parametrize(
    ("point", "code"),
    [
        ("object-written", "temporary-left"),
        ("object-named", "object-stray"),
        ("committed", "mirror-behind"),
    ],
)
def test_a_writer_that_hangs_is_not_waited_for_forever(
    archive: Path, point: str, code: str
) -> None:
    """What it left so far is told."""
    with writing(archive, point), reopen(archive, recover=False) as evidence:
        assert code in {one.code for one in verify(evidence, patience=0.05).findings}


def test_without_reading_only_structure_is_checked(archive: Path) -> None:
    """A changed byte of the same length shows only when objects are read."""
    path = archive / "objects" / ONE.hex[:2] / ONE.hex
    path.chmod(0o600)
    path.write_bytes(b"eno")
    path.chmod(0o444)
    assert levels(archive, None) == {}
    assert levels(archive, 1.0) == {"object-damaged": "error"}


def test_a_sample_reads_some_and_at_least_one(tmp_path: Path) -> None:
    """Drawn by the generator that is handed in, so that another one draws others."""
    with create(tmp_path) as evidence:
        evidence.keep([seen(bytes([number]), number + 1) for number in range(100)])

        def read(share: float, seed: int) -> int:
            report = verify(evidence, read_data=share, rng=Random(seed))
            assert not report.findings
            return dict(report.checked)["objects-read"]

        assert read(0.0001, 1) == 1
        assert 5 < read(0.2, 1) < 40
        assert read(0.2, 1) == read(0.2, 1)
        assert {read(0.2, seed) for seed in range(5)} != {read(0.2, 1)}


def test_progress_reaches_its_end(archive: Path) -> None:
    """For a bar on a terminal."""
    told: list[tuple[int, int]] = []
    with reopen(archive, recover=False) as evidence:
        verify(evidence, progress=lambda done, total: told.append((done, total)))
    done = [step for step, _total in told]
    assert done == sorted(done)
    assert told[-1][0] == told[-1][1]


def test_an_archive_with_no_object_has_nothing_to_read(tmp_path: Path) -> None:
    """Nothing checked is a finding."""
    create(tmp_path).close()
    assert levels(tmp_path) == {"nothing-checked": "note"}
    assert levels(tmp_path, None) == {}


def test_a_journal_without_entries_is_an_error(archive: Path) -> None:
    """It has at least its genesis."""
    tamper(archive, "DELETE FROM entry")
    assert levels(archive)["nothing-checked"] == "error"


def spoil_missing(path: Path) -> None:
    """Lose it."""
    path.unlink()


def spoil_size(path: Path) -> None:
    """Write over it."""
    path.write_bytes(b"longer than it was")


def spoil_mode(path: Path) -> None:
    """Take its protection away."""
    path.chmod(0o644)


def spoil_kind(path: Path) -> None:
    """Put something else in its place."""
    path.unlink()
    path.symlink_to(os.devnull)


@pytest.mark.skipif(os.name != "posix", reason="modes and symbolic links are those of POSIX")
@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (spoil_missing, {"object-missing": "error"}),
        (spoil_size, {"object-size": "error", "object-writable": "warning"}),
        (spoil_mode, {"object-writable": "warning"}),
        (spoil_kind, {"object-not-file": "error"}),
    ],
)
@pytest.mark.parametrize("data", [b"one", b"# options"])
def test_a_spoilt_object_is_found(
    archive: Path, spoil: Callable[[Path], None], expected: dict[str, str], data: bytes
) -> None:
    """A record's or a working copy's."""
    digest = Digest.of(data).hex
    path = archive / "objects" / digest[:2] / digest
    path.chmod(0o600)
    spoil(path)
    if path.exists() and "object-writable" not in expected and not path.is_symlink():
        path.chmod(0o444)
    found = findings(archive, None)
    assert {one.code: one.level for one in found} == expected
    assert all(one.subject == digest for one in found)


def test_a_missing_object_is_put_back_from_a_backup(archive: Path) -> None:
    """Nothing is left of it that could be moved away."""
    (archive / "objects" / ONE.hex[:2] / ONE.hex).unlink()
    (finding,) = findings(archive)
    assert finding.advice == "Put it back from a backup."


class Closed:
    """Lists folders, but for one that the system refuses to open."""

    def __init__(self, folder: Path, error: int = errno.EACCES) -> None:
        self._folder = folder
        self._error = error

    def __call__(self, folder: Path) -> Iterable[os.DirEntry[str]]:
        """List FOLDER."""
        if folder == self._folder:
            raise OSError(self._error, os.strerror(self._error), str(folder))
        return os.scandir(folder)


def closed(root: Path, folder: Path, error: int = errno.EACCES) -> tuple[Finding, ...]:
    """Return the findings about objects when FOLDER cannot be listed."""
    found = Findings()
    with reopen(root, recover=False) as evidence:
        scan = Closed(folder, error)
        with ObjectCheck(evidence, found, Wish(share=1.0), scan=scan) as check:
            check.check(lambda _done: None)
            check.settle()
    return found.report().findings


def test_a_folder_that_may_not_be_read_is_not_called_missing(archive: Path) -> None:
    """Nothing is lost: its owner lets us in, and nobody is told to move anything away."""
    folder = archive / "objects" / ONE.hex[:2]
    (finding,) = closed(archive, folder)
    assert (finding.code, finding.level) == ("object-unreadable", "error")
    assert finding.subject == str(folder)
    assert finding.message == f"The folder {folder} cannot be read, nor what it holds: {DENIED}."
    assert f"`chmod 700 {folder}`" in finding.advice


DENIED = os.strerror(errno.EACCES)


@pytest.mark.parametrize("name", ["", "tmp"])
def test_the_folder_of_all_objects_may_be_closed_too(archive: Path, name: str) -> None:
    """One finding, not one for each folder in it."""
    (finding,) = closed(archive, archive / "objects" / name)
    assert finding.code == "object-unreadable"


def test_a_folder_on_a_failing_disk_is_told_with_other_advice(archive: Path) -> None:
    """No permission mends it."""
    (finding,) = closed(archive, archive / "objects" / ONE.hex[:2], errno.EIO)
    assert finding.code == "object-unreadable"
    assert "Check the disk" in finding.advice


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="modes are those of POSIX; root is not denied"
)
@pytest.mark.parametrize(
    ("inside", "mode", "advice"),
    [("", 0o000, "chmod 700"), ("", 0o400, "chmod 700"), (ONE.hex, 0o000, "chmod 444")],
)
def test_modes_that_deny_reading_are_not_called_missing(
    archive: Path, inside: str, mode: int, advice: str
) -> None:
    """A folder that cannot be listed, one that lists names and nothing else, a file."""
    path = archive / "objects" / ONE.hex[:2] / inside
    before = path.stat().st_mode
    path.chmod(mode)
    try:
        (finding,) = findings(archive)
    finally:
        path.chmod(before)
    assert finding.code == "object-unreadable"
    assert advice in finding.advice


def test_files_that_do_not_belong_are_found(archive: Path) -> None:
    """Objects that nobody names, names that are no digest, a digest in the wrong folder."""
    stray = Digest.of(b"stray").hex
    objects = archive / "objects"
    (objects / stray[:2] / stray).write_bytes(b"stray")
    (objects / ("00" if stray[:2] != "00" else "01") / stray).write_bytes(b"stray")
    (objects / "aa" / "notes.txt").write_bytes(b"")
    (objects / "abc").mkdir()
    (objects / "tmp" / "x-0").write_bytes(b"")
    assert levels(archive) == {
        "object-stray": "note",
        "object-name": "warning",
        "temporary-left": "note",
    }
    assert sum(one.code == "object-name" for one in findings(archive)) == 3


def test_a_missing_folder_is_found(archive: Path) -> None:
    """Its objects are missing too, if it had any."""
    empty = next(
        path
        for path in (archive / "objects").iterdir()
        if path.name != "tmp" and not any(path.iterdir())
    )
    empty.rmdir()
    assert levels(archive) == {"folder-missing": "warning"}


def test_a_changed_entry_is_found(archive: Path) -> None:
    """Its leaf is no longer its own, and the root is another."""
    with reopen(archive) as evidence:
        changed = evidence.raw_entry(Position(2)).replace(b"mail", b"note")
    tamper(archive, "UPDATE entry SET body = ? WHERE position = 2", changed)
    assert levels(archive) == {"leaf-mismatch": "error", "root-differs": "error"}


def test_a_changed_leaf_is_found(archive: Path) -> None:
    """By entry, mirror and root."""
    tamper(archive, "UPDATE entry SET leaf = zeroblob(32) WHERE position = 2")
    assert levels(archive) == {
        "leaf-mismatch": "error",
        "mirror-differs": "error",
        "root-differs": "error",
    }


def test_a_missing_entry_is_found(archive: Path) -> None:
    """A gap in the positions; what named it hangs in the air."""
    tamper(archive, "DELETE FROM entry WHERE position = 2")
    found = levels(archive)
    assert found["position-missing"] == "error"
    assert found["reference-wrong"] == "error"
    assert found["lookup-extra"] == "error"


def test_a_changed_mirror_is_found(archive: Path) -> None:
    """At its position."""
    path = archive / "journal" / "leaves"
    leaves = bytearray(path.read_bytes())
    leaves[70] ^= 1
    path.write_bytes(leaves)
    (finding,) = findings(archive)
    assert (finding.code, finding.subject) == ("mirror-differs", "2")


@pytest.mark.parametrize(
    ("position", "change", "code"),
    [
        (2, lambda body: body.replace(b":", b": ", 1), "entry-not-canonical"),
        (2, lambda body: fields_of(body, salt="short"), "entry-not-canonical"),
        (2, lambda body: fields_of(body, salt=None), "entry-not-canonical"),
        (2, lambda body: b"\xff" + body, "entry-unreadable"),
        (2, lambda body: fields_of(body, size=-1), "entry-unreadable"),
        (2, lambda body: fields_of(body, size=2**70), "entry-unreadable"),
        (2, lambda body: fields_of(body, size=4), "lookup-missing"),
        (2, lambda body: fields_of(body, type="genesis", archive="0"), "genesis-misplaced"),
        (2, lambda body: fields_of(body, type="genesis", archive="0"), "lookup-missing"),
        (0, lambda body: fields_of(body, type="undo", entry=0), "genesis-misplaced"),
        (3, lambda body: fields_of(body, record=0), "reference-wrong"),
        (3, lambda body: fields_of(body, record=4), "reference-wrong"),
        (3, lambda body: fields_of(body, record=4), "lookup-missing"),
        (10, lambda body: fields_of(body, numbers=[[1, 1]]), "reference-wrong"),
        (9, lambda body: fields_of(body, entry=2), "reference-wrong"),
        (7, lambda body: fields_of(body, name="other.toml"), "lookup-missing"),
        (1, lambda body: fields_of(body, uidvalidity=5), "lookup-missing"),
    ],
)
def test_an_entry_that_was_rewritten_with_its_leaf_is_found(
    archive: Path, position: int, change: Callable[[bytes], bytes], code: str
) -> None:
    """By its form, by what it names, or by the tables that no longer agree."""
    rewrite(archive, position, change)
    found = {one.subject: one for one in findings(archive) if one.code == code}
    assert found[str(position)].level == "error"


def test_an_entry_of_a_newer_version_is_noted(archive: Path) -> None:
    """It cannot be judged, and it is no error."""
    rewrite(archive, 9, lambda body: fields_of(body, type="verdict"))
    tamper(archive, "UPDATE entry SET type = 'verdict' WHERE position = 9")
    (finding,) = findings(archive)
    assert (finding.code, finding.level, finding.subject) == ("entry-unknown", "note", "verdict")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE uid SET record = 4 WHERE uid = 1",
        "UPDATE uid SET uid = 77 WHERE uid = 1",
        "DELETE FROM uid",
        "DELETE FROM file_position",
        "DELETE FROM epoch",
        "DELETE FROM record WHERE position = 2",
        "UPDATE config SET size = 1",
        "UPDATE entry SET type = 'tag' WHERE position = 2",
    ],
)
def test_a_table_that_disagrees_with_the_entries_is_found(archive: Path, statement: str) -> None:
    """A lost UID would be fetched again, an invented one never."""
    tamper(archive, statement)
    assert levels(archive, None)["lookup-missing"] == "error"


def test_rows_that_follow_from_no_entry_are_found(archive: Path) -> None:
    """An invented UID hides a message from every sync."""
    tamper(archive, "INSERT INTO uid VALUES ('work', 'INBOX', 1, 99, 2, 3, 'kept')")
    (finding,) = findings(archive)
    assert (finding.code, finding.level, finding.subject) == ("lookup-extra", "error", "uid")


def test_a_damaged_database_is_a_finding(archive: Path) -> None:
    """Not an end of the check."""
    with reopen(archive) as evidence:
        evidence.keep([seen(os.urandom(20), uid) for uid in range(100, 400)])
    path = archive / "journal" / "journal.sqlite"
    data = bytearray(path.read_bytes())
    for start in range(4096 * 3, len(data), 4096):
        if b"CREATE " not in data[start : start + 4096]:  # else it could not even be opened
            data[start : start + 200] = bytes(200)
    path.write_bytes(data)
    found = levels(archive, None)
    assert found["journal-damaged"] == "error"


@pytest.mark.parametrize("version", [1, 2])
def test_an_archive_of_an_earlier_version_is_checked_as_it_is(archive: Path, version: int) -> None:
    """Where it cannot be brought up to date: a check writes nothing."""
    with reopen(archive) as evidence:
        make_older(evidence.database, version)
    assert findings(archive) == ()
    with reopen(archive, recover=False) as evidence:
        assert evidence.database.version == version


def test_a_further_check_that_breaks_off_is_told(archive: Path) -> None:
    """The others are done all the same."""

    def broken(_start: object) -> Report:
        raise PermissionError(errno.EACCES, DENIED, "journal/stamps")

    def sound(_start: object) -> Report:
        return Report(checked=(("stamps", 2),), findings=())

    with reopen(archive, recover=False) as evidence:
        report = verify(evidence, also=[broken, sound])
    (finding,) = report.findings
    assert (finding.code, finding.level) == ("check-failed", "error")
    assert finding.message == f"journal/stamps could not be read or written: {DENIED}."
    assert dict(report.checked)["stamps"] == 2


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("CREATE TRIGGER t AFTER INSERT ON entry BEGIN DELETE FROM uid; END", "t"),
        ("CREATE TABLE more (x)", "more"),
        ("DROP INDEX entry_rare", "entry_rare"),
        ("CREATE VIEW v AS SELECT 1", "v"),
    ],
)
def test_tables_that_the_archiver_did_not_make_are_found(
    archive: Path, statement: str, name: str
) -> None:
    """A trigger would change what the next command writes."""
    tamper(archive, statement)
    (finding,) = findings(archive)
    assert (finding.code, finding.level, finding.subject) == ("schema-differs", "error", name)
    assert finding.message == f"{name} in journal.sqlite is not as the archiver makes it."


def test_figures_that_sqlite_keeps_for_itself_are_no_finding(archive: Path) -> None:
    """A person ran ANALYZE: nothing that is asked changes its answer."""
    tamper(archive, "ANALYZE")
    assert findings(archive) == ()


def test_a_value_of_the_wrong_type_is_a_finding(archive: Path) -> None:
    """Somebody made the tables anew without their constraints."""
    with reopen(archive) as evidence:
        for statement in (
            "ALTER TABLE entry RENAME TO old",
            "CREATE TABLE entry (position, type, body, leaf)",
            "INSERT INTO entry SELECT position, type, 'text', leaf FROM old",
        ):
            evidence.database.all(statement)
    assert levels(archive)["journal-damaged"] == "error"


def test_a_ruined_archive_gives_a_bounded_report(tmp_path: Path) -> None:
    """A thousand findings of one kind, and how many more there are."""
    with create(tmp_path) as evidence:
        evidence.keep([seen(str(number).encode(), number + 1) for number in range(1100)])
        for shard in evidence.objects.folder.iterdir():
            for path in shard.iterdir():
                path.unlink()
        found = verify(evidence).findings
    assert len(found) == 1001
    assert found[-1].code == "object-missing"
    assert "100 more" in found[-1].message


def test_a_report_can_be_read_by_a_program(archive: Path) -> None:
    """Plain values, ready for JSON."""
    tamper(archive, "DELETE FROM epoch")
    with reopen(archive, recover=False) as evidence:
        report = verify(evidence)
    assert report.errors
    assert json.dumps([[one.code, one.level, one.subject, one.message] for one in report.findings])


def test_a_hand_has_no_place_to_be_found_at(tmp_path: Path) -> None:
    """A sighting by hand needs no row."""
    with create(tmp_path) as evidence:
        (kept,) = evidence.keep([seen(b"x")])
        source = HandSource()
        evidence.append(
            [Sighting(record=kept.position, source=source, internaldate=None, flags=())]
        )
        assert _codes(evidence) == set()


def _codes(evidence: Evidence) -> set[str]:
    return {finding.code for finding in verify(evidence).findings}


# --- when entries say that they were written ------------------------------------------------------


def clocked(root: Path, moment: datetime) -> Evidence:
    """Open the archive on a machine whose clock says MOMENT."""
    return Evidence.open(root, clock=lambda: moment, entropy=os.urandom, software=SOFTWARE)


def stamped(root: Path, time: datetime) -> None:
    """Note in the journal that an authority dated it at TIME."""
    named = Anchor(size=3, checkpoint=ONE, authority="tsa", response=ONE, time=time)
    with clocked(root, time) as evidence:
        evidence.append([named])


def backwards(root: Path) -> list[tuple[str, str]]:
    """Return where, and what, a check says about times; only warnings."""
    found = [one for one in findings(root) if one.code == "time-backwards"]
    assert all(one.level == "warning" and "clock" in one.advice for one in found)
    return [(one.subject, one.message) for one in found]


def test_an_entry_from_before_the_archive_is_told(archive: Path) -> None:
    """Somebody set the clock back, or wrote another date."""
    with clocked(archive, NOW - timedelta(days=400)) as evidence:
        evidence.keep([seen(b"late", 9)])
        first = evidence.size - 2
    ((subject, message),) = backwards(archive)
    assert subject == str(first)
    assert message == (
        f"2 entries, from entry {first} on, say that they were written on "
        "2025-01-26T09:30:00+00:00 or later; but entry 0 before them shows that it was "
        "2026-03-02T09:30:00+00:00 by then."
    )


@pytest.mark.parametrize("usual", [True, False])
def test_an_entry_from_before_a_time_stamp_that_stands_before_it_is_told(
    archive: Path, *, usual: bool
) -> None:
    """Those before it may be older, those after it may not; also where only news are checked."""
    stamped(archive, NOW + timedelta(days=30))
    with clocked(archive, NOW + timedelta(days=2)) as evidence:
        position = evidence.size
        if usual:
            evidence.keep([seen(b"one", 77)])
        else:
            evidence.append([Undo(entry=Position(8))])
    (told,) = backwards(archive)
    assert told[0] == str(position)
    assert "1 entry, from entry" in told[1]
    assert f"but entry {position - 1} before it shows that it was 2026-04-01T09:30:00" in told[1]
    with reopen(archive, recover=False) as evidence:
        checks = Findings()
        times = TimeCheck(evidence.database, checks, start=position)
        assert times.floor == NOW + timedelta(days=30) - TOLERANCE


def test_a_clock_that_is_a_little_behind_is_no_finding(archive: Path) -> None:
    """Nor one that goes back where nothing contradicts it."""
    stamped(archive, NOW + timedelta(days=30))
    with clocked(archive, NOW + timedelta(days=30, minutes=-9)) as evidence:
        evidence.keep([seen(b"late", 9)])
    with clocked(archive, NOW + timedelta(days=300)) as evidence:
        evidence.keep([seen(b"later", 10)])
    with clocked(archive, NOW + timedelta(days=31)) as evidence:
        evidence.keep([seen(b"even later", 11)])
    assert backwards(archive) == []


@pytest.mark.parametrize("state", ["kept", "vanished"])
def test_a_state_that_no_uid_can_have_is_told(archive: Path, state: str) -> None:
    """A disk changed one letter of it."""
    vanished = Vanished(account="work", folder="INBOX", uidvalidity=1, uids="2")
    with reopen(archive) as evidence:
        evidence.append([vanished])
    with contextlib.closing(sqlite3.connect(archive / "journal" / "journal.sqlite")) as database:
        database.execute("PRAGMA ignore_check_constraints = ON")
        database.execute("UPDATE uid SET state = 'x' || substr(state, 2) WHERE state = ?", (state,))
        database.commit()
    assert levels(archive)["lookup-extra"] == "error"
