"""Asking for time-stamps when things go wrong: kept, put off, told, asked again, never lost."""

import itertools
import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from authority import Behaviour, LocalAuthority, Served, local_authority, openssl_accepts, unsorted
from evidence_case import FullDisk, RecordingDisk, by_hand, create, reopen

from archiver.authorities import Authority
from archiver.errors import ArchiverError
from archiver.evidence.disk import Disk
from archiver.evidence.stamps.anchoring import anchor
from archiver.evidence.stamps.attempts import asked_wait, waiting
from archiver.evidence.stamps.check import check_stamps
from archiver.evidence.stamps.entries import anchors, stamp_path
from archiver.evidence.stamps.outcome import Failed, Outcome, warnings_of
from archiver.evidence.stamps.post import LIMIT, Answer, Post, UnreachableError, post
from archiver.evidence.store import Evidence

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HTML = b"<!DOCTYPE html><title>Please sign in</title>"


@pytest.fixture
def authority() -> LocalAuthority:
    """Return the authority of this test run."""
    return local_authority()


@dataclass
class Clock:
    """A clock that a test sets."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.now


class Bench:
    """An archive, authorities, and what they answer."""

    def __init__(self, root: Path, authority: LocalAuthority, disk: Disk | None = None) -> None:
        self.root = root
        self.authority = authority
        self.clock = Clock()
        create(root).close()
        self.evidence = Evidence.open(
            root, clock=self.clock, entropy=os.urandom, software="archiver test", disk=disk
        )
        self.number = itertools.count()
        self.checkpoints: list[int] = []

    def add(self) -> None:
        """Keep a writing."""
        self.evidence.keep([by_hand(b"writing %d\n" % next(self.number))])

    def checkpoint(self) -> bool:
        """Sign the newest entries, or what stands for it."""
        size = self.evidence.size
        folder = self.root / "journal" / "checkpoints"
        folder.mkdir(exist_ok=True)
        (folder / f"{size}.note").write_bytes(f"checkpoint {size}\n".encode())
        self.checkpoints.append(size)
        return True

    def ask(
        self, ask: Post, *names: str, due: bool = False, timeout: float = 5.0, root: str = "root"
    ) -> Outcome:
        """Ask the authorities called NAMES, or one."""
        pem = self.authority.pem(root).decode()
        return anchor(
            self.evidence,
            [Authority(name=name, url=f"http://{name}/", root=pem) for name in names or ("local",)],
            due=due,
            checkpoint=self.checkpoint,
            clock=self.clock,
            entropy=os.urandom,
            post=ask,
            timeout=timeout,
        )

    def fail(self, ask: Post, *, due: bool = False) -> Failed:
        """Ask one authority, which must fail."""
        outcome = self.ask(ask, due=due)
        assert (outcome.stamped, len(outcome.failed)) == ((), 1)
        return outcome.failed[0]

    def honest(self, _url: str, body: bytes, _timeout: float) -> Answer:
        """Answer as one should."""
        return answer(self.authority.reply(body, "ec"))

    def files(self) -> list[str]:
        """Name the files about time-stamps."""
        folder = self.root / "journal" / "stamps"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def answer(
    body: bytes, status: int = 200, *, kind: str = "application/timestamp-reply", retry: str = ""
) -> Answer:
    """Make an answer."""
    return Answer(status=status, content_type=kind, retry_after=retry, body=body)


def always(result: Answer) -> Post:
    """Answer all with RESULT."""
    return lambda _url, _body, _timeout: result


def stating(authority: LocalAuthority) -> Post:
    """Answer with stamps that state to be qualified."""
    return lambda _url, body, _timeout: answer(authority.craft(body, qualified=True))


def nobody(_url: str, _body: bytes, _timeout: float) -> Answer:
    """Be out of reach."""
    raise UnreachableError("it could not be reached: no route to host")


def never(_url: str, _body: bytes, _timeout: float) -> Answer:
    """Be asked by mistake."""
    raise AssertionError("nobody was to be asked")


@pytest.fixture
def bench(tmp_path: Path, authority: LocalAuthority) -> Iterator[Bench]:
    """Make an archive with an entry to date."""
    bench = Bench(tmp_path / "archive", authority)
    with bench.evidence:
        bench.add()
        yield bench


# --- what goes well ------------------------------------------------------------------------------


def test_a_stamp_is_kept_journalled_and_checks(bench: Bench) -> None:
    """Request, raw answer, chain; the entry names the hash of the answer."""
    outcome = bench.ask(bench.honest)
    (stamped,) = outcome.stamped
    (size,) = bench.checkpoints
    assert stamped.size == size
    assert bench.files() == [f"{size}-local.{kind}" for kind in ("pem", "tsq", "tsr")]
    ((position, entry),) = anchors(bench.evidence)
    assert (position, entry.size, entry.time) == (stamped.position, size, stamped.time)
    assert check_stamps(bench.evidence, [_pinned(bench)]) == ()
    assert bench.evidence.size == size + 1


def _pinned(bench: Bench) -> Authority:
    return Authority(name="local", url="http://local/", root=bench.authority.pem().decode())


def test_every_authority_is_asked(bench: Bench) -> None:
    """One that fails keeps no other from dating the archive."""
    asked: list[str] = []

    def some(url: str, body: bytes, timeout: float) -> Answer:
        asked.append(url)
        return (
            nobody(url, body, timeout)
            if "b" in url.split("/")[2]
            else bench.honest(url, body, timeout)
        )

    outcome = bench.ask(some, "a", "b", "c")
    assert asked == ["http://a/", "http://b/", "http://c/"]
    assert [stamped.authority for stamped in outcome.stamped] == ["a", "c"]
    assert [failed.authority for failed in outcome.failed] == ["b"]
    assert len(bench.checkpoints) == 1


def test_a_stamp_does_not_ask_for_the_next_one(bench: Bench) -> None:
    """Anchors are entries too: they alone are nothing new to date."""
    bench.ask(bench.honest, "a", "b")
    again = bench.ask(never, "a", "b")
    assert again.current == ("a", "b")
    assert len(bench.checkpoints) == 1
    bench.add()
    assert len(bench.ask(bench.honest, "a", "b").stamped) == 2
    assert len(bench.checkpoints) == 2


def test_unsorted_certificates_are_no_obstacle(bench: Bench) -> None:
    """Some authorities send them so; openssl takes them, the library by itself does not."""

    def mixed(url: str, body: bytes, timeout: float) -> Answer:
        return answer(unsorted(bench.honest(url, body, timeout).body))

    assert bench.ask(mixed).stamped


@pytest.mark.parametrize("kind", ["application/timestamp-response", "application/octet-stream", ""])
def test_the_type_of_the_content_is_no_reason_to_refuse(bench: Bench, kind: str) -> None:
    """Authorities differ; what counts is what the answer is."""

    def typed(_url: str, body: bytes, _timeout: float) -> Answer:
        return answer(bench.authority.reply(body), kind=kind)

    assert bench.ask(typed).stamped


def test_qualified_needs_the_declaration_and_the_statement(bench: Bench) -> None:
    """One of both is not enough."""
    pem = bench.authority.pem().decode()
    found: dict[tuple[bool, bool], bool] = {}
    for declared, stated in itertools.product((False, True), repeat=2):
        name = f"q{declared:d}{stated:d}"
        outcome = anchor(
            bench.evidence,
            [Authority(name=name, url="http://q/", root=pem, qualified=declared)],
            due=False,
            checkpoint=bench.checkpoint,
            clock=bench.clock,
            entropy=os.urandom,
            post=stating(bench.authority) if stated else bench.honest,
        )
        found[declared, stated] = outcome.stamped[0].qualified
    assert found == {
        (False, False): False,
        (False, True): False,
        (True, False): False,
        (True, True): True,
    }
    assert [entry.qualified for _position, entry in anchors(bench.evidence)].count(True) == 1


# --- when it is time -----------------------------------------------------------------------------


def test_due_means_a_day_after_the_last_one(bench: Bench) -> None:
    """And a daily timer that comes some minutes early does not skip a day."""
    assert bench.ask(bench.honest, due=True).stamped
    bench.add()
    for hours, expected in ((1, "later"), (22, "later"), (23.5, "stamped")):
        bench.clock.now = datetime.now(UTC) + timedelta(hours=hours)
        outcome = bench.ask(bench.honest if expected == "stamped" else never, due=True)
        assert bool(outcome.stamped) is (expected == "stamped")
        assert outcome.later == (("local",) if expected == "later" else ())


def test_a_person_does_not_wait_for_a_day(bench: Bench) -> None:
    """Before an export, what is new is dated."""
    bench.ask(bench.honest)
    bench.add()
    assert bench.ask(bench.honest).stamped


def test_a_clock_that_was_wrong_delays_nothing_for_ever(bench: Bench) -> None:
    """An entry, or a wait, of next year does not keep the archive undated until then."""
    bench.clock.now = datetime.now(UTC) + timedelta(days=400)
    assert bench.ask(bench.honest, "a").stamped
    bench.fail(nobody)
    bench.clock.now = datetime.now(UTC)
    bench.add()
    outcome = bench.ask(bench.honest, "a", "local", due=True)
    assert [stamped.authority for stamped in outcome.stamped] == ["a", "local"]


def test_what_failed_is_asked_again_after_longer_and_longer_waits(bench: Bench) -> None:
    """15 minutes, an hour, six, then a day and a day again."""
    waits = []
    for _try in range(6):
        failed = bench.fail(nobody, due=True)
        waits.append(failed.until - bench.clock.now)
        bench.clock.now = failed.until - timedelta(seconds=1)
        assert bench.ask(never, due=True).later == ("local",)
        bench.clock.now = failed.until
    hours = [wait / timedelta(hours=1) for wait in waits]
    assert hours == [0.25, 1, 6, 24, 24, 24]
    assert waiting(bench.evidence)[0].tries == 6
    assert bench.ask(bench.honest, due=True).stamped
    assert waiting(bench.evidence) == ()


def test_another_authority_does_not_wait_for_the_one_that_failed(bench: Bench) -> None:
    """Each has its own turn: the good one tomorrow, the other in a quarter of an hour."""

    def one(url: str, body: bytes, timeout: float) -> Answer:
        return (nobody if "bad" in url else bench.honest)(url, body, timeout)

    bench.ask(one, "good", "bad", due=True)
    bench.add()
    bench.clock.now += timedelta(minutes=20)
    outcome = bench.ask(bench.honest, "good", "bad", due=True)
    assert (outcome.later, [each.authority for each in outcome.stamped]) == (("good",), ["bad"])


# --- what an authority can do wrong --------------------------------------------------------------


@dataclass(frozen=True)
class Wrong:
    """A way to misbehave, and what is said of it."""

    served: Callable[[LocalAuthority, bytes], Answer]
    code: str
    words: str
    temporary: bool = False


WRONG = {
    "a web page": Wrong(
        lambda _it, _body: answer(HTML, kind="text/html"), "not-a-stamp", "a web page"
    ),
    "nothing": Wrong(lambda _it, _body: answer(b""), "not-a-stamp", "is empty"),
    "half": Wrong(lambda it, body: answer(it.reply(body)[:200]), "not-a-stamp", "damaged"),
    "rejection": Wrong(lambda it, body: answer(it.reject(body)), "rejected", "Come back tomorrow"),
    "nonce": Wrong(
        lambda it, body: answer(it.craft(body, nonce=1)), "wrong-nonce", "another request"
    ),
    "imprint": Wrong(
        lambda it, body: answer(it.craft(body, imprint_of=b"x")), "wrong-imprint", "other bytes"
    ),
    "expired": Wrong(
        lambda it, body: answer(it.craft(body, signer="expired")),
        "expired",
        "was not valid at the time",
    ),
    "root": Wrong(
        lambda it, body: answer(it.craft(body, signer="foreign")), "untrusted", "pinned root"
    ),
    "usage": Wrong(
        lambda it, body: answer(it.craft(body, signer="usage")),
        "wrong-usage",
        "not one for time-stamps",
    ),
    "too large": Wrong(lambda _it, _body: answer(bytes(LIMIT + 1)), "too-large", "far too large"),
    "forbidden": Wrong(lambda _it, _body: answer(HTML, 403), "refused", "HTTP 403"),
    "moved": Wrong(lambda _it, _body: answer(b"", 302), "refused", "points to another address"),
    "too many": Wrong(lambda _it, _body: answer(HTML, 429), "busy", "HTTP 429", temporary=True),
    "out of order": Wrong(lambda _it, _body: answer(HTML, 503), "busy", "HTTP 503", temporary=True),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_bad_answer_is_kept_told_and_put_off(bench: Bench, name: str) -> None:
    """As it came, for whoever looks into it; the journal says nothing; a good one replaces it."""
    wrong = WRONG[name]
    came: list[bytes] = []

    def ask(_url: str, body: bytes, _timeout: float) -> Answer:
        served = wrong.served(bench.authority, body)
        came.append(served.body)
        return served

    size = bench.evidence.size
    failed = bench.fail(ask)
    assert (failed.code, failed.temporary) == (wrong.code, wrong.temporary)
    assert wrong.words in failed.words
    kept = stamp_path(bench.evidence, failed.size, "local", ".answer").read_bytes()
    assert kept == came[0][:LIMIT]
    assert bench.evidence.size == size
    assert waiting(bench.evidence)[0].reason == failed.words
    bench.add()
    assert bench.ask(bench.honest).stamped
    assert all("answer" not in file for file in bench.files())
    assert len(bench.files()) == 3


def test_a_failure_is_told_with_when_it_is_tried_again(bench: Bench) -> None:
    """In the archive's time zone, and with what a person can do."""
    bench.clock.now = START
    (told,) = warnings_of(bench.ask(nobody), ZoneInfo("Europe/Paris"))
    assert told == (
        "Warning: no time-stamp from local: it could not be reached: no route to host. It is asked "
        "again after 2026-03-02 10:45 +0100; `archiver anchor` asks at once."
    )


def test_a_clock_that_differs_is_a_warning(bench: Bench) -> None:
    """The authority is the one that is believed."""
    bench.clock.now = datetime.now(UTC) - timedelta(minutes=45)
    outcome = bench.ask(bench.honest)
    (told,) = warnings_of(outcome, UTC)
    assert "differs by 45 min" in told
    assert "The time-stamp counts" in told


def test_a_busy_authority_is_left_in_peace_for_as_long_as_it_asks(bench: Bench) -> None:
    """Seconds or a date, up to a day, and never less than the usual wait."""
    bench.clock.now = START
    later = "Mon, 02 Mar 2026 11:30:00 GMT"
    for retry, minutes in (
        ("7200", 120),
        (later, 120),
        ("999999999999", 1440),
        ("5", 15),
        ("soon", 15),
    ):
        failed = bench.fail(always(answer(b"", 429, retry=retry)))
        assert failed.until - START >= timedelta(minutes=minutes)
    assert asked_wait(later, START) == timedelta(hours=2)
    assert asked_wait("Mon, 02 Mar 2026 08:00:00 GMT", START) == timedelta(0)
    assert asked_wait("-5", START) == asked_wait("", START) == timedelta(0)


def test_a_state_that_cannot_be_signed_is_not_dated(bench: Bench) -> None:
    """A rolled-back archive asks nobody, though it has older checkpoints."""
    bench.ask(bench.honest)
    bench.add()
    outcome = anchor(
        bench.evidence,
        [_pinned(bench)],
        due=False,
        checkpoint=lambda: False,
        clock=bench.clock,
        entropy=os.urandom,
        post=never,
    )
    assert outcome == Outcome(unsigned=True)


# --- crashes and company -------------------------------------------------------------------------


def test_the_raw_answer_is_durable_before_it_is_read(
    tmp_path: Path, authority: LocalAuthority
) -> None:
    """And every file before the entry that names it."""
    disk = RecordingDisk()
    bench = Bench(tmp_path / "archive", authority, disk)
    with bench.evidence:
        bench.add()
        disk.points.clear()
        bench.ask(bench.honest)
    written = ["file-written", "file-synced", "file-named", "file-folder-synced"]
    # Request and raw answer; then under their final names; then the entry.
    assert disk.points[: 4 * 5] == written * 5
    assert disk.points[4 * 5 :] == ["commit", "committed", "mirror-written", "mirror-synced"]


class Crash(BaseException):
    """The process is gone."""


class StoppingDisk(Disk):
    """Stops the process at the so-manieth point."""

    def __init__(self) -> None:
        self.left = -1

    def reached(self, point: str) -> None:
        """Count, and stop when it is time."""
        self.left -= 1
        if self.left == 0:
            raise Crash(point)


@pytest.mark.parametrize("after", range(1, 25))
def test_a_crash_anywhere_loses_no_answer(
    after: int, tmp_path: Path, authority: LocalAuthority
) -> None:
    """What came is taken up by the next run, without asking again once the answer was durable."""
    disk = StoppingDisk()
    bench = Bench(tmp_path / "archive", authority, disk)
    with bench.evidence:
        bench.add()
        disk.left = after
        with pytest.raises(Crash):
            bench.ask(bench.honest)
    asked: list[str] = []

    def again(url: str, body: bytes, timeout: float) -> Answer:
        asked.append(url)
        return bench.honest(url, body, timeout)

    with reopen(bench.root) as bench.evidence:
        bench.ask(again)
        assert len(asked) == (1 if after <= 6 else 0)  # the answer has its name at point 7
        ((_position, entry),) = anchors(bench.evidence)
        assert check_stamps(bench.evidence, [_pinned(bench)]) == ()
        assert [file for file in bench.files() if file.endswith((".answer", ".tmp"))] == []
        assert bench.ask(never).current == ("local",)
        assert entry.size == bench.checkpoints[0]


def test_a_bad_answer_is_not_judged_at_every_sync(bench: Bench) -> None:
    """It was found wanting once; only the next try counts."""
    failed = bench.fail(always(answer(HTML)))
    path = stamp_path(bench.evidence, failed.size, "local", ".answer")
    path.chmod(0)  # reading it would fail
    assert bench.ask(never, due=True).later == ("local",)


def test_of_two_processes_at_it_one_counts(bench: Bench) -> None:
    """Both ask, both get a stamp, the journal has one, and its files are that one's."""

    def meanwhile(url: str, body: bytes, timeout: float) -> Answer:
        with reopen(bench.root) as bench.evidence:
            first = bench.ask(bench.honest)
        assert first.stamped
        return bench.honest(url, body, timeout)

    bench.checkpoint()
    mine = bench.evidence
    pem = bench.authority.pem().decode()
    outcome = anchor(
        mine,
        [Authority(name="local", url="http://local/", root=pem)],
        due=False,
        checkpoint=lambda: True,
        clock=bench.clock,
        entropy=os.urandom,
        post=meanwhile,
    )
    bench.evidence = mine
    ((position, entry),) = anchors(mine)
    (stamped,) = outcome.stamped
    assert (stamped.position, stamped.time) == (position, entry.time)
    assert check_stamps(mine, [_pinned(bench)]) == ()
    assert len(bench.files()) == 3


def test_a_full_disk_is_an_error_of_the_archive_not_of_the_authority(
    tmp_path: Path, authority: LocalAuthority
) -> None:
    """It is told as such."""
    bench = Bench(tmp_path / "archive", authority)
    with bench.evidence:
        bench.add()
    with (
        reopen(bench.root, FullDisk(0)) as bench.evidence,
        pytest.raises(ArchiverError, match="no room"),
    ):
        bench.ask(never)


# --- over HTTP -----------------------------------------------------------------------------------


def asked(behaviour: Behaviour, timeout: float = 5.0) -> Answer:
    """Send something to a server that behaves so."""
    with local_authority().serving(behaviour) as service:
        return post(service.url, b"question", timeout)


def test_a_stamp_comes_over_http(bench: Bench, tmp_path: Path) -> None:
    """The real thing: our request, its server, our post, its answer."""
    with bench.authority.serving() as service:
        outcome = bench.ask(lambda _url, body, timeout: post(service.url, body, timeout))
    (stamped,) = outcome.stamped
    assert service.types == ["application/timestamp-query"]
    note = (bench.root / "journal" / "checkpoints" / f"{stamped.size}.note").read_bytes()
    response = stamp_path(bench.evidence, stamped.size, "local", ".tsr").read_bytes()
    assert openssl_accepts(
        tmp_path,
        response,
        data=note,
        request=service.requests[0],
        root=bench.authority.pem(),
        at=stamped.time,
    )


def test_status_and_headers_come_back_whatever_they_are() -> None:
    """An error of HTTP is an answer."""
    headers = {"Content-Type": "text/html", "Retry-After": " 120 "}
    got = asked(lambda _body: Served(HTML, 429, headers))
    assert (got.status, got.content_type, got.retry_after, got.body) == (
        429,
        "text/html",
        "120",
        HTML,
    )


def test_a_redirect_is_not_followed() -> None:
    """Whom one asks is a decision."""
    with local_authority().serving() as other:
        got = asked(lambda _body: Served(b"", 302, {"Location": other.url}))
        assert (got.status, other.requests) == (302, [])


def test_more_than_the_limit_is_not_read() -> None:
    """A server cannot fill the memory or the disk."""
    got = asked(lambda _body: Served(bytes(4 * LIMIT)))
    assert len(got.body) == LIMIT + 1


def test_a_server_that_never_answers_is_left_in_time() -> None:
    """After the seconds that it is given."""
    with pytest.raises(UnreachableError, match=r"did not answer within 0\.2 s"):
        asked(lambda _body: None, timeout=0.2)


def test_a_server_that_answers_a_byte_at_a_time_is_left_in_time() -> None:
    """The seconds are for all of it, not for each byte."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ended = threading.Event()

        def drip() -> None:
            connection, _peer = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                while not ended.wait(0.05):
                    connection.sendall(b"0")

        thread = threading.Thread(target=drip)
        thread.start()
        port = listening.getsockname()[1]
        try:
            with pytest.raises(UnreachableError, match="did not answer within"):
                post(f"http://127.0.0.1:{port}/", b"question", 0.3)
        finally:
            ended.set()
            thread.join()


def test_a_server_that_is_not_there_is_told() -> None:
    """With what the system says."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(UnreachableError, match="could not be reached: Connection refused"):
        post(f"http://127.0.0.1:{port}/", b"question", 5.0)


def test_a_server_that_speaks_something_else_is_told() -> None:
    """It is as good as out of reach."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def babble() -> None:
            connection, _peer = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"220 mail.example ESMTP\r\n")

        thread = threading.Thread(target=babble)
        thread.start()
        port = listening.getsockname()[1]
        with pytest.raises(UnreachableError, match="could not be reached"):
            post(f"http://127.0.0.1:{port}/", b"question", 5.0)
        thread.join()
