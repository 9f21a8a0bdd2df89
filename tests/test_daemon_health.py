"""How the daemon fares, as monitoring reads it."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from command import Desk, new_desk
from daemon_fakes import START, account, settings

from archiver.app import Archive
from archiver.daemon import state as state_file
from archiver.daemon.health import Health, Level, details, health_json, judge, line
from archiver.daemon.lock import alone, is_taken
from archiver.daemon.state import AccountState, DaemonState, WriterState
from archiver.errors import LockedError

GOOD = AccountState(
    name="work",
    doing="notified",
    since=START,
    last_good=START + timedelta(hours=2),
    good_since=START,
)
FAILING = replace(
    GOOD,
    doing="waiting",
    good_since=None,
    failing_since=START + timedelta(hours=2),
    attempts=3,
    exit_code=75,
    what="The network is away.",
    advice="Wait.",
    next_try=START + timedelta(hours=4),
)
NOW = START + timedelta(hours=2, minutes=1)


def daemon(*accounts: AccountState, written: datetime = NOW, **more: object) -> DaemonState:
    """Return the state of a daemon."""
    return DaemonState(
        pid=os.getpid(),
        host="here",
        software="archiver",
        started=START,
        written=written,
        accounts=accounts,
        **more,  # type: ignore[arg-type]
    )


def health(
    state: DaemonState | None,
    *names: str,
    now: datetime = NOW,
    running: bool = True,
    good: datetime | None = START,
) -> Health:
    """Judge a state for accounts of these names."""
    known = settings(*(account(name) for name in names or ("work",)))
    syncs = dict.fromkeys(names or ("work",), (good, good))
    return judge(state, known, syncs, now, running=running)


def test_all_well_is_ok_and_says_since_when() -> None:
    """One line, for people and programs."""
    found = health(daemon(GOOD))
    assert found.level is Level.OK
    assert line(found, UTC) == (
        "OK: work: good since 2026-03-02 09:00+00:00, last sync 2026-03-02 11:00+00:00"
    )


def test_short_trouble_is_no_alarm_long_trouble_is() -> None:
    """A warning after an hour, critical when an account is stale."""
    state = daemon(FAILING)
    assert health(state).level is Level.OK
    later = NOW + timedelta(hours=1)
    assert health(replace(state, written=later), now=later).level is Level.WARNING
    days = NOW + timedelta(days=4)
    found = health(replace(state, written=days), now=days)
    assert found.level is Level.CRITICAL
    assert "fails since 2026-03-02 11:00+00:00: The network is away" in line(found, UTC)


@pytest.mark.parametrize("code", [12, 78])
def test_what_a_person_must_mend_is_critical_at_once(code: int) -> None:
    """It does not pass by itself."""
    assert health(daemon(replace(FAILING, exit_code=code))).level is Level.CRITICAL


def test_the_worst_comes_first() -> None:
    """Monitoring cuts long lines."""
    found = health(daemon(GOOD, replace(FAILING, name="home", exit_code=12)), "work", "home")
    assert line(found, UTC).startswith("CRITICAL: home: fails since")


@pytest.mark.parametrize(
    ("state", "running", "words"),
    [
        (None, False, "CRITICAL: the daemon was never started"),
        (None, True, "WARNING: the daemon says nothing yet"),
        (daemon(GOOD), False, "CRITICAL: the daemon died; last seen at 2026-03-02 11:01"),
        (daemon(GOOD, ended=True), False, "CRITICAL: the daemon was stopped at 2026-03-02 11:01"),
        (daemon(GOOD, written=START), True, "CRITICAL: the daemon is stuck since 2026-03-02 09:00"),
    ],
)
def test_a_daemon_that_does_not_work_is_told(
    state: DaemonState | None, *, running: bool, words: str
) -> None:
    """Dead, ended, stuck, never there."""
    assert line(health(state, running=running), UTC).startswith(words)


def test_an_account_that_the_daemon_does_not_watch_is_told() -> None:
    """It was added, and nobody reloaded."""
    found = health(daemon(GOOD), "work", "home")
    assert found.level is Level.WARNING
    assert "home: the running daemon does not watch it" in line(found, UTC)


def test_messages_that_cannot_be_fetched_are_a_warning() -> None:
    """The account works, but not for all of its mail."""
    found = health(daemon(replace(GOOD, problems=2)))
    assert found.level is Level.WARNING
    assert "2 messages or folders could not be fetched" in line(found, UTC)


def test_indexing_that_fails_for_an_hour_is_a_warning() -> None:
    """Mail is kept, but not found."""
    state = daemon(GOOD, writer=WriterState(failing_since=START, what="no space left"))
    assert "indexing or signing fails" in line(health(state), UTC)
    assert health(state).level is Level.WARNING


def test_all_times_are_in_the_time_zone_of_the_archive() -> None:
    """Whatever zone the clock and the daemon speak in."""
    known = settings(account(), time_zone="Europe/Paris")
    zone = ZoneInfo("Europe/Paris")
    failing = judge(daemon(FAILING), known, {"work": (START, START)}, NOW, running=True)
    assert line(failing, zone) == (
        "OK: work: fails since 2026-03-02 12:00+01:00: The network is away "
        "(last good sync: 2026-03-02 12:00+01:00)"
    )
    stopped = judge(daemon(ended=True), known, {}, NOW, running=False)
    assert "the daemon was stopped at 2026-03-02 12:01+01:00" in line(stopped, zone)


def test_a_file_that_cannot_be_understood_is_a_warning() -> None:
    """The daemon goes on with the old one, which is not what its owner wants."""
    known = settings(account())
    syncs = {"work": (START, START)}
    broken = ["archive.toml cannot be understood"]
    found = judge(daemon(GOOD), known, syncs, NOW, running=True, broken=broken)
    assert found.level is Level.WARNING
    assert line(found, UTC).startswith("WARNING: archive.toml cannot be understood; work: good")
    found = judge(daemon(GOOD), known, syncs, NOW, running=False, broken=broken)
    assert line(found, UTC).startswith("CRITICAL: the daemon died")


def test_no_account_is_a_warning() -> None:
    """Nothing is watched."""
    found = judge(daemon(), settings(), {}, NOW, running=True)
    assert line(found, UTC) == "WARNING: no account is configured"


def test_a_first_sync_that_takes_long_is_no_alarm() -> None:
    """It is under way."""
    state = daemon(AccountState(name="work", doing="syncing", since=START))
    assert line(health(state, good=None), UTC) == "OK: work: no sync is complete yet"


def test_a_bar_begins_no_figures() -> None:
    """Whatever a server says."""
    found = health(daemon(replace(FAILING, what="NO | x=1")))
    assert "|" not in line(found, UTC)


def test_people_are_told_what_to_do() -> None:
    """With the time of the next attempt."""
    said = "\n".join(details(health(daemon(FAILING)), UTC))
    assert f"The daemon runs since 2026-03-02 09:00+00:00 (process {os.getpid()})." in said
    assert "next try at 2026-03-02 13:00+00:00" in said
    assert "→ Wait." in said


def test_the_json_holds_the_same() -> None:
    """For scripts."""
    said = json.loads(json.dumps(health_json(health(daemon(GOOD)))))
    assert said["schema"] == 1
    assert said["level"] == "OK"
    assert said["accounts"][0]["good_since"] == "2026-03-02T09:00:00+00:00"


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    """All of it."""
    state = daemon(GOOD, FAILING, writer=WriterState(last_good=NOW, what="é"))
    state_file.write(tmp_path, state)
    assert state_file.read(tmp_path) == state
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["daemon.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 1}', '{"schema": 2}', "\xff", "null"])
def test_a_file_that_cannot_be_understood_says_nothing(tmp_path: Path, text: str) -> None:
    """And hurts nobody."""
    path = state_file.path_of(tmp_path)
    path.parent.mkdir()
    path.write_bytes(text.encode("latin-1"))
    assert state_file.read(tmp_path) is None


def test_one_daemon_runs_for_an_archive(tmp_path: Path) -> None:
    """The second is told which process is the first."""
    assert is_taken(tmp_path) is False
    with alone(tmp_path):
        state_file.write(tmp_path, daemon())
        assert is_taken(tmp_path) is True
        with pytest.raises(LockedError) as caught, alone(tmp_path):
            pass
        assert caught.value.what == (
            f"A daemon runs for this archive already (process {os.getpid()})."
        )
        assert "archiver daemon --status" in caught.value.advice
    assert is_taken(tmp_path) is False


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive with an account, which synchronised well by what the daemon last said."""
    desk = new_desk(tmp_path / "archive")
    desk.ok(
        *("account", "add", "work", "--host", "127.0.0.1", "--security", "plain"),
        *("--user", "me", "--keep", "everything", "--password-command", "pass mail"),
    )
    now = datetime.now(UTC)
    state = replace(GOOD, last_good=now, good_since=now)
    state_file.write(desk.root, daemon(state, written=now))
    return desk


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("archive.toml", "keep = ["),
        ("archive.toml", "hostt = 1\nstale_after_days = -1\n"),
        ("engagements/acme.toml", "keep = ["),
    ],
)
def test_a_broken_file_beside_a_daemon_that_runs_is_a_warning_that_names_it(
    desk: Desk, name: str, text: str
) -> None:
    """On the one line, with what is wrong; the daemon goes on as before."""
    desk.ok("engagement", "add", "acme", "--client", "ACME", "--domain", "acme.example")
    with alone(desk.root):
        state_file.write(desk.root, state_file.read(desk.root) or daemon())
        assert desk("daemon", "--health").out.startswith("OK: work: good since")
        (desk.root / name).write_text(text, encoding="utf-8")
        said = desk("daemon", "--health")
        assert said.code == 1
        assert said.out.startswith(
            f"WARNING: {name} cannot be understood, and is used as it was before: "
        )
        assert len(said.out.splitlines()) == 1
        told = desk("daemon", "--status", "--format", "json")
        assert told.code == 3
        assert told.json["level"] == "WARNING"
        assert name in told.json["daemon"]
    said = desk("daemon", "--health")
    assert said.code == 2
    assert name in said.out


def test_without_any_settings_that_can_be_understood_nothing_is_judged(desk: Desk) -> None:
    """Exit code 78, which monitoring takes for unknown."""
    broken = b"keep = ["
    with Archive(desk.root, tell=lambda _text: None, actor="person:me") as archive:
        archive.evidence.keep_config("archive.toml", broken, actor="person:me")
    (desk.root / "archive.toml").write_bytes(broken)
    said = desk("daemon", "--health")
    assert said.code == 78
    assert not said.out
    assert "archive.toml" in said.err
