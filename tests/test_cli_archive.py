"""What commands say of working copies that cannot be understood, and of moments."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from command import Desk, new_desk
from mail import mail

from archiver.care.doctor import Surroundings, examine
from archiver.config import parse_settings

WRONG = "It is not valid TOML"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Make an archive with one message and an engagement whose file is broken."""
    desk = new_desk(tmp_path / "archive")
    desk.keep(tmp_path / "mail", mail())
    desk.ok("engagement", "add", "acme", "--client", "ACME", "--domain", "client.example")
    with (desk.root / "engagements" / "acme.toml").open("a", encoding="utf-8") as file:
        file.write("x = [")
    return desk


def test_a_broken_file_is_told_in_two_lines(desk: Desk) -> None:
    """What is wrong, with the file's name once; then what to do."""
    what, advice, *_rest = desk.ok("search", "hello").err.splitlines()
    assert what.startswith("engagements/acme.toml")
    assert what.count("acme.toml") == 1
    assert WRONG in what
    assert advice.startswith("Correct the file")


def test_a_broken_file_is_told_once_a_command(desk: Desk) -> None:
    """Even by a command that takes the files in again after changing one."""
    added = ("engagement", "add", "other", "--client", "O", "--domain", "other.example")
    assert desk(*added).err.count(WRONG) == 1


def test_the_doctor_tells_of_a_broken_file_among_its_findings(desk: Desk) -> None:
    """There and nowhere else."""
    said = desk("doctor", "--format", "json")
    assert "config-invalid" in {finding["code"] for finding in said.json["findings"]}
    assert WRONG not in said.err


def test_the_doctor_tells_moments_in_the_time_zone_of_the_archive(tmp_path: Path) -> None:
    """As every other command does."""
    now = datetime(2026, 7, 10, 12, 0, tzinfo=UTC)
    account = (
        '[account.work]\nhost = "imap.example.org"\nport = 993\nuser = "us@x.example"\n'
        'security = "tls"\nkeep = "everything"\n'
    )
    report = examine(
        Surroundings(
            free_bytes=2**40,
            mode=0o700,
            owner_is_us=True,
            file_system="ext4",
            encrypted=True,
            path=tmp_path,
        ),
        parse_settings(f'schema = 1\ntime_zone = "Europe/Paris"\nlanguage = "en"\n{account}'),
        now=now,
        last_entry=now + timedelta(days=1),
        last_syncs={"work": (now, now - timedelta(days=5))},
        zone=ZoneInfo("Europe/Paris"),
    )
    told = " ".join(finding.message for finding in report.findings)
    assert "2026-07-05T14:00+02:00" in told
    assert "2026-07-11T14:00:00+02:00" in told
