"""Header fields to words: unfolding, 8-bit text, encoded words, parameters, identifiers.

Sources: RFC 5322 (fields, folding, identifiers), RFC 6532 (UTF-8 in headers), RFC 2047 (encoded
words), RFC 2045 and 2231 (parameters). Each function takes what travels, not what is allowed.
"""

import re
from binascii import a2b_qp
from urllib.parse import unquote_to_bytes

from archiver.reading.mime.charsets import clean, decode
from archiver.reading.mime.transfer import lenient_base64

MAX_IDENTIFIERS = 200
_MAX_STRUCTURED = 65_536
_LONGEST_IDENTIFIER = 998  # RFC 5322, section 2.1.1: the longest line

_FOLD = re.compile(r"[\r\n]+[ \t]*")
_ENCODED_WORD = re.compile(r"=\?([^?\s]{0,60})\?([bBqQ])\?([^?]*)\?=")
_PARAMETER = re.compile(
    r';\s*+([^=;\s"]++)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)(?:"|\Z)|([^;]*+))', re.DOTALL
)
_SEGMENT = re.compile(r"([^*]+)(?:\*(\d{1,4}))?(\*?)\Z")
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_BRACKETED = re.compile(r"<([^<>]*)>")


def unescape(raw: str) -> tuple[str, str]:
    """Return RAW, whose bytes above 127 are surrogates (PEP 383), as text, and a defect code."""
    if raw.isascii():
        return raw, ""
    data = raw.encode("utf-8", "surrogateescape")
    try:
        return data.decode("utf-8"), ""
    except UnicodeDecodeError:
        return decode(data, "")[0], "header-8bit"


def unfold(text: str) -> str:
    """Return TEXT on one line: a fold is one space, as every reader shows it."""
    return _FOLD.sub(" ", text).strip(" \t\r\n") if "\n" in text or "\r" in text else text.strip()


def decode_value(raw: str) -> tuple[str, str]:
    """Return a header's value as a person reads it, on one line, and a defect code or nothing."""
    line = unfold(raw)
    if line.isascii() and line.isprintable() and "=?" not in line:
        return line, ""
    text, problem = unescape(line)
    if "=?" in text:
        text, damaged = decode_words(text)
        problem = problem or damaged
    # Encoded line breaks would forge further headers wherever the value is shown.
    return " ".join(clean(text).replace("\t", " ").splitlines()).strip(), problem


def decode_words(text: str) -> tuple[str, str]:
    """Return TEXT with its encoded words decoded (RFC 2047), and a defect code or nothing.

    Adjacent words of one character set are decoded as one, because many senders cut characters
    in two; words inside quotes are decoded too, because that is what their senders meant.
    """
    pieces: list[str] = []
    pending = b""
    charset = problem = ""
    end = 0
    for word in _ENCODED_WORD.finditer(text):
        gap = text[end : word.start()]
        adjacent = end > 0 and (not gap or gap.isspace())
        this = word[1].partition("*")[0].lower()
        data, damaged = _word_bytes(word[2], word[3])
        if not (adjacent and this == charset):
            decoded, wrong = _decode_pending(pending, charset)
            pieces.append(decoded)
            if not adjacent:
                pieces.append(gap)
            pending = b""
            problem = problem or wrong
        pending += data
        charset = this
        end = word.end()
        problem = problem or damaged
    decoded, wrong = _decode_pending(pending, charset)
    pieces += (decoded, text[end:])
    return "".join(pieces), problem or wrong


def _decode_pending(data: bytes, charset: str) -> tuple[str, str]:
    if not data:
        return "", ""
    text, problem = decode(data, charset)
    return text, "encoded-word" if problem else ""


def _word_bytes(encoding: str, payload: str) -> tuple[bytes, str]:
    """Return the bytes of one encoded word, and a defect code or nothing."""
    data = payload.encode("utf-8", "replace")
    if encoding in "qQ":
        return a2b_qp(data, header=True), ""
    try:
        decoded = lenient_base64(data)
    except ValueError:
        return data, "encoded-word"
    whole = len(data.strip().rstrip(b"=")) * 3 // 4 == len(decoded)
    return decoded, "" if whole else "encoded-word"


def split_parameters(raw: str) -> tuple[str, dict[str, str]]:
    """Split a structured value such as a Content-Type into its first word and its parameters.

    The first word and the names are in lower case; values are unquoted, joined from their
    continuations and decoded (RFC 2231, and RFC 2047 where senders wrongly use it). Of two
    parameters of one name the first counts, an extended one (``name*``) before a plain one.
    """
    value = unescape(unfold(raw[:_MAX_STRUCTURED]))[0]
    first = value.partition(";")[0].strip().lower()
    plain: dict[str, str] = {}
    extended: dict[str, list[tuple[int, bool, str]]] = {}
    for found in _PARAMETER.finditer(value):
        text = _QUOTED_PAIR.sub(r"\1", found[2]) if found[2] is not None else found[3].strip()
        segment = _SEGMENT.match(found[1].lower())
        if segment is None:
            continue
        name, number, star = segment.groups()
        if number is None and not star:
            plain.setdefault(name, decode_value(text)[0] if "=?" in text else text)
        else:
            extended.setdefault(name, []).append((int(number or 0), bool(star), text))
    return first, plain | {name: _join(segments) for name, segments in extended.items()}


def _join(segments: list[tuple[int, bool, str]]) -> str:
    """Join the continuations of one parameter and decode them (RFC 2231, sections 3 and 4)."""
    charset = ""
    data = b""
    for place, (_number, encoded, text) in enumerate(sorted(segments, key=lambda item: item[0])):
        if place == 0 and encoded and text.count("'") > 1:
            charset, _language, text = text.split("'", 2)  # noqa: PLW2901 -- what is left of it
        data += unquote_to_bytes(text) if encoded else text.encode("utf-8", "replace")
    return decode(data, charset)[0]


def identifiers(raw: str) -> tuple[str, ...]:
    """Return the message identifiers of a References or In-Reply-To header, without brackets.

    Folds inside an identifier are undone. Without any brackets, words that hold an ``@`` count.
    """
    value = clean(unescape(raw)[0])
    found = ["".join(inside.split()) for inside in _BRACKETED.findall(value)]
    if not found:
        found = [word.strip("<>,;\"'()") for word in value.split() if "@" in word]
    return tuple(dict.fromkeys(item for item in found if item and len(item) <= _LONGEST_IDENTIFIER))


def message_identifier(raw: str) -> str:
    """Return the identifier of a Message-ID header; a broken one is taken as it stands."""
    inside = _BRACKETED.search(raw)
    value = clean(unescape(inside[1] if inside else raw)[0])
    return "".join(value.split()).strip("<>")[:_LONGEST_IDENTIFIER]


def capped(found: tuple[str, ...]) -> tuple[str, ...]:
    """Keep the first identifier, which names the thread, and the last ones (RFC 1036, 2.2.5)."""
    if len(found) <= MAX_IDENTIFIERS:
        return found
    return (found[0], *found[1 - MAX_IDENTIFIERS :])
