"""Recompute the body hashes of DKIM signatures: one changed byte of a body shows.

No key is needed: a signature carries the hash of the body it signed (``bh=``, RFC 6376, section
3.7). Whatever matched when a message came must match for ever.
"""

import base64
import hashlib
import re

_FIELD = re.compile(
    rb"^dkim-signature[ \t]*:([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)", re.IGNORECASE | re.MULTILINE
)


def matching_bodies(message: bytes) -> tuple[bool, ...]:
    """Tell for each DKIM signature of MESSAGE, lines ended by CRLF, whether its body hash holds."""
    head, _blank, body = message.partition(b"\r\n\r\n")
    return tuple(_matches(field, body) for field in _FIELD.findall(head + b"\r\n"))


def _matches(field: bytes, body: bytes) -> bool:
    pairs = (tag.partition(b"=") for tag in field.split(b";"))
    tags = {name.strip(): re.sub(rb"\s", b"", value) for name, _equals, value in pairs}
    _header, _slash, wanted = tags.get(b"c", b"").lower().partition(b"/")  # section 3.5: c=
    canonical = (relaxed if wanted == b"relaxed" else simple)(body)
    length = tags.get(b"l", b"")
    signed = canonical[: int(length)] if length.isdigit() else canonical
    algorithm = "sha1" if tags.get(b"a", b"").lower() == b"rsa-sha1" else "sha256"
    return base64.b64encode(hashlib.new(algorithm, signed).digest()) == tags.get(b"bh")


def simple(body: bytes) -> bytes:
    """Return BODY in the canonical form "simple" (RFC 6376, section 3.4.3)."""
    return _without_empty_lines(body) + b"\r\n"


def relaxed(body: bytes) -> bytes:
    """Return BODY in the canonical form "relaxed" (RFC 6376, section 3.4.4)."""
    lines = (re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n"))
    reduced = _without_empty_lines(b"\r\n".join(lines))
    return reduced + b"\r\n" if reduced else b""


def _without_empty_lines(body: bytes) -> bytes:
    """Drop the empty lines at the end, and the end of the last line that is none."""
    while body.endswith(b"\r\n"):
        body = body.removesuffix(b"\r\n")
    return body
