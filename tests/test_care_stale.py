"""Accounts without a good sync for days: told by every command, at next to no cost."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from command import Desk, new_desk
from mail import mail

from archiver.app import Archive
from archiver.care.stale import StaleAccount, stale, tell

NOW = datetime.now(UTC)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive with an account that nobody answers for, and one record."""
    desk = new_desk(tmp_path / "archive")
    desk.ok(
        *("account", "add", "work", "--host", "127.0.0.1", "--port", 1, "--user", "u"),
        *("--security", "plain", "--keep", "everything", "--password-command", "echo x"),
    )
    desk.keep(tmp_path / "mail", mail())
    return desk


@pytest.fixture
def archive(desk: Desk) -> Iterator[Archive]:
    """Open it."""
    with Archive(desk.root, tell=print, actor="person:test") as archive:
        yield archive


def found(archive: Archive, *, days: float = 0) -> tuple[StaleAccount, ...]:
    """Return what is stale so many days from now."""
    now = datetime.now(UTC) + timedelta(days=days)
    return stale(archive.evidence, archive.copies.settings, now)


def test_an_account_added_today_is_not_stale(archive: Archive) -> None:
    """Nobody is told off before they could do it."""
    assert found(archive) == ()


def test_an_account_that_was_never_synchronised_is_stale_after_three_days(
    archive: Archive,
) -> None:
    """Counted from when the settings were last changed."""
    assert found(archive, days=2.9) == ()
    (each,) = found(archive, days=3.1)
    assert (each.name, each.good, each.attempt) == ("work", None, None)
    assert tell(each, NOW, UTC) == (
        "Account work was never synchronised well. Run `archiver sync --account work`."
    )


def test_since_when_and_why_are_told(archive: Archive) -> None:
    """With how to try again."""
    good = NOW - timedelta(days=10)
    archive.evidence.note_sync("work", good, good=True)
    archive.evidence.note_sync("work", NOW, good=False, reason="No route to host.")
    (each,) = found(archive)
    assert (each.good, each.attempts, each.reason) == (good, 1, "No route to host.")
    assert tell(each, NOW, UTC) == (
        f"Account work: no good sync since {good:%Y-%m-%d} (10 days). "
        "The last attempt failed: No route to host. Run `archiver sync --account work`."
    )


def test_a_good_sync_ends_it(archive: Archive) -> None:
    """At once."""
    archive.evidence.note_sync("work", NOW - timedelta(days=10), good=True)
    archive.evidence.note_sync("work", NOW, good=True)
    assert found(archive, days=2) == ()


def test_the_settings_say_after_how_many_days(desk: Desk, archive: Archive) -> None:
    """Some synchronise once a month."""
    path = desk.root / "archive.toml"
    path.write_text(path.read_text().replace("schema = 1", "schema = 1\nstale_after_days = 30"))
    archive.reread_copies()
    archive.evidence.note_sync("work", NOW - timedelta(days=20), good=True)
    assert found(archive) == ()
    assert len(found(archive, days=11)) == 1


def make_stale(desk: Desk) -> None:
    """Let the last good sync be ten days ago."""
    with Archive(desk.root, tell=print, actor="person:test") as archive:
        archive.evidence.note_sync("work", NOW - timedelta(days=10), good=True)
        archive.evidence.note_sync("work", NOW, good=False, reason="Nobody\x1b answers.")


@pytest.mark.parametrize(
    "command",
    [
        ("search", "hello"),
        ("status",),
        ("account", "list"),
        ("engagement", "list"),
        ("triage",),
        ("coverage",),
        ("-q", "search", "hello"),
    ],
)
def test_every_command_for_people_says_so_on_stderr(desk: Desk, command: tuple[str, ...]) -> None:
    """Quiet or not, once for each account, without what could steer a terminal."""
    make_stale(desk)
    said = desk(*command)
    assert said.err.count("Account work: no good sync since") == 1
    assert "Nobody\N{REPLACEMENT CHARACTER} answers. Run `archiver sync" in said.err


def test_json_stays_json(desk: Desk) -> None:
    """Stdout is data."""
    make_stale(desk)
    said = desk("search", "hello", "--format", "json")
    assert said.json["total"] == 1
    assert "no good sync" in said.err


def test_a_sync_that_cron_runs_tells_its_own_failure_only(desk: Desk) -> None:
    """What it says is mailed already."""
    make_stale(desk)
    assert "no good sync" not in desk("sync").err


def test_the_daemons_writer_leaves_it_to_the_daemon(desk: Desk) -> None:
    """It runs catch-up again and again: the daemon says for itself how each account stands."""
    make_stale(desk)
    assert "no good sync" not in desk.ok("catch-up").err


def test_a_fresh_archive_and_one_without_accounts_say_nothing(tmp_path: Path) -> None:
    """There is nothing to synchronise."""
    desk = new_desk(tmp_path / "bare")
    assert desk.ok("status").err == ""


def test_it_costs_next_to_nothing(archive: Archive) -> None:
    """Less than two milliseconds, the slow case too."""
    found(archive, days=9)
    begun = time.perf_counter()
    for _time in range(20):
        assert found(archive, days=9)
    assert (time.perf_counter() - begun) / 20 < 0.002
