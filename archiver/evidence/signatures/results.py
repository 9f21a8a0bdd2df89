"""Authentication-Results (RFC 8601): what a server says that it verified.

Anybody can write such a field. Only the topmost ones, above every Received and by a server that the
account's owner named as the provider's own, are taken; what a sender put below is not even read.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from archiver.evidence.signatures.fields import address_domain, aligned, clean
from archiver.evidence.signatures.message import Message, unfolded
from archiver.model.origin import Claim

Results = tuple[tuple[str, str, str], ...]
"""(method, result, domain) for each result of a field."""

MAX_CLAIMS: Final = 32
_FAILED: Final = frozenset({"fail", "softfail", "hardfail"})
_MAX_VALUE: Final = 16 * 1024
_METHOD = re.compile(
    r"\s*([A-Za-z][A-Za-z0-9_-]{0,63})\s*(?:/\s*\d{1,9}\s*)?=\s*([A-Za-z0-9_-]{1,64})"
)
_PROPERTY = re.compile(
    r"(?<!\S)([a-z]{1,32})\s?\.\s?([A-Za-z0-9_-]{1,64})\s?=\s?(\"[^\"]{0,512}\"|[^\s;\"]{1,512})"
    r"|\"[^\"]*\"?",  # a quoted text, of a reason: what it says of properties is the sender's word
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

    The first such field must be of one of them and stand above every Received: the server that took
    the message in wrote above what it got. Those of the same server directly below it, with no
    other field between, count as well. When they contradict each other, none does; nor
    does any in a header of which other programs may read another From, or of very many.
    """
    wanted = {server.strip().lower() for server in servers}
    block = list(_block(message)) if wanted and message.sound else []
    if not block or block[0][0] not in wanted or _contradict([results for _s, results in block]):
        return ()
    claims = tuple(
        Claim(server=server, method=method, result=result, domain=domain)
        for server, results in block
        for method, result, domain in results
    )
    return claims if len(claims) <= MAX_CLAIMS else ()


def _block(message: Message) -> Iterator[tuple[str, Results]]:
    """Yield the topmost such fields of one server, with nothing between, above every Received."""
    first = ""
    for name, value in message.fields:
        match name.lower():
            case b"authentication-results":
                server, results = read_results(unfolded(value))
                if first and server != first:
                    return
                if not server:
                    return
                first = server
                yield server, results
            case b"received":
                return
            case _ if first:
                return


def _contradict(fields: Sequence[Results]) -> bool:
    """Tell whether one of FIELDS says that a method passed, and another that it did not."""
    passed: dict[str, set[int]] = {}
    others: dict[str, set[int]] = {}
    for number, results in enumerate(fields):
        for method, result, _domain in results:
            (passed if result == "pass" else others).setdefault(method, set()).add(number)
    return any(len(passed[method] | others[method]) > 1 for method in passed.keys() & others)


def read_results(text: str) -> tuple[str, Results]:
    """Read a field's value: the authserv-id, and (method, result, domain) for each result.

    Of a field that is too long, or has more than MAX_CLAIMS, none: what failed may be the last.
    """
    first, *rest = _segments(text[:_MAX_VALUE])
    words = first.replace('"', "").split()
    results = (_result(segment) for segment in rest)
    found = tuple(result for result in results if result is not None)
    whole = len(text) <= _MAX_VALUE and len(found) <= MAX_CLAIMS
    return clean(words[0]).lower() if words else "", found if whole else ()


def read_sealed(text: str) -> tuple[int, str, Results]:
    """Read an ARC-Authentication-Results: its instance (0: none), and as ``read_results``."""
    match = _INSTANCE.match(text)
    if match is None:
        return 0, "", ()
    return int(match[1]), *read_results(text[match.end() :])


def passes(claims: Sequence[tuple[str, str, str]], author: str) -> bool:
    """Tell whether CLAIMS say that something of the AUTHOR's own domain passed.

    DMARC is about that domain even where it is not named. A method that failed as well passed
    nothing, and where DMARC failed, nothing passed.
    """
    failed = {method for method, result, _domain in claims if result in _FAILED}
    return "dmarc" not in failed and any(
        result == "pass"
        and method not in failed
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
        if kind
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
    # An escaped quote ends no quoted text, and no domain holds one.
    for character in _PAIR.sub(lambda pair: "\\ " if pair[1] == '"' else pair[0], text):
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
_PAIR = re.compile(r"\\(.)", re.DOTALL)
