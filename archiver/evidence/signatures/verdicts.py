"""DKIM signatures: what each states, and what comes of it once its key is known (RFC 6376)."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from archiver.evidence.origin.resolver import Answer, NoAnswer, Reply
from archiver.evidence.signatures import dkim
from archiver.evidence.signatures.dkim import Key, MalformedError, Tags, Unusable
from archiver.evidence.signatures.fields import aligned, clean, dns_name
from archiver.evidence.signatures.message import (
    BodyHashes,
    Canonical,
    Field,
    Message,
    canonical_fields,
)
from archiver.model.digest import Position
from archiver.model.origin import Signature, SignatureResult

MAX_SIGNATURES: Final = 8
"""Signatures of one message that are looked at, topmost first: each asks DNS."""
_MAX_NAMES: Final = 300
_MAX_DIGITS: Final = 18  # what an entry can hold
_MANDATORY: Final = ("v", "a", "b", "bh", "d", "h", "s")
_HASHES: Final = {
    b"rsa-sha1": ("rsa", "sha1"),
    b"rsa-sha256": ("rsa", "sha256"),
    b"ed25519-sha256": ("ed25519", "sha256"),
}
_SEPARATOR = re.compile(rb"\s*:\s*")
_SHOWN: Final = (
    "from",
    "sender",
    "reply-to",
    "to",
    "cc",
    "subject",
    "date",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
)
"""Fields that people are shown, and those that decide how the body reads."""


@dataclass(frozen=True, slots=True)
class Signed:
    """The part of a signature that its key decides about; the message is not needed any more."""

    name: str
    """What DNS is asked: ``selector._domainkey.domain``."""
    kind: str
    hash: str
    digest: bytes
    """Of the header."""
    value: bytes
    """``b=``, decoded."""
    body_holds: bool
    identity_differs: bool
    """``i=`` names another domain than ``d=``: a key with ``t=s`` forbids it."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a key says of a signature."""

    result: SignatureResult
    header_result: SignatureResult
    reason: str = ""
    bits: int | None = None
    testing: bool = False


@dataclass(frozen=True, slots=True)
class Stated:
    """One DKIM-Signature before its key is known; SIGNED is None for one that is malformed."""

    signature: Signature
    signed: Signed | None


class Canon:
    """A message's header and body in their canonical forms, each made once for all signatures."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self.bodies = BodyHashes(message.body)
        self._fields: dict[Canonical, list[Field]] = {}

    def fields(self, form: Canonical) -> list[Field]:
        """Return all header fields in FORM."""
        if form not in self._fields:
            self._fields[form] = canonical_fields(self.message.fields, form)
        return self._fields[form]


def read_signatures(canon: Canon, from_domain: str) -> tuple[Stated, ...]:
    """Return what the topmost DKIM-Signature fields state; never raises."""
    found = canon.message.named(b"dkim-signature")[:MAX_SIGNATURES]
    return tuple(_state(canon, field, from_domain) for field in found)


def _state(canon: Canon, field: Field, from_domain: str) -> Stated:
    try:
        tags = dkim.read_tags(field[1])
    except MalformedError as error:
        return Stated(_describe({}, from_domain, result="malformed", reason=str(error)), None)
    try:
        _check(canon.message, tags)
        signed, appended = sign_part(canon, field, tags, default=b"simple/simple")
    except MalformedError as error:
        stated = _describe(tags, from_domain, result="malformed", reason=str(error))
        return Stated(stated, None)
    stated = _describe(tags, from_domain, result="not-asked")
    unsigned = unsigned_fields(canon.message, tags)
    return Stated(replace(stated, appended=appended, unsigned=unsigned), signed)


def sign_part(canon: Canon, field: Field, tags: Tags, *, default: bytes) -> tuple[Signed, int]:
    """Compute what a message signature (DKIM's, or ARC's) covers; also octets beyond ``l=``.

    DEFAULT is what a missing ``c=`` means. Raises MalformedError.
    """
    kind, hash_ = _HASHES[tags["a"]]
    header_form, body_form = dkim.forms_of(tags.get("c", default))
    length = int(tags["l"]) if tags.get("l", b"").isdigit() else None
    body_hash, appended = canon.bodies.of(body_form, hash_, length)
    own = dkim.without_value(canonical_fields([field], header_form)[0])
    covered = dkim.signed_fields(canon.fields(header_form), names_of(tags))
    signed = Signed(
        name=dns_name(tags["s"], tags["d"]),
        kind=kind,
        hash=hash_,
        digest=dkim.header_hash(hash_, [*covered, own]),
        value=dkim.decoded(tags["b"]),
        body_holds=dkim.decoded(tags["bh"]) == body_hash,
        identity_differs=not _same_domain(tags),
    )
    if not signed.name:
        raise MalformedError("name")
    return signed, appended


def names_of(tags: Tags) -> list[bytes]:
    """Return the header fields in ``h=``, lower case; raises MalformedError when they are many."""
    names = [name.lower() for name in _SEPARATOR.split(tags["h"].strip())]
    if len(names) > _MAX_NAMES:
        raise MalformedError("too-long")
    return names


def unsigned_fields(message: Message, tags: Tags) -> tuple[str, ...]:
    """Return the fields of _SHOWN that occur in MESSAGE more often than ``h=`` names them.

    A signature covers the lowest ones, and programs show the topmost (RFC 6376, section 8.15).
    Raises MalformedError when ``h=`` names too many.
    """
    there = Counter(name.lower() for name, _value in message.fields)
    signed = Counter(names_of(tags))
    return tuple(name for name in _SHOWN if there[name.encode()] > signed[name.encode()])


def judge(signed: Signed, reply: Reply) -> Judgement:
    """Verify a signature with what DNS says; never raises."""
    match reply:
        case NoAnswer():
            return Judgement("not-asked", "not-asked")
        case Answer(texts=texts) if texts:
            key = _choose(texts)
        case _:
            return Judgement("no-key", "no-key")
    match key:
        case Unusable(reason=reason, bits=bits):
            return Judgement("unusable-key", "unusable-key", reason, bits)
        case Key():
            return _judge(signed, key)


def _judge(signed: Signed, key: Key) -> Judgement:
    reason = ""
    if key.kind != signed.kind:
        reason = "kind"
    elif key.hashes and signed.hash not in key.hashes:
        reason = "hash"
    elif key.strict and signed.identity_differs:
        reason = "identity"
    if reason:
        return Judgement("unusable-key", "unusable-key", reason, key.bits, key.testing)
    header: SignatureResult = "bad-signature"
    if dkim.holds(key, signed.hash, signed.digest, signed.value):
        header = "pass"
    whole: SignatureResult = header
    if header == "pass" and not signed.body_holds:
        whole = "body-differs"
    return Judgement(whole, header, "", key.bits, key.testing)


def _choose(texts: Sequence[bytes]) -> Key | Unusable:
    """Take the first usable key of several, in an order that DNS cannot change."""
    keys = [dkim.read_key(text) for text in sorted(texts)]
    return next((key for key in keys if isinstance(key, Key)), keys[0])


def conclude(stated: Stated, judgement: Judgement | None, key: Position | None) -> Signature:
    """Return the signature with what its KEY says of it."""
    if judgement is None:
        return stated.signature
    return replace(
        stated.signature,
        result=judgement.result,
        header_result=judgement.header_result,
        reason=judgement.reason,
        key_bits=judgement.bits,
        testing=judgement.testing,
        key=key,
    )


def _describe(
    tags: Tags, from_domain: str, *, result: SignatureResult, reason: str = ""
) -> Signature:
    """Write down what the field says of itself, whether or not it makes sense."""
    domain = clean(tags.get("d", b"")).lower()
    names = _SEPARATOR.split(tags.get("h", b""))[:_MAX_NAMES]
    return Signature(
        domain=domain,
        selector=clean(tags.get("s", b"")).lower(),
        algorithm=clean(tags.get("a", b"")),
        canonicalization=clean(tags.get("c", b"")),
        headers=tuple(clean(name).lower() for name in names if name.strip()),
        length=_number(tags, "l"),
        time=_number(tags, "t"),
        expiry=_number(tags, "x"),
        identity=clean(tags["i"]) if "i" in tags else None,
        key_bits=None,
        testing=False,
        result=result,
        header_result=result,
        aligned=aligned(domain, from_domain),
        key=None,
        reason=reason,
    )


def _number(tags: Mapping[str, bytes], name: str) -> int | None:
    value = tags.get(name, b"")
    return int(value) if value.isdigit() and len(value) <= _MAX_DIGITS else None


def _check(message: Message, tags: Tags) -> None:
    """Refuse what is no signature, whatever the key; raises MalformedError.

    Of ``t=`` and ``x=`` only the form counts here: the clock of today is nobody's business.
    """
    if not message.sound:
        raise MalformedError("header")
    dkim.check_tags(tags, _MANDATORY, arc=False)
    if b"from" not in names_of(tags):
        raise MalformedError("from-not-signed")  # RFC 6376, section 5.4.1
    for name in ("t", "x", "l"):
        if name in tags and _number(tags, name) is None:
            raise MalformedError("number")
    signed, expiry = _number(tags, "t"), _number(tags, "x")
    if signed is not None and expiry is not None and expiry <= signed:
        raise MalformedError("expiry")


def _same_domain(tags: Tags) -> bool:
    identity = tags.get("i")
    return identity is None or identity.rpartition(b"@")[2].lower() == tags["d"].lower()
