"""A Session over imapclient: the only module that speaks to it.

imapclient connects and checks the certificate. Commands go through ``imaplib.IMAP4``, which it is
built on (``link``), each for a reason:

- imapclient makes imaplib format every answer for a log (``debug = 5``), which costs twice the
  time of a fetch and several times the memory of a large message;
- its ``fetch`` takes numbers only, so that ``1:*`` cannot be asked (imapclient 4.1: ValueError
  after the command was sent), and it knows neither QRESYNC nor LIST-STATUS nor COMPRESS;
- its parser loses a batch for one answer that it cannot read (see ``responses``).
"""

import imaplib
import logging
import re
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from gettext import gettext as _

import imapclient

from archiver.accounts import Account, is_loopback
from archiver.errors import TemporaryNetworkError
from archiver.mailbox.secrets import Secret
from archiver.mailbox.server import mutf7
from archiver.mailbox.server.examining import Examiner
from archiver.mailbox.server.fetching import PART, Fetcher
from archiver.mailbox.server.link import Link, open_link
from archiver.mailbox.server.listing import list_folders, raw_names
from archiver.mailbox.server.session import (
    Folder,
    FolderState,
    Outline,
    RefusedError,
    ThrottledError,
)
from archiver.mailbox.server.waiting import idle
from archiver.model.cursors import Status

__all__ = ["PART", "ImapSession", "connect"]

_PLAIN = re.compile(r"[A-Za-z0-9 /._-]+\Z")
"""Folder names that are written in one way only."""


class ImapSession:
    """A read-only session: EXAMINE and BODY.PEEK are all it knows of a mailbox's content."""

    def __init__(self, link: Link) -> None:
        """Take over LINK, connected and logged in."""
        self.host = link.host
        self.certificate = link.certificate()
        self.is_gmail = link.has("X-GM-EXT-1")
        self.capabilities = link.capabilities
        self._link = link
        self._examiner = Examiner(link)
        self._fetcher = Fetcher(link)
        self._raw_names: Mapping[str, bytes] = {}

    def folders(self) -> tuple[Folder, ...]:
        """List every folder with its status; raise TemporaryNetworkError when it cannot be had."""
        listing = list_folders(self._link)
        self._raw_names = listing.raw_names
        return listing.folders

    def examine(self, folder: str, since: Status | None = None) -> FolderState:
        """Open FOLDER with EXAMINE and read UIDVALIDITY, without which no UID means anything."""
        if not self._raw_names and not _PLAIN.match(folder):
            # A new connection has listed nothing, and the name may be no modified UTF-7.
            with suppress(RefusedError):
                self._raw_names = raw_names(self._link)
        raw = self._raw_names.get(folder) or mutf7.encode(folder)
        if not mutf7.sendable(raw):
            raise RefusedError(_("the folder's name holds control characters"))
        state = self._examiner.examine(mutf7.quoted(raw), since)
        self._fetcher.opened(state.exists)
        return state

    def uids(self, first: int = 1) -> tuple[int, ...]:
        """Enumerate the open folder from FIRST on."""
        return self._fetcher.uids(first)

    def headers(self, uids: Sequence[int], fields: Sequence[str]) -> Mapping[int, bytes]:
        """Ask for header FIELDS of UIDS."""
        return self._fetcher.headers(uids, fields)

    def outlines(self, uids: Sequence[int]) -> Mapping[int, Outline]:
        """Ask for what is known of UIDS without their bytes."""
        return self._fetcher.outlines(uids)

    def fetch(self, uids: Sequence[int]) -> Iterator[tuple[int, bytes | None]]:
        """Fetch the bytes of UIDS in one command."""
        return self._fetcher.fetch(uids)

    def fetch_in_parts(self, uid: int, size: int | None, start: int = 0) -> Iterator[bytes]:
        """Fetch one large message in pieces."""
        return self._fetcher.fetch_in_parts(uid, size, start)

    def idle(self, seconds: float, stop: Callable[[], bool]) -> bool:
        """Wait for news of the open folder."""
        return idle(self._link, self._fetcher, seconds, stop)

    def close(self) -> None:
        """Log out and close; a connection that is already gone is no error."""
        self._link.leave()

    def abort(self) -> None:
        """Break the connection so that a read that waits in another thread ends at once."""
        self._link.abort()


def connect(
    account: Account,
    secret: Secret | str,
    *,
    timeout: float = 60.0,
    context: ssl.SSLContext | None = None,
    compress: bool | None = None,
) -> ImapSession:
    """Connect to ACCOUNT's server and log in; TIMEOUT is in seconds for each wait.

    CONTEXT checks certificates; without one, the system's authorities do, or those of the file
    that the environment variable SSL_CERT_FILE names. COMPRESS says whether to use RFC 4978 where
    it is offered; None: unless the server is this very machine, where it saves nothing. Errors are
    those of ``link.open_link``.
    """
    logging.getLogger("imapclient").setLevel(logging.ERROR)  # it logs what is sent and received

    def log_in() -> Link:
        return open_link(account, secret, dial=_dial, timeout=timeout, context=context)

    link = log_in()
    try:
        if compress is None:
            compress = not is_loopback(account.host)
        if compress and not _compressed(link):
            link.abandon()
            link = log_in()
        return ImapSession(link)
    except BaseException:
        link.abandon()
        raise


def _compressed(link: Link) -> bool:
    """Compress where the server can; False when the connection did not survive it."""
    try:
        if link.compress():
            link.ask("NOOP")  # what comes back is the first that is compressed
    except RefusedError:
        pass
    except ThrottledError:
        raise
    except TemporaryNetworkError:
        return False
    return True


def _dial(account: Account, timeout: float, context: ssl.SSLContext | None) -> imaplib.IMAP4:
    client = imapclient.IMAPClient(
        account.host, account.port, ssl=context is not None, ssl_context=context, timeout=timeout
    )
    imap: imaplib.IMAP4 = client._imap  # noqa: SLF001 - see the module's docstring
    return imap
