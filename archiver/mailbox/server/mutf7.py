"""Folder names on the wire: modified UTF-7 (RFC 3501, section 5.1.3).

Strict on purpose. imapclient's decoder raises on some names and reads others in a way that does
not lead back to the same bytes; a folder that is listed but cannot be asked for would be lost.
"""

import binascii
import re

_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")
_TO_SHIFT = re.compile(r"[^\x20-\x7e]+|&")
_UNSENDABLE = re.compile(rb"[\r\n\0]")


def encode(name: str) -> bytes:
    """Write NAME as the server wants it. Lone surrogates travel as they are."""
    return _TO_SHIFT.sub(_shift, name).encode("ascii")


def decode(raw: bytes) -> str | None:
    """Read RAW for a person; None when it is not modified UTF-7 that leads back to RAW."""
    try:
        name = _SHIFTED.sub(_unshift, raw.decode("ascii"))
    except ValueError:  # also UnicodeDecodeError and binascii.Error
        return None
    return name if encode(name) == raw else None


def _shift(found: re.Match[str]) -> str:
    if found[0] == "&":
        return "&-"
    base64 = binascii.b2a_base64(found[0].encode("utf-16-be", "surrogatepass"), newline=False)
    return "&" + base64.decode("ascii").rstrip("=").replace("/", ",") + "-"


def _unshift(found: re.Match[str]) -> str:
    if not found[1]:
        return "&"
    base64 = found[1].replace(",", "/")
    padded = base64 + "=" * (-len(base64) % 4)
    return binascii.a2b_base64(padded).decode("utf-16-be")


def sendable(raw: bytes) -> bool:
    """Tell whether a quoted string can hold RAW: a line end in it would end the command."""
    return _UNSENDABLE.search(raw) is None


def quoted(raw: bytes) -> bytes:
    """Write RAW as a quoted string (RFC 3501, section 4.3)."""
    return b'"%s"' % raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
