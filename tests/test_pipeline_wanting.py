"""Which messages of a mailbox are fetched: rules, threads, ``[never]``, and looking again."""

import hashlib
import os
import random
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from evidence_case import create
from hypothesis import given, settings
from hypothesis import strategies as st
from mail import DEFAULT_DATE, mail
from readings import opened

from archiver.accounts import Account, Never
from archiver.catalogue.catalogue import Catalogue
from archiver.config import Settings
from archiver.engagements import Engagement, Person
from archiver.engagements.selecting import Selector
from archiver.evidence.store import Evidence
from archiver.mailbox.server.session import Outline
from archiver.mailbox.wanted import Heading, Verdict, Wanted
from archiver.model.digest import Digest
from archiver.model.entries import Tag
from archiver.model.incoming import Incoming
from archiver.model.sources import ImapSource
from archiver.pipeline.headings import read_heading
from archiver.pipeline.level import Rules, catalogue_up
from archiver.pipeline.wanting import make_wanted, rules_digest

ME = "jane@consultant.example"
MARIE = "Marie Client <marie@acme.example>"
STRANGER = "stranger@else.example"
NOW = datetime(2026, 11, 1, tzinfo=UTC)
ACME = Engagement(
    slug="acme",
    client="ACME",
    people=(Person(addresses=("marie@acme.example",)),),
    domains=("acme.example",),
    folders=("Clients/ACME",),
)
ACCOUNT = Account(
    name="work", host="h.example", port=993, user=ME, security="tls", keep="engagements"
)
EVERYTHING = replace(ACCOUNT, keep="everything")
PIECES = (
    b"From: ",
    b"Subject: ",
    b"Reply-To:",
    b"Sender: ",
    b"References: <a@b> <c@d>",
    b"Message-ID: <<>",
    b"Date: Mon, 99 Foo 0000",
    b"=?utf-8?q?priv=C3=A9?=",
    b"=?bogus?b?//8=?=",
    b'"Marie Client" <marie@acme.example>',
    b'"x@acme.example" <@@>',
    b"a" * 300 + b"@" + b"b." * 200,
    b"\xff\xfe\x00",
    b"\r\n",
    b"\r\n ",
    b"\n\n",
    b":;,<>()[]",
)
NEAR = {"same-name", "other-days", "client-elsewhere", "like-domain"}
_FIELDS = re.compile(
    rb"^(?:from|to|cc|bcc|sender|reply-to|subject|date|message-id|in-reply-to|references)"
    rb"[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*",
    re.IGNORECASE | re.MULTILINE,
)


def header_of(data: bytes) -> bytes:
    """Return the header fields that are asked for, as a server cuts them out."""
    head = data.replace(b"\r\n", b"\n").partition(b"\n\n")[0] + b"\n"
    return b"".join(_FIELDS.findall(head)) + b"\n"


@dataclass
class Mailbox:
    """Folders of messages, walked through as the sync does; UIDs count from 1."""

    folders: dict[str, list[bytes]]
    date: datetime | None = DEFAULT_DATE
    dates: dict[tuple[str, int], datetime] = field(default_factory=dict)
    """INTERNALDATE by folder and UID where it is not DATE."""
    labels: dict[tuple[str, int], tuple[str, ...]] = field(default_factory=dict)
    kept: set[tuple[str, int]] = field(default_factory=set)
    verdicts: dict[tuple[str, int], Verdict] = field(default_factory=dict)
    asked: list[tuple[str, int]] = field(default_factory=list)
    """Whose outline was asked for in order to look again."""

    def outline(self, folder: str, uid: int) -> Outline:
        """Tell what a server tells of a message."""
        return Outline(
            size=len(self.folders[folder][uid - 1]),
            internaldate=self.dates.get((folder, uid), self.date),
            flags=(),
            labels=self.labels.get((folder, uid), ()),
        )

    def walk(self, wanted: Wanted, *, chunk: int = 3) -> None:
        """Decide on everything that is not kept, then again while that is called for."""
        for folder, mails in self.folders.items():
            if wanted.folder(folder) is None:
                self.decide(wanted, folder, range(1, len(mails) + 1), chunk)
        self.settle(wanted, chunk=chunk)

    def settle(self, wanted: Wanted, *, chunk: int = 3) -> None:
        """Decide once more while that is called for."""
        for _round in range(10):
            looked = False
            for folder, mails in self.folders.items():
                numbers = range(1, len(mails) + 1)
                left = {uid for uid in numbers if (folder, uid) not in self.kept}
                if left and wanted.unsettled:
                    looked = True
                    self.decide(wanted, folder, self._again(wanted, folder, left), chunk)
            if not looked:
                return
        raise AssertionError("there is no end to it")

    def _again(self, wanted: Wanted, folder: str, left: Collection[int]) -> Sequence[int]:
        def outlines(uids: Sequence[int]) -> Mapping[int, Outline]:
            self.asked += [(folder, uid) for uid in uids]
            return {uid: self.outline(folder, uid) for uid in uids}

        return wanted.again(folder, left, outlines)

    def decide(self, wanted: Wanted, folder: str, uids: Iterable[int], chunk: int = 3) -> None:
        """Decide on UIDS of FOLDER, a chunk at a time."""
        todo = [uid for uid in uids if (folder, uid) not in self.kept]
        for start in range(0, len(todo), chunk):
            some = todo[start : start + chunk]
            headings = [
                Heading(
                    folder,
                    uid,
                    self.outline(folder, uid),
                    header_of(self.folders[folder][uid - 1]) if wanted.fields else b"",
                )
                for uid in some
            ]
            for uid, verdict in zip(some, wanted.decide(headings), strict=True):
                self.verdicts[folder, uid] = verdict
                if verdict.verdict == "keep":
                    self.kept.add((folder, uid))

    def rule(self, folder: str, uid: int) -> str:
        """Return the rule by which a message was decided on."""
        return self.verdicts[folder, uid].rule


@dataclass
class Desk:
    """An archive whose mail and catalogue the test fills."""

    evidence: Evidence
    catalogue: Catalogue
    engagements: tuple[Engagement, ...] = (ACME,)
    account: Account = ACCOUNT
    never: Never = field(default_factory=Never)

    @property
    def settings(self) -> Settings:
        """What ``archive.toml`` would say."""
        return Settings(
            time_zone="Europe/Paris", language="en", accounts=(self.account,), never=self.never
        )

    def wanted(self, now: datetime = NOW) -> Wanted:
        """Return what decides; something must."""
        found = make_wanted(
            self.evidence,
            lambda: self.catalogue,
            self.engagements,
            self.settings,
            self.account,
            now=now,
        )
        assert found is not None
        return found

    def keep(self, *mails: bytes, date: datetime = DEFAULT_DATE, account: str = "work") -> None:
        """Keep MAILS, read and tag them."""
        start = self.evidence.size
        self.evidence.keep(
            [
                Incoming(
                    data=data,
                    source=ImapSource(
                        account=account,
                        host="h",
                        certificate=None,
                        folder="Kept",
                        uidvalidity=1,
                        uid=start + number + 1,
                    ),
                    internaldate=date,
                )
                for number, data in enumerate(mails)
            ]
        )
        self.level()

    def level(self) -> None:
        """Bring the catalogue level with the journal."""
        rules = Rules(
            engagements=self.engagements,
            own=self.settings.own,
            version=Digest.of(b"rules"),
            time_zone=ZoneInfo("Europe/Paris"),
        )
        catalogue_up(self.evidence, self.catalogue, rules)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an empty archive with an engagement for ACME."""
    ticks = count()
    evidence = Evidence.create(
        tmp_path / "archive",
        clock=lambda: DEFAULT_DATE + timedelta(minutes=30 * next(ticks)),
        entropy=os.urandom,
        software="archiver test",
    )
    return Desk(evidence, opened(tmp_path))


def letter(name: str, *, to: str = ME, **more: object) -> bytes:
    """Write a message that has nothing to do with the client, unless told otherwise."""
    values: dict[str, object] = {"from_": STRANGER, "message_id": f"{name}@x.example"}
    return mail(to=to, **(values | more))  # type: ignore[arg-type]


# --- rules ---------------------------------------------------------------------------------------


def test_only_the_clients_mail_is_kept(desk: Desk) -> None:
    """What came, what was sent, and what lies in the client's folder."""
    box = Mailbox(
        {
            "INBOX": [letter("1"), letter("2", from_=MARIE), letter("3", cc="x@acme.example")],
            "Sent": [letter("4", from_=ME, to=MARIE), letter("5", from_=ME, to=STRANGER)],
            "Clients/ACME": [letter("6"), b"\r\n\r\nno header at all"],
        }
    )
    box.walk(desk.wanted())
    assert box.kept == {
        ("INBOX", 2),
        ("INBOX", 3),
        ("Sent", 1),
        ("Clients/ACME", 1),
        ("Clients/ACME", 2),
    }
    assert (box.rule("INBOX", 1), box.rule("INBOX", 2)) == ("no-rule", "rule")


def test_everything_without_never_asks_nobody(desk: Desk) -> None:
    """Nothing decides, and nothing is asked."""
    desk.account = EVERYTHING
    assert make_wanted(desk.evidence, _no_catalogue, (), desk.settings, EVERYTHING, now=NOW) is None


def _no_catalogue() -> Catalogue:
    raise AssertionError("the catalogue was asked for")


def test_a_label_ties_like_a_folder(desk: Desk) -> None:
    """Gmail has one folder of everything."""
    box = Mailbox({"[Gmail]/All Mail": [letter("1"), letter("2")]})
    box.labels["[Gmail]/All Mail", 2] = ("Clients/ACME", "\\Important")
    box.walk(desk.wanted())
    assert box.kept == {("[Gmail]/All Mail", 2)}


@pytest.mark.parametrize(
    "header", [b"", b"\r\n", b"\0\xff" * 40, b"\xff\xfe\x00 no colon", b" folded\r\n into nothing"]
)
def test_a_header_that_cannot_be_read_is_nearly_kept(desk: Desk, header: bytes) -> None:
    """It is told, so that a person may look; nothing is fetched on a guess."""
    heading = Heading("INBOX", 1, Outline(None, None, ()), header)
    assert desk.wanted().decide([heading]) == [Verdict("near", "unreadable-header")]


def test_an_answer_by_its_subject_alone_is_nearly_kept(desk: Desk) -> None:
    """Some mail programs lose the reference."""
    box = Mailbox(
        {
            "INBOX": [
                letter("1", from_=MARIE, subject="The order system"),
                letter("2", subject="RE: The order system"),
                letter("3", subject="The order system"),
            ]
        }
    )
    box.walk(desk.wanted())
    assert [box.rule("INBOX", uid) for uid in (1, 2, 3)] == ["rule", "reply-to-kept", "no-rule"]
    desk.keep(letter("1", from_=MARIE, subject="The order system"))
    later = Mailbox({"INBOX": [letter("4", subject="Re: Re: the order system")]})
    later.walk(desk.wanted())
    assert later.rule("INBOX", 1) == "reply-to-kept"


def test_names_that_the_archive_has_seen_are_recognised(desk: Desk) -> None:
    """The engagement's file names nobody."""
    desk.keep(letter("1", from_=MARIE))
    box = Mailbox({"INBOX": [letter("2", from_='"Client, Marie" <mc@freemail.example>')]})
    box.walk(desk.wanted())
    assert box.rule("INBOX", 1) == "same-name"


# --- never ---------------------------------------------------------------------------------------


def test_never_beats_every_rule_and_thread(desk: Desk) -> None:
    """Whoever wrote it, wherever it lies, whatever it answers."""
    desk.never = Never(
        addresses=("wife@home.example",), folders=("Clients/ACME/Private",), subjects=("privé",)
    )
    desk.keep(letter("0", from_=MARIE))
    box = Mailbox(
        {
            "INBOX": [
                letter("1", from_=MARIE, cc="wife@home.example"),
                letter("2", from_=MARIE, subject="[Privé] dinner"),
                letter("3", subject="Privé : dinner", in_reply_to="0@x.example"),
                letter("4", from_=MARIE, headers=[("Sender", "Wife <wife@home.example>")]),
            ],
            "Clients/ACME/Private": [letter("5", from_=MARIE)],
        }
    )
    wanted = desk.wanted()
    box.walk(wanted)
    assert box.kept == set()
    assert [box.rule("INBOX", uid) for uid in (1, 2, 3, 4)] == [
        "never-address",
        "never-subject",
        "never-subject",
        "never-address",
    ]
    assert wanted.folder("Clients/ACME/Private") == Verdict("leave", "never-folder")
    assert wanted.folder("Clients/ACME") is None


def test_never_keeps_out_of_everything_too(desk: Desk) -> None:
    """All the rest is kept, also what cannot be read."""
    desk.account = EVERYTHING
    desk.never = Never(addresses=("wife@home.example",), subjects=("privé",))
    box = Mailbox(
        {"INBOX": [letter("1"), letter("2", from_="wife@home.example"), b"\r\n\r\nnothing"]}
    )
    wanted = desk.wanted()
    assert set(wanted.fields) == {"From", "To", "Cc", "Bcc", "Sender", "Reply-To", "Subject"}
    box.walk(wanted)
    assert box.kept == {("INBOX", 1), ("INBOX", 3)}
    assert box.rule("INBOX", 1) == "everything"


def test_folders_alone_need_no_header(desk: Desk) -> None:
    """A label is told with the outline."""
    desk.account = EVERYTHING
    desk.never = Never(folders=("Private",))
    box = Mailbox({"All": [letter("1"), letter("2")]})
    box.labels["All", 2] = ("private",)
    wanted = desk.wanted()
    assert wanted.fields == ()
    box.walk(wanted)
    assert box.kept == {("All", 1)}
    assert box.rule("All", 2) == "never-folder"


# --- threads -------------------------------------------------------------------------------------


def test_answers_in_a_kept_thread_are_kept(desk: Desk) -> None:
    """Among colleagues, without the client."""
    desk.keep(letter("0", from_=MARIE, references=("lost@x.example",)))
    box = Mailbox(
        {
            "INBOX": [
                letter("1", in_reply_to="0@x.example"),
                letter("2", references=("lost@x.example", "other@x.example")),
                letter("other"),
                letter("3", in_reply_to="elsewhere@x.example"),
            ]
        }
    )
    box.walk(desk.wanted())
    assert box.kept == {("INBOX", 1), ("INBOX", 2), ("INBOX", 3)}
    assert box.rule("INBOX", 2) == "thread"


def test_what_a_kept_message_refers_to_is_kept_from_folders_passed_before(desk: Desk) -> None:
    """Link by link, across folders, in one walk."""
    box = Mailbox(
        {
            "A": [letter("1"), letter("unrelated")],
            "B": [letter("2", in_reply_to="1@x.example")],
            "C": [letter("3", in_reply_to="2@x.example")],
            "D": [letter("4", from_=MARIE, in_reply_to="3@x.example")],
        }
    )
    box.walk(desk.wanted())
    assert box.kept == {("A", 1), ("B", 1), ("C", 1), ("D", 1)}
    assert box.asked == []  # what this walk left needs no second look at its date


def test_a_record_that_came_another_way_brings_what_was_left(desk: Desk) -> None:
    """By import, by another account, by what a person decided; only within 90 days."""
    at = DEFAULT_DATE
    box = Mailbox({"INBOX": [letter("1"), letter("2"), letter("3", in_reply_to="1@x.example")]})
    box.dates = {("INBOX", 1): at - timedelta(days=80), ("INBOX", 2): at - timedelta(days=120)}
    box.walk(desk.wanted())
    assert box.kept == set()
    _synced(desk)
    references = ("1@x.example", "2@x.example")
    desk.keep(letter("4", from_=MARIE, references=references), account="other")
    box.settle(desk.wanted())
    assert box.kept == {("INBOX", 1), ("INBOX", 3)}
    assert box.asked == [("INBOX", 1), ("INBOX", 2), ("INBOX", 3)]
    _synced(desk, later=timedelta(hours=1))
    assert not desk.wanted().unsettled


def test_what_joins_a_known_thread_elsewhere_calls_for_no_second_look(desk: Desk) -> None:
    """Two accounts that see the same conversation do not keep each other busy."""
    desk.keep(letter("1", from_=MARIE), account="other")
    _synced(desk, later=timedelta(minutes=15))
    date = DEFAULT_DATE + timedelta(days=1)
    desk.keep(letter("2", in_reply_to="1@x.example"), account="other", date=date)
    assert not desk.wanted().unsettled
    desk.keep(letter("3", references=("1@x.example", "lost@x.example")), account="other", date=date)
    assert desk.wanted().unsettled


def test_what_the_account_kept_itself_calls_for_one_until_a_walk_looked_around(desk: Desk) -> None:
    """However often, and however long ago, walks broke off before."""
    desk.keep(letter("1", from_=MARIE))
    _synced(desk)
    desk.keep(letter("2", from_=MARIE, in_reply_to="0@x.example"))
    assert desk.wanted().unsettled
    at = desk.evidence.last_entry_at() + timedelta(days=3)
    desk.evidence.note_sync("work", at, good=False, reason="the line broke")
    assert desk.wanted().unsettled
    _synced(desk)
    assert not desk.wanted().unsettled


def test_new_mail_that_refers_to_nothing_calls_for_no_second_look(desk: Desk) -> None:
    """What answers it can only come later; else every new message cost a look at all folders."""
    box = Mailbox({"INBOX": [letter("1")]})
    box.walk(desk.wanted())
    at = _synced(desk)
    wanted = desk.wanted()
    box.folders["INBOX"].append(letter("2", from_=MARIE, date=at + timedelta(hours=1)))
    box.dates["INBOX", 2] = at + timedelta(hours=1)
    box.decide(wanted, "INBOX", (2,))
    assert box.kept == {("INBOX", 2)}
    assert not wanted.unsettled


def test_new_mail_that_refers_to_what_is_not_here_does(desk: Desk) -> None:
    """What was left is looked for around it, once for each folder."""
    box = Mailbox({"INBOX": [letter("1"), letter("2")], "Sent": [letter("3", from_=ME)]})
    box.walk(desk.wanted())
    _synced(desk)
    wanted = desk.wanted()
    box.folders["INBOX"].append(letter("4", from_=MARIE, in_reply_to="3@x.example"))
    box.decide(wanted, "INBOX", (3,))
    assert wanted.unsettled
    box.settle(wanted)
    assert box.kept == {("INBOX", 3), ("Sent", 1)}
    assert sorted(box.asked) == [("INBOX", 1), ("INBOX", 2), ("Sent", 1)]


def test_a_decision_of_a_person_brings_the_thread(desk: Desk) -> None:
    """A record that was tagged by hand makes its thread one that is kept."""
    desk.keep(letter("1"))
    box = Mailbox({"INBOX": [letter("2", in_reply_to="1@x.example")]})
    box.walk(desk.wanted())
    assert box.kept == set()
    _synced(desk)
    (record,) = desk.catalogue.order(desk.catalogue.thread(desk.catalogue.all_threads()[0]))
    desk.evidence.append([Tag(record=record, engagement="acme")], actor="person:jane")
    desk.level()
    box.settle(desk.wanted())
    assert box.kept == {("INBOX", 1)}


def _synced(desk: Desk, *, later: timedelta = timedelta(milliseconds=1)) -> datetime:
    """Note a good sync LATER than the newest entry, which looked around; return when."""
    at = desk.evidence.last_entry_at() + later
    desk.evidence.note_looked("work", desk.evidence.size)
    desk.evidence.note_sync("work", at, good=True)
    return at


# --- the same as tagging -------------------------------------------------------------------------


def business(corpora: Path, folder: str) -> list[bytes]:
    """Read the business mails of one collection."""
    files = [path for path in sorted((corpora / "business" / folder).rglob("*")) if path.is_file()]
    assert files
    return [path.read_bytes() for path in files if not path.name.endswith("LICENSE")]


@pytest.mark.shared
@pytest.mark.parametrize("seed", [None, 1, 2])
@pytest.mark.parametrize(
    ("folder", "domain"),
    [
        ("enron-badeer-r", "caiso.com"),
        ("enron-badeer-r", "ftenergy.com"),
        ("spamassassin-easy-ham-1", "slack.net"),
        ("spamassassin-easy-ham-1", "mithral.com"),
    ],
)
def test_what_is_kept_is_what_tagging_would_tie(
    tmp_path: Path, corpora: Path, folder: str, domain: str, seed: int | None
) -> None:
    """In any order: by rule, by thread, or for a person to decide."""
    mails = business(corpora, folder)
    if seed is not None:
        random.Random(seed).shuffle(mails)
    engagement = Engagement(slug="one", client="One", domains=(domain,))
    (tmp_path / "whole").mkdir()
    whole = Desk(create(tmp_path / "a"), opened(tmp_path / "whole"), (engagement,))
    for start in range(0, len(mails), 500):
        whole.evidence.keep(
            [
                Incoming(data=data, source=_at(start + number), internaldate=None)
                for number, data in enumerate(mails[start : start + 500])
            ]
        )
    whole.level()
    tied = whole.catalogue.tagged("one").union(each.record for each in whole.catalogue.undecided())
    expected = {line.digest.hex for line in whole.catalogue.lines(sorted(tied))}
    part = Desk(create(tmp_path / "b"), opened(tmp_path), (engagement,))
    half = len(mails) // 2
    box = Mailbox({"INBOX": mails[:half], "Sent": mails[half:]}, date=None)
    box.walk(part.wanted(), chunk=100)
    kept = {
        hashlib.sha256(box.folders[folder][uid - 1]).hexdigest() for folder, uid in sorted(box.kept)
    }
    assert expected
    assert kept == expected


def _at(number: int) -> ImapSource:
    return ImapSource(
        account="work", host="h", certificate=None, folder="INBOX", uidvalidity=1, uid=number + 1
    )


# --- the digest of the rules ---------------------------------------------------------------------


def test_rules_are_told_apart_by_what_decides() -> None:
    """Everything else would only cost another look."""

    def digest(account: Account = ACCOUNT, *engagements: Engagement, **more: object) -> object:
        settings = Settings(
            **{"time_zone": "UTC", "language": "en", "accounts": (account,)} | more  # type: ignore[arg-type]
        )
        return rules_digest(account, engagements or (ACME,), settings)

    never = Never(subjects=("Privé",))
    same = [digest(), digest(ACCOUNT, replace(ACME, title="x")), digest(language="fr")]
    assert len(set(same)) == 1
    others = [
        digest(),
        digest(ACCOUNT, replace(ACME, domains=())),
        digest(ACCOUNT, ACME, replace(ACME, slug="two")),
        digest(never=never),
        digest(time_zone="Europe/Paris"),
        digest(replace(ACCOUNT, addresses=("me@other.example",))),
        digest(replace(ACCOUNT, name="other")),
        digest(EVERYTHING, never=never),
        digest(EVERYTHING),
    ]
    assert len(set(others)) == len(others)
    assert digest(EVERYTHING) is None
    assert digest(never=never) == digest(never=Never(subjects=(" PRIVE ",)))
    assert digest(EVERYTHING, never=never) == digest(
        EVERYTHING, replace(ACME, domains=()), never=never
    )


# --- hostile mail --------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(header=st.one_of(st.binary(max_size=400), st.lists(st.sampled_from(PIECES)).map(b"".join)))
def test_nothing_that_stands_in_a_header_stops_the_walk(header: bytes) -> None:
    """Each message gets a verdict, and a rule in our own words."""
    never = Never(addresses=("wife@home.example", "@x.example"), subjects=("privé",))
    selector = Selector((ACME,), own=frozenset({ME}), never=never)
    outline = Outline(None, None, ())
    headed = read_heading(Heading("INBOX", 1, outline, header), account="work", now=NOW)
    if headed is not None:
        assert selector.never.meets(headed.shown) in {None, "never-address", "never-subject"}
        selector.tied(headed.shown)
        near = selector.near(headed.shown)
        assert near is None or near.rule in NEAR
        assert len(headed.named.all) <= 500
