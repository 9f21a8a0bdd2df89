"""Unpack the RTF in which Outlook keeps some bodies, and take the words out of it.

Packed RTF is described in [MS-OXRTFCP], HTML wrapped in RTF in [MS-OXRTFEX]. Only the words are
taken: they serve for reading and finding, while the item itself is what is kept.
"""

import re
import struct
from typing import Final

_FILLED: Final = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern "
    b"\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0"
    b"\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_RING: Final = 4096
_HEADER: Final = struct.Struct("<IIII")
_PACKED: Final = 0x75465A4C  # "LZFu"
_PLAIN: Final = 0x414C454D  # "MELA"
_LARGEST: Final = 32 * 1024 * 1024
"""Bytes of RTF that are unpacked; what lies beyond is not read."""

_UTF8: Final = 65001

_TOKEN = re.compile(
    rb"\\([a-z]{1,32})(-?\d{1,10})?[ ]?|\\'([0-9a-fA-F]{2})|\\([^a-z'])|([{}])|[\r\n]+"
    rb"|([^\\{}\r\n]+)"
)
_SKIPPED: Final = frozenset(
    b"fonttbl colortbl stylesheet info pict object header footer headerl headerr headerf footerl"
    b" footerr footerf footnote themedata datastore listtable listoverridetable revtbl rsidtbl"
    b" generator xmlnstbl mmathpr latentstyles colorschememapping filetbl".split()
)
_WORDS: Final = {
    b"par": "\n", b"line": "\n", b"sect": "\n", b"page": "\n", b"row": "\n", b"tab": "\t",
    b"cell": "\t", b"emdash": "\u2014", b"endash": "\u2013", b"lquote": "\u2018",
    b"rquote": "\u2019", b"ldblquote": "\u201c", b"rdblquote": "\u201d", b"bullet": "\u2022",
}  # fmt: skip


def unpacked(data: bytes) -> bytes | None:
    """Return the RTF that is packed in DATA (PidTagRtfCompressed); None when it is none."""
    if len(data) < _HEADER.size:
        return None
    _packed, size, kind, _checksum = _HEADER.unpack_from(data)
    if kind == _PLAIN:
        return data[_HEADER.size : _HEADER.size + size]
    return _lzfu(data, min(size, _LARGEST)) if kind == _PACKED else None


def _lzfu(data: bytes, size: int) -> bytes:
    ring = bytearray(_FILLED.ljust(_RING, b"\0"))
    write = len(_FILLED)
    out = bytearray()
    at = _HEADER.size
    while at < len(data) and len(out) < size:
        control = data[at]
        at += 1
        for bit in range(8):
            if control >> bit & 1:
                if at + 1 >= len(data):
                    return bytes(out[:size])
                offset, length = data[at] << 4 | data[at + 1] >> 4, (data[at + 1] & 15) + 2
                at += 2
                if offset == write:
                    return bytes(out[:size])
                piece = bytearray()
                for step in range(length):
                    letter = ring[(offset + step) % _RING]
                    piece.append(letter)
                    ring[write] = letter
                    write = (write + 1) % _RING
                out += piece
            elif at < len(data):
                out.append(data[at])
                ring[write] = data[at]
                write = (write + 1) % _RING
                at += 1
    return bytes(out[:size])


def words(rtf: bytes) -> str:
    """Return the text of RTF, lines parted by line feeds; any bytes give some text."""
    return _Reader().read(rtf[:_LARGEST])


class _Reader:
    """Walks through RTF; a group inherits from the one around it what it does not set itself."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._bytes = bytearray()  # of the code page, and more of the same letter may follow
        self._charset = "cp1252"
        self._skip = False  # within a group that is no text
        self._after = 1  # letters that stand in for a \u, for programs that do not know it
        self._pending = 0
        self._above: list[tuple[bool, int]] = []
        self._starred = False

    def read(self, rtf: bytes) -> str:
        for found in _TOKEN.finditer(rtf):
            word, number, code, symbol, brace, plain = found.groups()
            if brace:
                self._brace(brace)
            elif word:
                self._word(word, int(number) if number else None)
            elif code:
                self._letters(bytes.fromhex(code.decode()))
            elif symbol:
                self._symbol(symbol)
            elif plain:
                self._letters(plain)
        self._flush()
        return "".join(self._out)

    def _brace(self, brace: bytes) -> None:
        self._flush()
        self._pending = 0
        if brace == b"{":
            self._above.append((self._skip, self._after))
        elif self._above:
            self._skip, self._after = self._above.pop()

    def _symbol(self, symbol: bytes) -> None:
        self._flush()
        if symbol == b"*":
            self._skip = True  # a destination that only some programs know
        elif symbol == b"~":
            self._say("\u00a0")
        elif symbol in b"{}\\":
            self._letters(symbol)
        elif symbol in b"\r\n":
            self._say("\n")

    def _word(self, word: bytes, number: int | None) -> None:
        self._flush()
        if word in _SKIPPED:
            self._skip = True
        elif word == b"htmlrtf":  # what stands in the RTF only, beside the HTML
            self._skip = number != 0
        elif word == b"ansicpg" and number is not None:
            self._charset = f"cp{number}" if number != _UTF8 else "utf-8"
        elif word == b"uc" and number is not None:
            self._after = max(number, 0)
        elif word == b"u" and number is not None:
            self._say(chr(number % 0x10000))
            self._pending = self._after
        elif said := _WORDS.get(word):
            self._say(said)

    def _letters(self, data: bytes) -> None:
        passed = min(self._pending, len(data))
        self._pending -= passed
        if not self._skip:
            self._bytes += data[passed:]

    def _say(self, text: str) -> None:
        self._flush()
        if not self._skip:
            self._out.append(text)

    def _flush(self) -> None:
        if self._bytes:
            try:
                self._out.append(self._bytes.decode(self._charset, "replace"))
            except LookupError:
                self._out.append(self._bytes.decode("cp1252", "replace"))
            self._bytes.clear()
