"""Address headers to mailboxes (RFC 5322, section 3.4): nobody who is named is lost.

The usual form is read by one expression; mail-parser reads the rest by the grammar; what even
that refuses is kept with the address that can be seen in it, or as a bare name.
"""

import re
from collections.abc import Iterable

from archiver.model.reading import Mailbox
from archiver.reading.charsets import clean
from archiver.reading.headers import decode_words, unescape, unfold
from archiver.reading.parser import grammatical_addresses

_MAX_CAREFUL = 500  # items of one header that are read by the grammar: about 10 ms
_LONGEST_ITEM = 4_096
_LONGEST_NAME = 1_000

_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-\x80-\U0010ffff"
_USUAL = re.compile(
    r'[ \t]*+(?:(?:"([^"\\]*+)"[ \t]*+|([^"<>()@,:;\\\[\]]*+))'
    rf"<([{_ATEXT}]++@[A-Za-z0-9.\-_\x80-\U0010ffff]++)>"
    rf"|([{_ATEXT}]++@[A-Za-z0-9.\-_\x80-\U0010ffff]++))[ \t]*+(?:,|\Z)"
)
_ITEM = re.compile(
    r'(?:"(?:[^"\\]|\\.)*+"|\((?:[^()\\]|\\.)*+\)|<[^<>]*+>|[^",(<])*+(?:,|\Z)', re.DOTALL
)
_VISIBLE = re.compile(rf"[{_ATEXT}]{{1,200}}+@[A-Za-z0-9.\-_\x80-\U0010ffff]{{1,255}}+")


def read_mailboxes(raws: Iterable[str]) -> tuple[tuple[Mailbox, ...], tuple[str, ...]]:
    """Return the mailboxes that the RAW values of one address header name, and what is broken.

    What cannot be read is kept as a mailbox whose name is the text and whose address is empty.
    """
    text = ", ".join(unfold(unescape(raw)[0]) for raw in raws).strip(" ,")
    mailboxes: list[Mailbox] = []
    broken: list[str] = []
    careful = 0
    position = 0
    while position < len(text):
        usual = _USUAL.match(text, position)
        if usual:
            mailboxes.append(_mailbox(usual[1] or usual[2] or "", usual[3] or usual[4]))
            position = usual.end()
            continue
        end = _item_end(text, position)
        item = text[position:end].strip(" \t,")
        position = end
        if not item:
            continue
        careful += 1
        found, refused = (
            _by_grammar(item)
            if careful <= _MAX_CAREFUL and len(item) <= _LONGEST_ITEM
            else (_visible(item), [item])
        )
        mailboxes += found
        broken += refused
    return tuple(mailboxes), tuple(broken)


def _item_end(text: str, position: int) -> int:
    """Return where the item at POSITION ends: a group is one item, and so is what is unclosed."""
    found = _ITEM.match(text, position)
    if found is None:
        return len(text)
    if ":" in found[0]:
        close = text.find(";", position)
        return len(text) if close < 0 else close + 1
    return found.end()


def _by_grammar(item: str) -> tuple[list[Mailbox], list[str]]:
    pairs, refused = grammatical_addresses(item)
    if refused and ";" in item and ":" not in item:
        # Outlook's users separate by semicolons, which the grammar keeps for groups.
        pairs, refused = grammatical_addresses(item.replace(";", ","))
    mailboxes = [_mailbox(name, address) for name, address in pairs]
    for raw in refused:
        mailboxes += _visible(raw)
    return mailboxes, refused


def _visible(raw: str) -> list[Mailbox]:
    """Return the one address that can be seen in RAW with the words around it, else its words."""
    addresses = list(_VISIBLE.finditer(raw[:_LONGEST_ITEM]))
    if len(addresses) == 1:
        address = addresses[0]
        around = f"{raw[: address.start()]} {raw[address.end() :]}"
        return [_mailbox(around.strip(" \t<>()[]\"',;"), address[0])]
    if addresses and len(raw) > _LONGEST_ITEM:
        return [_mailbox("", found[0]) for found in addresses]
    return [_mailbox(raw, "")] if raw.strip() else []


def _mailbox(name: str, address: str) -> Mailbox:
    if "=?" in name:
        name = decode_words(name)[0]
    if not name.isprintable():
        name = clean(name)
    if not address.isprintable():
        address = clean(address).strip()
    name = " ".join(name.split())[:_LONGEST_NAME]
    return Mailbox("" if name == address else name, address)
