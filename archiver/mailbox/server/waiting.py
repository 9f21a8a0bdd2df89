"""Wait for news of the open folder (RFC 2177, IDLE)."""

import time
from collections.abc import Callable
from gettext import gettext as _

from archiver.mailbox.server.fetching import Fetcher
from archiver.mailbox.server.link import Link
from archiver.mailbox.server.session import RefusedError

POLL = 0.5
"""Seconds after which the caller is asked whether to stop."""

LONGEST = 29 * 60.0
"""Seconds: servers may log out whoever idles for half an hour (RFC 2177, section 3)."""


def idle(
    link: Link,
    fetcher: Fetcher,
    seconds: float,
    stop: Callable[[], bool],
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """Wait until messages come or go, STOP says so, or SECONDS are over; tell whether any did.

    What the server told while other commands ran counts, so that nothing falls between two waits.
    Raise RefusedError when the server cannot notify, TemporaryNetworkError when the connection is
    lost.
    """
    if not link.has("IDLE"):
        raise RefusedError(_("the server cannot notify (no IDLE)"))
    if fetcher.news():
        return True
    link.clear()
    tag = link.begin("IDLE")
    ended = _invited(link, tag)
    news = fetcher.news()
    end = clock() + min(seconds, LONGEST)
    while not (news or ended or stop() or (left := end - clock()) <= 0):
        with link.guard():
            if link.wire.ready(min(POLL, left)):
                link.imap._get_response()  # noqa: SLF001 - as imapclient
                link.imap._check_bye()  # noqa: SLF001 - as above
        link.wire.start_command()
        news = fetcher.news()
        ended = link.ended(tag)
        if not news:
            link.clear()
    if not ended:
        with link.guard():
            link.imap.send(b"DONE\r\n")
    link.finish(tag)
    return fetcher.news() or news


def _invited(link: Link, tag: bytes) -> bool:
    """Read up to the server's ``+``; tell whether it ended the command instead."""
    with link.guard():
        link.wire.flush()
        while link.imap._get_response() is not None:  # noqa: SLF001 - None is for "+"
            link.imap._check_bye()  # noqa: SLF001 - as above
            if link.ended(tag):
                return True
    return False
