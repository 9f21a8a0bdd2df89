"""Tell what is what in a Maildir (https://cr.yp.to/proto/maildir.html) and its subfolders."""

import os
import re
from pathlib import Path
from types import MappingProxyType
from typing import Final

# Windows cannot have a colon in a name; programs there write one of these instead.
_FLAGS = re.compile(r"[:;!]2,([A-Za-z]*)\Z")
_NAMES: Final = MappingProxyType(
    {
        "D": "\\Draft",
        "F": "\\Flagged",
        "P": "$Forwarded",
        "R": "\\Answered",
        "S": "\\Seen",
        "T": "\\Deleted",
    }
)


def is_maildir(folder: Path) -> bool:
    """Tell whether FOLDER is a Maildir; ``tmp`` may have been lost when it was copied."""
    return os.path.isdir(folder / "cur") and os.path.isdir(folder / "new")  # noqa: PTH112 - never raises


def flags(name: str) -> tuple[str, ...]:
    """Return the flags that the file NAME tells, as IMAP writes them."""
    found = _FLAGS.search(name)
    return tuple(_NAMES[letter] for letter in _NAMES if found and letter in found[1])
