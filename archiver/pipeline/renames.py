"""Folders that are gone, have another name, or are back."""

from collections import Counter
from collections.abc import Mapping, Sequence
from gettext import gettext as _

from archiver.evidence.store import Evidence
from archiver.mailbox.server.session import Folder
from archiver.model.cursors import Cursor, Status
from archiver.model.entries import FolderChange

_Numbers = tuple[int, int, int]
_FEW = 10
"""UIDs: folders that had no more messages than this may have the same numbers by chance."""

_A_TIME = 100_000_000
"""UIDVALIDITY from which on it is a time in seconds, as RFC 3501 advises (section 2.3.1.1)."""


def folder_changes(
    evidence: Evidence, account: str, folders: Sequence[Folder], cursors: Mapping[str, Cursor]
) -> tuple[FolderChange, ...]:
    """Return how FOLDERS differ from those that CURSORS remember; nothing is deleted for it.

    A list that names no folder at all says nothing.
    """
    there = {folder.name: folder for folder in folders if folder.selectable}
    if not there:
        return ()
    gone = [cursor for name, cursor in cursors.items() if name not in there]
    new = [folder for name, folder in there.items() if name not in cursors]
    told = {name: each.status.uidvalidity for name, each in there.items() if each.status}
    renamed = _renamed(gone, new, Counter(told.values()))
    changes = [_gone(account, cursor, renamed.get(cursor.folder)) for cursor in gone]
    back = [folder.name for folder in new if folder.name not in renamed.values()]
    return (*changes, *_back(evidence, account, back))


def _gone(account: str, cursor: Cursor, name: str | None) -> FolderChange:
    epoch = cursor.status.uidvalidity
    if name is None:
        return FolderChange(account=account, folder=cursor.folder, change="gone", uidvalidity=epoch)
    return FolderChange(
        account=account,
        folder=name,
        change="renamed",
        uidvalidity=epoch,
        previous=cursor.folder,
    )


def _renamed(
    gone: Sequence[Cursor], new: Sequence[Folder], epochs: Mapping[int, int]
) -> dict[str, str]:
    """Return the new name of each folder that has one; where two could be it, nobody knows.

    A folder is known again by its MAILBOXID (RFC 8474), else by all its numbers, where these tell
    something. EPOCHS is how many folders have each UIDVALIDITY.
    """
    by_id: dict[str, list[str]] = {}
    by_numbers: dict[_Numbers, list[str]] = {}
    nameless: dict[_Numbers, list[str]] = {}
    for folder in new:
        if folder.status is None:
            continue
        numbers = _numbers(folder.status)
        by_numbers.setdefault(numbers, []).append(folder.name)
        if folder.status.mailbox_id:
            by_id.setdefault(folder.status.mailbox_id, []).append(folder.name)
        else:
            nameless.setdefault(numbers, []).append(folder.name)
    found: dict[str, str] = {}
    for cursor in gone:
        status = cursor.status
        names = by_id.get(status.mailbox_id, []) if status.mailbox_id else []
        if _tells(status, epochs):
            same = nameless if status.mailbox_id else by_numbers
            names = [*names, *same.get(_numbers(status), ())]
        if len(names) == 1:
            found[cursor.folder] = names[0]
    taken = Counter(found.values())
    return {old: name for old, name in found.items() if taken[name] == 1}


def _numbers(status: Status) -> _Numbers:
    return status.uidvalidity, status.uidnext, status.exists


def _tells(status: Status, epochs: Mapping[int, int]) -> bool:
    """Tell whether another folder can hardly have the same numbers by chance.

    Servers that count UIDVALIDITY from 1 give it to many folders, and small ones are alike; one
    that is a time, and no other folder's, is telling by itself.
    """
    alone = status.uidvalidity >= _A_TIME and epochs.get(status.uidvalidity, 0) <= 1
    return status.exists > 0 and (alone or status.uidnext > _FEW)


def _back(evidence: Evidence, account: str, names: Sequence[str]) -> list[FolderChange]:
    """Return those of NAMES that the journal says to be gone."""
    met = {name: evidence.last_uidvalidity(account, name) for name in names}
    if not any(met.values()):
        return []
    last: dict[str, str] = {}
    for entry in evidence.scans(account):
        match entry.payload:
            case FolderChange(change="renamed") as change:
                last |= {change.previous: "gone", change.folder: "back"}
            case FolderChange() as change:
                last[change.folder] = change.change
            case _:
                pass
    return [
        FolderChange(account=account, folder=name, change="back", uidvalidity=epoch)
        for name, epoch in met.items()
        if epoch is not None and last.get(name) == "gone"
    ]


def change_told(change: FolderChange) -> str:
    """Say what became of a folder."""
    match change.change:
        case "renamed":
            said = _("The folder {previous} is called {folder} now.")
        case "gone":
            said = _("The folder {folder} is no longer on the server; what was kept stays.")
        case _:
            said = _("The folder {folder} is on the server again.")
    return said.format(folder=change.folder, previous=change.previous)
