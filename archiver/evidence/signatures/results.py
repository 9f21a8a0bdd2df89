"""Authentication-Results (RFC 8601): what a server says that it verified.

Anybody can write such a field. Only the topmost ones, by a server that the account's owner named as
the provider's own, are taken; what a sender put below them is not even read.
"""

import re
from collections.abc import Collection, Sequence
from typing import Final

from archiver.evidence.signatures.fields import address_domain, aligned, clean
from archiver.evidence.signatures.message import Message, unfolded
from archiver.model.origin import Claim

MAX_CLAIMS: Final = 32
_MAX_VALUE: Final = 16 * 1024
_METHOD = re.compile(
    r"\s*([A-Za-z][A-Za-z0-9_-]{0,63})\s*(?:/\s*\d{1,9}\s*)?=\s*([A-Za-z0-9_-]{1,64})"
)
_PROPERTY = re.compile(
    r"\b([a-z]{1,32})\s?\.\s?([A-Za-z0-9_-]{1,64})\s?=\s?(\"[^\"]{0,512}\"|[^\s;\"]{1,512})",
    re.IGNORECASE,
)
_INSTANCE = re.compile(r"\s*i\s*=\s*(\d{1,3})\s*;", re.IGNORECASE)
_ABOUT: Final = {
    "dkim": (("header", "d"), ("header", "i")),
    "domainkeys": (("header", "d"), ("header", "from")),
    "spf": (("smtp", "mailfrom"), ("smtp", "mfrom"), ("smtp", "helo")),
    "dmarc": (("header", "from"),),
    "arc": (("header", "d"),),
}
"""The properties that name the domain a method was about, the best one first."""


def claims_of(message: Message, servers: Collection[str]) -> tuple[Claim, ...]:
    """Return what the topmost Authentication-Results of one of SERVERS claim.

    The first such field of the message must be of one of them, and those directly below it, with
    no other field between, count as well; the rest may be anybody's.
    """
    wanted = {server.strip().lower() for server in servers}
    if not wanted:
        return ()
    claims: list[Claim] = []
    begun = False
    for name, value in message.fields:
        if name.lower() != b"authentication-results":
            if begun:
                break
            continue
        server, results = read_results(unfolded(value))
        if server not in wanted:
            break
        begun = True
        claims += [Claim(server=server, method=m, result=r, domain=d) for m, r, d in results]
    return tuple(claims[:MAX_CLAIMS])


def read_results(text: str) -> tuple[str, tuple[tuple[str, str, str], ...]]:
    """Read a field's value: the authserv-id, and (method, result, domain) for each result."""
    first, *rest = _segments(text[:_MAX_VALUE])
    words = first.replace('"', "").split()
    results = (_result(segment) for segment in rest)
    found = tuple(result for result in results if result is not None)
    return clean(words[0]).lower() if words else "", found[:MAX_CLAIMS]


def read_sealed(text: str) -> tuple[int, str, tuple[tuple[str, str, str], ...]]:
    """Read an ARC-Authentication-Results: its instance (0: none), and as ``read_results``."""
    match = _INSTANCE.match(text)
    if match is None:
        return 0, "", ()
    return int(match[1]), *read_results(text[match.end() :])


def passes(claims: Sequence[tuple[str, str, str]], author: str) -> bool:
    """Tell whether CLAIMS say that something of the AUTHOR's own domain passed.

    DMARC is about that domain even where it is not named.
    """
    return any(
        result == "pass"
        and method in {"dkim", "dmarc", "spf"}
        and (aligned(domain, author) or (method == "dmarc" and not domain and bool(author)))
        for method, result, domain in claims
    )


def _result(segment: str) -> tuple[str, str, str] | None:
    match = _METHOD.match(segment)
    if match is None:
        return None
    method = match[1].lower()
    properties = {
        (kind.lower(), name.lower()): value.strip('"')
        for kind, name, value in reversed(_PROPERTY.findall(segment[match.end() :]))
    }
    for about in _ABOUT.get(method, ()):
        if value := properties.get(about):
            domain = address_domain(value if "@" in value else f"@{value}")
            return method, match[2].lower(), domain
    return method, match[2].lower(), ""


def _segments(text: str) -> list[str]:
    """Split at the semicolons that stand neither in quotes nor in a comment; drop comments."""
    segments: list[list[str]] = [[]]
    depth, quoted, escaped = 0, False, False
    for character in text:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
            continue
        elif quoted or depth == 0:
            if character == '"':
                quoted = not quoted
            elif not quoted and character == "(":
                depth = 1
                segments[-1].append(" ")
                continue
            elif not quoted and character == ";":
                segments.append([])
                continue
        elif character in "()":
            depth += 1 if character == "(" else -1
            continue
        if depth == 0:
            segments[-1].append(character)
    return [_SPACE.sub(" ", "".join(segment)) for segment in segments]


_SPACE = re.compile(r"\s+")
