"""From records to the values of a dossier."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from dossiers import dossier
from views import DATE, MARIE, US, digest_of, view

from archiver.dossier.build import disagreements
from archiver.dossier.exhibits import Selection
from archiver.dossier.matter import Matter, Party, Sides
from archiver.errors import UsageError
from archiver.model.reading import Mailbox


def test_exhibits_are_named_after_the_engagement() -> None:
    """Six digits, so that names sort."""
    made = dossier(view(1), view(2, date=DATE + timedelta(days=1)))
    assert [each.name for each in made.exhibits] == ["ACME-2026-000001", "ACME-2026-000002"]


def test_a_dossier_of_nothing_is_refused() -> None:
    """The error says where to look."""
    with pytest.raises(UsageError, match="nothing to export") as caught:
        dossier()
    assert caught.value.advice == "See what it holds with: archiver search engagement:acme-2026"


def test_the_export_entry_gets_one_record_for_each_number() -> None:
    """Copies are not numbered: an exhibit counts one writing."""
    made = dossier(view(1), view(2, variants=(digest_of(1),)), view(3, date=DATE - timedelta(1)))
    assert made.numbers == ((1, 3), (2, 1))


def test_copies_get_their_own_file_names() -> None:
    """The exhibit's number, and which copy it is."""
    (exhibit,) = dossier(view(1), view(2, variants=(digest_of(1),))).exhibits
    assert [copy.name for copy in exhibit.copies] == ["ACME-2026-000001.v2"]


def test_it_is_made_in_the_time_zone_of_the_archive() -> None:
    """Days are days in it."""
    assert dossier(view(), clock=lambda: datetime(2026, 11, 22, 23, 30, tzinfo=UTC)).made_at == (
        datetime(2026, 11, 23, 0, 30, tzinfo=ZoneInfo("Europe/Paris"))
    )


def test_only_the_reasons_of_this_engagement_are_told() -> None:
    """Another client's name has no place in it."""
    tags = (("acme-2026", "from marie@client.example"), ("rival-2025", "rival secret"))
    (exhibit,) = dossier(view(tags=tags)).exhibits
    assert exhibit.reasons == ("from marie@client.example",)


@pytest.mark.parametrize(
    ("address", "side"),
    [
        ("PAUL@consultant.example", "us"),
        ("anyone@client.example", "client"),
        ("anyone@sub.client.example", "client"),
        ("lawyer@client.example", "third"),
        ("anyone@notclient.example", None),
        ("", None),
    ],
)
def test_an_address_named_as_such_comes_before_its_domain(address: str, side: str | None) -> None:
    """Addresses fold case; domains take their subdomains with them."""
    matter = Matter(
        slug="a",
        client="A",
        us=Party(people=(US,)),
        client_side=Party(domains=("@Client.example",)),
        third=Party(people=(Mailbox("", "lawyer@client.example"), Mailbox("Nobody", ""))),
    )
    assert Sides.of(matter).side_of(Mailbox("", address)) == side


def test_a_party_lists_each_address_once() -> None:
    """With its name, if any mention has one."""
    party = Party(people=(Mailbox("", "PAUL@consultant.example"), US, MARIE))
    assert party.listed == (US, MARIE)


def test_senders_on_several_sides_are_all_told() -> None:
    """From may name two people (RFC 5322)."""
    (exhibit,) = dossier(view(from_=(MARIE, US, MARIE))).exhibits
    assert exhibit.sides == ("client", "us")


def test_a_date_header_that_disagrees_is_pointed_out() -> None:
    """With the server's date, by how much, and which way."""
    (found,) = disagreements(view(internaldate=DATE + timedelta(days=3)))
    assert (found.other, found.difference, found.header_earlier) == (
        "internaldate",
        timedelta(days=3),
        True,
    )


def test_a_day_of_difference_is_tolerated() -> None:
    """Mail is sometimes delivered the next morning; offsets are not differences."""
    late = (DATE + timedelta(days=1)).astimezone(timezone(timedelta(hours=9)))
    assert disagreements(view(internaldate=late, received=(late,))) == ()


def test_the_latest_hop_is_compared() -> None:
    """Received stands topmost first."""
    near, far = DATE + timedelta(minutes=1), DATE - timedelta(days=9)
    assert disagreements(view(received=(near, far))) == ()
    assert [each.other for each in disagreements(view(received=(far, near)))] == ["received"]


def test_a_date_header_from_the_future_disagrees_with_the_archive() -> None:
    """Old mail may be imported late, but not before it was written."""
    seen = DATE - timedelta(days=5)
    assert [each.other for each in disagreements(view(first_seen=seen))] == ["first-seen"]
    assert disagreements(view(first_seen=DATE + timedelta(days=500))) == ()


def test_without_a_date_header_nothing_disagrees() -> None:
    """The exhibit says which date orders it."""
    assert disagreements(view(date=None, internaldate=DATE)) == ()


@pytest.mark.parametrize(
    ("selection", "whole"),
    [
        (Selection(), True),
        (Selection(left_out=0), True),
        (Selection(left_out=2), False),
        (Selection(query="from:marie"), False),
    ],
)
def test_a_selection_says_whether_it_is_whole(selection: Selection, whole: bool) -> None:  # noqa: FBT001 - a parameter of the table
    """Only then does the dossier say "every record"."""
    assert selection.whole is whole
