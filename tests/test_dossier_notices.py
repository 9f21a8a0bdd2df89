"""What a person is told before a dossier is written."""

import pytest
from dossiers import dossier
from views import DATE, MARIE, US, digest_of, view

from archiver.dossier.notices import Notice, Notices, notices, tell
from archiver.model.reading import Attachment, Mailbox

STRANGER = Mailbox("A. Stranger", "Stranger@Else.example")


def test_an_ordinary_dossier_has_no_notices() -> None:
    """Nothing is told when there is nothing to tell."""
    found = notices(dossier(view(from_=(MARIE,), to=(US,))))
    assert not found
    assert tell(found) == ()


def test_only_the_most_widespread_addresses_are_listed() -> None:
    """Two hundred outsiders would hide what matters; --verbose lists them all."""
    many = tuple(Notice(what=f"a{n:02d}@x.example", exhibits=("A-1",)) for n in range(13))
    lines = tell(Notices(outsiders=many), in_full=False)
    assert lines[0] == "13 addresses are of no party to this engagement:"
    assert lines[10] == "  a09@x.example: A-1"
    assert lines[11:] == ("  and 3 more addresses (archiver --verbose dossier lists them all)",)
    assert len(tell(Notices(outsiders=many))) == 14


def test_telling_words_are_always_listed() -> None:
    """Each of them is a reason to read before handing over."""
    many = tuple(Notice(what=f"word{n}", exhibits=("A-1",)) for n in range(13))
    assert len(tell(Notices(lawyers=many), in_full=False)) == 14


def test_bcc_recipients_are_told() -> None:
    """Their addresses stand in the exhibit's bytes."""
    found = notices(dossier(view(bcc=(US,))))
    assert found.bcc == (Notice(what="paul@consultant.example", exhibits=("ACME-2026-000001",)),)


def test_bcc_recipients_of_a_copy_are_told_too() -> None:
    """The received record has no Bcc, our own Sent copy beside it has."""
    sent = view(2, variants=(digest_of(1),), bcc=(US,))
    assert notices(dossier(view(1), sent)).bcc[0].exhibits == ("ACME-2026-000001",)


@pytest.mark.parametrize("where", ["from_", "to", "cc", "bcc", "reply_to"])
def test_outsiders_are_told_wherever_they_stand(where: str) -> None:
    """An address that no party names, folded."""
    found = notices(dossier(view(**{where: (STRANGER,)})))
    assert [notice.what for notice in found.outsiders] == ["stranger@else.example"]


@pytest.mark.parametrize(
    "text",
    [
        "CONFIDENTIEL AVOCAT",
        "Mon avocate vous écrira",
        "This is attorney-client\n> privileged",
        "voir contact@dupontavocats.example",
    ],
)
def test_exchanges_with_lawyers_are_told(text: str) -> None:
    """Also in quotes, whatever the case."""
    sender = Mailbox("", text.rsplit(maxsplit=1)[-1]) if "@" in text else MARIE
    assert notices(dossier(view(text=text, from_=(sender,)))).lawyers


@pytest.mark.parametrize(
    "text",
    ["Sous toutes réserves", "sous toutes\n> reserves", "WITHOUT PREJUDICE", "me\u0301diation"],
)
def test_settlement_talk_is_told(text: str) -> None:
    """With or without accents, across line ends and quote marks."""
    assert notices(dossier(view(subject=text))).settlement
    assert notices(dossier(view(text=text))).settlement


def test_words_in_attachments_count() -> None:
    """In their names and in what was read of them."""
    letter = Attachment(
        part="2", name="a.txt", type="text/plain", size=9, text="sous toutes réserves"
    )
    assert notices(dossier(view(attachments=(letter,)))).settlement


def test_parts_of_other_words_do_not_count() -> None:
    """A remediation is no mediation."""
    assert not notices(dossier(view(text="remediation of the unprivileged account")))


def test_the_most_widespread_comes_first() -> None:
    """Then in the order of the alphabet."""
    one, two = Mailbox("", "b@x.example"), Mailbox("", "a@x.example")
    found = notices(dossier(view(1, cc=(one, two)), view(2, cc=(one,))))
    assert [notice.what for notice in found.outsiders] == ["b@x.example", "a@x.example"]


def test_it_is_said_plainly_that_no_rule_withholds_them() -> None:
    """And in which exhibits to look."""
    lines = tell(notices(dossier(view(subject="Sous toutes réserves"))))
    assert lines == (
        (
            "1 exhibit speaks of lawyers, mediation or settlement. It is in the dossier: no rule"
            " withholds it. Read it before you hand the dossier over (archiver withhold ID keeps"
            " one out):"
        ),
        "  sous toutes reserves: ACME-2026-000001",
    )


def test_many_exhibits_are_counted_not_listed() -> None:
    """Five names, then how many more."""
    names = tuple(f"A-{number:06d}" for number in range(1, 8))
    lines = tell(Notices(outsiders=(Notice(what="a@x.example", exhibits=names),)))
    assert lines == (
        "1 address is of no party to this engagement:",
        "  a@x.example: A-000001, A-000002, A-000003, A-000004, A-000005 and 2 more",
    )


def test_hostile_addresses_do_not_reach_the_terminal_as_they_are() -> None:
    """Control characters are shown, lines are joined."""
    evil = Mailbox("", "x\x1b[2J\n@evil.example")
    found = notices(dossier(view(bcc=(evil,), date=DATE)))
    assert found.bcc[0].what == "x[U+001B][2j @evil.example"
