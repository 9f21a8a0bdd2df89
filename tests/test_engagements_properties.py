"""What holds for every thread, whatever rules and persons say."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from archiver.engagements import Engagement, Period, Person, explain, tag_thread
from archiver.model.digest import Position
from archiver.model.reading import Mailbox
from archiver.model.tagging import Decision, RecordFacts

OWN = frozenset({"us@consultant.example"})
ADDRESSES = [
    "us@consultant.example",
    "a@acme.example",
    "b@lyon.acme.example",
    "c@bolt.example",
    "d@third.example",
    "e@gmail.com",
    "",
    "@",
    "not an address",
]
SLUGS = ["acme-1", "acme-2", "bolt", "zed"]

days = st.one_of(st.none(), st.dates(date(2026, 1, 1), date(2026, 1, 9)))
people = st.lists(
    st.builds(
        Person,
        addresses=st.lists(st.sampled_from(ADDRESSES[1:6]), min_size=1, max_size=2).map(tuple),
        from_=days,
        until=days,
    ),
    max_size=2,
).map(tuple)
engagements = st.lists(
    st.builds(
        Engagement,
        slug=st.sampled_from(SLUGS),
        client=st.sampled_from(["ACME", "acme", "Bolt"]),
        us=people,
        people=people,
        third=people,
        domains=st.sets(st.sampled_from(["acme.example", "lyon.acme.example", "bolt.example"])).map(
            lambda domains: tuple(sorted(domains))
        ),
        codes=st.sampled_from([(), ("X-1",), ("X-1", "Y-2")]),
        folders=st.sampled_from([(), ("ACME",), ("work/ACME",)]),
        period=st.builds(Period, after=days, before=days),
    ),
    max_size=4,
    unique_by=lambda engagement: engagement.slug,
)
mailboxes = st.lists(
    st.builds(Mailbox, name=st.just(""), address=st.sampled_from(ADDRESSES)), max_size=3
).map(tuple)


@st.composite
def threads(draw: st.DrawFn) -> list[RecordFacts]:
    """Return a few records of one thread."""
    return [
        RecordFacts(
            position=Position(position),
            when=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=draw(st.integers(0, 9))),
            from_=draw(mailboxes),
            to=draw(mailboxes),
            subject=draw(st.sampled_from(["", "X-1", "y-2 and x-1", "Hello", "X-12"])),
            folders=draw(st.sampled_from([(), (("work", "ACME"),), (("home", "ACME/old"),)])),
        )
        for position in range(draw(st.integers(0, 5)))
    ]


decisions = st.lists(
    st.builds(
        Decision,
        record=st.integers(0, 5).map(Position),
        engagement=st.sampled_from(SLUGS),
        belongs=st.booleans(),
        entry=st.integers(10, 99).map(Position),
        by=st.just("person:Jane"),
    ),
    max_size=5,
    unique_by=(
        lambda decision: decision.entry,
        lambda decision: (decision.record, decision.engagement),
    ),
)


@given(threads(), engagements, decisions, st.randoms())
def test_the_order_of_the_arguments_changes_nothing(thread, rules, said, random) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """A rebuild that meets records in another order comes to the same tags."""
    expected = tag_thread(thread, rules, said, own=OWN)
    for items in (thread, rules, said):
        random.shuffle(items)
    assert tag_thread(thread, rules, said, own=OWN) == expected


@given(threads(), engagements, decisions)
def test_what_a_person_says_always_wins(
    thread: list[RecordFacts], rules: list[Engagement], said: list[Decision]
) -> None:
    """Every tag by a person is there; no record carries what a person took off.

    What was said about an engagement that is not among ours shows nowhere.
    """
    tagging = tag_thread(thread, rules, said, own=OWN)
    tagged = {(tag.record, tag.engagement): tag.decided_by for tag in tagging.tags}
    asked = {(item.record, slug) for item in tagging.undecided for slug, _why in item.candidates}
    present = {record.position for record in thread}
    known = {engagement.slug for engagement in rules}
    for decision in said:
        key = (decision.record, decision.engagement)
        if decision.belongs and decision.record in present and decision.engagement in known:
            assert tagged[key] == "person"
        else:
            assert key not in tagged
            assert key not in asked


@given(threads(), engagements, decisions)
def test_there_is_no_tag_without_a_reason(
    thread: list[RecordFacts], rules: list[Engagement], said: list[Decision]
) -> None:
    """And every candidate of a question has one."""
    tagging = tag_thread(thread, rules, said, own=OWN)
    assert all(tag.reason.strip() for tag in tagging.tags)
    assert all(why.strip() for item in tagging.undecided for _slug, why in item.candidates)


@given(threads(), engagements, decisions)
def test_a_record_is_tagged_or_undecided_or_unrelated(
    thread: list[RecordFacts], rules: list[Engagement], said: list[Decision]
) -> None:
    """Never two of these, and never two tags unless a person gave one of them."""
    tagging = tag_thread(thread, rules, said, own=OWN)
    asked = [item.record for item in tagging.undecided]
    assert len(asked) == len(set(asked))
    assert not set(asked) & {tag.record for tag in tagging.tags}
    derived = [tag.record for tag in tagging.tags if tag.decided_by != "person"]
    assert len(derived) == len(set(derived))


@given(threads(), engagements)
def test_nothing_is_tagged_or_asked_without_a_tie_in_the_thread(
    thread: list[RecordFacts], rules: list[Engagement]
) -> None:
    """Without persons, every tag by rule is explained by its own record."""
    tagging = tag_thread(thread, rules, (), own=OWN)
    known = {engagement.slug: engagement for engagement in rules}
    records = {record.position: record for record in thread}
    colleagues = OWN.union(*(person.canonical for item in rules for person in item.us))
    for tag in tagging.tags:
        if tag.decided_by == "rule":
            assert explain(records[tag.record], known[tag.engagement], own=OWN)
    if not any(explain(record, item, own=colleagues) for record in thread for item in rules):
        # Only a colleague of one engagement who is a person of another can still be a tie.
        listed = {
            address
            for item in rules
            for someone in (*item.people, *item.third)
            for address in someone.canonical
        }
        assert listed & colleagues or (not tagging.tags and not tagging.undecided)


@given(st.text(), st.text(), st.lists(st.text(), max_size=3))
def test_hostile_headers_raise_nothing(address: str, subject: str, folders: list[str]) -> None:
    """Mail is hostile input."""
    engagement = Engagement(
        slug="a", client="A", domains=("acme.example",), codes=("X-1",), folders=("ACME",)
    )
    facts = RecordFacts(
        position=Position(0),
        when=datetime(2026, 1, 1, tzinfo=UTC),
        from_=(Mailbox("", address), Mailbox("", f"x@{address}")),
        to=(),
        subject=subject,
        folders=tuple((folder, folder) for folder in folders),
    )
    tag_thread((facts,), (engagement,), (), own=frozenset({address}))
