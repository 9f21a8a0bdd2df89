"""How the look-up tables of the journal name accounts, folders, files and places in them."""

import json
from functools import lru_cache
from gettext import gettext as _

from archiver.errors import OperationError
from archiver.evidence.journal.canonical import LARGEST
from archiver.evidence.journal.database import Value
from archiver.model.sources import FileSource, ImapSource

_MARK = "json:"

Place = tuple[Value, ...]
"""A source as the key under which its table knows it."""


@lru_cache(maxsize=64)
def key(name: str) -> str:
    """Return NAME as the tables hold it: itself, or ``json:`` and its ASCII JSON.

    The second form is for what UTF-8 cannot hold (a lone surrogate in a folder's or file's name),
    and for a name that looks like it.
    """
    if name.startswith(_MARK) or not _encodable(name):
        return _MARK + json.dumps(name)
    return name


def unkey(name: str) -> str:
    """Undo ``key``."""
    return str(json.loads(name.removeprefix(_MARK))) if name.startswith(_MARK) else name


def _encodable(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def place(source: ImapSource | FileSource) -> Place:
    """Return SOURCE as the key under which its table knows it."""
    if isinstance(source, FileSource):
        return key(source.path), source.member, source.offset
    if max(source.uidvalidity, source.uid) > LARGEST:
        raise OperationError(
            _("The server of account {account} gave a number that no UID can have.").format(
                account=source.account
            ),
            advice=_("Report it to the provider: RFC 3501 limits UIDs to 32 bits."),
        )
    return key(source.account), key(source.folder), source.uidvalidity, source.uid
