"""What is odd in engagement files that can be read."""

from datetime import date

import pytest

from archiver.engagements import Engagement, Period, Person, check_engagements

OWN = frozenset({"Jane@consultant.example"})
EARLY = Period(after=date(2026, 1, 1), before=date(2026, 6, 30))
LATE = Period(after=date(2026, 7, 1))


def engagement(slug: str = "acme", /, **more: object) -> Engagement:
    """Return an engagement with one domain, unless told otherwise."""
    return Engagement(slug=slug, **({"client": "ACME", "domains": ("acme.example",)} | more))  # type: ignore[arg-type]


def person(*addresses: str, from_: date | None = None, until: date | None = None) -> Person:
    """Return a person by nothing but the addresses."""
    return Person(addresses=addresses, from_=from_, until=until)


def found(*engagements: Engagement) -> list[tuple[str, str]]:
    """Return level and code of each finding."""
    return [(item.level, item.code) for item in check_engagements(engagements, OWN)]


def test_nothing_is_odd_about_a_plain_engagement() -> None:
    """A person at a public mail domain is fine."""
    assert (
        found(
            engagement(people=(person("marie@gmail.com"),), us=(person("jane@consultant.example"),))
        )
        == []
    )


def test_our_own_address_on_the_client_s_side_is_an_error() -> None:
    """It would never tie anything, and hints at a mistake."""
    odd = engagement(people=(person("jane@CONSULTANT.example"),))
    (finding,) = check_engagements((odd,), OWN)
    assert (finding.level, finding.code) == ("error", "own-address-as-party")
    assert finding.subject == "engagements/acme.toml"
    assert (
        "jane@consultant.example is one of our own addresses, listed as client" in finding.message
    )
    assert 'party = "us"' in finding.advice


def test_our_own_domain_as_the_client_s_is_a_warning() -> None:
    """All our mail would be the client's."""
    assert found(engagement(domains=("consultant.example",))) == [
        ("warning", "own-domain-as-client")
    ]


def test_days_in_the_wrong_order_are_errors() -> None:
    """For the engagement and for a person."""
    late, early = date(2026, 7, 1), date(2026, 6, 30)
    odd = engagement(
        period=Period(after=late, before=early),
        third=(person("p@x.example", from_=late, until=early),),
    )
    assert found(odd) == [("error", "period-reversed"), ("error", "person-days-reversed")]


def test_an_engagement_without_any_rule_is_a_warning() -> None:
    """Nothing will ever be tagged; our own people are no rule."""
    odd = engagement(domains=(), us=(person("bob@consultant.example"),))
    (finding,) = check_engagements((odd,), OWN)
    assert (finding.level, finding.code) == ("warning", "engagement-without-rules")
    assert finding.message == "Nothing ties any mail to acme."


def test_an_address_of_two_parties_is_an_error_unless_days_tell_them_apart() -> None:
    """People change sides, but not on the same day."""
    until, since = person("p@x.example", until=date(2026, 6, 30)), date(2026, 7, 1)
    apart = engagement(people=(until,), third=(person("p@x.example", from_=since),))
    assert found(apart) == []
    both = engagement(people=(until,), third=(person("P@x.example"),))
    assert found(both) == [("error", "person-of-two-parties")]


def test_the_inbox_as_a_folder_is_a_warning() -> None:
    """It holds everything."""
    assert found(engagement(folders=("Inbox",))) == [("warning", "folder-is-inbox")]


@pytest.mark.parametrize(
    "more",
    [
        {"domains": ("acme.example",)},
        {"domains": ("lyon.acme.example",)},
        {"domains": (), "people": (person("marie@acme.example"),)},
    ],
)
def test_two_engagements_that_fit_the_same_mail_are_noted(more: dict[str, object]) -> None:
    """Such mail goes to triage, and the note says how to spare that."""
    (finding,) = check_engagements((engagement(), engagement("acme-2", **more)), OWN)
    assert (finding.level, finding.code) == ("note", "engagements-overlap")
    assert finding.subject == "engagements/acme.toml, engagements/acme-2.toml"
    assert "subject code" in finding.advice


def test_periods_apart_or_codes_on_both_are_enough() -> None:
    """The period or the subject then chooses."""
    assert found(engagement(period=EARLY), engagement("acme-2", period=LATE)) == []
    assert found(engagement(codes=("A-1",)), engagement("acme-2", codes=("A-2",))) == []


def test_a_shared_code_is_a_warning_unless_the_period_chooses() -> None:
    """It names neither."""
    one = engagement(codes=("A-1",), period=EARLY)
    assert found(one, engagement("b", codes=("a-1",))) == [("warning", "code-shared")]
    assert found(one, engagement("b", codes=("a-1",), period=LATE)) == []


def test_two_clients_that_share_a_domain_are_noted_whatever_the_period() -> None:
    """The period does not choose between clients."""
    other = engagement("b", client="Bolt", period=LATE)
    assert found(engagement(period=EARLY), other) == [("note", "engagements-overlap")]


def test_findings_do_not_depend_on_the_order_of_files() -> None:
    """The same check says the same."""
    one, other = engagement("a"), engagement("b", domains=())
    assert check_engagements((one, other), OWN) == check_engagements((other, one), OWN)
