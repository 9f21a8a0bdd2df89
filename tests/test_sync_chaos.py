"""Whatever happens to the connection, a clean run afterwards leaves exactly the server's messages.

Between the archive and a real Dovecot stands a proxy that cuts, drips, stalls, hangs, says BYE,
refuses, swaps UIDVALIDITY and hides capabilities, at random places; meanwhile mail arrives, is
deleted and moved.
"""

import hashlib
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from accounts import as_served
from chaos import Chaos
from dovecot import PASSWORD, DovecotServer
from evidence_case import SOFTWARE
from sampling import sampled

from archiver.accounts import Account
from archiver.errors import ArchiverError
from archiver.evidence.checks.check import verify
from archiver.evidence.store import Evidence
from archiver.mailbox.secrets import Password
from archiver.mailbox.server.imap import connect
from archiver.mailbox.server.session import Session
from archiver.model.entries import Record, Scan, Sighting
from archiver.model.uidset import parse_uids
from archiver.pipeline.keep import sync_account

SEEDS = 40
FOLDERS = ("INBOX", "Sent", "Clients/ACME")
PATIENCE = 1.0
"""Seconds that the client waits for an answer, here."""


class Life:
    """A mailbox to which things happen, and the archive of it."""

    def __init__(self, server: DovecotServer, user: str, root: Path, seed: int) -> None:
        self.server = server
        self.user = user
        self.root = root
        self.random = random.Random(seed)
        self.now = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
        self.ever: set[str] = set()
        """Digests of all that a clean run has found."""
        self.number = 0

    def arrive(self) -> None:
        """Let mail arrive in some folder: short, long, with lines that look like IMAP."""
        for _each in range(self.random.randint(1, 12)):
            self.number += 1
            size = self.random.choice((1, 40, 900, 30_000))
            body = b"A1 OK done\r\n* 1 EXISTS\r\n)\r\n" + self.random.randbytes(size).hex().encode()
            head = b"From: a@acme.example\nSubject: %d\nMessage-ID: <%d@acme.example>\n\n"
            data = head % (self.number, self.number) + body + b"\n"
            self.server.add(self.user, self.random.choice(FOLDERS), data)

    def messages(self) -> dict[Path, str]:
        """Return the server's messages, each with the digest of what it serves."""
        return {
            path: hashlib.sha256(as_served(path.read_bytes())).hexdigest()
            for folder in FOLDERS
            for path in sorted((self.server.folder(self.user, folder) / "cur").iterdir())
        }

    def change(self) -> None:
        """Delete or move some messages that a clean run has found."""
        known = [path for path, digest in self.messages().items() if digest in self.ever]
        for path in self.random.sample(known, min(len(known), 3)):
            if self.random.random() < 0.5:
                path.unlink()
            else:
                to = self.server.folder(self.user, self.random.choice(FOLDERS)) / "cur"
                path.rename(to / f"{path.name.partition(':')[0]}x{self.number}:2,")

    @contextmanager
    def evidence(self) -> Iterator[Evidence]:
        """Open the archive at the life's own time."""
        with Evidence.open(
            self.root, clock=lambda: self.now, entropy=self.random.randbytes, software=SOFTWARE
        ) as evidence:
            yield evidence

    def sync(self, port: int) -> None:
        """Synchronise once through PORT."""
        account = replace(self.server.account(self.user), name="work", port=port)
        with self.evidence() as evidence:
            sync_account(
                evidence,
                account,
                connect=lambda: _connect(account),
                clock=lambda: self.now,
            )

    def problems(self) -> list[str]:
        """Say what is not as a clean run must leave it; the server's messages are then known."""
        found = self.messages()
        with self.evidence() as evidence:
            entries = list(evidence.entries(0))
            report = verify(evidence)
        records = [entry.payload.object.hex for entry in entries if _is(entry, Record)]
        self.ever |= set(found.values())
        wrong = [f"not kept: {digest}" for digest in set(found.values()) - set(records)]
        wrong += [f"never on the server: {digest}" for digest in set(records) - self.ever]
        wrong += [f"kept twice: {digest}" for digest, n in Counter(records).items() if n > 1]
        wrong += [f"{one.code}: {one.message}" for one in report.findings if one.level == "error"]
        for digest in records:
            data = (self.root / "objects" / digest[:2] / digest).read_bytes()
            if hashlib.sha256(data).hexdigest() != digest:
                wrong.append(f"truncated: {digest}")
        return wrong + _untold(entries)


def _is(entry: object, kind: type) -> bool:
    return isinstance(getattr(entry, "payload", None), kind)


def _untold(entries: list[object]) -> list[str]:
    """Say which messages were seen and stand in no scan: coverage would not tell of them."""
    seen: set[tuple[str, int, int]] = set()
    told: set[tuple[str, int, int]] = set()
    for entry in entries:
        payload = getattr(entry, "payload", None)
        if isinstance(payload, Sighting):
            source = payload.source
            assert hasattr(source, "uid")
            seen.add((source.folder, source.uidvalidity, source.uid))
        elif isinstance(payload, Scan):
            for scan in payload.folders:
                uids = parse_uids(scan.kept) if scan.kept else ()
                told |= {(scan.folder, scan.uidvalidity, uid) for uid in uids}
    return [f"no scan tells of {place}" for place in sorted(seen - told)]


def _connect(account: Account) -> Session:
    return connect(account, Password(PASSWORD), timeout=PATIENCE)


@pytest.mark.dovecot
@pytest.mark.long
@pytest.mark.parametrize("seed", range(sampled(SEEDS, share=0.04)))
def test_a_clean_run_after_chaos_leaves_exactly_the_servers_messages(
    dovecot: DovecotServer, mailbox_user: str, tmp_path: Path, seed: int
) -> None:
    """No duplicate, no truncated body, nothing that no scan tells of."""
    live(dovecot, mailbox_user, tmp_path, seed, rounds=6)


@pytest.mark.dovecot
def test_a_clean_run_after_a_little_chaos(
    dovecot: DovecotServer, mailbox_user: str, tmp_path: Path
) -> None:
    """The same, for the quick run."""
    live(dovecot, mailbox_user, tmp_path, 2026, rounds=2)


def live(server: DovecotServer, user: str, root: Path, seed: int, *, rounds: int) -> None:
    """Let chaos reign, then run cleanly, several times over."""
    life = Life(server, user, root / "archive", seed)
    Evidence.create(
        life.root, clock=lambda: life.now, entropy=life.random.randbytes, software=SOFTWARE
    ).close()
    for _round in range(rounds):
        life.arrive()
        with Chaos(server.port, life.random.randrange(10**9)) as chaos:
            for _attempt in range(4):
                life.now += timedelta(minutes=7)
                with suppress(ArchiverError):
                    life.sync(chaos.port)
            chaos.calm = True
            life.now += timedelta(days=life.random.choice((0, 1, 9)))
            life.sync(chaos.port)
        assert life.problems() == [], (seed, chaos.met)
        life.change()
