"""Compare a sync that finds nothing new with ``mbsync``'s, over a large account, in turn.

    python benchmarks/nothing_new.py FOLDER [--messages 100000] [--folders 20] [--runs 10]

FOLDER holds one message a file; they are repeated, each time with another header line, until there
are as many MESSAGES as wanted, spread over so many FOLDERS. First both fetch everything, which
takes minutes and is not counted (``--keep-only`` here); then each run is a whole process that finds
nothing. Needs dovecot-imapd and isync (Debian).
"""

import argparse
import itertools
import shutil
import sys
import tempfile
from pathlib import Path

from first_sync import USER, Ours, Theirs
from paired import NOTHING, pair

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from dovecot import DovecotServer, missing


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--folders", type=int, default=20)
    parser.add_argument("--runs", type=int, default=10)
    options = parser.parse_args()
    if shutil.which("mbsync") is None:
        sys.exit("mbsync is not installed")
    if reason := missing():
        sys.exit(reason)
    files = sorted(path for path in options.folder.rglob("*") if path.is_file())
    names = ["INBOX", *(f"Folder-{number:02}" for number in range(1, options.folders))]
    with DovecotServer() as server, tempfile.TemporaryDirectory() as scratch:
        copies = itertools.islice(itertools.cycle(files), options.messages)
        for number, path in enumerate(copies):
            data = b"X-Copy: %d\r\n" % number + path.read_bytes()
            server.add(USER, names[number % len(names)], data)
        ours = Ours(server, Path(scratch), keep_only=True)
        theirs = Theirs(server, Path(scratch), keep_only=True)
        assert ours.first(0) != NOTHING
        assert theirs.first(0) != NOTHING
        pair(options.runs, lambda _number: ours.again(0), lambda _number: theirs.again(0))
    print(f"{options.messages} messages in {len(names)} folders, {options.runs} runs")


if __name__ == "__main__":
    main()
