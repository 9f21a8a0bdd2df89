"""An interrupted command ends with its exit code, wherever the interruption struck."""

import subprocess
import sys
from pathlib import Path

_STRUCK = """
import archiver.cli.main as main, runpy, sys

def build():
    exec("import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(60)", {})

main.build = build
sys.argv = ["archiver", "status"]
runpy.run_module("archiver", run_name="__main__")
"""


def test_an_interruption_within_an_exec_ends_with_130(tmp_path: Path) -> None:
    """Where CPython would end ``python -m`` by a signal of its own."""
    (tmp_path / "struck.py").write_text(_STRUCK, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "struck"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (
        130,
        "Interrupted. What was kept is kept; run the command again.\n",
    )
