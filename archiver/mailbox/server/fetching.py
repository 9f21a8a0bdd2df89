"""Read the open folder: UIDs, outlines, headers and bodies, all by UID FETCH and BODY.PEEK.

Sequence numbers are never used, so that no EXISTS, EXPUNGE or VANISHED that comes in between can
shift anything; each answer stands for itself, and one that cannot be read counts as not given.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from gettext import gettext as _

from archiver.errors import TemporaryNetworkError
from archiver.mailbox.server import mutf7, responses
from archiver.mailbox.server.link import Link
from archiver.mailbox.server.session import MAX_MESSAGE, Outline, RefusedError
from archiver.model.uidset import format_uids

PART = 1024 * 1024
"""Bytes asked for at a time of a large message."""

_UID_ONLY = re.compile(rb"[0-9]+ \(UID ([0-9]{1,10})\)\Z")
_WHOLE = b"BODY[]"
_PIECE = re.compile(rb"BODY\[\]<([0-9]{1,10})>\Z")
_HEADER = b"BODY[HEADER"
_FIELD = re.compile(r"[!-9;-~]+\Z")
_UNKNOWN = -1
_NEWS = frozenset({"EXPUNGE", "VANISHED"})


class Fetcher:
    """Asks for messages of the folder that is open."""

    def __init__(self, link: Link) -> None:
        """Fetch over LINK."""
        self._link = link
        self._exists = 0
        self._news = False
        gmail = " X-GM-MSGID X-GM-LABELS" if link.has("X-GM-EXT-1") else ""
        self._outline = f"(UID RFC822.SIZE INTERNALDATE FLAGS{gmail})"

    def opened(self, exists: int) -> None:
        """Begin with a folder that was just opened."""
        self._exists, self._news = exists, False
        self._link.clear()

    def news(self) -> bool:
        """Tell whether messages came or went since this was last asked."""
        self._notice()
        news, self._news = self._news, False
        return news

    def uids(self, first: int) -> tuple[int, ...]:
        """Enumerate from FIRST on (RFC 3501, section 6.4.8: ``UID FETCH first:* (UID)``)."""
        self._notice()
        if not self._exists:
            return ()  # 1:* names no message then, and some servers say BAD
        found: set[int] = set()
        odd: list[responses.Item] = []
        for item in self._uid_fetch(f"{first}:*", "(UID)"):
            plain = _UID_ONLY.match(item) if isinstance(item, bytes) else None
            if plain:
                found.add(int(plain[1]))
            else:
                odd.append(item)
        found.update(uid for uid, _attributes in responses.fetched(odd))
        # n:* always names the last message, whose UID may be below n (RFC 3501, section 6.4.8).
        return tuple(sorted(uid for uid in found if first <= uid <= responses.MOST))

    def outlines(self, uids: Sequence[int]) -> Mapping[int, Outline]:
        """Ask for size, INTERNALDATE, flags, and on Gmail number and labels, of UIDS."""
        return {
            uid: _outline(attributes) for uid, attributes in self._attributes(uids, self._outline)
        }

    def headers(self, uids: Sequence[int], fields: Sequence[str]) -> Mapping[int, bytes]:
        """Ask for header FIELDS of UIDS (RFC 3501, section 6.4.5: HEADER.FIELDS)."""
        if not fields or not all(map(_FIELD.match, fields)):
            raise ValueError(f"not names of header fields: {fields!r}")
        names = " ".join(field.upper() for field in fields)
        found: dict[int, bytes] = {}
        answers = self._attributes(uids, f"(UID BODY.PEEK[HEADER.FIELDS ({names})])")
        for uid, attributes in answers:
            for name, value in attributes.items():
                # Servers give the list back in another order, quoted, or cut short.
                if name.startswith(_HEADER) and isinstance(value, bytes):
                    found[uid] = value
        return found

    def fetch(self, uids: Sequence[int]) -> Iterator[tuple[int, bytes | None]]:
        """Fetch the bytes of UIDS in one command (RFC 3501, section 6.4.5: BODY.PEEK[])."""
        missing = dict.fromkeys(uids)
        failed: Exception | None = None
        items: list[responses.Item] = []
        try:
            items = self._uid_fetch(format_uids(uids), "(UID BODY.PEEK[])")
        except (RefusedError, TemporaryNetworkError) as error:
            failed, items = error, self._link.take("FETCH")  # what came before it is whole
        for uid, attributes in responses.fetched(items):
            data = attributes.get(_WHOLE)
            if uid in missing and isinstance(data, bytes):
                del missing[uid]
                yield uid, data
        if failed is not None:
            raise failed
        for uid in missing:
            yield uid, None

    def fetch_in_parts(self, uid: int, size: int | None, start: int = 0) -> Iterator[bytes]:
        """Fetch one message by partial fetches of 1 MiB (``BODY.PEEK[]<offset.count>``).

        How long a piece is says nothing: some servers hand out smaller ones. The end is an empty
        piece, or where SIZE is reached and the server has no more to say. Where it has no more to
        say before that, the message is asked for whole: SIZE may be an estimate, or somebody
        deleted the message meanwhile.
        """
        at = start
        while at <= MAX_MESSAGE:
            piece = self._piece(uid, at)
            if not piece:
                reached = piece is not None if size is None else at >= size
                if at == 0 and piece is not None:
                    yield piece
                elif at and not reached:
                    yield self._rest(uid, at)
                return
            at += len(piece)
            yield piece
            del piece  # before the next one comes
        raise RefusedError(_("the message is larger than the archiver can hold"))

    def _rest(self, uid: int, start: int) -> bytes:
        """Return what the message holds from START on, by fetching all of it."""
        with suppress(RefusedError):
            for _uid, data in self.fetch((uid,)):
                if data is not None and len(data) >= start:
                    return data[start:]
        raise RefusedError(_("the server stopped handing out the message midway"))

    def _attributes(
        self, uids: Sequence[int], what: str
    ) -> Iterator[tuple[int, dict[bytes, responses.Value]]]:
        """Ask for WHAT of UIDS; one answer each, put together from what came."""
        asked = frozenset(uids)
        found: dict[int, dict[bytes, responses.Value]] = {}
        for uid, attributes in responses.fetched(self._uid_fetch(format_uids(uids), what)):
            if uid in asked:
                # A later answer may be unsolicited and tell less: it adds, it does not replace.
                found.setdefault(uid, {}).update(attributes)
        yield from found.items()

    def _uid_fetch(self, uids: str, what: str) -> list[responses.Item]:
        self._notice()
        self._link.clear()  # unsolicited answers pile up otherwise
        try:
            self._link.ask("UID", "FETCH", uids, what)
        finally:
            self._notice()
        return self._link.take("FETCH")

    def _notice(self) -> None:
        """Notice what the server told of its own accord."""
        exists = self._link.number("EXISTS")
        if exists is not None and exists != self._exists:
            self._exists, self._news = exists, True
        if not _NEWS.isdisjoint(self._link.imap.untagged_responses):
            # How many are left is not known: the next EXISTS is news, whatever it says.
            self._news, self._exists = True, _UNKNOWN
            self._link.take("EXPUNGE")
            self._link.take("VANISHED")

    def _piece(self, uid: int, start: int) -> bytes | None:
        """Return what the message holds from START on, at most PART bytes; empty after its end.

        None: nothing was handed out.
        """
        try:
            items = self._uid_fetch(str(uid), f"(UID BODY.PEEK[]<{start}.{PART}>)")
        except RefusedError:
            if start:  # some servers refuse to answer beyond the end
                return None
            raise
        for found, attributes in responses.fetched(items):
            for name, value in attributes.items():
                origin = _PIECE.match(name)
                if found == uid and origin and int(origin[1]) == start:
                    # A server that knows no counts sends the rest: that is the rest.
                    return value if isinstance(value, bytes) else None
                if found == uid and name == _WHOLE and start == 0 and isinstance(value, bytes):
                    return value
        return None


def _outline(attributes: Mapping[bytes, responses.Value]) -> Outline:
    size, flags = attributes.get(b"RFC822.SIZE"), attributes.get(b"FLAGS")
    labels, number = attributes.get(b"X-GM-LABELS"), attributes.get(b"X-GM-MSGID")
    named = (responses.text(flag) for flag in flags) if isinstance(flags, tuple) else ()
    return Outline(
        size=size if isinstance(size, int) else None,
        internaldate=responses.internaldate(attributes.get(b"INTERNALDATE")),
        # \Recent tells about sessions, not about the message (RFC 9051 dropped it).
        flags=tuple(flag for flag in named if flag and flag.lower() != "\\recent"),
        labels=tuple(filter(None, map(_label, labels))) if isinstance(labels, tuple) else (),
        gmail_id=responses.text(number) if responses.number(number) is not None else "",
    )


def _label(value: responses.Value) -> str:
    r"""Name a label as its folder is named; Gmail's own begin with a backslash (``\Sent``)."""
    decoded = mutf7.decode(value) if isinstance(value, bytes) else None
    return responses.text(value) if decoded is None else decoded
