"""Which messages were decided not to be kept: ranges that follow from what scans say."""

from pathlib import Path

import pytest
from evidence_case import create, seen
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.errors import OperationError
from archiver.evidence.checks.check import verify
from archiver.evidence.store import Evidence
from archiver.model.digest import Digest
from archiver.model.entries import FolderScan, Scan
from archiver.model.places import Unkept
from archiver.model.uidset import format_uids

OLD, NEW = Digest.of(b"old rules"), Digest.of(b"new rules")


def scan(
    *unkept: tuple[str, str],
    rules: Digest | None = OLD,
    kept: str = "",
    failed: tuple[tuple[int, str], ...] = (),
    postponed: str = "",
    folder: str = "INBOX",
) -> Scan:
    """Return a scan that decided so."""
    said = FolderScan(
        folder=folder,
        uidvalidity=1,
        exists=100,
        kept=kept,
        failed=failed,
        looked="1:100",
        unkept=unkept,
        postponed=postponed,
    )
    return Scan(account="work", folders=(said,), rules=rules)


def left(evidence: Evidence, rules: Digest | None = OLD, folder: str = "INBOX") -> str:
    """Return what RULES left."""
    return format_uids(evidence.unkept_uids("work", folder, 1, rules))


def test_what_a_scan_left_is_known_under_its_rules(tmp_path: Path) -> None:
    """Other rules have decided nothing yet."""
    with create(tmp_path) as evidence:
        evidence.append([scan(("no engagement", "1:5,9"), ("never", "7"))])
        assert left(evidence) == "1:5,7,9"
        assert left(evidence, NEW) == ""
        assert evidence.unkept_uids("work", "INBOX", 2, OLD) == frozenset()
        assert evidence.unkept_uids("work", "INBOX", 2**70, OLD) == frozenset()
        assert evidence.unkept_uids("home", "INBOX", 1, OLD) == frozenset()
        assert list(evidence.unkept("work")) == [
            Unkept("INBOX", 1, OLD.hex, "never", frozenset({7})),
            Unkept("INBOX", 1, OLD.hex, "no engagement", frozenset({1, 2, 3, 4, 5, 9})),
        ]
        assert not verify(evidence).findings


def test_the_newest_statement_counts(tmp_path: Path) -> None:
    """Under whichever rules it was made."""
    with create(tmp_path) as evidence:
        evidence.append([scan(("no engagement", "1:10"))])
        evidence.append([scan(("never", "4:6"), rules=NEW)])
        assert left(evidence) == "1:3,7:10"
        assert left(evidence, NEW) == "4:6"
        assert not verify(evidence).findings


def test_what_is_wanted_after_all_is_no_longer_left(tmp_path: Path) -> None:
    """Kept, failed, or for another day: else it would never be tried again."""
    with create(tmp_path) as evidence:
        evidence.append([scan(("no engagement", "1:10"))])
        evidence.append([scan(kept="2", failed=((5, "timed out"),), postponed="7:8")])
        assert left(evidence) == "1,3:4,6,9:10"
        assert not verify(evidence).findings


def test_what_came_in_all_the_same_is_not_told_as_left(tmp_path: Path) -> None:
    """By a sync that was killed before it could say so."""
    with create(tmp_path) as evidence:
        evidence.append([scan(("no engagement", "1:3"))])
        evidence.keep([seen(b"two", 2)])
        assert [one.uids for one in evidence.unkept("work")] == [{1, 3}]


def test_rules_need_not_be_stated(tmp_path: Path) -> None:
    """Nor is a folder's name always text."""
    with create(tmp_path) as evidence:
        evidence.append([scan(("never: \udc80", "1"), rules=None, folder="\udc80")])
        assert left(evidence, None, "\udc80") == "1"
        (one,) = evidence.unkept("work")
        assert (one.folder, one.rules, one.reason) == ("\udc80", "", "never: \udc80")
        assert not verify(evidence).findings


def test_a_scan_with_a_broken_uid_set_is_refused(tmp_path: Path) -> None:
    """Before anything of it is written."""
    with create(tmp_path) as evidence:
        size = evidence.size
        with pytest.raises(ValueError, match="not a UID set"):
            evidence.append([scan(("no engagement", "1:*"))])
        assert evidence.size == size


uid_sets = st.sets(st.integers(1, 12), max_size=8).map(format_uids)
statements = st.builds(
    lambda unkept, kept, rules: scan(*unkept, kept=kept, rules=rules),
    st.lists(st.tuples(st.sampled_from(["never", "no engagement"]), uid_sets), max_size=2).map(
        tuple
    ),
    st.sets(st.integers(1, 12), max_size=2).map(format_uids),
    st.sampled_from([OLD, NEW]),
)


@given(st.lists(st.lists(statements, max_size=3), max_size=4))
@settings(max_examples=40, deadline=None)
def test_any_scans_lead_to_what_they_say_of_each_uid(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[Scan]]
) -> None:
    """Told one UID after the other, the slow way; and the check agrees."""
    expected: dict[int, tuple[str, str]] = {}
    with create(tmp_path_factory.mktemp("archive")) as evidence:
        for batch in batches:
            evidence.append(batch)
            for said in batch:
                (folder,) = said.folders
                for reason, uids in folder.unkept:
                    for uid in members(uids):
                        expected[uid] = (said.rules.hex if said.rules else "", reason)
                for uid in members(folder.kept):
                    expected.pop(uid, None)
        found = {
            uid: (one.rules, one.reason) for one in evidence.unkept("work") for uid in one.uids
        }
        assert found == expected
        assert not verify(evidence).findings


def members(uids: str) -> list[int]:
    """Read a set, however slowly."""
    found: list[int] = []
    for item in filter(None, uids.split(",")):
        first, _colon, last = item.partition(":")
        found += range(int(first), int(last or first) + 1)
    return found


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO unkept VALUES ('work', 'INBOX', 1, 50, 99, '{old}', 'never', 2)",
        "INSERT INTO unkept VALUES ('work', 'INBOX', 1, 50, 99, '{old}', 'never', 99)",
        "INSERT INTO unkept VALUES ('work', 'INBOX', 1, 50, 99, '{old}', 'never', -1)",
        "INSERT INTO unkept VALUES ('work', 'Other', 1, 1, 3, '{old}', 'never', 1)",
        "INSERT INTO unkept VALUES ('work', 'INBOX', 1, 2, 2, '{old}', 'no engagement', 1)",
        "UPDATE unkept SET last = 99 WHERE first = 7",
        "UPDATE unkept SET first = 5 WHERE first = 7",
        "UPDATE unkept SET last = 1 WHERE first = 1",
        "UPDATE unkept SET last = 0 WHERE first = 1",
        "UPDATE unkept SET rules = '{new}' WHERE first = 1",
        "UPDATE unkept SET reason = 'never' WHERE first = 1",
        "UPDATE unkept SET entry = 2 WHERE first = 1",
        "DELETE FROM unkept WHERE first = 4",
        "DELETE FROM unkept",
    ],
)
def test_a_range_that_no_scan_explains_is_found(tmp_path: Path, statement: str) -> None:
    """It would have the archive pass over mail for ever."""
    with create(tmp_path) as evidence:
        evidence.append([scan(("no engagement", "1:10"))])
        evidence.append([scan(("never", "4:6"), rules=NEW)])
        assert not verify(evidence).findings
        evidence.database.all(statement.format(old=OLD.hex, new=NEW.hex))
        found = verify(evidence).findings
        assert {one.code for one in found} <= {"lookup-extra", "lookup-missing"}
        assert found
        assert all(one.level == "error" for one in found)


def test_a_range_that_no_mailbox_holds_is_refused(tmp_path: Path) -> None:
    """Whoever changed the tables does not have us fill the memory."""
    with create(tmp_path) as evidence:
        evidence.append([scan(("no engagement", "1:10"))])
        evidence.database.all("UPDATE unkept SET last = 4294967295")
        with pytest.raises(OperationError, match="damaged"):
            evidence.unkept_uids("work", "INBOX", 1, OLD)
