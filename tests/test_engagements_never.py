"""``[never]``: what is never fetched, and what only looks so."""

from collections.abc import Callable

import pytest
from headings import shown

from archiver.accounts import Never
from archiver.engagements.heading import Shown
from archiver.engagements.never import NeverRules

MARKS = NeverRules(Never(subjects=("personnel", "privé", "private", "médecin du travail")))


@pytest.mark.parametrize(
    "subject",
    [
        "[personnel] vacances",
        "Personnel : vacances",
        "PRIVÉ - vacances",
        "privé",
        "Privé.",
        "(private) dinner",
        "{Private} dinner",
        "«Privé» dîner",
        "Re: personnel",
        "RE : TR: [EXT] Prive: dîner",
        "Fwd: Re[2]: *** PERSONNEL *** dîner",
        "[ACME-42] [Personnel] dîner",
        "PERSONNEL — dîner",
        "Private \N{EN DASH} dinner",
        "Personnel et privé : dîner",
        "personnel/privé",
        "p\N{ZERO WIDTH SPACE}rivé",
        "PRIVE\N{COMBINING ACUTE ACCENT} | dîner",
        "Médecin  du travail : convocation",
        "! Privé ! dîner",
    ],
)
def test_a_subject_that_begins_with_the_mark_is_private(subject: str) -> None:
    """Alone, in brackets, or before a separator; after whatever mail programs add."""
    assert MARKS.marks(subject)


@pytest.mark.parametrize(
    "subject",
    [
        "Gestion du personnel ACME",
        "Personnel ACME : effectifs",
        "Personnel, encadrement, budget",
        "[personnel ACME] effectifs",
        "Private equity: the offer",
        "Partenariat privé-public",
        "privé-public : le contrat",
        "privé/public",
        "Les personnels",
        "Personnels : liste",
        "personnel.xlsx",
        "Réunion (personnel)",
        "Re: Re: Re:",
        "[[[",
        "",
    ],
)
def test_a_subject_that_only_holds_the_word_is_not(subject: str) -> None:
    """The client's staff is the client's business."""
    assert not MARKS.marks(subject)


def test_without_words_no_subject_is_private() -> None:
    """Not even an empty one."""
    rules = NeverRules(Never(addresses=("x@y.example",), subjects=("[]", " ")))
    assert not rules.asks_subjects
    assert not rules.marks("")
    assert not rules.marks("private")


def test_a_subject_made_to_take_long_is_given_up_soon() -> None:
    """A pattern is no trap for a hostile subject."""
    assert not MARKS.marks("re: " * 5_000 + "private")
    assert not MARKS.marks("[" * 100_000)
    assert not MARKS.marks("private et " * 50_000 + "x")


@pytest.mark.parametrize(
    "naming",
    [
        lambda address: shown(from_=[address]),
        lambda address: shown(to=["x@else.example", address]),
        lambda address: shown(sender=[address]),
        lambda address: shown(reply_to=[address]),
    ],
    ids=["from", "to", "sender", "reply-to"],
)
def test_an_address_is_met_in_every_field(naming: Callable[[str], Shown]) -> None:
    """Whoever writes, is written to, or is to be answered."""
    rules = NeverRules(Never(addresses=("Wife@Home.example", "@doctor.example")))
    for address in ("wife@HOME.example", "anybody@doctor.example", "x@mail.doctor.example"):
        assert rules.meets(naming(address)) == "never-address"
    for address in ("wife@home.example.org", "x@notdoctor.example", "wife", ""):
        assert rules.meets(naming(address)) is None


@pytest.mark.parametrize(
    ("account", "folder"),
    [
        ("work", "Privé"),
        ("home", "PRIVE"),
        ("work", "Privé/Vacances"),
        ("work", "Privé.Vacances"),
        ("work", "INBOX.Privé"),
        ("work", "INBOX/privé/x"),
        ("work", "Perso"),
        ("work", "Perso/2026"),
    ],
)
def test_a_folder_is_met_with_those_below_it(account: str, folder: str) -> None:
    """Whatever parts folders on the server, and in any case of letters."""
    assert NeverRules(Never(folders=("Privé", "work/Perso"))).meets_folder(account, folder)


@pytest.mark.parametrize(
    ("account", "folder"),
    [("home", "Perso"), ("work", "Privés"), ("work", "Clients/Privé"), ("work", "Personnel")],
)
def test_other_folders_are_not(account: str, folder: str) -> None:
    """A folder elsewhere of the same name is another one."""
    assert not NeverRules(Never(folders=("Privé", "work/Perso"))).meets_folder(account, folder)


def test_a_rule_that_names_an_account_is_no_rule_about_all_its_folders() -> None:
    """``work`` is a folder here, though an account has that name."""
    assert not NeverRules(Never(folders=("work",))).meets_folder("work", "INBOX")


def test_a_label_is_a_folder() -> None:
    """Gmail shows the same message in several."""
    rules = NeverRules(Never(folders=("Privé",)))
    assert rules.meets(shown(folders=["[Gmail]/All Mail", "Privé"])) == "never-folder"
