"""Engagement files: what they may say, how their errors are told, how they are edited."""

import re
from datetime import date
from pathlib import Path

import pytest

from archiver.engagements import (
    Period,
    Person,
    new_engagement,
    parse_engagement,
    with_person,
    with_rule,
)
from archiver.errors import ConfigurationError, UsageError

WHOLE = """\
schema = 1
client = "ACME SA"
title = "A new order system"
after = 2026-01-05
before = 2026-12-31
domains = ["ACME.example", "société.example"]
codes = ["ACME-42"]
folders = ["work/Clients/ACME"]

[[person]]
party = "client"
address = ["marie@acme.example", "marie@home.example"]
name = "Marie Client"
role = "project director"
from = 2026-01-05
until = 2026-06-30

[[person]]
party = "us"
address = "jane@consultant.example"

[[person]]
party = "third"
address = "paul@integrator.example"

[agreed]
steering_committee = "first Tuesday of each month"
tacit_acceptance_days = 15
"""


def refused(text: str, name: str = "acme.toml") -> str:
    """Return what the user is told about TEXT."""
    with pytest.raises(ConfigurationError) as caught:
        parse_engagement(text, name=name)
    return caught.value.what


def test_a_whole_file_is_read() -> None:
    """Everything that docs/engagements.md names has its place."""
    engagement = parse_engagement(WHOLE, name="engagements/acme-2026.toml")
    assert engagement.slug == "acme-2026"
    assert (engagement.client, engagement.title) == ("ACME SA", "A new order system")
    assert engagement.period == Period(after=date(2026, 1, 5), before=date(2026, 12, 31))
    assert engagement.people == (
        Person(
            addresses=("marie@acme.example", "marie@home.example"),
            name="Marie Client",
            role="project director",
            from_=date(2026, 1, 5),
            until=date(2026, 6, 30),
        ),
    )
    assert engagement.us == (Person(addresses=("jane@consultant.example",)),)
    assert engagement.third == (Person(addresses=("paul@integrator.example",)),)
    assert (engagement.codes, engagement.folders) == (("ACME-42",), ("work/Clients/ACME",))


def test_domains_are_kept_in_the_form_for_comparing() -> None:
    """Lower case, and as DNS spells it."""
    engagement = parse_engagement(WHOLE, name="acme.toml")
    assert engagement.domains == ("acme.example", "xn--socit-esab.example")


def test_what_was_agreed_is_kept_in_the_words_of_the_file() -> None:
    """The keys are free, the values texts or whole numbers."""
    agreed = parse_engagement(WHOLE, name="acme.toml").agreed
    assert agreed == (
        ("steering_committee", "first Tuesday of each month"),
        ("tacit_acceptance_days", 15),
    )


def test_a_client_is_enough() -> None:
    """All else may come later."""
    assert parse_engagement('client = "ACME"', name="acme").client == "ACME"


@pytest.mark.parametrize(
    "domain",
    [
        *("gmail.com", "Orange.fr", "free.fr", "outlook.com", "hotmail.fr", "hotmail.co.uk"),
        *("yahoo.com.br", "proton.me", "icloud.com", "wanadoo.fr", "laposte.net", "sfr.fr"),
        "gmx.de",
    ],
)
def test_a_public_mail_domain_is_refused_advising_an_address(domain: str) -> None:
    """Everybody's neighbour would become the client."""
    what = refused(f'client = "A"\ndomains = ["{domain}"]')
    assert f"domains: anybody can have an address at {domain}" in what
    assert f'address = "name@{domain}"' in what


@pytest.mark.parametrize("domain", ["fr", "co.uk", "com.au", "gouv.fr", "asso.fr"])
def test_a_suffix_under_which_names_are_sold_is_refused(domain: str) -> None:
    """``fr`` would tie half of the mailbox."""
    assert "names are sold under it" in refused(f'client = "A"\ndomains = ["{domain}"]')


@pytest.mark.parametrize(
    "domain", ["orange.com", "outlook-works.fr", "interieur.gouv.fr", "live.acme.fr"]
)
def test_a_company_s_own_domain_is_accepted(domain: str) -> None:
    """Only the providers' public domains are refused."""
    assert parse_engagement(f'client = "A"\ndomains = ["{domain}"]', name="a").domains == (domain,)


@pytest.mark.parametrize("domain", ["@acme.fr", "marie@acme.fr"])
def test_an_address_is_no_domain(domain: str) -> None:
    """The error says what to write."""
    assert "write only what follows the @" in refused(f'client = "A"\ndomains = ["{domain}"]')


@pytest.mark.parametrize("domain", ["*.acme.fr", "acme .fr", "-acme.fr", "acme..fr", "acme.fr."])
def test_a_domain_is_written_as_in_an_address(domain: str) -> None:
    """Subdomains count without a star."""
    assert "is not a mail domain" in refused(f'client = "A"\ndomains = ["{domain}"]')


def test_all_errors_are_told_at_once_with_their_place() -> None:
    """A place that counts persons counts from 1."""
    what = refused(
        'after = "2026-01-05"\ncodes = ["Re", "-"]\nfolders = ["/ACME", ""]\n'
        '[[person]]\nparty = "client"\naddress = "marie@acme.fr"\n'
        '[[person]]\nparty = "clients"\naddress = "Marie <marie@acme.fr>"\nuntill = 2026-01-01\n'
        "[agreed]\ncommittees = [1]\n"
    )
    assert what.startswith("acme.toml has 10 errors:")
    assert "client: the client's name is missing" in what
    assert "after: must be a day without quotes, such as 2026-03-02" in what
    assert "codes: 'Re' begins the subject of every reply" in what
    assert "codes: '-' is too short" in what
    assert "folders: '/ACME' starts or ends with a slash" in what
    assert "folders: holds an empty text" in what
    assert 'person[2].party: \'clients\' is not one of "us", "client", "third"' in what
    assert "person[2].address: 'Marie <marie@acme.fr>' is not a mail address" in what
    assert "person[2].untill: unknown key; did you mean until?" in what
    assert "agreed.committees: must be text between quotes, or a whole number" in what


def test_a_time_of_day_is_no_day() -> None:
    """Days are days in the archive's time zone; hours would promise more."""
    assert "after: must be a day" in refused('client = "A"\nafter = 2026-01-05T10:00:00Z')


@pytest.mark.parametrize("entry", ['party = "client"', 'party = "client"\naddress = []'])
def test_a_person_needs_an_address(entry: str) -> None:
    """A name alone ties nothing."""
    assert "a person needs an address" in refused(f'client = "A"\n[[person]]\n{entry}\n')


def test_rules_of_later_versions_are_not_ignored_in_silence() -> None:
    """``never`` belongs to a later version."""
    assert "never: unknown key" in refused('client = "A"\nnever = ["x"]')


@pytest.mark.parametrize("name", ["Acme.toml", "-acme.toml", "ac me.toml", f"{'a' * 65}.toml"])
def test_the_file_s_name_is_the_engagement_s(name: str) -> None:
    """It must be a name that commands accept."""
    assert "the file's name: " in refused('client = "A"', name)


def test_a_new_file_is_understood_and_explains_itself() -> None:
    """What the command was given is what the file says."""
    text = new_engagement(
        "acme-2026",
        client='ACME "SA"',
        domains=["acme.example"],
        people=["marie@gmail.com", "Marie@GMAIL.com"],
        us=["jane@consultant.example"],
        codes=["ACME-42"],
        after=date(2026, 1, 5),
    )
    engagement = parse_engagement(text, name="acme-2026.toml")
    assert engagement.client == 'ACME "SA"'
    assert len(engagement.people) == len(engagement.us) == 1
    assert engagement.period == Period(after=date(2026, 1, 5))
    assert "# before = " in text
    assert "# The client's own mail domains" in text


def test_the_examples_in_a_new_file_are_valid_when_uncommented() -> None:
    """Whoever removes the # has a file that works."""
    text = new_engagement("acme", client="ACME")
    examples = ("# after", "# before", "# [", "# party", "# address", "# steering", "# tacit")
    lines = [
        line.removeprefix("# ") if line.startswith(examples) else line for line in text.splitlines()
    ]
    engagement = parse_engagement("\n".join(lines), name="acme.toml")
    assert engagement.people
    assert dict(engagement.agreed)["tacit_acceptance_days"] == 15


def test_a_new_file_that_would_not_be_understood_is_refused() -> None:
    """All that is wrong is told at once, as an error of the command."""
    with pytest.raises(UsageError, match=r"acme\.toml cannot be written so") as caught:
        new_engagement("acme", client=" ", domains=["gmail.com"], people=["marie"])
    assert "client: is empty" in caught.value.what
    assert "anybody can have an address at gmail.com" in caught.value.what
    assert "'marie' is not a mail address" in caught.value.what


def test_a_new_engagement_s_name_is_checked() -> None:
    """A file of that name could not be read."""
    with pytest.raises(UsageError, match="'ACME 2026' cannot name an engagement"):
        new_engagement("ACME 2026", client="ACME")


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    """A typing mistake that would make the period useless."""
    with pytest.raises(UsageError, match="2026-01-01, comes before the first, 2026-12-31"):
        new_engagement("a", client="A", after=date(2026, 12, 31), before=date(2026, 1, 1))


def test_a_person_is_added_at_the_end_and_nothing_else_changes() -> None:
    """A decision of triage becomes a rule."""
    paul = Person(addresses=("p@x.example",), name="Paul", until=date(2026, 3, 1))
    text = with_person(WHOLE, paul, party="client", name="acme.toml")
    assert text.startswith(WHOLE)
    assert parse_engagement(text, name="acme.toml").people[1] == paul


def test_a_person_who_is_there_already_is_not_added_twice() -> None:
    """The same decision twice changes the file once."""
    jane = Person(addresses=("JANE@consultant.example",))
    assert with_person(WHOLE, jane, party="us", name="acme.toml") == WHOLE


def test_a_person_of_another_party_is_refused() -> None:
    """Nobody stands on two sides on the same days."""
    marie = Person(addresses=("marie@acme.example",))
    with pytest.raises(UsageError, match=r"already listed in acme\.toml, with party = client"):
        with_person(WHOLE, marie, party="third", name="acme.toml")


def test_a_person_may_change_sides() -> None:
    """The days tell which side it was."""
    marie = Person(addresses=("marie@acme.example",), from_=date(2026, 7, 1))
    text = with_person(WHOLE, marie, party="third", name="acme.toml")
    assert parse_engagement(text, name="acme.toml").third[-1] == marie


def test_rules_are_added_among_the_user_s_comments() -> None:
    """Comments stay, also within a list."""
    before = (
        '# ours\nclient = "A" # the client\ncodes = [\n  "A-1", # first\n]\n\n[agreed]\nx = 1\n'
    )
    text = with_rule(before, "code", "Été 2", name="a.toml")
    text = with_rule(text, "domain", "acme.example", name="a.toml")
    text = with_rule(text, "folder", "work/A", name="a.toml")
    engagement = parse_engagement(text, name="a.toml")
    assert engagement.codes == ("A-1", "Été 2")
    assert (engagement.domains, engagement.folders) == (("acme.example",), ("work/A",))
    assert engagement.agreed == (("x", 1),)
    assert all(words in text for words in ("# ours\n", "# the client\n", '"A-1", # first\n'))


@pytest.mark.parametrize(
    ("kind", "value"),
    [("code", "acme-42"), ("domain", "acme.EXAMPLE"), ("folder", "work/clients/acme")],
)
def test_a_rule_that_is_there_already_changes_nothing(kind: str, value: str) -> None:
    """Compared as rules compare."""
    assert with_rule(WHOLE, kind, value, name="acme.toml") == WHOLE  # type: ignore[arg-type]


def test_a_rule_that_is_refused_is_refused_here_too() -> None:
    """A command that adds a rule tells the same advice as the file."""
    with pytest.raises(UsageError, match=r"anybody can have an address at orange\.fr"):
        with_rule(WHOLE, "domain", "orange.fr", name="acme.toml")


def test_a_file_that_was_wrong_before_is_not_edited() -> None:
    """It is the file's error, not the command's."""
    with pytest.raises(ConfigurationError, match=r"acme.toml has 1 error:\n  client: "):
        with_rule("codes = []", "code", "ACME-1", name="acme.toml")


def test_people_and_rules_can_be_added_in_any_order() -> None:
    """Edits by commands do not get in each other's way."""
    text = new_engagement("a", client="A", people=["m@a.example"])
    for number in range(3):
        person = Person(addresses=(f"p{number}@x.example",))
        text = with_person(text, person, party="third", name="a.toml")
        text = with_rule(text, "code", f"CODE-{number}", name="a.toml")
    engagement = parse_engagement(text, name="a.toml")
    assert (len(engagement.third), len(engagement.codes)) == (3, 3)


def test_the_examples_of_the_documentation_are_understood() -> None:
    """docs/engagements.md shows files that work."""
    page = Path(__file__).parents[1] / "docs" / "engagements.md"
    if not page.exists():
        pytest.skip("docs/ is only in the checkout")
    examples = re.findall(r"```toml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert examples
    for example in examples:
        assert parse_engagement(example, name="acme-2026.toml").client
