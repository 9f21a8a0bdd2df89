"""Whatever is killed, full, locked or read-only: nothing confirmed is lost, nothing is repeated."""

import contextlib
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest
from accounts import add_account, fill
from command import Desk, environment, new_desk
from dovecot import DovecotServer
from evidence_case import reopen
from mail import DEFAULT_DATE, mail
from processes import Ended, Running, run
from sampling import sampled

from archiver.model.entries import Scan

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kill -9 and mounts are POSIX")

MAILS = 300
KILLS_EACH = 18
INTERRUPTED = {"mirror-behind", "mirror-torn"}
"""What verify may find after a crash, and the next write completes (docs/journal.md)."""
EVERYTHING = ("--limit", "100000", "--format", "json")


@cache
def mails(first: int = 0, number: int = MAILS) -> tuple[bytes, ...]:
    """Write messages in threads of five, to and from one client."""
    return tuple(
        mail(
            subject=f"Lot {count - count % 5}",
            date=DEFAULT_DATE + timedelta(hours=count),
            message_id=f"{count}@client.example",
            in_reply_to=f"{count - count % 5}@client.example" if count % 5 else "",
            text=f"Step {count} of the work.\n" + "word " * 400,
        )
        for count in range(first, first + number)
    )


def mbox(path: Path, messages: tuple[bytes, ...]) -> Path:
    """Write an mbox."""
    start = b"From us Mon Mar  2 10:00:00 2026\n"
    path.write_bytes(b"".join(start + data.replace(b"\r\n", b"\n") + b"\n" for data in messages))
    return path


# --- kill -9 -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stage:
    """Archives that are made once and copied for each act; they stand in a folder of ours."""

    folder: Path

    @property
    def mbox(self) -> Path:
        """The file that is imported."""
        return self.folder / "mails.mbox"

    def copy(self, name: str, place: Path) -> Desk:
        """Return a copy in PLACE of the archive NAME, with what its machine remembers of it."""
        shutil.copytree(self.folder / name, place / "archive")
        shutil.copytree(self.folder / f"{name}-state", place / "state")
        return Desk(place / "archive")


@contextlib.contextmanager
def remembering(folder: Path) -> Iterator[None]:
    """Let commands remember in FOLDER what must be remembered outside an archive."""
    with environment({"ARCHIVER_STATE": str(folder)}):
        yield


@pytest.fixture(autouse=True)
def _machine(tmp_path: Path) -> Iterator[None]:
    """Let each test be a machine of its own: copies of one archive must not meet."""
    with remembering(tmp_path / "state"):
        yield


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Make an archive without mail, one with mail only kept, one with all done."""
    stage = Stage(tmp_path_factory.mktemp("stage"))
    with remembering(stage.folder / "done-state"):
        make_archives(stage)
    return stage


def make_archives(stage: Stage) -> None:
    """Make them one after the other, and keep what the machine remembered of each."""
    mbox(stage.mbox, mails())
    empty = new_desk(stage.folder / "empty", time_zone="UTC")
    add = ("engagement", "add")
    empty.ok(*add, "acme", "--client", "ACME", "--domain", "client.example")
    empty.ok(*add, "bolt", "--client", "Bolt", "--domain", "bolt.example")
    empty.ok("catch-up")
    memory = stage.folder / "done-state"
    for before, name, command in (
        ("empty", "kept", ("import", stage.mbox, "--keep-only")),
        ("kept", "done", ("catch-up",)),
    ):
        shutil.copytree(stage.folder / before, stage.folder / name)
        shutil.copytree(memory, stage.folder / f"{before}-state")
        Desk(stage.folder / name).ok(*command)


@dataclass(frozen=True)
class Act:
    """A command that is killed, and the archive in which it runs."""

    start: str
    command: Callable[[Stage, Path], tuple[object, ...]]
    repeats: tuple[str, ...] = ()
    """Types of entries that running it again adds by right."""


ACTS = {
    "import": Act("empty", lambda stage, _place: ("import", stage.mbox)),
    "catch-up": Act("kept", lambda _stage, _place: ("catch-up",)),
    "tag": Act("done", lambda *_: ("tag", "bolt", "--scope", "query", "step"), ("Tag",)),
    "dossier": Act(
        "done",
        lambda _stage, place: ("dossier", "acme", "--output", free(place), "--yes"),
        ("Export",),
    ),
    "rebuild": Act("done", lambda _stage, _place: ("rebuild",)),
}


def free(place: Path) -> Path:
    """Name a folder that does not exist."""
    return next(folder for n in range(1000) if not (folder := place / f"dossier-{n}").exists())


@cache
def whole(stage: Stage, name: str) -> tuple[float, Counter[str]]:
    """Return how many seconds an act takes that nobody disturbs, and the journal after it."""
    place = stage.folder / f"whole-{name}"
    desk = stage.copy(ACTS[name].start, place)
    start = time.perf_counter()
    with remembering(place / "state"):
        ended = run(desk.root, *ACTS[name].command(stage, place))
    took = time.perf_counter() - start
    assert ended.code == 0, ended.err
    return took, journal(desk.root)


def journal(root: Path) -> Counter[str]:
    """Count the entries by type; what a scan was cut into is no matter."""
    with reopen(root, recover=False) as evidence:
        payloads = [entry.payload for entry in evidence.entries()]
    return Counter(type(one).__name__ for one in payloads if not isinstance(one, Scan))


@pytest.mark.parametrize("name", ACTS)
def test_kill_9_once(tmp_path: Path, stage: Stage, name: str) -> None:
    """Somewhere in the middle."""
    kill_and_go_on(stage, tmp_path, name, seed=1)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 2 + sampled(KILLS_EACH)))
@pytest.mark.parametrize("name", ACTS)
def test_kill_9_at_random_moments(tmp_path: Path, stage: Stage, name: str, seed: int) -> None:
    """Up to three times in a row, from the first moment to the last."""
    kill_and_go_on(stage, tmp_path, name, seed=seed)


def kill_and_go_on(stage: Stage, place: Path, name: str, *, seed: int) -> None:
    """Kill an act, look at what is there, run it again to its end, look at everything."""
    chance = random.Random(f"{name} {seed}")
    desk = stage.copy(ACTS[name].start, place)
    took, wanted = whole(stage, name)
    for _time in range(chance.choice((1, 1, 2, 3))):
        command = ACTS[name].command(stage, place)
        ended = Running(desk.root, *command).kill_after(chance.uniform(0.05, 1.05) * took)
        assert ended.code in (0, -signal.SIGKILL), ended.err
        assert "Traceback" not in ended.err
        check_bags(place)
    check_as_it_stands(desk, read_first=chance.random() < 0.5)
    ended = run(desk.root, *ACTS[name].command(stage, place))
    assert ended.code == 0, ended.err
    check_bags(place)
    found = journal(desk.root)
    for kind in ACTS[name].repeats:
        assert found[kind] % wanted[kind] == 0  # each time all of them or none
        found[kind] = wanted[kind]
    assert found == wanted
    check_whole(desk, MAILS)


def check_as_it_stands(desk: Desk, *, read_first: bool) -> None:
    """Check what the next command finds: nothing worse than a write that was interrupted."""
    if read_first:
        total = desk.ok("search", "*", *EVERYTHING).json["total"]
        assert total == desk.ok("status", "--format", "json").json["journal"]
    report = desk.ok("verify", "--read-data=all", "--format", "json").json
    left = [finding for finding in report["findings"] if finding["level"] != "note"]
    assert {finding["code"] for finding in left} <= INTERRUPTED, left


def check_whole(desk: Desk, records: int) -> None:
    """Check that everything is there once, and that nothing is left to do."""
    report = desk.ok("verify", "--read-data=all", "--format", "json").json
    assert report["findings"] == []
    status = desk.ok("status", "--format", "json").json
    assert [status[key] for key in ("records", "journal", "catalogue", "index")] == [records] * 4
    answer = desk.ok("search", "*", *EVERYTHING).json
    assert answer["total"] == len({hit["id"] for hit in answer["hits"]}) == records


def check_bags(place: Path) -> None:
    """Check that whatever looks like a bag is one, to its last byte."""
    for declaration in place.glob("dossier-*/bagit.txt"):
        folder = declaration.parent
        manifests = [
            (folder / f"{kind}-sha256.txt").read_text() for kind in ("manifest", "tagmanifest")
        ]
        named = [line.split("  ", 1) for text in manifests for line in text.splitlines()]
        for digest, name in named:
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
        messages = list((folder / "data" / "messages").iterdir())
        assert len(messages) == MAILS
    assert all((folder / "bagit.txt").exists() for folder in place.glob("dossier-*"))


# --- kill -9 and ctrl-C while mail is fetched ----------------------------------------------------


@pytest.fixture(scope="module")
def mailbox(_dovecot: DovecotServer) -> str:
    """Name a user whose mailbox is read by many tests and changed by none."""
    user = f"crash-{uuid4().hex[:12]}"
    fill(_dovecot, user, mails(number=2 * MAILS))
    return user


@pytest.fixture
def synced(tmp_path: Path, dovecot: DovecotServer, mailbox: str) -> Desk:
    """Make an archive that has yet to fetch that mailbox."""
    desk = new_desk(tmp_path / "archive", time_zone="UTC")
    add_account(desk, dovecot, mailbox)
    return desk


def kill_syncs(desk: Desk, seed: int) -> None:
    """Kill a sync up to three times, then let it end."""
    chance = random.Random(seed)
    for _time in range(chance.choice((1, 2, 3))):
        command = chance.choice((("sync",), ("sync", "--keep-only")))
        ended = Running(desk.root, *command).kill_after(chance.uniform(0.2, 2.5))
        assert ended.code in (0, -signal.SIGKILL), ended.err
    check_as_it_stands(desk, read_first=chance.random() < 0.5)
    check_synced(desk)


def check_synced(desk: Desk) -> None:
    """Sync to the end: every message once, every place once."""
    ended = run(desk.root, "sync")
    assert ended.code == 0, ended.err
    found = journal(desk.root)
    assert found["Record"] == found["Sighting"] == 2 * MAILS
    check_whole(desk, 2 * MAILS)


@pytest.mark.dovecot
def test_kill_9_while_syncing(synced: Desk) -> None:
    """What was kept stays, the rest is fetched, nothing twice."""
    kill_syncs(synced, seed=1)


@pytest.mark.dovecot
@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 2 + sampled(KILLS_EACH)))
def test_kill_9_while_syncing_at_random_moments(synced: Desk, seed: int) -> None:
    """From connecting to indexing."""
    kill_syncs(synced, seed)


@pytest.mark.dovecot
@pytest.mark.parametrize("records", [1, 2 * MAILS], ids=["fetching", "reading"])
def test_ctrl_c_while_syncing(synced: Desk, records: int) -> None:
    """Exit code 130, a sentence, no traceback; the next run completes it."""
    objects = count_objects(synced.root) + records
    sync = Running(synced.root, "sync")
    until = time.monotonic() + 60
    while count_objects(synced.root) < objects:
        assert sync.process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.005)
    sync.process.send_signal(signal.SIGINT)
    ended = sync.end()
    assert ended.code == 130, ended
    assert ended.err.endswith("Interrupted. What was kept is kept; run the command again.\n")
    assert "Traceback" not in ended.err
    check_as_it_stands(synced, read_first=False)
    check_synced(synced)


def count_objects(root: Path) -> int:
    """Count the files that bear their final names."""
    return sum(1 for _ in (root / "objects").glob("??/*"))


# --- no room -------------------------------------------------------------------------------------


@contextlib.contextmanager
def small_disk(place: Path) -> Iterator[Callable[[int], None]]:
    """Make PLACE a disk of its own; call what is handed out with the bytes it may hold."""
    place.mkdir()
    mounted = mount("-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place))
    if mounted:
        pytest.skip(f"a small disk cannot be made here: {mounted}")

    def resize(size: int) -> None:
        assert not mount("-o", f"remount,size={size}", str(place))

    try:
        yield resize
    finally:
        subprocess.run(["umount", str(place)], check=True)


def mount(*arguments: str) -> str:
    """Mount something; return why it cannot be, or nothing."""
    if not sys.platform.startswith("linux"):
        return "mounting is tested on Linux"
    if os.geteuid() != 0:
        return "only root may mount"
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    return done.stderr.strip() if done.returncode else ""


def used(place: Path) -> int:
    """Return how many bytes a disk holds."""
    return shutil.disk_usage(place).used


@pytest.mark.parametrize("room", [0, 200_000, pytest.param(600_000, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", ["import", "catch-up", "rebuild", "dossier"])
def test_a_full_disk_is_told_and_loses_nothing(
    tmp_path: Path, stage: Stage, name: str, room: int
) -> None:
    """Exit code 1 with what to do; with room again, the same command completes."""
    place = tmp_path / "disk"
    with small_disk(place) as resize, remembering(place / "state"):
        desk = stage.copy(ACTS[name].start, place)
        resize(used(place) + room)
        ended = run(desk.root, *ACTS[name].command(stage, place))
        check_told(ended)
        resize(64_000_000)
        check_as_it_stands(desk, read_first=name == "rebuild")
        check_bags(place)
        ended = run(desk.root, *ACTS[name].command(stage, place))
        assert ended.code == 0, ended.err
        check_whole(desk, MAILS)


@pytest.mark.parametrize("size", [1_000, 150_000])
@pytest.mark.parametrize("name", ["import", "catch-up", "rebuild", "dossier"])
def test_a_file_that_may_not_grow_is_told(
    tmp_path: Path, stage: Stage, name: str, size: int
) -> None:
    """As on a disk with a quota: every command says so in a sentence."""
    desk = stage.copy(ACTS[name].start, tmp_path)
    ended = run(desk.root, *ACTS[name].command(stage, tmp_path), largest_file=size)
    check_told(ended)
    check_as_it_stands(desk, read_first=True)
    ended = run(desk.root, *ACTS[name].command(stage, tmp_path))
    assert ended.code == 0, ended.err
    check_whole(desk, MAILS)


def check_told(ended: Ended) -> None:
    """Check that a failure is told in words, with what to do."""
    assert ended.code == 1, ended.err
    assert "Traceback" not in ended.err
    assert len(ended.err.strip().splitlines()) >= 2
    assert "Error: " in ended.err


# --- several processes at once -------------------------------------------------------------------


@pytest.mark.dovecot
def test_several_commands_at_once(tmp_path: Path, synced: Desk) -> None:
    """Sync, import, tags, searches, checks with the lock wait that users have: no false alarm."""
    synced.keep(tmp_path / "first", *mails(10_000, 30))
    other = mbox(tmp_path / "other.mbox", mails(20_000))
    synced.ok("engagement", "add", "acme", "--client", "ACME", "--person", "them@x.example")
    writers = [Running(synced.root, "sync"), Running(synced.root, "import", other)]
    others: list[Running] = []
    while any(writer.process.poll() is None for writer in writers):
        others = [
            Running(synced.root, "search", "*", "--format", "json"),
            Running(synced.root, "tag", "acme", "--scope", "query", '"step 10001"'),
            Running(synced.root, "status", "--format", "json"),
            Running(synced.root, "verify"),
        ]
        check_ended(others)
    assert others
    check_ended(writers)
    synced.ok("catch-up")
    check_whole(synced, 3 * MAILS + 30)


def check_ended(processes: list[Running]) -> None:
    """Check that each ended well."""
    for process in processes:
        ended = process.end()
        assert ended.code == 0, ended.err
        assert "Traceback" not in ended.err


# --- read-only media -----------------------------------------------------------------------------


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nobody write in FOLDER: by permissions, or, for root, by a mount."""
    if os.geteuid() != 0:
        with without_permission(folder):
            yield
        return
    if reason := mount("--bind", str(folder), str(folder)):
        pytest.skip(f"read-only media cannot be made here: {reason}")
    try:
        assert not mount("-o", "remount,ro,bind", str(folder))
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextlib.contextmanager
def without_permission(folder: Path) -> Iterator[None]:
    """Take the right to write from everything in FOLDER."""
    modes = {path: path.stat().st_mode for path in (folder, *folder.rglob("*"))}
    for path, mode in modes.items():
        path.chmod(mode & ~0o222)
    try:
        yield
    finally:
        for path, mode in modes.items():
            path.chmod(mode)


def test_read_only_media_are_read(tmp_path: Path, stage: Stage) -> None:
    """Every question has the answer that it has elsewhere, and nothing is written."""
    desk = stage.copy("done", tmp_path)
    digest = desk.ok("search", "*", "--format", "json").json["hits"][0]["id"]
    questions = [
        ("search", "step lot", "--format", "json"),
        ("show", digest, "--format", "json"),
        ("show", digest, "--raw"),
        ("thread", digest, "--format", "json"),
        ("status", "--format", "json"),
        ("engagement", "list", "--format", "json"),
        ("triage", "--format", "json"),
        ("verify", "--read-data=all", "--format", "json"),
    ]
    before = [desk.ok(*question).raw for question in questions]
    files = contents(desk.root)
    with read_only(desk.root):
        for question, answer in zip(questions, before, strict=True):
            said = desk.ok(*question)
            assert said.raw == answer, question
            assert said.err == "", question
    assert contents(desk.root) == files


def test_read_only_media_without_projections_are_searched(tmp_path: Path, stage: Stage) -> None:
    """They are made in a temporary folder, and that is told."""
    desk = stage.copy("done", tmp_path)
    before = desk.ok("search", "step", "--format", "json").raw
    (desk.root / "catalogue.sqlite").unlink()
    shutil.rmtree(desk.root / "search")
    with read_only(desk.root):
        said = desk.ok("search", "step", "--format", "json")
    assert said.raw == before
    assert "making a temporary one" in said.err


@pytest.mark.parametrize(
    "command",
    [
        ("sync",),
        ("import", "MBOX"),
        ("tag", "bolt", "--scope", "query", "step"),
        ("engagement", "add", "new", "--client", "New", "--domain", "new.example"),
        ("account", "add", "a", "--host", "h", "--user", "u", "--keep", "everything"),
        ("dossier", "acme", "--output", "DOSSIER", "--yes"),
        ("catch-up",),
        ("rebuild",),
    ],
    ids=lambda command: command[0],
)
def test_read_only_media_say_why_nothing_is_written(
    tmp_path: Path, stage: Stage, command: tuple[str, ...]
) -> None:
    """Not that something is damaged, and never half of it."""
    desk = stage.copy("done", tmp_path)
    account = ("--host", "127.0.0.1", "--user", "u", "--security", "plain")
    desk.ok("account", "add", "work", *account, "--keep", "everything")
    desk.ok("catch-up")
    files = contents(desk.root)
    places = {"MBOX": str(stage.mbox), "DOSSIER": str(tmp_path / "dossier")}
    with read_only(desk.root):
        said = desk(*(places.get(word, word) for word in command))
    if command != ("catch-up",):  # there was nothing to do
        assert said.code == 1, (said.code, said.err)
        assert "read-only" in said.err or "for reading only" in said.err
    assert contents(desk.root) == files
    assert not (tmp_path / "dossier").exists()


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file in FOLDER."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
