"""The main job from end to end, as a user would type it, on a fictional mailbox.

``make demo``, or ``python -m demo.run`` where ``pip install -e '.[demo]'`` was run. Everything
is left in ``demo-archive`` and ``demo-archive-dossier``, to go on playing with.
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from pathlib import Path

from demo.server import HOST, PASSWORD, PORT, USER, running

ARCHIVE = "demo-archive"
DOSSIERS = "demo-archive-dossier"
DOSSIER = f"{DOSSIERS}/MERIDIEN-2026"
MARK = "MADE-BY-THE-DEMO.txt"
_MARK_TEXT = (
    "This folder was made by the archiver's demonstration; all in it is fictional.\n"
    "As long as this file is here, the next demonstration deletes the folder and starts afresh.\n"
    "Delete this file to keep the folder.\n"
)
SEARCHES = (
    ("French, accents and word forms ignored", "avenant perimetre"),
    ("English, a phrase", '"order history"'),
    ("who and when", "from:darmon acces date:2026-01..2026-04"),
)


class DemoError(Exception):
    """The demonstration cannot go on; the message says why and what to do."""


def main() -> int:
    """Run the demonstration below the current folder; return an exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo.run", description=main.__doc__)
    parser.parse_args()
    started = time.monotonic()
    try:
        Demo(Path.cwd()).run()
    except DemoError as error:
        print(f"\n{error}", file=sys.stderr)  # noqa: T201 - a command's own words
        return 1
    say(f"Done in {time.monotonic() - started:.0f} seconds.")
    return 0


class Demo:
    """The tour, in a folder of the user's choice."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.command = find_command()

    def run(self) -> None:
        """Show everything once."""
        clear(self.folder / ARCHIVE)
        clear(self.folder / DOSSIERS)
        with running(PORT) as port:
            say(f"A fictional consultant's mailbox is served on {HOST}:{port}, from memory.")
            self.fill(port)
        self.look()
        self.hand_over()
        self.farewell(port)

    def fill(self, port: int) -> None:
        """Make an archive, name the account and the engagements, fetch the mail."""
        say("\n== 1. An archive, one mail account, two engagements ==")
        try:
            self.archiver("init", "--time-zone", "Europe/Paris", "--language", "en")
        finally:
            mark(self.folder / ARCHIVE)
        self.archiver(
            *("account", "add", "work", "--host", HOST, "--port", str(port)),
            *("--security", "plain", "--user", USER, "--address", "lea@aubrac-conseil.example"),
            *("--password-command", self.password_command(), "--keep", "everything"),
        )
        self.archiver(
            *("engagement", "add", "meridien-2026", "--client", "Société Méridien Logistique"),
            *("--domain", "meridien-logistique.example", "--domain", "meridian-group.example"),
            *("--us", USER, "--us", "mathis.roux@aubrac-conseil.example"),
            *("--code", "BALISE", "--after", "2025-12-01", "--before", "2026-07-31"),
        )
        self.archiver(
            *("engagement", "add", "verdelune-2026", "--client", "Coopérative Verdelune"),
            *("--domain", "verdelune.example", "--us", USER),
            *("--after", "2026-03-15", "--before", "2026-06-30"),
        )
        say("\n== 2. Fetch, keep, read, tie to engagements, index ==")
        self.archiver("sync")
        self.archiver("--verbose", "sync", "--account", "work")
        self.archiver("status")

    def password_command(self) -> str:
        """Put the fictional password into a file, and return a command line that prints it."""
        mark(self.folder / DOSSIERS)
        path = (self.folder / DOSSIERS / "mailbox-password.txt").absolute()
        path.write_text(PASSWORD + "\n", encoding="utf-8")
        path.chmod(0o600)
        return quoted([*(("cmd", "/c", "type") if os.name == "nt" else ("cat",)), str(path)])

    def look(self) -> None:
        """Find what was written."""
        say("\n== 3. Find what was written ==")
        for what, query in SEARCHES:
            say(f"\n({what})")
            self.archiver("search", query, "--limit", "5")
        say("\n== 4. What two engagements fit waits for a person ==")
        self.archiver("triage")

    def hand_over(self) -> None:
        """Export the dossier and check the archive."""
        say("\n== 5. The dossier, and a check of every byte ==")
        mark(self.folder / DOSSIERS)
        self.archiver("dossier", "meridien-2026", "--output", DOSSIER, "--yes")
        self.archiver("verify", "--read-data=all")

    def farewell(self, port: int) -> None:
        """Say where to look and what to try next."""
        shown = typed(self.command, self.folder)
        page = self.folder / DOSSIER / "data" / "chronology.html"
        say("\n== Where to look ==")
        say(f"The chronology, in a browser:  {page.resolve().as_uri()}")
        say(f"The exact messages:            {DOSSIER}/data/messages/")
        say(f"The archive itself:            {ARCHIVE}/README.txt")
        say("\n== What to try next ==")
        for rest in (
            ("search", '"sans réserve"'),
            ("search", "mission:meridien-2026 from:helene date:2026-05..2026-07"),
            ("search", "alerte", "--format", "json"),
            ("triage",),
            ("engagement", "show", "meridien-2026"),
            ("rebuild",),
        ):
            say(f"  {shown} --archive {ARCHIVE} {quoted(rest)}")
        say("To fetch again, serve the mailbox in another terminal, from the repository:")
        say(f"  {quoted([sys.executable])} -m demo.server --port {port}")

    def archiver(self, *arguments: str) -> None:
        """Show a command as a user would type it, then run it; raise DemoError when it fails."""
        line = ("--archive", ARCHIVE, *arguments)
        say(f"\n$ archiver {quoted(line)}")
        environment = os.environ | {"PYTHONUTF8": "1"}
        done = subprocess.run(  # noqa: S603 - our own command, no shell
            [str(self.command), *line],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            raise DemoError(
                f"`archiver {arguments[0]}` ended with exit code {done.returncode}: this is a "
                "defect of the archiver. Please report it with the lines above."
            )


def find_command() -> Path:
    """Find the ``archiver`` that belongs to this Python, else the one on the path."""
    suffix = ".exe" if os.name == "nt" else ""
    own = Path(sysconfig.get_path("scripts")) / f"archiver{suffix}"
    if own.is_file():
        return own
    found = shutil.which("archiver")
    if found is None:
        raise DemoError("There is no archiver command. Install it: pip install -e '.[demo]'")
    return Path(found)


def typed(command: Path, folder: Path) -> str:
    """Return what a user types in FOLDER to run COMMAND."""
    found = shutil.which("archiver")
    if found and Path(found).samefile(command):
        return "archiver"
    if command.is_relative_to(folder):
        return str(command.relative_to(folder))
    return quoted([str(command)])


def clear(folder: Path) -> None:
    """Delete FOLDER if the demonstration made it; never anything else."""
    if folder.is_symlink() or (folder.exists() and not (folder / MARK).is_file()):
        raise DemoError(
            f"{folder} exists and was not made by the demonstration (it holds no {MARK}): it is "
            "left alone. Move it away, or run the demonstration in another folder."
        )
    if folder.exists():
        shutil.rmtree(folder)


def mark(folder: Path) -> None:
    """Say in FOLDER that the demonstration made it."""
    folder.mkdir(exist_ok=True)
    (folder / MARK).write_text(_MARK_TEXT, encoding="utf-8")


def quoted(words: Sequence[str]) -> str:
    """Return WORDS as a user's shell takes them."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def say(text: str) -> None:
    """Print TEXT at once, so that it stands before what the next command prints."""
    print(text, flush=True)  # noqa: T201 - a command's own words


if __name__ == "__main__":
    sys.exit(main())
