"""Time ``verify --read-data=all --no-origin`` against ``sha256sum`` over the same objects, in turn.

    python benchmarks/verify.py FOLDER [--runs 7] [--messages N] [--keep-only] [--archive DIR]

FOLDER holds one message a file. An archive of them is made and thrown away; ``--archive`` takes one
that is there, or is made there, and keeps it. ``--keep-only``: without catalogue and index, which
are otherwise compared and read as well. Each is a whole process, from its start to its end, and
the files are in the system's cache. ``--structure``: also times ``verify`` that reads no object.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from paired import Cost, alone, pair, run

ARCHIVER = str(Path(sys.executable).parent / "archiver")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--messages", type=int, default=None)
    parser.add_argument("--keep-only", action="store_true")
    parser.add_argument("--archive", type=Path)
    parser.add_argument("--structure", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        os.environ |= {"ARCHIVER_OFFLINE": "1", "ARCHIVER_STATE": str(place / "state")}
        archive = options.archive or place / "archive"
        if not archive.exists():
            mail = linked(options.folder, place / "mail", options.messages)
            make_archive(archive, mail, keep_only=options.keep_only)

        def ours(_number: int) -> Cost:
            return verified(archive, "--read-data=all", "--no-origin")

        def theirs(_number: int) -> Cost:
            return summed(archive)

        ours(0)  # now the files are in the cache, and Python has its bytecode
        theirs(0)
        pair(options.runs, ours, theirs)
        if options.structure:
            alone(options.runs, "without reading", lambda _number: verified(archive, "--no-origin"))
        count = sum(path.is_file() for path in (archive / "objects").rglob("*"))
    print(f"{count} objects, {options.runs} runs")


def linked(folder: Path, place: Path, messages: int | None) -> Path:
    """Return FOLDER, or one with links to its first MESSAGES files."""
    if messages is None:
        return folder.absolute()
    place.mkdir()
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for number, path in enumerate(files[:messages]):
        (place / f"{number:06d}.eml").symlink_to(path.absolute())
    return place


def make_archive(archive: Path, mail: Path, *, keep_only: bool) -> None:
    command = [ARCHIVER, "-q", "--archive", str(archive)]
    run([*command, "init", "--time-zone", "UTC"])
    run([*command, "import", *(["--keep-only"] if keep_only else []), str(mail)])


def verified(archive: Path, *options: str) -> Cost:
    return run([ARCHIVER, "--archive", str(archive), "verify", *options])


def summed(archive: Path) -> Cost:
    """Hash every object as anybody would who has no archiver."""
    command = "find objects -type f -print0 | xargs -0 sha256sum > /dev/null"
    return run(["sh", "-c", f'cd "$1" && {command}', "sh", str(archive)])


if __name__ == "__main__":
    main()
