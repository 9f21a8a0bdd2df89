"""The one module that speaks to dnspython: TXT records as DNS gives them, bytes and all."""

from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver

from archiver.evidence.origin.resolver import Answer, NoAnswer, NoKey, Reply

_TIMEOUT: Final = 2.0  # seconds for one try
_LIFETIME: Final = 5.0  # seconds for a name
_PAYLOAD: Final = 1232  # octets that pass everywhere (DNS flag day 2020)
_PORT: Final = 53
_LARGEST: Final = 65_535
_BROKEN: Final = (dns.exception.DNSException, ValueError, OSError, EOFError, AssertionError)


class DnsResolver:
    """Asks the resolvers of this machine, or one that was named."""

    def __init__(self, server: str | None = None, *, lifetime: float = _LIFETIME) -> None:
        """Name the SERVER, ``ADDRESS`` or ``ADDRESS:PORT`` (an IPv6 address in brackets).

        Raises ValueError when it is none; the settings were checked before.
        """
        self._lifetime = lifetime
        self._resolver: dns.resolver.Resolver | None = None
        if server is None:
            try:
                self._resolver = dns.resolver.Resolver(configure=True)
            except (dns.exception.DNSException, OSError):
                return  # every name gets NoAnswer: it is retried when the machine has a network
        else:
            self._resolver = dns.resolver.Resolver(configure=False)
            address, self._resolver.port = _server(server)
            self._resolver.nameservers = [address]
        self._resolver.cache = None
        self._resolver.timeout = min(_TIMEOUT, lifetime)
        self._resolver.use_edns(0, dns.flags.DO, _PAYLOAD)
        self._resolver.set_flags(dns.flags.RD | dns.flags.AD)

    def txt(self, name: str) -> Reply:
        """Return what DNS says of NAME's TXT records; never raises."""
        if self._resolver is None:
            return NoAnswer("network")
        try:
            answer = self._resolver.resolve(
                dns.name.from_text(name),
                dns.rdatatype.TXT,
                raise_on_no_answer=False,
                lifetime=self._lifetime,
                search=False,
            )
        except dns.resolver.NXDOMAIN:
            return NoKey()
        except _BROKEN as error:
            return NoAnswer(_reason(error))
        return _reply(answer.response)


def read_answer(name: str, wire: bytes) -> Reply:
    """Read an answer that was kept; NoAnswer when it is none to a question for NAME."""
    try:
        message = dns.message.from_wire(wire)
        asked = message.question[0]
        same = asked.name == dns.name.from_text(name) and asked.rdtype == dns.rdatatype.TXT
    except (*_BROKEN, IndexError):
        return NoAnswer("unreadable")
    if not same or not isinstance(message, dns.message.QueryMessage):
        return NoAnswer("unreadable")
    return _reply(message)


def _reason(error: Exception) -> str:
    match error:
        case dns.resolver.LifetimeTimeout():
            return "time-out"
        case dns.resolver.NoNameservers(kwargs={"errors": errors}) if errors:
            # (server, over TCP, port, exception, response) of each try
            sent = any(one[4] is not None or not isinstance(one[3], OSError) for one in errors)
            return "servfail" if sent else "network"
        case dns.resolver.NoNameservers() | dns.resolver.YXDOMAIN():
            return "servfail"
        case OSError():
            return "network"
        case _:
            return "unreadable"


def _reply(message: dns.message.QueryMessage) -> Reply:
    try:
        found = message.resolve_chaining().answer  # a key is often an alias of the sender's service
        wire = message.wire or message.to_wire()
    except _BROKEN:
        return NoAnswer("unreadable")
    if message.rcode() not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
        return NoAnswer("servfail")
    texts = tuple(b"".join(record.strings) for record in found) if found else ()
    if not texts or len(wire) > _LARGEST:
        return NoKey()
    return Answer(wire, texts, validated=bool(message.flags & dns.flags.AD))


def _server(text: str) -> tuple[str, int]:
    """Take ``ADDRESS[:PORT]`` apart; an IPv6 address with a port stands in brackets."""
    if text.startswith("["):
        address, _bracket, rest = text[1:].partition("]")
        return address, int(rest.removeprefix(":") or _PORT)
    if text.count(":") == 1:
        address, _colon, port = text.partition(":")
        return address, int(port)
    return text, _PORT
