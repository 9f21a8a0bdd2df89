"""Time two ways of doing the same work in turn, A B A B, and print each figure and the ratio.

Wall time, processor time and peak memory come from the operating system's own accounting of each
finished process (wait4). Only ratios travel from one machine to another.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """What a sequence of processes took."""

    wall: float
    cpu: float
    peak_mb: float

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.wall + other.wall, self.cpu + other.cpu, max(self.peak_mb, other.peak_mb))


NOTHING = Cost(0.0, 0.0, 0.0)


def run(command: Sequence[str], environ: dict[str, str] | None = None) -> Cost:
    """Run one process to its end and return what it took; it must succeed."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        env={**_as_installed(), **(environ or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if process.returncode:
        sys.exit(f"{' '.join(command)} exited {process.returncode}:\n{said.decode()}")
    # ru_maxrss is in kilobytes on Linux, in bytes on macOS (getrusage(2)).
    scale = 1024 * 1024 if sys.platform == "darwin" else 1024
    return Cost(
        time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / scale
    )


def _as_installed() -> dict[str, str]:
    """Return our environment, but let Python keep its bytecode: an installed program has it."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def pair(runs: int, ours: Callable[[int], Cost], theirs: Callable[[int], Cost]) -> None:
    """Do OURS and THEIRS in turn RUNS times and print minimum, median and maximum."""
    costs = [(ours(number), theirs(number)) for number in range(runs)]
    _head()
    for figure in ("wall", "cpu", "peak_mb"):
        mine = [getattr(a, figure) for a, _b in costs]
        others = [getattr(b, figure) for _a, b in costs]
        ratios = [b / a for a, b in zip(mine, others, strict=True)]
        _row(f"archiver {figure}", mine)
        _row(f"other {figure}", others)
        _row(f"ratio other/archiver {figure}", ratios)


def alone(runs: int, name: str, work: Callable[[int], Cost]) -> None:
    """Do WORK as often where there is nothing to compare it with."""
    costs = [work(number) for number in range(runs)]
    _head()
    for figure in ("wall", "cpu", "peak_mb"):
        _row(f"{name} {figure}", [getattr(cost, figure) for cost in costs])


def _head() -> None:
    print(f"{'':28}{'min':>10}{'median':>10}{'max':>10}")


def _row(name: str, values: Sequence[float]) -> None:
    print(f"{name:28}{min(values):10.3f}{statistics.median(values):10.3f}{max(values):10.3f}")
