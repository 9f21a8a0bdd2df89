"""Look once at an account's folders and leave: what "nothing new" costs.

imapclient is not loaded for it: that takes longer than all the rest. The rules for connecting,
and the listing, are those of a session (``link``, ``listing``).
"""

import ssl

from archiver.accounts import Account
from archiver.mailbox.secrets import Secret
from archiver.mailbox.server.link import dial_imaplib, open_link
from archiver.mailbox.server.listing import list_folders
from archiver.mailbox.server.session import Folder


def glance(
    account: Account,
    secret: Secret | str,
    *,
    timeout: float = 60.0,
    context: ssl.SSLContext | None = None,
) -> tuple[Folder, ...] | None:
    """Return ACCOUNT's folders with their status; None when the server cannot tell both at once.

    Errors and CONTEXT are those of ``imap.connect``; TIMEOUT is in seconds for each wait.
    """
    link = open_link(account, secret, dial=dial_imaplib, timeout=timeout, context=context)
    try:
        if not link.has("LIST-STATUS"):
            return None
        listing = list_folders(link)
        return listing.folders if listing.together else None
    finally:
        link.hurry_away()
