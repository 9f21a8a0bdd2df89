"""The only module that speaks to rfc3161-client, and to cryptography's X.509 with it.

The library is given what ``token`` read, through its own interface, instead of the raw answer: its
reader refuses genuine answers whose certificates are not sorted, or whose accuracy is above 255 ms.
What it signs off (signature over exactly the token's bytes, chain to the root, usage) stays its
own; what it leaves out and ``openssl ts -verify`` checks is added here, so that both agree.
"""

import contextlib
import hashlib
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from gettext import gettext as _

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from rfc3161_client import TimeStampResponse, VerificationError, VerifierBuilder
from rfc3161_client.tsp import PKIStatus

from archiver.evidence.stamps.der import SEQUENCE, SET, DerError, Node, parse
from archiver.evidence.stamps.request import SHA256
from archiver.evidence.stamps.stamp import StampProblem
from archiver.evidence.stamps.token import SHA1, Token

_HASHES = {
    SHA1: "sha1",
    SHA256: "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
_DIRECTORY_NAME = 0xA4  # [4] of GeneralName
# What reading a certificate raises.
_UNREADABLE = (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
# What OpenSSL, which the library calls, says; only to find words for people.
_EXPIRED = ("has expired", "not yet valid")
_UNTRUSTED = ("unable to get", "self-signed certificate", "self signed", "unable to verify")


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A certificate as a person compares it with what its authority publishes."""

    subject: str
    fingerprint: str
    """SHA-256 of its DER, as openssl writes it: pairs of capitals between colons."""
    until: datetime
    pem: str
    anchor: bool
    """Whether it is self-signed: a chain may end there."""


@dataclass(frozen=True, slots=True)
class _SignerInfo:
    issuer: x509.Name
    serial_number: int
    version: int = 1

    def __hash__(self) -> int:
        return hash(self.serial_number)


@dataclass(frozen=True, slots=True)
class _SignedData:
    certificates: frozenset[bytes]
    signer: _SignerInfo

    @property
    def signer_infos(self) -> set[_SignerInfo]:
        """Give a fresh set: the library takes its element out of it."""
        return {self.signer}


@dataclass(frozen=True, slots=True)
class _Imprint:
    message: bytes


@dataclass(frozen=True, slots=True)
class _Info:
    gen_time: datetime
    message_imprint: _Imprint


class _Granted(TimeStampResponse):
    """An answer that was granted, as the library wants to be given it."""

    def __init__(self, token: Token, signer: x509.Certificate) -> None:
        self._token = token
        self._signer = signer

    @property
    def status(self) -> int:
        """Say granted: grantedWithMods is as good (RFC 3161), and the library takes it amiss."""
        return PKIStatus.GRANTED

    @property
    def status_string(self) -> list[str]:
        return []

    @property
    def tst_info(self) -> _Info:  # type: ignore[override]  # what the verifier reads of it
        return _Info(self._token.time, _Imprint(self._token.imprint))

    @property
    def signed_data(self) -> _SignedData:  # type: ignore[override]  # as above
        """Give the signer's certificate alone: a damaged one beside it is no reason to refuse."""
        signer = _SignerInfo(self._signer.issuer, self._signer.serial_number)
        return _SignedData(frozenset((self._signer.public_bytes(Encoding.DER),)), signer)

    def time_stamp_token(self) -> bytes:
        return self._token.der

    def as_bytes(self) -> bytes:
        return self._token.der


def judge(token: Token, roots: Sequence[bytes]) -> str | StampProblem:
    """Return the name of who signed TOKEN, or why it is not believed.

    The certificates must have been valid at the token's own time, and lead to one of ROOTS (PEM,
    one or more certificates each).
    """
    try:
        signer = _signer_of(token)
        if signer is None:
            return StampProblem(
                "bad-signature", _("the certificate that signed it did not come with it")
            )
        if problem := _usage_problem(signer) or _name_problem(token, signer):
            return problem
        anchors = [root for pem in roots for root in _load(pem)]
        if not any(map(_is_self_signed, anchors)):
            return StampProblem("untrusted", _("no root certificate is pinned for it"))
        verifier = VerifierBuilder(roots=anchors).build()
        with _quietly():
            verifier.verify(_Granted(token, signer), token.imprint)
    except VerificationError as error:
        return _problem(str(error))
    except _UNREADABLE as error:
        return StampProblem(
            "bad-signature", _("its certificates cannot be read: {reason}").format(reason=error)
        )
    return signer.subject.rfc4514_string()


def read_roots(pem: bytes) -> tuple[Root, ...]:
    """Return the certificates in PEM (or one in DER), in their order; raises ValueError."""
    return tuple(
        Root(
            subject=certificate.subject.rfc4514_string(),
            fingerprint=hashlib.sha256(certificate.public_bytes(Encoding.DER))
            .digest()
            .hex(":")
            .upper(),
            until=certificate.not_valid_after_utc,
            pem=certificate.public_bytes(Encoding.PEM).decode(),
            anchor=_is_self_signed(certificate),
        )
        for certificate in _load(pem)
    )


def is_authority(pem: str) -> bool:
    """Tell whether the one certificate in PEM may sign others (or says nothing against it)."""
    try:
        certificate = _load(pem.encode())[0]
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return True
    except _UNREADABLE:
        return False


def chain_pem(certificates: Sequence[bytes], roots: Sequence[bytes]) -> bytes:
    """Write CERTIFICATES (DER), then those in ROOTS (PEM), for openssl; each of them once.

    One that cannot be read is left out: with it openssl would refuse the whole file.
    """
    loaded: list[x509.Certificate] = []
    for data in (*certificates, *roots):
        with contextlib.suppress(ValueError):
            loaded += _load(data)
    return b"".join(dict.fromkeys(each.public_bytes(Encoding.PEM) for each in loaded))


def _load(pem: bytes) -> list[x509.Certificate]:
    """Read certificates in PEM, or one in DER; raises ValueError."""
    try:
        with _quietly():
            if b"-----BEGIN" in pem:
                return x509.load_pem_x509_certificates(pem)
            return [x509.load_der_x509_certificate(pem)]
    except x509.InvalidVersion as error:
        raise ValueError(str(error)) from error


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Keep warnings of serial numbers and the like from a person: authorities have such."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _is_self_signed(certificate: x509.Certificate) -> bool:
    return certificate.issuer == certificate.subject


def _signer_of(token: Token) -> x509.Certificate | None:
    """Return the certificate that the signed attributes name by its hash (RFC 3161, 2.4.1)."""
    algorithm = _HASHES.get(token.signer.ess_algorithm or "")
    if algorithm is None:
        return None
    for der in token.certificates:
        if hashlib.new(algorithm, der, usedforsecurity=False).digest() != token.signer.ess_hash:
            continue
        certificate = _load(der)[0]
        issuer = _canonical(parse(certificate.issuer.public_bytes()))
        same_issuer = issuer == _canonical(parse(token.signer.issuer))
        if same_issuer and certificate.serial_number == token.signer.serial:
            return certificate
    return None


def _usage_problem(certificate: x509.Certificate) -> StampProblem | None:
    """Say why CERTIFICATE may not sign time-stamps (RFC 3161, section 2.3)."""
    extensions = certificate.extensions
    try:
        usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        usage = None
    only = [ExtendedKeyUsageOID.TIME_STAMPING]
    if usage is None or not usage.critical or list(usage.value) != only:
        return StampProblem(
            "wrong-usage", _("the certificate that signed it is not one for time-stamps alone")
        )
    return None


def _name_problem(token: Token, signer: x509.Certificate) -> StampProblem | None:
    """Say that the token gives itself another name than its certificate has."""
    if token.name is None:
        return None
    if token.name.tag == _DIRECTORY_NAME:
        named = _canonical(parse(token.name.value))
        if named == _canonical(parse(signer.subject.public_bytes())):
            return None
    try:
        others = signer.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        if any(each == token.name for each in parse(others.value.public_bytes()).children()):
            return None
    except x509.ExtensionNotFound:
        pass
    return StampProblem(
        "bad-signature", _("it gives itself another name than the certificate that signed it")
    )


def _canonical(name: Node) -> list[set[tuple[str, str]]]:
    """Write a distinguished name so that equal ones compare equal (RFC 5280, section 7.1)."""
    found = []
    for part in name.expect(SEQUENCE).children():
        pairs = [pair.expect(SEQUENCE).children() for pair in part.expect(SET).children()]
        if any(len(pair) != 2 for pair in pairs):  # noqa: PLR2004  a type and a value
            raise DerError("a name that is none")
        found.append({(kind.oid(), _folded(value.value)) for kind, value in pairs})
    return found


def _folded(value: bytes) -> str:
    return " ".join(value.decode("utf-8", "surrogateescape").lower().split())


def _problem(reason: str) -> StampProblem:
    """Put what the library says into words."""
    if any(mark in reason for mark in _EXPIRED):
        return StampProblem(
            "expired", _("a certificate of its signer was not valid at the time that it states")
        )
    if any(mark in reason for mark in _UNTRUSTED):
        return StampProblem("untrusted", _("its certificates do not lead to the pinned root"))
    if "purpose" in reason:
        return StampProblem(
            "wrong-usage", _("a certificate of its signer is not meant for time-stamps")
        )
    return StampProblem("bad-signature", _("its signature is not valid"))
