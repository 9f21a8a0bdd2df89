"""Other people's vectors, and mail as it is."""

from itertools import islice
from pathlib import Path

import dkim
import pytest
from arc_suite import cases
from dkim.canonicalization import Relaxed, Simple
from sampling import sample
from zone import FakeZone

from archiver.evidence.origin.examine import conclude, examine
from archiver.evidence.signatures.message import canonical_body, canonical_fields, parse
from archiver.evidence.signatures.verdicts import Canon, read_signatures
from archiver.model.digest import Position
from archiver.model.origin import Origin

# RFC 8463, appendix A.
ED25519 = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


def origin_of(message: bytes, zone: dict[str, str]) -> Origin:
    """Examine a message in a zone."""
    resolver = FakeZone({name: [text] for name, text in zone.items()})
    return conclude(
        examine(message),
        Position(1),
        reply_of=resolver.txt,
        key_of=lambda _name: None,
        sent=False,
        internaldate=None,
    )


@pytest.mark.shared
def test_every_case_of_the_arc_suite_has_its_verdict(corpora: Path) -> None:
    """A chain that ended by saying that it failed has failed: the suite leaves that open."""
    found = {}
    for case in cases(corpora / "dkim" / "arc" / "arc-draft-validation-tests.yml"):
        seal = origin_of(case.message, case.zone).seal
        verdict = seal.verdict if seal else "none"
        if verdict != (case.verdict or "fail"):
            found[case.name] = verdict
    assert found == {}


@pytest.mark.shared
def test_the_arc_suite_is_read_whole(corpora: Path) -> None:
    """A case that is not read is not tested."""
    path = corpora / "dkim" / "arc" / "arc-draft-validation-tests.yml"
    assert len(list(cases(path))) == path.read_text().count("    message:")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("message", "key", "expected"),
    [
        ("rfc6376.signed.msg", "", [("pass", "pass"), ("pass", "pass")]),
        ("rfc6376.signed.rsa.msg", "test.txt", [("pass", "pass")]),
        ("rfc6376.signed.rsa.msg", "test2.txt", [("pass", "pass")]),
        ("rfc6376.signed.rsa.msg", "test_bad.txt", [("unusable-key", "unusable-key")]),
        ("rfc6376.signed.rsa.msg", "badk.txt", [("unusable-key", "unusable-key")]),
        ("rfc6376.signed.rsa.msg", "badversion.txt", [("unusable-key", "unusable-key")]),
        ("rfc6376.signed.rsa.msg", "test_tlsrpt.txt", [("unusable-key", "unusable-key")]),
        ("rfc6376.signed.rsa.msg", "2048_testkey_wo_markers.pub.txt", [("bad-signature",) * 2]),
        ("rfc6376.signed.no_t.msg", "test.txt", [("bad-signature", "bad-signature")]),
        ("ed25519test2.msg", "eximtest.dns", [("pass", "pass")]),
        ("ed25519test2.msg", "ed25519test.dns", [("bad-signature", "bad-signature")]),
        ("test.message.baddomain", "test.txt", [("malformed", "malformed")]),
        ("test.message", "test.txt", []),
        ("test_nofrom.message", "test.txt", []),
    ],
)
def test_the_vectors_of_dkimpy_have_their_results(
    corpora: Path, message: str, key: str, expected: list[tuple[str, str]]
) -> None:
    """RSA and Ed25519 (RFC 8463) among them."""
    folder = corpora / "dkim" / "dkimpy-data"
    text = (folder / (key or "test.txt")).read_text().strip()
    data = (folder / message).read_bytes()
    names = examine(data).names
    zone = dict.fromkeys(names, text)
    if not key:
        zone["brisbane._domainkey.football.example.com"] = ED25519
    found = origin_of(data, zone)
    assert [(one.result, one.header_result) for one in found.signatures] == expected


@pytest.mark.shared
@pytest.mark.long
def test_mail_that_broke_other_parsers_is_taken_apart_as_dkimpy_does(corpora: Path) -> None:
    """Where dkimpy finds a header at all; where it does not, no signature counts."""
    paths = sorted(path for path in (corpora / "mime").rglob("*") if path.is_file())
    compared = 0
    for path in sample(paths):
        data = path.read_bytes()
        origin_of(data, {})
        message = parse(data)
        try:
            headers, body = dkim.rfc822_parse(data)
        except (dkim.DKIMException, IndexError):
            assert not message.sound, path
            continue
        if not message.sound:
            continue  # too much of it
        compared += 1
        assert [tuple(header) for header in headers] == list(message.fields), path
        assert body == message.body, path
        assert Simple.canonicalize_body(body) == canonical_body(body, "simple"), path
        if not body.endswith((b" ", b"\t")):
            assert Relaxed.canonicalize_body(body) == canonical_body(body, "relaxed"), path
        if not any(
            set(value) & set(b"\r\x0b\x0c\x1c\x1d\x1e\x1f\x85") for _name, value in message.fields
        ):
            assert Relaxed.canonicalize_headers(headers) == canonical_fields(
                message.fields, "relaxed"
            ), path
    assert compared


@pytest.mark.shared
@pytest.mark.long
def test_the_bodies_of_real_signatures_are_as_they_were_signed(corpora: Path) -> None:
    """Most of a list's mail keeps its body: a slip in the canonical form would break them all."""
    held = total = 0
    for path in islice(sample(sorted((corpora / "linux-serial").rglob("*.eml"))), 5_000):
        message = parse(path.read_bytes())
        for stated in read_signatures(Canon(message), ""):
            if stated.signed:
                total += 1
                held += stated.signed.body_holds
    assert total
    assert held / total > 0.5
