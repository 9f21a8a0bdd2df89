"""What is told of folders that are not looked at."""

from collections.abc import Iterator
from gettext import gettext as _

from archiver.mailbox.events import Event, FolderFailed, FolderLeftOut
from archiver.mailbox.folders import Choice
from archiver.mailbox.plan import Terms
from archiver.mailbox.server.session import Folder
from archiver.model.cursors import Cursor, Status


def left_by_rule(folder: Folder, cursor: Cursor | None, rule: str, terms: Terms) -> FolderLeftOut:
    """Say that RULE leaves FOLDER; what is to be remembered, unless CURSOR says the same."""
    status = folder.status or Status(uidvalidity=0, uidnext=0, exists=0)
    told = cursor is not None and cursor.rules == terms.rules
    after = Cursor(folder=folder.name, status=status, whole=terms.now, done=True, rules=terms.rules)
    return FolderLeftOut(folder.name, folder.role, rule, None if told else after)


def told(choice: Choice) -> Iterator[Event]:
    """Yield what is to be told of folders that are not fetched."""
    for name in choice.missing:
        yield FolderFailed(name, _("there is no such folder on the server"))
    if not (choice.fetch or choice.left_out or choice.missing):
        yield FolderFailed("INBOX", _("the server lists no folder at all"))
    for folder in choice.left_out:
        yield FolderLeftOut(folder.name, folder.role)
