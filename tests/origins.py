"""Signatures as a capture notes them: tests say only what matters to them."""

from collections.abc import Sequence

from archiver.model.digest import Position
from archiver.model.origin import Signature


def held(
    key: Position | None,
    domain: str = "client.example",
    *,
    headers: Sequence[str] = ("from",),
    unsigned: tuple[str, ...] | None = None,
) -> Signature:
    """Return a signature by DOMAIN, that of the sender, which held with KEY."""
    return Signature(
        domain=domain,
        selector="s1",
        algorithm="rsa-sha256",
        canonicalization="relaxed/relaxed",
        headers=tuple(headers),
        length=None,
        time=None,
        expiry=None,
        identity=None,
        key_bits=2048,
        testing=False,
        result="pass",
        header_result="pass",
        aligned=True,
        key=key,
        unsigned=unsigned,
    )
