"""Name the mail folder that a file on disk stands for, as the mail program showed it.

The name serves as that of a folder on a server does: a rule may name it, and ``Sent``, ``Junk`` and
their like are known by it. It is taken from the path below the folder that a person named; where
there is none, from the name of that folder itself.
"""

import binascii
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_SUFFIXES: Final = (".mbox", ".mbx", ".sbd", ".imapmbox")
# What Apple Mail puts between a mailbox and its messages: V10/UUID/INBOX.mbox/UUID/Data/1/Messages.
_APPLE = re.compile(r"Messages|Data|\d|[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}", re.IGNORECASE)
_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")


def folder_of_tree(root: Path, within: Path) -> str:
    """Return the folder whose messages are single files in WITHIN, a folder in or at ROOT."""
    parts = _parts(root, within)
    if any(part.endswith(".mbox") for part in parts):
        parts = [part for part in parts if not _APPLE.fullmatch(part)]
    return _joined(parts)


def folder_of_maildir(root: Path, maildir: Path, *, inbox: bool) -> str:
    """Return the folder that MAILDIR is; INBOX tells that it holds others, as Maildir++ has it.

    There ``.Clients.ACME`` lies in ``.Clients``, and names are written in modified UTF-7.
    """
    if inbox and maildir.name[:1] != ".":
        parts = _below(root, maildir)
        return _joined([*parts, "INBOX"] if parts else ["INBOX"])
    above = _below(root, maildir.parent) if maildir != root else []
    name = maildir.name
    if name.startswith("."):
        return _joined([*above, *(_utf7(part) for part in name.split(".") if part)])
    return _joined([*above, name])


def folder_of_mbox(root: Path, mbox: Path) -> str:
    """Return the folder that the file MBOX is: its own name, in the folders that it lies in."""
    above = _below(root, mbox.parent) if mbox != root else []
    if mbox.with_name(f"{mbox.name}.msf").exists():
        # Thunderbird: only what ends in .sbd is a mail folder, the rest are accounts and profiles.
        above = [part for part in above if part.endswith(".sbd")]
    if mbox.name == "mbox":  # of Apple Mail: Sent.mbox/mbox
        return _joined(above or _parts(root, mbox.parent))
    return _joined([*above, mbox.name])


def folder_in_pack(name: str, *, mbox: bool) -> str:
    """Return the folder of the member NAME of a packed file; Takeout's own folders are none."""
    *above, own = [part for part in name.split("/") if part not in {"", ".", ".."}] or [""]
    if above[:1] == ["Takeout"]:
        above = above[2:]  # Takeout/Mail, whatever the language calls it
    if {"cur", "new"} & set(above[-1:]):
        above = above[:-1]
    return _joined([*above, own] if mbox else above)


def _parts(root: Path, folder: Path) -> list[str]:
    return _below(root, folder) or [root.name]


def _below(root: Path, folder: Path) -> list[str]:
    return list(folder.relative_to(root).parts) if folder.is_relative_to(root) else [folder.name]


def _joined(parts: Sequence[str]) -> str:
    """Return PARTS with slashes between, free of what only files are called."""
    return "/".join(bare for part in parts if (bare := _bare(part)) not in {"", ".", ".."})


def _bare(part: str) -> str:
    clean = part.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    for suffix in _SUFFIXES:
        if clean.lower().endswith(suffix):
            return clean[: -len(suffix)]
    return clean


def _utf7(name: str) -> str:
    """Return NAME out of modified UTF-7 (RFC 3501, section 5.1.3); as it is where it is none."""

    def letters(found: re.Match[str]) -> str:
        if not found[1]:
            return "&"
        coded = found[1].replace(",", "/")
        try:
            return binascii.a2b_base64(coded + "=" * (-len(coded) % 4)).decode("utf-16-be")
        except (binascii.Error, UnicodeDecodeError):
            return found[0]

    return _SHIFTED.sub(letters, name)
