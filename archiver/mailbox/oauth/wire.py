"""Ask an authorization server over HTTP, with an end in time and in size."""

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from gettext import gettext as _
from urllib.parse import urlencode, urlsplit

LIMIT = 1 << 18
"""Bytes of an answer that are read; one with its tokens has some thousand."""

TIMEOUT = 60.0
"""Seconds for the whole of it."""


class UnreachableError(Exception):
    """No answer came; the argument says why, as a clause for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a server answered."""

    status: int
    """The HTTP status."""
    body: bytes = field(repr=False)
    """At most LIMIT bytes."""


Post = Callable[[str, Mapping[str, str]], Reply]
"""Sends a form to a URL, or raises UnreachableError."""


def post(url: str, form: Mapping[str, str]) -> Reply:
    """Send FORM to URL and return the answer; raises UnreachableError.

    No redirect is followed: what is sent is for one server only. Proxies are taken from the
    environment, authorities of certificates from the system or the variable SSL_CERT_FILE. Names
    that do not resolve, and servers that send a byte now and then, are waited for by a thread that
    nobody waits for.
    """
    results: queue.SimpleQueue[Reply | UnreachableError] = queue.SimpleQueue()
    threading.Thread(target=lambda: results.put(_ask(url, form)), name="oauth", daemon=True).start()
    try:
        result = results.get(timeout=TIMEOUT)
    except queue.Empty:
        raise UnreachableError(_no_answer()) from None
    if isinstance(result, UnreachableError):
        raise result
    return result


def _ask(url: str, form: Mapping[str, str]) -> Reply | UnreachableError:
    from http.client import HTTPException
    from urllib.error import URLError
    from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

    request = Request(  # noqa: S310 - the settings take https only, or this machine
        url, data=urlencode(form).encode("ascii"), headers={"Accept": "application/json"}
    )
    opener = OpenerDirector()  # HTTP and nothing else: no redirects, no files
    for handler in (ProxyHandler(), HTTPHandler(), HTTPSHandler()):
        opener.add_handler(handler)
    try:
        with opener.open(request, timeout=TIMEOUT) as response:
            return Reply(status=response.status, body=response.read(LIMIT))
    except TimeoutError:
        return UnreachableError(_no_answer())
    except URLError as error:
        return UnreachableError(_words(error.reason))
    except (OSError, HTTPException, ValueError) as error:  # ValueError: a header that is none
        return UnreachableError(_words(error))


def host_of(url: str) -> str:
    """Return the server's name in URL, for people."""
    return urlsplit(url).netloc


def _no_answer() -> str:
    return _("it did not answer within {seconds:g} s").format(seconds=TIMEOUT)


def _words(reason: object) -> str:
    if isinstance(reason, OSError) and reason.strerror:
        return reason.strerror
    return str(reason) or type(reason).__name__
