"""Time a search as a user meets it: one whole process each, against ``notmuch search``, in turn.

    python benchmarks/search.py FOLDER [--runs 15] [--messages N] [--archive DIR]

FOLDER holds one message a file. Each search prints the newest 20 hits to nowhere. The files are
in the system's cache, the program starts anew each time. ``archiver --help`` and a bare Python are
timed as well: what no search can be faster than. ``--archive`` takes an archive that is there
already and keeps it; else one is made and thrown away. notmuch is compared with where installed.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from paired import Cost, alone, pair, run

ARCHIVER = str(Path(sys.executable).parent / "archiver")
QUERIES = {
    "a common word": "patch",
    "a rare word": "overflow",
    "a phrase": '"serial port"',
    "two words": "uart dma",
    "a beginning": "transm*",
    "a sender": "from:linux",
    "a year": "date:2010..2010",
    "a word in a year": "patch date:2010..2010",
    "everything": "*",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--messages", type=int, default=None)
    parser.add_argument("--archive", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        files = sorted(path for path in options.folder.rglob("*") if path.is_file())
        mail = copied(files[: options.messages], place / "mail")
        archive = options.archive or place / "archive"
        make_archive(archive, mail)
        theirs = notmuch(place) if shutil.which("notmuch") else None
        searched(archive, "*", 0)  # from now on Python has the bytecode
        time_start(options.runs)
        for name, query in QUERIES.items():
            print(f"\n{name}: {query}")
            ours = partial(searched, archive, query)
            if theirs is None:
                alone(options.runs, "archiver", ours)
            else:
                pair(options.runs, ours, partial(theirs, query))
    print(f"\n{len(files[: options.messages])} messages, {options.runs} runs")


def copied(files: list[Path], folder: Path) -> Path:
    """Copy FILES: notmuch writes into the folder that it indexes."""
    folder.mkdir()
    for number, path in enumerate(files):
        shutil.copyfile(path, folder / f"{number:06d}.eml")
    return folder


def make_archive(archive: Path, mail: Path) -> None:
    if archive.exists():
        return
    command = [ARCHIVER, "-q", "--archive", str(archive)]
    run([*command, "init", "--time-zone", "UTC"])
    run([*command, "import", str(mail)])


def searched(archive: Path, query: str, _number: int) -> Cost:
    return run([ARCHIVER, "--archive", str(archive), "search", query, "--limit", "20"])


def notmuch(place: Path) -> Callable[[str, int], Cost]:
    config = place / "notmuch"
    config.write_text(f"[database]\npath={place / 'mail'}\n[new]\ntags=\n")
    environ = {"NOTMUCH_CONFIG": str(config)}
    run(["notmuch", "new", "--quiet"], environ)
    return lambda query, _number: run(["notmuch", "search", "--limit=20", query], environ)


def time_start(runs: int) -> None:
    print("start: archiver --help, against python -c pass")
    pair(
        runs,
        lambda _number: run([ARCHIVER, "--help"]),
        lambda _number: run([sys.executable, "-c", "pass"]),
    )


if __name__ == "__main__":
    main()
