"""A zone of its own for tests, keys of its own, and mail that is signed with them; no network."""

import base64
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256

import dkim
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from dkim.canonicalization import Relaxed

from archiver.evidence.origin.resolver import Answer, NoAnswer, NoKey, Reply


@dataclass(frozen=True)
class TestKey:
    """A key pair; PUBLISHED is what the zone says of it."""

    __test__ = False
    private: rsa.RSAPrivateKey
    pem: bytes
    published: str

    def sign(self, data: bytes) -> bytes:
        """Sign as rsa-sha256 does."""
        return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())


@lru_cache
def key(bits: int = 1024, number: int = 0) -> TestKey:  # noqa: ARG001  tells keys apart
    """Make a key, once in a run."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return TestKey(private, pem, f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}")


def name(domain: str = "client.example", selector: str = "s1") -> str:
    """Return the name under which a key is published."""
    return f"{selector}._domainkey.{domain}"


@dataclass
class FakeZone:
    """A resolver that knows what it is told; counts how often it is asked."""

    records: dict[str, Sequence[str]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    """Names that nobody answers for; ``*``: none at all."""
    reason: str = "servfail"
    validated: bool = False
    asked: list[str] = field(default_factory=list)

    def txt(self, name: str) -> Reply:
        """Answer as DNS does."""
        self.asked.append(name)
        if self.silent & {name, "*"}:
            return NoAnswer(self.reason)
        texts = self.records.get(name)
        if not texts:
            return NoKey()
        wire = response(name, texts, validated=self.validated, number=len(self.asked))
        return Answer(wire, tuple(text.encode() for text in texts), validated=self.validated)


def zone(*keys: TestKey, domain: str = "client.example", selector: str = "s1") -> FakeZone:
    """Return a zone that publishes KEYS at one name."""
    return FakeZone({name(domain, selector): [one.published for one in keys]})


def response(name: str, texts: Sequence[str], *, validated: bool = False, number: int = 1) -> bytes:
    """Return a DNS answer as it travels."""
    query = dns.message.make_query(name, "TXT")
    query.id = number
    return answer_to(query, {name: texts}, validated=validated)


def answer_to(
    query: dns.message.Message,
    records: dict[str, Sequence[str]],
    *,
    validated: bool = False,
    rcode: dns.rcode.Rcode = dns.rcode.NOERROR,
) -> bytes:
    """Answer QUERY from RECORDS; a value that starts with ``=`` is an alias."""
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.AD if validated else 0
    asked = query.question[0].name
    texts = records.get(asked.to_text(omit_final_dot=True))
    while texts and texts[0].startswith("="):
        target = texts[0][1:]
        reply.answer.append(dns.rrset.from_text(asked, 60, "IN", "CNAME", target + "."))
        asked, texts = dns.name.from_text(target), records.get(target)
    reply.set_rcode(rcode if texts is not None or rcode else dns.rcode.NXDOMAIN)
    if texts:
        quoted = [" ".join(f'"{part}"' for part in _parts(text)) for text in texts]
        reply.answer.append(dns.rrset.from_text(asked, 60, "IN", "TXT", *quoted))
    return reply.to_wire()


def _parts(text: str) -> Iterator[str]:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    for start in range(0, len(escaped), 200):
        yield escaped[start : start + 200]


MESSAGE = (
    b"Received: from a by mx.own.example; Mon, 2 Mar 2026 09:29:00 +0000\r\n"
    b"From: Anne <anne@client.example>\r\n"
    b"To: us@own.example\r\n"
    b"Subject: The deliverable\r\n"
    b"Date: Mon, 02 Mar 2026 10:28:00 +0100\r\n"
    b"Message-ID: <1@client.example>\r\n"
    b"\r\n"
    b"We accept  the deliverable.\r\n"
    b"\r\n"
    b"Anne\r\n"
)


def signed(
    message: bytes = MESSAGE,
    *,
    by: TestKey | None = None,
    domain: str = "client.example",
    selector: str = "s1",
    canonicalize: tuple[bytes, bytes] = (b"relaxed", b"relaxed"),
    algorithm: bytes = b"rsa-sha256",
    length: bool = False,
    headers: Sequence[bytes] = (b"from", b"to", b"subject", b"date"),
    tags: bytes = b"",
) -> bytes:
    """Sign MESSAGE as a sender's server does."""
    signer = dkim.DKIM(message, signature_algorithm=algorithm)
    field_ = signer.sign(
        selector.encode(),
        domain.encode(),
        (by or key()).pem,
        canonicalize=canonicalize,
        include_headers=list(headers),
        length=length,
    )
    if tags:
        field_ = with_tags(field_, message, by or key(), tags)
    return field_ + message


def with_tags(field_: bytes, message: bytes, by: TestKey, tags: bytes) -> bytes:
    """Sign FIELD, relaxed, once more with TAGS in it and no ``t=`` but theirs."""
    _name, _colon, value = field_.partition(b":")
    parts = [part.strip() for part in value.strip().split(b";")]
    stated = [part for part in parts if not part.startswith((b"b=", b"t="))]
    unsigned = b"; ".join([*stated, tags, b"b="])
    names = next(part for part in parts if part.startswith(b"h="))[2:]
    wanted = [one.strip() for one in names.split(b":")]
    fields = dict(_fields(message))
    data = b"".join(
        b"%s:%s" % item
        for item in Relaxed.canonicalize_headers(
            [(one, fields[one]) for one in wanted if one in fields]
        )
    )
    (own,) = Relaxed.canonicalize_headers([(b"DKIM-Signature", b" " + unsigned)])
    value = base64.b64encode(by.sign(data + own[0] + b":" + own[1].rstrip()))
    return b"DKIM-Signature: " + unsigned + value + b"\r\n"


def sealed(
    message: bytes,
    *,
    by: TestKey | None = None,
    domain: str = "own.example",
    selector: str = "arc",
    results: bytes = b"mx.own.example; dkim=pass header.d=client.example",
    headers: Sequence[bytes] = (b"from", b"to", b"subject", b"date"),
    cv: bytes = b"none",
) -> bytes:
    """Add the first ARC set, as the account's provider does on arrival."""
    signer = by or key(1024, 9)
    place = b"d=%s; s=%s" % (domain.encode(), selector.encode())
    body = Relaxed.canonicalize_body(message.partition(b"\r\n\r\n")[2])
    bh = base64.b64encode(sha256(body).digest())
    aar = (b"ARC-Authentication-Results", b" i=1; " + results + b"\r\n")
    fields = dict(_fields(message))
    covered = [(one, fields[one]) for one in headers if one in fields]
    ams_value = b" i=1; a=rsa-sha256; c=relaxed/relaxed; %s; h=%s; bh=%s; b=" % (
        place,
        b":".join(headers),
        bh,
    )
    ams = _signed_field(signer, b"ARC-Message-Signature", ams_value, covered)
    seal_value = b" i=1; a=rsa-sha256; cv=%s; %s; b=" % (cv, place)
    seal = _signed_field(signer, b"ARC-Seal", seal_value, [aar, ams])
    return b"".join(b"%s:%s" % field_ for field_ in (seal, ams, aar)) + message


def _signed_field(
    by: TestKey, name: bytes, value: bytes, covered: Sequence[tuple[bytes, bytes]]
) -> tuple[bytes, bytes]:
    data = b"".join(b"%s:%s" % one for one in Relaxed.canonicalize_headers(list(covered)))
    (own,) = Relaxed.canonicalize_headers([(name, value)])
    signature = base64.b64encode(by.sign(data + own[0] + b":" + own[1].rstrip()))
    return name, value + signature + b"\r\n"


def _fields(message: bytes) -> Iterator[tuple[bytes, bytes]]:
    for line in message.partition(b"\r\n\r\n")[0].split(b"\r\n"):
        name, _colon, value = line.partition(b":")
        yield name.lower(), value + b"\r\n"


@contextmanager
def dns_server(
    records: dict[str, Sequence[str]],
    *,
    rcode: dns.rcode.Rcode = dns.rcode.NOERROR,
    mute: bool = False,
    junk: bool = False,
) -> Iterator[str]:
    """Serve RECORDS over UDP on this machine; yields ``ADDRESS:PORT``."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(0.1)
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                try:
                    wire, peer = server.recvfrom(4096)
                except TimeoutError:
                    continue
                if mute:
                    continue
                query = dns.message.from_wire(wire)
                reply = answer_to(query, records, validated=True, rcode=rcode)
                server.sendto(reply[:20] + b"\xff" * 20 if junk else reply, peer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            stop.set()
            thread.join()
