"""Ask a time-stamp authority over HTTP (RFC 3161, section 3.4), with an end in time and in size."""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from gettext import gettext as _
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from urllib.request import OpenerDirector

LIMIT = 1 << 20
"""Bytes of an answer that are read; a stamp with its certificates has some thousand."""

_TYPE = "application/timestamp-query"


class UnreachableError(Exception):
    """No answer came; the argument says why, as a clause for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server answered."""

    status: int
    """The HTTP status."""
    content_type: str
    retry_after: str
    """As the header has it; empty when there is none."""
    body: bytes
    """At most LIMIT bytes and one."""


Post = Callable[[str, bytes, float], Answer]
"""Sends a body to a URL and answers within so many seconds, or raises UnreachableError."""


def post(url: str, body: bytes, timeout: float) -> Answer:
    """Send BODY to URL and return the answer; raises UnreachableError.

    No redirect is followed: whom one asks is a decision. Proxies are taken from the environment.
    TIMEOUT, in seconds, is for the whole of it: names that do not resolve and servers that send a
    byte now and then are waited for by a thread that nobody waits for.
    """
    results: queue.SimpleQueue[Answer | UnreachableError] = queue.SimpleQueue()
    threading.Thread(
        target=lambda: results.put(_ask(url, body, timeout)), name="time-stamp", daemon=True
    ).start()
    try:
        result = results.get(timeout=timeout)
    except queue.Empty:
        raise UnreachableError(_no_answer(timeout)) from None
    if isinstance(result, UnreachableError):
        raise result
    return result


def _ask(url: str, body: bytes, timeout: float) -> Answer | UnreachableError:
    from http.client import HTTPException
    from urllib.error import URLError
    from urllib.request import Request

    request = Request(url, data=body, headers={"Content-Type": _TYPE})  # noqa: S310  http or https
    try:
        with _opener().open(request, timeout=timeout) as response:
            return Answer(
                status=response.status,
                content_type=response.headers.get("Content-Type", ""),
                retry_after=response.headers.get("Retry-After", "").strip(),
                body=response.read(LIMIT + 1),
            )
    except URLError as error:
        return _unreachable(error.reason, timeout)
    except (OSError, HTTPException, ValueError) as error:  # ValueError: a header that is none
        return _unreachable(error, timeout)


def _opener() -> "OpenerDirector":
    """Put together what speaks HTTP and nothing else: no redirects, no files, no errors raised."""
    from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler

    opener = OpenerDirector()
    for handler in (ProxyHandler(), HTTPHandler(), HTTPSHandler()):
        opener.add_handler(handler)
    return opener


def _unreachable(reason: object, timeout: float) -> UnreachableError:
    if isinstance(reason, TimeoutError):
        return UnreachableError(_no_answer(timeout))
    words = reason.strerror if isinstance(reason, OSError) and reason.strerror else str(reason)
    return UnreachableError(_("it could not be reached: {reason}").format(reason=words))


def _no_answer(timeout: float) -> str:
    return _("it did not answer within {seconds:g} s").format(seconds=timeout)
