"""``archiver service``: print, install, uninstall, status."""

from pathlib import Path

import pytest
from command import Desk, new_desk


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Make an archive of a user whose home is empty."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    return new_desk(tmp_path / "my archive")


def units(tmp_path: Path) -> list[Path]:
    """Return what is in the user's folder of units."""
    return sorted((tmp_path / "home" / ".config" / "systemd" / "user").glob("*"))


@pytest.mark.parametrize("kind", ["systemd", "systemd-timer", "cron", "launchd", "task-scheduler"])
def test_every_kind_is_printed(desk: Desk, kind: str, tmp_path: Path) -> None:
    """The file alone on stdout; nothing is written anywhere."""
    said = desk.ok("service", "print", "--kind", kind)
    assert str(desk.root) in said.out
    assert said.err
    assert desk.ok("-q", "service", "print", "--kind", kind).err == ""
    assert list((tmp_path / "home").iterdir()) == []


def test_install_writes_and_prints_the_commands(desk: Desk, tmp_path: Path) -> None:
    """Again: nothing is to be done."""
    said = desk.ok("service", "install", "--kind", "systemd", "--yes")
    (unit,) = units(tmp_path)
    assert said.out.splitlines() == [
        "systemctl --user daemon-reload",
        f"systemctl --user enable --now {unit.name}",
        "loginctl enable-linger",
    ]
    assert f"Written: {unit}" in said.err
    assert "All is in place already." in desk.ok("service", "install", "--kind", "systemd").err


@pytest.mark.parametrize("kind", ["cron", "systemd-timer"])
def test_minutes_that_come_at_no_even_interval_are_told(desk: Desk, kind: str) -> None:
    """*/45 would be at :00 and :45, 15 minutes apart."""
    words = "Every 30 minutes instead of 45: only what divides an hour or a day"
    assert words in desk.ok("service", "print", "--kind", kind, "--minutes", "45").err
    assert "instead of" not in desk.ok("service", "print", "--kind", kind, "--minutes", "30").err
    daemon = desk.ok("service", "print", "--kind", "systemd", "--minutes", "45")
    assert "instead of" not in daemon.err


def test_install_asks(desk: Desk, tmp_path: Path) -> None:
    """Where nobody is there to answer, nothing is written."""
    said = desk("service", "install", "--kind", "systemd")
    assert said.code == 2
    assert "--yes" in said.err
    assert units(tmp_path) == []


def test_what_somebody_else_wrote_stays(desk: Desk, tmp_path: Path) -> None:
    """--yes is not enough."""
    desk.ok("service", "install", "--kind", "systemd", "--yes")
    (unit,) = units(tmp_path)
    unit.write_text("mine\n")
    said = desk("service", "install", "--kind", "systemd", "--yes")
    assert said.code == 2
    assert unit.read_text() == "mine\n"
    assert desk("service", "status", "--kind", "systemd").code == 3
    desk.ok("service", "install", "--kind", "systemd", "--yes", "--replace")
    assert unit.with_name(unit.name + ".before").read_text() == "mine\n"


def test_status_tells_what_is_in_place(desk: Desk) -> None:
    """For people and for scripts."""
    assert "systemd: not installed" in desk.ok("service", "status", "--kind", "systemd").out
    desk.ok("service", "install", "--kind", "systemd", "--yes")
    said = desk.ok("service", "status", "--kind", "systemd", "--format", "json").json
    assert said["schema"] == 1
    assert [part["state"] for part in said["parts"]] == ["current"]


def test_uninstall_removes_and_says_what_ends_it(desk: Desk, tmp_path: Path) -> None:
    """A second time there is nothing to remove."""
    desk.ok("service", "install", "--kind", "systemd-timer", "--yes")
    assert len(units(tmp_path)) == 2
    said = desk.ok("service", "uninstall", "--kind", "systemd-timer", "--yes")
    assert said.out.startswith("systemctl --user disable --now archiver-my-archive-")
    assert units(tmp_path) == []
    assert "Nothing of it" in desk.ok("service", "uninstall", "--kind", "systemd-timer").err


def test_two_answers_at_once_are_refused(desk: Desk) -> None:
    """--status and --health print different things."""
    said = desk("daemon", "--status", "--health")
    assert said.code == 2
    assert "Give one of them." in said.err
