"""DKIM signatures: every way in which one can hold or not is told apart."""

import base64
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zone import MESSAGE, FakeZone, TestKey, key, name, signed, zone

from archiver.evidence.origin.examine import conclude, examine
from archiver.evidence.origin.grades import grade
from archiver.evidence.origin.resolver import Answer, Reply
from archiver.evidence.signatures.fields import aligned, from_address
from archiver.evidence.signatures.message import canonical_body, parse
from archiver.model.digest import Position
from archiver.model.origin import Origin, Signature


def origin_of(message: bytes, resolver: FakeZone, **changes: bytes) -> Origin:
    """Examine a message and conclude with what RESOLVER says."""
    for old, new in changes.items():
        message = message.replace(old.encode(), new)
    return conclude(
        examine(message),
        Position(1),
        reply_of=resolver.txt,
        key_of=lambda _name: Position(7),
        sent=False,
        internaldate=None,
    )


def only(message: bytes, resolver: FakeZone | None = None) -> Signature:
    """Return the one signature of MESSAGE."""
    (signature,) = origin_of(message, resolver or zone(key())).signatures
    return signature


@pytest.mark.parametrize("header", [b"simple", b"relaxed"])
@pytest.mark.parametrize("body", [b"simple", b"relaxed"])
def test_an_unchanged_message_passes(header: bytes, body: bytes) -> None:
    """In each of the four canonical forms."""
    signature = only(signed(canonicalize=(header, body)))
    assert (signature.result, signature.header_result) == ("pass", "pass")
    assert (signature.domain, signature.selector) == ("client.example", "s1")
    assert signature.headers == ("from", "to", "subject", "date")
    assert (signature.key_bits, signature.testing, signature.aligned) == (1024, False, True)


def test_a_file_with_bare_line_feeds_passes_too() -> None:
    """It travelled with CRLF: so it is verified."""
    assert only(signed().replace(b"\r\n", b"\n")).result == "pass"


def test_another_body_is_told_from_another_header() -> None:
    """A body that a server wrote anew leaves the header signature standing."""
    signature = only(signed().replace(b"We accept", b"We refuse"))
    assert (signature.result, signature.header_result) == ("body-differs", "pass")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Subject: The", b"Subject: No"),
        (b"From: Anne <", b"From: Eve <eve@evil.example>\r\nFrom: Anne <"),
        (b"From: Anne <anne@client.example>\r\n", b""),
    ],
    ids=["changed", "a second From", "no From"],
)
def test_a_header_that_was_changed_does_not_hold(old: bytes, new: bytes) -> None:
    """Whatever the body."""
    signature = only(signed().replace(old, new))
    assert (signature.result, signature.header_result) == ("bad-signature", "bad-signature")


def test_a_key_that_is_gone_is_an_answer() -> None:
    """It is no failure of DNS."""
    found = origin_of(signed(), FakeZone())
    assert found.signatures[0].result == "no-key"
    assert found.complete


def test_dns_that_does_not_answer_leaves_it_open() -> None:
    """Nothing is said of the signature."""
    found = origin_of(signed(), FakeZone(silent={"*"}))
    assert found.signatures[0].result == "not-asked"
    assert not found.complete


PUBLIC = key().published.partition("p=")[2]
SMALL = base64.b64encode(
    bytes.fromhex("3048024100") + b"\xc1" * 64 + bytes.fromhex("0203010001")
).decode()


@pytest.mark.parametrize(
    ("published", "reason"),
    [
        ("v=DKIM1; p=", "revoked"),
        ("v=DKIM2; p=" + PUBLIC, "syntax"),
        ("v=spf1 -all", "syntax"),
        ("v=DKIM1; k=rsa", "syntax"),
        ("v=DKIM1; p=AAAA", "syntax"),
        ("v=DKIM1; p=!", "syntax"),
        ("v=DKIM1; k=dsa; p=" + PUBLIC, "kind"),
        ("v=DKIM1; k=ed25519; p=" + base64.b64encode(b"1" * 32).decode(), "kind"),
        ("v=DKIM1; k=ed25519; p=AAAA", "syntax"),
        ("v=DKIM1; h=sha1; p=" + PUBLIC, "hash"),
        ("v=DKIM1; s=tlsrpt; p=" + PUBLIC, "service"),
        ("v=DKIM1; p=" + SMALL, "small"),
        ("v=DKIM1; p=" + "A" * 9_000, "too-long"),
    ],
)
def test_a_key_that_cannot_be_used_says_why(published: str, reason: str) -> None:
    """And never counts as a bad signature."""
    signature = only(signed(), FakeZone({name(): [published]}))
    assert (signature.result, signature.reason) == ("unusable-key", reason)
    assert signature.header_result == "unusable-key"


def test_a_huge_exponent_costs_no_time() -> None:
    """A stranger's key of 8 KB would keep a processor busy for minutes."""
    number = (1 << 20_000) - 1
    length = 20_000 // 8
    integer = b"\x02\x82" + (length + 1).to_bytes(2) + b"\0" + number.to_bytes(length)
    sequence = b"\x30\x82" + (2 * len(integer)).to_bytes(2) + integer * 2
    published = "p=" + base64.b64encode(sequence).decode()
    signature = only(signed(), FakeZone({name(): [published]}))
    assert (signature.result, signature.reason) == ("unusable-key", "large")


def test_a_key_for_testing_says_so() -> None:
    """RFC 6376 treats such mail as unsigned; the grade does."""
    published = key().published.replace("k=rsa", "k=rsa; t=y")
    found = origin_of(signed(), FakeZone({name(): [published]}))
    assert (found.signatures[0].result, found.signatures[0].testing) == ("pass", True)
    assert (grade(found).level, grade(found).reasons) == ("O0", ("testing",))


def test_a_strict_key_refuses_an_identity_below_the_domain() -> None:
    """``t=s`` (RFC 6376, section 3.6.1)."""
    published = key().published.replace("k=rsa", "k=rsa; t=s")
    message = signed().replace(b"i=@client.example", b"i=@sub.client.example")
    signature = only(message, FakeZone({name(): [published]}))
    assert (signature.result, signature.reason) == ("unusable-key", "identity")


def test_sha1_holds_and_is_not_believed() -> None:
    """RFC 8301 forbids it."""
    found = origin_of(signed(algorithm=b"rsa-sha1"), zone(key()))
    assert found.signatures[0].result == "pass"
    assert (grade(found).level, grade(found).reasons) == ("O0", ("sha1",))


def test_text_behind_the_signed_length_is_counted() -> None:
    """The library accepts it in silence."""
    found = origin_of(signed(length=True) + b"Send the money elsewhere.\r\n", zone(key()))
    assert (found.signatures[0].result, found.signatures[0].appended) == ("pass", 27)
    assert "body-appended" in grade(found).reasons


@pytest.mark.parametrize("tail", [b"Invented, all of it.\r\n", b""])
def test_a_signed_length_of_nothing_signs_nothing_of_the_body(tail: bytes) -> None:
    """Neither what was added nor what may have been taken away."""
    head = MESSAGE.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    found = origin_of(signed(head, length=True) + tail, zone(key()))
    assert found.signatures[0].result == "pass"
    assert grade(found).reasons == ("header-signed", "body-unsigned", "key-by-owner")


DATED = [b"from", b"to", b"subject", b"date"]


@pytest.mark.parametrize(
    ("headers", "added", "old", "new", "unsigned"),
    [
        (DATED, b"", b"", b"", ()),
        (DATED, b"Subject: Another\r\n", b"", b"", ("subject",)),
        (DATED, b"SUBJECT: Another\r\n", b"", b"", ("subject",)),
        ([b"from"], b"", b"Subject: The", b"Subject: No", ("to", "subject", "date")),
        ([b"from", b"subject"], b"", b"Date: Mon, 02", b"Date: Mon, 09", ("to", "date")),
        (DATED, b"Date: Mon, 09 Mar 2026 10:28:00 +0100\r\n", b"", b"", ("date",)),
        (
            DATED,
            b"To: a@b.example\r\nCc: a@b.example\r\nReply-To: a@b.example\r\n",
            b"",
            b"",
            ("reply-to", "to", "cc"),
        ),
        (DATED, b"Sender: eve@evil.example\r\n", b"", b"", ("sender",)),
        (
            DATED,
            (
                b"MIME-Version: 1.0\r\nContent-Type: text/html\r\n"
                b"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment\r\n"
            ),
            b"",
            b"",
            (
                "mime-version",
                "content-type",
                "content-transfer-encoding",
                "content-disposition",
            ),
        ),
        ([*DATED, b"cc", b"content-type"], b"", b"", b"", ()),
    ],
)
def test_fields_that_are_shown_and_not_signed_are_noted(
    headers: list[bytes], added: bytes, old: bytes, new: bytes, unsigned: tuple[str, ...]
) -> None:
    """The signature holds over the lowest of each name; people are shown the topmost."""
    found = origin_of(added + signed(headers=headers).replace(old, new), zone(key()))
    (signature,) = found.signatures
    assert (signature.result, signature.unsigned) == ("pass", unsigned)
    graded = grade(found, confirmed={Position(7): "keys.example"})
    assert (graded.level, graded.reasons[0]) == (
        ("O2", "signed-in-part") if unsigned else ("O3", "signed")
    )
    assert all(f"unsigned-{name}" in graded.reasons for name in unsigned)
    assert ("as they are here" in graded.meaning) is not unsigned


def test_fields_that_are_signed_beyond_those_there_may_not_be_added() -> None:
    """``h=`` may name a field once more than it is there (RFC 6376, section 8.15)."""
    message = signed(headers=[*DATED, b"subject", b"cc"])
    assert only(message).unsigned == ()
    for added in (b"Subject: Another\r\n", b"Cc: a@b.example\r\n"):
        assert only(added + message).result == "bad-signature"


def test_a_second_from_that_is_signed_is_nobodys() -> None:
    """Nobody can say who is meant."""
    two = b"From: Eve <eve@evil.example>\r\n" + MESSAGE
    found = origin_of(signed(two, headers=[b"from", *DATED]), zone(key()))
    assert grade(found).level == "O0"


@pytest.mark.parametrize(
    "added",
    [
        b"X-Note: a\rSubject: Another\r\n",
        b"From : Eve <eve@evil.example>\r\n",
        b"From x\r\nFrom : Eve <eve@evil.example>\r\n",
        b"X-Note: a\r\nFrom the beginning\r\n",
    ],
)
def test_a_line_that_may_be_read_as_another_field_makes_no_signature_count(added: bytes) -> None:
    """Many programs begin a field there, which this signature would not cover."""
    signature = only(added + signed())
    assert (signature.result, signature.reason) == ("malformed", "header")


def test_the_first_line_of_a_mailbox_file_is_no_field() -> None:
    """It is not part of the message."""
    line = b"From anne@client.example Mon Mar  2 09:29:00 2026\r\n"
    assert only(line + signed()).result == "pass"


def test_the_whole_length_appends_nothing() -> None:
    """Then the signature counts in full."""
    found = origin_of(signed(length=True), zone(key()))
    assert (found.signatures[0].result, found.signatures[0].appended) == ("pass", 0)
    assert grade(found).reasons == ("signed", "key-by-owner")


def test_an_expiry_in_the_past_changes_nothing() -> None:
    """It limits delivery; dkimpy fails such genuine mail."""
    signature = only(signed(tags=b"t=1000; x=2000"))
    assert (signature.result, signature.time, signature.expiry) == ("pass", 1000, 2000)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"h=from : ", b"h=", "from-not-signed"),
        (b"a=rsa-sha256", b"a=rsa-md5", "fields"),
        (b"c=relaxed/relaxed", b"c=relaxed/lax", "canonicalization"),
        (b"v=1;", b"v=2;", "fields"),
        (b"v=1;", b"", "fields"),
        (b"v=1;", b"v=1; v=1;", "tags"),
        (b"d=client.example", b"d=cli ent.example", "fields"),
        (b"s=s1", b"s=" + b"x" * 64, "name"),
        (b"q=dns/txt", b"q=dns/txt; l=" + b"9" * 60, "number"),
        (b"q=dns/txt", b"q=dns/txt; x=1", "expiry"),
        (b"q=dns/txt", b"q=" + b" " * 300 + b"dns/txt", "too-long"),
        (b"q=dns/txt", b"q=dns/txt; y=" + b"x" * 9_000, "too-long"),
        (b"Subject:", b"Subject\xff\r\nSubject:", "header"),
    ],
)
def test_what_is_no_signature_says_why(old: bytes, new: bytes, reason: str) -> None:
    """DNS is not asked for it."""
    message = signed()
    assert old in message
    resolver = zone(key())
    signature = only(message.replace(old, new), resolver)
    assert (signature.result, signature.reason) == ("malformed", reason)
    assert resolver.asked == []


def test_at_most_eight_signatures_are_looked_at() -> None:
    """Each asks DNS."""
    message = MESSAGE
    for number in range(12):
        message = signed(message, selector=f"s{number}")
    found = origin_of(message, FakeZone())
    assert [one.selector for one in found.signatures] == [f"s{n}" for n in range(11, 3, -1)]


def test_several_signatures_are_kept_apart() -> None:
    """The provider's and the company's."""
    message = signed(signed(domain="relay.example", by=key(1024, 1)), domain="client.example")
    records = zone(key()).records | zone(key(1024, 1), domain="relay.example").records
    found = origin_of(message, FakeZone(records))
    assert [(one.domain, one.result, one.aligned) for one in found.signatures] == [
        ("client.example", "pass", True),
        ("relay.example", "pass", False),
    ]


def test_of_several_keys_at_one_name_the_order_does_not_matter() -> None:
    """DNS gives them in any order."""
    spf = TestKey(key().private, key().pem, "v=spf1 -all")
    for keys in ((spf, key()), (key(), spf)):
        assert only(signed(), zone(*keys)).result == "pass"


def test_a_domain_of_other_letters_is_asked_as_dns_knows_it() -> None:
    """RFC 8616."""
    message = signed(domain="client.example").replace(
        b"d=client.example", "d=bücher.example".encode()
    )
    resolver = FakeZone()
    only(message.replace(b"i=@client.example", "i=@bücher.example".encode()), resolver)
    assert resolver.asked == ["s1._domainkey.xn--bcher-kva.example"]


@pytest.mark.parametrize(
    ("signing", "author", "expected"),
    [
        ("client.example", "client.example", True),
        ("client.example", "paris.client.example", True),
        ("paris.client.example", "client.example", False),
        ("ent.example", "client.example", False),
        ("example", "client.example", False),
        ("co.uk", "client.co.uk", False),
        ("client.co.uk", "mail.client.co.uk", True),
        ("gouv.fr", "ville.gouv.fr", False),
        ("asso.fr", "club.asso.fr", False),
        ("onmicrosoft.com", "client.onmicrosoft.com", False),
        ("", "client.example", False),
        ("client.example", "", False),
        ("", "", False),
    ],
)
def test_alignment_takes_the_domain_or_the_one_above(
    signing: str, author: str, *, expected: bool
) -> None:
    """But none under which strangers register theirs."""
    assert aligned(signing, author) is expected


@pytest.mark.parametrize(
    ("value", "address"),
    [
        (b"anne@client.example", "anne@client.example"),
        (b"Anne <Anne@Client.Example>", "anne@client.example"),
        (b'"x <a@evil.example>" <anne@client.example>', "anne@client.example"),
        (b"a@evil.example, Anne <anne@client.example>", ""),
        (b"Anne", ""),
        (b"(" * 5_000, ""),
        (b'"' * 4_000, ""),
        (b"", ""),
    ],
)
def test_from_is_one_address_or_none(value: bytes, address: str) -> None:
    """Whoever it may be, it is not guessed."""
    assert from_address(parse(b"From: " + value + b"\r\n\r\n")) == address


def test_the_dates_of_the_message_are_read() -> None:
    """Date, and the topmost Received."""
    found = origin_of(MESSAGE, FakeZone())
    assert [date.isoformat() for date in found.dated] == [
        "2026-03-02T09:28:00+00:00",
        "2026-03-02T09:29:00+00:00",
    ]


@pytest.mark.parametrize(
    "date",
    [b"", b"yesterday", b"Mon, 99 Foo 2026", b"1 Jan 1066 10:00 +0000", b"31 Dec 9999 23:59 -2300"],
)
def test_a_date_that_cannot_be_read_is_none(date: bytes) -> None:
    """It is not guessed."""
    message = b"Date: " + date + b"\r\nReceived: by x; " + date + b"\r\n\r\n"
    assert origin_of(message, FakeZone()).dated == ()


def test_a_megabyte_of_blanks_takes_no_time() -> None:
    """The library's own way takes its length squared."""
    body = b" " * 2_000_000 + b"x"
    assert canonical_body(body, "relaxed") == b" x\r\n"


@pytest.mark.parametrize("blank", [b" ", b"\t", b"\r\n ", b"\x0b", b"\x0c"])
def test_a_signature_made_of_blanks_takes_no_time(blank: bytes) -> None:
    """Patterns that look for where it ends would try every way to share them."""
    run = blank * (256 // len(blank))
    message = signed()
    for value in (b"b" + run + b"=" + run, (b";b" + run) * 30, b"b=" + (run + b"A") * 30):
        begun = time.process_time()
        examine(message.replace(b"q=dns/txt", value))
        examine(b"DKIM-Signature: v=1; " + value + b"\r\n" + message)
        assert time.process_time() - begun < 1


PIECES = st.lists(
    st.sampled_from(
        [
            b"DKIM-Signature: ", b"ARC-Seal: ", b"ARC-Message-Signature: ", b"From: a@b.example",
            b"ARC-Authentication-Results: ", b"Authentication-Results: mx.own.example",
            b"v=1", b"a=rsa-sha256", b"a=ed25519-sha256", b"d=b.example", b"s=s1", b"h=from:to",
            b"bh=AAAA", b"b=AAAA", b"b=" + b"A" * 172, b"c=relaxed/relaxed", b"c=", b"i=1", b"i=@x",
            b"l=5", b"l=" + b"9" * 76, b"t=1", b"x=2", b"cv=none", b"cv=pass", b";", b"; ", b"=",
            b"\r\n", b"\r\n ", b"\n", b"\r", b"\r\n\r\n", b"\xff", b"\0", b" ", b"(", b'"', b"\\",
        ]
    ),
    max_size=60,
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(PIECES, st.binary(max_size=40), st.integers(0, 300))
def test_nothing_that_a_stranger_writes_raises(pieces: list[bytes], junk: bytes, at: int) -> None:
    """Neither in the message nor in the zone."""
    message = b"".join(pieces) + junk
    for data in (message, signed()[:at] + message + signed()[at:]):
        for published in (key().published.encode(), junk, b"p=" + base64.b64encode(junk)):

            def reply(_name: str, published: bytes = published) -> Reply:
                return Answer(b"", (published, junk))

            found = conclude(
                examine(data, servers=frozenset({"mx.own.example"})),
                Position(1),
                reply_of=reply,
                key_of=lambda _name: None,
                sent=False,
                internaldate=None,
            )
            assert grade(found).level in {"O0", "O1", "O2"}
