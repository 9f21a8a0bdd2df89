"""Measure origin capture: what a signature costs, without the network.

    python benchmarks/origin.py [--messages N] [--keys K] [--bits 2048]

Signs N messages with K keys of its own and keeps them in an archive of its own; the keys are in a
zone that answers from memory. First the verification alone, then the whole capture with its
entries, both as processor time for one signature (the capture's wall time too: it waits for the
disk). Then one message of 1 MB.
"""

import argparse
import base64
import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import dkim
import dns.message
import dns.rrset
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from archiver.evidence.origin.capture import Own, capture
from archiver.evidence.origin.examine import conclude, examine
from archiver.evidence.origin.recheck import check_origin
from archiver.evidence.origin.resolver import Answer, NoKey, Reply
from archiver.evidence.store import Evidence
from archiver.model.digest import Position
from archiver.model.incoming import Incoming
from archiver.model.sources import ImapSource

_KEPT_AT_ONCE = 200


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=2_000)
    parser.add_argument("--keys", type=int, default=50)
    parser.add_argument("--bits", type=int, default=2048)
    options = parser.parse_args()
    zone = Zone(options.keys, options.bits)
    mails = [zone.sign(number, 4_000) for number in range(options.messages)]
    verify(zone, mails, f"{len(mails)} messages of {sum(map(len, mails)) // len(mails)} bytes")
    with tempfile.TemporaryDirectory() as folder:
        whole(zone, mails, Path(folder) / "archive")
    verify(zone, [zone.sign(0, 1_000_000)] * 20, "20 messages of 1 MB")


class Zone:
    """Keys, what is published of them, and mail that is signed with them."""

    def __init__(self, keys: int, bits: int) -> None:
        self._pems: list[bytes] = []
        self._answers: dict[str, Answer] = {}
        for number in range(keys):
            private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
            self._pems.append(
                private.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.TraditionalOpenSSL,
                    serialization.NoEncryption(),
                )
            )
            public = private.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            text = b"v=DKIM1; p=" + base64.b64encode(public)
            name = f"s{number}._domainkey.client.example"
            self._answers[name] = Answer(_wire(name, text), (text,))

    def txt(self, name: str) -> Reply:
        return self._answers.get(name, NoKey())

    def sign(self, number: int, size: int) -> bytes:
        words = b"The deliverable of lot %d is accepted,  with the two reservations below.\r\n"
        line = words % number
        mail = (
            b"Received: by mx.own.example; Mon, 2 Mar 2026 09:29:00 +0000\r\n"
            b"From: Anne <anne@client.example>\r\nTo: us@own.example\r\n"
            b"Subject: Lot %d\r\nDate: Mon, 02 Mar 2026 10:28:00 +0100\r\n"
            b"Message-ID: <%d@client.example>\r\n\r\n%s"
            % (number, number, line * (size // len(line)))
        )
        chosen = number % len(self._pems)
        selector = b"s%d" % chosen
        canonicalize = (b"relaxed", b"relaxed")
        return (
            dkim.sign(mail, selector, b"client.example", self._pems[chosen], None, canonicalize)
            + mail
        )


def _wire(name: str, text: bytes) -> bytes:
    reply = dns.message.make_response(dns.message.make_query(name, "TXT"))
    parts = (text[start : start + 200].decode() for start in range(0, len(text), 200))
    quoted = " ".join(f'"{part}"' for part in parts)
    reply.answer.append(dns.rrset.from_text(name + ".", 60, "IN", "TXT", quoted))
    return reply.to_wire()


def verify(zone: Zone, mails: list[bytes], what: str) -> None:
    """Print what it takes to verify one of MAILS, key and message at hand."""
    begun = time.process_time()
    for mail in mails:
        origin = conclude(
            examine(mail),
            Position(1),
            reply_of=zone.txt,
            key_of=lambda _name: None,
            sent=False,
            internaldate=None,
        )
        assert origin.signatures[0].result == "pass"
    spent = time.process_time() - begun
    print(f"verify alone, {what}: {1000 * spent / len(mails):.2f} ms a signature (processor)")


def whole(zone: Zone, mails: list[bytes], folder: Path) -> None:
    """Print what the capture of all MAILS takes, entries and objects included."""
    with Evidence.create(folder, clock=_now, entropy=os.urandom, software="bench") as evidence:
        for start in range(0, len(mails), _KEPT_AT_ONCE):
            some = enumerate(mails[start : start + _KEPT_AT_ONCE], start + 1)
            evidence.keep([_incoming(mail, uid) for uid, mail in some])
        for what in ("capture", "capture with nothing new"):
            wall, processor = time.perf_counter(), time.process_time()
            captured = capture(evidence, zone, clock=_now, own=Own())
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            assert captured.waiting == 0
            print(
                f"{what}: {1000 * processor / len(mails):.2f} ms a signature (processor),"
                f" {1000 * wall / len(mails):.2f} (wall); {captured.asked} names asked"
            )
        processor = time.process_time()
        assert check_origin(evidence) == ()
        processor = time.process_time() - processor
        print(f"recheck: {1000 * processor / len(mails):.2f} ms a signature (processor)")


def _incoming(data: bytes, uid: int) -> Incoming:
    source = ImapSource(
        account="work",
        host="imap.example",
        certificate=None,
        folder="INBOX",
        uidvalidity=1,
        uid=uid,
    )
    return Incoming(data=data, source=source, internaldate=_now())


def _now() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()
