"""Entries about who sent a record, as others signed it: DKIM, ARC, Authentication-Results."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from archiver.model.digest import Digest, Position

SignatureResult = Literal[
    "pass", "body-differs", "bad-signature", "no-key", "unusable-key", "malformed", "not-asked"
]
"""``not-asked``: DNS has not answered yet; the capture is tried again."""

RULES = 2
"""The rules by which origins are captured now."""


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
    """One DKIM-Signature (RFC 6376), verified with the key that DNS had when it was captured."""

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
    """An expiry (``x=``) in the past changes nothing: it limits delivery, not who signed."""
    header_result: SignatureResult
    """As ``result``, for the header alone: it survives a body that was re-encoded."""
    aligned: bool
    """Whether the signing domain is that of the From address, or its organisational domain."""
    key: Position | None
    """The ``key-seen`` entry that holds the DNS answer."""
    appended: int = 0
    """Octets of the canonical body beyond ``l=``: anybody may have added them."""
    reason: str = ""
    """A word on ``malformed`` and ``unusable-key``, such as ``revoked`` or ``small``."""
    unsigned: tuple[str, ...] | None = None
    """Fields that people are shown, or that say how the body reads, and that occur more often than
    ``headers`` names them: anybody may have added the topmost. None: not noted (``rules`` 1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """The ARC chain (RFC 8617) as its newest seal closes it."""

    domain: str
    selector: str
    instance: int
    result: SignatureResult
    """Of the newest ARC-Seal: it signs the chain's own header fields and nothing else."""
    chain: Literal["none", "pass", "fail"]
    """What the newest ARC-Seal says of those before it (``cv=``)."""
    claims: tuple[tuple[str, str, str], ...]
    """(method, result, domain) that the sealer's ARC-Authentication-Results tell."""
    key: Position | None
    server: str = ""
    """The authserv-id of the sealer's ARC-Authentication-Results."""
    own: bool = False
    """Whether that is the account's own provider, and the sealing domain is that server's."""
    message_result: SignatureResult = "not-asked"
    """Of the newest ARC-Message-Signature: it ties the seal to this message."""
    header_result: SignatureResult = "not-asked"
    """As ``message_result``, for the header alone; ``malformed`` when it leaves out From."""
    verdict: Literal["pass", "fail", "not-asked"] = "not-asked"
    """Ours, of the whole chain: the newest message signature and every seal hold."""
    key_bits: int | None = None
    keys: tuple[Position, ...] = ()
    """Every ``key-seen`` entry that the verdict rests on."""
    unsigned: tuple[str, ...] | None = None
    """As a signature's, of the newest ARC-Message-Signature."""


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
    internaldate: datetime | None = None
    """When the server says that it arrived, at the record's first sighting."""
    date: datetime | None = None
    """The Date header."""
    received: datetime | None = None
    """The topmost Received."""
    rules: int = 1
    """By which rules it was captured: ``RULES`` of then. An entry that says nothing is of the
    first: what was signed was not noted, and more of Authentication-Results was taken."""
    made_from: str = ""
    """``pst`` or ``msg``: the bytes were put together here from such an item of Outlook. Nobody
    signed them, whatever their header states, and no key is asked for."""

    @property
    def signed(self) -> tuple[Signature | Seal, ...]:
        """The signatures, and the seal if there is one."""
        return (*self.signatures, self.seal) if self.seal else self.signatures

    @property
    def keys(self) -> frozenset[Position]:
        """The ``key-seen`` entries that it names."""
        named = {one.key for one in self.signed} | set(self.seal.keys if self.seal else ())
        return frozenset(key for key in named if key is not None)

    @property
    def dated(self) -> tuple[datetime, ...]:
        """Dates to compare a stamp with, as far as there are."""
        dates = (self.internaldate, self.date, self.received)
        return tuple(date for date in dates if date is not None)
