"""The ARC chain (RFC 8617): who handled the message, and what each saw before it did.

A seal signs the chain's own fields only; what ties them to *this* message is the newest
ARC-Message-Signature. Somebody else's seal under another message proves nothing, so both are kept.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal, cast

from archiver.evidence.signatures import dkim
from archiver.evidence.signatures.dkim import MalformedError, Tags
from archiver.evidence.signatures.fields import aligned, clean, dns_name
from archiver.evidence.signatures.message import Field, relaxed_field, unfolded
from archiver.evidence.signatures.results import read_sealed
from archiver.evidence.signatures.verdicts import (
    Canon,
    Judgement,
    Signed,
    names_of,
    sign_part,
    unsigned_fields,
)
from archiver.model.digest import Position
from archiver.model.origin import Seal, SignatureResult

MAX_INSTANCES: Final = 50  # RFC 8617, section 4.2.1
_SEAL: Final = b"arc-seal"
_MESSAGE: Final = b"arc-message-signature"
_RESULTS: Final = b"arc-authentication-results"
_IN_SEAL: Final = ("i", "a", "b", "cv", "d", "s")
_IN_MESSAGE: Final = ("i", "a", "b", "bh", "d", "h", "s")
_MAX_DIGITS: Final = 3

ChainValue = Literal["none", "pass", "fail"]


@dataclass(frozen=True, slots=True)
class Chain:
    """The chain before its keys are known."""

    instance: int
    domain: str
    selector: str
    value: ChainValue
    server: str
    claims: tuple[tuple[str, str, str], ...]
    seals: tuple[Signed, ...] = ()
    """Oldest first; empty when the chain is not made as the RFC says."""
    message: Signed | None = None
    """The newest message signature; None when it is malformed."""
    covers_from: bool = False
    """Whether that one signs who wrote it."""
    unsigned: tuple[str, ...] = ()
    """What people are shown and that one does not sign."""

    @property
    def names(self) -> tuple[str, ...]:
        """What DNS is asked."""
        signed = (*self.seals, self.message) if self.message else self.seals
        return tuple(one.name for one in signed)


@dataclass(slots=True)
class _Set:
    """The three fields of one instance, as far as they are there."""

    seal: tuple[Field, Tags] | None = None
    message: tuple[Field, Tags] | None = None
    results: Field | None = None


def read_chain(canon: Canon) -> Chain | None:
    """Return the chain that the message carries, None without one; never raises."""
    message = canon.message
    if not any(message.named(name) for name in (_SEAL, _MESSAGE, _RESULTS)):
        return None
    sets: list[_Set] = []
    try:
        sets = _sets(canon)
        return _chain(canon, sets)
    except MalformedError:
        return _broken(sets)


def _sets(canon: Canon) -> list[_Set]:
    """Put the fields in order, oldest instance first; raises MalformedError."""
    if not canon.message.sound:
        raise MalformedError("header")
    found: dict[int, _Set] = {}
    for field in canon.message.fields:
        name = field[0].lower()
        if name == _RESULTS:
            place = found.setdefault(read_sealed(unfolded(field[1]))[0], _Set())
            if place.results:
                raise MalformedError("chain")
            place.results = field
        elif name in {_SEAL, _MESSAGE}:
            tags = dkim.read_tags(field[1])
            place = found.setdefault(_instance(tags), _Set())
            if place.seal if name == _SEAL else place.message:
                raise MalformedError("chain")
            if name == _SEAL:
                place.seal = field, tags
            else:
                place.message = field, tags
    if sorted(found) != list(range(1, min(len(found), MAX_INSTANCES) + 1)):
        raise MalformedError("chain")
    return [found[number] for number in sorted(found)]


def _instance(tags: Tags) -> int:
    value = tags.get("i", b"")
    return int(value) if value.isdigit() and len(value) <= _MAX_DIGITS else 0


def _chain(canon: Canon, sets: list[_Set]) -> Chain:
    seals: list[Signed] = []
    sealed: list[Field] = []
    for number, one in enumerate(sets, 1):
        if one.seal is None or one.message is None or one.results is None:
            raise MalformedError("chain")
        field, tags = one.seal
        dkim.check_tags(tags, _IN_SEAL, arc=True)
        if "h" in tags or tags["cv"] != (b"none" if number == 1 else b"pass"):
            raise MalformedError("chain")  # a chain that failed once stays so (section 5.1.2)
        sealed += [relaxed_field(one.results), relaxed_field(one.message[0])]
        own = dkim.without_value(relaxed_field(field))
        seals.append(_seal_part(tags, [*sealed, own]))
        sealed.append(relaxed_field(field))
    message = _message_part(canon, sets[-1])
    newest = sets[-1].message
    unsigned = unsigned_fields(canon.message, newest[1]) if message and newest else ()
    return replace(_described(sets, tuple(seals), message), unsigned=unsigned)


def _seal_part(tags: Tags, covered: list[Field]) -> Signed:
    signed = Signed(
        name=dns_name(tags["s"], tags["d"]),
        kind="rsa",  # the only algorithm that ARC has: rsa-sha256
        hash="sha256",
        digest=dkim.header_hash("sha256", covered),
        value=dkim.decoded(tags["b"]),
        body_holds=True,  # a seal covers no body
        identity_differs=False,
    )
    if not signed.name:
        raise MalformedError("name")
    return signed


def _message_part(canon: Canon, newest: _Set) -> Signed | None:
    if newest.message is None:
        return None
    field, tags = newest.message
    try:
        dkim.check_tags(tags, _IN_MESSAGE, arc=True)
        if _SEAL in names_of(tags):
            return None  # section 4.1.2: it must not sign a seal
        return sign_part(canon, field, tags, default=b"relaxed/relaxed")[0]
    except MalformedError:
        return None


def _broken(sets: list[_Set]) -> Chain:
    """Describe a chain that is not made as the RFC says, as far as its newest seal is known."""
    return _described(sets, (), None)


def _described(sets: list[_Set], seals: tuple[Signed, ...], message: Signed | None) -> Chain:
    newest = sets[-1] if sets else _Set()
    tags: Tags = newest.seal[1] if newest.seal else {}
    _number, server, claims = read_sealed(unfolded(newest.results[1]) if newest.results else "")
    value = clean(tags.get("cv", b""))
    return Chain(
        instance=len(sets),
        domain=clean(tags.get("d", b"")).lower(),
        selector=clean(tags.get("s", b"")).lower(),
        value=cast("ChainValue", value if value in {"none", "pass"} else "fail"),
        server=server,
        claims=claims,
        seals=seals,
        message=message,
        covers_from=message is not None
        and newest.message is not None
        and b"from" in names_of(newest.message[1]),
    )


def conclude(
    chain: Chain,
    *,
    servers: frozenset[str],
    judge: Callable[[Signed], Judgement],
    key_of: Callable[[str], Position | None],
) -> Seal:
    """Return what the newest seal is worth; SERVERS are the account's own provider's."""
    judged = [judge(signed) for signed in chain.seals]
    message = judge(chain.message) if chain.message else Judgement("malformed", "malformed")
    results = [one.result for one in judged]
    keys = [key_of(name) for name in dict.fromkeys(chain.names)]
    return Seal(
        domain=chain.domain,
        selector=chain.selector,
        instance=chain.instance,
        result=results[-1] if results else "malformed",
        chain=chain.value,
        claims=chain.claims,
        key=key_of(chain.seals[-1].name) if chain.seals else None,
        server=chain.server,
        own=chain.server in servers and aligned(chain.domain, chain.server),
        message_result=message.result,
        header_result=message.header_result if chain.covers_from else "malformed",
        verdict=_verdict(results, message.result),
        key_bits=judged[-1].bits if judged else None,
        keys=tuple(sorted({key for key in keys if key is not None})),
        unsigned=chain.unsigned,
    )


def _verdict(
    seals: list[SignatureResult], message: SignatureResult
) -> Literal["pass", "fail", "not-asked"]:
    results = {*seals, message}
    if not seals or results - {"pass", "not-asked"}:
        return "fail"
    return "not-asked" if "not-asked" in results else "pass"
