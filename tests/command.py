"""Run the command in this process, as a user would type it, and read what it says."""

import contextlib
import io
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archiver.cli.main import main


@dataclass(frozen=True)
class Said:
    """What a command left behind."""

    code: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        """Stdout as text."""
        return self.raw.decode()

    @property
    def json(self) -> Any:
        """Stdout as JSON."""
        return json.loads(self.raw)


class _Tee(io.TextIOWrapper):
    """A text stream over bytes that can be read afterwards; it is no terminal."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def taken(self) -> bytes:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue()


@contextlib.contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for a while; everything the command sets is undone as well."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def archiver(*arguments: object, environ: Mapping[str, str] | None = None) -> Said:
    """Run ``archiver ARGUMENTS``; English and free of the user's own settings unless told."""
    out, err = _Tee(), _Tee()
    settings = {"ARCHIVER_LANG": "en", "XDG_CONFIG_HOME": os.devnull, **(environ or {})}
    with (
        environment(settings),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = main([str(argument) for argument in arguments])
    return Said(code, out.taken(), err.taken().decode())


@dataclass(frozen=True)
class Desk:
    """An archive and a short way of running commands on it."""

    root: Path

    def __call__(self, *arguments: object, environ: Mapping[str, str] | None = None) -> Said:
        """Run a command on this archive."""
        return archiver("--archive", self.root, *arguments, environ=environ)

    def ok(self, *arguments: object) -> Said:
        """Run a command that must succeed."""
        said = self(*arguments)
        assert said.code == 0, (arguments, said.code, said.out, said.err)
        return said

    def keep(self, folder: Path, *mails: bytes) -> None:
        """Import MAILS as .eml files through FOLDER."""
        folder.mkdir(exist_ok=True)
        taken = len(list(folder.iterdir()))
        for number, data in enumerate(mails, taken):
            (folder / f"{number:04d}.eml").write_bytes(data)
        self.ok("import", folder)


def new_desk(root: Path, *, time_zone: str = "Europe/Paris") -> Desk:
    """Make an archive."""
    desk = Desk(root)
    desk.ok("init", "--time-zone", time_zone)
    return desk
