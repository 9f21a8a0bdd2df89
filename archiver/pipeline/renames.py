"""Folders that are gone, have another name, or are back."""

from collections.abc import Mapping, Sequence

from archiver.evidence.store import Evidence
from archiver.mailbox.server.session import Folder
from archiver.model.cursors import Cursor, Status
from archiver.model.entries import FolderChange


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
    renamed = _renamed(gone, new)
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


def _renamed(gone: Sequence[Cursor], new: Sequence[Folder]) -> dict[str, str]:
    """Return the new name of each folder that has one; where two could be it, nobody knows."""
    found: dict[str, str] = {}
    for cursor in gone:
        names = [each.name for each in new if each.status and _is_same(cursor.status, each.status)]
        if len(names) == 1:
            found[cursor.folder] = names[0]
    taken = list(found.values())
    return {old: name for old, name in found.items() if taken.count(name) == 1}


def _is_same(before: Status, now: Status) -> bool:
    """Tell whether two folders are one: by MAILBOXID (RFC 8474), else by all their numbers."""
    if before.mailbox_id and now.mailbox_id:
        return before.mailbox_id == now.mailbox_id
    numbers = now.uidvalidity, now.uidnext, now.exists
    return now.exists > 0 and numbers == (before.uidvalidity, before.uidnext, before.exists)


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
