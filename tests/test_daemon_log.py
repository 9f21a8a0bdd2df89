"""What the daemon says: one line for each event, dated unless the journal dates it."""

import os
from pathlib import Path

from daemon_fakes import START

from archiver.daemon.log import Importance, Log, to_journal


def lines(least: Importance = "event", *, journal: bool = False) -> list[str]:
    """Say something of each importance, and return what was written."""
    written: list[str] = []
    log = Log(written.append, clock=lambda: START, least=least, journal=journal)
    log.trouble("away\r\nfor\x1b[2Jever")
    log.event("works")
    log.detail("looked")
    return written


def test_a_line_is_one_line_with_its_time() -> None:
    """Whatever a server put into its words."""
    moment = "2026-03-02 09:00:00+00:00"
    assert lines() == [f"{moment} away for\N{REPLACEMENT CHARACTER}[2Jever", f"{moment} works"]


def test_quiet_leaves_troubles_and_verbose_adds_details() -> None:
    """As -q and -v do everywhere."""
    assert len(lines("trouble")) == 1
    assert len(lines("detail")) == 3


def test_the_journal_gets_importance_and_no_time() -> None:
    """It dates lines itself (sd-daemon(3))."""
    assert lines(journal=True) == ["<4>away for\N{REPLACEMENT CHARACTER}[2Jever", "<6>works"]


def test_the_journal_is_known_by_its_stream(tmp_path: Path) -> None:
    """systemd.exec(5): device and inode of what stderr is, and not of another."""
    with (tmp_path / "stream").open("w") as stream:
        found = os.fstat(stream.fileno())
        assert to_journal({"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}, stream)
        assert not to_journal({"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino + 1}"}, stream)
        assert not to_journal({}, stream)
    assert not to_journal({"JOURNAL_STREAM": "1:2"}, stream)
    assert not to_journal({"JOURNAL_STREAM": "1:2"}, None)


def test_nobody_reading_is_no_error() -> None:
    """Mail is kept all the same."""

    def gone(_line: str) -> None:
        raise BrokenPipeError

    Log(gone, clock=lambda: START).event("works")
