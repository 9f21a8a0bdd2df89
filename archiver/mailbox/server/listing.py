"""List an account's folders with their status: LIST, STATUS, NAMESPACE.

In one round trip where the server can (RFC 5819, LIST-STATUS); else one for the list and one for
as many STATUS commands as are sent together. Only what a server offers is asked for, and what it
refuses all the same is asked more simply: LIST alone always remains.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from archiver.mailbox.folders import role_of
from archiver.mailbox.server import mutf7, responses, trouble
from archiver.mailbox.server.link import Link
from archiver.mailbox.server.session import Folder, RefusedError
from archiver.model.cursors import Status

TOGETHER: Final = 50
"""STATUS commands on their way at a time: about 5 KB, which no server leaves unread."""

_NOT_SELECTABLE = frozenset({"\\noselect", "\\nonexistent"})
_ENDLESS = (b"#news.", b"#ftp/")
"""Namespaces of old servers that list a whole news feed or file tree."""


@dataclass(frozen=True, slots=True)
class Listing:
    """An account's folders, and how each is written on the wire."""

    folders: tuple[Folder, ...]
    raw_names: Mapping[str, bytes]
    together: bool
    """Whether the statuses came with the list."""


def list_folders(link: Link) -> Listing:
    """List every folder; raise TemporaryNetworkError when that cannot be had.

    A folder whose status the server does not tell has None.
    """
    ways = _ways(link)
    prefixes: tuple[tuple[bytes, bool], ...] = ()
    try:
        namespace = link.begin("NAMESPACE") if link.has("NAMESPACE") else None
        first = link.begin("LIST", '""', '"*"', *ways[0])
        prefixes = _namespaces(link, namespace)
        way = _finish(link, first, ways)
    except RefusedError as error:
        raise trouble.lost(link.place, error.reason) from None
    found = {item.name: item for item in responses.listed(link.take("LIST"))}
    found |= _elsewhere(link, found, prefixes, way)
    told = dict(_statuses(link.take("STATUS")))
    names = _names(found)
    if not told:
        _ask_each(link, [raw for raw, item in found.items() if _selectable(item)])
        asked = dict(_statuses(link.take("STATUS")))
        link.clear()
    else:
        asked = told
    folders = tuple(
        Folder(
            name=name,
            role=role_of(name, found[raw].attributes, found[raw].delimiter),
            selectable=_selectable(found[raw]),
            status=asked.get(_key(raw)),
            foreign=_is_foreign(raw, prefixes),
        )
        for name, raw in names.items()
    )
    return Listing(folders, names, together=bool(told) or not folders)


def raw_names(link: Link) -> Mapping[str, bytes]:
    """Return how each folder is written on the wire, and nothing else of it."""
    link.take("LIST")
    link.ask("LIST", '""', '"*"')
    return _names([item.name for item in responses.listed(link.take("LIST"))])


def _ways(link: Link) -> list[tuple[str, ...]]:
    """Return what to put after the pattern, the best first."""
    special = "SPECIAL-USE " if link.has("SPECIAL-USE") else ""
    ways: list[tuple[str, ...]] = []
    if link.has("LIST-STATUS"):
        wanted = [status_items(link), "(MESSAGES UIDNEXT UIDVALIDITY)"]
        ways += [("RETURN", f"({special}STATUS {items})") for items in dict.fromkeys(wanted)]
    if special and link.has("LIST-EXTENDED"):
        ways.append(("RETURN", "(SPECIAL-USE)"))
    return [*ways, ()]


def status_items(link: Link) -> str:
    """Return what STATUS can be asked for (RFC 3501, RFC 7162, RFC 8474)."""
    items = ["MESSAGES", "UIDNEXT", "UIDVALIDITY"]
    if link.has("CONDSTORE") or link.has("QRESYNC"):
        items.append("HIGHESTMODSEQ")
    if link.has("OBJECTID"):
        items.append("MAILBOXID")
    return f"({' '.join(items)})"


def _finish(link: Link, first: bytes, ways: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Wait for the LIST that was sent; ask more simply while it is refused; return what was."""
    try:
        link.finish(first)
    except RefusedError:
        if len(ways) == 1:
            raise
    else:
        return ways[0]
    link.take("LIST")
    return _finish(link, link.begin("LIST", '""', '"*"', *ways[1]), ways[1:])


def _namespaces(link: Link, tag: bytes | None) -> tuple[tuple[bytes, bool], ...]:
    if tag is None:
        return ()
    try:
        link.finish(tag)
    except RefusedError:
        return ()
    return tuple(responses.namespaces(link.take("NAMESPACE")))


def _elsewhere(
    link: Link,
    found: Mapping[bytes, responses.Listed],
    prefixes: Iterable[tuple[bytes, bool]],
    way: tuple[str, ...],
) -> dict[bytes, responses.Listed]:
    """List the namespaces of which ``*`` showed nothing (RFC 2342, section 5)."""
    hidden = [
        prefix
        for prefix, _foreign in prefixes
        if prefix
        and not prefix.startswith(_ENDLESS)
        and mutf7.sendable(prefix)
        and not any(raw.startswith(prefix) or raw == prefix[:-1] for raw in found)
    ]
    tags = [link.begin("LIST", '""', mutf7.quoted(prefix + b"*"), *way) for prefix in hidden]
    for tag in tags:
        try:
            link.finish(tag)
        except RefusedError:
            continue  # there is none, or it is not ours to see
    items = responses.listed(link.take("LIST")) if tags else ()
    return {item.name: item for item in items if item.name not in found}


def _ask_each(link: Link, raws: Sequence[bytes]) -> None:
    """Ask for the status of each folder by itself, several at a time."""
    items = status_items(link)
    for some in responses.chunks([raw for raw in raws if mutf7.sendable(raw)], TOGETHER):
        for tag in [link.begin("STATUS", mutf7.quoted(raw), items) for raw in some]:
            try:
                link.finish(tag)
            except RefusedError:
                continue  # the folder is looked at by opening it


def _statuses(items: Iterable[responses.Item]) -> Iterable[tuple[bytes, Status]]:
    for raw, attributes in responses.statuses(items):
        validity, following, exists, modseq = (
            responses.number(attributes.get(name))
            for name in (b"UIDVALIDITY", b"UIDNEXT", b"MESSAGES", b"HIGHESTMODSEQ")
        )
        if not (validity and following and exists is not None):
            continue
        if validity <= responses.MOST and following <= responses.MOST + 1 >= exists:
            identity = attributes.get(b"MAILBOXID")
            identity = identity[0] if isinstance(identity, tuple) and identity else None
            yield (
                _key(raw),
                Status(
                    uidvalidity=validity,
                    uidnext=following,
                    exists=exists,
                    modseq=modseq or None,  # 0: the server keeps none for this folder
                    mailbox_id=responses.text(identity),
                ),
            )


def _key(raw: bytes) -> bytes:
    return b"INBOX" if raw.upper() == b"INBOX" else raw


def _selectable(item: responses.Listed) -> bool:
    return _NOT_SELECTABLE.isdisjoint(item.attributes)


def _is_foreign(raw: bytes, prefixes: Iterable[tuple[bytes, bool]]) -> bool:
    """Tell by the longest prefix whose folder it is; an empty one may be anybody's (Cyrus)."""
    if raw.upper() == b"INBOX":
        return False
    own_first = sorted(prefixes, key=lambda each: (-len(each[0]), each[1]))
    for prefix, foreign in own_first:
        if raw.startswith(prefix) or (prefix and raw == prefix[:-1]):
            return foreign
    return False


def _names(raws: Iterable[bytes]) -> dict[str, bytes]:
    """Name each folder for people; a name that is no modified UTF-7 is shown as it stands."""
    decoded = {raw: mutf7.decode(raw) for raw in raws}
    proper = frozenset(decoded.values())
    names: dict[str, bytes] = {}
    for raw, name in decoded.items():
        if _key(raw) == b"INBOX":  # in any case of letters it is this one
            names.setdefault("INBOX", raw)
            continue
        if name is None:
            name = raw.decode("utf-8", "backslashreplace")  # noqa: PLW2901 - the same, mended
            if name in proper or name in names:
                name = f"{name} [{raw.hex()}]"  # noqa: PLW2901 - two spellings of one name
        names[name] = raw
    return names
