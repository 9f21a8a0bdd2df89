"""Entries about who sent a record, as others signed it: DKIM, ARC, Authentication-Results."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from archiver.model.digest import Digest, Position

SignatureResult = Literal[
    "pass", "body-differs", "bad-signature", "no-key", "unusable-key", "malformed", "not-asked"
]
"""``not-asked``: DNS has not answered yet; the capture is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySeen:
    """A DNS answer with a DKIM key, kept as an object: keys are changed and then gone."""

    name: str
    """The name that was asked: ``selector._domainkey.domain``, lower case."""
    object: Digest
    """The raw DNS answer (RFC 1035 wire format)."""
    size: int
    validated: bool
    """Whether the resolver says that DNSSEC proves the answer (AD bit): its word, not ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One DKIM-Signature (RFC 6376), verified as of the time of capture."""

    domain: str
    selector: str
    algorithm: str
    canonicalization: str
    headers: tuple[str, ...]
    """The header fields it signs, in order (``h=``)."""
    length: int | None
    """``l=``: only so many octets of the body are signed."""
    time: int | None
    """``t=``, Unix seconds."""
    expiry: int | None
    """``x=``, Unix seconds."""
    identity: str | None
    """``i=``."""
    key_bits: int | None
    testing: bool
    """The key says ``t=y``: its owner is only testing."""
    result: SignatureResult
    header_result: SignatureResult
    """As ``result``, for the header alone: it survives a body that was re-encoded."""
    aligned: bool
    """Whether the signing domain is that of the From address, or its organisational domain."""
    key: Position | None
    """The ``key-seen`` entry that holds the DNS answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """The ARC chain (RFC 8617) as its newest seal closes it."""

    domain: str
    selector: str
    instance: int
    result: SignatureResult
    chain: Literal["none", "pass", "fail"]
    """What the newest ARC-Seal says of those before it (``cv=``)."""
    claims: tuple[tuple[str, str, str], ...]
    """(method, result, domain) that the sealer's ARC-Authentication-Results tell."""
    key: Position | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What the account's own provider wrote in its Authentication-Results (RFC 8601)."""

    server: str
    """Its authserv-id."""
    method: str
    result: str
    domain: str
    """The domain that the method was about (header.d, smtp.mailfrom, header.from); may be empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What could be verified of a record's sender, when it was captured."""

    record: Position
    complete: bool
    """Whether every key was answered for; if not, the capture is tried again."""
    signatures: tuple[Signature, ...] = ()
    seal: Seal | None = None
    claims: tuple[Claim, ...] = ()
    sent: bool = False
    """Our own Sent copy: nobody else signed it."""
    from_domain: str = ""
    dated: tuple[datetime, ...] = ()
    """Dates to compare a stamp with: INTERNALDATE, Date, topmost Received; as far as there are."""
