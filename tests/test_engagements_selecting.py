"""What is kept of a mailbox by rules, and what is nearly kept."""

from datetime import date

import pytest
from headings import shown

from archiver.accounts import Never
from archiver.engagements import Engagement, Person
from archiver.engagements.heading import Shown
from archiver.engagements.near import Near
from archiver.engagements.selecting import Selector, canonical_rules
from archiver.engagements.subjects import is_answer, subject_key
from archiver.engagements.verdicts import advice, meaning

OWN = frozenset({"jane@consultant.example"})
MARIE = Person(addresses=("marie@acme.example",), name="Marie Client", role="director")
NOTHING = Never()


def acme(slug: str = "acme", /, **more: object) -> Engagement:
    """Return an engagement for ACME, with Marie and the client's domain."""
    values: dict[str, object] = {
        "client": "ACME",
        "people": (MARIE,),
        "domains": ("acme-sa.example",),
        "codes": ("ACME-42",),
        "folders": ("Clients/ACME",),
    }
    return Engagement(slug=slug, **(values | more))  # type: ignore[arg-type]


def selector(*engagements: Engagement, **more: object) -> Selector:
    """Return what decides by ENGAGEMENTS."""
    values: dict[str, object] = {"own": OWN, "never": NOTHING}
    return Selector(engagements or (acme(),), **(values | more))  # type: ignore[arg-type]


def near(message: Shown, *engagements: Engagement, **more: object) -> str | None:
    """Return the rule that nearly kept a message that none keeps."""
    chosen = selector(*engagements, **more)
    assert not chosen.tied(message)
    found = chosen.near(message)
    return found.rule if found else None


@pytest.mark.parametrize(
    "message",
    [
        shown(from_=["marie@acme.example"]),
        shown(from_=["jane@consultant.example"], to=["Marie@ACME.example"]),
        shown(to=["x@else.example", "paul@mail.acme-sa.example"]),
        shown(subject="Re: [acme-42] minutes"),
        shown(folders=["Clients/ACME/2026"]),
        shown(folders=["[Gmail]/All Mail", "Clients/ACME"]),
    ],
)
def test_what_a_rule_ties_is_client_mail(message: Shown) -> None:
    """By person, domain, code, folder or label, in mail that came or was sent."""
    assert selector().tied(message)


def test_mail_without_a_tie_is_not() -> None:
    """It is not near either."""
    assert near(shown()) is None


def test_a_person_is_only_met_on_the_days_of_the_address() -> None:
    """As tagging has it; other days are nearly kept."""
    person = Person(addresses=("bob@freelance.example",), until=date(2025, 12, 31))
    engagement = acme(people=(person,))
    late = shown(from_=["bob@freelance.example"])
    assert near(late, engagement) == "other-days"
    assert selector(engagement).tied(shown(from_=["bob@freelance.example"], when=date(2025, 6, 1)))


@pytest.mark.parametrize(
    "name",
    [
        "Marie Client",
        "CLIENT Marie",
        "Client, Marie",
        "marie  client",
        "Marie Client (ACME)",
        "Marie Client via Signatures",
    ],
)
def test_a_person_under_another_address_is_nearly_kept(name: str) -> None:
    """Words in any order, without what services add."""
    assert near(shown(from_=[f"{name} <m.c@freemail.example>"])) == "same-name"


@pytest.mark.parametrize("name", ["Marie", "Marie Clients", "Client", "Jean Client", ""])
def test_another_name_is_not(name: str) -> None:
    """One word is nobody's name."""
    assert near(shown(from_=[f"{name} <m.c@freemail.example>"])) is None


def test_names_that_were_seen_with_an_address_count() -> None:
    """The file often has none."""
    engagement = acme(people=(Person(addresses=("marie@acme.example",)),))
    message = shown(to=["Marie Durand <md@freemail.example>"])
    assert near(message, engagement) is None
    names = {"marie@acme.example": ("Marie Durand",)}
    assert near(message, engagement, names=names) == "same-name"


def test_names_are_learnt_from_what_is_tied() -> None:
    """In a first walk the archive has seen nobody yet; a name of ours stays ours."""
    us = Person(addresses=("jd@consultant.example",), name="Jane Doe")
    chosen = selector(acme(people=(Person(addresses=("marie@acme.example",)),), us=(us,)))
    message = shown(from_=["Marie Durand <md@freemail.example>"])
    assert chosen.near(message) is None
    assert chosen.tied(shown(from_=["Marie Durand <marie@acme.example>"]))
    assert chosen.tied(shown(from_=["Jane Doe <marie@acme.example>"]))
    found = chosen.near(message)
    assert found is not None
    assert found.rule == "same-name"
    assert chosen.near(shown(from_=["Jane Doe <private@freemail.example>"])) is None


def test_a_colleague_of_the_same_name_is_nobody_of_the_client() -> None:
    """Nor are we ourselves, under any name."""
    us = Person(addresses=("mc@consultant.example",), name="Marie Client")
    assert near(shown(from_=["Marie Client <x@else.example>"]), acme(us=(us,))) is None
    assert near(shown(from_=["Marie Client <jane@consultant.example>"])) is None


@pytest.mark.parametrize(
    "message",
    [
        shown(reply_to=["marie@acme.example"]),
        shown(sender=["robot@acme-sa.example"]),
        shown(from_=['"marie@acme.example via Signatures" <robot@signatures.example>']),
    ],
)
def test_a_client_where_tags_do_not_look_is_nearly_kept(message: Shown) -> None:
    """Services write on behalf of others."""
    assert near(message) == "client-elsewhere"


@pytest.mark.parametrize(
    "domain",
    ["acme-sa.com", "mail.acme-sa.co.uk", "acme-ss.example", "acmesa.example", "acme-as.org"],
)
def test_a_domain_like_the_clients_is_nearly_kept(domain: str) -> None:
    """Another suffix, or one letter."""
    assert near(shown(from_=[f"x@{domain}"])) == "like-domain"


def test_a_domain_that_holds_the_clients_word_is_nearly_kept() -> None:
    """Groups have many domains."""
    engagement = acme(domains=("acme.test",), people=())
    assert near(shown(from_=["x@acme-group.com"]), engagement) == "like-domain"


@pytest.mark.parametrize(
    "domain", ["bolt.example", "gmail.com", "acne-s-a.com", "com", "", "consultant.example"]
)
def test_other_domains_are_not(domain: str) -> None:
    """Nor one where anybody can have an address, nor our own."""
    assert near(shown(from_=[f"x@{domain}"])) is None


def test_our_own_domain_may_be_like_the_clients() -> None:
    """Consultants name themselves after what they do."""
    own = frozenset({"me@acme-sa.consulting"})
    assert near(shown(from_=["colleague@acme-sa.consulting"]), own=own) is None


def test_short_words_are_not_compared_by_letter() -> None:
    """``abc`` is near to everything."""
    engagement = acme(domains=("abc.example",), people=())
    assert near(shown(from_=["x@abd.example"]), engagement) is None


def test_a_near_miss_names_the_engagement_and_the_address() -> None:
    """For the person who may widen a rule."""
    found = selector().near(shown(from_=["Marie Client <m.c@freemail.example>"]))
    assert found == Near(rule="same-name", engagement="acme", address="m.c@freemail.example")


def test_every_rule_has_words() -> None:
    """And an unknown one stands for itself."""
    assert meaning("like-domain") == "a domain that looks like the client's"
    assert "archiver engagement edit SLUG" in advice("same-name")
    assert (meaning("draft"), advice("draft")) == ("draft", "")


def test_what_decides_nothing_changes_no_rule() -> None:
    """Nothing is looked at again for a title."""

    def said(*engagements: Engagement) -> object:
        return canonical_rules(engagements, own=OWN, time_zone="UTC")

    assert said(acme(), acme("b")) == said(acme("b"), acme(title="Orders", client="acme sa"))
    assert said(acme()) != said(acme(codes=()))
    assert said(acme()) != said(acme(people=(Person(addresses=("m@acme.example",)),)))


def test_a_subject_is_known_under_its_prefixes() -> None:
    """In whatever language the other side answers."""
    key = subject_key("The new order system")
    assert key == subject_key("RE: TR : [EXT] Fwd[3]: THE new  Order system")
    assert key != subject_key("The new order systems")
    assert is_answer("AW: [x] The new order system")
    assert not is_answer("[x] The new order system")
    assert not is_answer("Rebate: 5 percent")


@pytest.mark.parametrize("subject", ["", "Re:", "Hello", "Re: Meeting", "a b"])
def test_a_short_subject_tells_nothing(subject: str) -> None:
    """Everybody writes hello."""
    assert subject_key(subject) is None
