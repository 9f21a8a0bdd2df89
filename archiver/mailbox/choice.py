"""Which folders are walked through, in which order, and whether there is anything to do in them.

Light to load: most syncs find nothing new.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from archiver.mailbox.folders import Choice, choose, looks_like_gmail
from archiver.mailbox.plan import Terms, Unchanged, plan
from archiver.mailbox.server.session import Folder
from archiver.model.cursors import Cursor

if TYPE_CHECKING:
    from archiver.accounts import Account
    from archiver.mailbox.wanted import Wanted


def choose_for(account: "Account", folders: Sequence[Folder], *, gmail: bool) -> Choice:
    """Choose the folders of ACCOUNT that are fetched."""
    return choose(folders, account.folders, others=account.others, gmail=gmail)


def nothing_new(
    folders: Sequence[Folder],
    account: "Account",
    cursors: Mapping[str, Cursor],
    terms: Terms,
    wanted: "Wanted | None",
) -> bool:
    """Tell whether FOLDERS, as a glance shows them, leave nothing to do.

    Not when a folder came, went, or was given another name.
    """
    # Names alone do not make a Gmail: a mailbox that was moved away from there has them as well,
    # and there the walk, which asks for the capability, went through the inbox.
    walked = any(folder.role == "inbox" and folder.name in cursors for folder in folders)
    choice = choose_for(account, folders, gmail=looks_like_gmail(folders) and not walked)
    there = {folder.name for folder in folders if folder.selectable}
    if choice.missing or not choice.fetch or not there.issuperset(cursors):
        return False
    return all(
        _is_quiet(folder, cursors.get(folder.name), terms, wanted) for folder in choice.fetch
    )


def _is_quiet(folder: Folder, cursor: Cursor | None, terms: Terms, wanted: "Wanted | None") -> bool:
    if rule_against(wanted, folder.name):
        return cursor is not None and cursor.rules == terms.rules
    return isinstance(plan(folder, cursor, terms), Unchanged)


def rule_against(wanted: "Wanted | None", folder: str) -> str:
    """Return the rule that leaves the whole of FOLDER; empty when none does."""
    verdict = wanted.folder(folder) if wanted is not None else None
    return verdict.rule if verdict is not None and verdict.verdict != "keep" else ""


def shrunk_first(folders: Sequence[Folder], cursors: Mapping[str, Cursor]) -> list[Folder]:
    """Put folders that lost messages first, so that those are recognised where they went to."""

    def shrunk(folder: Folder) -> bool:
        cursor, status = cursors.get(folder.name), folder.status
        if cursor is None or status is None:
            return False
        arrived = status.uidnext - cursor.status.uidnext
        return status.exists - cursor.status.exists < arrived

    return sorted(folders, key=lambda folder: not shrunk(folder))
