"""Write MIME messages byte by byte, the same on every machine and every Python.

The standard library's generator changes its folding between versions; a demonstration whose
digests can be quoted needs bytes that do not.
"""

import base64
import binascii
import hashlib
import quopri
from collections.abc import Iterable, Sequence
from email.header import Header
from urllib.parse import quote

CRLF = b"\r\n"
_LINE = 76


def crlf(text: str) -> str:
    """Return TEXT with CRLF at each line end, the last one included."""
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    return "\r\n".join(lines) + "\r\n"


def words(value: str, charset: str, *, after: int = 0) -> str:
    """Encode VALUE for a header (RFC 2047), folded; AFTER is the length of the field's name."""
    if value.isascii():
        return _fold(value.split(" "), " ", after)
    return Header(value, charset, maxlinelen=_LINE, header_name="x" * after).encode(linesep="\r\n")


def mailbox(name: str, address: str, charset: str) -> str:
    """Write a mailbox (RFC 5322, section 3.4)."""
    if not name:
        return address
    if not name.isascii():
        return f"{Header(name, charset).encode()} <{address}>"
    plain = all(letter.isalnum() or letter in " -'" for letter in name)
    return f"{name} <{address}>" if plain else f'"{name}" <{address}>'


def mailboxes(values: Iterable[str], *, after: int) -> str:
    """Write several mailboxes as one folded header value."""
    return _fold([f"{value}," for value in values], " ", after).removesuffix(",")


def head(fields: Iterable[tuple[str, str]]) -> bytes:
    """Write header fields whose values are already encoded and folded."""
    return b"".join(f"{name}: {value}\r\n".encode("ascii") for name, value in fields)


def text(content: str, *, subtype: str, charset: str, encoding: str) -> bytes:
    """Write a text part, its fields included, in 8bit, quoted-printable or base64."""
    data = crlf(content).encode(charset)
    fields = [
        ("Content-Type", f"text/{subtype}; charset={charset}"),
        ("Content-Transfer-Encoding", encoding),
    ]
    return head(fields) + CRLF + _transfer(data, encoding)


def attachment(data: bytes, *, type_: str, name: str) -> bytes:
    """Write an attached file; a name beyond ASCII is written as RFC 2231 says."""
    plain = name.isascii()
    shown = f'filename="{name}"' if plain else f"filename*=UTF-8''{quote(name)}"
    fields = [
        ("Content-Type", f'{type_}; name="{name}"' if plain else type_),
        ("Content-Transfer-Encoding", "base64"),
        ("Content-Disposition", f"attachment;\r\n {shown}"),
    ]
    return head(fields) + CRLF + _transfer(data, "base64")


def multipart(parts: Sequence[bytes], *, subtype: str, seed: str) -> bytes:
    """Put PARTS into one, with a boundary that depends on SEED only."""
    boundary = "=_" + hashlib.sha256(f"{subtype} {seed}".encode()).hexdigest()[:24]
    opening = f"--{boundary}\r\n".encode("ascii")
    closing = f"--{boundary}--\r\n".encode("ascii")
    fields = [("Content-Type", f'multipart/{subtype};\r\n boundary="{boundary}"')]
    body = b"".join(opening + part + CRLF for part in parts)
    return head(fields) + CRLF + body + closing


def _transfer(data: bytes, encoding: str) -> bytes:
    match encoding:
        case "base64":
            step = _LINE // 4 * 3
            lines = (
                binascii.b2a_base64(data[start : start + step], newline=False)
                for start in range(0, len(data), step)
            )
            return b"".join(line + CRLF for line in lines)
        case "quoted-printable":
            return quopri.encodestring(data.replace(CRLF, b"\n")).replace(b"\n", CRLF)
        case _:
            return data


def _fold(pieces: Sequence[str], glue: str, after: int) -> str:
    lines, room = [""], _LINE - after - 2
    for piece in pieces:
        if lines[-1] and len(lines[-1]) + len(piece) + 1 > room:
            lines.append(piece)
            room = _LINE
        else:
            lines[-1] = f"{lines[-1]}{glue}{piece}" if lines[-1] else piece
    return "\r\n ".join(lines)


def digest_name(seed: str) -> str:
    """Return a short name that depends on SEED only, as servers put into Received fields."""
    return base64.b32encode(hashlib.sha256(seed.encode()).digest()[:10]).decode("ascii")
