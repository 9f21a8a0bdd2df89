"""Bytes to characters: whatever was declared, the result is clean Unicode text.

What leaves this module can be encoded as UTF-8, stored in SQLite and written as JSON: it holds no
lone surrogate, no NUL and no control character but tab and newline.
"""

import codecs
import re
from functools import lru_cache

_SURROGATES = re.compile("[\ud800-\udfff]")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_ASCII_CONTROLS = bytes(byte for byte in (*range(32), 127) if byte not in b"\t\n")
_BREAKS = str.maketrans({"\x0b": "\n", "\x0c": "\n", "\x85": "\n"})
_NAME = re.compile(r"[a-z0-9][a-z0-9._:+-]{0,39}\Z")

# The WHATWG Encoding Standard's habit: what is declared Latin-1 or ASCII is Windows-1252, because
# that is what senders mean; and a superset is read for each East Asian set that has one.
_LATIN = frozenset(
    [
        *("ascii", "us-ascii", "ansi_x3.4-1968", "646", "ansi"),
        *("iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "latin-1", "l1"),
        *("cp1252", "cp-1252", "windows-1252", "windows1252"),
    ]
)
_UNDECLARED = frozenset(
    ["", "ascii", "us-ascii", "ansi_x3.4-1968", "646", "unknown-8bit", "x-unknown", "default"]
)
_SUPERSETS = {
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "big5": "big5hkscs",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "sjis": "cp932",
    "iso-8859-8-i": "iso8859_8",
    "iso-8859-8-e": "iso8859_8",
    "iso-8859-9": "cp1254",
    "macintosh": "mac_roman",
    "x-mac-roman": "mac_roman",
    "unicode-1-1-utf-7": "utf_7",
    "unicode-1-1-utf-8": "utf_8",
    "cp-850": "cp850",
}
# Codecs that are not character sets: they execute escapes or take quadratic time.
_NOT_CHARSETS = frozenset(
    ["idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"]
)
_SEVEN_BIT = ("iso2022", "utf-7", "hz")  # ASCII bytes that do not stand for themselves
# Windows-1252 with Latin-1's control characters in its five holes, so that it reads every byte.
_WINDOWS_1252 = "".join(
    bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in range(256)
)


def _read_as_windows(error: UnicodeError) -> tuple[str, int]:
    """Read the bytes that are not UTF-8 as Windows-1252 (a codec error handler)."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return codecs.charmap_decode(wrong, "strict", _WINDOWS_1252)[0], error.end


codecs.register_error("archiver-windows-1252", _read_as_windows)


def clean(text: str) -> str:
    """Return TEXT with newlines for line ends and without what cannot be stored or shown."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii():
        # Much the most text: bytes are looked through ten times faster than characters.
        data = text.encode("ascii")
        if len(data.translate(None, _ASCII_CONTROLS)) == len(data):
            return text
    if _CONTROLS.search(text):
        text = _CONTROLS.sub("", text.translate(_BREAKS))
    if _SURROGATES.search(text):
        text = _SURROGATES.sub("\ufffd", text)
    return text.removeprefix("\ufeff")


def decode(data: bytes, declared: str) -> tuple[str, str]:
    """Read DATA in the character set DECLARED and return clean text and a defect code.

    An unknown set or a wrong one is recovered from: UTF-8, then Windows-1252. The code is empty
    when nothing was guessed; ASCII bytes under an unknown name need no guess.
    """
    name = declared.strip().strip("\"'").lower()
    if name in _UNDECLARED:
        return _guess(data)
    if name in _LATIN:
        return clean(codecs.charmap_decode(data, "strict", _WINDOWS_1252)[0]), ""
    codec = _codec(name)
    if data.isascii() and not codec.startswith(_SEVEN_BIT):
        # Also what is called UTF-16 but holds no zero byte is ASCII in truth.
        return clean(data.decode("ascii")), ""
    if not codec:
        return _recover(data), "charset-unknown"
    try:
        return clean(data.decode(codec)), ""
    except (UnicodeError, LookupError, ValueError):
        return _wrong(data, codec), "charset-wrong"


def _guess(data: bytes) -> tuple[str, str]:
    """Read DATA whose character set nobody declared, or declared as ASCII."""
    if data.isascii():
        if b"\x1b$" in data:
            return clean(data.decode("iso2022_jp", "replace")), "charset-undeclared"
        return clean(data.decode("ascii")), ""
    return _recover(data), "charset-undeclared"


def _recover(data: bytes) -> str:
    """Read DATA as UTF-8, and each byte that is not UTF-8 as Windows-1252."""
    return clean(data.decode("utf-8", "archiver-windows-1252"))


def _wrong(data: bytes, codec: str) -> str:
    """Read DATA that is not what its known CODEC calls for: UTF-8 if it is that, else in parts."""
    try:
        return clean(data.decode("utf-8"))
    except UnicodeDecodeError:
        pass
    if codec in {"utf-8", "utf-7"}:
        return _recover(data)
    try:
        return clean(data.decode(codec, "replace"))
    except (UnicodeError, LookupError, ValueError):
        return _recover(data)


@lru_cache(maxsize=256)
def _codec(name: str) -> str:
    """Return Python's name of a character set, or the empty string for one it does not know."""
    if not _NAME.match(name):
        return ""
    try:
        found = codecs.lookup(_SUPERSETS.get(name, name)).name
        b"".decode(found)  # refuses codecs that are not text, such as base64
    except (LookupError, ValueError):
        return ""
    return "" if found in _NOT_CHARSETS else found
