"""The one module that speaks to dkimpy: tags, keys, and what a signature is computed over.

dkimpy's own ``verify`` answers yes or no, compares expiry with the clock of today, and stops at the
body. Here its parts are put together so that the answers stay apart; what a hostile field or key
makes it raise ends here.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, cast

import dkim
import dkim.crypto
import dkim.util

from archiver.evidence.checkpoints.keys import NoteError, VerifierKey
from archiver.evidence.signatures.message import Canonical, Field

Tags = Mapping[str, bytes]
Kind = Literal["rsa", "ed25519"]

SMALLEST_KEY: Final = 1024
"""Bits of an RSA key that a verifier must not go below (RFC 8301, section 3.2)."""
_LARGEST_KEY: Final = 8192  # RFC 8301 asks for 4096
_LARGEST_EXPONENT: Final = 2**64  # OpenSSL's limit; a huge one would take minutes
_MAX_FIELD: Final = 8 * 1024
_MAX_TEXT: Final = 8 * 1024
_MAX_SPACE = re.compile(rb"\s{257}")
_FORMS: Final[tuple[Canonical, ...]] = ("simple", "relaxed")
_RAISED: Final = (
    dkim.DKIMException,
    dkim.util.InvalidTagValueList,
    dkim.crypto.UnparsableKeyError,
    binascii.Error,
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    AttributeError,
    UnboundLocalError,
    RecursionError,
)
"""What dkimpy 1.1.8 raises, or lets Python raise, on fields and keys that are not what they say."""


class MalformedError(ValueError):
    """A field that is no signature; the text is the word that ``Signature.reason`` gets."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key as DNS publishes it (RFC 6376, section 3.6.1)."""

    kind: Kind
    bits: int
    public: tuple[int, int] | bytes
    """Modulus and exponent, or the 32 bytes of an Ed25519 key."""
    testing: bool
    strict: bool
    """``t=s``: the identity's domain must be the signing domain itself."""
    hashes: tuple[str, ...]
    """``h=``: the only hashes that may be used; empty: any."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """Something is published, but no signature can be verified with it; REASON is a word."""

    reason: str
    bits: int | None = None


# --- fields --------------------------------------------------------------------------------------


def read_tags(value: bytes) -> Tags:
    """Read a field's tag list (RFC 6376, section 3.2); raises MalformedError."""
    if len(value) > _MAX_FIELD or _MAX_SPACE.search(value):
        raise MalformedError("too-long")
    try:
        found = dkim.util.parse_tag_value(value)
        return {name.decode("ascii"): text for name, text in found.items()}
    except _RAISED as error:
        raise MalformedError("tags") from error


def check_tags(tags: Tags, mandatory: Sequence[str], *, arc: bool) -> None:
    """Refuse TAGS that dkimpy refuses; raises MalformedError.

    Without ``t=`` and ``x=``: dkimpy compares them with the clock of today.
    """
    timeless = {name.encode(): text for name, text in tags.items() if name not in {"t", "x"}}
    try:
        dkim.validate_signature_fields(timeless, [name.encode() for name in mandatory], arc)
    except _RAISED as error:
        raise MalformedError("fields") from error


def decoded(value: bytes) -> bytes:
    """Decode base64 that may be folded; raises MalformedError."""
    try:
        return base64.b64decode(re.sub(rb"\s+", b"", value))
    except binascii.Error as error:
        raise MalformedError("base64") from error


def forms_of(value: bytes) -> tuple[Canonical, Canonical]:
    """Return the canonical forms of header and body that ``c=`` names; raises MalformedError."""
    header, slash, body = value.decode("ascii", "replace").partition("/")
    for form in _FORMS:
        for other in _FORMS:
            if (header, body if slash else "simple") == (form, other):
                return form, other
    raise MalformedError("canonicalization")


def signed_fields(fields: Sequence[Field], names: Sequence[bytes]) -> list[Field]:
    """Return those of FIELDS, in canonical form, that a signature covers, in its order.

    A second From breaks a signature that covers the first, whether it says so or not.
    """
    wanted = [*names, b"from"] if b"from" in names else list(names)
    return cast("list[Field]", dkim.select_headers(list(fields), wanted))


def without_value(field: Field) -> Field:
    """Return a signature's own field, in canonical form, with nothing in ``b=`` and no line end."""
    name, value = field
    return name, dkim.RE_BTAG.sub(b"\\1", value).rstrip()


def header_hash(algorithm: str, fields: Sequence[Field]) -> bytes:
    """Return the hash that is signed (RFC 6376, section 3.7)."""
    hasher = hashlib.new(algorithm, usedforsecurity=False)
    for name, value in fields:
        hasher.update(name + b":" + value)
    return hasher.digest()


# --- keys ----------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def read_key(text: bytes) -> Key | Unusable:
    """Read what a TXT record says of a key; never raises."""
    if len(text) > _MAX_TEXT:
        return Unusable("too-long")
    try:
        tags = dkim.util.parse_tag_value(text)
    except _RAISED:
        return Unusable("syntax")
    if tags.get(b"v", b"DKIM1") != b"DKIM1" or b"p" not in tags:
        return Unusable("syntax")
    services = _words(tags, b"s")
    if services and not {"*", "email"} & set(services):
        return Unusable("service")
    if not tags[b"p"]:
        return Unusable("revoked")
    return _public(tags)


def _public(tags: Mapping[bytes, bytes]) -> Key | Unusable:
    flags = _words(tags, b"t")
    try:
        data = base64.b64decode(re.sub(rb"\s+", b"", tags[b"p"]))
        match tags.get(b"k", b"rsa"):
            case b"rsa":
                parsed = dkim.crypto.parse_public_key(data)
                public = int(parsed["modulus"]), int(parsed["publicExponent"])
                bits = public[0].bit_length()
            case b"ed25519":
                return _ed25519(data, flags, _words(tags, b"h"))
            case _:
                return Unusable("kind")
    except _RAISED:
        return Unusable("syntax")
    if bits < SMALLEST_KEY:
        return Unusable("small", bits)
    if bits > _LARGEST_KEY or not 1 < public[1] < _LARGEST_EXPONENT:
        return Unusable("large", min(bits, 2**31))
    return Key("rsa", bits, public, "y" in flags, "s" in flags, _words(tags, b"h"))


def _ed25519(data: bytes, flags: tuple[str, ...], hashes: tuple[str, ...]) -> Key | Unusable:
    if len(data) != 32:  # noqa: PLR2004  RFC 8463, section 4: the key itself, without ASN.1
        return Unusable("syntax")
    return Key("ed25519", 256, data, "y" in flags, "s" in flags, hashes)


def _words(tags: Mapping[bytes, bytes], name: bytes) -> tuple[str, ...]:
    value = tags.get(name, b"").decode("ascii", "replace").lower()
    return tuple(word.strip() for word in value.split(":") if word.strip())


def holds(key: Key, algorithm: str, digest: bytes, signature: bytes) -> bool:
    """Tell whether SIGNATURE over a header's DIGEST, made with ALGORITHM, is by KEY."""
    if isinstance(key.public, bytes):
        try:
            return VerifierKey.of("dkim", key.public).verifies(signature, digest)
        except NoteError:
            return False
    modulus, exponent = key.public
    size = (modulus.bit_length() + 7) // 8
    number = int.from_bytes(signature)
    if len(signature) != size or number >= modulus:  # RFC 8017, section 8.2.2
        return False
    try:
        expected = dkim.crypto.EMSA_PKCS1_v1_5_encode(_Hashed(algorithm, digest), size)
    except dkim.crypto.DigestTooLargeError:
        return False
    found = pow(number, exponent, modulus).to_bytes(size)
    return bool(found == expected)


@dataclass(frozen=True, slots=True)
class _Hashed:
    """A hash that was computed before, as dkimpy asks for it."""

    name: str
    value: bytes

    def digest(self) -> bytes:
        """Return the hash."""
        return self.value
