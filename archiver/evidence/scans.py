"""What the ``scan`` entries say of an account: when it was last walked through, what failed."""

from collections.abc import Mapping
from datetime import datetime

from archiver.evidence.store import Evidence
from archiver.model.entries import Entry, Scan


def last_scan(evidence: Evidence, account: str) -> datetime | None:
    """When the newest ``scan`` entry of ACCOUNT was written; None when there is none."""
    for position in evidence.journal.newest_scans():
        match evidence.entry(position):
            case Entry(payload=Scan(account=name), at=at) if name == account:
                return at
            case _:
                pass
    return None


def unfetched(evidence: Evidence, account: str) -> Mapping[str, frozenset[int]]:
    """Return the UIDs that the last scan of each folder of ACCOUNT could not fetch.

    After a good sync there are none, and no entry is read.
    """
    attempt, good = evidence.last_syncs().get(account, (None, None))
    if attempt == good:
        return {}
    found: dict[str, frozenset[int]] = {}
    for position in evidence.journal.newest_scans():
        match evidence.entry(position):
            case Entry(payload=Scan(account=name, folders=folders)) if name == account:
                for folder in folders:
                    uids = frozenset(uid for uid, _reason in folder.failed)
                    found.setdefault(folder.folder, uids)
            case _:
                pass
    return found
