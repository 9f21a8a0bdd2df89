"""Connect and log in, by one set of rules, and send commands: what all else here stands on.

Who dials is handed in: imapclient for a session, imaplib alone for a glance. The rules are here:
no password in the clear to another machine, no way down from TLS, and every failure in words.
"""

import imaplib
import re
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from gettext import gettext as _

from archiver.accounts import Account, is_loopback
from archiver.mailbox.secrets import Password, Secret
from archiver.mailbox.server import trouble
from archiver.mailbox.server.login import login
from archiver.mailbox.server.responses import Item
from archiver.mailbox.server.session import RefusedError
from archiver.mailbox.server.wire import Wire

Dial = Callable[[Account, float, ssl.SSLContext | None], imaplib.IMAP4]
"""Connects to an account's server, by TLS when it gets a context, and reads the greeting."""

_GOODBYE = 5.0
"""Seconds that a server has to answer LOGOUT."""

_TOLD_CAPABILITIES = re.compile(rb"\[CAPABILITY ([^\]]*)\]", re.IGNORECASE)


class Link:
    """A connection that is logged in, and the commands sent over it."""

    def __init__(self, imap: imaplib.IMAP4, account: Account) -> None:
        """Take over IMAP, which has read the greeting."""
        self.host = account.host
        self.place = f"{account.host}:{account.port}"
        self.imap = imap
        self.wire = Wire(imap)
        self.capabilities = _words(imap.capabilities)
        self.open = True

    def ask(self, name: str, *arguments: str | bytes) -> None:
        """Send a command and wait for its end; what it brought is had by ``take``.

        Raise RefusedError for NO and BAD, ThrottledError when these ask to slow down, and
        TemporaryNetworkError when the connection breaks or goes out of step.
        """
        self.finish(self.begin(name, *arguments))

    def begin(self, name: str, *arguments: str | bytes) -> bytes:
        """Write a command, which leaves with the next ``finish`` (RFC 3501, section 5.5)."""
        imaplib.Commands.setdefault(name, ("NONAUTH", "AUTH", "SELECTED"))
        self.wire.start_command()
        self.wire.hold()
        with self.guard():
            tag: bytes = self.imap._command(name, *arguments)  # noqa: SLF001 - imaplib's public methods wait
        return tag

    def finish(self, tag: bytes) -> None:
        """Wait for the end of the command with TAG; errors as those of ``ask``."""
        with self.guard():
            self.wire.flush()
            typ, data = self.imap._get_tagged_response(tag)  # noqa: SLF001 - as above
            self.imap._check_bye()  # noqa: SLF001 - as above
        if typ != "OK":
            raise trouble.refused(self.place, data)

    def ended(self, tag: bytes) -> bool:
        """Tell whether the command with TAG was answered."""
        return self.imap.tagged_commands.get(tag) is not None

    def take(self, name: str) -> list[Item]:
        """Return and forget the untagged answers, or response codes, of that NAME."""
        return list(self.imap.untagged_responses.pop(name, ()))

    def number(self, name: str) -> int | None:
        """Return the last number that the server told under NAME, without forgetting it."""
        values = self.imap.untagged_responses.get(name) or [b""]
        last = values[-1]
        return int(last) if isinstance(last, bytes) and last.isdigit() and len(last) < 20 else None  # noqa: PLR2004 - below 2**64

    def clear(self) -> None:
        """Forget what was told before: it would pile up."""
        for name in set(self.imap.untagged_responses) - {"BYE"}:
            del self.imap.untagged_responses[name]

    def has(self, *capabilities: str) -> bool:
        """Tell whether the server offers all of CAPABILITIES."""
        return self.capabilities.issuperset(capabilities)

    def compress(self) -> bool:
        """Compress from now on where the server offers it (RFC 4978); tell whether it does."""
        if not self.has("COMPRESS=DEFLATE"):
            return False
        try:
            self.ask("COMPRESS", "DEFLATE")
        except RefusedError:
            return False
        self.wire.compress()
        return True

    def leave(self) -> None:
        """Log out and close; a connection that is already gone is no error."""
        if not self.open:
            return
        self.open = False
        with suppress(OSError, imaplib.IMAP4.error, ValueError):
            self.imap.sock.settimeout(_GOODBYE)
            self.wire.flush()
            self.imap.logout()
            return
        shut(self.imap)

    def hurry_away(self) -> None:
        """Say LOGOUT and close without waiting for the answer."""
        self.open = False
        with suppress(OSError, imaplib.IMAP4.error):
            self.wire.flush()
            self.imap._command("LOGOUT")  # noqa: SLF001 - as above
        shut(self.imap)

    def abandon(self) -> None:
        """Close without a word to the server."""
        self.open = False
        shut(self.imap)

    def abort(self) -> None:
        """Break the connection so that a read that waits in another thread ends at once."""
        with suppress(OSError):
            # Not SSLSocket's own, which takes the encryption away under the other thread's feet.
            socket.socket.shutdown(self.imap.sock, socket.SHUT_RDWR)

    def certificate(self) -> str | None:
        """Return the SHA-256 of the server's certificate (DER), hexadecimal; None without TLS."""
        import hashlib

        get = getattr(self.imap.sock, "getpeercert", None)
        der = get(binary_form=True) if get is not None else None
        return hashlib.sha256(der).hexdigest() if der else None

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Turn what imaplib and the socket raise into RefusedError or TemporaryNetworkError."""
        try:
            yield
        except (imaplib.IMAP4.abort, OSError) as error:
            raise trouble.lost(self.place, trouble.last_words(self.imap, error)) from None
        except imaplib.IMAP4.error as error:
            raise RefusedError(trouble.said([str(error)])) from None
        except ValueError:  # a literal of more digits than a number may have
            raise trouble.lost(self.place, _("an answer makes no sense")) from None

    def log_in(self, account: Account, secret: Secret) -> None:
        """Log in and learn what the server offers from then on."""
        self.clear()
        told = _TOLD_CAPABILITIES.search(login(self.imap, self.capabilities, account, secret))
        if told is None and not self.imap.untagged_responses.get("CAPABILITY"):
            self.ask("CAPABILITY")
        untagged = self.take("CAPABILITY")
        words = told[1] if told else untagged[-1] if untagged else None
        if isinstance(words, bytes):
            self.capabilities = _words(words.decode("ascii", "replace").split())


def open_link(
    account: Account,
    secret: Secret | str,
    *,
    dial: Dial,
    timeout: float,
    context: ssl.SSLContext | None = None,
) -> Link:
    """Connect to ACCOUNT's server by DIAL and log in; TIMEOUT is in seconds for each wait.

    Raise ConfigurationError for a certificate that is not trusted, missing STARTTLS, or plain text
    to another machine; AuthenticationError for a refused login; TemporaryNetworkError, and its
    ThrottledError, for what may pass.
    """
    if account.security == "plain" and not is_loopback(account.host):
        raise trouble.not_loopback(account)
    if account.security != "plain" and context is None:
        context = ssl.create_default_context()
    if isinstance(secret, str):
        secret = Password(secret)
    imap = _reach(account, timeout, context, dial)
    try:
        if account.security == "starttls":
            _upgrade(imap, account, context)
        link = Link(imap, account)
        link.log_in(account, secret)
    except (OSError, imaplib.IMAP4.error) as error:
        shut(imap)
        raise trouble.unreachable(account, trouble.said([str(error)])) from None
    except RefusedError as error:
        shut(imap)
        raise trouble.unreachable(account, error.reason) from None
    except BaseException:
        shut(imap)
        raise
    return link


def dial_imaplib(account: Account, timeout: float, context: ssl.SSLContext | None) -> imaplib.IMAP4:
    """Connect by imaplib alone, which is loaded sooner than imapclient."""
    if context is not None:
        return imaplib.IMAP4_SSL(account.host, account.port, ssl_context=context, timeout=timeout)
    return imaplib.IMAP4(account.host, account.port, timeout)


def shut(imap: imaplib.IMAP4) -> None:
    """Close IMAP's socket without a word to the server. Never raises."""
    with suppress(OSError, imaplib.IMAP4.error):
        imap.shutdown()


def _reach(
    account: Account, timeout: float, context: ssl.SSLContext | None, dial: Dial
) -> imaplib.IMAP4:
    """Connect and read the greeting."""
    try:
        return dial(account, timeout, context if account.security == "tls" else None)
    except ssl.SSLCertVerificationError as error:
        raise trouble.bad_certificate(account, error.verify_message) from None
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
        raise trouble.unreachable(account, _("the connection ended during the greeting")) from None
    except TimeoutError as error:
        raise trouble.unreachable(account, trouble.said([str(error)])) from None
    except ssl.SSLError as error:
        raise trouble.no_tls(account, error.reason or str(error)) from None
    except OSError as error:
        raise trouble.unreachable(account, error.strerror or str(error)) from None
    except (imaplib.IMAP4.error, ValueError) as error:
        if trouble.ended(str(error)):
            reason = _("the connection ended during the greeting")
            raise trouble.unreachable(account, reason) from None
        reason = trouble.said([str(error)])
        if "BYE" in reason:
            raise trouble.unreachable(account, reason) from None
        raise trouble.not_imap(account, reason) from None


def _upgrade(imap: imaplib.IMAP4, account: Account, context: ssl.SSLContext | None) -> None:
    """Start TLS, or refuse to go on (RFC 3501, section 6.2.1; RFC 8314, section 5).

    What was read ahead in the clear is thrown away with imaplib's old file object.
    """
    if imap.state != "NONAUTH" or "STARTTLS" not in imap.capabilities:
        raise trouble.no_starttls(account)
    try:
        imap.starttls(context)
    except ssl.SSLCertVerificationError as error:
        raise trouble.bad_certificate(account, error.verify_message) from None
    except ssl.SSLError as error:
        raise trouble.no_tls(account, error.reason or str(error)) from None
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error:
        raise trouble.no_starttls(account) from None
    imap.untagged_responses.clear()  # what was said before TLS may be anybody's


def _words(capabilities: Sequence[str]) -> frozenset[str]:
    return frozenset(word.upper() for word in capabilities)
