"""What the ``scan`` entries say of an account: when it was last walked through."""

from datetime import datetime

from archiver.evidence.reader import Reader
from archiver.model.entries import Entry, Scan


def last_scan(evidence: Reader, account: str) -> datetime | None:
    """When the newest ``scan`` entry of ACCOUNT was written; None when there is none."""
    for position in evidence.journal.newest_scans():
        match evidence.entry(position):
            case Entry(payload=Scan(account=name), at=at) if name == account:
                return at
            case _:
                pass
    return None
