"""Helpers share the work of a check; whatever becomes of them, nothing is left out."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from evidence_case import create, reopen, seen

from archiver.evidence.checks.check import verify
from archiver.evidence.checks.crew import Crew, helpers_here
from archiver.evidence.checks.findings import Findings
from archiver.evidence.checks.objects import ObjectCheck
from archiver.evidence.checks.plan import Wish
from archiver.evidence.journal.canonical import JSON
from archiver.model.digest import Digest
from archiver.model.findings import Finding

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="helpers are forked on Linux only")

HERE = os.getpid()


def square(piece: int) -> JSON:
    """Do some work, and say who did it."""
    return [piece * piece, os.getpid()]


def done(crew: Crew) -> dict[int, int]:
    """Return the outcomes by piece; each comes once."""
    found = list(crew.outcomes())
    assert len(found) == len({piece for piece, _outcome in found})
    return {piece: outcome[0] for piece, outcome in found}  # type: ignore[index, misc]


@pytest.mark.parametrize("helpers", [0, 1, 3])
def test_every_piece_is_done_once(helpers: int) -> None:
    """However many are at it."""
    with Crew(square, range(256), helpers=helpers) as crew:
        assert done(crew) == {piece: piece * piece for piece in range(256)}
        assert crew.lost == 0


def test_helpers_work_while_this_process_does_something_else() -> None:
    """And wait with what they have to tell until it is collected."""
    with Crew(square, range(20), helpers=1) as crew:
        ready: list[JSON] = []
        while len(ready) < 20:  # the helper takes all: nobody else asks for a piece
            ready += [outcome for _piece, outcome in crew.collect(wait=True)]
        assert HERE not in {outcome[1] for outcome in ready}  # type: ignore[index]
        assert done(crew) == {}


def test_long_outcomes_come_whole() -> None:
    """Longer than a pipe holds."""
    with Crew(lambda piece: [str(piece) * 300_000, 0], range(4), helpers=2) as crew:
        assert {piece: len(text) for piece, text in done(crew).items()} == dict.fromkeys(  # type: ignore[arg-type]
            range(4), 300_000
        )


def dies(piece: int) -> JSON:
    """Be killed in the middle of a piece, unless this process does it."""
    if os.getpid() != HERE:
        os.kill(os.getpid(), signal.SIGKILL)
    return square(piece)


def fails(piece: int) -> JSON:
    """Fail in a helper."""
    if os.getpid() != HERE:
        raise OSError("no more files")
    return square(piece)


@pytest.mark.parametrize("work", [dies, fails])
def test_what_a_helper_that_died_had_taken_is_done_here(
    work: Callable[[int], JSON], capfd: pytest.CaptureFixture[str]
) -> None:
    """And it is counted: never silence."""
    with Crew(work, range(10), helpers=2) as crew:
        while crew._helpers:
            crew.collect(wait=True)
        assert done(crew) == {piece: piece * piece for piece in range(10)}
        assert crew.lost == 2
    assert "Traceback" not in capfd.readouterr().err


def test_work_that_fails_here_too_is_an_error() -> None:
    """The next one to see it is the caller."""

    def work(_piece: int) -> JSON:
        raise PermissionError

    with Crew(work, range(3), helpers=1) as crew, pytest.raises(PermissionError):
        done(crew)


def test_helpers_end_when_the_work_is_given_up() -> None:
    """However busy they are."""

    def work(_piece: int) -> JSON:
        signal.pause()
        return None

    crew = Crew(work, range(3), helpers=1)
    ((process, _told),) = crew._helpers.values()
    crew.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_a_process_with_threads_gets_no_helpers() -> None:
    """A forked copy of it could wait forever for a lock that nobody holds."""
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        assert helpers_here() == 0
    finally:
        over.set()
        thread.join()
    assert 0 <= helpers_here() <= 7


def archive(root: Path) -> Path:
    """Make an archive with something wrong in many ways."""
    with create(root) as evidence:
        evidence.keep([seen(str(number).encode() * 9, number + 1) for number in range(300)])
        paths = sorted(path for path in evidence.objects.folder.rglob("*") if path.is_file())
    for number, path in enumerate(paths[:60]):
        path.chmod(0o600)
        match number % 4:
            case 0:
                path.unlink()
            case 1:
                path.write_bytes(path.read_bytes() + b"x")
            case 2:
                path.write_bytes(bytes(path.stat().st_size))
            case _:
                path.rename(path.with_name(Digest.of(bytes([number])).hex))
    (root / "objects" / "aa" / "notes").write_bytes(b"")
    return root


def test_helpers_find_the_same_in_the_same_order(tmp_path: Path) -> None:
    """As a check without helpers."""
    root = archive(tmp_path)

    def found(helpers: int) -> tuple[tuple[Finding, ...], dict[str, int]]:
        with reopen(root, recover=False) as evidence:
            report = verify(evidence, read_data=1.0, helpers=helpers)
        return report.findings, dict(report.checked)

    assert found(0) == found(2)
    assert len(found(0)[0]) > 60


def test_a_helper_that_died_is_a_finding(tmp_path: Path) -> None:
    """All objects were checked all the same."""
    findings = Findings()

    def scan(folder: Path) -> list[os.DirEntry[str]]:
        if os.getpid() != HERE:
            os.kill(os.getpid(), signal.SIGKILL)
        return list(os.scandir(folder))

    with create(tmp_path) as evidence:
        evidence.keep([seen(b"one", 1), seen(b"two", 2)])
        with ObjectCheck(evidence, findings, Wish(share=1.0), scan=scan, helpers=1) as check:
            while check._crew._helpers:
                check._crew.collect(wait=True)
            check.check(lambda _done: None)
    (finding,) = findings.report().findings
    assert (finding.code, finding.level) == ("helper-lost", "warning")
    assert finding.message == "1 helper process died; its part was checked once more."
    assert "memory" in finding.advice
    assert findings.checked("objects-read") == 2
