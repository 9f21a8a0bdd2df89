"""What a time-stamp authority's answer says (RFC 3161, section 2.4.2; RFC 5652 for the envelope).

Only read here, not believed: ``rfc3161`` judges the signature and the certificates.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from archiver.evidence.stamps.der import (
    BIT_STRING,
    INTEGER,
    OCTET_STRING,
    OID,
    SEQUENCE,
    SET,
    UTF8_STRING,
    DerError,
    Node,
    first,
    parse,
)
from archiver.evidence.stamps.request import SHA256

SIGNED_DATA = "1.2.840.113549.1.7.2"
TST_INFO = "1.2.840.113549.1.9.16.1.4"
QC_STATEMENTS = "1.3.6.1.5.5.7.1.3"
QUALIFIED = "0.4.0.19422.1.1"  # esi4-qtstStatement-1, ETSI EN 319 422, section 9
SHA1 = "1.3.14.3.2.26"

_SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12"  # RFC 2634, section 5.4
_SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"  # RFC 5035, section 3
_TAGGED = 0xA0  # [0], constructed; [1] is the next, and so on
_REASONS = {  # PKIFailureInfo
    0: "badAlg",
    2: "badRequest",
    5: "badDataFormat",
    14: "timeNotAvailable",
    15: "unacceptedPolicy",
    16: "unacceptedExtension",
    17: "addInfoNotAvailable",
    25: "systemFailure",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerName:
    """How a token names the certificate that signed it."""

    issuer: bytes
    """DER of the issuer's name."""
    serial: int
    ess_algorithm: str | None
    """Hash of the signed attribute that names the certificate, dotted; None: there is none."""
    ess_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A TimeStampToken, read."""

    der: bytes
    """The whole ContentInfo, as the authority sent it."""
    certificates: tuple[bytes, ...]
    signer: SignerName
    policy: str
    hash_algorithm: str
    imprint: bytes
    serial: int
    time: datetime
    accuracy: timedelta | None
    nonce: int | None
    name: Node | None
    """The authority's own name, a GeneralName."""
    qualified: bool
    """Whether the token states that it is an EU qualified one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A TimeStampResp, read."""

    status: int
    words: str
    """What the authority says besides, for people; as it came."""
    token: Token | None


def read_response(data: bytes) -> Response:
    """Read DATA as a TimeStampResp; raises DerError when it is anything else.

    What a server puts after it, a line end for example, is as little minded as by openssl.
    """
    status, *rest = _sequence(first(data), least=1)
    number, *said = _sequence(status, least=1)
    return Response(
        status=number.integer(),
        words="; ".join(_said(said)),
        token=_token(rest[0]) if rest else None,
    )


def _said(fields: list[Node]) -> list[str]:
    words: list[str] = []
    for field in fields:
        if field.tag == SEQUENCE:
            texts = (text for text in field.children() if text.tag == UTF8_STRING)
            words += [text.value.decode(errors="replace") for text in texts]
        elif field.tag == BIT_STRING:
            bits = int.from_bytes(field.value[1:], "big")
            size = 8 * len(field.value[1:])
            words += [
                name
                for bit, name in _REASONS.items()
                if bit < size and bits >> (size - 1 - bit) & 1
            ]
    return words


def _token(node: Node) -> Token:
    signed = _content(node, SIGNED_DATA)
    fields = _sequence(signed, least=4)
    info = parse(_content(fields[2], TST_INFO).expect(OCTET_STRING).value)
    certificates = next((field for field in fields[3:] if field.tag == _TAGGED), None)
    signers = fields[-1].expect(SET).children()
    if len(signers) != 1:
        raise DerError(f"one signer expected, {len(signers)} found")
    return _with_info(
        node.whole,
        _sequence(info, least=5),
        certificates=_certificates(certificates),
        signer=_signer(signers[0]),
    )


def _certificates(field: Node | None) -> tuple[bytes, ...]:
    """Return the X.509 certificates among what RFC 5652 allows there."""
    return tuple(each.whole for each in field.children() if each.tag == SEQUENCE) if field else ()


def _with_info(
    whole: bytes, info: list[Node], *, certificates: tuple[bytes, ...], signer: SignerName
) -> Token:
    """Put together a token from the fields of its TSTInfo."""
    version, policy, imprint, serial, time, *optional = info
    if version.integer() != 1:
        raise DerError("a TSTInfo of an unknown version")
    algorithm, hashed = _sequence(imprint, least=2)[:2]
    by_tag = {field.tag: field for field in optional}
    nonce, name, extensions = (by_tag.get(tag) for tag in (INTEGER, _TAGGED, _TAGGED + 1))
    return Token(
        der=whole,
        certificates=certificates,
        signer=signer,
        policy=policy.oid(),
        hash_algorithm=_sequence(algorithm, least=1)[0].oid(),
        imprint=hashed.expect(OCTET_STRING).value,
        serial=serial.integer(),
        time=time.time(),
        accuracy=_accuracy(by_tag[SEQUENCE]) if SEQUENCE in by_tag else None,
        nonce=nonce.integer() if nonce else None,
        name=parse(name.value) if name else None,
        qualified=_states_qualified(extensions.children()) if extensions else False,
    )


def _accuracy(node: Node) -> timedelta:
    """Read seconds INTEGER, millis [0], micros [1], each of them optional."""
    units = {INTEGER: "seconds", 0x80: "milliseconds", 0x81: "microseconds"}
    try:
        return timedelta(
            **{
                units[field.tag]: int.from_bytes(field.value, "big")
                for field in node.children()
                if field.tag in units
            }
        )
    except OverflowError as error:
        raise DerError("an accuracy beyond reason") from error


def _states_qualified(extensions: tuple[Node, ...]) -> bool:
    for extension in extensions:
        name, *_critical, value = _sequence(extension, least=2)
        if name.oid() == QC_STATEMENTS:
            statements = _sequence(parse(value.expect(OCTET_STRING).value), least=0)
            return any(
                _sequence(statement, least=1)[0].oid() == QUALIFIED for statement in statements
            )
    return False


def _signer(node: Node) -> SignerName:
    _version, identifier, _digest, *rest = _sequence(node, least=5)
    issuer, serial = _sequence(identifier, least=2)[:2]
    attributes = rest[0].children() if rest[0].tag == _TAGGED else ()
    algorithm, hashed = _signing_certificate(attributes)
    return SignerName(
        issuer=issuer.whole, serial=serial.integer(), ess_algorithm=algorithm, ess_hash=hashed
    )


def _signing_certificate(attributes: tuple[Node, ...]) -> tuple[str | None, bytes]:
    """Return the hash by which a signed attribute names the signer's certificate: the first ID.

    The second version, where it stands, is the one that counts: it has the better hash.
    """
    found = {}
    for attribute in attributes:
        name, values = _sequence(attribute, least=2)[:2]
        found[name.oid()] = values
    for name_, algorithm in ((_SIGNING_CERTIFICATE_V2, SHA256), (_SIGNING_CERTIFICATE, SHA1)):
        for value in found[name_].expect(SET).children() if name_ in found else ():
            identifiers = _sequence(_sequence(value, least=1)[0], least=1)
            fields = _sequence(identifiers[0], least=1)
            if fields[0].tag == SEQUENCE and len(fields) > 1:  # not the usual algorithm
                algorithm = _sequence(fields.pop(0), least=1)[0].oid()  # noqa: PLW2901
            return algorithm, fields[0].expect(OCTET_STRING).value
    return None, b""


def _content(node: Node, kind: str) -> Node:
    """Return what a ContentInfo (type, [0] content) holds, which must be of KIND."""
    name, content = _sequence(node, least=2)[:2]
    if name.expect(OID).oid() != kind:
        raise DerError(f"content of the type {name.oid()}")
    return parse(content.expect(_TAGGED).value)


def _sequence(node: Node, *, least: int) -> list[Node]:
    children = node.expect(SEQUENCE).children()
    if len(children) < least:
        raise DerError(f"{len(children)} elements where at least {least} belong")
    return list(children)
