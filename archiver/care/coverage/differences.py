"""What of the comparison with the servers a person should act upon."""

from collections.abc import Collection, Iterator
from gettext import gettext as _
from gettext import ngettext

from archiver.care.coverage.findings import short
from archiver.care.coverage.live import LiveAccount, LiveFolder
from archiver.model.findings import Finding, finding


def differences(accounts: Collection[LiveAccount]) -> Iterator[Finding]:
    """Say what differs, and what to do about it."""
    for account in accounts:
        if account.problem:
            yield finding(
                "server-not-asked", "error", account.account, account.problem, account.advice
            )
        for folder in account.folders:
            yield from _of_folder(account.account, folder)
        for name in account.absent:
            yield finding(
                "folder-gone",
                "note",
                f"{account.account}/{name}",
                _("The server no longer lists this folder; what was kept of it stays."),
                _("The next sync journals it."),
            )


def _of_folder(account: str, folder: LiveFolder) -> Iterator[Finding]:
    where = f"{account}/{folder.folder}"
    sync = _("Run `archiver sync --account {name}`.").format(name=account)
    if folder.problem:
        yield finding(
            "folder-not-readable",
            "error",
            where,
            _("The folder could not be looked into: {reason}.").format(reason=folder.problem),
            _("Run `archiver account test {name}`.").format(name=account),
        )
        return
    if folder.listed < folder.exists:
        yield finding(
            "list-too-short",
            "error",
            where,
            _("The server says that it has {exists} messages there and lists {listed}.").format(
                exists=folder.exists, listed=folder.listed
            ),
            _("Report it to the provider: what it does not list cannot be fetched."),
        )
    if folder.missing:
        yield finding("missing", "error", where, _missing(folder), sync)
    if folder.waiting:
        message = ngettext(
            "{n} message on the server is known and still to be fetched: UID {uids}.",
            "{n} messages on the server are known and still to be fetched: UIDs {uids}.",
            len(folder.waiting),
        ).format(n=len(folder.waiting), uids=short(folder.waiting))
        postponed = folder.known is not None and not folder.waiting - folder.known.postponed
        yield finding("waiting", "note" if postponed else "error", where, message, sync)
    if folder.new:
        message = ngettext(
            "{n} message has arrived since the last sync.",
            "{n} messages have arrived since the last sync.",
            len(folder.new),
        ).format(n=len(folder.new))
        yield finding("new", "note", where, message, sync)
    yield from _of_vanished(where, folder)


def _of_vanished(where: str, folder: LiveFolder) -> Iterator[Finding]:
    if folder.gone:
        message = ngettext(
            "{n} kept message is no longer on the server: UID {uids}.",
            "{n} kept messages are no longer on the server: UIDs {uids}.",
            len(folder.gone),
        ).format(n=len(folder.gone), uids=short(folder.gone))
        advice = _("Nothing was deleted here; the next sync journals it.")
        yield finding("gone", "note", where, message, advice)
    if folder.back:
        message = ngettext(
            "{n} message that had gone is on the server again: UID {uids}.",
            "{n} messages that had gone are on the server again: UIDs {uids}.",
            len(folder.back),
        ).format(n=len(folder.back), uids=short(folder.back))
        yield finding("back", "note", where, message, _("It was kept all the while."))


def _missing(folder: LiveFolder) -> str:
    if folder.known is None:
        return ngettext(
            "This folder (UIDVALIDITY {epoch}) was never looked into: {n} message is not here.",
            "This folder (UIDVALIDITY {epoch}) was never looked into: {n} messages are not here.",
            len(folder.missing),
        ).format(n=len(folder.missing), epoch=folder.uidvalidity)
    return ngettext(
        "{n} message on the server is not here, and no sync says why: UID {uids}.",
        "{n} messages on the server are not here, and no sync says why: UIDs {uids}.",
        len(folder.missing),
    ).format(n=len(folder.missing), uids=short(folder.missing))
