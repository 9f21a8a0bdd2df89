"""What becomes of a file that is imported, and how its place is told."""

import os
from dataclasses import dataclass
from pathlib import Path

from archiver.model.incoming import Incoming


@dataclass(frozen=True, slots=True)
class NotRead:
    """A file, or one message of a file that holds several, that was not taken in."""

    path: str
    reason: str
    no_mail: bool = False
    """By its kind it is plainly no mail, such as a picture: nothing is missing."""


Outcome = Incoming | NotRead


def shown(path: Path | str) -> str:
    r"""Return PATH in letters that can be written anywhere; bytes that are none become ``\xNN``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def inside(path: str, name: str) -> str:
    """Return what names the file NAME within the packed file PATH, as ``jar:`` addresses do."""
    return f"{path}!/{name.encode('utf-8', 'backslashreplace').decode()}"


def not_read(path: Path | str, error: OSError) -> NotRead:
    """Return that the operating system refused PATH."""
    return NotRead(shown(path), error.strerror or str(error))
