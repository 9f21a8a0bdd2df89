"""What of the coverage a person should act upon."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta, tzinfo
from gettext import gettext as _
from gettext import ngettext

from archiver.care.coverage.state import AccountState
from archiver.model.coverage import Epoch, OneSided
from archiver.model.findings import Finding, finding
from archiver.model.intervals import Intervals

_LONGEST_SET = 300


def of_accounts(
    states: Collection[AccountState], stale_after: int, now: datetime, zone: tzinfo
) -> Iterator[Finding]:
    """Say of each account what is missing, and whether it goes on; STALE_AFTER in days."""
    for state in states:
        if state.settings is not None and not state.ever:
            yield finding(
                "never-synchronised",
                "warning",
                state.name,
                _("This account was never synchronised: nothing of it is here."),
                _("Run `archiver sync --account {name}`.").format(name=state.name),
            )
        elif state.settings is not None and (
            state.good is None or now - state.good > timedelta(days=stale_after)
        ):
            yield _stale(state, zone)
        for error in state.journal.errors:
            yield finding(
                "folder-failed",
                "error",
                f"{state.name}/{error.folder}",
                _("The folder could not be looked into since {when}: {reason}.").format(
                    when=error.since.astimezone(zone).strftime("%Y-%m-%d %H:%M %z"),
                    reason=error.reason.rstrip("."),
                ),
                _(
                    "Run `archiver sync --account {name}`. If it goes on: `archiver account test "
                    "{name}`, and see whether the folder is named rightly in archive.toml."
                ).format(name=state.name),
            )
        for epoch in state.journal.epochs:
            yield from _of_epoch(state.name, epoch)


def _stale(state: AccountState, zone: tzinfo) -> Finding:
    if state.good is None:
        message = _("No synchronisation of this account ever went well to its end.")
    else:
        message = _("No good synchronisation since {when}.").format(
            when=state.good.astimezone(zone).strftime("%Y-%m-%d %H:%M %z")
        )
    if state.reason:
        message += " " + _("The last attempt failed: {reason}").format(reason=state.reason)
    return finding(
        "stale",
        "warning",
        state.name,
        message,
        _("Run `archiver sync --account {name}` and mend what it tells.").format(name=state.name),
    )


def _of_epoch(account: str, epoch: Epoch) -> Iterator[Finding]:
    where = f"{account}/{epoch.folder}"
    lost = epoch.missed
    if epoch.ended is None:
        yield from _to_be_fetched(account, where, epoch)
    else:
        lost |= epoch.failing | epoch.postponed | epoch.not_reached
    if lost:
        message = ngettext(
            "{n} message was on the server and went before it was fetched: UID {uids}.",
            "{n} messages were on the server and went before they were fetched: UIDs {uids}.",
            len(lost),
        )
        yield finding(
            "missed",
            "warning",
            where,
            message.format(n=len(lost), uids=short(lost)),
            _("Nothing here can bring it back: ask who deleted it, or import a backup."),
        )


def _to_be_fetched(account: str, where: str, epoch: Epoch) -> Iterator[Finding]:
    again = _("Run `archiver sync --account {name}`: each sync tries again.").format(name=account)
    if failing := epoch.failing:
        message = ngettext(
            "{n} message could not be fetched: UID {uids}.",
            "{n} messages could not be fetched: UIDs {uids}.",
            len(failing),
        ).format(n=len(failing), uids=short(failing))
        yield finding("not-fetched", "error", where, message, again)
    if left := epoch.not_reached:
        message = ngettext(
            "{n} message was listed but not fetched: the sync broke off before UID {uids}.",
            "{n} messages were listed but not fetched: the sync broke off before UIDs {uids}.",
            len(left),
        ).format(n=len(left), uids=short(left))
        yield finding("not-reached", "error", where, message, again)
    if epoch.whole is not None and epoch.short:
        yield finding(
            "list-too-short",
            "error",
            where,
            _("The server said that it has {exists} messages there and listed {listed}.").format(
                exists=epoch.exists, listed=epoch.listed
            ),
            _("Compare with `archiver coverage --live`, and report it to the provider."),
        )
    if epoch.postponed:
        message = ngettext(
            "{n} message waits because the day's volume was spent.",
            "{n} messages wait because the day's volume was spent.",
            len(epoch.postponed),
        ).format(n=len(epoch.postponed))
        advice = _("The next sync goes on there; daily_bytes in archive.toml sets the volume.")
        yield finding("postponed", "note", where, message, advice)


def of_sides(both: OneSided, states: Collection[AccountState]) -> Iterator[Finding]:
    """Say where one side of the correspondence is missing, or cannot be told."""
    nameless = {each.name for each in states if each.settings is not None and not each.settings.own}
    names = {each.name for each in states}
    advice = _(
        "Have your mail program store what you send on the server, send yourself a copy (Bcc), or "
        "import its Sent folder with `archiver import`."
    )
    for each in both.sides:
        if each.lopsided and each.account in nameless:
            yield finding(
                "address-unknown",
                "warning",
                each.account,
                _(
                    "No address of ours is known for account {name}: who sent what is unknown."
                ).format(name=each.account),
                _("Run `archiver account edit {name} --address …` with each of them.").format(
                    name=each.account
                ),
            )
        elif each.lopsided and (each.account in names or len(both.sides) == 1):
            message = _(
                "{received} received against {sent} sent: your Sent mail is probably not on this "
                "server."
            ).format(received=each.received, sent=each.sent)
            if not each.in_sent:
                message += " " + _("Nothing was found in a folder for sent mail.")
            yield finding("one-sided", "warning", each.account, message, advice)
    if both.lacking:
        message = ngettext(
            "{n} message of ours was answered and is not in the archive.",
            "{n} messages of ours were answered and are not in the archive.",
            both.lacking,
        ).format(n=both.lacking)
        yield finding("answered-and-lacking", "warning", _("sent mail"), message, advice)


def short(uids: Intervals) -> str:
    """Write UIDS for people: a very long set is cut."""
    text = str(uids)
    return text if len(text) <= _LONGEST_SET else f"{text[:_LONGEST_SET].rpartition(',')[0]},…"
