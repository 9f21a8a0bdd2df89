"""Folders that cannot be looked into: journalled once, told until a sync can."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from mailbox_fakes import FakeFolder, account
from sync_case import Case, box, no_answer

from archiver.errors import TemporaryNetworkError
from archiver.evidence.coverage import fold
from archiver.model.coverage import AccountCoverage
from archiver.model.entries import Scan

GONE = "there is no such folder on the server"


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """Make an archive of an account that names a folder which does not exist."""
    case = Case(tmp_path / "archive", {"INBOX": box(1, 2)})
    case.account = account(folders=("INBOX", "Clients"))
    with case.evidence:
        yield case


def told(case: Case) -> AccountCoverage:
    """Return what the journal says of the account."""
    (found,) = fold(case.evidence)
    return found


def errors(case: Case) -> list[tuple[str, str]]:
    """Return the folders that could not be looked into."""
    return [(each.folder, each.reason) for each in told(case).errors]


def test_a_named_folder_that_does_not_exist_is_journalled_once(case: Case) -> None:
    """Coverage names it; it is no epoch."""
    case.sync()
    assert errors(case) == [("Clients", GONE)]
    size = case.evidence.size
    case.sync()
    assert case.evidence.size == size
    assert [each.folder for each in told(case).epochs] == ["INBOX"]
    assert case.sound()


def test_a_refusal_with_a_number_of_its_own_is_journalled_once(case: Case) -> None:
    """Google and Exchange number each of their errors."""
    case.account = account()
    case.folders["Odd"] = FakeFolder({}, closed="Internal error, reference 0F3A-1.")
    case.sync()
    size = case.evidence.size
    case.folders["Odd"] = FakeFolder({}, closed="Internal error, reference 77B2-9.")
    case.sync()
    assert case.evidence.size == size


def test_a_folder_that_can_be_looked_into_again_is_in_error_no_more(case: Case) -> None:
    """What it holds is told as ever, also when that is nothing."""
    case.sync()
    case.folders["Clients"] = FakeFolder({})
    case.sync()
    assert errors(case) == []
    assert case.evidence.trouble_of("work") == (0, "")


def test_a_folder_that_is_named_no_longer_is_in_error_no_more(case: Case) -> None:
    """It is no matter of the account now."""
    case.sync()
    case.account = account(folders=("INBOX",))
    case.sync()
    assert errors(case) == []
    assert [each.folder for each in told(case).epochs] == ["INBOX"]


def test_an_outage_before_the_first_good_sync_is_journalled(case: Case) -> None:
    """Since nobody knows when."""
    case.account = account()
    for _attempt in range(2):
        with pytest.raises(TemporaryNetworkError):
            case.sync(connect=no_answer)
    case.sync()
    (scan,) = case.said(Scan)
    assert (scan.since, scan.attempts, scan.reason) == (None, 2, "nobody answers")
    (outage,) = told(case).outages
    assert outage.since is None
