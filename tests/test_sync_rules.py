"""Only what is wanted is fetched; what is left is stated, and looked at again when it must be."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from mailbox_fakes import FakeFolder, account
from sync_case import ARRIVED, Case, box, letter

from archiver.mailbox.wanted import Heading, Outlines, Verdict
from archiver.model.digest import Digest
from archiver.model.entries import Scan


@dataclass
class Rules:
    """Keeps mail whose header names one of KEEP; nearly keeps what names one of NEAR."""

    keep: Collection[str] = ()
    near: Collection[str] = ()
    folders: Collection[str] = ()
    """Folders that are left as a whole."""
    fields: tuple[str, ...] = ("Subject",)
    never: Collection[str] = ()
    """Words of messages that are not fetched, not even to confirm what they are taken for."""
    refers: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """UIDs that turn out to be wanted once everything was looked at, by folder."""
    asked: list[int] = field(default_factory=list)
    again_asked: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)

    @property
    def rules(self) -> Digest:
        """What decides."""
        return Digest.of(repr((sorted(self.keep), sorted(self.near), self.folders)).encode())

    def folder(self, folder: str) -> Verdict | None:
        """Leave the folders that are named."""
        return Verdict("leave", "never a folder") if folder in self.folders else None

    def decide(self, headings: Sequence[Heading]) -> Sequence[Verdict]:
        """Look for the words."""
        self.asked += [heading.uid for heading in headings]
        return [self._decide(heading) for heading in headings]

    @property
    def unsettled(self) -> bool:
        """Whether something is to be decided again."""
        return bool(self.refers)

    def again(self, folder: str, left: Collection[int], outlines: Outlines) -> Sequence[int]:
        """Return what turned out to be wanted; it is kept from then on."""
        assert set(outlines(sorted(left))) <= set(left)
        self.again_asked.append((folder, tuple(sorted(left))))
        found = tuple(uid for uid in self.refers.pop(folder, ()) if uid in left)
        self.keep = (*self.keep, *(f"Mail {uid}" for uid in found))
        return found

    def forbidden(self, heading: Heading) -> str:
        """Look for the words that are never to be fetched."""
        text = heading.header.decode()
        return "never-subject" if any(word in text for word in self.never) else ""

    def _decide(self, heading: Heading) -> Verdict:
        text = heading.header.decode()
        if any(f"Subject: {word}\r\n" in text for word in self.keep):
            return Verdict("keep", "rule")
        if any(f"Subject: {word}\r\n" in text for word in self.near):
            return Verdict("near", "same name")
        return Verdict("leave", "no rule")


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """Make an archive with an inbox of five and a private folder of two."""
    case = Case(tmp_path / "archive", {"INBOX": box(*range(1, 6)), "Private": box(11, 12)})
    case.account = account(keep="engagements")
    with case.evidence:
        yield case


def test_only_what_is_wanted_is_fetched(case: Case) -> None:
    """The rest is UIDs and the kind of rule, nothing else; the rules are named by their digest."""
    rules = Rules(keep=["Mail 2"], near=["Mail 4"], folders=["Private"])
    intake = case.sync(wanted=rules)
    assert case.fetched == ["fetch 2"]
    assert (intake.new, intake.unkept, intake.near) == (1, 4, 1)
    (scan,) = case.said(Scan)
    assert scan.rules == rules.rules
    (inbox,) = case.scans()
    assert inbox.kept == "2"
    assert inbox.unkept == (("no rule", "1,3,5"), ("same name", "4"))
    assert inbox.near == (("same name", "4"),)
    assert "examine Private" not in case.log
    assert case.scans("Private")[0].unkept == (("never a folder", ""),)
    assert case.sound()


def test_what_was_left_is_not_asked_about_again(case: Case) -> None:
    """Under the same rules nothing is sent, whether by delta or in a whole enumeration."""
    rules = Rules(keep=["Mail 2"], folders=["Private"])
    case.sync(wanted=rules)
    size = case.evidence.size
    case.sync(wanted=rules)
    assert case.log == ["list"]
    assert case.evidence.size == size
    rules.asked.clear()
    case.later(days=7)
    case.sync(wanted=rules)
    assert rules.asked == []
    case.folders["INBOX"].messages[6] = letter(6)
    case.sync(wanted=rules)
    assert rules.asked == [6]


def test_other_rules_look_at_what_was_left(case: Case) -> None:
    """Headers only, but for what they want; what was kept stays."""
    case.sync(wanted=Rules(keep=["Mail 2"], folders=["Private"]))
    wider = Rules(keep=["Mail 2", "Mail 3"])
    intake = case.sync(wanted=wider)
    assert sorted(wider.asked) == [1, 3, 4, 5, 11, 12]
    assert (intake.new, case.fetched) == (1, ["fetch 3"])
    assert case.scans("Private")[-1].unkept == (("no rule", "11:12"),)
    assert intake.notes == []  # nothing was missed: it was left


def test_without_rules_everything_that_was_left_is_fetched(case: Case) -> None:
    """``keep`` was set to everything."""
    case.sync(wanted=Rules(keep=["Mail 2"]))
    case.account = account()
    assert case.sync().new == 6
    assert case.records() == 7


def test_what_a_kept_record_refers_to_is_looked_at_again_in_the_same_run(case: Case) -> None:
    """Also in a folder in which nothing changed."""
    case.sync(wanted=Rules(keep=["Mail 2"]))
    rules = Rules(keep=["Mail 2"], refers={"INBOX": (3, 5), "Private": (12,)})
    intake = case.sync(wanted=rules)
    assert ("INBOX", (1, 3, 4, 5)) in rules.again_asked
    assert intake.new == 3
    assert case.scans()[-1].kept == "3,5"
    assert case.scans()[-1].unkept == ()
    assert case.sound()
    rules.refers.clear()
    assert case.evidence.unkept_uids("work", "INBOX", 1, Rules(keep=["Mail 2"]).rules) == {1, 4}


def test_in_a_first_run_what_was_left_just_now_is_looked_at_again(case: Case) -> None:
    """One statement for each folder: kept after all."""
    rules = Rules(keep=["Mail 2"], refers={"INBOX": (3,)})
    case.sync(wanted=rules)
    (inbox,) = case.scans()
    assert (inbox.kept, inbox.unkept) == ("2:3", (("no rule", "1,4:5"),))


def test_a_message_that_fails_when_looked_at_again_is_tried_the_next_time(case: Case) -> None:
    """Its folder is not called read to its end."""
    rules = Rules(keep=["Mail 2"], refers={"INBOX": (3,)})
    case.folders["INBOX"].refused = frozenset({3})
    case.folders["INBOX"].headless = frozenset()
    intake = case.sync(wanted=rules)
    assert intake.problems
    assert not case.evidence.cursors("work")["INBOX"].done


def test_a_message_whose_header_cannot_be_had_is_not_decided(case: Case) -> None:
    """It is told, and tried again: nobody knows what is in it."""
    case.folders["INBOX"].headless = frozenset({4})
    rules = Rules(keep=["Mail 4"])
    intake = case.sync(wanted=rules)
    assert [problem.where for problem in intake.problems] == ["work/INBOX UID 4"]
    case.folders["INBOX"].headless = frozenset()
    assert case.sync(wanted=rules).new == 1


def test_rules_that_need_no_header_ask_for_none(case: Case) -> None:
    """Everything but some folders, say."""
    rules = Rules(fields=())
    case.sync(wanted=rules)
    assert not [asked for asked in case.log if asked.startswith("headers")]
    assert len(rules.asked) == 7


def test_a_glance_leaves_out_folders_that_rules_leave_out(case: Case) -> None:
    """New mail in a private folder calls for no connection."""
    rules = Rules(keep=["Mail 2"], folders=["Private"])
    case.sync(wanted=rules)
    case.folders["Private"].messages[13] = letter(13)
    sessions = len(case.sessions)
    case.sync(wanted=rules, glance=case.glance([]))
    assert len(case.sessions) == sessions


def test_a_glance_is_not_enough_when_something_came_from_elsewhere(case: Case) -> None:
    """A record of another account may belong with messages that were left in this one."""
    case.sync(wanted=Rules(keep=["Mail 2"]))
    rules = Rules(keep=["Mail 2"], refers={"INBOX": (3,)})
    assert case.sync(wanted=rules, glance=case.glance([])).new == 1


# --- folders that show what others hold -----------------------------------------------------------


@pytest.fixture
def gmail(tmp_path: Path) -> Iterator[Case]:
    """Make an archive of a Gmail account: each message in All Mail, and once for each label."""
    shown = {number: letter(number) for number in range(1, 5)}
    folders = {
        "INBOX": FakeFolder(dict(shown), role="inbox"),
        "ACME": FakeFolder({1: letter(2)}),
        "[Gmail]/All Mail": FakeFolder(
            {number + 20: data for number, data in shown.items()},
            role="all",
            internaldate=ARRIVED,
            labels={21: ("INBOX", "ACME"), 24: ("\\Draft",)},
        ),
        "[Gmail]/Spam": box(50, role="junk"),
        "[Gmail]/Drafts": box(60, role="drafts"),
    }
    case = Case(tmp_path / "archive", folders)
    with case.evidence:
        yield case


def test_gmail_is_fetched_from_all_mail_spam_and_trash(gmail: Case) -> None:
    """Once each, with its labels and Gmail's own number; a draft is left."""
    intake = gmail.sync(session={"gmail": True})
    assert intake.new == 4
    assert gmail.fetched == ["fetch 21,22,23", "fetch 50"]
    (allmail,) = gmail.scans("[Gmail]/All Mail")
    assert (allmail.kept, allmail.unkept) == ("21:23", (("draft", "24"),))
    sources = {
        source.uid: (source.labels, source.gmail_id)
        for source in (each.source for each in gmail.said(_sighting()))
    }
    assert sources[21] == (("INBOX", "ACME"), "21")
    gmail.sync(session={"gmail": True}, glance=gmail.glance([]))
    assert len(gmail.sessions) == 1
    gmail.later(days=7)
    gmail.sync(session={"gmail": True})
    assert gmail.fetched == []


def _sighting() -> type:
    from archiver.model.entries import Sighting

    return Sighting


def test_a_label_that_the_account_names_is_fetched(gmail: Case) -> None:
    """What a person names is what counts."""
    gmail.account = account(folders=["ACME"])
    assert gmail.sync(session={"gmail": True}).new == 1


def test_without_all_mail_the_labels_are_all_there_is(gmail: Case) -> None:
    """Gmail's settings may hide it from IMAP."""
    del gmail.folders["[Gmail]/All Mail"]
    intake = gmail.sync(session={"gmail": True})
    assert (intake.new, intake.seen_again) == (5, 1)


def test_folders_of_other_people_are_left_unless_they_are_wanted(case: Case) -> None:
    """By name, or all of them."""
    case.folders["Other Users/anna/INBOX"] = box(30, foreign=True)
    case.account = account()
    assert case.sync().new == 7
    case.account = account(others=True)
    assert case.sync().new == 1


def test_what_is_never_fetched_is_not_fetched_to_confirm_it_either(case: Case) -> None:
    """A rule that came after it was recognised; it stays presumed, and that is told."""
    del case.folders["Private"]
    case.account = account(keep="engagements", recheck_bytes=0)
    keep = tuple(f"Mail {number}" for number in range(1, 6))
    case.sync(wanted=Rules(keep=keep))
    case.folders["INBOX"].uidvalidity = 2
    assert case.sync(wanted=Rules(keep=keep)).recognised == 5
    case.account = account(keep="engagements")
    intake = case.sync(wanted=Rules(keep=keep, never=("Mail 2", "Mail 3")))
    assert (intake.confirmed, intake.presumed) == (3, 2)
    assert case.fetched
    assert not any("2" in asked.split()[-1] for asked in case.fetched)
    assert [note for note in intake.notes if "rule never-subject" in note]
