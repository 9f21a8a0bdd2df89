"""Up to where in the journal a walk has looked for messages that belong with what was kept.

One position for each account: what came after it, from wherever, may make messages wanted that an
earlier walk left. It moves only when a walk got through and nothing was left to be looked at again.
"""

from archiver.evidence.store import Evidence
from archiver.model.entries import Epoch, FolderChange, Record, Scan, Sighting, Vanished
from archiver.model.sources import ImapSource


def looked_to(evidence: Evidence, account: str, start: int, stop: int) -> int:
    """Return up to where a walk through ACCOUNT has looked, which saw the journal up to START.

    What it kept itself, up to STOP, it has looked around; what others added meanwhile it has not.
    """
    unseen: set[int] = set()  # records of which nobody said yet where they were seen
    for entry in evidence.entries(start, stop):
        match entry.payload:
            case Record():
                unseen.add(entry.position)
            case Sighting(record=record, source=ImapSource(account=name)) if name == account:
                unseen.discard(record)
            case Scan() | Epoch() | Vanished() | FolderChange():
                pass
            case _:
                return min(unseen, default=entry.position)
    return min(unseen, default=stop)
