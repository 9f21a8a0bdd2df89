"""What is asked of a time-stamp authority (RFC 3161, section 2.4.1)."""

from archiver.evidence.stamps import der

SHA256 = "2.16.840.1.101.3.4.2.1"
"""Its object identifier (NIST, RFC 5754)."""

NONCE_SIZE = 16  # bytes; RFC 3161 asks for a number that is not used twice, commonly 64 bits

_YES = b"\xff"


def make_request(imprint: bytes, nonce: int) -> bytes:
    """Return a TimeStampReq for IMPRINT, a SHA-256, that asks for the certificates as well.

    The answer must carry NONCE, so that an old answer cannot be played again.
    """
    algorithm = der.element(der.SEQUENCE, der.oid(SHA256), der.element(der.NULL))
    return der.element(
        der.SEQUENCE,
        der.integer(1),
        der.element(der.SEQUENCE, algorithm, der.element(der.OCTET_STRING, imprint)),
        der.integer(nonce),
        der.element(der.BOOLEAN, _YES),
    )


def nonce_of(request: bytes) -> int | None:
    """Return the nonce of a kept REQUEST, None when it cannot be read any more."""
    try:
        fields = der.parse(request).expect(der.SEQUENCE).children()
        return next((field.integer() for field in fields[2:] if field.tag == der.INTEGER), None)
    except der.DerError:
        return None
