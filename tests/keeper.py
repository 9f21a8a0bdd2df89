"""A process that keeps, decides, signs and erases, and says each time what was confirmed to it.

Run as ``python keeper.py BASE LOG``: the tests of power cuts and failing system calls record it.
BASE holds the archive and, beside it, what the machine remembers of it. Each line of LOG is one JSON
value, written when the archive said that something is safe. Running it again goes on where it
stopped, and adds nothing that is there.
"""

import itertools
import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from archiver.errors import ArchiverError
from archiver.evidence.checkpoints.outside import Outside
from archiver.evidence.checkpoints.signing import sign_checkpoint, signed_sizes
from archiver.evidence.erasure import erase
from archiver.evidence.store import Evidence
from archiver.model.digest import Digest
from archiver.model.entries import Scan, Tag
from archiver.model.incoming import Incoming
from archiver.model.sources import ImapSource

BATCHES = 3
BATCH = 4
ERASED = 5
"""The message that is erased in the end."""
_START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def message(number: int) -> bytes:
    """Write message NUMBER; every third is longer than a page."""
    body = f"Step {number} of the work.\r\n" * (300 if number % 3 == 0 else 3)
    return f"From: a@client.example\r\nSubject: Lot {number}\r\n\r\n{body}".encode()


def incoming(number: int) -> Incoming:
    """Return message NUMBER as the mailbox gives it."""
    source = ImapSource(
        account="work",
        host="imap.example",
        certificate=None,
        folder="INBOX",
        uidvalidity=1,
        uid=number + 1,
    )
    return Incoming(data=message(number), source=source, internaldate=_START)


class Work:
    """What is done, step by step."""

    def __init__(self, base: Path, log: Path) -> None:
        ticks = itertools.count()
        self._log = log
        self.evidence = Evidence.open(
            base / "archive",
            clock=lambda: _START + timedelta(seconds=next(ticks)),
            entropy=os.urandom,
            software="archiver test",
        )
        self.outside = Outside(base / "state", self.evidence.archive_id)

    def confirm(self, what: str, *values: object) -> None:
        """Write down that WHAT is safe."""
        with self._log.open("a") as file:
            file.write(json.dumps([what, *values]) + "\n")

    def run(self) -> None:
        """Do everything that is not done yet."""
        evidence = self.evidence
        self._sign()
        known = evidence.known_uids("work", "INBOX", 1)
        for first in range(0, BATCHES * BATCH, BATCH):
            numbers = range(first, first + BATCH)
            batch = [incoming(number) for number in numbers if number + 1 not in known]
            for kept in evidence.keep(batch):
                self.confirm("kept", kept.digest.hex)
        evidence.keep_config("engagements/acme.toml", b'client = "ACME"\n', actor="person:jane")
        self.confirm("config", Digest.of(b'client = "ACME"\n').hex)
        record = evidence.position_of(Digest.of(message(0)))
        if record is not None and not evidence.journal.positions_by_type("tag"):
            evidence.append([Tag(record=record, engagement="acme")], actor="person:jane")
        self.confirm("tag")
        if not evidence.journal.positions_by_type("scan"):
            evidence.append([Scan(account="work", folders=())])
        self.confirm("size", evidence.size)
        self._sign()
        self._erase()
        evidence.close()

    def _sign(self) -> None:
        sign_checkpoint(self.evidence, self.outside, entropy=os.urandom)
        self.confirm("signed", signed_sizes(self.evidence)[-1])

    def _erase(self) -> None:
        digest = Digest.of(message(ERASED))
        record = self.evidence.position_of(digest)
        if record is not None:
            erase(self.evidence, [record], basis="a request", actor="person:jane")
        self.confirm("erased", digest.hex)
        self._sign()


def main() -> int:
    """Run, and say what went wrong as the command would."""
    try:
        Work(Path(sys.argv[1]), Path(sys.argv[2])).run()
    except ArchiverError as error:
        sys.stderr.write(f"{error.what} {error.advice}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
