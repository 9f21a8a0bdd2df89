"""A Session over imapclient: the only module that speaks to it.

imapclient connects, checks certificates, and sends commands. Three things of it are gone round,
each for a reason:

- it makes imaplib format every answer for a log (``debug = 5``), which costs twice the time of a
  fetch and several times the memory of a large message;
- its ``fetch`` takes numbers only, so that ``1:*`` cannot be asked (imapclient 4.1: ValueError
  after the command was sent), hence ``imaplib.IMAP4.uid``, which it is built on;
- its parser loses a batch for one answer that it cannot read (see ``responses``).
"""

import hashlib
import imaplib
import io
import logging
import re
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from gettext import gettext as _

import imapclient

from archiver.accounts import Account, is_loopback
from archiver.errors import TemporaryNetworkError
from archiver.mailbox.folders import role_of
from archiver.mailbox.server import mutf7, responses, trouble
from archiver.mailbox.server.login import login
from archiver.mailbox.server.session import MAX_MESSAGE, Folder, FolderState, Outline, RefusedError
from archiver.model.uidset import format_uids

PART = 1024 * 1024
"""Bytes asked for at a time of a large message."""

_GOODBYE = 5.0
"""Seconds that a server has to answer LOGOUT."""

_UNSENDABLE = re.compile(rb"[\r\n\0]")
_NOT_SELECTABLE = frozenset({"\\noselect", "\\nonexistent"})
_UID_ONLY = re.compile(rb"[0-9]+ \(UID ([0-9]{1,10})\)\Z")
_WHOLE = b"BODY[]"
_PIECE = re.compile(rb"BODY\[\]<([0-9]{1,10})>\Z")


class ImapSession:
    """A read-only session: EXAMINE and BODY.PEEK[] are all it knows of a mailbox's content."""

    def __init__(self, client: imapclient.IMAPClient, *, host: str, port: int) -> None:
        """Take over CLIENT, connected and logged in."""
        self.host = host
        self.certificate = _certificate(client)
        self._client = client
        self._imap: imaplib.IMAP4 = client._imap  # noqa: SLF001 - see the module's docstring
        self._place = f"{host}:{port}"
        self._raw_names: dict[str, bytes] = {}
        self._exists = 0
        self._open = True

    def folders(self) -> tuple[Folder, ...]:
        """List every folder of the account; raise TemporaryNetworkError when it cannot be had."""
        try:
            found = {item.name: item for item in responses.listed(self._list())}
        except RefusedError as error:
            raise trouble.lost(self._place, error.reason) from None
        self._raw_names = _names(found)
        return tuple(_folder(name, found[raw]) for name, raw in self._raw_names.items())

    def examine(self, folder: str) -> FolderState:
        """Open FOLDER with EXAMINE and read UIDVALIDITY, without which no UID means anything."""
        raw = self._raw_names.get(folder) or mutf7.encode(folder)
        if _UNSENDABLE.search(raw):  # in a quoted string it would end the command
            raise RefusedError(_("the folder's name holds control characters"))
        with _Guard(self):
            typ, data = self._imap.select(_quoted(raw), readonly=True)
        if typ != "OK":
            raise RefusedError(trouble.said(data))
        validity, self._exists = self._number("UIDVALIDITY"), self._number("EXISTS") or 0
        if not validity:
            raise RefusedError(_("the server gives the folder no UIDVALIDITY"))
        return FolderState(
            uidvalidity=validity, uidnext=self._number("UIDNEXT"), exists=self._exists
        )

    def uids(self) -> tuple[int, ...]:
        """Enumerate the open folder (RFC 3501, section 6.4.8: ``UID FETCH 1:* (UID)``)."""
        if not self._exists:
            return ()  # 1:* names no message then, and some servers say BAD
        found: set[int] = set()
        odd: list[responses.Item] = []
        for item in self._uid_fetch("1:*", "(UID)"):
            plain = _UID_ONLY.match(item) if isinstance(item, bytes) else None
            if plain:
                found.add(int(plain[1]))
            else:
                odd.append(item)
        found.update(uid for uid, _attributes in responses.fetched(odd))
        return tuple(sorted(found))

    def outlines(self, uids: Sequence[int]) -> Mapping[int, Outline]:
        """Ask for size, INTERNALDATE and flags of UIDS."""
        asked = frozenset(uids)
        items = self._uid_fetch(format_uids(uids), "(UID RFC822.SIZE INTERNALDATE FLAGS)")
        found: dict[int, dict[bytes, responses.Value]] = {}
        for uid, attributes in responses.fetched(items):
            if uid in asked:
                # A later answer may be unsolicited and tell less: it adds, it does not replace.
                found.setdefault(uid, {}).update(attributes)
        return {uid: _outline(attributes) for uid, attributes in found.items()}

    def fetch(self, uids: Sequence[int]) -> Iterator[tuple[int, bytes | None]]:
        """Fetch the bytes of UIDS in one command (RFC 3501, section 6.4.5: BODY.PEEK[])."""
        missing = dict.fromkeys(uids)
        failed: Exception | None = None
        items: list[responses.Item] = []
        try:
            items = self._uid_fetch(format_uids(uids), "(UID BODY.PEEK[])")
        except (RefusedError, TemporaryNetworkError) as error:
            failed, items = error, self._arrived()
        for uid, attributes in responses.fetched(items):
            data = attributes.get(_WHOLE)
            if uid in missing and isinstance(data, bytes):
                del missing[uid]
                yield uid, data
        if failed is not None:
            raise failed
        for uid in missing:
            yield uid, None

    def fetch_in_parts(self, uid: int, size: int | None) -> bytes | None:
        """Fetch one message by partial fetches of 1 MiB (``BODY.PEEK[]<offset.count>``).

        A piece shorter than asked is the end, unless SIZE says otherwise: then one more is asked
        for, since some servers hand out smaller pieces. SIZE decides nothing else.
        """
        whole = io.BytesIO()  # hands out its buffer without a second copy
        short = False
        while (start := whole.tell()) <= MAX_MESSAGE:
            piece = self._piece(uid, start, may_be_end=short or (start > 0 and start == size))
            if piece is None:
                return None
            whole.write(piece)
            short = len(piece) < PART
            if not piece or (short and not (size and whole.tell() < size)):
                return whole.getvalue()
        raise RefusedError(_("the message is larger than the archiver can hold"))

    def close(self) -> None:
        """Log out and close; a connection that is already gone is no error."""
        if not self._open:
            return
        self._open = False
        with suppress(OSError, imaplib.IMAP4.error):
            self._client.socket().settimeout(_GOODBYE)
            self._imap.logout()
            return
        shut(self._client)

    def abort(self) -> None:
        """Break the connection so that a read that waits in another thread ends at once."""
        with suppress(OSError):
            # Not SSLSocket's own, which takes the encryption away under the other thread's feet.
            socket.socket.shutdown(self._client.socket(), socket.SHUT_RDWR)

    def _list(self) -> list[responses.Item]:
        """Ask for all folders, with their special use where that must be asked for (RFC 6154)."""
        with _Guard(self):
            capabilities = frozenset(self._client.capabilities())
        if {b"SPECIAL-USE", b"LIST-EXTENDED"} <= capabilities:
            with suppress(RefusedError):
                return self._list_command('"*" RETURN (SPECIAL-USE)')
        return self._list_command('"*"')

    def _list_command(self, pattern: str) -> list[responses.Item]:
        with _Guard(self):
            typ, data = self._imap.list('""', pattern)
        if typ != "OK":
            raise RefusedError(trouble.said(data))
        return list(data)

    def _number(self, name: str) -> int | None:
        """Return the last number that the server told under NAME since EXAMINE."""
        values = self._imap.untagged_responses.get(name) or [b""]
        last = values[-1]
        return int(last) if isinstance(last, bytes) and last.isdigit() else None

    def _uid_fetch(self, uids: str, what: str) -> list[responses.Item]:
        # Unsolicited answers (EXISTS, EXPUNGE, FETCH with flags) pile up otherwise.
        for name in set(self._imap.untagged_responses) - {"BYE"}:
            del self._imap.untagged_responses[name]
        with _Guard(self):
            typ, data = self._imap.uid("FETCH", uids, what)
        if typ != "OK":
            raise RefusedError(trouble.said(data))
        return list(data)

    def _arrived(self) -> list[responses.Item]:
        """Take what a FETCH brought before it failed."""
        return list(self._imap.untagged_responses.pop("FETCH", ()))

    def _piece(self, uid: int, start: int, *, may_be_end: bool) -> bytes | None:
        """Return what the message holds from START on, at most PART bytes; empty after its end."""
        try:
            items = self._uid_fetch(str(uid), f"(UID BODY.PEEK[]<{start}.{PART}>)")
        except RefusedError:
            if may_be_end:  # some servers refuse to answer beyond the end
                return b""
            raise
        for found, attributes in responses.fetched(items):
            for name, value in attributes.items():
                origin = _PIECE.match(name)
                if found == uid and origin and int(origin[1]) == start:
                    # A server that knows no counts sends the rest: that is the rest.
                    return value if isinstance(value, bytes) else b""
                if found == uid and name == _WHOLE and start == 0 and isinstance(value, bytes):
                    return value
        return b"" if start else None


def connect(
    account: Account,
    password: str,
    *,
    timeout: float = 60.0,
    context: ssl.SSLContext | None = None,
) -> ImapSession:
    """Connect to ACCOUNT's server and log in; TIMEOUT is in seconds for each wait.

    CONTEXT checks certificates; without one, the system's authorities do, or those of the file
    that the environment variable SSL_CERT_FILE names. Raise ConfigurationError for a certificate
    that is not trusted, missing STARTTLS, or plain text to another machine; AuthenticationError
    for a refused login; TemporaryNetworkError for what may pass.
    """
    if account.security == "plain" and not is_loopback(account.host):
        raise trouble.not_loopback(account)
    if account.security != "plain" and context is None:
        context = ssl.create_default_context()
    logging.getLogger("imapclient").setLevel(logging.ERROR)  # it logs what is sent and received
    client = _reach(account, timeout, context)
    try:
        _tame(client._imap)  # noqa: SLF001 - see the module's docstring
        if account.security == "starttls":
            _upgrade(client, account, context)
        login(client._imap, client.capabilities(), account, password)  # noqa: SLF001 - as above
        client.capabilities()  # asked now, since later answers are cleared away
        return ImapSession(client, host=account.host, port=account.port)
    except (OSError, imaplib.IMAP4.error) as error:
        shut(client)
        raise trouble.unreachable(account, trouble.said([str(error)])) from None
    except BaseException:
        shut(client)
        raise


def _reach(
    account: Account, timeout: float, context: ssl.SSLContext | None
) -> imapclient.IMAPClient:
    """Connect and read the greeting."""
    tls = account.security == "tls"
    try:
        return imapclient.IMAPClient(
            account.host, account.port, ssl=tls, ssl_context=context, timeout=timeout
        )
    except ssl.SSLCertVerificationError as error:
        raise trouble.bad_certificate(account, error.verify_message) from None
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError, TimeoutError) as error:
        raise trouble.unreachable(account, trouble.said([str(error)])) from None
    except ssl.SSLError as error:
        raise trouble.no_tls(account, error.reason or str(error)) from None
    except OSError as error:
        raise trouble.unreachable(account, error.strerror or str(error)) from None
    except imaplib.IMAP4.error as error:
        reason = trouble.said([str(error)])
        if any(word in reason for word in ("BYE", "EOF", "unterminated")):
            raise trouble.unreachable(account, reason) from None
        raise trouble.not_imap(account, reason) from None


def _tame(imap: imaplib.IMAP4) -> None:
    """Keep imaplib from formatting all that it reads, and from reading what cannot be held."""
    imap.debug = 0
    read = imap.read

    def limited(size: int) -> bytes:
        if size > MAX_MESSAGE:
            raise imaplib.IMAP4.abort(f"a string of {size} bytes was announced")
        return read(size)

    imap.read = limited  # type: ignore[method-assign]  # imaplib calls it for every literal


def _upgrade(
    client: imapclient.IMAPClient, account: Account, context: ssl.SSLContext | None
) -> None:
    """Start TLS, or refuse to go on (RFC 3501, section 6.2.1; RFC 8314, section 5)."""
    imap = client._imap  # noqa: SLF001 - see the module's docstring
    if imap.state != "NONAUTH" or b"STARTTLS" not in client.capabilities():
        raise trouble.no_starttls(account)
    try:
        client.starttls(context)
    except ssl.SSLCertVerificationError as error:
        raise trouble.bad_certificate(account, error.verify_message) from None
    except ssl.SSLError as error:
        raise trouble.no_tls(account, error.reason or str(error)) from None
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error:
        raise trouble.no_starttls(account) from None
    imap.untagged_responses.clear()  # what was said before TLS may be anybody's


class _Guard:
    """Turn what imaplib and the socket raise into RefusedError or TemporaryNetworkError."""

    def __init__(self, session: ImapSession) -> None:
        self._place = session._place  # noqa: SLF001 - same module

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        match error:
            case imaplib.IMAP4.abort() | OSError():
                raise trouble.lost(self._place, trouble.said([str(error)])) from None
            case imaplib.IMAP4.error() if "got more than" in str(error):
                raise trouble.lost(
                    self._place, trouble.said([str(error)])
                ) from None  # out of step for good
            case imaplib.IMAP4.error():
                raise RefusedError(trouble.said([str(error)])) from None
            case _:
                pass


def shut(client: imapclient.IMAPClient) -> None:
    """Close CLIENT's socket without a word to the server. Never raises."""
    with suppress(OSError, imaplib.IMAP4.error):
        client.shutdown()


def _names(raws: Iterable[bytes]) -> dict[str, bytes]:
    """Name each folder for people; a name that is no modified UTF-7 is shown as it stands."""
    decoded = {raw: mutf7.decode(raw) for raw in raws}
    proper = frozenset(decoded.values())
    names: dict[str, bytes] = {}
    for raw, name in decoded.items():
        if name is None:
            name = raw.decode("utf-8", "backslashreplace")  # noqa: PLW2901 - the same, mended
            if name in proper or name in names:
                name = f"{name} [{raw.hex()}]"  # noqa: PLW2901 - two spellings of one name
        names[name] = raw
    return names


def _folder(name: str, item: responses.Listed) -> Folder:
    return Folder(
        name=name,
        role=role_of(name, item.attributes, item.delimiter),
        selectable=_NOT_SELECTABLE.isdisjoint(item.attributes),
    )


def _certificate(client: imapclient.IMAPClient) -> str | None:
    get = getattr(client.socket(), "getpeercert", None)
    der = get(binary_form=True) if get is not None else None
    return hashlib.sha256(der).hexdigest() if der else None


def _outline(attributes: Mapping[bytes, responses.Value]) -> Outline:
    size, flags = attributes.get(b"RFC822.SIZE"), attributes.get(b"FLAGS")
    named = (responses.text(flag) for flag in flags) if isinstance(flags, tuple) else ()
    return Outline(
        size=size if isinstance(size, int) else None,
        internaldate=responses.internaldate(attributes.get(b"INTERNALDATE")),
        # \Recent tells about sessions, not about the message (RFC 9051 dropped it).
        flags=tuple(flag for flag in named if flag and flag.lower() != "\\recent"),
    )


def _quoted(raw: bytes) -> str:
    # imaplib encodes commands in ASCII; a name with eight-bit bytes has to reach it as bytes.
    return b'"%s"' % raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"')  # type: ignore[return-value]
