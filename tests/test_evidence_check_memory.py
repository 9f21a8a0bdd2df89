"""A check goes on where the same one was interrupted, and can look only at what came since."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from evidence_case import create, reopen, seen

from archiver.errors import OperationError
from archiver.evidence.checks.check import Scope, verify
from archiver.evidence.checks.findings import Findings
from archiver.evidence.checks.memory import Memory
from archiver.evidence.checks.resume import Resumable
from archiver.evidence.checks.since import Since
from archiver.evidence.store import Evidence
from archiver.model.findings import Finding, Report

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass
class Pad:
    """A memory outside the archive, without any disk."""

    notes: dict[str, bytes] = field(default_factory=dict)
    writable: bool = True
    readable: bool = True

    def note(self, name: str) -> bytes | None:
        """Return what was kept."""
        if not self.readable:
            raise OperationError("The memory cannot be read.", advice="Mend it.")
        return self.notes.get(name)

    def keep_note(self, name: str, data: bytes) -> None:
        """Keep it."""
        if not self.writable:
            raise OperationError("The memory cannot be written.", advice="Mend it.")
        self.notes[name] = data


@dataclass
class Desk:
    """An archive of some mails, and the memory of it."""

    root: Path
    pad: Pad = field(default_factory=Pad)
    told: list[str] = field(default_factory=list)
    now: datetime = NOON

    def keep(self, *numbers: int) -> None:
        """Keep mails."""
        with self.open() as evidence:
            evidence.keep([seen(f"mail {number}".encode(), number) for number in numbers])

    def open(self, *, recover: bool = True) -> Evidence:
        """Open the archive."""
        if not self.root.exists():
            create(self.root).close()
        return reopen(self.root, recover=recover)

    def check(
        self,
        read_data: float | None = None,
        since: Since = None,
        *,
        restart: bool = False,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
        seed: int = 1,
    ) -> Report:
        """Check it."""
        scope = Scope(read_data=read_data, since=since, restart=restart, notes=self.pad)
        with self.open(recover=False) as evidence:
            return verify(
                evidence,
                scope,
                progress=progress,
                rng=Random(seed),
                now=lambda: self.now,
                tell=self.told.append,
            )

    def interrupt(self, after: int, read_data: float = 1.0, seed: int = 1) -> int:
        """Check objects until so many were looked at; return how many were read by then."""
        with self.open(recover=False) as evidence:
            size = evidence.size

        def stop(done: int, total: int) -> None:
            if size + after <= done < total:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            self.check(read_data, progress=stop, seed=seed)
        return int(json.loads(self.pad.notes["verify-progress"])["objects"])

    def tamper(self, statement: str) -> None:
        """Change the database as its owner can."""
        with self.open() as evidence:
            evidence.database.all(statement)

    def object(self, number: int) -> Path:
        """Return the file of a mail."""
        with self.open(recover=False) as evidence:
            row = evidence.database.all("SELECT digest FROM record ORDER BY position")[number]
            assert isinstance(row[0], bytes)
            return self.root / "objects" / row[0].hex()[:2] / row[0].hex()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Return an archive of 40 mails."""
    desk = Desk(tmp_path / "archive")
    desk.keep(*range(1, 41))
    return desk


def only(report: Report) -> Finding:
    """Return the one finding of REPORT; it has words and advice."""
    (finding,) = report.findings
    assert finding.message
    assert finding.advice
    return finding


def damage(path: Path) -> None:
    """Change a byte of an object."""
    path.chmod(0o600)
    path.write_bytes(b"M" + path.read_bytes()[1:])
    path.chmod(0o444)


# --- going on ---


def test_an_interrupted_check_goes_on(desk: Desk) -> None:
    """It reads what it had not read, tells so, and counts both parts."""
    read = desk.interrupt(20)
    assert 0 < read < 40
    lines: list[int] = []
    report = desk.check(1.0, progress=lambda done, _total: lines.append(done))
    assert report.findings == ()
    assert dict(report.checked)["objects"] == dict(report.checked)["objects-read"] == 40
    (line,) = desk.told
    assert line == (
        f"Going on with the check that was interrupted on 2026-03-02: {read} objects were read by "
        "then. To begin anew, give --restart."
    )
    desk.told.clear()
    assert dict(desk.check(1.0).checked)["objects-read"] == 40
    assert desk.told == []  # that one came to its end


@pytest.mark.skipif(sys.platform != "linux", reason="helpers are forked on Linux only")
def test_what_helpers_had_read_by_then_is_remembered_too(desk: Desk) -> None:
    """Even when the interruption comes before this process itself reads any object."""

    def stop(_start: object) -> Report:
        time.sleep(1)
        raise KeyboardInterrupt

    scope = Scope(read_data=1.0, notes=desk.pad)
    with desk.open(recover=False) as evidence, pytest.raises(KeyboardInterrupt):
        verify(evidence, scope, also=[stop], helpers=1, now=lambda: NOON)
    assert json.loads(desk.pad.notes["verify-progress"])["objects"] == 40


def test_what_was_read_before_is_not_read_again(desk: Desk) -> None:
    """An object that was damaged afterwards is left to the next check, as if it had run through."""
    with desk.open(recover=False) as evidence:
        row = evidence.database.one("SELECT digest FROM record ORDER BY digest LIMIT 1")
    assert row is not None
    assert isinstance(row[0], bytes)
    desk.interrupt(20)
    damage(desk.root / "objects" / row[0].hex()[:2] / row[0].hex())
    assert desk.check(1.0).findings == ()
    assert only(desk.check(1.0)).code == "object-damaged"


def test_what_was_found_before_the_interruption_is_found_again(desk: Desk) -> None:
    """A folder with an error in it is read again."""
    with desk.open(recover=False) as evidence:
        row = evidence.database.one("SELECT digest FROM record ORDER BY digest LIMIT 1")
    assert row is not None
    assert isinstance(row[0], bytes)
    damage(desk.root / "objects" / row[0].hex()[:2] / row[0].hex())
    desk.interrupt(20)
    assert only(desk.check(1.0)).code == "object-damaged"


def test_what_came_meanwhile_is_read_too(desk: Desk) -> None:
    """In folders that were done as well."""
    desk.interrupt(39)
    desk.keep(*range(41, 61))
    for number in range(40, 60):
        damage(desk.object(number))
    report = desk.check(1.0)
    assert len(report.findings) == 20
    assert {one.code for one in report.findings} == {"object-damaged"}


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_sample_stays_the_same_sample(desk: Desk, share: float) -> None:
    """Whatever the generator would draw now."""
    desk.interrupt(20, share, seed=7)
    whole = Desk(desk.root).check(share, seed=7)
    assert dict(desk.check(share, seed=8).checked) == dict(whole.checked)


def test_another_share_begins_anew(desk: Desk) -> None:
    """As does a check of everything after one of a sample."""
    desk.interrupt(20, 0.9)
    assert dict(desk.check(1.0).checked)["objects-read"] == 40
    assert desk.told == []


def test_a_person_can_begin_anew(desk: Desk) -> None:
    """With --restart."""
    desk.interrupt(20)
    assert dict(desk.check(1.0, restart=True).checked)["objects-read"] == 40
    assert desk.told == []


@pytest.mark.parametrize("days", [-1, 31])
def test_what_is_too_old_is_not_gone_on_with(desk: Desk, days: int) -> None:
    """Nor what comes from the future."""
    desk.interrupt(20)
    desk.now += timedelta(days=days)
    desk.check(1.0)
    assert desk.told == []


@pytest.mark.parametrize(
    "change",
    [
        {"root": "00" * 32},
        {"size": 9000},
        {"seed": 7},
        {"folders": [256]},
        {"folders": [-1]},
        {"folders": []},
        {"at": "yesterday"},
        {"at": "2026-03-02T12:00:00"},
        {"objects": -3},
        {"share": "all"},
        {"size": None},
    ],
)
def test_progress_that_does_not_fit_is_not_believed(desk: Desk, change: dict[str, object]) -> None:
    """The check begins anew."""
    desk.interrupt(20)
    progress = json.loads(desk.pad.notes["verify-progress"]) | change
    desk.pad.notes["verify-progress"] = json.dumps(progress).encode()
    assert dict(desk.check(1.0).checked)["objects-read"] == 40
    assert desk.told == []


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff"])
def test_a_note_that_is_none_is_as_good_as_absent(desk: Desk, data: bytes) -> None:
    """Whatever a disk made of it."""
    desk.pad.notes |= {"verify-progress": data, "verified": data}
    assert desk.check(1.0).findings == ()


def test_progress_is_remembered_now_and_then(desk: Desk) -> None:
    """So that kill -9 costs some seconds."""
    ticks = iter([0.0, 1.0, 2.5, 2.5, 3.0])
    memory = Memory(desk.pad, now=lambda: NOON, findings=Findings())
    resumable = Resumable(
        memory,
        Findings(),
        share=1.0,
        seed=b"",
        since=0,
        size=10,
        clock=lambda: next(ticks),
    )
    resumable.begin(bytes(32))
    resumable.done(0, 4, 40)
    assert "verify-progress" not in desk.pad.notes
    resumable.done(1, 2, 20)
    assert json.loads(desk.pad.notes["verify-progress"])["folders"] == [0, 1]
    resumable.done(2, 2, 20)
    assert json.loads(desk.pad.notes["verify-progress"])["objects"] == 6


# --- since ---


def test_since_last_looks_only_at_what_came_since(desk: Desk) -> None:
    """The leaves of what is older are compared all the same."""
    assert desk.check(1.0).findings == ()
    desk.keep(41, 42)
    damage(desk.object(3))
    report = desk.check(1.0, "last")
    assert report.findings == ()
    assert dict(report.checked) == {
        "leaves": 82,
        "entries": 4,
        "objects": 2,
        "objects-read": 2,
        "bytes-read": 14,
    }
    assert dict(desk.check(1.0, "last").checked)["leaves"] == 86
    assert only(desk.check(1.0)).code == "object-damaged"


def test_objects_count_since_they_were_last_all_read(desk: Desk) -> None:
    """Checks that read none, or some, leave them to the next one that reads."""
    desk.check(1.0)
    desk.keep(41)
    desk.check()
    desk.keep(42)
    desk.check(0.5, "last")
    assert dict(desk.check(1.0, "last").checked)["objects-read"] == 2


def test_a_check_with_an_error_moves_no_mark(desk: Desk) -> None:
    """What it found is found again."""
    desk.check(1.0)
    desk.keep(41)
    damage(desk.object(40))
    assert only(desk.check(1.0, "last")).code == "object-damaged"
    assert only(desk.check(1.0, "last")).code == "object-damaged"


def test_since_last_without_a_last_checks_everything(desk: Desk) -> None:
    """And says why."""
    report = desk.check(since="last")
    finding = only(report)
    assert (finding.code, finding.level) == ("since-unknown", "note")
    assert finding.message.startswith("No check without an error is remembered here")
    assert dict(report.checked)["entries"] == 82
    assert desk.check(since="last").findings[0].code == "nothing-checked"


def test_nothing_new_is_said_so(desk: Desk) -> None:
    """Nothing checked is a finding."""
    desk.check()
    finding = only(desk.check(since="last"))
    assert (finding.code, finding.level) == ("nothing-checked", "note")
    assert (
        finding.message == "No entry came since; the older ones are those that were checked before."
    )


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("UPDATE entry SET leaf = zeroblob(32) WHERE position = 5", "mirror-differs"),
        ("DELETE FROM entry WHERE position = 5", "position-missing"),
    ],
)
def test_what_was_changed_in_the_older_part_is_found(desk: Desk, statement: str, code: str) -> None:
    """By the root that the tree had, whoever changed the mirror as well."""
    desk.check()
    desk.keep(41)
    desk.tamper(statement)
    report = desk.check(since="last")
    assert {one.code for one in report.findings} == {code, "history-differs"}
    assert "The first 82 entries are not those that were checked on 2026-03-02." in {
        one.message for one in report.findings
    }
    with desk.open(recover=False) as evidence:
        leaves = b"".join(evidence.journal.leaves())
    (desk.root / "journal" / "leaves").write_bytes(leaves)
    assert "history-differs" in {one.code for one in desk.check(since="last").findings}


def test_an_older_copy_is_recognised(desk: Desk) -> None:
    """It holds less than was checked here."""
    desk.pad.notes["verified"] = json.dumps(
        {"size": 90, "root": "00" * 32, "at": "2026-03-01T00:00:00+00:00", "read": 0}
    ).encode()
    report = desk.check(since="last")
    assert only(report).level == "error"
    assert only(report).message == (
        "90 entries were checked on 2026-03-01; now the journal has only 82."
    )
    assert dict(report.checked)["entries"] == 82


def test_since_a_day_begins_with_the_first_entry_of_it(tmp_path: Path) -> None:
    """Entries say when they were written."""
    days = iter(datetime(2026, 3, day, tzinfo=UTC) for day in (1, 1, 2, 3, 4))
    root = tmp_path / "archive"
    clock: list[datetime] = []
    evidence = Evidence.create(
        root,
        clock=lambda: clock.append(next(days)) or clock[-1],
        entropy=bytes,
        software="test",  # type: ignore[func-returns-value]
    )
    with evidence:
        for number in range(1, 5):
            evidence.keep([seen(bytes([number]), number)])
    desk = Desk(root)
    desk.check(1.0)

    def since(day: int) -> dict[str, int]:
        return dict(desk.check(1.0, datetime(2026, 3, day, tzinfo=UTC)).checked)

    assert since(1)["entries"] == 10
    assert since(3) == {
        "leaves": 6,
        "entries": 4,
        "objects": 2,
        "objects-read": 2,
        "bytes-read": 2,
    }
    assert since(4)["entries"] == 2
    (finding,) = desk.check(1.0, datetime(2026, 3, 5, tzinfo=UTC)).findings
    assert finding.code == "nothing-checked"


def test_since_a_day_without_a_mark_leaves_the_older_part_open(desk: Desk) -> None:
    """Nothing vouches for it, and no mark is moved over it."""
    later = datetime(2030, 1, 1, tzinfo=UTC)
    codes = {one.code for one in desk.check(since=later).findings}
    assert codes == {"since-unknown", "nothing-checked"}
    assert "verified" not in desk.pad.notes


def test_an_entry_that_cannot_be_read_counts_as_new(desk: Desk) -> None:
    """It does not say when it was written."""
    desk.tamper("UPDATE entry SET body = x'78' WHERE position = 5")
    report = desk.check(since=datetime(2030, 1, 1, tzinfo=UTC))
    assert "entry-unreadable" in {one.code for one in report.findings}


# --- where nothing can be remembered ---


def test_a_memory_that_cannot_be_written_is_told_once(desk: Desk) -> None:
    """The check is done all the same."""
    desk.pad.writable = False
    finding = only(desk.check(1.0))
    assert (finding.code, finding.level) == ("not-remembered", "note")
    assert finding.message == "The memory cannot be written."
    assert "ARCHIVER_STATE" in finding.advice


def test_a_memory_that_cannot_be_read_is_told_once(desk: Desk) -> None:
    """As is one that belongs to somebody else."""
    desk.pad.readable = False
    assert only(desk.check(1.0)).message == "The memory cannot be read."


def test_a_check_without_memory_writes_none(desk: Desk) -> None:
    """Not even that all was well."""
    with desk.open(recover=False) as evidence:
        assert verify(evidence, read_data=1.0).findings == ()
    assert desk.pad.notes == {}
