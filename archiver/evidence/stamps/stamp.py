"""A time-stamp as it is believed: read, and checked against pinned roots as of its own time."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from gettext import gettext as _

from archiver.evidence.stamps.der import DerError
from archiver.evidence.stamps.request import SHA256
from archiver.evidence.stamps.token import Response, Token, read_response

_GRANTED = (0, 1)  # granted, grantedWithMods (RFC 3161, section 2.4.2)
_WAITING = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What a third party said, and what it was checked against."""

    time: datetime
    """When the authority says that the bytes existed (genTime), UTC."""
    serial: int
    policy: str
    """The authority's policy, a dotted object identifier."""
    authority: str
    """The subject of the certificate that signed it (RFC 4514)."""
    hash_algorithm: str
    accuracy: timedelta | None
    nonce: int | None
    qualified: bool
    """Whether the token itself states to be an EU qualified one (ETSI EN 319 422)."""
    certificates: tuple[bytes, ...] = field(repr=False)
    """The certificates that came with it, DER."""


@dataclass(frozen=True, slots=True)
class StampProblem:
    """Why an answer is not a time-stamp of these bytes that one can believe."""

    code: str
    """``not-a-stamp``, ``rejected``, ``wrong-imprint``, ``wrong-nonce``, ``bad-signature``,
    ``untrusted``, ``expired``, ``wrong-usage``; at the request also ``unreachable``, ``refused``,
    ``busy``, ``too-large``."""
    words: str
    """A clause for people, without a full stop."""


def check_stamp(
    response: bytes, imprint_of: bytes, roots: Sequence[bytes], *, nonce: int | None = None
) -> Stamp | StampProblem:
    """Check a raw RESPONSE (TimeStampResp) over the bytes IMPRINT_OF, as of the stamp's own time.

    In order: what it is, status, NONCE (when the request is known), imprint, the signer's
    certificate, the signature and the chain to one of ROOTS (PEM). Certificates expire, so that
    the time of checking plays no part; revocation is not looked up.
    """
    try:
        answer = read_response(response)
    except DerError:
        return _not_a_stamp(response)
    token = answer.token
    if answer.status not in _GRANTED or token is None:
        return _rejected(answer)
    return _mismatch(token, imprint_of, nonce) or _judged(token, roots)


def _mismatch(token: Token, imprint_of: bytes, nonce: int | None) -> StampProblem | None:
    if nonce is not None and token.nonce != nonce:
        return StampProblem("wrong-nonce", _("it answers another request (the nonce differs)"))
    # Only SHA-256 is ever asked for; an answer about another hash is about something else.
    if (token.hash_algorithm, token.imprint) != (SHA256, hashlib.sha256(imprint_of).digest()):
        return StampProblem("wrong-imprint", _("it is about other bytes (the imprint differs)"))
    return None


def _judged(token: Token, roots: Sequence[bytes]) -> Stamp | StampProblem:
    from archiver.evidence.stamps.rfc3161 import judge  # loads cryptography

    verdict = judge(token, roots)
    if isinstance(verdict, StampProblem):
        return verdict
    return Stamp(
        time=token.time,
        serial=token.serial,
        policy=token.policy,
        authority=verdict,
        hash_algorithm="sha256",
        accuracy=token.accuracy,
        nonce=token.nonce,
        qualified=token.qualified,
        certificates=token.certificates,
    )


def _not_a_stamp(response: bytes) -> StampProblem:
    if not response:
        return StampProblem("not-a-stamp", _("the answer is empty"))
    if response.lstrip()[:1] == b"<":
        return StampProblem("not-a-stamp", _("the answer is a web page, not a time-stamp"))
    return StampProblem("not-a-stamp", _("the answer is damaged or no time-stamp at all"))


def _rejected(answer: Response) -> StampProblem:
    said = answer.words or _("no reason given")
    if answer.status in _GRANTED:
        return StampProblem("not-a-stamp", _("it says granted, and no time-stamp is in it"))
    if answer.status == _WAITING:
        return StampProblem("rejected", _("the request waits there: {said}").format(said=said))
    return StampProblem(
        "rejected",
        _("the request was rejected (status {status}): {said}").format(
            status=answer.status, said=said
        ),
    )
