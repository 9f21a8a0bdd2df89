"""Point an archive at a mailbox of the Dovecot that tests run."""

import re
from collections.abc import Iterable

from command import Desk
from dovecot import PASSWORD, DovecotServer


def add_account(desk: Desk, server: DovecotServer, user: str, *options: str) -> None:
    """Add USER's mailbox as the account ``work``."""
    desk.ok(
        *("account", "add", "work", "--host", "127.0.0.1", "--port", server.port),
        *("--user", user, "--security", "plain", "--keep", "everything"),
        *("--password-command", f"echo {PASSWORD}", *options),
    )


def fill(server: DovecotServer, user: str, mails: Iterable[bytes], folder: str = "INBOX") -> None:
    """Put MAILS into a folder of USER's mailbox, untouched."""
    for data in mails:
        server.add(user, folder, data)


def as_served(data: bytes) -> bytes:
    """Return a message as IMAP serves it: lines ended by CRLF, nothing else changed."""
    return re.sub(rb"\r?\n", b"\r\n", data)
