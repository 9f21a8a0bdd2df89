"""Undo the transfer encoding of a part (RFC 2045, section 6), however damaged it is."""

import re
from binascii import Error, a2b_base64, a2b_qp, a2b_uu
from io import BytesIO

_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]+")
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} [^\r\n]*(?:\r\n|\n|\r)", re.MULTILINE)
_IDENTITY = frozenset(["", "7bit", "8bit", "binary", "7-bit", "8-bit"])
_AT_ONCE = 1 << 20
_UUENCODE = frozenset(["x-uuencode", "uuencode", "x-uue", "uue"])


def transfer_encoding(value: str) -> str:
    """Return the encoding that a Content-Transfer-Encoding header names, in lower case."""
    return re.split(r"[;(\s]", value.strip()[:100], maxsplit=1)[0].strip("\"'").lower()


def undo(raw: bytes, encoding: str) -> tuple[bytes, str]:
    """Return the bytes that RAW stands for, and a defect code or nothing."""
    if encoding in _IDENTITY:
        return raw, ""
    if encoding == "quoted-printable":
        return a2b_qp(raw), ""
    if encoding == "base64":
        return _base64(raw)
    if encoding in _UUENCODE:
        return _uuencoded(raw)
    return raw, "transfer-encoding"


def lenient_base64(raw: bytes) -> bytes:
    """Decode what can be decoded: foreign characters are skipped, missing padding is added."""
    digits = _NOT_BASE64.sub(b"", raw).split(b"=", 1)[0]
    if len(digits) % 4 == 1:  # six bits are no byte
        digits = digits[:-1]
    return a2b_base64(digits + b"=" * (-len(digits) % 4))


def _base64(raw: bytes) -> tuple[bytes, str]:
    try:
        return strict_base64(raw), ""
    except Error:
        return lenient_base64(raw), "base64-damaged"


def strict_base64(raw: bytes, at_once: int = _AT_ONCE) -> bytes:
    """Decode sound base64, AT_ONCE bytes at a time: half the memory for a large attachment.

    Raises binascii.Error when anything is wrong with it.
    """
    decoded = BytesIO()
    digits = b""
    for start in range(0, len(raw), at_once):
        digits += raw[start : start + at_once].translate(None, b"\r\n \t")
        # The last four wait for what follows: only at the very end may they be padded.
        whole = max(0, len(digits) - 4) // 4 * 4
        if b"=" in digits[:whole]:
            raise Error("data after the padding")
        decoded.write(a2b_base64(digits[:whole], strict_mode=True))
        digits = digits[whole:]
    decoded.write(a2b_base64(digits, strict_mode=True))
    return decoded.getvalue()


def _uuencoded(raw: bytes) -> tuple[bytes, str]:
    begin = _UU_BEGIN.search(raw)
    if begin is None:
        return raw, "uuencode-damaged"
    pieces: list[bytes] = []
    problem = "uuencode-damaged"  # until the end line is seen
    for line in raw[begin.end() :].splitlines():
        if line == b"end":
            problem = ""
            break
        try:
            pieces.append(a2b_uu(line))
        except Error:
            # Some encoders count wrongly; the first digit says how many bytes are meant.
            wanted = (((line[0] - 32) & 63) * 4 + 5) // 3 if line else 0
            try:
                pieces.append(a2b_uu(line[:wanted]))
            except Error:
                return b"".join(pieces), "uuencode-damaged"
    return b"".join(pieces), problem
