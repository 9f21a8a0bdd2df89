"""What the other header fields say: whose address is in From, when the message was sent and came.

Nothing here raises, whatever a stranger wrote.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from archiver.evidence.signatures.message import Message, unfolded

_LONGEST: Final = 255
_MAX_ADDRESSES: Final = 4_096
_MAX_NESTING: Final = 50
_YEARS: Final = range(1982, 2100)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\Z")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\Z")
_SPACE = re.compile(r"\s+")

# Names under which strangers register theirs. A signing domain that is one of them is nobody's
# organisational domain. The public suffix list has thousands; these are the common ones, and an
# unknown one costs belief only where somebody signs mail for a whole registry.
_SECOND_LEVEL_NAMES: Final = """
    ac ad asso co com ed edu ernet fin firm gen go gob gob gouv gov gr gub ind inf info int k12
    law lg ltd me med mil muni museum name ne net nhs nic nom nsf or org plc police prd presse
    press pro res rnu sch tm web
"""
_SECOND_LEVEL: Final = frozenset(_SECOND_LEVEL_NAMES.split())
_COUNTRY: Final = 2
_SHARED_NAMES: Final = """
    appspot.com azurewebsites.net blogspot.com centralnic.com cloudfront.net co.com com.de
    eu.com eu.org fr.eu.org gb.net github.io gmbh.de herokuapp.com netlify.app onmicrosoft.com
    pages.dev uk.com uk.net us.com vercel.app web.app workers.dev
"""
_SHARED: Final = frozenset(_SHARED_NAMES.split())


def clean(value: bytes | str) -> str:
    """Return a stranger's word as short printable text on one line."""
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
    text = text[: 4 * _LONGEST]
    if not text.isprintable():
        text = "".join(character for character in text if character.isprintable())
    return text.strip()[:_LONGEST]


def dns_name(selector: bytes, domain: bytes) -> str:
    """Return ``selector._domainkey.domain`` in lower case, or nothing when it cannot be asked."""
    try:
        parts = [_ascii(part.decode("utf-8")) for part in (selector, domain)]
    except UnicodeError:
        return ""
    name = "._domainkey.".join(parts)
    labels = name.split(".")
    if len(name) > _LONGEST - 2 or not all(_LABEL.match(label) for label in labels):
        return ""
    return name


def _ascii(text: str) -> str:
    """Return a domain as DNS knows it (RFC 8616); raises UnicodeError."""
    text = text.lower()
    return text if text.isascii() else text.encode("idna").decode("ascii")


def aligned(signing: str, author: str) -> bool:
    """Tell whether the SIGNING domain answers for the AUTHOR's: the same, or the one above it.

    Stricter than DMARC (RFC 7489, section 3.1.1): a domain below the author's, or beside it, does
    not count, and neither does one under which anybody can register a name.
    """
    signing, author = signing.rstrip("."), author.rstrip(".")
    if not signing or not author:
        return False
    if signing == author:
        return True
    return author.endswith(f".{signing}") and not _is_public(signing)


def _is_public(domain: str) -> bool:
    labels = domain.split(".")
    if len(labels) == 1 or domain in _SHARED:
        return True
    second, top = labels[-2:]
    return len(labels) == 2 and len(top) == _COUNTRY and second in _SECOND_LEVEL  # noqa: PLR2004


def from_address(message: Message) -> str:
    """Return the one address in From, lower case, or nothing: no From, two, or several people."""
    from email.utils import getaddresses

    fields = message.named(b"from")
    text = unfolded(fields[0][1])[:_MAX_ADDRESSES] if len(fields) == 1 else ""
    if text.count("(") > _MAX_NESTING:  # the standard library descends into each
        return ""
    try:
        addresses = [address for _name, address in getaddresses([text]) if address]
    except (ValueError, IndexError, TypeError, AttributeError, RecursionError):
        return ""
    found = clean(addresses[0]).lower() if len(addresses) == 1 else ""
    return found if _ADDRESS.match(found) else ""


def address_domain(address: str) -> str:
    """Return what stands after the @ in lower case, as DNS knows it, or nothing."""
    _local, _at, domain = address.strip().rpartition("@")
    try:
        domain = _ascii(domain.strip().rstrip("."))
    except UnicodeError:
        return ""
    return domain if len(domain) <= _LONGEST and _is_name(domain.split(".")) else ""


def _is_name(labels: Sequence[str]) -> bool:
    return all(_LABEL.match(label) for label in labels)


def date_of(message: Message) -> datetime | None:
    """Return what the Date field says (RFC 5322, section 3.6.1), None when it says nothing."""
    fields = message.named(b"date")
    return _date(unfolded(fields[0][1])) if fields else None


def received_at(message: Message) -> datetime | None:
    """Return when the topmost Received says that it came (RFC 5321, section 4.4)."""
    fields = message.named(b"received")
    return _date(unfolded(fields[0][1]).rpartition(";")[2]) if fields else None


def _date(text: str) -> datetime | None:
    from email.utils import parsedate_to_datetime

    try:
        found = parsedate_to_datetime(_SPACE.sub(" ", text[:_LONGEST]).strip())
        found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError, RecursionError):
        return None
    return found if found.year in _YEARS else None
