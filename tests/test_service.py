"""Service files: what is written is what the system reads, whatever a path is called."""

import configparser
import plistlib
import shlex
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path, PureWindowsPath
from typing import Any

import pytest

from archiver.errors import OperationError, UsageError
from archiver.service import cron, systemd
from archiver.service.job import KINDS, Job, Kind, is_sealed
from archiver.service.place import look, put, run_program, service_of, take_away, text_of

NASTY = 'Dossier d\'Aïcha "50 %" $HOME \\ ; & <b> #1'
SCHEMA = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def job(home: Path, **more: Any) -> Job:
    """Return a job by saying only what matters."""
    values: dict[str, Any] = {
        "python": Path("/opt/my env/bin/python3"),
        "archive": home / NASTY,
        "state": home / "state of it",
        "archive_id": "0123456789abcdef" * 2,
        "user": "jané",
        "home": home,
        "environment": {"PATH": "/usr/bin:/opt/50% off/bin", "ARCHIVER_STATE": "/srv/état"},
        "accounts": ("work",),
    }
    return Job(**(values | more))


def words_of(text: str) -> list[str]:
    """Split a setting as systemd does (systemd.syntax(7)), specifiers resolved."""
    words, word, quoted, at = [], "", False, 0
    while at < len(text):
        letter = text[at]
        if letter == "\\":
            at += 1
            word += text[at]
        elif letter == '"':
            quoted = not quoted
        elif letter == " " and not quoted:
            words.append(word)
            word = ""
        elif letter == "%":
            assert text[at + 1] == "%", text
            at += 1
            word += "%"
        else:
            word += letter
        at += 1
    return [*words, word]


def settings_of(unit: str, name: str) -> list[str]:
    """Return the values of a setting."""
    return [line[len(name) + 1 :] for line in unit.splitlines() if line.startswith(f"{name}=")]


@pytest.mark.parametrize("system", [False, True])
def test_a_unit_runs_exactly_this_interpreter_on_this_archive(
    tmp_path: Path, *, system: bool
) -> None:
    """Quotes, percent signs, backslashes and accents come back as they were."""
    made = job(tmp_path, system=system)
    unit = text_of("systemd", made)
    (command,) = settings_of(unit, "ExecStart")
    assert command[0] == ":"  # no variable is replaced
    assert tuple(words_of(command[1:])) == made.command("daemon")
    (places,) = settings_of(unit, "ReadWritePaths")
    assert words_of(places) == [str(made.archive), str(made.state)]
    environment = [words_of(each)[0] for each in settings_of(unit, "Environment")]
    assert environment == [f"{name}={value}" for name, value in made.environment.items()]


def test_a_unit_is_hardened_and_watched(tmp_path: Path) -> None:
    """What the daemon needs, and nothing else."""
    unit = text_of("systemd", job(tmp_path, system=True))
    for line in (
        "Type=notify",
        "WatchdogSec=300",
        "Restart=on-failure",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "CapabilityBoundingSet=",
        "User=jané",
        "# LoadCredential=archiver.work:/etc/credstore/archiver.work",
        "WantedBy=multi-user.target",
    ):
        assert line in unit.splitlines()


def test_a_users_unit_asks_for_nothing_that_only_the_system_can(tmp_path: Path) -> None:
    """Else the manager would not start it: status 218/CAPABILITIES."""
    unit = text_of("systemd", job(tmp_path))
    assert "CapabilityBoundingSet" not in unit
    assert "PrivateDevices" not in unit
    assert settings_of(unit, "User") == []
    assert settings_of(unit, "WantedBy") == ["default.target"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
@pytest.mark.parametrize("system", [False, True])
@pytest.mark.parametrize("kind", ["systemd", "systemd-timer"])
def test_systemd_finds_nothing_wrong(tmp_path: Path, kind: Kind, *, system: bool) -> None:
    """It reads the units and complains of no setting and no value."""
    import sys

    made = job(tmp_path, system=system, python=Path(sys.executable), user="root")
    paths = []
    for file in service_of(kind, made).files:
        path = tmp_path / file.path.name
        path.write_bytes(file.data)
        paths.append(str(path))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *paths],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in done.stderr.splitlines() if made.name in line]
    assert ours == []


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
@pytest.mark.parametrize("minutes", [1, 15, 45, 60, 100, 300, 720, 1440])
def test_systemd_understands_when_the_timer_runs(tmp_path: Path, minutes: int) -> None:
    """Each minute to once a day."""
    unit = text_of("systemd-timer", job(tmp_path, minutes=minutes))
    (when,) = settings_of(unit, "OnCalendar")
    subprocess.run(["systemd-analyze", "calendar", when], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("minutes", "line", "calendar"),
    [
        (1, "*/1 * * * *", "*:0/1"),
        (7, "*/6 * * * *", "*:0/6"),
        (45, "*/30 * * * *", "*:0/30"),
        (60, "0 */1 * * *", "0/1:00"),
        (100, "0 */1 * * *", "0/1:00"),
        (300, "0 */4 * * *", "0/4:00"),
        (1440, "0 */24 * * *", "00:00"),
    ],
)
def test_a_calendar_repeats_at_even_intervals(
    tmp_path: Path, minutes: int, line: str, calendar: str
) -> None:
    """Each hour and day begins anew: what divides neither is rounded down."""
    made = job(tmp_path, minutes=minutes)
    assert f"\n{line} " in cron.lines(made)
    assert settings_of(text_of("systemd-timer", made), "OnCalendar") == [calendar]


def test_a_unit_says_which_failure_commands_cannot_work_in_it(tmp_path: Path) -> None:
    """What gains rights by setgid, as postfix's way into its spool does, is forbidden there."""
    unit = text_of("systemd", job(tmp_path))
    assert settings_of(unit, "NoNewPrivileges") == ["yes"]
    assert "# (setuid, setgid): mail and sendmail of postfix or exim cannot be" in unit


def test_a_timer_runs_sync(tmp_path: Path) -> None:
    """And its two files belong together by their names."""
    made = job(tmp_path)
    service, timer = service_of("systemd-timer", made).files
    assert service.path.stem == timer.path.stem
    (command,) = settings_of(service.data.decode(), "ExecStart")
    assert words_of(command[1:])[-1] == "sync"


def test_a_line_of_cron_is_what_the_shell_runs(tmp_path: Path) -> None:
    r"""Cron turns ``\%`` into ``%`` and gives the rest to a shell."""
    made = job(tmp_path, minutes=20)
    (line,) = [each for each in cron.lines(made).splitlines() if not each.startswith("#")]
    assert line.startswith("*/20 * * * * ")
    assert "%" not in line.replace(r"\%", "")
    words = shlex.split(line.split(" ", 5)[5].replace(r"\%", "%"))
    assert tuple(words[2:]) == made.command("--quiet", "sync")
    assert words[:2] == [f"{name}={value}" for name, value in made.environment.items()]


def test_a_shell_really_runs_it(tmp_path: Path) -> None:
    """With a program in the interpreter's place that prints its words."""
    program = tmp_path / "my env" / "python3"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nfor word in "$@"; do printf "%s\\n" "$word"; done\n')
    program.chmod(0o700)
    made = job(tmp_path, python=program)
    (line,) = [each for each in cron.lines(made).splitlines() if not each.startswith("#")]
    shell = line.split(" ", 5)[5].replace(r"\%", "%")
    done = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, check=True)
    assert tuple(done.stdout.decode().splitlines()) == made.command("--quiet", "sync")[1:]


@pytest.mark.parametrize("before", ["", "MAILTO=x\n0 1 * * * true\n", "0 1 * * * true"])
def test_a_crontab_keeps_what_was_in_it(tmp_path: Path, before: str) -> None:
    """Lines are put in once, changed in place, and taken out again."""
    made = job(tmp_path)
    once = cron.with_lines(before, made)
    assert cron.with_lines(once, made) == once
    later = cron.with_lines(once, job(tmp_path, minutes=5))
    assert later.count("*/5 ") == 1
    assert "*/15 " not in later
    assert cron.without_lines(later, made).rstrip("\n") == before.rstrip("\n")
    assert cron.found(before, made) is None


@pytest.mark.parametrize("system", [False, True])
def test_launchd_reads_the_words_back(tmp_path: Path, *, system: bool) -> None:
    """By Python's own reader of property lists."""
    made = job(tmp_path, system=system)
    (file,) = service_of("launchd", made).files
    wishes = plistlib.loads(file.data)
    assert tuple(wishes["ProgramArguments"]) == made.command("daemon")
    assert wishes["EnvironmentVariables"] == made.environment
    assert wishes["Label"] == file.path.stem
    assert ("UserName" in wishes) == system


@pytest.mark.parametrize("system", [False, True])
def test_the_task_scheduler_reads_the_words_back(tmp_path: Path, *, system: bool) -> None:
    """XML in UTF-16, its words quoted as Windows splits them."""
    archive = PureWindowsPath(r"C:\Users\Aïcha B\50% & <co>\archive")
    python = PureWindowsPath(r"C:\Program Files\Python\python.exe")
    made = job(tmp_path, archive=archive, python=python, system=system, user="DESK\\Aïcha")
    (file,) = service_of("task-scheduler", made).files
    assert file.data[:2] in (b"\xff\xfe", b"\xfe\xff")
    task = ET.fromstring(file.data.decode("utf-16").partition("?>")[2])
    action = task.find(f"{SCHEMA}Actions/{SCHEMA}Exec")
    assert action is not None
    assert action.findtext(f"{SCHEMA}Command") == r"C:\Program Files\Python\pythonw.exe"
    arguments = action.findtext(f"{SCHEMA}Arguments")
    assert arguments == subprocess.list2cmdline(made.command("daemon")[1:])
    assert f'"{archive}"' in arguments
    assert task.findtext(f".//{SCHEMA}Principal/{SCHEMA}UserId") == "DESK\\Aïcha"
    trigger = "BootTrigger" if system else "LogonTrigger"
    assert task.find(f"{SCHEMA}Triggers/{SCHEMA}{trigger}") is not None


def test_the_name_tells_archives_apart(tmp_path: Path) -> None:
    """Two folders of one name are two archives."""
    one = job(tmp_path, archive=tmp_path / "Mél & co")
    assert one.name == "archiver-m-l-co-012345"
    assert job(tmp_path, archive=tmp_path / "ééé").name == "archiver-012345"


@pytest.mark.parametrize("name", ["two\nlines", "a\tb", "a\x00b"])
def test_a_path_that_no_file_can_hold_is_refused(tmp_path: Path, name: str) -> None:
    """A line break in a unit or a crontab would begin another setting."""
    with pytest.raises(UsageError) as caught:
        job(tmp_path, archive=Path(f"/srv/{name}"))
    assert "line break or another control character" in caught.value.what
    assert caught.value.advice == "No service file can name it so. Rename the folder."


@pytest.mark.parametrize("kind", [each for each in KINDS if each != "cron"])
def test_files_are_put_in_place_once_and_removed(tmp_path: Path, kind: Kind) -> None:
    """Doing it again changes nothing."""
    made = job(tmp_path)
    assert {each.state for each in look(kind, made)} == {"absent"}
    put(kind, made)
    paths = [file.path for file in service_of(kind, made).files]
    assert {each.state for each in look(kind, made)} == {"current"}
    assert all(is_sealed(path.read_bytes()) == "ours" for path in paths)
    before = [path.stat().st_mtime_ns for path in paths]
    put(kind, made)
    assert [path.stat().st_mtime_ns for path in paths] == before
    assert {each.state for each in look(kind, job(tmp_path, language="fr"))} <= {
        "outdated",
        "current",
    }
    put(kind, job(tmp_path, language="fr"))
    take_away(kind, job(tmp_path, language="fr"))
    assert not any(path.exists() for path in paths)
    assert made.state.exists()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("change", "state", "words"),
    [
        (lambda _data: b"mine\n", "foreign", "exists and was not written by the archiver."),
        (lambda data: data + b"# more\n", "changed", "was changed since the archiver wrote it."),
    ],
)
def test_a_file_that_is_not_ours_is_left_alone(
    tmp_path: Path, change: Any, state: str, words: str
) -> None:
    """Unless the user says so: then it is kept beside the new one."""
    made = job(tmp_path)
    put("systemd", made)
    (file,) = service_of("systemd", made).files
    file.path.write_bytes(change(file.data))
    assert [each.state for each in look("systemd", made)] == [state]
    for act in (put, take_away):
        with pytest.raises(UsageError) as caught:
            act("systemd", made)
        assert caught.value.what.endswith(words)
        assert "--replace" in caught.value.advice
        assert file.path.read_bytes() == change(file.data)
    put("systemd", made, replace=True)
    assert file.path.read_bytes() == file.data
    kept = file.path.with_name(file.path.name + ".before")
    assert kept.read_bytes() == change(file.data)


def test_a_crontab_is_changed_by_its_own_program(tmp_path: Path) -> None:
    """Read by ``crontab -l``, written by ``crontab -``, and not when nothing differs."""
    table = ["0 1 * * * true\n"]
    asked: list[tuple[str, ...]] = []

    def crontab(words: tuple[str, ...], text: str | None) -> str:
        asked.append(words)
        if text is not None:
            table[0] = text
        return table[0]

    made = job(tmp_path)
    put("cron", made, run=crontab)
    assert [each.state for each in look("cron", made, run=crontab)] == ["current"]
    put("cron", made, run=crontab)
    assert asked.count(("crontab", "-")) == 1
    assert [each.state for each in look("cron", job(tmp_path, minutes=5), run=crontab)] == [
        "outdated"
    ]
    take_away("cron", made, run=crontab)
    assert table == ["0 1 * * * true\n"]


def test_a_program_that_is_not_there_is_told() -> None:
    """With what to do by hand."""
    with pytest.raises(OperationError) as caught:
        run_program(("no-such-program-here", "-l"), None)
    assert caught.value.what.startswith("The program no-such-program-here cannot be used: ")
    assert "archiver service print" in caught.value.advice


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """As what it is."""
    (tmp_path / ".config").write_text("a file")
    with pytest.raises(OperationError) as caught:
        put("systemd", job(tmp_path))
    assert "cannot be used" in caught.value.what


def test_units_are_read_as_settings_files(tmp_path: Path) -> None:
    """No line of them is anything but a comment, a section or a setting."""
    for kind in ("systemd", "systemd-timer"):
        for file in service_of(kind, job(tmp_path)).files:  # type: ignore[arg-type]
            parser = configparser.RawConfigParser(strict=False, delimiters=("=",))
            parser.optionxform = str  # type: ignore[assignment,method-assign]
            parser.read_string(file.data.decode())
            assert "Unit" in parser.sections()


def test_a_word_is_quoted_for_systemd() -> None:
    """Each character that means something."""
    assert systemd.quote('a "b" \\ 100%') == r'"a \"b\" \\ 100%%"'


@pytest.mark.parametrize(
    ("folder", "lines"),
    [
        ("/srv/archive", ("ProtectHome=yes", "PrivateTmp=yes")),
        ("/home/jane/archive", ("ProtectHome=read-only", "PrivateTmp=yes")),
        ("/var/tmp/archive", ("ProtectHome=yes", "PrivateTmp=no")),
    ],
)
def test_what_the_archive_is_in_is_not_hidden(folder: str, lines: tuple[str, ...]) -> None:
    """A unit that hides its own archive cannot start."""
    places = {"archive": Path(folder), "state": Path("/var/lib/archiver")}
    unit = text_of("systemd", job(Path("/var/lib/archiver"), system=True, **places))
    assert set(lines) <= set(unit.splitlines())
