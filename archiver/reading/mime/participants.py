"""Address headers to mailboxes (RFC 5322, section 3.4): nobody who is named is lost.

The usual form is read by one expression; mail-parser reads the rest by the grammar; what even
that refuses is kept with the address that can be seen in it, or as a bare name.
"""

import re
from collections.abc import Iterable

from archiver.model.reading import Mailbox
from archiver.reading.mime.charsets import clean
from archiver.reading.mime.headers import decode_words, unescape, unfold
from archiver.reading.mime.parser import grammatical_addresses

_MAX_CAREFUL = 1_000  # items of one header that are read by the grammar: about 50 ms
_LONGEST_ITEM = 4_096
_LONGEST_NAME = 1_000

_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-\x80-\U0010ffff"
_DOMAIN = r"A-Za-z0-9.\-_\x80-\U0010ffff"
# What nearly all mailboxes are. A semicolon ends a group, or separates as Outlook's users do.
_USUAL = re.compile(
    r'[ \t]*+(?:(?:"([^"\\]*+)"[ \t]*+|([^"<>()@,:;\\\[\]]*+))'
    rf"<([{_ATEXT}]++@[{_DOMAIN}]++)>|([{_ATEXT}]++@[{_DOMAIN}]++))[ \t]*+(?:[,;]|\Z)"
)
_GROUP_NAME = re.compile(
    r'(?:[^"<>()@,:;\\\[\]]++|"(?:[^"\\]|\\.)*+"|\((?:[^()\\]|\\.)*+\))*+:', re.DOTALL
)
_ITEM = re.compile(
    r'(?:"(?:[^"\\]|\\.)*+"|\((?:[^()\\]|\\.)*+\)|<[^<>]*+>|[^",;(<]++)*+(?:[,;]|\Z)', re.DOTALL
)
_VISIBLE = re.compile(rf"[{_ATEXT}]{{1,64}}+@[{_DOMAIN}]{{1,255}}+")


def read_mailboxes(raws: Iterable[str]) -> tuple[tuple[Mailbox, ...], tuple[str, ...]]:
    """Return the mailboxes that the RAW values of one address header name, and what is broken.

    What cannot be read is kept as a mailbox whose name is the text and whose address is empty.
    """
    text = ", ".join(unfold(unescape(raw)[0]) for raw in raws)
    mailboxes: list[Mailbox] = []
    broken: list[str] = []
    careful = position = 0
    while position < len(text):
        usual = _USUAL.match(text, position)
        if usual:
            mailboxes.append(_mailbox(usual[1] or usual[2] or "", usual[3] or usual[4]))
            position = usual.end()
            continue
        group = _GROUP_NAME.match(text, position, position + _LONGEST_ITEM)
        if group:
            position = group.end()
            continue
        if careful == _MAX_CAREFUL:
            rest = text[position:]
            return (*mailboxes, *_visible(rest)), (*broken, rest)
        end = _item_end(text, position)
        item = text[position:end].strip(" \t,;")
        position = end
        if item:
            careful += 1
            found, refused = _by_grammar(item)
            mailboxes += found
            broken += refused
    return tuple(mailboxes), tuple(broken)


def _item_end(text: str, position: int) -> int:
    """Return where the item at POSITION ends; what is unclosed or endless is cut."""
    limit = position + _LONGEST_ITEM
    found = _ITEM.match(text, position, limit)
    return found.end() if found else min(limit, len(text))


def _by_grammar(item: str) -> tuple[list[Mailbox], list[str]]:
    pairs, refused = grammatical_addresses(item)
    mailboxes = [_mailbox(name, address) for name, address in pairs]
    for raw in refused:
        mailboxes += _visible(raw)
    return mailboxes, refused


def _visible(raw: str) -> list[Mailbox]:
    """Return the addresses that can be seen in RAW, a single one with its words, else the words."""
    addresses = _VISIBLE.findall(raw)
    if len(addresses) > 1:
        return [_mailbox("", address) for address in dict.fromkeys(addresses)]
    if not addresses:
        return [_mailbox(raw.strip(), "")] if raw.strip() else []
    name = " ".join(raw.split(addresses[0], 1))
    return [_mailbox(name.strip(" \t<>()[]\"',;"), addresses[0])]


def _mailbox(name: str, address: str) -> Mailbox:
    if "=?" in name:
        name = decode_words(name)[0]
    if not name.isprintable():
        name = clean(name)
    if not address.isprintable():
        address = clean(address).strip()
    name = " ".join(name.split())[:_LONGEST_NAME]
    return Mailbox("" if name == address else name, address)
