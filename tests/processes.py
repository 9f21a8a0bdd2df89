"""Run the command as a process of its own, as users and cron do: it can be killed there."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_ENVIRONMENT = {"ARCHIVER_LANG": "en", "XDG_CONFIG_HOME": os.devnull}
_PATIENCE = 120.0

# Where no disk can be made small, the system can be told to let no file grow beyond a size.
_SMALL_FILES = (
    "import resource, runpy, sys;"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2);"
    "del sys.argv[1]; runpy.run_module('archiver', run_name='__main__', alter_sys=True)"
)


@dataclass(frozen=True)
class Ended:
    """A process that has ended."""

    code: int
    out: bytes
    err: str


class Running:
    """``archiver --archive ROOT ARGUMENTS``, running in the folder beside ROOT."""

    def __init__(
        self,
        root: Path,
        *arguments: object,
        largest_file: int | None = None,
        language: str | None = None,
    ) -> None:
        """Start it; LANGUAGE is what the user's own environment says."""
        program = ["-m", "archiver"]
        if largest_file is not None:
            program = ["-c", _SMALL_FILES, str(largest_file)]
        self.process = subprocess.Popen(
            [sys.executable, *program, "--archive", str(root), *map(str, arguments)],
            cwd=root.parent,
            env={**os.environ, **_ENVIRONMENT, **({"LANGUAGE": language} if language else {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def end(self, *, within: float = _PATIENCE) -> Ended:
        """Wait until it ends; raises TimeoutExpired when it does not."""
        out, err = self.process.communicate(timeout=within)
        return Ended(self.process.returncode, out, err.decode())

    def kill_after(self, seconds: float) -> Ended:
        """Let it run so long, then kill it if it still runs: SIGKILL, nothing is cleaned up."""
        try:
            return self.end(within=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.end()


def run(root: Path, *arguments: object, largest_file: int | None = None) -> Ended:
    """Run a command to its end."""
    return Running(root, *arguments, largest_file=largest_file).end()
