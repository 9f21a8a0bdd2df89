"""Coverage for people: facts and counts, account by account."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, tzinfo
from gettext import gettext as _
from gettext import ngettext

from archiver.accounts import Account
from archiver.care.coverage.findings import short
from archiver.care.coverage.live import LiveAccount, LiveFolder, NearMiss, Why
from archiver.care.coverage.state import AccountState
from archiver.care.coverage.whole import Coverage
from archiver.model.coverage import Change, Epoch, Imported, Lacking, OneSided, Outage

_FEW = 10
"""Outages, answers and the like that are shown; the JSON has all."""

When = Callable[[datetime | None], str]


def present(coverage: Coverage, zone: tzinfo) -> Iterator[str]:
    """Yield the lines of COVERAGE; moments are told in ZONE."""

    def when(moment: datetime | None) -> str:
        return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M %z") if moment else _("never")

    if coverage.engagement:
        yield _("Engagement {slug}, {period}:").format(
            slug=coverage.engagement, period=_period(coverage)
        )
        yield ""
    if not coverage.accounts and not coverage.imports:
        yield _("No account and no file: nothing was looked at yet.")
    for state in coverage.accounts:
        yield from _account(state, coverage.engagement, when)
        yield ""
    if coverage.imports:
        yield _("Imported from files, whose completeness nobody can tell:")
        yield from (_imported(each, when) for each in coverage.imports)
        yield ""
    yield from _both(coverage.one_sided, when)


def _period(coverage: Coverage) -> str:
    after, before = coverage.period.after, coverage.period.before
    if after and before:
        return _("{first} to {last}").format(first=after, last=before)
    if after:
        return _("since {first}").format(first=after)
    return _("until {last}").format(last=before) if before else _("without a period")


def _account(state: AccountState, engagement: str, when: When) -> Iterator[str]:
    yield _account_line(state, when)
    if state.settings is None:
        yield "  " + _("It is no longer in archive.toml.")
    else:
        yield "  " + _policy(state.settings)
    if state.settings is not None and not state.ever:
        yield "  " + _("It was never synchronised.")
    for error in state.journal.errors:
        yield "  " + _("{folder}: could not be looked into since {when}: {reason}").format(
            folder=error.folder, when=when(error.since), reason=error.reason
        )
    for epoch in sorted(state.journal.epochs, key=_order):
        yield from ("  " + line for line in _epoch(epoch, state, engagement, when))
    if state.others:
        line = ngettext(
            "{n} other folder holds no record of the engagement.",
            "{n} other folders hold no record of the engagement.",
            state.others,
        )
        yield "  " + line.format(n=state.others)
    yield from ("  " + line for line in _outages(state.journal.outages, when))


def _account_line(state: AccountState, when: When) -> str:
    """Say when it last went well, and what was tried since."""
    line = _("Account {name}: last good sync: {when}").format(
        name=state.name, when=when(state.good)
    )
    if not state.attempts:
        return line
    tried = ngettext(
        "tried {n} time in vain since, last {when}",
        "tried {n} times in vain since, last {when}",
        state.attempts,
    ).format(n=state.attempts, when=when(state.attempt))
    line = f"{line}; {tried}"
    return f"{line}: {state.reason}" if state.reason else line


def _order(epoch: Epoch) -> tuple[bool, str, str, float]:
    """Put the inbox first, then folders by name, and the newest epoch of each first."""
    began = epoch.began or epoch.first
    age = -began.timestamp() if began is not None else 0.0
    name = epoch.folder
    return name.upper() != "INBOX", name.casefold(), name, age


def _policy(settings: Account) -> str:
    """Say what is looked into on purpose, and what is not."""
    if settings.folders:
        folders = _("only these folders: {names}").format(names=", ".join(settings.folders))
    elif settings.others:
        folders = _("all folders but drafts, outbox and templates")
    else:
        folders = _("all folders but drafts, outbox, templates and those of other people")
    if settings.keep == "engagements":
        return _("Looked into: {folders}; kept: mail of engagements.").format(folders=folders)
    return _("Looked into: {folders}; kept: everything.").format(folders=folders)


def _epoch(epoch: Epoch, state: AccountState, engagement: str, when: When) -> Iterator[str]:
    name = epoch.folder + (f" ({epoch.role})" if epoch.role else "")
    yield _("{folder}, UIDVALIDITY {epoch}: {span}").format(
        folder=name, epoch=epoch.uidvalidity, span=_span(epoch, when)
    )
    if epoch.left_by:
        yield "  " + _("left out whole by the rule {rule}").format(rule=epoch.left_by)
    if engagement:
        count = state.records.get(epoch.folder, 0)
        yield "  " + ngettext(
            "{n} record of the engagement", "{n} records of the engagement", count
        ).format(n=count)
    yield from ("  " + line for line in _sets(epoch, when))
    yield from ("  " + _change(each, when) for each in epoch.changes)


def _span(epoch: Epoch, when: When) -> str:
    if epoch.first is None:
        span = _("no sync has looked at it yet")
    else:
        span = _("{first} to {last}").format(first=when(epoch.first), last=when(epoch.last))
        if epoch.whole is not None:
            span += "; " + _("enumerated whole: {when}").format(when=when(epoch.whole))
    if epoch.ended is not None:
        span += "; " + _("ended: {when}").format(when=when(epoch.ended))
    return span


def _sets(epoch: Epoch, when: When) -> Iterator[str]:
    looked = _("looked at: {n} (UIDs {uids})").format(n=len(epoch.looked), uids=short(epoch.looked))
    if epoch.looked:
        yield looked
    elif epoch.first is not None and not epoch.left_by:
        yield _("looked at: nothing was there")
    named = (
        (_("kept"), epoch.kept),
        (_("presumed by size, date and Message-ID, bytes not read yet"), epoch.presumed),
        (_("erased here"), epoch.erased),
        (_("postponed, the day's volume was spent"), epoch.postponed),
        (_("listed, but the sync broke off before them"), epoch.not_reached),
        (_("gone from the server before they were fetched"), epoch.missed),
        (_("never looked at, below the highest UID"), epoch.unseen),
    )
    for words, uids in named:
        if uids:
            yield _("{label}: {n} (UIDs {uids})").format(label=words, n=len(uids), uids=short(uids))
    for each in epoch.unkept:
        yield _("not kept, rule {rule} of rules {rules}: {n} (UIDs {uids})").format(
            rule=each.rule,
            rules=each.rules[:12] or _("unknown"),
            n=len(each.uids),
            uids=short(each.uids),
        )
    for each in epoch.near:
        yield _("nearly kept, rule {rule}: {n} (UIDs {uids}); --live shows them").format(
            rule=each.rule, n=len(each.uids), uids=short(each.uids)
        )
    for failure in epoch.failed:
        yield _("not fetched: UID {uid} since {when}: {reason}").format(
            uid=failure.uid, when=when(failure.since), reason=failure.reason
        )
    for gone in epoch.vanished:
        yield _("gone from the server, kept here: {n} (UIDs {uids}), noticed {when}").format(
            n=len(gone.uids), uids=short(gone.uids), when=when(gone.at)
        )


def _change(change: Change, when: When) -> str:
    match change.change:
        case "gone":
            return _("no longer listed since {when}").format(when=when(change.at))
        case "back":
            return _("listed again since {when}").format(when=when(change.at))
        case "renamed":
            return _("called {name} until {when}").format(
                name=change.previous, when=when(change.at)
            )


def _outages(outages: Sequence[Outage], when: When) -> Iterator[str]:
    for outage in outages[-_FEW:]:
        line = ngettext(
            "Outage: {since} to {until}, {n} attempt in vain",
            "Outage: {since} to {until}, {n} attempts in vain",
            outage.attempts,
        ).format(
            since=when(outage.since) if outage.since else _("from the beginning"),
            until=when(outage.until),
            n=outage.attempts,
        )
        yield f"{line}: {outage.reason}" if outage.reason else line
    if len(outages) > _FEW:
        yield _("… and {n} more before: --format json has them all").format(n=len(outages) - _FEW)


def _imported(each: Imported, when: When) -> str:
    files = ngettext("{n} file", "{n} files", each.files).format(n=each.files)
    return "  " + ngettext(
        "{root}: {n} message in {files}, {first} to {last}",
        "{root}: {n} messages in {files}, {first} to {last}",
        each.messages,
    ).format(
        root=each.root,
        n=each.messages,
        files=files,
        first=when(each.first),
        last=when(each.last),
    )


def _both(both: OneSided, when: When) -> Iterator[str]:
    for each in both.sides:
        yield _("{label}: {received} received, {sent} sent").format(
            label=each.account or _("All together"), received=each.received, sent=each.sent
        )
    if both.lacking:
        yield ngettext(
            "{n} message of ours was answered and is not in the archive:",
            "{n} messages of ours were answered and are not in the archive:",
            both.lacking,
        ).format(n=both.lacking)
        yield from ("  " + _lacking(each, when) for each in both.shown[:_FEW])
        if both.lacking > _FEW:
            yield "  " + _("… and {n} more: --format json has more of them").format(
                n=both.lacking - _FEW
            )


def _lacking(each: Lacking, when: When) -> str:
    newest = each.answers[0]
    known = {
        "message-id": _("ours by its identifier"),
        "quoted": _("ours by what the answer quotes"),
    }
    return _("<{id}>, {how}, answered by {digest} of {when}").format(
        id=each.message_id,
        how=known[each.by],
        digest=newest.digest.hex[:12],
        when=when(newest.date),
    )


# --- what servers say now ------------------------------------------------------------------------


def present_live(accounts: Sequence[LiveAccount], zone: tzinfo) -> Iterator[str]:
    """Yield what servers say now, and what was nearly kept."""
    for account in accounts:
        yield _("The server of {name} says now:").format(name=account.account)
        if account.problem:
            yield f"  {account.problem}"
        yield from ("  " + _live(each) for each in account.folders)
        for left in account.left_out:
            yield "  " + _("{folder}: not looked into, {why}").format(
                folder=left.folder, why=_why(left.why)
            )
        for each in account.near:
            yield "  " + _near(each, zone)
            yield f"    → {_advice(each.rule)}"
            yield f"    → {_how()}"


def _near(each: NearMiss, zone: tzinfo) -> str:
    if not (each.date or each.from_ or each.subject):
        return _("Nearly kept: {folder} UID {uid}; its headers cannot be read").format(
            folder=each.folder, uid=each.uid
        )
    date = each.date.astimezone(zone).strftime("%Y-%m-%d %H:%M %z") if each.date else ""
    return _("Nearly kept: {folder} UID {uid}, {date}, {sender}: {subject}").format(
        folder=each.folder,
        uid=each.uid,
        date=date or _("no date"),
        sender=each.from_ or _("no sender"),
        subject=each.subject or _("no subject"),
    )


def _live(folder: LiveFolder) -> str:
    if folder.problem:
        return _("{folder}: {problem}").format(folder=folder.folder, problem=folder.problem)
    counts = (
        (_("new"), folder.new),
        (_("missing here"), folder.missing),
        (_("still to be fetched"), folder.waiting),
        (_("gone since"), folder.gone),
        (_("there again"), folder.back),
    )
    told = [
        _("{label}: {count}").format(label=label, count=len(uids)) for label, uids in counts if uids
    ]
    line = ngettext("{folder}: {n} message", "{folder}: {n} messages", folder.exists).format(
        folder=folder.folder, n=folder.exists
    )
    return "; ".join((line, *told)) if told else f"{line}; {_('nothing differs')}"


def _why(why: Why) -> str:
    match why:
        case "role":
            return _("since drafts, outbox and templates were never exchanged")
        case "foreign":
            return _("since it belongs to somebody else (others in archive.toml)")
        case "rule":
            return _("by a rule under [never] in archive.toml")
        case "label":
            return _("since All Mail holds the same messages")
        case "not-named":
            return _("since archive.toml names other folders")


def _advice(rule: str) -> str:
    """Say how a rule that nearly kept a message can be widened."""
    advice = {
        "same-name": _(
            "The name of one of the people, at another address: add the address to them."
        ),
        "other-days": _("An address whose days are over: widen `from` or `until` of the person."),
        "client-elsewhere": _("The client's domain is only among the recipients: add the sender."),
        "like-domain": _("A domain that looks like the client's: add it, if it is theirs."),
        "unreadable-header": _("Its headers could not be read: look at it in a mail program."),
        "reply-to-kept": _("It answers a message that is kept: add its sender to the people."),
    }
    return advice.get(rule, "") or _("Widen a rule of the engagement, if it belongs there.")


def _how() -> str:
    """Name the command by which a rule is widened."""
    return _("`archiver engagement edit SLUG` (or engagements/SLUG.toml), then `archiver sync`.")
