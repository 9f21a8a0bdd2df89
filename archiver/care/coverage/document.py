"""Coverage as JSON, with stable keys (docs/coverage.md)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from archiver.care.coverage.live import LiveAccount, LiveFolder, NearMiss
from archiver.care.coverage.state import AccountState
from archiver.care.coverage.whole import Coverage
from archiver.model.coverage import Epoch, Failure, Imported, OneSided, Outage, Unkept
from archiver.model.findings import Finding
from archiver.model.intervals import Intervals

SCHEMA = 1


def coverage_json(
    coverage: Coverage, live: Sequence[LiveAccount] | None, findings: Sequence[Finding]
) -> Mapping[str, object]:
    """Return the whole as one JSON document; LIVE: None when no server was asked."""
    period = coverage.period
    found: dict[str, object] = {
        "schema": SCHEMA,
        "at": coverage.now.isoformat(),
        "engagement": coverage.engagement or None,
        "period": {
            "after": period.after.isoformat() if period.after else None,
            "before": period.before.isoformat() if period.before else None,
        },
        "accounts": [_account(each) for each in coverage.accounts],
        "imports": [_import(each) for each in coverage.imports],
        "one_sided": _one_sided(coverage.one_sided),
        "findings": [
            {
                "code": each.code,
                "level": each.level,
                "subject": each.subject,
                "message": each.message,
                "advice": each.advice,
            }
            for each in findings
        ],
    }
    if live is not None:
        found["live"] = [_live(each) for each in live]
    return found


def _account(state: AccountState) -> Mapping[str, object]:
    settings = state.settings
    return {
        "name": state.name,
        "configured": settings is not None,
        "keep": settings.keep if settings else None,
        "only_folders": list(settings.folders) if settings else [],
        "first_scan": _iso(state.journal.first),
        "last_scan": _iso(state.journal.last),
        "last_attempt": _iso(state.attempt),
        "last_good_sync": _iso(state.good),
        "attempts_in_vain": state.attempts,
        "reason": state.reason or None,
        "outages": [_outage(each) for each in state.journal.outages],
        "folder_errors": [
            {"name": each.folder, "reason": each.reason, "since": each.since.isoformat()}
            for each in state.journal.errors
        ],
        "folders": [
            _epoch(each, state.records.get(each.folder, 0)) for each in state.journal.epochs
        ],
        "other_folders": state.others,
    }


def _outage(outage: Outage) -> Mapping[str, object]:
    return {
        "since": _iso(outage.since),
        "until": _iso(outage.until),
        "attempts": outage.attempts,
        "reason": outage.reason or None,
    }


def _epoch(epoch: Epoch, records: int) -> Mapping[str, object]:
    return {
        "name": epoch.folder,
        "uidvalidity": epoch.uidvalidity,
        "role": epoch.role or None,
        "began": _iso(epoch.began),
        "ended": _iso(epoch.ended),
        "changes": [
            {"at": each.at.isoformat(), "change": each.change, "previous": each.previous or None}
            for each in epoch.changes
        ],
        "left_by_rule": epoch.left_by or None,
        "first": _iso(epoch.first),
        "last": _iso(epoch.last),
        "whole": _iso(epoch.whole),
        "exists": epoch.exists,
        "listed": epoch.listed,
        "records": records,
        "looked": _set(epoch.looked),
        "unseen": _set(epoch.unseen),
        "kept": _set(epoch.kept),
        "presumed": _set(epoch.presumed),
        "erased": _set(epoch.erased),
        "unkept": [_unkept(each) for each in epoch.unkept],
        "near": [_unkept(each) for each in epoch.near],
        "failed": [_failure(each) for each in epoch.failed],
        "postponed": _set(epoch.postponed),
        "not_reached": _set(epoch.not_reached),
        "missed": _set(epoch.missed),
        "vanished": [{"at": each.at.isoformat(), **_set(each.uids)} for each in epoch.vanished],
    }


def _set(uids: Intervals) -> dict[str, object]:
    return {"uids": str(uids), "count": len(uids)}


def _unkept(each: Unkept) -> Mapping[str, object]:
    return {"rule": each.rule, "rules": each.rules or None, **_set(each.uids)}


def _failure(each: Failure) -> Mapping[str, object]:
    return {
        "uid": each.uid,
        "reason": each.reason,
        "since": each.since.isoformat(),
        "gone": _iso(each.gone),
    }


def _import(each: Imported) -> Mapping[str, object]:
    return {
        "root": each.root,
        "files": each.files,
        "messages": each.messages,
        "first": each.first.isoformat(),
        "last": each.last.isoformat(),
    }


def _one_sided(both: OneSided) -> Mapping[str, object]:
    return {
        "accounts": [
            {
                "name": each.account or None,
                "received": each.received,
                "sent": each.sent,
                "in_sent_folders": each.in_sent,
            }
            for each in both.sides
        ],
        "lacking": both.lacking,
        "shown": [
            {
                "message_id": each.message_id,
                "by": each.by,
                "answers": [
                    {"digest": answer.digest.hex, "date": answer.date.isoformat()}
                    for answer in each.answers
                ],
            }
            for each in both.shown
        ],
    }


def _live(account: LiveAccount) -> Mapping[str, object]:
    return {
        "name": account.account,
        "problem": account.problem or None,
        "folders": [_live_folder(each) for each in account.folders],
        "left_out": [
            {"name": each.folder, "role": each.role or None, "why": each.why}
            for each in account.left_out
        ],
        "absent": list(account.absent),
        "near": [_near(each) for each in account.near],
    }


def _live_folder(folder: LiveFolder) -> Mapping[str, object]:
    if folder.problem:
        return {"name": folder.folder, "problem": folder.problem}
    return {
        "name": folder.folder,
        "problem": None,
        "uidvalidity": folder.uidvalidity,
        "known": folder.known is not None,
        "exists": folder.exists,
        "listed": folder.listed,
        "new": _set(folder.new),
        "missing": _set(folder.missing),
        "waiting": _set(folder.waiting),
        "gone": _set(folder.gone),
        "back": _set(folder.back),
    }


def _near(each: NearMiss) -> Mapping[str, object]:
    return {
        "folder": each.folder,
        "uid": each.uid,
        "rule": each.rule,
        "date": _iso(each.date),
        "from": each.from_,
        "subject": each.subject,
    }


def _iso(when: datetime | None) -> str | None:
    return when.isoformat() if when else None
