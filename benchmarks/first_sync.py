"""Compare the whole first sync with ``mbsync`` + ``notmuch new``, on the same Dovecot, in turn.

    python benchmarks/first_sync.py FOLDER [--runs 3] [--messages N] [--keep-only] [--again]

FOLDER holds one message a file. Default: fetch, keep, read, tag, catalogue, index, against
``mbsync`` + ``notmuch new``. ``--keep-only``: fetch, keep and journal, against ``mbsync``.
``--again``: a second run over a mailbox in which nothing is new, against ``mbsync``'s.
Needs dovecot-imapd, isync and notmuch (Debian).
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from paired import NOTHING, Cost, pair, run

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from dovecot import PASSWORD, DovecotServer, missing

USER = "bench"
ARCHIVER = [str(Path(sys.executable).parent / "archiver")]


class Ours:
    """The archiver."""

    def __init__(self, server: DovecotServer, place: Path, *, keep_only: bool) -> None:
        self.server = server
        self.place = place
        self.options = ["--keep-only"] if keep_only else []

    def archive(self, number: int) -> list[str]:
        return [*ARCHIVER, "-q", "--archive", str(self.place / f"archive-{number}")]

    def first(self, number: int) -> Cost:
        command = self.archive(number)
        run([*command, "init", "--time-zone", "UTC"])
        run(
            [
                *(*command, "account", "add", "bench", "--host", "127.0.0.1"),
                *("--port", str(self.server.port), "--user", USER, "--security", "plain"),
                *("--password-command", f"echo {PASSWORD}", "--keep", "everything"),
            ]
        )
        return self.again(number)

    def again(self, number: int) -> Cost:
        return run([*self.archive(number), "sync", *self.options])


class Theirs:
    """mbsync into a Maildir, and notmuch over it."""

    def __init__(self, server: DovecotServer, place: Path, *, keep_only: bool) -> None:
        self.server = server
        self.place = place
        self.index = not keep_only

    def first(self, number: int) -> Cost:
        place = self.place / f"maildir-{number}"
        place.mkdir()
        (place / "mbsyncrc").write_text(
            f"IMAPAccount a\nHost 127.0.0.1\nPort {self.server.port}\nUser {USER}\n"
            f"Pass {PASSWORD}\nSSLType None\nAuthMechs LOGIN\n\n"
            "IMAPStore far\nAccount a\n\n"
            f"MaildirStore near\nPath {place}/mail/\nInbox {place}/mail/INBOX\n\n"
            "Channel c\nFar :far:\nNear :near:\nPatterns *\nCreate Near\nSync Pull\n"
            f"SyncState {place}/state/\n"
        )
        (place / "mail").mkdir()
        (place / "state").mkdir()
        # Not inside mail/, where mbsync would take notmuch's own folder for one of mail.
        (place / "notmuch").write_text(
            f"[database]\npath={place}\n[new]\ntags=\nignore=mbsyncrc;notmuch;state;.notmuch\n"
        )
        return self.again(number)

    def again(self, number: int) -> Cost:
        place = self.place / f"maildir-{number}"
        cost = run(["mbsync", "-q", "-c", str(place / "mbsyncrc"), "-a"])
        if self.index:
            config = {"NOTMUCH_CONFIG": str(place / "notmuch")}
            cost += run(["notmuch", "new", "--quiet"], config)
        return cost


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--messages", type=int, default=None)
    parser.add_argument("--keep-only", action="store_true")
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args()
    for program in ("mbsync", "notmuch"):
        if shutil.which(program) is None:
            sys.exit(f"{program} is not installed")
    if reason := missing():
        sys.exit(reason)
    files = sorted(path for path in options.folder.rglob("*") if path.is_file())
    files = files[: options.messages]
    with DovecotServer() as server, tempfile.TemporaryDirectory() as scratch:
        for path in files:
            server.add(USER, "INBOX", path.read_bytes())
        run_in(server, Path(scratch), options)
    print(f"{len(files)} messages, {options.runs} runs")


def run_in(server: DovecotServer, scratch: Path, options: argparse.Namespace) -> None:
    ours = Ours(server, scratch, keep_only=options.keep_only)
    theirs = Theirs(server, scratch, keep_only=options.keep_only)
    if not options.again:
        pair(options.runs, ours.first, theirs.first)
        return
    assert ours.first(0) != NOTHING
    assert theirs.first(0) != NOTHING
    pair(options.runs, lambda _number: ours.again(0), lambda _number: theirs.again(0))


if __name__ == "__main__":
    main()
