"""What the journal says was looked at, folded: every UID in one set, and nothing is guessed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from evidence_case import SOFTWARE, create, in_file, presumption, seen
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mailbox_fakes import account

from archiver.care.coverage.findings import of_accounts, of_sides
from archiver.care.coverage.state import AccountState
from archiver.evidence.coverage import fold
from archiver.evidence.imports import imported
from archiver.evidence.store import Evidence
from archiver.model import coverage as values
from archiver.model.coverage import AccountCoverage, OneSided, Outage, Sides
from archiver.model.digest import Digest
from archiver.model.entries import (
    Epoch,
    FolderChange,
    FolderScan,
    Payload,
    Scan,
    Vanished,
)
from archiver.model.uidset import format_uids

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
RULES = Digest.of(b"first rules")
OTHER_RULES = Digest.of(b"other rules")


class Story:
    """A journal that is written day by day."""

    def __init__(self, evidence: Evidence, clock: list[datetime]) -> None:
        self.evidence = evidence
        self._clock = clock

    def day(self, number: int) -> "Story":
        """Go on at 8 o'clock of day NUMBER."""
        self._clock[0] = START + timedelta(days=number)
        return self

    def keep(self, *uids: int, folder: str = "INBOX", uidvalidity: int = 1) -> "Story":
        """Keep a message for each of UIDS."""
        self.evidence.keep(
            [
                seen(
                    f"{folder} {uidvalidity} {uid}".encode(),
                    uid,
                    folder=folder,
                    uidvalidity=uidvalidity,
                )
                for uid in uids
            ]
        )
        return self

    def scan(self, *folders: FolderScan, **more: object) -> "Story":
        """Journal a scan of FOLDERS."""
        return self.say(Scan(account="work", folders=folders, **more))  # type: ignore[arg-type]

    def say(self, *payloads: Payload) -> "Story":
        """Journal entries."""
        self.evidence.append(payloads)
        return self

    @property
    def account(self) -> AccountCoverage:
        """What is said of the only account."""
        (account,) = fold(self.evidence)
        return account

    @property
    def epoch(self) -> values.Epoch:
        """What is said of the only folder."""
        (epoch,) = self.account.epochs
        return epoch


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """Make an empty archive whose clock the test sets."""
    create(tmp_path / "archive").close()
    clock = [START]
    with Evidence.open(
        tmp_path / "archive", clock=lambda: clock[0], entropy=lambda n: b"x" * n, software=SOFTWARE
    ) as evidence:
        yield Story(evidence, clock)


def inbox(
    looked: str = "",
    *,
    exists: int = 0,
    kept: str = "",
    failed: Sequence[tuple[int, str]] = (),
    full: bool = True,
    unkept: Sequence[tuple[str, str]] = (),
    near: Sequence[tuple[str, str]] = (),
    postponed: str = "",
    folder: str = "INBOX",
    uidvalidity: int = 1,
) -> FolderScan:
    """Return what a sync says of a folder by saying only what matters."""
    return FolderScan(
        folder=folder,
        uidvalidity=uidvalidity,
        exists=exists,
        kept=kept,
        failed=tuple(failed),
        looked=looked,
        full=full,
        unkept=tuple(unkept),
        near=tuple(near),
        postponed=postponed,
    )


def sets(epoch: values.Epoch) -> dict[str, str]:
    """Return the sets that are not empty, as IMAP writes them."""
    found = {
        "kept": epoch.kept,
        "presumed": epoch.presumed,
        "erased": epoch.erased,
        "unkept": epoch.unkept_uids,
        "failing": epoch.failing,
        "postponed": epoch.postponed,
        "not_reached": epoch.not_reached,
        "missed": epoch.missed,
        "unseen": epoch.unseen,
        "vanished": epoch.vanished_uids,
    }
    return {name: str(uids) for name, uids in found.items() if uids}


def test_a_whole_folder_that_was_kept(story: Story) -> None:
    """Looked at from the first to the last, and nothing is open."""
    story.keep(1, 2, 3, 7).scan(inbox("1:3,7", exists=4, kept="1:3,7"))
    assert sets(story.epoch) == {"kept": "1:3,7"}
    assert str(story.epoch.looked) == "1:3,7"
    assert (story.epoch.exists, story.epoch.listed, story.epoch.whole) == (4, 4, START)


def test_a_failure_is_told_with_its_error_and_since_when(story: Story) -> None:
    """The same message failing again has failed since the first time."""
    story.keep(1).scan(inbox("1:2", exists=2, kept="1", failed=[(2, "NO, busy")]))
    story.day(4).scan(inbox("1:2", exists=2, failed=[(2, "NO, gone mad")]))
    (failure,) = story.epoch.failed
    assert (failure.uid, failure.reason, failure.since) == (2, "NO, gone mad", START)
    assert sets(story.epoch) == {"kept": "1", "failing": "2"}


def test_a_failure_that_was_mended_is_no_failure(story: Story) -> None:
    """What counts is that the bytes are here."""
    story.scan(inbox("1", exists=1, failed=[(1, "NO")]))
    story.day(1).keep(1).scan(inbox("1", exists=1, kept="1"))
    assert sets(story.epoch) == {"kept": "1"}


def test_what_failed_and_went_is_missed_for_ever(story: Story) -> None:
    """No sync can bring it back, so it is never silently dropped."""
    story.keep(1).scan(inbox("1:2", exists=2, kept="1", failed=[(2, "NO")]))
    story.day(1).scan(inbox("1", exists=1))
    assert sets(story.epoch) == {"kept": "1", "missed": "2"}
    (failure,) = story.epoch.failed
    assert failure.gone == START + timedelta(days=1)


def test_a_failure_lasts_while_nothing_is_said_of_it(story: Story) -> None:
    """A server that reports only what is new has not mended it."""
    story.scan(inbox("1", exists=1, failed=[(1, "NO")]))
    story.day(1).keep(2).scan(inbox("2", exists=2, kept="2", full=False))
    assert sets(story.epoch) == {"kept": "2", "failing": "1"}


def test_deciding_once_more_says_nothing_of_what_else_failed(story: Story) -> None:
    """Something was kept that others may belong with: they are looked at again, nothing else."""
    story.scan(inbox("1:3", exists=3, unkept=[("no-rule", "2:3")], failed=[(1, "NO")]), rules=RULES)
    story.day(1).keep(3).scan(inbox("3", kept="3", unkept=[], full=False), rules=RULES)
    story.scan(inbox("", unkept=[("thread", "2")], full=False), rules=RULES)
    assert sets(story.epoch) == {"kept": "3", "unkept": "2", "failing": "1"}


def test_what_was_listed_and_not_reached_is_told(story: Story) -> None:
    """The sync broke off: it looked at all and came as far as 3."""
    story.keep(1, 2, 3).scan(inbox("1:9", exists=9, kept="1:3"))
    assert sets(story.epoch) == {"kept": "1:3", "not_reached": "4:9"}
    story.day(1).keep(4, 5, 6, 7).scan(inbox("1:7", exists=7, kept="4:7"))
    assert sets(story.epoch) == {"kept": "1:7", "missed": "8:9"}


def test_mail_kept_before_a_crash_counts_without_a_scan(story: Story) -> None:
    """The scan entry would have come at the end."""
    story.keep(1, 2)
    assert sets(story.epoch) == {"kept": "1:2"}
    assert story.epoch.first is None


def test_what_was_not_kept_is_told_by_rule_and_rules(story: Story) -> None:
    """And what nearly was."""
    story.keep(1).scan(
        inbox(
            "1:6",
            exists=6,
            kept="1",
            unkept=[("no-rule", "2:4"), ("never-subject", "5:6")],
            near=[("same-name", "3")],
        ),
        rules=RULES,
    )
    epoch = story.epoch
    assert [(each.rule, each.rules, str(each.uids)) for each in epoch.unkept] == [
        ("no-rule", RULES.hex, "2:4"),
        ("never-subject", RULES.hex, "5:6"),
    ]
    assert [(each.rule, str(each.uids)) for each in epoch.near] == [("same-name", "3")]
    assert sets(epoch) == {"kept": "1", "unkept": "2:6"}


def test_a_later_decision_takes_the_place_of_an_earlier_one(story: Story) -> None:
    """Under other rules 2 is kept, 3 is left by another rule, 4 stays as it was, 5 fails."""
    story.scan(
        inbox("2:5", exists=4, unkept=[("no-rule", "2:5")], near=[("same-name", "2:5")]),
        rules=RULES,
    )
    story.day(1).keep(2).scan(
        inbox(
            "2:5",
            exists=4,
            kept="2",
            unkept=[("never-address", "3"), ("no-rule", "4")],
            near=[("like-domain", "4")],
            failed=[(5, "NO")],
        ),
        rules=OTHER_RULES,
    )
    epoch = story.epoch
    assert {(each.rule, each.rules, str(each.uids)) for each in epoch.unkept} == {
        ("never-address", OTHER_RULES.hex, "3"),
        ("no-rule", OTHER_RULES.hex, "4"),
    }
    assert [(each.rule, str(each.uids)) for each in epoch.near] == [("like-domain", "4")]
    assert sets(epoch) == {"kept": "2", "unkept": "3:4", "failing": "5"}


def test_a_whole_listing_does_not_undo_decisions(story: Story) -> None:
    """What was left is not decided on again under the same rules."""
    story.scan(inbox("1:3", exists=3, unkept=[("no-rule", "1:3")]), rules=RULES)
    story.day(7).keep(4).scan(inbox("1:4", exists=4, kept="4"), rules=RULES)
    assert sets(story.epoch) == {"kept": "4", "unkept": "1:3"}


def test_what_is_postponed_waits_until_it_is_kept(story: Story) -> None:
    """The day's volume was spent."""
    story.keep(1).scan(inbox("1:5", exists=5, kept="1", postponed="2:5"))
    assert sets(story.epoch) == {"kept": "1", "postponed": "2:5"}
    story.day(1).keep(2, 3).scan(inbox("1:5", exists=5, kept="2:3", postponed="4:5"))
    assert sets(story.epoch) == {"kept": "1:3", "postponed": "4:5"}


def test_what_vanished_is_dated_and_stays_kept(story: Story) -> None:
    """And what came back is gone no more."""
    gone = Vanished(account="work", folder="INBOX", uidvalidity=1, uids="2:3")
    story.keep(1, 2, 3).scan(inbox("1:3", exists=3, kept="1:3")).day(2).say(gone)
    epoch = story.epoch
    assert sets(epoch) == {"kept": "1:3", "vanished": "2:3"}
    assert [each.at for each in epoch.vanished] == [START + timedelta(days=2)]
    story.day(3).scan(inbox("1,3", exists=2))
    assert sets(story.epoch) == {"kept": "1:3", "vanished": "2"}


def test_gaps_that_no_listing_covers_are_said_to_be_unseen(story: Story) -> None:
    """Those below a whole listing were looked at: no message had them."""
    story.keep(3).scan(inbox("3", exists=1, kept="3"))
    story.day(1).keep(9).scan(inbox("9", exists=2, kept="9", full=False))
    assert sets(story.epoch) == {"kept": "3,9", "unseen": "4:8"}
    story.day(2).scan(inbox("3,9", exists=2))
    assert sets(story.epoch) == {"kept": "3,9"}


def test_a_list_shorter_than_the_server_says_is_noticed(story: Story) -> None:
    """A server that returns 1,000 of 10,000."""
    story.keep(1).scan(inbox("1", exists=10, kept="1"))
    assert story.epoch.short
    story.day(1).scan(inbox("1", exists=1))
    assert not story.epoch.short


def test_another_uidvalidity_is_another_epoch(story: Story) -> None:
    """The first one ends when the second begins; its UIDs are told apart."""
    story.keep(1, 2).scan(inbox("1:2", exists=2, kept="1:2"))
    story.day(5).keep(1, uidvalidity=7).scan(inbox("1", exists=1, kept="1", uidvalidity=7))
    before, after = story.account.epochs
    assert (before.uidvalidity, before.ended) == (1, START + timedelta(days=5))
    assert (after.uidvalidity, after.began, after.ended) == (7, START + timedelta(days=5), None)
    assert (str(before.kept), str(after.kept)) == ("1:2", "1")


def test_what_is_presumed_is_not_told_as_kept(story: Story) -> None:
    """A sighting by attributes never counts as proof, until the bytes were fetched."""
    story.keep(1)
    record = story.evidence.position_of(Digest.of(b"INBOX 1 1"))
    assert record is not None
    story.day(1).say(presumption(record, 5, uidvalidity=7))
    story.scan(inbox("5", exists=1, uidvalidity=7))
    _before, after = story.account.epochs
    assert sets(after) == {"presumed": "5"}
    story.evidence.keep([seen(b"INBOX 1 1", 5, uidvalidity=7)])
    _before, after = story.account.epochs
    assert sets(after) == {"kept": "5"}


def test_a_folder_keeps_its_past_under_a_new_name(story: Story) -> None:
    """Renamed: one epoch, with the name it had."""
    story.keep(1, 2, folder="Old").scan(inbox("1:2", exists=2, kept="1:2", folder="Old"))
    change = FolderChange(
        account="work", folder="New", change="renamed", uidvalidity=1, previous="Old"
    )
    story.day(3).say(Epoch(account="work", folder="New", uidvalidity=1, previous=None), change)
    story.keep(3, folder="New").scan(inbox("1:3", exists=3, kept="3", folder="New"))
    epoch = story.epoch
    assert (epoch.folder, str(epoch.kept), epoch.ended) == ("New", "1:3", None)
    assert [(each.change, each.previous) for each in epoch.changes] == [("renamed", "Old")]


def test_what_a_new_name_shows_is_presumed_until_it_was_read(story: Story) -> None:
    """That it is the same folder was inferred as well."""
    story.keep(1, 2, folder="Old").scan(inbox("1:2", exists=2, kept="1:2", folder="Old"))
    change = FolderChange(
        account="work", folder="New", change="renamed", uidvalidity=1, previous="Old"
    )
    record = story.evidence.position_of(Digest.of(b"Old 1 1"))
    assert record is not None
    story.day(3).say(change, presumption(record, 1, folder="New"))
    assert sets(story.epoch) == {"kept": "2", "presumed": "1"}


def test_a_folder_that_is_gone_and_back(story: Story) -> None:
    """Its epoch ends and goes on."""

    def change(what: str) -> FolderChange:
        return FolderChange(
            account="work",
            folder="INBOX",
            change=what,  # type: ignore[arg-type]
            uidvalidity=1,
        )

    story.keep(1).scan(inbox("1", exists=1, kept="1")).day(1).say(change("gone"))
    assert story.epoch.ended == START + timedelta(days=1)
    story.day(2).say(change("back"))
    assert story.epoch.ended is None
    assert [each.change for each in story.epoch.changes] == ["gone", "back"]


def test_outages_are_told_with_how_often_it_was_tried(story: Story) -> None:
    """And why, the last time."""
    story.scan(inbox("", exists=0)).day(9).scan(
        inbox("", exists=0), since=START, attempts=12, reason="no route to host"
    )
    assert story.account.outages == (
        Outage(
            since=START,
            until=START + timedelta(days=9),
            attempts=12,
            reason="no route to host",
        ),
    )


def test_heartbeats_count_as_looking(story: Story) -> None:
    """A whole walk that found nothing new."""
    story.scan(inbox("", exists=0)).day(3).scan(heartbeat=True)
    assert (story.account.first, story.account.last) == (START, START + timedelta(days=3))


def test_a_folder_left_by_rule_is_told_as_such(story: Story) -> None:
    """Nothing in it was looked at."""
    story.scan(inbox("", exists=40, full=False, unkept=[("never-folder", "")]), rules=RULES)
    assert story.epoch.left_by == "never-folder"
    assert sets(story.epoch) == {}


def test_what_is_told_stops_at_the_size_that_was_asked_for(story: Story) -> None:
    """A dossier speaks of the journal as it was signed."""
    story.keep(1).scan(inbox("1", exists=1, kept="1"))
    size = story.evidence.size
    story.day(1).keep(2).scan(inbox("1:2", exists=2, kept="2"))
    ((epoch,),) = (account.epochs for account in fold(story.evidence, size=size))
    assert sets(epoch) == {"kept": "1"}


def test_imports_are_told_by_the_folder_that_holds_them(story: Story) -> None:
    """An mbox by its own name, a tree by its top, a Maildir whole."""
    story.evidence.keep(
        [
            in_file(b"a", 0, path="/mail/box", offset=0),
            in_file(b"b", 1, path="/mail/box", offset=9),
            in_file(b"c", path="/home/eml/2025/c.eml"),
            in_file(b"d", path="/home/eml/2025/01/d.eml"),
            in_file(b"e", path="/home/Maildir/cur/e:2,S"),
            in_file(b"f", path="/home/Maildir/new/f"),
        ]
    )
    assert [(each.root, each.files, each.messages) for each in imported(story.evidence)] == [
        ("/home/Maildir", 2, 2),
        ("/home/eml/2025", 2, 2),
        ("/mail/box", 1, 2),
    ]


def test_a_hundred_thousand_messages_are_folded_as_intervals(story: Story) -> None:
    """No set of numbers is built of them: a year of syncs in a folder of 100,000."""
    for day in range(60):
        low, high = day * 1_700 + 1, (day + 1) * 1_700
        story.day(day).scan(inbox(f"1:{high}", exists=high, unkept=[("no-rule", f"{low}:{high}")]))
    epoch = story.epoch
    assert len(epoch.looked) == 102_000
    assert [str(each.uids) for each in epoch.unkept] == ["1:102000"]
    assert date(2026, 4, 29) == (epoch.last or START).date()


SOME = st.frozensets(st.integers(1, 12))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(SOME, SOME, SOME, SOME, SOME, st.booleans()), max_size=5))
def test_every_uid_that_was_looked_at_stands_in_one_set(
    tmp_path_factory: pytest.TempPathFactory,
    days: list[
        tuple[frozenset[int], frozenset[int], frozenset[int], frozenset[int], frozenset[int], bool]
    ],
) -> None:
    """Whatever syncs said, in whatever order."""
    root = tmp_path_factory.mktemp("story") / "archive"
    create(root).close()
    clock = [START]
    with Evidence.open(
        root, clock=lambda: clock[0], entropy=lambda n: b"x" * n, software=SOFTWARE
    ) as evidence:
        story = Story(evidence, clock)
        for number, (looked, kept, *others, full) in enumerate(days):
            unkept = others[0] - kept
            failed = others[1] - kept - unkept
            postponed = others[2] - kept - unkept - failed
            story.day(number).keep(*sorted(kept)).scan(
                inbox(
                    format_uids(looked | kept | unkept | failed | postponed),
                    kept=format_uids(kept),
                    unkept=[("no-rule", format_uids(unkept))] if unkept else [],
                    failed=[(uid, "NO") for uid in failed],
                    postponed=format_uids(postponed),
                    full=full,
                )
            )
        for epoch in (each for account in fold(evidence) for each in account.epochs):
            parts = (
                *(epoch.kept, epoch.presumed, epoch.erased, epoch.unkept_uids, epoch.failing),
                *(epoch.postponed, epoch.not_reached, epoch.missed),
            )
            assert sorted(uid for part in parts for uid in part) == list(epoch.looked)


NO_STORY = AccountCoverage(account="work", first=None, last=None, epochs=(), outages=())


def state(story: AccountCoverage, *, user: str = "me@consultant.example") -> AccountState:
    """Return how an account stands whose last sync went well."""
    return AccountState(
        name="work",
        settings=account(user=user),
        journal=story,
        attempt=START,
        good=START,
        attempts=0,
        reason="",
        records={},
    )


def test_a_name_that_is_back_for_another_folder_leaves_the_old_one_ended(story: Story) -> None:
    """Its UIDs mean something else under another UIDVALIDITY."""
    story.say(Epoch(account="work", folder="INBOX", uidvalidity=1, previous=None))
    story.scan(inbox("1:3", kept="1:3"))
    story.say(FolderChange(account="work", folder="INBOX", change="gone", uidvalidity=1))
    story.say(Epoch(account="work", folder="INBOX", uidvalidity=2, previous=1))
    story.say(FolderChange(account="work", folder="INBOX", change="back", uidvalidity=1))
    old, new = story.account.epochs
    assert old.ended is not None
    assert new.ended is None


def test_a_folder_that_cannot_be_looked_into_is_an_error_until_it_can(story: Story) -> None:
    """Its reason is the last, its time the first; it is no epoch."""
    story.scan(replace(inbox(uidvalidity=0, full=False), error="denied"))
    story.scan(replace(inbox(uidvalidity=0, full=False), error="broken"))
    (error,) = story.account.errors
    assert (error.folder, error.reason) == ("INBOX", "broken")
    assert story.account.epochs == ()
    (found,) = of_accounts([state(story.account)], 3, START, UTC)
    assert (found.code, found.level, found.subject) == ("folder-failed", "error", "work/INBOX")
    assert "denied" not in found.message
    assert "account test work" in found.advice
    story.scan(inbox("1", kept="1"))
    assert story.account.errors == ()


def test_an_account_without_an_address_of_ours_is_not_said_to_be_one_sided() -> None:
    """Nobody knows then what was sent: the advice is to say who we are."""
    sides = (Sides(account="work", received=214, sent=0),)
    both = OneSided(sides=sides, lacking=0, shown=())
    (found,) = of_sides(both, [state(NO_STORY, user="lea")])
    assert found.code == "address-unknown"
    assert "archiver account edit work --address" in found.advice
