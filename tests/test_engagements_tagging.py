"""Which mail belongs to which engagement, and the reason a person reads."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from archiver.engagements import Engagement, Period, Person, changes, explain, tag_thread
from archiver.model.digest import Position
from archiver.model.reading import Mailbox
from archiver.model.tagging import Decision, RecordFacts, Tagging, TagOf

US = "jane@consultant.example"
MARIE = "marie@acme.example"
OWN = frozenset({US})
Y2025 = Period(after=date(2025, 1, 1), before=date(2025, 12, 31))
Y2026 = Period(after=date(2026, 1, 1), before=date(2026, 12, 31))


def person(*addresses: str, from_: date | None = None, until: date | None = None) -> Person:
    """Return a person by nothing but the addresses."""
    return Person(addresses=addresses, from_=from_, until=until)


def acme(slug: str = "acme", /, **more: object) -> Engagement:
    """Return an engagement for ACME, with Marie unless told otherwise."""
    values: dict[str, object] = {"client": "ACME", "people": (person(MARIE),)}
    return Engagement(slug=slug, **(values | more))  # type: ignore[arg-type]


def bolt(**more: object) -> Engagement:
    """Return an engagement for another client."""
    return acme("bolt", **({"client": "Bolt", "people": (person("bob@bolt.example"),)} | more))


def record(
    position: int = 0,
    *,
    from_: str = US,
    to: Sequence[str] = (US,),
    subject: str = "Hello",
    when: datetime | date = date(2026, 3, 2),
    folder: str = "INBOX",
) -> RecordFacts:
    """Return what rules look at, saying only what matters."""
    moment = (
        when
        if isinstance(when, datetime)
        else datetime(when.year, when.month, when.day, 12, tzinfo=UTC)
    )
    return RecordFacts(
        position=Position(position),
        when=moment,
        from_=(Mailbox("", from_),),
        to=tuple(Mailbox("", address) for address in to),
        subject=subject,
        folders=(("work", folder),),
    )


def tags(
    record_: RecordFacts, *engagements: Engagement, own: frozenset[str] = OWN
) -> dict[str, str]:
    """Return the reason for each engagement of a record alone in its thread."""
    tagging = tag_thread((record_,), engagements, (), own=own)
    return {tag.engagement: tag.reason for tag in tagging.tags}


def candidates(tagging: Tagging, position: int = 0) -> tuple[str, ...]:
    """Return between which engagements a person is asked to decide."""
    return tuple(
        slug
        for question in tagging.undecided
        if question.record == position
        for slug, _reason in question.candidates
    )


def decide(
    position: int, engagement: str, *, belongs: bool, entry: int = 100, by: str = "person:Jane"
) -> Decision:
    """Return what a person said."""
    return Decision(
        record=Position(position),
        engagement=engagement,
        belongs=belongs,
        entry=Position(entry),
        by=by,
    )


# Rules give tags with reasons.


def test_mail_from_a_person_of_the_client_is_tagged() -> None:
    """Accents of commands and case of addresses do not matter."""
    assert tags(record(from_="Marie@ACME.example"), acme()) == {
        "acme": "from marie@acme.example, a person of the client"
    }


def test_mail_to_a_person_of_the_client_is_tagged() -> None:
    """To, Cc and Bcc count alike."""
    assert tags(record(to=("x@y.example", MARIE)), acme()) == {
        "acme": "to marie@acme.example, a person of the client"
    }


def test_the_sender_is_a_better_reason_than_a_recipient() -> None:
    """One reason is given, the most telling."""
    engagement = acme(domains=("acme.example",))
    found = tags(record(from_=MARIE, to=("paul@acme.example",)), engagement)
    assert found == {"acme": "from marie@acme.example, a person of the client"}


def test_mail_of_a_third_party_is_tagged() -> None:
    """Another supplier writes about the engagement as well."""
    engagement = acme(third=(person("paul@integrator.example"),))
    assert tags(record(from_="paul@integrator.example"), engagement) == {
        "acme": "from paul@integrator.example, a third party of the engagement"
    }


@pytest.mark.parametrize("address", ["new@acme.example", "new@lyon.acme.example"])
def test_the_client_s_domain_counts_with_its_subdomains(address: str) -> None:
    """Colleagues of the client need not be listed."""
    reason = f"from {address}, at the client's domain acme.example"
    assert tags(record(from_=address), acme(domains=("acme.example",))) == {"acme": reason}


@pytest.mark.parametrize(
    "address", ["new@notacme.example", "acme.example@x.example", "acme.example"]
)
def test_a_domain_that_only_looks_alike_does_not_count(address: str) -> None:
    """Labels are compared, not ends of text."""
    assert tags(record(from_=address), acme(domains=("acme.example",))) == {}


def test_an_international_domain_is_the_same_in_both_spellings() -> None:
    """Mail carries one, a person writes the other."""
    engagement = acme(people=(person("marie@société.example"),))
    assert tags(record(from_="marie@xn--socit-esab.example"), engagement)


@pytest.mark.parametrize(
    "subject",
    ["Re: ACME-42", "[acme-42] minutes", "TR : (Acme-42), suite", "ref_ACME-42_v2"],
)
def test_a_code_in_the_subject_is_enough(subject: str) -> None:
    """Case does not matter, nor what stands around the word."""
    found = tags(record(from_="x@y.example", subject=subject), acme(codes=("ACME-42",)))
    assert found == {"acme": "the subject names ACME-42"}


@pytest.mark.parametrize("subject", ["ACME-421", "XACME-42", "ACME 42", "ACME-4"])
def test_a_code_is_a_whole_word(subject: str) -> None:
    """ACME-42 is not in ACME-421."""
    assert tags(record(from_="x@y.example", subject=subject), acme(codes=("ACME-42",))) == {}


def test_accents_and_blanks_in_a_code_do_not_matter() -> None:
    """People type them or not."""
    engagement = acme(codes=("Projet Éléphant",))
    assert tags(record(from_="x@y.example", subject="Re: projet  elephant"), engagement)


@pytest.mark.parametrize("rule", ["Clients/ACME", "work/Clients/ACME", "clients/acme", "Clients"])
def test_mail_in_a_folder_of_the_engagement_is_tagged(rule: str) -> None:
    """With or without the account; folders below count as well."""
    found = tags(record(from_="x@y.example", folder="Clients/ACME"), acme(folders=(rule,)))
    assert found == {"acme": f"in the folder {rule}"}


@pytest.mark.parametrize("rule", ["ACME", "home/Clients/ACME", "work", "Clients/AC"])
def test_another_folder_does_not_count(rule: str) -> None:
    """The name of an account alone is no folder."""
    assert tags(record(from_="x@y.example", folder="Clients/ACME"), acme(folders=(rule,))) == {}


def test_a_person_counts_only_on_the_days_given() -> None:
    """Who left the client is no tie any more, both ends included."""
    engagement = acme(people=(person(MARIE, from_=date(2026, 2, 1), until=date(2026, 2, 28)),))
    days = [date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 28), date(2026, 3, 1)]
    found = [bool(tags(record(from_=MARIE, when=day), engagement)) for day in days]
    assert found == [False, True, True, False]


def test_days_are_days_in_the_archive_s_time_zone() -> None:
    """23:30 UTC is the next day in Paris."""
    engagement = acme(people=(person(MARIE, from_=date(2026, 2, 1)),))
    mail = record(from_=MARIE, when=datetime(2026, 1, 31, 23, 30, tzinfo=UTC))
    assert tags(mail, engagement) == {}
    zone = ZoneInfo("Europe/Paris")
    assert tag_thread((mail,), (engagement,), (), own=OWN, time_zone=zone).tags


def test_a_date_at_the_end_of_time_is_no_error() -> None:
    """Dates are hostile input."""
    mail = record(from_=MARIE, when=datetime(9999, 12, 31, 23, 59, tzinfo=UTC))
    assert tag_thread((mail,), (acme(),), (), own=OWN, time_zone=ZoneInfo("Asia/Tokyo")).tags


# Our own addresses.


def test_mail_between_ourselves_has_no_tie() -> None:
    """Unless its subject names the engagement."""
    engagement = acme(us=(person("bob@consultant.example"),), codes=("ACME-42",))
    mail = record(from_=US, to=("bob@consultant.example",))
    assert tag_thread((mail,), (engagement,), (), own=OWN) == Tagging(tags=(), undecided=())
    assert tags(record(to=("bob@consultant.example",), subject="ACME-42"), engagement)


def test_an_address_that_the_client_lent_us_is_no_tie() -> None:
    """Neither as our account's nor as that of a colleague in any engagement."""
    engagement = acme(domains=("acme.example",), people=())
    assert (
        tags(
            record(from_=US, to=("jane.ext@acme.example",)),
            engagement,
            own=frozenset({US, "jane.ext@acme.example"}),
        )
        == {}
    )
    other = acme("other", us=(person("jane.ext@acme.example"),), people=())
    assert tags(record(to=("jane.ext@acme.example",)), engagement, other) == {}


def test_a_colleague_here_can_be_a_third_party_elsewhere() -> None:
    """What an engagement says of a person holds for that engagement."""
    mate = person("mate@freelance.example")
    found = tags(record(from_="mate@freelance.example"), acme(us=(mate,)), bolt(third=(mate,)))
    assert list(found) == ["bolt"]


# The period helps to choose between a client's engagements.


def test_the_period_chooses_between_engagements_of_one_client() -> None:
    """And the reason says so."""
    found = tags(record(from_=MARIE), acme("acme-25", period=Y2025), acme("acme-26", period=Y2026))
    assert found == {
        "acme-26": "from marie@acme.example, a person of the client; 1 other engagement of the "
        "client fits, but only this one's period contains 2026-03-02"
    }


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2025, 11, 3), "; before the period, which begins on 2026-01-01"),
        (date(2027, 5, 3), "; after the period, which ends on 2026-12-31"),
    ],
)
def test_the_period_alone_never_excludes(day: date, words: str) -> None:
    """The proposal came before, the dispute comes after."""
    found = tags(record(from_=MARIE, when=day), acme(period=Y2026))
    assert found == {"acme": f"from marie@acme.example, a person of the client{words}"}


@pytest.mark.parametrize("day", [date(2024, 6, 1), date(2027, 6, 1)])
def test_mail_outside_all_periods_of_a_client_is_for_a_person(day: date) -> None:
    """Two fit, and nothing chooses."""
    engagements = (acme("acme-25", period=Y2025), acme("acme-26", period=Y2026))
    tagging = tag_thread((record(from_=MARIE, when=day),), engagements, (), own=OWN)
    assert tagging.tags == ()
    assert candidates(tagging) == ("acme-25", "acme-26")


def test_the_first_and_the_last_day_belong_to_the_period() -> None:
    """Both ends are included."""
    engagements = (acme("acme-25", period=Y2025), acme("acme-26", period=Y2026))
    assert list(tags(record(from_=MARIE, when=date(2025, 12, 31)), *engagements)) == ["acme-25"]
    assert list(tags(record(from_=MARIE, when=date(2026, 1, 1)), *engagements)) == ["acme-26"]


# Two fits go to triage, unrelated mail is counted.


def test_two_engagements_of_one_client_on_the_same_day_are_for_a_person() -> None:
    """Each candidate comes with its reason, one whose period contains the day first."""
    engagements = (
        acme("a-past", period=Y2025),
        acme("b-now", period=Y2026),
        acme("c-now", period=Y2026),
    )
    tagging = tag_thread((record(from_=MARIE),), engagements, (), own=OWN)
    assert tagging.tags == ()
    assert candidates(tagging) == ("b-now", "c-now", "a-past")
    reason = "from marie@acme.example, a person of the client"
    assert tagging.undecided[0].candidates[0] == ("b-now", reason)


def test_mail_to_two_clients_is_for_a_person_whatever_the_period() -> None:
    """The period chooses between engagements of one client only."""
    mail = record(to=(MARIE, "bob@bolt.example"))
    tagging = tag_thread((mail,), (acme(period=Y2025), bolt(period=Y2026)), (), own=OWN)
    assert (tagging.tags, candidates(tagging)) == ((), ("bolt", "acme"))


def test_unrelated_mail_is_neither_tagged_nor_asked_about() -> None:
    """It is counted elsewhere."""
    tagging = tag_thread((record(from_="news@shop.example"),), (acme(), bolt()), (), own=OWN)
    assert tagging == Tagging(tags=(), undecided=())


@pytest.mark.parametrize("more", [{"codes": ("ACME-42",)}, {"folders": ("ACME",)}])
def test_a_code_or_a_folder_beats_people_and_domains(more: dict[str, tuple[str, ...]]) -> None:
    """It names the engagement; a person only names the client."""
    mail = record(from_="bob@bolt.example", subject="About ACME-42", folder="ACME")
    assert list(tags(mail, acme(**more), bolt())) == ["acme"]


def test_two_codes_in_one_subject_are_for_a_person() -> None:
    """The program does not guess."""
    mail = record(from_="x@y.example", subject="ACME-42 or BOLT-1?")
    engagements = (acme(codes=("ACME-42",)), bolt(codes=("BOLT-1",)))
    assert candidates(tag_thread((mail,), engagements, (), own=OWN)) == ("acme", "bolt")


def test_a_third_party_shared_by_two_engagements_follows_the_client_in_the_mail() -> None:
    """Alone with us it fits both, beside ACME's people it is about ACME."""
    paul = "paul@integrator.example"
    engagements = (acme(third=(person(paul),)), bolt(third=(person(paul),)))
    assert list(tags(record(from_=paul, to=(MARIE, US)), *engagements)) == ["acme"]
    alone = tag_thread((record(from_=paul),), engagements, (), own=OWN)
    assert candidates(alone) == ("acme", "bolt")


def test_a_third_party_of_another_engagement_only_is_a_second_fit() -> None:
    """ACME does not explain why Bolt's integrator is there."""
    mail = record(from_="paul@integrator.example", to=(MARIE,))
    engagements = (acme(), bolt(third=(person("paul@integrator.example"),)))
    assert candidates(tag_thread((mail,), engagements, (), own=OWN)) == ("acme", "bolt")


# Threads pass tags on.


def test_a_thread_passes_its_engagement_on() -> None:
    """An answer between colleagues belongs to what it answers."""
    thread = (record(1, from_=MARIE, subject="Delay"), record(2, to=("bob@consultant.example",)))
    tagging = tag_thread(thread, (acme(),), (), own=OWN)
    assert tagging.tags[1] == TagOf(
        record=Position(2),
        engagement="acme",
        decided_by="thread",
        reason="in one thread with “Delay” of 2026-03-02",
    )


def test_a_thread_never_overrides_what_a_record_s_own_rules_say() -> None:
    """A mail to Bolt in a thread of ACME's stays Bolt's."""
    thread = (record(1, from_=MARIE), record(2, to=("bob@bolt.example",)))
    tagging = tag_thread(thread, (acme(), bolt()), (), own=OWN)
    assert [(tag.record, tag.engagement) for tag in tagging.tags] == [(1, "acme"), (2, "bolt")]
    assert {tag.decided_by for tag in tagging.tags} == {"rule"}


def test_a_thread_of_two_engagements_decides_nothing() -> None:
    """A record in it without a tie of its own is for a person: both fit through the thread."""
    thread = (record(1, from_=MARIE), record(2, to=("bob@bolt.example",)), record(3))
    tagging = tag_thread(thread, (acme(), bolt()), (), own=OWN)
    assert candidates(tagging, 3) == ("acme", "bolt")


def test_a_thread_chooses_between_engagements_of_the_record_s_own_client() -> None:
    """Both fit Marie's answer; the code in the first mail says which it is."""
    engagements = (acme("one", codes=("ONE-1",)), acme("two"))
    thread = (record(1, subject="ONE-1: plan"), record(2, from_=MARIE, subject="Plan"))
    tag = tag_thread(thread, engagements, (), own=OWN).tags[1]
    assert (tag.engagement, tag.decided_by) == ("one", "thread")
    assert tag.reason == (
        "from marie@acme.example, a person of the client; two would fit too, "
        "but in one thread with “ONE-1: plan” of 2026-03-02"
    )


def test_a_thread_does_not_choose_between_two_clients() -> None:
    """Mail to both is for a person, whatever the thread is about."""
    thread = (record(1, from_=MARIE), record(2, to=(MARIE, "bob@bolt.example")))
    tagging = tag_thread(thread, (acme(), bolt()), (), own=OWN)
    assert candidates(tagging, 2) == ("acme", "bolt")


# A person's decision beats all.


def test_a_person_s_tag_settles_what_was_undecided() -> None:
    """Nobody is asked again."""
    mail = record(from_=MARIE)
    tagging = tag_thread(
        (mail,), (acme("one"), acme("two")), (decide(0, "two", belongs=True),), own=OWN
    )
    assert tagging == Tagging(
        tags=(
            TagOf(
                record=Position(0), engagement="two", decided_by="person", reason="tagged by Jane"
            ),
        ),
        undecided=(),
    )


def test_a_person_s_untag_removes_what_rules_say() -> None:
    """Marie's private mail stays out."""
    decision = decide(0, "acme", belongs=False)
    tagging = tag_thread((record(from_=MARIE),), (acme(),), (decision,), own=OWN)
    assert tagging == Tagging(tags=(), undecided=())


def test_a_person_s_untag_holds_against_the_thread() -> None:
    """A thread passes nothing on to a record that a person took out."""
    thread = (record(1, from_=MARIE), record(2))
    tagging = tag_thread(thread, (acme(),), (decide(2, "acme", belongs=False),), own=OWN)
    assert [tag.record for tag in tagging.tags] == [1]


def test_after_an_untag_the_rules_choose_among_the_rest() -> None:
    """Two fitted, a person excluded one: the other is no guess."""
    decision = decide(0, "one", belongs=False)
    tagging = tag_thread((record(from_=MARIE),), (acme("one"), acme("two")), (decision,), own=OWN)
    assert [tag.engagement for tag in tagging.tags] == ["two"]


def test_a_person_s_tag_is_passed_on_by_the_thread() -> None:
    """The answers need no decision of their own."""
    thread = (record(1, from_="x@y.example", subject="Lunch"), record(2))
    tagging = tag_thread(thread, (acme(),), (decide(1, "acme", belongs=True),), own=OWN)
    assert [(tag.record, tag.decided_by) for tag in tagging.tags] == [(1, "person"), (2, "thread")]


def test_a_person_s_tag_stands_beside_what_rules_say() -> None:
    """Two engagements on one record are possible when a person says so."""
    decision = decide(0, "bolt", belongs=True)
    tagging = tag_thread((record(from_=MARIE),), (acme(), bolt()), (decision,), own=OWN)
    assert [(tag.engagement, tag.decided_by) for tag in tagging.tags] == [
        ("acme", "rule"),
        ("bolt", "person"),
    ]


def test_a_person_s_tag_does_not_show_without_the_engagement() -> None:
    """It was ended: the journal keeps the decision, and the thread passes nothing on."""
    thread = (record(1, subject="Lunch"), record(2))
    decision = decide(1, "gone", belongs=True)
    assert tag_thread(thread, (acme(),), (decision,), own=OWN) == Tagging(tags=(), undecided=())


def test_the_last_word_counts() -> None:
    """In whatever order the decisions come."""
    first = decide(0, "acme", belongs=False, entry=5)
    last = decide(0, "acme", belongs=True, entry=9)
    for decisions in ((first, last), (last, first)):
        assert tag_thread((record(),), (acme(),), decisions, own=OWN).tags


# Reasons and dry runs.


def test_reasons_hold_nothing_that_could_deceive_a_terminal() -> None:
    """Subjects and addresses come from strangers."""
    evil = "Delay\x1b[2J\u202e\r\n" + "x" * 500
    thread = (record(1, from_=MARIE, subject=evil), record(2))
    reason = tag_thread(thread, (acme(),), (), own=OWN).tags[1].reason
    assert reason.isprintable()
    assert len(reason) < 120


def test_explain_says_everything_that_ties_a_record_to_an_engagement() -> None:
    """The most telling first; nothing when nothing does."""
    engagement = acme(codes=("ACME-42",), domains=("acme.example",))
    mail = record(from_=MARIE, subject="ACME-42")
    assert explain(mail, engagement, own=OWN) == (
        "the subject names ACME-42",
        "from marie@acme.example, a person of the client",
        "from marie@acme.example, at the client's domain acme.example",
    )
    assert explain(record(), engagement, own=OWN) == ()


def test_a_change_of_rules_says_what_it_would_move() -> None:
    """What ``--dry-run`` shows: gained, lost, and what a person would have to decide."""
    mails = (
        (record(1, from_=MARIE),),
        (record(2, from_="bob@bolt.example"),),
        (record(3, from_="zoe@zed.example"),),
    )

    def everything(*engagements: Engagement) -> Tagging:
        taggings = [tag_thread(mail, engagements, (), own=OWN) for mail in mails]
        return Tagging(
            tags=tuple(tag for tagging in taggings for tag in tagging.tags),
            undecided=tuple(item for tagging in taggings for item in tagging.undecided),
        )

    zed = acme("zed", client="Zed", people=(person("zoe@zed.example"),))
    moved = changes(everything(acme(), bolt()), everything(acme(), acme("acme-2"), zed))
    assert [(tag.record, tag.engagement) for tag in moved.added] == [(3, "zed")]
    assert [(tag.record, tag.engagement) for tag in moved.removed] == [(1, "acme"), (2, "bolt")]
    assert [question.record for question in moved.newly_undecided] == [1]
    assert changes(everything(acme()), everything(acme())).empty
    back = changes(everything(acme(), acme("acme-2")), everything(acme()))
    assert [question.record for question in back.settled] == [1]
