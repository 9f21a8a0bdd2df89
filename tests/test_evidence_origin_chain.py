"""ARC seals and Authentication-Results: what the account's own provider says, and nobody else."""

import pytest
from zone import MESSAGE, FakeZone, key, name, sealed, signed, zone

from archiver.evidence.origin.examine import conclude, examine
from archiver.evidence.origin.grades import grade
from archiver.evidence.signatures.message import parse
from archiver.evidence.signatures.results import claims_of, read_results, read_sealed
from archiver.model.digest import Position
from archiver.model.origin import Origin, Seal

OWN = frozenset({"mx.own.example"})
SEALER = zone(key(1024, 9), domain="own.example", selector="arc")


def origin_of(message: bytes, resolver: FakeZone = SEALER, servers: frozenset[str] = OWN) -> Origin:
    """Examine a message that came to our account."""
    return conclude(
        examine(message, servers=servers),
        Position(1),
        reply_of=resolver.txt,
        key_of=lambda _name: Position(7),
        sent=False,
        internaldate=None,
    )


def seal_of(message: bytes, resolver: FakeZone = SEALER, servers: frozenset[str] = OWN) -> Seal:
    """Return the newest seal of MESSAGE."""
    seal = origin_of(message, resolver, servers).seal
    assert seal is not None
    return seal


def test_a_seal_of_the_own_provider_counts() -> None:
    """It says that the sender was verified on arrival."""
    message = sealed(MESSAGE)
    seal = seal_of(message)
    assert (seal.domain, seal.instance, seal.server) == ("own.example", 1, "mx.own.example")
    assert (seal.result, seal.message_result, seal.verdict) == ("pass", "pass", "pass")
    assert (seal.own, seal.chain, seal.key_bits) == (True, "none", 1024)
    assert seal.claims == (("dkim", "pass", "client.example"),)
    found = grade(origin_of(message))
    assert (found.level, found.reasons) == ("O2", ("sealed", "key-by-owner"))
    assert "own provider (mx.own.example)" in found.meaning


def test_a_seal_survives_a_body_that_was_encoded_anew() -> None:
    """The header under it still holds."""
    message = sealed(MESSAGE).replace(b"We accept", b"We  have accepted")
    seal = seal_of(message)
    assert (seal.result, seal.message_result) == ("pass", "body-differs")
    assert (seal.header_result, seal.verdict) == ("pass", "fail")
    assert grade(origin_of(message)).level == "O2"


def test_a_seal_lifted_from_another_message_proves_nothing() -> None:
    """A seal signs the chain's own fields only: the owner could put it anywhere."""
    message = sealed(MESSAGE).replace(b"Subject: The deliverable", b"Subject: The invoice")
    seal = seal_of(message)
    assert (seal.result, seal.header_result) == ("pass", "bad-signature")
    assert grade(origin_of(message)).level == "O0"


def test_a_seal_over_a_message_without_from_proves_nothing() -> None:
    """Then anybody may be named as the sender."""
    message = sealed(MESSAGE, headers=(b"subject", b"date"))
    assert seal_of(message).header_result == "malformed"
    assert grade(origin_of(message)).level == "O0"


def test_a_sender_who_seals_in_the_providers_name_does_not_count() -> None:
    """Its own key holds, but it is not the key of the provider's domain."""
    message = sealed(MESSAGE, domain="evil.example")
    seal = seal_of(message, zone(key(1024, 9), domain="evil.example", selector="arc"))
    assert (seal.result, seal.server, seal.own) == ("pass", "mx.own.example", False)
    assert grade(origin_of(message)).level == "O0"


def test_another_servers_seal_does_not_count() -> None:
    """Only the account's own provider is believed."""
    assert not seal_of(sealed(MESSAGE), servers=frozenset()).own
    assert not seal_of(sealed(MESSAGE), servers=frozenset({"mx.other.example"})).own


@pytest.mark.parametrize(
    "results",
    [
        b"mx.own.example; dkim=fail header.d=client.example",
        b"mx.own.example; dkim=pass header.d=other.example",
        b"mx.own.example; none",
        b"mx.own.example",
    ],
)
def test_a_seal_under_which_nothing_passed_does_not_count(results: bytes) -> None:
    """What it says must be of the sender's own domain."""
    assert grade(origin_of(sealed(MESSAGE, results=results))).level == "O0"


def test_a_changed_seal_does_not_hold() -> None:
    """What the provider said is signed."""
    message = sealed(MESSAGE, results=b"mx.own.example; dkim=fail header.d=client.example")
    changed = message.replace(b"dkim=fail", b"dkim=pass")
    assert seal_of(changed).result == "bad-signature"
    assert grade(origin_of(changed)).level == "O0"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"i=1; a=rsa-sha256; cv", b"i=2; a=rsa-sha256; cv"),
        (b"i=1; a=rsa-sha256; cv", b"i=999999; a=rsa-sha256; cv"),
        (b"i=1; a=rsa-sha256; cv", b"a=rsa-sha256; cv"),
        (b"cv=none", b"cv=fail"),
        (b"cv=none", b"cv=pass"),
        (b"ARC-Seal: i=1", b"ARC-Seal: h=from; i=1"),
        (b"ARC-Authentication-Results: i=1", b"X: i=1"),
        (b"ARC-Message-Signature", b"X"),
    ],
)
def test_a_chain_that_is_not_made_as_it_should_be_fails(old: bytes, new: bytes) -> None:
    """DNS is not asked for it."""
    resolver = FakeZone(dict(SEALER.records))
    message = sealed(MESSAGE)
    assert old in message
    seal = seal_of(message.replace(old, new), resolver)
    assert (seal.result, seal.verdict) == ("malformed", "fail")
    assert resolver.asked == []


def test_a_seal_whose_key_dns_has_not_answered_for_is_open() -> None:
    """It is asked again later."""
    found = origin_of(sealed(MESSAGE), FakeZone(silent={name("own.example", "arc")}))
    assert found.seal is not None
    assert (found.seal.result, found.seal.verdict) == ("not-asked", "not-asked")
    assert not found.complete


def test_dkim_comes_before_a_seal() -> None:
    """The sender's own word is the better one."""
    message = sealed(signed())
    resolver = FakeZone(SEALER.records | zone(key()).records)
    assert grade(origin_of(message, resolver)).reasons == ("signed", "key-by-owner")


# --- Authentication-Results ----------------------------------------------------------------------

CLAIM = b"Authentication-Results: mx.own.example; dkim=pass header.d=client.example\r\n"


def test_the_own_providers_note_is_believed_a_little() -> None:
    """Nothing but the note shows it."""
    found = origin_of(CLAIM + MESSAGE)
    assert [(c.server, c.method, c.result, c.domain) for c in found.claims] == [
        ("mx.own.example", "dkim", "pass", "client.example")
    ]
    assert (grade(found).level, grade(found).reasons) == ("O1", ("claimed",))


@pytest.mark.parametrize(
    "header",
    [
        b"Authentication-Results: mx.evil.example; dkim=pass header.d=client.example\r\n",
        b"Authentication-Results: mx.evil.example; none\r\n" + CLAIM,
        b"Authentication-Results: mx.own.example; none\r\nSubject: x\r\n" + CLAIM,
        b"Authentication-Results: mx.own.example.evil.example; dkim=pass\r\n",
        b"Authentication-Results: (mx.own.example) evil; dkim=pass header.d=client.example\r\n",
        b"Authentication-Results:\r\n" + CLAIM,
        b"Authentication-Results: mx.own.example; dkim=pass header.d=evil.example\r\n",
        b"Authentication-Results: mx.own.example; dkim=fail (dkim=pass header.d=client.example)\r\n",
        b'Authentication-Results: mx.own.example; x="; dkim=pass header.d=client.example"\r\n',
        b"Authentication-Results: mx.own.example; dmarc=fail header.from=client.example\r\n",
        b"Received: from evil by mx.own.example; Mon, 2 Mar 2026 09:29:00 +0000\r\n" + CLAIM,
        CLAIM.replace(b"pass", b"fail") + CLAIM,
        CLAIM + CLAIM.replace(b"pass", b"fail"),
        CLAIM + CLAIM.replace(b"pass", b"none"),
        CLAIM + b"Authentication-Results: mx.own.example; dmarc=fail\r\n",
        CLAIM + b"X-Note: a\rFrom: Eve <eve@evil.example>\r\n",
        (
            b"Authentication-Results: mx.own.example; dkim=pass header.d=client.example;"
            b" dkim=fail header.d=client.example\r\n"
        ),
        (
            b"Authentication-Results: mx.own.example; spf=pass smtp.mailfrom=client.example;"
            b" dmarc=fail header.from=client.example\r\n"
        ),
        (
            b'Authentication-Results: mx.own.example; dkim=pass reason="header.d=client.example"'
            b" header.d=evil.example\r\n"
        ),
        b'Authentication-Results: mx.own.example; dkim=pass reason="a header.d=client.example"\r\n',
        b'Authentication-Results: mx.own.example; dkim=pass reason="\\" header.d=client.example"\r\n',
        b'Authentication-Results: mx.own.example; dkim=pass reason="\\"\\" header.d=client.example\r\n',
        b"Authentication-Results: mx.own.example; dkim=pass reason=header.d=client.example\r\n",
        (
            b"Authentication-Results: mx.own.example; dkim=pass header.d=evil.example"
            b" header.i=@client.example\r\n"
        ),
    ],
)
def test_what_anybody_could_have_written_is_not_believed(header: bytes) -> None:
    """Below the first foreign field or a Received, in quotes, about another domain, failed too."""
    assert grade(origin_of(header + MESSAGE)).level == "O0"


def test_fields_that_contradict_each_other_claim_nothing() -> None:
    """One of them is not the provider's, and nobody knows which."""
    assert origin_of(CLAIM + CLAIM.replace(b"pass", b"fail") + MESSAGE).claims == ()
    agreed = origin_of(CLAIM + CLAIM + MESSAGE)
    assert [claim.result for claim in agreed.claims] == ["pass", "pass"]


def test_another_server_of_the_provider_below_the_first_is_not_read() -> None:
    """One server took the message in; what the others wrote came with it, or may have."""
    second = CLAIM.replace(b"mx.own", b"mx2.own").replace(b"dkim", b"spf")
    servers = frozenset({"mx.own.example", "mx2.own.example"})
    found = origin_of(CLAIM + second + MESSAGE, servers=servers)
    assert {claim.server for claim in found.claims} == {"mx.own.example"}


def test_a_seal_tells_what_of_the_message_it_does_not_cover() -> None:
    """It shows who sent it; a Subject above the signed one may be anybody's."""
    found = grade(origin_of(b"Subject: Another\r\n" + sealed(MESSAGE)))
    assert (found.level, found.reasons) == ("O2", ("sealed", "unsigned-subject", "key-by-owner"))
    assert "; not signed: Subject; " in found.meaning


def test_without_a_configured_provider_no_note_counts() -> None:
    """The program does not guess who that is."""
    assert origin_of(CLAIM + MESSAGE, servers=frozenset()).claims == ()


def test_fields_directly_below_each_other_are_one_block() -> None:
    """Some providers write one for each method."""
    second = (
        b"Authentication-Results: MX.own.example 1; spf=pass smtp.mailfrom=a@client.example\r\n"
    )
    found = origin_of(CLAIM + second + MESSAGE)
    assert [claim.method for claim in found.claims] == ["dkim", "spf"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mx.example; none", ("mx.example", ())),
        ('"mx.example" 1; dkim=pass', ("mx.example", (("dkim", "pass", ""),))),
        (
            "mx.example (a; (b) c) ; spf = pass (x) smtp.mailfrom=<> ; dmarc=pass header.from=B.example",
            ("mx.example", (("spf", "pass", ""), ("dmarc", "pass", "b.example"))),
        ),
        (
            'mx.example; dkim=pass reason="a; b" header.i=@c.example header.b=xyz',
            ("mx.example", (("dkim", "pass", "c.example"),)),
        ),
        (r"mx.example (\) ; dkim=fail) ; dkim=pass", ("mx.example", (("dkim", "pass", ""),))),
        ("", ("", ())),
        (";;;;", ("", ())),
        ("mx.example; =; x; dkim=", ("mx.example", ())),
    ],
)
def test_results_are_read_as_the_rfc_writes_them(
    text: str, expected: tuple[object, object]
) -> None:
    """RFC 8601, section 2.2."""
    assert read_results(text) == expected


def test_the_instance_stands_before_sealed_results() -> None:
    """RFC 8617, section 4.1.1."""
    assert read_sealed(" i=3; mx.example; spf=pass") == (3, "mx.example", (("spf", "pass", ""),))
    assert read_sealed("mx.example; i=3") == (0, "", ())


@pytest.mark.parametrize(("number", "taken"), [(32, 32), (33, 0), (900, 0), (9_000, 0)])
def test_of_very_many_claims_none_is_taken(number: int, taken: int) -> None:
    """An entry stays small, and what failed may be the last of them."""
    header = b"Authentication-Results: mx.own.example" + b"; dkim=pass" * number + b"\r\n\r\n"
    assert len(claims_of(parse(header), OWN)) == taken
