"""Time-stamps: what is asked, what is believed and why, and that openssl says the same."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from authority import (
    LONG_AGO,
    POLICY,
    LocalAuthority,
    local_authority,
    openssl,
    openssl_accepts,
    unsorted,
    without_certificates,
)
from evidence_case import create
from hypothesis import given, settings
from hypothesis import strategies as st

from archiver.authorities import Authority
from archiver.evidence.stamps import der
from archiver.evidence.stamps.check import check_stamps
from archiver.evidence.stamps.entries import anchors, stamp_path
from archiver.evidence.stamps.request import make_request, nonce_of
from archiver.evidence.stamps.rfc3161 import chain_pem, read_roots
from archiver.evidence.stamps.stamp import Stamp, StampProblem, check_stamp
from archiver.evidence.stamps.token import read_response
from archiver.evidence.store import Evidence
from archiver.model.anchors import Anchor
from archiver.model.digest import Digest

NOTE = b"written-record-archive/0000\n3\nroot\n"
NONCE = 0x9F3A_5B17_4C2D_8E60_0123
REQUEST = make_request(hashlib.sha256(NOTE).digest(), NONCE)
ANOTHER_NAME = der.element(0xA4, der.element(der.SEQUENCE))

# Each answer, and the code of what is wrong with it; None: it is to be believed. What never reaches
# a verifier, because there is no answer in it (429, a time-out), is in test_evidence_stamp_faults.
CASES: dict[str, tuple[Callable[[LocalAuthority], bytes], str | None]] = {
    "signed with RSA": (lambda it: it.reply(REQUEST, "rsa"), None),
    "signed with an elliptic curve": (lambda it: it.reply(REQUEST, "ec"), None),
    "certificates not sorted": (lambda it: unsorted(it.reply(REQUEST)), None),
    "granted with modifications": (lambda it: it.craft(REQUEST, status=1), None),
    "a fraction of a second": (lambda it: it.craft(REQUEST, fraction=".25"), None),
    "a line end after it": (lambda it: it.reply(REQUEST) + b"\r\n", None),
    "certificate expired since": (
        lambda it: it.craft(REQUEST, signer="expired", time=LONG_AGO),
        None,
    ),
    "qualified": (lambda it: it.craft(REQUEST, qualified=True), None),
    "certificate expired before": (lambda it: it.craft(REQUEST, signer="expired"), "expired"),
    "certificate not valid yet": (
        lambda it: it.craft(REQUEST, time=datetime(2019, 1, 1, tzinfo=UTC)),
        "expired",
    ),
    "wrong nonce": (lambda it: it.craft(REQUEST, nonce=3), "wrong-nonce"),
    "wrong imprint": (lambda it: it.craft(REQUEST, imprint_of=b"other"), "wrong-imprint"),
    "another root": (lambda it: it.craft(REQUEST, signer="foreign"), "untrusted"),
    "not for time-stamps": (lambda it: it.craft(REQUEST, signer="usage"), "wrong-usage"),
    "usage not critical": (lambda it: it.craft(REQUEST, signer="lax"), "wrong-usage"),
    "also for something else": (lambda it: it.craft(REQUEST, signer="both"), "wrong-usage"),
    "certificate not named": (lambda it: it.craft(REQUEST, cades=False), "bad-signature"),
    "no certificates": (lambda it: without_certificates(it.reply(REQUEST)), "bad-signature"),
    "another name": (lambda it: it.craft(REQUEST, name=ANOTHER_NAME), "bad-signature"),
    "signature altered": (lambda it: flip(it.reply(REQUEST), -9), "bad-signature"),
    "rejected": (lambda it: it.reject(REQUEST), "rejected"),
    "rejected, with a stamp in it": (lambda it: it.craft(REQUEST, status=2), "rejected"),
    "made to wait": (lambda it: it.craft(REQUEST, status=3), "rejected"),
    "cut off": (lambda it: it.reply(REQUEST)[:-40], "not-a-stamp"),
    "a web page": (lambda _it: b"<!DOCTYPE html><title>Sign in</title>", "not-a-stamp"),
    "nothing": (lambda _it: b"", "not-a-stamp"),
    "far too large": (lambda _it: bytes(2 << 20), "not-a-stamp"),
}


@pytest.fixture
def authority() -> LocalAuthority:
    """Return the authority of this test run."""
    return local_authority()


def flip(data: bytes, place: int) -> bytes:
    """Change one bit of DATA."""
    changed = bytearray(data)
    changed[place] ^= 1
    return bytes(changed)


def judged(response: bytes, authority: LocalAuthority) -> Stamp | StampProblem:
    """Check RESPONSE against the authority's root."""
    return check_stamp(response, NOTE, [authority.pem()], nonce=NONCE)


def believed(response: bytes, authority: LocalAuthority) -> Stamp:
    """Check RESPONSE, which must be good."""
    stamp = judged(response, authority)
    assert isinstance(stamp, Stamp), stamp
    return stamp


@pytest.mark.parametrize("case", CASES)
def test_openssl_and_we_say_the_same(case: str, authority: LocalAuthority, tmp_path: Path) -> None:
    """As of the stamp's own time, against the request and against the bytes themselves."""
    make, code = CASES[case]
    response = make(authority)
    match judged(response, authority):
        case Stamp():
            assert code is None
        case StampProblem(code=found, words=words):
            assert found == code
            assert words
            assert not words.endswith(".")
    at = own_time(response)
    accepted = verdict_of_openssl(tmp_path, response, authority.pem(), at)
    assert accepted is (code is None)


def verdict_of_openssl(folder: Path, response: bytes, root: bytes, at: datetime) -> bool:
    """Ask openssl about RESPONSE to our request."""
    return openssl_accepts(folder, response, data=NOTE, request=REQUEST, root=root, at=at)


def own_time(response: bytes) -> datetime:
    """Return what RESPONSE says itself, or now where it says nothing that can be read."""
    try:
        token = read_response(response).token
    except der.DerError:
        token = None
    return token.time if token else datetime.now(UTC)


def test_a_stamp_tells_what_the_authority_said(authority: LocalAuthority) -> None:
    """Its time, number, policy, name and accuracy; half a second is no reason to refuse it."""
    before = datetime.now(UTC).replace(microsecond=0)
    stamp = believed(authority.reply(REQUEST), authority)
    assert before <= stamp.time <= datetime.now(UTC)
    assert stamp.policy == POLICY
    assert stamp.authority == "CN=Test rsa"
    assert stamp.accuracy == timedelta(seconds=1.5)
    assert (stamp.nonce, stamp.hash_algorithm, stamp.qualified) == (NONCE, "sha256", False)
    assert len(stamp.certificates) == 3
    assert "certificates" not in repr(stamp)


def test_a_stamp_is_checked_as_of_its_own_time(authority: LocalAuthority, tmp_path: Path) -> None:
    """Its certificate has expired since; openssl says so only when it is not told the time."""
    response = authority.craft(REQUEST, signer="expired", time=LONG_AGO)
    assert believed(response, authority).time == LONG_AGO
    today = datetime.now(UTC)
    assert not verdict_of_openssl(tmp_path, response, authority.pem(), today)


def test_a_later_check_needs_no_request(authority: LocalAuthority) -> None:
    """The nonce guards the moment of asking; the imprint is what lasts."""
    response = authority.reply(REQUEST)
    assert isinstance(check_stamp(response, NOTE, [authority.pem()]), Stamp)
    other = check_stamp(response, NOTE + b"x", [authority.pem()])
    assert isinstance(other, StampProblem)
    assert other.code == "wrong-imprint"


def test_a_root_among_several_is_enough(authority: LocalAuthority) -> None:
    """In one file or in two: an authority changes its root one day."""
    response = authority.reply(REQUEST)
    roots = [authority.pem("other"), authority.pem()]
    assert isinstance(check_stamp(response, NOTE, roots), Stamp)
    assert isinstance(check_stamp(response, NOTE, [b"".join(roots)]), Stamp)


@pytest.mark.parametrize("roots", [[], ["middle"], ["other"], ["rsa"]], ids=str)
def test_only_a_pinned_root_is_believed(roots: list[str], authority: LocalAuthority) -> None:
    """Not the certificates that came with the answer, though they hang together."""
    verdict = check_stamp(authority.reply(REQUEST), NOTE, list(map(authority.pem, roots)))
    assert isinstance(verdict, StampProblem)
    assert verdict.code == "untrusted"


def test_qualified_is_what_the_token_itself_states(authority: LocalAuthority) -> None:
    """esi4-qtstStatement-1 of ETSI EN 319 422, inside what is signed."""
    assert believed(authority.craft(REQUEST, qualified=True), authority).qualified
    assert not believed(authority.craft(REQUEST), authority).qualified


def test_a_rejection_is_told_in_the_words_of_the_authority(authority: LocalAuthority) -> None:
    """And by the name of its reason."""
    verdict = judged(authority.reject(REQUEST), authority)
    assert isinstance(verdict, StampProblem)
    assert "Come back tomorrow; badRequest" in verdict.words


def test_the_request_is_what_openssl_reads_too() -> None:
    """SHA-256, the nonce, and the certificates asked for."""
    path = local_authority().folder / "read.tsq"
    path.write_bytes(REQUEST)
    text = openssl("ts", "-query", "-in", path, "-text").decode()
    assert "Hash Algorithm: sha256" in text
    assert f"Nonce: 0x{NONCE:X}" in text
    assert "Certificate required: yes" in text
    assert nonce_of(REQUEST) == NONCE


def test_the_library_reads_the_request_as_well() -> None:
    """A second reader, and a nonce whose first bit is set stays positive."""
    from rfc3161_client._rust import parse_timestamp_request

    for nonce in (1, 0x80, (1 << 128) - 1):
        read = parse_timestamp_request(make_request(bytes(32), nonce))
        assert (read.nonce, read.cert_req) == (nonce, True)


@given(place=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
@settings(max_examples=300, deadline=None)
def test_no_changed_bit_is_believed_to_be_another_time(place: int, bit: int) -> None:
    """A changed answer is refused, or says exactly what it said: nothing raises."""
    response = _one_answer()
    changed = bytearray(response)
    changed[place % len(response)] ^= 1 << bit
    verdict = judged(bytes(changed), local_authority())
    if isinstance(verdict, Stamp):
        first = believed(response, local_authority())
        assert replace(verdict, certificates=()) == replace(first, certificates=())


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_no_bytes_make_the_reader_stumble(data: bytes) -> None:
    """Whatever a server answers, it is a value that comes back."""
    verdict = check_stamp(data, NOTE, [])
    assert isinstance(verdict, StampProblem)
    assert nonce_of(data) is None or data[:1] == b"0"


_ANSWERS: list[bytes] = []


def _one_answer() -> bytes:
    if not _ANSWERS:
        _ANSWERS.append(local_authority().reply(REQUEST, "ec"))
    return _ANSWERS[0]


@given(st.integers(min_value=0, max_value=1 << 200))
def test_a_number_is_read_as_it_was_written(number: int) -> None:
    """However large: serial numbers have up to 160 bits."""
    assert der.parse(der.integer(number)).integer() == number


@pytest.mark.parametrize(
    "dotted", ["1.2.840.113549.1.7.2", "0.4.0.19422.1.1", "2.999.1", "2.5.29.37"]
)
def test_an_object_identifier_is_read_as_it_was_written(dotted: str) -> None:
    """The first two arcs share a byte or more."""
    assert der.parse(der.oid(dotted)).oid() == dotted


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (b"\x30", "it ends too early"),
        (b"\x30\x05\x00", "it ends too early"),
        (b"\x30\x80\x00\x00", "a length that DER does not have here"),
        (b"\x30\x85\x00\x00\x00\x00\x01\x00", "a length that DER does not have here"),
        (b"\x1f\x81\x00", "a tag of more than one byte"),
        (b"\x05\x00\x05\x00", "something is left over"),
    ],
)
def test_what_is_no_der_is_refused(data: bytes, reason: str) -> None:
    """With the reason, for those who look into it."""
    with pytest.raises(der.DerError, match=reason):
        der.parse(data)


def test_the_chain_for_openssl_ends_in_the_pinned_root(
    authority: LocalAuthority, tmp_path: Path
) -> None:
    """One file is all that the documented command needs; no certificate stands twice."""
    response = authority.reply(REQUEST)
    stamp = believed(response, authority)
    chain = chain_pem(stamp.certificates, [authority.pem()])
    assert chain.count(b"BEGIN CERTIFICATE") == 3
    assert verdict_of_openssl(tmp_path, response, chain, stamp.time)


def test_a_fingerprint_is_written_as_openssl_writes_it(authority: LocalAuthority) -> None:
    """So that a person can compare it with what an authority publishes."""
    (root,) = read_roots(authority.pem())
    said = openssl(
        "x509", "-in", authority.folder / "root.pem", "-noout", "-fingerprint", "-sha256"
    )
    assert said.decode().strip().rpartition("=")[2] == root.fingerprint
    assert root.anchor
    assert not read_roots(authority.pem("middle"))[0].anchor


# --- in an archive ------------------------------------------------------------------------------


def anchored(root: Path, authority: LocalAuthority, *signers: str) -> Evidence:
    """Make an archive with one checkpoint, stamped once for each of SIGNERS."""
    evidence = create(root)
    folder = root / "journal" / "checkpoints"
    folder.mkdir()
    (root / "journal" / "stamps").mkdir()
    for signer in signers:
        size = evidence.size
        note = f"checkpoint {size}\n".encode()
        (folder / f"{size}.note").write_bytes(note)
        request = make_request(hashlib.sha256(note).digest(), size)
        response = authority.reply(request, signer)
        stamp = check_stamp(response, note, [authority.pem()])
        assert isinstance(stamp, Stamp)
        stamp_path(evidence, size, "local", ".tsq").write_bytes(request)
        stamp_path(evidence, size, "local", ".tsr").write_bytes(response)
        stamp_path(evidence, size, "local", ".pem").write_bytes(
            chain_pem(stamp.certificates, [authority.pem()])
        )
        evidence.append(
            [
                Anchor(
                    size=size,
                    checkpoint=Digest.of(note),
                    authority="local",
                    response=Digest.of(response),
                    time=stamp.time,
                )
            ]
        )
    return evidence


def local(authority: LocalAuthority, root: str = "root") -> tuple[Authority, ...]:
    """Return the settings that pin ROOT."""
    return (Authority(name="local", url="http://tsa.example/", root=authority.pem(root).decode()),)


def test_stamps_of_a_new_key_and_of_the_old_one_are_good(
    authority: LocalAuthority, tmp_path: Path
) -> None:
    """An authority went from RSA to an elliptic curve under the same root."""
    with anchored(tmp_path, authority, "rsa", "ec") as evidence:
        assert check_stamps(evidence, local(authority)) == ()
        assert [anchor.size for _position, anchor in anchors(evidence)] == [1, 2]


@pytest.mark.parametrize(
    ("file", "change", "code"),
    [
        ("stamps/1-local.tsr", None, "stamp-missing"),
        ("stamps/1-local.tsr", b"x", "stamp-altered"),
        ("checkpoints/1.note", None, "stamp-missing"),
        ("checkpoints/1.note", b"x", "stamp-altered"),
    ],
)
def test_a_missing_or_altered_file_is_found(
    file: str, change: bytes | None, code: str, authority: LocalAuthority, tmp_path: Path
) -> None:
    """Each by its name, as an error."""
    with anchored(tmp_path, authority, "ec") as evidence:
        path = tmp_path / "journal" / file
        data = path.read_bytes()
        path.unlink()
        if change is not None:
            path.write_bytes(data + change)
        (finding,) = check_stamps(evidence, local(authority))
    assert (finding.code, finding.level, finding.subject) == (code, "error", f"journal/{file}")
    assert "from a backup" in finding.advice


def test_a_stamp_whose_root_nobody_pinned_is_checked_with_the_one_beside_it(
    authority: LocalAuthority, tmp_path: Path
) -> None:
    """And told: what lies beside the stamp is worth as much as the stamp's keeper."""
    with anchored(tmp_path, authority, "ec") as evidence:
        (finding,) = check_stamps(evidence, local(authority, "other"))
        assert (finding.code, finding.level) == ("stamp-unknown-root", "warning")
        assert "never named" in finding.message
        stamp_path(evidence, 1, "local", ".pem").unlink()
        (finding,) = check_stamps(evidence, ())
        assert (finding.code, finding.level) == ("stamp-unknown-root", "error")
        assert "authority add local" in finding.advice


def test_a_root_that_the_settings_once_named_is_good_for_ever(
    authority: LocalAuthority, tmp_path: Path
) -> None:
    """The journal holds every version of archive.toml: removing an authority loses nothing."""
    text = 'time_zone = "UTC"\nlanguage = "en"\n'
    table = (
        f'[authority.local]\nurl = "http://tsa.example/"\nroot = """{authority.pem().decode()}"""\n'
    )
    with anchored(tmp_path, authority, "ec") as evidence:
        evidence.keep_config("archive.toml", (text + table).encode(), actor="person:test")
        evidence.keep_config("archive.toml", text.encode(), actor="person:test")
        stamp_path(evidence, 1, "local", ".pem").unlink()
        assert check_stamps(evidence, ()) == ()


def test_an_entry_that_says_more_than_its_stamp_is_found(
    authority: LocalAuthority, tmp_path: Path
) -> None:
    """Another time, or qualified though the stamp is not."""
    with anchored(tmp_path, authority, "ec") as evidence:
        ((_position, anchor),) = anchors(evidence)
        evidence.append([replace(anchor, time=LONG_AGO)])
        evidence.append([replace(anchor, qualified=True)])
        findings = check_stamps(evidence, local(authority))
    assert [finding.code for finding in findings] == ["stamp-invalid", "stamp-invalid"]
    assert "another time than the journal" in findings[0].message
    assert "does not state to be qualified" in findings[1].message


def test_a_stamp_put_in_the_place_of_another_is_found(
    authority: LocalAuthority, tmp_path: Path
) -> None:
    """Even by somebody who can write the journal: its imprint is of another checkpoint."""
    with anchored(tmp_path, authority, "rsa", "ec") as evidence:
        (_first, one), (_second, two) = anchors(evidence)
        response = stamp_path(evidence, two.size, "local", ".tsr").read_bytes()
        stamp_path(evidence, 1, "local", ".tsr").write_bytes(response)
        stamp_path(evidence, 1, "local", ".tsq").unlink()
        evidence.append([replace(one, response=two.response, time=two.time)])
        findings = check_stamps(evidence, local(authority))
    assert {finding.code for finding in findings} == {"stamp-altered", "stamp-invalid"}
    assert any("the imprint differs" in finding.message for finding in findings)


def test_what_a_response_says_is_read_without_believing_it(authority: LocalAuthority) -> None:
    """The reader is separate from the judge."""
    token = read_response(authority.craft(REQUEST, signer="foreign")).token
    assert token is not None
    assert token.serial == 7
