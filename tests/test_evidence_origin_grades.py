"""Grades of origin and date, as evidence.md defines them."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product

import pytest
from evidence_case import NOW
from origins import held

from archiver.evidence.origin.grades import date_grade, grade
from archiver.model.anchors import Anchor
from archiver.model.digest import Digest, Position
from archiver.model.origin import RULES, Claim, Origin, Seal

RECORD = Position(10)
KEY = Position(4)
SIGNATURE = held(KEY, headers=("from", "to", "subject", "date"), unsigned=())
ORIGIN = Origin(
    record=RECORD,
    complete=True,
    signatures=(SIGNATURE,),
    from_domain="client.example",
    internaldate=NOW,
    date=NOW - timedelta(minutes=2),
    received=NOW - timedelta(minutes=1),
    rules=RULES,
)


def anchor(
    time: datetime = NOW, *, size: int = 11, authority: str = "tsa", qualified: bool = False
) -> Anchor:
    """Return a time-stamp."""
    digest = Digest.of(b"")
    return Anchor(
        size=size,
        checkpoint=digest,
        authority=authority,
        response=digest,
        time=time,
        qualified=qualified,
    )


def test_a_key_that_only_the_owner_recorded_gives_two() -> None:
    """He could have recorded a key of his own."""
    found = grade(ORIGIN)
    assert (found.level, found.reasons) == ("O2", ("signed", "key-by-owner"))
    assert found.meaning == (
        "The servers of client.example signed header and body as they are here; the key was "
        "recorded only by this archive's owner."
    )


def test_a_key_that_a_named_second_source_has_gives_three() -> None:
    """And the sentence names it."""
    found = grade(ORIGIN, confirmed={KEY: "keys.example"})
    assert (found.level, found.reasons) == ("O3", ("signed", "key-confirmed"))
    assert "keys.example has the same key" in found.meaning


def test_another_key_that_is_confirmed_helps_nothing() -> None:
    """It is not the one that verified."""
    assert grade(ORIGIN, confirmed={Position(5): "keys.example"}).level == "O2"


@pytest.mark.parametrize(
    ("changes", "level", "reasons"),
    [
        ({"aligned": False}, "O0", ("unaligned",)),
        ({"algorithm": "rsa-sha1"}, "O0", ("sha1",)),
        ({"testing": True}, "O0", ("testing",)),
        ({"key_bits": 1023}, "O0", ("small",)),
        ({"key_bits": None}, "O0", ("small",)),
        ({"key_bits": 1024}, "O3", ("signed", "key-confirmed")),
        ({"algorithm": "ed25519-sha256", "key_bits": 256}, "O3", ("signed", "key-confirmed")),
        ({"appended": 5}, "O2", ("header-signed", "body-appended", "key-confirmed")),
        ({"length": 0}, "O2", ("header-signed", "body-unsigned", "key-confirmed")),
        (
            {"length": 0, "appended": 5},
            "O2",
            ("header-signed", "body-unsigned", "key-confirmed"),
        ),
        ({"result": "body-differs"}, "O2", ("header-signed", "body-differs", "key-confirmed")),
        ({"unsigned": ("to",)}, "O2", ("signed-in-part", "unsigned-to", "key-confirmed")),
        ({"unsigned": ("subject",)}, "O2", ("signed-in-part", "unsigned-subject", "key-confirmed")),
        ({"unsigned": None}, "O2", ("signed-in-part", "cover-unknown", "key-confirmed")),
        (
            {"unsigned": ("date",), "appended": 5},
            "O2",
            ("header-signed", "body-appended", "unsigned-date", "key-confirmed"),
        ),
        ({"unsigned": ("from",)}, "O0", ("unsigned-from",)),
        ({"result": "bad-signature", "header_result": "bad-signature"}, "O0", ("bad-signature",)),
        ({"result": "no-key", "header_result": "no-key"}, "O0", ("no-key",)),
        ({"result": "unusable-key", "header_result": "unusable-key"}, "O0", ("unusable-key",)),
        ({"result": "malformed", "header_result": "malformed"}, "O0", ("malformed",)),
        ({"result": "not-asked", "header_result": "not-asked"}, "O0", ("not-asked",)),
    ],
)
def test_each_trap_of_a_signature_lowers_the_grade(
    changes: dict[str, object], level: str, reasons: tuple[str, ...]
) -> None:
    """Even where the key is confirmed."""
    origin = replace(ORIGIN, signatures=(replace(SIGNATURE, **changes),))  # type: ignore[arg-type]
    found = grade(origin, confirmed={KEY: "keys.example"})
    assert (found.level, found.reasons) == (level, reasons)
    assert found.meaning.endswith(".")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"unsigned": ("subject", "date")},
            (
                "The servers of client.example signed the body and a part of the header; not signed: "
                "Subject, Date; the key was recorded only by this archive's owner."
            ),
        ),
        (
            {"unsigned": ("mime-version", "content-type")},
            (
                "The servers of client.example signed a part of the header and the bytes of the body, "
                "but not how these are to be read; not signed: MIME-Version, Content-Type; the key was "
                "recorded only by this archive's owner."
            ),
        ),
        (
            {"unsigned": ("reply-to",), "result": "body-differs"},
            (
                "The servers of client.example signed a part of the header; the body is not as they "
                "signed it, as happens when a server encodes it anew; not signed: Reply-To; the key "
                "was recorded only by this archive's owner."
            ),
        ),
        (
            {"length": 0, "appended": 20},
            (
                "The servers of client.example signed the header and nothing of the body; the key was "
                "recorded only by this archive's owner."
            ),
        ),
    ],
)
def test_what_was_not_signed_is_told_by_name(changes: dict[str, object], sentence: str) -> None:
    """Whoever reads it looks at those fields, not at a word."""
    origin = replace(ORIGIN, signatures=(replace(SIGNATURE, **changes),))  # type: ignore[arg-type]
    assert grade(origin).meaning == sentence


def test_of_several_signatures_the_one_that_covers_more_counts() -> None:
    """In whatever order they stand."""
    part, body = replace(SIGNATURE, unsigned=("to",)), replace(SIGNATURE, result="body-differs")
    for some in ((body, part, SIGNATURE), (SIGNATURE, body, part)):
        assert grade(replace(ORIGIN, signatures=some)).reasons[0] == "signed"
    assert grade(replace(ORIGIN, signatures=(body, part))).reasons[0] == "signed-in-part"


@pytest.mark.parametrize(
    ("claims", "level"),
    [
        ([("dkim", "pass"), ("dkim", "fail")], "O0"),
        ([("spf", "pass"), ("dmarc", "fail")], "O0"),
        ([("spf", "pass"), ("dkim", "fail")], "O1"),
        ([("spf", "pass"), ("spf", "softfail")], "O0"),
    ],
)
def test_what_failed_as_well_did_not_pass(claims: list[tuple[str, str]], level: str) -> None:
    """And where DMARC failed, nothing did."""
    found = tuple(
        Claim(server="mx.example", method=method, result=result, domain="client.example")
        for method, result in claims
    )
    assert grade(replace(ORIGIN, signatures=(), claims=found)).level == level


def test_the_best_of_several_signatures_counts() -> None:
    """A list that signed as well takes nothing away."""
    other = replace(SIGNATURE, aligned=False, domain="list.example")
    assert grade(replace(ORIGIN, signatures=(other, SIGNATURE))).reasons == (
        "signed",
        "key-by-owner",
    )


@pytest.mark.parametrize(
    ("claim", "level"),
    [
        (("dkim", "pass", "client.example"), "O1"),
        (("spf", "pass", "client.example"), "O1"),
        (("dmarc", "pass", "client.example"), "O1"),
        (("dmarc", "pass", ""), "O1"),
        (("dkim", "pass", ""), "O0"),
        (("dkim", "pass", "other.example"), "O0"),
        (("dkim", "fail", "client.example"), "O0"),
        (("iprev", "pass", "client.example"), "O0"),
    ],
)
def test_the_providers_word_alone_gives_one(claim: tuple[str, str, str], level: str) -> None:
    """When it says that something of the sender's domain passed."""
    method, result, domain = claim
    claims = (Claim(server="mx.example", method=method, result=result, domain=domain),)
    assert grade(replace(ORIGIN, signatures=(), claims=claims)).level == level


def test_our_own_sent_copy_gives_nothing_and_says_why() -> None:
    """Nobody else signed it."""
    found = grade(replace(ORIGIN, signatures=(), sent=True))
    assert (found.level, found.reasons) == ("O0", ("sent",))
    assert "our own copy" in found.meaning


def test_nothing_at_all_gives_nothing() -> None:
    """Neither captured nor signed."""
    assert (grade(None).level, grade(None).reasons) == ("O0", ("not-captured",))
    unsigned = grade(replace(ORIGIN, signatures=()))
    assert (unsigned.level, unsigned.reasons) == ("O0", ("unsigned",))


def test_no_sentence_calls_anything_false() -> None:
    """A signature that does not hold is usually a body that a server wrote anew."""
    results = ("pass", "body-differs", "bad-signature", "no-key", "unusable-key", "malformed")
    for result, header in product(results, results):
        one = replace(SIGNATURE, result=result, header_result=header)  # type: ignore[arg-type]
        meaning = grade(replace(ORIGIN, signatures=(one,))).meaning.lower()
        for word in ("forged", "fake", "false", "tamper", "certif", "original"):
            assert word not in meaning


# --- date ----------------------------------------------------------------------------------------


def test_nobody_has_dated_it_yet() -> None:
    """Nor when only checkpoints before it were dated."""
    assert date_grade(RECORD, ORIGIN, []).level == "D0"
    assert date_grade(RECORD, ORIGIN, [anchor(size=10)]).level == "D0"


def test_a_stamp_within_two_days_gives_two_and_a_qualified_one_three() -> None:
    """Of all three dates."""
    time = NOW + timedelta(hours=47)
    assert date_grade(RECORD, ORIGIN, [anchor(time)]).level == "D2"
    found = date_grade(RECORD, ORIGIN, [anchor(time, qualified=True)])
    assert (found.level, found.reasons, found.time) == ("D3", ("qualified-stamp",), time)
    assert "a qualified authority" in found.meaning


def test_a_later_stamp_gives_one_and_says_how_late() -> None:
    """However qualified."""
    found = date_grade(RECORD, ORIGIN, [anchor(NOW + timedelta(days=9), qualified=True)])
    assert (found.level, found.reasons) == ("D1", ("late",))
    assert (
        found.meaning == "tsa dated it on 2026-03-11 09:30+00:00, 9 days after it was sent or came."
    )


def test_a_stamp_that_is_far_too_early_gives_one() -> None:
    """A date in the future is no date."""
    found = date_grade(RECORD, ORIGIN, [anchor(NOW - timedelta(days=9))])
    assert (found.level, found.reasons) == ("D1", ("early",))


@pytest.mark.parametrize("name", ["date", "internaldate", "received"])
@pytest.mark.parametrize("days", [-30, 30])
def test_dates_that_disagree_give_at_most_one(name: str, days: int) -> None:
    """Which ones, and by how much, is told."""
    moved = {name: NOW + timedelta(days=days)}
    found = date_grade(
        RECORD,
        replace(ORIGIN, **moved),  # type: ignore[arg-type]
        [anchor(NOW, qualified=True), anchor(NOW + timedelta(days=days), qualified=True)],
    )
    assert (found.level, found.reasons) == ("D1", ("dates-disagree",))
    assert "disagree by 30 days" in found.meaning


def test_dates_that_are_there_are_enough() -> None:
    """A file has no INTERNALDATE, a sent copy no Received."""
    found = date_grade(RECORD, replace(ORIGIN, internaldate=None, received=None), [anchor()])
    assert found.level == "D2"


def test_without_any_date_a_stamp_gives_one() -> None:
    """There is nothing to compare it with."""
    bare = replace(ORIGIN, internaldate=None, date=None, received=None)
    found = date_grade(RECORD, bare, [anchor(qualified=True)])
    assert (found.level, found.reasons) == ("D1", ("no-date",))


def test_dates_that_nobody_captured_yet_are_not_said_to_be_missing() -> None:
    """The record may well have some."""
    found = date_grade(RECORD, None, [anchor(qualified=True)])
    assert (found.level, found.reasons) == ("D1", ("not-captured",))
    assert found.meaning.endswith("its own dates are not captured yet.")


def test_the_best_stamp_of_one_checkpoint_counts_and_of_equals_the_first() -> None:
    """Several authorities may have dated it."""
    late, later = NOW + timedelta(days=9), NOW + timedelta(days=20)
    assert date_grade(RECORD, ORIGIN, [anchor(later), anchor(late)]).time == late
    stamps = [anchor(NOW), anchor(NOW + timedelta(hours=9), qualified=True)]
    found = date_grade(RECORD, ORIGIN, stamps)
    assert (found.level, found.time) == ("D3", NOW + timedelta(hours=9))


def test_a_later_checkpoint_makes_no_date_better() -> None:
    """A date in the future would come near to a stamp, if one waits for long enough."""
    future = NOW + timedelta(days=9)
    origin = replace(ORIGIN, internaldate=None, received=None, date=future)
    later = anchor(future, size=20, qualified=True)
    for stamps in ([anchor(), later], [later, anchor()]):
        found = date_grade(RECORD, origin, stamps)
        assert (found.level, found.reasons, found.time) == ("D1", ("early",), NOW)
    assert date_grade(RECORD, ORIGIN, [anchor(size=10), anchor(), later]).level == "D2"


SEAL = Seal(
    domain="own.example",
    selector="arc",
    instance=1,
    result="pass",
    chain="none",
    claims=(("dkim", "pass", "client.example"),),
    key=KEY,
    server="mx.own.example",
    own=True,
    message_result="pass",
    header_result="pass",
    unsigned=(),
)


@pytest.mark.parametrize(
    ("changes", "signed"),
    [
        ({}, True),
        ({"signatures": ()}, False),
        ({"signatures": (replace(SIGNATURE, unsigned=("date",)),)}, False),
        ({"signatures": (replace(SIGNATURE, unsigned=None),)}, False),
        ({"signatures": (replace(SIGNATURE, aligned=False),)}, False),
        ({"signatures": (replace(SIGNATURE, header_result="bad-signature"),)}, False),
        ({"signatures": (), "seal": SEAL}, True),
        ({"signatures": (), "seal": replace(SEAL, unsigned=("date",))}, False),
        ({"signatures": (), "seal": replace(SEAL, own=False)}, False),
        ({"signatures": (), "date": None}, True),
    ],
)
def test_a_date_that_no_signature_covers_is_told(
    changes: dict[str, object], *, signed: bool
) -> None:
    """The grade stays what it is: it says how near the dates are."""
    found = date_grade(RECORD, replace(ORIGIN, **changes), [anchor()])  # type: ignore[arg-type]
    assert found.level == "D2"
    assert found.reasons == (("stamp",) if signed else ("stamp", "unsigned-date"))
    assert ("; nothing shows that its Date was signed." in found.meaning) is not signed
