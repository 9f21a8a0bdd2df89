"""One message: what its header states, and what comes of it once DNS has answered.

What verifies (dkimpy among it) is loaded for the first message that is signed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from archiver.evidence.origin.resolver import Reply
from archiver.evidence.signatures import fields
from archiver.evidence.signatures.message import is_signed, parse
from archiver.evidence.signatures.results import claims_of
from archiver.model.digest import Position
from archiver.model.origin import RULES, Claim, Origin, Seal, Signature

if TYPE_CHECKING:
    from archiver.evidence.signatures.chain import Chain
    from archiver.evidence.signatures.verdicts import Judgement, Signed, Stated

ReplyOf = Callable[[str], Reply]
KeyOf = Callable[[str], Position | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """Everything that the message itself says; small, whatever the size of the message."""

    from_address: str
    from_domain: str
    date: datetime | None
    received: datetime | None
    claims: tuple[Claim, ...]
    servers: frozenset[str]
    made_from: str = ""
    stated: "tuple[Stated, ...]" = ()
    chain: "Chain | None" = None

    @property
    def names(self) -> tuple[str, ...]:
        """What DNS is asked about this message, each name once."""
        named = [stated.signed.name for stated in self.stated if stated.signed]
        return tuple(dict.fromkeys([*named, *(self.chain.names if self.chain else ())]))


def examine(data: bytes, *, servers: frozenset[str] = frozenset(), made_from: str = "") -> Examined:
    """Take a message apart and compute what its signatures cover; never raises.

    SERVERS are the authserv-ids of the account's own provider. MADE_FROM says from what the bytes
    were put together here; signatures in them are left alone then: they are of other bytes.
    """
    message = parse(data)
    address = fields.from_address(message)
    author = fields.address_domain(address)
    stated: tuple[Stated, ...] = ()
    chain = None
    if not made_from and is_signed(data):
        from archiver.evidence.signatures.chain import read_chain
        from archiver.evidence.signatures.verdicts import Canon, read_signatures

        canon = Canon(message)
        stated, chain = read_signatures(canon, author), read_chain(canon)
    return Examined(
        from_address=address,
        from_domain=author,
        date=fields.date_of(message),
        received=fields.received_at(message),
        claims=claims_of(message, servers),
        servers=servers,
        made_from=made_from,
        stated=stated,
        chain=chain,
    )


def conclude(
    examined: Examined,
    record: Position,
    *,
    reply_of: ReplyOf,
    key_of: KeyOf,
    sent: bool,
    internaldate: datetime | None,
) -> Origin:
    """Return the ``origin`` of RECORD; KEY_OF gives the ``key-seen`` entry of a name's reply."""
    found: tuple[Signature, ...] = ()
    seal: Seal | None = None
    if examined.stated or examined.chain:
        found, seal = _verified(examined, reply_of, key_of)
    results: list[str] = [one.result for one in found]
    if seal:
        results += [seal.result, seal.message_result, seal.verdict]
    return Origin(
        record=record,
        complete="not-asked" not in results,
        signatures=found,
        seal=seal,
        claims=examined.claims,
        sent=sent,
        from_domain=examined.from_domain,
        internaldate=internaldate,
        date=examined.date,
        received=examined.received,
        rules=RULES,
        made_from=examined.made_from,
    )


def _verified(
    examined: Examined, reply_of: ReplyOf, key_of: KeyOf
) -> tuple[tuple[Signature, ...], Seal | None]:
    from archiver.evidence.signatures import chain, verdicts

    def judge(signed: "Signed") -> "Judgement":
        return verdicts.judge(signed, reply_of(signed.name))

    found = []
    for stated in examined.stated:
        signed = stated.signed
        judgement = judge(signed) if signed else None
        found.append(verdicts.conclude(stated, judgement, key_of(signed.name) if signed else None))
    seal = None
    if examined.chain:
        seal = chain.conclude(examined.chain, servers=examined.servers, judge=judge, key_of=key_of)
    return tuple(found), seal
