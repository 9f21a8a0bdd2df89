"""Capture: after the record is durable, once a name, and nothing waits for DNS."""

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from evidence_case import NOW, by_hand, create, in_file, reopen, seen
from zone import MESSAGE, FakeZone, key, name, sealed, signed, zone

from archiver.evidence.origin.capture import Captured, Own, capture
from archiver.evidence.origin.grades import grade
from archiver.evidence.origin.recheck import check_origin, recheck
from archiver.evidence.origin.registry import (
    count_waiting,
    key_history,
    newest_origin,
    origin_entries,
    sent_folders,
)
from archiver.evidence.origin.resolver import NoKey, Reply, Resolver, ask
from archiver.evidence.store import Evidence
from archiver.model.digest import Position
from archiver.model.entries import FolderScan, Scan
from archiver.model.incoming import Incoming
from archiver.model.origin import RULES, KeySeen, Origin
from archiver.model.sources import FileSource, ImapSource

OWN = Own(
    addresses=frozenset({"us@own.example"}),
    servers={"work": frozenset({"mx.own.example"})},
    is_sent_folder=lambda folder: folder == "Sent",
)


class Clock:
    """A clock that tests put forward."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now


@pytest.fixture
def evidence(tmp_path: Path) -> Iterator[Evidence]:
    """Make an archive."""
    with create(tmp_path) as evidence:
        yield evidence


def run(
    evidence: Evidence, resolver: Resolver, clock: Clock | None = None, *, insist: bool = False
) -> Captured:
    """Capture what waits."""
    return capture(evidence, resolver, clock=clock or Clock(), own=OWN, stall=0.5, insist=insist)


def keep(evidence: Evidence, *messages: bytes, folder: str = "INBOX") -> list[Position]:
    """Keep MESSAGES."""
    first = evidence.count_records() + 1
    batch = [seen(data, uid, folder=folder) for uid, data in enumerate(messages, first)]
    return [kept.position for kept in evidence.keep(batch)]


OURS = MESSAGE.replace(b"anne@client.example", b"us@own.example")
SIGNED_BY_US = signed(OURS, domain="own.example")


def labelled(*labels: str) -> ImapSource:
    """Return a place in Gmail's All Mail with LABELS."""
    source = seen(b"", 7, folder="[Gmail]/All Mail").source
    assert isinstance(source, ImapSource)
    return replace(source, labels=labels)


def boxed(**more: Any) -> FileSource:
    """Return a place in a file."""
    return FileSource(path="/mail.mbox", member=0, offset=0, **more)


def origin_of(evidence: Evidence, record: Position) -> Origin:
    """Return what was captured last of RECORD."""
    found = newest_origin(evidence, record)
    assert found is not None
    return found[1]


def keys_seen(evidence: Evidence) -> list[tuple[Position, KeySeen]]:
    """Return all ``key-seen`` entries."""
    return [
        (entry.position, entry.payload)
        for entry in evidence.entries()
        if isinstance(entry.payload, KeySeen)
    ]


def test_a_signed_record_is_captured_with_its_key(evidence: Evidence) -> None:
    """The raw DNS answer is an object that the entry names."""
    (record,) = keep(evidence, signed())
    resolver = zone(key())
    assert run(evidence, resolver) == Captured(done=1, waiting=0, unread=0, asked=1, stalled=False)
    origin = origin_of(evidence, record)
    ((position, seen_key),) = keys_seen(evidence)
    assert origin.complete
    assert origin.signatures[0].result == "pass"
    assert origin.signatures[0].key == position
    assert seen_key.name == name()
    assert key().published.encode()[:40] in evidence.read(seen_key.object)
    assert origin.internaldate == NOW
    assert grade(origin).level == "O2"


def test_what_was_put_together_here_is_not_held_against_its_signer(evidence: Evidence) -> None:
    """The body that was signed is not there: nobody is asked, and the grade says why."""
    source = FileSource(path="/mail/box.pst", member=1, offset=0, made_from="pst")
    kept = evidence.keep([Incoming(data=signed() + b"otherwise\r\n", source=source)])[0]
    resolver = zone(key())
    assert run(evidence, resolver).done == 1
    origin = origin_of(evidence, kept.position)
    assert (resolver.asked, origin.signatures, origin.made_from) == ([], (), "pst")
    assert origin.from_domain
    graded = grade(origin)
    assert (graded.level, graded.reasons) == ("O0", ("made-here",))
    assert graded.meaning == (
        "Its bytes were put together here from an item of Outlook (.pst): what its sender's "
        "servers signed were other bytes, so no signature in it can hold."
    )
    assert check_origin(evidence) == ()


def test_an_origin_as_it_came_says_nothing_of_how_it_was_made(evidence: Evidence) -> None:
    """Entries of before read and write the same."""
    (record,) = keep(evidence, signed())
    run(evidence, zone(key()))
    (entry,) = origin_entries(evidence, record)
    assert b"made_from" not in evidence.raw_entry(entry)


def test_nothing_is_captured_twice(evidence: Evidence) -> None:
    """The second run asks nothing and writes nothing."""
    keep(evidence, signed(), MESSAGE)
    run(evidence, zone(key()))
    size = evidence.size
    resolver = zone(key())
    assert run(evidence, resolver).done == 0
    assert (resolver.asked, evidence.size) == ([], size)


def test_a_name_is_asked_once_for_all_its_mail(evidence: Evidence) -> None:
    """And its key is kept once."""
    keep(evidence, *(signed(MESSAGE + b"%d\r\n" % number) for number in range(20)))
    resolver = zone(key())
    assert run(evidence, resolver).done == 20
    assert resolver.asked == [name()]
    assert len(keys_seen(evidence)) == 1


def test_unsigned_mail_asks_nothing_and_loads_no_verifier(tmp_path: Path) -> None:
    """Most old mail is not signed."""
    with create(tmp_path / "archive") as evidence:
        keep(evidence, MESSAGE)
    program = (
        "import os, sys\n"
        "from evidence_case import *\n"
        "from archiver.evidence.origin.capture import *\n"
        "from zone import FakeZone\n"
        "for name in ('dkim', 'dns'): [sys.modules.pop(m) for m in list(sys.modules)"
        " if m.split('.')[0] == name]\n"
        f"with reopen(Path({str(tmp_path / 'archive')!r})) as evidence:\n"
        "    done = capture(evidence, FakeZone(), clock=now, own=Own()).done\n"
        "assert done == 1 and 'dkim' not in sys.modules and 'dns' not in sys.modules\n"
    )
    tests = str(Path(__file__).parent)
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tests)


def test_dns_that_does_not_answer_is_captured_once_and_asked_later_and_later(
    evidence: Evidence,
) -> None:
    """Nothing is appended while nothing changes."""
    (record,) = keep(evidence, signed())
    clock, resolver = Clock(), FakeZone(zone(key()).records, silent={"*"})
    assert run(evidence, resolver, clock).waiting == 1
    assert not origin_of(evidence, record).complete
    assert "client" not in str(evidence.database.all("SELECT * FROM attempt"))
    size = evidence.size
    waits = []
    for _try in range(6):
        started = clock.now
        while len(resolver.asked) == len(waits) + 1:
            clock.now += timedelta(minutes=5)
            run(evidence, resolver, clock)
        waits.append((clock.now - started) / timedelta(minutes=10))
    assert waits == [1, 2, 4, 8, 16, 32]
    assert evidence.size == size
    resolver.silent.clear()
    clock.now += timedelta(days=1)
    assert run(evidence, resolver, clock) == Captured(
        done=1, waiting=0, unread=0, asked=1, stalled=False
    )
    assert origin_of(evidence, record).complete
    assert len(origin_entries(evidence, record)) == 2
    assert evidence.database.all("SELECT name FROM attempt") == []


def test_a_person_who_insists_waits_for_nothing(evidence: Evidence) -> None:
    """``archiver origin`` asks at once."""
    keep(evidence, signed())
    resolver = FakeZone(zone(key()).records, silent={"*"})
    run(evidence, resolver)
    resolver.silent.clear()
    assert run(evidence, resolver).done == 0
    assert run(evidence, resolver, insist=True).done == 1


def test_what_was_answered_once_is_not_lost_when_dns_fails_later(evidence: Evidence) -> None:
    """Of two signatures the first key came; it is not asked again."""
    second = zone(key(1024, 1), domain="relay.example")
    (record,) = keep(evidence, signed(signed(domain="relay.example", by=key(1024, 1))))
    resolver = FakeZone(zone(key()).records | second.records, silent={name("relay.example")})
    run(evidence, resolver)
    assert [one.result for one in origin_of(evidence, record).signatures] == ["pass", "not-asked"]
    resolver.silent = {name()}
    resolver.asked.clear()
    run(evidence, resolver, insist=True)
    assert resolver.asked == [name("relay.example")]
    assert [one.result for one in origin_of(evidence, record).signatures] == ["pass", "pass"]


class Mute:
    """A resolver that never comes back."""

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def txt(self, _name: str) -> Reply:
        """Wait for ever."""
        self.let_go.wait(30)
        return NoKey()


def test_a_resolver_that_hangs_is_given_up(evidence: Evidence) -> None:
    """Records after those wait without being read; a run soon after does not even try."""
    keep(
        evidence,
        *(signed(MESSAGE + b"%d\r\n" % number, selector=f"s{number}") for number in range(250)),
    )
    resolver = Mute()
    started = time.monotonic()
    captured = run(evidence, resolver)
    assert time.monotonic() - started < 10
    assert (captured.stalled, captured.waiting) == (True, 250)
    assert captured.asked == 200
    again = zone(key())
    assert run(evidence, again).waiting == 250
    assert again.asked == []
    resolver.let_go.set()


def test_no_network_stops_the_run_at_once(evidence: Evidence) -> None:
    """What comes after is left for later."""
    keep(evidence, *(signed(MESSAGE + b"%d\r\n" % number) for number in range(250)))
    captured = run(evidence, FakeZone(silent={"*"}, reason="network"))
    assert (captured.stalled, captured.waiting, captured.asked) == (True, 250, 1)


def test_a_limit_ends_the_run(evidence: Evidence) -> None:
    """What was captured until then stays."""
    keep(evidence, *(MESSAGE + b"%d\r\n" % number for number in range(450)))
    ticks = iter(range(1_000_000))
    captured = capture(
        evidence,
        FakeZone(),
        clock=Clock(),
        own=OWN,
        limit=4,
        monotonic=lambda: float(next(ticks)),
    )
    assert 0 < captured.done < 450
    assert captured.waiting == 450 - captured.done


def test_a_resolver_that_breaks_is_one_that_does_not_answer() -> None:
    """One name, one reply; the run goes on."""

    class Broken:
        def txt(self, name: str) -> Reply:
            if name == "a":
                raise RuntimeError
            return NoKey()

    found = ask(Broken(), ["a", "b"], stall=5)
    assert not found.stalled
    assert found.replies["b"] == NoKey()
    assert str(found.replies["a"]) == "NoAnswer(reason='RuntimeError')"


def test_a_key_that_changed_is_kept_and_the_old_one_stays(evidence: Evidence) -> None:
    """The registry knows each key from when to when."""
    clock = Clock()
    evidence._writer._clock = clock
    keep(evidence, signed())
    run(evidence, zone(key()), clock)
    clock.now += timedelta(days=3)
    (record,) = keep(evidence, signed(MESSAGE + b"2\r\n", by=key(1024, 1)))
    run(evidence, zone(key(1024, 1)), clock)
    assert origin_of(evidence, record).signatures[0].result == "pass"
    assert [(one.first, one.last) for one in key_history(evidence, name())] == [
        (NOW, NOW),
        (clock.now, clock.now),
    ]


def test_a_key_is_seen_again_when_the_last_time_is_long_ago(evidence: Evidence) -> None:
    """Not with each message: an entry a month says that it is still published."""
    clock = Clock()
    evidence._writer._clock = clock
    for number in range(5):
        keep(evidence, signed(MESSAGE + b"%d\r\n" % number))
        run(evidence, zone(key()), clock)
        clock.now += timedelta(days=10)
    (known,) = key_history(evidence, name())
    assert (known.first, known.last) == (NOW, NOW + timedelta(days=30))
    assert len(known.entries) == len(keys_seen(evidence)) == 2


def test_a_proved_answer_is_kept_beside_one_that_was_not(evidence: Evidence) -> None:
    """DNSSEC says more than the same answer without it."""
    for number, validated in enumerate((False, True, False, True)):
        keep(evidence, signed(MESSAGE + b"%d\r\n" % number))
        resolver = zone(key())
        resolver.validated = validated
        run(evidence, resolver)
    assert [one.validated for _position, one in keys_seen(evidence)] == [False, True]


def test_our_own_sent_copies_are_told_by_folder_or_by_sender(evidence: Evidence) -> None:
    """A signed one that comes back to us is not one of them."""
    ours = MESSAGE.replace(b"anne@client.example", b"us@own.example")
    in_sent, by_address = *keep(evidence, MESSAGE, folder="Sent"), *keep(evidence, ours)
    (came_back,) = keep(evidence, signed(ours, domain="own.example"))
    (received,) = keep(evidence, MESSAGE + b"2\r\n")
    run(evidence, FakeZone())
    sent = [origin_of(evidence, one).sent for one in (in_sent, by_address, came_back, received)]
    assert sent == [True, True, False, False]


def test_a_folder_that_the_server_calls_sent_is_one(evidence: Evidence) -> None:
    """Whatever its name (RFC 6154)."""
    folder = FolderScan(
        folder="Versendet 2026", uidvalidity=1, exists=1, kept="1", failed=(), role="sent"
    )
    evidence.append([Scan(account="work", folders=(folder,))])
    assert sent_folders(evidence) == {("work", "Versendet 2026")}
    (record,) = keep(evidence, MESSAGE, folder="Versendet 2026")
    own = Own(sent_folders=sent_folders(evidence))
    capture(evidence, FakeZone(), clock=Clock(), own=own)
    assert origin_of(evidence, record).sent


@pytest.mark.parametrize(
    ("source", "data", "sent"),
    [
        (labelled("\\Sent", "Clients/ACME"), MESSAGE, True),
        (labelled("\\Inbox"), MESSAGE, False),
        (labelled("\\Inbox"), OURS, True),  # as ever: ours, and nobody signed it
        (boxed(labels=("Inbox", "Sent")), SIGNED_BY_US, True),
        (boxed(folder="Sent"), SIGNED_BY_US, True),
        (boxed(folder="Inbox"), SIGNED_BY_US, False),
        (boxed(labels=("Sent",)), MESSAGE, False),  # another person's
    ],
)
def test_a_label_says_what_was_sent(
    evidence: Evidence, source: ImapSource | FileSource, data: bytes, *, sent: bool
) -> None:
    """Gmail has no folder for it; a file's own words count for mail from us only."""
    kept = evidence.keep([Incoming(data=data, source=source)])[0]
    run(evidence, zone(key()))
    assert origin_of(evidence, kept.position).sent is sent


def test_only_mail_from_the_account_itself_has_claims(evidence: Evidence) -> None:
    """In a file anybody may have written them."""
    claim = b"Authentication-Results: mx.own.example; dkim=pass header.d=client.example\r\n"
    (fetched,) = keep(evidence, claim + MESSAGE)
    handed = evidence.keep([in_file(claim + MESSAGE + b"2\r\n")])[0].position
    run(evidence, FakeZone())
    assert grade(origin_of(evidence, fetched)).level == "O1"
    assert origin_of(evidence, handed).claims == ()


def test_a_note_is_no_mail(evidence: Evidence) -> None:
    """Whatever it quotes."""
    position = evidence.keep([by_hand(signed())])[0].position
    resolver = zone(key())
    run(evidence, resolver)
    assert origin_of(evidence, position) == Origin(record=position, complete=True, rules=RULES)
    assert resolver.asked == []


def test_a_record_that_cannot_be_read_stops_nothing(evidence: Evidence) -> None:
    """It is counted, and waits."""
    broken, whole = keep(evidence, signed(), MESSAGE)
    path = evidence.path_of(evidence.record(broken).object)
    path.chmod(0o600)
    path.write_bytes(b"x")
    captured = run(evidence, zone(key()))
    assert (captured.done, captured.unread, captured.waiting) == (1, 1, 1)
    assert origin_of(evidence, whole).complete
    assert count_waiting(evidence) == 1


def test_two_runs_at_once_capture_each_record_once(tmp_path: Path) -> None:
    """The second sees, under the lock, what the first wrote."""
    with create(tmp_path) as evidence:
        keep(evidence, signed())

        class Meanwhile(FakeZone):
            def txt(self, name: str) -> Reply:
                with reopen(tmp_path) as other:
                    run(other, zone(key()))
                return super().txt(name)

        run(evidence, Meanwhile(zone(key()).records))
        origins = [entry for entry in evidence.entries() if isinstance(entry.payload, Origin)]
        assert len(origins) == 1


def test_an_invented_key_is_never_above_two(evidence: Evidence) -> None:
    """The owner signs a message of his own and publishes the key in a zone of his own."""
    invented = MESSAGE.replace(b"We accept", b"We owe you a million")
    (record,) = keep(evidence, sealed(signed(invented, by=key(2048, 5)), by=key(1024, 9)))
    records = (
        zone(key(2048, 5)).records
        | zone(key(1024, 9), domain="own.example", selector="arc").records
    )
    resolver = FakeZone(records, validated=True)  # even the resolver is his
    run(evidence, resolver)
    found = grade(origin_of(evidence, record))
    assert found.level == "O2"
    assert "only by this archive's owner" in found.meaning


def test_without_dns_everything_else_is_captured(evidence: Evidence) -> None:
    """Dates and the provider's word need none; what is signed waits, and is asked for later."""
    claim = b"Authentication-Results: mx.own.example; dkim=pass header.d=client.example\r\n"
    unsigned, waits = keep(evidence, claim + MESSAGE, claim + signed())
    captured = capture(evidence, None, clock=Clock(), own=OWN)
    assert captured == Captured(done=1, waiting=1, unread=0, asked=0, stalled=False, dns=False)
    for record in (unsigned, waits):
        origin = origin_of(evidence, record)
        assert (origin.internaldate, len(origin.dated)) == (NOW, 3)
        assert grade(origin).level == "O1"
    assert evidence.database.all("SELECT * FROM attempt") == []
    size = evidence.size
    assert capture(evidence, None, clock=Clock(), own=OWN).waiting == 1
    assert evidence.size == size
    assert run(evidence, zone(key())).done == 1
    assert grade(origin_of(evidence, waits)).level == "O2"


# --- recheck -------------------------------------------------------------------------------------


def captured_archive(evidence: Evidence) -> list[Position]:
    """Capture some of every kind."""
    claim = b"Authentication-Results: mx.own.example; dkim=pass header.d=client.example\r\n"
    records = keep(
        evidence,
        signed(),
        signed(MESSAGE + b"body\r\n").replace(b"We accept", b"We  accepted"),
        signed(MESSAGE + b"gone\r\n", selector="gone"),
        signed(MESSAGE + b"silent\r\n", selector="silent"),
        claim + MESSAGE,
        sealed(MESSAGE),
        b"no header at all",
    )
    known = zone(key(1024, 9), domain="own.example", selector="arc").records | zone(key()).records
    run(evidence, FakeZone(known, silent={name(selector="silent")}))
    return records


def test_what_was_captured_follows_from_what_was_kept(evidence: Evidence) -> None:
    """Offline, and long after the keys are gone."""
    captured_archive(evidence)
    progress: list[tuple[int, int]] = []
    assert check_origin(evidence, progress=lambda *so_far: progress.append(so_far)) == ()
    assert progress[-1] == (7, 7)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"result":"body-differs"', b'"result":"pass"'),
        (b'"header_result":"pass"', b'"header_result":"bad-signature"'),
        (b'"key_bits":1024', b'"key_bits":2048'),
        (b'"domain":"client.example"', b'"domain":"other.example"'),
        (b'"from_domain":"client.example"', b'"from_domain":"other.example"'),
        (b'"result":"no-key"', b'"result":"pass"'),
        (b'"method":"dkim"', b'"method":"dmarc"'),
        (b'"verdict":"pass"', b'"verdict":"fail"'),
        (b'"unsigned":[]', b'"unsigned":["to"]'),
        (b'"unsigned":[]', b'"unsigned":null'),
        (b"2026-03-02T09:28", b"2026-03-01T09:28"),
        (b'"internaldate":"2026-03-02', b'"internaldate":"2026-03-01'),
    ],
)
def test_an_entry_that_was_changed_is_found(evidence: Evidence, old: bytes, new: bytes) -> None:
    """Even by somebody who makes the whole journal anew."""
    captured_archive(evidence)
    changed = evidence.database.all(
        "SELECT position, body FROM entry WHERE type = 'origin' AND instr(body, ?)", old
    )
    position, body = changed[0]
    assert isinstance(body, bytes)
    evidence.database.many(
        "UPDATE entry SET body = ? WHERE position = ?", [(body.replace(old, new, 1), position)]
    )
    (finding,) = check_origin(evidence)
    assert (finding.code, finding.level) == ("origin-differs", "error")
    assert f"entry {position} " in finding.message


@pytest.mark.parametrize("damage", [b"{", b'{"type":"record"}'])
def test_an_entry_that_cannot_be_read_is_told(evidence: Evidence, damage: bytes) -> None:
    """The check of all entries tells it too: it is told once, where this one stands alone."""
    captured_archive(evidence)
    evidence.database.many(
        "UPDATE entry SET body = ? WHERE position = (SELECT max(entry) FROM origin)", [(damage,)]
    )
    assert check_origin(evidence) == ()
    (finding,) = recheck(evidence).findings
    assert (finding.code, finding.level) == ("origin-unread", "error")


def test_a_record_that_cannot_be_read_is_told(evidence: Evidence) -> None:
    """What its origin says is not checked then."""
    record = captured_archive(evidence)[0]
    evidence.path_of(evidence.record(record).object).unlink()
    assert [one.code for one in recheck(evidence).findings] == ["origin-unread"]


def older(evidence: Evidence, record: Position, *changes: tuple[bytes, bytes]) -> None:
    """Make of RECORD's newest origin an entry as an older version wrote it."""
    position = origin_entries(evidence, record)[-1]
    body = evidence.raw_entry(position)
    unsigned = re.compile(rb',"unsigned":\[[^]]*\]')
    body = unsigned.sub(b"", body.replace(b'"rules":2,', b""))
    for old, new in changes:
        assert old in body
        body = body.replace(old, new)
    evidence.database.many("UPDATE entry SET body = ? WHERE position = ?", [(body, position)])


def test_an_older_entry_is_read_and_checked_and_believed_less(evidence: Evidence) -> None:
    """It does not say which fields were signed, so nobody says that all were."""
    signed_one, *_others, sealed_one, _bare = records = captured_archive(evidence)
    for record in records:
        older(evidence, record)
    assert check_origin(evidence) == ()
    found = grade(origin_of(evidence, signed_one))
    assert (found.level, found.reasons) == (
        "O2",
        ("signed-in-part", "cover-unknown", "key-by-owner"),
    )
    assert "was not noted when it was captured" in found.meaning
    assert grade(origin_of(evidence, sealed_one)).reasons == ("older-capture", "unsigned")


def test_what_an_older_entry_took_for_the_providers_word_is_told(evidence: Evidence) -> None:
    """It is no damage; it is not believed."""
    claim = b"Authentication-Results: mx.own.example; dkim=pass header.d=client.example\r\n"
    (record,) = keep(evidence, claim + MESSAGE)
    run(evidence, FakeZone())
    older(evidence, record, (b'"method":"dkim"', b'"method":"dmarc"'))
    (finding,) = check_origin(evidence)
    assert (finding.code, finding.level) == ("origin-older", "warning")
    found = grade(origin_of(evidence, record))
    assert (found.level, found.reasons) == ("O0", ("older-capture", "unsigned"))


def test_a_record_whose_bytes_are_others_is_found(evidence: Evidence) -> None:
    """Its origin was captured from other bytes: the entry names another object."""
    first, second, *_rest = captured_archive(evidence)
    bodies = dict(
        evidence.database.all(
            "SELECT position, body FROM entry WHERE position IN (?, ?)", first, second
        )
    )
    evidence.database.many(
        "UPDATE entry SET body = ? WHERE position = ?",
        [(bodies[second], first), (bodies[first], second)],
    )
    assert {finding.code for finding in check_origin(evidence)} == {"origin-differs"}


def test_a_key_whose_object_is_missing_is_found(evidence: Evidence) -> None:
    """Once, however many signatures it verified."""
    captured_archive(evidence)
    position, seen_key = keys_seen(evidence)[0]
    evidence.path_of(seen_key.object).unlink()
    found = [one for one in check_origin(evidence) if one.subject == str(position)]
    assert [(one.code, one.level) for one in found] == [("key-object-missing", "error")]
    assert "Put the object back from a backup" in found[0].advice


def test_only_the_records_that_are_named_are_checked(evidence: Evidence) -> None:
    """One record is checked at once in a large archive."""
    records = captured_archive(evidence)
    progress: list[tuple[int, int]] = []
    check_origin(evidence, records[:1], progress=lambda *so_far: progress.append(so_far))
    assert progress == [(1, 1)]


def test_entries_are_read_back_as_they_were_written(evidence: Evidence) -> None:
    """Every field of every kind."""
    captured_archive(evidence)
    entries = list(evidence.entries())
    with reopen(evidence.root) as again:
        assert list(again.entries()) == entries
